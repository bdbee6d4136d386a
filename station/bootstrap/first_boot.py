"""Composition root of `station rehearse`: a first boot of whatever holds an application.

Takes nothing from a lot, opens no key, keeps nothing. Whether anybody vouches for the content is
said, not decided: a rehearsal is for developers too.
"""

from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from station.adapters.files.atomic import write_file
from station.adapters.files.bundle_archive import FILE_BYTES_MAX
from station.adapters.files.bundle_source import is_source, read_bundle_source
from station.adapters.files.reading import read_file
from station.adapters.files.scenarios import read_scenario
from station.adapters.files.templates import read_template
from station.application.cancel import Cancel
from station.application.mounting import mounted, mounted_image
from station.application.ordering import refuse_clash
from station.application.previewing import EXAMPLE_DOCK_ID, example_of
from station.bootstrap.naming import UNSTATED
from station.bootstrap.rehearsal import drawing, rehearser
from station.bootstrap.station import Station
from station.datastore.partitions import Datastore
from station.datastore.rom_image import MAGIC, RomImage
from station.datastore.volume import Volume, build_common_volume
from station.domain.bundle import EntryKey
from station.domain.entries import Entry, Kind
from station.domain.errors import DocumentRefused, FileUnreadable
from station.domain.identity import DockId, Serial
from station.domain.profile import UnknownImage
from station.domain.rehearsal import Rehearsal
from station.domain.scenario import DEFAULT, Scenario
from station.domain.template import Template

UNSIGNED: Final = "unsigned source: nobody has released it"
UNPROVED: Final = "an image: no signature was looked at, and it may show secrets of its dock"


@dataclass(frozen=True, slots=True)
class FirstBoot:
    """What to rehearse. source: a sealed bundle, the source of one, or an image read back.

    template, serial: unique data of the dock with this serial; both or none. scenario: None for
    the default bench. png: a new file for the picture of the splash; None for none.
    """

    source: Path
    template: Path | None = None
    serial: Serial | None = None
    scenario: Path | None = None
    png: Path | None = None


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """title: of what was rehearsed. proof: who vouches for it, in words."""

    title: str
    proof: str
    scenario: Scenario
    rehearsal: Rehearsal = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Dock:
    """What would be powered up."""

    title: str
    proof: str
    product: str
    dock_id: DockId
    datastore: Datastore


@dataclass(frozen=True, slots=True)
class _Bundle:
    """What every dock gets alike."""

    name: str
    title: str
    proof: str
    product: str
    common: Volume
    replaceable: frozenset[EntryKey]


def rehearse(station: Station, wanted: FirstBoot, *, cancel: Cancel) -> Rehearsed:
    """Power it up and watch.

    Raises what reading the named files raises, DocumentRefused where they do not go together or
    hold no application, RehearsalImpossible, ScreenNotDrawn, Interrupted, and what `write_file`
    raises for the picture.
    """
    scenario = read_scenario(wanted.scenario) if wanted.scenario else DEFAULT
    dock = _dock(station, wanted, scenario.dock_id or EXAMPLE_DOCK_ID)
    if not dock.datastore.names(Kind.CODE):
        raise DocumentRefused(
            f"{wanted.source}: there is no application in it", remedy="Name one that has code."
        )
    with closing(drawing()) as draw:
        if wanted.png:
            draw.start()
        rehearsal = rehearser()(
            dock.datastore,
            scenario,
            dock_id=dock.dock_id,
            unknown_image=_unknown_image(station, dock.product),
            cancel=cancel,
        )
        if wanted.png:
            write_file(wanted.png, [draw(rehearsal.splash)])
    return Rehearsed(dock.title, dock.proof, scenario, rehearsal)


def _dock(station: Station, wanted: FirstBoot, dock_id: DockId) -> _Dock:
    template = read_template(wanted.template).template if wanted.template else None
    if is_source(wanted.source):
        bundle = _read(wanted.source, UNSTATED if template is None else template.product)
    elif (image := _image(wanted.source)) is not None:
        return _read_back(wanted.source, image, template)
    else:
        bundle = _released(station, wanted.source)
    unique: tuple[Entry, ...] = ()
    if template is not None and wanted.serial is not None:
        refuse_clash(
            template,
            name=bundle.name,
            product=bundle.product,
            fixed=bundle.common.keys - bundle.replaceable,
        )
        unique = example_of(template, wanted.serial, dock_id).entries
    datastore = mounted(bundle.common, unique, bundle.replaceable)
    return _Dock(bundle.title, bundle.proof, bundle.product, dock_id, datastore)


def _read(source: Path, unstated_product: str) -> _Bundle:
    read = read_bundle_source(source, unstated_product=unstated_product)
    bundle = read.bundle
    return _Bundle(
        bundle.name,
        f"{bundle.name} {bundle.version} from {read.config}",
        UNSIGNED,
        bundle.product,
        Volume.open_common(build_common_volume(bundle.entries)),
        bundle.replaceable,
    )


def _released(station: Station, path: Path) -> _Bundle:
    bundle = station.shelf.admit(path)
    statement = bundle.statement
    return _Bundle(
        statement.name,
        bundle.title,
        f"released by {bundle.certificate.holder}",
        statement.product,
        bundle.common.volume,
        statement.replaceable,
    )


def _read_back(path: Path, image: RomImage, template: Template | None) -> _Dock:
    if template is not None:
        raise DocumentRefused(
            f"{path}: an image holds the unique data of its dock already",
            remedy="Leave --template and --serial out.",
        )
    protected = image.protected
    title = f"the image of dock {protected.dock_id}"
    return _Dock(title, UNPROVED, protected.product, protected.dock_id, mounted_image(image))


def _image(path: Path) -> RomImage | None:
    """The image in a file that begins as one. Raises ImageRefused for a damaged one."""
    data = memoryview(read_file(path, limit_bytes=FILE_BYTES_MAX))
    return RomImage.parse(data) if data[:4] == MAGIC.to_bytes(4, "little") else None


def _unknown_image(station: Station, product: str) -> UnknownImage:
    """Of the product's dock model; as most docks do for a product no profile knows."""
    try:
        return station.shelf.profile(product).unknown_image
    except FileUnreadable:
        return UnknownImage.RAISE

"""Fuzz target of the datastore: whatever octets it is given, it takes them whole or refuses them.

`fuzz_one` opens its octets as everything the datastore reads: volume, image, runtime partition.
Only the named refusals may come out of it, each in one line that a person can read; what is taken
can be read to its last entry through the vendor's API, and written again it gives the very octets
it was read from.

`python -m tests.fuzz rom-store SECONDS` searches; `python -m tests.fuzz rom-store FILE...` replays.
"""

from collections.abc import Callable
from typing import Final

import cdblib

from station.datastore.acceptance import AcceptedImage
from station.datastore.partitions import Datastore, RomPartition
from station.datastore.rom_image import RomImage
from station.datastore.vendor import open_vendor_api
from station.datastore.volume import Volume, build_common_volume, build_upd_volume
from station.dock import development_image
from station.dock.development_image import Sealing
from station.domain.errors import ImageRefused, Reason
from station.domain.identity import DockId
from station.domain.trust import Usage
from tests.fakes.trust import PRODUCT, fake_signer
from tests.fuzz import runtime_area
from tests.fuzz.recipe import MARK, forged_image
from tests.golden.rom_store import make
from tests.unit.datastore import independent_cdb
from tests.unit.datastore.made_images import DOCK_ID, accepted

CAUSE_CHARACTERS_MAX: Final = 1_000
"""Longest line a refusal may give a person to read."""

GOLDEN_SIGNERS: Final = (
    fake_signer(Usage.RELEASE, secret=make.RELEASE_SECRET, der=make.RELEASE_CERTIFICATE),
    fake_signer(Usage.STATION, secret=make.STATION_SECRET, der=make.STATION_CERTIFICATE),
)

OWN_SEAL: Final = Sealing(bytes(32), DOCK_ID, PRODUCT)
"""Of the dock whose development images are opened."""

_EMPTY_UPD: Final = Volume.open_upd(build_upd_volume((), salt=bytes(32)))
_EMPTY_COMMON: Final = Volume.open_common(build_common_volume(()))


def fuzz_one(data: bytes) -> None:
    """Open `data` every way there is. Raises AssertionError, or whatever a defect raises."""
    if data.startswith(MARK):
        image = forged_image(data[len(MARK) :])
        if image is not None:
            _open_as_image(image, DOCK_ID)
    elif data.startswith(runtime_area.MARK):
        runtime_area.live_with(runtime_area.made_area(data[len(runtime_area.MARK) :]))
    else:
        runtime_area.live_with(data)
    _open_as_volume(data)
    _open_as_image(data, DockId(make.DOCK_ID))


# -- volumes -------------------------------------------------------------------------------------


def _open_as_volume(data: bytes) -> None:
    volume, common, upd = (
        _opened(way, data) for way in (Volume.open, Volume.open_common, Volume.open_upd)
    )
    if volume is None:
        assert common is None and upd is None
        return
    assert (common is None) != (upd is None)
    _written_again(volume, data)
    _read_by_an_application(upd or _EMPTY_UPD, common or _EMPTY_COMMON)


def _opened(way: Callable[[bytes], Volume], data: bytes) -> Volume | None:
    try:
        return way(data)
    except ImageRefused as refused:
        assert refused.reason is Reason.VOLUME, refused.reason
        _readable(refused)
        return None


def _written_again(volume: Volume, data: bytes) -> None:
    """By our own encoder and by the other one, from what an independent reader finds."""
    records: independent_cdb.Records = list(cdblib.Reader(data).iteritems())
    salt = dict(records).get(b"salt\0")
    again = (
        build_common_volume(volume.entries())
        if salt is None
        else build_upd_volume(volume.entries(), salt=salt)
    )
    assert again == data
    assert independent_cdb.encode(records) == data


def _read_by_an_application(upd: Volume, common: Volume) -> None:
    datastore = Datastore((RomPartition(upd, common),))
    api = open_vendor_api(datastore)
    texts, images = api.KvStore(), api.ImageStore()
    for key in texts.list():
        texts.get(key)
    for tag in images.list():
        token = images.get_token(tag)
        assert token is not None
        entry = api.resolve(token)
        assert entry is not None and images.get(tag)[0] == bytearray(entry.data)
    api.CodeStore().info()


# -- images --------------------------------------------------------------------------------------


def _open_as_image(image: bytes, dock_id: DockId) -> None:
    try:
        parsed = RomImage.parse(memoryview(image))
    except ImageRefused as refused:
        _readable(refused)
        assert _accepted(image, dock_id) is None
        _open_as_development_image(image)
        return
    again = (
        parsed.header.encode()
        + bytes(parsed.payload)
        + parsed.protected.encode()
        + parsed.seal_area
    )
    assert again == image
    found = _accepted(image, dock_id)
    if found is not None:
        _read_by_an_application(found.upd, found.common)
    _open_as_development_image(image)


def _open_as_development_image(image: bytes) -> None:
    """As the dock does that made it, and another does not."""
    try:
        found = development_image.accept(memoryview(image), OWN_SEAL, counter_floor=0)
    except ImageRefused as refused:
        _readable(refused)
        return
    assert development_image.is_development_image(memoryview(image))
    _read_by_an_application(found.upd, found.common)


def _accepted(image: bytes, dock_id: DockId) -> AcceptedImage | None:
    try:
        return accepted(image, *GOLDEN_SIGNERS, dock_id=dock_id)
    except ImageRefused as refused:
        _readable(refused)
        return None


def _readable(refused: ImageRefused) -> None:
    """One line, short, and nothing in it that a terminal would obey."""
    assert refused.cause.isprintable(), ascii(refused.cause)
    assert 0 < len(refused.cause) <= CAUSE_CHARACTERS_MAX, len(refused.cause)

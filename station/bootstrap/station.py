"""Composition root of a station: chooses the adapters, joins them and returns a `Station`.

A `Station` answers the verbs of both front ends. It decides nothing: use cases live in
`application`, and everything foreign behind adapters. Parts that need a key are joined only when
a passphrase opened it.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from station.adapters.doctor import KeyFact, Probes, examine
from station.adapters.files import strict_json
from station.adapters.files.atomic import make_folder, write_file
from station.adapters.files.bundle_archive import write_bundle
from station.adapters.files.bundle_source import BundleSource, is_source, read_bundle_source
from station.adapters.files.lots import read_lot
from station.adapters.files.pictures import FilePictures
from station.adapters.files.schemas import Schema, check
from station.adapters.files.shelf import FileShelf
from station.adapters.files.templates import TemplateFile, read_template
from station.adapters.hotplug.watch import PortWatch
from station.adapters.keys.lot_vault import LotVault
from station.adapters.keys.sealed_file import (
    STANDARD_COST,
    KdfCost,
    KeyEntry,
    Purpose,
)
from station.adapters.keys.signer import FileSigner
from station.adapters.machine import (
    CrashPoint,
    SystemChance,
    SystemClock,
    pass_by,
    share_one_heap,
)
from station.adapters.sql.engine import FREE_BYTES_MIN, choose_driver
from station.adapters.sql.ledger_file import LedgerFile, open_ledger
from station.application.cancel import Cancel
from station.application.gate import ReleasedBundle
from station.application.job import Job
from station.application.line import Line
from station.application.ordering import only_running, refuse_misfit
from station.application.ports import Docks, Mark, UnitRow, Watch
from station.application.provisioning import Provisioning, RunOutcome
from station.application.releasing import release
from station.application.reporting import unit_report
from station.application.sealing import Sealing
from station.application.verifying import Verification, verify_unit
from station.bootstrap.keys import DEMO_MARK, Ask, Keys
from station.bootstrap.naming import UNSTATED, Stated, called
from station.bootstrap.rehearsal import (
    children_at_once,
    confinement_words,
    drawing,
    drawing_in_turn,
    rehearser_before,
)
from station.bootstrap.slots import Bench
from station.config import Config, load
from station.datastore.budget import Use
from station.domain.diagnosis import Diagnosis
from station.domain.errors import (
    DocumentRefused,
    Duplicate,
    FileUnreadable,
    KeyRefused,
    OrderNotRunnable,
)
from station.domain.identity import Serial
from station.domain.limits import ROM_STORE_BYTES
from station.domain.order import OrderCounts, StartMode, WorkOrder
from station.domain.secret import Secret
from station.domain.slot_map import SlotPlace
from station.domain.statement import Custody, Tool
from station.domain.trust import Usage
from station.domain.upd import UpdState
from station.rehearsal.drawing import Drawing

DISTRIBUTION: Final = "dock-provisioning-station"
CRASH_AT: Final = "STATION_CRASH_AT"
"""Environment variable naming the crash point at which this process dies (tests only)."""

DEMO_COST: Final = KdfCost(memory_kib=1024, passes=1, lanes=1)
"""Demo keys protect nothing, so opening them may cost nothing."""


def program_version() -> str:
    """Of the installed program."""
    return version(DISTRIBUTION)


@dataclass(frozen=True, slots=True)
class BuiltBundle:
    """A sealed bundle that was just written. use: what it takes of the dock's budget."""

    path: Path
    bundle: ReleasedBundle
    source: BundleSource
    use: Use

    @property
    def warnings(self) -> tuple[str, ...]:
        """One line each: of the source, and of how it packs (dock-sdk.md, Q2)."""
        if not self.use.tight or self.source.use.tight:
            return self.source.warnings
        packed = f"{self.source.config}: takes {self.use.percent} % of the ROM store, packed"
        return (*self.source.warnings, packed)


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What a person states of a new work order; the files are taken into the station's shelf."""

    name: str
    quantity: int
    bundle: Path
    template: Path
    lot: str
    serial_pattern: str = ""
    start_mode: StartMode = StartMode.SCAN
    retry_limit: int = 1
    rehearse: bool = False


@dataclass(slots=True)
class UnlockedStation:
    """A station whose keys a passphrase has opened, until `close`. draw: its screen."""

    book: LedgerFile
    provisioning: Provisioning
    signer: FileSigner
    draw: Drawing

    def close(self) -> None:
        """Forget the keys."""
        self.signer.lock()
        self.draw.close()
        self.book.close()


class Station:
    """One station's state folder, and everything the front ends ask of it."""

    def __init__(
        self,
        config: Config,
        *,
        cost: KdfCost = STANDARD_COST,
        demo: bool = False,
        mark: Mark = pass_by,
    ) -> None:
        self.config = config
        self.demo = demo
        self.clock = SystemClock()
        self.keys = Keys(config, clock=self.clock, cost=cost, demo=demo)
        self._mark = mark
        self._chance = SystemChance()
        self.shelf = FileShelf(
            bundles=config.bundles,
            templates=config.templates,
            profiles=config.profiles,
            authority=lambda: self.keys.authority,
            clock=self.clock,
        )
        self.pictures = FilePictures(config.pictures)
        self.bench = Bench(config.slot_map, config.profiles)

    # -- bundles and templates ---------------------------------------------------------------

    def build_bundle(self, source: Path, out: Path, *, product: str, ask: Ask) -> BuiltBundle:
        """Read a source, build and sign it, write the sealed file and check it through the gate.

        product: of a source that states none; empty where it is expected to.
        """
        read = read_bundle_source(source, unstated_product=product or UNSTATED)
        if read.bundle.product == UNSTATED:
            raise DocumentRefused(
                f"{read.config}: no bundle.yaml beside it states the product",
                remedy="Give it with --product.",
            )
        return self._seal(read, out, ask)

    def _seal(self, read: BundleSource, out: Path, ask: Ask) -> BuiltBundle:
        """Build and sign what was read, write the sealed file and check it through the gate."""
        try:
            self.keys.one(Purpose.RELEASE)
        except KeyRefused as error:
            raise KeyRefused(
                error.cause,
                remedy="Build where the release key is kept, and import the sealed bundle here.",
            ) from error
        signer = self.keys.signer(Usage.RELEASE, ask)
        parts = release(
            read.bundle, signer=signer, budget_bytes=self._budget_bytes(read.bundle.product)
        )
        write_bundle(
            out,
            release_envelope=parts.release_envelope,
            certificate=parts.certificate,
            manifest=parts.manifest,
            common=parts.common,
        )
        return BuiltBundle(out, self.shelf.admit(out), read, parts.use)

    def _budget_bytes(self, product: str) -> int:
        """Of the product's dock model; the general one for a product no profile knows yet."""
        try:
            return self.shelf.profile(product).rom_budget_bytes
        except FileUnreadable:
            return ROM_STORE_BYTES

    def read_bundle(self, source: Path, *, product: str) -> BundleSource:
        """A bundle as its maker keeps it, neither built nor signed.

        product: of a source that states none.
        """
        return read_bundle_source(source, unstated_product=product)

    def import_bundle(self, path: Path) -> ReleasedBundle:
        """Admit a sealed bundle and keep it on the shelf."""
        bundle = self.shelf.admit(path)
        self.shelf.take_bundle(path, bundle)
        return bundle

    def is_source(self, path: Path) -> bool:
        """Whether `path` is to be imported as a source (`import_source`): a folder or YAML."""
        return is_source(path)

    def import_source(
        self, source: Path, stated: Stated, *, out: Path | None, ask: Ask
    ) -> BuiltBundle:
        """Build a bundle from an SDK configuration and keep it on the shelf.

        out: where to write the sealed file, too; a new file. What does not pass leaves both as
        they are.
        """
        read = called(
            read_bundle_source(source, unstated_product=UNSTATED),
            stated,
            known=self.shelf.products(),
        )
        with TemporaryDirectory() as folder:
            built = self._seal(read, out or Path(folder, "made.bundle"), ask)
            kept = self.shelf.take_bundle(built.path, built.bundle)
        return replace(built, path=out or kept)

    def read_template(self, path: Path) -> TemplateFile:
        """A template and where everything in it stands."""
        return read_template(path)

    # -- the ledger ----------------------------------------------------------------------------

    def open_ledger(self, vault: LotVault | None = None) -> LedgerFile:
        """The ledger; without a vault it tells, but takes and gives no unique data."""
        make_folder(self.config.home, mode=0o700)
        return open_ledger(
            self.config.ledger,
            vault=vault,
            clock=self.clock,
            chance=self._chance,
            origin=self.config.origin,
            mark=self._mark,
        )

    def import_lot(
        self, path: Path, *, lot: str, kind: str, product: str, ask: Ask
    ) -> tuple[str, int]:
        """Take a lot into the ledger, encrypted: its id, and how many records were new."""
        read = read_lot(path, lot=lot, kind=kind, product=product)
        with self.open_ledger(self.keys.vault(ask)) as book:
            return read.lot, book.registry.import_lot(
                read.lot, read.kind, read.product, read.records
            )

    def new_order(self, wanted: NewOrder) -> WorkOrder:
        """Take bundle and template onto the shelf and record a PLANNED order.

        A first boot is not asked for where the bundle has no application to boot.
        """
        bundle = self.shelf.admit(wanted.bundle)
        template = read_template(wanted.template).template
        product = bundle.statement.product
        refuse_misfit(template, bundle)
        if template.lot_kinds and not wanted.lot:
            raise OrderNotRunnable(
                f"template {template.name} takes records from a lot, and none is named",
                remedy="Name the lot of the order.",
            )
        order = WorkOrder(
            name=wanted.name,
            product=product,
            quantity=wanted.quantity,
            bundle_sha256=bundle.sha256,
            template_sha256=template.digest,
            lot=wanted.lot,
            serial_pattern=wanted.serial_pattern
            or self.shelf.profile(product).product(product).serial_pattern,
            start_mode=wanted.start_mode,
            retry_limit=wanted.retry_limit,
            rehearse=wanted.rehearse and bundle.has_application,
        )
        with self.open_ledger() as book:
            if any(known.name == order.name for known in book.registry.orders()):
                raise Duplicate(f"a work order {order.name} exists already")
            # Kept before the order is recorded, so that no order names what is not here.
            self.shelf.take_bundle(wanted.bundle, bundle)
            if self.shelf.take_template(wanted.template).digest != order.template_sha256:
                raise DocumentRefused(f"{wanted.template}: changed since it was checked")
            book.registry.add_order(order)
        return order

    def order(self, name: str) -> tuple[WorkOrder, OrderCounts]:
        """An order and how far it has come."""
        with self.open_ledger() as book:
            return book.registry.order(name)

    def orders(self) -> tuple[WorkOrder, ...]:
        """Every order, newest first."""
        with self.open_ledger() as book:
            return book.registry.orders()

    def start_order(self, name: str) -> WorkOrder:
        """Let an order run."""
        with self.open_ledger() as book:
            return book.registry.start_order(name)

    def stock(self, lot: str | None) -> Mapping[UpdState, int]:
        """Records per state."""
        with self.open_ledger() as book:
            return book.registry.stock(lot)

    def unit(self, serial: Serial) -> UnitRow:
        """A unit and its runs."""
        with self.open_ledger() as book:
            return book.registry.unit(serial)

    def report_unit(self, serial: Serial, out: Path) -> tuple[Path, ...]:
        """Write the report of a unit; beside it the signed statement of each of its runs, and the
        splash of each rehearsed first boot."""
        with self.open_ledger() as book:
            documents = unit_report(
                serial,
                registry=book.registry,
                pictures=self.pictures,
                issued_at=self.clock.now_at(),
                issuer=self.issuer,
            )
        name, report = next(iter(documents.items()))
        check(strict_json.parse(report.decode("utf-8"), name=name), Schema.REPORT)
        make_folder(out)
        for name, content in documents.items():
            write_file(out / name, [content], overwrite=True)
        return tuple(out / name for name in documents)

    @property
    def issuer(self) -> str:
        """Who issues a report: station and program version."""
        mark = " (DEMO)" if self.demo else ""
        return f"{self.config.settings.name}{mark}, {DISTRIBUTION} {program_version()}"

    # -- docks ---------------------------------------------------------------------------------

    def unlock(self, ask: Ask, *, docks: Docks | None = None) -> UnlockedStation:
        """Open the station's keys, then the ledger; close what a crash left open.

        docks: in place of the machine's serial ports.
        """
        signer = self.keys.signer(Usage.STATION, ask)
        book = self.open_ledger(self.keys.vault(ask))
        book.ledger.close_found_open(at=self.clock.now_at())
        draw = drawing()
        provisioning = Provisioning(
            docks=docks or self.bench.docks,
            ledger=book.ledger,
            authority=self.keys.authority,
            signer=signer,
            derive=self.keys.derivation(ask),
            rehearse=rehearser_before(draw, children_at_once()),
            draw=drawing_in_turn(draw, children_at_once()),
            pictures=self.pictures,
            seal=Sealing(
                signer=signer,
                station=self.config.settings.name,
                origin=self.config.origin,
                custody=Custody.SEALED_FILE,
                tool=Tool(DISTRIBUTION, program_version()),
            ),
            clock=self.clock,
            chance=self._chance,
            mark=self._mark,
            device_keys=self.keys.devices(ask),
        )
        return UnlockedStation(book, provisioning, signer, draw)

    def provision(
        self,
        serial: Serial,
        *,
        port: str,
        order: str,
        ask: Ask,
        watch: Watch,
        cancel: Cancel,
    ) -> RunOutcome:
        """One run on the dock at `port`, under `order` or the only one that is running."""
        station = self.unlock(ask)
        registry = station.book.registry
        try:
            wanted = registry.order(order)[0] if order else only_running(registry)
            return station.provisioning.run(
                Job.under(
                    wanted,
                    serial,
                    shelf=self.shelf,
                    slot="1",
                    port=port,
                    operator=self.config.settings.operator,
                ),
                watch=watch,
                cancel=cancel,
            )
        finally:
            station.close()

    def verify(
        self, serial: Serial, *, port: str, done: Callable[[int], None], cancel: Cancel
    ) -> Verification:
        """Compare the dock at `port` with the record of a unit that passed."""
        with self.open_ledger() as book:
            product = book.registry.unit(serial).product
            return verify_unit(
                serial,
                port,
                link=self.shelf.profile(product).link,
                docks=self.bench.docks,
                registry=book.registry,
                authority=self.keys.authority,
                done=done,
                cancel=cancel,
                device_keys=self.keys.devices(_opens_no_key),
                chance=self._chance,
            )

    @contextmanager
    def open_line(
        self, places: Sequence[SlotPlace], *, order: str, ask: Ask, changed: Callable[[], None]
    ) -> Iterator[Line]:
        """The line of this station, its slots watched, until the context is left.

        places: of its slots. order: to begin with; empty until one is scanned.
        """
        with (
            self.unwatched_line(places, order=order, ask=ask, changed=changed) as line,
            self.port_watch(places, came=line.attach, left=line.detach),
        ):
            yield line

    def port_watch(
        self,
        places: Sequence[SlotPlace],
        *,
        came: Callable[[int, str], None],
        left: Callable[[int], None],
    ) -> PortWatch:
        """Tells which of these slots have a dock."""
        return self.bench.watch(places, came=came, left=left)

    @contextmanager
    def unwatched_line(
        self, places: Sequence[SlotPlace], *, order: str, ask: Ask, changed: Callable[[], None]
    ) -> Iterator[Line]:
        """The same with nobody who tells it which docks come and go."""
        share_one_heap()  # before a lane has a thread
        unlocked = self.unlock(ask)
        try:
            line = Line(
                station=self.config.settings.name,
                places=places,
                provisioning=unlocked.provisioning,
                registry=unlocked.book.registry,
                shelf=self.shelf,
                clock=self.clock,
                changed=changed,
                operator=self.config.settings.operator,
                demo=self.demo,
            )
            try:
                if order:
                    line.choose_order(order)
                yield line
            finally:
                line.close()
        finally:
            unlocked.close()

    # -- the doctor ----------------------------------------------------------------------------

    def diagnose(self) -> tuple[Diagnosis, ...]:
        """What is missing on this machine; changes nothing."""
        program_and_state = examine(
            self.config.home,
            Probes(
                sqlite=lambda: str(choose_driver().sqlite_version),
                root=self._root_words,
                keys=self._key_facts,
                ledger=self._ledger_words,
                confinement=confinement_words,
            ),
            now_at=self.clock.now_at(),
            free_bytes_min=FREE_BYTES_MIN,
        )
        return (*program_and_state, *self.bench.diagnose())

    def _root_words(self) -> str | None:
        """Where the product roots are, once they have been read; None before the ceremony."""
        if not self.config.roots.exists():
            return None
        _ = self.keys.authority
        return str(self.config.roots)

    def _key_facts(self) -> tuple[KeyFact, ...]:
        """Every key file in words. Raises what makes one of them useless."""
        found = self.keys.listed()
        for error in found.refused:
            raise error
        return tuple(
            KeyFact(one.purpose, one.holder, self.keys.certified(one)) for one in found.keys
        )

    def _ledger_words(self) -> str:
        if not self.config.ledger.exists():
            return "none yet; the first lot or work order makes it"
        with self.open_ledger() as book:
            return f"opens; {len(book.registry.orders())} work orders"


def _opens_no_key(key: KeyEntry) -> Secret:
    raise KeyRefused(f"the {key.purpose} key {key.holder} is not opened for this")


def this_station(*, demo: bool = False) -> Station:
    """The station this process serves, as its configuration and environment say.

    demo: serve as a demo although no ceremony has marked the state folder as one yet.
    """
    config, fatal = load(), os.environ.get(CRASH_AT, "")
    demo = demo or (config.home / DEMO_MARK).exists()
    return Station(
        config,
        cost=DEMO_COST if demo else STANDARD_COST,
        demo=demo,
        mark=CrashPoint(fatal) if fatal else pass_by,
    )

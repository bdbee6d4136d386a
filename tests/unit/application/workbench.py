"""A whole station in one process: real ledger file, firmware in memory, keys of the tests."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from station.adapters.sql.ledger_file import LedgerFile, open_ledger
from station.application.cancel import Cancel
from station.application.gate import ReleasedBundle, admit
from station.application.job import Job
from station.application.ports import DeviceKeys, Docks, Progress, Registry, RunRow, UnitRow
from station.application.proving import NO_DEVICE_KEYS
from station.application.provisioning import Provisioning, RunFacts, RunOutcome
from station.application.releasing import ReleaseParts, release
from station.application.rendering import Derive
from station.application.sealing import Sealing
from station.dock.faults import Fault
from station.domain.bundle import Bundle
from station.domain.derivation import derive_azure_key
from station.domain.entries import APPLICATION_NAME, Entry, Kind, PictureType
from station.domain.identity import DockId, Serial
from station.domain.order import WorkOrder
from station.domain.profile import Assurance, Product, Profile, Stage
from station.domain.release import Version
from station.domain.secret import Secret
from station.domain.statement import Custody, Tool
from station.domain.template import (
    Case,
    Constant,
    DockFact,
    DockValue,
    HmacSha256,
    Kv,
    LotField,
    Scan,
    Template,
    TemplateEntry,
    Text,
    Visibility,
)
from station.domain.trust import Usage
from station.domain.upd import UpdState
from tests.fakes.bundle_archive import FakeSealedBundle
from tests.fakes.chance import SeededChance
from tests.fakes.clock import START_AT, FakeClock
from tests.fakes.ledger import SpyLedger
from tests.fakes.pictures import FakePictures
from tests.fakes.rehearsal import FakeDraw, FakeRehearse
from tests.fakes.serial_link import Board, FakeDocks, Troubles
from tests.fakes.shelf import FakeShelf
from tests.fakes.signer import PullableSigner
from tests.fakes.trust import FakeAuthority, fake_signer
from tests.fakes.vault import FakeVault
from tests.unit.adapters.sql.drivers import raw

PRODUCT: Final = "DK-7F"
LOT: Final = "T-1"
KIND: Final = "enrolment-token"
ORDER: Final = "WO-1"
ORIGIN: Final = "example.com/plant/station-1"
ROM_BYTES: Final = 200_000
TOKENS: Final = 60

RELEASE: Final = fake_signer(Usage.RELEASE, products=(PRODUCT, "DK-8"))
STATION: Final = fake_signer(Usage.STATION, products=(PRODUCT, "DK-8"))
AUTHORITY: Final = FakeAuthority(RELEASE, STATION)

GROUP_KEY: Final = "Z3JvdXAga2V5IG9mIHRoZSB0ZXN0cywgMzIgb2N0ZXRzIQ=="


def bitmap(width: int, height: int) -> bytes:
    """A BMP of 24 bits per pixel ([MS-WMF] 2.2.2); the width is a multiple of 4."""
    pixels = bytes(at * 7 % 251 for at in range(width * 3)) * height
    header = b"BM" + (54 + len(pixels)).to_bytes(4, "little") + bytes(4)
    header += (54).to_bytes(4, "little") + (40).to_bytes(4, "little")
    header += width.to_bytes(4, "little") + height.to_bytes(4, "little")
    header += (1).to_bytes(2, "little") + (24).to_bytes(2, "little") + bytes(24)
    return header + pixels


BUNDLE: Final = Bundle(
    name="welcome",
    version=Version(1, 2, 0),
    product=PRODUCT,
    security_counter=1,
    entries=(
        Entry(Kind.CODE, APPLICATION_NAME, b"import splashscreen\n"),
        Entry(Kind.IMG, "default", bitmap(148, 160), PictureType.BMP),
        Entry(Kind.IMG, "small", bitmap(4, 4), PictureType.BMP),
        Entry(Kind.KV, "content_url", b"https://content.example/"),
        Entry(Kind.KV, "greeting", b"hello"),
    ),
    replaceable=frozenset({(Kind.KV, "greeting")}),
)
"""Two blocks of 64 KiB: the larger picture crosses from one into the other."""

TEMPLATE: Final = Template(
    "basic",
    Version(1, 0, 0),
    PRODUCT,
    (
        TemplateEntry("serial", Scan(), Kv("serial")),
        TemplateEntry("greeting", Constant("good day"), Kv("greeting")),
        TemplateEntry("registration", Text("{serial}", Case.LOWER), Kv("registration_id")),
        TemplateEntry("dock", DockValue(DockFact.DOCK_ID), Kv("dock_id")),
        TemplateEntry(
            "token",
            LotField(KIND, "token"),
            Kv("enrolment_token"),
            secret=True,
            report=Visibility.FINGERPRINT,
        ),
        TemplateEntry(
            "key",
            HmacSha256("group", "registration"),
            Kv("device_key"),
            secret=True,
            report=Visibility.HIDDEN,
        ),
    ),
)


def make_profile(**changes: Any) -> Profile:
    """A dock model of revision C with room for `ROM_BYTES`."""
    made = Profile(
        name="test-dock",
        model="DL-7450",
        products=(Product(PRODUCT, "DK7F-[0-9]{5}", ("C",)), Product("DK-8", "DK8-[0-9]{5}")),
        stage=Stage.DEVELOPMENT,
        assurance=Assurance.D0,
        slots=2,
        slot_bytes=ROM_BYTES + 140_000,
        rom_budget_bytes=ROM_BYTES,
    )
    return replace(made, **changes)


PROFILE: Final = make_profile()


def released(bundle: Bundle = BUNDLE) -> ReleaseParts:
    """What the build side makes of a bundle."""
    return release(bundle, signer=RELEASE, budget_bytes=PROFILE.rom_budget_bytes)


RELEASED: Final = admit(FakeSealedBundle.of(released()), authority=AUTHORITY, at=START_AT)


def make_order(name: str = ORDER, **changes: Any) -> WorkOrder:
    """As many units as there are tokens, one retry, each first boot rehearsed."""
    made = WorkOrder(
        name=name,
        product=PRODUCT,
        quantity=TOKENS,
        bundle_sha256=RELEASED.sha256,
        template_sha256=TEMPLATE.digest,
        lot=LOT,
        serial_pattern="DK7F-[0-9]{5}",
        rehearse=True,
    )
    return replace(made, **changes)


def serial_of(number: int) -> Serial:
    """The label of a test's n-th unit."""
    return Serial(f"DK7F-{number:05d}")


def token_of(number: int) -> str:
    """The n-th token of the lot, from 0; long enough to be found nowhere by chance."""
    return f"token-{number:04d}-0123456789abcdef"


def derived(key: str, text: str) -> Secret:
    """From the group key of the tests, whatever it is called."""
    return derive_azure_key(Secret.from_text(GROUP_KEY), text)


@dataclass
class Workbench:
    """One station and its bench.

    marks: crash points that were passed. seal: makes statements in place of the station's own.
    """

    path: Path
    clock: FakeClock = field(default_factory=FakeClock)
    vault: FakeVault = field(default_factory=FakeVault)
    signer: PullableSigner = field(default_factory=lambda: PullableSigner(STATION))
    marks: list[str] = field(default_factory=list)
    progress: list[Progress] = field(default_factory=list)
    derive: Derive = derived
    seal: Callable[[RunFacts], bytes] | None = None
    rehearse: FakeRehearse = field(default_factory=FakeRehearse)
    draw: FakeDraw = field(default_factory=FakeDraw)
    pictures: FakePictures = field(default_factory=FakePictures)
    device_keys: DeviceKeys = NO_DEVICE_KEYS

    def __post_init__(self) -> None:
        self.docks = FakeDocks(self.clock)
        self.cables: Docks = self.docks
        self.chance = SeededChance(11)
        self.shelf = FakeShelf(bundle=RELEASED, template=TEMPLATE, profile=PROFILE)
        self._open()

    def _open(self) -> None:
        self.file: LedgerFile = open_ledger(
            self.path,
            vault=self.vault,
            clock=self.clock,
            chance=SeededChance(7),
            origin=ORIGIN,
        )
        self.spy = SpyLedger(self.file.ledger)
        self.provisioning = Provisioning(
            docks=self.cables,
            ledger=self.spy,
            authority=AUTHORITY,
            signer=self.signer,
            derive=self._derive,
            rehearse=self.rehearse,
            draw=self.draw,
            pictures=self.pictures,
            seal=self._seal,
            clock=self.clock,
            chance=self.chance,
            mark=self._mark,
            device_keys=self.device_keys,
        )

    def _mark(self, point: str) -> None:
        self.marks.append(point)

    def _derive(self, key: str, text: str) -> Secret:
        return self.derive(key, text)

    def _seal(self, facts: RunFacts) -> bytes:
        sealing = Sealing(
            signer=self.signer,
            station="station-1",
            origin=ORIGIN,
            custody=Custody.SEALED_FILE,
            tool=Tool("dock-provisioning-station", "0.0.0"),
        )
        return (self.seal or sealing)(facts)

    def restart(self) -> tuple[RunRow, ...]:
        """Close the ledger as a crash would and start again: the runs found open."""
        self.file.close()
        self._open()
        return self.file.ledger.close_found_open(at=self.clock.now_at())

    def rewire(self, docks: Docks) -> None:
        """Other cables than the fake ones from now on."""
        self.cables = docks
        self.restart()

    @property
    def registry(self) -> Registry:
        return self.file.registry

    def stock_up(self, *, tokens: int = TOKENS, order: WorkOrder | None = None) -> None:
        """Import a lot and start an order."""
        self.registry.import_lot(
            LOT,
            KIND,
            PRODUCT,
            [{"token": Secret.from_text(token_of(number))} for number in range(tokens)],
        )
        self.start(order or make_order())

    def start(self, order: WorkOrder) -> WorkOrder:
        """Record an order and let it run."""
        self.registry.add_order(order)
        return self.registry.start_order(order.name)

    def plug(
        self, number: int = 1, *faults: Fault, port: str = "/dev/slot-1", **board: Any
    ) -> Troubles:
        """Put the n-th unit's dock on a port."""
        return self.docks.plug(port, make_board(number, *faults, **board))

    def job(self, number: int = 1, **changes: Any) -> Job:
        """The n-th unit on slot 1."""
        made = Job(
            serial=serial_of(number),
            order=ORDER,
            slot="1",
            port="/dev/slot-1",
            operator="0417",
            bundle=RELEASED,
            template=TEMPLATE,
            profile=PROFILE,
            rehearse=True,
        )
        return replace(made, **changes)

    def run(self, number: int = 1, *, cancel: Cancel | None = None, **changes: Any) -> RunOutcome:
        """One run on the n-th unit."""
        return self.provisioning.run(
            self.job(number, **changes),
            watch=self.progress.append,
            cancel=cancel or Cancel(),
        )

    def unit(self, number: int = 1) -> UnitRow:
        """What the ledger says of the n-th unit."""
        return self.registry.unit(serial_of(number))

    @property
    def stock(self) -> dict[UpdState, int]:
        """Records per state, empty states left out."""
        return {state: count for state, count in self.registry.stock(LOT).items() if count}

    def rows(self, query: str) -> list[Any]:
        """What somebody else reads, through a connection of their own."""
        connection = raw(self.path)
        try:
            found: list[Any] = connection.execute(query).fetchall()
        finally:
            connection.close()
        return found


def make_board(number: int, *faults: Fault, **changes: Any) -> Board:
    """The n-th unit's dock, as it comes from the factory of its electronics."""
    made: dict[str, Any] = {
        "dock_id": DockId(bytes([number]) * 32),
        "label": serial_of(number),
        "profile": PROFILE,
        "authority": AUTHORITY,
    }
    return Board(*faults, **(made | changes))


def other_release(name: str = "signage") -> ReleasedBundle:
    """A bundle of the same content under another name."""
    parts = released(replace(BUNDLE, name=name))
    return admit(FakeSealedBundle.of(parts), authority=AUTHORITY, at=START_AT)

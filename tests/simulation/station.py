"""The station on a simulated bench, and docks for it: small images, short ways, no disk."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Final

import pytest

from station.adapters.serial_link import conversation, port
from station.adapters.serial_link.docks import SerialDocks
from station.application.cancel import Cancel
from station.application.gate import admit
from station.application.job import Job
from station.application.ports import Chance, Clock, Docks, Ledger, Mark
from station.application.provisioning import Provisioning, RunOutcome
from station.application.releasing import release
from station.application.sealing import Sealing
from station.dock.factory import FactoryInfo, FactorySector
from station.dock.faults import Fault
from station.dock.flash import Flash, Geometry
from station.dock.layout import Layout
from station.dock.life import Cable as Wires
from station.dock.noise import CableFault
from station.dock.server import DockServer
from station.domain.bundle import Bundle
from station.domain.entries import APPLICATION_NAME, Entry, Kind, PictureType
from station.domain.identity import DockId, Serial
from station.domain.profile import Assurance, Product, Profile, Stage
from station.domain.release import Version
from station.domain.secret import Secret
from station.domain.statement import Custody, Tool
from station.domain.template import Kv, LotField, Scan, Template, TemplateEntry, Visibility
from station.domain.trust import Usage
from station.domain.upd import UpdState
from tests.fakes.bundle_archive import FakeSealedBundle
from tests.fakes.chance import SeededChance
from tests.fakes.clock import START_AT
from tests.fakes.pictures import FakePictures
from tests.fakes.rehearsal import FakeDraw, FakeRehearse
from tests.fakes.trust import FakeAuthority, fake_signer
from tests.simulation.bench import Bench, Cable, Incident, VirtualTime, Way
from tests.simulation.books import Books
from tests.simulation.punctual import PunctualPipeline
from tests.unit.application.workbench import bitmap

PRODUCT: Final = "DK-7F"
KIND: Final = "enrolment-token"
Line = tuple[float | None, float]
"""Bytes per second, None for as fast as it goes; latency in seconds. Each way."""

PLACE: Final = "/dev/serial/by-path/slot-1"
DEVICE: Final = "/dev/ttyACM0"
OTHER_DEVICE: Final = "/dev/ttyACM7"

RELEASE: Final = fake_signer(Usage.RELEASE, products=(PRODUCT,))
STATION: Final = fake_signer(Usage.STATION, products=(PRODUCT,))
AUTHORITY: Final = FakeAuthority(RELEASE, STATION)

IMAGE_BYTES: Final = 74_074
"""Of every image here."""

PROFILE: Final = Profile(
    name="simulated-dock",
    model="DL-7450",
    products=(Product(PRODUCT, "DK7F-[0-9]{5}", ("C",)),),
    stage=Stage.DEVELOPMENT,
    assurance=Assurance.D0,
    slots=2,
    slot_bytes=151_552,
    rom_budget_bytes=16_384,
    runtime_budget_bytes=4_096,
    ephemeral_budget_bytes=4_096,
)

BUNDLE: Final = Bundle(
    name="welcome",
    version=Version(1, 0, 0),
    product=PRODUCT,
    security_counter=1,
    entries=(
        Entry(Kind.CODE, APPLICATION_NAME, b"import splashscreen\n"),
        Entry(Kind.IMG, "small", bitmap(4, 4), PictureType.BMP),
        Entry(Kind.KV, "greeting", b"hello"),
    ),
    replaceable=frozenset(),
)

TEMPLATE: Final = Template(
    "basic",
    Version(1, 0, 0),
    PRODUCT,
    (
        TemplateEntry("serial", Scan(), Kv("serial")),
        TemplateEntry(
            "token",
            LotField(KIND, "token"),
            Kv("enrolment_token"),
            secret=True,
            report=Visibility.FINGERPRINT,
        ),
    ),
)

RELEASED: Final = admit(
    FakeSealedBundle.of(release(BUNDLE, signer=RELEASE, budget_bytes=PROFILE.rom_budget_bytes)),
    authority=AUTHORITY,
    at=START_AT,
)


def serial_of(number: int) -> Serial:
    """The label of the n-th dock."""
    return Serial(f"DK7F-{number:05d}")


def token_of(number: int) -> str:
    """The n-th token, found nowhere by chance and in no two frames."""
    return f"t0ken-{number:04d}"


def joined(
    docks: Docks, ledger: Ledger, *, clock: Clock, chance: Chance, mark: Mark
) -> Provisioning:
    """The use case over these, with keys of the tests and first boots that go well."""
    return Provisioning(
        docks=docks,
        ledger=ledger,
        authority=AUTHORITY,
        signer=STATION,
        derive=_derive_nothing,
        rehearse=FakeRehearse(),
        draw=FakeDraw(),
        pictures=FakePictures(),
        seal=Sealing(
            signer=STATION,
            station="station-1",
            origin="example.com/plant/station-1",
            custody=Custody.SEALED_FILE,
            tool=Tool("dock-provisioning-station", "0.0.0"),
        ),
        clock=clock,
        chance=chance,
        mark=mark,
    )


def job_of(number: int, port: str) -> Job:
    """The n-th dock, on a port."""
    return Job(
        serial=serial_of(number),
        order="",
        slot="1",
        port=port,
        operator="0417",
        bundle=RELEASED,
        template=TEMPLATE,
        profile=PROFILE,
    )


@dataclass
class SimulatedDock:
    """The n-th dock: flash that outlives its firmware.

    label: as in its factory memory; its own number's if None. made_by: whose firmware it has.
    """

    number: int
    faults: tuple[Fault, ...] = ()
    label: Serial | None = None
    profile: Profile = PROFILE
    seed: int = 1
    made_by: type[DockServer] = DockServer
    cells: bytearray = field(init=False)

    def __post_init__(self) -> None:
        self.layout = Layout.of_profile(self.profile)
        self.cells = bytearray(b"\xff" * self.layout.size_bytes)

    @property
    def dock_id(self) -> DockId:
        return DockId(bytes([self.number]) * 32)

    @property
    def digest(self) -> bytes:
        """Of everything its flash holds."""
        return sha256(self.cells).digest()

    def holds(self, image_sha256: bytes, size_bytes: int = IMAGE_BYTES) -> bool:
        """Whether the image with this digest lies in one of its slots, whole."""
        slots = (self.cells[area.offset_bytes : area.end_bytes] for area in self.layout.slots)
        return any(sha256(slot[:size_bytes]).digest() == image_sha256 for slot in slots)

    def __call__(self) -> DockServer:
        """Power it up."""
        flash = Flash(self.cells, Geometry(self.layout.size_bytes))
        info = FactoryInfo(
            self.dock_id, self.label or serial_of(self.number), self.profile.model, "C", PRODUCT
        )
        factory = FactorySector(flash, self.layout.factory)
        factory.install(info)
        return self.made_by(
            flash,
            self.layout,
            profile=self.profile,
            authority=AUTHORITY,
            factory=factory,
            info=info,
            faults=self.faults,
            seed=self.seed,
        )


class SimulatedStation:
    """One station, its bench and its books; `Terminal` is the bench's while it lives.

    ledger: another one than the books in memory. marked: told each point of a run.
    """

    def __init__(
        self,
        patch: pytest.MonkeyPatch,
        *,
        seed: int = 1,
        tokens: Iterable[str] = (token_of(1), token_of(2), token_of(3)),
        ledger: Ledger | None = None,
    ) -> None:
        self.time = VirtualTime()
        self.bench = Bench(self.time)
        self.books = Books(KIND, list(tokens))
        self.marked: Callable[[str], None] = lambda point: None
        patch.setattr(port, "Terminal", self.bench.open_port)
        patch.setattr(conversation, "Pipeline", PunctualPipeline)
        chance = SeededChance(seed)
        self.docks = SerialDocks(clock=self.time, chance=chance)
        self.provisioning = joined(
            self.docks, ledger or self.books, clock=self.time, chance=chance, mark=self._mark
        )

    def plug(
        self,
        dock: SimulatedDock,
        path: str = PLACE,
        *,
        device: str = DEVICE,
        incident: Incident | None = None,
        line: Line = (None, 0.0),
    ) -> Cable:
        """Put a dock on a place of the bench; the faults of its cable are among the dock's."""
        noise = tuple(one for one in dock.faults if isinstance(one, CableFault))
        wires = Wires(*line, noise, dock.seed)
        made = Cable(self.time, device, dock, incident=incident, wires=wires)
        made.heard = self._demand_bound
        return self.bench.plug(path, made)

    def run(self, number: int = 1, *, port: str = PLACE, **changes: Any) -> RunOutcome:
        """One run on the n-th dock."""
        job = job_of(number, port)
        return self.provisioning.run(
            replace(job, **changes), watch=lambda progress: None, cancel=Cancel()
        )

    def _mark(self, point: str) -> None:
        self.marked(point)

    def _demand_bound(self, way: Way, data: bytes) -> None:
        """No octet of a token leaves the station before its record is SENT (promise P2)."""
        for record in self.books.records:
            if way is Way.TO_DOCK and record.token.encode() in data:
                assert record.state in {UpdState.SENT, UpdState.ACTIVE}, record


def _derive_nothing(key: str, text: str) -> Secret:
    raise AssertionError((key, text))

"""What the workflow needs from the world, in the workflow's own words.

Every port is small enough to fake in one file (`tests/fakes/`); `bootstrap.py` alone chooses what
stands behind it. Bytes are bytes; wall-clock times are aware UTC datetimes ending in `_at`;
durations and deadlines are seconds on a monotonic clock ending in `_s`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from station.application.cancel import Cancel
from station.datastore.partitions import Datastore
from station.datastore.plan import Part
from station.datastore.sealed_upd import Binding, SealedUpd
from station.domain.bundle import EntryKey
from station.domain.identity import DockId, Serial
from station.domain.kept_rehearsal import KeptRehearsal
from station.domain.order import OrderCounts, WorkOrder
from station.domain.profile import Assurance, Link, UnknownImage
from station.domain.rehearsal import Rehearsal
from station.domain.run import RunState
from station.domain.scenario import Scenario
from station.domain.secret import Secret
from station.domain.splash import Splash
from station.domain.upd import UpdState
from station.domain.verdict import Check, Disposition, Step, Verdict

# -- time, chance, progress --------------------------------------------------------------------


class Clock(Protocol):
    """Wall time is information; order and deadlines come from the monotonic clock."""

    def now_at(self) -> datetime:
        """Now, aware, in UTC."""

    def monotonic_s(self) -> float:
        """Seconds on a clock that never goes back."""

    def wait(self, seconds: float) -> None:
        """Return once this much has passed on the monotonic clock."""


class Chance(Protocol):
    """Randomness that an attacker cannot predict (seeded in tests)."""

    def octets(self, count: int) -> bytes:
        """`count` random octets."""


class Mark(Protocol):
    """Names a point where a crash must be harmless; the test harness may end the process there."""

    def __call__(self, point: str) -> None:
        """Pass the point called `point`."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a step has come; total_bytes is 0 where a step has no length."""

    step: Step
    done_bytes: int = 0
    total_bytes: int = 0


Watch = Callable[[Progress], None]

# -- the dock ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DockIdentity:
    """What a dock says of itself before anything is written.

    label: the serial its factory memory holds, empty where there is none. counter: the security
    counter it accepts images from. assurance: device-authentication level, D0 to D2. stock: it
    serves only what any SMP server does: it takes an image whole and in order, gives it back as a
    file, proves nothing else and does not answer for its datastore.
    """

    dock_id: DockId
    label: str
    model: str
    hardware: str
    profile: str
    product: str
    counter: int
    assurance: str
    slot_bytes: int
    locked: bool
    stock: bool = False


@dataclass(frozen=True, slots=True)
class DeviceProof:
    """What a dock answers when it is to prove its key. certificate: DER; empty for a shared key."""

    proof: bytes
    certificate: bytes = field(repr=False)


class UpdSeal(Protocol):
    """Seals unique data to one dock, and opens again what it sealed last, until it forgets."""

    def seal(self, volume: bytes, binding: Binding) -> SealedUpd:
        """An UPD volume under a fresh key that only this dock, and this object, can open."""

    def open(self, sealed: SealedUpd, binding: Binding) -> bytes:
        """The volume again. Raises ImageRefused (reason `sealed`) for any other."""

    def forget(self) -> None:
        """Forget the key."""


@dataclass(frozen=True, slots=True)
class ProvedDock:
    """What a dock proved about itself. how: one line a person can read.

    key_id: SHA-256 of its own public key, 32 octets; empty without one. seal: None for a dock that
    unique data cannot be sealed to.
    """

    level: Assurance
    how: str
    key_id: bytes = b""
    seal: UpdSeal | None = field(default=None, repr=False)


class DeviceQuestion(Protocol):
    """One question to one dock. public_key: 32 octets; empty where only a shared key is asked."""

    @property
    def nonce(self) -> bytes:
        """32 octets, never asked before."""

    @property
    def public_key(self) -> bytes:
        """Of a pair made for this question."""

    def judge(self, answer: DeviceProof, *, at: datetime) -> ProvedDock:
        """What the answer proves. at: now, for certificates. Raises DockNotProved."""


class DeviceKeys(Protocol):
    """What the station knows of the keys in docks."""

    def question(self, identity: DockIdentity, product: str, nonce: bytes) -> DeviceQuestion:
        """What proves the level that `identity` claims; not D0, which claims nothing.

        Raises KeyRefused where this station cannot tell: no shared key, no root pinned.
        """


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of a plan at their place in the image.

    shared: SHA-256 of the data where every dock of a bundle gets the same; empty for what is one
    dock's alone.
    """

    offset_bytes: int
    data: bytes | memoryview = field(repr=False)
    shared: bytes = b""


@dataclass(frozen=True, slots=True)
class SlotState:
    """The image a dock runs: its length, SHA-256 over its bytes as written, and whether it will
    stay. Without an image the length is 0 and the digest empty.

    signed_sha256: what MCUboot calls the image's hash, by which a stock dock names it; such a dock
    has no digest of all its bytes.
    """

    size_bytes: int
    image_sha256: bytes
    confirmed: bool
    signed_sha256: bytes = b""


@dataclass(frozen=True, slots=True)
class DockAnswers:
    """The dock's own datastore, asked entry by entry through its runtime.

    pictures: tag to (type, size in bytes, SHA-256). code_checksum: CRC-32, None without code.
    proofs: of entries whose content it does not tell, to (type of a picture, else empty; proof).
    withheld: of entries it was asked to tell and does not.
    """

    values: Mapping[str, str] = field(repr=False)
    pictures: Mapping[str, tuple[str, int, bytes]]
    code_checksum: int | None
    proofs: Mapping[EntryKey, tuple[str, bytes]] = field(default_factory=dict)
    withheld: Set[EntryKey] = frozenset()


class CommitRefused(Exception):
    """The dock looked at the finished image and said no; `reason` is its word for why.

    An answer, not silence: the workflow turns it into a finding.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Dock(Protocol):
    """An open conversation with one dock. Every method raises LinkError when it cannot tell.

    One whose identity is `stock` has no way to prove its key, to tell digests of blocks, to answer
    a challenge or for its datastore: it raises NoWayToProve.
    """

    def identify(self) -> DockIdentity:
        """Ask who it is; changes nothing on the dock."""

    def prove(self, nonce: bytes, public_key: bytes) -> DeviceProof:
        """Have it prove its device key. public_key: see `DeviceQuestion`.

        Raises DockNotProved where it says that it has none.
        """

    def begin(self, size_bytes: int, common: Sequence[Part]) -> None:
        """Clear the other slot, copying into it the blocks the dock already holds and proves.

        Raises CommitRefused where the dock is locked or the size does not fit.
        """

    def digests(self, blocks: Sequence[Part]) -> tuple[bytes, ...]:
        """SHA-256 of what the other slot now holds in each block's place."""

    def write(
        self, pieces: Iterable[Piece], *, done: Callable[[int], None], cancel: Cancel
    ) -> None:
        """Write into the other slot; `done` is told how many bytes have been acknowledged.

        A stock dock takes the whole image at once, in address order. Raises CommitRefused.
        """

    def commit(self, size_bytes: int, image_sha256: bytes) -> None:
        """Let the dock check the image whole and mark it for the next start.

        Raises CommitRefused.
        """

    def factory_reset(self) -> None:
        """Empty what was written in the field, restart the dock, and open the conversation again
        on the same place of the bench. A dock without such partitions is only restarted, and so is
        a stock dock, which has no way to empty them."""

    def challenge(self, nonce: bytes, blocks: Sequence[Part]) -> bytes:
        """SHA-256 over `nonce` and the content of the active slot in these ranges."""

    def read_back(
        self,
        offset_bytes: int,
        size_bytes: int,
        *,
        done: Callable[[int], None],
        cancel: Cancel,
    ) -> Iterator[Piece]:
        """Every byte of this range of the active slot, in any order, each once."""

    def slot_state(self) -> SlotState:
        """The active image and whether it is confirmed."""

    def answers(self, *, sealed: Set[EntryKey] = frozenset(), nonce: bytes = b"") -> DockAnswers:
        """The dock's datastore as its own runtime answers it.

        sealed: entries whose content it does not tell; it proves them for `nonce` (32 octets).
        """

    def confirm(self, image_sha256: bytes) -> None:
        """Make the active image stay if it is this one; `slot_state` tells what came of it."""


class Docks(Protocol):
    """The cables of the bench."""

    def open(self, port: str, link: Link) -> AbstractContextManager[Dock]:
        """Begin a conversation on `port`. link: what its wire carries, from the dock's profile.

        Raises NoDock, PortBusy or another LinkError.
        """


# -- the first boot, rehearsed -----------------------------------------------------------------


class Rehearse(Protocol):
    """Runs the application of a datastore on a scripted bench, in a confined process."""

    def __call__(
        self,
        datastore: Datastore,
        scenario: Scenario,
        *,
        dock_id: DockId,
        unknown_image: UnknownImage,
        cancel: Cancel,
    ) -> Rehearsal:
        """What came of it; whatever the application does, within limits of time and memory.

        Raises ValueError for a datastore without code, RehearsalImpossible where this machine
        cannot confine it, and Interrupted.
        """


class Draw(Protocol):
    """Draws what a dock shows, in a process that never runs an application."""

    def __call__(self, splash: Splash) -> bytes:
        """A PNG of 1920 x 1080; the same for the same splash and fonts. Raises ScreenNotDrawn."""


class Pictures(Protocol):
    """Pictures of splash screens, found by what they show."""

    def keep(self, picture: bytes) -> None:
        """Keep a PNG, once however often it is given, for as long as there is room for it.

        Raises RecordNotDurable.
        """

    def find(self, digest: bytes) -> bytes | None:
        """The picture with this SHA-256; None where it is not kept, or no longer whole."""


# -- the ledger --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RecordName:
    """What a sealed UPD record is bound to: its ciphertext opens under no other name."""

    product: str
    lot: str
    record_id: str


@dataclass(frozen=True, slots=True)
class SealedRecord:
    """A UPD record at rest. Destroying wrapped_key destroys the values for good."""

    wrapped_key: bytes
    ciphertext: bytes


class Vault(Protocol):
    """Keeps UPD values as ciphertext: a key per record, wrapped by a key per lot.

    Raises KeyRefused while the lot key is locked, or where a ciphertext does not belong to its
    name.
    """

    def new_lot_key(self, product: str, lot: str) -> bytes:
        """A fresh key for one lot, wrapped; the ledger stores it beside the lot."""

    def seal(self, lot_key: bytes, name: RecordName, content: bytes) -> SealedRecord:
        """Encrypt one record's content under a fresh key of its own."""

    def open(self, lot_key: bytes, name: RecordName, sealed: SealedRecord) -> Secret:
        """The content again. Raises KeyRefused where its key was destroyed."""

    def fingerprint(self, content: bytes) -> bytes:
        """Keyed fingerprint, 32 octets: equal contents give equal fingerprints, and without the
        lot key nobody can test a guess."""


@dataclass(frozen=True, slots=True)
class RunOpening:
    """What is committed before the first byte that could change a dock.

    order: name of the work order, empty for a single run outside any order.
    """

    serial: Serial
    order: str
    slot: str
    port: str
    operator: str
    bundle_sha256: bytes
    template_sha256: bytes
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run the ledger holds open. number: 1 for the first run of its unit. open_leaf: index of
    its OPEN record in the log."""

    run_id: str
    number: int
    earlier_runs: tuple[str, ...]
    open_leaf: int


@dataclass(frozen=True, slots=True)
class HeldRecord:
    """A UPD record this run holds. values: field name to value, opened for this run only.

    fingerprint: keyed, 32 octets; the only trace of the values that leaves the ledger.
    """

    record_id: str
    kind: str
    state: UpdState
    fingerprint: bytes
    values: Mapping[str, Secret] = field(repr=False)


@dataclass(frozen=True, slots=True)
class RunClosing:
    """Everything the closing commit carries.

    envelope: the signed statement (DSSE), empty where the key was still locked. seconds: step to
    duration. image_sha256: of the plan, empty where none was sealed. rehearsal: None where none
    was made.
    """

    verdict: Verdict
    code: str
    cause: str
    checks: tuple[Check, ...]
    rehearsal: KeptRehearsal | None
    seconds: Mapping[Step, float]
    image_sha256: bytes
    bytes_written: int
    bytes_read: int
    envelope: bytes = field(repr=False)
    closed_at: datetime


@dataclass(frozen=True, slots=True)
class ClosedRun:
    """What the ledger made of a closed run. leaf: index of its record in the log."""

    run_id: str
    verdict: Verdict
    disposition: Disposition
    leaf: int


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as it is shown and reported. rehearsal: None where none was made."""

    run_id: str
    serial: str
    order: str
    number: int
    state: RunState
    verdict: Verdict | None
    code: str
    cause: str
    slot: str
    port: str
    operator: str
    dock_id: bytes
    bundle_sha256: bytes
    template_sha256: bytes
    image_sha256: bytes
    bytes_written: int
    bytes_read: int
    opened_at: datetime
    closed_at: datetime | None
    seconds: Mapping[str, float]
    checks: tuple[Check, ...]
    rehearsal: KeptRehearsal | None
    envelope: bytes = field(repr=False)
    open_leaf: int
    close_leaf: int | None


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A unit and its runs, oldest first. dock_id is empty until something unique was sent."""

    serial: str
    product: str
    disposition: Disposition
    ncr: str
    dock_id: bytes
    runs: tuple[RunRow, ...]
    records: tuple[tuple[str, str, UpdState, bytes], ...]
    """(record id, kind, state, fingerprint) of every record bound to it."""


@dataclass(frozen=True, slots=True)
class LogProof:
    """Proof that one record is in the log. Hashes are 32 octets each."""

    origin: str
    size: int
    root: bytes
    index: int
    record: bytes
    hashes: tuple[bytes, ...]


class Ledger(Protocol):
    """Durable memory. Every method is one commit; it returns only when the commit is durable.

    Any of them raises RecordNotDurable when the disk or database fails.
    """

    def open_run(self, opening: RunOpening) -> OpenRun:
        """State OPEN. Raises OnHold, AlreadyDone, InAnotherSlot, NotInOrder, OrderComplete or
        OrderNotRunnable; then no run was opened."""

    def identify_run(self, run_id: str, identity: DockIdentity) -> None:
        """State IDENTIFIED; claims the dock id for this run.

        Raises InAnotherSlot where another open run holds it, AlreadyDone where the dock has
        ACTIVE records, LabelMismatch where unit and dock id were bound otherwise before.
        """

    def hold_records(self, run_id: str, kinds: Sequence[str]) -> tuple[HeldRecord, ...]:
        """One record of each kind, in the order asked.

        SENT records of this dock id are reused and nothing else is taken for their kinds; others
        are reserved (state HOLDING). Raises NoTokens, having taken nothing.
        """

    def enter(self, run_id: str, state: RunState) -> None:
        """Commit that the run entered `state` (SENDING also makes its records SENT and binds
        serial and dock id)."""

    def close_run(self, run_id: str, closing: RunClosing) -> ClosedRun:
        """State CLOSED, in one transaction with everything that follows from it.

        Raises OrderComplete where this PASS would over-run its order.
        """

    def close_found_open(self, *, at: datetime) -> tuple[RunRow, ...]:
        """Close every run a crash left open as ABORTED; which ones."""


class Registry(Protocol):
    """Orders, lots and units: what people look at, and enter before a run."""

    def add_order(self, order: WorkOrder) -> None:
        """Record a new order. Raises Duplicate."""

    def start_order(self, name: str) -> WorkOrder:
        """PLANNED to RUNNING. Raises NotInOrder, OrderNotRunnable."""

    def order(self, name: str) -> tuple[WorkOrder, OrderCounts]:
        """Raises NotInOrder for an unknown name."""

    def orders(self) -> tuple[WorkOrder, ...]:
        """Every order, newest first."""

    def import_lot(
        self, lot: str, kind: str, product: str, records: Sequence[Mapping[str, Secret]]
    ) -> int:
        """Store a lot encrypted, in one transaction; how many records are new.

        A lot id that is already recorded with the same content changes nothing (0). Raises
        Duplicate where the content differs, or a record is already known.
        """

    def stock(self, lot: str | None = None) -> Mapping[UpdState, int]:
        """Records per state, of one lot or of all; every state is a key."""

    def lots(self) -> tuple[tuple[str, str, str, Mapping[UpdState, int]], ...]:
        """(lot, kind, product, records per state), oldest first."""

    def unit(self, serial: Serial) -> UnitRow:
        """Raises NotInOrder for an unknown serial."""

    def units(self, order: str) -> tuple[UnitRow, ...]:
        """Every unit of an order, in the order of their first run."""

    def prove(self, leaf: int) -> LogProof:
        """Inclusion proof of one record in the log as it is now."""

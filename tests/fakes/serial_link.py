"""Docks in memory: the virtual dock's firmware joined to the protocol's client, without a port.

Both ends are sans-I/O, so a whole run takes no time but its own arithmetic. What the cable does
wrong is said by `Troubles`; what the dock does wrong, by the faults of its firmware.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, TypeVar

from station.application.cancel import Cancel
from station.application.ports import (
    CommitRefused,
    DeviceProof,
    DockAnswers,
    DockIdentity,
    Piece,
    SlotState,
)
from station.datastore.plan import Part
from station.dock.device_key import DeviceKey
from station.dock.factory import FactoryInfo, FactorySector
from station.dock.faults import Fault
from station.dock.flash import Flash, Geometry
from station.dock.layout import Layout
from station.dock.server import DockServer, PulledOut
from station.dock.stock_groups import ALL_GROUPS
from station.domain.bundle import EntryKey
from station.domain.entries import Kind
from station.domain.errors import DockNotProved, LinkLost, NoDock, PortBusy
from station.domain.identity import DockId, Serial
from station.domain.profile import Link, Profile
from station.protocol import datastore_group as ds
from station.protocol.client import Answered, Connection, Pipeline
from station.protocol.errors import DockRefused
from station.protocol.os_group import Parameters
from station.protocol.shape import Request, Shape
from tests.fakes.clock import FakeClock
from tests.fakes.trust import FakeAuthority

A = TypeVar("A", bound=Shape)

ALWAYS: Final = 1_000_000
"""As often as a test can ask."""

CALL_S: Final = 0.001
"""What every call takes on the bench's clock."""

_REFUSALS: Final = {
    ds.DatastoreCode.LOCKED: "locked",
    ds.DatastoreCode.TOO_LARGE: "size",
    ds.DatastoreCode.FLASH_FAILED: "flash",
}


class Board:
    """One dock: its flash, which outlives every conversation, and the firmware on it.

    blank: its factory memory holds no label (the firmware's own always does).
    """

    def __init__(
        self,
        *faults: Fault,
        dock_id: DockId,
        label: Serial,
        profile: Profile,
        authority: FakeAuthority,
        hardware: str = "C",
        product: str = "",
        seed: int = 1,
        blank: bool = False,
        device_key: DeviceKey | None = None,
        groups: Collection[int] = ALL_GROUPS,
        rom_file: bool = True,
    ) -> None:
        layout = Layout.of_profile(profile)
        flash = Flash(bytearray(b"\xff" * layout.size_bytes), Geometry(layout.size_bytes))
        info = FactoryInfo(
            dock_id, label, profile.model, hardware, product or profile.products[0].name
        )
        factory = FactorySector(flash, layout.factory)
        factory.install(info, device_key)
        self.blank = blank
        self.server = DockServer(
            flash,
            layout,
            profile=profile,
            authority=authority,
            factory=factory,
            info=info,
            faults=faults,
            seed=seed,
            groups=groups,
            rom_file=rom_file,
        )


@dataclass
class Troubles:
    """What goes wrong on one cable; nothing, as made.

    lose_at: number of the call, from 0, instead of which the link is lost for good. hurts: offset
    in the image to how often a byte written there arrives flipped. misreads: the same for bytes
    read. refusals: answers to the next commits, in place of the dock's own. wrong_nonce: the
    challenge is answered for another nonce. answers: what becomes of the datastore's answers.
    forgets: to confirm changes nothing. before: told the name of each call. sent: told each piece
    before it is written.
    """

    lose_at: int | None = None
    hurts: dict[int, int] = field(default_factory=dict)
    misreads: dict[int, int] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)
    wrong_nonce: bool = False
    answers: Callable[[DockAnswers], DockAnswers] = lambda answers: answers
    forgets: bool = False
    before: Callable[[str], None] = lambda name: None
    sent: Callable[[Piece], None] = lambda piece: None
    calls: list[str] = field(default_factory=list)

    def pass_by(self, name: str) -> None:
        """A call is about to be made. Raises LinkLost."""
        number = len(self.calls)
        self.calls.append(name)
        self.before(name)
        if self.lose_at is not None and number >= self.lose_at:
            raise LinkLost(f"the fake link was lost at {name}")


@dataclass
class Nest:
    """One place of the bench, with the dock and the cable in it."""

    board: Board
    troubles: Troubles
    held: bool = False
    pulled: bool = False


class FakeDocks:
    """`application.ports.Docks`. A dock is on a port once it was plugged in.

    links: with which of them every conversation was begun.
    """

    def __init__(self, clock: FakeClock | None = None) -> None:
        self._clock = clock
        self._nests: dict[str, Nest] = {}
        self.links: list[tuple[str, Link]] = []

    def plug(self, port: str, board: Board, troubles: Troubles | None = None) -> Troubles:
        """Put a dock on a port; what goes wrong there."""
        nest = Nest(board, troubles or Troubles())
        self._nests[port] = nest
        return nest.troubles

    def troubles(self, port: str) -> Troubles:
        """What goes wrong on a port."""
        return self._nests[port].troubles

    def pull(self, port: str) -> None:
        """Take the dock away, whoever talks to it."""
        self._nests.pop(port).pulled = True

    @contextmanager
    def open(self, port: str, link: Link) -> Iterator["FakeDock"]:
        """See `Docks`."""
        self.links.append((port, link))
        if port not in self._nests:
            raise NoDock(f"there is no {port}")
        nest = self._nests[port]
        if nest.held:
            raise PortBusy(f"{port} is held by another conversation")
        nest.held = True
        try:
            yield FakeDock(nest, self._clock)
        finally:
            nest.held = False
            nest.board.server.client_left()


class FakeDock:
    """`application.ports.Dock` over the firmware itself."""

    def __init__(self, nest: Nest, clock: FakeClock | None) -> None:
        self._nest = nest
        self._troubles = nest.troubles
        self._clock = clock
        self._connection = Connection()

    def identify(self) -> DockIdentity:
        """See `Dock`."""
        self._pass_by("identify")
        self._connection.learn(self._ask(Parameters()))
        found = self._ask(ds.Identify())
        return DockIdentity(
            dock_id=DockId(found.dock_id),
            label="" if self._nest.board.blank else found.label,
            model=found.model,
            hardware=found.hardware_revision,
            profile=found.profile,
            product=found.product,
            counter=found.security_counter,
            assurance=found.assurance,
            slot_bytes=found.slot_size,
            locked=found.locked,
        )

    def prove(self, nonce: bytes, public_key: bytes) -> DeviceProof:
        """See `Dock`."""
        self._pass_by("prove")
        try:
            answer = self._ask(ds.Prove(nonce, public_key or None))
        except DockRefused as refused:
            raise DockNotProved("it says that it has none") from refused
        return DeviceProof(answer.proof, answer.certificate or b"")

    def begin(self, size_bytes: int, common: Sequence[Part]) -> None:
        """See `Dock`."""
        self._pass_by("begin")
        with _refusals():
            self._ask(ds.Begin(size_bytes))
            for block in common:
                self._ask(ds.Copy(block.offset_bytes, block.size_bytes, (block.digest,)))

    def digests(self, blocks: Sequence[Part]) -> tuple[bytes, ...]:
        """See `Dock`."""
        self._pass_by("digests")
        return tuple(
            self._ask(
                ds.BlockDigests(
                    ds.Slot.OTHER, block.offset_bytes, block.size_bytes, block.size_bytes
                )
            ).digests[0]
            for block in blocks
        )

    def write(
        self, pieces: Iterable[Piece], *, done: Callable[[int], None], cancel: Cancel
    ) -> None:
        """See `Dock`."""
        self._pass_by("write")
        for piece in pieces:
            cancel.check()
            self._pass_by("write a piece")
            self._troubles.sent(piece)
            data = _flipped(piece.offset_bytes, piece.data, self._troubles.hurts)
            requests = ds.write_requests(
                piece.offset_bytes, data, message_max=self._connection.message_max
            )
            with _refusals():
                list(self._series(requests))
            done(len(piece.data))

    def commit(self, size_bytes: int, image_sha256: bytes) -> None:
        """See `Dock`."""
        self._pass_by("commit")
        if self._troubles.refusals:
            raise CommitRefused(self._troubles.refusals.pop(0))
        with _refusals():
            answer = self._ask(ds.Commit(size_bytes, image_sha256))
        if not answer.accepted:
            raise CommitRefused(answer.reason)

    def factory_reset(self) -> None:
        """See `Dock`."""
        self._pass_by("factory reset")
        self._ask(ds.FactoryReset())
        self._nest.board.server.restart()
        self._connection = Connection()
        self._connection.learn(self._ask(Parameters()))

    def challenge(self, nonce: bytes, blocks: Sequence[Part]) -> bytes:
        """See `Dock`."""
        self._pass_by("challenge")
        ranges = tuple(ds.Range(block.offset_bytes, block.size_bytes) for block in blocks)
        asked = nonce[::-1] if self._troubles.wrong_nonce else nonce
        return self._ask(ds.Challenge(ds.Slot.ACTIVE, asked, ranges)).digest

    def read_back(
        self,
        offset_bytes: int,
        size_bytes: int,
        *,
        done: Callable[[int], None],
        cancel: Cancel,
    ) -> Iterator[Piece]:
        """See `Dock`."""
        self._pass_by("read back")
        requests = ds.read_requests(
            ds.Slot.ACTIVE, offset_bytes, size_bytes, message_max=self._connection.message_max
        )
        for answered in self._series(requests):
            cancel.check()
            self._pass_by("read a piece")
            offset, data = answered.answer.offset, answered.answer.data
            done(len(data))
            yield Piece(offset, _flipped(offset, data, self._troubles.misreads))

    def slot_state(self) -> SlotState:
        """See `Dock`."""
        self._pass_by("slot state")
        active = self._ask(ds.SlotState()).active
        if active is None:
            return SlotState(0, b"", confirmed=False)
        return SlotState(active.size, active.digest, confirmed=active.confirmed)

    def answers(self, *, sealed: Set[EntryKey] = frozenset(), nonce: bytes = b"") -> DockAnswers:
        """See `Dock`."""
        self._pass_by("answers")
        values: dict[str, str] = {}
        pictures: dict[str, tuple[str, int, bytes]] = {}
        proofs: dict[EntryKey, tuple[str, bytes]] = {}
        withheld: set[EntryKey] = set()
        for name in self._ask(ds.Names(ds.Listed.KEY_VALUE)).names:
            if (Kind.KV, name) in sealed:
                proof = self._ask(ds.EntryProof(ds.Listed.KEY_VALUE, name, nonce))
                proofs[Kind.KV, name] = (proof.type or "", proof.proof)
                continue
            try:
                entry = self._ask(ds.Entry(ds.Listed.KEY_VALUE, name, 0, 2_048))
            except DockRefused as refused:
                if refused.rc != ds.DatastoreCode.SEALED:
                    raise
                withheld.add((Kind.KV, name))
                continue
            values[name] = bytes(entry.data).decode("utf-8")
        for tag in self._ask(ds.Names(ds.Listed.IMAGE)).names:
            if (Kind.IMG, tag) in sealed:
                proof = self._ask(ds.EntryProof(ds.Listed.IMAGE, tag, nonce))
                proofs[Kind.IMG, tag] = (proof.type or "", proof.proof)
                continue
            picture = self._ask(ds.Entry(ds.Listed.IMAGE, tag))
            pictures[tag] = (picture.type or "", picture.size, picture.digest)
        return self._troubles.answers(
            DockAnswers(values, pictures, self._checksum(), proofs, withheld)
        )

    def confirm(self, image_sha256: bytes) -> None:
        """See `Dock`."""
        self._pass_by("confirm")
        if self._troubles.forgets:
            return
        try:
            self._ask(ds.Confirm(image_sha256))
        except DockRefused as refused:
            if refused.rc != ds.DatastoreCode.OTHER_IMAGE:
                raise

    def _checksum(self) -> int | None:
        try:
            return self._ask(ds.CodeInfo()).checksum
        except DockRefused as refused:
            if refused.rc != ds.DatastoreCode.NO_ENTRY:
                raise
            return None

    def _pass_by(self, name: str) -> None:
        if self._clock is not None:
            self._clock.pass_s(CALL_S)
        self._troubles.pass_by(name)

    def _ask(self, request: Request[A]) -> A:
        (answered,) = self._series([request])
        return answered.answer

    def _series(self, requests: Iterable[Request[A]]) -> Iterator[Answered[A]]:
        """Carry a pipeline to its end; time passes only while nothing is said."""
        now_s = 0.0
        server = self._nest.board.server
        talk = Pipeline(self._connection, requests, deadline_s=100.0)
        while not talk.finished:
            if self._nest.pulled:
                raise LinkLost("the fake dock was pulled out")
            sent = talk.to_send(now_s)
            answers = server.receive(sent) if sent else b""
            if isinstance(server.wants, PulledOut):
                server.wants = None
                self._nest.pulled = True
            if not answers:
                now_s = talk.wake_at_s
            yield from talk.receive(answers, now_s)


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except DockRefused as refused:
        for code, reason in _REFUSALS.items():
            if refused.group == ds.GROUP and refused.rc == code:
                raise CommitRefused(reason) from refused
        raise


def _flipped(offset: int, data: bytes | memoryview, times: dict[int, int]) -> bytes | memoryview:
    """The data, with a bit wrong wherever a trouble is left for its place."""
    places = [at for at, left in times.items() if left and 0 <= at - offset < len(data)]
    if not places:
        return data
    hurt = bytearray(data)
    for at in places:
        hurt[at - offset] ^= 1
        times[at] -= 1
    return bytes(hurt)

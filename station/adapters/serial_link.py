"""Docks on serial ports: pyserial underneath, SMP in between, the workflow's words on top.

Owns the only loop that waits and reads a clock for the protocol. Every trouble of the port becomes
a `LinkError`; a dock's considered "no" becomes `CommitRefused`.
"""

import errno
import termios
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Final, TypeVar

import serial

from station.application.cancel import Cancel
from station.application.ports import (
    Chance,
    Clock,
    CommitRefused,
    DockAnswers,
    DockIdentity,
    Piece,
    SlotState,
)
from station.datastore.plan import Part
from station.domain.errors import (
    DocumentRefused,
    LinkError,
    LinkLost,
    NoAnswer,
    NoDock,
    PortBusy,
    TooSlow,
)
from station.domain.identity import DockId
from station.domain.limits import ENTRIES_MAX, IMAGE_BYTES_MAX, RUNTIME_BYTES
from station.protocol import datastore_group as ds
from station.protocol.client import REASON, Answered, Connection, Pipeline, Tally
from station.protocol.errors import DockRefused
from station.protocol.os_group import Parameters, Reset
from station.protocol.screen_text import ScreenText
from station.protocol.shape import Request, Shape
from station.protocol.smp import ReturnCode

LINE_RATE: Final = 600_000
"""Bytes per second a USB full-speed dock carries at least (sizing of deadlines and patience)."""

BAUD: Final = 115_200
"""Nominal rate of the port; USB-CDC devices and ptys ignore it."""

POLL_S: Final = 0.02
"""Longest wait inside pyserial; the loop looks at its own deadlines in between."""

WRITE_TIMEOUT_S: Final = 2.0
IDENTIFY_S: Final = 3.0
ASK_S: Final = 10.0
SLOW_FACTOR: Final = 4
"""A phase may take this many times what the line rate allows, and ASK_S more; then E-TIME-01."""

GONE_S: Final = 3.0
"""How long a restarted dock's old port may linger."""

BACK_S: Final = 20.0
"""How long a restarted dock may take to be found again on its place of the bench."""

ANSWERS_S: Final = 60.0
"""How long a dock may take to answer for its whole datastore."""

SCREEN_S: Final = 90.0
"""How long a dock may take to tell what it shows, drawing it included."""

SCREEN_BYTES_MAX: Final = 16 * 1024 * 1024
"""Twice the bare pixels of a screen."""

A = TypeVar("A", bound=Shape)

_REFUSED: Final = {
    ds.DatastoreCode.LOCKED: "locked",
    ds.DatastoreCode.TOO_LARGE: "size",
    ds.DatastoreCode.FLASH_FAILED: "flash",
}
"""Codes of group 64 with which a dock refuses an image before it has seen all of it."""


class SerialDocks:
    """Opens conversations on serial ports named by path."""

    def __init__(self, *, clock: Clock, chance: Chance) -> None:
        self._clock = clock
        self._chance = chance

    @contextmanager
    def open(self, port: str) -> Iterator["SerialDock"]:
        """A conversation on `port`, closed on leaving. Raises NoDock, PortBusy, LinkError."""
        dock = SerialDock(port, clock=self._clock, chance=self._chance)
        try:
            yield dock
        finally:
            dock.close()


class SerialDock:
    """One dock on one port; follows it through a restart to whatever device the path then is."""

    def __init__(self, port: str, *, clock: Clock, chance: Chance) -> None:
        self._name = port
        self._clock = clock
        self._chance = chance
        self._tallies: list[Tally] = []
        self._port = _opened(port)
        self._connection = self._connected()

    @property
    def line_bytes(self) -> int:
        """Bytes that went over the line so far, both ways."""
        return sum(one.sent_bytes + one.received_bytes for one in self._tallies)

    def close(self) -> None:
        """Let the port go."""
        self._port.close()

    def identify(self) -> DockIdentity:
        """Ask who it is, and how large its buffers are."""
        parameters = self._ask(Parameters(), within_s=IDENTIFY_S)
        self._connection.learn(parameters)
        found = self._ask(ds.Identify(), within_s=IDENTIFY_S)
        return DockIdentity(
            dock_id=DockId(found.dock_id),
            label=found.label,
            model=found.model,
            hardware=found.hardware_revision,
            profile=found.profile,
            product=found.product,
            counter=found.security_counter,
            assurance=found.assurance,
            slot_bytes=found.slot_size,
            locked=found.locked,
        )

    def begin(self, size_bytes: int, common: Sequence[Part]) -> None:
        """Clear the other slot; the dock copies into it what its active slot proves to hold."""
        with _refusals():
            self._ask(ds.Begin(size_bytes), within_s=_allowance_s(size_bytes))
            for first, block_bytes, run in _runs(common):
                digests = [block.digest for block in run]
                self._all(
                    ds.copy_requests(
                        first, digests, block_bytes, message_max=self._connection.message_max
                    ),
                    within_s=_allowance_s(size_bytes),
                )

    def digests(self, blocks: Sequence[Part]) -> tuple[bytes, ...]:
        """SHA-256 of what the other slot holds in each block's place, fresh from its flash."""
        found: dict[int, bytes] = {}
        for first, block_bytes, run in _runs(blocks):
            size = sum(block.size_bytes for block in run)
            answers = self._all(
                ds.digest_requests(
                    ds.Slot.OTHER,
                    first,
                    size,
                    block_bytes,
                    message_max=self._connection.message_max,
                ),
                within_s=_allowance_s(size),
            )
            for answered in answers:
                for number, digest in enumerate(answered.answer.digests):
                    found[answered.answer.offset + number * block_bytes] = digest
        return tuple(found[block.offset_bytes] for block in blocks)

    def write(
        self, pieces: Iterable[Piece], *, done: Callable[[int], None], cancel: Cancel
    ) -> None:
        """Write into the other slot, as many requests at once as the dock has buffers."""
        whole = list(pieces)
        message_max = self._connection.message_max

        unanswered: dict[int, int] = {}

        def requests() -> Iterator[ds.Write]:
            for piece in whole:
                cancel.check()
                for request in ds.write_requests(
                    piece.offset_bytes, piece.data, message_max=message_max
                ):
                    unanswered[request.offset] = len(request.data)
                    yield request

        size = sum(len(piece.data) for piece in whole)
        with _refusals():
            for answered in self._series(requests(), within_s=_allowance_s(size)):
                done(unanswered.pop(answered.answer.offset))

    def commit(self, size_bytes: int, image_sha256: bytes) -> None:
        """Let the dock judge the whole image."""
        with _refusals():
            answer = self._ask(
                ds.Commit(size_bytes, image_sha256), within_s=_allowance_s(size_bytes)
            )
        if not answer.accepted:
            known = REASON.fullmatch(answer.reason)
            raise CommitRefused(answer.reason if known else "unknown")

    def factory_reset(self) -> None:
        """Empty what was written in the field; see the port go, and open what comes back on the
        same place. A dock that has nothing of the kind is told to restart instead."""
        try:
            self._ask(ds.FactoryReset(), within_s=_allowance_s(RUNTIME_BYTES))
        except DockRefused as refused:
            if not _unsupported(refused):
                raise
            self._ask(Reset(), within_s=ASK_S)
        self._await_silence()
        self._port.close()
        give_up_s = self._clock.monotonic_s() + BACK_S
        while True:
            try:
                self._port = _opened(self._name)
                self._connection = self._connected()
                self.identify()
            except LinkError as error:
                self._port.close()
                if self._clock.monotonic_s() >= give_up_s:
                    raise LinkLost(
                        f"the dock did not come back on {self._name} within {BACK_S:.0f} s"
                    ) from error
                self._clock.wait(POLL_S)
            else:
                return

    def challenge(self, nonce: bytes, blocks: Sequence[Part]) -> bytes:
        """The dock's digest over `nonce` and the content of these ranges of its active slot."""
        ranges = tuple(ds.Range(start, end - start) for start, end in _joined(blocks))
        size = sum(block.size_bytes for block in blocks)
        return self._ask(
            ds.Challenge(ds.Slot.ACTIVE, nonce, ranges), within_s=_allowance_s(size)
        ).digest

    def read_back(
        self,
        offset_bytes: int,
        size_bytes: int,
        *,
        done: Callable[[int], None],
        cancel: Cancel,
    ) -> Iterator[Piece]:
        """The bytes of a range of the active slot, as their answers arrive."""
        requests = ds.read_requests(
            ds.Slot.ACTIVE,
            offset_bytes,
            size_bytes,
            message_max=self._connection.message_max,
        )
        for answered in self._series(requests, within_s=_allowance_s(size_bytes)):
            cancel.check()
            done(len(answered.answer.data))
            yield Piece(answered.answer.offset, answered.answer.data)

    def slot_state(self) -> SlotState:
        """What the dock runs, and whether it will keep it."""
        active = self._ask(ds.SlotState(), within_s=ASK_S).active
        if active is None:
            return SlotState(0, b"", confirmed=False)
        if active.size > IMAGE_BYTES_MAX:
            raise NoAnswer(f"the dock claims an image of {active.size:,} bytes")
        return SlotState(active.size, active.digest, confirmed=active.confirmed)

    def answers(self) -> DockAnswers:
        """Every key-value, every image by type, size and digest, and the code checksum."""
        until_s = self._clock.monotonic_s() + ANSWERS_S
        values = {
            name: self._value(name, until_s) for name in self._names(ds.Listed.KEY_VALUE, until_s)
        }
        pictures: dict[str, tuple[str, int, bytes]] = {}
        for tag in self._names(ds.Listed.IMAGE, until_s):
            entry = self._ask(ds.Entry(ds.Listed.IMAGE, tag), within_s=self._left_s(until_s))
            pictures[tag] = (entry.type or "", entry.size, entry.digest)
        try:
            checksum: int | None = self._ask(ds.CodeInfo(), within_s=self._left_s(until_s)).checksum
        except DockRefused as refused:
            if refused.rc != ds.DatastoreCode.NO_ENTRY:
                raise
            checksum = None
        return DockAnswers(values, pictures, checksum)

    def application(self) -> ds.ApplicationAnswer:
        """What the dock's application does."""
        return self._ask(ds.Application(), within_s=ASK_S)

    def screen_text(self) -> ScreenText:
        """What a development dock shows, in words. Raises DockRefused by one that does not tell."""
        try:
            return ScreenText.decode(self._screen(ds.ScreenForm.TEXT))
        except DocumentRefused as error:
            raise NoAnswer(f"the dock answered with {error.cause}") from error

    def screen_png(self) -> bytes:
        """The same as a picture, drawn by the dock."""
        return self._screen(ds.ScreenForm.PNG)

    def confirm(self, image_sha256: bytes) -> None:
        """Make the active image stay; a dock that runs another one keeps nothing by this."""
        try:
            self._ask(ds.Confirm(image_sha256), within_s=ASK_S)
        except DockRefused as refused:
            if refused.rc != ds.DatastoreCode.OTHER_IMAGE:
                raise

    # -- talking -----------------------------------------------------------------------------

    def _connected(self) -> Connection:
        """A conversation that no late answer of an earlier one can be mistaken for."""
        first = self._chance.octets(1)[0]
        connection = Connection(line_rate=LINE_RATE, first_sequence=first)
        self._tallies.append(connection.tally)
        return connection

    def _left_s(self, until_s: float) -> float:
        """What is left of a phase, at most one answer's time. Raises TooSlow when it is over."""
        left_s = until_s - self._clock.monotonic_s()
        if left_s <= 0:
            raise TooSlow(f"the dock answered for its datastore longer than {ANSWERS_S:.0f} s")
        return min(ASK_S, left_s)

    def _names(self, kind: ds.Listed, until_s: float) -> list[str]:
        names: list[str] = []
        more = True
        while more:
            after = names[-1] if names else ""
            page = self._ask(ds.Names(kind, after), within_s=self._left_s(until_s))
            names += page.names
            if len(names) > ENTRIES_MAX:
                raise NoAnswer(f"the dock lists more than {ENTRIES_MAX:,} entries")
            more = page.more
        return names

    def _value(self, name: str, until_s: float) -> str:
        page_bytes = ds.entry_payload_max(self._connection.message_max)
        octets = bytearray()
        while True:
            page = self._ask(
                ds.Entry(ds.Listed.KEY_VALUE, name, len(octets), page_bytes),
                within_s=self._left_s(until_s),
            )
            if page.size > IMAGE_BYTES_MAX:
                raise NoAnswer(f"the dock claims {page.size:,} bytes for {name}")
            octets += page.data
            if len(octets) >= page.size or not page.data:
                break
        try:
            return octets.decode("utf-8")
        except UnicodeDecodeError as error:
            raise NoAnswer(f"the dock's value of {name} is not UTF-8") from error

    def _screen(self, what: ds.ScreenForm) -> bytes:
        """A document, taken by the dock when its first page is asked for."""
        page_bytes = ds.entry_payload_max(self._connection.message_max)
        until_s = self._clock.monotonic_s() + SCREEN_S
        try:
            first = self._ask(ds.Screen(what, 0, page_bytes), within_s=SCREEN_S)
        except DockRefused as refused:
            refused.remedy = "Ask a development dock that runs applications."
            raise
        if first.size > SCREEN_BYTES_MAX:
            raise NoAnswer(f"the dock claims {first.size:,} bytes for its screen")
        octets = bytearray(first.data)
        while len(octets) < first.size:
            page = self._ask(
                ds.Screen(what, len(octets), page_bytes),
                within_s=max(0.0, until_s - self._clock.monotonic_s()),
            )
            octets += page.data
            if page.digest != first.digest or not page.data:
                break
        if sha256(octets).digest() != first.digest:
            raise NoAnswer("the dock mixed up two screens", remedy="Give the command again.")
        return bytes(octets)

    def _ask(self, request: Request[A], *, within_s: float) -> A:
        answered = next(iter(self._all([request], within_s=within_s)))
        return answered.answer

    def _all(self, requests: Iterable[Request[A]], *, within_s: float) -> list[Answered[A]]:
        return list(self._series(requests, within_s=within_s))

    def _series(self, requests: Iterable[Request[A]], *, within_s: float) -> Iterator[Answered[A]]:
        """Carry a pipeline to its end; the only place that waits for a dock."""
        now_s = self._clock.monotonic_s
        talk = Pipeline(self._connection, requests, deadline_s=now_s() + within_s)
        while not talk.finished:
            self._send(talk.to_send(now_s()))
            yield from talk.receive(self._receive(talk.wake_at_s), now_s())

    def _send(self, data: bytes) -> None:
        if data:
            with _translated(self._name):
                self._port.write(data)

    def _receive(self, until_s: float) -> bytes:
        """Whatever has arrived; waits for the first byte, not beyond `until_s`."""
        with _translated(self._name):
            while True:
                data: bytes = self._port.read(max(1, self._port.in_waiting))
                if data or self._clock.monotonic_s() >= until_s:
                    return data

    def _await_silence(self) -> None:
        """Until the old port is gone, as a USB device's is; a UART's stays, and is left."""
        give_up_s = self._clock.monotonic_s() + GONE_S
        try:
            while self._clock.monotonic_s() < give_up_s:
                self._receive(self._clock.monotonic_s() + POLL_S)
        except LinkLost:
            return


def _opened(port: str) -> serial.Serial:
    try:
        return serial.Serial(
            port,
            BAUD,
            timeout=POLL_S,
            write_timeout=WRITE_TIMEOUT_S,
            exclusive=True,
        )
    except (OSError, termios.error) as error:
        # A port that goes away while pyserial sets it up raises what the system raised.
        match error.errno if isinstance(error, OSError) else error.args[0]:
            case errno.EWOULDBLOCK | errno.EBUSY:
                raise PortBusy(f"{port} is held by another program") from error
            case errno.EACCES | errno.EPERM:
                raise NoDock(
                    f"no permission to open {port}",
                    remedy="Add the user to the port's group (dialout), then log in again.",
                ) from error
            case errno.ENOENT | errno.ENXIO | errno.ENODEV:
                raise NoDock(f"there is no {port}") from error
            case _:
                raise NoDock(f"{port} cannot be opened as a serial port") from error


@contextmanager
def _translated(port: str) -> Iterator[None]:
    """Nothing of pyserial passes: a port that fails is a link that was lost."""
    try:
        yield
    except serial.SerialTimeoutException as error:
        raise NoAnswer(f"{port} takes no more bytes") from error
    except (serial.SerialException, OSError, TypeError) as error:
        # pyserial raises TypeError when a port is closed under it.
        raise LinkLost(f"{port} went away") from error


@contextmanager
def _refusals() -> Iterator[None]:
    """A dock's refusal of the image is an answer."""
    try:
        yield
    except DockRefused as refused:
        if refused.group == ds.GROUP and (reason := _reason(refused.rc)):
            raise CommitRefused(reason) from refused
        raise


def _reason(rc: int) -> str:
    return _REFUSED.get(ds.DatastoreCode(rc), "") if rc in set(ds.DatastoreCode) else ""


def _unsupported(refused: DockRefused) -> bool:
    """Whether the dock knows no such request, or has nothing it could do it to."""
    if refused.group == ds.GROUP:
        return refused.rc == ds.DatastoreCode.UNSUPPORTED
    return refused.group is None and refused.rc == ReturnCode.NOT_SUPPORTED


def _allowance_s(size_bytes: int) -> float:
    return ASK_S + SLOW_FACTOR * size_bytes / LINE_RATE


def _runs(blocks: Sequence[Part]) -> Iterator[tuple[int, int, list[Part]]]:
    """Blocks joined into (first offset, block size, run): adjacent, all but the last as large."""
    run: list[Part] = []
    for block in blocks:
        adjacent = run and run[-1].offset_bytes + run[-1].size_bytes == block.offset_bytes
        alike = run and run[-1].size_bytes == run[0].size_bytes >= block.size_bytes
        if run and not (adjacent and alike):
            yield run[0].offset_bytes, run[0].size_bytes, run
            run = []
        run.append(block)
    if run:
        yield run[0].offset_bytes, run[0].size_bytes, run


def _joined(blocks: Sequence[Part]) -> Iterator[tuple[int, int]]:
    """(start, end) of the maximal ranges the blocks cover, in address order."""
    start = end = -1
    for block in sorted(blocks, key=lambda one: one.offset_bytes):
        if block.offset_bytes != end:
            if end > start:
                yield start, end
            start = block.offset_bytes
        end = block.offset_bytes + block.size_bytes
    if end > start:
        yield start, end

"""The station's end of a connection: requests out, answers in, nothing lost and nothing mixed up.

One mechanism for a single request and for thousands: a `Pipeline` keeps a window of requests
unanswered, matches answers by sequence number, group and command, sends again what was lost, and
gives up by name. It never waits and never reads a clock; whoever owns the port runs

    while not talk.finished:
        link.write(talk.to_send(clock()))
        data = link.read(wait_s=talk.wake_at_s - clock())
        for event in talk.receive(data, clock()):
            watch(event)

Source: docs/SPEC.md, "The client" (window, resending, timeouts).
"""

import re
from bisect import insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from math import inf
from typing import Any, Final, Generic, NamedTuple, TypeVar

from station.domain.errors import LinkError, NoAnswer, NoDock, TooSlow
from station.protocol import (
    datastore_group,
    enumeration_group,
    filesystem_group,
    image_group,
    smp,
)
from station.protocol.errors import BadReply, DockRefused
from station.protocol.framing import Framing, decoder, frame, resync
from station.protocol.os_group import ParametersAnswer
from station.protocol.shape import Request, Shape

A = TypeVar("A", bound=Shape)

MESSAGE_BYTES_MAX: Final = 4_092
"""Longest message asked for or sent, header included.

CRC-16/XMODEM finds any three wrong bits in up to 4,093 bytes, no longer beyond (Koopman, "Best
CRC Polynomials", 0x8810: Hamming distance 4 up to 32,751 bits).
"""

MESSAGE_BYTES_FIRST: Final = 256
"""The same before the server has told its buffer size: the least a server is asked to have."""

WINDOW_MAX: Final = 64
"""Most unanswered requests: well below the 256 sequence numbers there are."""

ASSUMED_LINE_RATE: Final = 11_520
"""Bytes per second of the slowest line in use (115,200 baud, 8N1), where no other is known."""

PATIENCE_S: Final = 0.3
"""Least time without an answer after which a request counts as lost, transfer time apart."""

PATIENCE_DOUBLINGS_MAX: Final = 3
"""Patience doubles with each try (RFC 6298, 5.5) up to eightfold."""

PASSED_OVER_MAX: Final = 3
"""Answers to later requests that prove a request or its answer lost (RFC 5681, 3.2): servers
answer in order, and two may come crossed."""

TRIES_MAX: Final = 8
"""Times one request is sent."""

RESENT_BASE: Final = 32
RESENT_SHARE: Final = 4
"""A pipeline gives up when it has sent again more than 32 and a quarter of what was answered."""

NOISE_BASE: Final = 1_024
NOISE_SHARE: Final = 8
"""A pipeline gives up when more frames than 1,024 and eight times those that answered it were
damaged, or answered nothing. A frame of random octets falls into 17, and more than a quarter of
the requests are never lost before: no cable does this."""

NO_MEMORY_PAUSE_S: Final = 0.05
"""How long a server without a free buffer is left alone, times the number of tries."""


REASON: Final = re.compile(r"[a-z][a-z-]{0,31}")
"""A reason is one of a dock's words; other text of a stranger reaches no record."""


@dataclass(slots=True)
class Tally:
    """What a connection has seen, for reports and benchmarks; nothing is decided by it.

    stray: whole messages that answer no open request (late, duplicate, foreign).
    malformed: frames that arrived whole and held no message. no_memory: refusals for want of a
    buffer. Bytes are those on the line.
    """

    answered: int = 0
    resent: int = 0
    stray: int = 0
    malformed: int = 0
    no_memory: int = 0
    sent_bytes: int = 0
    received_bytes: int = 0


class Connection:
    """What outlives a pipeline on one open port: decoder, sequence numbers, the server's limits.

    line_rate: bytes per second the line carries, for judging when an answer is late; a guess too
    low only makes patience longer. first_sequence: 0..255, drawn by chance, so that what is left
    in a port from an earlier connection matches nothing. message_max: a longest message shorter
    than `MESSAGE_BYTES_MAX`. One pipeline at a time.
    """

    def __init__(
        self,
        *,
        framing: Framing = Framing.COBS,
        line_rate: float = ASSUMED_LINE_RATE,
        first_sequence: int = 0,
        message_max: int = MESSAGE_BYTES_MAX,
    ) -> None:
        self.framing = framing
        self.line_rate = line_rate
        self.tally = Tally()
        self.heard = False
        self._decoder = decoder(framing)
        self._sequence = first_sequence & 0xFF
        self._message_max = min(MESSAGE_BYTES_MAX, message_max)
        self._opened = False
        self._parameters: ParametersAnswer | None = None

    @property
    def message_max(self) -> int:
        """Longest message to send or to ask for, header included."""
        if self._parameters is None:
            return MESSAGE_BYTES_FIRST
        return min(self._message_max, self._parameters.buf_size)

    @property
    def window_max(self) -> int:
        """Requests the server can hold unanswered, one buffer being kept for its answer."""
        if self._parameters is None:
            return 1
        return max(1, min(WINDOW_MAX, self._parameters.buf_count - 1))

    @property
    def damaged(self) -> int:
        """Frames that did not arrive whole."""
        return self._decoder.damaged

    @property
    def noise(self) -> int:
        """Frames that were damaged, held no message, or answered nothing that was open."""
        return self.damaged + self.tally.malformed + self.tally.stray

    def learn(self, parameters: ParametersAnswer) -> None:
        """Obey the server's limits from now on. Raises BadReply for limits nobody can work in."""
        if parameters.buf_size < MESSAGE_BYTES_FIRST or parameters.buf_count < 1:
            raise BadReply(
                f"the dock offers {parameters.buf_count} buffers of {parameters.buf_size} bytes"
            )
        self._parameters = parameters

    def open_bytes(self) -> bytes:
        """Sent once, first: ends what another program may have left half said."""
        if self._opened:
            return b""
        self._opened = True
        return resync(self.framing)

    def next_sequence(self) -> int:
        """Sequence numbers run on through all pipelines, so that late answers match nothing."""
        sequence = self._sequence
        self._sequence = (sequence + 1) & 0xFF
        return sequence

    def messages(self, data: bytes) -> Iterator[smp.Message]:
        """The messages completed by `data`; frames that hold none are counted and dropped."""
        self.tally.received_bytes += len(data)
        for octets in self._decoder.feed(data):
            try:
                message = smp.decode(octets)
            except smp.Malformed:
                self.tally.malformed += 1
            else:
                yield message


class Answered(NamedTuple, Generic[A]):
    """A request has been answered with success; in the order of the answers."""

    request: Request[A]
    answer: A


@dataclass(slots=True)
class _Flight(Generic[A]):
    """A request, from its first sending until it is answered."""

    number: int
    request: Request[A]
    tries: int = 0
    passed_over: int = 0
    line_bytes: int = 0

    @property
    def patience_s(self) -> float:
        least = max(PATIENCE_S, self.request.PATIENCE_S)
        return least * float(2 ** min(self.tries - 1, PATIENCE_DOUBLINGS_MAX))


@dataclass(slots=True)
class _Window:
    """How many requests may be unanswered: one until the first answer, then `limit`.

    It narrows by half when the server runs out of buffers, or a whole window is lost, and stays
    so until the pipeline ends.
    """

    limit: int
    proved: bool = False

    @property
    def size(self) -> int:
        return self.limit if self.proved else 1

    def narrow(self) -> None:
        self.limit = max(1, self.limit // 2)


class Pipeline(Generic[A]):
    """The conversation about one series of requests; `finished` when all are answered.

    requests: drawn lazily, one ahead of what has room to be sent. deadline_s: the moment
    (monotonic seconds) it must have finished, however well it goes. window: most unanswered
    requests, at most the connection's own limit.

    `to_send` and `receive` raise, and the pipeline is over then:
    NoDock: nothing on this connection has ever spoken the protocol. NoAnswer: silence or damage
    outlasted all tries. TooSlow: the deadline passed. BadReply: an answer that is none.
    DockRefused: the dock said no.
    """

    def __init__(
        self,
        connection: Connection,
        requests: Iterable[Request[A]],
        *,
        deadline_s: float,
        window: int | None = None,
    ) -> None:
        self._connection = connection
        self._requests = iter(requests)
        self._upcoming = next(self._requests, None)
        self._deadline_s = deadline_s
        limit = connection.window_max
        self._window = _Window(limit if window is None else max(1, min(window, limit)))
        self._in_flight: dict[int, _Flight[A]] = {}
        self._again: list[_Flight[A]] = []
        self._bytes_in_flight = 0
        self._draining = False
        self._silent_until_s = -inf
        self._timer_s = inf
        self._drawn = 0
        self._answered = 0
        self._resent = 0
        self._noise_before = connection.noise
        self._failed = False

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to do: all answered, or an error was raised."""
        return self._failed or not (self._in_flight or self._again or self._upcoming is not None)

    @property
    def wake_at_s(self) -> float:
        """When to call `to_send` again if no byte arrives; may lie in the past."""
        waits_for = self._timer_s if self._in_flight else self._silent_until_s
        return min(waits_for, self._deadline_s)

    def to_send(self, now_s: float) -> bytes:
        """What belongs on the line now; empty when there is nothing to do but wait."""
        self._keep_deadline(now_s)
        if self._in_flight and now_s >= self._timer_s:
            self._all_lost()
        if now_s < self._silent_until_s or (self._draining and self._in_flight):
            return b""
        self._draining = False
        frames = [self._connection.open_bytes()]
        while len(self._in_flight) < self._window.size and (flight := self._next()) is not None:
            if flight.tries:
                # A frame cut short would swallow the next one: end it first.
                frames.append(resync(self._connection.framing))
            frames.append(self._launch(flight))
        sent = b"".join(frames)
        if sent:
            self._connection.tally.sent_bytes += len(sent)
            self._restart_timer(now_s)
        return sent

    def receive(self, data: bytes, now_s: float) -> list[Answered[A]]:
        """What the bytes from the line answer; `data` may be empty."""
        events: list[Answered[A]] = []
        try:
            for message in self._connection.messages(data):
                event = self._match(message, now_s)
                if event is not None:
                    events.append(event)
        except LinkError:
            self._failed = True
            raise
        self._keep_deadline(now_s)
        self._keep_quiet()
        return events

    # -- sending ---------------------------------------------------------------------------

    def _next(self) -> _Flight[A] | None:
        if self._again:
            return self._again.pop(0)
        if self._upcoming is None:
            return None
        self._drawn += 1
        flight = _Flight(self._drawn, self._upcoming)
        self._upcoming = next(self._requests, None)
        return flight

    def _launch(self, flight: _Flight[A]) -> bytes:
        connection, request = self._connection, flight.request
        sequence = connection.next_sequence()
        while sequence in self._in_flight:
            sequence = connection.next_sequence()
        message = smp.encode(
            smp.Message(request.OP, request.GROUP, request.COMMAND, sequence, request.to_body())
        )
        if len(message) > connection.message_max:
            raise ValueError(f"{type(request).__name__} does not fit the server's buffer")
        flight.tries += 1
        flight.passed_over = 0
        framed = frame(connection.framing, message)
        flight.line_bytes = len(framed) + request.answer_bytes()
        self._bytes_in_flight += flight.line_bytes
        self._in_flight[sequence] = flight
        return framed

    # -- receiving -------------------------------------------------------------------------

    def _match(self, message: smp.Message, now_s: float) -> Answered[A] | None:
        flight = self._in_flight.get(message.sequence)
        if flight is None or not _is_answer(message, flight.request):
            self._connection.tally.stray += 1
            return None
        self._connection.heard = True
        self._pass_over(message.sequence)
        self._land(message.sequence)
        self._restart_timer(now_s)
        body = message.body
        if "rc" in body or "err" in body:
            if _lacks_memory(body, flight.request):
                self._no_memory(flight, now_s)
                return None
            body = {key: value for key, value in body.items() if key != "rc"}
        answer = flight.request.answered_by(body)
        if not flight.request.done_by(answer):
            self._go_back(flight)
            return None
        self._answered += 1
        self._connection.tally.answered += 1
        self._window.proved = True
        return Answered(flight.request, answer)

    def _land(self, sequence: int) -> _Flight[A]:
        flight = self._in_flight.pop(sequence)
        self._bytes_in_flight -= flight.line_bytes
        return flight

    def _restart_timer(self, now_s: float) -> None:
        """From now, the request sent first has its patience and the line its time."""
        for first in self._in_flight.values():
            line_s = self._bytes_in_flight / self._connection.line_rate
            self._timer_s = now_s + first.patience_s + line_s
            return
        self._timer_s = inf

    # -- losing and trying again -----------------------------------------------------------

    def _pass_over(self, answered: int) -> None:
        """Count what was sent before the request now answered; thrice passed over is lost."""
        lost = []
        for sequence, flight in self._in_flight.items():
            if sequence == answered:
                break
            flight.passed_over += 1
            if flight.passed_over >= PASSED_OVER_MAX:
                lost.append(sequence)
        for sequence in lost:
            self._try_again(self._land(sequence))

    def _all_lost(self) -> None:
        if len(self._in_flight) > 1:  # one lost frame says nothing about the server's buffers
            self._narrow()
        for sequence in list(self._in_flight):
            self._try_again(self._land(sequence))

    def _go_back(self, flight: _Flight[A]) -> None:
        """Let what is on its way land before anything more is sent, then all of it in order: a
        server that takes nothing out of order drops whatever follows what it has missed."""
        self._draining = True
        self._try_again(flight)

    def _no_memory(self, flight: _Flight[A], now_s: float) -> None:
        """Let the server answer what it holds before anything more is sent."""
        self._connection.tally.no_memory += 1
        self._narrow()
        self._draining = True
        self._silent_until_s = now_s + NO_MEMORY_PAUSE_S * flight.tries
        self._try_again(flight)

    def _narrow(self) -> None:
        """Once for all that goes wrong before the flight is empty."""
        if not self._draining:
            self._window.narrow()

    def _try_again(self, flight: _Flight[A]) -> None:
        self._resent += 1
        self._connection.tally.resent += 1
        insort(self._again, flight, key=lambda each: each.number)
        if flight.tries >= TRIES_MAX:
            self._give_up(f"no answer to {type(flight.request).__name__} in {TRIES_MAX} tries")
        if self._resent > RESENT_BASE + self._answered // RESENT_SHARE:
            self._give_up(f"{self._resent} requests lost, {self._answered} answered")

    def _give_up(self, cause: str) -> None:
        self._failed = True
        raise NoAnswer(cause) if self._connection.heard else NoDock("nothing answers on this port")

    def _keep_quiet(self) -> None:
        """Every frame costs time that other docks need, whatever it holds."""
        noise = self._connection.noise - self._noise_before
        if not self.finished and noise > NOISE_BASE + NOISE_SHARE * self._answered:
            self._give_up(f"{noise} frames that nobody asked for, {self._answered} answers")

    def _keep_deadline(self, now_s: float) -> None:
        if now_s < self._deadline_s or self.finished:
            return
        self._failed = True
        if self._connection.heard:
            raise TooSlow(f"not finished in time; {self._answered} requests answered")
        raise NoDock("nothing answers on this port")


def _is_answer(message: smp.Message, request: Request[Any]) -> bool:
    return (
        message.op == request.OP + 1
        and message.group == request.GROUP
        and message.command == request.COMMAND
    )


def _lacks_memory(body: smp.Body, request: Request[Any]) -> bool:
    """Whether the server had no buffer free. Raises DockRefused for any other refusal."""
    try:
        refusal = smp.refusal(body)
    except smp.Malformed as error:
        raise BadReply(f"the dock answered with {error}") from error
    if refusal is None:
        return False
    if refusal.group is None and refusal.rc == smp.ReturnCode.NO_MEMORY:
        return True
    cause = f"the dock refused {type(request).__name__}: {_code_name(refusal)}"
    if REASON.fullmatch(refusal.reason):
        cause += f" ({refusal.reason})"
    raise DockRefused(cause, group=refusal.group, rc=refusal.rc, reason=refusal.reason)


def _code_name(refusal: smp.Refusal) -> str:
    codes: type[IntEnum] | None = {
        None: smp.ReturnCode,
        image_group.GROUP: image_group.ImageCode,
        filesystem_group.GROUP: filesystem_group.FileCode,
        enumeration_group.GROUP: enumeration_group.EnumerationCode,
        datastore_group.GROUP: datastore_group.DatastoreCode,
    }.get(refusal.group)
    try:
        name = codes(refusal.rc).name if codes else ""
    except ValueError:
        name = ""
    if name:
        return name.lower().replace("_", " ")
    return f"code {refusal.rc}" + ("" if refusal.group is None else f" of group {refusal.group}")

"""What a bad cable does to the bytes on it: one direction of a line that bends, loses and repeats.

Sans-I/O, and a `Line` to whoever carries bytes. Counts what it carries from the moment the dock is
powered, through every reconnection; "byte N" is the one before which N have been carried.
"""

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from math import inf
from random import Random
from typing import Final, assert_never

from station.dock.line import Line

FRAME_END: Final = b"\0"
"""Ends a frame on this cable: COBS, as the station speaks it. An empty frame is fill."""

_FRAME_PIECE: Final = re.compile(rb"[^\0]*\0|[^\0]+")
"""What is left of a frame up to its end, or as much of it as there is."""


class Way(Enum):
    """A direction, as seen by the dock."""

    IN = "in"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class Flip:
    """``flip@1000``, ``flip@1000.7``: one bit of that byte. bit: None for a random one."""

    byte: int
    bit: int | None
    way: Way


@dataclass(frozen=True, slots=True)
class Flips:
    """``flips@13/13000000``: so many bits, at random places among the first `within_bytes`.

    No bit twice, so that it stays flipped: count is at most that many bits.
    """

    count: int
    within_bytes: int
    way: Way


@dataclass(frozen=True, slots=True)
class Drop:
    """``drop@1000``, ``drop@1000x37``: so many bytes from there on are lost."""

    byte: int
    count: int
    way: Way


@dataclass(frozen=True, slots=True)
class Drops:
    """``drops@9/100000``: so many single bytes, at random places among the first."""

    count: int
    within_bytes: int
    way: Way


@dataclass(frozen=True, slots=True)
class Double:
    """``double@1000``, ``double@1000x37``: so many bytes from there on arrive twice in a row."""

    byte: int
    count: int
    way: Way


@dataclass(frozen=True, slots=True)
class DropFrames:
    """``drop-frame@3``, ``drop-frame@3x2``: whole frames are lost; the first one is number 0."""

    frame: int
    count: int
    way: Way


@dataclass(frozen=True, slots=True)
class DoubleFrames:
    """``double-frame@3``, ``double-frame@3x2``: each of these frames arrives twice."""

    frame: int
    count: int
    way: Way


@dataclass(frozen=True, slots=True)
class Stall:
    """``stall@1000+3s``: the line rests before that byte."""

    byte: int
    for_s: float
    way: Way


@dataclass(frozen=True, slots=True)
class UnplugAt:
    """``unplug@1000``, ``unplug@1000+3s``: the cable comes out before that byte, once.

    back_after_s: None for until somebody plugs it in again.
    """

    byte: int
    back_after_s: float | None
    way: Way


CableFault = Flip | Flips | Drop | Drops | Double | DropFrames | DoubleFrames | Stall | UnplugAt


class NoisyLine:
    """One direction of a bad cable: whatever may be asked of a `Line`, and `pulled`.

    faults: those of this direction take effect, the others are passed over. chance: decides what
    is random. Faults of bytes that are lost or come twice must not overlap; where they do, the
    one that begins first goes first.
    """

    def __init__(self, line: Line, way: Way, faults: Iterable[CableFault], chance: Random) -> None:
        own = [fault for fault in faults if fault.way is way]
        self.pulled: UnplugAt | None = None
        """Why the cable is to come out now; whoever sees to it takes this away."""
        self._line = line
        self._carried = 0
        self._stops = _stops(own)
        self._rests_until_s = -inf
        self._waiting = b""
        self._flips = _flips(own, chance)
        self._spans = _spans(own, chance)
        self._again = bytearray()
        self._frames = _Frames(own)

    def takes_more_at_s(self) -> float:
        """See `Line`."""
        return max(self._line.takes_more_at_s(), self._rests_until_s)

    def put(self, data: bytes, now_s: float) -> None:
        """See `Line`."""
        self._line.put(data, now_s)

    def next_at_s(self) -> float:
        """See `Line`."""
        return max(-inf if self._waiting else self._line.next_at_s(), self._rests_until_s)

    def get(self, now_s: float) -> bytes:
        """See `Line`; of what has arrived, what the noise has left."""
        if now_s < self._rests_until_s:
            return b""
        data, self._waiting = self._waiting + self._line.get(now_s), b""
        if self._stops and self._stops[0].byte < self._carried + len(data):
            stop = self._stops.popleft()
            here = max(0, stop.byte - self._carried)
            data, rest = data[:here], data[here:]
            match stop:
                case Stall():
                    self._waiting, self._rests_until_s = rest, now_s + stop.for_s
                case UnplugAt():
                    self.pulled = stop
                case _:
                    assert_never(stop)
        start = self._carried
        self._carried += len(data)
        return self._frames.left_of(self._left_of(start, self._flipped(start, data)))

    def drop(self) -> None:
        """See `Line`; a rest ends with it."""
        self._line.drop()
        self._waiting, self._rests_until_s = b"", -inf
        self._again.clear()
        self._frames.drop()

    def _flipped(self, start: int, data: bytes) -> bytes:
        end = start + len(data)
        if not self._flips or self._flips[0].byte >= end:
            return data
        bent = bytearray(data)
        while self._flips and self._flips[0].byte < end:
            place = self._flips.popleft()
            bent[place.byte - start] ^= 1 << place.bit
        return bytes(bent)

    def _left_of(self, start: int, data: bytes) -> bytes:
        """Without what is lost, and with what comes twice."""
        end = start + len(data)
        if not self._spans or self._spans[0].start >= end:
            return data
        left, at = bytearray(), start
        while self._spans and self._spans[0].start < end:
            span = self._spans[0]
            first, last = max(at, span.start), min(end, span.end)
            left += data[at - start : first - start]
            if span.twice:
                left += data[first - start : last - start]
                self._again += data[first - start : last - start]
            at = last
            if at < span.end:
                break
            left += self._again
            self._again.clear()
            self._spans.popleft()
        return bytes(left + data[at - start :])


@dataclass(frozen=True, slots=True, order=True)
class _Place:
    byte: int
    bit: int


@dataclass(frozen=True, slots=True)
class _Span:
    """A run of bytes, or of frames, that does not arrive as it was sent: twice, or not at all."""

    start: int
    end: int
    twice: bool


class _Frames:
    """Frames that are lost or come twice. The frame under way has the number of those before it."""

    def __init__(self, faults: Iterable[CableFault]) -> None:
        self._spans = [
            _Span(fault.frame, fault.frame + fault.count, isinstance(fault, DoubleFrames))
            for fault in faults
            if isinstance(fault, DropFrames | DoubleFrames)
        ]
        self._done_at = max((span.end for span in self._spans), default=0)
        self._number = 0
        self._begun = False
        self._again = bytearray()

    def left_of(self, data: bytes) -> bytes:
        """What is left of it."""
        if self._number >= self._done_at:
            return data
        left = bytearray()
        for piece in _FRAME_PIECE.findall(data):
            if piece == FRAME_END and not self._begun:
                left += piece
                continue
            self._begun = True
            span = next((one for one in self._spans if one.start <= self._number < one.end), None)
            if span is None or span.twice:
                left += piece
            if span is not None and span.twice:
                self._again += piece
            if piece.endswith(FRAME_END):
                left += self._again
                self.drop()
        return bytes(left)

    def drop(self) -> None:
        """The frame under way will not be ended."""
        self._number += self._begun
        self._begun = False
        self._again.clear()


def _stops(faults: Iterable[CableFault]) -> deque[Stall | UnplugAt]:
    stops = [fault for fault in faults if isinstance(fault, Stall | UnplugAt)]
    return deque(sorted(stops, key=lambda stop: stop.byte))


def _flips(faults: Iterable[CableFault], chance: Random) -> deque[_Place]:
    places: list[_Place] = []
    for fault in faults:
        match fault:
            case Flip():
                bit = chance.randrange(8) if fault.bit is None else fault.bit
                places.append(_Place(fault.byte, bit))
            case Flips():
                bits = chance.sample(range(fault.within_bytes * 8), fault.count)
                places += (_Place(*divmod(each, 8)) for each in bits)
    return deque(sorted(places))


def _spans(faults: Iterable[CableFault], chance: Random) -> deque[_Span]:
    """In order, and none over another."""
    spans: list[_Span] = []
    for fault in faults:
        match fault:
            case Drop() | Double():
                twice = isinstance(fault, Double)
                spans.append(_Span(fault.byte, fault.byte + fault.count, twice))
            case Drops():
                lost = chance.sample(range(fault.within_bytes), fault.count)
                spans += (_Span(byte, byte + 1, twice=False) for byte in lost)
    apart: deque[_Span] = deque()
    for span in sorted(spans, key=lambda span: span.start):
        start = max(span.start, apart[-1].end if apart else 0)
        if start < span.end:
            apart.append(_Span(start, span.end, span.twice))
    return apart

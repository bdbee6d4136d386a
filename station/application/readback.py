"""The bytes a dock gave back, and nothing else: no byte here counts that was not read.

Nearly all of an image is its bundle's and planned. What is read of such a block is compared with
the planned bytes when its last byte arrives; if they are the same, those are kept in its place, and
a readback costs little more than what is unique in it. A block that is another stays as it was
read.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, Self

from station.application.ports import Piece
from station.datastore.plan import CommonPart, Part, Plan
from station.datastore.segments import Segments
from station.domain.errors import NoAnswer
from station.domain.limits import HEADER_BYTES

_UNKNOWN: Final = Segments(())


@dataclass(slots=True)
class _Place:
    """A range of the image, read or being read.

    planned: what it is expected to hold; empty where that is not known, or is unique. gaps: ranges
    that were not read yet, in address order. read: what was read; None before the first byte, and
    once it was found to be what is planned. digest: of a planned place, when it was last whole.
    """

    start: int
    end: int
    planned: Segments = _UNKNOWN
    gaps: list[tuple[int, int]] = field(init=False)
    read: bytearray | None = field(init=False)
    digest: bytes = field(init=False)

    def __post_init__(self) -> None:
        self._begin()

    @property
    def as_planned(self) -> bool:
        """Whether all of it was read, and is what was planned, byte by byte."""
        return not self.gaps and self.read is None

    @property
    def content(self) -> bytes | bytearray:
        """What the dock holds here; to be asked once there are no gaps."""
        return bytes(self.planned) if self.read is None else self.read

    def put(self, at: int, data: memoryview) -> None:
        """These bytes were read; they lie within this place."""
        if self.read is None:
            known = bytes(self.planned) if self.as_planned else self.end - self.start
            self.read = bytearray(known)
        end = at + len(data)
        self.read[at - self.start : end - self.start] = data
        self.gaps = [
            gap
            for start, stop in self.gaps
            for gap in ((start, min(stop, at)), (max(start, end), stop))
            if gap[0] < gap[1]
        ]
        if self.planned.size_bytes and not self.gaps:
            self.digest = sha256(self.read).digest()
            if self.planned.are(self.read):
                self.read = None

    def forget(self) -> None:
        """Overwrite what was read; nothing of it counts any more."""
        if self.read is not None:
            self.read[:] = bytes(len(self.read))
        self._begin()

    def _begin(self) -> None:
        self.gaps = [(self.start, self.end)] if self.start < self.end else []
        self.read, self.digest = None, b""


class Readback:
    """An image of `size_bytes` that is being read.

    common: what it shares with its bundle, from HEADER_BYTES on; None where nobody knows.
    """

    def __init__(self, size_bytes: int, common: CommonPart | None = None) -> None:
        self._size_bytes = size_bytes
        self._shared = () if common is None else tuple(map(_shared_by(common), common.blocks))
        self._common = _UNKNOWN if common is None else common.segments
        self._head = _Place(0, HEADER_BYTES if self._shared else 0)
        self._rest = _Place(self._shared[-1].end if self._shared else 0, size_bytes)
        self._places = (self._head, *self._shared, self._rest)
        self._starts = [place.start for place in self._places]

    @classmethod
    def of(cls, plan: Plan) -> Self:
        """Of a dock that is expected to hold `plan`."""
        return cls(plan.size_bytes, plan.common)

    def take(self, pieces: Iterable[Piece]) -> None:
        """Put pieces in their place. Raises NoAnswer for one that lies outside."""
        for piece in pieces:
            at, data = piece.offset_bytes, memoryview(piece.data)
            end = at + len(data)
            if not 0 <= at < end <= self._size_bytes:
                raise NoAnswer(f"the dock sent bytes {at} to {end}, never asked")
            number = bisect_right(self._starts, at) - 1
            while data:
                place = self._places[number]
                room = place.end - at
                place.put(at, data[:room])
                at, data, number = at + room, data[room:], number + 1

    @property
    def image(self) -> Segments:
        """Everything read, once it is whole. Raises NoAnswer while bytes are missing."""
        self._demand_whole()
        shared: Iterable[bytes | memoryview] = self._common.parts
        if not all(place.as_planned for place in self._shared):
            shared = (b"".join(place.content for place in self._shared),)
        return Segments((self._head.content, *shared, self._rest.content))

    def differing(self, blocks: Sequence[Part]) -> tuple[Part, ...]:
        """The blocks whose bytes read back have another digest than planned.

        Raises NoAnswer while bytes are missing.
        """
        digests = {(place.start, place.end): place.digest for place in self._shared}
        image = self.image

        def digest(block: Part) -> bytes:
            start, end = block.offset_bytes, block.offset_bytes + block.size_bytes
            return digests.get((start, end)) or sha256(image.view(start, end)).digest()

        return tuple(block for block in blocks if digest(block) != block.digest)

    def forget(self) -> None:
        """Overwrite what was read and may be secret; as if nothing had been read.

        The best Python can do: what a piece was made from is overwritten by nobody.
        """
        for place in self._places:
            place.forget()

    def _demand_whole(self) -> None:
        for place in self._places:
            if place.gaps:
                raise NoAnswer(f"the dock left out bytes from {place.gaps[0][0]}")


def _shared_by(common: CommonPart) -> Callable[[Part], _Place]:
    """Makes the places of a bundle's blocks."""

    def place(block: Part) -> _Place:
        start, end = block.offset_bytes, block.offset_bytes + block.size_bytes
        return _Place(start, end, common.segments.cut(start - HEADER_BYTES, end - HEADER_BYTES))

    return place

"""Bytes that lie in several buffers, looked at as one sequence, so that nobody has to join them.

The images of a bundle share its common volume; each adds a few kilobytes of its own. Kept as
segments, an image planned or read back costs those kilobytes and no more.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import accumulate
from typing import Self


class Segments:
    """parts: read-only views, one behind the other; empty ones are left out."""

    def __init__(self, parts: Iterable[bytes | bytearray | memoryview]) -> None:
        views = (memoryview(part).cast("B").toreadonly() for part in parts)
        self.parts = tuple(view for view in views if len(view))
        self._starts = (0, *accumulate(map(len, self.parts)))

    @classmethod
    def of(cls, whole: "bytes | bytearray | memoryview | Segments") -> "Segments":
        """What is in one buffer, or in several already."""
        return whole if isinstance(whole, Segments) else cls((whole,))

    @property
    def size_bytes(self) -> int:
        """Of all of them together."""
        return self._starts[-1]

    def __bytes__(self) -> bytes:
        return b"".join(self.parts)

    def are(self, octets: bytes | bytearray) -> bool:
        """Whether these are the same bytes; compared where they lie."""
        return len(octets) == self.size_bytes and all(
            octets.startswith(part, at) for at, part in zip(self._starts, self.parts, strict=False)
        )

    @property
    def digest(self) -> bytes:
        """SHA-256 over every byte, 32 octets."""
        whole = sha256()
        for part in self.parts:
            whole.update(part)
        return whole.digest()

    def view(self, start: int, end: int) -> memoryview:
        """The bytes from `start` up to `end`, both cut to what is there, as a slice has it.

        A view of the buffer they lie in; a copy only where they lie in more than one.
        """
        found = tuple(self._between(start, end))
        return found[0] if len(found) == 1 else memoryview(b"".join(found))

    def cut(self, start: int, end: int) -> Self:
        """The same bytes as segments; nothing is copied."""
        return type(self)(self._between(start, end))

    def _between(self, start: int, end: int) -> Iterator[memoryview]:
        first = max(0, bisect_right(self._starts, start) - 1)
        for at, part in zip(self._starts[first:], self.parts[first:], strict=False):
            if at >= end:
                return
            if piece := part[max(start - at, 0) : end - at]:
                yield piece

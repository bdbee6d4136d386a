"""The bytes a dock gave back, and nothing else: no byte here was ever copied from the plan."""

from collections.abc import Iterable, Sequence
from hashlib import sha256

from station.application.ports import Piece
from station.datastore.plan import Part
from station.domain.errors import NoAnswer


class Readback:
    """A buffer of `size_bytes` that knows which of its bytes have been read."""

    def __init__(self, size_bytes: int) -> None:
        self._buffer = bytearray(size_bytes)
        self._read: dict[int, int] = {}

    def take(self, pieces: Iterable[Piece]) -> None:
        """Put pieces in their place. Raises NoAnswer for one that lies outside."""
        for piece in pieces:
            end = piece.offset_bytes + len(piece.data)
            if not 0 <= piece.offset_bytes < end <= len(self._buffer):
                raise NoAnswer(f"the dock sent bytes {piece.offset_bytes} to {end}, never asked")
            self._buffer[piece.offset_bytes : end] = piece.data
            self._read[piece.offset_bytes] = max(end, self._read.get(piece.offset_bytes, 0))

    @property
    def image(self) -> memoryview:
        """Everything read, once it is whole. Raises NoAnswer while bytes are missing."""
        reached = 0
        for start, end in sorted(self._read.items()):
            if start > reached:
                break
            reached = max(reached, end)
        if reached != len(self._buffer):
            raise NoAnswer(f"the dock left out bytes from {reached}")
        return memoryview(self._buffer).toreadonly()

    def differing(self, blocks: Sequence[Part]) -> tuple[Part, ...]:
        """The blocks whose bytes read back have another digest than planned."""
        image = self.image
        return tuple(
            block
            for block in blocks
            if sha256(image[block.offset_bytes :][: block.size_bytes]).digest() != block.digest
        )

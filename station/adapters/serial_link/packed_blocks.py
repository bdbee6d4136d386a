"""Blocks that many docks share, compressed once for all of them and kept for the next.

Known by their digest: lanes of one bundle share what they write, and so do bundles that share a
picture. Nothing unique comes here: it is not shared, and must not stay in memory.
"""

from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import Future
from threading import Lock
from typing import Final, NamedTuple

from station.application.ports import Piece
from station.protocol.compression import Method
from station.protocol.datastore_group import Write, write_requests
from station.protocol.packing import Packed, pack, packed_writes

KEPT_BYTES_MAX: Final = 32 * 1024 * 1024
"""Of compressed blocks: two full bundles. What is used least is dropped first."""

BLOCK_OVERHEAD_BYTES: Final = 2_048
"""What remembering a block costs beside its compressed bytes, even one that travels plain."""


class _Name(NamedTuple):
    digest: bytes
    method: Method
    message_max: int


class PackedBlocks:
    """Callable from any lane. kept_bytes: most that is kept."""

    def __init__(self, kept_bytes: int = KEPT_BYTES_MAX) -> None:
        self._most = kept_bytes
        self._held = 0
        self._lock = Lock()
        self._blocks: OrderedDict[_Name, Future[tuple[Packed, ...]]] = OrderedDict()

    def writes(self, block: Piece, method: Method, *, message_max: int) -> Iterator[Write]:
        """The writes of a shared block, each compressed where that is worth it."""
        pieces = self._pieces(block, _Name(block.shared, method, message_max))
        if not pieces:
            return write_requests(block.offset_bytes, block.data, message_max=message_max)
        return packed_writes(block.offset_bytes, block.data, pieces, method)

    def _pieces(self, block: Piece, name: _Name) -> tuple[Packed, ...]:
        """Packed by the first lane that asks; the others wait for it."""
        with self._lock:
            known = self._blocks.get(name)
            if known is None:
                mine: Future[tuple[Packed, ...]] = Future()
                self._blocks[name] = mine
            else:
                self._blocks.move_to_end(name)
                mine = known
        if known is not None:
            return known.result()
        try:
            pieces = pack(name.method, block.data, message_max=name.message_max)
        except BaseException as error:
            with self._lock:
                del self._blocks[name]
            mine.set_exception(error)
            raise
        mine.set_result(pieces)
        self._make_room(pieces)
        return pieces

    def _make_room(self, fresh: tuple[Packed, ...]) -> None:
        with self._lock:
            self._held += _kept_bytes(fresh)
            for name, block in list(self._blocks.items()):
                if self._held <= self._most:
                    return
                if block.done():  # another lane may be waiting for one that is not
                    self._held -= _kept_bytes(block.result())
                    del self._blocks[name]


def _kept_bytes(pieces: tuple[Packed, ...]) -> int:
    return BLOCK_OVERHEAD_BYTES + sum(len(piece.data) for piece in pieces if piece.data)

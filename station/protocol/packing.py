"""Cuts a block into pieces that each fill a message, compressed where that lets it hold more.

A piece is found by trying: compress as much as the last piece suggests, less if it does not fit.
Which blocks are worth it, and who keeps the pieces, is the caller's business.
Source: docs/SPEC.md, "Compression".
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from station.protocol.compression import INFLATED_BYTES_MAX, Method, deflated
from station.protocol.datastore_group import Write, packed_payload_max, range_payload_max

WORTH_SHARE: Final = 16
"""A block that as a whole shrinks by less than a sixteenth travels plain: pictures mostly."""

TRIES: Final = 5
"""How often a piece is cut shorter before it travels plain."""


class Packed(NamedTuple):
    """`size` bytes of a block from `start` on. data: compressed; None where they travel plain."""

    start: int
    size: int
    data: bytes | None


def pack(method: Method, block: bytes | memoryview, *, message_max: int) -> tuple[Packed, ...]:
    """All of the block, in order; empty where it is to travel plain."""
    view = memoryview(block).cast("B")
    worth = len(view) - len(view) // WORTH_SHARE
    if len(deflated(method, view)) >= worth:
        return ()
    return tuple(_pieces(method, view, message_max))


def packed_writes(
    offset: int,
    block: bytes | memoryview,
    pieces: Sequence[Packed],
    method: Method,
) -> Iterator[Write]:
    """The writes of a block that was cut into `pieces` and lies at this offset."""
    view = memoryview(block).cast("B")
    for start, size, data in pieces:
        if data is None:
            yield Write(offset + start, view[start : start + size])
        else:
            yield Write(offset + start, data, method, size)


def _pieces(method: Method, view: memoryview, message_max: int) -> Iterator[Packed]:
    plain, room = range_payload_max(message_max), packed_payload_max(message_max)
    start, guess = 0, INFLATED_BYTES_MAX
    while start < len(view):
        rest = view[start:]
        size, data = _fitting(method, rest, room, guess)
        if size <= min(plain, len(rest) - 1) or len(data) >= size:
            size, guess = min(plain, len(rest)), 2 * plain
            yield Packed(start, size, None)
        else:
            # As much more as the room left over suggests, and a little to find a better stretch.
            guess = min(INFLATED_BYTES_MAX, size * room // len(data) + size // 16)
            yield Packed(start, size, data)
        start += size


def _fitting(method: Method, rest: memoryview, room: int, guess: int) -> tuple[int, bytes]:
    """How much of `rest` fits the room, and its compressed form; nothing if too little does."""
    size = min(len(rest), guess)
    for _ in range(TRIES):
        data = deflated(method, rest[:size])
        if len(data) <= room:
            return size, data
        size = min(size - 1, size * room // len(data) * 31 // 32)
    return 0, b""

"""cdb, D. J. Bernstein's constant database, over any buffer and without copying a value.

Writes the layout of his `cdbmake` and no other. Reads any database within its bounds: a pointer
outside the buffer is an error, never an access. Knows nothing of what keys and values mean.
Source: https://cr.yp.to/cdb/cdb.txt; docs/SPEC.md, "Volume".
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

TABLES: Final = 256
HEADER_BYTES: Final = 8 * TABLES
"""A pair (position, number of slots) per hash table; the first record follows."""

RECORD_HEAD_BYTES: Final = 8
"""A pair (length of key, length of value) before each record's key."""

SIZE_MAX_BYTES: Final = 2**32 - 1
"""Positions have 32 bits (cdb.txt)."""

DETOURS_A_RECORD: Final = 8
DETOURS_FREE: Final = 65_536
"""How many slots of others finding every record once may pass: so many a record, and so many more.

Ours, not cdb's: its hash is easily made to collide, and 75,000 names that all do keep a reader busy
for half an hour. Honest names pass about one slot each, numbered ones included (measured).
"""

_PAIR: Final = struct.Struct("<II")


class BadCdb(ValueError):
    """Damage: a length or pointer leads outside the database."""


class KeysCollide(ValueError):
    """Keys chosen so that looking them up takes time out of all proportion."""


@dataclass(frozen=True, slots=True)
class Record:
    """A key and its value. Look-ups do not find a record that is not `indexed`."""

    key: bytes
    value: bytes | memoryview = field(repr=False)
    indexed: bool = True

    @property
    def size_bytes(self) -> int:
        """What it takes in the database, without its slot in a hash table."""
        return RECORD_HEAD_BYTES + len(self.key) + len(self.value)


def hash_of(key: bytes) -> int:
    """The 32-bit hash of a key (cdb.txt: "starts at 5381, h = ((h << 5) + h) ^ c")."""
    hashed = 5381
    for octet in key:
        hashed = (hashed * 33 & 0xFFFFFFFF) ^ octet
    return hashed


def pieces(records: Sequence[Record]) -> Iterator[bytes | memoryview]:
    """The database of these records, in address order; values are handed on, not copied.

    Raises ValueError where it would pass 4 GiB, and KeysCollide.
    """
    tables: list[list[tuple[int, int]]] = [[] for _ in range(TABLES)]
    at = HEADER_BYTES
    for record in records:
        if record.indexed:
            hashed = hash_of(record.key)
            tables[hashed % TABLES].append((hashed, at))
        at += record.size_bytes
    if at + sum(2 * _PAIR.size * len(pointers) for pointers in tables) > SIZE_MAX_BYTES:
        raise ValueError("a cdb holds less than 4 GiB")
    yield _header(at, tables)
    for record in records:
        yield _PAIR.pack(len(record.key), len(record.value)) + record.key
        yield record.value
    detours_left = DETOURS_FREE + DETOURS_A_RECORD * len(records)
    for pointers in tables:
        table, detours = _table(pointers, detours_left)
        detours_left -= detours
        yield table


def _header(at: int, tables: Sequence[Sequence[tuple[int, int]]]) -> bytes:
    """at: position behind the last record, where the first table begins."""
    header = bytearray()
    for pointers in tables:
        slots = 2 * len(pointers)
        header += _PAIR.pack(at, slots)
        at += slots * _PAIR.size
    return bytes(header)


def _table(pointers: Sequence[tuple[int, int]], detours_max: int) -> tuple[bytes, int]:
    """An open hash table, half full, and how many slots of others finding its records passes.

    Pointers enter in the order of their records, each into the first free slot from its own on.
    """
    slots = [(0, 0)] * (2 * len(pointers))
    detours = 0
    for hashed, position in pointers:
        place = (hashed >> 8) % len(slots)
        while slots[place][1]:
            place = (place + 1) % len(slots)
            detours += 1
            if detours > detours_max:
                raise KeysCollide("keys whose hashes collide, too many to be chance")
        slots[place] = (hashed, position)
    return b"".join(_PAIR.pack(*slot) for slot in slots), detours


class Reader:
    """Look-up in place: two probes, no index to load.

    buffer: the whole database and nothing else; it is never copied, so a memory map will do.
    Raises BadCdb here and from every method that meets damage.
    """

    def __init__(self, buffer: bytes | bytearray | memoryview) -> None:
        self._data = memoryview(buffer).cast("B").toreadonly()
        if not HEADER_BYTES <= len(self._data) <= SIZE_MAX_BYTES:
            raise BadCdb("no database has this size")

    def get(self, key: bytes) -> memoryview | None:
        """The value of the first record with this key."""
        hashed = hash_of(key)
        table_at, slots = self._pair(8 * (hashed % TABLES))
        for step in range(slots):
            place = ((hashed >> 8) + step) % slots
            found, record_at = self._pair(table_at + 8 * place)
            if not record_at:
                return None
            if found == hashed:
                held, value, _ = self._record(record_at, len(self._data))
                if held == key:
                    return value
        return None

    def records(self) -> Iterator[tuple[memoryview, memoryview]]:
        """Key and value of every record in address order, whether look-ups find it or not.

        The records must fill the room before the first hash table exactly.
        """
        at, end = HEADER_BYTES, self._pair(0)[0]
        if not HEADER_BYTES <= end <= len(self._data):
            raise BadCdb("the hash tables begin outside the database")
        while at < end:
            key, value, at = self._record(at, end)
            yield key, value

    def _record(self, at: int, end: int) -> tuple[memoryview, memoryview, int]:
        """Key, value and the position behind them, all before `end`."""
        key_bytes, value_bytes = self._pair(at)
        value_at = at + RECORD_HEAD_BYTES + key_bytes
        next_at = value_at + value_bytes
        if next_at > end:
            raise BadCdb("a record leads outside the database")
        return (
            self._data[at + RECORD_HEAD_BYTES : value_at],
            self._data[value_at:next_at],
            next_at,
        )

    def _pair(self, at: int) -> tuple[int, int]:
        if at + _PAIR.size > len(self._data):
            raise BadCdb("a pointer leads outside the database")
        first, second = _PAIR.unpack_from(self._data, at)
        return first, second

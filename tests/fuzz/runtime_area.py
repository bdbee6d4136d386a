"""Fuzz target of the runtime partition: whatever octets its flash holds, it mounts and is of use.

Nothing there is refused, for a dock with a damaged flash must start: what is no record is passed
over. What was found is found again by the next start, and what is then put, replaced or cleared is
as it should be, beside everything else that was there.
"""

from dataclasses import replace
from typing import Final
from zlib import crc32

from station.datastore.runtime_format import (
    RETIRED,
    SEGMENT_HEADER_BYTES,
    EntryHead,
    ErasureHead,
    Head,
    PieceHead,
    Sizes,
    Use,
    Wear,
    encode_record,
    padded,
)
from station.datastore.runtime_partition import RuntimePartition
from station.domain.bundle import EntryKey
from station.domain.entries import Entry, Kind, PictureType
from station.domain.errors import StoreFull, StoreWorn
from tests.fuzz.recipe import Recipe

MARK: Final = b"P"
"""First octet of what is a recipe for an area."""

BUDGET_BYTES: Final = 6_000
SECTOR_BYTES: Final = 512
SIZES: Final = Sizes.of(BUDGET_BYTES, SECTOR_BYTES)

_KINDS: Final = tuple(Kind)
_ADDED: Final = (
    Entry(Kind.KV, "added", "grün".encode()),
    Entry(Kind.IMG, "added", bytes(range(256)) * 6, PictureType.BMP),
)
"""One that stands in its record, and one that is cut into pieces."""


class Area:
    """A flash that keeps what is written. Implements `station.datastore.flash_area.FlashArea`."""

    sector_bytes = SECTOR_BYTES
    size_bytes = SIZES.area_bytes

    def __init__(self, cells: bytes) -> None:
        self.cells = bytearray(cells[: self.size_bytes].ljust(self.size_bytes, b"\xff"))

    def view(self, offset_bytes: int, size_bytes: int) -> memoryview:
        """See `FlashArea`."""
        assert 0 <= offset_bytes <= offset_bytes + size_bytes <= self.size_bytes
        return memoryview(self.cells).toreadonly()[offset_bytes : offset_bytes + size_bytes]

    def program(self, offset_bytes: int, data: bytes | memoryview) -> None:
        """See `FlashArea`."""
        before = self.view(offset_bytes, len(data))
        self.cells[offset_bytes : offset_bytes + len(data)] = bytes(
            cell & octet for cell, octet in zip(before, data, strict=True)
        )

    def erase(self, offset_bytes: int, size_bytes: int) -> None:
        """See `FlashArea`."""
        assert offset_bytes % SECTOR_BYTES == size_bytes % SECTOR_BYTES == 0
        assert 0 <= offset_bytes <= offset_bytes + size_bytes <= self.size_bytes
        self.cells[offset_bytes : offset_bytes + size_bytes] = b"\xff" * size_bytes


def live_with(cells: bytes) -> None:
    """Mount, look, change, clear. Raises AssertionError, or whatever a defect raises."""
    area = Area(cells)
    held = _held(_mounted(area))
    partition = _mounted(area)
    assert _held(partition) == held, "another start finds something else"
    for entry in _ADDED:
        held = _put(partition, entry, held)
        assert _held(_mounted(area)) == held
    partition = _mounted(area)
    try:
        partition.clear()
        held = {}
    except StoreWorn:
        pass
    assert _held(partition) == _held(_mounted(area)) == held


def _mounted(area: Area) -> RuntimePartition:
    return RuntimePartition(area, budget_bytes=BUDGET_BYTES)


def _held(partition: RuntimePartition) -> dict[EntryKey, Entry]:
    """All that can be got; what is named and cannot be got is gone from then on."""
    found: dict[EntryKey, Entry] = {}
    for kind in Kind:
        for name in partition.names(kind):
            entry = partition.get(kind, name)
            assert (entry is None) == (not partition.holds(kind, name))
            if entry is not None:
                found[entry.key] = replace(entry, data=bytes(entry.data))
    usage = partition.usage
    assert sum(one.size_bytes for one in usage.by_kind.values()) <= usage.used_bytes
    assert sum(one.entries for one in usage.by_kind.values()) == len(found)
    return found


def _put(
    partition: RuntimePartition, entry: Entry, held: dict[EntryKey, Entry]
) -> dict[EntryKey, Entry]:
    """What is held afterwards."""
    try:
        partition.put(entry)
        held = {**held, entry.key: entry}
    except (StoreFull, StoreWorn) as refused:
        assert refused.cause.isprintable()
    assert _held(partition) == held
    return held


# -- recipes -------------------------------------------------------------------------------------


def made_area(octets: bytes) -> bytes:
    """The area that a recipe makes: segments with records that are right for their place, whatever
    they say, and damage behind it."""
    recipe = Recipe(octets)
    cells = bytearray(b"\xff" * SIZES.area_bytes)
    ends: dict[int, tuple[int, int]] = {}
    for number in range(SIZES.segments):
        _begin(recipe, cells, number, ends)
    for _ in range(recipe.number(24)):
        _append(recipe, cells, ends)
    for _ in range(recipe.number(6)):
        at = int.from_bytes(recipe.take(2), "little") % len(cells)
        cells[at] = recipe.number(256)
    return bytes(cells)


def _begin(recipe: Recipe, cells: bytearray, number: int, ends: dict[int, tuple[int, int]]) -> None:
    """The header of a segment, or none. ends: sequence, and where the next record goes."""
    at = number * SIZES.segment_bytes
    how = recipe.number(8)
    wear = Wear(recipe.number(256), RETIRED if how == 2 else SIZES.segment_bytes)
    sequence = recipe.number(32) + 1
    use = Use(sequence, min(sequence, recipe.number(16)))
    octets = b"" if how == 3 else wear.encode()
    if how > 3:
        octets += use.encode()
        ends[number] = sequence, SEGMENT_HEADER_BYTES
    cells[at : at + len(octets)] = octets


def _append(recipe: Recipe, cells: bytearray, ends: dict[int, tuple[int, int]]) -> None:
    if not ends:
        return
    number = sorted(ends)[recipe.number(len(ends))]
    sequence, end = ends[number]
    other = recipe.number(16)
    content = recipe.text() * (1 + recipe.number(5))
    head = _head(recipe, content)
    try:
        encoded, body = encode_record(
            head,
            memoryview(content),
            sequence=sequence if other else recipe.number(32),
            serial=recipe.number(8),
            offset_bytes=end,
        )
    except OverflowError:
        return
    record = encoded + body
    if end + len(record) <= SIZES.segment_bytes:
        at = number * SIZES.segment_bytes + end
        cells[at : at + len(record)] = record
        ends[number] = sequence, padded(end + len(record))


def _head(recipe: Recipe, content: bytes) -> Head:
    lie = recipe.number(8)
    match recipe.number(4):
        case 0:
            return PieceHead(recipe.number(4))
        case 1:
            return ErasureHead(recipe.number(8), recipe.number(256))
    kind = _KINDS[recipe.number(len(_KINDS))]
    name = recipe.take(recipe.number(8)).decode("utf-8", "replace")
    picture = tuple(PictureType)[recipe.number(3)] if (kind is Kind.IMG) != (lie == 1) else None
    size_bytes = len(content) if lie else recipe.number(256) * 16
    return EntryHead(kind, name, picture, size_bytes, crc32(content) if lie != 2 else 0)

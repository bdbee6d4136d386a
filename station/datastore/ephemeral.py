"""The ephemeral partition: entries in one anonymous shared map, gone with the process.

No content is ever copied to the Python heap: that is what the partition is for. Entries lie whole
in the map, so `get` hands out a view; how long it is good for is said there. Not for use from more
than one thread.
Source: docs/SPEC.md, "Ephemeral partition"; dock-sdk.md, 1.1.
"""

import mmap
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from station.datastore.field_entries import (
    demand_entry,
    demand_place,
    demand_room,
    no_such_entry,
)
from station.datastore.field_store import KindUse, Usage
from station.datastore.holes import Holes
from station.datastore.partitions import PartitionName
from station.domain.entries import Entry, Kind, PictureType
from station.domain.limits import EPHEMERAL_BYTES

BOOKKEEPING_BYTES: Final = 64
"""Held against the budget for each entry, so that no number of empty ones is free of charge."""


@dataclass(slots=True)
class _Place:
    """Where an entry's content lies in the map. name_bytes: octets of its name."""

    start: int
    size_bytes: int
    name_bytes: int
    picture: PictureType | None

    @property
    def used_bytes(self) -> int:
        return self.name_bytes + self.size_bytes + BOOKKEEPING_BYTES


class EphemeralPartition:
    """Empty when made. Implements `WritablePartition`. Raises ValueError without a budget."""

    def __init__(self, *, budget_bytes: int = EPHEMERAL_BYTES) -> None:
        if budget_bytes < 1:
            raise ValueError("a budget has at least one octet")
        self._budget_bytes = budget_bytes
        self.clear()

    @property
    def name(self) -> PartitionName:
        """Ephemeral."""
        return PartitionName.EPHEMERAL

    @property
    def usage(self) -> Usage:
        """See `WritablePartition`."""
        by_kind = {
            kind: KindUse(
                len(places), sum(one.name_bytes + one.size_bytes for one in places.values())
            )
            for kind, places in self._places.items()
        }
        return Usage(by_kind, self._used_bytes, self._budget_bytes)

    def holds(self, kind: Kind, name: str) -> bool:
        """See `Partition`."""
        return name in self._places[kind]

    def names(self, kind: Kind) -> Collection[str]:
        """See `Partition`."""
        return list(self._places[kind])

    def get(self, kind: Kind, name: str) -> Entry | None:
        """See `Partition`; `data` is a read-only view of the map.

        It shows the entry until the next `put` or `delete` of any entry here: then other content
        may take its place or be moved there. Copy what must last. It never outlives its memory:
        after `clear` it shows what was there before, as long as anybody holds it.
        """
        place = self._places[kind].get(name)
        if place is None:
            return None
        data = self._cells[place.start : place.start + place.size_bytes].toreadonly()
        return Entry(kind, name, data, place.picture)

    def put(self, entry: Entry) -> None:
        """See `WritablePartition`. Raises DocumentRefused for a key-value that is no text, and
        StoreFull; then what was held is held.
        """
        content = demand_entry(entry)
        places = self._places[entry.kind]
        old = places.get(entry.name)
        new = _Place(0, len(content), len(entry.name.encode("utf-8")), entry.picture)
        free_bytes = self._budget_bytes - self._used_bytes
        demand_room(self.name, new.used_bytes, free_bytes + (old.used_bytes if old else 0))
        if old is None:
            demand_place(self.name, sum(map(len, self._places.values())))
        if content.obj is self._map:  # a view of ours, under which entries may be moved
            content = memoryview(bytes(content))
        if old is not None:
            self._release(places.pop(entry.name))
        new.start = self._taken(new.size_bytes)
        self._cells[new.start : new.start + new.size_bytes] = content
        self._used_bytes += new.used_bytes
        places[entry.name] = new

    def delete(self, kind: Kind, name: str) -> None:
        """See `WritablePartition`."""
        place = self._places[kind].pop(name, None)
        if place is None:
            raise no_such_entry(self.name, kind, name)
        self._release(place)

    def clear(self) -> None:
        """See `WritablePartition`; the memory goes back to the machine with the last view of it."""
        self._map = mmap.mmap(-1, self._budget_bytes)
        self._cells = memoryview(self._map)
        self._holes = Holes(0, self._budget_bytes)
        self._places: dict[Kind, dict[str, _Place]] = {kind: {} for kind in Kind}
        self._used_bytes = 0

    def _release(self, place: _Place) -> None:
        self._holes.give(place.start, place.size_bytes)
        self._used_bytes -= place.used_bytes

    def _taken(self, size_bytes: int) -> int:
        """Start of a range that is free; there is room, though it may lie scattered."""
        if not size_bytes:
            return 0
        start = self._holes.take(size_bytes)
        if start is None:
            self._compact()
            start = self._holes.take(size_bytes)
        if start is None:
            raise ValueError("no room for what the budget allows")
        return start

    def _compact(self) -> None:
        """Move every entry down, in order, until all that is free lies behind the last."""
        end = 0
        every = (place for places in self._places.values() for place in places.values())
        for place in sorted(every, key=lambda one: one.start):
            self._map.move(end, place.start, place.size_bytes)
            place.start = end
            end += place.size_bytes
        self._holes = Holes(end, self._budget_bytes)

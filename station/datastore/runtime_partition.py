"""The runtime partition: entries that survive a restart, in an area of flash.

Laws, for a cut of power anywhere: once `put` has returned the entry is what a start finds; before
that, a start finds the old one or the new one, whole; clearing empties all in one instant. What
rots is found before it is handed out, and is then absent. Not for use from more than one thread.
Source: docs/SPEC.md, "Runtime partition".
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Final
from zlib import crc32

from station.datastore.field_entries import (
    demand_entry,
    demand_place,
    demand_room,
    no_such_entry,
)
from station.datastore.field_store import KindUse, Usage
from station.datastore.flash_area import FlashArea
from station.datastore.partitions import PartitionName
from station.datastore.runtime_format import (
    SEGMENTS_KEPT,
    SERIAL_END,
    EntryHead,
    Head,
    PieceHead,
    Record,
    Sizes,
    record_bytes,
)
from station.datastore.runtime_index import UNWRITTEN, Found, Held
from station.datastore.runtime_segments import Segment, Segments, State
from station.domain.bundle import EntryKey
from station.domain.entries import Entry, Kind, is_text
from station.domain.errors import StoreFull, StoreWorn
from station.domain.limits import RUNTIME_BYTES

LEVELLED_EVERY: Final = 16
"""Of so many segments erased, one may be the least worn instead of the emptiest."""

LEVELLED_FROM: Final = 16
"""How many erasures the least worn segment may be behind the most worn."""

WORN_FILL: Final = (63, 64)
"""As `FILL`, for an area that has lost segments: slower, rather than smaller."""


class RuntimePartition:
    """Over whatever the area holds, arbitrary octets included. Implements `WritablePartition`.

    The area must have `area_bytes(budget_bytes, sector_bytes)` octets (ValueError otherwise). What
    the area raises when power goes passes through every method; then this object is of no more
    use, and a new one over the same area takes its place.
    """

    def __init__(self, flash: FlashArea, *, budget_bytes: int = RUNTIME_BYTES) -> None:
        self._sizes = Sizes.of(budget_bytes, flash.sector_bytes)
        if flash.size_bytes < self._sizes.area_bytes:
            raise ValueError(
                f"{flash.size_bytes:,} bytes of flash are too few for this budget:"
                f" {self._sizes.area_bytes:,} are needed"
            )
        self._segments = Segments(flash, self._sizes)
        self._held: dict[int, Held] = {}
        self._by_name: dict[Kind, dict[str, Held]] = {kind: {} for kind in Kind}
        self._used_bytes = 0
        self._next_serial = self._mount()

    def _mount(self) -> int:
        """Find what counts, and finish what a cut left; the next serial."""
        found = Found(self._sizes)
        for address, record in self._segments.records():
            found.take(address, record)
        self._segments.settle()
        held, superseded = found.settled()
        for address in superseded:
            self._segments.drop(address)
        for one in held:
            self._held[one.serial] = self._by_name[one.key[0]][one.key[1]] = one
            self._used_bytes += self._packed_bytes(one)
            for address, size_bytes in self._records(one):
                self._segments.at(address).live_bytes += size_bytes
        return found.last_serial + 1

    # -- looking -------------------------------------------------------------------------------

    @property
    def name(self) -> PartitionName:
        """Runtime."""
        return PartitionName.RUNTIME

    @property
    def usage(self) -> Usage:
        """See `WritablePartition`. What was lost counts as used until it has been removed."""
        by_kind = {}
        for kind, names in self._by_name.items():
            held = [one for one in names.values() if not one.lost]
            size_bytes = sum(one.name_bytes + one.size_bytes for one in held)
            by_kind[kind] = KindUse(len(held), size_bytes)
        return Usage(by_kind, self._used_bytes, self._sizes.budget_bytes)

    @property
    def lost(self) -> Collection[EntryKey]:
        """Entries whose content was asked for and had rotted; until the next restart."""
        return [held.key for held in self._held.values() if held.lost]

    @property
    def erasures(self) -> Sequence[int]:
        """How often each segment was erased, by its number."""
        return self._segments.times_erased

    def holds(self, kind: Kind, name: str) -> bool:
        """See `Partition`."""
        return self._find(kind, name) is not None

    def names(self, kind: Kind) -> Collection[str]:
        """See `Partition`."""
        return [name for name, held in self._by_name[kind].items() if not held.lost]

    def get(self, kind: Kind, name: str) -> Entry | None:
        """See `Partition`; `data` is a copy, and every octet of it was checked."""
        held = self._find(kind, name)
        if held is None:
            return None
        content = self._read(held)
        if content is None:
            held.lost = True
            return None
        return Entry(kind, name, content, held.picture)

    # -- changing ------------------------------------------------------------------------------

    def put(self, entry: Entry) -> None:
        """See `WritablePartition`.

        While it is written the old content is held as well, so that both together may pass what is
        free by no more than a thirty-second of the budget. Raises DocumentRefused for a key-value
        that is no text, StoreFull, and StoreWorn; then what was held is held.
        """
        content = demand_entry(entry)
        names = self._by_name[entry.kind]
        new = Held(
            serial=self._next_serial,
            key=entry.key,
            picture=entry.picture,
            name_bytes=len(entry.name.encode("utf-8")),
            size_bytes=len(content),
            crc=crc32(content),
        )
        self._demand(self._packed_bytes(new), names.get(entry.name))
        if new.serial >= SERIAL_END:
            raise StoreWorn("all serials of the runtime partition are used up")
        self._next_serial += 1
        try:
            self._write_entry(new, content)
        except StoreWorn:
            self._forget(new)
            raise
        old = names.get(entry.name)  # not as it was before: it may have been moved, or lost
        names[entry.name] = new
        self._used_bytes += self._packed_bytes(new)
        if old is not None:
            self._discard(old)  # where its cells do not take that, the newer one still counts

    def delete(self, kind: Kind, name: str) -> None:
        """See `WritablePartition`. Raises StoreWorn where the cells do not take it."""
        held = self._by_name[kind].get(name)
        if held is None:
            raise no_such_entry(self.name, kind, name)
        if not self._discard(held):
            raise StoreWorn(f"the cells that hold {kind} {name!r} do not let go of it")
        del self._by_name[kind][name]

    def clear(self) -> None:
        """See `WritablePartition`: in one instant, then every segment is erased.

        Raises StoreWorn where no segment is left for that; then what was held is held.
        """
        used = [*self._segments.those(State.HEAD), *self._segments.those(State.CLOSED)]
        if not used:
            return
        self._segments.open_next(void=True)
        self._held.clear()
        for names in self._by_name.values():
            names.clear()
        self._used_bytes = 0
        for segment in used:
            self._segments.erase(segment)

    # -- one entry -----------------------------------------------------------------------------

    def _find(self, kind: Kind, name: str) -> Held | None:
        held = self._by_name[kind].get(name)
        return None if held is None or held.lost else held

    def _demand(self, packed_bytes: int, old: Held | None) -> None:
        """Raise StoreFull or StoreWorn where an entry does not fit in place of another."""
        old_bytes = 0 if old is None else self._packed_bytes(old)
        free_bytes = self._sizes.budget_bytes - self._used_bytes
        demand_room(self.name, packed_bytes, free_bytes + old_bytes)
        if old is None:
            demand_place(self.name, len(self._held))
        short_bytes = packed_bytes - free_bytes - self._sizes.allowance_bytes
        if short_bytes > 0:
            raise StoreFull(
                f"{short_bytes:,} bytes more than the {self.name} partition has free while it"
                " still holds the old content",
                remedy="Delete the old entry first, or others.",
            )
        closed = self._segments.usable - 1 - SEGMENTS_KEPT
        most_bytes = closed * self._sizes.taken_bytes * WORN_FILL[0] // WORN_FILL[1]
        if self._used_bytes + packed_bytes > most_bytes:
            raise StoreWorn(
                f"{self._used_bytes + packed_bytes - most_bytes:,} bytes more than the"
                f" {self.name} partition still takes; its flash has worn out in part"
            )

    def _write_entry(self, held: Held, content: memoryview) -> None:
        """Pieces first; with its own record the entry counts. Raises StoreWorn."""
        self._held[held.serial] = held  # so that a piece is moved with its segment
        pieces, rest = self._sizes.piece_count(held.name_bytes, held.size_bytes), content
        for number in range(pieces):
            size_bytes = self._sizes.piece_bytes(number, held.size_bytes)
            held.pieces.append(self._write(held, PieceHead(number), rest[:size_bytes]))
            rest = rest[size_bytes:]
            if held.lost:
                raise StoreWorn("what was written just now has not lasted")
        kind, name = held.key
        head = EntryHead(kind, name, held.picture, held.size_bytes, held.crc)
        held.address = self._write(held, head, rest)

    def _read(self, held: Held) -> memoryview | None:
        """All content, in one copy; None where any of it is not what was written."""
        content, end = bytearray(held.size_bytes), 0
        for address in held.pieces or [held.address]:
            read = self._segments.read(address)
            if read is None:
                return None
            content[end : end + len(read[1])] = read[1]
            end += len(read[1])
        if end != held.size_bytes or crc32(content) != held.crc:
            return None
        octets = memoryview(content).toreadonly()
        return octets if held.key[0] is not Kind.KV or is_text(octets) else None

    def _discard(self, held: Held) -> bool:
        """Let an entry count no more; whether the cells took that."""
        if not self._segments.drop(held.address):
            return False
        self._used_bytes -= self._packed_bytes(held)
        self._forget(held)
        return True

    def _packed_bytes(self, held: Held) -> int:
        return self._sizes.packed_bytes(held.name_bytes, held.size_bytes)

    def _records(self, held: Held) -> Iterator[tuple[int, int]]:
        """Address and size of every record of an entry that is written so far."""
        for number, address in enumerate(held.pieces):
            yield address, record_bytes(self._sizes.piece_bytes(number, held.size_bytes))
        if held.address != UNWRITTEN:
            inline = 0 if held.pieces else held.size_bytes
            yield held.address, record_bytes(held.name_bytes + inline)

    def _forget(self, held: Held) -> None:
        del self._held[held.serial]
        for address, size_bytes in self._records(held):
            self._segments.at(address).live_bytes -= size_bytes

    # -- room ----------------------------------------------------------------------------------

    def _write(self, held: Held, head: Head, content: memoryview, *, moving: bool = False) -> int:
        """Append a record of an entry, elsewhere if its cells do not keep it. Raises StoreWorn."""
        name_bytes = held.name_bytes if isinstance(head, EntryHead) else 0
        size_bytes = record_bytes(name_bytes + len(content))
        while True:
            self._make_room(size_bytes, moving=moving)
            address = self._segments.append(head, content, serial=held.serial)
            if address is not None:
                self._segments.at(address).live_bytes += size_bytes
                return address

    def _make_room(self, size_bytes: int, *, moving: bool) -> None:
        """moving: a segment is being emptied; the erased ones are kept for that."""
        kept = 0 if moving else SEGMENTS_KEPT
        while self._segments.room_bytes < size_bytes:
            if len(self._segments.those(State.FREE)) > kept:
                self._segments.open_next()
            elif moving:
                raise StoreWorn("the runtime partition has no erased flash left")
            else:
                self._compact()

    def _compact(self) -> None:
        """Move what counts out of one segment and erase it. Raises StoreWorn."""
        segment = self._victim()
        for record in self._segments.records_in(segment):
            self._move(segment, record)
        if segment.live_bytes:  # a head has rotted too: nothing may point here once it is erased
            for held in list(self._held.values()):
                if any(self._segments.at(address) is segment for address, _ in self._records(held)):
                    self._lose(held)
        self._segments.erase(segment)

    def _victim(self) -> Segment:
        """Bad ones first, then the emptiest; now and then the least worn, full as it may be."""
        closed = self._segments.those(State.CLOSED)
        if bad := [segment for segment in closed if segment.bad]:
            return bad[0]
        coldest = min(closed, key=lambda segment: segment.times, default=None)
        emptiest = min(closed, key=lambda one: (one.live_bytes, one.times), default=None)
        if coldest is None or emptiest is None or emptiest.live_bytes >= self._sizes.taken_bytes:
            raise StoreWorn("too few segments of the runtime partition's flash are left")
        times = self._segments.times_erased
        if sum(times) % LEVELLED_EVERY == 0 and coldest.times + LEVELLED_FROM <= max(times):
            return coldest
        return emptiest

    def _move(self, segment: Segment, record: Record) -> None:
        """Write a record again if it counts. An entry found rotten is not carried along."""
        address, held = self._segments.address(segment, record), self._held.get(record.serial)
        if held is None or not self._is(held, record, address):
            return
        read = None if held.lost else self._segments.read(address)
        if read is None:
            self._lose(held)
            return
        new = self._write(held, record.head, read[1], moving=True)
        segment.live_bytes -= record.size_bytes
        if isinstance(record.head, PieceHead):
            held.pieces[record.head.number] = new
        else:
            held.address = new

    def _is(self, held: Held, record: Record, address: int) -> bool:
        """Whether this record is the one of its entry that counts."""
        match record.head:
            case EntryHead():
                return held.address == address
            case PieceHead(number):
                return number < len(held.pieces) and held.pieces[number] == address
            case _:
                return False

    def _lose(self, held: Held) -> None:
        """Remove an entry that has rotted; one that is being written just now will not count."""
        held.lost = True
        if held.address == UNWRITTEN:
            for address, size_bytes in self._records(held):
                self._segments.at(address).live_bytes -= size_bytes
            held.pieces.clear()
        elif self._discard(held):
            del self._by_name[held.key[0]][held.key[1]]

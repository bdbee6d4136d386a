"""The segments of the runtime partition on flash: which is written, which are free, how worn.

Appends records and reads them back, erases segments and counts how often, and puts aside those
that no longer keep what is written. Knows no entries: whether a record still counts, its caller
knows, who moves those that do before a segment is erased.
Source: docs/SPEC.md, "Segments", "Records" and "Worn cells".
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Final
from zlib import crc32

from station.datastore.flash_area import FlashArea
from station.datastore.runtime_format import (
    ERASED,
    MARK_OFFSET,
    RECORD_HEAD_BYTES,
    RETIRED,
    SEGMENT_HEADER_BYTES,
    SEQUENCE_END,
    WEAR_MAX,
    WEAR_PART_BYTES,
    ErasureHead,
    Head,
    Record,
    Sizes,
    Use,
    Wear,
    decode_record,
    encode_record,
    padded,
    record_bytes,
    records,
)
from station.domain.errors import StoreWorn

DROPPED: Final = b"\0"
DESTROYED: Final = bytes(RECORD_HEAD_BYTES)


class State(Enum):
    """Of a segment."""

    FREE = "erased, and ready"
    HEAD = "records are appended to it"
    CLOSED = "full, or left behind"
    DIRTY = "holds nothing that counts, and must be erased"
    RETIRED = "keeps no longer what is written; never used again"


@dataclass(slots=True)
class Segment:
    """times: erased so often. live_bytes: of the records in it that count, as the caller says.

    sequence: None while unused, or where its header is damaged. end_bytes: where the next record
    goes. bad: something written was not kept.
    """

    number: int
    state: State = State.DIRTY
    times: int = 0
    sequence: int | None = None
    end_bytes: int = SEGMENT_HEADER_BYTES
    live_bytes: int = 0
    bad: bool = False


class Segments:
    """Made from whatever the area holds; `records` then `settle` must follow once, in this order.

    The address of a record is the octets from the start of the area. Whatever the area raises
    passes through every method.
    """

    def __init__(self, flash: FlashArea, sizes: Sizes) -> None:
        self._flash = flash
        self._sizes = sizes
        self._segments = [
            Segment(number) for number in range(flash.size_bytes // sizes.segment_bytes)
        ]
        self._erased = ERASED * sizes.segment_bytes
        self._head: Segment | None = None
        self._void_before = 0
        self._next_sequence = 1
        self._erasures_noted: dict[int, int] = {}
        self._unknown: list[Segment] = []
        for segment in self._segments:
            self._read_header(segment)

    # -- at mount ------------------------------------------------------------------------------

    def records(self) -> Iterator[tuple[int, Record]]:
        """Address and record of all that was ever appended and is still there."""
        for segment in self._segments:
            if segment.state is not State.CLOSED:
                continue
            for record in self.records_in(segment):
                if record.sequence < self._void_before:
                    continue
                self._next_sequence = max(self._next_sequence, record.sequence + 1)
                segment.end_bytes = record.end_bytes
                if isinstance(record.head, ErasureHead):
                    noted = self._erasures_noted.get(record.head.segment, 0)
                    self._erasures_noted[record.head.segment] = max(noted, record.head.times)
                yield self._start(segment) + record.offset_bytes, record

    def settle(self) -> None:
        """Finish what a cut left: erase what counts for nothing, find where to go on."""
        for segment in self._unknown:
            segment.times = self._guess(segment)
            if segment.state is State.FREE and segment.times:
                # What noted the count may be erased before this segment is opened.
                self._keeps(segment, 0, self._wear(segment))
        for segment in self._segments:
            if segment.state is State.CLOSED and self._counts_for_nothing(segment):
                segment.state = State.DIRTY
        for segment in self._segments:
            if segment.state is State.DIRTY:
                self._erase(segment)
        self._go_on()

    def _read_header(self, segment: Segment) -> None:
        header = self._view(segment, 0, SEGMENT_HEADER_BYTES)
        wear, use = Wear.decode(header), Use.decode(header)
        if wear is None:
            self._unknown.append(segment)
        else:
            segment.times = wear.times
            if wear.segment_bytes == RETIRED:
                segment.state = State.RETIRED
                return
            if wear.segment_bytes != self._sizes.segment_bytes:
                return  # of a partition that was cut otherwise: nothing in it can be told
        if use is not None:
            segment.state, segment.sequence = State.CLOSED, use.sequence
            self._void_before = max(self._void_before, use.void_before)
            self._next_sequence = max(self._next_sequence, use.sequence + 1)
        elif not self._is_erased(segment, SEGMENT_HEADER_BYTES):
            segment.state = State.CLOSED  # a damaged header may still stand before records
        elif self._is_erased(segment, 0 if wear is None else WEAR_PART_BYTES):
            segment.state = State.FREE

    def _is_void(self, segment: Segment) -> bool:
        return segment.sequence is not None and segment.sequence < self._void_before

    def _counts_for_nothing(self, segment: Segment) -> bool:
        """No header to go by and no record either, or all of it from before the last clearing."""
        empty = segment.end_bytes == SEGMENT_HEADER_BYTES
        return self._is_void(segment) or (segment.sequence is None and empty)

    def _guess(self, segment: Segment) -> int:
        """How often a segment was erased whose own count is gone."""
        if segment.number in self._erasures_noted:
            return self._erasures_noted[segment.number]
        if segment.state is State.FREE:
            return 0
        return max(other.times for other in self._segments)

    def _go_on(self) -> None:
        """Append to the newest segment, behind everything that was ever written in it."""
        used = [
            one for one in self._segments if one.sequence is not None and one.state is State.CLOSED
        ]
        if not used:
            return
        newest = max(used, key=lambda one: one.sequence or 0)
        written = len(bytes(self._view(newest)).rstrip(ERASED))
        newest.end_bytes = max(newest.end_bytes, padded(written))
        newest.state, self._head = State.HEAD, newest

    # -- looking -------------------------------------------------------------------------------

    @property
    def room_bytes(self) -> int:
        """What the segment that is written still takes."""
        return 0 if self._head is None else self._sizes.segment_bytes - self._head.end_bytes

    @property
    def times_erased(self) -> Sequence[int]:
        """Of each segment."""
        return [segment.times for segment in self._segments]

    @property
    def usable(self) -> int:
        """Segments that are not retired."""
        return sum(segment.state is not State.RETIRED for segment in self._segments)

    def those(self, state: State) -> list[Segment]:
        """Segments in a state, by number."""
        return [segment for segment in self._segments if segment.state is state]

    def at(self, address: int) -> Segment:
        """The segment an address lies in."""
        return self._segments[address // self._sizes.segment_bytes]

    def records_in(self, segment: Segment) -> Iterator[Record]:
        """Of one segment, in order."""
        return records(self._view(segment), sequence=segment.sequence, sizes=self._sizes)

    def address(self, segment: Segment, record: Record) -> int:
        """Of a record of this segment."""
        return self._start(segment) + record.offset_bytes

    def read_head(self, address: int) -> Record | None:
        """The record at an address, if it counts."""
        segment = self.at(address)
        record = decode_record(
            self._view(segment),
            address - self._start(segment),
            sequence=segment.sequence,
            sizes=self._sizes,
        )
        return None if record is None or record.dropped else record

    def read(self, address: int) -> tuple[Record, memoryview] | None:
        """A record and its content; None where either is not what was written."""
        record = self.read_head(address)
        if record is None:
            return None
        content = self._view(self.at(address), record.content_offset_bytes, record.content_bytes)
        return None if crc32(content) != record.content_crc else (record, content)

    # -- writing -------------------------------------------------------------------------------

    def open_next(self, *, void: bool = False) -> None:
        """Append to the least worn free segment from now on.

        void: in the same instant all other segments hold nothing any more. Raises StoreWorn where
        none can be opened.
        """
        if self._next_sequence >= SEQUENCE_END:
            raise StoreWorn("all sequences of the runtime partition are used up")
        for segment in sorted(self.those(State.FREE), key=lambda free: free.times):
            if self._open(segment, void=void):
                return
        raise StoreWorn("no segment of the runtime partition's flash is left to write to")

    def append(self, head: Head, content: memoryview, *, serial: int) -> int | None:
        """Address of a new record of the segment that is written, which must have room for it.

        Content stands there before the head does. None where the cells did not keep it: nothing
        has changed, and that segment is left behind, bad.
        """
        segment = self._head
        if segment is None or segment.sequence is None:
            raise ValueError("no segment is open")
        offset = segment.end_bytes
        encoded, body = encode_record(
            head, content, sequence=segment.sequence, serial=serial, offset_bytes=offset
        )
        segment.end_bytes += record_bytes(len(body))
        if self._keeps(segment, offset + len(encoded), body) and self._keeps(
            segment, offset, encoded
        ):
            return self._start(segment) + offset
        segment.state, segment.bad, self._head = State.CLOSED, True, None
        return None

    def drop(self, address: int) -> bool:
        """Let a record count no more; whether the cells took that."""
        self._flash.program(address + MARK_OFFSET, DROPPED)
        if self.read_head(address) is None:
            return True
        self._flash.program(address, DESTROYED)  # stuck: any other octet will do as well
        return self.read_head(address) is None

    def erase(self, segment: Segment) -> None:
        """Make it free, or retire it; that it is about to be erased stands in a record before.

        Where there is no room for that, only the count of its erasures may suffer from a cut.
        """
        if self.room_bytes < record_bytes(0):
            with suppress(StoreWorn):
                self.open_next()
        if self.room_bytes >= record_bytes(0):
            note = ErasureHead(segment.number, min(segment.times + 1, WEAR_MAX))
            self.append(note, memoryview(b""), serial=0)
        self._erase(segment)

    def _open(self, segment: Segment, *, void: bool) -> bool:
        if not self._is_free(segment):
            self._erase(segment)  # something has disturbed it since
            if segment.state is not State.FREE:
                return False
        sequence = self._next_sequence
        use = Use(sequence, sequence if void else self._void_before)
        header = self._wear(segment) + use.encode()
        if not self._keeps(segment, 0, header):
            segment.bad = True
            self._erase(segment)
            return False
        if self._head is not None:
            self._head.state = State.CLOSED
        self._next_sequence, self._void_before = sequence + 1, use.void_before
        segment.state, self._head = State.HEAD, segment
        segment.sequence, segment.end_bytes = sequence, SEGMENT_HEADER_BYTES
        return True

    def _erase(self, segment: Segment) -> None:
        if self._head is segment:
            self._head = None
        segment.sequence, segment.live_bytes = None, 0
        segment.times = min(segment.times + 1, WEAR_MAX)
        self._flash.erase(self._start(segment), self._sizes.segment_bytes)
        if (
            not segment.bad
            and self._is_erased(segment, 0)
            and self._keeps(segment, 0, self._wear(segment))
        ):
            segment.state = State.FREE
            return
        segment.state = State.RETIRED
        # Where not even this is kept, the next start finds out once more.
        self._flash.program(self._start(segment), Wear(segment.times, RETIRED).encode())

    def _wear(self, segment: Segment) -> bytes:
        return Wear(segment.times, self._sizes.segment_bytes).encode()

    def _is_free(self, segment: Segment) -> bool:
        """Whether its cells are as erasing left them, with or without a first header."""
        header = bytes(self._view(segment, 0, WEAR_PART_BYTES))
        return self._is_erased(segment, WEAR_PART_BYTES) and (
            header == self._wear(segment) or not header.strip(ERASED)
        )

    def _keeps(self, segment: Segment, offset_bytes: int, octets: bytes) -> bool:
        """Program, and see whether the cells hold it."""
        self._flash.program(self._start(segment) + offset_bytes, octets)
        return bytes(self._view(segment, offset_bytes, len(octets))) == octets

    def _is_erased(self, segment: Segment, from_bytes: int) -> bool:
        size_bytes = self._sizes.segment_bytes - from_bytes
        return bytes(self._view(segment, from_bytes, size_bytes)) == self._erased[from_bytes:]

    def _view(self, segment: Segment, offset_bytes: int = 0, size_bytes: int = -1) -> memoryview:
        if size_bytes < 0:
            size_bytes = self._sizes.segment_bytes
        return self._flash.view(self._start(segment) + offset_bytes, size_bytes)

    def _start(self, segment: Segment) -> int:
        return segment.number * self._sizes.segment_bytes

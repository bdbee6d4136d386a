"""Every octet of the runtime partition: its segments, their headers, the records in them.

Decides what is a record and what is damage; knows nothing of flash, and not which record counts.
Numbers are little-endian. All of it is ours: the vendor has no runtime partition yet.
Source: docs/SPEC.md, "Segments" and "Records".
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self, assert_never
from zlib import crc32

from station.domain.entries import NAME_MAX_BYTES, Entry, Kind, PictureType

SEQUENCE_END: Final = 0xF000_0000
SERIAL_END: Final = 1 << 63
"""No segment and no entry is numbered as high in a dock's life: what is, is damage, and counting
on from it would leave the field."""

WEAR_MAX: Final = 0xFFFF_FFFF

ERASED: Final = b"\xff"


# -- sizes ---------------------------------------------------------------------------------------

SEGMENTS_AIMED_AT: Final = 96
SEGMENT_BYTES_MIN: Final = 4_096
"""Room for the longest name and a little beside it."""

BODY_BYTES_MAX: Final = 4_096
"""Longest body of a record: of so few octets CRC-32 finds every error of up to three bits, and
what a segment leaves unused at its end stays small."""

ALLOWANCE_DIVISOR: Final = 32
"""A thirty-second of the budget is there for what an overwrite holds twice."""

FILL: Final = (20, 21)
"""At most so much of what a segment surely takes is held in the average one, so that emptying the
emptiest copies at most 20 octets for each it gains."""

SEGMENTS_KEPT: Final = 2
"""Erased and left alone: one to empty another into, and one in case the first turns out bad."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """What follows from a budget and the flash it is kept in. All in octets, but `segments`.

    segments: how many the area must have. body_bytes_max: of a record: name and content.
    """

    budget_bytes: int
    segment_bytes: int
    body_bytes_max: int
    segments: int

    @classmethod
    def of(cls, budget_bytes: int, sector_bytes: int) -> Self:
        """Raises ValueError where there is no budget or no sector."""
        if budget_bytes < 1 or sector_bytes < 1:
            raise ValueError("a budget and a sector have at least one octet")
        segment_bytes = sector_bytes
        while (
            segment_bytes < SEGMENT_BYTES_MIN
            or 2 * segment_bytes * SEGMENTS_AIMED_AT <= budget_bytes
        ):
            segment_bytes *= 2
        body_bytes_max = max(NAME_MAX_BYTES, min(BODY_BYTES_MAX, segment_bytes // 32))
        sizes = cls(budget_bytes, segment_bytes, body_bytes_max, 0)
        filled = sizes.taken_bytes * FILL[0] // FILL[1]
        most = budget_bytes + sizes.allowance_bytes
        return cls(
            budget_bytes, segment_bytes, body_bytes_max, 1 + SEGMENTS_KEPT + -(-most // filled)
        )

    @property
    def area_bytes(self) -> int:
        """The flash all of it takes."""
        return self.segments * self.segment_bytes

    @property
    def allowance_bytes(self) -> int:
        """How far old and new content together may pass the budget while both are held."""
        return self.budget_bytes // ALLOWANCE_DIVISOR

    @property
    def taken_bytes(self) -> int:
        """What any segment takes, however unluckily the records follow each other."""
        return (
            self.segment_bytes
            - SEGMENT_HEADER_BYTES
            - record_bytes(self.body_bytes_max)
            - record_bytes(0)
        )

    def inline(self, name_bytes: int, content_bytes: int) -> bool:
        """Whether content stands in the record of its entry; else it stands in pieces."""
        return name_bytes + content_bytes <= self.body_bytes_max

    def piece_count(self, name_bytes: int, content_bytes: int) -> int:
        """Into how many pieces an entry's content is cut; 0 where it stands inline."""
        if self.inline(name_bytes, content_bytes):
            return 0
        return -(-content_bytes // self.body_bytes_max)

    def piece_bytes(self, number: int, content_bytes: int) -> int:
        """Length of a piece: all it can be, and of the last one what is left."""
        return min(self.body_bytes_max, content_bytes - number * self.body_bytes_max)

    def packed_bytes(self, name_bytes: int, content_bytes: int) -> int:
        """What an entry takes: its record and its pieces'."""
        pieces = self.piece_count(name_bytes, content_bytes)
        if not pieces:
            return record_bytes(name_bytes + content_bytes)
        return (
            record_bytes(name_bytes)
            + (pieces - 1) * record_bytes(self.body_bytes_max)
            + record_bytes(self.piece_bytes(pieces - 1, content_bytes))
        )


def area_bytes(budget_bytes: int, sector_bytes: int = 4_096) -> int:
    """How much flash a runtime partition of this budget needs: a whole number of sectors.

    13,000,000 bytes need 14,942,208. Raises ValueError as `Sizes.of`.
    """
    return Sizes.of(budget_bytes, sector_bytes).area_bytes


# -- the header of a segment ---------------------------------------------------------------------

SEGMENT_HEADER_BYTES: Final = 28
WEAR_PART_BYTES: Final = 16

_SEGMENT_MAGIC: Final = b"RTS1"
_WEAR_PART: Final = struct.Struct("<4sIII")
"""Magic, times erased, segment length (0: retired), CRC-32 of these."""

_USE_PART: Final = struct.Struct("<III")
"""Sequence, void before, CRC-32 of these."""

RETIRED: Final = 0


@dataclass(frozen=True, slots=True)
class Wear:
    """First part of a header, written when a segment has been erased. times: so often, ever."""

    times: int
    segment_bytes: int

    def encode(self) -> bytes:
        """16 octets."""
        return _crowned(_WEAR_PART, _SEGMENT_MAGIC, self.times, self.segment_bytes)

    @classmethod
    def decode(cls, header: bytes | memoryview) -> Self | None:
        """Of a header; None for damage."""
        magic, times, segment_bytes, crc = _WEAR_PART.unpack_from(header)
        if magic != _SEGMENT_MAGIC or crc != crc32(header[: _WEAR_PART.size - 4]):
            return None
        return cls(times, segment_bytes)


@dataclass(frozen=True, slots=True)
class Use:
    """Second part, written when a segment is taken into use.

    sequence: higher than that of any segment before. void_before: segments of a lower sequence
    hold nothing any more.
    """

    sequence: int
    void_before: int

    def encode(self) -> bytes:
        """12 octets."""
        return _crowned(_USE_PART, self.sequence, self.void_before)

    @classmethod
    def decode(cls, header: bytes | memoryview) -> Self | None:
        """Of a header; None for damage."""
        part = header[WEAR_PART_BYTES:SEGMENT_HEADER_BYTES]
        sequence, void_before, crc = _USE_PART.unpack(part)
        if crc != crc32(part[:-4]) or not void_before <= sequence < SEQUENCE_END:
            return None
        return cls(sequence, void_before)


# -- the head of a record ------------------------------------------------------------------------

RECORD_HEAD_BYTES: Final = 40
RECORD_MAGIC: Final = b"RTR1"
ALIGNMENT_BYTES: Final = 4

MARK_OFFSET: Final = 19
"""Of the octet of a record's head that drops it: FF in a record that counts."""

_RECORD: Final = struct.Struct("<4sIQBBBBHHIIII")
"""Magic, sequence, serial, type, kind, picture, mark, length of name and of content, number, check,
CRC-32 of the content, CRC-32 of offset, head and name."""

_LOOKS_LIKE_A_HEAD: Final = re.compile(
    re.escape(RECORD_MAGIC) + rb".{12}[\x01-\x03][\x00-\x03][\x00-\x03]", re.DOTALL
)
"""Magic, type, kind and picture: enough to pass quickly over what is no head."""

_OFFSET: Final = struct.Struct("<I")

_ENTRY, _PIECE, _ERASURE = 1, 2, 3
_KINDS: Final = (Kind.KV, Kind.IMG, Kind.CODE, Kind.FONT)
_PICTURES: Final = (None, PictureType.PNG, PictureType.BMP, PictureType.JPEG)


@dataclass(frozen=True, slots=True)
class EntryHead:
    """An entry counts from the moment this is whole. crc: CRC-32 of all its content."""

    kind: Kind
    name: str
    picture: PictureType | None
    size_bytes: int
    crc: int


@dataclass(frozen=True, slots=True)
class PieceHead:
    """A piece of the content of the entry with the same serial, by its number from 0."""

    number: int


@dataclass(frozen=True, slots=True)
class ErasureHead:
    """A segment is about to be erased for the `times`th time."""

    segment: int
    times: int


Head = EntryHead | PieceHead | ErasureHead


@dataclass(frozen=True, slots=True)
class Record:
    """A record whose head is right. Offsets are octets from the start of its segment.

    sequence: of the segment it was written in. content_crc: CRC-32 the content should have.
    """

    offset_bytes: int
    content_offset_bytes: int
    content_bytes: int
    content_crc: int
    sequence: int
    serial: int
    dropped: bool
    head: Head

    @property
    def end_bytes(self) -> int:
        """Offset of whatever comes next."""
        return padded(self.content_offset_bytes + self.content_bytes)

    @property
    def size_bytes(self) -> int:
        """All of it."""
        return self.end_bytes - self.offset_bytes


def record_bytes(body_bytes: int) -> int:
    """What a record of so long a body takes."""
    return padded(RECORD_HEAD_BYTES + body_bytes)


def encode_record(
    head: Head, content: memoryview, *, sequence: int, serial: int, offset_bytes: int
) -> tuple[bytes, bytes]:
    """Head and body, to stand one behind the other; the record counts once the head is there."""
    type_, kind, picture, name, number, check = _fields(head)
    start = _RECORD.pack(
        RECORD_MAGIC,
        *(sequence, serial, type_, kind, picture, 0xFF),
        *(len(name), len(content), number, check, crc32(content), 0),
    )
    crc = _head_crc(offset_bytes, start, name)
    return start[:-4] + crc.to_bytes(4, "little"), name + content


def decode_record(
    segment: bytes | memoryview, offset_bytes: int, *, sequence: int | None, sizes: Sizes
) -> Record | None:
    """The record at an offset of its segment; None where there is none.

    sequence: of the segment; None where its header is damaged, then any will do.
    """
    name_at = offset_bytes + RECORD_HEAD_BYTES
    if offset_bytes % ALIGNMENT_BYTES or name_at > len(segment):
        return None
    start = bytes(segment[offset_bytes:name_at])
    magic, found, serial, type_, kind, picture, mark, *lengths, number, check, content_crc, crc = (
        _RECORD.unpack(start)
    )
    name_bytes, content_bytes = lengths
    content_at = name_at + name_bytes
    if (
        magic != RECORD_MAGIC
        or (sequence is not None and found != sequence)
        or found >= SEQUENCE_END
        or serial >= SERIAL_END
        or not sizes.inline(name_bytes, content_bytes)
        or content_at + content_bytes > len(segment)
    ):
        return None
    name = bytes(segment[name_at:content_at])
    if crc != _head_crc(offset_bytes, start, name):
        return None
    try:
        head = _head(type_, kind, picture, name, number, check)
    except (ValueError, IndexError):  # right by its checksum, and still no head of this version
        return None
    if not _fits(head, name_bytes, content_bytes, sizes):
        return None
    return Record(
        offset_bytes=offset_bytes,
        content_offset_bytes=content_at,
        content_bytes=content_bytes,
        content_crc=content_crc,
        sequence=found,
        serial=serial,
        dropped=mark != 0xFF,
        head=head,
    )


def records(segment: memoryview, *, sequence: int | None, sizes: Sizes) -> Iterator[Record]:
    """Every record of a segment, in order.

    One follows the other. Where one is damaged, the next is looked for: its head must be right for
    the very place it stands in, so content that looks like records is not taken for any.
    """
    offset, rest, rest_at = SEGMENT_HEADER_BYTES, b"", 0
    while True:
        record = decode_record(segment, offset, sequence=sequence, sizes=sizes)
        if record is not None:
            yield record
            offset = record.end_bytes
            continue
        if not rest:
            rest, rest_at = bytes(segment[offset:]), offset
        found = _LOOKS_LIKE_A_HEAD.search(rest, offset - rest_at + 1)
        if found is None:
            return
        offset = rest_at + found.start()


def _fields(head: Head) -> tuple[int, int, int, bytes, int, int]:
    match head:
        case EntryHead(kind, name, picture, size_bytes, crc):
            kind_, picture_ = _KINDS.index(kind), _PICTURES.index(picture)
            return _ENTRY, kind_, picture_, name.encode("utf-8"), size_bytes, crc
        case PieceHead(number):
            return _PIECE, 0, 0, b"", number, 0
        case ErasureHead(segment, times):
            return _ERASURE, 0, 0, b"", segment, times
    assert_never(head)


def _head(type_: int, kind: int, picture: int, name: bytes, number: int, check: int) -> Head:
    """Raises ValueError and IndexError for fields no head has."""
    match type_:
        case 1:
            # Refuses what no entry can be, before its content is looked at.
            entry = Entry(_KINDS[kind], name.decode("utf-8"), b"", _PICTURES[picture])
            return EntryHead(entry.kind, entry.name, entry.picture, number, check)
        case 2:
            return PieceHead(number)
        case 3:
            return ErasureHead(number, check)
    raise ValueError("a record of another type")


def _fits(head: Head, name_bytes: int, content_bytes: int, sizes: Sizes) -> bool:
    """Whether a record of this head has the content it must have."""
    match head:
        case EntryHead():
            inline = sizes.inline(name_bytes, head.size_bytes)
            return content_bytes == (head.size_bytes if inline else 0)
        case PieceHead():
            return name_bytes == 0 < content_bytes
        case ErasureHead():
            return name_bytes == content_bytes == 0
    assert_never(head)


def _head_crc(offset_bytes: int, start: bytes, name: bytes) -> int:
    """start: the head; its checksum is left out, and the mark, which may change, counts as FF."""
    crc = crc32(start[:MARK_OFFSET], crc32(_OFFSET.pack(offset_bytes)))
    return crc32(name, crc32(start[MARK_OFFSET + 1 : -4], crc32(ERASED, crc)))


def _crowned(layout: struct.Struct, *fields: bytes | int) -> bytes:
    """The fields and their checksum."""
    octets = layout.pack(*fields, 0)[:-4]
    return octets + crc32(octets).to_bytes(4, "little")


def padded(size_bytes: int) -> int:
    """Up to where the next record may begin."""
    return -(-size_bytes // ALIGNMENT_BYTES) * ALIGNMENT_BYTES

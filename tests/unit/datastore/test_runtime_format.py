"""Sizes, and every way a head can be wrong."""

import struct
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.datastore.runtime_format import (
    MARK_OFFSET,
    RECORD_HEAD_BYTES,
    SEGMENT_HEADER_BYTES,
    SEQUENCE_END,
    SERIAL_END,
    EntryHead,
    ErasureHead,
    Head,
    PieceHead,
    Sizes,
    Use,
    Wear,
    area_bytes,
    decode_record,
    encode_record,
    record_bytes,
    records,
)
from station.domain.entries import Kind, PictureType
from station.domain.limits import RUNTIME_BYTES

SIZES = Sizes.of(8_192, 512)


def test_the_area_of_the_default_budget_is_less_than_15_percent_larger() -> None:
    assert area_bytes(RUNTIME_BYTES) == 14_942_208
    assert area_bytes(RUNTIME_BYTES) <= 1.15 * RUNTIME_BYTES


@given(st.integers(1, 40_000_000), st.sampled_from([1, 128, 512, 4_096, 4_224, 65_536, 131_072]))
def test_an_area_holds_budget_and_allowance_with_room_to_compact(budget: int, sector: int) -> None:
    sizes = Sizes.of(budget, sector)
    closed = sizes.segments - 3  # one is written, two are kept

    assert sizes.segment_bytes % sector == 0
    assert sizes.area_bytes == area_bytes(budget, sector)
    assert sizes.segment_bytes >= 4_096
    assert record_bytes(sizes.body_bytes_max) <= sizes.segment_bytes // 3
    assert 21 * (budget + sizes.allowance_bytes) <= 20 * closed * sizes.taken_bytes


@pytest.mark.parametrize(("budget", "sector"), [(0, 512), (-1, 512), (8_192, 0)])
def test_there_is_no_area_without_budget_or_sector(budget: int, sector: int) -> None:
    with pytest.raises(ValueError, match="at least one octet"):
        area_bytes(budget, sector)


@given(st.integers(1, 1_024), st.integers(0, 20_000))
def test_what_an_entry_takes_is_what_its_records_take(name_bytes: int, content_bytes: int) -> None:
    count = SIZES.piece_count(name_bytes, content_bytes)
    pieces = [SIZES.piece_bytes(number, content_bytes) for number in range(count)]
    inline = 0 if pieces else content_bytes

    assert sum(pieces) + inline == content_bytes
    assert all(0 < size <= SIZES.body_bytes_max for size in pieces)
    assert name_bytes + inline <= SIZES.body_bytes_max
    assert SIZES.packed_bytes(name_bytes, content_bytes) == record_bytes(name_bytes + inline) + sum(
        map(record_bytes, pieces)
    )


def test_a_header_is_read_in_two_parts_that_stand_alone() -> None:
    header = Wear(7, 4_096).encode() + Use(12, 3).encode()
    torn = header[:20] + bytes(8)

    assert len(header) == SEGMENT_HEADER_BYTES
    assert (Wear.decode(header), Use.decode(header)) == (Wear(7, 4_096), Use(12, 3))
    assert (Wear.decode(torn), Use.decode(torn)) == (Wear(7, 4_096), None)
    assert (Wear.decode(b"\xff" * 28), Use.decode(b"\xff" * 28)) == (None, None)


def test_a_header_beyond_all_bounds_is_damage() -> None:
    for use in (Use(SEQUENCE_END, 0), Use(3, 4)):
        assert Use.decode(Wear(1, 4_096).encode() + use.encode()) is None


HEADS: list[tuple[Head, bytes]] = [
    (EntryHead(Kind.KV, "größe", None, 5, crc32(b"value")), b"value"),
    (EntryHead(Kind.IMG, "default", PictureType.JPEG, 0, 0), b""),
    (EntryHead(Kind.CODE, "main.py", None, 5_000, 7), b""),
    (EntryHead(Kind.FONT, "n" * 1_024, None, 0, 0), b""),
    (PieceHead(4_000_000_000), b"\xff" * 1_024),
    (ErasureHead(113, 2**32 - 1), b""),
]


def encoded(head: Head, content: bytes, *, offset: int = 28, sequence: int = 9) -> bytes:
    """A segment with this record in it, the rest erased."""
    head_, body = encode_record(
        head, memoryview(content), sequence=sequence, serial=5, offset_bytes=offset
    )
    return (b"\xff" * offset + head_ + body).ljust(4_096, b"\xff")


@pytest.mark.parametrize(("head", "content"), HEADS)
def test_a_record_is_read_as_it_was_written(head: Head, content: bytes) -> None:
    segment = encoded(head, content)
    record = decode_record(segment, 28, sequence=9, sizes=SIZES)

    assert record is not None
    assert (record.head, record.serial, record.sequence, record.dropped) == (head, 5, 9, False)
    start = record.content_offset_bytes
    assert segment[start : start + record.content_bytes] == content
    assert record.content_crc == crc32(content)
    assert decode_record(segment, 28, sequence=None, sizes=SIZES) == record
    assert list(records(memoryview(segment), sequence=9, sizes=SIZES)) == [record]


@pytest.mark.parametrize(("head", "content"), HEADS)
def test_every_bit_of_a_head_and_a_name_counts_but_those_of_the_mark(
    head: Head, content: bytes
) -> None:
    segment = encoded(head, content)
    record = decode_record(segment, 28, sequence=9, sizes=SIZES)
    assert record is not None
    for offset in range(28, record.content_offset_bytes):
        for bit in range(8):
            flipped = bytearray(segment)
            flipped[offset] ^= 1 << bit
            found = decode_record(bytes(flipped), 28, sequence=9, sizes=SIZES)

            if offset == 28 + MARK_OFFSET:
                assert found is not None
                assert found.dropped
            else:
                assert found is None


def test_a_record_counts_only_in_its_place_and_its_segment() -> None:
    head, content = HEADS[0]
    segment = encoded(head, content)
    moved = segment[8:] + b"\xff" * 8

    assert decode_record(segment, 28, sequence=8, sizes=SIZES) is None
    assert decode_record(moved, 20, sequence=9, sizes=SIZES) is None
    assert decode_record(segment[: 28 + RECORD_HEAD_BYTES + 9], 28, sequence=9, sizes=SIZES) is None
    assert decode_record(segment[: 28 + RECORD_HEAD_BYTES - 1], 28, sequence=9, sizes=SIZES) is None


FIELDS = struct.Struct("<4sIQBBBBHHII")
GOOD = {
    "magic": b"RTR1",
    "sequence": 9,
    "serial": 5,
    "type": 1,
    "kind": 0,
    "picture": 0,
    "mark": 0xFF,
    "name": 3,
    "content": 4,
}


@pytest.mark.parametrize(
    ("changed", "number"),
    [
        ({"type": 0}, 4),
        ({"type": 4}, 4),
        ({"kind": 4}, 4),
        ({"picture": 1}, 4),  # only images have one
        ({"kind": 1}, 4),  # and all of them do
        ({"kind": 1, "picture": 4}, 4),
        ({"name": 0}, 4),
        ({"name": 1_025}, 4),
        ({"content": 1_022}, 1_022),  # with the name, longer than a body
        ({}, 5),  # content of another length than the entry's
        ({"content": 0}, 4),
        ({"content": 4}, 1_022),  # too long to stand inline
        ({"type": 2}, 0),  # a piece has no name
        ({"type": 2, "name": 0, "content": 0}, 0),  # and no piece is empty
        ({"type": 3}, 0),
        ({"serial": SERIAL_END}, 4),
        ({"sequence": SEQUENCE_END}, 4),
    ],
    ids=str,
)
def test_fields_that_no_head_has_are_damage_whatever_their_checksum_says(
    changed: dict[str, int], number: int
) -> None:
    """The checksum is made right here, by hand."""
    fields = {**GOOD, **changed}
    name_bytes = int(str(fields["name"]))
    body = b"abcdefghij".ljust(name_bytes + int(str(fields["content"])), b"x")
    start = FIELDS.pack(*fields.values(), number, 0) + crc32(b"defg").to_bytes(4, "little")
    crc = crc32(struct.pack("<I", 28) + start + body[:name_bytes])
    segment = (b"\xff" * 28 + start + crc.to_bytes(4, "little") + body).ljust(4_096, b"\xff")
    right = not changed and number == 4

    assert (decode_record(segment, 28, sequence=None, sizes=SIZES) is not None) == right


def test_the_record_made_by_hand_is_one_when_nothing_is_changed() -> None:
    body = b"abcdefg"
    start = FIELDS.pack(*GOOD.values(), 4, 0) + crc32(b"defg").to_bytes(4, "little")
    crc = crc32(struct.pack("<I", 28) + start + b"abc")
    segment = b"\xff" * 28 + start + crc.to_bytes(4, "little") + body
    record = decode_record(segment, 28, sequence=9, sizes=SIZES)

    assert record is not None
    assert record.head == EntryHead(Kind.KV, "abc", None, 4, 0)


@pytest.mark.parametrize("name", [b"a\0c", b"\xff\xfe\xfd"])
def test_a_name_that_no_entry_has_is_damage(name: bytes) -> None:
    start = FIELDS.pack(*GOOD.values(), 4, 0) + crc32(b"defg").to_bytes(4, "little")
    crc = crc32(struct.pack("<I", 28) + start + name)
    segment = b"\xff" * 28 + start + crc.to_bytes(4, "little") + name + b"defg"

    assert decode_record(segment, 28, sequence=9, sizes=SIZES) is None


def chained(contents: list[bytes]) -> bytearray:
    """A segment of pieces, one behind the other."""
    segment, offset = bytearray(b"\xff" * 4_096), SEGMENT_HEADER_BYTES
    for number, content in enumerate(contents):
        head, body = encode_record(
            PieceHead(number), memoryview(content), sequence=9, serial=1, offset_bytes=offset
        )
        segment[offset : offset + len(head) + len(body)] = head + body
        offset += record_bytes(len(body))
    return segment


def numbers(segment: bytearray) -> list[int]:
    return [
        record.head.number
        for record in records(memoryview(segment), sequence=9, sizes=SIZES)
        if isinstance(record.head, PieceHead)
    ]


def test_behind_a_damaged_head_the_next_record_is_found() -> None:
    contents = [bytes([number]) * (37 * number + 1) for number in range(8)]
    whole = chained(contents)
    offsets = [
        record.offset_bytes for record in records(memoryview(whole), sequence=9, sizes=SIZES)
    ]

    assert numbers(whole) == list(range(8))
    for number, offset in enumerate(offsets):
        for length in (1, RECORD_HEAD_BYTES):
            segment = bytearray(whole)
            segment[offset : offset + length] = bytes(length)
            assert numbers(segment) == [other for other in range(8) if other != number]


def test_content_that_looks_like_records_is_taken_for_none() -> None:
    """A copy of the segment stands inside a record of the same segment, whose head is damaged."""
    inner = chained([b"x" * 40, b"y" * 40])[:200]
    segment = chained([b"first", bytes(inner), b"last"])
    second = SEGMENT_HEADER_BYTES + record_bytes(5)
    segment[second] ^= 1

    assert numbers(segment) == [0, 2]


@given(st.binary(min_size=0, max_size=5_000))
def test_arbitrary_octets_are_read_to_their_end(octets: bytes) -> None:
    assert list(records(memoryview(octets), sequence=None, sizes=SIZES)) == []


@given(
    st.lists(st.sampled_from([b"RTR1", b"RTS1", b"\xff" * 4, bytes(4), b"\x01\0"]), max_size=900)
)
def test_octets_full_of_magic_are_read_to_their_end(parts: list[bytes]) -> None:
    assert list(records(memoryview(b"".join(parts)), sequence=None, sizes=SIZES)) == []

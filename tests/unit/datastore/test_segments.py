"""Segments answer as the one buffer would that they were cut from, and copy what they must."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from station.datastore.segments import Segments

PARTS = st.lists(st.binary(max_size=8), max_size=6)
PLACE = st.integers(0, 60)


@given(PARTS, PLACE, PLACE)
def test_every_range_is_that_of_the_joined_buffers(
    parts: list[bytes], start: int, end: int
) -> None:
    whole, segments = b"".join(parts), Segments(parts)

    assert bytes(segments) == whole
    assert segments.size_bytes == len(whole)
    assert segments.digest == sha256(whole).digest()
    assert bytes(segments.view(start, end)) == whole[start:end]
    assert bytes(segments.cut(start, end)) == whole[start:end]


@given(PARTS, PARTS)
def test_they_are_the_bytes_they_have_and_no_others(parts: list[bytes], other: list[bytes]) -> None:
    octets = b"".join(other)

    assert Segments(parts).are(octets) is (b"".join(parts) == octets)
    assert Segments(parts).are(bytearray(b"".join(parts)))


def test_a_range_within_one_buffer_is_no_copy_and_cannot_be_written() -> None:
    buffer = bytearray(b"abcdef")
    segments = Segments((b"..", buffer))
    view = segments.view(3, 6)

    assert view.obj is buffer
    assert view.readonly
    assert all(part.obj is buffer for part in segments.cut(2, 5).parts)


def test_a_range_over_two_buffers_is_joined() -> None:
    assert bytes(Segments((b"abc", b"def")).view(2, 4)) == b"cd"


def test_segments_of_segments_are_themselves() -> None:
    segments = Segments((b"a", b"", b"b"))

    assert Segments.of(segments) is segments
    assert len(segments.parts) == 2
    assert Segments.of(b"ab").are(b"ab")

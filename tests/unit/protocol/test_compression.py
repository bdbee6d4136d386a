"""Compressed data inflates to exactly what it says, or is refused before room is made for it."""

import tracemalloc
import zlib

import lz4.block
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from station.protocol import datastore_group as store
from station.protocol.compression import (
    INFLATED_BYTES_MAX,
    Method,
    NotInflated,
    deflated,
    inflated,
)
from station.protocol.shape import OtherShape

PLAIN = b"the same words again and again, " * 100

each_method = pytest.mark.parametrize("method", Method)


@given(st.sampled_from(Method), st.binary(min_size=1, max_size=INFLATED_BYTES_MAX))
def test_what_is_deflated_inflates_to_itself(method: Method, data: bytes) -> None:
    assert inflated(method, deflated(method, data), len(data)) == data
    assert inflated(method, memoryview(deflated(method, memoryview(data))), len(data)) == data


def test_each_method_is_what_others_call_by_its_name() -> None:
    assert zlib.decompress(deflated(Method.ZLIB, PLAIN)) == PLAIN
    assert inflated(Method.ZLIB, zlib.compress(PLAIN, 1), len(PLAIN)) == PLAIN
    packed = deflated(Method.LZ4, PLAIN)
    assert lz4.block.decompress(packed, uncompressed_size=len(PLAIN)) == PLAIN
    fast = lz4.block.compress(PLAIN, store_size=False)
    assert inflated(Method.LZ4, fast, len(PLAIN)) == PLAIN


@each_method
@pytest.mark.parametrize("wrong", [1, len(PLAIN) - 1, len(PLAIN) + 1, INFLATED_BYTES_MAX])
def test_another_length_is_refused(method: Method, wrong: int) -> None:
    with pytest.raises(NotInflated):
        inflated(method, deflated(method, PLAIN), wrong)


@each_method
@pytest.mark.parametrize("size", [-1, 0, INFLATED_BYTES_MAX + 1, 2**31, 2**40])
def test_a_length_nobody_may_ask_for_is_refused_unseen(method: Method, size: int) -> None:
    with pytest.raises(NotInflated, match="at once"):
        inflated(method, deflated(method, PLAIN), size)


@each_method
@pytest.mark.parametrize("more", [b"\0", b"x", b"\xff" * 40])
def test_something_behind_the_end_is_refused(method: Method, more: bytes) -> None:
    with pytest.raises(NotInflated):
        inflated(method, deflated(method, PLAIN) + more, len(PLAIN))


@each_method
def test_every_end_that_comes_too_soon_is_refused(method: Method) -> None:
    packed = deflated(method, PLAIN)
    for cut in range(len(packed)):
        with pytest.raises(NotInflated):
            inflated(method, packed[:cut], len(PLAIN))


@each_method
def test_a_bomb_makes_no_more_room_than_a_message_may(method: Method) -> None:
    bomb = deflated(method, bytes(64 * 1024 * 1024))
    inflated(method, deflated(method, bytes(16)), 16)
    tracemalloc.start()
    try:
        with pytest.raises(NotInflated):
            inflated(method, bomb, INFLATED_BYTES_MAX)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 16 * INFLATED_BYTES_MAX


def test_a_stream_that_needs_a_dictionary_is_refused() -> None:
    deflater = zlib.compressobj(zdict=PLAIN)
    packed = deflater.compress(PLAIN) + deflater.flush()

    with pytest.raises(NotInflated):
        inflated(Method.ZLIB, packed, len(PLAIN))


def test_one_wrong_bit_of_a_zlib_stream_is_seen() -> None:
    packed = deflated(Method.ZLIB, PLAIN)
    for bit in range(8 * len(packed)):
        hurt = bytearray(packed)
        hurt[bit // 8] ^= 1 << bit % 8
        try:
            assert inflated(Method.ZLIB, bytes(hurt), len(PLAIN)) == PLAIN
        except NotInflated:
            continue


@given(st.sampled_from(Method), st.binary(max_size=400), st.integers(-1, INFLATED_BYTES_MAX + 1))
@example(Method.LZ4, b"\x1f\x00\x01\x00" + b"\xff" * 300, 16)
def test_any_bytes_inflate_to_their_length_or_not_at_all(
    method: Method, data: bytes, size: int
) -> None:
    try:
        plain = inflated(method, data, size)
    except NotInflated:
        return

    assert len(plain) == size


def test_a_write_says_both_how_and_how_much_or_neither() -> None:
    for half in ({"comp": "zlib"}, {"size": 4}):
        with pytest.raises(OtherShape, match="one without the other"):
            store.Write.from_body({"off": 0, "data": b"", **half})
    with pytest.raises(OtherShape, match="comp"):
        store.Write.from_body({"off": 0, "data": b"", "comp": "zstd", "size": 4})
    with pytest.raises(OtherShape, match="size"):
        store.Write.from_body(
            {"off": 0, "data": b"", "comp": "lz4", "size": INFLATED_BYTES_MAX + 1}
        )

    packed = store.Write.from_body({"off": 0, "data": b"x", "comp": "lz4", "size": 4})
    assert (packed.method, packed.plain_bytes) == (Method.LZ4, 4)
    assert store.Write(0, b"abc").plain_bytes == 3

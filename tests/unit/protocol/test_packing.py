"""Blocks cut into messages: nothing lost, nothing too long, and never more than plain takes."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station.protocol import smp
from station.protocol.compression import INFLATED_BYTES_MAX, Method, inflated
from station.protocol.datastore_group import Write, range_payload_max, write_requests
from station.protocol.packing import pack, packed_writes

BLOCK_BYTES = 65_536
MESSAGE_MAX = 4_092


def noise(size: int) -> bytes:
    return Random(size).randbytes(size)


@st.composite
def blocks(draw: st.DrawFn) -> bytes:
    """Stretches of noise, of one octet, and of repeated words, as bundles mix them."""
    stretches = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["noise", "same", "words"]), st.integers(1, 20_000), st.randoms()
            ),
            min_size=1,
            max_size=6,
        )
    )
    made = bytearray()
    for kind, size, random in stretches:
        match kind:
            case "noise":
                made += random.randbytes(size)
            case "same":
                made += bytes([random.randrange(256)]) * size
            case "words":
                word = random.randbytes(random.randint(3, 40))
                made += (word * (size // len(word) + 1))[:size]
    return bytes(made[:BLOCK_BYTES])


def written(writes: list[Write]) -> bytes:
    """What a dock makes of the writes, which begin at offset 70,000."""
    slot = bytearray()
    for write in writes:
        assert write.offset == 70_000 + len(slot)
        slot += (
            write.data
            if write.method is None or write.size is None
            else inflated(write.method, write.data, write.size)
        )
    return bytes(slot)


def message_bytes(write: Write) -> int:
    return len(smp.encode(smp.Message(write.OP, write.GROUP, write.COMMAND, 255, write.to_body())))


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(Method), blocks(), st.sampled_from([256, 1_024, MESSAGE_MAX]))
def test_a_packed_block_unpacks_to_itself_and_every_piece_fits_its_message(
    method: Method, block: bytes, message_max: int
) -> None:
    pieces = pack(method, block, message_max=message_max)
    writes = list(packed_writes(70_000, block, pieces, method))
    plain = list(write_requests(70_000, block, message_max=message_max))

    assert not pieces or written(writes) == block
    for write in writes:
        assert message_bytes(write) <= message_max
        assert 0 < write.plain_bytes <= INFLATED_BYTES_MAX
        assert write.method is None or len(write.data) < write.plain_bytes
    if pieces:
        # A piece between two others may end early; the messages are hardly ever more than plain.
        assert len(writes) <= len(plain) + 2


@pytest.mark.parametrize("method", Method)
def test_the_fullest_message_is_not_a_byte_too_long(method: Method) -> None:
    words = [noise(3 + each) for each in range(60)]
    block = b"".join(Random(5).choices(words, k=4_000))[:BLOCK_BYTES]
    pieces = pack(method, block, message_max=256)
    longest = max(map(message_bytes, packed_writes(70_000, block, pieces, method)))

    assert len(pieces) > 100
    assert 250 < longest <= 256


@pytest.mark.parametrize("method", Method)
def test_noise_travels_plain(method: Method) -> None:
    assert pack(method, noise(BLOCK_BYTES), message_max=MESSAGE_MAX) == ()


@pytest.mark.parametrize("method", Method)
def test_noise_within_a_block_travels_plain_too(method: Method) -> None:
    block = noise(40_000) + bytes(BLOCK_BYTES - 40_000)
    pieces = pack(method, block, message_max=MESSAGE_MAX)

    plain = sum(piece.size for piece in pieces if piece.data is None)
    assert plain >= 40_000 - 2 * range_payload_max(MESSAGE_MAX)
    assert sum(len(piece.data) for piece in pieces if piece.data) < 6_000


@pytest.mark.parametrize("method", Method)
def test_a_block_of_one_octet_takes_as_few_messages_as_may_be(method: Method) -> None:
    pieces = pack(method, b"\xff" * BLOCK_BYTES, message_max=MESSAGE_MAX)

    assert [piece.size for piece in pieces] == [INFLATED_BYTES_MAX] * 4


@pytest.mark.parametrize("method", Method)
def test_data_that_halves_needs_little_more_than_half_the_messages(method: Method) -> None:
    block = b"".join(noise(500 + each)[:512] + bytes(512) for each in range(64))
    pieces = pack(method, block, message_max=MESSAGE_MAX)
    plain = len(list(write_requests(0, block, message_max=MESSAGE_MAX)))

    assert len(pieces) <= 0.6 * plain

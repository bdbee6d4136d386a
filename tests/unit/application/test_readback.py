"""A readback knows what was read and what was not, and holds nothing but that."""

from hashlib import sha256
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.application.ports import Piece
from station.application.readback import Readback
from station.datastore.plan import Part
from station.domain.errors import NoAnswer
from station.domain.limits import BLOCK_BYTES
from tests.unit.dock.images import image_of, make_plan


def parts_of(image: bytes, size: int) -> list[Part]:
    return [
        Part(at, len(image[at : at + size]), sha256(image[at : at + size]).digest())
        for at in range(0, len(image), size)
    ]


@given(st.binary(min_size=1, max_size=200), st.randoms(use_true_random=False), st.data())
def test_pieces_in_any_order_and_overlapping_make_the_whole(
    image: bytes, order: Random, data: st.DataObject
) -> None:
    step = data.draw(st.integers(1, 50))
    again = data.draw(st.integers(1, 50))
    pieces = [Piece(at, image[at : at + step]) for at in range(0, len(image), step)]
    pieces += [Piece(at, image[at : at + again]) for at in range(0, len(image), again)]
    order.shuffle(pieces)
    readback = Readback(len(image))
    readback.take(pieces)

    assert readback.image == image
    assert readback.differing(parts_of(image, 16)) == ()


def test_a_shorter_second_reading_of_a_place_forgets_nothing_of_the_first() -> None:
    readback = Readback(10)
    readback.take([Piece(0, b"aaaaaa"), Piece(6, b"aaaa"), Piece(0, b"bb")])

    assert bytes(readback.image) == b"bbaaaaaaaa"


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [Piece(1, b"aaaaaaaaa")],
        [Piece(0, b"aaaa"), Piece(5, b"aaaaa")],
        [Piece(0, b"aaaaaaaaa")],
    ],
    ids=["all", "first", "middle", "last"],
)
def test_a_byte_left_out_is_no_answer(pieces: list[Piece]) -> None:
    readback = Readback(10)
    readback.take(pieces)

    with pytest.raises(NoAnswer, match="left out"):
        _ = readback.image
    with pytest.raises(NoAnswer):
        readback.differing(parts_of(bytes(10), 5))


@pytest.mark.parametrize(
    "piece", [Piece(-1, b"a"), Piece(10, b"a"), Piece(9, b"aa"), Piece(3, b"")]
)
def test_bytes_nobody_asked_for_are_no_answer(piece: Piece) -> None:
    with pytest.raises(NoAnswer, match="never asked"):
        Readback(10).take([piece])


def test_an_empty_image_is_whole_at_once() -> None:
    assert bytes(Readback(0).image) == b""


def test_nobody_writes_into_what_was_read() -> None:
    readback = Readback(1)
    readback.take([Piece(0, b"a")])

    assert readback.image.readonly


def test_every_block_that_differs_is_named() -> None:
    image = bytes(range(100))
    readback = Readback(100)
    readback.take([Piece(0, image[:30] + b"\xff" + image[31:90] + b"\xff" + image[91:])])

    assert [block.offset_bytes for block in readback.differing(parts_of(image, 20))] == [20, 80]


def test_the_parts_of_a_plan_leave_no_byte_of_it_out() -> None:
    plan = make_plan()
    image, reached = image_of(plan), 0
    for part in plan.parts:
        assert part.offset_bytes == reached
        assert 0 < part.size_bytes <= BLOCK_BYTES
        assert sha256(image[reached:][: part.size_bytes]).digest() == part.digest
        reached += part.size_bytes

    assert reached == len(image)


def test_a_flipped_byte_is_found_in_its_own_block_and_in_no_other() -> None:
    plan = make_plan(common=())
    image = bytearray(image_of(plan))
    random = Random(5)
    for part in plan.parts:
        for at in range(part.offset_bytes, part.offset_bytes + part.size_bytes, 17):
            image[at] ^= 1 << random.randrange(8)
            readback = Readback(len(image))
            readback.take([Piece(0, bytes(image))])
            assert readback.differing(plan.parts) == (part,), f"offset {at}"
            image[at] = image_of(plan)[at]

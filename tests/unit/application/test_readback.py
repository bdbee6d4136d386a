"""A readback knows what was read and what was not, and holds nothing but that."""

import tracemalloc
from hashlib import sha256
from random import Random
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.application.ports import Piece
from station.application.readback import Readback
from station.datastore.plan import Part, Plan
from station.datastore.segments import Segments
from station.domain.entries import Entry, Kind, PictureType
from station.domain.errors import NoAnswer
from station.domain.limits import BLOCK_BYTES, HEADER_BYTES
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

    assert bytes(readback.image) == image
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

    assert readback.image.view(0, 1).readonly


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


# -- what is planned ---------------------------------------------------------------------------

PLAN: Final = make_plan()
IMAGE: Final = image_of(PLAN)
COMMON_END: Final = HEADER_BYTES + PLAN.common.size_bytes


def pieces_of(image: bytes, size: int = 4_000) -> list[Piece]:
    """As a dock answers them."""
    return [Piece(at, image[at : at + size]) for at in range(0, len(image), size)]


def flipped(image: bytes, at: int) -> bytes:
    return image[:at] + bytes([image[at] ^ 1]) + image[at + 1 :]


def read_of(image: bytes, plan: Plan = PLAN) -> Readback:
    readback = Readback.of(plan)
    readback.take(pieces_of(image))
    return readback


def kept_as_reference(readback: Readback) -> bool:
    """Whether the common content stands in the image as the bundle's own memory."""
    shared = PLAN.common.segments.parts[0].obj
    return any(part.obj is shared for part in readback.image.parts)


@given(st.integers(), st.integers(1_000, 100_000), st.integers(1_000, 100_000))
def test_a_planned_image_is_whole_from_pieces_in_any_order(
    seed: int, step: int, again: int
) -> None:
    pieces = pieces_of(IMAGE, step) + pieces_of(IMAGE, again)
    Random(seed).shuffle(pieces)
    readback = Readback.of(PLAN)
    readback.take(pieces)

    assert bytes(readback.image) == IMAGE
    assert readback.differing(PLAN.parts) == ()
    assert kept_as_reference(readback)


def test_what_was_read_and_is_as_planned_is_kept_as_a_reference_to_the_bundle() -> None:
    image = read_of(IMAGE).image

    assert image.digest == PLAN.image_sha256
    common = image.view(HEADER_BYTES, HEADER_BYTES + len(PLAN.common.segments.parts[0]))
    assert common.obj is PLAN.common.segments.parts[0].obj


def test_a_byte_that_differs_is_in_the_readback_as_it_was_read() -> None:
    for at in (HEADER_BYTES, HEADER_BYTES + BLOCK_BYTES + 1, COMMON_END - 1):
        wrong = flipped(IMAGE, at)
        readback = read_of(wrong)

        assert bytes(readback.image) == wrong
        assert [block.offset_bytes for block in readback.differing(PLAN.parts)] == [
            HEADER_BYTES + (at - HEADER_BYTES) // BLOCK_BYTES * BLOCK_BYTES
        ]
        assert not kept_as_reference(readback)


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_common_block_counts_only_when_its_last_byte_was_read(missing: int) -> None:
    """That the station knows what should be there is no reading."""
    start = HEADER_BYTES + missing * BLOCK_BYTES
    readback = Readback.of(PLAN)
    readback.take([Piece(0, IMAGE[: start + 5]), Piece(start + 6, IMAGE[start + 6 :])])

    with pytest.raises(NoAnswer, match=f"left out bytes from {start + 5}"):
        _ = readback.image

    readback.take([Piece(start + 5, IMAGE[start + 5 : start + 6])])

    assert bytes(readback.image) == IMAGE


def test_a_block_read_again_is_judged_again() -> None:
    """First well and then wrong is wrong; first wrong and then well is well."""
    at = HEADER_BYTES + 7
    readback = read_of(IMAGE)
    readback.take([Piece(at, flipped(IMAGE, at)[at : at + 1])])

    assert [block.offset_bytes for block in readback.differing(PLAN.parts)] == [HEADER_BYTES]
    assert bytes(readback.image) == flipped(IMAGE, at)

    readback.take([Piece(at, IMAGE[at : at + 1])])

    assert readback.differing(PLAN.parts) == ()
    assert kept_as_reference(readback)


def test_equality_with_the_plan_does_not_hide_that_the_plan_has_changed_in_memory() -> None:
    """A cell of the station's memory goes bad after the bundle was checked and before it is sent:
    the dock then holds, and gives back, what the damaged memory has."""
    memory = bytearray(PLAN.common.segments.parts[0])
    common = object.__new__(type(PLAN.common))
    common.__dict__.update(PLAN.common.__dict__)
    common.segments = Segments((memory, *PLAN.common.segments.parts[1:]))
    memory[100] ^= 1
    readback = Readback(len(IMAGE), common)
    readback.take(pieces_of(flipped(IMAGE, HEADER_BYTES + 100)))

    assert [block.offset_bytes for block in readback.differing(PLAN.parts)] == [HEADER_BYTES]


def test_what_was_read_can_be_forgotten() -> None:
    readback = read_of(IMAGE)
    image = readback.image
    own = image.view(0, HEADER_BYTES), image.view(COMMON_END, len(IMAGE))
    readback.forget()

    assert not any(map(any, own))
    with pytest.raises(NoAnswer, match="left out bytes from 0"):
        _ = readback.image


def test_a_whole_readback_costs_little_more_than_its_unique_data() -> None:
    large = make_plan(common=(Entry(Kind.IMG, "photo", bytes(4_000_000), PictureType.BMP),))
    image = memoryview(image_of(large))
    tracemalloc.start()
    readback = Readback.of(large)
    readback.take(Piece(at, bytes(image[at : at + 4_000])) for at in range(0, len(image), 4_000))
    assert readback.image.digest == large.image_sha256
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 500_000

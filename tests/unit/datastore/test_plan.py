import tracemalloc
from hashlib import sha256

import pytest

from station.datastore.plan import CommonPart, Plan, assemble
from station.datastore.volume import build_common_volume, build_upd_volume
from station.domain.entries import Entry, Kind, PictureType
from station.domain.errors import DocumentRefused, ImageRefused, KeyRefused, OverBudget, Reason
from station.domain.limits import BLOCK_BYTES, HEADER_BYTES
from station.domain.trust import Algorithm, Usage
from tests.fakes.trust import fake_signer
from tests.unit.datastore.made_images import (
    COMMON,
    COMMON_ENTRIES,
    DOCK_ID,
    OTHER_DOCK_ID,
    RELEASE,
    REPLACEABLE,
    SALT,
    STATION,
    UPD,
    Forgery,
    accepted,
    common_part,
    envelope_of,
    statement_of,
)

LARGE = Entry(Kind.IMG, "large", bytes(3 * BLOCK_BYTES), PictureType.BMP)
UPD_LARGE = build_upd_volume(
    [Entry(Kind.IMG, "photo", b"\1" * BLOCK_BYTES, PictureType.BMP)], salt=SALT
)


def volume_of(size: int) -> bytes:
    """A common volume of exactly this many bytes."""
    code = size // 2
    while len(made := build_common_volume([Entry(Kind.CODE, "main.py", b"#" * code)])) != size:
        code += size - len(made)
    return made


COMMONS = {
    "less than a block": COMMON,
    "exactly a block": volume_of(BLOCK_BYTES),
    "some blocks": build_common_volume([*COMMON_ENTRIES, LARGE]),
}
PLANS = {
    f"{name}, {kind}": assemble(common_part(common), upd, DOCK_ID, STATION)
    for name, common in COMMONS.items()
    for kind, upd in {"small": UPD, "large": UPD_LARGE}.items()
}


def whole(plan: Plan) -> bytes:
    return bytes(plan.segments)


@pytest.fixture(params=PLANS)
def plan(request: pytest.FixtureRequest) -> Plan:
    return PLANS[request.param]


def test_the_plan_is_the_image_of_the_specification() -> None:
    plan = PLANS["less than a block, small"]

    assert whole(plan) == Forgery().image()


def test_every_plan_is_accepted(plan: Plan) -> None:
    image = accepted(whole(plan))

    assert image.image_sha256 == plan.image_sha256 == sha256(whole(plan)).digest()
    assert plan.size_bytes == len(whole(plan))


def test_the_parts_are_the_whole_image_without_a_gap(plan: Plan) -> None:
    image = whole(plan)
    at = 0
    for part in plan.parts:
        assert part.offset_bytes == at
        assert 0 < part.size_bytes <= BLOCK_BYTES
        assert part.digest == sha256(image[at : at + part.size_bytes]).digest()
        at += part.size_bytes

    assert at == plan.size_bytes
    assert {*plan.common_blocks, *plan.unique_parts} == {*plan.parts}


def test_blocks_are_64_kib_from_the_start_of_the_common_volume(plan: Plan) -> None:
    starts = [block.offset_bytes for block in plan.blocks]

    assert starts == [HEADER_BYTES + BLOCK_BYTES * index for index in range(len(starts))]
    assert {block.size_bytes for block in plan.blocks[:-1]} == {BLOCK_BYTES}
    assert plan.upd_blocks


def test_any_range_reads_as_the_image_has_it(plan: Plan) -> None:
    image = whole(plan)
    edges = {0, plan.size_bytes}
    for part in plan.parts:
        edges.update((part.offset_bytes, part.offset_bytes + 1))
    for start in edges:
        for end in edges:
            if start <= end:
                assert plan.read(start, end - start) == image[start:end]


@pytest.mark.parametrize(("offset", "size"), [(-1, 1), (0, -1), (1, 10**9), (10**9, 0)])
def test_nothing_is_read_outside_the_image(offset: int, size: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        PLANS["some blocks, small"].read(offset, size)


def test_every_part_is_read_without_a_copy_but_the_one_that_is_filled_up(plan: Plan) -> None:
    segments = {id(segment.obj) for segment in plan.segments.parts}
    padded = set() if len(plan.common.segments.parts) == 1 else {plan.common_blocks[-1]}

    for part in set(plan.parts) - padded:
        assert id(plan.read(part.offset_bytes, part.size_bytes).obj) in segments


def test_two_docks_share_the_common_blocks() -> None:
    common = common_part(COMMONS["some blocks"])
    first = assemble(common, UPD, DOCK_ID, STATION)
    second = assemble(common, UPD, OTHER_DOCK_ID, STATION)

    assert first.common_blocks is second.common_blocks
    assert first.read(HEADER_BYTES, BLOCK_BYTES).obj is second.read(HEADER_BYTES, BLOCK_BYTES).obj
    assert first.image_sha256 != second.image_sha256


@pytest.mark.parametrize("algorithm", Algorithm)
def test_the_same_inputs_give_the_same_image(algorithm: Algorithm) -> None:
    signer = fake_signer(Usage.STATION, algorithm=algorithm)

    first = assemble(common_part(), UPD, DOCK_ID, signer)
    second = assemble(common_part(), UPD, DOCK_ID, signer)

    assert whole(first) == whole(second)
    assert accepted(whole(first), signer).station_certificate == signer.certificate


def test_one_more_dock_costs_less_than_a_megabyte() -> None:
    photo = Entry(Kind.IMG, "photo", bytes(12_900_000), PictureType.BMP)
    common = common_part(build_common_volume([*COMMON_ENTRIES, photo]))
    assemble(common, UPD, DOCK_ID, STATION)

    tracemalloc.start()
    plan = assemble(common, UPD, OTHER_DOCK_ID, STATION)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert plan.size_bytes > 12_900_000
    assert peak < 1_000_000


def test_no_secret_shows_in_a_plan_that_is_printed() -> None:
    assert "k7-93-ax" not in repr(PLANS["less than a block, small"])


# -- what is refused -----------------------------------------------------------------------------


def test_a_key_of_another_usage_seals_nothing() -> None:
    with pytest.raises(KeyRefused):
        assemble(common_part(), UPD, DOCK_ID, RELEASE)


def test_a_key_for_another_product_seals_nothing() -> None:
    with pytest.raises(KeyRefused):
        assemble(common_part(), UPD, DOCK_ID, fake_signer(Usage.STATION, products=["DL-1"]))


def test_unique_data_that_is_no_upd_volume_is_refused() -> None:
    with pytest.raises(ImageRefused, match="no salt"):
        assemble(common_part(), COMMON, DOCK_ID, STATION)


def test_a_collision_is_refused_before_anything_is_signed() -> None:
    upd = build_upd_volume([Entry(Kind.KV, "url", b"https://evil.example/")], salt=SALT)

    with pytest.raises(ImageRefused) as refused:
        assemble(common_part(), upd, DOCK_ID, STATION)
    assert refused.value.reason is Reason.COLLISION


def test_a_release_statement_too_long_for_a_trailer_is_refused() -> None:
    replaceable = frozenset((Kind.KV, f"{number:0>1000}") for number in range(60))
    replaceable |= REPLACEABLE
    envelope = envelope_of(statement_of(COMMON, replaceable=replaceable).encode())
    common = CommonPart(COMMON, envelope, RELEASE.certificate.der)

    with pytest.raises(OverBudget):
        assemble(common, UPD, DOCK_ID, STATION)


def test_a_common_part_holds_together() -> None:
    envelope = envelope_of(statement_of(COMMON).encode())

    with pytest.raises(ValueError, match="another length"):
        CommonPart(COMMON + b"\0", envelope, b"")
    with pytest.raises(DocumentRefused):
        CommonPart(COMMON, b"{}", b"")
    with pytest.raises(ImageRefused):
        CommonPart(UPD, envelope_of(statement_of(UPD).encode()), b"")

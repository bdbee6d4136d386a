"""Cells that no longer take what is written: nothing is lost, and the end has a name."""

from random import Random

import pytest

from station.datastore.runtime_format import MARK_OFFSET, SEGMENT_HEADER_BYTES, Sizes
from station.datastore.runtime_partition import RuntimePartition
from station.datastore.runtime_segments import State
from station.dock.flash import StuckBits
from station.domain.errors import StoreFull, StoreWorn
from tests.unit.datastore.flash_areas import Chip, Content, content_of, held, kv, png

BUDGET = 65_536
SEGMENT = Sizes.of(BUDGET, 512).segment_bytes
SEGMENTS = Sizes.of(BUDGET, 512).segments
STUCK = {"low": 0x00, "high": 0xFF}
"""What a stuck cell reads."""


def chip_with(*offsets: int, mask: int = 0xFF, value: int = 0x00) -> Chip:
    """offsets: of stuck cells, from the start of the area."""
    chip = Chip(BUDGET)
    chip.stuck = tuple(
        StuckBits(chip.area.offset_bytes + offset, mask, value) for offset in offsets
    )
    return chip


def churn(partition: RuntimePartition, chance: Random, steps: int, model: Content) -> int:
    """Put at random, and delete where that does not fit; how often cells were the cause."""
    worn = 0
    for _ in range(steps):
        entry = png(f"i{chance.randrange(30)}", chance.randbytes(chance.randrange(3_000)))
        try:
            partition.put(entry)
            model |= held(entry)
        except (StoreFull, StoreWorn) as error:
            worn += isinstance(error, StoreWorn)
            if model:
                gone = chance.choice(sorted(model))
                partition.delete(*gone)
                del model[gone]
    return worn


@pytest.mark.parametrize("value", STUCK.values(), ids=STUCK)
@pytest.mark.parametrize(
    "offset",
    [0, 5, 15, 16, 27, 28, 28 + MARK_OFFSET, 28 + 36, 28 + 40, 28 + 50, 700, SEGMENT - 1],
)
def test_one_stuck_cell_costs_nothing_but_its_segment(offset: int, value: int) -> None:
    chance, model = Random(11), Content()
    chip = chip_with(2 * SEGMENT + offset, value=value)
    for _ in range(6):
        partition = chip.mount()
        assert content_of(partition) == model
        churn(partition, chance, 200, model)
        assert content_of(partition) == model

    assert content_of(chip.mount()) == model


@pytest.mark.parametrize("seed", range(20))
def test_single_stuck_bits_all_over_cost_room_and_no_content(seed: int) -> None:
    chance, model = Random(seed), Content()
    bad = chance.sample(range(SEGMENTS), 5)
    chip = Chip(BUDGET)
    chip.stuck = tuple(
        StuckBits(
            chip.area.offset_bytes + number * SEGMENT + chance.randrange(SEGMENT),
            1 << chance.randrange(8),
            chance.choice((0x00, 0xFF)),
        )
        for number in bad
    )
    for _ in range(4):
        partition = chip.mount()
        assert content_of(partition) == model
        churn(partition, chance, 300, model)

    assert content_of(chip.mount()) == model


def test_a_bad_segment_is_not_used_again() -> None:
    chance, model = Random(12), Content()
    chip = chip_with(2 * SEGMENT + 1_000)
    partition = chip.mount()
    churn(partition, chance, 600, model)
    partition = chip.mount()
    before = partition.erasures[2]
    churn(partition, chance, 2_000, model)

    assert partition.erasures[2] == before <= 2
    assert min(times for number, times in enumerate(partition.erasures) if number != 2) > before
    assert content_of(chip.mount()) == model


def test_a_mark_that_cannot_be_set_is_set_another_way() -> None:
    chip = chip_with(SEGMENT_HEADER_BYTES + MARK_OFFSET, value=0xFF)
    partition = chip.mount()
    partition.put(kv("first", "in the first place"))
    partition.put(kv("second", "stays"))
    partition.delete(*kv("first", "").key)

    assert content_of(partition) == held(kv("second", "stays"))
    assert content_of(chip.mount()) == held(kv("second", "stays"))


def test_cells_that_do_not_let_go_are_named_and_nothing_changes() -> None:
    """After the entry was written, not one bit of its head can be cleared any more."""
    chip = Chip(BUDGET)
    chip.mount().put(kv("first", "value"))
    first = chip.area.offset_bytes + SEGMENT_HEADER_BYTES
    chip.stuck = tuple(
        StuckBits(offset, 0xFF, chip.cells[offset]) for offset in range(first, first + 40)
    )
    partition = chip.mount()

    with pytest.raises(StoreWorn, match="do not let go"):
        partition.delete(*kv("first", "").key)
    assert content_of(partition) == held(kv("first", "value"))
    partition.put(kv("first", "newer"))
    assert content_of(partition) == held(kv("first", "newer"))
    assert content_of(chip.mount()) == held(kv("first", "newer"))


@pytest.mark.parametrize("value", STUCK.values(), ids=STUCK)
def test_when_no_place_is_left_the_trouble_has_a_name_and_what_was_held_is_held(
    value: int,
) -> None:
    """One cell after the other dies, in every segment, while the partition is used."""
    chance, model, worn = Random(13), Content(), 0
    chip = Chip(BUDGET)
    for number in range(SEGMENTS):
        offset = chip.area.offset_bytes + number * SEGMENT + chance.randrange(28, SEGMENT)
        chip.stuck += (StuckBits(offset, 0xFF, value),)
        partition = chip.mount()
        found = content_of(partition)
        assert found.items() <= model.items()
        assert len(found) >= len(model) - 1  # what the cell held when it died, and nothing else
        model = found
        worn += churn(partition, chance, 40, model)
        assert content_of(partition) == model
        assert content_of(chip.mount()) == model
    partition = chip.mount()

    assert worn > 100
    with pytest.raises(StoreWorn) as refused:
        partition.put(png("one more", bytes(60_000)))
    assert refused.value.code == "E-STORE-03"
    for key in content_of(partition):
        partition.delete(*key)
    assert content_of(chip.mount()) == {}


def test_a_worn_partition_refuses_what_it_could_not_go_on_with_before_it_writes_anything() -> None:
    chip = Chip(BUDGET)
    dead = [number * SEGMENT + 20 for number in range(1, 12)]
    chip.stuck = tuple(StuckBits(chip.area.offset_bytes + one, 0xFF, 0x00) for one in dead)
    area = chip.power()
    partition = RuntimePartition(area, budget_bytes=BUDGET)
    churn(partition, Random(15), 300, Content())
    before, found = area.programmed_bytes, content_of(partition)

    with pytest.raises(StoreWorn, match=r"\d bytes more than the runtime partition still takes"):
        partition.put(png("large", bytes(27_000)))
    assert area.programmed_bytes == before
    assert content_of(partition) == found


@pytest.mark.parametrize("spared", [0, 1, 2, 3])
def test_when_segments_fail_in_the_middle_of_a_put_it_is_refused_and_nothing_is_lost(
    spared: int,
) -> None:
    chip, model = Chip(BUDGET), Content()
    churn(chip.mount(), Random(16), 12, model)
    area = chip.power()
    partition = RuntimePartition(area, budget_bytes=BUDGET)
    free = partition._segments.those(State.FREE)
    area.flash._stuck = tuple(
        StuckBits(chip.area.offset_bytes + segment.number * SEGMENT + 100, 0xFF, 0x00)
        for segment in free[: len(free) - spared]
    )

    assert len(free) > 15
    for _ in range(30):
        with pytest.raises(StoreWorn):
            partition.put(png("large", b"U" * 30_000))
        assert content_of(partition) == model
    assert content_of(chip.mount()) == model


def test_what_was_cleared_stays_void_in_a_segment_that_cannot_be_erased() -> None:
    chip = Chip(BUDGET)
    chip.mount().put(kv("old", "cleared"))
    start = chip.area.offset_bytes
    chip.stuck = tuple(
        StuckBits(offset, 0xFF, chip.cells[offset]) for offset in range(start, start + SEGMENT)
    )
    partition = chip.mount()
    partition.clear()
    model = Content()
    churn(partition, Random(17), 600, model)

    assert partition.erasures[1] > 0  # where the clearing stood
    assert content_of(partition) == content_of(chip.mount()) == model


def test_a_worn_partition_that_cannot_be_cleared_says_so_and_keeps_everything() -> None:
    chip = Chip(BUDGET)
    partition = chip.mount()
    partition.put(kv("text", "value"))
    chip.stuck = tuple(
        StuckBits(chip.area.offset_bytes + number * SEGMENT + 20, 0xFF, 0x00)
        for number in range(1, SEGMENTS)
    )
    partition = chip.mount()

    with pytest.raises(StoreWorn, match="no segment"):
        partition.clear()
    assert content_of(partition) == held(kv("text", "value"))
    assert content_of(chip.mount()) == held(kv("text", "value"))


def test_a_free_segment_that_was_disturbed_is_erased_before_it_is_used() -> None:
    chip = Chip(BUDGET)
    partition = chip.mount()
    partition.put(kv("text", "value"))
    start = chip.area.offset_bytes
    for number in range(1, SEGMENTS):
        chip.cells[start + number * SEGMENT + 1_000] = 0x7F
    chance, model = Random(14), held(kv("text", "value"))
    churn(partition, chance, 300, model)

    assert content_of(partition) == model
    assert content_of(chip.mount()) == model
    assert partition._segments.usable == SEGMENTS

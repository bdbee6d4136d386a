"""The runtime partition on a chip that works: what lasts, what it takes, how it wears."""

from random import Random

import pytest

from station.datastore.partitions import PartitionName
from station.datastore.runtime_format import Sizes
from station.datastore.runtime_partition import LEVELLED_FROM, RuntimePartition
from station.domain.entries import Entry, Kind, PictureType
from station.domain.errors import StoreFull
from station.domain.limits import RUNTIME_BYTES
from tests.unit.datastore.flash_areas import Chip, code, content_of, held, kv, png

BUDGET = 65_536


def test_everything_is_there_after_a_restart() -> None:
    chip = Chip(BUDGET)
    entries = [
        kv("token", "k7-93-ax"),
        kv("empty", ""),
        code(b"print('x')\r\n"),
        png("default", Random(1).randbytes(30_000)),
        Entry(Kind.FONT, "sans", b"\xff" * 5_000),
        Entry(Kind.IMG, "photo", b"\xff\xd8", PictureType.JPEG),
    ]
    partition = chip.mount()
    for entry in entries:
        partition.put(entry)
    partition.delete(Kind.KV, "empty")
    again = chip.mount()

    assert content_of(again) == content_of(partition) == held(*entries[:1], *entries[2:])
    assert again.usage == partition.usage
    assert again.name is PartitionName.RUNTIME


def test_what_was_cleared_stays_cleared_and_its_octets_are_gone() -> None:
    chip = Chip(BUDGET)
    partition = chip.mount()
    for number in range(10):
        partition.put(png(f"image-{number}", b"SECRET-CONTENT" * 300))
    partition.clear()
    left = [octets in chip.cells for octets in (b"SECRET-CONTENT", b"image-")]
    partition.put(kv("after", "all"))

    assert left == [False, False]
    assert content_of(chip.mount()) == held(kv("after", "all"))


def test_clearing_what_was_never_written_touches_nothing() -> None:
    chip = Chip(BUDGET)
    before = bytes(chip.cells)
    chip.mount().clear()

    assert chip.cells == before


def test_a_start_of_a_whole_partition_writes_nothing() -> None:
    chip = Chip(BUDGET)
    partition = chip.mount()
    for number in range(100):
        partition.put(png(f"i{number % 7}", bytes(number * 40)))
    before = bytes(chip.cells)
    for _ in range(3):
        chip.mount()

    assert chip.cells == before


def test_the_neighbours_of_the_area_are_never_touched() -> None:
    chip, chance = Chip(BUDGET), Random(2)
    partition = chip.mount()
    for _ in range(300):
        partition.put(png(f"i{chance.randrange(9)}", chance.randbytes(chance.randrange(7_000))))
    partition.clear()

    assert chip.cells[:512] == chip.cells[-512:] == b"\x5a" * 512


def test_the_largest_content_fills_the_default_budget() -> None:
    chip = Chip(RUNTIME_BYTES, sector_bytes=4_096, page_bytes=256)
    content = Random(3).randbytes(12_874_196)
    chip.mount().put(Entry(Kind.FONT, "all", content))
    partition = chip.mount()
    found = partition.get(Kind.FONT, "all")

    assert found is not None
    assert found.data == content
    assert partition.usage.free_bytes < 4
    with pytest.raises(StoreFull):
        partition.put(Entry(Kind.FONT, "other", b""))


def test_a_copy_is_handed_out_that_later_changes_do_not_reach() -> None:
    partition = Chip(BUDGET).mount()
    partition.put(png("default", b"a" * 4_000))
    partition.put(kv("text", "inline"))
    seen = [partition.get(Kind.IMG, "default"), partition.get(Kind.KV, "text")]
    for number in range(200):
        partition.put(png("default", bytes([number]) * 4_000))
        partition.put(kv("text", str(number)))
    partition.clear()

    assert [bytes(entry.data) for entry in seen if entry] == [b"a" * 4_000, b"inline"]


def test_content_may_be_any_view_and_is_read_once() -> None:
    partition = Chip(BUDGET).mount()
    octets = bytearray(Random(4).randbytes(9_000))
    partition.put(Entry(Kind.FONT, "view", memoryview(octets)[1_000:]))
    expected = bytes(octets[1_000:])
    octets[:] = bytes(len(octets))
    found = partition.get(Kind.FONT, "view")

    assert found is not None
    assert found.data == expected


def test_an_overwrite_needs_room_for_old_and_new_content() -> None:
    """Both are held until the new is whole, or a cut could leave neither."""
    sizes = Sizes.of(BUDGET, 512)
    partition = Chip(BUDGET).mount()
    partition.put(png("big", bytes(40_000)))
    with pytest.raises(StoreFull) as full:
        partition.put(png("big", bytes(40_001)))
    both = sizes.packed_bytes(3, 40_000) + sizes.packed_bytes(3, 40_001)

    assert full.value.cause == (
        f"{both - BUDGET - BUDGET // 32:,} bytes more than the runtime partition has free while"
        " it still holds the old content"
    )
    assert "Delete the old entry first" in full.value.remedy
    assert content_of(partition) == held(png("big", bytes(40_000)))
    partition.delete(Kind.IMG, "big")
    partition.put(png("big", bytes(40_001)))
    assert content_of(partition) == held(png("big", bytes(40_001)))


def test_in_a_full_partition_a_small_entry_can_be_overwritten() -> None:
    partition = Chip(BUDGET).mount()
    partition.put(kv("token", "a" * 1_900))
    for number in range(10_000):
        try:
            partition.put(png(f"filler-{number}", bytes(500)))
        except StoreFull:
            break
    for letter in "bcdefghij" * 20:
        partition.put(kv("token", letter * 1_900))

    assert partition.usage.free_bytes < 600
    assert bytes(partition.get(Kind.KV, "token").data) == b"j" * 1_900  # type: ignore[union-attr]


def test_an_area_too_small_for_the_budget_is_refused() -> None:
    area = Chip(BUDGET).power()

    with pytest.raises(ValueError, match=r"110,592 bytes of flash are too few .* 118,784 are"):
        RuntimePartition(area, budget_bytes=70_000)


def test_an_area_for_another_budget_is_taken_over_as_it_is_or_empty() -> None:
    """Another length of segment means another partition; nothing of it is misread."""
    chip = Chip(2_000_000, sector_bytes=4_096)
    partition = chip.mount()
    partition.put(kv("text", "value"))
    other = RuntimePartition(chip.power(), budget_bytes=500_000)

    assert content_of(other) == {}
    other.put(kv("text", "another"))
    assert content_of(RuntimePartition(chip.power(), budget_bytes=500_000)) == held(
        kv("text", "another")
    )


# -- how it wears ----------------------------------------------------------------------------------


def filled(partition: RuntimePartition, chance: Random, content_max: int) -> int:
    """Fill it with images; how many."""
    count = 0
    while True:
        try:
            partition.put(png(f"i{count}", chance.randbytes(chance.randrange(1, content_max))))
        except StoreFull:
            return count
        count += 1


def copies_at_most(sizes: Sizes, packed_bytes: int) -> int:
    """docs/SPEC.md, "Compaction": 22 octets for each one put, and two segments."""
    return 22 * packed_bytes + 2 * sizes.segment_bytes


@pytest.mark.parametrize("content_max", [60, 900, 1_500, 6_000])
@pytest.mark.parametrize("hot", [1.0, 0.1])
def test_the_work_of_a_put_is_bounded_in_a_full_partition(content_max: int, hot: float) -> None:
    """hot: the share of entries that change, while the others stay in the way."""
    chance, chip = Random(5), Chip(BUDGET)
    area = chip.power()
    partition, sizes = RuntimePartition(area, budget_bytes=BUDGET), Sizes.of(BUDGET, 512)
    count = filled(partition, chance, content_max)
    changing = max(1, int(hot * count))
    worst, put_bytes, before = 0.0, 0, area.programmed_bytes
    for _ in range(1_500):
        entry = png(
            f"i{chance.randrange(changing)}", chance.randbytes(chance.randrange(content_max))
        )
        packed_bytes = sizes.packed_bytes(len(entry.name), len(entry.data))
        start = area.programmed_bytes
        try:
            partition.put(entry)
        except StoreFull:
            continue
        spent = area.programmed_bytes - start - packed_bytes
        worst = max(worst, spent / copies_at_most(sizes, packed_bytes))
        put_bytes += packed_bytes

    assert put_bytes > 0
    assert worst < 1
    assert area.programmed_bytes - before <= 23 * put_bytes


def test_segments_wear_alike_though_most_content_never_changes() -> None:
    chance, chip = Random(6), Chip(BUDGET)
    partition = chip.mount()
    for number in range(60):
        partition.put(png(f"cold-{number}", chance.randbytes(900)))
    for step in range(9_000):
        partition.put(png("hot", chance.randbytes(900)))
        if step % 500 == 0:
            partition = chip.mount()
    erasures = partition.erasures

    assert min(erasures) > 2 * LEVELLED_FROM
    assert max(erasures) - min(erasures) <= LEVELLED_FROM + 8
    assert len(content_of(partition)) == 61


def test_erasures_are_counted_one_by_one_across_restarts() -> None:
    chance, chip = Random(7), Chip(BUDGET)
    partition, truth = chip.mount(), dict[int, int]()
    for _ in range(20):
        area = chip.power()
        partition = RuntimePartition(area, budget_bytes=BUDGET)
        for _ in range(60):
            partition.put(
                png(f"i{chance.randrange(20)}", chance.randbytes(chance.randrange(3_000)))
            )
        if chance.random() < 0.2:
            partition.clear()
        for sector, times in area.erased.items():
            truth[sector] = truth.get(sector, 0) + times
    segment_bytes = Sizes.of(BUDGET, 512).segment_bytes

    assert sum(truth.values()) > 200
    assert list(partition.erasures) == [
        truth.get(number * segment_bytes, 0) for number in range(len(partition.erasures))
    ]

"""Each entry old or new, whole: power is cut at and inside every flash operation of a put, a
deletion, a clearing and the compaction behind them, and again inside the recovery (fault layer L2).

Tears are those of the flash, and "all but commit": everything an operation of the partition writes
but the octets that make it count. CI sweeps a few geometries; STATION_SWEEP=nightly and release
take more. Each sweep says how many cuts it made; they are more than 10,000 in all.
"""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

import pytest

from station.datastore.runtime_partition import RuntimePartition
from station.dock.flash import PowerCut, PowerLost, Tear
from station.domain.entries import Kind
from station.domain.errors import StoreFull
from tests.unit.datastore.flash_areas import Chip, Content, content_of, held, kv, png

SWEEP: Final = os.environ.get("STATION_SWEEP", "ci")
SHARE: Final = {"ci": 3, "nightly": 1, "release": 1}[SWEEP]
"""Of the cuts inside something long, one in so many; what is short is always cut everywhere."""

GEOMETRIES: Final = {
    "ci": [(64, 512), (256, 4_096), (512, 1_024)],
    "nightly": [(16, 128), (64, 512), (100, 500), (256, 1_024), (256, 4_096), (512, 1_024)],
    "release": [
        *[(1, 128), (16, 128), (32, 256), (64, 512), (100, 500), (128, 2_048), (256, 1_024)],
        *[(256, 4_096), (512, 1_024), (512, 4_096), (512, 131_072)],
    ],
}[SWEEP]
"""(page, sector) in octets."""

LONG: Final = 150
LONG_RECOVERY: Final = 20
"""From how many operations on an act, and a recovery, is sampled rather than cut everywhere."""

Act = Callable[[RuntimePartition], None]


@dataclass(frozen=True)
class Case:
    """A chip as it was, what is then done, and what it holds before and after."""

    chip: Chip
    act: Act
    old: Content
    new: Content

    def operations(self, cells: bytearray, act: Act | None) -> int:
        """How many flash operations a start takes, and then the act, on a copy of these cells."""
        area = self.chip.power(cells=bytearray(cells))
        partition = RuntimePartition(area, budget_bytes=self.chip.budget_bytes)
        if act is not None:
            act(partition)
        return area.flash.operations

    def cut(self, cells: bytearray, cut: PowerCut, act: Act | None) -> None:
        """Start and act until the power goes."""
        with pytest.raises(PowerLost):
            partition = self.chip.mount(cut, cells)
            if act is not None:
                act(partition)

    def sweep(self) -> int:
        """Cut everywhere, cut again in the recovery; how many cuts that were."""
        cuts, before = 0, self.operations(self.chip.cells, None)
        after = self.operations(self.chip.cells, self.act)
        step = 1 if after - before < LONG else SHARE
        whole = list[bool]()
        for operation in range(before, after, step):
            for tear in Tear:
                cells = bytearray(self.chip.cells)
                self.cut(cells, PowerCut(operation, tear), self.act)
                cuts += 1 + self.cut_recovery(cells)
                if tear is Tear.NOTHING:
                    whole.append(self.recovered(cells) == self.new)
                else:
                    self.recovered(cells)
        if self.new != self.old:
            # Whatever is cut before one certain operation leaves the old content, whatever is cut
            # after it the new: "all but commit" is the cut right before it.
            assert whole == sorted(whole)
            assert not whole[0]
        return cuts

    def cut_recovery(self, cells: bytearray) -> int:
        cuts, operations = 0, self.operations(cells, None)
        for operation in range(0, operations, 1 if operations < LONG_RECOVERY else SHARE):
            for tear in Tear:
                twice = bytearray(cells)
                self.cut(twice, PowerCut(operation, tear), None)
                cuts += 1
                self.recovered(twice)
        return cuts

    def recovered(self, cells: bytearray) -> Content:
        """What the next starts find: old or new, the same every time; and it can be used."""
        cells = bytearray(cells)
        found = content_of(self.chip.mount(cells=cells))
        assert found in (self.old, self.new)
        partition = self.chip.mount(cells=cells)
        assert content_of(partition) == found
        used = partition.usage
        if (Kind.KV, "a") in found:
            partition.delete(Kind.KV, "a")
            assert content_of(self.chip.mount(cells=cells)) == without(found, "a")
        partition.put(kv("a", "once more"))
        assert content_of(self.chip.mount(cells=cells)) == found | held(kv("a", "once more"))
        assert self.chip.mount(cells=cells).usage.used_bytes <= used.used_bytes + 64
        return found


def without(content: Content, name: str) -> Content:
    return {key: value for key, value in content.items() if key != (Kind.KV, name)}


def putting(*entries: tuple[str, int]) -> Act:
    def act(partition: RuntimePartition) -> None:
        for name, size in entries:
            partition.put(png(name, Random(size).randbytes(size)))

    return act


def images(**sizes: int) -> Content:
    return held(*(png(name, Random(size).randbytes(size)) for name, size in sizes.items()))


def prepared(page_bytes: int, sector_bytes: int, *acts: Act) -> tuple[Chip, Content]:
    chip = Chip(8_192, sector_bytes, page_bytes)
    partition = chip.mount()
    for act in acts:
        act(partition)
    return chip, content_of(partition)


def full(partition: RuntimePartition) -> None:
    """Fill it and go on for a while, so that the next put must compact."""
    chance = Random(31)
    for _ in range(120):
        try:
            partition.put(png(f"f{chance.randrange(14)}", chance.randbytes(chance.randrange(900))))
        except StoreFull:
            continue


def clear(partition: RuntimePartition) -> None:
    partition.clear()


def deleting(kind: Kind, name: str) -> Act:
    return lambda partition: partition.delete(kind, name)


def some(partition: RuntimePartition) -> None:
    partition.put(kv("a", "text"))
    putting(("small", 100), ("large", 2_500))(partition)


def told(cuts: int, what: str, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        sys.stdout.write(f"\n{what}: {cuts:,} power cuts\n")


def swept(cases: Iterator[Case]) -> int:
    return sum(case.sweep() for case in cases)


def overwrites() -> Iterator[Case]:
    for page_bytes, sector_bytes in GEOMETRIES:
        for name, size in (
            ("new", 0),
            ("new", 90),
            ("new", 2_500),
            ("small", 101),
            ("small", 2_100),
            ("large", 7),
            ("large", 2_501),
        ):
            chip, old = prepared(page_bytes, sector_bytes, some)
            yield Case(chip, putting((name, size)), old, old | images(**{name: size}))


def test_a_cut_in_a_put_leaves_the_old_or_the_new_entry(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cuts = swept(overwrites())

    told(cuts, "entries put", capsys)
    assert cuts > 1_800


def first_puts() -> Iterator[Case]:
    for page_bytes, sector_bytes in GEOMETRIES:
        for size in (0, 50, 3_000):
            chip, old = prepared(page_bytes, sector_bytes)
            yield Case(chip, putting(("first", size)), old, images(first=size))


def test_a_cut_in_the_first_put_of_all_leaves_nothing_or_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cuts = swept(first_puts())

    told(cuts, "first entries put", capsys)
    assert cuts > 1_000


def deletions() -> Iterator[Case]:
    for page_bytes, sector_bytes in GEOMETRIES:
        for kind, name in ((Kind.KV, "a"), (Kind.IMG, "small"), (Kind.IMG, "large")):
            chip, old = prepared(page_bytes, sector_bytes, some)
            new = {key: value for key, value in old.items() if key != (kind, name)}
            yield Case(chip, deleting(kind, name), old, new)


def test_a_cut_in_a_deletion_leaves_the_entry_or_nothing_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cuts = swept(deletions())

    told(cuts, "entries deleted", capsys)
    assert cuts >= 3 * 4 * len(GEOMETRIES)


def clearings() -> Iterator[Case]:
    for page_bytes, sector_bytes in GEOMETRIES:
        for before in (some, full):
            chip, old = prepared(page_bytes, sector_bytes, before)
            yield Case(chip, clear, old, {})


def test_a_cut_in_a_clearing_leaves_everything_or_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cuts = swept(clearings())

    told(cuts, "partitions cleared", capsys)
    assert cuts > 7_000


def test_a_start_finishes_a_clearing_that_was_cut() -> None:
    """Not an octet of what was cleared is left in the cells."""
    for page_bytes, sector_bytes in GEOMETRIES:
        chip, old = prepared(page_bytes, sector_bytes, full)
        case, finished = Case(chip, clear, old, {}), 0
        before = case.operations(chip.cells, None)
        for operation in range(before, case.operations(chip.cells, clear)):
            cells = bytearray(chip.cells)
            case.cut(cells, PowerCut(operation, Tear.HALF), clear)
            if content_of(chip.mount(cells=cells)) == {}:
                finished += 1
                assert all(content[:20] not in cells for content, _ in old.values() if content)

        assert finished > 5


def compactions() -> Iterator[Case]:
    for page_bytes, sector_bytes in GEOMETRIES:
        chip, old = prepared(page_bytes, sector_bytes, full)
        name = next(iter(old))[1]
        for number in range(60):  # until a put erases something
            act = putting((name, number % 7 + 1))
            case = Case(chip, act, old, old | images(**{name: number % 7 + 1}))
            area = chip.power(cells=bytearray(chip.cells))
            act(RuntimePartition(area, budget_bytes=8_192))
            if area.erased:
                yield case
                break
            putting((name, number % 7 + 1))(chip.mount())
            old = content_of(chip.mount())
        else:
            pytest.fail("nothing was compacted")


def test_a_cut_in_a_compaction_loses_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    cuts = swept(compactions())

    told(cuts, "partitions compacted", capsys)
    assert cuts > 1_000


def torn_tails() -> Iterator[Case]:
    """A put that goes on behind what an earlier cut left."""
    for page_bytes, sector_bytes in GEOMETRIES:
        for size in (90, 2_500):
            for tear in (Tear.ONE_BYTE, Tear.HALF, Tear.ALL_BUT_LAST):
                chip, old = prepared(page_bytes, sector_bytes, some)
                start = Case(chip, putting(), old, old)
                act = putting(("torn", size))
                between = start.operations(chip.cells, None), start.operations(chip.cells, act)
                start.cut(chip.cells, PowerCut(sum(between) // 2, tear), act)
                yield Case(chip, putting(("small", 60)), old, old | images(small=60))


def test_a_cut_behind_the_ruins_of_another_leaves_the_old_or_the_new_entry(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cuts = swept(torn_tails())

    told(cuts, "entries put behind ruins", capsys)
    assert cuts > 100


def test_erasures_are_counted_though_power_is_cut_in_them() -> None:
    """Exactly, but that each cut inside one may leave it uncounted or count it twice."""
    chance, chip = Random(32), Chip(8_192)
    truth, cuts = Counter[int](), Counter[int]()

    def live(cut: PowerCut | None) -> None:
        area = chip.power(cut)
        try:
            partition = RuntimePartition(area, budget_bytes=8_192)
            for _ in range(40):
                size = chance.randrange(700)
                partition.put(png(f"i{chance.randrange(8)}", chance.randbytes(size)))
        except PowerLost:
            cuts.update(sector // 4_096 for sector in area.erased_last)
        truth.update(
            {sector // 4_096: n for sector, n in area.erased.items() if sector % 4_096 == 0}
        )

    live(None)  # every segment has its header by now
    for _ in range(1_500):
        live(PowerCut(chance.randrange(1, 400), chance.choice(list(Tear))))
    erasures = chip.mount().erasures

    assert cuts.total() > 70
    assert sum(erasures) > 300
    for number, times in enumerate(erasures):
        assert abs(times - truth[number]) <= cuts[number]

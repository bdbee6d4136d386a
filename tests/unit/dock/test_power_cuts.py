"""Old or new, never a mix: power is cut at and inside every flash operation, and again on the way
back up (promise P6; fault layer L2).

CI sweeps every geometry; STATION_SWEEP=nightly and release take more sizes of images, boot
sectors in more states, and more nested cuts. Each sweep says how many cuts it made; what they
assert of it adds up to 125,000.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import pytest

from station.dock.boot_state import RECORD_BYTES
from station.dock.slots import Refused
from station.protocol import datastore_group as wire
from tests.unit.dock.sweeps import MORE, tell
from tests.unit.dock.tiny_docks import Act, Bench, Sweep, make, send

FLASHES: Final = (
    *((64, 128, 0xFF), (16, 128, 0xFF), (128, 256, 0xFF), (256, 256, 0xFF)),
    *((1, 128, 0xFF), (8, 256, 0xFF), (32, 512, 0xFF), (512, 512, 0xFF), (256, 1_024, 0xFF)),
    *((256, 4_096, 0xFF), (512, 32_768, 0xFF), (512, 131_072, 0xFF)),
    *((1, 128, 0x00), (64, 128, 0x00), (256, 256, 0x00), (512, 4_096, 0x00)),
)
"""Page, sector, erased cell. Serial NOR has pages of 256 in sectors of 4,096; on-chip flash has
words for pages, sectors up to 128 KiB, and in some families cells that an erase clears."""

SECTORS: Final = 2
"""Of a slot: the least in which a sector can be written while its neighbour waits."""

SMALL_BYTES: Final = 130
WHOLE_SLOT_BYTES_MAX: Final = 1_024 if MORE == 1 else 65_536
"""The largest slot that is also filled to its end, and to an octet before it."""

NESTED: Final = 8 if MORE < 24 else 16
"""Cuts of each recovery, drawn by lot, on flashes of small pages: a boot record takes up to 92
operations there. On the others all are made."""

STATES: Final = max(1, MORE // 3)
"""In how many states the boot sectors are found."""


pytestmark = pytest.mark.timeout(300 * MORE)


def sizes(sector_bytes: int, more: int) -> tuple[int, ...]:
    """Much smaller than the slot; and an octet smaller, and as large."""
    slot_bytes = SECTORS * sector_bytes
    if slot_bytes > WHOLE_SLOT_BYTES_MAX:
        return (SMALL_BYTES + more,)
    return SMALL_BYTES + more, slot_bytes - 1, slot_bytes


def benches(slots: int) -> Iterator[Bench]:
    """All flashes, with images of each size."""
    for page, sector, erased in FLASHES:
        for more in range(STATES):
            for size in sizes(sector, more):
                yield Bench(
                    *(slots, page, sector, SECTORS, size),
                    erased=erased,
                    records_before=more % (2 * sector // RECORD_BYTES + 1),
                    nested=NESTED if page < 64 else None,
                )


def geometries() -> int:
    """How many flashes there are, with one slot and with two."""
    return 2 * len(set(FLASHES))


def test_there_are_as_many_geometries_as_promised() -> None:
    assert geometries() >= 24
    assert {page for page, _, _ in FLASHES} >= {1, 512}
    assert {erased for _, _, erased in FLASHES} == {0x00, 0xFF}
    assert max(sector for _, sector, _ in FLASHES) == 128 * 1_024


def sweep(
    name: str,
    slots: int,
    old: Callable[[Bench], bytes | None],
    act: Act,
    allowed: Callable[[Bench, list[str]], set[bytes | None]],
    capsys: pytest.CaptureFixture[str],
) -> int:
    """Cut an act on every bench of so many slots; how often."""
    cuts = 0
    for bench in benches(slots):
        cells = bench.fresh(image=old(bench))
        cuts += Sweep(cells, bench, act, partial(allowed, bench)).run()
    tell(cuts, name, capsys)
    return cuts


def old_image(bench: Bench) -> bytes:
    return bench.old


def no_image(_: Bench) -> None:
    return None


def test_a_cut_while_an_image_is_replaced_leaves_the_old_or_the_new_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def allowed(bench: Bench, told: list[str]) -> set[bytes | None]:
        if "confirmed" in told:
            return {bench.new}
        if "on trial" in told:
            return {bench.old, bench.new}  # new only if the cut was inside the confirmation
        return {bench.old, bench.new} if "written" in told else {bench.old}

    cuts = sweep("replacing an image in two slots", 2, old_image, send, allowed, capsys)

    assert cuts > 25_000


def test_a_cut_while_the_first_image_is_written_leaves_nothing_or_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def allowed(bench: Bench, told: list[str]) -> set[bytes | None]:
        if "confirmed" in told:
            return {bench.new}
        return {None, bench.new} if "written" in told else {None}

    cuts = sweep("the first image", 2, no_image, send, allowed, capsys)

    assert cuts > 25_000


def test_a_one_slot_dock_boots_an_image_whole_or_says_that_it_cannot(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def allowed(bench: Bench, told: list[str]) -> set[bytes | None]:
        if "confirmed" in told:
            return {bench.new}
        return {None, bench.new} if "written" in told else {bench.old, None}

    cuts = sweep("replacing an image in the only slot", 1, old_image, send, allowed, capsys)

    assert cuts > 25_000


def test_a_cut_while_a_development_dock_replaces_its_image_leaves_the_old_or_the_new_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def allowed(bench: Bench, told: list[str]) -> set[bytes | None]:
        if "kept" in told:
            return {bench.made}
        # Old once more, if the cut was between its first start and its confirmation.
        return {bench.old, bench.made}

    cuts = sweep("replacing ROM in two slots", 2, old_image, make, allowed, capsys)

    assert cuts > 25_000


def test_a_one_slot_development_dock_boots_an_image_whole_or_says_that_it_cannot(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def allowed(bench: Bench, told: list[str]) -> set[bytes | None]:
        if "kept" in told:
            return {bench.made}
        return {None, bench.made} if "marked" in told else {bench.old, None, bench.made}

    cuts = sweep("replacing ROM in the only slot", 1, old_image, make, allowed, capsys)

    assert cuts > 25_000


@pytest.mark.parametrize("slots", [1, 2])
def test_an_image_larger_than_its_slot_by_an_octet_is_refused_and_nothing_changes(
    slots: int,
) -> None:
    for bench in benches(slots):
        cells = bench.fresh(image=bench.old)
        before = bytes(cells)
        dock = bench.power(cells)
        dock.start()
        slot_bytes = bench.slot_sectors * bench.sector_bytes

        with pytest.raises(Refused) as refused:
            dock.slots.begin(wire.Begin(slot_bytes + 1))

        assert refused.value.code is wire.DatastoreCode.TOO_LARGE
        assert bytes(cells) == before
        assert dock.runs() == bench.old

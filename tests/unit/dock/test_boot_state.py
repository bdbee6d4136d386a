"""The boot state: its table, its records, and what a damaged record is worth."""

from itertools import product

import pytest

from station.dock.boot_state import (
    NEXT,
    RECORD_BYTES,
    BootRecords,
    BootState,
    Event,
    FlashFailed,
    NotNow,
    Phase,
    SlotImage,
)
from station.dock.flash import Flash, Geometry, StuckBits
from station.dock.layout import Layout

OLD = SlotImage(100, b"\x01" * 32)
NEW = SlotImage(200, b"\x02" * 32)

SECTOR = 2 * RECORD_BYTES
LAYOUT = Layout.of(slots=2, slot_bytes=SECTOR, runtime_bytes=0, sector_bytes=SECTOR)
GEOMETRY = Geometry(LAYOUT.size_bytes, SECTOR, 64)

STATES = {
    Phase.SETTLED: BootState(Phase.SETTLED, 3, 0, OLD),
    Phase.PENDING: BootState(Phase.PENDING, 3, 0, OLD, NEW),
    Phase.TRIAL: BootState(Phase.TRIAL, 3, 0, OLD, NEW),
}


def chip(cells: bytearray | None = None, *stuck: StuckBits) -> Flash:
    return Flash(cells or bytearray(b"\xff" * GEOMETRY.size_bytes), GEOMETRY, stuck=stuck)


@pytest.mark.parametrize(("phase", "event"), list(product(Phase, Event)))
def test_every_pair_of_phase_and_event_is_in_the_table_or_refused(
    phase: Phase, event: Event
) -> None:
    state = STATES[phase]

    if event in NEXT[phase]:
        after = state.after(event, slots=2, image=NEW, counter=5)
        assert after.phase is NEXT[phase][event]
        assert (after.candidate is None) == (after.phase is Phase.SETTLED)
        assert after.counter == (5 if event is Event.CONFIRMED else 3)
        assert after.kept == (NEW if event is Event.CONFIRMED else OLD)
        assert after.keeper == (1 if event is Event.CONFIRMED else 0)
    else:
        with pytest.raises(NotNow):
            state.after(event, slots=2, image=NEW, counter=5)


def test_the_counter_never_falls() -> None:
    after = STATES[Phase.TRIAL].after(Event.CONFIRMED, slots=2, counter=1)

    assert after.counter == 3


def test_a_one_slot_dock_forgets_its_image_before_the_slot_is_written() -> None:
    after = STATES[Phase.SETTLED].after(Event.CLEARED, slots=1)

    assert (after.keeper, after.kept) == (None, None)
    assert after.spare(1) == 0


@pytest.mark.parametrize(
    ("keeper", "slots", "spare"), [(None, 1, 0), (0, 1, 0), (None, 2, 0), (0, 2, 1), (1, 2, 0)]
)
def test_the_spare_slot_is_the_one_that_is_not_kept(
    keeper: int | None, slots: int, spare: int
) -> None:
    assert BootState(keeper=keeper).spare(slots) == spare


def test_a_new_chip_has_the_initial_state() -> None:
    assert BootRecords(chip(), LAYOUT.boot).state == BootState()


def test_the_newest_record_counts_however_many_there_were() -> None:
    flash = chip()
    records = BootRecords(flash, LAYOUT.boot)

    for counter in range(1, 12):
        records.append(BootState(counter=counter, keeper=counter % 2, kept=OLD))

        assert BootRecords(flash, LAYOUT.boot).state == records.state
        assert records.state.counter == counter


@pytest.mark.parametrize("state", list(STATES.values()))
def test_a_record_brings_back_every_field(state: BootState) -> None:
    flash = chip()

    BootRecords(flash, LAYOUT.boot).append(state)

    assert BootRecords(flash, LAYOUT.boot).state == state


@pytest.mark.parametrize("bit", range(0, 92 * 8, 3))
def test_a_damaged_record_leaves_the_one_before_it(bit: int) -> None:
    flash = chip()
    records = BootRecords(flash, LAYOUT.boot)
    records.append(STATES[Phase.SETTLED])
    records.append(STATES[Phase.PENDING])

    flash.disturb(LAYOUT.boot[0].offset_bytes + RECORD_BYTES + bit // 8, bit % 8)

    again = BootRecords(flash, LAYOUT.boot)
    assert again.state == STATES[Phase.SETTLED]
    again.append(STATES[Phase.TRIAL])
    assert BootRecords(flash, LAYOUT.boot).state == STATES[Phase.TRIAL]


def test_a_place_that_does_not_keep_a_record_is_passed_over() -> None:
    bad = StuckBits(LAYOUT.boot[0].offset_bytes + 4, mask=0xFF, value=0x77)
    flash = chip(None, bad)

    BootRecords(flash, LAYOUT.boot).append(STATES[Phase.PENDING])

    assert BootRecords(flash, LAYOUT.boot).state == STATES[Phase.PENDING]


def test_worn_out_sectors_are_reported() -> None:
    bad = [
        StuckBits(area.offset_bytes + place + 4, mask=0xFF, value=0x77)
        for area in LAYOUT.boot
        for place in range(0, SECTOR, RECORD_BYTES)
    ]

    with pytest.raises(FlashFailed):
        BootRecords(chip(None, *bad), LAYOUT.boot).append(BootState())

"""A line's slots have the numbers of their stickers, and may be off."""

from collections.abc import Iterator

import pytest

from station.application.snapshot import SlotPhase
from station.domain.slot_map import SlotPlace
from tests.unit.application.floor import Floor, port
from tests.unit.application.workbench import Workbench, make_board, serial_of

OFF, EMPTY, READY, PASS = SlotPhase.OFF, SlotPhase.EMPTY, SlotPhase.READY, SlotPhase.PASS

PLACES = (SlotPlace(3, port(3), enabled=False), SlotPlace(5, port(5)), SlotPlace(12, port(12)))


@pytest.fixture
def floor(bench: Workbench) -> Iterator[Floor]:
    with Floor.over(bench, places=PLACES) as made:
        yield made


def plug(floor: Floor, slot: int, number: int, **board: bool) -> list[str]:
    """The calls the dock gets from now on."""
    troubles = floor.bench.docks.plug(port(slot), make_board(number, **board))
    floor.line.attach(slot, port(slot))
    return troubles.calls


def phases(floor: Floor) -> dict[int, SlotPhase]:
    return {slot.number: slot.phase for slot in floor.settle().slots}


def test_slots_are_shown_under_their_numbers(floor: Floor) -> None:
    assert phases(floor) == {3: OFF, 5: EMPTY, 12: EMPTY}


def test_nothing_in_a_slot_that_is_off_is_asked_or_started(floor: Floor) -> None:
    calls = plug(floor, 3, 1)
    assert phases(floor)[3] is OFF
    floor.line.detach(3)

    assert phases(floor)[3] is OFF
    assert calls == []


def test_a_scan_waits_in_the_lowest_slot_that_is_on(floor: Floor) -> None:
    floor.scan_unit(1)

    assert phases(floor) == {3: OFF, 5: SlotPhase.WAITING, 12: EMPTY}


def test_a_slot_is_chosen_by_its_number(floor: Floor) -> None:
    for slot, number in ((5, 1), (12, 2)):
        plug(floor, slot, number, blank=True)
        floor.until(lambda line: sum(one.phase is READY for one in line.slots) > 0)
    floor.until(lambda line: sum(one.phase is READY for one in line.slots) == 2)
    floor.scan_unit(1)
    floor.scan("SLOT:12")
    shown = floor.until(lambda line: line.slots[2].phase not in {READY, SlotPhase.WORKING})

    assert (shown.slots[2].phase, shown.slots[2].serial) == (PASS, serial_of(1).text)
    (run,) = floor.bench.unit(1).runs
    assert (run.slot, run.port) == ("12", port(12))


@pytest.mark.parametrize("number", [0, 1, 2, 13])
def test_no_slot_has_a_number_in_between(floor: Floor, number: int) -> None:
    plug(floor, 5, 1, blank=True)
    floor.scan_unit(1)

    assert floor.refused(f"SLOT:{number}").code == "E-SCAN-01"


def test_a_run_on_a_numbered_slot_is_stopped_by_its_number(floor: Floor) -> None:
    plug(floor, 12, 1)
    floor.until(lambda line: line.slots[2].phase is READY)
    floor.line.cancel(12)
    floor.line.cancel(5)

    assert phases(floor)[12] is READY

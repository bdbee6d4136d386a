"""Docks started under the serials they report themselves, one alone and a whole bench at once."""

import pytest

from station.application.all_docks import AllDocks
from station.application.cancel import Cancel
from station.application.snapshot import LineSnapshot, SlotPhase
from station.domain.identity import Serial
from station.domain.verdict import Verdict
from tests.unit.application.floor import Floor, held_at, port
from tests.unit.application.workbench import Workbench, make_board, serial_of


def served(floor: Floor, *slots: int, cancel: Cancel | None = None) -> LineSnapshot:
    """The bench, once nothing is left to do."""
    hands = AllDocks(lambda shown: None)
    hands.work(floor.line, slots, cancel=cancel or Cancel())
    return floor.line.snapshot()


def test_every_dock_is_started_under_its_own_serial(bench: Workbench) -> None:
    with Floor.over(bench, slots=3) as floor:
        for slot in (1, 2, 3):
            floor.slip_in(slot, slot)
        shown = served(floor, 1, 2, 3)

        assert [(one.phase, one.serial) for one in shown.slots] == [
            (SlotPhase.PASS, serial_of(number).text) for number in (1, 2, 3)
        ]
        assert all(one.runs[0].run_id for one in shown.slots)


def test_a_slot_that_is_not_named_is_left_alone(bench: Workbench) -> None:
    with Floor.over(bench, slots=2) as floor:
        floor.plug(1, 1)
        floor.plug(2, 2)
        shown = served(floor, 2)

        assert [one.phase for one in shown.slots] == [SlotPhase.READY, SlotPhase.PASS]


def test_a_dock_without_a_serial_is_refused_by_name(bench: Workbench) -> None:
    with Floor.over(bench) as floor:
        floor.slip_in(1, 1, blank=True)
        floor.slip_in(2, 2)
        shown = served(floor, 1, 2)

        assert [(one.phase, one.code) for one in shown.slots] == [
            (SlotPhase.CHECK, "E-IDENT-05"),
            (SlotPhase.PASS, ""),
        ]
        assert shown.slots[0].serial == ""
        assert shown.slots[0].runs == ()


def test_of_two_docks_with_one_serial_the_second_is_refused(bench: Workbench) -> None:
    with Floor.over(bench) as floor:
        troubles = floor.plug(1, 1)
        floor.bench.docks.plug(port(2), make_board(2, label=Serial(serial_of(1).text)))
        floor.line.attach(2, port(2))
        floor.slot(2, SlotPhase.READY)
        with held_at(troubles, "begin") as gate:
            floor.line.start_labelled(1)
            gate.wait()
            floor.line.start_labelled(2)
            second = floor.slot(2, SlotPhase.CHECK)
        first = floor.slot(1, SlotPhase.PASS)

        assert (second.code, second.serial) == ("E-SCAN-05", first.serial)


def test_a_unit_that_passed_is_not_made_again(bench: Workbench) -> None:
    with Floor.over(bench, slots=1) as floor:
        floor.plug(1, 1)
        served(floor, 1)
        floor.pull(1)
        floor.plug(1, 1)
        shown = served(floor, 1)

        assert (shown.slots[0].phase, shown.slots[0].code) == (SlotPhase.CHECK, "E-SCAN-04")


@pytest.mark.parametrize("number", [1, 2, 9])
def test_where_nothing_is_ready_nothing_is_started(bench: Workbench, number: int) -> None:
    with Floor.over(bench) as floor:
        floor.line.start_labelled(number)
        refusal = floor.until(lambda line: line.refusal is not None).refusal

        assert refusal is not None
        assert refusal.code == "E-SCAN-01"


def test_on_a_paused_line_the_slot_says_so(bench: Workbench) -> None:
    with Floor.over(bench, slots=1) as floor:
        floor.plug(1, 1)
        floor.line.toggle_pause()
        shown = served(floor, 1)

        assert (shown.slots[0].phase, shown.slots[0].code) == (SlotPhase.CHECK, "E-WO-03")


def test_who_is_stopped_begins_nothing_more_and_ends_what_runs(bench: Workbench) -> None:
    cancel = Cancel()
    with Floor.over(bench) as floor:
        troubles = floor.plug(1, 1)
        floor.plug(2, 2)

        def watch(shown: LineSnapshot) -> None:
            if shown.slots[0].phase is SlotPhase.WORKING and not cancel.asked:
                cancel.ask()
                gate.open()

        with held_at(troubles, "begin") as gate:
            floor.line.start_labelled(1)
            gate.wait()
            AllDocks(watch).work(floor.line, (1, 2), cancel=cancel)
        shown = floor.line.snapshot()

        assert shown.slots[0].runs[0].verdict is Verdict.ABORTED
        assert shown.slots[1].phase is SlotPhase.READY

"""A cable that gave way before a run: who gets the run when a dock is plugged in again."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from station.application.reseat import PAUSE_S, RESEAT_S
from station.application.snapshot import SlotPhase
from station.dock.faults import BitFlip
from station.domain.errors import ForeignDevice, LinkError, LinkLost, NoAnswer, NoDock
from station.domain.identity import DockId
from station.domain.order import StartMode
from station.domain.verdict import Disposition, Verdict
from tests.fakes.serial_link import Troubles
from tests.unit.application.floor import Floor, Gate, port
from tests.unit.application.workbench import Workbench, make_board, make_order, serial_of

EMPTY, READY, WORKING = SlotPhase.EMPTY, SlotPhase.READY, SlotPhase.WORKING
PASS, FAIL, CHECK, HOLD = SlotPhase.PASS, SlotPhase.FAIL, SlotPhase.CHECK, SlotPhase.HOLD
ENDED = (PASS, FAIL, CHECK, HOLD)


@pytest.fixture
def floor(bench: Workbench) -> Iterator[Floor]:
    with Floor.over(bench) as made:
        yield made


def loose(floor: Floor, slot: int = 1, number: int = 1) -> None:
    """A dock that was scanned, and whose cable slipped before its run."""
    floor.plug(slot, number)
    floor.bench.docks.pull(port(slot))
    floor.scan_unit(number)
    assert floor.slot(slot, CHECK).code == "E-LINK-01"


def again(floor: Floor, slot: int = 1, number: int = 1, **board: Any) -> Troubles:
    """Unplug whatever is in the slot and plug a dock in firmly."""
    floor.line.detach(slot)
    return floor.slip_in(slot, number, **board)


def silent(times: int, error: type[LinkError] = NoDock) -> Callable[[str], None]:
    """A link on which nobody answers so many times."""
    left = iter(range(times))

    def before(_call: str) -> None:
        if next(left, None) is not None:
            raise error("nobody answers")

    return before


# -- the dock that was scanned -------------------------------------------------------------------


def test_a_dock_plugged_in_again_gets_its_run_without_another_scan(floor: Floor) -> None:
    loose(floor)
    again(floor)

    shown = floor.slot(1, *(PASS, FAIL, HOLD))
    assert (shown.phase, shown.serial) == (PASS, "DK7F-00001")


def test_the_slot_asks_for_the_cable_until_the_dock_is_back(floor: Floor) -> None:
    loose(floor)
    floor.line.detach(1)
    shown = floor.settle().slots[0]

    assert (shown.phase, shown.code, shown.serial) == (CHECK, "E-LINK-01", "DK7F-00001")


def test_a_reseat_costs_the_unit_no_retry(floor: Floor) -> None:
    loose(floor)
    for _ in range(3):
        floor.line.detach(1)
        floor.line.attach(1, port(1))  # still loose: nobody is there
        floor.settle()
    again(floor)
    floor.slot(1, PASS)

    unit = floor.bench.unit(1)
    assert [run.verdict for run in unit.runs] == [Verdict.PASS]
    assert unit.disposition is Disposition.GOOD


def test_a_failed_dock_keeps_its_retry_after_a_reseat(floor: Floor) -> None:
    loose(floor)
    floor.line.detach(1)
    floor.slip_in(1, 1, BitFlip())

    assert floor.slot(1, FAIL, HOLD, PASS).phase is FAIL
    assert floor.bench.unit(1).disposition is Disposition.OPEN


def test_a_run_that_was_begun_by_a_click_goes_on_by_itself(bench: Workbench) -> None:
    bench.start(make_order("WO-2", start_mode=StartMode.CLICK))
    with Floor.over(bench, order="WO-2") as floor:
        floor.plug(1, 1)
        floor.scan_unit(1)
        bench.docks.pull(port(1))
        floor.line.press_provision()
        floor.slot(1, CHECK)
        again(floor)

        assert floor.slot(1, PASS, FAIL, HOLD).phase is PASS


def test_a_dock_that_is_back_before_its_run_is_given_up_gets_it_too(floor: Floor) -> None:
    troubles = floor.plug(1, 1)
    gate = Gate()

    def before(_call: str) -> None:
        gate.stop_here()
        raise NoDock("nobody answers")

    troubles.before = before
    floor.line.scan(serial_of(1).text)
    gate.wait()
    floor.line.detach(1)
    floor.slip_in(1, 1)
    gate.open()

    assert floor.slot(1, PASS, FAIL, HOLD).phase is PASS


# -- in silence ----------------------------------------------------------------------------------


def test_a_link_silent_once_is_tried_again_and_nobody_is_told(floor: Floor) -> None:
    troubles = floor.plug(1, 1)
    troubles.before = silent(1)
    before_s = floor.bench.clock.monotonic_s()
    floor.scan_unit(1)

    assert floor.slot(1, *ENDED).phase is PASS
    assert floor.bench.clock.monotonic_s() - before_s >= PAUSE_S
    assert len(floor.bench.unit(1).runs) == 1


def test_a_new_dock_silent_once_is_met_all_the_same(floor: Floor) -> None:
    floor.bench.docks.plug(port(1), make_board(1), Troubles(before=silent(1)))
    floor.line.attach(1, port(1))

    assert floor.slot(1, READY, CHECK).phase is READY


def test_a_link_silent_twice_is_told_of(floor: Floor) -> None:
    troubles = floor.plug(1, 1)
    troubles.before = silent(2)
    floor.scan_unit(1)

    assert floor.slot(1, *ENDED).code == "E-LINK-01"
    assert troubles.calls == ["identify"] * 3


@pytest.mark.parametrize("error", [NoAnswer, LinkLost])
def test_a_dock_that_fell_silent_later_is_not_tried_again_by_itself(
    floor: Floor, error: type[LinkError]
) -> None:
    troubles = floor.plug(1, 1)
    troubles.before = silent(1, error)
    floor.scan_unit(1)
    assert floor.slot(1, *ENDED).code == error.code
    again(floor)

    assert floor.slot(1, READY, PASS, FAIL).phase is READY
    assert floor.settle().slots[0].phase is READY


# -- anybody else --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "board"),
    [
        (2, {}),
        (2, {"label": serial_of(1)}),
        (1, {"label": serial_of(2)}),
        (2, {"blank": True}),
        (1, {"blank": True}),
    ],
    ids=["another dock", "with the same label", "with another label", "unlabelled", "label gone"],
)
def test_another_dock_never_inherits_the_scan(
    floor: Floor, number: int, board: dict[str, Any]
) -> None:
    loose(floor)
    stranger = again(floor, 1, number, **board)
    floor.slot(1, READY)
    floor.settle()

    assert floor.slots()[0] is READY
    assert stranger.calls == ["identify"]


def test_after_another_dock_the_first_one_needs_a_scan_too(floor: Floor) -> None:
    loose(floor)
    again(floor, 1, 2)
    floor.slot(1, READY)
    floor.pull(1)
    floor.plug(1, 1)

    assert floor.settle().slots[0].phase is READY


def test_the_dock_in_another_slot_needs_a_scan(floor: Floor) -> None:
    loose(floor)
    floor.line.detach(1)
    floor.plug(2, 1)
    assert floor.settle().slots[1].phase is READY
    floor.scan_unit(1)

    assert floor.slot(2, PASS, FAIL, HOLD).phase is PASS
    assert floor.slots()[0] is EMPTY


def test_another_dock_in_the_place_of_the_one_that_was_scanned_is_held(floor: Floor) -> None:
    floor.plug(1, 1, blank=True)
    floor.bench.docks.pull(port(1))
    stranger = floor.bench.docks.plug(
        port(1), make_board(1, dock_id=DockId(b"\x99" * 32), blank=True)
    )
    floor.scan_unit(1)
    shown = floor.slot(1, *ENDED)

    assert (shown.phase, shown.code) == (HOLD, "E-IDENT-03")
    assert stranger.calls == ["identify"]
    assert floor.bench.rows("SELECT * FROM runs") == []


def test_a_foreign_device_in_between_is_told_of_while_it_is_there(floor: Floor) -> None:
    loose(floor)
    floor.line.detach(1)
    floor.bench.docks.plug(port(1), make_board(2), Troubles(before=silent(1, ForeignDevice)))
    floor.line.attach(1, port(1))
    floor.until(lambda line: line.slots[0].code == "E-SLOT-01")
    floor.line.detach(1)
    shown = floor.settle().slots[0]

    assert (shown.phase, shown.code, shown.serial) == (CHECK, "E-LINK-01", "DK7F-00001")
    again(floor)
    assert floor.slot(1, PASS, FAIL, HOLD).phase is PASS


# -- too late, or not now ------------------------------------------------------------------------


@pytest.mark.parametrize(("waited_s", "phase"), [(RESEAT_S - 1, PASS), (RESEAT_S, READY)])
def test_a_dock_has_a_minute_to_come_back(floor: Floor, waited_s: float, phase: SlotPhase) -> None:
    loose(floor)
    floor.bench.clock.pass_s(waited_s)
    again(floor)
    floor.until(lambda line: line.slots[0].phase is not CHECK)
    floor.settle()

    assert floor.until(lambda line: line.slots[0].phase is not WORKING).slots[0].phase is phase


def test_a_dock_that_stays_away_leaves_its_slot_empty(floor: Floor) -> None:
    loose(floor)
    floor.line.detach(1)
    floor.line.tick()
    assert floor.slots()[0] is CHECK
    floor.bench.clock.pass_s(RESEAT_S)
    told = floor.changes
    floor.line.tick()

    assert floor.slots()[0] is EMPTY
    assert floor.changes == told + 1


def test_a_cable_that_nobody_touched_still_asks_after_the_minute(floor: Floor) -> None:
    loose(floor)
    floor.bench.clock.pass_s(RESEAT_S)
    floor.line.tick()

    assert floor.slots()[0] is CHECK


def test_a_paused_station_begins_nothing_by_itself(floor: Floor) -> None:
    loose(floor)
    floor.line.toggle_pause()
    again(floor)
    floor.slot(1, READY)

    assert floor.until(lambda line: line.refusal is not None).slots[0].phase is READY


def test_another_work_order_does_not_take_over_the_scan(floor: Floor) -> None:
    loose(floor)
    floor.bench.start(make_order("WO-2"))
    floor.line.choose_order("WO-2")
    again(floor)
    floor.slot(1, READY)

    assert floor.settle().slots[0].phase is READY


def test_a_stopped_station_begins_nothing_by_itself(floor: Floor) -> None:
    loose(floor)
    floor.bench.signer.offline = True
    floor.plug(2, 2)
    floor.scan_unit(2)
    floor.slot(2, *ENDED)
    assert floor.line.snapshot().stop == "E-SIGN-01"
    floor.bench.signer.offline = False
    again(floor)
    floor.slot(1, READY)

    assert floor.settle().slots[0].phase is READY


def test_a_new_scan_replaces_the_one_that_waited(floor: Floor) -> None:
    loose(floor)
    floor.line.detach(1)
    shown = floor.scan_unit(1)
    assert shown.slots[0].phase is SlotPhase.WAITING
    floor.slip_in(1, 1)

    assert floor.slot(1, PASS, FAIL, HOLD).phase is PASS
    assert len(floor.bench.unit(1).runs) == 1

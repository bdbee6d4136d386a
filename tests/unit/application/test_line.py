"""The line: what scans, docks and people make of its slots, and what it shows of that."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import FrozenInstanceError
from threading import Thread
from typing import Any, Final

import pytest

from station.application import slot
from station.application.line import PENDING_S, REFUSAL_S, STEP_SHARE
from station.application.pace import RESULTS_KEPT
from station.application.snapshot import LineSnapshot, Result, SlotPhase
from station.dock.faults import BitFlip, WrongHardware
from station.domain.errors import LedgerRefused, RecordNotDurable, SignerOffline
from station.domain.order import StartMode
from station.domain.profile import Link
from station.domain.release import Version
from station.domain.secret import Secret
from station.domain.template import Kv, Scan, Template, TemplateEntry
from station.domain.upd import UpdState
from station.domain.verdict import PROOFS, CheckName, Disposition, Step, Verdict
from tests.fakes.rehearsal import boot, picture_of
from tests.unit.adapters.sql.drivers import raw
from tests.unit.application.floor import Floor, Gate, held_at, port
from tests.unit.application.workbench import (
    PRODUCT,
    TOKENS,
    Workbench,
    make_board,
    make_order,
    make_profile,
    other_release,
    serial_of,
)

EMPTY, READY, WAITING, WORKING = (
    SlotPhase.EMPTY,
    SlotPhase.READY,
    SlotPhase.WAITING,
    SlotPhase.WORKING,
)
PASS, FAIL, CHECK, HOLD = SlotPhase.PASS, SlotPhase.FAIL, SlotPhase.CHECK, SlotPhase.HOLD
WITHOUT_A_KEY: Final = [name for name in CheckName if name not in PROOFS]
"""The checks of a dock of level D0, in their order."""

ENDED = (PASS, FAIL, CHECK, HOLD)


@pytest.fixture
def floor(bench: Workbench) -> Iterator[Floor]:
    """Two slots, an order, an operator."""
    with Floor.over(bench) as made:
        yield made


def decide(bench: Workbench, number: int, disposition: Disposition) -> None:
    """What quality or a line leader does with a unit."""
    connection = raw(bench.path)
    connection.execute(
        "UPDATE units SET disposition = ? WHERE serial = ?",
        (disposition.value, serial_of(number).text),
    )
    connection.close()


def make(floor: Floor, slot: int, number: int) -> SlotPhase:
    """Plug a dock in, scan it, and how it ended."""
    floor.plug(slot, number)
    floor.scan_unit(number)
    return floor.slot(slot, *ENDED).phase


# -- docks come and go -------------------------------------------------------------------------


def test_a_line_without_docks_shows_empty_slots_and_its_order(floor: Floor) -> None:
    shown = floor.line.snapshot()

    assert [(slot.number, slot.phase) for slot in shown.slots] == [(1, EMPTY), (2, EMPTY)]
    assert (shown.station, shown.operator, shown.demo) == ("L3-P2", "0417", False)
    assert shown.order is not None and shown.order.name == "WO-1"
    assert (shown.bundle, shown.bundle_sha256) == ("welcome 1.2.0", shown.order.bundle_sha256)
    assert (shown.stock, shown.counts.good, shown.pace_per_h) == (TOKENS, 0, 0)
    assert (shown.refusal, shown.stop, shown.paused) == (None, "", False)


def test_a_dock_is_met_as_the_orders_profile_says_and_without_an_order_as_most_are(
    bench: Workbench,
) -> None:
    link = Link(bytes_per_s=12_345)
    bench.shelf.profiles = {PRODUCT: make_profile(link=link)}
    with Floor.over(bench, order="") as floor:
        floor.plug(1, 1)
        floor.line.choose_order("WO-1")
        floor.plug(2, 2)

    assert [used for _, used in bench.docks.links] == [Link(), link]


def test_a_dock_is_met_and_may_leave_again(floor: Floor) -> None:
    troubles = floor.plug(1, 1)
    assert troubles.calls == ["identify"]

    floor.pull(1)

    assert floor.slots() == [EMPTY, EMPTY]


def test_a_dock_that_does_not_answer_is_checked(floor: Floor) -> None:
    floor.line.attach(1, port(1))
    shown = floor.slot(1, CHECK)

    assert (shown.code, shown.cause) == ("E-LINK-01", "there is no /dev/slot-1")


@pytest.mark.parametrize("answers", [True, False])
def test_a_dock_that_left_while_it_was_asked_is_not_shown(floor: Floor, answers: bool) -> None:
    troubles = floor.bench.docks.plug(port(1), make_board(1))
    troubles.lose_at = None if answers else 0
    with held_at(troubles, "identify") as gate:
        floor.line.attach(1, port(1))
        gate.wait()
        floor.line.detach(1)
    floor.slip_in(1, 2)

    assert floor.slot(1, READY, CHECK).phase is READY


# -- bound by label ----------------------------------------------------------------------------


def test_a_scan_starts_the_dock_with_that_label_whichever_slot_it_is_in(floor: Floor) -> None:
    floor.plug(1, 1)
    floor.plug(2, 2)
    floor.scan_unit(2)

    assert floor.slot(2, *ENDED).phase is PASS
    assert floor.slots() == [READY, PASS]


def test_a_scan_waits_for_its_dock_in_the_lowest_free_slot(floor: Floor) -> None:
    floor.plug(1, 1)
    shown = floor.scan_unit(2)

    assert shown.pending_scan == "DK7F-00002"
    assert (shown.slots[1].phase, shown.slots[1].serial) == (WAITING, "DK7F-00002")
    floor.slip_in(2, 2)

    assert floor.slot(2, *ENDED).phase is PASS
    assert floor.line.snapshot().pending_scan == ""


def test_a_waiting_scan_takes_its_dock_in_any_slot(floor: Floor) -> None:
    floor.scan_unit(2)
    floor.slip_in(2, 2)

    assert floor.slot(2, *ENDED).phase is PASS
    assert floor.slots() == [EMPTY, PASS]


def test_a_dock_of_another_label_does_not_take_a_waiting_scan(floor: Floor) -> None:
    floor.scan_unit(2)
    floor.plug(1, 1)

    assert floor.line.snapshot().pending_scan == "DK7F-00002"
    assert floor.slots() == [READY, EMPTY]


def test_a_scan_waits_unseen_where_no_slot_is_free(floor: Floor) -> None:
    floor.plug(1, 1)
    floor.plug(2, 2)
    shown = floor.scan_unit(3)

    assert (shown.pending_scan, floor.slots()) == ("DK7F-00003", [READY, READY])


def test_the_newer_of_two_scans_waits(floor: Floor) -> None:
    floor.scan_unit(1)
    shown = floor.scan_unit(2)

    assert (shown.pending_scan, shown.slots[0].serial) == ("DK7F-00002", "DK7F-00002")
    assert floor.slots() == [WAITING, EMPTY]


def test_a_gs1_label_is_its_serial(floor: Floor) -> None:
    shown = floor.scan("]d20109501101530003" + "21DK7F-00007")

    assert (shown.pending_scan, shown.slots[0].phase) == ("DK7F-00007", WAITING)


# -- bound without a label ---------------------------------------------------------------------


def test_a_single_dock_without_a_label_takes_the_scan_whichever_comes_first(floor: Floor) -> None:
    floor.plug(1, 1, blank=True)
    floor.scan_unit(1)
    assert floor.slot(1, *ENDED).phase is PASS

    floor.scan_unit(2)
    floor.slip_in(2, 2, blank=True)

    assert floor.slot(2, *ENDED).phase is PASS


def test_docks_with_other_labels_are_no_candidates_whichever_comes_first(floor: Floor) -> None:
    floor.plug(1, 1)
    floor.scan_unit(2)
    floor.slip_in(2, 2, blank=True)

    assert floor.slot(2, *ENDED).phase is PASS
    floor.pull(2)
    floor.plug(2, 3, blank=True)
    floor.scan_unit(3)

    assert floor.slot(2, *ENDED).phase is PASS


def ambiguous(floor: Floor) -> LineSnapshot:
    """Two docks without a label, and a scan that may mean either."""
    floor.plug(1, 1, blank=True)
    floor.plug(2, 2, blank=True)
    return floor.scan_unit(2)


def test_between_two_docks_without_a_label_nothing_is_bound(floor: Floor) -> None:
    shown = ambiguous(floor)

    assert floor.slots() == [READY, READY]
    assert [slot.candidate for slot in shown.slots] == [True, True]
    assert shown.pending_scan == "DK7F-00002"
    floor.plug(1, 5, blank=True)

    assert floor.slots() == [READY, READY]


@pytest.mark.parametrize("by_scan", [True, False])
def test_a_slot_is_chosen_by_its_label_or_its_tile(floor: Floor, by_scan: bool) -> None:
    ambiguous(floor)
    if by_scan:
        floor.line.scan("SLOT:2")
    else:
        floor.line.choose_slot(2)

    assert floor.slot(2, *ENDED).phase is PASS
    shown = floor.line.snapshot()

    assert (shown.slots[0].phase, shown.slots[0].candidate) == (READY, False)
    assert shown.pending_scan == ""


def test_a_slot_that_holds_another_label_is_held_if_chosen(floor: Floor) -> None:
    floor.plug(1, 1)
    floor.scan_unit(2)
    floor.line.scan("SLOT:1")
    shown = floor.slot(1, *ENDED)

    assert (shown.phase, shown.code, shown.serial) == (HOLD, "E-IDENT-01", "DK7F-00002")
    assert floor.bench.rows("SELECT count(*) FROM runs") == [(0,)]


def test_nothing_is_bound_to_a_slot_without_scan_or_dock_or_number(floor: Floor) -> None:
    for text, cause in [
        ("SLOT:1", "nothing to bind to slot 1"),
        ("SLOT:3", "there is no slot 3"),
    ]:
        refusal = floor.refused(text)
        assert (refusal.code, refusal.cause) == ("E-SCAN-01", cause)
        floor.settle()
    floor.line.choose_slot(0)
    assert floor.until(lambda line: line.refusal is not None).refusal is not None
    floor.scan_unit(1)

    assert floor.refused("SLOT:1").cause == "nothing to bind to slot 1"
    assert floor.line.snapshot().pending_scan == "DK7F-00001"


# -- a scan is dropped -------------------------------------------------------------------------


def test_a_scan_waits_a_minute_and_no_longer(floor: Floor) -> None:
    ambiguous(floor)
    floor.bench.clock.pass_s(PENDING_S - 0.1)
    floor.line.tick()
    assert floor.line.snapshot().pending_scan == "DK7F-00002"

    floor.bench.clock.pass_s(0.1)
    floor.line.tick()
    shown = floor.line.snapshot()

    assert shown.pending_scan == ""
    assert not any(slot.candidate for slot in shown.slots)


def test_a_slot_stops_waiting_with_its_scan(floor: Floor) -> None:
    floor.scan_unit(1)
    floor.bench.clock.pass_s(PENDING_S)
    floor.line.tick()

    assert floor.slots() == [EMPTY, EMPTY]


@pytest.mark.parametrize("by_card", [True, False])
def test_undo_drops_the_waiting_scan(floor: Floor, by_card: bool) -> None:
    floor.scan_unit(1)
    if by_card:
        floor.scan("CMD:UNDO")
    else:
        floor.line.undo()

    assert floor.line.snapshot().pending_scan == ""
    assert floor.slots() == [EMPTY, EMPTY]


def test_a_dock_that_left_before_it_was_matched_does_not_take_the_scan_with_it(
    floor: Floor,
) -> None:
    floor.scan_unit(1)
    with floor.stalled_desk():
        floor.slip_in(1, 1)
        floor.slot(1, READY)
        floor.pull(1)
    shown = floor.settle()

    assert shown.pending_scan == "DK7F-00001"
    floor.slip_in(2, 1)

    assert floor.slot(2, *ENDED).phase is PASS


def test_a_tick_without_anything_to_expire_tells_nobody(floor: Floor) -> None:
    floor.line.tick()

    assert floor.changes == 1  # of the order that was chosen


# -- a unit is made ----------------------------------------------------------------------------


def test_a_pass_is_shown_counted_and_timed(floor: Floor) -> None:
    assert make(floor, 1, 1) is PASS
    shown = floor.until(lambda line: line.counts.good == 1)
    slot = shown.slots[0]

    assert (slot.serial, slot.code, slot.ncr) == ("DK7F-00001", "", "")
    [run] = slot.runs
    assert (run.serial, run.verdict, run.number, run.code) == ("DK7F-00001", Verdict.PASS, 1, "")
    assert [check.name for check in run.checks] == WITHOUT_A_KEY
    assert list(run.seconds) == list(Step)
    assert run.asked
    assert run.rehearsal is not None
    assert (run.rehearsal.text, run.picture) == (("Welcome",), picture_of(boot("Welcome").splash))
    assert run.took_s == slot.elapsed_s
    assert slot.elapsed_s == pytest.approx(0.05, abs=0.02)
    assert shown.results == (Result("DK7F-00001", Verdict.PASS),)
    assert (shown.counts.first_pass, shown.stock, shown.pace_per_h) == (1, TOKENS - 1, 1)
    floor.bench.clock.pass_s(3600.0)

    assert floor.line.snapshot().pace_per_h == 0


def test_the_last_runs_of_a_slot_outlive_its_docks(floor: Floor) -> None:
    for number in (1, 2, 3):
        make(floor, 1, number)
        floor.pull(1)
    slot = floor.slot(1, EMPTY)

    assert [run.serial for run in slot.runs] == ["DK7F-00003", "DK7F-00002", "DK7F-00001"]
    assert [bool(run.picture) for run in slot.runs] == [True, False, False]
    assert [bool(run.checks) for run in slot.runs] == [True, False, False]
    assert floor.line.snapshot().slots[1].runs == ()


def test_so_many_runs_of_a_slot_are_kept_and_no_more(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slot, "RUNS_KEPT", 2)
    for number in (1, 2, 3):
        make(floor, 1, number)
        floor.pull(1)

    assert [run.serial for run in floor.slot(1, EMPTY).runs] == ["DK7F-00003", "DK7F-00002"]


def test_a_run_is_shown_while_it_lasts(floor: Floor) -> None:
    make(floor, 1, 1)
    usual_s = floor.until(lambda line: line.counts.good == 1).slots[0].elapsed_s
    troubles = floor.plug(2, 2)
    with held_at(troubles, "read back") as gate:
        floor.scan_unit(2)
        gate.wait()
        floor.bench.clock.pass_s(5.0)
        shown = floor.line.snapshot().slots[1]

        assert (shown.phase, shown.serial, shown.step) == (WORKING, "DK7F-00002", Step.READ_BACK)
        assert shown.fraction == STEP_SHARE[Step.READ_BACK][0]
        assert shown.usual_s == usual_s
        assert shown.elapsed_s == pytest.approx(5.0, abs=0.1)

    assert floor.slot(2, *ENDED).phase is PASS


def test_progress_never_goes_back_and_fills_the_bar(floor: Floor) -> None:
    seen: list[tuple[Step | None, float]] = []
    troubles = floor.plug(1, 1)

    def before(name: str) -> None:
        shown = floor.line.snapshot().slots[0]
        seen.append((shown.step, shown.fraction))

    troubles.before = before
    floor.scan_unit(1)
    floor.slot(1, PASS)

    fractions = [round(fraction, 9) for _, fraction in seen]

    assert fractions == sorted(fractions)
    assert list(dict.fromkeys(step for step, _ in seen)) == [
        *(Step.IDENTIFY, Step.WRITE, Step.READ_BACK, Step.RECORD)
    ]
    assert sum(share for _, share in STEP_SHARE.values()) == pytest.approx(1.0)


def test_slots_work_side_by_side_with_a_token_each(floor: Floor) -> None:
    one, two = floor.plug(1, 1), floor.plug(2, 2)
    with held_at(one, "write") as first, held_at(two, "write") as second:
        floor.scan_unit(1)
        floor.scan_unit(2)
        first.wait()
        second.wait()

        assert floor.slots() == [WORKING, WORKING]
    floor.until(lambda line: line.counts.good == 2)

    assert floor.slots() == [PASS, PASS]
    assert floor.bench.stock == {UpdState.ACTIVE: 2, UpdState.FREE: TOKENS - 2}


def test_the_last_six_results_are_kept(floor: Floor) -> None:
    for number in range(1, RESULTS_KEPT + 2):
        make(floor, 1, number)
        floor.pull(1)
    shown = floor.until(lambda line: line.counts.good == RESULTS_KEPT + 1)

    assert [result.serial for result in shown.results] == [
        serial_of(number).text for number in range(2, RESULTS_KEPT + 2)
    ]


def test_a_snapshot_cannot_be_changed_and_is_whole_while_runs_go_on(floor: Floor) -> None:
    shots: list[LineSnapshot] = []
    troubles = floor.plug(1, 1)
    troubles.before = lambda name: shots.append(floor.line.snapshot())
    floor.scan_unit(1)
    floor.slot(1, PASS)
    shots.append(floor.line.snapshot())

    with pytest.raises(FrozenInstanceError):
        shots[0].paused = True  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        shots[0].slots[0].serial = "x"  # type: ignore[misc]
    for shot in shots:
        assert bool(shot.results) == (shot.slots[0].phase is PASS)
        assert shot.slots[0].serial == "DK7F-00001"


# -- refused scans -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("!", "E-SCAN-01"),
        ("CMD:HELP", "E-SCAN-01"),
        ("CMD:RETRY", "E-SCAN-01"),
        ("DK8-00001", "E-SCAN-02"),
        ("WO:none", "E-SCAN-03"),
    ],
)
def test_a_scan_that_means_nothing_here_is_refused(floor: Floor, text: str, code: str) -> None:
    floor.plug(1, 1)

    assert floor.refused(text).code == code
    assert floor.slots() == [READY, EMPTY]


def test_a_refusal_is_shown_for_three_seconds_or_until_the_next_scan(floor: Floor) -> None:
    floor.refused("!")
    floor.bench.clock.pass_s(REFUSAL_S - 0.1)
    floor.line.tick()
    assert floor.line.snapshot().refusal is not None
    assert floor.line.snapshot().last_scan == "!"

    floor.bench.clock.pass_s(0.1)
    floor.line.tick()
    assert floor.line.snapshot().refusal is None
    floor.refused("!")

    assert floor.scan_unit(1).refusal is None


def test_without_a_badge_or_an_order_nothing_starts(bench: Workbench) -> None:
    with Floor.over(bench, order="", operator="") as floor:
        assert floor.refused("DK7F-00001").cause == "nobody has badged in"
        floor.scan("OP:0418")
        refusal = floor.refused("DK7F-00001")
        shown = floor.line.snapshot()

        assert (refusal.code, refusal.cause) == ("E-SCAN-03", "no work order chosen")
        assert (shown.order, shown.bundle, shown.bundle_sha256) == (None, "", b"")


def test_a_unit_that_passed_is_already_done(floor: Floor) -> None:
    make(floor, 1, 1)

    assert floor.refused("DK7F-00001").code == "E-SCAN-04"


def test_a_unit_in_another_slot_is_named_with_it(floor: Floor) -> None:
    troubles = floor.plug(2, 1)
    with held_at(troubles, "write") as gate:
        floor.scan_unit(1)
        gate.wait()
        refusal = floor.refused("DK7F-00001")

        assert (refusal.code, refusal.cause) == ("E-SCAN-05", "DK7F-00001 is in slot 2")


@pytest.mark.parametrize(
    ("disposition", "cause"),
    [(Disposition.HOLD, "is on hold"), (Disposition.SCRAP, "was scrapped")],
)
def test_a_unit_on_hold_or_scrapped_takes_no_run(
    floor: Floor, disposition: Disposition, cause: str
) -> None:
    floor.plug(1, 1, BitFlip())
    floor.scan_unit(1)
    floor.slot(1, FAIL)
    decide(floor.bench, 1, disposition)
    refusal = floor.refused("DK7F-00001")

    assert refusal.code == "E-SCAN-06"
    assert cause in refusal.cause


def test_a_unit_in_rework_may_run_again(floor: Floor) -> None:
    floor.plug(1, 1, BitFlip())
    floor.scan_unit(1)
    floor.slot(1, FAIL)
    decide(floor.bench, 1, Disposition.REWORK)
    floor.pull(1)

    assert make(floor, 1, 1) is PASS


def test_an_order_with_its_units_takes_no_more(bench: Workbench) -> None:
    bench.start(make_order("WO-2", quantity=1))
    with Floor.over(bench, order="WO-2") as floor:
        make(floor, 1, 1)
        floor.until(lambda line: line.counts.good == 1)
        floor.plug(2, 2)

        assert floor.refused("DK7F-00002").code == "E-WO-01"
        assert floor.slots() == [PASS, READY]


def test_a_dock_of_wrong_hardware_is_put_aside(floor: Floor) -> None:
    floor.plug(1, 1, WrongHardware())
    floor.scan_unit(1)
    shown = floor.slot(1, *ENDED)

    assert (shown.phase, shown.code) == (CHECK, "E-IDENT-02")
    assert floor.line.snapshot().results == ()


# -- again -------------------------------------------------------------------------------------


def test_a_failed_dock_is_tried_again_by_its_label_and_then_held(floor: Floor) -> None:
    floor.plug(1, 1, BitFlip())
    floor.scan_unit(1)
    failed = floor.slot(1, *ENDED)
    floor.scan_unit(1)
    held = floor.slot(1, HOLD)

    assert (failed.phase, failed.code, failed.ncr) == (FAIL, "E-VERIFY-02", "")
    assert (held.code, held.ncr) == ("E-VERIFY-02", "NCR-0001")
    assert [result.verdict for result in floor.line.snapshot().results] == [Verdict.FAIL] * 2
    assert floor.refused("DK7F-00001").code == "E-SCAN-06"


def test_a_failed_dock_is_moved_to_another_slot(floor: Floor) -> None:
    floor.plug(1, 1, BitFlip())
    floor.scan_unit(1)
    floor.slot(1, FAIL)
    floor.pull(1)

    assert make(floor, 2, 1) is PASS
    assert floor.until(lambda line: line.counts.good == 1).counts.first_pass == 0


def test_a_dock_that_restarted_in_its_run_can_be_tried_again_where_it_is(floor: Floor) -> None:
    troubles = floor.plug(1, 1)
    with held_at(troubles, "read back") as gate:
        floor.scan_unit(1)
        gate.wait()
        floor.line.detach(1)
        floor.line.attach(1, port(1))
        assert floor.slots() == [WORKING, EMPTY]
        floor.line.cancel(1)
    shown = floor.slot(1, *ENDED)
    floor.scan_unit(1)

    assert (shown.phase, shown.code) == (CHECK, "E-STOP-01")
    assert floor.slot(1, PASS).serial == "DK7F-00001"
    assert troubles.calls.count("identify") == 12


@pytest.mark.parametrize(("faults", "phase"), [((), PASS), ((BitFlip(),), FAIL)])
def test_a_verdict_stays_when_the_dock_is_seen_to_be_back_from_its_restart(
    floor: Floor, faults: tuple[BitFlip, ...], phase: SlotPhase
) -> None:
    """A run may be quicker than whoever watches the ports."""
    troubles = floor.plug(1, 1, *faults)
    with held_at(troubles, "read back") as gate:
        floor.scan_unit(1)
        gate.wait()
        floor.line.detach(1)
    floor.slot(1, phase)
    met = troubles.calls.count("identify")
    floor.line.attach(1, port(1))
    floor.until(lambda line: troubles.calls.count("identify") > met)
    floor.settle()
    stays = floor.slots()[0]
    floor.line.detach(1)

    assert stays is phase
    assert floor.slots()[0] is EMPTY


def test_another_dock_in_its_place_is_met_all_the_same(floor: Floor) -> None:
    troubles = floor.plug(1, 1)
    with held_at(troubles, "read back") as gate:
        floor.scan_unit(1)
        gate.wait()
        floor.line.detach(1)
    floor.slot(1, PASS)
    floor.slip_in(1, 2)

    assert floor.slot(1, READY).serial == ""


def test_a_dock_that_was_pulled_out_is_waited_for(floor: Floor) -> None:
    troubles = floor.plug(1, 1)
    with held_at(troubles, "write") as gate:
        floor.scan_unit(1)
        gate.wait()
        floor.pull(1)
    shown = floor.slot(1, *ENDED)
    waiting = floor.scan_unit(1)

    assert (shown.phase, shown.code) == (CHECK, "E-LINK-03")
    assert (waiting.pending_scan, waiting.slots[1].phase) == ("DK7F-00001", WAITING)
    floor.slip_in(1, 1)

    assert floor.slot(1, PASS).serial == "DK7F-00001"


@pytest.mark.parametrize("answers", [True, False])
def test_a_run_that_began_meanwhile_is_not_painted_over_by_a_late_meeting(
    floor: Floor, answers: bool
) -> None:
    troubles = floor.plug(1, 1, BitFlip())
    floor.scan_unit(1)
    floor.slot(1, FAIL)
    troubles.lose_at = None if answers else len(troubles.calls)
    with held_at(troubles, "identify") as gate:
        floor.line.attach(1, port(1))
        gate.wait()

        assert floor.scan_unit(1).slots[0].phase is WORKING
    shown = floor.slot(1, CHECK, HOLD)

    assert shown.code == ("E-VERIFY-02" if answers else "E-LINK-03")


def test_a_run_is_stopped_by_a_person(floor: Floor) -> None:
    troubles = floor.plug(1, 1)
    with held_at(troubles, "write") as gate:
        floor.scan_unit(1)
        gate.wait()
        floor.line.cancel(1)
    shown = floor.slot(1, *ENDED)

    assert (shown.phase, shown.code) == (CHECK, "E-STOP-01")
    assert floor.line.snapshot().results == (Result("DK7F-00001", Verdict.ABORTED),)


def test_a_stop_asked_of_an_idle_slot_stops_nothing_later(floor: Floor) -> None:
    floor.line.cancel(1)

    assert make(floor, 1, 1) is PASS


# -- the station is stopped --------------------------------------------------------------------


def test_a_lost_signer_stops_the_station_until_a_scan_finds_it_back(floor: Floor) -> None:
    floor.bench.signer.offline = True
    assert make(floor, 1, 1) is CHECK
    assert floor.line.snapshot().stop == SignerOffline.code

    floor.bench.signer.offline = False
    floor.scan_unit(1)

    assert floor.slot(1, PASS).serial == "DK7F-00001"
    assert floor.line.snapshot().stop == ""


def test_without_tokens_the_station_stays_stopped(empty_bench: Workbench) -> None:
    empty_bench.stock_up(tokens=1)
    with Floor.over(empty_bench) as floor:
        make(floor, 1, 1)
        assert make(floor, 2, 2) is CHECK
        floor.until(lambda line: line.stop == "E-TOKEN-01")
        again = floor.scan_unit(2)

        assert (again.stop, again.stock, again.slots[1].phase) == ("E-TOKEN-01", 0, CHECK)
        assert empty_bench.rows("SELECT count(*) FROM runs") == [(2,)]


def test_a_record_that_comes_back_lets_the_station_go_on(empty_bench: Workbench) -> None:
    empty_bench.stock_up(tokens=1)
    with Floor.over(empty_bench, slots=3) as floor:
        first = floor.plug(1, 1)
        second = floor.plug(2, 2)
        with held_at(first, "begin") as gate:
            floor.scan_unit(1)
            gate.wait()
            floor.scan_unit(2)
            floor.until(lambda line: line.stop == "E-TOKEN-01")
            floor.line.cancel(1)
        floor.slot(1, CHECK)
        floor.scan_unit(2)

        assert floor.slot(2, PASS).serial == "DK7F-00002"
        assert floor.line.snapshot().stop == ""
        assert second.calls.count("confirm") == 1


@pytest.mark.parametrize(
    "error",
    [RecordNotDurable("disk full"), LedgerRefused("newer schema")],
    ids=lambda error: error.code,
)
def test_a_record_that_cannot_be_kept_stops_the_station(floor: Floor, error: Any) -> None:
    floor.bench.spy.error = error
    floor.bench.spy.fails = {"open"}
    assert make(floor, 1, 1) is CHECK
    shown = floor.line.snapshot()
    assert (shown.slots[0].code, shown.stop) == (error.code, error.code)
    assert shown.results == ()

    floor.bench.spy.fails = set()
    floor.scan_unit(1)

    assert floor.slot(1, PASS).serial == "DK7F-00001"


def test_a_ledger_that_cannot_be_read_stops_the_station_but_shows_the_end(floor: Floor) -> None:
    troubles = floor.plug(1, 1, BitFlip())
    floor.scan_unit(1)
    floor.slot(1, FAIL)

    def gone(name: str) -> None:
        raise RecordNotDurable("the disk is gone")

    with held_at(troubles, "begin") as gate:
        floor.scan_unit(1)
        gate.wait()
        floor.registry.before = gone
    shown = floor.until(lambda line: line.stop == "E-LOG-01" and line.slots[0].phase is HOLD)

    assert (shown.slots[0].code, shown.slots[0].ncr) == ("E-VERIFY-02", "")


def test_an_order_without_a_lot_has_no_stock_to_run_out_of(bench: Workbench) -> None:
    plain = Template(
        "plain", Version(1, 0, 0), PRODUCT, (TemplateEntry("serial", Scan(), Kv("serial")),)
    )
    bench.shelf.templates[plain.digest] = plain
    bench.start(make_order("WO-2", lot="", template_sha256=plain.digest))
    with Floor.over(bench, order="WO-2") as floor:
        assert make(floor, 1, 1) is PASS
        assert floor.line.snapshot().stock is None


def test_a_bug_in_a_lane_does_not_vanish(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[threading.ExceptHookArgs] = []
    told = Gate()

    def hook(args: threading.ExceptHookArgs) -> None:
        seen.append(args)
        told.open()
        told.stop_here()

    monkeypatch.setattr(threading, "excepthook", hook)
    floor.plug(1, 1)
    floor.bench.derive = lambda key, text: Secret(7)  # type: ignore[arg-type]
    floor.scan_unit(1)
    told.wait()

    assert seen[0].exc_type is TypeError
    assert seen[0].exc_traceback is not None


# -- paused, clicked, handed over --------------------------------------------------------------


@pytest.mark.parametrize("by_card", [True, False])
def test_a_paused_line_finishes_what_runs_and_binds_no_more(floor: Floor, by_card: bool) -> None:
    troubles = floor.plug(1, 1)
    with held_at(troubles, "write") as gate:
        floor.scan_unit(1)
        gate.wait()
        if by_card:
            floor.scan("CMD:PAUSE")
        else:
            floor.line.toggle_pause()
        floor.plug(2, 2)

        assert floor.refused("DK7F-00002").code == "E-WO-03"
    assert floor.slot(1, *ENDED).phase is PASS
    assert floor.line.snapshot().paused

    floor.line.toggle_pause()
    floor.scan_unit(2)

    assert floor.slot(2, *ENDED).phase is PASS


def test_a_scan_that_waits_through_a_pause_is_refused_once_its_dock_comes_and_kept(
    floor: Floor,
) -> None:
    floor.scan_unit(1)
    floor.line.toggle_pause()
    floor.slip_in(1, 1)
    shown = floor.until(lambda line: line.refusal is not None)

    assert shown.refusal is not None and shown.refusal.code == "E-WO-03"
    assert shown.pending_scan == "DK7F-00001"


@contextmanager
def clicking(bench: Workbench) -> Iterator[Floor]:
    """A floor whose order starts by a click."""
    bench.start(make_order("WO-2", start_mode=StartMode.CLICK))
    with Floor.over(bench, order="WO-2") as floor:
        yield floor


@pytest.mark.parametrize("by_card", [True, False])
def test_in_click_mode_bound_docks_start_together_by_the_button(
    bench: Workbench, by_card: bool
) -> None:
    with clicking(bench) as floor:
        floor.plug(1, 1)
        floor.plug(2, 2, blank=True)
        floor.scan_unit(1)
        bound = floor.scan_unit(2)
        if by_card:
            floor.line.scan("CMD:PROVISION")
        else:
            floor.line.press_provision()
        floor.until(lambda line: line.counts.good == 2)

        assert [(slot.phase, slot.bound) for slot in bound.slots] == [(READY, True)] * 2
        assert [slot.serial for slot in bound.slots] == ["DK7F-00001", "DK7F-00002"]
        assert floor.slots() == [PASS, PASS]


def test_a_bound_dock_is_no_candidate_for_another_scan(bench: Workbench) -> None:
    with clicking(bench) as floor:
        floor.plug(1, 1, blank=True)
        floor.scan_unit(1)
        floor.scan_unit(2)
        floor.plug(2, 2, blank=True)
        shown = floor.line.snapshot()

        assert [(slot.serial, slot.bound) for slot in shown.slots] == [
            ("DK7F-00001", True),
            ("DK7F-00002", True),
        ]
        assert floor.refused("DK7F-00001").cause == "DK7F-00001 is in slot 1"


def test_a_bound_dock_that_leaves_is_bound_no_more(bench: Workbench) -> None:
    with clicking(bench) as floor:
        floor.plug(1, 1)
        floor.scan_unit(1)
        floor.pull(1)
        floor.line.press_provision()
        shown = floor.settle()

        assert (shown.slots[0].phase, shown.slots[0].bound) == (EMPTY, False)


def test_the_button_starts_nothing_that_nobody_bound(floor: Floor) -> None:
    troubles = floor.plug(1, 1)
    floor.line.press_provision()
    floor.settle()

    assert (floor.slots(), troubles.calls) == ([READY, EMPTY], ["identify"])


def test_runs_stay_with_whoever_started_them(floor: Floor) -> None:
    troubles = floor.plug(1, 1)
    with held_at(troubles, "identify") as gate:
        floor.line.scan("OP:Lan N.")
        floor.line.scan("DK7F-00001")
        gate.wait()
        floor.line.scan("OP:0418")
        floor.until(lambda line: line.operator == "0418")
    floor.slot(1, PASS)

    assert floor.bench.unit(1).runs[0].operator == "Lan N."


# -- another order -----------------------------------------------------------------------------


def test_an_order_is_chosen_by_its_card(bench: Workbench) -> None:
    other = other_release()
    bench.shelf.bundles[other.sha256] = other
    bench.start(make_order("WO-2", bundle_sha256=other.sha256, quantity=5))
    with Floor.over(bench) as floor:
        shown = floor.scan("WO:WO-2")

        assert shown.order is not None
        assert (shown.order.name, shown.bundle) == ("WO-2", "signage 1.2.0")


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (make_order("WO-2"), "E-WO-02"),
        (make_order("WO-2", bundle_sha256=bytes(32)), "E-GATE-01"),
    ],
)
def test_an_order_that_cannot_run_is_not_chosen(bench: Workbench, made: Any, code: str) -> None:
    bench.registry.add_order(made)
    if code == "E-GATE-01":
        bench.registry.start_order("WO-2")
    with Floor.over(bench) as floor:
        assert floor.refused("WO:WO-2").code == code
        order = floor.line.snapshot().order

        assert order is not None and order.name == "WO-1"


def test_a_complete_order_may_be_looked_at(bench: Workbench) -> None:
    bench.start(make_order("WO-2", quantity=1))
    bench.plug(1)
    bench.run(1, order="WO-2")
    with Floor.over(bench, order="WO-2") as floor:
        shown = floor.line.snapshot()

        assert (shown.counts.good, floor.refused("DK7F-00002").code) == (1, "E-WO-01")


def test_the_order_stays_while_a_unit_is_in_progress(bench: Workbench) -> None:
    bench.start(make_order("WO-2"))
    with Floor.over(bench) as floor:
        troubles = floor.plug(1, 1)
        with held_at(troubles, "write") as gate:
            floor.scan_unit(1)
            gate.wait()
            refusal = floor.refused("WO:WO-2")
        floor.slot(1, PASS)
        shown = floor.scan("WO:WO-2")

        assert (refusal.code, shown.order and shown.order.name) == ("E-WO-02", "WO-2")


def test_counts_of_an_order_that_was_left_meanwhile_are_not_shown(bench: Workbench) -> None:
    bench.start(make_order("WO-2", lot="T-9"))
    with Floor.over(bench) as floor:
        troubles = floor.plug(1, 1)

        def switch(name: str) -> None:
            if name == "order":
                floor.registry.before = lambda name: None
                floor.line.choose_order("WO-2")

        with held_at(troubles, "write") as gate:
            floor.scan_unit(1)
            gate.wait()
            floor.registry.before = switch
        shown = floor.until(lambda line: line.order is not None and line.order.name == "WO-2")
        floor.line.close()

        assert (shown.counts.good, floor.line.snapshot().stock) == (0, 0)


# -- the end -----------------------------------------------------------------------------------


def test_closing_ends_what_runs_and_records_it(bench: Workbench) -> None:
    with Floor.over(bench) as floor:
        troubles = floor.plug(1, 1)
        with held_at(troubles, "write") as gate:
            floor.scan_unit(1)
            gate.wait()
            closing = Thread(target=floor.line.close)
            closing.start()
            floor.desk_left()
        closing.join()
        shown = floor.line.snapshot().slots[0]

        assert bench.unit(1).runs[0].verdict is Verdict.ABORTED
        assert (shown.phase, shown.code) == (CHECK, "E-STOP-01")


def test_what_comes_after_the_end_is_lost(bench: Workbench) -> None:
    with Floor.over(bench) as floor:
        floor.plug(1, 1)
        floor.line.close()
        troubles = floor.slip_in(2, 2)
        floor.line.scan("DK7F-00001")
        floor.line.press_provision()

        assert (floor.slots(), troubles.calls) == ([READY, EMPTY], [])


def test_a_scan_that_is_read_while_the_line_closes_starts_nothing(bench: Workbench) -> None:
    with Floor.over(bench) as floor:
        floor.plug(1, 1)
        at_unit = Gate()
        floor.registry.before = lambda name: at_unit.stop_here() if name == "unit" else None
        floor.line.scan("DK7F-00001")
        at_unit.wait()
        closing = Thread(target=floor.line.close)
        closing.start()
        floor.until(lambda line: floor.line._closed)
        at_unit.open()
        closing.join()

        assert bench.rows("SELECT count(*) FROM runs") == [(0,)]

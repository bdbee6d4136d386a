"""The hands do what an operator does with each result, and nothing that makes a run pass."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Thread
from typing import cast

import pytest

from station.application.demo import (
    RESEATS_MAX,
    SCAN_AGAIN_S,
    SCANS_MAX,
    SEEDED_FAULTS,
    DemoUnit,
    Hands,
    demo_units,
)
from station.application.line import Line
from station.application.snapshot import LineSnapshot, SlotPhase, SlotSnapshot
from station.domain.identity import DockId
from tests.fakes.clock import FakeClock
from tests.fakes.virtual_bench import FakeBench

Result = tuple[SlotPhase, str]

PASS: Result = (SlotPhase.PASS, "")
HOLD: Result = (SlotPhase.HOLD, "E-VERIFY-03")
FAIL: Result = (SlotPhase.FAIL, "E-VERIFY-02")
UNPLUGGED: Result = (SlotPhase.CHECK, "E-LINK-03")
CABLE: Result = (SlotPhase.CHECK, "E-LINK-01")
NOTHING: Result = (SlotPhase.READY, "")


class ScriptedLine:
    """Answers a scan with the next result that is written down for its label; PASS, if none is.

    changed: told after each change, as the line tells it.
    """

    def __init__(
        self, slots: int, bench: FakeBench, results: dict[str, list[Result]] | None = None
    ) -> None:
        self._bench = bench
        self._results = results or {}
        self._slots = [SlotSnapshot(number) for number in range(1, slots + 1)]
        self.stop = ""
        self.scanned: list[str] = []
        self.changed: Callable[[], None] = lambda: None
        self.meets: Callable[[int], Result] = lambda slot: NOTHING

    def snapshot(self) -> LineSnapshot:
        return LineSnapshot("DEMO", "demo", tuple(self._slots), stop=self.stop)

    def attach(self, number: int, port: str) -> None:
        assert port == f"/dev/slot-{number}"
        self.show(number, *self.meets(number))

    def detach(self, number: int) -> None:
        assert number not in self._bench.plugged
        self.show(number, SlotPhase.EMPTY)

    def scan(self, text: str) -> None:
        self.scanned.append(text)
        (number,) = (slot for slot, unit in self._bench.plugged.items() if unit.serial.text == text)
        left = self._results.get(text, [])
        self.show(number, *(left.pop(0) if left else PASS))

    def show(self, number: int, phase: SlotPhase, code: str = "") -> None:
        self._slots[number - 1] = replace(self._slots[number - 1], phase=phase, code=code)
        self.changed()


def hands_over(
    units: int,
    slots: int,
    results: dict[str, list[Result]] | None = None,
    *,
    fault: str = "",
    clock: FakeClock | None = None,
    **more: object,
) -> tuple[Hands, ScriptedLine, FakeBench]:
    bench = FakeBench()
    line = ScriptedLine(slots, bench, results)
    made = [replace(one, fault=fault) for one in demo_units(units, seed=1, fault="none")]
    hands = Hands(
        tuple(made),
        bench=bench,
        clock=clock or FakeClock(),
        **more,  # type: ignore[arg-type]
    )
    line.changed = hands.changed
    return hands, line, bench


def work(hands: Hands, line: ScriptedLine) -> LineSnapshot:
    return hands.work(cast(Line, line))


def serial(number: int) -> str:
    return f"DK7F-{number:05d}"


# -- the units ---------------------------------------------------------------------------------


def test_the_same_seed_makes_the_same_units_and_another_seed_others() -> None:
    units = demo_units(12, seed=7)

    assert units == demo_units(12, seed=7)
    assert not {one.dock_id for one in units} & {one.dock_id for one in demo_units(12, seed=8)}
    assert [one.serial.text for one in units[:2]] == ["DK7F-00001", "DK7F-00002"]
    assert len({one.dock_id for one in units}) == 12
    assert isinstance(units[0].dock_id, DockId)


def test_the_seeded_troubles_are_there_unless_one_is_asked_for() -> None:
    seeded = {number: one.fault for number, one in enumerate(demo_units(12, seed=1), 1)}
    asked = [one.fault for one in demo_units(4, seed=1, fault="slow")]

    assert {number: fault for number, fault in seeded.items() if fault} == SEEDED_FAULTS
    assert asked == ["", "", "slow", ""]


# -- their work --------------------------------------------------------------------------------


def test_every_unit_is_plugged_scanned_and_removed_once() -> None:
    hands, line, bench = hands_over(5, 2)
    shown = work(hands, line)

    assert sorted(line.scanned) == [serial(number) for number in range(1, 6)]
    assert [slot.phase for slot in shown.slots] == [SlotPhase.EMPTY] * 2
    assert not bench.plugged
    assert bench.log[:2] == ["plug DK7F-00001 1", "plug DK7F-00002 2"]
    assert sorted(one for one in bench.log if one.startswith("pull")) == [
        f"pull {serial(number)}" for number in range(1, 6)
    ]


def test_a_failed_dock_goes_to_another_slot_and_keeps_its_fault() -> None:
    hands, line, bench = hands_over(1, 3, {serial(1): [FAIL, HOLD]}, fault="bitflip")
    work(hands, line)

    assert bench.log == [
        "plug DK7F-00001 1 bitflip",
        "pull DK7F-00001",
        "plug DK7F-00001 2 bitflip",
        "pull DK7F-00001",
    ]


def test_a_bench_with_one_slot_has_no_other() -> None:
    hands, line, bench = hands_over(1, 1, {serial(1): [FAIL]})
    work(hands, line)

    assert [one for one in bench.log if one.startswith("plug")] == ["plug DK7F-00001 1"] * 2


def test_a_cable_that_was_pulled_is_sound_once_it_is_plugged_again() -> None:
    hands, line, bench = hands_over(1, 2, {serial(1): [UNPLUGGED]}, fault="unplug@40%")
    work(hands, line)

    assert bench.log == [
        "plug DK7F-00001 1 unplug@40%",
        "pull DK7F-00001",
        "plug DK7F-00001 2",
        "pull DK7F-00001",
    ]


def test_a_dock_that_never_answers_is_reseated_and_then_put_aside() -> None:
    hands, line, bench = hands_over(1, 1)
    line.meets = lambda slot: CABLE
    work(hands, line)

    assert line.scanned == []
    assert bench.log.count("plug DK7F-00001 1") == RESEATS_MAX + 1


@pytest.mark.parametrize("code", ["E-IDENT-02", "E-SCAN-04", "E-SCAN-06"])
def test_a_dock_no_run_can_help_is_put_aside_at_once(code: str) -> None:
    hands, line, bench = hands_over(1, 2, {serial(1): [(SlotPhase.CHECK, code)]})
    work(hands, line)

    assert bench.log == ["plug DK7F-00001 1", "pull DK7F-00001"]


def test_a_slot_that_waits_for_a_dock_is_free_for_one() -> None:
    hands, line, bench = hands_over(1, 1)
    line.show(1, SlotPhase.WAITING)
    work(hands, line)

    assert bench.log[0] == "plug DK7F-00001 1"


def test_a_slot_that_is_off_is_left_alone() -> None:
    hands, line, bench = hands_over(1, 2)
    line.show(1, SlotPhase.OFF)
    work(hands, line)

    assert bench.log[0] == "plug DK7F-00001 2"


def test_a_result_stays_for_as_long_as_a_person_needs_to_see_it() -> None:
    clock = FakeClock()
    hands, line, bench = hands_over(1, 1, clock=clock, look_s=4.0)
    looks = [0]

    def snapshot() -> LineSnapshot:
        looks[0] += 1
        if looks[0] > 3:
            clock.pass_s(2.0)
        hands.changed()
        return ScriptedLine.snapshot(line)

    line.snapshot = snapshot  # type: ignore[method-assign]
    work(hands, line)

    assert clock.monotonic_s() >= 4.0
    assert bench.log == ["plug DK7F-00001 1", "pull DK7F-00001"]


def test_a_label_is_scanned_again_after_a_while_but_not_for_ever() -> None:
    clock = FakeClock()
    hands, line, bench = hands_over(1, 1, {serial(1): [NOTHING] * 9}, clock=clock)

    def snapshot() -> LineSnapshot:
        clock.pass_s(SCAN_AGAIN_S / 2)
        hands.changed()
        return ScriptedLine.snapshot(line)

    line.snapshot = snapshot  # type: ignore[method-assign]
    work(hands, line)

    assert line.scanned == [serial(1)] * SCANS_MAX
    assert bench.log == ["plug DK7F-00001 1", "pull DK7F-00001"]


# -- stopping ----------------------------------------------------------------------------------


def test_a_stopped_station_is_left_once_nothing_runs() -> None:
    hands, line, bench = hands_over(3, 2, {serial(2): [(SlotPhase.WORKING, "")]})
    line.changed = lambda: None
    seen = [0]

    def snapshot() -> LineSnapshot:
        seen[0] += 1
        if seen[0] == 3:
            line.stop = "E-SIGN-01"
        if seen[0] == 5:
            line.show(2, *PASS)
        hands.changed()
        return ScriptedLine.snapshot(line)

    line.snapshot = snapshot  # type: ignore[method-assign]
    shown = work(hands, line)

    assert (shown.stop, seen[0]) == ("E-SIGN-01", 5)
    assert 2 in bench.plugged


@contextmanager
def working(hands: Hands, line: ScriptedLine) -> Iterator[Thread]:
    """The hands at work in a thread of their own."""
    thread = Thread(target=work, args=(hands, line))
    thread.start()
    try:
        yield thread
    finally:
        hands.stop()
        thread.join(30.0)
        assert not thread.is_alive()


def test_hands_that_wait_can_be_stopped_and_leave_no_dock_powered() -> None:
    hands, line, bench = hands_over(2, 1, scans=False)
    with working(hands, line):
        pass
    hands.release()

    assert not bench.plugged
    hands.stop()

    assert work(hands, line).stop == ""


def test_hands_without_a_scanner_say_what_it_would_read_next() -> None:
    hands, line, _ = hands_over(2, 2, scans=False)
    assert hands.next_label(cast(Line, line)) is None

    def meets(slot: int) -> Result:
        if slot == 2:
            hands.stop()
        return NOTHING

    line.meets = meets
    work(hands, line)
    assert hands.next_label(cast(Line, line)) == serial(1)
    line.scan(serial(1))

    assert hands.next_label(cast(Line, line)) == serial(2)
    assert line.scanned == [serial(1)]


def test_a_unit_is_plain_data() -> None:
    (unit,) = demo_units(1, seed=1)

    assert unit == DemoUnit(unit.serial, unit.dock_id)

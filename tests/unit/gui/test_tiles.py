"""A tile shows its slot's phase, and never a better one."""

from dataclasses import replace

import pytest

from station.application.snapshot import SlotPhase, SlotSnapshot
from station.domain.verdict import Step
from station.gui.catalogue import CATALOGUE
from station.gui.texts import Speaker
from station.gui.tiles import LOOKS, STEPS, Mark, Tile, duration, tile_for
from tests.gui.samples import HELD, PASSED, slot, working

CODES = ("", *CATALOGUE, "E-NEW-99")


def shown(one: SlotSnapshot, *, stopped: bool = False) -> Tile:
    return tile_for(one, Speaker(), stopped=stopped)


def test_every_phase_has_a_look_and_every_step_a_name() -> None:
    assert set(LOOKS) == set(SlotPhase)
    assert set(STEPS) == set(Step)


def test_silhouettes_and_solid_fills_tell_the_phases_apart_without_words() -> None:
    solid = {phase for phase, look in LOOKS.items() if look.strong}

    assert len({look.sign for look in LOOKS.values()}) == len(SlotPhase)
    assert solid == {SlotPhase.PASS, SlotPhase.FAIL, SlotPhase.CHECK, SlotPhase.HOLD}
    assert len({LOOKS[phase].fill for phase in solid}) == len(solid)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("phase", SlotPhase)
def test_a_tile_says_pass_only_where_the_snapshot_does(phase: SlotPhase, code: str) -> None:
    one = SlotSnapshot(
        1, phase, "DK7F-00001", code, step=Step.RECORD, fraction=1.0, elapsed_s=34, usual_s=34
    )
    tile = shown(one)
    said = " ".join((tile.word, *tile.lines, tile.line, tile.foot, tile.code_line, tile.name))

    assert ("PASS" in said) == (phase is SlotPhase.PASS)
    assert (tile.look is LOOKS[SlotPhase.PASS]) == (phase is SlotPhase.PASS)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("phase", SlotPhase)
def test_a_tile_has_at_most_two_lines_and_a_name(phase: SlotPhase, code: str) -> None:
    tile = shown(SlotSnapshot(4, phase, "DK7F-00311", code, ncr="NCR-1043", cause="Rev B dock"))

    assert len(tile.lines) <= 2
    assert all(tile.lines)
    assert tile.name.startswith(f"Slot 4. {tile.word}. DK7F-00311")


def test_a_failed_slot_reads_as_the_guide_says() -> None:
    tile = shown(slot(4, SlotPhase.FAIL, "DK7F-00311", "E-VERIFY-02"))

    assert tile.lines == ("Move to another slot", "Scan label")
    assert tile.numbered
    assert tile.foot == "E-VERIFY-02  DATA DIFFERENT"
    assert tile.name == (
        "Slot 4. FAIL. DK7F-00311. Move to another slot. Scan label. E-VERIFY-02  DATA DIFFERENT"
    )


def test_a_check_has_its_headline_for_a_word() -> None:
    tile = shown(slot(7, SlotPhase.CHECK, "DK7F-00320", "E-LINK-01"))

    assert (tile.word, tile.lines) == ("CHECK CABLE", ("Unplug", "Plug in firmly"))
    assert tile.foot == "E-LINK-01"
    assert shown(slot(7, SlotPhase.CHECK)).word == "CHECK"
    assert shown(slot(7, SlotPhase.CHECK, code="E-STOP-01")).word == "UNFINISHED"


def test_a_check_tells_a_cause_meant_for_operators_and_no_other() -> None:
    told = SlotSnapshot(7, SlotPhase.CHECK, code="E-IDENT-02", cause="Rev B dock, rev C job")
    kept = SlotSnapshot(7, SlotPhase.CHECK, code="E-LINK-03", cause="ttyACM0: errno 5")

    assert shown(told).lines == ("Rev B dock, rev C job", "Put this dock aside")
    assert not shown(told).numbered
    assert "errno" not in shown(kept).name + shown(kept).line


def test_a_held_unit_is_sent_to_its_tray_and_never_retried() -> None:
    used_up = shown(HELD)
    mismatch = shown(replace(HELD, code="E-IDENT-01"))

    assert used_up.lines == ("Red tag → HOLD tray", "NCR-1043")
    assert used_up.line == "Red tag → HOLD tray · NCR-1043"
    assert used_up.foot == "E-VERIFY-02  DATA DIFFERENT"
    assert mismatch.lines == ("Red tag → HOLD tray", "NCR-1043 · Call quality")
    assert shown(replace(HELD, ncr="", code="")).lines == ("Red tag → HOLD tray",)


def test_an_unplugged_slot_is_told_from_a_faulty_one() -> None:
    assert shown(slot(8, SlotPhase.OFF)).word == "OFF"
    assert shown(slot(8, SlotPhase.OFF, code="E-SLOT-03")).word == "SLOT FAULT"


def test_a_ready_slot_says_what_it_waits_for() -> None:
    ready = slot(2, SlotPhase.READY)

    assert shown(ready).lines == ("Dock found", "Scan its label")
    assert shown(replace(ready, bound=True)).lines == ("Label scanned", "Press Provision (F5)")
    assert shown(replace(ready, candidate=True)).pulsing
    assert not shown(ready).pulsing


def test_a_run_shows_its_step_its_time_and_what_lies_behind() -> None:
    progress = shown(working(3, "DK7F-00318", Step.WRITE, 0.62, 21)).progress

    assert progress is not None
    assert (progress.percent, progress.step, progress.time) == ("62 %", "3/5 Write", "0:21 / 0:34")
    assert [mark for _, mark in progress.steps] == [
        Mark.DONE, Mark.DONE, Mark.NOW, Mark.AHEAD, Mark.AHEAD,
    ]  # fmt: skip
    assert progress.steps[3][0] == "4 Read back"


def test_a_run_that_has_not_ended_never_reads_a_hundred_per_cent() -> None:
    late = shown(replace(working(3, "DK7F-1", Step.RECORD, 1.7, 50), usual_s=0)).progress

    assert late is not None
    assert (late.fraction, late.percent, late.time) == (1.0, "99 %", "0:50")


def test_a_run_that_has_no_step_yet_is_at_its_first() -> None:
    begun = shown(SlotSnapshot(3, SlotPhase.WORKING)).progress

    assert begun is not None
    assert (begun.step, begun.fraction) == ("1/5 Identify", 0.0)


def test_a_passed_slot_tells_how_long_it_took() -> None:
    tile = shown(PASSED)

    assert (tile.lines, tile.foot) == (("Remove dock", "→ GOOD tray"), "0:33")
    assert tile.code_line == ""


@pytest.mark.parametrize("phase", SlotPhase)
def test_a_stop_dims_what_could_start_and_nothing_else(phase: SlotPhase) -> None:
    could_start = phase in {SlotPhase.EMPTY, SlotPhase.READY, SlotPhase.WAITING}

    assert shown(slot(1, phase), stopped=True).dimmed == could_start
    assert not shown(slot(1, phase)).dimmed


@pytest.mark.parametrize(
    ("seconds", "says"),
    [(0, "0:00"), (-3, "0:00"), (59.9, "0:59"), (61, "1:01"), (3661, "1:01:01")],
)
def test_durations_read_like_a_clock(seconds: float, says: str) -> None:
    assert duration(seconds) == says

"""What the drawer says of a slot's last run: all of it, no more, and nothing better than it was."""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from station.application.snapshot import EndedRun, SlotPhase, SlotSnapshot
from station.domain.rehearsal import Finding, FindingKind
from station.domain.verdict import Check, CheckName, Step, Verdict, required_checks
from station.gui.drawer import (
    AHEAD,
    CHECKS,
    CONTRADICTED,
    DONE,
    FINDINGS,
    HOLDS,
    RUNS_SHOWN,
    VERDICTS,
    Drawer,
    LastRun,
    drawer_for,
)
from station.gui.marks import MARKS
from station.gui.texts import Speaker
from tests.gui.samples import (
    BEFORE,
    BOOTED,
    FINDING,
    LOST_RUN,
    PASSED_RUN,
    PICTURE,
    RAISED_RUN,
    SECONDS,
    ended,
    held,
)


@pytest.fixture(autouse=True)
def _place(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The station stands an hour east of UTC."""
    monkeypatch.setenv("TZ", "UTC-1")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def shown(*runs: EndedRun, phase: SlotPhase = SlotPhase.EMPTY, code: str = "") -> Drawer:
    return drawer_for(SlotSnapshot(4, phase, code=code, runs=runs), Speaker())


def last(run: EndedRun) -> LastRun:
    drawer = shown(run)
    assert drawer.run is not None
    return drawer.run


def said(drawer: Drawer) -> str:
    """All texts of a drawer, apart from the list of last runs."""
    run = drawer.run
    assert run is not None
    return " ".join(
        (
            *(run.serial, run.facts, run.code_line, run.boot.instead, run.boot.text),
            *run.boot.findings,
            *(text for step in run.steps for text in (step.label, step.time)),
            *(text for row in run.checks for text in (row.label, row.note, row.evidence)),
        )
    )


def test_every_verdict_check_and_finding_has_its_words() -> None:
    assert set(VERDICTS) == set(Verdict)
    assert set(CHECKS) == set(CheckName)
    assert set(FINDINGS) == set(FindingKind)
    assert len(set(FINDINGS.values())) == len(FindingKind)


def test_a_slot_without_a_run_says_so() -> None:
    drawer = shown()

    assert (drawer.title, drawer.word, drawer.run) == ("Slot 4", "EMPTY", None)
    assert drawer.nothing == "No run has ended on this slot yet"
    assert drawer.name == "Slot 4. EMPTY. No run has ended on this slot yet"


def test_the_last_run_is_named_with_its_number_local_time_and_length() -> None:
    run = last(PASSED_RUN)

    assert (run.serial, run.facts, run.code_line) == ("DK7F-00317", "run 1 · 15:05:58 · 0:33", "")
    assert run.mark == MARKS[Verdict.PASS]


def test_the_state_of_the_slot_is_that_of_now_and_not_of_its_last_run() -> None:
    drawer = shown(PASSED_RUN, phase=SlotPhase.WORKING)

    assert drawer.word == "WORKING"
    assert drawer.name == "Slot 4. WORKING. DK7F-00317. PASS. 7 of 7 hold"


def test_steps_follow_one_another_over_the_whole_length() -> None:
    steps = last(PASSED_RUN).steps

    assert [step.label for step in steps] == [
        "1 Identify",
        "2 Build",
        "3 Write",
        "4 Read back",
        "5 Record",
    ]
    assert [step.time for step in steps] == ["1.9 s", "0.7 s", "15.2 s", "12.6 s", "2.6 s"]
    assert [step.mark for step in steps] == [DONE] * 5
    assert steps[0].begin == 0.0
    assert steps[-1].end == pytest.approx(1.0)
    assert [step.end for step in steps[:-1]] == [step.begin for step in steps[1:]]
    assert steps[2].end - steps[2].begin == pytest.approx(15.2 / sum(SECONDS.values()))


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.ERROR, Verdict.ABORTED])
def test_the_step_a_run_ended_in_is_not_ticked_and_later_ones_were_not_begun(
    verdict: Verdict,
) -> None:
    steps = last(replace(LOST_RUN, verdict=verdict)).steps

    assert [step.mark for step in steps] == [DONE, DONE, MARKS[verdict], AHEAD, AHEAD]
    assert [step.time for step in steps[3:]] == ["–", "–"]
    assert all(step.begin == step.end for step in steps[3:])


@pytest.mark.parametrize("seconds", [{}, {Step.IDENTIFY: 0.0}])
def test_a_run_that_took_no_time_has_steps_all_the_same(seconds: dict[Step, float]) -> None:
    steps = last(ended(1, Verdict.ERROR, seconds=seconds)).steps

    assert len(steps) == len(Step)
    assert all(step.begin == step.end == 0.0 for step in steps)


def test_checks_are_counted_and_each_says_what_holds() -> None:
    run = last(PASSED_RUN)

    assert run.checks_heading.note == "7 of 7 hold"
    assert [(row.label, row.note, row.mark) for row in run.checks][:2] == [
        ("1 Taken by the dock", "accepted", HOLDS),
        ("2 Every byte read back", "all equal", HOLDS),
    ]
    assert all(not row.evidence for row in run.checks)


@pytest.mark.parametrize("asked", [False, True])
def test_a_check_that_was_not_made_is_listed_and_never_ticked(asked: bool) -> None:
    rows = last(replace(LOST_RUN, asked=asked)).checks

    assert len(rows) == len(required_checks(rehearse=asked))
    assert {(row.note, row.mark) for row in rows} == {("not made", AHEAD)}


def test_a_waived_check_says_why_and_is_never_ticked() -> None:
    waived = Check(CheckName.DOCK_ANSWERS, "not made: it cannot answer", waived=True)
    checks = tuple(waived if one.name is waived.name else one for one in PASSED_RUN.checks)
    run = last(replace(PASSED_RUN, checks=checks))
    row = run.checks[4]

    assert (row.mark, row.note, row.evidence) == (AHEAD, "waived", waived.evidence)
    assert run.checks_heading.note == "6 of 7 hold"


def test_a_check_that_was_made_unasked_is_listed() -> None:
    rows = last(replace(PASSED_RUN, asked=False)).checks

    assert "6 First boot" in [row.label for row in rows]


def test_a_check_that_does_not_hold_has_its_code_and_its_evidence() -> None:
    run = last(RAISED_RUN)
    row = run.checks[5]

    assert (row.mark, row.note) == (CONTRADICTED, "E-VERIFY-04")
    assert row.evidence == "AttributeError: 'LAN' object has no attribute 'ifconfigs'"
    assert run.checks_heading.note == "5 of 7 hold"
    assert run.code_line == "E-VERIFY-04  APP FAILED"
    assert run.checks[6].mark == AHEAD


@pytest.mark.parametrize(
    ("evidence", "shown_as"),
    [
        ("3 of 108 blocks differ, first at offset 0x1f400", "3 of 108 blocks differ"),
        ("active and confirmed, SHA-256 5ac3f00d5ac3f00d…", "active and confirmed"),
        ("key-value enrolment_token differs", "key-value enrolment_token differs"),
        ("two\nlines \x1b[2J", "two lines  [2J"),
    ],
)
def test_evidence_is_one_line_without_offsets_and_digests(evidence: str, shown_as: str) -> None:
    check = Check(CheckName.BLOCKS, evidence, "E-VERIFY-02")
    rows = last(replace(RAISED_RUN, checks=(check,))).checks

    assert rows[1].evidence == shown_as


@pytest.mark.parametrize("run", [PASSED_RUN, RAISED_RUN, LOST_RUN])
def test_no_digest_and_no_port_is_shown(run: EndedRun) -> None:
    words = said(shown(run)).split()

    assert not any(len(word) >= 8 and set(word) <= set("0123456789abcdef…") for word in words)
    assert "/dev/" not in said(shown(run))


@pytest.mark.parametrize("run", [RAISED_RUN, LOST_RUN, replace(LOST_RUN, verdict=Verdict.ABORTED)])
def test_a_run_that_did_not_pass_says_nowhere_that_it_did(run: EndedRun) -> None:
    drawer = shown(run)

    assert "PASS" not in said(drawer) + drawer.name + drawer.runs_heading.note


def test_the_splash_comes_with_the_text_on_it() -> None:
    boot = last(PASSED_RUN).boot

    assert boot.picture is PICTURE
    assert (boot.heading.note, boot.instead) == ("from the bytes read back", "")
    assert boot.text == "Welcome · Dock 00317 · DK7F-00317 · 192.0.2.17 · 02:00:00:0D:0C:01"


def test_text_on_the_splash_is_one_printable_line() -> None:
    odd = replace(BOOTED, text=("two\nlines", "  ", "bell\x07"))

    assert last(replace(PASSED_RUN, rehearsal=odd)).boot.text == "two lines · bell"


def test_a_trace_is_left_to_picture_and_check() -> None:
    assert last(RAISED_RUN).boot.text == ""


@pytest.mark.parametrize(
    ("run", "why"),
    [
        (
            replace(PASSED_RUN, asked=False, rehearsal=None, picture=b""),
            "This work order asks for no first boot",
        ),
        (LOST_RUN, "Not reached"),
        (replace(PASSED_RUN, picture=b""), "No picture was drawn"),
        (
            replace(
                PASSED_RUN,
                picture=b"",
                rehearsal=replace(
                    BOOTED, text=(), findings=(Finding(FindingKind.SECRET_SHOWN, "token"),)
                ),
            ),
            "Not shown: a secret stands on it",
        ),
    ],
)
def test_a_picture_that_is_not_there_is_accounted_for(run: EndedRun, why: str) -> None:
    boot = last(run).boot

    assert (boot.picture, boot.instead, boot.heading.note) == (b"", why, "")


def test_findings_say_what_they_are() -> None:
    boot = last(replace(PASSED_RUN, rehearsal=replace(BOOTED, findings=(FINDING,)))).boot

    assert boot.findings == (
        "timer may be lost: a timer of 2000 ms that nobody keeps a reference to",
    )


def test_the_last_runs_are_counted_by_verdict_and_the_newest_are_spelled_out() -> None:
    drawer = shown(PASSED_RUN, *BEFORE)

    assert drawer.runs_heading.title == "Last runs of slot 4"
    assert drawer.runs_heading.note == "18 PASS · 1 FAIL · 1 ERROR"
    assert len(drawer.marks) == 20
    assert drawer.marks[6] == MARKS[Verdict.ERROR]
    assert len(drawer.runs) == RUNS_SHOWN
    first = drawer.runs[0]
    assert (first.time, first.serial, first.word, first.took) == (
        "15:05",
        "DK7F-00317",
        "PASS",
        "0:33",
    )


def test_an_aborted_run_is_called_unfinished() -> None:
    drawer = shown(ended(1, Verdict.ABORTED, checks=held()[:1]))

    assert drawer.runs[0].word == "UNFINISHED"
    assert drawer.runs_heading.note == "1 UNFINISHED"

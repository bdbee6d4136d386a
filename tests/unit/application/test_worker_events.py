"""Whoever follows a worker's events sees the very line the worker has."""

import json
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

import pytest

from station.application.snapshot import (
    EndedRun,
    LineSnapshot,
    Refusal,
    Result,
    SlotPhase,
    SlotSnapshot,
)
from station.application.worker_events import Event, Follower, Reporter
from station.domain.order import OrderCounts, OrderState, StartMode, WorkOrder
from station.domain.rehearsal import Finding, FindingKind, Rehearsal
from station.domain.splash import Splash
from station.domain.verdict import Check, CheckName, Step, Verdict
from station.domain.wall_time import utc_text

PICTURE: Final = b"a PNG"
AT: Final = datetime(2026, 11, 25, 8, 0, 1, 234_000, tzinfo=UTC)

RUN: Final = EndedRun(
    serial="DK7F-00001",
    verdict=Verdict.FAIL,
    ended_at=AT,
    took_s=1.5,
    run_id="run-1",
    number=2,
    code="E-VERIFY-04",
    seconds={Step.IDENTIFY: 0.25, Step.WRITE: 1.125},
    checks=(
        Check(CheckName.ACCEPTED, "the dock's loader accepted the image"),
        Check(CheckName.REHEARSED, "ValueError: bad “value”", "E-VERIFY-04"),
    ),
    asked=True,
    rehearsal=Rehearsal(
        splash=Splash(),
        text=("Welcome", "to 工位"),
        calls=(),
        findings=(Finding(FindingKind.ENDLESS, "it came to no end"),),
        error="ValueError: bad",
        ran_ms=59_000,
    ),
    picture=PICTURE,
)
SLOT: Final = SlotSnapshot(
    number=7,
    phase=SlotPhase.WORKING,
    serial="DK7F-00001",
    code="E-VERIFY-04",
    ncr="NCR-1",
    step=Step.READ_BACK,
    fraction=0.625,
    elapsed_s=12.5,
    usual_s=30.25,
    candidate=True,
    bound=True,
    cause="a cause",
    runs=(RUN,),
)
ORDER: Final = WorkOrder(
    name="WO-1",
    product="DK-7F",
    quantity=500,
    bundle_sha256=bytes(range(32)),
    template_sha256=bytes(range(32, 64)),
    lot="T-1",
    serial_pattern="DK7F-[0-9]{5}",
    start_mode=StartMode.CLICK,
    retry_limit=3,
    rehearse=True,
    state=OrderState.RUNNING,
)
LINE: Final = LineSnapshot(
    station="L3-P2",
    operator="0417",
    slots=(SLOT, SlotSnapshot(9)),
    order=ORDER,
    counts=OrderCounts(1, 2, 3, 4, 5, 6),
    bundle="welcome 1.2.0",
    bundle_sha256=ORDER.bundle_sha256,
    stock=1_482,
    results=(Result("DK7F-00001", Verdict.FAIL), Result("DK7F-00002", Verdict.PASS)),
    last_scan="DK7F-00003",
    pending_scan="DK7F-00003",
    refusal=Refusal("E-SCAN-02", "no serial of DK-7F"),
    paused=True,
    stop="E-SIGN-01",
    pace_per_h=88,
    demo=True,
)


def told(line: LineSnapshot, reporter: Reporter | None = None) -> list[Event]:
    """What travels: everything goes through JSON."""
    news = (reporter or Reporter()).news(line)
    return [json.loads(json.dumps(event)) for event in news]


def find(digest: bytes) -> bytes | None:
    return PICTURE if digest == sha256(PICTURE).digest() else None


def followed(*events: list[Event]) -> LineSnapshot | None:
    follower = Follower(find)
    for batch in events:
        for event in batch:
            follower.take(event, now_s=100.0)
    return follower.snapshot(now_s=100.0)


def values(value: Any) -> Iterator[Any]:
    """Every field of a snapshot, whatever it is nested in."""
    for one in fields(value):
        yield one.name, getattr(value, one.name), one.default


@pytest.mark.parametrize("sample", [RUN, SLOT, LINE, ORDER], ids=lambda one: type(one).__name__)
def test_the_samples_leave_no_field_as_it_would_be_anyway(sample: object) -> None:
    """Else a field that is forgotten on the way would not be missed."""
    for name, value, default in values(sample):
        assert value != default, name


def test_the_line_comes_out_as_it_went_in() -> None:
    assert followed(told(LINE)) == LINE


def test_a_line_without_anything_comes_out_as_it_went_in() -> None:
    bare = LineSnapshot("L3-P2", "", (SlotSnapshot(1),))

    assert followed(told(bare)) == bare


def test_only_what_has_changed_is_told() -> None:
    reporter = Reporter()
    first = told(LINE, reporter)
    working = replace(LINE.slots[1], phase=SlotPhase.READY)
    later = replace(LINE, slots=(replace(SLOT, elapsed_s=99.0), working))

    assert [one["event"] for one in first] == ["run", "slot", "slot", "line"]
    assert told(LINE, reporter) == []
    assert [(one["event"], one["slot"]) for one in told(later, reporter)] == [("slot", 9)]
    assert told(replace(later, paused=False), reporter)[0]["paused"] is False


def test_a_runs_time_goes_on_between_two_events() -> None:
    follower = Follower(find)
    for event in told(LINE):
        follower.take(event, now_s=100.0)
    shown = follower.snapshot(now_s=103.0)

    assert shown is not None
    assert [slot.elapsed_s for slot in shown.slots] == [15.5, 0.0]


def test_runs_are_told_once_each_and_the_older_ones_shortened() -> None:
    reporter, follower = Reporter(), Follower(find)
    second = replace(RUN, run_id="run-2", verdict=Verdict.PASS)
    slots = [
        replace(SLOT, runs=(RUN,)),
        replace(SLOT, runs=(second, RUN.shortened())),
    ]
    events = [told(replace(LINE, slots=(slot,)), reporter) for slot in slots]
    again = told(replace(LINE, slots=(slots[1],)))
    for event in (*events[0], *events[1], *again):
        follower.take(event, now_s=0.0)
    shown = follower.snapshot(now_s=0.0)

    assert [[one["event"] for one in batch].count("run") for batch in events] == [1, 1]
    assert [one["run_id"] for one in again if one["event"] == "run"] == ["run-1", "run-2"]
    assert shown is not None
    assert shown.slots[0].runs == (second, RUN.shortened())


def test_a_picture_that_is_not_kept_any_more_is_not_shown() -> None:
    other = replace(SLOT, runs=(replace(RUN, picture=b"another PNG"),))
    shown = followed(told(replace(LINE, slots=(other,))))

    assert shown is not None
    assert shown.slots[0].runs[0].picture == b""


def test_before_the_line_was_told_there_is_none() -> None:
    assert followed([one for one in told(LINE) if one["event"] != "line"]) is None
    assert followed([{"event": "alive"}, {"event": "of a later version"}]) is None


@pytest.mark.parametrize(
    "event",
    [
        {},
        [],
        {"event": "slot", "slot": 1},
        {**told(LINE)[1], "phase": "MAYBE"},
        {**told(LINE)[-1], "bundle_sha256": "not hex"},
        {**told(LINE)[0], "ended_at": utc_text(AT)[:-1]},
    ],
)
def test_what_no_worker_says_is_an_error(event: Any) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Follower(find).take(event, now_s=0.0)

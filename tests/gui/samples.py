"""Lines as they may look in the middle of a shift; serials, people and digests are invented."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from station.application.snapshot import (
    EndedRun,
    LineSnapshot,
    Refusal,
    Result,
    SlotPhase,
    SlotSnapshot,
)
from station.domain.order import OrderCounts, OrderState, WorkOrder
from station.domain.rehearsal import Finding, FindingKind, Rehearsal
from station.domain.splash import Splash
from station.domain.verdict import PROOFS, Check, CheckName, Step, Verdict

ROOT: Final = Path(__file__).resolve().parents[2]
PICTURE: Final = (ROOT / "firmware_bundles" / "welcome" / "art" / "default.png").read_bytes()
"""A PNG of a splash's size."""

ORDER: Final = WorkOrder(
    name="WO-26-0817",
    product="DK-7F",
    quantity=500,
    bundle_sha256=bytes.fromhex("9f3ca17e") * 8,
    template_sha256=bytes(32),
    lot="T-26-4",
    serial_pattern="DK7F-[0-9]{5}",
    state=OrderState.RUNNING,
)


def working(number: int, serial: str, step: Step, fraction: float, at_s: float) -> SlotSnapshot:
    return SlotSnapshot(
        number,
        SlotPhase.WORKING,
        serial=serial,
        step=step,
        fraction=fraction,
        elapsed_s=at_s,
        usual_s=34,
    )


def slot(number: int, phase: SlotPhase, serial: str = "", code: str = "") -> SlotSnapshot:
    return SlotSnapshot(number, phase, serial=serial, code=code)


PASSED: Final = SlotSnapshot(1, SlotPhase.PASS, serial="DK7F-00317", elapsed_s=33)
HELD: Final = SlotSnapshot(
    6, SlotPhase.HOLD, serial="DK7F-00298", code="E-VERIFY-02", ncr="NCR-1043"
)
EIGHT: Final = (
    PASSED,
    slot(2, SlotPhase.READY),
    working(3, "DK7F-00318", Step.WRITE, 0.62, 21),
    slot(4, SlotPhase.FAIL, "DK7F-00311", "E-VERIFY-02"),
    working(5, "DK7F-00319", Step.WRITE, 0.18, 6),
    HELD,
    slot(7, SlotPhase.CHECK, "DK7F-00320", "E-LINK-01"),
    slot(8, SlotPhase.EMPTY),
)

LINE: Final = LineSnapshot(
    station="L3-P2",
    operator="0417 Lan N.",
    slots=EIGHT,
    order=ORDER,
    counts=OrderCounts(good=311, hold=2, open=187, first_pass=306, judged=313),
    bundle="4.2.1",
    bundle_sha256=ORDER.bundle_sha256,
    stock=1_482,
    results=(
        Result("DK7F-00311", Verdict.FAIL),
        *(Result(f"DK7F-00{number}", Verdict.PASS) for number in range(313, 318)),
    ),
    last_scan="DK7F-00320",
    pace_per_h=88,
)

TWELVE: Final = replace(
    LINE,
    slots=(
        *EIGHT[:7],
        slot(8, SlotPhase.WAITING, "DK7F-00321"),
        replace(PASSED, number=9, serial="DK7F-00316"),
        working(10, "DK7F-00312", Step.RECORD, 0.91, 31),
        slot(11, SlotPhase.EMPTY),
        slot(12, SlotPhase.OFF, code="E-SLOT-03"),
    ),
    last_scan="DK7F-00321",
    pending_scan="DK7F-00321",
)

SIXTEEN: Final = replace(
    TWELVE,
    slots=(
        *TWELVE.slots,
        slot(13, SlotPhase.OFF),
        slot(14, SlotPhase.CHECK, "DK7F-00322", "E-IDENT-02"),
        working(15, "DK7F-00323", Step.READ_BACK, 0.8, 28),
        replace(slot(16, SlotPhase.READY), bound=True, serial="DK7F-00324"),
    ),
)

HERO: Final = replace(
    LINE, slots=(working(1, "DK7F-00318", Step.WRITE, 0.62, 21),), last_scan="DK7F-00318"
)

STOPPED: Final = replace(
    LINE,
    slots=(
        PASSED,
        slot(2, SlotPhase.READY),
        working(3, "DK7F-00318", Step.WRITE, 0.62, 21),
        slot(4, SlotPhase.READY),
        working(5, "DK7F-00319", Step.WRITE, 0.18, 6),
        HELD,
        working(7, "DK7F-00312", Step.READ_BACK, 0.88, 30),
        slot(8, SlotPhase.EMPTY),
    ),
    stop="E-SIGN-01",
)

REFUSED: Final = replace(
    LINE,
    refusal=Refusal("E-SCAN-02", "DK5X-00018 is not a serial of DK-7F."),
    last_scan="DK5X-00018",
)

DEMO: Final = replace(
    LINE,
    demo=True,
    slots=(
        replace(PASSED, serial="DK7F-00003", elapsed_s=6),
        working(2, "DK7F-00004", Step.READ_BACK, 0.71, 4.4),
        slot(3, SlotPhase.READY),
        slot(4, SlotPhase.EMPTY),
    ),
    order=replace(ORDER, name="WO-DEMO", quantity=12),
    counts=OrderCounts(good=3, open=9, first_pass=3, judged=3),
    bundle="welcome 1.0.0",
    stock=9,
    operator="Demo",
    station="DEMO",
    results=tuple(Result(f"DK7F-0000{number}", Verdict.PASS) for number in range(1, 4)),
    last_scan="DK7F-00004",
)

ENDED_AT: Final = datetime(2026, 11, 25, 14, 5, 58, tzinfo=UTC)
SECONDS: Final = {
    Step.IDENTIFY: 1.9,
    Step.BUILD: 0.7,
    Step.WRITE: 15.2,
    Step.READ_BACK: 12.6,
    Step.RECORD: 2.6,
}
FINDING: Final = Finding(
    FindingKind.TIMER_UNREFERENCED, "a timer of 2000 ms that nobody keeps a reference to"
)
BOOTED: Final = Rehearsal(
    splash=Splash(),
    text=("Welcome", "Dock 00317", "DK7F-00317", "192.0.2.17", "02:00:00:0D:0C:01"),
    calls=(),
    findings=(),
    error="",
    ran_ms=60_000,
)


def ended(
    unit: int, verdict: Verdict = Verdict.PASS, *, ago_min: int = 0, **facts: Any
) -> EndedRun:
    """A run of the unit with this number, so many minutes before the last one."""
    return EndedRun(
        f"DK7F-{unit:05}",
        verdict,
        ENDED_AT - timedelta(minutes=ago_min),
        took_s=33.0 - ago_min % 3,
        **facts,
    )


def held(*, but: CheckName | None = None, evidence: str = "") -> tuple[Check, ...]:
    """Every check up to the one that does not hold."""
    names = [name for name in CheckName if name not in PROOFS]
    good = names[: names.index(but)] if but else names
    bad = (Check(but, evidence, "E-VERIFY-04"),) if but else ()
    return (*(Check(name, f"as planned, SHA-256 {'5a' * 8}…") for name in good), *bad)


PASSED_RUN: Final = ended(
    317, seconds=SECONDS, checks=held(), asked=True, rehearsal=BOOTED, picture=PICTURE
)
BEFORE: Final = tuple(
    ended(309 - 8 * ago, Verdict.ERROR if ago == 5 else Verdict.FAIL if ago == 14 else Verdict.PASS,
          ago_min=5 * ago + 5)
    for ago in range(19)
)  # fmt: skip
TRACE: Final = """Traceback (most recent call last):
  File "main.py", line 88, in <module>
AttributeError: 'LAN' object has no attribute 'ifconfigs'"""
RAISED_RUN: Final = ended(
    317,
    Verdict.FAIL,
    number=2,
    code="E-VERIFY-04",
    seconds={step: took_s for step, took_s in SECONDS.items() if step is not Step.RECORD},
    checks=held(
        but=CheckName.REHEARSED,
        evidence="AttributeError: 'LAN' object has no attribute 'ifconfigs'",
    ),
    asked=True,
    rehearsal=replace(BOOTED, text=(TRACE,), findings=(FINDING,) * 5, error=TRACE),
    picture=PICTURE,
)
LOST_RUN: Final = ended(
    317,
    Verdict.ERROR,
    code="E-LINK-03",
    seconds={Step.IDENTIFY: 1.9, Step.BUILD: 0.7, Step.WRITE: 4.0},
    asked=True,
)


def with_runs(line: LineSnapshot, run: EndedRun, **facts: Any) -> LineSnapshot:
    """A line on whose first slot this run ended last."""
    first = replace(line.slots[0], runs=(run, *BEFORE), **facts)
    return replace(line, slots=(first, *line.slots[1:]))


WITH_RUNS: Final = with_runs(LINE, PASSED_RUN)

MAIN_VIEWS: Final = {
    "operator_8": LINE,
    "operator_12": TWELVE,
    "operator_16": SIXTEEN,
    "operator_1": HERO,
    "operator_stop": STOPPED,
    "operator_refused": REFUSED,
    "operator_demo": DEMO,
}

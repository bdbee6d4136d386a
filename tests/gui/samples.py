"""Lines as they may look in the middle of a shift; serials, people and digests are invented."""

from dataclasses import replace
from typing import Final

from station.application.snapshot import LineSnapshot, Refusal, Result, SlotPhase, SlotSnapshot
from station.domain.order import OrderCounts, OrderState, WorkOrder
from station.domain.verdict import Step, Verdict

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

MAIN_VIEWS: Final = {
    "operator_8": LINE,
    "operator_12": TWELVE,
    "operator_16": SIXTEEN,
    "operator_1": HERO,
    "operator_stop": STOPPED,
    "operator_refused": REFUSED,
    "operator_demo": DEMO,
}

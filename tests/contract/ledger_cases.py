"""What ledger tests are made of: openings, docks, endings, and whole runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from station.application.ports import (
    ClosedRun,
    DockIdentity,
    HeldRecord,
    Ledger,
    OpenRun,
    Registry,
    RunClosing,
    RunOpening,
)
from station.domain.dsse import Envelope, Signature
from station.domain.identity import DockId, Serial
from station.domain.order import WorkOrder
from station.domain.run import RunState
from station.domain.secret import Secret
from station.domain.verdict import REQUIRED, Check, CheckName, Step, Verdict
from tests.fakes.clock import START_AT

PRODUCT: Final = "DK-7F"
LOT: Final = "T-1"
KIND: Final = "token"
BUNDLE: Final = sha256(b"bundle").digest()
TEMPLATE: Final = sha256(b"template").digest()
IMAGE: Final = sha256(b"image").digest()

PASS_CHECKS: Final = tuple(Check(name, f"{name} agrees") for name in CheckName if name in REQUIRED)

WAY: Final = (RunState.WRITING, RunState.SENDING, RunState.READING, RunState.CONFIRMING)
"""What a run enters by itself on its way to a PASS."""


def order(name: str = "WO-1", **changes: Any) -> WorkOrder:
    """Ten DK-7F from lot T-1, one retry."""
    made = WorkOrder(
        name=name,
        product=PRODUCT,
        quantity=10,
        bundle_sha256=BUNDLE,
        template_sha256=TEMPLATE,
        lot=LOT,
        serial_pattern=r"DK7F-[0-9]+",
    )
    return replace(made, **changes)


def opening(serial: str = "DK7F-1", **changes: Any) -> RunOpening:
    """On slot 1 by order WO-1."""
    made = RunOpening(
        serial=Serial(serial),
        order="WO-1",
        slot="1",
        port="/dev/ttyACM0",
        operator="0417",
        bundle_sha256=BUNDLE,
        template_sha256=TEMPLATE,
        opened_at=START_AT,
    )
    return replace(made, **changes)


def dock(number: int = 1, **changes: Any) -> DockIdentity:
    """The dock whose id is this number in every octet."""
    made = DockIdentity(
        dock_id=DockId(bytes([number]) * 32),
        label="",
        model="DL-7450",
        hardware="C",
        profile="dl-7450",
        product=PRODUCT,
        counter=0,
        assurance="D0",
        slot_bytes=16_000_000,
        locked=False,
    )
    return replace(made, **changes)


def envelope(text: str = "{}") -> bytes:
    """A statement in an envelope nobody will verify."""
    return Envelope(
        "application/vnd.in-toto+json", text.encode(), (Signature(bytes(32), bytes(64)),)
    ).encode()


def closing(verdict: Verdict = Verdict.PASS, code: str = "", **changes: Any) -> RunClosing:
    """A PASS with everything, or another end with its code."""
    made = RunClosing(
        verdict=verdict,
        code=code,
        cause="" if verdict is Verdict.PASS else f"because of {code}",
        checks=PASS_CHECKS if verdict is Verdict.PASS else (),
        rehearsal=None,
        seconds={Step.IDENTIFY: 0.1, Step.WRITE: 21.000001},
        image_sha256=IMAGE,
        bytes_written=13_000_000,
        bytes_read=13_000_001,
        envelope=envelope(),
        closed_at=START_AT,
    )
    return replace(made, **changes)


FAIL: Final = closing(Verdict.FAIL, "E-VERIFY-02")
ERROR: Final = closing(Verdict.ERROR, "E-LINK-02")
ABORTED: Final = closing(Verdict.ABORTED, "E-STOP-01", envelope=b"")


def tokens(start: int, count: int) -> list[Mapping[str, Secret]]:
    """Records of one field each, all different."""
    return [
        {"enrol_token": Secret.from_text(f"token-{number:04d}")}
        for number in range(start, start + count)
    ]


def stock_up(registry: Registry, *, count: int = 10, start: int = 0, lot: str = LOT) -> None:
    """Import a lot of tokens."""
    assert registry.import_lot(lot, KIND, PRODUCT, tokens(start, count)) == count


def start(registry: Registry, made: WorkOrder | None = None) -> WorkOrder:
    """Add and start an order."""
    made = made or order()
    registry.add_order(made)
    return registry.start_order(made.name)


def text_of(secret: Secret) -> str:
    """What a secret of a test says."""
    with secret.reveal() as octets:
        return str(octets, "utf-8")


@dataclass(frozen=True, slots=True)
class Course:
    """How far a run came."""

    run: OpenRun
    held: tuple[HeldRecord, ...]


def run_to(
    ledger: Ledger,
    state: RunState,
    *,
    at: RunOpening | None = None,
    on: DockIdentity | None = None,
    kinds: Sequence[str] = (KIND,),
) -> Course:
    """Open a run and take it as far as `state` (not LOCKING, not CLOSED)."""
    run, held = ledger.open_run(at or opening()), ()
    if state is RunState.OPEN:
        return Course(run, held)
    ledger.identify_run(run.run_id, on or dock())
    if state is RunState.IDENTIFIED:
        return Course(run, held)
    taken = ledger.hold_records(run.run_id, kinds)
    for entered in WAY:
        if state is RunState.HOLDING:
            break
        ledger.enter(run.run_id, entered)
        if entered is state:
            break
    return Course(run, taken)


def provision(
    ledger: Ledger,
    serial: str = "DK7F-1",
    number: int = 1,
    *,
    end: RunClosing | None = None,
    reach: RunState = RunState.CONFIRMING,
    kinds: Sequence[str] = (KIND,),
    **changes: Any,
) -> ClosedRun:
    """One whole run, a PASS unless `end` says otherwise."""
    course = run_to(ledger, reach, at=opening(serial, **changes), on=dock(number), kinds=kinds)
    return ledger.close_run(course.run.run_id, end or closing())


def later(at: datetime, serial: str = "DK7F-1") -> RunOpening:
    """An opening at another time."""
    return opening(serial, opened_at=at)

"""What a line looks like at one moment: frozen, whole, and free of any front end's words."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from station.domain.order import OrderCounts, WorkOrder
from station.domain.rehearsal import Rehearsal
from station.domain.verdict import Check, Step, Verdict


class SlotPhase(StrEnum):
    """States of a place on the bench (operator guide, "Slot states")."""

    EMPTY = "EMPTY"
    READY = "READY"
    WAITING = "WAITING"
    WORKING = "WORKING"
    PASS = "PASS"
    FAIL = "FAIL"
    CHECK = "CHECK"
    HOLD = "HOLD"
    OFF = "OFF"


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A run that ended on a slot, after its record became durable.

    run_id: as in the ledger. number: 1 for the first run of its unit. took_s: from scan to end.
    seconds: how long each step took that was begun. asked: whether its order asks for a rehearsed
    first boot. rehearsal, picture: as in `provisioning.RunOutcome`.
    """

    serial: str
    verdict: Verdict
    ended_at: datetime
    took_s: float
    run_id: str = ""
    number: int = 1
    code: str = ""
    seconds: Mapping[Step, float] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    asked: bool = False
    rehearsal: Rehearsal | None = None
    picture: bytes = field(default=b"", repr=False)

    def shortened(self) -> "EndedRun":
        """Without what is kept of a slot's last run only."""
        return replace(self, seconds={}, checks=(), rehearsal=None, picture=b"")


@dataclass(frozen=True, slots=True)
class SlotSnapshot:
    """One slot. number: as on the sticker of its nest, from 1.

    serial: of the bound or waited-for unit, empty without one. code: error code behind FAIL,
    CHECK or HOLD. fraction: progress of the whole run, 0.0 to 1.0. elapsed_s: since the run
    began, or its length once it ended. candidate: an ambiguous scan may mean this slot.
    bound: a scan chose it but nothing started yet. runs: the last that ended here, newest first;
    all but the newest `shortened`.
    """

    number: int
    phase: SlotPhase = SlotPhase.EMPTY
    serial: str = ""
    code: str = ""
    ncr: str = ""
    step: Step | None = None
    fraction: float = 0.0
    elapsed_s: float = 0.0
    usual_s: float = 0.0
    candidate: bool = False
    bound: bool = False
    cause: str = ""
    runs: tuple[EndedRun, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A scan that was turned away: its code, and the cause in one line."""

    code: str
    cause: str


@dataclass(frozen=True, slots=True)
class Result:
    """One finished run, newest last."""

    serial: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class LineSnapshot:
    """The whole screen's worth of facts.

    stop: code of a trouble that stops the station, empty if none. refusal: the newest refused
    scan while it is to be shown. stock: FREE records of the order's lot, None where it needs
    none. pace_per_h: PASS runs of the last hour. demo: nothing real is written.
    """

    station: str
    operator: str
    slots: tuple[SlotSnapshot, ...]
    order: WorkOrder | None = None
    counts: OrderCounts = field(default_factory=OrderCounts)
    bundle: str = ""
    bundle_sha256: bytes = b""
    stock: int | None = None
    results: tuple[Result, ...] = ()
    last_scan: str = ""
    pending_scan: str = ""
    refusal: Refusal | None = None
    paused: bool = False
    stop: str = ""
    pace_per_h: int = 0
    demo: bool = False

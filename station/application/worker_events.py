"""What a worker tells of its line, and how whoever listens puts the line together again.

Events are plain data that JSON carries, one object a line. A `Reporter` says what has changed
since it last looked; a `Follower` is given that and answers with the same snapshots as the line
itself. Source: docs/spec/worker.md.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final

from station.application.slot import RUNS_KEPT
from station.application.snapshot import (
    EndedRun,
    LineSnapshot,
    Refusal,
    Result,
    SlotPhase,
    SlotSnapshot,
)
from station.domain.order import OrderCounts, OrderState, StartMode, WorkOrder
from station.domain.rehearsal import Finding, FindingKind, Rehearsal
from station.domain.splash import Splash
from station.domain.verdict import Check, CheckName, Step, Verdict
from station.domain.wall_time import parse_utc, utc_text

VERSION: Final = 1
"""Of the protocol; a listener refuses any other."""

Event = Mapping[str, Any]

FindPicture = Callable[[bytes], bytes | None]
"""Finds a kept picture by its SHA-256 (`ports.Pictures.find`)."""


class Reporter:
    """Says what is new of one line."""

    def __init__(self) -> None:
        self._line: Event = {}
        self._slots: dict[int, Event] = {}
        self._runs: dict[int, str] = {}

    def news(self, line: LineSnapshot) -> Iterator[Event]:
        """What has changed since the last call; of a slot's time alone nothing is told."""
        for slot in line.slots:
            yield from self._new_runs(slot)
            told = _slot(slot)
            if {**told, "elapsed_s": 0.0} != self._slots.get(slot.number):
                self._slots[slot.number] = {**told, "elapsed_s": 0.0}
                yield told
        told = _line(line)
        if told != self._line:
            self._line = told
            yield told

    def _new_runs(self, slot: SlotSnapshot) -> Iterator[Event]:
        known = self._runs.get(slot.number)
        new: list[EndedRun] = []
        for run in slot.runs:
            if run.run_id == known:
                break
            new.append(run)
        for run in reversed(new):
            self._runs[slot.number] = run.run_id
            yield _run(slot.number, run)


class Follower:
    """The line as the events so far tell it. picture: finds what an ended run has shown."""

    def __init__(self, picture: FindPicture) -> None:
        self._picture = picture
        self._line: LineSnapshot | None = None
        self._slots: dict[int, SlotSnapshot] = {}
        self._heard_s: dict[int, float] = {}
        self._runs: dict[int, tuple[EndedRun, ...]] = {}

    def take(self, event: Event, *, now_s: float) -> None:
        """One event more. Raises KeyError, TypeError or ValueError for one that is none."""
        match event["event"]:
            case "line":
                self._line = _line_of(event)
            case "slot":
                slot = _slot_of(event)
                self._slots[slot.number] = slot
                self._heard_s[slot.number] = now_s
            case "run":
                number, run = _run_of(event, self._picture)
                known = self._runs.get(number, ())
                if run.run_id not in {one.run_id for one in known}:
                    before = tuple(one.shortened() for one in known[: RUNS_KEPT - 1])
                    self._runs[number] = (run, *before)

    def snapshot(self, *, now_s: float) -> LineSnapshot | None:
        """The whole line; None before it was told of. A run's time goes on between two events."""
        if self._line is None:
            return None
        return replace(
            self._line,
            slots=tuple(self._slot(number, now_s) for number in self._slots),
        )

    def _slot(self, number: int, now_s: float) -> SlotSnapshot:
        slot = replace(self._slots[number], runs=self._runs.get(number, ()))
        if slot.phase is not SlotPhase.WORKING:
            return slot
        return replace(slot, elapsed_s=slot.elapsed_s + now_s - self._heard_s[number])


# -- told ----------------------------------------------------------------------------------------


def _line(line: LineSnapshot) -> Event:
    return {
        "event": "line",
        "station": line.station,
        "operator": line.operator,
        "order": None if line.order is None else _order(line.order),
        "counts": {
            "good": line.counts.good,
            "hold": line.counts.hold,
            "open": line.counts.open,
            "scrap": line.counts.scrap,
            "first_pass": line.counts.first_pass,
            "judged": line.counts.judged,
        },
        "bundle": line.bundle,
        "bundle_sha256": line.bundle_sha256.hex(),
        "stock": line.stock,
        "results": [{"serial": one.serial, "verdict": one.verdict} for one in line.results],
        "last_scan": line.last_scan,
        "pending_scan": line.pending_scan,
        "refusal": None
        if line.refusal is None
        else {"code": line.refusal.code, "cause": line.refusal.cause},
        "paused": line.paused,
        "stop": line.stop,
        "pace_per_h": line.pace_per_h,
        "demo": line.demo,
    }


def _order(order: WorkOrder) -> Event:
    return {
        "name": order.name,
        "product": order.product,
        "quantity": order.quantity,
        "bundle_sha256": order.bundle_sha256.hex(),
        "template_sha256": order.template_sha256.hex(),
        "lot": order.lot,
        "serial_pattern": order.serial_pattern,
        "start_mode": order.start_mode,
        "retry_limit": order.retry_limit,
        "rehearse": order.rehearse,
        "state": order.state,
    }


def _slot(slot: SlotSnapshot) -> Event:
    return {
        "event": "slot",
        "slot": slot.number,
        "phase": slot.phase,
        "serial": slot.serial,
        "code": slot.code,
        "cause": slot.cause,
        "ncr": slot.ncr,
        "step": slot.step,
        "fraction": round(slot.fraction, 4),
        "elapsed_s": round(slot.elapsed_s, 3),
        "usual_s": round(slot.usual_s, 3),
        "candidate": slot.candidate,
        "bound": slot.bound,
    }


def _run(number: int, run: EndedRun) -> Event:
    return {
        "event": "run",
        "slot": number,
        "run_id": run.run_id,
        "serial": run.serial,
        "number": run.number,
        "verdict": run.verdict,
        "code": run.code,
        "ended_at": utc_text(run.ended_at),
        "took_s": round(run.took_s, 3),
        "seconds": {step: round(seconds, 3) for step, seconds in run.seconds.items()},
        "checks": [
            {"name": one.name, "evidence": one.evidence, "code": one.code, "waived": one.waived}
            for one in run.checks
        ],
        "asked": run.asked,
        "rehearsal": None if run.rehearsal is None else _rehearsal(run.rehearsal),
        "picture_sha256": sha256(run.picture).hexdigest() if run.picture else None,
    }


def _rehearsal(seen: Rehearsal) -> Event:
    """As it may be told: splash and calls are left out of it before."""
    return {
        "text": list(seen.text),
        "findings": [{"kind": one.kind, "detail": one.detail} for one in seen.findings],
        "error": seen.error,
        "ran_ms": seen.ran_ms,
    }


# -- heard ---------------------------------------------------------------------------------------


def _line_of(event: Event) -> LineSnapshot:
    refusal, order = event["refusal"], event["order"]
    return LineSnapshot(
        station=event["station"],
        operator=event["operator"],
        slots=(),
        order=None if order is None else _order_of(order),
        counts=OrderCounts(**event["counts"]),
        bundle=event["bundle"],
        bundle_sha256=bytes.fromhex(event["bundle_sha256"]),
        stock=event["stock"],
        results=tuple(Result(one["serial"], Verdict(one["verdict"])) for one in event["results"]),
        last_scan=event["last_scan"],
        pending_scan=event["pending_scan"],
        refusal=None if refusal is None else Refusal(refusal["code"], refusal["cause"]),
        paused=event["paused"],
        stop=event["stop"],
        pace_per_h=event["pace_per_h"],
        demo=event["demo"],
    )


def _order_of(event: Event) -> WorkOrder:
    return WorkOrder(
        name=event["name"],
        product=event["product"],
        quantity=event["quantity"],
        bundle_sha256=bytes.fromhex(event["bundle_sha256"]),
        template_sha256=bytes.fromhex(event["template_sha256"]),
        lot=event["lot"],
        serial_pattern=event["serial_pattern"],
        start_mode=StartMode(event["start_mode"]),
        retry_limit=event["retry_limit"],
        rehearse=event["rehearse"],
        state=OrderState(event["state"]),
    )


def _slot_of(event: Event) -> SlotSnapshot:
    return SlotSnapshot(
        number=event["slot"],
        phase=SlotPhase(event["phase"]),
        serial=event["serial"],
        code=event["code"],
        cause=event["cause"],
        ncr=event["ncr"],
        step=None if event["step"] is None else Step(event["step"]),
        fraction=event["fraction"],
        elapsed_s=event["elapsed_s"],
        usual_s=event["usual_s"],
        candidate=event["candidate"],
        bound=event["bound"],
    )


def _run_of(event: Event, picture: FindPicture) -> tuple[int, EndedRun]:
    rehearsal, shown = event["rehearsal"], event["picture_sha256"]
    run = EndedRun(
        serial=event["serial"],
        verdict=Verdict(event["verdict"]),
        ended_at=parse_utc(event["ended_at"]),
        took_s=event["took_s"],
        run_id=event["run_id"],
        number=event["number"],
        code=event["code"],
        seconds={Step(step): seconds for step, seconds in event["seconds"].items()},
        checks=tuple(
            Check(CheckName(one["name"]), one["evidence"], one["code"], one["waived"])
            for one in event["checks"]
        ),
        asked=event["asked"],
        rehearsal=None if rehearsal is None else _rehearsal_of(rehearsal),
        picture=(shown and picture(bytes.fromhex(shown))) or b"",
    )
    return event["slot"], run


def _rehearsal_of(event: Event) -> Rehearsal:
    return Rehearsal(
        splash=Splash(),
        text=tuple(event["text"]),
        calls=(),
        findings=tuple(
            Finding(FindingKind(one["kind"]), one["detail"]) for one in event["findings"]
        ),
        error=event["error"],
        ran_ms=event["ran_ms"],
    )

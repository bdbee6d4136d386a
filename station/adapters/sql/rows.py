"""From rows of a ledger to the frozen values that leave it."""

import json
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Connection, Row, Select, func, select

from station.adapters.sql.schema import NCRS, ORDERS, RECORDS, RUNS, STATEMENTS, UNITS
from station.application.ports import RunRow, UnitRow
from station.domain import canonical_json
from station.domain.kept_rehearsal import KeptRehearsal
from station.domain.order import OrderState, StartMode, WorkOrder
from station.domain.run import RunState
from station.domain.upd import UpdState
from station.domain.verdict import Check, CheckName, Disposition, Step, Verdict
from station.domain.wall_time import parse_utc

MICROSECONDS: Final = 1_000_000


def ncr_text(number: int | None) -> str:
    """``NCR-0001``; empty for none."""
    return "" if number is None else f"NCR-{number:04d}"


def checks_text(checks: tuple[Check, ...]) -> str:
    """JSON for the column `checks`."""
    return json.dumps(
        [
            [check.name, check.evidence, check.code, *([True] if check.waived else [])]
            for check in checks
        ]
    )


def rehearsal_text(kept: KeptRehearsal | None) -> str | None:
    """JSON for the column `rehearsal`."""
    return None if kept is None else canonical_json.encode(kept.plain()).decode("utf-8")


def seconds_text(seconds: Mapping[Step, float]) -> str:
    """JSON for the column `seconds`: whole microseconds, so that a figure stays what it is."""
    return json.dumps({step: round(took_s * MICROSECONDS) for step, took_s in seconds.items()})


def order_of(row: Row[Any]) -> WorkOrder:
    """A row of `orders`."""
    return WorkOrder(
        name=row.name,
        product=row.product,
        quantity=row.quantity,
        bundle_sha256=row.bundle_sha256,
        template_sha256=row.template_sha256,
        lot=row.lot,
        serial_pattern=row.serial_pattern,
        start_mode=StartMode(row.start_mode),
        retry_limit=row.retry_limit,
        rehearse=bool(row.rehearse),
        state=OrderState(row.state),
    )


def find_order(connection: Connection, name: str) -> WorkOrder | None:
    """The order called `name`."""
    row = connection.execute(select(ORDERS).where(ORDERS.c.name == name)).one_or_none()
    return order_of(row) if row else None


def order_named(connection: Connection, name: str) -> WorkOrder | None:
    """The order of a run; None for the empty name, which stands for no order."""
    return find_order(connection, name) if name else None


def select_runs() -> Select[Any]:
    """Runs with their statements; `run_of` reads its rows."""
    return select(RUNS, STATEMENTS.c.envelope).outerjoin(
        STATEMENTS, STATEMENTS.c.run_id == RUNS.c.run_id
    )


def run_of(row: Row[Any]) -> RunRow:
    """A row of `select_runs`."""
    return RunRow(
        run_id=row.run_id,
        serial=row.serial,
        order=row.order_name or "",
        number=row.number,
        state=RunState(row.state),
        verdict=Verdict(row.verdict) if row.verdict else None,
        code=row.code or "",
        cause=row.cause or "",
        slot=row.slot,
        port=row.port,
        operator=row.operator,
        dock_id=row.dock_id or b"",
        bundle_sha256=row.bundle_sha256,
        template_sha256=row.template_sha256,
        image_sha256=row.image_sha256 or b"",
        bytes_written=row.bytes_written or 0,
        bytes_read=row.bytes_read or 0,
        opened_at=parse_utc(row.opened_at),
        closed_at=parse_utc(row.closed_at) if row.closed_at else None,
        seconds={
            step: took / MICROSECONDS for step, took in json.loads(row.seconds or "{}").items()
        },
        checks=tuple(
            Check(CheckName(name), evidence, code, waived=bool(waived))
            for name, evidence, code, *waived in json.loads(row.checks or "[]")
        ),
        rehearsal=KeptRehearsal.read(json.loads(row.rehearsal)) if row.rehearsal else None,
        envelope=row.envelope or b"",
        open_leaf=row.open_leaf,
        close_leaf=row.close_leaf,
    )


def find_units(connection: Connection, which: ColumnElement[bool]) -> tuple[UnitRow, ...]:
    """The units for which `which` (a condition on `units`) holds, by their first run.

    A reservation is no binding: RESERVED records are not told.
    """
    serials = select(UNITS.c.serial).where(which)
    runs: dict[str, list[RunRow]] = {}
    for row in connection.execute(
        select_runs().where(RUNS.c.serial.in_(serials)).order_by(RUNS.c.position)
    ):
        runs.setdefault(row.serial, []).append(run_of(row))
    records: dict[bytes, list[tuple[str, str, UpdState, bytes]]] = {}
    for row in connection.execute(
        select(RECORDS)
        .where(
            RECORDS.c.dock_id.in_(select(UNITS.c.dock_id).where(which)),
            RECORDS.c.state != UpdState.RESERVED,
        )
        .order_by(RECORDS.c.position)
    ):
        records.setdefault(row.dock_id, []).append(
            (row.record_id, row.kind, UpdState(row.state), row.fingerprint)
        )
    ncrs: dict[str, int] = {
        row.serial: row.number
        for row in connection.execute(
            select(NCRS).where(NCRS.c.serial.in_(serials)).order_by(NCRS.c.number)
        )
    }
    units = {row.serial: row for row in connection.execute(select(UNITS).where(which))}
    return tuple(
        UnitRow(
            serial=serial,
            product=units[serial].product,
            disposition=Disposition(units[serial].disposition),
            ncr=ncr_text(ncrs.get(serial)),
            dock_id=units[serial].dock_id or b"",
            runs=tuple(of_unit),
            records=tuple(records.get(units[serial].dock_id, ())),
        )
        for serial, of_unit in runs.items()
    )


def next_number(connection: Connection, column: "Column[Any]") -> int:
    """The one after the highest of `column`; nobody else can take it in this transaction."""
    highest: int | None = connection.execute(select(func.max(column))).scalar_one()
    return (highest or 0) + 1

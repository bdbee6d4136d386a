"""What follows from the end of a run: for its order, its unit, and the site."""

from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select, update

from station.adapters.sql.rows import next_number
from station.adapters.sql.schema import HELD, NCRS, ORDERS, OUTBOX, RECORDS, RUNS, STATEMENTS, UNITS
from station.application.ports import ClosedRun, RunClosing
from station.domain import canonical_json
from station.domain.canonical_json import JsonValue
from station.domain.errors import LedgerRefused, OrderComplete
from station.domain.log_record import RecordType
from station.domain.order import OrderState, WorkOrder
from station.domain.verdict import (
    FREE_RETRY,
    WAIVABLE,
    Disposition,
    Verdict,
    disposition_after,
    judge,
    required_checks,
)
from station.domain.wall_time import utc_text

RETRY_LIMIT_WITHOUT_ORDER: Final = 1


def demand_evidence(closing: RunClosing, order: WorkOrder | None, *, proved: bool) -> None:
    """Raise ValueError for a PASS that its own closing does not carry, as `order` wants it.

    proved: whether its dock claims a key, and so has to have proved it.
    """
    if closing.code or not closing.envelope or not closing.image_sha256:
        raise ValueError("a PASS has an image and a signed statement, and no code")
    rehearse = order is not None and order.rehearse
    required = required_checks(rehearse=rehearse, proved=proved)
    if judge(closing.checks, required=required, waivable=WAIVABLE) is not Verdict.PASS:
        raise ValueError("a PASS has every required check")


def closed_alike(connection: Connection, run: Row[Any], closing: RunClosing) -> ClosedRun:
    """The recorded end of a closed run. Raises LedgerRefused if it is another than `closing`."""
    envelope = connection.execute(
        select(STATEMENTS.c.envelope).where(STATEMENTS.c.run_id == run.run_id)
    ).scalar_one_or_none()
    if (run.verdict, run.code, envelope or b"") != (
        closing.verdict,
        closing.code,
        closing.envelope,
    ):
        raise LedgerRefused(f"run {run.run_id} was already closed as {run.verdict}")
    disposition = connection.execute(
        select(UNITS.c.disposition).where(UNITS.c.serial == run.serial)
    ).scalar_one()
    return ClosedRun(run.run_id, closing.verdict, Disposition(disposition), run.close_leaf)


def demand_quantity(connection: Connection, run: Row[Any], order: WorkOrder | None) -> None:
    """Raise OrderComplete where one more unit would over-run the order."""
    if order is None:
        return
    passed = connection.execute(
        select(func.count(RUNS.c.serial.distinct())).where(
            RUNS.c.order_name == order.name,
            RUNS.c.serial != run.serial,
            RUNS.c.verdict == Verdict.PASS,
        )
    ).scalar_one()
    if passed >= order.quantity:
        raise OrderComplete(f"{order.name} has its {order.quantity} units")


def complete(connection: Connection, order: WorkOrder | None) -> None:
    """An order that has its quantity is COMPLETE with the run that filled it."""
    if order is None or order.state is not OrderState.RUNNING:
        return
    passed = connection.execute(
        select(func.count(RUNS.c.serial.distinct())).where(
            RUNS.c.order_name == order.name, RUNS.c.verdict == Verdict.PASS
        )
    ).scalar_one()
    if passed >= order.quantity:
        connection.execute(
            update(ORDERS).where(ORDERS.c.name == order.name).values(state=OrderState.COMPLETE)
        )


def dispose(
    connection: Connection, run: Row[Any], closing: RunClosing, order: WorkOrder | None
) -> Disposition:
    """What becomes of the unit; HOLD raises an NCR."""
    spent = connection.execute(
        select(func.count()).where(
            RUNS.c.serial == run.serial,
            RUNS.c.number < run.number,
            RUNS.c.verdict.in_([Verdict.FAIL, Verdict.ERROR]),
            RUNS.c.code.not_in(sorted(FREE_RETRY)),
        )
    ).scalar_one()
    disposition = disposition_after(
        closing.verdict,
        closing.code,
        spent=spent,
        retry_limit=order.retry_limit if order else RETRY_LIMIT_WITHOUT_ORDER,
    )
    if disposition is Disposition.OPEN:  # nothing new: a unit in rework stays in rework
        return Disposition(
            connection.execute(
                select(UNITS.c.disposition).where(UNITS.c.serial == run.serial)
            ).scalar_one()
        )
    connection.execute(
        update(UNITS).where(UNITS.c.serial == run.serial).values(disposition=disposition)
    )
    if disposition is Disposition.HOLD:
        connection.execute(
            NCRS.insert().values(
                number=next_number(connection, NCRS.c.number), serial=run.serial, run_id=run.run_id
            )
        )
    return disposition


def tell_site(
    connection: Connection,
    run: Row[Any],
    closing: RunClosing,
    disposition: Disposition,
    leaf: int,
) -> None:
    """Queue the run for the site, with the states its records are now in."""
    records = connection.execute(
        select(RECORDS.c.record_id, RECORDS.c.kind, RECORDS.c.state, RECORDS.c.fingerprint)
        .join(HELD, HELD.c.record_id == RECORDS.c.record_id)
        .where(HELD.c.run_id == run.run_id)
        .order_by(RECORDS.c.position)
    )
    told: dict[str, JsonValue] = {
        "closed_at": utc_text(closing.closed_at),
        "code": closing.code,
        "disposition": disposition,
        "dock_id": run.dock_id.hex() if run.dock_id else None,
        "leaf": leaf,
        "number": run.number,
        "order": run.order_name,
        "records": [
            {
                "fingerprint": record.fingerprint.hex(),
                "kind": record.kind,
                "record": record.record_id,
                "state": record.state,
            }
            for record in records
        ],
        "run": run.run_id,
        "serial": run.serial,
        "type": RecordType.RUN_CLOSED,
        "verdict": closing.verdict,
    }
    content = canonical_json.encode(told)
    connection.execute(
        OUTBOX.insert().values(
            seq=next_number(connection, OUTBOX.c.seq),
            digest=sha256(content).digest(),
            content=content,
        )
    )

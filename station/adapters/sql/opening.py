"""Which runs are not opened, and which docks a run may not claim."""

import re
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from station.adapters.sql.rows import ncr_text, next_number, order_named
from station.adapters.sql.schema import NCRS, RECORDS, REFUSALS, RUNS, UNITS
from station.application.ports import DockIdentity, RunOpening
from station.domain import canonical_json
from station.domain.canonical_json import JsonValue
from station.domain.errors import (
    AlreadyDone,
    InAnotherSlot,
    LabelMismatch,
    NotInOrder,
    OnHold,
    OperatorError,
    OrderComplete,
    OrderNotRunnable,
)
from station.domain.identity import DockId
from station.domain.order import OrderState, WorkOrder
from station.domain.profile import Assurance
from station.domain.run import RunState
from station.domain.upd import UpdState
from station.domain.verdict import Disposition, Verdict
from station.domain.wall_time import utc_text


def refusal_of(connection: Connection, opening: RunOpening) -> OperatorError | None:
    """Why this run is not opened, the unit's own reasons first."""
    serial = opening.serial.text
    order = order_named(connection, opening.order)
    if opening.order and order is None:
        return NotInOrder(f"no work order {opening.order}")
    unit = connection.execute(select(UNITS).where(UNITS.c.serial == serial)).one_or_none()
    refusal = _refusal_of_unit(connection, unit) if unit else None
    if refusal is None:
        refusal = _refusal_of_slot(connection, RUNS.c.serial == serial, serial)
    if refusal is None and order is not None:
        refusal = _refusal_of_order(connection, order, serial, unit)
    return refusal


def _refusal_of_unit(connection: Connection, unit: Row[Any]) -> OperatorError | None:
    match Disposition(unit.disposition):
        case Disposition.HOLD:
            number = connection.execute(
                select(func.max(NCRS.c.number)).where(NCRS.c.serial == unit.serial)
            ).scalar_one()
            return OnHold(f"{unit.serial} is on hold, {ncr_text(number)}")
        case Disposition.SCRAP:
            return OnHold(f"{unit.serial} was scrapped")
        case Disposition.GOOD:
            passed = connection.execute(
                select(RUNS.c.closed_at, RUNS.c.slot)
                .where(RUNS.c.serial == unit.serial, RUNS.c.verdict == Verdict.PASS)
                .order_by(RUNS.c.number.desc())
                .limit(1)
            ).one()
            return AlreadyDone(f"{unit.serial} passed {passed.closed_at}, slot {passed.slot}")
        case Disposition.OPEN | Disposition.REWORK:
            return None


def _refusal_of_slot(connection: Connection, whose: Any, name: str) -> InAnotherSlot | None:
    slot = connection.execute(
        select(RUNS.c.slot).where(whose, RUNS.c.state != RunState.CLOSED)
    ).scalar_one_or_none()
    return None if slot is None else InAnotherSlot(f"{name} is in slot {slot}")


def _refusal_of_order(
    connection: Connection, order: WorkOrder, serial: str, unit: Row[Any] | None
) -> OperatorError | None:
    if order.state is OrderState.COMPLETE:
        return OrderComplete(f"{order.name} has its {order.quantity} units")
    if order.state is not OrderState.RUNNING:
        return OrderNotRunnable(f"{order.name} is {order.state}")
    if re.fullmatch(order.serial_pattern, serial) is None:
        return NotInOrder(f"{serial} is not one of {order.name}")
    if unit is not None and unit.product not in {"", order.product}:
        return NotInOrder(f"{serial} is a {unit.product}, {order.name} makes {order.product}")
    # Units that are being made count too: their PASS must find room.
    taken = connection.execute(
        select(func.count(RUNS.c.serial.distinct())).where(
            RUNS.c.order_name == order.name,
            RUNS.c.serial != serial,
            (RUNS.c.verdict == Verdict.PASS) | (RUNS.c.state != RunState.CLOSED),
        )
    ).scalar_one()
    if taken >= order.quantity:
        return OrderComplete(f"{order.name} has its {order.quantity} units, open slots included")
    return None


def record_refusal(connection: Connection, opening: RunOpening, refusal: OperatorError) -> None:
    """Keep that a run was asked for and not opened."""
    connection.execute(
        REFUSALS.insert().values(
            position=next_number(connection, REFUSALS.c.position),
            refused_at=utc_text(opening.opened_at),
            serial=opening.serial.text,
            order_name=opening.order,
            slot=opening.slot,
            operator=opening.operator,
            code=refusal.code,
            cause=refusal.cause,
        )
    )


def register_unit(connection: Connection, serial: str, order: WorkOrder | None) -> None:
    """Make the unit known; it belongs to the order of its newest run."""
    known = connection.execute(select(UNITS.c.serial).where(UNITS.c.serial == serial))
    if known.one_or_none() is None:
        connection.execute(
            UNITS.insert().values(serial=serial, product="", disposition=Disposition.OPEN)
        )
    if order is not None:
        connection.execute(
            update(UNITS)
            .where(UNITS.c.serial == serial)
            .values(product=order.product, order_name=order.name)
        )


def refuse_dock(connection: Connection, serial: str, dock_id: DockId) -> None:
    """Raise InAnotherSlot, LabelMismatch or AlreadyDone where the unit may not be on this dock."""
    refusal = _refusal_of_slot(connection, RUNS.c.dock_id == dock_id.octets, f"dock {dock_id}")
    if refusal is not None:
        raise refusal
    bound = connection.execute(
        select(UNITS.c.serial, UNITS.c.dock_id).where(
            UNITS.c.dock_id.is_not(None),
            (UNITS.c.serial == serial) | (UNITS.c.dock_id == dock_id.octets),
        )
    ).all()
    for unit in bound:
        if unit.serial != serial:
            raise LabelMismatch(f"dock {dock_id} was made as {unit.serial}, not {serial}")
        if unit.dock_id != dock_id.octets:
            raise LabelMismatch(f"{serial} was made on another dock than {dock_id}")
    active = select(RECORDS.c.record_id).where(
        RECORDS.c.dock_id == dock_id.octets, RECORDS.c.state == UpdState.ACTIVE
    )
    if connection.execute(active).first() is not None:
        raise AlreadyDone(f"dock {dock_id} passed before")


def identity_text(identity: DockIdentity) -> str:
    """Canonical JSON of what the dock said, beside its id."""
    said: dict[str, JsonValue] = {
        "assurance": identity.assurance,
        "counter": identity.counter,
        "hardware": identity.hardware,
        "label": identity.label,
        "locked": identity.locked,
        "model": identity.model,
        "product": identity.product,
        "profile": identity.profile,
        "slot_bytes": identity.slot_bytes,
    }
    if identity.stock:
        said["stock"] = True
    return canonical_json.encode(said).decode("utf-8")


def claims_key(said: str | None) -> bool:
    """Whether a dock said in `identity_text` that it has a key; not without a text."""
    match said and canonical_json.decode(said.encode("utf-8")):
        case {"assurance": str(level)}:
            return Assurance(level) is not Assurance.D0
    return False

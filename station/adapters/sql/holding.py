"""What a run does with UPD records: take, reuse, send, give back, activate."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, select, update

from station.adapters.sql.record_content import unpack
from station.adapters.sql.rows import order_named
from station.adapters.sql.schema import HELD, LOTS, RECORDS, UNITS
from station.application.ports import HeldRecord, RecordName, SealedRecord, Vault
from station.domain.errors import NoTokens
from station.domain.upd import UpdState, after_close
from station.domain.verdict import Verdict


def _select_records() -> Select[Any]:
    """Records with what opens them."""
    return select(RECORDS, LOTS.c.product, LOTS.c.wrapped_key.label("lot_key")).join(
        LOTS, LOTS.c.name == RECORDS.c.lot
    )


def records_of_dock(connection: Connection, dock_id: bytes) -> dict[str, Row[Any]]:
    """The records RESERVED or SENT for this dock id, by kind."""
    query = _select_records().where(
        RECORDS.c.dock_id == dock_id, RECORDS.c.state.in_([UpdState.RESERVED, UpdState.SENT])
    )
    return {row.kind: row for row in connection.execute(query)}


def reserve(connection: Connection, run: Row[Any], kind: str) -> None:
    """Take the oldest free record of this kind. Raises NoTokens."""
    order = order_named(connection, run.order_name or "")
    product = connection.execute(
        select(UNITS.c.product).where(UNITS.c.serial == run.serial)
    ).scalar_one()
    free = select(RECORDS.c.position).where(RECORDS.c.state == UpdState.FREE)
    source = f"product {product}"
    if order is not None and order.lot and _kind_of(connection, order.lot) in {None, kind}:
        source = f"lot {order.lot}"
        free = free.where(RECORDS.c.lot == order.lot, RECORDS.c.kind == kind)
    lots = select(LOTS.c.name).where(LOTS.c.product == product, LOTS.c.kind == kind)
    position = connection.execute(
        free.where(RECORDS.c.lot.in_(lots)).order_by(RECORDS.c.position).limit(1)
    ).scalar_one_or_none()
    if position is None:
        raise NoTokens(f"no free {kind} record left for {source}")
    connection.execute(
        update(RECORDS)
        .where(RECORDS.c.position == position)
        .values(state=UpdState.RESERVED, dock_id=run.dock_id, run_id=run.run_id)
    )


def _kind_of(connection: Connection, lot: str) -> str | None:
    kind: str | None = connection.execute(
        select(LOTS.c.kind).where(LOTS.c.name == lot)
    ).scalar_one_or_none()
    return kind


def note_held(connection: Connection, run_id: str, records: Sequence[Row[Any]]) -> None:
    """Remember which records the run works with, taken or reused."""
    known = set(connection.execute(select(HELD.c.kind).where(HELD.c.run_id == run_id)).scalars())
    for record in records:
        if record.kind not in known:
            connection.execute(
                HELD.insert().values(run_id=run_id, kind=record.kind, record_id=record.record_id)
            )


def unsealed(vault: Vault, record: Row[Any]) -> HeldRecord:
    """A row of `records_of_dock` with its values. Raises KeyRefused."""
    content = vault.open(
        record.lot_key or b"",
        RecordName(record.product, record.lot, record.record_id),
        SealedRecord(record.wrapped_key, record.ciphertext),
    )
    return HeldRecord(
        record_id=record.record_id,
        kind=record.kind,
        state=UpdState(record.state),
        fingerprint=record.fingerprint,
        values=unpack(content),
    )


def bind(connection: Connection, run: Row[Any]) -> None:
    """Records SENT, serial and dock id joined for ever; the run is still WRITING."""
    held = select(HELD.c.record_id).where(HELD.c.run_id == run.run_id)
    connection.execute(
        update(RECORDS)
        .where(RECORDS.c.record_id.in_(held))
        .values(state=UpdState.SENT, run_id=run.run_id)
    )
    connection.execute(
        update(UNITS).where(UNITS.c.serial == run.serial).values(dock_id=run.dock_id)
    )


def give_back(connection: Connection, run: Row[Any], verdict: Verdict) -> None:
    """Records that were provably not sent are free again; sent ones stay with their dock id."""
    if verdict is Verdict.PASS:
        return  # nothing RESERVED gets past SENDING, and a PASS has been there
    back = after_close(UpdState.RESERVED, verdict)
    connection.execute(
        update(RECORDS)
        .where(RECORDS.c.run_id == run.run_id, RECORDS.c.state == UpdState.RESERVED)
        .values(state=back, dock_id=None, run_id=None)
    )


def activate(connection: Connection, run: Row[Any]) -> None:
    """The run's records are ACTIVE and their values destroyed: nobody has to read them again."""
    connection.execute(
        update(RECORDS)
        .where(RECORDS.c.run_id == run.run_id, RECORDS.c.state == UpdState.SENT)
        .values(state=after_close(UpdState.SENT, Verdict.PASS), wrapped_key=None)
    )

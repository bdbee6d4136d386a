"""The registry port in SQL: orders, lots and units, and proofs from the log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from sqlalchemy import Connection, func, select, update

from station.adapters.sql import log
from station.adapters.sql.engine import Store
from station.adapters.sql.record_content import pack
from station.adapters.sql.rows import find_order, find_units, next_number, order_of
from station.adapters.sql.schema import LOTS, ORDERS, RECORDS, RUNS, UNITS
from station.application.ports import Clock, LogProof, RecordName, SealedRecord, UnitRow, Vault
from station.domain import canonical_json
from station.domain.errors import Duplicate, KeyRefused, NotInOrder, OrderNotRunnable
from station.domain.identity import Serial
from station.domain.limits import LOT_RECORDS_MAX
from station.domain.order import NEXT, OrderCounts, OrderState, WorkOrder
from station.domain.secret import Secret
from station.domain.upd import UpdState
from station.domain.verdict import Disposition, Verdict
from station.domain.wall_time import utc_text

LOOKED_UP_AT_ONCE: Final = 500
"""Fingerprints in one query."""


class SqlRegistry:
    """`application.ports.Registry` on one open file.

    vault: None while its key is locked; nothing can be imported then.
    """

    def __init__(self, store: Store, *, vault: Vault | None, clock: Clock) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock

    def add_order(self, order: WorkOrder) -> None:
        """See the port. Raises ValueError for an order that is not PLANNED."""
        if order.state is not OrderState.PLANNED:
            raise ValueError("a new order is PLANNED")

        def work(connection: Connection) -> None:
            if find_order(connection, order.name) is not None:
                raise Duplicate(f"work order {order.name} is already recorded")
            connection.execute(
                ORDERS.insert().values(
                    position=next_number(connection, ORDERS.c.position),
                    name=order.name,
                    product=order.product,
                    quantity=order.quantity,
                    bundle_sha256=order.bundle_sha256,
                    template_sha256=order.template_sha256,
                    lot=order.lot,
                    serial_pattern=order.serial_pattern,
                    start_mode=order.start_mode,
                    retry_limit=order.retry_limit,
                    rehearse=int(order.rehearse),
                    state=order.state,
                )
            )

        self._store.commit("ledger.order.add", work)

    def start_order(self, name: str) -> WorkOrder:
        """See the port. Starting a RUNNING order is refused too."""

        def work(connection: Connection) -> WorkOrder:
            order = _order(connection, name)
            if OrderState.RUNNING not in NEXT[order.state]:
                raise OrderNotRunnable(f"{name} is {order.state}")
            connection.execute(
                update(ORDERS).where(ORDERS.c.name == name).values(state=OrderState.RUNNING)
            )
            return _order(connection, name)

        return self._store.commit("ledger.order.start", work)

    def order(self, name: str) -> tuple[WorkOrder, OrderCounts]:
        """See the port."""
        with self._store.reading() as connection:
            return _order(connection, name), _counts(connection, name)

    def orders(self) -> tuple[WorkOrder, ...]:
        """See the port."""
        with self._store.reading() as connection:
            rows = connection.execute(select(ORDERS).order_by(ORDERS.c.position.desc()))
            return tuple(order_of(row) for row in rows)

    def import_lot(
        self, lot: str, kind: str, product: str, records: Sequence[Mapping[str, Secret]]
    ) -> int:
        """See the port. Record ids are ``lot:000001`` and so on, in the order given.

        Also raises KeyRefused where the vault is locked, and ValueError for a lot without a
        name or kind, without records, with too many, or with a record without fields.
        """
        if self._vault is None:
            raise KeyRefused("the key of the UPD records is locked", remedy="Unlock the keys.")
        if not (lot and kind and 0 < len(records) <= LOT_RECORDS_MAX):
            raise ValueError("a lot has a name, a kind and a bounded number of records")
        incoming = _recognised(self._vault, lot, kind, product, records)
        with self._store.reading() as connection:
            if _is_known(connection, incoming):
                return 0
        lot_key, sealed = _sealed(self._vault, incoming, records)

        def work(connection: Connection) -> int:
            if _is_known(connection, incoming):  # since we looked
                return 0
            _refuse_known(connection, incoming)
            _store_lot(connection, incoming, lot_key, sealed, utc_text(self._clock.now_at()))
            return len(sealed)

        return self._store.commit("ledger.lot.import", work)

    def stock(self, lot: str | None = None) -> Mapping[UpdState, int]:
        """See the port. A lot nobody has imported has none of each."""
        query = select(RECORDS.c.state, func.count()).group_by(RECORDS.c.state)
        if lot is not None:
            query = query.where(RECORDS.c.lot == lot)
        with self._store.reading() as connection:
            found = {UpdState(state): count for state, count in connection.execute(query)}
        return {state: found.get(state, 0) for state in UpdState}

    def lots(self) -> tuple[tuple[str, str, str, Mapping[UpdState, int]], ...]:
        """See the port."""
        counted = select(RECORDS.c.lot, RECORDS.c.state, func.count()).group_by(
            RECORDS.c.lot, RECORDS.c.state
        )
        with self._store.reading() as connection:
            lots = connection.execute(select(LOTS).order_by(LOTS.c.position)).all()
            found = {(lot, state): count for lot, state, count in connection.execute(counted)}
        return tuple(
            (
                lot.name,
                lot.kind,
                lot.product,
                {state: found.get((lot.name, state), 0) for state in UpdState},
            )
            for lot in lots
        )

    def unit(self, serial: Serial) -> UnitRow:
        """See the port."""
        with self._store.reading() as connection:
            units = find_units(connection, UNITS.c.serial == serial.text)
        if not units:
            raise NotInOrder(f"{serial} is not known here")
        return units[0]

    def units(self, order: str) -> tuple[UnitRow, ...]:
        """See the port. The empty name stands for units outside any order."""
        with self._store.reading() as connection:
            return find_units(
                connection, UNITS.c.order_name == order if order else UNITS.c.order_name.is_(None)
            )

    def prove(self, leaf: int) -> LogProof:
        """See the port. Raises NotInOrder for an index the log does not have."""
        with self._store.reading() as connection:
            return log.prove(connection, leaf)


# -- orders --------------------------------------------------------------------------------------


def _order(connection: Connection, name: str) -> WorkOrder:
    order = find_order(connection, name)
    if order is None:
        raise NotInOrder(f"no work order {name}")
    return order


def _counts(connection: Connection, name: str) -> OrderCounts:
    units = (
        select(UNITS.c.disposition, func.count().label("units"))
        .where(UNITS.c.order_name == name)
        .group_by(UNITS.c.disposition)
    )
    by_disposition = {row.disposition: row.units for row in connection.execute(units)}
    first = (
        select(RUNS.c.serial, func.min(RUNS.c.number).label("number"))
        .join(UNITS, UNITS.c.serial == RUNS.c.serial)
        .where(UNITS.c.order_name == name, RUNS.c.verdict.in_([Verdict.PASS, Verdict.FAIL]))
        .group_by(RUNS.c.serial)
        .subquery()
    )
    judged, first_pass = connection.execute(
        select(func.count(), func.count().filter(RUNS.c.verdict == Verdict.PASS)).join_from(
            RUNS, first, (first.c.serial == RUNS.c.serial) & (first.c.number == RUNS.c.number)
        )
    ).one()
    return OrderCounts(
        good=by_disposition.get(Disposition.GOOD, 0),
        hold=by_disposition.get(Disposition.HOLD, 0),
        open=by_disposition.get(Disposition.OPEN, 0) + by_disposition.get(Disposition.REWORK, 0),
        scrap=by_disposition.get(Disposition.SCRAP, 0),
        first_pass=first_pass,
        judged=judged,
    )


# -- lots ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Incoming:
    """A lot to be imported, recognised by keyed fingerprints; none of its values is in here."""

    lot: str
    kind: str
    product: str
    content: bytes
    fingerprints: tuple[bytes, ...]

    def name(self, index: int) -> RecordName:
        """Of the record at `index`, which counts from 0."""
        return RecordName(self.product, self.lot, f"{self.lot}:{index + 1:06d}")


def _recognised(
    vault: Vault, lot: str, kind: str, product: str, records: Sequence[Mapping[str, Secret]]
) -> _Incoming:
    seen: dict[bytes, int] = {}
    for index, record in enumerate(records):
        first = seen.setdefault(vault.fingerprint(pack(record)), index)
        if first != index:
            raise Duplicate(f"records {first + 1} and {index + 1} of lot {lot} are equal")
    everything = canonical_json.encode(
        {"kind": kind, "product": product, "records": [one.hex() for one in seen]}
    )
    return _Incoming(lot, kind, product, vault.fingerprint(everything), tuple(seen))


def _is_known(connection: Connection, incoming: _Incoming) -> bool:
    """Whether this very lot is recorded. Raises Duplicate for another one of its name."""
    known = connection.execute(
        select(LOTS.c.content).where(LOTS.c.name == incoming.lot)
    ).scalar_one_or_none()
    if known is not None and known != incoming.content:
        raise Duplicate(f"lot {incoming.lot} is already recorded with other content")
    return known is not None


def _refuse_known(connection: Connection, incoming: _Incoming) -> None:
    remaining = iter(incoming.fingerprints)
    while some := list(islice(remaining, LOOKED_UP_AT_ONCE)):
        known = connection.execute(
            select(RECORDS.c.fingerprint, RECORDS.c.record_id).where(
                RECORDS.c.fingerprint.in_(some)
            )
        ).first()
        if known is not None:
            number = incoming.fingerprints.index(known.fingerprint) + 1
            raise Duplicate(
                f"record {number} of lot {incoming.lot} is already known as {known.record_id}"
            )


def _sealed(
    vault: Vault, incoming: _Incoming, records: Sequence[Mapping[str, Secret]]
) -> tuple[bytes, list[SealedRecord]]:
    lot_key = vault.new_lot_key(incoming.product, incoming.lot)
    return lot_key, [
        vault.seal(lot_key, incoming.name(index), pack(record))
        for index, record in enumerate(records)
    ]


def _store_lot(
    connection: Connection,
    incoming: _Incoming,
    lot_key: bytes,
    sealed: Sequence[SealedRecord],
    imported_at: str,
) -> None:
    connection.execute(
        LOTS.insert().values(
            position=next_number(connection, LOTS.c.position),
            name=incoming.lot,
            kind=incoming.kind,
            product=incoming.product,
            content=incoming.content,
            wrapped_key=lot_key,
            imported_at=imported_at,
        )
    )
    start = next_number(connection, RECORDS.c.position)
    rows = (
        {
            "position": start + index,
            "record_id": incoming.name(index).record_id,
            "lot": incoming.lot,
            "kind": incoming.kind,
            "state": UpdState.FREE,
            "fingerprint": incoming.fingerprints[index],
            "wrapped_key": record.wrapped_key,
            "ciphertext": record.ciphertext,
            "burn_reason": "",
        }
        for index, record in enumerate(sealed)
    )
    while some := list(islice(rows, LOOKED_UP_AT_ONCE)):
        connection.execute(RECORDS.insert(), some)

"""The ledger port in SQL: the life of a run and of the records it holds.

Each method is one transaction that checks, changes and logs. The rules of `schema` refuse whatever
slips past the checks here; these exist to name the refusal.
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection, Row, select, update

from station.adapters.sql import log
from station.adapters.sql.closing import (
    closed_alike,
    complete,
    demand_evidence,
    demand_quantity,
    dispose,
    tell_site,
)
from station.adapters.sql.engine import Store
from station.adapters.sql.holding import (
    activate,
    bind,
    give_back,
    note_held,
    records_of_dock,
    reserve,
    unsealed,
)
from station.adapters.sql.opening import (
    claims_key,
    identity_text,
    record_refusal,
    refusal_of,
    refuse_dock,
    register_unit,
)
from station.adapters.sql.presence import Presence
from station.adapters.sql.rows import (
    checks_text,
    next_number,
    order_named,
    rehearsal_text,
    run_of,
    seconds_text,
    select_runs,
)
from station.adapters.sql.schema import RUNS, STATEMENTS, UNITS
from station.application.ports import (
    Chance,
    ClosedRun,
    DockIdentity,
    HeldRecord,
    OpenRun,
    RunClosing,
    RunOpening,
    RunRow,
    Vault,
)
from station.domain.dsse import Envelope
from station.domain.errors import Interrupted, KeyRefused, LedgerRefused, OperatorError
from station.domain.log_record import SALT_BYTES, RecordType
from station.domain.run import NEXT, RunState, may_close
from station.domain.verdict import Verdict
from station.domain.wall_time import utc_text

RUN_ID_BYTES: Final = 16

FOUND_OPEN: Final = "found open after a crash or power cut"
"""Cause of a run that a restart closed; its code is that of every unfinished run."""

ENTERED: Final = (
    RunState.WRITING,
    RunState.SENDING,
    RunState.LOCKING,
    RunState.READING,
    RunState.CONFIRMING,
)
"""States `enter` commits; each of the others has a method of its own."""


class SqlLedger:
    """`application.ports.Ledger` on one open file; all lanes of the process share it.

    vault: None while its key is locked; runs that need no UPD record go on without it.
    """

    def __init__(
        self, store: Store, *, presence: Presence, vault: Vault | None, chance: Chance
    ) -> None:
        self._store = store
        self._presence = presence
        self._vault = vault
        self._chance = chance

    def open_run(self, opening: RunOpening) -> OpenRun:
        """See the port. A refusal is recorded too, in the transaction that found it.

        Also raises OnHold for a scrapped unit, and RecordNotDurable where the disk is so full
        that the run might not be able to end.
        """
        self._store.demand_room()

        def work(connection: Connection) -> OpenRun | OperatorError:
            refusal = refusal_of(connection, opening)
            if refusal is not None:
                record_refusal(connection, opening, refusal)
                return refusal
            return self._open(connection, opening)

        opened = self._store.commit("ledger.open", work)
        if isinstance(opened, OperatorError):
            raise opened
        return opened

    def identify_run(self, run_id: str, identity: DockIdentity) -> None:
        """See the port. A dock that another serial was bound to is a LabelMismatch, whatever
        became of that other unit; AlreadyDone is left for a dock that comes back as itself."""

        def work(connection: Connection) -> None:
            run = _open_run(connection, run_id)
            _demand_arrow(run, RunState.IDENTIFIED)
            refuse_dock(connection, run.serial, identity.dock_id)
            connection.execute(
                update(RUNS)
                .where(RUNS.c.run_id == run_id)
                .values(
                    state=RunState.IDENTIFIED,
                    dock_id=identity.dock_id.octets,
                    identity=identity_text(identity),
                )
            )
            connection.execute(
                update(UNITS)
                .where(UNITS.c.serial == run.serial, UNITS.c.product == "")
                .values(product=identity.product)
            )

        self._store.commit("ledger.identify", work)

    def hold_records(self, run_id: str, kinds: Sequence[str]) -> tuple[HeldRecord, ...]:
        """See the port. A free record comes from the order's lot where that holds the kind, else
        from the oldest lot of the unit's product that does.

        Also raises KeyRefused where the vault is locked; nothing is taken then. Asked again by
        the same run, it gives the same records.
        """
        if len(set(kinds)) != len(kinds):
            raise ValueError("a run holds one record of a kind")
        if not kinds:
            return ()
        vault = self._unlocked()

        def work(connection: Connection) -> tuple[HeldRecord, ...]:
            run = _open_run(connection, run_id)
            if run.state not in {RunState.IDENTIFIED, RunState.HOLDING}:
                raise ValueError(f"a run in {run.state} holds no new records")
            bound = records_of_dock(connection, run.dock_id)
            taken = [kind for kind in kinds if kind not in bound]
            if taken and run.state == RunState.IDENTIFIED:
                _set_state(connection, run_id, RunState.HOLDING)
            for kind in taken:
                reserve(connection, run, kind)
            bound = records_of_dock(connection, run.dock_id)
            note_held(connection, run_id, [bound[kind] for kind in kinds])
            return tuple(unsealed(vault, bound[kind]) for kind in kinds)

        return self._store.commit("ledger.hold", work)

    def enter(self, run_id: str, state: RunState) -> None:
        """See the port. Raises ValueError for a state that has a method of its own, or that the
        run cannot enter from where it is."""
        if state not in ENTERED:
            raise ValueError(f"{state} is not entered by itself")

        def work(connection: Connection) -> None:
            run = _open_run(connection, run_id)
            _demand_arrow(run, state)
            if state is RunState.SENDING:
                bind(connection, run)
            _set_state(connection, run_id, state)

        self._store.commit(f"ledger.enter.{state.lower()}", work)

    def close_run(self, run_id: str, closing: RunClosing) -> ClosedRun:
        """See the port. A run that this very closing already closed gives the recorded end: so an
        unknown outcome is resolved by asking again.

        Raises ValueError for a verdict the run's state does not allow, or a PASS that its own
        checks, image, envelope or code contradict; DocumentRefused for an envelope that is none.
        """

        def work(connection: Connection) -> ClosedRun:
            run = _find_run(connection, run_id)
            if closing.verdict is Verdict.PASS:
                order = order_named(connection, run.order_name or "")
                demand_evidence(closing, order, proved=claims_key(run.identity))
            if run.state == RunState.CLOSED:
                return closed_alike(connection, run, closing)
            return self._close(connection, run, closing)

        return self._store.commit("ledger.close", work, last_word=True)

    def close_found_open(self, *, at: datetime) -> tuple[RunRow, ...]:
        """See the port. Runs of another process that is still alive are left alone."""
        closing = RunClosing(
            verdict=Verdict.ABORTED,
            code=Interrupted.code,
            cause=FOUND_OPEN,
            checks=(),
            rehearsal=None,
            seconds={},
            image_sha256=b"",
            bytes_written=0,
            bytes_read=0,
            envelope=b"",
            closed_at=at,
        )

        def work(connection: Connection) -> tuple[RunRow, ...]:
            query = select(RUNS).where(RUNS.c.state != RunState.CLOSED).order_by(RUNS.c.position)
            found = [
                run
                for run in connection.execute(query).all()
                if not self._presence.alive(run.owner)
            ]
            for run in found:
                self._close(connection, run, closing)
            rows = select_runs().where(RUNS.c.run_id.in_([run.run_id for run in found]))
            return tuple(run_of(row) for row in connection.execute(rows.order_by(RUNS.c.position)))

        return self._store.commit("ledger.close_found_open", work, last_word=True)

    def _unlocked(self) -> Vault:
        if self._vault is None:
            raise KeyRefused("the key of the UPD records is locked", remedy="Unlock the keys.")
        return self._vault

    def _open(self, connection: Connection, opening: RunOpening) -> OpenRun:
        serial, order = opening.serial.text, order_named(connection, opening.order)
        earlier = connection.execute(
            select(RUNS.c.run_id).where(RUNS.c.serial == serial).order_by(RUNS.c.number)
        ).scalars()
        run_id, earlier_runs = self._new_run_id(connection), tuple(earlier)
        register_unit(connection, serial, order)
        leaf = log.append(
            connection,
            RecordType.RUN_OPEN,
            run_id,
            salt=self._chance.octets(SALT_BYTES),
            at=opening.opened_at,
        )
        connection.execute(
            RUNS.insert().values(
                position=next_number(connection, RUNS.c.position),
                run_id=run_id,
                serial=serial,
                order_name=opening.order or None,
                number=len(earlier_runs) + 1,
                owner=self._presence.owner,
                state=RunState.OPEN,
                slot=opening.slot,
                port=opening.port,
                operator=opening.operator,
                bundle_sha256=opening.bundle_sha256,
                template_sha256=opening.template_sha256,
                opened_at=utc_text(opening.opened_at),
                open_leaf=leaf,
            )
        )
        return OpenRun(run_id, len(earlier_runs) + 1, earlier_runs, leaf)

    def _new_run_id(self, connection: Connection) -> str:
        """Random, because a counter would repeat itself on a restored disk."""
        while True:
            run_id = self._chance.octets(RUN_ID_BYTES).hex()
            known = select(RUNS.c.run_id).where(RUNS.c.run_id == run_id)
            if connection.execute(known).one_or_none() is None:
                return run_id

    def _close(self, connection: Connection, run: Row[Any], closing: RunClosing) -> ClosedRun:
        """Everything the end of a run changes, in the order the rules demand."""
        verdict = closing.verdict
        if not may_close(RunState(run.state), verdict):
            raise ValueError(f"a run in {run.state} is not closed with {verdict}")
        order = order_named(connection, run.order_name or "")
        if verdict is Verdict.PASS:
            demand_quantity(connection, run, order)
        give_back(connection, run, verdict)
        statement_sha256 = None
        if closing.envelope:
            statement_sha256 = sha256(Envelope.decode(closing.envelope).payload).digest()
            connection.execute(
                STATEMENTS.insert().values(run_id=run.run_id, envelope=closing.envelope)
            )
        leaf = log.append(
            connection,
            RecordType.RUN_CLOSED,
            run.run_id,
            verdict=verdict,
            statement_sha256=statement_sha256,
            salt=self._chance.octets(SALT_BYTES),
            at=closing.closed_at,
        )
        connection.execute(
            update(RUNS)
            .where(RUNS.c.run_id == run.run_id)
            .values(
                state=RunState.CLOSED,
                verdict=verdict,
                code=closing.code,
                cause=closing.cause,
                checks=checks_text(closing.checks),
                rehearsal=rehearsal_text(closing.rehearsal),
                seconds=seconds_text(closing.seconds),
                image_sha256=closing.image_sha256 or None,
                bytes_written=closing.bytes_written,
                bytes_read=closing.bytes_read,
                closed_at=utc_text(closing.closed_at),
                close_leaf=leaf,
            )
        )
        if verdict is Verdict.PASS:
            activate(connection, run)
            complete(connection, order)
        disposition = dispose(connection, run, closing, order)
        tell_site(connection, run, closing, disposition, leaf)
        return ClosedRun(run.run_id, verdict, disposition, leaf)


def _find_run(connection: Connection, run_id: str) -> Row[Any]:
    run = connection.execute(select(RUNS).where(RUNS.c.run_id == run_id)).one_or_none()
    if run is None:
        raise LedgerRefused(f"the ledger has no run {run_id}")
    return run


def _open_run(connection: Connection, run_id: str) -> Row[Any]:
    run = _find_run(connection, run_id)
    if run.state == RunState.CLOSED:
        raise LedgerRefused(
            f"run {run_id} was closed as {run.verdict}: {run.cause or 'by its lane'}",
            remedy="Scan the dock again to redo it.",
        )
    return run


def _demand_arrow(run: Row[Any], state: RunState) -> None:
    if state not in NEXT[RunState(run.state)]:
        raise ValueError(f"a run in {run.state} does not enter {state}")


def _set_state(connection: Connection, run_id: str, state: RunState) -> None:
    connection.execute(update(RUNS).where(RUNS.c.run_id == run_id).values(state=state))

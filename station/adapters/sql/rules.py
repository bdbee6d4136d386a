"""The rules the database keeps even if the code is wrong, as triggers.

State arrows come from the tables in `domain/` (`run.NEXT`, `upd.NEXT`, `order.NEXT`); a trigger
refuses every other one. The same rules in words: docs/spec/ledger.md.
"""

# ruff: noqa: S608 - conditions are spelled from enums and column names, never from input

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

from sqlalchemy import Connection, Table, text

from station.adapters.sql.schema import (
    HELD,
    LEAVES,
    LOTS,
    METADATA,
    NCRS,
    NODES,
    ORDERS,
    OUTBOX,
    RECORDS,
    REFUSALS,
    RUNS,
    STATEMENTS,
    listed,
)
from station.domain import order, run, upd
from station.domain.order import OrderState
from station.domain.run import RunState, may_close
from station.domain.upd import UpdState
from station.domain.verdict import Disposition, Verdict

_State = TypeVar("_State", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Rule:
    """A trigger that refuses: before `on`, where `when` holds, with these words."""

    name: str
    on: str
    when: str
    says: str

    @property
    def sql(self) -> str:
        """The statement for SQLite."""
        return (
            f"CREATE TRIGGER {self.name} BEFORE {self.on} WHEN {self.when}"
            f" BEGIN SELECT RAISE(ABORT, '{self.says}'); END"
        )


def _arrows(table: str, arrows: Mapping[_State, frozenset[_State]]) -> Rule:
    allowed = listed(f"{old}>{new}" for old, after in arrows.items() for new in sorted(after))
    return Rule(
        f"{table}_arrows",
        f"UPDATE OF state ON {table}",
        f"OLD.state || '>' || NEW.state NOT IN ({allowed})",
        f"{table}: no such step between two states",
    )


def _frozen(table: str, *columns: str) -> Rule:
    return Rule(
        f"{table}_frozen",
        f"UPDATE ON {table}",
        " OR ".join(f"NEW.{one} IS NOT OLD.{one}" for one in columns),
        f"{table}: what was written first stays",
    )


def _kept(*tables: Table) -> Iterator[Rule]:
    for one in tables:
        yield Rule(f"{one}_kept", f"DELETE ON {one}", "1", f"{one}: nothing is deleted")


def _append_only(*tables: Table) -> Iterator[Rule]:
    for one in tables:
        yield Rule(f"{one}_unchanged", f"UPDATE ON {one}", "1", f"{one}: nothing is changed")


def _counted(table: Table, column: str, start: int) -> Rule:
    """Also keeps INSERT OR REPLACE from putting one row in another's place."""
    return Rule(
        f"{table}_counted",
        f"INSERT ON {table}",
        f"NEW.{column} <> (SELECT coalesce(max({column}) + 1, {start}) FROM {table})",
        f"{table}: numbered without a gap",
    )


_CLOSINGS: Final = listed(
    f"{state}>{verdict}" for state in RunState for verdict in Verdict if may_close(state, verdict)
)
_MY_RUN: Final = "SELECT 1 FROM runs WHERE run_id = NEW.run_id AND dock_id = NEW.dock_id"
_OPENABLE: Final = listed([Disposition.OPEN, Disposition.REWORK])

RULES: Final = (
    *_kept(*METADATA.sorted_tables),
    *_append_only(LEAVES, NODES, STATEMENTS, NCRS, REFUSALS, HELD, OUTBOX),
    _counted(ORDERS, "position", 1),
    _counted(RUNS, "position", 1),
    _counted(NCRS, "number", 1),
    _counted(REFUSALS, "position", 1),
    _counted(LOTS, "position", 1),
    _counted(RECORDS, "position", 1),
    _counted(OUTBOX, "seq", 1),
    # the file and its log
    Rule(
        "ledger_once",
        "INSERT ON ledger",
        "EXISTS (SELECT 1 FROM ledger)",
        "ledger: one row",
    ),
    Rule(
        "ledger_forward",
        "UPDATE ON ledger",
        "NEW.schema_version < OLD.schema_version OR NEW.origin <> OLD.origin",
        "ledger: its version only grows, its origin stays",
    ),
    Rule(
        "leaves_in_order",
        "INSERT ON leaves",
        "NEW.idx IS NOT (SELECT size FROM tree)",
        "leaves: the next one only",
    ),
    Rule(
        "nodes_once",
        "INSERT ON nodes",
        "EXISTS (SELECT 1 FROM nodes WHERE level = NEW.level AND idx = NEW.idx)",
        "nodes: nothing is changed",
    ),
    Rule("tree_once", "INSERT ON tree", "EXISTS (SELECT 1 FROM tree)", "tree: one row"),
    Rule(
        "tree_grows",
        "UPDATE ON tree",
        "NEW.size <> OLD.size + 1"
        " OR NOT EXISTS (SELECT 1 FROM leaves WHERE idx = OLD.size)"
        " OR NOT EXISTS (SELECT 1 FROM nodes WHERE level = 0 AND idx = OLD.size)",
        "tree: grows by the leaf just written",
    ),
    # orders
    Rule(
        "orders_begin",
        "INSERT ON orders",
        f"NEW.state <> '{OrderState.PLANNED}'"
        " OR EXISTS (SELECT 1 FROM orders WHERE name = NEW.name)",
        "orders: new and PLANNED",
    ),
    _arrows("orders", order.NEXT),
    _frozen(
        "orders",
        "position",
        "name",
        "product",
        "quantity",
        "bundle_sha256",
        "template_sha256",
        "lot",
        "serial_pattern",
        "start_mode",
        "retry_limit",
        "rehearse",
    ),
    # units
    Rule(
        "units_begin",
        "INSERT ON units",
        f"NEW.disposition <> '{Disposition.OPEN}' OR NEW.dock_id IS NOT NULL"
        " OR EXISTS (SELECT 1 FROM units WHERE serial = NEW.serial)",
        "units: new, OPEN and bound to no dock",
    ),
    _frozen("units", "serial"),
    Rule(
        "units_bound_for_ever",
        "UPDATE ON units",
        "OLD.dock_id IS NOT NULL AND NEW.dock_id IS NOT OLD.dock_id",
        "units: bound to another dock id",
    ),
    Rule(
        "units_good_by_pass",
        "UPDATE ON units",
        f"NEW.disposition = '{Disposition.GOOD}' AND NOT EXISTS (SELECT 1 FROM runs"
        f" WHERE serial = NEW.serial AND verdict = '{Verdict.PASS}')",
        "units: GOOD without a PASS",
    ),
    # runs
    Rule(
        "runs_begin",
        "INSERT ON runs",
        f"NEW.state <> '{RunState.OPEN}' OR NEW.dock_id IS NOT NULL"
        " OR EXISTS (SELECT 1 FROM runs WHERE run_id = NEW.run_id)"
        " OR NEW.number <> (SELECT count(*) + 1 FROM runs WHERE serial = NEW.serial)"
        " OR EXISTS (SELECT 1 FROM runs WHERE serial = NEW.serial"
        f" AND state <> '{RunState.CLOSED}')",
        "runs: new, OPEN, the next of its unit and its only open one",
    ),
    Rule(
        "runs_of_open_units",
        "INSERT ON runs",
        "NOT EXISTS (SELECT 1 FROM units WHERE serial = NEW.serial"
        f" AND disposition IN ({_OPENABLE}))",
        "runs: the unit takes no run",
    ),
    _arrows("runs", run.NEXT),
    _frozen(
        "runs",
        "position",
        "run_id",
        "serial",
        "order_name",
        "number",
        "owner",
        "slot",
        "port",
        "operator",
        "bundle_sha256",
        "template_sha256",
        "opened_at",
        "open_leaf",
    ),
    Rule(
        "runs_closed_for_ever",
        "UPDATE ON runs",
        f"OLD.state = '{RunState.CLOSED}'",
        "runs: a closed run is not changed",
    ),
    Rule(
        "runs_identified_once",
        "UPDATE ON runs",
        "NEW.dock_id IS NOT OLD.dock_id AND NOT (OLD.dock_id IS NULL"
        f" AND OLD.state = '{RunState.OPEN}' AND NEW.state = '{RunState.IDENTIFIED}')",
        "runs: a dock id is claimed once",
    ),
    Rule(
        "runs_claim_a_free_dock",
        "UPDATE OF state ON runs",
        f"NEW.state = '{RunState.IDENTIFIED}' AND (EXISTS (SELECT 1 FROM records"
        f" WHERE dock_id = NEW.dock_id AND state = '{UpdState.ACTIVE}')"
        " OR EXISTS (SELECT 1 FROM units"
        " WHERE (serial = NEW.serial) <> (dock_id IS NEW.dock_id) AND dock_id IS NOT NULL"
        " AND (serial = NEW.serial OR dock_id = NEW.dock_id)))",
        "runs: the dock id has ACTIVE records or another serial",
    ),
    Rule(
        "runs_send_what_is_bound",
        "UPDATE OF state ON runs",
        f"NEW.state = '{RunState.SENDING}' AND (EXISTS (SELECT 1 FROM held"
        " JOIN records USING (record_id) WHERE held.run_id = NEW.run_id"
        f" AND (records.state <> '{UpdState.SENT}' OR records.run_id <> NEW.run_id))"
        f" OR EXISTS (SELECT 1 FROM records WHERE run_id = NEW.run_id"
        f" AND state = '{UpdState.RESERVED}')"
        " OR NOT EXISTS (SELECT 1 FROM units WHERE serial = NEW.serial"
        " AND dock_id = NEW.dock_id))",
        "runs: sending what is not bound",
    ),
    Rule(
        "runs_close",
        "UPDATE OF state ON runs",
        f"NEW.state = '{RunState.CLOSED}' AND OLD.state || '>' || NEW.verdict NOT IN ({_CLOSINGS})",
        "runs: not closed so from this state",
    ),
    Rule(
        "runs_give_back",
        "UPDATE OF state ON runs",
        f"NEW.state = '{RunState.CLOSED}' AND EXISTS (SELECT 1 FROM records"
        f" WHERE run_id = NEW.run_id AND state = '{UpdState.RESERVED}')",
        "runs: closed with a record still RESERVED",
    ),
    Rule(
        "runs_pass_with_proof",
        "UPDATE OF state ON runs",
        f"NEW.verdict = '{Verdict.PASS}' AND (NEW.image_sha256 IS NULL"
        " OR NOT EXISTS (SELECT 1 FROM statements WHERE run_id = NEW.run_id))",
        "runs: a PASS without image or signed statement",
    ),
    Rule(
        "runs_within_quantity",
        "UPDATE OF state ON runs",
        f"NEW.verdict = '{Verdict.PASS}' AND NEW.order_name IS NOT NULL"
        " AND (SELECT count(DISTINCT serial) FROM runs WHERE order_name = NEW.order_name"
        f" AND verdict = '{Verdict.PASS}' AND serial <> NEW.serial)"
        " >= (SELECT quantity FROM orders WHERE name = NEW.order_name)",
        "runs: more units passed than the order has",
    ),
    Rule(
        "statements_once",
        "INSERT ON statements",
        "EXISTS (SELECT 1 FROM statements WHERE run_id = NEW.run_id)",
        "statements: nothing is changed",
    ),
    # UPD records
    Rule(
        "lots_once",
        "INSERT ON lots",
        "EXISTS (SELECT 1 FROM lots WHERE name = NEW.name)",
        "lots: nothing is changed",
    ),
    _frozen("lots", "position", "name", "kind", "product", "content", "imported_at"),
    Rule(
        "lots_key_destroyed_only",
        "UPDATE ON lots",
        "NEW.wrapped_key IS NOT OLD.wrapped_key AND NEW.wrapped_key IS NOT NULL",
        "lots: a key is destroyed, never replaced",
    ),
    Rule(
        "records_begin",
        "INSERT ON records",
        f"NEW.state <> '{UpdState.FREE}' OR EXISTS (SELECT 1 FROM records"
        " WHERE record_id = NEW.record_id OR fingerprint = NEW.fingerprint)",
        "records: new and FREE",
    ),
    _arrows("records", upd.NEXT),
    _frozen("records", "position", "record_id", "lot", "kind", "fingerprint", "ciphertext"),
    Rule(
        "records_bound_for_ever",
        "UPDATE ON records",
        "NEW.dock_id IS NOT OLD.dock_id AND OLD.state || '>' || NEW.state NOT IN"
        f" ({listed(['FREE>RESERVED', 'RESERVED>FREE'])})",
        "records: bound to another dock id",
    ),
    Rule(
        "records_change_hands",
        "UPDATE ON records",
        "NEW.run_id IS NOT OLD.run_id AND OLD.state || '>' || NEW.state NOT IN"
        f" ({listed(['FREE>RESERVED', 'RESERVED>FREE', 'SENT>SENT'])})",
        "records: held by another run",
    ),
    Rule(
        "records_reserved_before_writing",
        "UPDATE ON records",
        f"NEW.state = '{UpdState.RESERVED}' AND NOT EXISTS ({_MY_RUN}"
        f" AND state IN ({listed([RunState.IDENTIFIED, RunState.HOLDING])}))",
        "records: RESERVED for no run that may hold it",
    ),
    Rule(
        "records_sent_while_writing",
        "UPDATE ON records",
        f"NEW.state = '{UpdState.SENT}' AND NOT EXISTS ({_MY_RUN}"
        f" AND state = '{RunState.WRITING}')",
        "records: SENT by no run that is about to send",
    ),
    Rule(
        "records_active_by_pass",
        "UPDATE ON records",
        f"NEW.state = '{UpdState.ACTIVE}' AND OLD.state <> '{UpdState.ACTIVE}'"
        f" AND NOT EXISTS ({_MY_RUN} AND verdict = '{Verdict.PASS}')",
        "records: ACTIVE without a PASS",
    ),
    Rule(
        "records_key_destroyed_only",
        "UPDATE ON records",
        "NEW.wrapped_key IS NOT OLD.wrapped_key AND NEW.wrapped_key IS NOT NULL",
        "records: a key is destroyed, never replaced",
    ),
    Rule(
        "held_once",
        "INSERT ON held",
        "EXISTS (SELECT 1 FROM held WHERE run_id = NEW.run_id AND kind = NEW.kind)"
        " OR NOT EXISTS (SELECT 1 FROM records JOIN runs ON runs.dock_id = records.dock_id"
        " WHERE records.record_id = NEW.record_id AND records.kind = NEW.kind"
        " AND runs.run_id = NEW.run_id"
        f" AND runs.state IN ({listed([RunState.IDENTIFIED, RunState.HOLDING])})"
        f" AND records.state IN ({listed([UpdState.RESERVED, UpdState.SENT])}))",
        "held: a record of this dock id, once",
    ),
)
"""Every trigger of the ledger, in no order that matters."""


def lay_down(connection: Connection) -> None:
    """Create every rule; the tables exist."""
    for rule in RULES:
        connection.exec_driver_sql(rule.sql)


def missing(connection: Connection) -> list[str]:
    """Names of rules the file does not have as they are spelled here, sorted."""
    query = text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    found = {row.name: row.sql for row in connection.execute(query)}
    return sorted(rule.name for rule in RULES if found.get(rule.name) != rule.sql)

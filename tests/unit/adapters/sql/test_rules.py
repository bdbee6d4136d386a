"""The database refuses what the code would never do: every rule, by raw SQL, on its own."""

from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from station.adapters.sql.ledger_file import open_ledger
from station.adapters.sql.rules import RULES, Rule
from station.domain import order as order_life
from station.domain import run as run_life
from station.domain import upd as upd_life
from station.domain.order import OrderState
from station.domain.run import RunState, may_close
from station.domain.upd import UpdState
from station.domain.verdict import Verdict
from tests.contract.ledger_cases import (
    ABORTED,
    KIND,
    closing,
    dock,
    opening,
    order,
    provision,
    run_to,
    start,
    stock_up,
)
from tests.fakes.chance import SeededChance
from tests.fakes.clock import FakeClock
from tests.fakes.vault import FakeVault
from tests.unit.adapters.sql.drivers import DRIVER, raw

OPEN_STATES = [state for state in RunState if state is not RunState.CLOSED]
BY_NAME = {rule.name: rule for rule in RULES}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with a run in every place a rule looks at.

    Unit n is on dock n: 1 passed, 2 SENDING, 3 HOLDING, 4 OPEN, 5 WRITING, 6 CONFIRMING, 7 held,
    8 IDENTIFIED; 6 holds no record, 9 is another order's.
    """
    path = tmp_path_factory.mktemp("rules") / "ledger.db"
    with open_ledger(
        path, vault=FakeVault(), clock=FakeClock(), chance=SeededChance(1), origin="example.com"
    ) as file:
        start(file.registry, order(quantity=20))
        file.registry.add_order(order("WO-2", quantity=1))
        stock_up(file.registry)
        provision(file.ledger, "DK7F-1", 1)
        for number, state in [
            (2, RunState.SENDING),
            (3, RunState.HOLDING),
            (4, RunState.OPEN),
            (5, RunState.WRITING),
            (6, RunState.CONFIRMING),
            (8, RunState.IDENTIFIED),
        ]:
            run_to(
                file.ledger,
                state,
                at=opening(f"DK7F-{number}", slot=str(number)),
                on=dock(number),
                kinds=() if number == 6 else (KIND,),
            )
        provision(file.ledger, "DK7F-7", 7, end=closing(Verdict.FAIL, "E-VERIFY-03"), kinds=())
        provision(file.ledger, "DK7F-9", 9, end=ABORTED, reach=RunState.OPEN)
    return path


@pytest.fixture
def database(template: Path, tmp_path: Path) -> Iterator[Any]:
    """A copy of it, open to anybody."""
    path = tmp_path / "ledger.db"
    path.write_bytes(template.read_bytes())
    connection = raw(path)
    yield connection
    connection.close()


def keep_only(database: Any, rules: Iterable[Rule]) -> None:
    for rule in RULES:
        database.execute(f"DROP TRIGGER {rule.name}")
    for rule in rules:
        database.execute(rule.sql)


def refusal(database: Any, statement: str) -> str | None:
    try:
        changed = database.execute(statement).rowcount
    except DRIVER.IntegrityError as error:
        return str(error)
    assert changed > 0, "the statement met no row: the case is wrong"
    return None


# -- arrows: every pair of states ----------------------------------------------------------------

CLOSED_COLUMNS = (
    "verdict='ABORTED', code='E', cause='', checks='[]', seconds='{}', bytes_written=0,"
    " bytes_read=0, closed_at='t', close_leaf=99"
)


@pytest.mark.parametrize(("old", "new"), list(product(RunState, RunState)))
def test_a_run_goes_only_where_the_table_says(database: Any, old: RunState, new: RunState) -> None:
    keep_only(database, [])
    closed = f", {CLOSED_COLUMNS}" if old is RunState.CLOSED else ""
    database.execute(f"UPDATE runs SET state='{old}'{closed} WHERE serial='DK7F-8'")
    database.execute(BY_NAME["runs_arrows"].sql)
    closing_columns = f", {CLOSED_COLUMNS}" if new is RunState.CLOSED else ""
    if old is RunState.CLOSED and new is not old:
        closing_columns = ", " + ", ".join(
            f"{part.split('=')[0].strip()}=NULL" for part in CLOSED_COLUMNS.split(",")
        )
    found = refusal(
        database, f"UPDATE runs SET state='{new}'{closing_columns} WHERE serial='DK7F-8'"
    )

    assert found == (None if new in run_life.NEXT[old] else BY_NAME["runs_arrows"].says)


@pytest.mark.parametrize(("state", "verdict"), list(product(OPEN_STATES, Verdict)))
def test_a_run_is_closed_only_as_its_state_allows(
    database: Any, state: RunState, verdict: Verdict
) -> None:
    keep_only(database, [])
    database.execute(f"UPDATE runs SET state='{state}' WHERE serial='DK7F-8'")
    database.execute(BY_NAME["runs_close"].sql)
    columns = CLOSED_COLUMNS.replace("'ABORTED', code='E'", f"'{verdict}', code=''")
    found = refusal(database, f"UPDATE runs SET state='CLOSED', {columns} WHERE serial='DK7F-8'")

    assert found == (None if may_close(state, verdict) else BY_NAME["runs_close"].says)


HELD_BY_RUN_3 = (
    "dock_id=x'" + "03" * 32 + "', run_id=(SELECT run_id FROM runs WHERE number=1 LIMIT 1)"
)

RECORD_COLUMNS = {
    UpdState.FREE: "dock_id=NULL, run_id=NULL, burn_reason=''",
    UpdState.RESERVED: f"{HELD_BY_RUN_3}, burn_reason=''",
    UpdState.SENT: f"{HELD_BY_RUN_3}, burn_reason=''",
    UpdState.ACTIVE: f"{HELD_BY_RUN_3}, burn_reason=''",
    UpdState.BURNED: f"{HELD_BY_RUN_3}, burn_reason='void'",
}


@pytest.mark.parametrize(("old", "new"), list(product(UpdState, UpdState)))
def test_a_record_goes_only_where_the_table_says(
    database: Any, old: UpdState, new: UpdState
) -> None:
    keep_only(database, [])
    where = "WHERE record_id='T-1:000003'"
    database.execute(f"UPDATE records SET state='{old}', {RECORD_COLUMNS[old]} {where}")
    database.execute(BY_NAME["records_arrows"].sql)
    found = refusal(database, f"UPDATE records SET state='{new}', {RECORD_COLUMNS[new]} {where}")

    assert found == (None if new in upd_life.NEXT[old] else BY_NAME["records_arrows"].says)


@pytest.mark.parametrize(("old", "new"), list(product(OrderState, OrderState)))
def test_an_order_goes_only_where_the_table_says(
    database: Any, old: OrderState, new: OrderState
) -> None:
    keep_only(database, [])
    database.execute(f"UPDATE orders SET state='{old}' WHERE name='WO-2'")
    database.execute(BY_NAME["orders_arrows"].sql)
    found = refusal(database, f"UPDATE orders SET state='{new}' WHERE name='WO-2'")

    assert found == (None if new in order_life.NEXT[old] else BY_NAME["orders_arrows"].says)


# -- every other rule ----------------------------------------------------------------------------


def run_of(number: int) -> str:
    return f"(SELECT run_id FROM runs WHERE serial='DK7F-{number}')"


def octets(number: int) -> str:
    return "x'" + f"{number:02x}" * 32 + "'"


def copied(table: str, where: str, **changes: str) -> str:
    """INSERT of a row like another, some columns changed (spelled in SQL)."""
    columns = COLUMNS[table].split()
    values = ", ".join(changes.get(column, column) for column in columns)
    return (
        f"INSERT OR REPLACE INTO {table} ({', '.join(columns)})"
        f" SELECT {values} FROM {table} WHERE {where}"
    )


COLUMNS = {
    "orders": "position name product quantity bundle_sha256 template_sha256 lot serial_pattern"
    " start_mode retry_limit rehearse state",
    "units": "serial product order_name disposition dock_id",
    "runs": "position run_id serial order_name number owner state slot port operator"
    " bundle_sha256 template_sha256 opened_at open_leaf",
    "lots": "position name kind product content wrapped_key imported_at",
    "records": "position record_id lot kind state fingerprint wrapped_key ciphertext burn_reason",
}

KEPT = [
    "ledger", "leaves", "nodes", "tree", "orders", "units", "runs", "statements", "ncrs",
    "lots", "records", "held", "outbox",
]  # fmt: skip

RUN_6 = "WHERE serial='DK7F-6'"
PASSED_COLUMNS = CLOSED_COLUMNS.replace("'ABORTED', code='E'", "'PASS', code=''")
NEXT_RUN = {"position": "99", "run_id": "'x'", "number": "2", "open_leaf": "98"}
BURN = "state='BURNED', burn_reason='x', dock_id=NULL, run_id=NULL"

REFUSED: dict[str, list[str]] = {
    **{f"{table}_kept": [f"DELETE FROM {table}"] for table in KEPT},
    # append only
    "leaves_unchanged": ["UPDATE leaves SET record=x'00' WHERE idx=0"],
    "nodes_unchanged": ["UPDATE nodes SET hash=zeroblob(32) WHERE level=0 AND idx=0"],
    "statements_unchanged": ["UPDATE statements SET envelope=x'00'"],
    "ncrs_unchanged": ["UPDATE ncrs SET serial='DK7F-1'"],
    "held_unchanged": ["UPDATE held SET record_id='T-1:000009'"],
    "outbox_unchanged": ["UPDATE outbox SET content=x'00' WHERE seq=1"],
    # numbered
    "orders_counted": [copied("orders", "name='WO-2'", position="9", name="'WO-9'")],
    "runs_counted": [copied("runs", "serial='DK7F-4'", **NEXT_RUN)],
    "ncrs_counted": [f"INSERT INTO ncrs VALUES (3, 'DK7F-2', {run_of(2)})"],
    "lots_counted": [copied("lots", "name='T-1'", position="1", name="'T-9'")],
    "records_counted": [
        copied("records", "position=9", record_id="'T-1:9'", fingerprint="zeroblob(32)")
    ],
    "outbox_counted": ["INSERT INTO outbox VALUES (99, zeroblob(32), x'00')"],
    # the file and its log
    "ledger_once": ["INSERT OR REPLACE INTO ledger VALUES (1, 1, 'other', 't')"],
    "ledger_forward": [
        "UPDATE ledger SET schema_version = 0",
        "UPDATE ledger SET origin = 'other'",
    ],
    "leaves_in_order": [
        "INSERT INTO leaves VALUES (999, x'00')",
        "INSERT OR REPLACE INTO leaves VALUES (0, x'00')",
    ],
    "nodes_once": ["INSERT OR REPLACE INTO nodes VALUES (0, 0, zeroblob(32))"],
    "tree_once": ["INSERT OR REPLACE INTO tree VALUES (1, 0, x'00')"],
    "tree_grows": [
        "UPDATE tree SET size = size - 1",
        "UPDATE tree SET size = size + 1",
        "UPDATE tree SET state = x'00'",
    ],
    # orders
    "orders_begin": [
        copied("orders", "name='WO-2'", position="3", name="'WO-3'", state="'RUNNING'"),
        copied("orders", "name='WO-2'", position="3", quantity="9"),
    ],
    "orders_frozen": [
        f"UPDATE orders SET {change} WHERE name='WO-1'"
        for change in (
            "quantity=21",
            "product='X'",
            "lot='X'",
            "name='X'",
            "retry_limit=9",
            "position=9",
            "bundle_sha256=zeroblob(32)",
            "template_sha256=zeroblob(32)",
            "serial_pattern='.*'",
            "start_mode='click'",
            "rehearse=1",
        )
    ],
    # units
    "units_begin": [
        "INSERT INTO units VALUES ('X', '', NULL, 'GOOD', NULL)",
        f"INSERT INTO units VALUES ('X', '', NULL, 'OPEN', {octets(99)})",
        copied("units", "serial='DK7F-7'", disposition="'OPEN'", dock_id="NULL"),
    ],
    "units_frozen": ["UPDATE units SET serial='X' WHERE serial='DK7F-4'"],
    "units_bound_for_ever": [
        f"UPDATE units SET dock_id={octets(99)} WHERE serial='DK7F-1'",
        "UPDATE units SET dock_id=NULL WHERE serial='DK7F-2'",
    ],
    "units_good_by_pass": ["UPDATE units SET disposition='GOOD' WHERE serial='DK7F-2'"],
    # runs
    "runs_begin": [
        copied("runs", "serial='DK7F-4'", **NEXT_RUN),
        copied("runs", "serial='DK7F-9'", **NEXT_RUN | {"number": "3", "state": "'OPEN'"}),
        copied("runs", "serial='DK7F-9'", **NEXT_RUN | {"run_id": "run_id", "state": "'OPEN'"}),
        copied("runs", "serial='DK7F-9'", **NEXT_RUN),
    ],
    "runs_of_open_units": [
        copied("runs", f"serial='{serial}'", state="'OPEN'", **NEXT_RUN)
        for serial in ("DK7F-1", "DK7F-7")
    ],
    "runs_frozen": [
        f"UPDATE runs SET {change} WHERE serial='DK7F-4'"
        for change in (
            "serial='DK7F-9', number=2",
            "order_name='WO-2'",
            "number=2",
            "slot='9'",
            "port='x'",
            "operator='x'",
            "opened_at='x'",
            "open_leaf=98",
            "run_id='x'",
            "owner=1",
            "position=98",
            "bundle_sha256=zeroblob(32)",
            "template_sha256=zeroblob(32)",
        )
    ],
    "runs_closed_for_ever": [
        "UPDATE runs SET verdict='PASS', code='' WHERE serial='DK7F-7'",
        "UPDATE runs SET verdict='FAIL' WHERE serial='DK7F-1'",
    ],
    "runs_identified_once": [
        f"UPDATE runs SET dock_id={octets(99)} WHERE serial='DK7F-8'",
        f"UPDATE runs SET dock_id={octets(99)} WHERE serial='DK7F-2'",
    ],
    "runs_claim_a_free_dock": [
        f"UPDATE runs SET state='IDENTIFIED', identity='', dock_id={octets(1)} WHERE state='OPEN'"
    ],
    "runs_send_what_is_bound": ["UPDATE runs SET state='SENDING' WHERE serial='DK7F-5'"],
    "runs_close": [f"UPDATE runs SET state='CLOSED', {PASSED_COLUMNS} WHERE serial='DK7F-2'"],
    "runs_give_back": [f"UPDATE runs SET state='CLOSED', {CLOSED_COLUMNS} WHERE serial='DK7F-3'"],
    "runs_pass_with_proof": [
        f"UPDATE runs SET state='CLOSED', {PASSED_COLUMNS}, image_sha256=zeroblob(32) {RUN_6}"
    ],
    "statements_once": [f"INSERT OR REPLACE INTO statements VALUES ({run_of(1)}, x'00')"],
    # UPD records
    "lots_once": [copied("lots", "name='T-1'", position="2", content="zeroblob(32)")],
    "lots_frozen": [
        f"UPDATE lots SET {change}"
        for change in (
            "name='X'",
            "kind='X'",
            "product='X'",
            "content=zeroblob(32)",
            "position=9",
            "imported_at='x'",
        )
    ],
    "lots_key_destroyed_only": ["UPDATE lots SET wrapped_key=x'00'"],
    "records_begin": [
        copied("records", "position=1", position="11", state="'FREE'", wrapped_key="x'00'"),
        copied(
            "records",
            "position=9",
            position="11",
            record_id="'X'",
            fingerprint="zeroblob(32)",
            state="'BURNED'",
            burn_reason="'x'",
        ),
    ],
    "records_frozen": [
        f"UPDATE records SET {change} WHERE position=9"
        for change in (
            "record_id='X'",
            "lot='X'",
            "kind='X'",
            "fingerprint=zeroblob(32)",
            "ciphertext=x'00'",
            "position=99",
        )
    ],
    "records_bound_for_ever": [
        f"UPDATE records SET dock_id={octets(99)} WHERE state='SENT'",
        f"UPDATE records SET dock_id={octets(99)} WHERE state='ACTIVE'",
        f"UPDATE records SET dock_id={octets(99)} WHERE record_id='T-1:000003'",
        f"UPDATE records SET {BURN} WHERE state='SENT'",
    ],
    "records_change_hands": [f"UPDATE records SET run_id={run_of(2)} WHERE state='ACTIVE'"],
    "records_reserved_before_writing": [
        f"UPDATE records SET state='RESERVED', dock_id={octets(on)}, run_id={run_of(run)}"
        " WHERE position=9"
        for on, run in ((5, 5), (99, 8))
    ],
    "records_sent_while_writing": [
        "UPDATE records SET state='SENT' WHERE record_id='T-1:000003'",
        f"UPDATE records SET run_id={run_of(5)} WHERE state='SENT'",
    ],
    "records_active_by_pass": ["UPDATE records SET state='ACTIVE' WHERE state='SENT'"],
    "records_key_destroyed_only": ["UPDATE records SET wrapped_key=x'00' WHERE position=9"],
    "held_once": [
        f"INSERT OR REPLACE INTO held VALUES ({run_of(3)}, 'token', 'T-1:000003')",
        f"INSERT INTO held VALUES ({run_of(8)}, 'token', 'T-1:000003')",
        f"INSERT INTO held VALUES ({run_of(6)}, 'token', 'T-1:000009')",
    ],
}

CASES = [(name, statement) for name, statements in REFUSED.items() for statement in statements]


@pytest.mark.parametrize(
    ("name", "statement"), CASES, ids=[f"{name}-{at}" for at, (name, _) in enumerate(CASES)]
)
def test_a_rule_alone_refuses_its_case_and_nothing_else_would(
    database: Any, name: str, statement: str
) -> None:
    keep_only(database, [BY_NAME[name]])

    assert refusal(database, statement) == BY_NAME[name].says


def test_a_pass_beyond_the_quantity_cannot_be_committed(database: Any) -> None:
    keep_only(database, [])
    database.execute("UPDATE orders SET quantity=1")
    database.execute(BY_NAME["runs_within_quantity"].sql)
    found = refusal(
        database, f"UPDATE runs SET state='CLOSED', {PASSED_COLUMNS} WHERE serial='DK7F-6'"
    )

    assert found == BY_NAME["runs_within_quantity"].says


def test_refusals_are_kept_unchanged_and_counted(database: Any) -> None:
    keep_only(database, [rule for rule in RULES if rule.name.startswith("refusals")])
    insert = "INSERT INTO refusals VALUES ({}, 't', 'S', '', '1', '', 'E', '')"
    assert refusal(database, insert.format(1)) is None

    assert refusal(database, insert.format(3)) == BY_NAME["refusals_counted"].says
    assert refusal(database, "DELETE FROM refusals") == BY_NAME["refusals_kept"].says
    changed = refusal(database, "UPDATE refusals SET code='X'")
    assert changed == BY_NAME["refusals_unchanged"].says


def test_every_rule_has_a_case() -> None:
    arrows = {"runs_arrows", "records_arrows", "orders_arrows", "runs_within_quantity"}
    refusals = {"refusals_kept", "refusals_unchanged", "refusals_counted"}

    assert {name for name, _ in CASES} | arrows | refusals == set(BY_NAME)


CONSTRAINED = [
    copied("runs", "serial='DK7F-4'", **NEXT_RUN).replace("OR REPLACE ", ""),
    f"UPDATE records SET state='SENT', dock_id={octets(3)}, run_id={run_of(3)} WHERE position=9",
    f"UPDATE runs SET dock_id={octets(2)} WHERE serial='DK7F-3'",
    f"UPDATE units SET dock_id={octets(1)} WHERE serial='DK7F-2'",
    f"UPDATE records SET dock_id={octets(9)} WHERE position=9",
    "UPDATE records SET wrapped_key=NULL WHERE position=9",
    "UPDATE records SET state='FREE' WHERE position=1",
    "UPDATE records SET burn_reason='x' WHERE position=9",
    "UPDATE records SET state='LOST' WHERE position=9",
    "UPDATE runs SET verdict='PASS' WHERE serial='DK7F-4'",
    "UPDATE runs SET state='SENDING' WHERE serial='DK7F-4'",
    "UPDATE runs SET state='DONE' WHERE serial='DK7F-4'",
    "UPDATE runs SET code='E' WHERE serial='DK7F-1'",
    "UPDATE orders SET quantity=0",
    "UPDATE units SET disposition='FINE'",
    "INSERT INTO outbox VALUES (99, x'00', x'00')",
    "INSERT INTO leaves VALUES (99, 'text')",
]


@pytest.mark.parametrize("statement", CONSTRAINED)
def test_constraints_hold_without_any_trigger(database: Any, statement: str) -> None:
    keep_only(database, [])

    assert refusal(database, statement) is not None

"""What the ledger's tables hold beside what the ports show, and states only a person can make."""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from station.adapters.sql.ledger_file import LedgerFile, open_ledger
from station.adapters.sql.rules import RULES
from station.domain.errors import AlreadyDone, InAnotherSlot, NotInOrder, OnHold, OrderComplete
from station.domain.identity import Serial
from station.domain.run import RunState
from station.domain.upd import UpdState
from station.domain.verdict import Disposition, Verdict
from tests.contract.ledger_cases import (
    ABORTED,
    ERROR,
    FAIL,
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
from tests.unit.adapters.sql.drivers import raw


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def file(path: Path) -> Iterator[LedgerFile]:
    with open_ledger(
        path, vault=FakeVault(), clock=FakeClock(), chance=SeededChance(4), origin="example.com"
    ) as made:
        start(made.registry)
        stock_up(made.registry)
        yield made


def rows(path: Path, query: str) -> list[Any]:
    connection = raw(path)
    found: list[Any] = connection.execute(query).fetchall()
    connection.close()
    return found


def decide(path: Path, disposition: Disposition, serial: str = "DK7F-1") -> None:
    """What quality or a line leader does with a unit."""
    connection = raw(path)
    connection.execute(
        "UPDATE units SET disposition = ? WHERE serial = ?", (disposition.value, serial)
    )
    connection.close()


def test_every_closing_is_queued_for_the_site_with_its_records(
    file: LedgerFile, path: Path
) -> None:
    provision(file.ledger, end=ERROR, reach=RunState.HOLDING)
    failed = provision(file.ledger, end=FAIL)
    passed = provision(file.ledger, "DK7F-2", 2)
    queued = rows(path, "SELECT seq, digest, content FROM outbox ORDER BY seq")
    told = [json.loads(content) for _, _, content in queued]

    assert [seq for seq, _, _ in queued] == [1, 2, 3]
    assert all(digest == sha256(content).digest() for _, digest, content in queued)
    assert [one["verdict"] for one in told] == ["ERROR", "FAIL", "PASS"]
    assert [[record["state"] for record in one["records"]] for one in told] == [
        ["FREE"],
        ["SENT"],
        ["ACTIVE"],
    ]
    assert (told[1]["run"], told[1]["disposition"]) == (failed.run_id, "HOLD")
    assert (told[2]["leaf"], told[2]["dock_id"]) == (passed.leaf, "02" * 32)
    assert told[2]["records"][0]["record"] == "T-1:000002"


def test_refusals_are_recorded(file: LedgerFile, path: Path) -> None:
    provision(file.ledger)
    for at, error in [
        (opening(slot="2"), AlreadyDone),
        (opening("DK7F-2", order="WO-9", operator="0418"), NotInOrder),
    ]:
        with pytest.raises(error):
            file.ledger.open_run(at)
    recorded = rows(path, "SELECT position, serial, order_name, slot, operator, code FROM refusals")

    assert recorded == [
        (1, "DK7F-1", "WO-1", "2", "0417", "E-SCAN-04"),
        (2, "DK7F-2", "WO-9", "1", "0418", "E-SCAN-03"),
    ]
    assert rows(path, "SELECT count(*) FROM units") == [(1,)]


def test_what_the_dock_said_is_kept(file: LedgerFile, path: Path) -> None:
    run_to(file.ledger, RunState.IDENTIFIED, on=dock(1, label="DK7F-1", counter=7))
    ((identity,),) = rows(path, "SELECT identity FROM runs")

    assert json.loads(identity) == {
        "assurance": "D0",
        "counter": 7,
        "hardware": "C",
        "label": "DK7F-1",
        "locked": False,
        "model": "DL-7450",
        "product": "DK-7F",
        "profile": "dl-7450",
        "slot_bytes": 16_000_000,
    }


def test_times_are_text_that_sorts_and_reads(file: LedgerFile, path: Path) -> None:
    provision(file.ledger)

    assert rows(path, "SELECT opened_at, closed_at FROM runs") == [
        ("2026-11-25T08:00:00.000Z", "2026-11-25T08:00:00.000Z")
    ]


def test_a_scrapped_unit_takes_no_run(file: LedgerFile, path: Path) -> None:
    provision(file.ledger, end=ABORTED, reach=RunState.OPEN)
    decide(path, Disposition.SCRAP)

    with pytest.raises(OnHold, match="scrapped"):
        file.ledger.open_run(opening())


def test_a_dock_that_passed_is_refused_until_its_records_are_burned(
    file: LedgerFile, path: Path
) -> None:
    provision(file.ledger)
    decide(path, Disposition.REWORK)
    again = file.ledger.open_run(opening())
    with pytest.raises(AlreadyDone, match="passed before"):
        file.ledger.identify_run(again.run_id, dock())
    connection = raw(path)
    connection.execute("UPDATE records SET state='BURNED', burn_reason='rework' WHERE position=1")
    connection.close()
    file.ledger.identify_run(again.run_id, dock())
    (held,) = file.ledger.hold_records(again.run_id, [KIND])

    assert held.record_id == "T-1:000002"


def test_a_unit_in_rework_stays_there_until_it_is_decided(file: LedgerFile, path: Path) -> None:
    provision(file.ledger, end=closing(Verdict.FAIL, "E-VERIFY-03"))
    decide(path, Disposition.REWORK)
    aborted = provision(file.ledger, end=ABORTED)
    assert aborted.disposition is Disposition.REWORK
    _, counts = file.registry.order("WO-1")
    assert (counts.open, counts.hold) == (1, 0)

    assert provision(file.ledger).disposition is Disposition.GOOD
    assert file.registry.unit(Serial("DK7F-1")).ncr == "NCR-0001"
    assert file.registry.stock()[UpdState.ACTIVE] == 1


def test_a_reworked_units_second_pass_does_not_over_run_its_order(
    file: LedgerFile, path: Path
) -> None:
    start(file.registry, order("WO-2", quantity=2, lot=""))
    provision(file.ledger, order="WO-2", kinds=())
    decide(path, Disposition.REWORK)
    provision(file.ledger, order="WO-2", kinds=())
    provision(file.ledger, "DK7F-2", 2, order="WO-2", kinds=())

    assert file.registry.order("WO-2")[1].good == 2


def test_a_pass_that_would_over_run_is_refused_at_its_close_too(
    file: LedgerFile, path: Path
) -> None:
    course = run_to(file.ledger, RunState.CONFIRMING)
    provision(file.ledger, "DK7F-2", 2)
    (frozen,) = [rule for rule in RULES if rule.name == "orders_frozen"]
    connection = raw(path)
    connection.execute(f"DROP TRIGGER {frozen.name}")
    connection.execute("UPDATE orders SET quantity = 1")
    connection.execute(frozen.sql)
    connection.close()
    with pytest.raises(OrderComplete):
        file.ledger.close_run(course.run.run_id, closing())

    assert file.registry.stock()[UpdState.SENT] == 1
    over = closing(Verdict.ERROR, OrderComplete.code)
    assert file.ledger.close_run(course.run.run_id, over).verdict is Verdict.ERROR


def test_a_run_past_holding_holds_nothing_new(file: LedgerFile) -> None:
    course = run_to(file.ledger, RunState.WRITING)

    with pytest.raises(ValueError, match="holds no new records"):
        file.ledger.hold_records(course.run.run_id, [KIND])


def test_a_repeated_run_id_is_drawn_again(file: LedgerFile, path: Path) -> None:
    first = file.ledger.open_run(opening())
    file.close()
    # The same seed draws the same octets again, as a restored machine might.
    with open_ledger(
        path, vault=None, clock=FakeClock(), chance=SeededChance(4), origin="example.com"
    ) as again:
        second = again.ledger.open_run(opening("DK7F-2"))
        with pytest.raises(InAnotherSlot):
            again.ledger.open_run(opening())

    assert first.run_id != second.run_id

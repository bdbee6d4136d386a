"""The ledger and registry ports, as every implementation keeps them. Today: SQLite."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from itertools import product
from pathlib import Path

import pytest

from station.adapters.sql.ledger_file import LedgerFile, open_ledger
from station.application.ports import Ledger, Registry, RunClosing
from station.domain.errors import (
    AlreadyDone,
    DocumentRefused,
    Duplicate,
    InAnotherSlot,
    KeyRefused,
    LabelMismatch,
    LedgerRefused,
    NotInOrder,
    NoTokens,
    OnHold,
    OrderComplete,
    OrderNotRunnable,
)
from station.domain.identity import DockId, Serial
from station.domain.kept_rehearsal import KeptRehearsal
from station.domain.log_record import LogRecord, RecordType
from station.domain.merkle import leaf_hash, proves_inclusion
from station.domain.order import OrderState
from station.domain.rehearsal import Finding, FindingKind
from station.domain.run import NEXT, RunState
from station.domain.secret import Secret
from station.domain.upd import UpdState
from station.domain.verdict import FREE_RETRY, NO_RETRY, Check, CheckName, Disposition, Verdict
from tests.contract.ledger_cases import (
    ABORTED,
    ERROR,
    FAIL,
    KIND,
    LOT,
    PASS_CHECKS,
    PRODUCT,
    WAY,
    closing,
    dock,
    envelope,
    later,
    opening,
    order,
    provision,
    run_to,
    start,
    stock_up,
    text_of,
    tokens,
)
from tests.fakes.chance import SeededChance
from tests.fakes.clock import START_AT, FakeClock
from tests.fakes.vault import FakeVault

ORIGIN = "example.com/plant/station-1"
SERIAL = Serial("DK7F-1")


@dataclass
class Bench:
    """One implementation under test, and how to take its program away from it."""

    path: Path
    vault: FakeVault
    clock: FakeClock
    file: LedgerFile

    @property
    def ledger(self) -> Ledger:
        return self.file.ledger

    @property
    def registry(self) -> Registry:
        return self.file.registry

    def restart(self, *, vault: bool = True) -> None:
        self.file.close()
        self.file = opened(self.path, self.vault if vault else None, self.clock)

    def stock(self, lot: str | None = LOT) -> dict[str, int]:
        return {state.value: count for state, count in self.registry.stock(lot).items() if count}


def opened(path: Path, vault: FakeVault | None, clock: FakeClock) -> LedgerFile:
    return open_ledger(path, vault=vault, clock=clock, chance=SeededChance(7), origin=ORIGIN)


@pytest.fixture(params=["sqlite"])
def bench(tmp_path: Path) -> Iterator[Bench]:
    vault, clock = FakeVault(), FakeClock()
    path = tmp_path / "ledger.db"
    made = Bench(path, vault, clock, opened(path, vault, clock))
    start(made.registry)
    stock_up(made.registry)
    yield made
    made.file.examine()
    made.file.close()


# -- one run -------------------------------------------------------------------------------------


def test_a_waived_check_is_kept_as_one(bench: Bench) -> None:
    waived = Check(CheckName.DOCK_ANSWERS, "not made: it cannot answer", waived=True)
    checks = tuple(waived if one.name is waived.name else one for one in PASS_CHECKS)
    course = run_to(bench.ledger, RunState.CONFIRMING)
    closed = bench.ledger.close_run(course.run.run_id, closing(checks=checks))
    (row,) = bench.registry.unit(SERIAL).runs

    assert closed.verdict is Verdict.PASS
    assert row.checks == checks
    assert [check.name for check in row.checks if check.waived] == [CheckName.DOCK_ANSWERS]


def test_a_run_that_passes_leaves_everything_behind(bench: Bench) -> None:
    course = run_to(bench.ledger, RunState.CONFIRMING)
    end = closing()
    closed = bench.ledger.close_run(course.run.run_id, end)
    unit = bench.registry.unit(SERIAL)
    (row,) = unit.runs

    assert (closed.verdict, closed.disposition) == (Verdict.PASS, Disposition.GOOD)
    assert (unit.serial, unit.product, unit.disposition) == ("DK7F-1", PRODUCT, Disposition.GOOD)
    assert (unit.dock_id, unit.ncr) == (dock().dock_id.octets, "")
    (held,) = course.held
    assert unit.records == ((held.record_id, KIND, UpdState.ACTIVE, held.fingerprint),)
    assert (row.run_id, row.number, row.state) == (course.run.run_id, 1, RunState.CLOSED)
    assert (row.serial, row.order, row.slot) == ("DK7F-1", "WO-1", "1")
    assert (row.port, row.operator) == ("/dev/ttyACM0", "0417")
    assert (row.verdict, row.code, row.cause) == (end.verdict, "", "")
    assert (row.checks, dict(row.seconds)) == (PASS_CHECKS, dict(end.seconds))
    assert (row.bundle_sha256, row.template_sha256) == (
        opening().bundle_sha256,
        opening().template_sha256,
    )
    assert (row.image_sha256, row.envelope) == (end.image_sha256, end.envelope)
    assert (row.bytes_written, row.bytes_read) == (end.bytes_written, end.bytes_read)
    assert (row.opened_at, row.closed_at) == (START_AT, START_AT)
    assert (row.dock_id, row.open_leaf, row.close_leaf) == (dock().dock_id.octets, 0, 1)
    assert bench.stock() == {"FREE": 9, "ACTIVE": 1}


def test_an_open_run_is_seen_as_it_is(bench: Bench) -> None:
    course = run_to(bench.ledger, RunState.OPEN)
    (row,) = bench.registry.unit(SERIAL).runs

    assert course.run.number == 1
    assert course.run.earlier_runs == ()
    assert (row.state, row.verdict, row.closed_at, row.close_leaf) == (
        RunState.OPEN,
        None,
        None,
        None,
    )
    assert (row.dock_id, row.image_sha256, row.envelope) == (b"", b"", b"")


def test_runs_of_a_unit_are_numbered_and_know_the_earlier_ones(bench: Bench) -> None:
    first = provision(bench.ledger, end=ABORTED, reach=RunState.OPEN)
    second = provision(bench.ledger, end=ABORTED, reach=RunState.OPEN)
    third = bench.ledger.open_run(opening())

    assert third.number == 3
    assert third.earlier_runs == (first.run_id, second.run_id)
    assert [run.number for run in bench.registry.unit(SERIAL).runs] == [1, 2, 3]


def test_held_values_are_the_imported_ones(bench: Bench) -> None:
    course = run_to(bench.ledger, RunState.HOLDING)
    (held,) = course.held

    assert (held.record_id, held.kind, held.state) == ("T-1:000001", KIND, UpdState.RESERVED)
    assert {name: text_of(value) for name, value in held.values.items()} == {
        "enrol_token": "token-0000"
    }
    assert "token-0000" not in repr(held)


@pytest.mark.parametrize(
    ("reach", "kept"),
    [
        (RunState.OPEN, "FREE"),
        (RunState.IDENTIFIED, "FREE"),
        (RunState.HOLDING, "FREE"),
        (RunState.WRITING, "FREE"),
        (RunState.SENDING, "SENT"),
        (RunState.READING, "SENT"),
        (RunState.CONFIRMING, "SENT"),
    ],
)
@pytest.mark.parametrize("end", [FAIL, ERROR, ABORTED], ids=lambda end: end.verdict)
def test_without_a_pass_what_was_not_sent_is_free_again_and_what_was_sent_stays(
    bench: Bench, reach: RunState, kept: str, end: RunClosing
) -> None:
    provision(bench.ledger, end=end, reach=reach)

    assert bench.stock() == ({"FREE": 10} if kept == "FREE" else {"FREE": 9, "SENT": 1})
    unit = bench.registry.unit(SERIAL)
    assert bool(unit.dock_id) == bool(unit.records) == (kept == "SENT")


def test_a_retry_on_the_same_dock_reuses_what_was_sent(bench: Bench) -> None:
    provision(bench.ledger, end=ERROR, reach=RunState.SENDING)
    again = run_to(bench.ledger, RunState.CONFIRMING)
    (held,) = again.held

    assert (held.record_id, held.state) == ("T-1:000001", UpdState.SENT)
    assert text_of(held.values["enrol_token"]) == "token-0000"
    assert bench.stock() == {"FREE": 9, "SENT": 1}
    bench.ledger.close_run(again.run.run_id, closing())
    assert bench.stock() == {"FREE": 9, "ACTIVE": 1}


def test_a_retry_that_ends_before_sending_leaves_the_earlier_binding(bench: Bench) -> None:
    provision(bench.ledger, end=ERROR, reach=RunState.SENDING)
    provision(bench.ledger, end=ABORTED, reach=RunState.WRITING)

    assert bench.stock() == {"FREE": 9, "SENT": 1}


def test_another_dock_never_gets_what_was_sent(bench: Bench) -> None:
    provision(bench.ledger, end=ERROR, reach=RunState.SENDING)
    other = run_to(bench.ledger, RunState.HOLDING, at=opening("DK7F-2"), on=dock(2))

    assert other.held[0].record_id == "T-1:000002"


def test_a_template_without_lot_kinds_needs_no_record_and_no_key(bench: Bench) -> None:
    bench.restart(vault=False)
    closed = provision(bench.ledger, kinds=())

    assert closed.verdict is Verdict.PASS
    assert bench.registry.unit(SERIAL).dock_id == dock().dock_id.octets
    assert bench.stock() == {"FREE": 10}


def test_holding_twice_gives_the_same_records(bench: Bench) -> None:
    course = run_to(bench.ledger, RunState.HOLDING)
    again = bench.ledger.hold_records(course.run.run_id, [KIND])

    assert [held.record_id for held in again] == [held.record_id for held in course.held]
    assert bench.stock() == {"FREE": 9, "RESERVED": 1}


def test_kinds_come_in_the_order_asked_each_from_its_own_lot(bench: Bench) -> None:
    certificate = [{"pem": Secret.from_text("pem-1"), "key": Secret.from_text("")}]
    bench.registry.import_lot("C-1", "certificate", PRODUCT, certificate)
    course = run_to(bench.ledger, RunState.HOLDING, kinds=["certificate", KIND])
    first, second = course.held

    assert (first.record_id, second.record_id) == ("C-1:000001", "T-1:000001")
    assert {name: text_of(value) for name, value in first.values.items()} == {
        "key": "",
        "pem": "pem-1",
    }


def test_a_run_does_not_hold_two_records_of_a_kind(bench: Bench) -> None:
    course = run_to(bench.ledger, RunState.IDENTIFIED)

    with pytest.raises(ValueError, match="one record"):
        bench.ledger.hold_records(course.run.run_id, [KIND, KIND])


def test_when_the_stock_is_out_nothing_is_taken(bench: Bench) -> None:
    bench.registry.import_lot("C-1", "certificate", PRODUCT, [{"pem": Secret(b"1")}])
    provision(bench.ledger, kinds=["certificate"])
    course = run_to(bench.ledger, RunState.IDENTIFIED, at=opening("DK7F-2"), on=dock(2), kinds=())
    with pytest.raises(NoTokens, match="certificate"):
        bench.ledger.hold_records(course.run.run_id, [KIND, "certificate"])

    assert bench.stock() == {"FREE": 10}
    assert bench.registry.unit(Serial("DK7F-2")).runs[0].state is RunState.IDENTIFIED


def test_a_lot_of_another_product_or_another_order_is_not_touched(bench: Bench) -> None:
    bench.registry.import_lot("X-1", KIND, "DK-5", tokens(100, 1))
    start(bench.registry, order("WO-5", product="DK-5", serial_pattern="DK5-.*", lot=LOT))
    start(bench.registry, order("WO-6", lot="T-6", serial_pattern="DK7F-6"))
    for serial, name in [("DK5-1", "WO-5"), ("DK7F-6", "WO-6")]:
        course = run_to(
            bench.ledger,
            RunState.IDENTIFIED,
            at=opening(serial, order=name, slot=name),
            on=dock(len(serial)),
        )
        with pytest.raises(NoTokens, match="lot T-"):
            bench.ledger.hold_records(course.run.run_id, [KIND])

    assert bench.stock(None) == {"FREE": 11}


def test_outside_any_order_records_come_from_the_oldest_lot_of_the_docks_product(
    bench: Bench,
) -> None:
    bench.registry.import_lot("X-0", KIND, "DK-5", tokens(100, 1))
    stock_up(bench.registry, lot="T-2", start=200)
    course = run_to(bench.ledger, RunState.HOLDING, at=opening("A1", order=""))
    unit = bench.registry.unit(Serial("A1"))

    assert course.held[0].record_id == "T-1:000001"
    assert (unit.product, unit.runs[0].order) == (PRODUCT, "")
    assert [one.serial for one in bench.registry.units("")] == ["A1"]


def test_a_locked_vault_refuses_before_anything_is_taken(bench: Bench) -> None:
    bench.restart(vault=False)
    course = run_to(bench.ledger, RunState.IDENTIFIED)
    with pytest.raises(KeyRefused):
        bench.ledger.hold_records(course.run.run_id, [KIND])
    with pytest.raises(KeyRefused):
        bench.registry.import_lot("T-2", KIND, PRODUCT, tokens(50, 1))

    assert bench.stock(None) == {"FREE": 10}


def test_a_vault_that_locks_itself_in_between_leaves_nothing_taken(bench: Bench) -> None:
    course = run_to(bench.ledger, RunState.IDENTIFIED)
    bench.vault.locked = True
    with pytest.raises(KeyRefused):
        bench.ledger.hold_records(course.run.run_id, [KIND])
    bench.vault.locked = False

    assert bench.stock() == {"FREE": 10}


# -- states --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("old", "new"), list(product(RunState, RunState)))
def test_a_run_enters_only_what_follows_its_state(
    bench: Bench, old: RunState, new: RunState
) -> None:
    reach = {RunState.LOCKING: RunState.SENDING, RunState.CLOSED: RunState.OPEN}.get(old, old)
    course = run_to(bench.ledger, reach)
    run_id = course.run.run_id
    if old is RunState.LOCKING:
        bench.ledger.enter(run_id, old)
    if old is RunState.CLOSED:
        bench.ledger.close_run(run_id, ABORTED)
    by_itself = new in {*WAY, RunState.LOCKING}

    if by_itself and new in NEXT[old]:
        bench.ledger.enter(run_id, new)
        assert bench.registry.unit(SERIAL).runs[0].state is new
    else:
        with pytest.raises((ValueError, LedgerRefused)):
            bench.ledger.enter(run_id, new)
        assert bench.registry.unit(SERIAL).runs[0].state is old


@pytest.mark.parametrize("reach", [state for state in RunState if state is not RunState.CLOSED])
def test_a_pass_is_recorded_from_confirming_only(bench: Bench, reach: RunState) -> None:
    course = run_to(bench.ledger, RunState.SENDING if reach is RunState.LOCKING else reach)
    if reach is RunState.LOCKING:
        bench.ledger.enter(course.run.run_id, reach)
    if reach is RunState.CONFIRMING:
        assert bench.ledger.close_run(course.run.run_id, closing()).verdict is Verdict.PASS
        return
    with pytest.raises(ValueError, match="not closed with PASS"):
        bench.ledger.close_run(course.run.run_id, closing())

    assert bench.registry.unit(SERIAL).runs[0].state is reach


@pytest.mark.parametrize(
    "end",
    [
        closing(envelope=b""),
        closing(image_sha256=b""),
        closing(code="E-LINK-02"),
        closing(checks=PASS_CHECKS[:-1]),
        closing(checks=(*PASS_CHECKS, Check(CheckName.BLOCKS, "differs", "E-VERIFY-02"))),
    ],
)
def test_a_pass_without_its_evidence_is_refused(bench: Bench, end: RunClosing) -> None:
    course = run_to(bench.ledger, RunState.CONFIRMING)
    with pytest.raises(ValueError, match="a PASS has"):
        bench.ledger.close_run(course.run.run_id, end)

    assert bench.registry.unit(SERIAL).runs[0].state is RunState.CONFIRMING


@pytest.mark.parametrize("level", ["D1", "D2"])
def test_a_dock_that_claims_a_key_takes_no_pass_without_both_proofs(
    bench: Bench, level: str
) -> None:
    course = run_to(bench.ledger, RunState.CONFIRMING, on=dock(assurance=level))
    once, again = (
        Check(name, "D1: it knows the key") for name in (CheckName.PROVED, CheckName.PROVED_AGAIN)
    )
    for proofs in ((), (once,), (again,)):
        with pytest.raises(ValueError, match="every required check"):
            bench.ledger.close_run(course.run.run_id, closing(checks=(*proofs, *PASS_CHECKS)))
    passed = closing(checks=(once, again, *PASS_CHECKS))

    assert bench.ledger.close_run(course.run.run_id, passed).verdict is Verdict.PASS


def test_an_order_that_wants_a_first_boot_takes_no_pass_without_one(bench: Bench) -> None:
    start(bench.registry, order("WO-2", rehearse=True))
    course = run_to(bench.ledger, RunState.CONFIRMING, at=opening(order="WO-2"))
    failed = Check(CheckName.REHEARSED, "ValueError", "E-VERIFY-04")
    for checks in (PASS_CHECKS, (*PASS_CHECKS, failed)):
        with pytest.raises(ValueError, match="every required check"):
            bench.ledger.close_run(course.run.run_id, closing(checks=checks))
    passed = closing(checks=(*PASS_CHECKS, Check(CheckName.REHEARSED, "it came up")))

    assert bench.ledger.close_run(course.run.run_id, passed).verdict is Verdict.PASS


def test_a_first_boot_that_nobody_asked_for_is_no_hindrance(bench: Bench) -> None:
    course = run_to(bench.ledger, RunState.CONFIRMING)
    more = closing(checks=(*PASS_CHECKS, Check(CheckName.REHEARSED, "it came up")))

    assert bench.ledger.close_run(course.run.run_id, more).verdict is Verdict.PASS


def test_what_is_kept_of_a_first_boot_is_told_again(bench: Bench) -> None:
    kept = KeptRehearsal(
        scenario="desk",
        ran_ms=60_000,
        text=("Willkommen, „Gast“", "zwei\nZeilen"),
        findings=(Finding(FindingKind.BACKGROUND, "640x480"),),
        error="ValueError: ü",
        picture_sha256=bytes(range(32)),
    )
    for number, rehearsal in enumerate([kept, replace(kept, picture_sha256=None), None], start=1):
        provision(bench.ledger, f"DK7F-{number}", number, end=replace(FAIL, rehearsal=rehearsal))

        (row,) = bench.registry.unit(Serial(f"DK7F-{number}")).runs
        assert row.rehearsal == rehearsal


def test_an_envelope_that_is_none_changes_nothing(bench: Bench) -> None:
    course = run_to(bench.ledger, RunState.CONFIRMING)
    with pytest.raises(DocumentRefused):
        bench.ledger.close_run(course.run.run_id, closing(envelope=b"{}"))

    assert bench.stock() == {"FREE": 9, "SENT": 1}
    assert bench.registry.unit(SERIAL).runs[0].state is RunState.CONFIRMING


def test_asking_again_how_a_run_was_closed_gives_the_recorded_end(bench: Bench) -> None:
    course = run_to(bench.ledger, RunState.CONFIRMING)
    closed = bench.ledger.close_run(course.run.run_id, closing())

    assert bench.ledger.close_run(course.run.run_id, closing()) == closed
    for other in (FAIL, closing(envelope=envelope("{1}"))):
        with pytest.raises(LedgerRefused, match="already closed as PASS"):
            bench.ledger.close_run(course.run.run_id, other)
    with pytest.raises(LedgerRefused, match="was closed"):
        bench.ledger.enter(course.run.run_id, RunState.WRITING)


def test_an_unknown_run_is_refused(bench: Bench) -> None:
    with pytest.raises(LedgerRefused, match="no run"):
        bench.ledger.enter("00", RunState.WRITING)


# -- refusals ------------------------------------------------------------------------------------


def test_a_serial_or_dock_in_another_slot_is_refused(bench: Bench) -> None:
    run_to(bench.ledger, RunState.IDENTIFIED)
    with pytest.raises(InAnotherSlot, match="slot 1"):
        bench.ledger.open_run(opening(slot="2"))
    other = bench.ledger.open_run(opening("DK7F-2", slot="2"))
    with pytest.raises(InAnotherSlot, match="slot 1"):
        bench.ledger.identify_run(other.run_id, dock())

    assert bench.ledger.close_run(other.run_id, ABORTED).verdict is Verdict.ABORTED
    assert len(bench.registry.unit(SERIAL).runs) == 1


def test_the_claim_on_a_dock_ends_with_its_run(bench: Bench) -> None:
    provision(bench.ledger, end=ABORTED, reach=RunState.HOLDING)
    other = bench.ledger.open_run(opening("DK7F-2"))

    bench.ledger.identify_run(other.run_id, dock())


def test_a_finished_unit_takes_no_run(bench: Bench) -> None:
    provision(bench.ledger)
    with pytest.raises(AlreadyDone, match="slot 1"):
        bench.ledger.open_run(opening())

    assert len(bench.registry.unit(SERIAL).runs) == 1


@pytest.mark.parametrize("end", [None, FAIL], ids=["passed", "failed"])
def test_a_dock_made_as_another_serial_is_a_mismatch(bench: Bench, end: RunClosing | None) -> None:
    provision(bench.ledger, end=end)
    other = bench.ledger.open_run(opening("DK7F-2"))

    with pytest.raises(LabelMismatch, match="was made as DK7F-1"):
        bench.ledger.identify_run(other.run_id, dock())


def test_a_unit_made_on_another_dock_is_a_mismatch(bench: Bench) -> None:
    provision(bench.ledger, end=ABORTED, reach=RunState.SENDING)
    again = bench.ledger.open_run(opening())

    with pytest.raises(LabelMismatch, match="another dock"):
        bench.ledger.identify_run(again.run_id, dock(2))


def test_orders_refuse_what_is_not_theirs(bench: Bench) -> None:
    bench.registry.add_order(order("WO-2"))
    start(bench.registry, order("WO-3", product="DK-5"))
    provision(bench.ledger, end=ABORTED, reach=RunState.OPEN)
    for at, error in [
        (opening(order="WO-0"), NotInOrder),
        (opening("DK5-1"), NotInOrder),
        (opening("DK7F-1x"), NotInOrder),
        (opening(order="WO-2"), OrderNotRunnable),
        (opening(order="WO-3"), NotInOrder),
    ]:
        with pytest.raises(error):
            bench.ledger.open_run(at)

    assert len(bench.registry.unit(SERIAL).runs) == 1
    with pytest.raises(NotInOrder):
        bench.registry.unit(Serial("DK7F-1x"))


def test_an_order_is_never_over_run_not_even_by_slots_at_work(bench: Bench) -> None:
    start(bench.registry, order("WO-2", quantity=2))
    one = run_to(bench.ledger, RunState.CONFIRMING, at=opening("DK7F-1", order="WO-2"))
    two = run_to(
        bench.ledger, RunState.HOLDING, at=opening("DK7F-2", order="WO-2", slot="2"), on=dock(2)
    )
    with pytest.raises(OrderComplete, match="open slots"):
        bench.ledger.open_run(opening("DK7F-3", order="WO-2", slot="3"))
    bench.ledger.close_run(two.run.run_id, ABORTED)
    bench.ledger.close_run(one.run.run_id, closing())
    provision(bench.ledger, "DK7F-3", 3, order="WO-2")
    with pytest.raises(OrderComplete):
        bench.ledger.open_run(opening("DK7F-4", order="WO-2"))

    done, counts = bench.registry.order("WO-2")
    assert done.state is OrderState.COMPLETE
    assert (counts.good, counts.open) == (2, 1)


# -- dispositions --------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [FAIL, ERROR], ids=lambda end: end.verdict)
@pytest.mark.parametrize("second", [FAIL, ERROR], ids=lambda end: end.verdict)
def test_fail_and_error_share_the_retry_limit_and_then_the_unit_is_held(
    bench: Bench, first: RunClosing, second: RunClosing
) -> None:
    assert provision(bench.ledger, end=first).disposition is Disposition.OPEN
    assert provision(bench.ledger, end=second).disposition is Disposition.HOLD
    with pytest.raises(OnHold, match="NCR-0001"):
        bench.ledger.open_run(opening())

    assert bench.registry.unit(SERIAL).ncr == "NCR-0001"
    assert bench.stock() == {"FREE": 9, "SENT": 1}


@pytest.mark.parametrize("code", sorted(FREE_RETRY))
def test_troubles_of_cable_and_station_spend_no_try(bench: Bench, code: str) -> None:
    for _ in range(3):
        ended = provision(bench.ledger, end=closing(Verdict.ERROR, code), reach=RunState.OPEN)
        assert ended.disposition is Disposition.OPEN
    provision(bench.ledger, end=ABORTED, reach=RunState.OPEN)

    assert provision(bench.ledger, end=FAIL).disposition is Disposition.OPEN
    assert provision(bench.ledger).disposition is Disposition.GOOD


@pytest.mark.parametrize("code", sorted(NO_RETRY))
def test_findings_of_identity_and_trust_hold_at_once(bench: Bench, code: str) -> None:
    ended = provision(bench.ledger, end=closing(Verdict.FAIL, code), reach=RunState.READING)

    assert ended.disposition is Disposition.HOLD


def test_ncrs_are_numbered_one_after_the_other(bench: Bench) -> None:
    for number in range(1, 4):
        serial = f"DK7F-{number}"
        provision(bench.ledger, serial, number, end=closing(Verdict.FAIL, "E-VERIFY-03"))

    ncrs = [unit.ncr for unit in bench.registry.units("WO-1")]
    assert ncrs == ["NCR-0001", "NCR-0002", "NCR-0003"]


def test_the_orders_retry_limit_counts(bench: Bench) -> None:
    start(bench.registry, order("WO-2", retry_limit=0))

    assert provision(bench.ledger, end=FAIL, order="WO-2").disposition is Disposition.HOLD


def test_outside_an_order_one_retry_is_allowed(bench: Bench) -> None:
    ends = [provision(bench.ledger, end=FAIL, order="").disposition for _ in range(2)]

    assert ends == [Disposition.OPEN, Disposition.HOLD]


# -- a crash -------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [state for state in RunState if state is not RunState.CLOSED])
def test_a_restart_closes_what_it_finds_open_as_aborted(bench: Bench, state: RunState) -> None:
    course = run_to(bench.ledger, RunState.SENDING if state is RunState.LOCKING else state)
    if state is RunState.LOCKING:
        bench.ledger.enter(course.run.run_id, state)
    bench.restart(vault=False)
    (found,) = bench.ledger.close_found_open(at=START_AT + timedelta(minutes=5))

    sent = state in {RunState.SENDING, RunState.LOCKING, RunState.READING, RunState.CONFIRMING}
    assert (found.run_id, found.state) == (course.run.run_id, RunState.CLOSED)
    assert (found.verdict, found.code, found.envelope) == (Verdict.ABORTED, "E-STOP-01", b"")
    assert found.closed_at == START_AT + timedelta(minutes=5)
    assert bench.stock() == ({"FREE": 9, "SENT": 1} if sent else {"FREE": 10})
    assert bench.registry.unit(SERIAL).disposition is Disposition.OPEN
    assert bench.ledger.close_found_open(at=START_AT) == ()


def test_a_restart_finds_a_closed_run_as_it_was_recorded(bench: Bench) -> None:
    closed = provision(bench.ledger)
    bench.restart()

    assert bench.ledger.close_found_open(at=START_AT) == ()
    (row,) = bench.registry.unit(SERIAL).runs
    assert (row.run_id, row.verdict) == (closed.run_id, Verdict.PASS)


def test_a_running_lane_does_not_lose_its_run_to_a_late_look(bench: Bench) -> None:
    course = run_to(bench.ledger, RunState.CONFIRMING)

    assert bench.ledger.close_found_open(at=START_AT) == ()
    assert bench.ledger.close_run(course.run.run_id, closing()).verdict is Verdict.PASS


# -- orders and lots -----------------------------------------------------------------------------


def test_orders_are_listed_newest_first_and_kept_whole(bench: Bench) -> None:
    two = order("WO-2", quantity=500, lot="", retry_limit=3, rehearse=True)
    bench.registry.add_order(two)

    first, second = bench.registry.orders()
    assert (first, second.name, second.state) == (two, "WO-1", OrderState.RUNNING)
    assert (first.rehearse, second.rehearse) == (True, False)


def test_an_order_is_recorded_and_started_once(bench: Bench) -> None:
    with pytest.raises(Duplicate):
        bench.registry.add_order(order(quantity=11))
    with pytest.raises(OrderNotRunnable):
        bench.registry.start_order("WO-1")
    with pytest.raises(NotInOrder):
        bench.registry.start_order("WO-9")
    with pytest.raises(NotInOrder):
        bench.registry.order("WO-9")
    with pytest.raises(ValueError, match="PLANNED"):
        bench.registry.add_order(order("WO-9", state=OrderState.RUNNING))

    assert bench.registry.order("WO-1")[0].quantity == 10


def test_an_order_counts_units_by_disposition_and_first_pass(bench: Bench) -> None:
    provision(bench.ledger, "DK7F-1", 1)
    provision(bench.ledger, "DK7F-2", 2, end=FAIL)
    provision(bench.ledger, "DK7F-2", 2)
    provision(bench.ledger, "DK7F-3", 3, end=closing(Verdict.FAIL, "E-VERIFY-03"))
    provision(bench.ledger, "DK7F-4", 4, end=ERROR)
    provision(bench.ledger, "DK7F-4", 4)
    provision(bench.ledger, "DK7F-5", 5, end=ERROR)
    _, counts = bench.registry.order("WO-1")

    assert (counts.good, counts.hold, counts.open, counts.scrap) == (3, 1, 1, 0)
    assert (counts.first_pass, counts.judged) == (2, 4)
    serials = [unit.serial for unit in bench.registry.units("WO-1")]
    assert serials == [f"DK7F-{number}" for number in range(1, 6)]
    assert bench.registry.units("WO-9") == ()


def test_the_same_import_again_changes_nothing(bench: Bench) -> None:
    assert bench.registry.import_lot(LOT, KIND, PRODUCT, tokens(0, 10)) == 0
    bench.restart()

    assert bench.registry.import_lot(LOT, KIND, PRODUCT, tokens(0, 10)) == 0
    assert bench.stock() == {"FREE": 10}


@pytest.mark.parametrize(
    ("lot", "kind", "made_for", "records", "cause"),
    [
        (LOT, KIND, PRODUCT, tokens(0, 9), "other content"),
        (LOT, KIND, "DK-5", tokens(0, 10), "other content"),
        (LOT, "certificate", PRODUCT, tokens(0, 10), "other content"),
        (LOT, KIND, PRODUCT, [*reversed(tokens(0, 10))], "other content"),
        ("T-2", KIND, PRODUCT, [*tokens(50, 1), *tokens(3, 1)], "record 2 .* as T-1:000004"),
        ("T-2", "certificate", "DK-5", tokens(3, 1), "as T-1:000004"),
        ("T-2", KIND, PRODUCT, [*tokens(50, 2), *tokens(50, 1)], "records 1 and 3"),
    ],
)
def test_what_is_already_known_is_not_imported(
    bench: Bench,
    lot: str,
    kind: str,
    made_for: str,
    records: list[dict[str, Secret]],
    cause: str,
) -> None:
    with pytest.raises(Duplicate, match=cause) as refused:
        bench.registry.import_lot(lot, kind, made_for, records)

    assert "token-" not in str(refused.value)
    assert bench.stock(None) == {"FREE": 10}
    assert [one[:3] for one in bench.registry.lots()] == [(LOT, KIND, PRODUCT)]


@pytest.mark.parametrize(
    ("lot", "kind", "records"),
    [("", KIND, tokens(50, 1)), ("T-2", "", tokens(50, 1)), ("T-2", KIND, []), ("T-2", KIND, [{}])],
)
def test_a_lot_without_name_kind_or_content_is_refused(
    bench: Bench, lot: str, kind: str, records: list[dict[str, Secret]]
) -> None:
    with pytest.raises(ValueError, match=r"a lot has|a record has"):
        bench.registry.import_lot(lot, kind, PRODUCT, records)

    assert bench.stock(None) == {"FREE": 10}


def test_stock_is_told_by_lot_and_in_all_with_every_state(bench: Bench) -> None:
    stock_up(bench.registry, lot="T-2", start=100, count=3)
    provision(bench.ledger)

    assert set(bench.registry.stock("T-2")) == set(UpdState)
    assert bench.stock("T-2") == {"FREE": 3}
    assert bench.stock(None) == {"FREE": 12, "ACTIVE": 1}
    assert bench.stock("T-9") == {}
    (first, second) = bench.registry.lots()
    assert (first[:3], second[:3]) == ((LOT, KIND, PRODUCT), ("T-2", KIND, PRODUCT))
    assert (first[3][UpdState.ACTIVE], second[3][UpdState.FREE]) == (1, 3)


# -- the log -------------------------------------------------------------------------------------


def test_every_run_leaves_two_provable_leaves(bench: Bench) -> None:
    ends = [None, FAIL, None, ABORTED, ERROR]
    closed = [
        provision(bench.ledger, f"DK7F-{number}", number, end=end)
        for number, end in enumerate(ends, start=1)
    ]
    previous = None
    for index in range(2 * len(ends)):
        proof = bench.registry.prove(index)
        record, (run, opens) = LogRecord.decode(proof.record), divmod(index, 2)

        assert (proof.origin, proof.size, proof.index) == (ORIGIN, 2 * len(ends), index)
        assert proves_inclusion(
            leaf_hash(proof.record), index, proof.size, proof.hashes, proof.root
        )
        assert record.run_id == closed[run].run_id
        assert record.type is (RecordType.RUN_CLOSED if opens else RecordType.RUN_OPEN)
        assert record.verdict == (closed[run].verdict if opens else None)
        assert record.previous == previous
        previous = leaf_hash(proof.record)
    assert [one.leaf for one in closed] == [1, 3, 5, 7, 9]


def test_a_leaf_binds_the_signed_statement(bench: Bench) -> None:
    signed = provision(bench.ledger, end=closing(envelope=envelope('{"a":1}')))
    unsigned = provision(bench.ledger, "DK7F-2", 2, end=ABORTED)
    digests = [
        LogRecord.decode(bench.registry.prove(one.leaf).record).statement_sha256
        for one in (signed, unsigned)
    ]

    assert digests == [sha256(b'{"a":1}').digest(), None]


@pytest.mark.parametrize("index", [-1, 2, 2**62])
def test_a_leaf_the_log_does_not_have_is_not_proven(bench: Bench, index: int) -> None:
    provision(bench.ledger)

    with pytest.raises(NotInOrder):
        bench.registry.prove(index)


@pytest.mark.parametrize("years", [-10, 10])
def test_a_jump_of_the_clock_changes_no_order(bench: Bench, years: int) -> None:
    jumped = START_AT + timedelta(days=365 * years)
    first = provision(bench.ledger, end=ABORTED, reach=RunState.OPEN)
    second = bench.ledger.open_run(later(jumped))
    bench.ledger.close_run(second.run_id, closing(Verdict.ABORTED, "E-STOP-01", closed_at=jumped))
    third = bench.ledger.open_run(opening())

    assert third.earlier_runs == (first.run_id, second.run_id)
    assert [run.opened_at for run in bench.registry.unit(SERIAL).runs] == [
        START_AT,
        jumped,
        START_AT,
    ]
    assert DockId(bytes(32)) != dock().dock_id

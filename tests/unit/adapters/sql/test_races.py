"""Processes and threads that want the same thing: one gets it, the others a named refusal."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from station.adapters.sql.ledger_file import LedgerFile, open_ledger
from station.domain.errors import NoTokens, StationError
from station.domain.order import OrderState
from station.domain.run import RunState
from station.domain.upd import UpdState
from station.domain.verdict import Verdict
from tests.contract.ledger_cases import (
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
from tests.fakes.clock import START_AT, FakeClock
from tests.fakes.vault import FakeVault
from tests.unit.adapters.sql.racing_program import ORIGIN

ROOT = Path(__file__).resolve().parents[4]
RACERS = 4


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


def opened(path: Path) -> LedgerFile:
    return open_ledger(
        path, vault=FakeVault(), clock=FakeClock(), chance=SeededChance(77), origin=ORIGIN
    )


def prepared(path: Path, *, quantity: int, records: int) -> None:
    with opened(path) as file:
        start(file.registry, order(quantity=quantity))
        stock_up(file.registry, count=records)


def told(racer: "subprocess.Popen[str]") -> str:
    assert racer.stdout
    return racer.stdout.readline().strip()


def tell(racer: "subprocess.Popen[str]", word: str) -> None:
    assert racer.stdin
    racer.stdin.write(f"{word}\n")
    racer.stdin.flush()


@contextmanager
def raced(path: Path, what: str) -> Iterator[list[str]]:
    """What each racer got; they are alive inside the block."""
    with ExitStack() as stack:
        racers = [
            stack.enter_context(
                subprocess.Popen(
                    [
                        sys.executable,
                        "-m",
                        "tests.unit.adapters.sql.racing_program",
                        str(path),
                        what,
                        str(name),
                    ],
                    cwd=ROOT,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for name in range(1, RACERS + 1)
        ]
        for racer in racers:
            assert told(racer) == "ready"
        for racer in racers:
            tell(racer, "go")
        yield [told(racer) for racer in racers]
        for racer in racers:
            racer.communicate("done\n", timeout=60)


@pytest.mark.parametrize(
    ("what", "refused"),
    [("serial", "E-SCAN-05"), ("dock", "E-SCAN-05"), ("record", "E-TOKEN-01")],
)
def test_one_process_wins_and_the_others_are_told_why(path: Path, what: str, refused: str) -> None:
    prepared(path, quantity=10, records=1)
    with raced(path, what) as got:
        assert sorted(got, key=lambda one: one == refused)[1:] == [refused] * (RACERS - 1)
        assert got.count(refused) == RACERS - 1
        with opened(path) as file:
            # They live: nothing of theirs was left by a crash.
            assert file.ledger.close_found_open(at=START_AT) == ()
            file.examine()
    with opened(path) as file:
        assert {one.verdict for one in file.ledger.close_found_open(at=START_AT)} == {
            Verdict.ABORTED
        }
        assert file.registry.stock() == {state: int(state is UpdState.FREE) for state in UpdState}


def test_an_order_for_one_gets_one_whoever_asks(path: Path) -> None:
    prepared(path, quantity=1, records=RACERS)
    with raced(path, "order") as got:
        assert got.count("E-WO-01") == RACERS - 1
    with opened(path) as file:
        done, counts = file.registry.order("WO-1")

    assert (done.state, counts.good) == (OrderState.COMPLETE, 1)


def test_four_processes_drain_a_lot_without_a_loss_or_a_double(path: Path) -> None:
    prepared(path, quantity=40, records=40)
    with raced(path, "drain") as got:
        assert got == ["10"] * RACERS
    with opened(path) as file:
        file.examine()
        units = file.registry.units("WO-1")
        records = [record[0] for unit in units for record in unit.records]

        assert len(units) == len(set(records)) == 40
        assert file.registry.stock()[UpdState.ACTIVE] == 40
        assert file.registry.prove(79).size == 80


def test_sixteen_lanes_share_one_open_ledger(path: Path) -> None:
    prepared(path, quantity=32, records=24)
    with opened(path) as file:

        def lane(number: int) -> list[str]:
            ends = []
            for unit in (number, number + 16):
                try:
                    provision(file.ledger, f"DK7F-{unit}", unit, slot=str(number))
                    ends.append("PASS")
                except NoTokens as error:
                    ends.append(error.code)
                file.registry.order("WO-1")
            return ends

        with ThreadPoolExecutor(16) as lanes:
            ends = [end for lane_ends in lanes.map(lane, range(1, 17)) for end in lane_ends]
        file.examine()

        assert (ends.count("PASS"), ends.count("E-TOKEN-01")) == (24, 8)
        assert file.registry.stock()[UpdState.ACTIVE] == 24


def test_threads_that_scan_the_same_label_get_one_run(path: Path) -> None:
    prepared(path, quantity=10, records=10)
    with opened(path) as file:

        def lane(slot: int) -> str:
            try:
                run = file.ledger.open_run(opening(slot=str(slot)))
                file.ledger.identify_run(run.run_id, dock())
                return "open"
            except StationError as error:
                return error.code

        with ThreadPoolExecutor(8) as lanes:
            got = list(lanes.map(lane, range(8)))

    assert sorted(got) == ["E-SCAN-05"] * 7 + ["open"]


def test_the_runs_of_a_process_that_died_are_closed_while_another_lives(path: Path) -> None:
    prepared(path, quantity=10, records=10)
    with raced(path, "serial"), opened(path) as file:
        mine = run_to(file.ledger, RunState.CONFIRMING, at=opening("DK7F-9"), on=dock(9))
        with opened(path) as late:
            # Same process: an opening it has forgotten counts as gone, another process's not.
            found = late.ledger.close_found_open(at=START_AT)
        assert [one.run_id for one in found] == [mine.run.run_id]
        with pytest.raises(StationError, match="was closed as ABORTED"):
            file.ledger.enter(mine.run.run_id, RunState.READING)
        with pytest.raises(StationError, match="already closed as ABORTED"):
            file.ledger.close_run(mine.run.run_id, closing())

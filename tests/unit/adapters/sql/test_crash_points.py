"""`kill -9` at every crash point of the ledger, then a restart: promises.md, section 4.1.

A killed process keeps the page cache; what power loss does is told apart only by the durability
settings, which test_engine.py reads back.
"""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from station.adapters.sql.ledger_file import CRASH_POINTS, LedgerFile, open_ledger
from station.domain.identity import Serial
from station.domain.run import RunState
from station.domain.upd import UpdState
from station.domain.verdict import Disposition, Verdict
from tests.fakes.chance import SeededChance
from tests.fakes.clock import START_AT, FakeClock
from tests.fakes.vault import FakeVault
from tests.unit.adapters.sql.killed_program import ORIGIN, main

ROOT = Path(__file__).resolve().parents[4]
PROGRAM = [sys.executable, "-m", "tests.unit.adapters.sql.killed_program"]
SENT_FROM = CRASH_POINTS.index("ledger.enter.sending.after")
PASSED_FROM = CRASH_POINTS.index("ledger.close.after")
OPEN_FROM = CRASH_POINTS.index("ledger.open.after")
STOCKED_FROM = CRASH_POINTS.index("ledger.lot.import.after")
RECOVERY = ("ledger.close_found_open.before", "ledger.close_found_open.after")


def run_until(path: Path, point: str) -> list[str]:
    """Run the program; it must die at `point`. What it acknowledged."""
    ended = subprocess.run(
        [*PROGRAM, str(path), point], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    return ended.stdout.splitlines()


def reopened(path: Path) -> LedgerFile:
    return open_ledger(
        path, vault=FakeVault(), clock=FakeClock(), chance=SeededChance(2), origin=ORIGIN
    )


def test_opening_a_ledger_passes_the_first_two_points(tmp_path: Path) -> None:
    passed: list[str] = []

    def mark(point: str) -> None:
        passed.append(point)

    with open_ledger(
        tmp_path / "ledger.db",
        vault=FakeVault(),
        clock=FakeClock(),
        chance=SeededChance(1),
        origin=ORIGIN,
        mark=mark,
    ):
        pass

    assert passed == list(CRASH_POINTS[:2])
    assert len(set(CRASH_POINTS)) == len(CRASH_POINTS)


@pytest.mark.parametrize("point", CRASH_POINTS)
def test_a_kill_leaves_what_the_promises_say(
    tmp_path: Path, point: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path, at = tmp_path / "ledger.db", CRASH_POINTS.index(point)
    acknowledged = run_until(path, point)
    with reopened(path) as file:
        file.examine()
        found = file.ledger.close_found_open(at=START_AT)
        file.examine()
        stock = file.registry.stock()
        was_open = OPEN_FROM <= at < PASSED_FROM

        assert [run.verdict for run in found] == ([Verdict.ABORTED] if was_open else [])
        assert sum(stock.values()) == (2 if at >= STOCKED_FROM else 0)
        assert stock[UpdState.RESERVED] == 0
        assert stock[UpdState.SENT] == (1 if SENT_FROM <= at < PASSED_FROM else 0)
        assert stock[UpdState.ACTIVE] == (1 if at >= PASSED_FROM else 0)
        if at >= OPEN_FROM:
            unit = file.registry.unit(Serial("DK7F-1"))
            assert unit.disposition is (Disposition.GOOD if at >= PASSED_FROM else Disposition.OPEN)
            (run,) = unit.runs
            assert run.state is RunState.CLOSED
            assert run.verdict is (Verdict.PASS if at >= PASSED_FROM else Verdict.ABORTED)
            assert any(line == f"open {run.run_id}" for line in acknowledged) or at == OPEN_FROM
        assert not any(line.startswith("PASS") for line in acknowledged)

    # And whatever it left, the program goes on from there.
    main(path, "-")
    assert ("PASS" in capsys.readouterr().out) == (at < PASSED_FROM)
    with reopened(path) as file:
        stock = file.registry.stock()
        assert (stock[UpdState.ACTIVE], stock[UpdState.FREE]) == (1, 1)


@pytest.mark.parametrize("during", RECOVERY)
@pytest.mark.parametrize("point", ["ledger.hold.after", "ledger.enter.confirming.after"])
def test_a_kill_during_recovery_changes_nothing_of_that(
    tmp_path: Path, point: str, during: str
) -> None:
    path = tmp_path / "ledger.db"
    run_until(path, point)
    run_until(path, during)
    with reopened(path) as file:
        found = file.ledger.close_found_open(at=START_AT)
        (run,) = file.registry.unit(Serial("DK7F-1")).runs
        sent = file.registry.stock()[UpdState.SENT]
        file.examine()

    assert len(found) == (1 if during == RECOVERY[0] else 0)
    assert (run.verdict, sent) == (Verdict.ABORTED, 1 if "confirming" in point else 0)

"""A program that provisions one unit and is killed at a crash point; started by the tests.

``python -m tests.unit.adapters.sql.killed_program LEDGER POINT`` runs until POINT and dies there by
SIGKILL; POINT ``-`` means: not at all. What has been acknowledged is printed as it happens.
"""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from station.adapters.sql.ledger_file import LedgerFile, open_ledger
from station.domain.errors import AlreadyDone, Duplicate, OrderNotRunnable
from station.domain.run import RunState
from tests.contract.ledger_cases import KIND, closing, dock, opening, order, stock_up
from tests.fakes.chance import SeededChance
from tests.fakes.clock import START_AT, FakeClock
from tests.fakes.vault import FakeVault

ORIGIN = "example.com/plant/station-1"

STATES = (
    RunState.WRITING,
    RunState.SENDING,
    RunState.LOCKING,
    RunState.READING,
    RunState.CONFIRMING,
)


def main(path: Path, fatal: str) -> None:
    """From an empty or half-made ledger to one PASS."""

    def mark(point: str) -> None:
        if point == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    with open_ledger(
        path,
        vault=FakeVault(),
        clock=FakeClock(),
        chance=SeededChance(os.getpid()),
        origin=ORIGIN,
        mark=mark,
    ) as file:
        said("established")
        for run in file.ledger.close_found_open(at=START_AT):
            said("aborted", run.run_id)
        with suppress(Duplicate):
            file.registry.add_order(order(quantity=2))
        with suppress(OrderNotRunnable):
            file.registry.start_order("WO-1")
        if not file.registry.lots():
            stock_up(file.registry, count=2)
        with suppress(AlreadyDone):
            provision_once(file)


def provision_once(file: LedgerFile) -> None:
    """Every state there is, to a PASS."""
    run_id = file.ledger.open_run(opening()).run_id
    said("open", run_id)
    file.ledger.identify_run(run_id, dock())
    file.ledger.hold_records(run_id, [KIND])
    for state in STATES:
        file.ledger.enter(run_id, state)
        said(state, run_id)
    file.ledger.close_run(run_id, closing())
    said("PASS", run_id)


def said(*words: str) -> None:
    """Tell it at once: the next moment may not come."""
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])

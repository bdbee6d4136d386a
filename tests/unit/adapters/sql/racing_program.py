"""A program that races others for one thing in a ledger; started by the tests.

``python -m tests.unit.adapters.sql.racing_program LEDGER WHAT NAME`` opens the ledger, says
``ready``, waits for a line on its standard input, and tries until it has or is refused.
"""

import sys
from pathlib import Path

from station.adapters.sql.ledger_file import LedgerFile, open_ledger
from station.domain.errors import StationError
from station.domain.run import RunState
from tests.contract.ledger_cases import KIND, closing, dock, opening, provision, run_to
from tests.fakes.chance import SeededChance
from tests.fakes.clock import FakeClock
from tests.fakes.vault import FakeVault

ORIGIN = "example.com/plant/station-1"


def race(file: LedgerFile, what: str, name: int) -> str:
    """What came of it: the record or run won, or the code of the refusal."""
    try:
        match what:
            case "serial":
                return file.ledger.open_run(opening("DK7F-1", slot=str(name))).run_id
            case "dock":
                at = opening(f"DK7F-{name}", slot=str(name))
                return run_to(file.ledger, RunState.IDENTIFIED, at=at, on=dock(1)).run.run_id
            case "record":
                at = opening(f"DK7F-{name}", slot=str(name))
                return run_to(file.ledger, RunState.HOLDING, at=at, on=dock(name)).held[0].record_id
            case "order":
                return provision(file.ledger, f"DK7F-{name}", name, end=closing()).run_id
            case _:
                passed = [
                    provision(file.ledger, f"DK7F-{unit}", unit, kinds=[KIND]).run_id
                    for unit in range(name, 41, 4)
                ]
                return str(len(passed))
    except StationError as error:
        return error.code


if __name__ == "__main__":
    with open_ledger(
        Path(sys.argv[1]),
        vault=FakeVault(),
        clock=FakeClock(),
        chance=SeededChance(int(sys.argv[3])),
        origin=ORIGIN,
    ) as opened:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        sys.stdout.write(race(opened, sys.argv[2], int(sys.argv[3])) + "\n")
        sys.stdout.flush()
        sys.stdin.readline()  # the winner stays alive until the test has looked

"""How a run's end leaves the command line: its exit status, and what to do next."""

from collections.abc import Iterator

from station.application.provisioning import RunOutcome
from station.domain.errors import (
    EXIT_INTERRUPTED,
    EXIT_LINK,
    EXIT_MISMATCH,
    StationError,
)
from station.domain.verdict import Disposition, Verdict


def exit_status(verdict: Verdict, code: str) -> int:
    """0 PASS, 10 FAIL, 130 ABORTED; for ERROR the status of its code (11 if it has none)."""
    match verdict:
        case Verdict.PASS:
            return 0
        case Verdict.FAIL:
            return EXIT_MISMATCH
        case Verdict.ABORTED:
            return EXIT_INTERRUPTED
        case Verdict.ERROR:
            return status_of(code)


def status_of(code: str) -> int:
    """The exit status of an error code; 11, "could not tell", for one that has no error."""
    named = _named(code)
    return named.exit_status if named else EXIT_LINK


def remedy_of(code: str) -> str:
    """What to do about an error code; for one that has no error, whom to call."""
    named = _named(code)
    return named.remedy if named else "Call the process engineer."


def remedy(outcome: RunOutcome) -> str:
    """The next step of whoever holds the dock; empty after a PASS."""
    if outcome.verdict is Verdict.PASS:
        return ""
    if outcome.closed.disposition is Disposition.HOLD:
        return "Red tag the dock for the HOLD tray."
    if outcome.verdict is Verdict.FAIL or not outcome.code:
        return "Move the dock to another port and provision it once more."
    return remedy_of(outcome.code)


def _named(code: str) -> type[StationError] | None:
    return next((error for error in _errors(StationError) if error.code == code), None)


def _errors(parent: type[StationError]) -> Iterator[type[StationError]]:
    """Every error with a code of its own."""
    for error in parent.__subclasses__():
        if "code" in error.__dict__:
            yield error
        yield from _errors(error)

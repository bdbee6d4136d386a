"""How a run's end leaves the command line: its exit status, and what to do next."""

from collections.abc import Iterable
from typing import Final

import click

from station.application.provisioning import RunOutcome
from station.domain.errors import (
    EXIT_INTERRUPTED,
    EXIT_LINK,
    EXIT_MISMATCH,
    error_named,
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


def verdict_word(verdict: Verdict) -> str:
    """As a terminal shows it; the colour only repeats the word."""
    return click.style(verdict.value, bold=True, fg=_COLOURS[verdict])


def status_of(code: str) -> int:
    """The exit status of an error code; 11, "could not tell", for one that has no error."""
    named = error_named(code)
    return named.exit_status if named else EXIT_LINK


def remedy_of(code: str) -> str:
    """What to do about an error code; for one that has no error, whom to call."""
    named = error_named(code)
    return named.remedy if named else "Call the process engineer."


def worst(statuses: Iterable[int]) -> int:
    """The exit status of several docks: 10 if one is bad; else that of the first of which nobody
    could tell; else 130 if one was stopped; else 0."""
    found = tuple(status for status in statuses if status)
    if EXIT_MISMATCH in found:
        return EXIT_MISMATCH
    untold = (status for status in found if status != EXIT_INTERRUPTED)
    return next(untold, found[0] if found else 0)


def remedy(outcome: RunOutcome) -> str:
    """The next step of whoever holds the dock; empty after a PASS."""
    held = outcome.closed.disposition is Disposition.HOLD
    return remedy_after(outcome.verdict, outcome.code, held=held)


def remedy_after(verdict: Verdict, code: str, *, held: bool) -> str:
    """The same of a run of which this is known. held: whether its unit is on hold."""
    if verdict is Verdict.PASS:
        return ""
    if held:
        return "Red tag the dock for the HOLD tray."
    if verdict is Verdict.FAIL or not code:
        return "Move the dock to another port and provision it once more."
    return remedy_of(code)


_COLOURS: Final = {
    Verdict.PASS: "green",
    Verdict.FAIL: "red",
    Verdict.ERROR: "yellow",
    Verdict.ABORTED: "yellow",
}

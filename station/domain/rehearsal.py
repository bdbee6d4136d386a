"""What came out of a rehearsed first boot."""

from dataclasses import dataclass
from enum import StrEnum

from station.domain.splash import Splash


class FindingKind(StrEnum):
    """What may be wrong with an application that raised nothing, or how it was stopped."""

    TIMER_UNREFERENCED = "timer-unreferenced"
    """A running timer nobody refers to: the dock's garbage collector may destroy it (2.3)."""

    NOT_ON_DOCK = "not-on-dock"
    """It asked for a name or module that a dock does not have, and went on without it."""

    MARKUP = "markup"
    """Text of a box that is no markup the dock draws; it was shown as it stands."""

    BACKGROUND = "background"
    """A background that cannot be drawn, or has another size than the screen."""

    ENDLESS = "endless"
    """It kept the processor beyond the limit, and was ended."""

    MEMORY = "memory"
    """It wanted more memory than a dock has."""

    FORBIDDEN = "forbidden"
    """It tried to leave the dock: network, files, processes. It was ended or refused."""

    ENDED = "ended"
    """Its process ended by itself in a way no application of a dock can."""

    TOO_MUCH = "too-much"
    """It said more than a dock's application can: calls, boxes or text beyond the limits."""

    EXPECTATION = "expectation"
    """Something the scenario expects did not come true."""

    SECRET_SHOWN = "secret-shown"
    """A secret value stands on the splash; neither text nor picture of it is kept."""


@dataclass(frozen=True, slots=True)
class Finding:
    """detail: one line, no secret in it."""

    kind: FindingKind
    detail: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call into a module of the dock. at_ms: on the bench's clock. detail: arguments, shortened.

    Values read from the datastore are never among the details.
    """

    at_ms: int
    name: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """splash: as it stood at the end. text: what a person reads on it, box after box, no markup.

    error: the stack trace of what the application raised, or one line saying how it was stopped;
    empty where it raised nothing. calls: in order, the first of them where there were too many.
    ran_ms: on the bench's clock.
    """

    splash: Splash
    text: tuple[str, ...]
    calls: tuple[Call, ...]
    findings: tuple[Finding, ...]
    error: str
    ran_ms: int

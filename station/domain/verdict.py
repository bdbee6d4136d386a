"""How a run ends and what that makes of the unit. The code that decides is all in this file.

PASS needs every required check, made by this run, to hold. A check that was not made is never
counted as passed: without it the verdict is ERROR, because nobody can tell. An order may ask for
more than every dock needs; none can ask for less.
"""

from collections.abc import Iterable, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Verdict(StrEnum):
    """The four ends of a run; never merged."""

    PASS = "PASS"
    FAIL = "FAIL"
    ERROR = "ERROR"
    ABORTED = "ABORTED"


class Disposition(StrEnum):
    """What is to become of a unit; OPEN until its first PASS or its last allowed retry."""

    OPEN = "OPEN"
    GOOD = "GOOD"
    HOLD = "HOLD"
    REWORK = "REWORK"
    SCRAP = "SCRAP"


class Step(StrEnum):
    """The five steps an operator sees."""

    IDENTIFY = "identify"
    BUILD = "build"
    WRITE = "write"
    READ_BACK = "read_back"
    RECORD = "record"


class CheckName(StrEnum):
    """The checks of a run, in the order they are made."""

    ACCEPTED = "accepted"
    """The dock's own loader took the image: digests, signatures, dock id, counter."""

    BLOCKS = "blocks"
    """Every byte of the plan was read after the last write and the restart; digests agree."""

    IMAGE = "image"
    """The image parsed from the readback alone: signatures, certificates, dock id, counter."""

    DATASTORE = "datastore"
    """Mounted in the datastore runtime, every entry is what bundle and template say."""

    DOCK_ANSWERS = "dock_answers"
    """The dock's own datastore gives the same answers over the link."""

    REHEARSED = "rehearsed"
    """The application in the readback, booted for the first time on a scripted bench, raised
    nothing and did not have to be ended."""

    CONFIRMED = "confirmed"
    """The dock reports the image active and confirmed, with the plan's digest."""


REQUIRED: Final = frozenset(CheckName) - {CheckName.REHEARSED}
"""What every PASS needs, whatever its order asks for."""


def required_checks(*, rehearse: bool) -> frozenset[CheckName]:
    """What a PASS needs under an order. rehearse: whether it asks for the first boot, too."""
    return REQUIRED | {CheckName.REHEARSED} if rehearse else REQUIRED


@dataclass(frozen=True, slots=True)
class Check:
    """One check with its evidence.

    evidence: one line a person can read, no secret in it. code: the error code of a failed
    check, empty where it passed.
    """

    name: CheckName
    evidence: str
    code: str = ""

    @property
    def passed(self) -> bool:
        """Whether the evidence agrees with the signed plan."""
        return not self.code


def judge(checks: Iterable[Check], *, required: Set[CheckName]) -> Verdict:
    """FAIL if any check contradicts the plan, PASS if every required one holds, else ERROR.

    required: see `required_checks`; those of `REQUIRED` count whether they are in it or not.
    """
    made = list(checks)
    if any(not check.passed for check in made):
        return Verdict.FAIL
    if {check.name for check in made} >= REQUIRED | required:
        return Verdict.PASS
    return Verdict.ERROR


NO_RETRY: Final = frozenset({"E-VERIFY-03", "E-VERIFY-04", "E-LOCK-01", "E-IDENT-01", "E-IDENT-03"})
"""Findings no other slot would change: the unit is held at once (operator-facing catalogue).

Those of identity and security, and an application that does not come through its first boot: it
is the same one on every dock of the order.
"""

FREE_RETRY: Final = frozenset(
    {"E-LINK-01", "E-SIGN-01", "E-LOG-01", "E-TOKEN-01", "E-REHEARSE-01", "E-REHEARSE-02"}
)
"""Troubles of cable or station that do not use up the unit's retries."""


def disposition_after(verdict: Verdict, code: str, *, spent: int, retry_limit: int) -> Disposition:
    """What a closing run makes of its unit.

    spent: earlier runs of this unit that used up a try (FAIL or ERROR, code not in FREE_RETRY).
    """
    match verdict:
        case Verdict.PASS:
            return Disposition.GOOD
        case Verdict.FAIL | Verdict.ERROR if code in NO_RETRY:
            return Disposition.HOLD
        case Verdict.FAIL | Verdict.ERROR if code not in FREE_RETRY and spent >= retry_limit:
            return Disposition.HOLD
        case _:
            return Disposition.OPEN

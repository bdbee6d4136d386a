"""How a run ends and what that makes of the unit. The code that decides is all in this file.

PASS needs every required check, made by this run, to hold. A check that was not made is never
counted as passed: without it the verdict is ERROR, because nobody can tell. An order may ask for
more than every dock needs; none can ask for less. One check may be waived, by a dock's profile and
where the dock has no way to do it; the record then says so in its place.
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

    PROVED = "proved"
    """Before anything was reserved for it, the dock proved its key at the level it claims."""

    ACCEPTED = "accepted"
    """The dock's own loader took the image: digests, signatures, dock id, counter."""

    PROVED_AGAIN = "proved_again"
    """After the restart, it proved the same key again."""

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


PROOFS: Final = frozenset({CheckName.PROVED, CheckName.PROVED_AGAIN})
"""What the PASS of a dock with a device key needs beside the others."""

REQUIRED: Final = frozenset(CheckName) - {CheckName.REHEARSED} - PROOFS
"""What every PASS needs, whatever its order asks for."""


WAIVABLE: Final = frozenset({CheckName.DOCK_ANSWERS})
"""What a dock's profile may waive where the dock has no way to do it (decision 21)."""


def required_checks(*, rehearse: bool, proved: bool = False) -> frozenset[CheckName]:
    """What a PASS needs. rehearse: whether its order asks for the first boot, too. proved: whether
    the dock claims more than level D0, so that it has a key to prove.
    """
    required = REQUIRED | {CheckName.REHEARSED} if rehearse else REQUIRED
    return required | PROOFS if proved else required


@dataclass(frozen=True, slots=True)
class Check:
    """One check with its evidence.

    evidence: one line a person can read, no secret in it. code: the error code of a failed
    check, empty where it passed. waived: it was not made, for the dock cannot; evidence says why,
    and who lets it pass without. Raises ValueError for a check that is not `WAIVABLE`.
    """

    name: CheckName
    evidence: str
    code: str = ""
    waived: bool = False

    def __post_init__(self) -> None:
        if self.waived and (self.code or self.name not in WAIVABLE):
            raise ValueError(f"a check {self.name} is never waived, and no failed one is")

    @property
    def passed(self) -> bool:
        """Whether it was made, and the evidence agrees with the signed plan."""
        return not self.code and not self.waived

    @property
    def failed(self) -> bool:
        """Whether the evidence contradicts the plan."""
        return bool(self.code)


def judge(
    checks: Iterable[Check],
    *,
    required: Set[CheckName],
    waivable: Set[CheckName] = frozenset(),
) -> Verdict:
    """FAIL if any check contradicts the plan, PASS if every required one holds, else ERROR.

    required: see `required_checks`; those of `REQUIRED` count whether they are in it or not.
    waivable: what the dock's profile waives; one of these may say so in place of holding.
    """
    made = list(checks)
    if any(check.failed for check in made):
        return Verdict.FAIL
    held = {check.name for check in made if check.passed}
    waived = {check.name for check in made if check.waived} & waivable
    if held | waived >= REQUIRED | required:
        return Verdict.PASS
    return Verdict.ERROR


NO_RETRY: Final = frozenset(
    {
        *("E-VERIFY-03", "E-VERIFY-04", "E-LOCK-01"),
        *("E-IDENT-01", "E-IDENT-03", "E-IDENT-04"),
    }
)
"""Findings no other slot would change: the unit is held at once (operator-facing catalogue).

Those of identity and security, and an application that does not come through its first boot: it
is the same one on every dock of the order.
"""

FREE_RETRY: Final = frozenset(
    {
        *("E-LINK-01", "E-LINK-06", "E-SIGN-01", "E-LOG-01", "E-TOKEN-01"),
        *("E-REHEARSE-01", "E-REHEARSE-02"),
    }
)
"""Troubles of cable, firmware or station that do not use up the unit's retries."""


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

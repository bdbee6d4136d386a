"""How verdicts look where they are small: a sign in its colours. No Qt in here."""

from dataclasses import dataclass
from typing import Final

from station.domain.verdict import Verdict
from station.gui.signs import Sign
from station.gui.tokens import Token


@dataclass(frozen=True, slots=True)
class Mark:
    """A sign, its ink, and the ink of what is cut out of it."""

    sign: Sign
    ink: Token
    hole: Token


MARKS: Final[dict[Verdict, Mark]] = {
    Verdict.PASS: Mark(Sign.TICK, Token.PASS, Token.ON_PASS),
    Verdict.FAIL: Mark(Sign.OCTAGON_CROSS, Token.FAIL, Token.ON_FAIL),
    Verdict.ERROR: Mark(Sign.TRIANGLE, Token.CHECK, Token.ON_CHECK),
    Verdict.ABORTED: Mark(Sign.DASHED_RING, Token.TEXT2, Token.SURFACE),
}

"""The life of a unique-per-dock (UPD) record, as a table (docs/SPEC.md, "States of a record").

Laws: a record is bound to at most one dock id, for ever; SENT never returns to FREE, because the
dock may hold it; BURNED is final and keeps its dock id.
"""

from enum import StrEnum
from typing import Final

from station.domain.verdict import Verdict


class UpdState(StrEnum):
    """Where a record may be."""

    FREE = "FREE"
    RESERVED = "RESERVED"
    SENT = "SENT"
    ACTIVE = "ACTIVE"
    BURNED = "BURNED"


NEXT: Final[dict[UpdState, frozenset[UpdState]]] = {
    UpdState.FREE: frozenset({UpdState.RESERVED, UpdState.BURNED}),
    UpdState.RESERVED: frozenset({UpdState.FREE, UpdState.SENT, UpdState.BURNED}),
    UpdState.SENT: frozenset({UpdState.SENT, UpdState.ACTIVE, UpdState.BURNED}),
    UpdState.ACTIVE: frozenset({UpdState.BURNED}),
    UpdState.BURNED: frozenset(),
}


def after_close(state: UpdState, verdict: Verdict) -> UpdState:
    """The state of a record its run held, once the run is closed with `verdict`.

    Raises ValueError for a PASS that holds a record which was never sent.
    """
    match state, verdict:
        case UpdState.RESERVED, Verdict.PASS:
            raise ValueError("a PASS cannot hold a record that was never sent")
        case UpdState.RESERVED, _:
            return UpdState.FREE
        case UpdState.SENT, Verdict.PASS:
            return UpdState.ACTIVE
        case _:
            return state

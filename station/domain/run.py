"""The life of a run, as a table (docs/SPEC.md, "States of a run").

Laws: every state but CLOSED is found again after a crash and then closed as ABORTED; PASS is
reached only through CONFIRMING; CLOSED is final. Between the last state and CLOSED there is only
memory, so a crash there leaves the run open.
"""

from enum import StrEnum
from typing import Final

from station.domain.verdict import Verdict


class RunState(StrEnum):
    """Each name is what the ledger committed on entry."""

    OPEN = "OPEN"
    """Slot, port, bundle, operator; before the first byte that could change the dock."""

    IDENTIFIED = "IDENTIFIED"
    """The dock id; no other open run may hold it."""

    HOLDING = "HOLDING"
    """UPD records RESERVED for this dock id, before anything is rendered or sealed."""

    WRITING = "WRITING"
    """Common blocks travel; nothing unique has left the station."""

    SENDING = "SENDING"
    """UPD records SENT; only now header, UPD volume and trailer may travel."""

    LOCKING = "LOCKING"
    """An irreversible step, named before its command."""

    READING = "READING"
    """Restart done, readback nonce fixed."""

    CONFIRMING = "CONFIRMING"
    """The evidence is good; the dock is told to keep the image."""

    CLOSED = "CLOSED"
    """Verdict, UPD change, statement, signature, log leaf and outbox row, in one commit."""


NEXT: Final[dict[RunState, frozenset[RunState]]] = {
    RunState.OPEN: frozenset({RunState.IDENTIFIED, RunState.CLOSED}),
    # A dock id that already has SENT records reuses them and skips HOLDING.
    RunState.IDENTIFIED: frozenset({RunState.HOLDING, RunState.WRITING, RunState.CLOSED}),
    RunState.HOLDING: frozenset({RunState.WRITING, RunState.CLOSED}),
    RunState.WRITING: frozenset({RunState.SENDING, RunState.CLOSED}),
    RunState.SENDING: frozenset({RunState.LOCKING, RunState.READING, RunState.CLOSED}),
    RunState.LOCKING: frozenset({RunState.READING, RunState.CLOSED}),
    RunState.READING: frozenset({RunState.CONFIRMING, RunState.CLOSED}),
    RunState.CONFIRMING: frozenset({RunState.CLOSED}),
    RunState.CLOSED: frozenset(),
}


def may_close(state: RunState, verdict: Verdict) -> bool:
    """Whether a run in `state` may be closed with `verdict`."""
    if state is RunState.CLOSED:
        return False
    return verdict is not Verdict.PASS or state is RunState.CONFIRMING

"""A real ledger with somebody listening, and a disk that may fail at a named commit."""

from collections.abc import Callable, Sequence
from datetime import datetime

from station.application.ports import (
    ClosedRun,
    DockIdentity,
    HeldRecord,
    Ledger,
    OpenRun,
    RunClosing,
    RunOpening,
    RunRow,
)
from station.domain.errors import RecordNotDurable, StationError
from station.domain.run import RunState


class SpyLedger:
    """`application.ports.Ledger` over another one.

    calls: the commits asked for, in order, those of `enter` named by their state. fails: names of
    commits whose disk fails, instead of which `error` is raised; the inner ledger is not asked
    then. told: hears each name before the commit is made. deaf: names that are answered but never
    made, for mutants.
    """

    def __init__(self, inner: Ledger) -> None:
        self.inner = inner
        self.calls: list[str] = []
        self.fails: set[str] = set()
        self.error: StationError = RecordNotDurable("the fake disk is full")
        self.told: Callable[[str], None] = lambda name: None
        self.deaf: set[str] = set()

    def open_run(self, opening: RunOpening) -> OpenRun:
        """See `Ledger`."""
        self._hear("open")
        return self.inner.open_run(opening)

    def identify_run(self, run_id: str, identity: DockIdentity) -> None:
        """See `Ledger`."""
        self._hear("identify")
        self.inner.identify_run(run_id, identity)

    def hold_records(self, run_id: str, kinds: Sequence[str]) -> tuple[HeldRecord, ...]:
        """See `Ledger`."""
        self._hear("hold")
        return self.inner.hold_records(run_id, kinds)

    def enter(self, run_id: str, state: RunState) -> None:
        """See `Ledger`."""
        self._hear(state.value)
        if state.value not in self.deaf:
            self.inner.enter(run_id, state)

    def close_run(self, run_id: str, closing: RunClosing) -> ClosedRun:
        """See `Ledger`."""
        self._hear(f"close {closing.verdict}")
        return self.inner.close_run(run_id, closing)

    def close_found_open(self, *, at: datetime) -> tuple[RunRow, ...]:
        """See `Ledger`."""
        self._hear("found open")
        return self.inner.close_found_open(at=at)

    def _hear(self, name: str) -> None:
        self.calls.append(name)
        self.told(name)
        if name in self.fails:
            raise self.error

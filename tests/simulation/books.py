"""A ledger in memory that keeps the laws of `domain/run.py` and `domain/upd.py`, and nothing else.

For thousands of runs in seconds. Durability, concurrency and refusals of people are the real
ledger's (`tests/contract/test_ledger.py`); here a law that is broken is an AssertionError.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from station.application.ports import (
    ClosedRun,
    DockIdentity,
    HeldRecord,
    OpenRun,
    RunClosing,
    RunOpening,
    RunRow,
)
from station.domain import run as runs
from station.domain import upd
from station.domain.identity import DockId
from station.domain.run import RunState, may_close
from station.domain.secret import Secret
from station.domain.upd import UpdState, after_close
from station.domain.verdict import Disposition, Verdict


@dataclass
class Record:
    """A UPD record. states: every one it ever had, the last is its own."""

    record_id: str
    kind: str
    token: str
    states: list[UpdState] = field(default_factory=lambda: [UpdState.FREE])
    dock_id: DockId | None = None
    run_id: str = ""

    @property
    def state(self) -> UpdState:
        return self.states[-1]

    def enter(self, state: UpdState) -> None:
        """Along an arrow of the table only."""
        assert state is self.state or state in upd.NEXT[self.state], (self.state, state)
        self.states.append(state)

    def held(self) -> HeldRecord:
        """As a run gets it."""
        values = {"token": Secret.from_text(self.token)}
        fingerprint = sha256(self.token.encode()).digest()
        return HeldRecord(self.record_id, self.kind, self.state, fingerprint, values)


@dataclass
class Run:
    """states: every one it ever had. dock_id: None before it was identified."""

    run_id: str
    number: int
    serial: str
    states: list[RunState] = field(default_factory=lambda: [RunState.OPEN])
    dock_id: DockId | None = None
    closing: RunClosing | None = None

    @property
    def state(self) -> RunState:
        return self.states[-1]

    def enter(self, state: RunState) -> None:
        """Along an arrow of the table only."""
        assert state in runs.NEXT[self.state], (self.state, state)
        self.states.append(state)


class Books:
    """`application.ports.Ledger`."""

    def __init__(self, kind: str, tokens: Sequence[str]) -> None:
        self.runs: list[Run] = []
        self.records = [Record(f"T-1/{at}", kind, token) for at, token in enumerate(tokens)]
        self._leaves = 0

    def open_run(self, opening: RunOpening) -> OpenRun:
        """See `Ledger`."""
        earlier = [one for one in self.runs if one.serial == opening.serial.text]
        assert all(one.state is RunState.CLOSED for one in earlier)
        run = Run(f"{len(self.runs) + 1:032x}", len(earlier) + 1, opening.serial.text)
        self.runs.append(run)
        return OpenRun(run.run_id, run.number, tuple(one.run_id for one in earlier), self._leaf())

    def identify_run(self, run_id: str, identity: DockIdentity) -> None:
        """See `Ledger`."""
        run = self._run(run_id)
        run.enter(RunState.IDENTIFIED)
        run.dock_id = identity.dock_id
        assert not [one for one in self._bound(identity.dock_id) if one.state is UpdState.ACTIVE]

    def hold_records(self, run_id: str, kinds: Sequence[str]) -> tuple[HeldRecord, ...]:
        """See `Ledger`."""
        run = self._run(run_id)
        assert run.dock_id is not None
        held = []
        for kind in kinds:
            bound = [one for one in self._bound(run.dock_id) if one.kind == kind]
            assert len(bound) <= 1
            if not bound:
                if run.state is RunState.IDENTIFIED:
                    run.enter(RunState.HOLDING)
                bound = [one for one in self.records if one.state is UpdState.FREE][:1]
                bound[0].enter(UpdState.RESERVED)
                bound[0].dock_id = run.dock_id
            bound[0].run_id = run_id
            held.append(bound[0].held())
        return tuple(held)

    def enter(self, run_id: str, state: RunState) -> None:
        """See `Ledger`."""
        run = self._run(run_id)
        run.enter(state)
        if state is RunState.SENDING:
            for record in self._of(run):
                record.enter(UpdState.SENT)

    def close_run(self, run_id: str, closing: RunClosing) -> ClosedRun:
        """See `Ledger`."""
        run = self._run(run_id)
        assert may_close(run.state, closing.verdict), (run.state, closing.verdict)
        for record in self._of(run):
            record.enter(after_close(record.state, closing.verdict))
            if record.state is UpdState.FREE:
                record.dock_id, record.run_id = None, ""
        run.enter(RunState.CLOSED)
        run.closing = closing
        good = closing.verdict is Verdict.PASS
        disposition = Disposition.GOOD if good else Disposition.OPEN
        return ClosedRun(run_id, closing.verdict, disposition, self._leaf())

    def close_found_open(self, *, at: datetime) -> tuple[RunRow, ...]:
        """See `Ledger`; nothing here outlives the process."""
        raise NotImplementedError

    @property
    def states(self) -> tuple[object, ...]:
        """Where every run and record is; what follows depends on nothing else here."""
        return (
            tuple((one.state, one.dock_id) for one in self.runs),
            tuple((one.state, one.dock_id) for one in self.records),
        )

    def demand_lawful(self) -> None:
        """What must hold between runs, whatever happened in them."""
        assert all(one.state is RunState.CLOSED for one in self.runs)
        for record in self.records:
            assert record.state is not UpdState.RESERVED
            assert (record.state is UpdState.FREE) == (record.dock_id is None)
            if UpdState.SENT in record.states:
                assert record.state in {UpdState.SENT, UpdState.ACTIVE}, record.states
        bound = [one.dock_id for one in self.records if one.dock_id is not None]
        assert len(set(bound)) == len(bound), "two records of one kind for one dock"
        passed = {
            one.dock_id
            for one in self.runs
            if one.closing is not None and one.closing.verdict is Verdict.PASS
        }
        active = {one.dock_id for one in self.records if one.state is UpdState.ACTIVE}
        assert active == passed

    def _run(self, run_id: str) -> Run:
        (run,) = (one for one in self.runs if one.run_id == run_id)
        assert run.state is not RunState.CLOSED
        return run

    def _of(self, run: Run) -> list[Record]:
        return [one for one in self.records if one.run_id == run.run_id]

    def _bound(self, dock_id: DockId) -> list[Record]:
        return [one for one in self.records if one.dock_id == dock_id]

    def _leaf(self) -> int:
        self._leaves += 1
        return self._leaves - 1

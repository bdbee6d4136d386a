"""Random work on a ledger against a model in dictionaries: nothing is lost, doubled or made up."""

import os
import shutil
from collections import Counter
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from station.adapters.sql.ledger_file import LedgerFile, open_ledger
from station.domain.errors import (
    AlreadyDone,
    Duplicate,
    InAnotherSlot,
    LabelMismatch,
    NoTokens,
    OnHold,
    OrderComplete,
    StationError,
)
from station.domain.identity import Serial
from station.domain.run import NEXT, RunState
from station.domain.upd import UpdState
from station.domain.verdict import Disposition, Verdict
from tests.contract.ledger_cases import (
    ABORTED,
    ERROR,
    FAIL,
    KIND,
    PRODUCT,
    closing,
    dock,
    opening,
    order,
    start,
    tokens,
)
from tests.fakes.chance import SeededChance
from tests.fakes.clock import START_AT, FakeClock
from tests.fakes.vault import FakeVault

SERIALS = st.integers(1, 5)
DOCKS = st.integers(1, 5)
QUANTITY = 4
SHARED_MEMORY = Path("/dev/shm")
"""Where syncing costs nothing: what a disk keeps is not the question here."""
ENTERED = (
    RunState.WRITING,
    RunState.SENDING,
    RunState.LOCKING,
    RunState.READING,
    RunState.CONFIRMING,
)


def progress(state: RunState) -> int:
    return ENTERED.index(state) if state in ENTERED else -1


class Killed(BaseException):
    """The program ends here."""


class LedgerMachine(RuleBasedStateMachine):
    """runs: serial to [run id, state, dock] while open. records: id to (state, dock)."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(mkdtemp(dir=SHARED_MEMORY if SHARED_MEMORY.is_dir() else None))
        self.fatal = ""
        self.vault, self.clock = FakeVault(), FakeClock()
        self.chance = SeededChance(11)
        self.runs: dict[int, list[Any]] = {}
        self.records: dict[str, tuple[UpdState, int]] = {}
        self.bound: dict[int, int] = {}
        self.disposition: dict[int, Disposition] = {}
        self.spent: Counter[int] = Counter()
        self.ends: Counter[Verdict] = Counter()
        self.opened = 0
        self.lots: dict[int, int] = {}
        self.file = self.reopened()

    def reopened(self) -> LedgerFile:
        return open_ledger(
            self.folder / "ledger.db",
            vault=self.vault,
            clock=self.clock,
            chance=self.chance,
            origin="example.com",
            mark=self.mark,
        )

    def mark(self, point: str) -> None:
        if self.fatal and point.endswith(self.fatal):
            self.fatal = ""
            raise Killed(point)

    def teardown(self) -> None:
        self.file.examine()
        self.file.close()
        shutil.rmtree(self.folder)

    @initialize()
    def begin(self) -> None:
        start(self.file.registry, order(quantity=QUANTITY, lot=""))
        self.imports(0, 3)

    # -- what people and lanes do ----------------------------------------------------------------

    @rule(first=st.integers(0, 4), count=st.integers(1, 3))
    def imports(self, first: int, count: int) -> None:
        known = {number for lot, size in self.lots.items() for number in range(lot, lot + size)}
        wanted = set(range(10 * first, 10 * first + count))
        try:
            new = self.file.registry.import_lot(
                f"T-{first}", KIND, PRODUCT, tokens(10 * first, count)
            )
        except Duplicate:
            assert self.lots[10 * first] != count
            return
        assert new == (0 if wanted <= known else count)
        if new:
            self.lots[10 * first] = count
            for number in range(1, count + 1):
                self.records[f"T-{first}:{number:06d}"] = (UpdState.FREE, 0)

    @rule(serial=SERIALS)
    def opens(self, serial: int) -> None:
        expected = self.refusal_of(serial)
        try:
            run = self.file.ledger.open_run(opening(f"DK7F-{serial}", slot=str(serial)))
        except StationError as error:
            assert type(error) is expected
            return
        assert expected is None
        self.runs[serial] = [run.run_id, RunState.OPEN, 0]
        self.disposition.setdefault(serial, Disposition.OPEN)
        self.opened += 1

    @rule(serial=SERIALS, on=DOCKS)
    def identifies(self, serial: int, on: int) -> None:
        if serial not in self.runs or self.runs[serial][1] is not RunState.OPEN:
            return
        expected = self.mismatch_of(serial, on)
        try:
            self.file.ledger.identify_run(self.runs[serial][0], dock(on))
        except StationError as error:
            assert type(error) is expected
            return
        assert expected is None
        self.runs[serial][1:] = [RunState.IDENTIFIED, on]

    @rule(serial=SERIALS)
    def holds(self, serial: int) -> None:
        if serial not in self.runs or self.runs[serial][1] is not RunState.IDENTIFIED:
            return
        run_id, _, on = self.runs[serial]
        mine = [name for name, (_, of) in self.records.items() if of == on]
        free = [name for name, (state, _) in self.records.items() if state is UpdState.FREE]
        try:
            (held,) = self.file.ledger.hold_records(run_id, [KIND])
        except NoTokens:
            assert not mine and not free
            return
        assert held.record_id in (mine or free)
        if not mine:
            self.records[held.record_id] = (UpdState.RESERVED, on)
            self.runs[serial][1] = RunState.HOLDING

    @rule(serial=SERIALS, state=st.sampled_from(ENTERED))
    def enters(self, serial: int, state: RunState) -> None:
        if serial not in self.runs:
            return
        run_id, old, on = self.runs[serial]
        try:
            self.file.ledger.enter(run_id, state)
        except ValueError:
            assert state not in NEXT[old]
            return
        assert state in NEXT[old]
        self.runs[serial][1] = state
        if state is RunState.SENDING:
            self.bound[serial] = on
            self.move(on, UpdState.RESERVED, UpdState.SENT)

    @rule(serial=SERIALS, end=st.sampled_from([closing(), FAIL, ERROR, ABORTED]))
    def closes(self, serial: int, end: Any) -> None:
        if serial not in self.runs:
            return
        run_id, state, _ = self.runs[serial]
        try:
            closed = self.file.ledger.close_run(run_id, end)
        except ValueError:
            assert end.verdict is Verdict.PASS and state is not RunState.CONFIRMING
            return
        self.close(serial, end.verdict)
        assert closed.disposition is self.disposition[serial]

    @rule(serial=SERIALS, steps=st.integers(2, 6))
    def goes_on(self, serial: int, steps: int) -> None:
        """As a lane would, so that deep states are reached often."""
        for _ in range(steps):
            match self.runs.get(serial):
                case None:
                    self.opens(serial)
                case [_, RunState.OPEN, _]:
                    self.identifies(serial, self.bound.get(serial, serial))
                case [_, RunState.IDENTIFIED, _]:
                    self.holds(serial)
                    self.enters(serial, RunState.WRITING)
                case [_, RunState.CONFIRMING, _]:
                    return
                case [_, state, _]:
                    self.enters(serial, max(NEXT[state], key=progress))

    @rule(serial=SERIALS, end=st.sampled_from([closing(), closing(), FAIL, ERROR, ABORTED]))
    def goes_on_to_the_end(self, serial: int, end: Any) -> None:
        self.goes_on(serial, 6)
        self.closes(serial, end)

    # -- what goes wrong -------------------------------------------------------------------------

    @rule(really=st.sampled_from([True, False, False, False]))
    def restarts(self, really: bool) -> None:
        if really:
            self.file.close()
            self.recover()

    @rule(serial=SERIALS, after=st.booleans(), state=st.sampled_from(ENTERED))
    def dies_entering(self, serial: int, after: bool, state: RunState) -> None:
        if serial not in self.runs or state not in NEXT[self.runs[serial][1]]:
            return
        run_id, _, on = self.runs[serial]
        self.fatal = f"enter.{state.lower()}.{'after' if after else 'before'}"
        try:
            self.file.ledger.enter(run_id, state)
        except Killed:
            if after and state is RunState.SENDING:
                self.bound[serial] = on
                self.move(on, UpdState.RESERVED, UpdState.SENT)
        self.file.close()
        self.recover()

    @rule(serial=SERIALS, after=st.booleans())
    def dies_passing(self, serial: int, after: bool) -> None:
        if serial not in self.runs or self.runs[serial][1] is not RunState.CONFIRMING:
            return
        self.fatal = f"close.{'after' if after else 'before'}"
        try:
            self.file.ledger.close_run(self.runs[serial][0], closing())
        except Killed:
            if after:
                self.close(serial, Verdict.PASS)
        self.file.close()
        self.recover()

    # -- what must hold --------------------------------------------------------------------------

    @invariant()
    def every_record_is_somewhere_once(self) -> None:
        expected = Counter(state for state, _ in self.records.values())
        assert self.file.registry.stock() == {state: expected[state] for state in UpdState}

    @invariant()
    def every_run_has_left_its_record(self) -> None:
        units = self.file.registry.units("WO-1")
        runs = [run for unit in units for run in unit.runs]
        assert len(runs) == self.opened
        assert Counter(run.verdict for run in runs if run.verdict) == self.ends
        for unit in units:
            serial = int(Serial(unit.serial).text.removeprefix("DK7F-"))
            assert unit.disposition is self.disposition[serial]
            assert unit.dock_id == bytes([self.bound[serial]] * 32 if serial in self.bound else [])
        _, counts = self.file.registry.order("WO-1")
        assert counts.good == self.ends[Verdict.PASS] <= QUANTITY

    # -- the model -------------------------------------------------------------------------------

    def refusal_of(self, serial: int) -> type[StationError] | None:
        match self.disposition.get(serial):
            case Disposition.HOLD:
                return OnHold
            case Disposition.GOOD:
                return AlreadyDone
        if serial in self.runs:
            return InAnotherSlot
        return OrderComplete if self.ends[Verdict.PASS] + len(self.runs) >= QUANTITY else None

    def mismatch_of(self, serial: int, on: int) -> type[StationError] | None:
        if any(of == on for _, _, of in self.runs.values()):
            return InAnotherSlot
        if self.bound.get(serial, on) != on:
            return LabelMismatch
        if any(of == on and other != serial for other, of in self.bound.items()):
            return LabelMismatch
        return None

    def move(self, on: int, old: UpdState, new: UpdState) -> None:
        for name, (state, of) in self.records.items():
            if of == on and state is old:
                self.records[name] = (new, 0 if new is UpdState.FREE else on)

    def close(self, serial: int, verdict: Verdict) -> None:
        _, _, on = self.runs.pop(serial)
        self.ends[verdict] += 1
        if verdict is Verdict.PASS:
            self.move(on, UpdState.SENT, UpdState.ACTIVE)
            self.disposition[serial] = Disposition.GOOD
        elif on:
            self.move(on, UpdState.RESERVED, UpdState.FREE)
        if verdict in {Verdict.FAIL, Verdict.ERROR}:
            self.spent[serial] += 1
            if self.spent[serial] > 1:
                self.disposition[serial] = Disposition.HOLD

    def recover(self) -> None:
        self.file = self.reopened()
        found = self.file.ledger.close_found_open(at=START_AT)
        assert {run.run_id for run in found} == {run[0] for run in self.runs.values()}
        for serial in list(self.runs):
            self.close(serial, Verdict.ABORTED)


EXAMPLES = {"ci": 40, "nightly": 1_000, "release": 20_000}

LedgerMachine.TestCase.settings = settings(
    max_examples=EXAMPLES[os.environ.get("STATION_SWEEP", "ci")], stateful_step_count=50
)
TestTheLedgerAgainstItsModel = LedgerMachine.TestCase

"""A line over the workbench, and somebody who waits for what it shows."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from threading import Condition, Event, current_thread
from threading import enumerate as all_threads
from time import monotonic
from typing import Any, Final

from station.application.line import Line
from station.application.snapshot import LineSnapshot, Refusal, SlotPhase, SlotSnapshot
from station.dock.faults import Fault
from station.domain.slot_map import SlotPlace, slots_at
from tests.fakes.registry import SpyRegistry
from tests.fakes.serial_link import Troubles
from tests.unit.application.workbench import ORDER, Workbench, make_board, serial_of

GUARD_S: Final = 30.0
"""A test that waits longer than this has failed; nothing here takes a second."""

LOOK_S: Final = 0.05
"""Not everything that moves is told: so often it is looked for without being told."""


class Gate:
    """A place where a thread of the line stops until it is let go."""

    def __init__(self) -> None:
        self._reached = Event()
        self._open = Event()

    def stop_here(self) -> None:
        """Called by the thread; does not stop a second time."""
        self._reached.set()
        assert self._open.wait(GUARD_S), "nobody opened the gate"

    def wait(self) -> None:
        """Until a thread stands at the gate."""
        assert self._reached.wait(GUARD_S), "nobody came to the gate"

    def open(self) -> None:
        """Let whoever comes pass, from now on."""
        self._open.set()


@dataclass
class Floor:
    """line: the subject. registry: what it looks things up in. changes: how often it told."""

    bench: Workbench
    line: Line = field(init=False)
    registry: SpyRegistry = field(init=False)
    _news: Condition = field(default_factory=Condition)
    _badges: Iterator[int] = field(default_factory=lambda: count(1))
    _desk: Gate | None = None
    changes: int = 0

    @classmethod
    @contextmanager
    def over(
        cls,
        bench: Workbench,
        *,
        slots: int = 2,
        places: Sequence[SlotPlace] = (),
        order: str = ORDER,
        operator: str = "0417",
        **line: Any,
    ) -> Iterator["Floor"]:
        """A floor whose line is closed at the end, whatever happened."""
        made = cls(bench)
        made.registry = SpyRegistry(bench.registry)
        made.line = Line(
            station="L3-P2",
            places=places or slots_at([port(number) for number in range(1, slots + 1)]),
            provisioning=bench.provisioning,
            registry=made.registry,
            shelf=bench.shelf,
            clock=bench.clock,
            changed=made._changed,
            operator=operator,
            **line,
        )
        try:
            if order:
                made.line.choose_order(order)
            yield made
        finally:
            made.line.close()

    def _changed(self) -> None:
        desk = self._desk
        if desk is not None and current_thread().name.startswith("desk"):
            desk.stop_here()
        with self._news:
            self.changes += 1
            self._news.notify_all()

    def until(self, holds: Callable[[LineSnapshot], bool]) -> LineSnapshot:
        """The first snapshot of which this holds."""
        give_up_s = monotonic() + GUARD_S
        with self._news:
            while not holds(shown := self.line.snapshot()):
                assert monotonic() < give_up_s, f"it never came: {shown}"
                self._news.wait(LOOK_S)
        return shown

    def slot(self, number: int, *phases: SlotPhase) -> SlotSnapshot:
        """The slot, once it is in one of these phases."""
        shown = self.until(lambda line: line.slots[number - 1].phase in phases)
        return shown.slots[number - 1]

    def slots(self) -> list[SlotPhase]:
        """The phases of all slots, now."""
        return [slot.phase for slot in self.line.snapshot().slots]

    def settle(self) -> LineSnapshot:
        """Once everything that lies on the desk now has been read.

        Scans are read in order, so a badge scanned last is read last; it also ends a refusal.
        """
        badge = f"badge-{next(self._badges)}"
        self.line.scan(f"OP:{badge}")
        return self.until(lambda line: line.operator == badge)

    def scan(self, text: str) -> LineSnapshot:
        """Scan, and what is shown once the scan was read."""
        self.line.scan(text)
        return self.settle()

    def scan_unit(self, number: int) -> LineSnapshot:
        """Scan the n-th unit's label."""
        return self.scan(serial_of(number).text)

    def refused(self, text: str) -> Refusal:
        """The refusal of a scan."""
        assert self.line.snapshot().refusal is None
        self.line.scan(text)
        refusal = self.until(lambda line: line.refusal is not None).refusal
        assert refusal is not None
        return refusal

    def plug(self, slot: int, number: int, *faults: Fault, **board: Any) -> Troubles:
        """Put the n-th unit's dock into a slot and wait until the line has met it."""
        troubles = self.slip_in(slot, number, *faults, **board)
        self.slot(slot, SlotPhase.READY)
        self.settle()
        return troubles

    def slip_in(self, slot: int, number: int, *faults: Fault, **board: Any) -> Troubles:
        """Put the n-th unit's dock into a slot; the line may do with it what it likes."""
        troubles = self.bench.docks.plug(port(slot), make_board(number, *faults, **board))
        self.line.attach(slot, port(slot))
        return troubles

    def pull(self, slot: int) -> None:
        """Take a dock out of its slot."""
        self.bench.docks.pull(port(slot))
        self.line.detach(slot)

    def desk_left(self) -> None:
        """Until the desk's thread has ended."""
        for thread in all_threads():
            if thread.name.startswith("desk"):
                thread.join(GUARD_S)
                assert not thread.is_alive(), "the desk stays"

    @contextmanager
    def stalled_desk(self) -> Iterator[None]:
        """Nothing more is read at the desk until the block is left."""
        self._desk = gate = Gate()
        self.line.press_provision()
        gate.wait()
        try:
            yield
        finally:
            self._desk = None
            gate.open()


def port(slot: int) -> str:
    """Where the slot's cable ends."""
    return f"/dev/slot-{slot}"


@contextmanager
def held_at(troubles: Troubles, call: str) -> Iterator[Gate]:
    """A gate before a call to the dock; open once the block is left."""
    gate = Gate()

    def before(name: str) -> None:
        if name == call:
            gate.stop_here()

    troubles.before = before
    try:
        yield gate
    finally:
        gate.open()

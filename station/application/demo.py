"""The demo's units, and the hands that connect, move and remove virtual docks at the line.

The hands know what an operator knows: what the slots show, and which dock they hold. Everything
they do goes through the line exactly as a person's work would; nothing here can make a run pass.
"""

from dataclasses import dataclass, field
from enum import Enum, auto
from hashlib import sha256
from threading import Condition
from typing import Final, Protocol

from station.application.line import Line
from station.application.ports import Clock
from station.application.snapshot import LineSnapshot, SlotPhase, SlotSnapshot
from station.domain.identity import DockId, Serial

SEEDED_FAULTS: Final = {3: "unplug@40%", 5: "bitflip"}
"""What goes wrong in a demo that names no fault: the unit, counted from 1, and its trouble."""

FAULTED_UNIT: Final = 3
"""The unit that gets the fault somebody asked for."""

PASSING_FAULTS: Final = ("unplug",)
"""Faults of the cable: gone once the dock is plugged in again."""

SCANS_MAX: Final = 3
SCAN_AGAIN_S: Final = 3.0
"""How often, and after how long, a label is scanned again whose dock did not start."""

RESEATS_MAX: Final = 2
"""How often the hands plug a cable again before they put its dock aside."""

ENDED: Final = frozenset({SlotPhase.PASS, SlotPhase.HOLD, SlotPhase.FAIL, SlotPhase.CHECK})

ASIDE: Final = frozenset({"E-IDENT-02", "E-SCAN-02", "E-SCAN-03", "E-SCAN-04", "E-SCAN-06"})
"""Codes whose step is to put the dock aside: no run is going to help it."""


@dataclass(frozen=True, slots=True)
class DemoUnit:
    """A virtual dock and the label on it. fault: empty, or a fault script for the dock."""

    serial: Serial
    dock_id: DockId
    fault: str = ""


def demo_units(count: int, *, seed: int, fault: str = "") -> tuple[DemoUnit, ...]:
    """The same units for the same seed, troubles included."""
    faults = {FAULTED_UNIT: fault} if fault else SEEDED_FAULTS
    return tuple(
        DemoUnit(
            Serial(f"DK7F-{number:05d}"),
            DockId(sha256(f"virtual dock {seed} {number}".encode()).digest()),
            faults.get(number, ""),
        )
        for number in range(1, count + 1)
    )


class VirtualBench(Protocol):
    """Virtual docks that can be plugged in and pulled out."""

    def plug(self, unit: DemoUnit, slot: int, *, fault: str) -> str:
        """Power the dock up at this slot; the port it is found on."""

    def pull(self, unit: DemoUnit) -> None:
        """Power the dock off; its flash keeps what it holds."""


class _Fate(Enum):
    WAITING = auto()
    PLUGGED = auto()
    DONE = auto()
    ASIDE = auto()


@dataclass(slots=True)
class _Held:
    """A unit as the hands know it. away_from: the slot it may not go back to, 0 for none.

    reseats: how often its cable was plugged again after CHECK CABLE.
    """

    unit: DemoUnit
    fate: _Fate = _Fate.WAITING
    slot: int = 0
    away_from: int = 0
    fault: str = field(init=False)
    scans: int = 0
    scanned_at_s: float = 0.0
    ended_at_s: float | None = None
    reseats: int = 0

    def __post_init__(self) -> None:
        self.fault = self.unit.fault


class Hands:
    """Work the units through the line. scans: whether the hands also hold the scanner.

    look_s: how long a result stays in its slot, for a person to see it.
    """

    def __init__(
        self,
        units: tuple[DemoUnit, ...],
        *,
        bench: VirtualBench,
        clock: Clock,
        scans: bool = True,
        look_s: float = 0.0,
    ) -> None:
        self._held = [_Held(unit) for unit in units]
        self._bench = bench
        self._clock = clock
        self._scans = scans
        self._look_s = look_s
        self._news = Condition()
        self._fresh = False
        self._stopped = False

    def changed(self) -> None:
        """Tell the hands that the line has changed; from any thread."""
        with self._news:
            self._fresh = True
            self._news.notify_all()

    def stop(self) -> None:
        """Let `work` return soon; from any thread."""
        with self._news:
            self._stopped = True
            self._news.notify_all()

    def next_label(self, line: Line) -> str | None:
        """The label of a dock that is connected and not yet scanned; what a scanner would read."""
        snapshot = line.snapshot()
        for held in self._held:
            ready = held.slot and snapshot.slots[held.slot - 1].phase is SlotPhase.READY
            if held.fate is _Fate.PLUGGED and ready:
                return held.unit.serial.text
        return None

    def work(self, line: Line) -> LineSnapshot:
        """Until every unit is done or put aside, the station stopped, or `stop` was called."""
        while True:
            snapshot = line.snapshot()
            working = any(slot.phase is SlotPhase.WORKING for slot in snapshot.slots)
            finished = all(held.fate in {_Fate.DONE, _Fate.ASIDE} for held in self._held)
            if self._stopped or ((finished or snapshot.stop) and not working):
                return snapshot
            if not snapshot.stop:
                for held in self._held:
                    self._handle(held, line, snapshot)
            self._wait()

    def release(self) -> None:
        """Power every dock off."""
        for held in self._held:
            if held.fate is _Fate.PLUGGED:
                self._bench.pull(held.unit)

    def _wait(self) -> None:
        with self._news:
            if not self._fresh and not self._stopped:
                self._news.wait(timeout=0.5)
            self._fresh = False

    def _handle(self, held: _Held, line: Line, snapshot: LineSnapshot) -> None:
        if held.fate is _Fate.WAITING:
            self._connect(held, line, snapshot)
            return
        if held.fate is not _Fate.PLUGGED:
            return
        shown = snapshot.slots[held.slot - 1]
        if shown.phase is SlotPhase.READY and self._scans:
            self._scan(held, line)
        elif shown.phase in ENDED and self._looked_at(held):
            self._remove(held, line, self._fate(held, shown))

    def _scan(self, held: _Held, line: Line) -> None:
        """Scan the label; again after a while, as a person would, but not for ever."""
        now_s = self._clock.monotonic_s()
        if held.scans and now_s - held.scanned_at_s < SCAN_AGAIN_S:
            return
        if held.scans == SCANS_MAX:
            self._remove(held, line, _Fate.ASIDE)
            return
        held.scans += 1
        held.scanned_at_s = now_s
        line.scan(held.unit.serial.text)

    def _looked_at(self, held: _Held) -> bool:
        """Whether the result has been there long enough to be seen."""
        now_s = self._clock.monotonic_s()
        if held.ended_at_s is None:
            held.ended_at_s = now_s
        return now_s - held.ended_at_s >= self._look_s

    def _fate(self, held: _Held, shown: SlotSnapshot) -> _Fate:
        """What an operator does with the dock: tray, aside, or plugged in again."""
        if shown.phase in {SlotPhase.PASS, SlotPhase.HOLD}:
            return _Fate.DONE
        if shown.code in ASIDE:
            return _Fate.ASIDE
        if shown.code == "E-LINK-01":
            held.reseats += 1
            return _Fate.WAITING if held.reseats <= RESEATS_MAX else _Fate.ASIDE
        held.away_from = held.slot
        return _Fate.WAITING

    def _connect(self, held: _Held, line: Line, snapshot: LineSnapshot) -> None:
        taken = {other.slot for other in self._held if other.fate is _Fate.PLUGGED}
        free = [
            slot.number
            for slot in snapshot.slots
            if slot.phase in {SlotPhase.EMPTY, SlotPhase.WAITING} and slot.number not in taken
        ]
        # Another slot tells a bad dock from a bad nest; a bench with one slot has no choice.
        if len(snapshot.slots) > 1:
            free = [number for number in free if number != held.away_from]
        for number in free[:1]:
            held.slot = number
            held.fate = _Fate.PLUGGED
            held.scans = 0
            line.attach(number, self._bench.plug(held.unit, number, fault=held.fault))

    def _remove(self, held: _Held, line: Line, fate: _Fate) -> None:
        self._bench.pull(held.unit)
        line.detach(held.slot)
        held.fate = fate
        held.slot = 0
        held.ended_at_s = None
        if held.fault.startswith(PASSING_FAULTS):
            held.fault = ""

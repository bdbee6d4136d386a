"""One slot of a line: what is known of it, and what it shows. Guarded by the line's lock."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Final

from station.application.cancel import Cancel
from station.application.ports import DockIdentity
from station.application.reseat import RESEATED, Reseat
from station.application.snapshot import EndedRun, SlotPhase, SlotSnapshot
from station.domain.identity import DockId, Serial
from station.domain.order import WorkOrder

RUNS_KEPT: Final = 20
"""Of each slot; a picture is kept of the last one only."""


@dataclass(frozen=True, slots=True)
class Start:
    """One run as it was asked for: what was scanned, and what was in the slot at that moment.

    met: who the dock said it is; None where it was not asked.
    """

    serial: Serial
    order: WorkOrder
    operator: str
    port: str
    visit: int
    met: DockIdentity | None

    def reseat(self, until_s: float) -> Reseat | None:
        """What its dock is given when it is back; nothing for a dock nobody could tell again."""
        if self.met is None:
            return None
        return Reseat(self.serial, self.order.name, self.met.dock_id, self.met.label, until_s)


@dataclass(slots=True)
class Slot:
    """port: where its dock is to be asked, empty while there is none. visit: counts docks that came
    or left. identity: of the dock that was met there. reseat: the run that a dock will be given
    when it is back. served: the dock whose run has ended before it was seen to be back from its
    restart; what is shown stays when it comes."""

    number: int
    lane: ThreadPoolExecutor
    port: str = ""
    visit: int = 0
    identity: DockIdentity | None = None
    reseat: Reseat | None = None
    served: DockId | None = None
    shown: SlotSnapshot = field(init=False)
    began_s: float = 0.0
    cancel: Cancel = field(default_factory=Cancel)

    def __post_init__(self) -> None:
        self.shown = SlotSnapshot(self.number)

    def show(self, phase: SlotPhase, **facts: object) -> None:
        """Show this and nothing of what was shown before, but for the runs."""
        fresh = SlotSnapshot(self.number, phase, runs=self.shown.runs)
        self.shown = replace(fresh, **facts)  # type: ignore[arg-type]

    def keep(self, run: EndedRun) -> None:
        """A run ended here."""
        before = tuple(one.shortened() for one in self.shown.runs[: RUNS_KEPT - 1])
        self.shown = replace(self.shown, runs=(run, *before))

    def vacate(self) -> None:
        """Nothing is plugged in; a slot that waits for its dock goes on asking for it."""
        if self.reseat is None:
            self.show(SlotPhase.EMPTY)
        else:
            waited = self.reseat.serial.text
            self.show(SlotPhase.CHECK, serial=waited, code=RESEATED, cause="the dock is unplugged")

    def forget_reseat(self) -> None:
        """Its dock is waited for no longer."""
        self.reseat = None
        if self.shown.phase is SlotPhase.CHECK and not self.port:
            self.show(SlotPhase.EMPTY)

    def visited(self, port: str) -> None:
        """A dock came, or left if the port is empty; whatever was asked of another is void."""
        self.port = port
        self.visit += 1
        self.identity = None
        if not port:
            self.served = None

    def ended_unseen(self, start: Start) -> None:
        """A run was judged, so its dock is back from its restart, although nobody saw it come."""
        if not self.port and start.met is not None:
            self.served = start.met.dock_id

    def welcome_back(self, identity: DockIdentity) -> bool:
        """Whether it is the dock that was served here just now, and no new one."""
        served, self.served = self.served, None
        return served == identity.dock_id

    def awaits_answer(self, visit: int) -> bool:
        """Whether the dock that was asked is still there, and has not been started meanwhile."""
        return self.visit == visit and self.shown.phase is not SlotPhase.WORKING

    def timed(self, now_s: float, usual_s: float) -> SlotSnapshot:
        """What it shows at this moment."""
        if self.shown.phase is not SlotPhase.WORKING:
            return self.shown
        return replace(self.shown, elapsed_s=now_s - self.began_s, usual_s=usual_s)

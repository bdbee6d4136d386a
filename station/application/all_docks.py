"""Every dock that is connected, at once: each is made in its own slot, under its own label.

Drives a line as hands with a scanner would, and ends when no slot has anything left to do.
"""

from collections.abc import Callable, Collection
from threading import Event
from typing import Final, Protocol

from station.application.cancel import Cancel
from station.application.snapshot import LineSnapshot, SlotPhase

LOOK_S: Final = 0.2
"""How soon a request to stop is seen."""

ENDED: Final = frozenset(
    {SlotPhase.PASS, SlotPhase.FAIL, SlotPhase.CHECK, SlotPhase.HOLD, SlotPhase.OFF}
)
"""Phases in which a slot waits for a person: its dock was served, or was turned away."""


class LabelledLine(Protocol):
    """As much of a line as these hands need."""

    def snapshot(self) -> LineSnapshot:
        """The whole line as it is now."""

    def start_labelled(self, number: int) -> None:
        """Start the dock in this slot under the serial it reports."""

    def cancel(self, number: int) -> None:
        """Stop the run on this slot."""


class AllDocks:
    """Starts every dock once it has told who it is. `changed` is told by the line."""

    def __init__(self, watch: Callable[[LineSnapshot], None]) -> None:
        self._watch = watch
        self._news = Event()

    def changed(self) -> None:
        """Something happened on the line; from any thread."""
        self._news.set()

    def work(self, line: LabelledLine, slots: Collection[int], *, cancel: Cancel) -> None:
        """Until every one of these slots has ended; what is stopped has nothing more to begin."""
        started: set[int] = set()
        while True:
            self._news.clear()
            shown = line.snapshot()
            self._watch(shown)
            open_ = [one for one in shown.slots if one.number in slots and one.phase not in ENDED]
            if cancel.asked:
                open_ = [one for one in open_ if one.phase is SlotPhase.WORKING]
                for slot in open_:
                    line.cancel(slot.number)
            if not open_:
                return
            for slot in open_:
                if slot.phase is SlotPhase.READY and slot.number not in started:
                    started.add(slot.number)
                    line.start_labelled(slot.number)
            self._news.wait(LOOK_S)

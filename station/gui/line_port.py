"""What the window asks of the line it shows."""

from collections.abc import Callable
from typing import Protocol

from station.application.snapshot import LineSnapshot


class LinePort(Protocol):
    """A running line. No call blocks or raises for a bad scan: the next snapshot tells."""

    def snapshot(self) -> LineSnapshot:
        """The whole line as it is now."""

    def scan(self, text: str) -> None:
        """Take what a scanner read, or a person typed, as it is."""

    def press_provision(self) -> None:
        """Start every bound slot."""

    def choose_slot(self, number: int) -> None:
        """Answer an ambiguous scan: it means the dock in this slot."""

    def toggle_pause(self) -> None:
        """Bind no more until called again; what runs goes on."""

    def undo(self) -> None:
        """Drop the scan that waits for its dock."""

    def tick(self) -> None:
        """Let time pass: called about five times a second."""

    def close(self) -> None:
        """End the line; a run still open is closed as ABORTED."""


MakeLine = Callable[[Callable[[], None]], LinePort]
"""Makes the line; it is given what to call, from any thread, when there is a new snapshot."""

VirtualScan = Callable[[], str | None]
"""Text of the next label a virtual scanner reads, None when there is no dock to scan."""

"""A line that does nothing but remember what the window asked of it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from station.application.snapshot import LineSnapshot
from tests.gui.samples import LINE


@dataclass
class FakeLine:
    """`gui.line_port.LinePort`. calls: in order, with their argument if they have one."""

    changed: Callable[[], None] = lambda: None
    shows: LineSnapshot = LINE
    calls: list[tuple[str, object]] = field(default_factory=list)
    ticks: int = 0
    closed: bool = False

    def snapshot(self) -> LineSnapshot:
        return self.shows

    def scan(self, text: str) -> None:
        self.calls.append(("scan", text))

    def press_provision(self) -> None:
        self.calls.append(("provision", None))

    def choose_slot(self, number: int) -> None:
        self.calls.append(("slot", number))

    def toggle_pause(self) -> None:
        self.calls.append(("pause", None))

    def undo(self) -> None:
        self.calls.append(("undo", None))

    def tick(self) -> None:
        self.ticks += 1

    def close(self) -> None:
        self.closed = True

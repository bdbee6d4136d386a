"""The operator screen as a test holds it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from PySide6.QtWidgets import QAbstractButton

from station.application.snapshot import LineSnapshot
from station.gui.app import connect
from station.gui.line_port import LinePort
from station.gui.presenter import Presenter
from station.gui.texts import Speaker
from station.gui.tokens import Theme
from station.gui.views.operator_window import OperatorWindow
from station.gui.views.paintbox import Paintbox
from station.gui.wedge import WedgeFilter
from tests.gui.fake_line import FakeLine
from tests.gui.samples import LINE


@dataclass
class OperatorScreen:
    """labels: what a virtual scanner will read. pressed: buttons and tiles, in order."""

    line: FakeLine
    presenter: Presenter
    window: OperatorWindow
    wedge: WedgeFilter
    labels: list[str]
    pressed: list[str] = field(default_factory=list)

    def close(self) -> None:
        """Nothing of it is left."""
        self.window.hide()
        self.presenter.close()
        self.window.deleteLater()

    def show(self, snapshot: LineSnapshot) -> None:
        """The line looks like this now."""
        self.line.shows = snapshot
        self.presenter.refresh()

    def buttons(self) -> list[QAbstractButton]:
        """Everything that can be pressed."""
        drawer = self.window.slot_drawer
        return [
            *self.window.action_bar.buttons,
            *self.window.tiles,
            *([drawer.close_button] if drawer.open else []),
        ]

    @property
    def scans(self) -> list[object]:
        """What reached the line as a scan."""
        return [text for call, text in self.line.calls if call == "scan"]


def open_screen(snapshot: LineSnapshot = LINE) -> OperatorScreen:
    """Not shown yet, and the filter not installed."""
    line = FakeLine(shows=snapshot)

    def make_line(changed: Callable[[], None]) -> LinePort:
        line.changed = changed
        return line

    presenter = Presenter(make_line, lambda: "14:07", Speaker())
    window = OperatorWindow(presenter.model, Paintbox(Theme.LIGHT), may_close=presenter.may_close)
    window.resize(1280, 720)
    wedge = WedgeFilter(lambda: 0)
    labels: list[str] = []
    connect(presenter, window, wedge, lambda: labels.pop(0) if labels else None)
    screen = OperatorScreen(line, presenter, window, wedge, labels)
    for button in screen.buttons():
        button.pressed.connect(lambda button=button: screen.pressed.append(button.accessibleName()))
    return screen

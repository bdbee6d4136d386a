"""The front door: opens, refuses to close too early, and always closes its line."""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from station.application.snapshot import LineSnapshot, SlotPhase
from station.gui.app import open_window, run_window
from station.gui.line_port import LinePort
from station.gui.tokens import COLOURS, Theme, Token
from station.gui.views.operator_window import OperatorWindow
from tests.gui.fake_line import FakeLine
from tests.gui.samples import DEMO, HERO, slot

IDLE = replace(DEMO, slots=tuple(slot(number, SlotPhase.EMPTY) for number in range(1, 5)))


def windows() -> list[OperatorWindow]:
    return [
        one
        for one in QApplication.topLevelWidgets()
        if isinstance(one, OperatorWindow) and one.isVisible()
    ]


class Maker:
    """Makes a fake line and remembers it."""

    def __init__(self, shows: LineSnapshot) -> None:
        self.line = FakeLine(shows=shows)

    def __call__(self, changed: Callable[[], None]) -> LinePort:
        self.line.changed = changed
        return self.line


class Watcher(QTimer):
    """Acts on the open window as soon as it is as wanted; a test that waits in vain times out."""

    def __init__(self) -> None:
        super().__init__()
        self._acts: list[tuple[Callable[[OperatorWindow], bool], Callable[[], object]]] = []
        self.timeout.connect(self._look)
        self.start(10)

    def when(
        self, wanted: Callable[[OperatorWindow], bool], act: Callable[[OperatorWindow], object]
    ) -> None:
        """One act after the other, in the order they were given."""
        self._acts.append((wanted, lambda: act(windows()[0])))

    def _look(self) -> None:
        if self._acts and windows() and self._acts[0][0](windows()[0]):
            self._acts.pop(0)[1]()


@pytest.fixture
def watcher(qapp: QApplication) -> Iterator[Watcher]:
    watching = Watcher()
    yield watching
    watching.stop()


def opened(window: OperatorWindow) -> bool:
    return window.isVisible()


def test_a_closed_window_ends_well_and_closes_its_line(
    qapp: QApplication, watcher: Watcher, tmp_path: Path
) -> None:
    make, picture = Maker(IDLE), tmp_path / "operator.png"
    watcher.when(lambda _: make.line.ticks > 1, OperatorWindow.close)

    status = open_window(make, demo=True, theme=Theme.DARK, screenshot=picture)

    assert (status, make.line.closed) == (0, True)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert qapp.palette().window().color().name().upper() == COLOURS[Theme.DARK][Token.CANVAS]


def test_a_window_outside_a_demo_takes_the_whole_screen(watcher: Watcher) -> None:
    make = Maker(IDLE)
    watcher.when(OperatorWindow.isFullScreen, OperatorWindow.close)

    assert run_window(make, demo=False, virtual_scan=None) == 0


def test_a_change_from_the_line_is_shown(watcher: Watcher) -> None:
    make = Maker(IDLE)

    def change(_: OperatorWindow) -> None:
        make.line.shows = replace(IDLE, paused=True)
        make.line.changed()

    watcher.when(opened, change)
    watcher.when(
        lambda window: window.prompt_band.accessibleName() == "Press F8 to continue",
        OperatorWindow.close,
    )

    assert run_window(make, demo=True, virtual_scan=None) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_program_even_while_a_slot_works(
    watcher: Watcher, number: signal.Signals
) -> None:
    make, before = Maker(HERO), signal.getsignal(number)
    watcher.when(opened, OperatorWindow.close)  # refused
    watcher.when(
        lambda window: "close when done" in window.prompt_band.accessibleName(),
        lambda _: os.kill(os.getpid(), number),
    )

    assert run_window(make, demo=True, virtual_scan=None) == 130
    assert make.line.closed
    assert signal.getsignal(number) is before


def test_an_error_in_a_handler_takes_the_screen_down_and_comes_out(watcher: Watcher) -> None:
    make = Maker(IDLE)

    def break_down(_: OperatorWindow) -> None:
        raise ZeroDivisionError("in a handler")

    watcher.when(opened, break_down)
    with pytest.raises(ZeroDivisionError, match="in a handler"):
        run_window(make, demo=True, virtual_scan=None)

    assert make.line.closed


def test_the_line_is_closed_when_the_window_cannot_be_made(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = Maker(IDLE)
    monkeypatch.setattr(OperatorWindow, "_connect", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run_window(make, demo=True, virtual_scan=None)

    assert make.line.closed


def test_the_desktop_decides_the_theme_where_nobody_else_does(
    qapp: QApplication, watcher: Watcher
) -> None:
    make = Maker(IDLE)
    watcher.when(opened, OperatorWindow.close)
    run_window(make, demo=True, virtual_scan=None)

    assert qapp.palette().window().color().name().upper() == COLOURS[Theme.LIGHT][Token.CANVAS]

"""The window of a virtual dock follows the dock, and asks before it empties it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from station.domain.errors import ScreenNotDrawn, StationError
from station.domain.splash import Splash, TextBox
from station.gui.dock_presenter import SURE_LOOKS, DockPresenter
from station.gui.dock_window import open_dock_window
from station.gui.texts import Speaker
from station.gui.tokens import Theme
from station.gui.views.dock_view import SMALLEST, DockView
from station.gui.views.paintbox import Paintbox
from station.protocol.datastore_group import Running
from tests.gui.samples import PICTURE
from tests.gui.test_drawing import faults
from tests.unit.gui.test_dock_panel import Look

T = TypeVar("T")


@dataclass
class FakeDock:
    """`gui.dock_port.DockPort`. error: raised by whatever is done to it."""

    label: str = "DK7F-00317"
    path: str = "/run/dock.tty"
    on: bool = True
    shows: Look = field(default_factory=Look)
    error: StationError | None = None
    done: list[str] = field(default_factory=list)
    drawn: list[Splash] = field(default_factory=list)

    def look(self) -> Look:
        return self.shows

    def draw(self, splash: Splash) -> bytes:
        self.drawn.append(splash)
        self._do("draw")
        return PICTURE

    def restart(self) -> None:
        self._do("restart")

    def factory_reset(self) -> None:
        self._do("reset")

    def unplug(self) -> None:
        self._do("unplug")
        self.shows = replace(self.shows, plugged=False)

    def plug(self) -> None:
        self._do("plug")
        self.shows = replace(self.shows, plugged=True)

    def _do(self, what: str) -> None:
        self.done.append(what)
        if self.error is not None:
            raise self.error


class Hands:
    """`Later` that is late: what was asked is done when the test says so."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def __call__(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        self.waiting.append(lambda: then(work()))

    def catch_up(self) -> None:
        while self.waiting:
            self.waiting.pop(0)()


@dataclass
class Shown:
    """A dock and its window."""

    dock: FakeDock
    hands: Hands
    presenter: DockPresenter
    view: DockView
    over: list[str]

    def look(self) -> None:
        """A moment passes."""
        self.presenter.look()
        self.hands.catch_up()

    def press(self, key: Qt.Key) -> None:
        QTest.keyClick(self.view, key)
        self.hands.catch_up()

    @property
    def did(self) -> list[str]:
        """What was done to the dock, apart from drawing it."""
        return [one for one in self.dock.done if one != "draw"]


@pytest.fixture(name="shown")
def _shown(qtbot: QtBot) -> Iterator[Shown]:
    dock, hands, over = FakeDock(), Hands(), list[str]()
    presenter = DockPresenter(dock, Speaker(), hands, lambda: over.append("over"))
    presenter.close()  # time passes when a test says so
    view = DockView(presenter, Paintbox(Theme.LIGHT))
    qtbot.addWidget(view)
    view.show()
    made = Shown(dock, hands, presenter, view, over)
    made.look()
    yield made
    view.hide()


def test_the_screen_is_drawn_once_for_as_long_as_it_stays_the_same(shown: Shown) -> None:
    shown.look()
    before = shown.view.grab().toImage()
    shown.dock.shows = Look(splash=Splash(None, (TextBox("other"),)))
    shown.look()

    assert [len(splash.boxes) for splash in shown.dock.drawn] == [0, 1]
    assert before.pixelColor(520, 60) != before.pixelColor(2, 2)


def test_nothing_is_asked_while_an_answer_is_awaited(shown: Shown) -> None:
    for _ in range(3):
        shown.presenter.look()

    assert len(shown.hands.waiting) == 1


def test_buttons_and_their_keys_do_the_same(shown: Shown) -> None:
    for button in (shown.view.restart, shown.view.cable):
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        shown.hands.catch_up()
    shown.look()
    shown.press(Qt.Key.Key_F5)
    shown.press(Qt.Key.Key_F6)

    assert shown.did == ["restart", "unplug", "restart", "plug"]


def test_the_cable_button_says_what_it_will_do(shown: Shown) -> None:
    said = [shown.view.cable.text()]
    shown.press(Qt.Key.Key_F6)
    shown.look()

    assert [*said, shown.view.cable.text()] == ["Unplug", "Plug in"]
    assert "cable out" in shown.view.accessibleName()


def test_a_factory_reset_is_done_when_it_was_asked_for_twice(shown: Shown) -> None:
    shown.press(Qt.Key.Key_F8)
    asked, done = shown.view.reset.text(), list(shown.did)
    shown.press(Qt.Key.Key_F8)

    assert (asked, done) == ("Really reset?", [])
    assert (shown.view.reset.text(), shown.did) == ("Factory reset", ["reset"])


@pytest.mark.parametrize("by", ["escape", "time"])
def test_a_factory_reset_that_was_not_meant_is_not_done(shown: Shown, by: str) -> None:
    shown.press(Qt.Key.Key_F8)
    if by == "escape":
        shown.press(Qt.Key.Key_Escape)
    else:
        for _ in range(SURE_LOOKS):
            shown.look()
    unasked = shown.view.reset.text()
    shown.press(Qt.Key.Key_F8)

    assert (unasked, shown.did) == ("Factory reset", [])


def test_what_could_not_be_done_is_told_until_the_next_thing_is(shown: Shown) -> None:
    shown.dock.error = ScreenNotDrawn("the process that draws ended")
    shown.press(Qt.Key.Key_F5)
    told = shown.presenter.panel.detail
    shown.dock.error = None
    shown.press(Qt.Key.Key_F5)

    assert (told, shown.presenter.panel.detail) == ("the process that draws ended", "")


def test_a_screen_that_cannot_be_drawn_leaves_the_one_before(shown: Shown) -> None:
    shown.dock.error = ScreenNotDrawn("the process that draws ended")
    shown.dock.shows = Look(splash=Splash(None, (TextBox("other"),)))
    shown.look()

    assert shown.presenter.panel.detail == "the process that draws ended"
    assert not shown.presenter.picture.isNull()

    shown.dock.error = None
    shown.look()

    assert len(shown.dock.drawn) == 2  # not again and again


def test_the_end_of_the_dock_is_told_once_it_is_looked_at(shown: Shown) -> None:
    shown.dock.on = False
    shown.presenter.look()

    assert shown.over == ["over"]
    assert shown.hands.waiting == []


@pytest.mark.parametrize("size", [SMALLEST, (1_920, 1_080), (1_040, 1_600)], ids=str)
def test_nothing_is_cut_and_the_screen_keeps_its_shape(shown: Shown, size: tuple[int, int]) -> None:
    shown.dock.shows = Look(Running.FAILED, trace="KeyError: tag", plugged=False)
    shown.look()
    shown.view.resize(*size)
    screen, view = shown.view._screen(), shown.view
    texts = faults(view.runs(), view.rect().toRectF(), "window")
    buttons = [one for button in view.buttons for one in
               faults(button.runs(), button.rect().toRectF(), "button")]  # fmt: skip

    assert texts + buttons == []
    assert screen.width() / screen.height() == pytest.approx(16 / 9)
    assert screen.bottom() <= view.restart.y()
    assert all(view.rect().contains(button.geometry()) for button in view.buttons)


def test_a_dock_that_shows_nothing_has_a_black_screen(qtbot: QtBot) -> None:
    presenter = DockPresenter(FakeDock(), Speaker(), Hands(), lambda: None)
    presenter.close()
    view = DockView(presenter, Paintbox(Theme.DARK))
    qtbot.addWidget(view)
    picture: QImage = view.grab().toImage()

    assert picture.pixelColor(picture.width() // 2, 100).name() == "#000000"
    assert not view.restart.isEnabled()


# -- the front doors -------------------------------------------------------------------------------


def on_window(act: Callable[[DockView], object]) -> QTimer:
    """Act on the open window as soon as it shows a picture."""
    timer = QTimer()

    def look() -> None:
        found = [one for one in QApplication.topLevelWidgets() if isinstance(one, DockView)]
        if found and found[0].isVisible() and not found[0]._presenter.picture.isNull():
            timer.stop()
            act(found[0])

    timer.timeout.connect(look)
    timer.start(10)
    return timer


def test_the_window_opens_shows_and_closes(qapp: QApplication) -> None:
    dock = FakeDock()
    timer = on_window(DockView.close)

    assert open_dock_window(dock, theme=Theme.LIGHT) == 0
    assert dock.drawn == [Splash()]
    assert not timer.isActive()


def test_the_window_goes_when_its_dock_has_ended(qapp: QApplication) -> None:
    dock = FakeDock()
    timer = on_window(lambda _: setattr(dock, "on", False))

    assert open_dock_window(dock) == 0
    assert not timer.isActive()


def test_a_dock_with_a_window_ends_when_it_is_told_to(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "station", "dock", "run", "--window"]
    environment = {**os.environ, "STATION_HOME": str(tmp_path), "QT_QPA_PLATFORM": "offscreen"}
    process = subprocess.Popen(
        [*command, "--flash", str(tmp_path / "dock.flash")],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)

        assert process.wait(60) == 0
    assert said["profile"] == "dl7450-virtual"
    assert not Path(said["port"]).exists()


@pytest.mark.parametrize("more", [["--docks", "2"], ["--no-application"]])
def test_a_window_is_for_one_dock_that_runs_its_application(more: list[str]) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "station", "dock", "run", "--window", *more],
        capture_output=True,
        text=True,
    )

    assert ended.returncode == 2
    assert "--window is for one dock that runs its application" in ended.stderr

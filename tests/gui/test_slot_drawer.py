"""The drawer opens and closes by hand and by key, and never stands in the way of a scan."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from station.application.snapshot import SlotPhase
from station.gui.drawer_model import PICTURE_SIZE, DrawerModel
from station.gui.present import Desk, present
from station.gui.tokens import COLOURS, Theme, Token
from station.gui.views.paintbox import Paintbox
from tests.gui.keyboard import Keyboard
from tests.gui.samples import BEFORE, LINE, LOST_RUN, PASSED_RUN, PICTURE, WITH_RUNS, with_runs
from tests.gui.screen import OperatorScreen

T = TypeVar("T")


def press(part: QWidget, at: QPoint | None = None) -> None:
    QTest.mouseClick(part, Qt.MouseButton.LeftButton, pos=at or part.rect().center())


def shown(screen: OperatorScreen) -> int:
    """Number of the slot whose drawer is open, 0 for none."""
    drawer = screen.presenter.model.drawer.drawer
    visible = screen.window.slot_drawer.isVisible()
    assert visible == (drawer is not None)
    return drawer.slot if drawer else 0


def test_a_press_on_a_tile_opens_turns_and_closes_its_drawer(screen: OperatorScreen) -> None:
    seen = []
    for at in (3, 0, 0):
        press(screen.window.tiles[at])
        seen.append(shown(screen))

    assert seen == [4, 1, 0]
    assert screen.line.calls == []


def test_every_slot_stays_in_sight_beside_the_drawer(screen: OperatorScreen) -> None:
    before = [tile.geometry() for tile in screen.window.tiles]
    press(screen.window.tiles[0])
    drawer = screen.window.slot_drawer.geometry()
    beside = [tile.geometry() for tile in screen.window.tiles]

    assert drawer.right() == screen.window.rect().right()
    assert all(tile.right() < drawer.left() for tile in beside)
    assert not screen.window.prompt_band.geometry().intersects(drawer)

    press(screen.window.tiles[0])

    assert [tile.geometry() for tile in screen.window.tiles] == before


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter])
def test_enter_on_a_focused_tile_opens_its_drawer(
    screen: OperatorScreen, keyboard: Keyboard, key: Qt.Key
) -> None:
    screen.window.tiles[2].setFocus()
    keyboard.press(key)

    assert shown(screen) == 3


def test_enter_presses_no_button_that_does_something(
    screen: OperatorScreen, keyboard: Keyboard
) -> None:
    for button in screen.window.action_bar.buttons:
        button.setFocus()
        keyboard.tap("\r", after_ms=200)

    assert screen.line.calls == []
    assert screen.pressed == []


def test_f6_shows_the_focused_slot_or_the_first_and_a_digit_turns_to_another(
    screen: OperatorScreen, keyboard: Keyboard
) -> None:
    screen.window.setFocus()
    keyboard.press(Qt.Key.Key_F6)
    seen = [shown(screen)]
    for digit in "59":  # there is no slot 9
        keyboard.tap(digit, after_ms=200)
        keyboard.press(Qt.Key.Key_F1)  # what a digit means is settled by whatever follows
        seen.append(shown(screen))
    keyboard.press(Qt.Key.Key_F6)
    seen.append(shown(screen))
    screen.window.tiles[6].setFocus()
    keyboard.press(Qt.Key.Key_F6)

    assert [*seen, shown(screen)] == [1, 5, 5, 0, 7]
    assert screen.line.calls == []


def test_escape_closes_the_drawer_before_it_drops_a_scan(
    screen: OperatorScreen, keyboard: Keyboard
) -> None:
    press(screen.window.tiles[0])
    keyboard.press(Qt.Key.Key_Escape)
    closed, calls = shown(screen), list(screen.line.calls)
    keyboard.press(Qt.Key.Key_Escape)

    assert (closed, calls) == (0, [])
    assert screen.line.calls == [("undo", None)]


def test_a_press_outside_closes_the_drawer_and_one_inside_does_not(
    screen: OperatorScreen,
) -> None:
    window = screen.window
    press(window.tiles[0])
    press(window.slot_drawer, QPoint(30, window.slot_drawer.height() - 10))
    seen = [shown(screen)]
    for outside in (window.status_bar, window.order_bar, window.prompt_band, window):
        press(window.tiles[0])
        if not shown(screen):
            press(window.tiles[0])
        press(outside, QPoint(5, 5) if outside is not window else QPoint(3, 300))
        seen.append(shown(screen))

    assert seen == [1, 0, 0, 0, 0]


def test_the_close_button_closes_and_gives_the_focus_back(
    screen: OperatorScreen, keyboard: Keyboard
) -> None:
    button = screen.window.slot_drawer.close_button
    press(screen.window.tiles[0])
    press(button)
    by_touch = shown(screen)
    press(screen.window.tiles[0])
    button.setFocus()
    keyboard.press(Qt.Key.Key_Return)

    assert (by_touch, shown(screen)) == (0, 0)
    assert screen.window.hasFocus()


def test_a_scan_closes_the_drawer_and_reaches_the_line(
    screen: OperatorScreen, keyboard: Keyboard
) -> None:
    press(screen.window.tiles[0])
    keyboard.type("DK7F-00321\r", after_ms=5)

    assert shown(screen) == 0
    assert screen.scans == ["DK7F-00321"]


def test_a_typed_serial_closes_the_drawer_too(screen: OperatorScreen, keyboard: Keyboard) -> None:
    press(screen.window.tiles[0])
    keyboard.type("DK7F-00321", after_ms=200)
    keyboard.tap("\r", after_ms=200)

    assert shown(screen) == 0
    assert screen.scans == ["DK7F-00321"]


def test_tab_reaches_the_close_button_while_the_drawer_is_open(
    screen: OperatorScreen, keyboard: Keyboard
) -> None:
    def reached() -> bool:
        screen.window.setFocus()
        for _ in range(20):
            keyboard.tap("\t", after_ms=200)
            if screen.window.slot_drawer.close_button.hasFocus():
                return True
        return False

    before = reached()
    press(screen.window.tiles[0])

    assert (before, reached()) == (False, True)


def test_an_open_drawer_follows_its_slot(screen: OperatorScreen) -> None:
    press(screen.window.tiles[0])
    before = screen.window.slot_drawer.accessibleName()
    screen.show(with_runs(LINE, LOST_RUN, phase=SlotPhase.CHECK, code="E-LINK-03"))

    assert before == "Slot 1. PASS. No run has ended on this slot yet"
    assert screen.window.slot_drawer.accessibleName() == (
        "Slot 1. UNPLUGGED. DK7F-00317. ERROR. E-LINK-03  UNPLUGGED. 0 of 7 hold"
    )


def test_the_drawer_and_its_button_have_names(screen: OperatorScreen) -> None:
    press(screen.window.tiles[0])
    button = screen.window.slot_drawer.close_button
    face = QAccessible.queryAccessibleInterface(button)

    assert face.text(QAccessible.Text.Name) == "Close (Esc)"
    assert face.role() == QAccessible.Role.Button


def test_other_colours_repaint_the_drawer(screen: OperatorScreen) -> None:
    press(screen.window.tiles[0])
    screen.window.set_paintbox(Paintbox(Theme.DARK))
    drawer = screen.window.slot_drawer
    ground = drawer.grab().toImage().pixelColor(4, drawer.height() - 3)

    assert ground.name().upper() == COLOURS[Theme.DARK][Token.SURFACE]


def test_focus_and_touch_of_the_close_button_can_be_seen(screen: OperatorScreen) -> None:
    press(screen.window.tiles[0])
    button = screen.window.slot_drawer.close_button
    plain = button.grab().toImage()
    button.setFocus()
    focused = button.grab().toImage()
    button.setDown(True)

    assert plain != focused != button.grab().toImage()


# -- the picture -----------------------------------------------------------------------------------


def test_the_picture_is_shown_once_it_is_decoded(screen: OperatorScreen, qtbot: QtBot) -> None:
    screen.show(WITH_RUNS)
    press(screen.window.tiles[0])
    drawer, model = screen.window.slot_drawer, screen.presenter.model.drawer
    frame = drawer.sheet().frame
    assert frame is not None
    without = colours(drawer.grab().toImage(), frame.center().toPoint())
    qtbot.waitUntil(lambda: model.picture is not None)

    assert without == 1
    assert colours(drawer.grab().toImage(), frame.center().toPoint()) > 10


def colours(image: QImage, middle: QPoint) -> int:
    """How many colours there are on a line through this point."""
    around = range(middle.x() - 40, middle.x() + 40)
    return len({image.pixelColor(x, middle.y() - 20).rgb() for x in around})


class Deferred:
    """`Later` in the hands of a test."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def __call__(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        self.waiting.append(lambda: then(work()))


def model_of(later: Deferred) -> tuple[DrawerModel, list[str]]:
    model, told = DrawerModel(None, later), list[str]()
    model.changed.connect(lambda: told.append("changed"))
    return model, told


def test_a_picture_is_decoded_once_and_made_small() -> None:
    later = Deferred()
    model, told = model_of(later)
    for snapshot in (WITH_RUNS, WITH_RUNS, replace(WITH_RUNS, paused=True)):
        model.show(present(snapshot, Desk(drawer=1)).drawer)
    [decode] = later.waiting
    decode()

    assert told == ["changed", "changed"]
    assert model.picture is not None
    assert (model.picture.width(), model.picture.height()) == PICTURE_SIZE


def test_a_picture_that_comes_too_late_is_not_shown() -> None:
    later = Deferred()
    model, told = model_of(later)
    model.show(present(WITH_RUNS, Desk(drawer=1)).drawer)
    model.show(present(WITH_RUNS, Desk(drawer=2)).drawer)
    later.waiting.pop()()

    assert model.picture is None
    assert told == ["changed", "changed"]


def test_a_picture_that_is_none_leaves_its_place_empty() -> None:
    later = Deferred()
    model, _ = model_of(later)
    broken = replace(PASSED_RUN, picture=PICTURE[:100])
    model.show(present(with_runs(LINE, broken), Desk(drawer=1)).drawer)
    later.waiting.pop()()

    assert model.picture is None


def test_only_the_last_run_of_a_slot_keeps_its_picture() -> None:
    assert PASSED_RUN.shortened().picture == b""
    assert (PASSED_RUN.shortened().serial, PASSED_RUN.shortened().checks) == ("DK7F-00317", ())
    assert all(run.picture == b"" for run in BEFORE)

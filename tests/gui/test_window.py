"""Keys and presses reach the line; what the line says reaches the screen."""

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from station.application.snapshot import SlotPhase
from station.gui.tokens import COLOURS, Theme, Token
from station.gui.views.paintbox import Paintbox
from tests.gui.keyboard import Keyboard
from tests.gui.samples import DEMO, HERO, LINE, REFUSED, STOPPED, slot
from tests.gui.screen import OperatorScreen, open_screen

IDLE = replace(LINE, slots=tuple(slot(number, SlotPhase.EMPTY) for number in range(1, 9)))


@pytest.mark.parametrize(
    ("key", "call"),
    [
        (Qt.Key.Key_F5, ("provision", None)),
        (Qt.Key.Key_F8, ("pause", None)),
        (Qt.Key.Key_Escape, ("undo", None)),
    ],
)
def test_a_function_key_calls_its_action_whatever_has_the_focus(
    screen: OperatorScreen, keyboard: Keyboard, key: Qt.Key, call: tuple[str, object]
) -> None:
    for place in (screen.window, screen.window.tiles[0], screen.window.prompt_band.scan_box):
        place.setFocus()
        keyboard.press(key)

    assert screen.line.calls == [call] * 3


def test_a_digit_picks_its_slot(screen: OperatorScreen, keyboard: Keyboard, qtbot: QtBot) -> None:
    screen.window.tiles[0].setFocus()
    keyboard.tap("5", after_ms=90)
    keyboard.tap("9", after_ms=90)  # there is no slot 9
    keyboard.press(Qt.Key.Key_F8)

    assert screen.line.calls == [("slot", 5), ("pause", None)]


def test_a_press_on_a_tile_answers_a_waiting_scan_and_leaves_the_focus(
    screen: OperatorScreen, qtbot: QtBot
) -> None:
    screen.show(replace(LINE, pending_scan="DK7F-00321"))
    screen.window.setFocus()
    QTest.mouseClick(screen.window.tiles[1], Qt.MouseButton.LeftButton)

    assert screen.line.calls == [("slot", 2)]
    assert screen.window.hasFocus()
    assert not screen.window.slot_drawer.open


def test_the_buttons_call_their_actions(screen: OperatorScreen, qtbot: QtBot) -> None:
    for button in screen.window.action_bar.buttons:
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    assert screen.line.calls == [("pause", None), ("provision", None)]
    assert screen.window.action_bar.help.text() == "Cancel help"
    assert "HELP CALLED" in screen.window.status_bar.accessibleName()


def test_help_is_called_and_cancelled_by_its_key(
    screen: OperatorScreen, keyboard: Keyboard
) -> None:
    keyboard.press(Qt.Key.Key_F9)
    called = screen.window.action_bar.help.text()
    keyboard.press(Qt.Key.Key_F9)

    assert (called, screen.window.action_bar.help.text()) == ("Cancel help", "Call for help")


def test_a_stopped_station_cannot_be_told_to_provision(
    screen: OperatorScreen, keyboard: Keyboard, qtbot: QtBot
) -> None:
    screen.show(STOPPED)
    keyboard.press(Qt.Key.Key_F5)
    QTest.mouseClick(screen.window.action_bar.provision, Qt.MouseButton.LeftButton)

    assert screen.line.calls == []


def test_space_scans_the_next_label_where_there_is_a_virtual_scanner(
    screen: OperatorScreen, keyboard: Keyboard, qtbot: QtBot
) -> None:
    screen.labels.append("DK7F-00005")
    screen.window.setFocus()
    keyboard.tap(" ", after_ms=90)
    qtbot.waitUntil(lambda: bool(screen.line.calls))
    keyboard.tap(" ", after_ms=90)  # no dock is left to scan
    keyboard.press(Qt.Key.Key_F8)

    assert screen.line.calls == [("scan", "DK7F-00005"), ("pause", None)]


def test_escape_first_clears_what_was_typed(
    screen: OperatorScreen, keyboard: Keyboard, qtbot: QtBot
) -> None:
    box = screen.window.prompt_band.scan_box
    box.setFocus()
    box.setText("DK7")
    keyboard.press(Qt.Key.Key_Escape)

    assert (box.text(), screen.line.calls) == ("", [])

    keyboard.press(Qt.Key.Key_Escape)

    assert screen.line.calls == [("undo", None)]


def test_enter_in_an_empty_scan_box_scans_nothing(
    screen: OperatorScreen, keyboard: Keyboard
) -> None:
    screen.window.prompt_band.scan_box.setFocus()
    keyboard.tap("\r", after_ms=90)

    assert screen.line.calls == []


def test_input_methods_are_kept_out_of_the_scan_box(screen: OperatorScreen) -> None:
    box = screen.window.prompt_band.scan_box

    assert box.inputMethodQuery(Qt.InputMethodQuery.ImEnabled) is False
    assert box.inputMethodQuery(Qt.InputMethodQuery.ImMaximumTextLength) is not None


def test_the_last_scan_is_shown(screen: OperatorScreen) -> None:
    box = screen.window.prompt_band.scan_box
    assert box.placeholderText() == "DK7F-00320"

    screen.show(replace(LINE, last_scan=""))

    assert box.placeholderText() == "none yet"


def test_only_the_tile_that_changed_is_told(screen: OperatorScreen) -> None:
    changed: list[int] = []
    for model in screen.presenter.model.slots:
        model.changed.connect(lambda model=model: changed.append(model.tile.number))
    screen.show(replace(LINE, slots=(*LINE.slots[:-1], slot(8, SlotPhase.READY))))
    screen.show(screen.line.shows)

    assert changed == [8]


def test_each_part_is_told_of_its_own_change(screen: OperatorScreen) -> None:
    model, told = screen.presenter.model, list[str]()
    model.status_changed.connect(lambda: told.append("status"))
    model.order_changed.connect(lambda: told.append("order"))
    model.prompt_changed.connect(lambda: told.append("prompt"))
    model.actions_changed.connect(lambda: told.append("actions"))
    for change in (
        {"operator": "0512 Huy P."},
        {"pace_per_h": 89},
        {"last_scan": "DK7F-00321"},
        {"results": LINE.results[1:]},
    ):
        screen.show(replace(screen.line.shows, **change))

    assert told == ["status", "order", "prompt", "actions"]


def test_every_tile_and_button_has_a_name_and_a_role(screen: OperatorScreen) -> None:
    for button in screen.buttons():
        face = QAccessible.queryAccessibleInterface(button)

        assert face.text(QAccessible.Text.Name)
        assert face.role() == QAccessible.Role.Button
    assert screen.window.tiles[3].accessibleName().startswith("Slot 4. FAIL. DK7F-00311. Move")
    assert screen.window.action_bar.accessibleName().endswith("DK7F-00311 FAIL")


def test_the_band_names_what_it_says(screen: OperatorScreen) -> None:
    screen.show(REFUSED)

    assert screen.window.prompt_band.accessibleName() == (
        "WRONG DOCK. Put this dock aside. DK5X-00018 is not a serial of DK-7F."
    )


def test_tab_reaches_every_button_and_the_scan_box(
    screen: OperatorScreen, keyboard: Keyboard
) -> None:
    screen.window.setFocus()
    reached = set()
    for _ in range(20):
        keyboard.tap("\t", after_ms=200)
        reached.add(QApplication.focusWidget())

    assert set(screen.buttons()) <= reached
    assert screen.window.prompt_band.scan_box in reached


def test_the_window_stays_while_a_slot_works_and_says_why(
    screen: OperatorScreen, qtbot: QtBot
) -> None:
    screen.show(LINE)

    assert not screen.window.close()
    assert "Slot 3, 5 working: close when done" in screen.window.prompt_band.accessibleName()

    for _ in range(15):
        screen.presenter.tick()

    qtbot.waitUntil(lambda: "when done" not in screen.window.prompt_band.accessibleName())

    assert screen.line.ticks == 15

    screen.line.shows = IDLE  # not presented yet: closing looks at the line itself

    assert screen.window.close()


def test_other_colours_repaint_every_part(screen: OperatorScreen) -> None:
    screen.window.set_paintbox(Paintbox(Theme.DARK))
    picture = screen.window.grab().toImage()

    assert colour_at(picture, QPoint(3, 700)) == COLOURS[Theme.DARK][Token.SURFACE]
    assert colour_at(picture, QPoint(3, 300)) == COLOURS[Theme.DARK][Token.CANVAS]


def colour_at(picture: QImage, point: QPoint) -> str:
    return picture.pixelColor(point).name().upper()


def test_a_passed_slot_is_green_and_no_other_is(screen: OperatorScreen) -> None:
    picture = screen.window.grab().toImage()
    greens = []
    for tile in screen.window.tiles:
        corner = tile.geometry().bottomRight() - QPoint(tile.width() // 3, 6)
        greens.append(colour_at(picture, corner) == COLOURS[Theme.LIGHT][Token.PASS])

    assert greens == [True] + [False] * 7


def test_a_candidate_pulses_and_the_others_do_not(screen: OperatorScreen) -> None:
    ready = replace(slot(2, SlotPhase.READY), candidate=True)
    screen.show(replace(LINE, slots=(LINE.slots[0], ready, *LINE.slots[2:])))
    tile = screen.window.tiles[1]
    lit = tile.grab().toImage()
    screen.window._beat()
    dark = tile.grab().toImage()

    assert lit != dark
    assert [one.number for one in screen.window.tiles if one.pulsing] == [2]


def test_focus_and_touch_can_be_seen(screen: OperatorScreen) -> None:
    for button in (*screen.window.action_bar.buttons, screen.window.tiles[1]):
        screen.window.setFocus()
        plain = button.grab().toImage()
        button.setFocus()
        focused = button.grab().toImage()
        button.setDown(True)
        touched = button.grab().toImage()
        button.setDown(False)

        assert plain != focused != touched != plain


def test_the_ribbon_is_seen_in_a_demo_only(qtbot: QtBot) -> None:
    for snapshot, visible in ((DEMO, True), (HERO, False)):
        opened = open_screen(snapshot)
        qtbot.addWidget(opened.window)
        opened.window.show()

        assert opened.window.ribbon.isVisible() == visible

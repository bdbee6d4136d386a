"""Scans reach the line whole, whatever has the focus; a person's keys reach their widget."""

from random import Random

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from station.gui.wedge import WedgeFilter, type_as_scanner
from station.gui.wedge_buffer import GS
from tests.gui.keyboard import Keyboard
from tests.gui.screen import OperatorScreen

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefgh0123456789-./: " + GS


@pytest.mark.parametrize("seed", [7, 8450])
def test_200_random_scans_arrive_and_press_nothing(
    screen: OperatorScreen, keyboard: Keyboard, seed: int
) -> None:
    chance = Random(seed)
    places = [*screen.buttons(), screen.window.prompt_band.scan_box, screen.window]
    sent = []
    for number in range(200):
        middle = "".join(chance.choices(ALPHABET, k=chance.randrange(1, 30)))
        text = f"S{number}{middle}E"
        chance.choice(places).setFocus()
        keyboard.now_ms += chance.randrange(61, 500)
        for sign in text + chance.choice("\r\t"):
            keyboard.tap(sign, after_ms=chance.randrange(2, 21))
        sent.append(text)

    assert screen.scans == sent
    assert screen.pressed == []
    assert screen.line.calls == [("scan", text) for text in sent]
    assert screen.window.prompt_band.scan_box.text() == ""


def test_a_space_in_a_scanned_serial_does_not_press_the_focused_button(
    screen: OperatorScreen, keyboard: Keyboard
) -> None:
    screen.window.action_bar.provision.setFocus()
    keyboard.type("DK7F 00317\r", after_ms=8)

    assert screen.scans == ["DK7F 00317"]
    assert screen.pressed == []


def test_a_persons_space_presses_the_focused_button(
    screen: OperatorScreen, keyboard: Keyboard, qtbot: QtBot
) -> None:
    screen.window.action_bar.pause.setFocus()
    keyboard.tap(" ", after_ms=90)
    qtbot.waitUntil(lambda: bool(screen.line.calls))

    assert screen.line.calls == [("pause", None)]
    assert screen.pressed == ["Pause (F8)"]


def test_a_serial_typed_by_hand_is_taken_with_enter(
    screen: OperatorScreen, keyboard: Keyboard, qtbot: QtBot
) -> None:
    box = screen.window.prompt_band.scan_box
    screen.window.setFocus()
    keyboard.type("DK7F-00317", after_ms=90)
    qtbot.waitUntil(lambda: box.text() == "DK7F-00317")

    assert screen.line.calls == []

    keyboard.tap("\r", after_ms=90)

    assert screen.line.calls == [("scan", "DK7F-00317")]
    assert box.text() == ""
    assert not box.hasFocus()


def test_typing_goes_to_the_widget_it_was_meant_for(
    screen: OperatorScreen, keyboard: Keyboard, qtbot: QtBot
) -> None:
    box = screen.window.prompt_band.scan_box
    box.setFocus()
    keyboard.tap("a", after_ms=90)
    screen.window.setFocus()  # the focus moves while the key is held back
    qtbot.waitUntil(lambda: box.text() == "a")

    assert screen.line.calls == []


def test_held_keys_of_a_widget_that_is_gone_go_nowhere(
    screen: OperatorScreen, keyboard: Keyboard, qtbot: QtBot
) -> None:
    box = QLineEdit(screen.window)
    box.show()
    box.setFocus()
    keyboard.tap("a", after_ms=90)
    box.setParent(None)
    box.deleteLater()
    QApplication.sendPostedEvents(None, 52)  # QEvent.Type.DeferredDelete
    qtbot.wait(80)

    assert screen.line.calls == []


def test_a_busy_moment_of_the_program_does_not_break_a_scan(
    screen: OperatorScreen, keyboard: Keyboard, qtbot: QtBot, qapp: QApplication
) -> None:
    qapp.removeEventFilter(screen.wedge)
    now_ms = [0]
    wedge = WedgeFilter(lambda: now_ms[0])
    scans: list[str] = []
    wedge.scanned.connect(scans.append)
    qapp.installEventFilter(wedge)
    keyboard.type("DK7F", after_ms=5)
    now_ms[0] = 500  # the timer runs out late: the rest of the scan is waiting behind it
    wedge._expired()
    keyboard.type("-00317\r", after_ms=5)
    qapp.removeEventFilter(wedge)

    assert scans == ["DK7F-00317"]


def test_group_separators_come_through_in_all_their_forms(
    screen: OperatorScreen, keyboard: Keyboard
) -> None:
    alt, control = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ControlModifier
    keyboard.type("01095", after_ms=5)
    keyboard.press(Qt.Key.Key_BracketRight, "", control, after_ms=5)
    keyboard.type("21DK", after_ms=5)
    for digit in "029":
        keyboard.press(ord(digit), digit, alt, after_ms=5)
    keyboard.type("10L", after_ms=5)
    keyboard.type(f"{GS}1\r", after_ms=5)

    assert screen.scans == [f"01095{GS}21DK{GS}10L{GS}1"]


@pytest.mark.parametrize("prefix", ["\x02", Qt.Key.Key_F24])
def test_a_prefixed_scan_is_never_taken_for_typing(
    screen: OperatorScreen, keyboard: Keyboard, qapp: QApplication, prefix: str | Qt.Key
) -> None:
    qapp.removeEventFilter(screen.wedge)
    wedge = WedgeFilter(lambda: 0, prefix=prefix)
    scans: list[str] = []
    wedge.scanned.connect(scans.append)
    qapp.installEventFilter(wedge)
    keyboard.press(
        Qt.Key.Key_F24 if prefix is Qt.Key.Key_F24 else Qt.Key.Key_B,
        "" if prefix is Qt.Key.Key_F24 else "\x02",
    )
    keyboard.type("A 1\r", after_ms=200)
    qapp.removeEventFilter(wedge)

    assert scans == ["A 1"]
    assert screen.line.calls == []


def test_function_keys_and_commands_pass_at_once(
    screen: OperatorScreen, keyboard: Keyboard
) -> None:
    keyboard.press(Qt.Key.Key_F8)
    keyboard.press(Qt.Key.Key_C, "\x03", Qt.KeyboardModifier.ControlModifier)
    keyboard.press(Qt.Key.Key_F5)

    assert screen.line.calls == [("pause", None), ("provision", None)]


def test_a_virtual_scanner_types_into_the_same_filter(screen: OperatorScreen, qtbot: QtBot) -> None:
    screen.window.action_bar.provision.setFocus()
    type_as_scanner(screen.window.windowHandle(), f"DK7F 00{GS}42")
    qtbot.waitUntil(lambda: bool(screen.scans))

    assert screen.line.calls == [("scan", f"DK7F 00{GS}42")]
    assert screen.pressed == []

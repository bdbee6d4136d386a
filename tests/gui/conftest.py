"""The window on a fake line, joined as the front door joins them, and keys sent to it."""

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tests.gui.keyboard import Keyboard
from tests.gui.screen import OperatorScreen, open_screen


@pytest.fixture
def screen(qtbot: QtBot, qapp: QApplication) -> Iterator[OperatorScreen]:
    """An open window with the wedge filter before it."""
    opened = open_screen()
    qapp.installEventFilter(opened.wedge)
    with qtbot.waitActive(opened.window):
        opened.window.show()
    yield opened
    qapp.removeEventFilter(opened.wedge)
    opened.close()


@pytest.fixture
def keyboard(screen: OperatorScreen) -> Keyboard:
    """Hands on the keyboard in front of the screen."""
    return Keyboard(screen.window.windowHandle())

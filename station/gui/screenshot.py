"""Pictures of the screen without a screen: for the documentation, and to look at one's work."""

from pathlib import Path
from typing import Final

from PySide6.QtCore import QSize
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QWidget

from station.application.snapshot import LineSnapshot
from station.gui.present import Desk, present
from station.gui.screen_model import ScreenModel
from station.gui.tokens import Theme
from station.gui.views.operator_window import OperatorWindow
from station.gui.views.paintbox import Paintbox

SMALLEST_FILE: Final = 0
"""Qt's "quality" of a PNG: nothing is lost, the file is packed as tightly as can be."""


def render(
    snapshot: LineSnapshot,
    path: Path,
    size: tuple[int, int],
    theme: Theme,
    *,
    clock: str = "14:07",
    drawer: int = 0,
) -> None:
    """Write the operator screen of this snapshot as a PNG; size: width and height in pixels.

    drawer: number of the slot whose drawer is open, 0 for none. Needs a QApplication on any
    platform, offscreen included. Raises OSError if `path` cannot be written.
    """
    model = ScreenModel(present(snapshot, Desk(clock=clock, drawer=drawer)))
    window = OperatorWindow(model, Paintbox(theme), may_close=lambda: True)
    window.resize(QSize(*size))
    save(window, path)
    window.deleteLater()


def save(window: QWidget, path: Path) -> None:
    """Write what a window shows now as a PNG."""
    picture: QPixmap = window.grab()
    if not picture.save(str(path), "PNG", SMALLEST_FILE):
        raise OSError(f"cannot write {path}")

"""Redraws the pictures of the documentation: `make screenshots`."""

import sys
from pathlib import Path

from PySide6.QtWidgets import QApplication

from station.gui.screenshot import render
from station.gui.tokens import Theme
from tests.gui.samples import MAIN_VIEWS

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "screenshots"
SIZE = (1920, 1080)


def main() -> int:
    """One picture of the operator screen."""
    app = QApplication.instance() or QApplication([])
    PICTURES.mkdir(parents=True, exist_ok=True)
    render(MAIN_VIEWS["operator_8"], PICTURES / "operator.png", SIZE, Theme.LIGHT)
    app.quit()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Redraws the pictures of the documentation: `make screenshots`."""

import sys
from dataclasses import replace

from PySide6.QtWidgets import QApplication

from station.domain.entries import PictureType
from station.domain.splash import Alignment, Background, Splash, TextBox
from station.gui.screenshot import render
from station.gui.tokens import Theme
from station.rehearsal.renderer import draw
from tests.gui.samples import LINE, MAIN_VIEWS, PASSED_RUN, PICTURE, ROOT, with_runs

PICTURES = ROOT / "docs" / "screenshots"
SIZE = (1920, 1080)
SMALL_SIZE = (1366, 768)

WELCOME = Splash(
    Background(PICTURE, PictureType.PNG),
    tuple(
        TextBox(markup, 960, y, Alignment.MIDDLE)
        for y, markup in (
            (500, '<span foreground="grey">Welcome</span>'),
            (580, '<span size="large"><b>Dock 00317</b></span>'),
            (690, '<span size="large">192.0.2.17</span>'),
            (760, '<span foreground="grey">02:00:00:0D:0C:01</span>'),
            (920, '<span size="small" foreground="grey">DK7F-00317</span>'),
        )
    ),
)
"""What `firmware_bundles/welcome` shows on the default bench."""


def main() -> int:
    """The operator screen, and the drawer of a slot."""
    app = QApplication.instance() or QApplication([])
    PICTURES.mkdir(parents=True, exist_ok=True)
    render(MAIN_VIEWS["operator_8"], PICTURES / "operator.png", SIZE, Theme.LIGHT)
    passed = with_runs(LINE, replace(PASSED_RUN, picture=draw(WELCOME)))
    render(passed, PICTURES / "drawer.png", SMALL_SIZE, Theme.LIGHT, drawer=1)
    app.quit()
    return 0


if __name__ == "__main__":
    sys.exit(main())

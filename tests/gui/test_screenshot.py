"""A picture is drawn without a screen."""

from pathlib import Path

import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from station.gui.screenshot import render
from station.gui.tokens import COLOURS, Theme, Token
from tests.gui.samples import LINE, MAIN_VIEWS


@pytest.mark.parametrize("theme", Theme)
@pytest.mark.parametrize("name", MAIN_VIEWS)
def test_a_picture_has_its_size_and_its_theme(
    qapp: QApplication, tmp_path: Path, name: str, theme: Theme
) -> None:
    path = tmp_path / "operator.png"
    render(MAIN_VIEWS[name], path, (1366, 768), theme)
    picture = QImage(str(path))

    assert (picture.width(), picture.height()) == (1366, 768)
    assert picture.pixelColor(4, 500).name().upper() == COLOURS[theme][Token.CANVAS]


def test_a_picture_that_cannot_be_written_is_an_error(qapp: QApplication, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="cannot write"):
        render(LINE, tmp_path / "missing" / "operator.png", (1280, 720), Theme.LIGHT)

"""What the bars around the slots have in common: they are laid out as runs, then painted."""

from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from station.gui.tokens import Token
from station.gui.views.lettering import Run, draw
from station.gui.views.paintbox import Paintbox


class PaintedBar(QWidget):
    """A bar on a plain ground, with a hairline where it says so."""

    ground = Token.SURFACE
    line_above = False
    line_below = False

    def __init__(self, paintbox: Paintbox, parent: QWidget) -> None:
        super().__init__(parent)
        self._paintbox = paintbox
        self._scale = 1.0
        self._shared = False

    def set_style(self, scale: float, *, shared: bool) -> None:
        """How it is drawn, from the floor plan; shared: it is one row of a low double bar."""
        self._scale, self._shared = scale, shared
        self.update()

    def set_paintbox(self, paintbox: Paintbox) -> None:
        """Other colours from now on."""
        self._paintbox = paintbox
        self.update()

    def runs(self) -> tuple[Run, ...]:
        """All its texts, as drawn."""
        return ()

    def draw_shapes(self, painter: QPainter) -> None:
        """What lies under the texts."""

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), self._paintbox.colour(self.ground))
        line = self._paintbox.colour(Token.LINE)
        if self.line_above:
            painter.fillRect(0, 0, self.width(), 1, line)
        if self.line_below:
            painter.fillRect(0, self.height() - 1, self.width(), 1, line)
        self.draw_shapes(painter)
        draw(painter, self.runs(), self._paintbox)

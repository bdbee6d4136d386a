"""A button for gloves: 20 mm high, with its key beside its word."""

from math import ceil
from typing import Final

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QWidget

from station.gui.tokens import Token
from station.gui.views.lettering import CENTRE, Run, advance, draw, font, run
from station.gui.views.paintbox import Paintbox

TOUCH_MIN_PX: Final = 44
"""Of whatever else is touched (operator guide, "Sizes")."""

HEIGHT_PX: Final = 72
WIDTH_MIN_PX: Final = 180
FOCUS_PX: Final = 4


class BigButton(QAbstractButton):
    """primary: filled with the accent. A touch leaves the keyboard focus where it was."""

    def __init__(
        self, key: str, paintbox: Paintbox, parent: QWidget, *, primary: bool = False
    ) -> None:
        super().__init__(parent)
        self._key = key
        self._paintbox = paintbox
        self._primary = primary
        self._scale = 1.0
        self._called = False
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def show_label(self, label: str, *, called: bool = False) -> None:
        """Its word; called: it stands out because somebody has been called."""
        self._called = called
        self.setText(label)
        self.setAccessibleName(f"{label} ({self._key})")
        self.updateGeometry()
        self.update()

    def set_scale(self, scale: float) -> None:
        """Never below 1.0: gloves do not shrink with the screen."""
        self._scale = max(1.0, scale)
        self.update()

    def set_paintbox(self, paintbox: Paintbox) -> None:
        """Other colours from now on."""
        self._paintbox = paintbox
        self.update()

    def sizeHint(self) -> QSize:
        label, key = self._fonts()
        inner = advance(label, self.text()) + advance(key, self._key)
        width = max(WIDTH_MIN_PX * self._scale, inner + 84 * self._scale)
        return QSize(ceil(width), round(HEIGHT_PX * self._scale))

    def runs(self) -> tuple[Run, ...]:
        """All its texts, as drawn."""
        u, ink = self._scale, self._colours()[1]
        cap = self._cap()
        word = QRectF(28 * u, 0, cap.left() - 40 * u, self.height())
        return (
            run(word, self.text(), 23 * u, ink, floor=16 * u, bold=True),
            run(cap, self._key, 16 * u, ink, bold=True, align=CENTRE),
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        fill, ink, edge = self._colours()
        u, colour = self._scale, self._paintbox.colour
        painter.setPen(QPen(colour(edge), 2 * u))
        ground = colour(fill)
        painter.setBrush(ground.darker(118) if self.isDown() else ground)
        painter.setOpacity(1.0 if self.isEnabled() else 0.7)
        painter.drawRoundedRect(self.rect().toRectF().adjusted(u, u, -u, -u), 10 * u, 10 * u)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(colour(ink, 0.7), max(1.0, 1.5 * u)))
        painter.drawRoundedRect(self._cap(), 6 * u, 6 * u)
        draw(painter, self.runs(), self._paintbox)
        if self.hasFocus():
            inset = FOCUS_PX / 2 + 4 * u
            painter.setPen(QPen(colour(ink), FOCUS_PX))
            painter.drawRoundedRect(
                self.rect().toRectF().adjusted(inset, inset, -inset, -inset), 8 * u, 8 * u
            )

    def _fonts(self) -> tuple[QFont, QFont]:
        """Of the word and of the key."""
        return font(23 * self._scale, bold=True), font(16 * self._scale, bold=True)

    def _cap(self) -> QRectF:
        u = self._scale
        width = advance(self._fonts()[1], self._key) + 16 * u
        return QRectF(self.width() - 28 * u - width, (self.height() - 32 * u) / 2, width, 32 * u)

    def _colours(self) -> tuple[Token, Token, Token]:
        """Fill, ink and edge."""
        if not self.isEnabled():
            return Token.SUNKEN, Token.TEXT2, Token.SUNKEN
        if self._called:
            return Token.CHECK, Token.ON_CHECK, Token.CHECK
        if self._primary:
            return Token.ACCENT, Token.ON_ACCENT, Token.ACCENT
        return Token.SURFACE, Token.TEXT, Token.TEXT2

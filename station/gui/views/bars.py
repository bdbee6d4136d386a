"""Progress and count bars."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter

from station.gui.tokens import Token
from station.gui.views.paintbox import Paintbox


def draw_bar(
    painter: QPainter, box: QRectF, fraction: float, token: Token, paintbox: Paintbox
) -> None:
    """A bar with round ends on a sunken track; fraction 0.0 to 1.0."""
    radius = box.height() / 2
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(paintbox.colour(Token.SUNKEN))
    painter.drawRoundedRect(box, radius, radius)
    if fraction > 0:
        filled = QRectF(box)
        filled.setWidth(max(box.height(), box.width() * fraction))
        painter.setBrush(paintbox.colour(token))
        painter.drawRoundedRect(filled, radius, radius)

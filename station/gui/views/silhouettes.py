"""Draws the silhouettes: shapes alone tell the states apart, whatever the colours."""

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi, radians, sin
from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF

from station.gui.marks import Mark
from station.gui.signs import Sign
from station.gui.views.paintbox import Paintbox

LEAST_ARC: Final = 0.06
"""An arc shorter than this share of the ring would read as a dot."""


@dataclass(frozen=True, slots=True)
class Brushwork:
    """Where and in which colours. hole: of what is behind. fraction: how far an arc is turned."""

    painter: QPainter
    box: QRectF
    ink: QColor
    hole: QColor
    fraction: float = 0.0

    @property
    def size(self) -> float:
        """Side of the square the sign fills."""
        return min(self.box.width(), self.box.height())

    def at(self, x: float, y: float) -> QPointF:
        """A point of the sign: (-1, -1) is its upper left corner, (1, 1) its lower right."""
        centre, half = self.box.center(), self.size / 2
        return QPointF(centre.x() + x * half, centre.y() + y * half)

    def inner(self, share: float) -> QRectF:
        """The middle square of this share."""
        half = self.size / 2 * share
        return QRectF(self.at(0, 0) - QPointF(half, half), self.at(0, 0) + QPointF(half, half))

    def pen(self, width: float, colour: QColor | None = None) -> QPen:
        """A round pen; width as a share of the sign."""
        pen = QPen(colour or self.ink, width * self.size)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        return pen

    def outline(self, pen: QPen) -> None:
        """From now on, lines only."""
        self.painter.setPen(pen)
        self.painter.setBrush(Qt.BrushStyle.NoBrush)

    def solid(self, colour: QColor | None = None) -> None:
        """From now on, filled shapes without a line."""
        self.painter.setPen(Qt.PenStyle.NoPen)
        self.painter.setBrush(colour or self.ink)

    def rounded(self, points: list[tuple[float, float]], softness: float) -> None:
        """A filled polygon whose corners are rounded by a pen of its own colour."""
        self.painter.setPen(self.pen(softness))
        self.painter.setBrush(self.ink)
        self.painter.drawPolygon(QPolygonF([self.at(x, y) for x, y in points]))

    def line(self, *points: tuple[float, float]) -> None:
        """A line through these points."""
        self.painter.drawPolyline(QPolygonF([self.at(x, y) for x, y in points]))


def draw_sign(sign: Sign, brushwork: Brushwork) -> None:
    """Draw one sign; the painter is left as it was."""
    brushwork.painter.save()
    DRAWINGS[sign](brushwork)
    brushwork.painter.restore()


def draw_mark(mark: Mark, painter: QPainter, box: QRectF, paintbox: Paintbox) -> None:
    """Draw a sign in its colours."""
    draw_sign(
        mark.sign, Brushwork(painter, box, paintbox.colour(mark.ink), paintbox.colour(mark.hole))
    )


def _dashed_ring(b: Brushwork) -> None:
    width, dashes = 0.1, 9
    pen = b.pen(width)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    period = pi * (1 - width) / dashes / width
    pen.setDashPattern([0.56 * period, 0.44 * period])
    b.outline(pen)
    b.painter.drawEllipse(b.inner(1 - width))


def _ring_dot(b: Brushwork) -> None:
    b.outline(b.pen(0.1))
    b.painter.drawEllipse(b.inner(0.9))
    b.solid()
    b.painter.drawEllipse(b.inner(0.43))


def _clock(b: Brushwork) -> None:
    b.outline(b.pen(0.09))
    b.painter.drawEllipse(b.inner(0.91))
    b.line((0, -0.5), (0, 0.03), (0.34, 0.24))


def _arc(b: Brushwork) -> None:
    faint = QColor(b.ink)
    faint.setAlphaF(0.28 * b.ink.alphaF())
    b.outline(b.pen(0.115, faint))
    b.painter.drawEllipse(b.inner(0.88))
    b.outline(b.pen(0.115))
    turned = max(LEAST_ARC, min(1.0, b.fraction))
    b.painter.drawArc(b.inner(0.88), 90 * 16, -round(turned * 360 * 16))


def _tick(b: Brushwork) -> None:
    b.solid()
    b.painter.drawEllipse(b.inner(1))
    b.outline(b.pen(0.115, b.hole))
    b.line((-0.42, 0.04), (-0.12, 0.34), (0.44, -0.3))


def _bare_tick(b: Brushwork) -> None:
    b.outline(b.pen(0.17))
    b.line((-0.72, 0.06), (-0.2, 0.56), (0.74, -0.5))


def _cross(b: Brushwork) -> None:
    b.outline(b.pen(0.19))
    b.line((-0.6, -0.6), (0.6, 0.6))
    b.line((0.6, -0.6), (-0.6, 0.6))


def _octagon(b: Brushwork) -> None:
    turn = [radians(22.5 + 45 * corner) for corner in range(8)]
    b.rounded([(0.98 * cos(angle), 0.98 * sin(angle)) for angle in turn], 0.07)


def _octagon_cross(b: Brushwork) -> None:
    _octagon(b)
    b.outline(b.pen(0.12, b.hole))
    b.line((-0.33, -0.33), (0.33, 0.33))
    b.line((0.33, -0.33), (-0.33, 0.33))


def _octagon_bar(b: Brushwork) -> None:
    _octagon(b)
    b.outline(b.pen(0.14, b.hole))
    b.line((-0.42, 0), (0.42, 0))


def _triangle(b: Brushwork) -> None:
    b.rounded([(0, -0.82), (0.93, 0.76), (-0.93, 0.76)], 0.12)
    b.outline(b.pen(0.12, b.hole))
    b.line((0, -0.26), (0, 0.18))
    b.solid(b.hole)
    b.painter.drawEllipse(b.at(0, 0.53), 0.075 * b.size, 0.075 * b.size)


def _diamond_bars(b: Brushwork) -> None:
    b.rounded([(0, -0.94), (0.94, 0), (0, 0.94), (-0.94, 0)], 0.1)
    b.outline(b.pen(0.12, b.hole))
    b.line((-0.2, -0.3), (-0.2, 0.3))
    b.line((0.2, -0.3), (0.2, 0.3))


def _plug(b: Brushwork) -> None:
    body = QPainterPath()
    body.setFillRule(Qt.FillRule.WindingFill)
    body.addRoundedRect(QRectF(b.at(-0.62, -0.4), b.at(0.62, -0.08)), b.size / 16, b.size / 16)
    body.addRoundedRect(QRectF(b.at(-0.48, -0.3), b.at(0.48, 0.44)), b.size / 5, b.size / 5)
    b.outline(b.pen(0.12))
    b.line((-0.27, -0.86), (-0.27, -0.4))
    b.line((0.27, -0.86), (0.27, -0.4))
    b.line((0, 0.44), (0, 0.9))
    b.solid()
    b.painter.drawPath(body.simplified())


def _crossed_plug(b: Brushwork) -> None:
    _plug(b)
    b.outline(b.pen(0.22, b.hole))
    b.line((-0.76, 0.76), (0.76, -0.76))
    b.outline(b.pen(0.09))
    b.line((-0.84, 0.84), (0.84, -0.84))


def _barcode(b: Brushwork) -> None:
    bars = [(-0.92, 0.16), (-0.6, 0.1), (-0.34, 0.22), (0.04, 0.1), (0.3, 0.1), (0.56, 0.36)]
    b.solid()
    for left, width in bars:
        b.painter.drawRect(QRectF(b.at(left, -0.62), b.at(left + width, 0.62)))


def _tray(b: Brushwork) -> None:
    b.outline(b.pen(0.12))
    b.line((0, -0.86), (0, 0.22))
    b.line((-0.38, -0.16), (0, 0.24), (0.38, -0.16))
    b.line((-0.86, 0.26), (-0.86, 0.82), (0.86, 0.82), (0.86, 0.26))


def _pause(b: Brushwork) -> None:
    b.outline(b.pen(0.2))
    b.line((-0.36, -0.6), (-0.36, 0.6))
    b.line((0.36, -0.6), (0.36, 0.6))


def _dot(b: Brushwork) -> None:
    b.solid()
    b.painter.drawEllipse(b.inner(1))


DRAWINGS: Final[dict[Sign, Callable[[Brushwork], None]]] = {
    Sign.DASHED_RING: _dashed_ring,
    Sign.RING_DOT: _ring_dot,
    Sign.CLOCK: _clock,
    Sign.ARC: _arc,
    Sign.TICK: _tick,
    Sign.BARE_TICK: _bare_tick,
    Sign.OCTAGON_CROSS: _octagon_cross,
    Sign.OCTAGON_BAR: _octagon_bar,
    Sign.TRIANGLE: _triangle,
    Sign.DIAMOND_BARS: _diamond_bars,
    Sign.CROSSED_PLUG: _crossed_plug,
    Sign.PLUG: _plug,
    Sign.BARCODE: _barcode,
    Sign.TRAY: _tray,
    Sign.PAUSE: _pause,
    Sign.CROSS: _cross,
    Sign.DOT: _dot,
}

"""The tile of a slot, painted from its model; pressing it chooses the slot."""

from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QWidget

from station.gui.floor_plan import Density
from station.gui.signs import Sign
from station.gui.slot_model import SlotModel
from station.gui.tiles import Mark
from station.gui.tokens import Token
from station.gui.views.bars import draw_bar
from station.gui.views.lettering import Run, draw
from station.gui.views.paintbox import Paintbox
from station.gui.views.silhouettes import Brushwork, draw_sign
from station.gui.views.tile_sheet import Sheet, lay_out

DIMMED: Final = 0.4
FOCUS_PX: Final = 4
EDGE_PX: Final = {Token.LINE: 2.0, Token.ACCENT: 3.0, Token.RUN: 3.0}
MARKS: Final = {
    Mark.DONE: (Sign.TICK, Token.PASS),
    Mark.NOW: (Sign.ARC, Token.RUN),
    Mark.AHEAD: (Sign.DASHED_RING, Token.LINE),
}


class SlotTile(QAbstractButton):
    """Draws what the model says and decides nothing."""

    def __init__(self, model: SlotModel, paintbox: Paintbox, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model
        self._paintbox = paintbox
        self._density = Density.NORMAL
        self._scale = 1.0
        self._lit = True
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a touch leaves the focus where scans go
        model.changed.connect(self._renew)
        self._renew()

    @property
    def number(self) -> int:
        """The slot's number."""
        return self._model.tile.number

    @property
    def pulsing(self) -> bool:
        """Whether `set_lit` makes a difference."""
        return self._model.tile.pulsing

    def set_style(self, density: Density, scale: float) -> None:
        """How it is drawn, from the floor plan."""
        self._density, self._scale = density, scale
        self.update()

    def set_paintbox(self, paintbox: Paintbox) -> None:
        """Other colours from now on."""
        self._paintbox = paintbox
        self.update()

    def set_lit(self, lit: bool) -> None:
        """The beat of a pulsing border."""
        self._lit = lit
        self.update()

    def sheet(self) -> Sheet:
        """The tile as laid out at its present size."""
        return lay_out(self._model.tile, QSizeF(self.size()), self._density)

    def runs(self) -> tuple[Run, ...]:
        """All its texts, as drawn."""
        return self.sheet().runs

    def sizeHint(self) -> QSize:
        return QSize(456, 324)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tile, sheet = self._model.tile, self.sheet()
        painter.setOpacity(DIMMED if tile.dimmed else 1.0)
        self._draw_ground(painter)
        self._draw_signs(painter, sheet)
        self._draw_bar(painter, sheet)
        draw(painter, sheet.runs, self._paintbox)
        painter.setOpacity(1.0)
        self._draw_rings(painter)

    def _renew(self) -> None:
        self.setAccessibleName(self._model.tile.name)
        self.update()

    def _shape(self, inset: float) -> QRectF:
        return QRectF(self.rect()).adjusted(inset, inset, -inset, -inset)

    def _draw_ground(self, painter: QPainter) -> None:
        look, radius = self._model.tile.look, 14 * self._scale
        fill = self._paintbox.colour(look.fill) if look.fill else Qt.BrushStyle.NoBrush
        thickness = EDGE_PX[look.edge] if look.edge else 0.0
        width = max(thickness / 2, thickness * self._scale)
        painter.setBrush(fill)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawRoundedRect(self._shape(width / 2), radius, radius)
        if look.hatched:
            self._draw_hatch(painter, radius)
        if look.edge:
            pen = QPen(self._paintbox.colour(look.edge), width)
            if look.dashed:
                pen.setDashPattern([4, 3])
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(pen)
            painter.drawRoundedRect(self._shape(width / 2), radius, radius)
        if self.isDown():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._paintbox.colour(Token.TEXT, 0.1))
            painter.drawRoundedRect(self._shape(0), radius, radius)

    def _draw_hatch(self, painter: QPainter, radius: float) -> None:
        """Diagonal stripes: the state shows without its colour."""
        look = self._model.tile.look
        ground = self._paintbox.colour(look.fill or Token.CANVAS)
        stripe = self._paintbox.colour(look.edge, 0.4) if look.edge else ground.darker(112)
        painter.save()
        clip = QPainterPath()
        clip.addRoundedRect(self._shape(0), radius, radius)
        painter.setClipPath(clip)
        painter.setPen(QPen(stripe, 9 * self._scale))
        height, pitch = self.height(), 26 * self._scale
        x = -float(height)
        while x < self.width():
            painter.drawLine(QPointF(x, height), QPointF(x + height, 0))
            x += pitch
        painter.restore()

    def _draw_signs(self, painter: QPainter, sheet: Sheet) -> None:
        tile, colour = self._model.tile, self._paintbox.colour
        look = tile.look
        hole = colour(look.fill or Token.CANVAS)
        fraction = tile.progress.fraction if tile.progress else 0.0
        ink = colour(look.sign_ink)
        draw_sign(look.sign, Brushwork(painter, sheet.sign, ink, hole, fraction))
        for disc in sheet.bullets:
            draw_sign(Sign.DOT, Brushwork(painter, disc, colour(look.ink), hole))
        for box, mark in sheet.marks:
            sign, token = MARKS[mark]
            draw_sign(sign, Brushwork(painter, box, colour(token), hole, fraction))

    def _draw_bar(self, painter: QPainter, sheet: Sheet) -> None:
        progress = self._model.tile.progress
        if sheet.bar is None or progress is None:
            return
        draw_bar(painter, sheet.bar, progress.fraction, Token.RUN, self._paintbox)

    def _draw_rings(self, painter: QPainter) -> None:
        """Pulse and keyboard focus, over everything."""
        painter.setBrush(Qt.BrushStyle.NoBrush)
        rings = []
        if self._model.tile.pulsing and self._lit:
            rings.append((Token.ACCENT, 8 * self._scale))
        if self.hasFocus():
            rings.append((Token.TEXT, float(FOCUS_PX)))
        for token, width in rings:
            painter.setPen(QPen(self._paintbox.colour(token), width))
            radius = 14 * self._scale
            painter.drawRoundedRect(self._shape(width / 2), radius, radius)

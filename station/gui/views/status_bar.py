"""The top bar: station, lamps, operator, clock."""

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from station.gui.present import Lamp, Level
from station.gui.screen_model import ScreenModel
from station.gui.signs import Sign
from station.gui.tokens import Token
from station.gui.views.lettering import CENTRE, RIGHT, Run, advance, font, run
from station.gui.views.paintbox import Paintbox
from station.gui.views.painted_bar import PaintedBar
from station.gui.views.silhouettes import Brushwork, draw_sign

SHARED_SCALE: Final = 0.85
"""In a row of the low double bar, letters keep this size."""


@dataclass(frozen=True, slots=True)
class Chip:
    """How a lamp is drawn: a grey dot while calm, else a filled chip with a sign and a word."""

    sign: Sign
    fill: Token | None
    ink: Token
    sign_ink: Token


CHIPS: Final = {
    Level.CALM: Chip(Sign.DOT, None, Token.TEXT2, Token.TEXT2),
    Level.WARNING: Chip(Sign.TRIANGLE, Token.CHECK, Token.ON_CHECK, Token.ON_CHECK),
    Level.TROUBLE: Chip(Sign.TRIANGLE, Token.FAIL, Token.ON_FAIL, Token.ON_FAIL),
}


@dataclass(frozen=True, slots=True)
class PlacedLamp:
    """A lamp with its places."""

    chip: Chip
    ground: QRectF
    sign: QRectF
    runs: tuple[Run, ...]


class StatusBar(PaintedBar):
    """Laid out from both ends."""

    def __init__(self, model: ScreenModel, paintbox: Paintbox, parent: QWidget) -> None:
        super().__init__(paintbox, parent)
        self._model = model
        model.status_changed.connect(self._renew)
        self._renew()

    @property
    def line_below(self) -> bool:  # type: ignore[override]
        """A hairline, but not inside the double bar."""
        return not self._shared

    def runs(self) -> tuple[Run, ...]:
        lamps = self._lamps()
        return (
            *self._left(),
            *self._right(),
            *(text for lamp in lamps for text in lamp.runs),
        )

    def draw_shapes(self, painter: QPainter) -> None:
        colour = self._paintbox.colour
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour(Token.SUNKEN))
        radius = 6 * self._unit
        painter.drawRoundedRect(self._station_chip(), radius, radius)
        for lamp in self._lamps():
            hole = colour(lamp.chip.fill or Token.SURFACE)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(hole)
            painter.drawRoundedRect(lamp.ground, radius, radius)
            ink = colour(lamp.chip.sign_ink, 0.75 if lamp.chip.fill is None else 1.0)
            draw_sign(lamp.chip.sign, Brushwork(painter, lamp.sign, ink, hole))
        middle, x = self.height() / 2, self._lamps_end() + 14 * self._unit
        height = 24 * self._unit
        painter.fillRect(QRectF(x, middle - height / 2, 1, height), colour(Token.LINE))

    def _renew(self) -> None:
        status = self._model.screen.status
        lamps = ", ".join(f"{lamp.label} {lamp.word}".strip() for lamp in status.lamps)
        self.setAccessibleName(f"{status.title}. {status.station}. {status.operator}. {lamps}")
        self.update()

    @property
    def _unit(self) -> float:
        return SHARED_SCALE if self._shared else self._scale

    @property
    def _side(self) -> float:
        return 24 * self._scale

    def _box(self, left: float, right: float) -> QRectF:
        return QRectF(left, 0, right - left, self.height())

    def _title(self) -> Run:
        box = self._box(self._side, self.width() * 0.3)
        title = self._model.screen.status.title
        return run(box, title, 21 * self._unit, Token.TEXT, floor=12, bold=True)

    def _station_chip(self) -> QRectF:
        title, station = self._title(), self._model.screen.status.station
        left = title.box.left() + title.width + 16 * self._unit
        made = font(17 * self._unit, bold=True)
        lamps = self._lamps()
        room = (lamps[-1].ground.left() if lamps else self._lamps_end()) - 16 * self._unit - left
        width = min(advance(made, station) + 24 * self._unit, room)
        height = min(28 * self._unit, self.height() - 2)
        return QRectF(left, (self.height() - height) / 2, width, height)

    def _left(self) -> tuple[Run, ...]:
        station = self._model.screen.status.station
        chip = self._station_chip()
        return (
            self._title(),
            run(chip, station, 17 * self._unit, Token.TEXT, floor=11, bold=True, align=CENTRE),
        )

    def _right(self) -> tuple[Run, Run]:
        status, u = self._model.screen.status, self._unit
        edge = self.width() - self._side
        clock_left = edge - 78 * u
        operator = advance(font(18 * u, bold=True), status.operator)
        left = clock_left - 14 * u - min(operator, 260 * u)
        return (
            run(self._box(left - 1, clock_left - 14 * u), status.operator, 18 * u, Token.TEXT,
                floor=14 * u, bold=True),
            run(self._box(clock_left, edge), status.clock, 23 * u, Token.TEXT,
                floor=14 * u, bold=True, align=RIGHT),
        )  # fmt: skip

    def _lamps_end(self) -> float:
        return self._right()[0].box.left() - 30 * self._unit

    def _lamps(self) -> list[PlacedLamp]:
        placed, right = [], self._lamps_end()
        for lamp in reversed(self._model.screen.status.lamps):
            placed.append(self._place(lamp, right))
            right = placed[-1].ground.left() - 12 * self._unit
        return placed

    def _place(self, lamp: Lamp, right: float) -> PlacedLamp:
        chip, u = CHIPS[lamp.level], self._unit
        calm = chip.fill is None
        px, dot, pad = 17 * u, (11 if calm else 19) * u, (4 if calm else 10) * u
        made = font(px, bold=not calm)
        text = f"{lamp.label} {lamp.word}".strip()
        width = advance(made, text) + 1
        height = min(32 * u, self.height() - 2)
        middle = self.height() / 2
        whole = pad + dot + 9 * u + width + pad
        ground = QRectF(right - whole, middle - height / 2, whole, height)
        left = ground.left() + pad
        sign = QRectF(left, middle - dot / 2, dot, dot)
        room = self._box(left + dot + 9 * u, right - pad)
        return PlacedLamp(chip, ground, sign, (run(room, text, px, chip.ink, bold=not calm),))

"""The prompt band: one sign, one headline, and the scan box at its right end."""

from typing import Final

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QWidget

from station.gui.floor_plan import PROMPT
from station.gui.prompt import TONES
from station.gui.screen_model import ScreenModel
from station.gui.tokens import Token
from station.gui.views.big_button import TOUCH_MIN_PX
from station.gui.views.lettering import Run, advance, draw, font, run, words
from station.gui.views.paintbox import Paintbox
from station.gui.views.scan_box import ScanBox
from station.gui.views.silhouettes import Brushwork, draw_sign

SCAN_WIDTH: Final = 250


class PromptBand(QWidget):
    """Also a live region: a new headline is announced to a screen reader."""

    def __init__(
        self, model: ScreenModel, paintbox: Paintbox, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._model = model
        self._paintbox = paintbox
        self._scale = 1.0
        self.scan_box = ScanBox(self)
        self.scan_box.focus_changed.connect(self.update)
        model.prompt_changed.connect(self._renew)
        self._renew()

    def set_style(self, scale: float) -> None:
        """How it is drawn, from the floor plan."""
        self._scale = scale
        self._place_scan_box()
        self.update()

    def set_paintbox(self, paintbox: Paintbox) -> None:
        """Other colours from now on."""
        self._paintbox = paintbox
        self._renew()

    def runs(self) -> tuple[Run, ...]:
        """All its texts, as drawn; the scan box draws its own."""
        return (*self._message(), *self._code(), self._scan_label())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_scan_box()

    def paintEvent(self, event: QPaintEvent) -> None:
        prompt = self._model.screen.prompt
        fill, ink = TONES[prompt.tone]
        ground, signs = self._paintbox.colour(fill), self._paintbox.colour(ink)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(self.rect().toRectF(), 16 * self._scale, 16 * self._scale)
        draw_sign(prompt.sign, Brushwork(painter, self._sign(), signs, ground))
        self._draw_separators(painter)
        self._draw_scan_frame(painter)
        draw(painter, self.runs(), self._paintbox)

    def _renew(self) -> None:
        screen = self._model.screen
        said = ". ".join(part for part in (screen.prompt.headline, screen.prompt.detail) if part)
        self.scan_box.show_last(screen.scan.last or screen.scan.nothing)
        self.scan_box.setAccessibleName(screen.scan.label)
        self.scan_box.setAccessibleDescription(screen.scan.last)
        self.scan_box.set_colours(self._paintbox, TONES[screen.prompt.tone][1])
        if said != self.accessibleName():
            self.setAccessibleName(said)
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, said))
        self.update()

    @property
    def _ink(self) -> Token:
        return TONES[self._model.screen.prompt.tone][1]

    @property
    def _unit(self) -> float:
        """A taller band, that of one slot, has larger margins rather than larger letters."""
        return min(self.height() / PROMPT, max(self._scale, 1.0))

    def _sign(self) -> QRectF:
        u = self._unit
        side = 70 * u
        return QRectF(28 * u, (self.height() - side) / 2, side, side)

    def _scan_area(self) -> QRectF:
        u = self._unit
        return QRectF(self.width() - (SCAN_WIDTH + 20) * u, 0, SCAN_WIDTH * u, self.height())

    def _code_area(self) -> QRectF:
        """Empty, but in its place, while there is no code."""
        u, code = self._unit, self._model.screen.prompt.code
        width = advance(font(24 * u, bold=True, mono=True), code) + 2 if code else 0.0
        return QRectF(self._scan_area().left() - 24 * u - width, 0, width, self.height())

    def _message(self) -> list[Run]:
        prompt, u = self._model.screen.prompt, self._unit
        left, right = self._sign().right() + 24 * u, self._code_area().left() - 24 * u
        headline = QRectF(left, 0, right - left, self.height())
        if prompt.detail:
            headline.setHeight(self.height() * 0.64)
            detail = QRectF(left, self.height() * 0.58, right - left, self.height() * 0.32)
            large = run(headline, prompt.headline, 44 * u, self._ink, floor=26 * u, bold=True)
            return [large, run(detail, prompt.detail, 26 * u, self._ink, floor=18 * u)]
        px = min(56 * u, self.height() * 0.44)
        return words(
            headline,
            prompt.headline,
            self._ink,
            px=px,
            two_lines_below=44 * u,
            two_lines_px=40 * u,
            floor=30 * u,
        )

    def _code(self) -> list[Run]:
        screen, area, u = self._model.screen, self._code_area(), self._unit
        if not screen.prompt.code:
            return []
        upper, lower = self._rows(area)
        return [
            run(upper, screen.code_label, 18 * u, self._ink),
            run(lower, screen.prompt.code, 24 * u, self._ink, bold=True, mono=True),
        ]

    def _scan_label(self) -> Run:
        u = self._unit
        return run(
            self._rows(self._scan_area())[0], self._model.screen.scan.label, 18 * u, self._ink
        )

    def _rows(self, area: QRectF) -> tuple[QRectF, QRectF]:
        """Of a label, and of its value: the scan box, which a glove must be able to touch."""
        label, gap, value = 22 * self._unit, 4 * self._unit, max(TOUCH_MIN_PX, 46 * self._unit)
        top = (self.height() - label - gap - value) / 2
        upper = QRectF(area.left(), top, area.width(), label)
        return upper, QRectF(area.left(), upper.bottom() + gap, area.width(), value)

    def _frame(self) -> QRectF:
        return self._rows(self._scan_area())[1]

    def _place_scan_box(self) -> None:
        self.scan_box.set_size(24 * self._unit)
        inset = 10 * self._unit
        self.scan_box.setGeometry(self._frame().adjusted(inset, 3, -inset, -3).toAlignedRect())

    def _draw_separators(self, painter: QPainter) -> None:
        u, middle = self._unit, self.height() / 2
        areas = [self._code_area()] if self._model.screen.prompt.code else []
        for area in areas:
            line = QRectF(area.left() - 20 * u, middle - 32 * u, max(1.0, 2 * u), 64 * u)
            painter.fillRect(line, self._paintbox.colour(self._ink, 0.4))

    def _draw_scan_frame(self, painter: QPainter) -> None:
        focused = self.scan_box.hasFocus()
        width = 4.0 if focused else max(1.0, 1.5 * self._unit)
        painter.setBrush(self._paintbox.colour(self._ink, 0.07))
        painter.setPen(QPen(self._paintbox.colour(self._ink, 1.0 if focused else 0.45), width))
        painter.drawRoundedRect(self._frame(), 8 * self._scale, 8 * self._scale)

"""The drawer of a slot: beside the slots, never over them."""

from typing import Final

from PySide6.QtCore import QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractButton, QWidget

from station.gui.drawer_model import DrawerModel
from station.gui.signs import Sign
from station.gui.tokens import Token
from station.gui.views.drawer_sheet import DrawerSheet, lay_out
from station.gui.views.lettering import Run, draw, run
from station.gui.views.paintbox import Paintbox
from station.gui.views.shrinking import shrunk
from station.gui.views.silhouettes import Brushwork, draw_mark, draw_sign

FOCUS_PX: Final = 4
CORNER: Final = 10


class SlotDrawer(QWidget):
    """Draws what the model says; visible while there is something to say."""

    close_pressed = Signal()

    def __init__(self, model: DrawerModel, paintbox: Paintbox, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model
        self._paintbox = paintbox
        self._scale = 1.0
        self.close_button = CloseButton(paintbox, self)
        self.close_button.clicked.connect(self.close_pressed)
        model.changed.connect(self._renew)
        self._renew()

    @property
    def open(self) -> bool:
        """Whether there is something to show."""
        return self._model.drawer is not None

    def set_style(self, scale: float) -> None:
        """How it is drawn, from the floor plan."""
        self._scale = scale
        self.close_button.set_scale(scale)
        self._place()
        self.update()

    def set_paintbox(self, paintbox: Paintbox) -> None:
        """Other colours from now on."""
        self._paintbox = paintbox
        self.close_button.set_paintbox(paintbox)
        self.update()

    def sheet(self) -> DrawerSheet:
        """The drawer as laid out at its present size; empty while it is closed."""
        drawer = self._model.drawer
        if drawer is None:
            return DrawerSheet(self._scale)
        return lay_out(drawer, QSizeF(self.size()), self._scale)

    def runs(self) -> tuple[Run, ...]:
        """All its texts, as drawn; the button draws its own."""
        return tuple(self.sheet().runs)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A press inside is none outside."""
        event.accept()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour, sheet = self._paintbox.colour, self.sheet()
        painter.fillRect(self.rect(), colour(Token.SURFACE))
        painter.fillRect(0, 0, 1, self.height(), colour(Token.LINE))
        inset = 24 * self._scale
        for y in sheet.rules:
            painter.fillRect(
                QRectF(inset, round(y), self.width() - 2 * inset, 1), colour(Token.LINE)
            )
        self._draw_pill(painter, sheet)
        self._draw_bars(painter, sheet)
        self._draw_picture(painter, sheet)
        for box, mark in sheet.signs:
            draw_mark(mark, painter, box, self._paintbox)
        draw(painter, sheet.runs, self._paintbox)

    def _renew(self) -> None:
        drawer = self._model.drawer
        if drawer is None:
            self.setAccessibleName("")
            return
        self.close_button.show_label(drawer.close, drawer.close_key)
        if drawer.name != self.accessibleName():
            self.setAccessibleName(drawer.name)
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, drawer.name))
        self._place()
        self.update()

    def _place(self) -> None:
        self.close_button.setGeometry(self.sheet().close.toAlignedRect())

    def _draw_pill(self, painter: QPainter, sheet: DrawerSheet) -> None:
        drawer = self._model.drawer
        if drawer is None:
            return
        look, radius = drawer.look, sheet.pill.height() / 2
        painter.setPen(Qt.PenStyle.NoPen)
        if look.edge:
            painter.setPen(QPen(self._paintbox.colour(look.edge), max(1.0, 2 * self._scale)))
        painter.setBrush(self._paintbox.colour(look.fill or Token.SURFACE))
        painter.drawRoundedRect(sheet.pill, radius, radius)

    def _draw_bars(self, painter: QPainter, sheet: DrawerSheet) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        for track, filled in sheet.bars:
            radius = track.height() / 2
            painter.setBrush(self._paintbox.colour(Token.SUNKEN))
            painter.drawRoundedRect(track, radius, radius)
            if filled.width() > 0:
                seen = QRectF(filled)
                seen.setWidth(max(3.0, filled.width()))  # the shortest step is still a step
                seen.moveRight(min(seen.right(), track.right()))
                painter.setBrush(self._paintbox.colour(Token.RUN))
                rounding = min(radius, seen.width() / 2)
                painter.drawRoundedRect(seen, rounding, rounding)

    def _draw_picture(self, painter: QPainter, sheet: DrawerSheet) -> None:
        if sheet.frame is None:
            return
        radius = CORNER * self._scale
        shape = QPainterPath()
        shape.addRoundedRect(sheet.frame, radius, radius)
        painter.fillPath(shape, self._paintbox.colour(Token.SUNKEN))
        if self._model.picture is not None:
            small = shrunk(self._model.picture, sheet.frame.size(), self.devicePixelRatioF())
            painter.save()
            painter.setClipPath(shape)
            painter.drawImage(sheet.frame, small)
            painter.restore()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self._paintbox.colour(Token.LINE), 1))
        painter.drawPath(shape)


class CloseButton(QAbstractButton):
    """A cross and its key; a touch leaves the keyboard focus where it was."""

    def __init__(self, paintbox: Paintbox, parent: QWidget) -> None:
        super().__init__(parent)
        self._paintbox = paintbox
        self._scale = 1.0
        self._key = ""
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def show_label(self, label: str, key: str) -> None:
        """Its word, for a screen reader, and the key that does the same."""
        self._key = key
        self.setAccessibleName(f"{label} ({key})")
        self.update()

    def set_scale(self, scale: float) -> None:
        """How large its letters are."""
        self._scale = scale
        self.update()

    def set_paintbox(self, paintbox: Paintbox) -> None:
        """Other colours from now on."""
        self._paintbox = paintbox
        self.update()

    def runs(self) -> tuple[Run, ...]:
        """All its texts, as drawn."""
        u = self._scale
        room = QRectF(44 * u, 0, self.width() - 52 * u, self.height())
        return (run(room, self._key, 17 * u, Token.TEXT, floor=11),)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        u, colour = self._scale, self._paintbox.colour
        ground = colour(Token.SURFACE)
        painter.setBrush(ground.darker(118) if self.isDown() else ground)
        focused = self.hasFocus()
        width = float(FOCUS_PX) if focused else max(1.0, 1.5 * u)
        painter.setPen(QPen(colour(Token.TEXT if focused else Token.LINE), width))
        half = width / 2
        painter.drawRoundedRect(
            self.rect().toRectF().adjusted(half, half, -half, -half), 8 * u, 8 * u
        )
        side = 15 * u
        cross = QRectF(20 * u, (self.height() - side) / 2, side, side)
        draw_sign(Sign.CROSS, Brushwork(painter, cross, colour(Token.TEXT), ground))
        draw(painter, self.runs(), self._paintbox)

"""The operator's window: places the parts, and turns keys and presses into signals."""

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QRect, Qt, QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QWidget

from station.gui.floor_plan import WINDOW_MIN, Box, floor_plan
from station.gui.screen_model import ScreenModel
from station.gui.tokens import Token
from station.gui.views.action_bar import ActionBar
from station.gui.views.order_bar import OrderBar
from station.gui.views.paintbox import Paintbox
from station.gui.views.painted_bar import PaintedBar
from station.gui.views.prompt_band import PromptBand
from station.gui.views.ribbon import Ribbon
from station.gui.views.slot_drawer import CloseButton, SlotDrawer
from station.gui.views.slot_tile import SlotTile
from station.gui.views.status_bar import StatusBar

PULSE_MS: Final = 500


class OperatorWindow(QWidget):
    """No shortcut of Qt's is used: a scanner's keys must reach the wedge filter first.

    may_close: asked when somebody closes the window. The window itself holds the focus when
    nothing else does, so that no stray key presses a button.
    """

    typed = Signal(str)
    slot_pressed = Signal(int)
    slot_picked = Signal(int)
    details_pressed = Signal(int)
    outside_pressed = Signal()
    provision_pressed = Signal()
    pause_pressed = Signal()
    help_pressed = Signal()
    escape_pressed = Signal()
    space_pressed = Signal()
    closed = Signal()
    close_refused = Signal()

    def __init__(
        self, model: ScreenModel, paintbox: Paintbox, *, may_close: Callable[[], bool]
    ) -> None:
        super().__init__()
        self._model = model
        self._paintbox = paintbox
        self._may_close = may_close
        self.setMinimumSize(*WINDOW_MIN)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setWindowTitle(model.screen.status.title)
        self.ribbon = Ribbon(model, paintbox, self)
        self.status_bar = StatusBar(model, paintbox, self)
        self.order_bar = OrderBar(model, paintbox, self)
        self.prompt_band = PromptBand(model, paintbox, self)
        self.tiles = tuple(SlotTile(slot, paintbox, self) for slot in model.slots)
        self.slot_drawer = SlotDrawer(model.drawer, paintbox, self)
        self.action_bar = ActionBar(model, paintbox, self)
        self._keys: dict[int, Callable[[], object]] = {
            Qt.Key.Key_F5: self.action_bar.provision.click,  # a disabled button is not clicked
            Qt.Key.Key_F6: self._ask_details,
            Qt.Key.Key_F8: self.pause_pressed.emit,
            Qt.Key.Key_F9: self.help_pressed.emit,
            Qt.Key.Key_Escape: self.escape_pressed.emit,
            Qt.Key.Key_Space: self.space_pressed.emit,
            Qt.Key.Key_Return: self._press_focused,
            Qt.Key.Key_Enter: self._press_focused,
        }
        self._connect()
        self._pulse = QTimer(self)
        self._pulse.setInterval(PULSE_MS)
        self._pulse.timeout.connect(self._beat)
        self._pulse.start()
        self._lit = True

    def set_paintbox(self, paintbox: Paintbox) -> None:
        """Other colours from now on."""
        self._paintbox = paintbox
        bars = (self.ribbon, self.status_bar, self.order_bar, self.action_bar)
        parts: tuple[PaintedBar | PromptBand | SlotTile | SlotDrawer, ...] = (
            *bars,
            self.prompt_band,
            self.slot_drawer,
            *self.tiles,
        )
        for part in parts:
            part.set_paintbox(paintbox)
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """No part wanted it: the bars, the band and what lies between them."""
        self.outside_pressed.emit()

    def _place(self) -> None:
        ribbon, drawer = bool(self._model.screen.status.ribbon), self.slot_drawer.open
        plan = floor_plan(
            self.width(), self.height(), len(self.tiles), ribbon=ribbon, drawer=drawer
        )
        self.ribbon.setVisible(ribbon)
        self.slot_drawer.setVisible(drawer)
        if drawer:
            self.slot_drawer.setGeometry(_rect(plan.drawer))
            self.slot_drawer.set_style(plan.scale)
        bars = (
            (self.ribbon, plan.ribbon),
            (self.status_bar, plan.status),
            (self.order_bar, plan.order),
            (self.action_bar, plan.actions),
        )
        for bar, box in bars:
            bar.setGeometry(_rect(box))
            bar.set_style(plan.scale, shared=plan.shared)
        self.prompt_band.setGeometry(_rect(plan.prompt))
        self.prompt_band.set_style(plan.scale)
        for tile, box in zip(self.tiles, plan.tiles, strict=True):
            tile.setGeometry(_rect(box))
            tile.set_style(plan.density, plan.scale)

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), self._paintbox.colour(Token.CANVAS))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """What no part wanted: function keys, slot numbers, and the start of a typed serial."""
        act = self._keys.get(event.key())
        text = event.text()
        if act is not None:
            act()
        elif text.isdecimal():
            self._pick(int(text))
        elif text.isalpha():
            self.prompt_band.scan_box.begin(text)
        else:
            super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._may_close():
            event.accept()
            self.closed.emit()
        else:
            event.ignore()
            self.close_refused.emit()

    def _connect(self) -> None:
        self.prompt_band.scan_box.typed.connect(self.typed)
        self.action_bar.provision_pressed.connect(self.provision_pressed)
        self.action_bar.pause_pressed.connect(self.pause_pressed)
        self.action_bar.help_pressed.connect(self.help_pressed)
        for tile in self.tiles:
            tile.clicked.connect(lambda _checked, tile=tile: self.slot_pressed.emit(tile.number))
        self.slot_drawer.close_pressed.connect(self.outside_pressed)
        self._model.drawer.changed.connect(self._fit_drawer)

    def _fit_drawer(self) -> None:
        """Opened or closed: the slots make room, or have it back."""
        if self.slot_drawer.open == self.slot_drawer.isHidden():
            if not self.slot_drawer.open and self.slot_drawer.close_button.hasFocus():
                self.setFocus(Qt.FocusReason.OtherFocusReason)
            self._place()

    def _pick(self, number: int) -> None:
        if number in {tile.number for tile in self.tiles}:
            self.slot_picked.emit(number)

    def _press_focused(self) -> None:
        """Enter presses what has the focus where that harms nothing; Space is the scanner's."""
        focused = self.focusWidget()
        if isinstance(focused, SlotTile | CloseButton):
            focused.click()

    def _ask_details(self) -> None:
        focused = self.focusWidget()
        number = focused.number if isinstance(focused, SlotTile) else self.tiles[0].number
        self.details_pressed.emit(number)

    def _beat(self) -> None:
        self._lit = not self._lit
        for tile in self.tiles:
            if tile.pulsing:
                tile.set_lit(self._lit)


def _rect(box: Box) -> QRect:
    return QRect(box.x, box.y, box.width, box.height)

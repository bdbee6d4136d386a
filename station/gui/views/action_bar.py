"""The bottom bar: the last results at the left, three buttons at the right."""

from PySide6.QtCore import QRectF, Signal
from PySide6.QtGui import QPainter, QResizeEvent
from PySide6.QtWidgets import QWidget

from station.gui.floor_plan import SIDE
from station.gui.present import ResultMark
from station.gui.screen_model import ScreenModel
from station.gui.tokens import Token
from station.gui.views.big_button import BigButton
from station.gui.views.lettering import Run, advance, font, run
from station.gui.views.paintbox import Paintbox
from station.gui.views.painted_bar import PaintedBar
from station.gui.views.silhouettes import draw_mark


class ActionBar(PaintedBar):
    """Emits what was pressed; whether it may be pressed, the model says."""

    line_above = True
    pause_pressed = Signal()
    help_pressed = Signal()
    provision_pressed = Signal()

    def __init__(self, model: ScreenModel, paintbox: Paintbox, parent: QWidget) -> None:
        super().__init__(paintbox, parent)
        self._model = model
        self.pause = BigButton("F8", paintbox, self)
        self.help = BigButton("F9", paintbox, self)
        self.provision = BigButton("F5", paintbox, self, primary=True)
        self.buttons = (self.pause, self.help, self.provision)
        self.pause.clicked.connect(self.pause_pressed)
        self.help.clicked.connect(self.help_pressed)
        self.provision.clicked.connect(self.provision_pressed)
        model.actions_changed.connect(self._renew)
        self._renew()

    def set_style(self, scale: float, *, shared: bool) -> None:
        super().set_style(scale, shared=shared)
        for button in self.buttons:
            button.set_scale(scale)
        self._place()

    def set_paintbox(self, paintbox: Paintbox) -> None:
        super().set_paintbox(paintbox)
        for button in self.buttons:
            button.set_paintbox(paintbox)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def runs(self) -> tuple[Run, ...]:
        return (self._label(), *(text for text, _, _ in self._results()))

    def draw_shapes(self, painter: QPainter) -> None:
        for _, box, mark in self._results():
            draw_mark(mark.mark, painter, box, self._paintbox)

    def _renew(self) -> None:
        actions = self._model.screen.actions
        self.pause.show_label(actions.pause)
        self.help.show_label(actions.help, called=actions.help_called)
        self.provision.show_label(actions.provision)
        self.provision.setEnabled(actions.provision_enabled)
        said = ", ".join(mark.name for mark in actions.results)
        self.setAccessibleName(f"{actions.results_label}: {said}")
        self._place()
        self.update()

    def _place(self) -> None:
        gap = round(max(12.0, 16 * self._scale))
        right = self.width() - round(SIDE * self._scale)
        for button in reversed(self.buttons):
            size = button.sizeHint()
            right -= size.width()
            button.setGeometry(
                right, (self.height() - size.height()) // 2, size.width(), size.height()
            )
            right -= gap

    @property
    def _unit(self) -> float:
        return max(0.8, self._scale)

    def _row(self, left: float, width: float) -> QRectF:
        return QRectF(left, self.height() / 2 - 20 * self._unit, width, 40 * self._unit)

    def _label(self) -> Run:
        text, px = self._model.screen.actions.results_label, 17 * self._unit
        box = self._row(SIDE * self._scale, advance(font(px), text) + 1)
        return run(box, text, px, Token.TEXT2)

    def _results(self) -> list[tuple[Run, QRectF, ResultMark]]:
        """As many as fit left of the buttons, the newest first."""
        u, found = self._unit, []
        left, limit = self._label().box.right() + 18 * u, self.pause.x() - 12 * u
        sign = 20 * u
        for mark in self._model.screen.actions.results:
            width = advance(font(18 * u, bold=True, mono=True), mark.short) + 1
            end = left + width + 8 * u + sign
            if end > limit:
                break
            text = run(self._row(left, width), mark.short, 18 * u, Token.TEXT, bold=True, mono=True)
            box = QRectF(end - sign, (self.height() - sign) / 2, sign, sign)
            found.append((text, box, mark))
            left = end + 22 * u
        return found

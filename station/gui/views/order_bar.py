"""The work order: what is made, and how far it has come."""

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from station.gui.present import Fact
from station.gui.screen_model import ScreenModel
from station.gui.tokens import Token
from station.gui.views.bars import draw_bar
from station.gui.views.lettering import Run, advance, font, run
from station.gui.views.paintbox import Paintbox
from station.gui.views.painted_bar import PaintedBar

SHARED_SCALE: Final = 0.85
"""In a row of the low double bar, letters keep this size."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of the letters, in design pixels; label and value in two rows, or in one."""

    label: float
    good_label: float
    value: float
    figure: float
    note: float
    good: float
    target: float
    gap: float
    bar_width: float
    bar_height: float


TALL: Final = Sizes(16, 19, 25, 33, 21, 37, 25, 48, 290, 14)
LOW: Final = Sizes(18, 18, 18, 18, 17, 18, 18, 28, 130, 10)


class OrderBar(PaintedBar):
    """Facts from the left, figures from the right."""

    line_below = True

    def __init__(self, model: ScreenModel, paintbox: Paintbox, parent: QWidget) -> None:
        super().__init__(paintbox, parent)
        self._model = model
        model.order_changed.connect(self._renew)
        self._renew()

    def runs(self) -> tuple[Run, ...]:
        good, _ = self._good()
        return (*self._facts(), *good, *self._figures())

    def draw_shapes(self, painter: QPainter) -> None:
        _, bar = self._good()
        fraction = self._model.screen.order.fraction
        draw_bar(painter, bar, fraction, Token.PASS, self._paintbox)

    def _renew(self) -> None:
        order = self._model.screen.order
        said = [f"{fact.label} {fact.value}" for fact in (*order.facts, *order.figures)]
        self.setAccessibleName(". ".join((*said, f"{order.good_label} {order.good}{order.target}")))
        self.update()

    @property
    def _sizes(self) -> Sizes:
        return LOW if self._shared else TALL

    @property
    def _unit(self) -> float:
        return SHARED_SCALE if self._shared else self._scale

    @property
    def _side(self) -> float:
        return 24 * self._scale

    def _row(self, left: float, right: float, middle: float, px: float) -> QRectF:
        """A line of the tall bar around `middle` (share of its height); all of a low one."""
        if self._shared:
            return QRectF(left, 0, right - left, self.height() - 2)
        height = px * 1.3
        return QRectF(left, self.height() * middle - height / 2, right - left, height)

    def _facts(self) -> list[Run]:
        sizes, u = self._sizes, self._unit
        (good_label, *_), bar = self._good()
        limit = min(good_label.box.left(), bar.left()) - 30 * u
        left = self._side
        runs: list[Run] = []
        for fact in self._model.screen.order.facts:
            value = advance(font(sizes.value * u, bold=True), fact.value) + 1
            note = advance(font(sizes.note * u, mono=True), fact.note) + 1
            room = max(0.0, limit - left)
            value = min(value, room)
            if not self._shared:
                right = left + min(room, max(value, 120 * u))
                label = self._row(left, right, 0.28, sizes.label * u)
                runs.append(run(label, fact.label, sizes.label * u, Token.TEXT2))
            box = self._row(left, left + value, 0.65, sizes.value * u)
            runs.append(run(box, fact.value, sizes.value * u, Token.TEXT, floor=12, bold=True))
            left += value
            if fact.note and left + 14 * u + note < limit:
                box = self._row(left + 14 * u, left + 14 * u + note, 0.65, sizes.note * u)
                runs.append(run(box, fact.note, sizes.note * u, Token.TEXT2, mono=True))
                left += 14 * u + note
            left += sizes.gap * u
        return runs

    def _figure_width(self, fact: Fact) -> float:
        sizes, u = self._sizes, self._unit
        label = advance(font(sizes.label * u), fact.label)
        value = advance(font(sizes.figure * u, bold=True), fact.value)
        return (label + 8 * u + value if self._shared else max(label, value)) + 2

    def _figures(self) -> list[Run]:
        sizes, u, runs, right = self._sizes, self._unit, list[Run](), self.width() - self._side
        for fact in reversed(self._model.screen.order.figures):
            left = right - self._figure_width(fact)
            label = self._row(left, right, 0.28, sizes.label * u)
            runs.append(run(label, fact.label, sizes.label * u, Token.TEXT2))
            if self._shared:
                left += runs[-1].width + 8 * u
            value = self._row(left, right, 0.66, sizes.figure * u)
            runs.append(run(value, fact.value, sizes.figure * u, Token.TEXT, bold=True))
            right = runs[-2].box.left() - sizes.gap * 0.9 * u
        return runs

    def _good(self) -> tuple[tuple[Run, Run, Run], QRectF]:
        """GOOD and its count, and the bar: above each other, or side by side."""
        order, sizes, u = self._model.screen.order, self._sizes, self._unit
        figures = sum(self._figure_width(fact) + sizes.gap * 0.9 * u for fact in order.figures)
        right = self.width() - self._side - figures
        target = advance(font(sizes.target * u, bold=True), order.target) + 1
        good = advance(font(sizes.good * u, bold=True), order.good) + 1
        label = advance(font(sizes.good_label * u), order.good_label) + 1
        width = sizes.bar_width * u
        if not self._shared:
            width = max(width, label + good + target + 24 * u)
        bar_height, bar_left = sizes.bar_height * u, right - width
        middle = (self.height() - 2) / 2 if self._shared else self.height() * 0.76
        bar = QRectF(bar_left, middle - bar_height / 2, width, bar_height)
        target_right = bar_left - 14 * u if self._shared else right
        good_right = target_right - target
        label_left = good_right - good - 10 * u - label if self._shared else bar_left
        rows = (
            (label_left, label_left + label, sizes.good_label * u, 0.36, order.good_label),
            (good_right - good, good_right, sizes.good * u, 0.34, order.good),
            (good_right, target_right, sizes.target * u, 0.38, order.target),
        )
        label_run, good_run, target_run = (
            run(self._row(start, end, at, px), text, px, ink, bold=ink is not Token.TEXT2)
            for (start, end, px, at, text), ink in zip(
                rows, (Token.TEXT2, Token.TEXT, Token.TEXT), strict=True
            )
        )
        return (label_run, good_run, target_run), bar

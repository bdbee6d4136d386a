"""The line above all that says that nothing real is written."""

from PySide6.QtWidgets import QWidget

from station.gui.screen_model import ScreenModel
from station.gui.tokens import Token
from station.gui.views.lettering import CENTRE, Run, run
from station.gui.views.paintbox import Paintbox
from station.gui.views.painted_bar import PaintedBar


class Ribbon(PaintedBar):
    """Shown in a demo only; its colours are nothing else's."""

    ground = Token.TEXT

    def __init__(self, model: ScreenModel, paintbox: Paintbox, parent: QWidget) -> None:
        super().__init__(paintbox, parent)
        self._model = model
        model.status_changed.connect(self.update)
        self.setAccessibleName(model.screen.status.ribbon)

    def runs(self) -> tuple[Run, ...]:
        status, side = self._model.screen.status, 24 * self._scale
        text = f"{status.ribbon}   ·   {status.hint}"
        box = self.rect().toRectF().adjusted(side, 0, -side, 0)
        return (run(box, text, 18 * self._scale, Token.SURFACE, floor=11, bold=True, align=CENTRE),)

"""Joins the line to the window: asks for snapshots, presents them, passes on what was pressed."""

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject

from station.gui.jobs import Refresher
from station.gui.line_port import MakeLine
from station.gui.present import Desk, Screen, present
from station.gui.screen_model import ScreenModel
from station.gui.texts import Speaker

TICK_MS: Final = 200
REFUSAL_TICKS: Final = 15
"""How long the band tells that closing was refused: 3 s."""


class Presenter(QObject):
    """Owns the line. It is told of changes from any thread, and looks at home, in `refresh`.

    clock: what the clock at the top right shows now.
    """

    def __init__(
        self,
        make_line: MakeLine,
        clock: Callable[[], str],
        say: Speaker,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._clock = clock
        self._say = say
        self._help_called = False
        self._refusal_ticks = 0
        self._refresher = Refresher(self.refresh, parent=self)
        self.line = make_line(self._refresher.notice)
        self.model = ScreenModel(self._present(), self)

    def refresh(self) -> None:
        """Look at the line and show it."""
        self.model.show(self._present())

    def tick(self) -> None:
        """A fifth of a second has passed."""
        self._refusal_ticks = max(0, self._refusal_ticks - 1)
        self.line.tick()
        self._refresher.notice()

    def may_close(self) -> bool:
        """Whether no slot works at this very moment, whatever was shown last."""
        self.refresh()
        return not self.model.screen.working

    def refuse_close(self) -> None:
        """Say for a while why the window stays."""
        self._refusal_ticks = REFUSAL_TICKS
        self.refresh()

    def toggle_help(self) -> None:
        """Help is called, or no longer wanted."""
        self._help_called = not self._help_called
        self.refresh()

    def _present(self) -> Screen:
        desk = Desk(
            clock=self._clock(),
            help_called=self._help_called,
            close_refused=self._refusal_ticks > 0,
        )
        return present(self.line.snapshot(), desk, self._say)

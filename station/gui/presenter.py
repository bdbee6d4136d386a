"""Joins the line to the window: asks for snapshots, presents them, passes on what was pressed."""

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject

from station.gui.jobs import Jobs, Refresher
from station.gui.line_port import MakeLine
from station.gui.present import Desk, Screen, means_binding, present
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
        self._open_slot = 0
        self._jobs = Jobs(self)
        self._refresher = Refresher(self.refresh, parent=self)
        self.line = make_line(self._refresher.notice)
        self.model = ScreenModel(self._present(), self, later=self._jobs.start)

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

    def press_slot(self, number: int) -> None:
        """A tile was pressed: it answers a scan that waits, or shows its last run, or no more."""
        if means_binding(self.line.snapshot(), number):
            self.line.choose_slot(number)
        else:
            self._open(0 if number == self._open_slot else number)

    def pick_slot(self, number: int) -> None:
        """A slot's digit was typed: beside an open drawer it turns to that slot."""
        if self._open_slot:
            self._open(number)
        else:
            self.line.choose_slot(number)

    def toggle_details(self, number: int) -> None:
        """The drawer of this slot, or no drawer."""
        self._open(0 if self._open_slot else number)

    def close_drawer(self) -> None:
        """Back to the slots alone."""
        self._open(0)

    def escape(self) -> None:
        """Close the drawer; where none is open, drop the scan that waits."""
        if self._open_slot:
            self._open(0)
        else:
            self.line.undo()

    def scan(self, text: str) -> None:
        """The next dock matters more than the last one."""
        self._open(0)
        self.line.scan(text)

    def close(self) -> None:
        """End the line, and whatever is still being done for the screen."""
        self.line.close()
        self._jobs.close()

    def _open(self, number: int) -> None:
        if number != self._open_slot:
            self._open_slot = number
            self.refresh()

    def _present(self) -> Screen:
        desk = Desk(
            drawer=self._open_slot,
            clock=self._clock(),
            help_called=self._help_called,
            close_refused=self._refusal_ticks > 0,
        )
        return present(self.line.snapshot(), desk, self._say)

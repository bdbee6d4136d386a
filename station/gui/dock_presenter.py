"""Joins a virtual dock to its window: looks at it now and then, and does what was pressed."""

from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage

from station.domain.errors import StationError
from station.domain.splash import Splash
from station.gui.dock_panel import DockPanel, dock_panel
from station.gui.dock_port import DockLook, DockPort
from station.gui.drawer_model import Later
from station.gui.texts import Speaker

T = TypeVar("T")

LOOK_MS: Final = 250
SURE_LOOKS: Final = 16
"""How long a press on reset waits for the one that confirms it: 4 s."""


class DockPresenter(QObject):
    """later: where the dock is asked; nothing of it is asked while an answer is awaited.

    over: told once, when the dock has ended.
    """

    panel_changed = Signal()
    picture_changed = Signal()

    def __init__(
        self,
        port: DockPort,
        say: Speaker,
        later: Later,
        over: Callable[[], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._port = port
        self._say = say
        self._later = later
        self._over = over
        self._look: DockLook | None = None
        self._drawn: Splash | None = None
        self._trouble = ""
        self._sure_looks = 0
        self._awaited = False
        self.picture = QImage()
        self.panel = self._present()
        self._looks = QTimer(self)
        self._looks.timeout.connect(self.look)
        self._looks.start(LOOK_MS)

    def close(self) -> None:
        """Look no more; before `later` is gone."""
        self._looks.stop()

    def look(self) -> None:
        """Look at the dock, unless it still owes an answer."""
        if not self._port.on:
            self.close()
            self._over()
        elif not self._awaited:
            self._sure_looks = max(0, self._sure_looks - 1)
            self._ask(self._port.look, self._looked)

    def restart(self) -> None:
        """As after a reset."""
        self._do(self._port.restart)

    def reset(self) -> None:
        """Ask whether it is meant; do it when pressed again soon."""
        if self._sure_looks:
            self._sure_looks = 0
            self._do(self._port.factory_reset)
        else:
            self._sure_looks = SURE_LOOKS
            self._renew()

    def keep(self) -> None:
        """It was not meant."""
        self._sure_looks = 0
        self._renew()

    def toggle_cable(self) -> None:
        """Out, or in again."""
        self._do(self._port.unplug if self.panel.plugged else self._port.plug)

    def _do(self, work: Callable[[], None]) -> None:
        self._trouble = ""
        self._later(partial(_outcome, work), self._done)

    def _done(self, outcome: StationError | None) -> None:
        self._trouble = outcome.cause if outcome else ""
        self._renew()

    def _ask(self, work: Callable[[], DockLook], then: Callable[[DockLook], None]) -> None:
        """What raises is left: a dock that has ended is seen by `look`."""
        self._awaited = True

        def came(outcome: DockLook | StationError) -> None:
            self._awaited = False
            if not isinstance(outcome, StationError):
                then(outcome)

        self._later(partial(_outcome, work), came)

    def _looked(self, look: DockLook) -> None:
        self._look = look
        self._renew()
        if look.splash is not self._drawn:
            self._drawn = look.splash
            self._awaited = True
            self._later(partial(_outcome, partial(self._pictured, look.splash)), self._drew)

    def _pictured(self, splash: Splash) -> QImage:
        return QImage.fromData(self._port.draw(splash))

    def _drew(self, outcome: QImage | StationError) -> None:
        self._awaited = False
        if isinstance(outcome, StationError):
            self._done(outcome)
            return
        self.picture = outcome
        self.picture_changed.emit()

    def _renew(self) -> None:
        panel = self._present()
        if panel != self.panel:
            self.panel = panel
            self.panel_changed.emit()

    def _present(self) -> DockPanel:
        return dock_panel(
            self._port.label,
            self._port.path,
            self._look,
            self._say,
            trouble=self._trouble,
            sure=self._sure_looks > 0,
        )


def _outcome(work: Callable[[], T]) -> T | StationError:
    """What it gives, or what it raises where that is foreseen."""
    try:
        return work()
    except StationError as error:
        return error

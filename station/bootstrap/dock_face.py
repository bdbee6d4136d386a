"""A virtual dock as its window asks for it: whatever thread asks, the dock's own one answers."""

from collections.abc import Callable
from dataclasses import dataclass

from station.dock.host import Draw
from station.dock.launcher import NOTHING, Shown
from station.dock.powered import PoweredDock
from station.dock.server import DockServer, Restart
from station.domain.splash import Splash
from station.protocol.datastore_group import Running

NO_CODE = Shown(Running.ABSENT, "", NOTHING)


@dataclass(frozen=True, slots=True)
class DockLook:
    """A dock at one moment; see `gui.dock_port.DockLook`."""

    state: Running
    trace: str
    splash: Splash
    plugged: bool


class DockFace:
    """Implements `gui.dock_port.DockPort`. told: whether the process has been told to end."""

    def __init__(self, dock: PoweredDock, draw: Draw, told: Callable[[], bool]) -> None:
        self._dock = dock
        self._draw = draw
        self._told = told
        self._plugged = True

    @property
    def label(self) -> str:
        """See `DockPort`."""
        return self._dock.settings.label.text

    @property
    def path(self) -> str:
        """See `DockPort`."""
        return str(self._dock.settings.port)

    @property
    def on(self) -> bool:
        """See `DockPort`."""
        return self._dock.on and not self._told()

    def look(self) -> DockLook:
        """See `DockPort`."""
        shown = self._dock.shown() or NO_CODE
        return DockLook(shown.state, shown.trace, shown.splash, self._plugged)

    def draw(self, splash: Splash) -> bytes:
        """See `DockPort`."""
        return self._draw(splash)

    def restart(self) -> None:
        """See `DockPort`."""
        self._dock.ask(_want_restart)

    def factory_reset(self) -> None:
        """See `DockPort`."""
        self._dock.factory_reset()

    def unplug(self) -> None:
        """See `DockPort`."""
        self._dock.unplug()
        self._plugged = False

    def plug(self) -> None:
        """See `DockPort`."""
        self._dock.plug()
        self._plugged = True


def _want_restart(server: DockServer) -> None:
    server.wants = Restart()

"""Who runs the dock's application: a port, for the dock itself knows no interpreter.

The application runs in a confined process of its own; the datastore, its large partitions and the
splash stay in the dock's process. Everything here is called from the dock's one loop.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from station.datastore.partitions import Datastore
from station.domain.identity import DockId
from station.domain.profile import UnknownImage
from station.domain.splash import Splash
from station.protocol.datastore_group import Running


class RunningApplication(Protocol):
    """One application, from its start until `stop`."""

    @property
    def state(self) -> Running:
        """STARTING, RUNNING, ENDED or FAILED, as far as it was attended."""

    @property
    def trace(self) -> str:
        """Of the exception that ended it; empty while there was none."""

    @property
    def splash(self) -> Splash:
        """What it shows now; after an exception, the trace."""

    def fileno(self) -> int:
        """Can be read when there is something to attend to; -1 once there never will be."""

    def attend(self) -> None:
        """Take what it said and answer what it asked of the datastore; never waits."""

    def deliver(self, message: bytes) -> None:
        """Give its `vision_client` callback a message; without one it is dropped."""

    def stop(self) -> None:
        """End it, whatever it does; its process is gone when this returns."""


class ApplicationHost(Protocol):
    """Starts applications."""

    def start(
        self, datastore: Datastore, *, dock_id: DockId, unknown_image: UnknownImage
    ) -> RunningApplication:
        """Run the code the datastore gives, in real time. The caller has seen that there is any.

        Raises StationError where this machine cannot confine it.
        """


class Draw(Protocol):
    """Draws what a dock shows."""

    def __call__(self, splash: Splash) -> bytes:
        """A PNG of 1920 x 1080. Raises ScreenNotDrawn."""


@dataclass(frozen=True, slots=True)
class ApplicationSupport:
    """All a dock needs to run applications and to tell what they show.

    plain: what a person reads of the markup of a text box.
    """

    host: ApplicationHost
    draw: Draw
    plain: Callable[[str], str]

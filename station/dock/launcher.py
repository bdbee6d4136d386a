"""Which application the dock runs, and what it says of it.

Code is looked up as everything is; the first partition that has any owns it, and where that code
fails, its trace is shown and nothing else is tried (dock-sdk.md, Q11).
"""

from dataclasses import dataclass
from typing import Final

from station.datastore.partitions import Datastore
from station.dock.host import ApplicationSupport, RunningApplication
from station.dock.screen import Screen
from station.domain.entries import APPLICATION_NAME, Kind
from station.domain.errors import StationError
from station.domain.identity import DockId
from station.domain.profile import UnknownImage
from station.domain.splash import Splash
from station.protocol.datastore_group import Running

NOTHING: Final = Splash()
"""Shown while nothing runs."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the application does, and what the dock shows.

    state: ABSENT where there is no code to run. trace: of the exception that ended it, or one line
    that says why it could not be started.
    """

    state: Running
    trace: str
    splash: Splash


class Launcher:
    """At most one application at a time; none as made.

    support: None for a dock that runs no code. screen: what is shown, as documents; None there.
    """

    def __init__(
        self, support: ApplicationSupport | None, *, dock_id: DockId, unknown_image: UnknownImage
    ) -> None:
        self._host = None if support is None else support.host
        self.screen = None if support is None else Screen(support.draw, support.plain)
        self._dock_id = dock_id
        self._unknown_image = unknown_image
        self._application: RunningApplication | None = None
        self._trouble = ""

    def launch(self, datastore: Datastore) -> None:
        """End what runs; then run the code this datastore gives, if any."""
        self.stop()
        if self._host is None or not has_code(datastore):
            return
        try:
            self._application = self._host.start(
                datastore, dock_id=self._dock_id, unknown_image=self._unknown_image
            )
        except StationError as error:
            self._trouble = error.cause

    def stop(self) -> None:
        """End what runs. Nothing is shown any more."""
        application, self._application = self._application, None
        self._trouble = ""
        if application is not None:
            application.stop()

    @property
    def shown(self) -> Shown:
        """As it is now."""
        if (application := self._application) is not None:
            return Shown(application.state, application.trace, application.splash)
        return Shown(Running.FAILED if self._trouble else Running.ABSENT, self._trouble, NOTHING)

    def fileno(self) -> int:
        """Can be read when there is something to attend to; -1 where there never will be."""
        return -1 if self._application is None else self._application.fileno()

    def attend(self) -> None:
        """See `RunningApplication.attend`."""
        if self._application is not None:
            self._application.attend()

    def deliver(self, message: bytes) -> None:
        """Give the application a message; where none runs it is dropped."""
        if self._application is not None:
            self._application.deliver(message)


def has_code(datastore: Datastore) -> bool:
    """Whether there is an application to run."""
    return datastore.holds(Kind.CODE, APPLICATION_NAME)

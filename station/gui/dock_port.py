"""What the window of a virtual dock asks of the dock it shows."""

from typing import Protocol

from station.domain.splash import Splash
from station.protocol.datastore_group import Running


class DockLook(Protocol):
    """A dock at one moment. trace: of the exception that ended its application, or empty."""

    @property
    def state(self) -> Running:
        """What its application does; ABSENT where it runs none."""

    @property
    def trace(self) -> str:
        """Why its application failed; empty where it did not."""

    @property
    def splash(self) -> Splash:
        """What it shows; the same object for as long as it shows the same."""

    @property
    def plugged(self) -> bool:
        """Whether its cable is in."""


class DockPort(Protocol):
    """A virtual dock. Every call waits for it: none is made in the thread of the window.

    Each raises StationError where the dock has ended, or cannot do it.
    """

    @property
    def label(self) -> str:
        """Serial on its label."""

    @property
    def path(self) -> str:
        """Where its serial port is found."""

    @property
    def on(self) -> bool:
        """Whether it neither has ended nor is to end; answers at once."""

    def look(self) -> DockLook:
        """As it is now."""

    def draw(self, splash: Splash) -> bytes:
        """A PNG of what it shows."""

    def restart(self) -> None:
        """As after a reset."""

    def factory_reset(self) -> None:
        """Back to the manufactured state."""

    def unplug(self) -> None:
        """Pull its cable out."""

    def plug(self) -> None:
        """Put its cable in."""

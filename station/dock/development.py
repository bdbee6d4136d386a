"""What the vendor's cloud does with a dock on a developer's desk: a port for its REST service.

Source: dock-sdk.md, section 4. Production docks have none of it.
"""

from collections.abc import Sequence
from typing import Protocol

from station.domain.entries import Entry
from station.domain.identity import DockId
from station.domain.profile import Stage


class DevelopmentDock(Protocol):
    """One dock behind the service; callable from any thread, carried out by the dock's own.

    Every call may end in another StationError where the dock has ended or its flash failed.
    """

    @property
    def dock_id(self) -> DockId:
        """How it is addressed."""

    @property
    def stage(self) -> Stage:
        """Whether it takes anything at all this way."""

    def replace_rom(self, entries: Sequence[Entry]) -> None:
        """Put these in place of all of ROM, then restart: atomic and destructive.

        Raises OverBudget, DocumentRefused for entries that fit no volume, and NotForProduction;
        then nothing has changed.
        """

    def run_code(self, code: bytes) -> None:
        """Put the application into the ephemeral partition and run it at once.

        Raises StoreFull, and NotForProduction; then nothing has changed.
        """

    def deliver(self, message: bytes) -> None:
        """Give the application's `vision_client` callback a message. Raises NotForProduction."""

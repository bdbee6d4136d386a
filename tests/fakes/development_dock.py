"""A dock behind the development service that only remembers what it was given."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

from station.datastore.budget import weigh
from station.domain.entries import Entry
from station.domain.errors import NotForProduction, StationError, StoreFull
from station.domain.identity import DockId
from station.domain.profile import Stage


@dataclass
class FakeDevelopmentDock:
    """`station.dock.development.DevelopmentDock`. rom: None until it was replaced.

    trouble: raised by every call, before anything changes.
    """

    dock_id: DockId
    stage: Stage = Stage.DEVELOPMENT
    rom_budget_bytes: int = 100_000
    trouble: Exception | None = None
    rom: tuple[Entry, ...] | None = None
    codes: list[bytes] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)
    changes: int = 0
    _one_at_a_time: Lock = field(default_factory=Lock, repr=False)

    def replace_rom(self, entries: Sequence[Entry]) -> None:
        """See `DevelopmentDock`."""
        with self._one_at_a_time:
            self._demand()
            weigh(entries, packed_bytes=0, budget_bytes=self.rom_budget_bytes)
            self.rom = tuple(entries)
            self.changes += 1

    def run_code(self, code: bytes) -> None:
        """See `DevelopmentDock`."""
        with self._one_at_a_time:
            self._demand()
            if len(code) > self.rom_budget_bytes:
                raise StoreFull(f"{len(code):,} bytes do not fit")
            self.codes.append(code)
            self.changes += 1

    def deliver(self, message: bytes) -> None:
        """See `DevelopmentDock`."""
        with self._one_at_a_time:
            self._demand()
            self.messages.append(message)
            self.changes += 1

    def _demand(self) -> None:
        if self.stage is Stage.PRODUCTION:
            raise NotForProduction("this dock was made for production")
        if self.trouble is not None:
            raise self.trouble


class Broken(StationError):
    """Nobody's fault but the dock's."""

    code = "E-TEST-01"
    remedy = "None."

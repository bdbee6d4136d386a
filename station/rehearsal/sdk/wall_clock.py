"""The dock's wall clock: the bench's time, and the zone an application has set.

NTP is taken to have set it before the application began; where a scenario has no network, too.
The zone is UTC until it is set: what a dock comes with, the vendor does not say.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from station.rehearsal.machine import Machine
from station.rehearsal.sdk.zones import ZONES

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class WallClock:
    """One per dock; modules `dock`, `time` and `datetime` share it."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.zone = ZONES["UTC"]

    def now_us(self) -> int:
        """Microseconds since 1970, UTC."""
        since_epoch = self._machine.scenario.start_at - _EPOCH
        return since_epoch // timedelta(microseconds=1) + round(self._machine.now_ms() * 1000)

    def now_s(self) -> int:
        """Whole seconds since 1970, UTC."""
        return self.now_us() // 1_000_000

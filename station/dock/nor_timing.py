"""How long the flash takes: figures of serial NOR, and where the time is spent.

Source of the figures: what data sheets of 128 Mbit serial NOR flash with 4 KiB sectors and 256-byte
pages agree on, to the first digit; `SLOW` is the worst such a chip may do in its life. The dock
erases sector by sector, so the faster erase of 64 KiB at once (150 ms) is not used.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from station.dock.flash import SlowErase


@dataclass(frozen=True, slots=True)
class NorTimes:
    """Seconds from the begin of an operation to its end."""

    sector_erase_s: float
    page_program_s: float


class Nor(StrEnum):
    """A profile: how fast the flash is."""

    NONE = "none"
    """As fast as the computer that simulates it."""

    TYPICAL = "typical"
    SLOW = "slow"


TIMES: Final[dict[Nor, NorTimes]] = {
    Nor.NONE: NorTimes(0.0, 0.0),
    Nor.TYPICAL: NorTimes(0.045, 0.0004),
    Nor.SLOW: NorTimes(0.4, 0.003),
}


class NorTime:
    """Spends the time that operations take. For `Flash.took_time`.

    wait: spends that many seconds. slow: erases that take another time than the others.
    """

    def __init__(
        self, times: NorTimes, slow: SlowErase | None, wait: Callable[[float], object]
    ) -> None:
        self._times = times
        self._slow = slow
        self._erased = 0
        self._wait = wait

    def __call__(self, sectors: int, pages: int) -> None:
        """So many sectors were erased and so many pages programmed, one after the other."""
        slow = self._slow_ones(sectors)
        erasing_s = (sectors - slow) * self._times.sector_erase_s
        if self._slow is not None:
            erasing_s += slow * self._slow.for_s
        self._wait(erasing_s + pages * self._times.page_program_s)

    def _slow_ones(self, sectors: int) -> int:
        """How many of the next sectors to be erased are."""
        if self._slow is None:
            return 0
        if self._slow.count is None:
            return sectors
        slow = min(sectors, max(0, self._slow.count - self._erased))
        self._erased += sectors
        return slow

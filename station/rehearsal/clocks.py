"""The two clocks an application can live by, in milliseconds since it was started.

On the bench time jumps: what is waited for costs nothing. On a virtual dock it is the machine's.
"""

import time
from collections.abc import Callable
from math import inf
from typing import Final, NoReturn, Protocol

from station.rehearsal.link import Link

READING_MS: Final = 0.02
TASK_MS: Final = 0.1
"""What reading the clock, and taking up a task, take on the bench at least. A loop that waits for
the clock, and a task that asks to be done again at once, would never end on a clock that stands."""


class Clock(Protocol):
    """The application's time; never goes back."""

    def now_ms(self) -> float:
        """Since the start."""

    def spend(self, duration_ms: float) -> None:
        """Something has been done that takes this long on the bench."""

    def sleep(self, duration_ms: float) -> None:
        """Let this much time pass."""

    def wait(self, until_ms: float) -> None:
        """The application is idle: come back at this moment, or earlier where there is news."""


class BenchClock:
    """The same for the same application, every time.

    over: called when the clock reaches `end_ms`, whatever is being done.
    """

    def __init__(self, end_ms: float, over: Callable[[], NoReturn]) -> None:
        self._now_ms = 0.0
        self._end_ms = end_ms
        self._over = over

    def now_ms(self) -> float:
        """See `Clock`."""
        return self._now_ms

    def spend(self, duration_ms: float) -> None:
        """See `Clock`."""
        self.wait(self._now_ms + duration_ms)

    def sleep(self, duration_ms: float) -> None:
        """See `Clock`."""
        self.wait(self._now_ms + duration_ms)

    def wait(self, until_ms: float) -> None:
        """See `Clock`."""
        self._now_ms = max(self._now_ms, min(until_ms, self._end_ms))
        if until_ms > self._end_ms:
            self._over()


class RealClock:
    """The machine's. link: where news come from."""

    def __init__(self, link: Link) -> None:
        self._began_s = time.monotonic()
        self._link = link

    def now_ms(self) -> float:
        """See `Clock`."""
        return (time.monotonic() - self._began_s) * 1000

    def spend(self, duration_ms: float) -> None:
        """See `Clock`: it has taken what it has taken."""

    def sleep(self, duration_ms: float) -> None:
        """See `Clock`."""
        time.sleep(max(0.0, duration_ms) / 1000)

    def wait(self, until_ms: float) -> None:
        """See `Clock`."""
        self._link.listen(None if until_ms == inf else max(0.0, until_ms - self.now_ms()))

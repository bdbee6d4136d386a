"""Progress for people: told often enough to look smooth, seldom enough to cost nothing.

A dock acknowledges thousands of blocks a second; who watches sixty-four docks wants ten words a
second from each.
"""

from typing import Final

from station.application.ports import Clock, Progress, Watch
from station.domain.verdict import Step

EVERY_S: Final = 0.1
"""Least time between two words on the same step."""


class Paced:
    """A `Watch` that passes on the beginning and the end of a step, and few words between."""

    def __init__(self, watch: Watch, clock: Clock) -> None:
        self._watch = watch
        self._clock = clock
        self._step: Step | None = None
        self._next_s = 0.0

    def __call__(self, progress: Progress) -> None:
        """Something was done."""
        now_s = self._clock.monotonic_s()
        between = progress.done_bytes < progress.total_bytes
        if between and progress.step is self._step and now_s < self._next_s:
            return
        self._step, self._next_s = progress.step, now_s + EVERY_S
        self._watch(progress)

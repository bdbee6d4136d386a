"""Turns: a few lanes at a time do what would slow every lane if all did it at once.

First come, first served: no lane waits for another one's second turn.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock
from typing import Final

from station.application.cancel import Cancel

LOOK_S: Final = 0.1
"""How soon a request to stop is seen while waiting."""


class Turns:
    """at_once: how many have their turn at the same time, at least 1."""

    def __init__(self, at_once: int) -> None:
        if at_once < 1:
            raise ValueError("somebody must have a turn")
        self._lock = Lock()
        self._free = at_once
        self._waiting: deque[Event] = deque()

    @contextmanager
    def taken(self, cancel: Cancel | None = None) -> Iterator[None]:
        """Wait for a turn and have it until the context is left. Raises Interrupted."""
        self._wait(cancel or Cancel())
        try:
            yield
        finally:
            self._pass_on()

    def _wait(self, cancel: Cancel) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            called = Event()
            self._waiting.append(called)
        while not called.wait(LOOK_S):
            if cancel.asked:
                self._leave(called)
                cancel.check()

    def _leave(self, called: Event) -> None:
        """Wait no longer; a turn that comes at this very moment goes to the next."""
        with self._lock:
            if called in self._waiting:
                self._waiting.remove(called)
                return
        self._pass_on()

    def _pass_on(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1

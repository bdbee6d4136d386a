"""The machine's own clock, chance and crash points."""

import ctypes
import os
import secrets
import signal
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

_M_ARENA_MAX: Final = -8
"""glibc, malloc.h: how many heaps a process may have."""


def share_one_heap() -> None:
    """Let all threads to come allocate from one heap.

    glibc gives threads heaps of their own, up to eight per core, and each keeps what its threads
    once needed: 1.9 MB for each lane, against 0.4 MB with one heap (measured, images of 2 MB).
    Python runs one thread at a time, so none waits for another here. Elsewhere nothing happens.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


class SystemClock:
    """Wall time in UTC, and the monotonic clock."""

    def now_at(self) -> datetime:
        """Now, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        """Seconds on a clock that never goes back."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Return once this much has passed."""
        time.sleep(seconds)


class SystemChance:
    """The operating system's randomness."""

    def octets(self, count: int) -> bytes:
        """`count` octets nobody can predict."""
        return secrets.token_bytes(count)


def pass_by(point: str) -> None:
    """A crash point in service: nothing happens here."""


class CrashPoint:
    """Ends the process by SIGKILL at one named point; for the crash test only."""

    def __init__(self, fatal: str) -> None:
        self._fatal = fatal

    def __call__(self, point: str) -> None:
        """Pass `point`, unless it is the fatal one."""
        if point == self._fatal:
            os.kill(os.getpid(), signal.SIGKILL)

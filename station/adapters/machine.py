"""The machine's own clock, chance and crash points."""

import os
import secrets
import signal
import time
from datetime import UTC, datetime


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

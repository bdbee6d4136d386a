"""A clock that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta
from typing import Final

START_AT: Final = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


class FakeClock:
    """`application.ports.Clock`. Wall and monotonic time move together, unless wall time jumps."""

    def __init__(self, at: datetime = START_AT) -> None:
        self._at = at
        self._monotonic_s = 0.0

    def now_at(self) -> datetime:
        """The wall time the test has set."""
        return self._at

    def monotonic_s(self) -> float:
        """Seconds passed since the clock was made."""
        return self._monotonic_s

    def wait(self, seconds: float) -> None:
        """Let time pass at once."""
        self.pass_s(seconds)

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        self._at += timedelta(seconds=seconds)
        self._monotonic_s += seconds

    def jump_to(self, at: datetime) -> None:
        """Set the wall clock, as a person or an NTP step would."""
        self._at = at

"""How a line is doing: its last results, how long a run usually takes, how many passed lately."""

from dataclasses import dataclass, field
from statistics import median
from typing import Final

from station.application.snapshot import Result
from station.domain.verdict import Verdict

RESULTS_KEPT: Final = 6
DURATIONS_KEPT: Final = 20
PACE_WINDOW_S: Final = 3600.0


@dataclass(slots=True)
class Pace:
    """Guarded by the line's lock. results: newest last."""

    results: tuple[Result, ...] = ()
    _durations_s: list[float] = field(default_factory=list)
    _passed_at_s: list[float] = field(default_factory=list)

    def ended(self, serial: str, verdict: Verdict, *, took_s: float, now_s: float) -> None:
        """A run ended, after its record became durable."""
        self.results = (*self.results, Result(serial, verdict))[-RESULTS_KEPT:]
        if verdict is Verdict.PASS:
            self._durations_s = [*self._durations_s, took_s][-DURATIONS_KEPT:]
            self._passed_at_s = [*self._lately(now_s), now_s]

    @property
    def usual_s(self) -> float:
        """Median length of the last runs that passed; 0.0 before the first."""
        return median(self._durations_s) if self._durations_s else 0.0

    def per_h(self, now_s: float) -> int:
        """PASS runs of the last hour."""
        return len(self._lately(now_s))

    def _lately(self, now_s: float) -> list[float]:
        return [at_s for at_s in self._passed_at_s if now_s - at_s < PACE_WINDOW_S]

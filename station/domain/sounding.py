"""What a test of one slot found: values only."""

from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Sounding:
    """Echoes that went to a dock and back. lost: that had to be sent again, because they or their
    answers never arrived. damaged: frames that arrived, but not whole. stray: answers to nothing.
    round_trips_s: one for each echo, sent again or not."""

    lost: int
    damaged: int
    stray: int
    round_trips_s: tuple[float, ...]

    @property
    def echoes(self) -> int:
        """How many there were."""
        return len(self.round_trips_s)

    @property
    def clean(self) -> bool:
        """Whether every one came back at once."""
        return not (self.lost or self.damaged or self.stray)

    @property
    def median_s(self) -> float:
        """What a round trip usually took."""
        return median(self.round_trips_s) if self.round_trips_s else 0.0

    @property
    def worst_s(self) -> float:
        """What the slowest took."""
        return max(self.round_trips_s, default=0.0)

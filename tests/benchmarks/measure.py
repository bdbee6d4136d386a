"""What a group of benchmarks hands back: one figure each, with its goal and its peers."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class AtMost:
    """The figure should not exceed this."""

    limit: float

    def met_by(self, value: float) -> bool:
        return value <= self.limit

    def __str__(self) -> str:
        return f"<= {self.limit:g}"


@dataclass(frozen=True, slots=True)
class AtLeast:
    """The figure should reach this."""

    limit: float

    def met_by(self, value: float) -> bool:
        return value >= self.limit

    def __str__(self) -> str:
        return f">= {self.limit:g}"


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure. `goal` None: reported, not judged.

    peers: the same figure, in the same unit and on the same machine, for other programs, by name.
    """

    name: str
    value: float
    unit: str
    goal: AtMost | AtLeast | None = None
    peers: Mapping[str, float] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        return None if self.goal is None else self.goal.met_by(self.value)

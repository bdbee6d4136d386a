"""Tells a keyboard scanner from a person by the rhythm of the keys. No Qt, no clock in here.

A scanner types its characters at most `gap_ms` apart and ends with Enter or Tab. Everything it
sends is swallowed, releases included, so that no focused button is pressed. What turns out to be
a person's typing is given back, to be replayed in order. Source: operator guide, "Scans".
"""

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Generic, TypeVar

Held = TypeVar("Held")

GS = "\x1d"
"""ASCII group separator: ends a field of variable length in a GS1 element string."""


class Kind(Enum):
    """What a key is to a scan. OTHER: a key no scanner sends inside one."""

    CHARACTER = auto()
    PREFIX = auto()
    TERMINATOR = auto()
    MODIFIER = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Stroke:
    """One key going down or up. text: what it types. at_ms: on any clock that never goes back."""

    kind: Kind
    key: int
    at_ms: int
    text: str = ""
    down: bool = True
    repeat: bool = False


@dataclass(frozen=True, slots=True)
class WedgeSettings:
    """gap_ms: longest pause inside a scan. shortest: characters below which it is typing.

    prefixed_ms: longest pause once the prefix was seen. same_ms: the same code is taken once
    within this time.
    """

    gap_ms: int = 60
    shortest: int = 4
    prefixed_ms: int = 2_000
    same_ms: int = 2_000


@dataclass(frozen=True, slots=True)
class Decision(Generic[Held]):
    """replay: give these back first, in order. passes: then let this stroke go on its way.

    scan: the text a scanner has just finished.
    """

    passes: bool
    replay: tuple[Held, ...] = ()
    scan: str | None = None


@dataclass(slots=True)
class WedgeBuffer(Generic[Held]):
    """Holds strokes until it is clear who typed them.

    Each stroke comes with what to hold of it (`held`), which is handed back in `replay`.
    """

    settings: WedgeSettings = WedgeSettings()
    _text: str = ""
    _held: list[Held] = field(default_factory=list)
    _down: Counter[int] = field(default_factory=Counter)
    """Keys whose press is held and whose release has not come."""
    _owed: set[int] = field(default_factory=set)
    """Keys whose press a scan has swallowed: their release is swallowed too."""
    _prefixed: bool = False
    _last_ms: int = 0
    _ended_ms: int | None = None
    _last_scan: tuple[str, int] | None = None

    @property
    def holds(self) -> bool:
        """Whether `expire` has something to decide."""
        return bool(self._held) or self._prefixed

    def feed(self, stroke: Stroke, held: Held) -> Decision[Held]:
        """Take one stroke in the order of typing."""
        if not stroke.down:
            return self._released(stroke, held)
        self._owed.discard(stroke.key)
        replay = self._too_late(stroke.at_ms)
        match stroke.kind:
            case Kind.MODIFIER:
                if not self.holds:
                    return Decision(passes=True, replay=replay)
                self._hold(stroke, held)
                return Decision(passes=False, replay=replay)
            case Kind.PREFIX:
                replay += self._give_back()
                self._prefixed = True
                self._hold(stroke, held)
                return Decision(passes=False, replay=replay)
            case Kind.CHARACTER if stroke.repeat and not self._prefixed:
                return Decision(passes=True, replay=replay + self._give_back())
            case Kind.CHARACTER:
                self._text += stroke.text
                self._hold(stroke, held)
                return Decision(passes=False, replay=replay)
            case Kind.TERMINATOR:
                return self._terminated(stroke, replay)
            case Kind.OTHER:
                return Decision(passes=True, replay=replay + self._give_back())

    def expire(self, at_ms: int) -> tuple[Held, ...]:
        """What to replay because nothing came for too long."""
        return self._too_late(at_ms)

    def _released(self, stroke: Stroke, held: Held) -> Decision[Held]:
        if stroke.key in self._owed:
            if not stroke.repeat:
                self._owed.discard(stroke.key)
            return Decision(passes=False)
        if self._down[stroke.key]:
            self._down[stroke.key] -= 1
            self._held.append(held)
            return Decision(passes=False)
        if self.holds and stroke.kind is Kind.MODIFIER:
            self._held.append(held)
            return Decision(passes=False)
        return Decision(passes=True)

    def _terminated(self, stroke: Stroke, replay: tuple[Held, ...]) -> Decision[Held]:
        if self._prefixed or len(self._text) >= self.settings.shortest:
            text = self._text
            self._swallow(stroke)
            return Decision(passes=False, replay=replay, scan=self._fresh(text, stroke.at_ms))
        if self._ended_ms is not None and self._near(self._ended_ms, stroke.at_ms):
            self._owed.add(stroke.key)  # a scanner that ends with two keys, such as CR and LF
            return Decision(passes=False, replay=replay)
        return Decision(passes=True, replay=replay + self._give_back())

    def _swallow(self, stroke: Stroke) -> None:
        self._owed.update(key for key, count in self._down.items() if count)
        self._owed.add(stroke.key)
        self._ended_ms = stroke.at_ms
        self._clear()

    def _fresh(self, text: str, at_ms: int) -> str | None:
        if not text:
            return None
        if self._last_scan is not None:
            same, then_ms = self._last_scan
            if same == text and at_ms - then_ms < self.settings.same_ms:
                return None
        self._last_scan = (text, at_ms)
        return text

    def _hold(self, stroke: Stroke, held: Held) -> None:
        self._held.append(held)
        self._down[stroke.key] += 1
        self._last_ms = stroke.at_ms
        self._ended_ms = None

    def _too_late(self, at_ms: int) -> tuple[Held, ...]:
        if not self.holds or self._near(self._last_ms, at_ms):
            return ()
        return self._give_back()

    def _near(self, then_ms: int, at_ms: int) -> bool:
        allowed = self.settings.prefixed_ms if self._prefixed else self.settings.gap_ms
        return at_ms - then_ms <= allowed

    def _give_back(self) -> tuple[Held, ...]:
        """What is held, unless a prefix has said that a scanner typed it."""
        given = () if self._prefixed else tuple(self._held)
        if self._prefixed:
            self._owed.update(key for key, count in self._down.items() if count)
        self._clear()
        return given

    def _clear(self) -> None:
        self._text = ""
        self._held = []
        self._down = Counter()
        self._prefixed = False

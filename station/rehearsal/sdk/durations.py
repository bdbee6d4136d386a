"""Classes `timedelta`, `tzinfo` and `timezone` of module `datetime`.

Python's own, of subclasses that have `isoformat` and remain what they are in sums and differences.
Source: the vendor's pages on the three; for how `isoformat` spells, micropython-lib's `datetime`.
"""

import datetime as python
from collections.abc import Callable
from typing import Any, ClassVar


class Timedelta(python.timedelta):
    """`datetime.timedelta`."""

    def isoformat(self) -> str:
        """Days, hours, minutes and seconds."""
        return f"-{_spelt(-self)}" if self.days < 0 else _spelt(self)


def kept(value: Any) -> Any:
    """Python's durations, alone or in a tuple, as a dock's; anything else as it is."""
    if type(value) is python.timedelta:
        return Timedelta(value.days, value.seconds, value.microseconds)
    return tuple(map(kept, value)) if isinstance(value, tuple) else value


def _keeping(operation: Callable[..., Any]) -> Callable[..., Any]:
    def keeping(*operands: object) -> Any:
        return kept(operation(*operands))

    return keeping


_OPERATIONS = (
    *("__abs__", "__neg__", "__pos__", "__add__", "__radd__", "__sub__", "__rsub__"),
    *("__mul__", "__rmul__", "__truediv__", "__floordiv__", "__mod__", "__divmod__"),
)
for _name in _OPERATIONS:
    setattr(Timedelta, _name, _keeping(getattr(python.timedelta, _name)))
for _name in ("min", "max", "resolution"):
    setattr(Timedelta, _name, kept(getattr(python.timedelta, _name)))


class Tzinfo(python.tzinfo):
    """`datetime.tzinfo`: an application's own zones are subclasses of it."""

    def isoformat(self, dt: python.datetime | None) -> str:
        """The offset then: a sign, hours and minutes."""
        minutes = (self.utcoffset(dt) or python.timedelta()) // python.timedelta(minutes=1)
        return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


class Timezone(Tzinfo):
    """`datetime.timezone`: a fixed offset from UTC."""

    utc: "ClassVar[Timezone]"

    def __init__(self, offset: python.timedelta, name: str | None = None) -> None:
        """Raises TypeError and ValueError."""
        if not isinstance(offset, python.timedelta):
            raise TypeError("offset: a timedelta is needed")
        if not abs(offset) < python.timedelta(days=1):
            raise ValueError("offset: a day or more")
        self._offset = offset
        self._name = f"UTC{self.isoformat(None)}" if name is None else name

    def utcoffset(self, dt: python.datetime | None) -> python.timedelta:
        """The offset."""
        return self._offset

    def dst(self, dt: python.datetime | None) -> None:
        """None: it knows of no daylight saving time."""

    def tzname(self, dt: python.datetime | None) -> str:
        """Its name."""
        return self._name

    def fromutc(self, dt: python.datetime) -> python.datetime:
        """The local time."""
        return dt + self._offset

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Timezone) and other._offset == self._offset

    def __hash__(self) -> int:
        return hash(self._offset)

    def __repr__(self) -> str:
        return f"timezone({self._offset!r}, {self._name!r})"

    def __str__(self) -> str:
        return self._name


Timezone.utc = Timezone(Timedelta(0))


def _spelt(length: python.timedelta) -> str:
    days = f"{length.days} day{'' if length.days == 1 else 's'}, " if length.days else ""
    hours, rest = divmod(length.seconds, 3_600)
    clock = python.time(hours, rest // 60, rest % 60, length.microseconds)
    return f"{days}{clock.isoformat()}"

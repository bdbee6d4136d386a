"""Module `datetime`: what the vendor's pages name, and nothing else of Python's.

Values are Python's own, of subclasses that lack what a dock lacks (`strftime` above all), have
`tuple` and `EPOCH`, know the dock's clock, and remain what they are in sums and differences.
Source: dock-sdk.md, 2.7; the vendor's pages on the six classes.
"""

import datetime as python
from typing import Any, ClassVar, Final, NoReturn, Self, cast

from station.rehearsal.sdk.durations import Timedelta, Timezone, Tzinfo, kept
from station.rehearsal.sdk.names import Names, bound
from station.rehearsal.sdk.wall_clock import WallClock


class Missing:
    """An attribute of Python's class that the dock's has not."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type) -> NoReturn:
        kind = "type object '{}'" if instance is None else "'{}' object"
        raise AttributeError(f"{kind.format(owner.__name__)} has no attribute '{self._name}'")


def _without(*names: str) -> dict[str, object]:
    return {name: Missing(name) for name in names}


class Date(python.date):
    """`datetime.date`."""

    _clock: ClassVar[WallClock]

    @classmethod
    def today(cls) -> Self:
        """Now, in the dock's zone."""
        return cls.fromtimestamp(cls._clock.now_s())

    @classmethod
    def fromtimestamp(cls, timestamp: float, /) -> Self:
        """A moment, in the dock's zone."""
        shown = _shown(cls._clock, round(timestamp * 1e6))
        return cls(shown.year, shown.month, shown.day)

    def tuple(self) -> "tuple[int, int, int]":
        """Year, month, day."""
        return self.year, self.month, self.day

    def timetuple(self) -> Any:
        """Nine numbers, as `datetime.timetuple`."""
        return tuple(super().timetuple())

    def __sub__(self, other: Any) -> Any:
        return kept(super().__sub__(other))

    def __format__(self, spec: str, /) -> str:
        return _formatted(self, spec)


class Time(python.time):
    """`datetime.time`."""

    def tuple(self) -> "tuple[int, int, int, int, python.tzinfo | None, int]":
        """Hour, minute, second, microsecond, zone, fold."""
        return self.hour, self.minute, self.second, self.microsecond, self.tzinfo, self.fold

    def __format__(self, spec: str, /) -> str:
        return _formatted(self, spec)


class Datetime(python.datetime):
    """`datetime.datetime`."""

    EPOCH: ClassVar[python.datetime]

    _clock: ClassVar[WallClock]
    _date: ClassVar[type[Date]]
    _time: ClassVar[type[Time]]

    @classmethod
    def now(cls, tz: python.tzinfo | None = None) -> Self:
        """Now, in this zone, or in the dock's."""
        return cls._at(cls._clock.now_us(), tz)

    @classmethod
    def fromtimestamp(cls, timestamp: float, tz: python.tzinfo | None = None) -> Self:
        """A moment, in this zone, or in the dock's."""
        return cls._at(round(timestamp * 1e6), tz)

    @classmethod
    def _at(cls, moment_us: int, tz: python.tzinfo | None) -> Self:
        if tz is None:
            return cls._of(_shown(cls._clock, moment_us))
        utc = cls._of(_EPOCH + python.timedelta(microseconds=moment_us))
        return cast("Self", tz.fromutc(utc.replace(tzinfo=tz)))

    @classmethod
    def _of(cls, value: python.datetime) -> Self:
        return cls(*value.timetuple()[:6], value.microsecond, fold=value.fold)

    def tuple(self) -> "tuple[Any, ...]":
        """Year to microsecond, zone, fold."""
        return (*self.date().tuple(), *self.timetz().tuple())

    def date(self) -> Date:
        """Year, month and day of it."""
        return self._date(self.year, self.month, self.day)

    def timetz(self) -> Time:
        """The time of the day, with its zone."""
        return self._time(
            self.hour, self.minute, self.second, self.microsecond, self.tzinfo, fold=self.fold
        )

    def time(self) -> Time:
        """The time of the day, without a zone."""
        return self.timetz().replace(tzinfo=None)

    def astimezone(self, tz: python.tzinfo | None = None) -> Self:
        """The same moment in this zone.

        Raises NotImplementedError where it has no zone, TypeError where none is given.
        """
        if self.tzinfo is None:
            raise NotImplementedError
        if tz is None:
            raise TypeError("tz: a tzinfo is needed")
        return super().astimezone(tz)

    def timetuple(self) -> Any:
        """Year to second, day of the week, day of the year, daylight saving time."""
        return tuple(super().timetuple())

    def __sub__(self, other: Any) -> Any:
        return kept(super().__sub__(other))

    def __format__(self, spec: str, /) -> str:
        return _formatted(self, spec)


_EPOCH: Final = python.datetime(1970, 1, 1)  # noqa: DTZ001 -- a clock at UTC


def datetime_names(clock: WallClock) -> Names:
    """Of module `datetime`."""
    date = bound(
        "date",
        Date,
        _clock=clock,
        **_without("ctime", "fromisocalendar", "isocalendar", "strftime"),
    )
    time = bound("time", Time, **_without("strftime"))
    datetime = bound(
        "datetime",
        Datetime,
        _clock=clock,
        _date=date,
        _time=time,
        **_without("ctime", "fromisocalendar", "isocalendar", "strftime", "strptime"),
        **_without("timestamp", "today", "utcfromtimestamp", "utcnow", "utctimetuple"),
    )
    date.min, date.max = date(1, 1, 1), date(python.MAXYEAR, 12, 31)
    date.resolution = Timedelta(days=1)
    time.min, time.max = time(), time(23, 59, 59, 999_999)
    time.resolution = Timedelta(microseconds=1)
    datetime.EPOCH = datetime(1970, 1, 1, tzinfo=Timezone.utc)
    return {
        "date": date,
        "time": time,
        "datetime": datetime,
        "timedelta": Timedelta,
        "timezone": Timezone,
        "tzinfo": Tzinfo,
        "MINYEAR": python.MINYEAR,
        "MAXYEAR": python.MAXYEAR,
    }


def _shown(clock: WallClock, moment_us: int) -> python.datetime:
    """What the dock's clock shows then; the second time that it does, with `fold`."""
    moment_s = moment_us // 1_000_000
    offset_s, _ = clock.zone.at(moment_s)
    shown = _EPOCH + python.timedelta(seconds=offset_s, microseconds=moment_us)
    return shown.replace(fold=int(clock.zone.moment_of(moment_s + offset_s) != moment_s))


def _formatted(value: object, spec: str) -> str:
    if spec:
        raise ValueError(
            f"unknown format code '{spec}' for object of type '{type(value).__name__}'"
        )
    return str(value)

"""The time zones a dock accepts, by the rules of the IANA database as they are today.

A confined process has no database to read, and a rehearsal must give the same on every machine:
so the rules stand here, in the spelling of POSIX that the database itself uses for the present and
the future. What held in past years is not known.
Source: dock-sdk.md, section 3 (the list); IANA time zone database 2025b (the rules); POSIX.1-2017,
Base Definitions, 8.3 (the spelling).
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

_DAY_S: Final = 86_400
_HOUR_S: Final = 3_600


@dataclass(frozen=True, slots=True)
class Change:
    """A moment of every year: the `week`th `weekday` (0 is Sunday) of a month, 5 for the last."""

    month: int
    week: int
    weekday: int
    second: int

    def local_s(self, year: int) -> int:
        """On the wall clock that is about to change, as seconds since 1970 of a clock at UTC."""
        first, days = monthrange(year, self.month)
        day = 1 + (self.weekday - (first + 1) % 7) % 7 + 7 * (self.week - 1)
        while day > days:
            day -= 7
        return int(datetime(year, self.month, day, tzinfo=UTC).timestamp()) + self.second


@dataclass(frozen=True, slots=True)
class Summer:
    """Daylight saving time. offset_s: east of UTC."""

    name: str
    offset_s: int
    begins: Change
    ends: Change


@dataclass(frozen=True, slots=True)
class Zone:
    """name: as a dock abbreviates it. offset_s: east of UTC."""

    name: str
    offset_s: int
    summer: Summer | None = None

    @classmethod
    def parse(cls, posix: str) -> Self:
        """From the spelling of POSIX, as far as the table below needs it."""
        found = _POSIX.fullmatch(posix)
        if found is None:
            raise ValueError(f"no time zone: {posix}")
        offset_s = -_HOUR_S * int(found["offset"])
        summer = None
        if found["summer"]:
            begins, ends = (_change(found[name]) for name in ("begins", "ends"))
            summer = Summer(found["summer"], offset_s + _HOUR_S, begins, ends)
        return cls(found["name"].strip("<>"), offset_s, summer)

    def at(self, moment_s: float) -> tuple[int, str]:
        """Offset and abbreviation that hold at a moment, in seconds since 1970."""
        summer = self.summer
        if summer is None:
            return self.offset_s, self.name
        year = (_EPOCH + timedelta(seconds=moment_s + self.offset_s)).year
        begins = summer.begins.local_s(year) - self.offset_s
        ends = summer.ends.local_s(year) - summer.offset_s
        first, second = sorted((begins, ends))
        # In the south, summer is at both ends of a year.
        is_summer = (first <= moment_s < second) == (begins < ends)
        return (summer.offset_s, summer.name) if is_summer else (self.offset_s, self.name)

    def moment_of(self, local_s: int) -> int:
        """The moment at which a wall clock shows this.

        Both are in seconds since 1970. Of two such moments the first; of none, the one at which a
        clock that nobody has put forward would show it.
        """
        if self.summer is not None:
            moment_s = local_s - self.summer.offset_s
            if self.at(moment_s)[0] == self.summer.offset_s:
                return moment_s
        return local_s - self.offset_s


_POSIX: Final = re.compile(
    r"(?P<name>[A-Z]+|<[+-]\d+>)(?P<offset>-?\d+)"
    r"(?:(?P<summer>[A-Z]+),(?P<begins>M[\d./]+),(?P<ends>M[\d./]+))?"
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _change(posix: str) -> Change:
    date, _, hour = posix.removeprefix("M").partition("/")
    month, week, weekday = map(int, date.split("."))
    return Change(month, week, weekday, _HOUR_S * int(hour or 2))


ZONES: Final = {
    name: Zone.parse(posix)
    for name, posix in (
        ("CET", "CET-1CEST,M3.5.0,M10.5.0/3"),
        ("CST6CDT", "CST6CDT,M3.2.0,M11.1.0"),
        ("EET", "EET-2EEST,M3.5.0/3,M10.5.0/4"),
        ("EST", "EST5"),
        ("GB", "GMT0BST,M3.5.0/1,M10.5.0"),
        ("GMT", "GMT0"),
        ("HST", "HST10"),
        ("Hongkong", "HKT-8"),
        ("Israel", "IST-2IDT,M3.4.4/26,M10.5.0"),
        ("Japan", "JST-9"),
        ("MET", "MET-1MEST,M3.5.0,M10.5.0/3"),
        ("MST", "MST7"),
        ("MST7MDT", "MST7MDT,M3.2.0,M11.1.0"),
        ("NZ", "NZST-12NZDT,M9.5.0,M4.1.0/3"),
        ("PRC", "CST-8"),
        ("PST8PDT", "PST8PDT,M3.2.0,M11.1.0"),
        ("ROC", "CST-8"),
        ("ROK", "KST-9"),
        ("Singapore", "<+08>-8"),
        ("UCT", "UTC0"),
        ("UTC", "UTC0"),
        ("W-SU", "MSK-3"),
        ("WET", "WET0WEST,M3.5.0/1,M10.5.0"),
    )
}
"""By the name `DockControl.set_timezone` takes."""

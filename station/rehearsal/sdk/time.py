"""Module `time`: on the bench's clock, with the epoch of 1970 throughout (Q15).

Local time is that of the zone the application has set. Ticks wrap at 2^30, as on most ports of
MicroPython, and `ticks_cpu` counts microseconds.
Source: dock-sdk.md, 2.7, and Q15 of its section 6; the vendor's page on `time`.
"""

import _strptime  # type: ignore[import-not-found]  # noqa: F401 -- see `_spelling`
import re
import time
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Any, Final, TypeAlias

from station.rehearsal.machine import Machine
from station.rehearsal.sdk.arguments import text, whole
from station.rehearsal.sdk.names import Names
from station.rehearsal.sdk.wall_clock import WallClock

TICKS_PERIOD: Final = 1 << 30

Moment: TypeAlias = tuple[int, int, int, int, int, int, int, int]
"""Year, month, day, hour, minute, second, day of the week from Monday on, day of the year."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CALENDAR: Final = range(-62_135_424_000, 253_402_128_000)
"""Seconds since 1970 that have a date in every zone: from the year 1 to the year 9999."""

_DEFAULT_FORMAT: Final = "%a %b %d %H:%M:%S %Y"
_SPECIFIER: Final = re.compile("%.", re.DOTALL)


def time_names(machine: Machine, clock: WallClock) -> Names:
    """Of module `time`."""
    return {**_reading(clock), **_spelling(clock), **_sleeping(machine), **_ticking(machine)}


def _moment(seconds: int) -> Moment:
    """What a clock shows so many seconds after it showed 1970."""
    shown = _EPOCH + timedelta(seconds=seconds)
    year, month, day, hour, minute, second, weekday, yearday, _ = shown.timetuple()
    return year, month, day, hour, minute, second, weekday, yearday


def _reading(clock: WallClock) -> Names:
    def now() -> int:
        return clock.now_s()

    def time_ns() -> int:
        return clock.now_us() * 1_000

    def gmtime(secs: object = None) -> Moment:
        return _moment(_seconds(secs, clock))

    def localtime(secs: object = None) -> Moment:
        seconds = _seconds(secs, clock)
        return _moment(seconds + clock.zone.at(seconds)[0])

    def mktime(local: object) -> int:
        return clock.zone.moment_of(int((_shown(local) - _EPOCH).total_seconds()))

    return {
        "time": now,
        "time_ns": time_ns,
        "gmtime": gmtime,
        "localtime": localtime,
        "mktime": mktime,
    }


def _spelling(clock: WallClock) -> Names:
    """`time.strptime` imports `_strptime` when it is first called: there are no files then."""

    def strftime(fmt_string: str, time_tuple: object = None) -> str:
        if time_tuple is None:
            at_s = clock.now_s()
            shown = _EPOCH + timedelta(seconds=at_s + clock.zone.at(at_s)[0])
        else:
            shown = _shown(time_tuple)
            at_s = clock.zone.moment_of(int((shown - _EPOCH).total_seconds()))
        offset_s, name = clock.zone.at(at_s)
        sign, minutes = "-" if offset_s < 0 else "+", abs(offset_s) // 60
        ours = {"%Z": name, "%z": f"{sign}{minutes // 60:02}{minutes % 60:02}"}

        def replaced(specifier: re.Match[str]) -> str:
            return ours.get(specifier[0], specifier[0])

        return shown.strftime(_SPECIFIER.sub(replaced, text(fmt_string, "fmt_string")))

    def strptime(time_string: str, format: str = _DEFAULT_FORMAT) -> Moment:  # noqa: A002
        read = time.strptime(text(time_string, "time_string"), text(format, "format"))
        year, month, day, hour, minute, second, weekday, yearday, _ = read
        return year, month, day, hour, minute, second, weekday, yearday

    return {"strftime": strftime, "strptime": strptime}


def _sleeping(machine: Machine) -> Names:
    def sleep(seconds: Any) -> None:
        if not isinstance(seconds, float):
            whole(seconds, "seconds")
        if not 0 <= seconds < inf:
            raise ValueError("sleep length must be non-negative")
        machine.called("time.sleep", f"{seconds:g} s")
        machine.sleep_ms(seconds * 1_000)

    def sleep_ms(ms: int) -> None:
        machine.called("time.sleep_ms", f"{whole(ms, 'ms')} ms")
        machine.sleep_ms(max(0, ms))

    def sleep_us(us: int) -> None:
        machine.called("time.sleep_us", f"{whole(us, 'us')} us")
        machine.sleep_ms(max(0, us) / 1_000)

    return {"sleep": sleep, "sleep_ms": sleep_ms, "sleep_us": sleep_us}


def _ticking(machine: Machine) -> Names:
    def ticks_ms() -> int:
        return int(machine.now_ms()) % TICKS_PERIOD

    def ticks_us() -> int:
        return int(machine.now_ms() * 1_000) % TICKS_PERIOD

    def ticks_cpu() -> int:
        return ticks_us()

    def ticks_add(ticks: int, delta: int) -> int:
        return (whole(ticks, "ticks") + whole(delta, "delta")) % TICKS_PERIOD

    def ticks_diff(ticks1: int, ticks2: int) -> int:
        half = TICKS_PERIOD // 2
        return (whole(ticks1, "ticks1") - whole(ticks2, "ticks2") + half) % TICKS_PERIOD - half

    return {
        "ticks_ms": ticks_ms,
        "ticks_us": ticks_us,
        "ticks_cpu": ticks_cpu,
        "ticks_add": ticks_add,
        "ticks_diff": ticks_diff,
    }


def _seconds(given: object, clock: WallClock) -> int:
    if given is None:
        return clock.now_s()
    seconds = int(given) if isinstance(given, float) else whole(given, "secs")
    if seconds not in _CALENDAR:
        raise ValueError("secs: no calendar goes so far")
    return seconds


def _shown(time_tuple: object) -> datetime:
    """What a clock shows, as if it were one at UTC. Raises TypeError and ValueError."""
    if not isinstance(time_tuple, tuple | list) or len(time_tuple) not in {8, 9}:
        raise TypeError("a tuple of length 8 or 9 is needed")
    year, month, day, hour, minute, second = (whole(one, "time_tuple") for one in time_tuple[:6])
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)

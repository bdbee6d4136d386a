"""Module `datetime` (dock-sdk.md, 2.7): Python's own, without what a dock lacks."""

import datetime as python
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.rehearsal.sdk.modules import dock_modules
from tests.fakes.machine import FakeMachine
from tests.unit.rehearsal.sdk.desk import module, scene

START = python.datetime(2026, 7, 1, 22, 30, 15, 250_000, tzinfo=python.UTC)

moments = st.datetimes(python.datetime(1900, 1, 1), python.datetime(2200, 1, 1))  # noqa: DTZ001
durations = st.timedeltas(python.timedelta(-1000), python.timedelta(1000))
hours = st.integers(-12, 14)


def library(zone: str = "UTC") -> Any:
    """Module `datetime` of a dock in this zone."""
    modules = dock_modules(FakeMachine(scene(start_at=START)))
    modules["dock"].DockControl().set_timezone(zone)
    return modules["datetime"]


DOCKS = library()


def ours(value: Any) -> Any:
    """A value of Python's, made with the dock's classes."""
    match value:
        case python.datetime():
            return DOCKS.datetime(*value.timetuple()[:6], value.microsecond)
        case python.timedelta():
            return DOCKS.timedelta(value.days, value.seconds, value.microseconds)
    raise TypeError


MISSING = {
    "date": "ctime fromisocalendar isocalendar strftime",
    "time": "strftime",
    "datetime": "ctime fromisocalendar isocalendar strftime strptime timestamp today"
    " utcfromtimestamp utcnow utctimetuple",
}


@pytest.mark.parametrize("name", MISSING)
def test_2_7_what_is_not_documented_is_not_there(name: str) -> None:
    kind = getattr(DOCKS, name)
    instance = kind(2026, 7, 1) if name != "time" else kind()

    for missing in MISSING[name].split():
        assert not hasattr(kind, missing)
        with pytest.raises(AttributeError) as raised:
            getattr(instance, missing)
        assert str(raised.value) == f"'{name}' object has no attribute '{missing}'"


def test_2_7_nothing_is_formatted_but_as_text() -> None:
    for value in (DOCKS.date(2026, 7, 1), DOCKS.time(1), DOCKS.datetime(2026, 7, 1)):
        assert f"{value}" == str(value)
        with pytest.raises(ValueError):
            format(value, "%Y")


def test_2_7_parts_come_as_tuples() -> None:
    utc = DOCKS.timezone.utc
    moment = DOCKS.datetime(2026, 7, 1, 12, 30, 15, 5, utc)

    assert moment.tuple() == (2026, 7, 1, 12, 30, 15, 5, utc, 0)
    assert moment.timetuple() == (2026, 7, 1, 12, 30, 15, 2, 182, -1)
    assert DOCKS.date(2026, 7, 1).tuple() == (2026, 7, 1)
    assert DOCKS.date(2026, 7, 1).timetuple() == (2026, 7, 1, 0, 0, 0, 2, 182, -1)
    assert DOCKS.time(1, 2, 3, 4).tuple() == (1, 2, 3, 4, None, 0)
    assert type(moment.timetuple()) is tuple


def test_2_7_a_moment_has_a_date_and_a_time_of_the_docks_own() -> None:
    utc = DOCKS.timezone.utc
    moment = DOCKS.datetime(2026, 7, 1, 12, 30, tzinfo=utc)

    assert type(moment.date()) is DOCKS.date
    assert moment.date() == DOCKS.date(2026, 7, 1)
    assert type(moment.time()) is type(moment.timetz()) is DOCKS.time
    assert (moment.time().tzinfo, moment.timetz().tzinfo) == (None, utc)


def test_2_7_the_epoch_is_that_of_unix() -> None:
    assert DOCKS.datetime.EPOCH.isoformat() == "1970-01-01T00:00:00+00:00"
    assert (DOCKS.MINYEAR, DOCKS.MAXYEAR) == (1, 9999)


@pytest.mark.parametrize("name", ["date", "time", "timedelta"])
def test_2_7_the_ends_of_a_class_are_of_that_class(name: str) -> None:
    kind = getattr(DOCKS, name)
    expected = getattr(python, name)

    assert (kind.min, kind.max, kind.resolution) == (
        expected.min,
        expected.max,
        expected.resolution,
    )
    assert type(kind.min) is type(kind.max) is kind
    assert type(kind.resolution) is DOCKS.timedelta


@given(moments, durations)
def test_2_7_sums_are_pythons_and_stay_the_docks(
    moment: python.datetime, duration: python.timedelta
) -> None:
    later = ours(moment) + ours(duration)

    assert later == moment + duration
    assert type(later) is DOCKS.datetime
    assert later - ours(moment) == duration
    assert type(later - ours(moment)) is DOCKS.timedelta
    assert type(later - ours(duration)) is DOCKS.datetime
    assert type(later.date() - ours(moment).date()) is DOCKS.timedelta
    assert type(later.date() - DOCKS.timedelta(1)) is DOCKS.date


@given(durations, durations, st.integers(1, 100))
def test_2_7_durations_stay_the_docks(
    one: python.timedelta, other: python.timedelta, number: int
) -> None:
    first, second = ours(one), ours(other)
    found = [
        *(first + second, first - second, -first, +first, abs(first)),
        *(first * number, number * first, first / number, first // number),
        *(divmod(first, DOCKS.timedelta(1))[1], first % DOCKS.timedelta(1)),
    ]
    expected = [
        *(one + other, one - other, -one, +one, abs(one)),
        *(one * number, number * one, one / number, one // number),
        *(divmod(one, python.timedelta(1))[1], one % python.timedelta(1)),
    ]

    assert found == expected
    assert {type(value) for value in found} == {DOCKS.timedelta}
    assert first / DOCKS.timedelta(1) == one / python.timedelta(1)
    assert first.total_seconds() == one.total_seconds()


@pytest.mark.parametrize(
    ("arguments", "spelt"),
    [
        ({"days": 1, "hours": 2, "seconds": 3, "microseconds": 4}, "1 day, 02:00:03.000004"),
        ({"days": -1, "hours": -2, "seconds": -3}, "-1 day, 02:00:03"),
        ({"seconds": 5}, "00:00:05"),
        ({"seconds": -5}, "-00:00:05"),
        ({"days": 400}, "400 days, 00:00:00"),
    ],
)
def test_2_7_a_duration_is_spelt_as_micropython_does(arguments: dict[str, int], spelt: str) -> None:
    assert DOCKS.timedelta(**arguments).isoformat() == spelt


# -- the dock's clock ----------------------------------------------------------------------------


def test_2_7_now_is_the_benchs_time_in_the_zone_that_was_set() -> None:
    assert str(library().datetime.now()) == "2026-07-01 22:30:15.250000"
    assert str(library("CET").datetime.now()) == "2026-07-02 00:30:15.250000"
    assert str(library("CET").date.today()) == "2026-07-02"
    assert str(library().date.today()) == "2026-07-01"


def test_2_7_now_can_be_had_in_any_zone() -> None:
    docks = library("CET")
    zone = docks.timezone(docks.timedelta(hours=-3, minutes=-30))

    assert str(docks.datetime.now(docks.timezone.utc)) == "2026-07-01 22:30:15.250000+00:00"
    assert str(docks.datetime.now(zone)) == "2026-07-01 19:00:15.250000-03:30"
    assert type(docks.datetime.now(zone)) is docks.datetime


def test_2_7_a_timestamp_is_a_moment_in_the_zone_that_was_set_or_another() -> None:
    docks = library("HST")

    assert str(docks.datetime.fromtimestamp(0)) == "1969-12-31 14:00:00"
    assert str(docks.datetime.fromtimestamp(0.5, docks.timezone.utc)) == (
        "1970-01-01 00:00:00.500000+00:00"
    )
    assert str(docks.date.fromtimestamp(0)) == "1969-12-31"


def test_2_7_the_hour_that_comes_twice_is_told_apart_by_fold() -> None:
    docks = library("CET")
    end = int(python.datetime(2026, 10, 25, 1, tzinfo=python.UTC).timestamp())
    before, after = docks.datetime.fromtimestamp(end - 1), docks.datetime.fromtimestamp(end)

    assert (str(before), before.fold) == ("2026-10-25 02:59:59", 0)
    assert (str(after), after.fold) == ("2026-10-25 02:00:00", 1)


# -- zones ---------------------------------------------------------------------------------------


@given(moments, hours, hours)
def test_2_7_the_same_moment_has_a_time_in_every_zone(
    moment: python.datetime, here: int, there: int
) -> None:
    first, second = (DOCKS.timezone(DOCKS.timedelta(hours=offset)) for offset in (here, there))
    expected = moment.replace(tzinfo=python.timezone(python.timedelta(hours=here)))
    found = ours(moment).replace(tzinfo=first).astimezone(second)

    assert found == expected.astimezone(python.timezone(python.timedelta(hours=there)))
    assert (
        found.isoformat()
        == expected.astimezone(python.timezone(python.timedelta(hours=there))).isoformat()
    )
    assert type(found) is DOCKS.datetime
    assert type(found.utcoffset()) is DOCKS.timedelta


def test_2_7_only_a_moment_with_a_zone_has_a_time_in_another() -> None:
    moment = DOCKS.datetime(2026, 7, 1)
    with pytest.raises(NotImplementedError):
        moment.astimezone(DOCKS.timezone.utc)
    with pytest.raises(TypeError):
        moment.replace(tzinfo=DOCKS.timezone.utc).astimezone()


def test_2_7_a_fixed_zone_has_a_name_and_no_summer() -> None:
    west = DOCKS.timezone(DOCKS.timedelta(hours=-3, minutes=-30))
    named = DOCKS.timezone(DOCKS.timedelta(hours=1), "X")

    assert (str(west), west.tzname(None), west.isoformat(None)) == (
        "UTC-03:30",
        "UTC-03:30",
        "-03:30",
    )
    assert (named.tzname(None), named.isoformat(None)) == ("X", "+01:00")
    assert DOCKS.timezone.utc.tzname(None) == "UTC+00:00"
    assert west.dst(None) is None
    assert isinstance(west, DOCKS.tzinfo)
    assert west == DOCKS.timezone(DOCKS.timedelta(hours=-3, minutes=-30), "other") != named
    assert len({west, named, DOCKS.timezone(DOCKS.timedelta(hours=1))}) == 2
    assert west != "UTC-03:30"
    assert "UTC-03:30" in repr(west)


@pytest.mark.parametrize(
    ("offset", "error"), [(5, TypeError), (None, TypeError), (DOCKS.timedelta(1), ValueError)]
)
def test_2_7_an_offset_is_a_duration_of_less_than_a_day(offset: object, error: type) -> None:
    with pytest.raises(error):
        DOCKS.timezone(offset)


def test_2_7_an_application_may_have_zones_of_its_own() -> None:
    class Summer(DOCKS.tzinfo):  # type: ignore[misc,name-defined]
        def utcoffset(self, dt: Any) -> Any:
            return DOCKS.timedelta(hours=2 if 4 <= dt.month <= 9 else 1)

        def dst(self, dt: Any) -> Any:
            return self.utcoffset(dt) - DOCKS.timedelta(hours=1)

        def tzname(self, dt: Any) -> str:
            return "SUMMER" if self.dst(dt) else "WINTER"

    july = DOCKS.datetime(2026, 7, 1, 12, tzinfo=DOCKS.timezone.utc).astimezone(Summer())
    january = DOCKS.datetime(2026, 1, 1, 12, tzinfo=Summer())

    assert (str(july), july.tzname()) == ("2026-07-01 14:00:00+02:00", "SUMMER")
    assert (january.utcoffset(), january.tzname()) == (DOCKS.timedelta(hours=1), "WINTER")
    assert Summer().isoformat(july) == "+02:00"


def test_2_7_a_zone_that_knows_no_offset_is_spelt_as_none() -> None:
    class Unknown(DOCKS.tzinfo):  # type: ignore[misc,name-defined]
        def utcoffset(self, dt: Any) -> None:
            return None

    assert Unknown().isoformat(None) == "+00:00"


def test_2_7_text_is_read_back() -> None:
    assert DOCKS.datetime.fromisoformat("2012-12-21 07:55:27.999999").microsecond == 999_999
    assert type(DOCKS.datetime.fromisoformat("2012-12-21")) is DOCKS.datetime
    assert type(DOCKS.date.fromisoformat("2012-12-21")) is DOCKS.date
    assert DOCKS.time.fromisoformat("04:23:01.000384").tuple() == (4, 23, 1, 384, None, 0)
    with pytest.raises(ValueError):
        DOCKS.date.fromisoformat("tomorrow")


def test_2_7_two_docks_have_clocks_of_their_own() -> None:
    first, second = library("Japan"), library()

    assert first.datetime is not second.datetime
    assert first.datetime.now().day == 2
    assert second.datetime.now().day == 1
    assert module("datetime").timedelta is DOCKS.timedelta

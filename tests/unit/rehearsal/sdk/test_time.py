"""Module `time` (dock-sdk.md, 2.7 and Q15)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.rehearsal.sdk.modules import dock_modules
from station.rehearsal.sdk.time import TICKS_PERIOD
from station.rehearsal.sdk.zones import ZONES
from tests.fakes.machine import FakeMachine
from tests.unit.rehearsal.sdk.desk import module, scene

START = datetime(2026, 7, 1, 12, 30, 15, 250_000, tzinfo=UTC)
START_S = int(START.timestamp())
SUMMER = (2026, 7, 1, 12, 30, 15, 2, 182)


def clock(at_ms: float = 0, zone: str = "UTC") -> Any:
    """Module `time` so long after the start."""
    machine = FakeMachine(scene(start_at=START))
    modules = dock_modules(machine)
    modules["dock"].DockControl().set_timezone(zone)
    machine.run(at_ms)
    return modules["time"]


def test_2_7_time_is_whole_seconds_since_1970_on_the_benchs_clock() -> None:
    assert clock().time() == START_S
    assert clock(749).time() == START_S
    assert clock(750).time() == START_S + 1
    assert type(clock().time()) is int
    assert clock(0.5).time_ns() == START_S * 10**9 + 250_500_000


def test_2_7_a_moment_has_eight_parts() -> None:
    time = clock()

    assert time.gmtime(0) == (1970, 1, 1, 0, 0, 0, 3, 1)
    assert time.gmtime() == time.gmtime(None) == SUMMER
    assert time.gmtime(START_S + 0.9) == SUMMER
    assert type(time.gmtime()) is tuple


def test_2_7_local_time_is_that_of_the_zone_that_was_set() -> None:
    assert clock(zone="CET").localtime() == (2026, 7, 1, 14, 30, 15, 2, 182)
    assert clock(zone="PST8PDT").localtime(0) == (1969, 12, 31, 16, 0, 0, 2, 365)
    assert clock().localtime() == SUMMER


@given(st.sampled_from(sorted(ZONES)), st.integers(-(2**31), 2**32))
def test_q15_mktime_is_the_inverse_of_localtime_since_1970(zone: str, moment_s: int) -> None:
    time = clock(zone=zone)

    assert time.localtime(time.mktime(time.localtime(moment_s))) == time.localtime(moment_s)
    assert abs(time.mktime(time.localtime(moment_s)) - moment_s) in {0, 3_600}


def test_q15_mktime_takes_eight_parts_or_nine() -> None:
    time = clock()

    assert time.mktime(SUMMER) == time.mktime([*SUMMER, 0]) == START_S


@pytest.mark.parametrize(
    ("odd", "error"),
    [
        ((1, 2), TypeError),
        (5, TypeError),
        ((2026, 7, 1, 12, 30, "15", 2, 182), TypeError),
        ((2026, 13, 1, 12, 30, 15, 2, 182), ValueError),
        ((0, 1, 1, 0, 0, 0, 0, 0), ValueError),
        ((1 << 70, 1, 1, 0, 0, 0, 0, 0), OverflowError),
    ],
)
def test_2_7_what_is_no_moment_is_refused(odd: object, error: type) -> None:
    with pytest.raises(error):
        clock().mktime(odd)
    with pytest.raises(error):
        clock().strftime("%Y", odd)


@pytest.mark.parametrize("zone", sorted(ZONES))
def test_2_7_the_calendar_has_two_ends(zone: str) -> None:
    time = clock(zone=zone)

    assert time.localtime(-62_135_424_000)[0] == 1
    assert time.localtime(253_402_127_999)[0] == 9999
    for beyond in (-62_135_424_001, 253_402_128_000, -(1 << 62), 1 << 62):
        with pytest.raises(ValueError):
            time.localtime(beyond)


@pytest.mark.parametrize("odd", ["0", [0]])
def test_2_7_seconds_are_a_number(odd: object) -> None:
    with pytest.raises(TypeError):
        clock().gmtime(odd)


# -- spelling ------------------------------------------------------------------------------------


def test_2_7_a_moment_is_spelt_as_posix_says() -> None:
    time = clock()
    spelt = time.strftime("%a %A %b %B %d %H %I %j %m %M %p %S %u %w %y %Y %% %Z", time.gmtime(0))

    assert spelt == "Thu Thursday Jan January 01 00 12 001 01 00 AM 00 4 4 70 1970 % UTC"


def test_2_7_now_is_spelt_in_the_zone_that_was_set() -> None:
    assert clock(zone="CET").strftime("%H:%M %Z %z %%Z") == "14:30 CEST +0200 %Z"
    assert clock(zone="HST").strftime("%H:%M %Z %z") == "02:30 HST -1000"
    winter = (2026, 1, 1, 0, 0, 0, 0, 0)
    assert clock(zone="CET").strftime("%Z %z", winter) == "CET +0100"


def test_2_7_text_is_read_by_its_format() -> None:
    time = clock()

    assert time.strptime("Wed Jul 01 12:30:15 2026") == SUMMER
    assert time.strptime("2026-07-01 12:30", "%Y-%m-%d %H:%M") == (2026, 7, 1, 12, 30, 0, 2, 182)
    assert type(time.strptime("2026", "%Y")) is tuple
    with pytest.raises(ValueError):
        time.strptime("tomorrow", "%Y")


@given(st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001
def test_2_7_what_is_spelt_can_be_read(moment: datetime) -> None:
    time = clock()
    seconds = int(moment.replace(tzinfo=UTC).timestamp())
    spelt = time.strftime("%a %b %d %H:%M:%S %Y", time.gmtime(seconds))

    assert time.strptime(spelt) == time.gmtime(seconds)


@pytest.mark.parametrize("arguments", [(None,), (b"%Y",), (5, (1,) * 8)])
def test_2_7_a_format_is_text(arguments: tuple[object, ...]) -> None:
    with pytest.raises(TypeError):
        clock().strftime(*arguments)
    with pytest.raises(TypeError):
        clock().strptime(*arguments)


# -- waiting -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "argument", "passed_ms"),
    [
        ("sleep", 2, 2_000),
        ("sleep", 0.25, 250),
        ("sleep", 0, 0),
        ("sleep_ms", 30, 30),
        ("sleep_ms", -30, 0),
        ("sleep_us", 1_500, 1.5),
        ("sleep_us", -1, 0),
    ],
)
def test_2_7_sleeping_lets_time_pass(name: str, argument: float, passed_ms: float) -> None:
    machine = FakeMachine()
    getattr(module("time", machine), name)(argument)

    assert machine.now_ms() == passed_ms
    assert [called for called, _ in machine.calls] == [f"time.{name}"]


@pytest.mark.parametrize(
    ("name", "odd", "error"),
    [
        ("sleep", -1, ValueError),
        ("sleep", float("inf"), ValueError),
        ("sleep", float("nan"), ValueError),
        ("sleep", "1", TypeError),
        ("sleep", 1 << 70, OverflowError),
        ("sleep_ms", 1.5, TypeError),
        ("sleep_us", None, TypeError),
    ],
)
def test_2_7_what_is_no_duration_is_refused(name: str, odd: object, error: type) -> None:
    machine = FakeMachine()
    with pytest.raises(error):
        getattr(module("time", machine), name)(odd)

    assert machine.now_ms() == 0


# -- ticks ---------------------------------------------------------------------------------------


def test_2_7_ticks_count_from_the_start_and_wrap() -> None:
    machine = FakeMachine()
    time = module("time", machine)
    machine.run(1_234.5)

    assert (time.ticks_ms(), time.ticks_us(), time.ticks_cpu()) == (1_234, 1_234_500, 1_234_500)
    machine.run(TICKS_PERIOD + 7)
    assert time.ticks_ms() == 7


@given(st.integers(0, TICKS_PERIOD - 1), st.integers(-TICKS_PERIOD // 2, TICKS_PERIOD // 2 - 1))
def test_2_7_a_difference_of_ticks_is_what_was_added(ticks: int, delta: int) -> None:
    time = module("time")

    assert 0 <= time.ticks_add(ticks, delta) < TICKS_PERIOD
    assert time.ticks_diff(time.ticks_add(ticks, delta), ticks) == delta


def test_2_7_ticks_are_whole_numbers() -> None:
    time = module("time")
    for call in (time.ticks_add, time.ticks_diff):
        with pytest.raises(TypeError):
            call(1.5, 1)


def test_ntp_has_set_the_clock_whatever_the_network() -> None:
    assert clock(3_000).time() == int((START + timedelta(seconds=3)).timestamp())

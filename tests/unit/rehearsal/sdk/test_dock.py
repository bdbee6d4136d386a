"""Module `dock` (dock-sdk.md, 2.4), and the zones it accepts (section 3)."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.domain.bundle import TIME_ZONES
from station.domain.scenario import DEFAULT, HostStatus, MonitorModel
from station.rehearsal.sdk.dock import SUSPENDING_MS
from station.rehearsal.sdk.modules import dock_modules
from station.rehearsal.sdk.zones import ZONES, Zone
from tests.fakes.machine import DOCK, FakeMachine
from tests.unit.rehearsal.sdk.desk import module, scene


def test_2_4_the_dock_id_is_that_of_the_dock() -> None:
    assert module("dock").DockInfo().dock_id() == str(DOCK)


def test_2_4_there_is_a_monitor_for_every_output() -> None:
    left, none = MonitorModel("Desk left", 1_920, 1_080, 7), None
    found = module("dock", FakeMachine(scene(monitors=(left, none)))).DockInfo().monitors()

    assert [one.valid() for one in found] == [True, False]
    assert (found[0].name(), found[0].preferred_mode()) == ("Desk left", (1_920, 1_080))
    assert found[0].serial_number() == 7


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (HostStatus.NOT_CONNECTED, "HOST_NOT_CONNECTED"),
        (HostStatus.CONNECTED, "HOST_CONNECTED"),
        (HostStatus.SUSPENDED, "HOST_CONNECTION_SUSPENDED"),
    ],
)
def test_2_4_the_host_status_is_a_constant_of_class_and_instance(
    status: HostStatus, name: str
) -> None:
    info = module("dock", FakeMachine(scene(host=status))).DockInfo

    assert info().host_status() == getattr(info, name) == getattr(info(), name)
    assert type(info().host_status()) is int


def test_2_4_the_host_constants_differ() -> None:
    info = module("dock").DockInfo

    assert len({info.HOST_NOT_CONNECTED, info.HOST_CONNECTED, info.HOST_CONNECTION_SUSPENDED}) == 3


def test_2_4_suspending_and_resuming_take_a_while() -> None:
    machine = FakeMachine(scene(host=HostStatus.CONNECTED))
    dock = module("dock", machine)
    seen = []
    for suspend in (True, False):
        dock.DockControl().suspend_host_connection(suspend)
        machine.run(machine.now_ms() + SUSPENDING_MS - 1)
        seen.append(dock.DockInfo().host_status())
        machine.run(machine.now_ms() + 1)
        seen.append(dock.DockInfo().host_status())

    suspended, connected = dock.DockInfo.HOST_CONNECTION_SUSPENDED, dock.DockInfo.HOST_CONNECTED
    assert seen == [connected, suspended, suspended, connected]


def test_2_4_the_last_word_counts() -> None:
    machine = FakeMachine(scene(host=HostStatus.CONNECTED))
    dock = module("dock", machine)
    dock.DockControl().suspend_host_connection(True)
    machine.run(SUSPENDING_MS / 2)
    dock.DockControl().suspend_host_connection(False)
    seen = []
    for at_ms in (1.25 * SUSPENDING_MS, 10 * SUSPENDING_MS):
        machine.run(at_ms)
        seen.append(dock.DockInfo().host_status())

    assert set(seen) == {dock.DockInfo.HOST_CONNECTED}


def test_2_4_no_host_is_not_suspended() -> None:
    machine = FakeMachine(scene(host=HostStatus.NOT_CONNECTED))
    dock = module("dock", machine)
    dock.DockControl().suspend_host_connection(True)
    machine.run(10 * SUSPENDING_MS)

    assert dock.DockInfo().host_status() == dock.DockInfo.HOST_NOT_CONNECTED


@pytest.mark.parametrize("zone", ["CST", "cet", "Europe/London", "", "UTC ", "+01"])
def test_2_4_an_unknown_zone_is_a_value_error_and_changes_nothing(zone: str) -> None:
    modules = dock_modules(FakeMachine())
    modules["dock"].DockControl().set_timezone("Japan")
    with pytest.raises(ValueError):
        modules["dock"].DockControl().set_timezone(zone)

    assert modules["time"].localtime(0)[3] == 9


@pytest.mark.parametrize("odd", [None, 1, b"UTC"])
def test_2_4_a_zone_is_text(odd: object) -> None:
    with pytest.raises(TypeError):
        module("dock").DockControl().set_timezone(odd)


def test_3_every_zone_a_dock_accepts_is_known_and_no_other() -> None:
    assert set(ZONES) == TIME_ZONES


BEGIN = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp())
END = int(datetime(2037, 1, 1, tzinfo=UTC).timestamp())


@given(st.sampled_from(sorted(ZONES)), st.integers(BEGIN, END))
def test_3_local_time_is_that_of_the_iana_database(name: str, moment_s: int) -> None:
    expected = datetime.fromtimestamp(moment_s, ZoneInfo(name)).utcoffset()

    assert expected is not None
    assert ZONES[name].at(moment_s)[0] == expected.total_seconds()


@pytest.mark.parametrize("name", sorted(ZONES))
def test_3_summer_begins_and_ends_at_the_databases_second(name: str) -> None:
    zone, expected = ZONES[name], ZoneInfo(name)
    changes = [
        hour
        for day in range(BEGIN, END, 86_400)
        if zone.at(day) != zone.at(day + 86_400)
        for hour in range(day + 3_600, day + 86_401, 3_600)
        if zone.at(hour) != zone.at(hour - 1)
    ]

    assert len(changes) == (0 if zone.summer is None else 26)
    for change in changes:
        for moment_s in (change - 1, change):
            offset = datetime.fromtimestamp(moment_s, expected).utcoffset()
            assert offset is not None
            assert zone.at(moment_s)[0] == offset.total_seconds()


@given(st.sampled_from(sorted(ZONES)), st.integers(BEGIN, END))
def test_3_a_wall_clock_names_its_moment_or_the_one_before_summer_ended(
    name: str, moment_s: int
) -> None:
    zone = ZONES[name]
    local_s = moment_s + zone.at(moment_s)[0]

    assert zone.moment_of(local_s) in {moment_s, moment_s - 3_600}
    assert zone.moment_of(local_s) + zone.at(zone.moment_of(local_s))[0] == local_s


def test_3_a_time_that_no_clock_shows_is_taken_from_the_clock_nobody_has_put_forward() -> None:
    never = int(datetime(2026, 3, 29, 2, 30, tzinfo=UTC).timestamp())

    assert ZONES["CET"].moment_of(never) == never - 3_600


@pytest.mark.parametrize("text", ["", "CET", "CET-1CEST", "1CET", "CET-1CEST,M3.5.0"])
def test_3_what_is_no_zone_of_posix_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Zone.parse(text)


def test_what_is_told_of_the_dock_holds_no_value() -> None:
    machine = FakeMachine(DEFAULT)
    dock = module("dock", machine)
    dock.DockInfo().dock_id()
    dock.DockInfo().monitors()
    dock.DockInfo().host_status()
    dock.DockControl().set_timezone("CET")
    dock.DockControl().suspend_host_connection(1)

    assert machine.calls == [
        ("dock.DockInfo.dock_id", ""),
        ("dock.DockInfo.monitors", ""),
        ("dock.DockInfo.host_status", ""),
        ("dock.DockControl.set_timezone", ""),
        ("dock.DockControl.suspend_host_connection", "True"),
    ]

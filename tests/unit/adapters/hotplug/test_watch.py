"""A slot is a place: whatever appears there came, whatever vanishes left, each told once."""

from pathlib import Path

import pytest

from station.adapters.hotplug.watch import PortWatch
from station.domain.slot_map import SlotPlace, slots_at
from tests.fakes.usb_ports import FakeUsbPorts

Told = list[tuple[object, ...]]


def watching(*places: SlotPlace, usb: FakeUsbPorts) -> tuple[PortWatch, Told]:
    told: Told = []
    watch = PortWatch(
        places,
        usb,
        came=lambda number, port: told.append(("came", number, port)),
        left=lambda number: told.append(("left", number)),
    )
    return watch, told


def test_docks_come_to_plain_paths_and_leave_them(tmp_path: Path) -> None:
    ports = [tmp_path / "one", tmp_path / "two"]
    watch, told = watching(*slots_at(list(map(str, ports))), usb=FakeUsbPorts())

    watch.look()
    assert told == []

    ports[1].touch()
    watch.look()
    watch.look()
    assert told == [("came", 2, str(ports[1]))]

    ports[0].touch()
    ports[1].unlink()
    watch.look()
    assert told[1:] == [("came", 1, str(ports[0])), ("left", 2)]


def test_a_dock_on_usb_is_found_by_its_place_whatever_its_name() -> None:
    usb = FakeUsbPorts()
    watch, told = watching(SlotPlace(7, "usb:1-2.3"), usb=usb)
    usb.plug("1-2", "/dev/ttyACM0")
    usb.plug("1-2.4", "/dev/ttyACM1")
    watch.look()
    assert told == []

    usb.plug("1-2.3", "/dev/ttyACM9")
    watch.look()
    watch.look()

    assert told == [("came", 7, "usb:1-2.3")]


def test_a_dock_that_comes_back_under_another_name_is_in_the_same_slot() -> None:
    usb = FakeUsbPorts()
    watch, told = watching(*slots_at(["usb:1-1", "usb:1-2"]), usb=usb)
    usb.plug("1-1", "/dev/ttyACM0")
    usb.plug("1-2", "/dev/ttyACM1")
    watch.look()
    usb.pull("1-1")
    watch.look()
    usb.plug("1-1", "/dev/ttyACM2")
    watch.look()

    assert told[2:] == [("left", 1), ("came", 1, "usb:1-1")]


def test_a_dock_changed_for_another_between_two_looks_is_told_of() -> None:
    usb = FakeUsbPorts()
    watch, told = watching(SlotPlace(1, "usb:1-1"), usb=usb)
    usb.plug("1-1", "/dev/ttyACM0")
    watch.look()
    usb.pull("1-1")
    usb.plug("1-1", "/dev/ttyACM0")
    watch.look()

    assert told == [("came", 1, "usb:1-1"), ("left", 1), ("came", 1, "usb:1-1")]


def test_two_docks_that_changed_places_have_both_left_and_come() -> None:
    usb = FakeUsbPorts()
    watch, told = watching(*slots_at(["usb:1-1", "usb:1-2"]), usb=usb)
    usb.plug("1-1", "/dev/ttyACM0")
    usb.plug("1-2", "/dev/ttyACM1")
    watch.look()
    usb.pull("1-1")
    usb.pull("1-2")
    usb.plug("1-2", "/dev/ttyACM0")
    usb.plug("1-1", "/dev/ttyACM1")
    watch.look()

    assert sorted(map(str, told[2:])) == sorted(
        map(
            str,
            [("left", 1), ("came", 1, "usb:1-1"), ("left", 2), ("came", 2, "usb:1-2")],
        )
    )


def test_a_hub_pulled_out_empties_all_its_slots_and_no_other() -> None:
    usb = FakeUsbPorts()
    watch, told = watching(*slots_at(["usb:1-2.1", "usb:1-2.4", "usb:1-20"]), usb=usb)
    for number, place in enumerate(["1-2.1", "1-2.4", "1-20"]):
        usb.plug(place, f"/dev/ttyACM{number}")
    watch.look()
    usb.pull("1-2")
    watch.look()

    assert told[3:] == [("left", 1), ("left", 2)]


def test_a_slot_that_is_off_is_not_looked_at(tmp_path: Path) -> None:
    usb = FakeUsbPorts()
    port = tmp_path / "port"
    port.touch()
    usb.plug("1-1", "/dev/ttyACM0")
    watch, told = watching(
        SlotPlace(1, "usb:1-1", enabled=False), SlotPlace(2, str(port), enabled=False), usb=usb
    )
    watch.look()

    assert told == []


@pytest.mark.parametrize("port", ["usb:1-1", "plain"])
def test_the_watch_looks_by_itself_until_it_is_left(tmp_path: Path, port: str) -> None:
    from threading import Event

    there, usb = Event(), FakeUsbPorts()
    usb.plug("1-1", "/dev/ttyACM0")
    (tmp_path / "plain").touch()
    place = SlotPlace(1, port if port != "plain" else str(tmp_path / "plain"))
    with PortWatch([place], usb, came=lambda *_: there.set(), left=lambda _: None):
        came = there.wait(30)

    assert came

"""Docks on a machine with udev: found by their place, whatever their device is called."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.fakes.usb_machine import UsbMachine


@pytest.fixture
def machine() -> Iterator[UsbMachine]:
    with UsbMachine.running() as made:
        yield made


class Observer:
    """A program on that machine."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def told(self) -> list[Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the observer has ended"
        said: list[Any] = json.loads(line)
        return said

    def ask(self, line: str) -> list[Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self.told()


@contextmanager
def observing(machine: UsbMachine, *ports: str) -> Iterator[Observer]:
    with subprocess.Popen(
        machine.command("-m", "tests.unit.adapters.hotplug.observer", *ports),
        env=machine.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        observer = Observer(process)
        assert observer.told() == ["ready", "UdevPorts"]
        yield observer
        assert process.stdin is not None
        process.stdin.close()


def test_docks_are_found_where_they_are_plugged_in(machine: UsbMachine) -> None:
    machine.plug("1-2.3", "ttyACM0")
    with observing(machine, "usb:1-2.3", "usb:1-4") as observer:
        assert observer.told() == ["came", 1, "usb:1-2.3"]
        machine.plug("1-4", "ttyACM1")
        assert observer.told() == ["came", 2, "usb:1-4"]
        machine.pull("1-2.3")
        assert observer.told() == ["left", 1]


def test_a_dock_that_comes_back_under_another_name_keeps_its_slot(machine: UsbMachine) -> None:
    machine.plug("1-2", "ttyACM0")
    with observing(machine, "usb:1-2") as observer:
        assert observer.told() == ["came", 1, "usb:1-2"]
        assert observer.ask("resolve usb:1-2") == ["/dev/ttyACM0"]
        machine.pull("1-2")
        assert observer.told() == ["left", 1]
        assert observer.ask("resolve usb:1-2") == ["E-LINK-01"]
        machine.plug("1-2", "ttyACM7")
        assert observer.told() == ["came", 1, "usb:1-2"]
        assert observer.ask("resolve usb:1-2") == ["/dev/ttyACM7"]


def test_two_docks_that_swap_their_names_keep_their_slots(machine: UsbMachine) -> None:
    machine.plug("1-1", "ttyACM0")
    machine.plug("1-2", "ttyACM1")
    with observing(machine, "usb:1-1", "usb:1-2") as observer:
        assert observer.told() == ["came", 1, "usb:1-1"]
        assert observer.told() == ["came", 2, "usb:1-2"]
        machine.pull("1-1")
        machine.pull("1-2")
        assert [observer.told(), observer.told()] == [["left", 1], ["left", 2]]
        machine.plug("1-2", "ttyACM0")
        machine.plug("1-1", "ttyACM1")
        came = sorted([observer.told(), observer.told()])

        assert came == [["came", 1, "usb:1-1"], ["came", 2, "usb:1-2"]]
        assert observer.ask("resolve usb:1-1") == ["/dev/ttyACM1"]
        assert observer.ask("resolve usb:1-2") == ["/dev/ttyACM0"]


def test_a_hub_pulled_out_empties_its_slots_and_no_other(machine: UsbMachine) -> None:
    for number, place in enumerate(["1-2.1", "1-2.4.2", "1-3"]):
        machine.plug(place, f"ttyACM{number}")
    with observing(machine, "usb:1-2.1", "usb:1-2.4.2", "usb:1-3") as observer:
        for _ in range(3):
            observer.told()
        machine.pull("1-2")
        gone = sorted([observer.told(), observer.told()])
        assert gone == [["left", 1], ["left", 2]]

        assert observer.ask("resolve usb:1-3") == ["/dev/ttyACM2"]


def test_a_foreign_device_is_refused_before_a_byte_is_sent_to_it(machine: UsbMachine) -> None:
    machine.plug("1-2", "ttyACM0", ids="0403:6001", title="Serial adapter")
    with observing(machine, "usb:1-2") as observer:
        assert observer.told() == ["came", 1, "usb:1-2"]
        by_place, by_name = observer.ask("open usb:1-2"), observer.ask("open /dev/ttyACM0")

    assert (by_place, by_name) == (["E-SLOT-01"], ["E-SLOT-01"])
    assert machine.heard("ttyACM0") == b""


def test_a_dock_in_an_allowed_place_is_asked_who_it_is(machine: UsbMachine) -> None:
    machine.plug("1-2", "ttyACM0")
    machine.plug("1-3", "ttyACM1")
    with observing(machine, "usb:1-2") as observer:
        observer.told()
        assert observer.ask("open usb:1-2") == ["E-LINK-01"]  # it is mute

    assert machine.heard("ttyACM0") != b""
    assert machine.heard("ttyACM1") == b""  # in no slot: nothing ever went there


def test_udev_and_pyserial_name_places_alike(machine: UsbMachine) -> None:
    machine.plug("1-2.3", "ttyACM0", "ttyACM1", title="Two ports")
    machine.plug("1-4", "ttyUSB0", ids="0403:6001", title="Adapter")
    with observing(machine) as observer:
        devices = observer.ask("list")
        by_udev, by_list = observer.told()
        (titles,) = observer.told()

    assert sorted(devices[0]) == ["/dev/ttyACM0", "/dev/ttyACM1", "/dev/ttyUSB0"]
    assert by_udev == ["usb:1-2.3:1.0", "usb:1-2.3:1.2", "usb:1-4:1.0"]
    assert by_list == ["usb:1-2.3:1.0", "usb:1-2.3:1.2", "usb:1-4"]
    assert sorted(titles) == ["0403:6001Adapter", "17e9:6000Two ports", "17e9:6000Two ports"]


def test_a_device_with_several_ports_needs_its_interface_named(machine: UsbMachine) -> None:
    machine.plug("1-2", "ttyACM0", "ttyACM1")
    with observing(machine) as observer:
        assert observer.ask("resolve usb:1-2") == ["E-SLOT-02"]
        assert observer.ask("resolve usb:1-2:1.2") == ["/dev/ttyACM1"]

"""pyserial's list, where there is no udev."""

from types import SimpleNamespace
from typing import Any

import pytest

from station.adapters.hotplug.listed import ListedPorts
from station.domain.slot_map import UsbTty


def listed(**facts: Any) -> tuple[UsbTty, ...]:
    found = {"device": "COM3", "vid": 0x17E9, "pid": 0x6000, "location": "1-2.3", "product": "Dock"}
    return ListedPorts(lambda: [SimpleNamespace(**(found | facts))]).listed()


def test_a_port_is_found_by_its_place() -> None:
    assert listed() == (UsbTty("COM3", "1-2.3", "", 0x17E9, 0x6000, title="Dock"),)


@pytest.mark.parametrize(
    ("location", "place"),
    [("1-2:1.0", ("1-2", "1.0")), ("1-4:x.2", ("1-4", "x.2")), ("20-1.3", ("20-1.3", ""))],
    ids=["Linux", "Windows", "macOS"],
)
def test_the_interface_is_told_where_there_are_several(
    location: str, place: tuple[str, str]
) -> None:
    (tty,) = listed(location=location)

    assert (tty.topology, tty.interface) == place


@pytest.mark.parametrize(
    "facts",
    [{"vid": None}, {"pid": None}, {"location": None}, {"location": ""}, {"location": "root hub"}],
)
def test_a_port_that_is_not_on_usb_is_none_of_ours(facts: dict[str, Any]) -> None:
    assert listed(**facts) == ()


@pytest.mark.parametrize("error", [OSError(5, "gone"), TypeError("int() argument is None")])
def test_a_device_that_leaves_while_it_is_looked_at_spoils_one_look_only(error: Exception) -> None:
    one = SimpleNamespace(device="COM3", vid=1, pid=2, location="1-2", product="Dock")
    looks: list[Any] = [[one], error, []]

    def comports() -> Any:
        look = looks.pop(0)
        if isinstance(look, Exception):
            raise look
        return look

    ports = ListedPorts(comports)

    assert [len(ports.listed()) for _ in range(3)] == [1, 1, 0]


def test_what_a_stranger_calls_itself_is_made_fit_to_be_shown() -> None:
    (tty,) = listed(product="\x1b[31mevil\n" + "x" * 500)

    assert tty.title.startswith("[31mevilx")
    assert len(tty.title) == 40

"""Places on USB: how they are written, and what is in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.domain.profile import UsbFilter
from station.domain.slot_map import SlotPlace, UsbTty, dock_at, slots_at, topology_of

TOPOLOGY = st.from_regex(r"[0-9]{1,3}-[0-9]{1,2}(\.[0-9]{1,2}){0,5}", fullmatch=True).filter(
    str.isascii
)


@pytest.mark.parametrize(
    ("port", "place"),
    [
        ("usb:1-2", ("1-2", "")),
        ("usb:1-2.3.4", ("1-2.3.4", "")),
        ("usb:1-2.3:1.0", ("1-2.3", "1.0")),
        ("usb:1-4:x.2", ("1-4", "x.2")),
        ("/dev/ttyACM0", None),
        ("COM3", None),
        ("1-2", None),
    ],
)
def test_a_place_on_usb_is_its_topology_and_perhaps_an_interface(
    port: str, place: tuple[str, str] | None
) -> None:
    assert topology_of(port) == place


@pytest.mark.parametrize("port", ["usb:", "usb:1", "usb:1-2.", "usb:1-2:", "usb:1-2 ", "usb:١-٢"])
def test_what_looks_like_no_topology_is_refused(port: str) -> None:
    with pytest.raises(ValueError, match="no place on USB"):
        topology_of(port)
    with pytest.raises(ValueError, match="no place on USB"):
        SlotPlace(1, port)


@pytest.mark.parametrize(("number", "port"), [(0, "a"), (-1, "a"), (1000, "a"), (1, "")])
def test_a_slot_has_a_number_and_a_port(number: int, port: str) -> None:
    with pytest.raises(ValueError, match="slot"):
        SlotPlace(number, port)


def test_ports_are_numbered_from_one() -> None:
    assert slots_at(["a", "usb:1-1"]) == (SlotPlace(1, "a"), SlotPlace(2, "usb:1-1"))
    assert slots_at([]) == ()


@given(st.lists(TOPOLOGY, unique=True, min_size=1, max_size=8), st.data())
def test_a_place_finds_its_own_device_and_no_other(places: list[str], data: st.DataObject) -> None:
    ttys = [UsbTty(f"/dev/tty{at}", place, "1.0", 1, 1) for at, place in enumerate(places)]
    wanted = data.draw(st.sampled_from(ttys))

    assert [tty for tty in ttys if tty.is_at(f"usb:{wanted.topology}")] == [wanted]
    assert [tty for tty in ttys if tty.is_at(wanted.port)] == [wanted]
    assert dock_at(wanted.port, ttys, [UsbFilter(1)]) == wanted

"""A port is a place: its device is looked up at each opening, and again before a byte is sent."""

import pytest

from station.adapters.serial_link.docks import SerialDocks
from station.domain.errors import ForeignDevice, LinkLost, NoDock
from tests.fakes.chance import SeededChance
from tests.unit.adapters.serial_link.peers import LINK, PORT, Place, board, nothing


class Names:
    """What the place is called, one time after another, the last for ever."""

    def __init__(self, *names: str | Exception) -> None:
        self.names = list(names)
        self.asked: list[str] = []

    def __call__(self, port: str) -> str:
        self.asked.append(port)
        name = self.names.pop(0) if len(self.names) > 1 else self.names[0]
        if isinstance(name, Exception):
            raise name
        return name


def docks(place: Place, names: Names) -> SerialDocks:
    return SerialDocks(clock=place.clock, chance=SeededChance(3), resolve=names)


def test_the_device_behind_a_place_is_opened(place: Place) -> None:
    place.opens = [board().server.receive]
    names = Names(PORT)
    with docks(place, names).open("usb:1-2", LINK) as dock:
        label = dock.identify().label

    assert label
    assert set(names.asked) == {"usb:1-2"}


def test_what_is_no_dock_is_never_opened(place: Place) -> None:
    place.opens = [nothing]

    with (
        pytest.raises(ForeignDevice),
        docks(place, Names(ForeignDevice("a mouse"))).open("u", LINK),
    ):
        pass
    assert place.wires == []


@pytest.mark.parametrize("second", ["/dev/ttyACM9", NoDock("gone")], ids=["moved", "gone"])
def test_a_name_that_passed_to_another_device_in_between_gets_no_byte(
    place: Place, second: str | Exception
) -> None:
    place.opens = [nothing]

    with pytest.raises(NoDock), docks(place, Names(PORT, second)).open("usb:1-2", LINK):
        pass
    assert place.wires[0].closed
    assert place.wires[0].sent == []


def test_after_a_restart_the_place_is_looked_up_again(place: Place) -> None:
    dock = board()
    place.opens = [dock.server.receive]
    names = Names(PORT, PORT, NoDock("not yet"), ForeignDevice("a boot loader"), PORT)
    with docks(place, names).open("usb:1-2", LINK) as talk:
        talk.identify()
        place.wires[0].leaves = True
        talk.factory_reset()
        dock.server.restart()

    assert len(place.wires) == 2
    assert place.wires[0].closed


def test_what_stays_foreign_after_a_restart_is_a_lost_link(place: Place) -> None:
    place.opens = [board().server.receive]
    with docks(place, Names(PORT, PORT, ForeignDevice("a mouse"))).open("usb:1-2", LINK) as talk:
        talk.identify()
        place.wires[0].leaves = True
        with pytest.raises(LinkLost):
            talk.factory_reset()

    assert len(place.wires) == 1

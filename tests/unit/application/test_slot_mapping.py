"""The slot wizard: what a person plugs in, what it takes, and what it says."""

from collections.abc import Callable

import pytest

from station.application.cancel import Cancel
from station.application.slot_mapping import Says, SlotWizard, Word
from station.domain.errors import Interrupted, NoDock
from station.domain.profile import UsbFilter
from station.domain.slot_map import SlotPlace
from tests.fakes.clock import FakeClock
from tests.fakes.usb_ports import FakeUsbPorts

Act = Callable[[FakeUsbPorts], object]


class Desk:
    """acts: what the person does, one thing at each wait. docks: ports that answer."""

    def __init__(self, *acts: Act, docks: tuple[str, ...] = ()) -> None:
        self.clock = FakeClock()
        self.usb = FakeUsbPorts(self._waited)
        self.said: list[tuple[Says, str, int]] = []
        self.cancel = Cancel()
        self._acts = list(acts)
        self._docks = docks

    def learn(
        self, number: int = 1, taken: dict[int, str] | None = None, patience_s: float = 60
    ) -> SlotPlace:
        wizard = SlotWizard(
            self.usb,
            allowed=[UsbFilter()],
            answers=self._answers,
            clock=self.clock,
            tell=self._told,
            cancel=self.cancel,
        )
        return wizard.learn(number, taken or {}, patience_s=patience_s)

    @property
    def words(self) -> list[Says]:
        return [says for says, _, _ in self.said]

    def _told(self, word: Word) -> None:
        self.said.append((word.says, word.port, word.other))

    def _waited(self, seconds: float) -> None:
        self.clock.pass_s(seconds)
        if self._acts:
            self._acts.pop(0)(self.usb)

    def _answers(self, port: str) -> str:
        if port not in self._docks:
            raise NoDock("mute")
        return port


def plug(topology: str, device: str = "/dev/ttyACM0", **more: str) -> Act:
    return lambda usb: usb.plug(topology, device, **more)


def pull(topology: str) -> Act:
    return lambda usb: usb.pull(topology)


def nothing(_usb: FakeUsbPorts) -> None:
    """They look for a dock."""


def test_a_slot_is_where_the_next_dock_appears() -> None:
    desk = Desk(nothing, nothing, plug("1-2.3"))

    assert desk.learn(7) == SlotPlace(7, "usb:1-2.3")
    assert desk.said == [(Says.PLUG_IN, "", 0), (Says.LEARNED, "usb:1-2.3", 0)]


def test_a_dock_that_was_in_already_says_nothing_of_where_it_is() -> None:
    desk = Desk(nothing, nothing, pull("1-1"), plug("1-1", "/dev/ttyACM4"))
    desk.usb.plug("1-1", "/dev/ttyACM0")

    assert desk.learn() == SlotPlace(1, "usb:1-1")
    assert desk.clock.monotonic_s() > 4 * 0.19  # not before it had been out


def test_what_is_no_dock_is_not_taken_and_told_once() -> None:
    desk = Desk(plug("1-1", ids="0403:6001"), nothing, nothing, plug("1-2", "/dev/ttyACM1"))

    assert desk.learn() == SlotPlace(1, "usb:1-2")
    assert desk.words == [Says.PLUG_IN, Says.FOREIGN, Says.LEARNED]


@pytest.mark.parametrize("port", ["usb:1-1", "usb:1-1:1.0"])
def test_the_place_of_another_slot_is_not_taken(port: str) -> None:
    desk = Desk(plug("1-1"), plug("1-12", "/dev/ttyACM1"))

    assert desk.learn(3, {2: port, 4: "/dev/ttyACM9"}) == SlotPlace(3, "usb:1-12")
    assert (Says.TAKEN, "usb:1-1", 2) in desk.said


def both(usb: FakeUsbPorts) -> None:
    usb.plug("1-1", "/dev/ttyACM0", interface="1.0")
    usb.plug("1-1", "/dev/ttyACM1", interface="1.2")


def test_of_several_ports_the_one_that_answers_is_meant() -> None:
    assert Desk(both, docks=("usb:1-1:1.2",)).learn() == SlotPlace(1, "usb:1-1:1.2")


@pytest.mark.parametrize("docks", [(), ("usb:1-1:1.0", "usb:1-1:1.2")], ids=["none", "both"])
def test_of_several_ports_none_is_guessed(docks: tuple[str, ...]) -> None:
    desk = Desk(both, plug("1-2", "/dev/ttyACM2"), docks=docks)

    assert desk.learn() == SlotPlace(1, "usb:1-2")
    assert desk.words == [Says.PLUG_IN, Says.UNCLEAR, Says.LEARNED]


def test_nobody_is_waited_for_for_ever() -> None:
    desk = Desk(plug("1-1", ids="0403:6001"))

    with pytest.raises(NoDock, match="slot 5 within 30 s"):
        desk.learn(5, patience_s=30)
    assert desk.clock.monotonic_s() < 31


def test_a_person_may_stop_it() -> None:
    desk = Desk(nothing, lambda _: desk.cancel.ask(), plug("1-1"))

    with pytest.raises(Interrupted):
        desk.learn()
    assert Says.LEARNED not in desk.words

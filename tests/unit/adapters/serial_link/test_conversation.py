"""What a profile says of its link is obeyed: framing, length of messages, speed and deadlines."""

from typing import Any, Final

import pytest

from station.adapters.serial_link import conversation
from station.adapters.serial_link.conversation import (
    ASK_S,
    FLASH_BYTES_PER_S,
    IDENTIFY_S,
    Conversation,
)
from station.adapters.serial_link.port import POLL_S, SLOW_FACTOR, Port
from station.application.cancel import Cancel
from station.application.ports import Piece
from station.datastore.plan import Part
from station.domain.errors import NoAnswer, NoDock, TooSlow
from station.domain.profile import BAUDS_PER_BYTE, Framing, Link
from station.protocol import datastore_group as ds
from station.protocol import framing as wire_framing
from station.protocol import smp
from station.protocol.client import MESSAGE_BYTES_MAX
from station.protocol.shape import Done
from tests.fakes.chance import SeededChance
from tests.fakes.clock import FakeClock
from tests.unit.adapters.serial_link.peers import (
    LINK,
    PORT,
    Place,
    Wire,
    answering,
    board,
    dock_at,
    nothing,
)
from tests.unit.dock.images import DOCK_ID, image_of, make_plan

PLAN: Final = make_plan()
ROM_BYTES: Final = 13_000_000
UART: Final = Link(baud=115_200, bytes_per_s=115_200 // BAUDS_PER_BYTE)


def talk(place: Place, link: Link = LINK) -> Conversation:
    return Conversation(PORT, link, clock=place.clock, chance=SeededChance(3))


# -- what is sent ------------------------------------------------------------------------------


@pytest.mark.parametrize("framing", Framing)
def test_a_profiles_framing_is_the_one_that_is_spoken(place: Place, framing: Framing) -> None:
    firmware = board()
    place.opens = [firmware.server.receive]
    with dock_at(place, Link(framing)) as dock:
        assert dock.identify().dock_id == DOCK_ID

    found = wire_framing.decoder(wire_framing.Framing(framing.value))
    asked = [smp.decode(octets) for sent in place.wires[0].sent for octets in found.feed(sent)]
    assert [(one.group, one.command) for one in asked] == [(0, 6), (64, 0)]


@pytest.mark.parametrize("frame_bytes", [256, 700, 4_092, 60_000])
def test_no_message_is_longer_than_the_profile_says(place: Place, frame_bytes: int) -> None:
    place.opens = [board().server.receive]
    with dock_at(place, Link(frame_bytes=frame_bytes)) as dock:
        dock.identify()
        dock.begin(PLAN.size_bytes, ())
        dock.write([Piece(0, image_of(PLAN))], done=lambda size: None, cancel=Cancel())

    frames = wire_framing.decoder(wire_framing.Framing.COBS)
    longest = max(len(octets) for sent in place.wires[0].sent for octets in frames.feed(sent))
    most = min(frame_bytes, MESSAGE_BYTES_MAX)
    assert most - 32 < longest <= most


def test_a_ports_baud_is_the_profiles(monkeypatch: pytest.MonkeyPatch) -> None:
    bauds: list[object] = []

    def opened(name: str, baud: int, **options: object) -> object:
        bauds.append(baud)
        raise ValueError("Not a valid baudrate")

    monkeypatch.setattr("station.adapters.serial_link.port.Terminal", opened)
    with pytest.raises(NoDock, match="9600 baud") as refused:
        Port(PORT, Link(baud=9_600), FakeClock())

    assert bauds == [9_600]
    assert "profile" in refused.value.remedy


# -- how long it may take ----------------------------------------------------------------------


@pytest.mark.parametrize("link", [LINK, UART, Link(bytes_per_s=120)])
def test_a_whole_image_has_the_time_its_line_needs_and_no_more_than_a_few_times_that(
    place: Place, link: Link
) -> None:
    place.opens = [nothing]
    given_s = talk(place, link).until_s(carried_bytes=ROM_BYTES) - place.clock.monotonic_s()
    needed_s = ROM_BYTES / link.bytes_per_s

    assert 1.1 * needed_s < given_s < (SLOW_FACTOR + 1) * needed_s + 2 * ASK_S


def test_twenty_minutes_are_enough_for_a_uart_and_it_has_them(place: Place) -> None:
    place.opens = [nothing]

    assert talk(place, UART).until_s(carried_bytes=ROM_BYTES) > 20 * 60


def test_a_docks_flash_has_its_own_time_on_the_fastest_line(place: Place) -> None:
    place.opens = [nothing]
    fast = talk(place, Link(bytes_per_s=1_000_000_000))

    assert fast.until_s(flash_bytes=ROM_BYTES) > ROM_BYTES / FLASH_BYTES_PER_S


def as_slow_as_its_line(wire: Wire, clock: FakeClock, bytes_per_s: float) -> None:
    """From now on, answers arrive when the line has carried them and what they answer."""
    write, due = wire.write, [(0.0, b"")]

    def slow_write(data: bytes) -> None:
        write(data)
        answers, wire._arrived = wire._arrived, b""
        begins_s = max(due[-1][0], clock.monotonic_s()) if due else clock.monotonic_s()
        due.append((begins_s + (len(data) + len(answers)) / bytes_per_s, answers))

    def slow_read(size: int) -> bytes:
        if due and due[0][0] <= clock.monotonic_s():
            return due.pop(0)[1]
        clock.pass_s(POLL_S)
        return b""

    wire.write = slow_write  # type: ignore[method-assign]
    wire.read = slow_read  # type: ignore[method-assign]


def test_an_image_is_written_over_a_uart_without_a_message_sent_twice(place: Place) -> None:
    place.opens = [board().server.receive]
    with dock_at(place, UART) as dock:
        as_slow_as_its_line(place.wires[0], place.clock, UART.bytes_per_s)
        dock.identify()
        dock.begin(PLAN.size_bytes, ())
        before = dock.line_bytes
        dock.write([Piece(0, image_of(PLAN))], done=lambda size: None, cancel=Cancel())
        written = dock.line_bytes - before

    assert place.clock.monotonic_s() > PLAN.size_bytes / UART.bytes_per_s
    assert written < 1.03 * PLAN.size_bytes


class Drip:
    """Answers every request, each after a while."""

    def __init__(self, clock: FakeClock, every_s: float) -> None:
        self._clock = clock
        self._every_s = every_s
        self.asked = 0

    def __call__(self, request: Any) -> Any:
        self.asked += 1
        self._clock.pass_s(self._every_s)
        match request:
            case ds.Begin():
                return Done()
            case ds.Copy(offset, _, digests):
                return ds.CopyAnswer(offset, (False,) * len(digests))
            case ds.BlockDigests(_, offset, _, _):
                return ds.BlockDigestsAnswer(offset, (bytes(32),) * request.blocks())
            case ds.Write(offset):
                return ds.WriteAnswer(offset)
            case ds.Read(_, offset, length):
                return ds.ReadAnswer(offset, bytes(length))
        raise AssertionError(request)


@pytest.mark.parametrize("phase", ["begin", "digests", "write", "read"])
def test_progress_extends_no_deadline(place: Place, phase: str) -> None:
    drip = Drip(place.clock, 0.25)
    place.opens = [answering(drip)]
    scattered = [Part(2 * number, 1, bytes(32)) for number in range(1_000)]
    data = [Piece(0, bytes(1_000_000))]
    with dock_at(place) as dock:
        began_s = place.clock.monotonic_s()
        with pytest.raises(TooSlow):
            match phase:
                case "begin":
                    dock.begin(PLAN.size_bytes, scattered)
                case "digests":
                    dock.digests(scattered)
                case "write":
                    dock.write(data, done=lambda size: None, cancel=Cancel())
                case "read":
                    list(dock.read_back(0, 1_000_000, done=lambda size: None, cancel=Cancel()))

    assert place.clock.monotonic_s() - began_s < 5 * 60


def test_a_port_that_takes_bytes_one_by_one_is_too_slow(place: Place) -> None:
    place.opens = [nothing]
    port = Port(PORT, Link(bytes_per_s=1_000), place.clock)
    wire = place.wires[0]
    write = wire.write

    def slowly(data: bytes) -> None:
        place.clock.pass_s(1.5)
        write(data)

    wire.write = slowly  # type: ignore[method-assign]
    with pytest.raises(TooSlow, match="of 100000 bytes"):
        port.write(bytes(100_000), place.clock.monotonic_s() + 10.0)

    assert place.clock.monotonic_s() < 13.0


# -- small servers -----------------------------------------------------------------------------


def test_a_server_that_does_not_tell_its_limits_is_no_dock(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "IDENTIFY_S", IDENTIFY_S / 2)
    place.opens = [nothing]
    with pytest.raises((NoDock, NoAnswer)):
        talk(place).learn_limits()

    assert place.clock.monotonic_s() < IDENTIFY_S

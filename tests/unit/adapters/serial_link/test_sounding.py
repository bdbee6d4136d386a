"""Testing a cable: what was lost or damaged is counted, and nothing is changed."""

from collections.abc import Callable

import pytest

from station.adapters.serial_link.conversation import Conversation
from station.adapters.serial_link.dock import SerialDock
from station.adapters.serial_link.sounding import sound
from station.application.cancel import Cancel
from station.domain.errors import Interrupted, LinkError
from station.domain.sounding import Sounding
from tests.fakes.chance import SeededChance
from tests.unit.adapters.serial_link.peers import LINK, PORT, Place, Receive, board


def sounded(
    place: Place,
    between: Callable[[int], None] = lambda _: None,
    *,
    cancel: Cancel | None = None,
    echoes: int = 20,
) -> Sounding:
    talk = Conversation(PORT, LINK, clock=place.clock, chance=SeededChance(3))
    try:
        SerialDock(talk).identify()
        return sound(
            talk, echoes=echoes, clock=place.clock, done=between, cancel=cancel or Cancel()
        )
    finally:
        talk.close()


def hurt(receive: Receive, *numbers: int, how: Callable[[bytes], bytes]) -> Receive:
    """The n-th answers of the dock, counted from the first echo, arrive hurt."""
    count = iter(range(-2, 1_000))  # after parameters and identity

    def hurting(data: bytes) -> bytes:
        answer = receive(data)
        return how(answer) if answer and next(count) in numbers else answer

    return hurting


def flipped(frame: bytes) -> bytes:
    hurt_byte = frame[-2] ^ 0x40 or frame[-2] ^ 0x20  # no zero, for that would end the frame
    return frame[:-2] + bytes([hurt_byte]) + frame[-1:]


def test_a_good_cable_loses_nothing(place: Place) -> None:
    place.opens = [board().server.receive]
    done: list[int] = []
    found = sounded(place, done.append)

    assert (found.echoes, found.lost, found.damaged, found.stray) == (20, 0, 0, 0)
    assert found.clean
    assert done == list(range(1, 21))


def test_answers_that_do_not_arrive_are_lost(place: Place) -> None:
    place.opens = [hurt(board().server.receive, 4, 9, how=lambda _: b"")]
    found = sounded(place)

    assert (found.echoes, found.lost, found.damaged) == (20, 2, 0)
    assert not found.clean
    assert found.worst_s > found.median_s


def test_answers_that_arrive_hurt_are_damaged_and_had_to_be_asked_for_again(place: Place) -> None:
    place.opens = [hurt(board().server.receive, 0, 7, how=flipped)]
    found = sounded(place)

    assert (found.lost, found.damaged, found.stray) == (2, 2, 0)


def test_an_answer_said_twice_is_stray(place: Place) -> None:
    place.opens = [hurt(board().server.receive, 5, how=lambda frame: frame * 2)]
    found = sounded(place)

    assert (found.lost, found.damaged, found.stray) == (0, 0, 1)
    assert not found.clean


def test_what_was_wrong_before_the_first_echo_is_not_the_cables_test(place: Place) -> None:
    place.opens = [hurt(board().server.receive, -2, how=flipped)]

    assert sounded(place).clean


def test_a_dock_that_falls_silent_ends_the_test(place: Place) -> None:
    place.opens = [hurt(board().server.receive, *range(3, 900), how=lambda _: b"")]

    with pytest.raises(LinkError):
        sounded(place)
    assert place.wires[0].closed


def test_a_test_is_stopped_between_two_echoes(place: Place) -> None:
    place.opens = [board().server.receive]
    cancel = Cancel()
    done: list[int] = []

    def between(number: int) -> None:
        done.append(number)
        cancel.ask()

    with pytest.raises(Interrupted):
        sounded(place, between, cancel=cancel)
    assert done == [1]


def test_no_echoes_take_no_time() -> None:
    found = Sounding(0, 0, 0, ())

    assert (found.echoes, found.median_s, found.worst_s) == (0, 0.0, 0.0)

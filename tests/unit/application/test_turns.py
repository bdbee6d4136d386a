"""Turns: never more at once than allowed, first come first served, and nobody waits in vain."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier, Event, Lock

import pytest

from station.application.cancel import Cancel
from station.application.turns import Turns
from station.domain.errors import Interrupted

PATIENCE_S = 30.0


def waiting(turns: Turns) -> int:
    """How many stand in line."""
    return len(turns._waiting)


def once(holds: Callable[[], bool]) -> None:
    """Return when it holds; a test that waits for ever is stopped by its runner."""
    seen = Event()
    while not holds():
        seen.wait(0.001)


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_never_more_have_a_turn_than_are_allowed(at_once: int) -> None:
    turns, lock = Turns(at_once), Lock()
    inside, most = 0, 0
    full = Barrier(at_once)

    def work() -> None:
        nonlocal inside, most
        with turns.taken():
            with lock:
                inside += 1
                most = max(most, inside)
            full.wait(PATIENCE_S)  # only as many as are allowed can come together here
            with lock:
                inside -= 1

    with ThreadPoolExecutor(6 * at_once) as lanes:
        for done in [lanes.submit(work) for _ in range(6 * at_once)]:
            done.result(PATIENCE_S)

    assert most == at_once


def test_who_came_first_is_served_first() -> None:
    turns, served = Turns(1), list[int]()

    def work(number: int) -> None:
        with turns.taken():
            served.append(number)

    with ThreadPoolExecutor(5) as lanes:
        with turns.taken():
            done: list[Future[None]] = []
            for number in range(5):
                done.append(lanes.submit(work, number))
                once(lambda: waiting(turns) == len(done))
        for one in done:
            one.result(PATIENCE_S)

    assert served == [0, 1, 2, 3, 4]


def test_who_is_stopped_waits_no_longer_and_takes_no_turn() -> None:
    turns, cancel = Turns(1), Cancel()

    def work() -> None:
        with turns.taken(cancel):
            raise AssertionError("it was stopped")

    with ThreadPoolExecutor(1) as lane:
        with turns.taken():
            done = lane.submit(work)
            once(lambda: waiting(turns) == 1)
            cancel.ask()
            with pytest.raises(Interrupted):
                done.result(PATIENCE_S)
        with turns.taken():
            pass

    assert waiting(turns) == 0


def test_a_turn_ends_however_its_work_ends() -> None:
    turns = Turns(1)
    with pytest.raises(KeyError), turns.taken():
        raise KeyError
    with turns.taken():
        pass


def test_a_turn_given_to_somebody_who_just_left_goes_to_the_next() -> None:
    turns = Turns(1)
    turn = turns.taken()
    turn.__enter__()
    left, stays = Event(), Event()
    turns._waiting.extend((left, stays))
    turn.__exit__(None, None, None)
    assert left.is_set()
    turns._leave(left)

    assert stays.is_set()


def test_nobody_can_be_shut_out_for_good() -> None:
    with pytest.raises(ValueError, match="somebody"):
        Turns(0)

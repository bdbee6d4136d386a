"""Asking a dock from other threads: answered once, in order, and never left waiting."""

import select
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import get_ident

import pytest

from station.dock.bell import Bell
from station.dock.calls import Calls, DockOff
from station.dock.flash import PowerLost

GUARD_S = 30.0


def attend(calls: Calls, *, rings: int) -> None:
    """A loop as a dock's: waits for the bell, so many times."""
    for _ in range(rings):
        readable, _, _ = select.select([calls], [], [], GUARD_S)
        assert readable, "nobody called"
        while (call := calls.take()) is not None:
            with call:
                call.carry_out()


@contextmanager
def others() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def test_work_is_done_in_the_loops_thread_and_its_result_comes_back() -> None:
    calls = Calls()
    with others() as pool:
        asked = pool.submit(calls.ask, get_ident)
        attend(calls, rings=1)

        assert asked.result(GUARD_S) == get_ident()
    calls.close()


def test_what_work_raises_is_raised_where_it_was_asked_for() -> None:
    calls = Calls()

    def broken() -> None:
        raise KeyError("mine")

    with others() as pool:
        asked = pool.submit(calls.ask, broken)
        attend(calls, rings=1)

        with pytest.raises(KeyError, match="mine"):
            asked.result(GUARD_S)
    calls.close()


def test_calls_of_one_thread_are_done_in_order_and_each_once() -> None:
    calls, done = Calls(), list[tuple[int, int]]()

    def note(who: int, number: int) -> Callable[[], None]:
        return lambda: done.append((who, number))

    def ask_many(who: int) -> None:
        for number in range(50):
            calls.ask(note(who, number))

    with others() as pool:
        asking = [pool.submit(ask_many, who) for who in range(8)]
        while not all(one.done() for one in asking):
            while (call := calls.take()) is not None:
                with call:
                    call.carry_out()
        for one in asking:
            one.result()

    assert sorted(done) == [(who, number) for who in range(8) for number in range(50)]
    for who in range(8):
        assert [number for one, number in done if one == who] == list(range(50))
    calls.close()


def test_the_answer_waits_for_the_end_of_the_block() -> None:
    calls = Calls()
    with others() as pool:
        asked = pool.submit(calls.ask, lambda: "done")
        select.select([calls], [], [], GUARD_S)
        call = calls.take()
        assert call is not None

        with call:
            call.carry_out()
            assert not asked.done()

        assert asked.result(GUARD_S) == "done"
    calls.close()


def test_a_loss_of_power_is_the_loops_and_whoever_asked_hears_that_the_dock_is_off() -> None:
    calls = Calls()

    def cut() -> None:
        raise PowerLost

    with others() as pool:
        asked, second = pool.submit(calls.ask, cut), pool.submit(calls.ask, lambda: "late")
        with pytest.raises(PowerLost):
            attend(calls, rings=2)
        calls.close()

        with pytest.raises(DockOff):
            asked.result(GUARD_S)
        answer = second.exception(GUARD_S) or second.result()
        assert answer == "late" or isinstance(answer, DockOff)


def test_work_that_was_done_before_the_dock_ended_is_not_reported_as_done() -> None:
    calls = Calls()
    with others() as pool:
        asked = pool.submit(calls.ask, lambda: "done")
        select.select([calls], [], [], GUARD_S)
        call = calls.take()
        assert call is not None

        with pytest.raises(PowerLost), call:
            call.carry_out()
            raise PowerLost

        with pytest.raises(DockOff):
            asked.result(GUARD_S)
    calls.close()


def test_nobody_waits_for_a_dock_that_has_ended() -> None:
    calls = Calls()
    with others() as pool:
        waiting = [pool.submit(calls.ask, lambda: None) for _ in range(3)]
        select.select([calls], [], [], GUARD_S)
        calls.close()
        calls.close()

        for one in waiting:
            with pytest.raises(DockOff):
                one.result(GUARD_S)
    with pytest.raises(DockOff):
        calls.ask(lambda: None)


def test_a_bell_rings_until_it_is_hushed_however_often_it_was_rung() -> None:
    with Bell() as bell:
        assert not select.select([bell], [], [], 0)[0]
        for _ in range(100_000):
            bell.ring()
        assert select.select([bell], [], [], 0)[0]

        bell.hush()

        assert not select.select([bell], [], [], 0)[0]

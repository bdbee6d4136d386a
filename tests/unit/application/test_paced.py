"""Progress is told ten times a second at most, and the first and last word of a step always."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from station.application.paced import EVERY_S, Paced
from station.application.ports import Progress
from station.domain.verdict import Step
from tests.fakes.clock import FakeClock


def test_of_many_words_few_are_passed_on_and_never_the_last_one_lost() -> None:
    clock, told = FakeClock(), list[Progress]()
    paced = Paced(told.append, clock)
    for done in range(1, 1001):
        paced(Progress(Step.WRITE, done, 1000))
        clock.pass_s(0.001)

    assert told[0].done_bytes == 1
    assert told[-1].done_bytes == 1000
    assert len(told) <= 1.0 / EVERY_S + 2


def test_every_step_is_told_when_it_begins() -> None:
    told: list[Progress] = []
    paced = Paced(told.append, FakeClock())
    for step in Step:
        paced(Progress(step))
        paced(Progress(step, 1, 10))

    assert told == [Progress(step) for step in Step]


@given(st.lists(st.floats(0.0, 0.3), min_size=1, max_size=50))
def test_two_words_on_a_step_are_never_closer_than_allowed(waits: list[float]) -> None:
    clock, told_s = FakeClock(), list[float]()
    paced = Paced(lambda _: told_s.append(clock.monotonic_s()), clock)
    for done, wait_s in enumerate(waits):
        paced(Progress(Step.READ_BACK, done, 1_000))
        clock.pass_s(wait_s)

    assert all(later - sooner > EVERY_S - 1e-9 for sooner, later in pairwise(told_s))

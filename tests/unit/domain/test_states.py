"""The state tables: every pair, those outside the table refused."""

from itertools import product

import pytest

from station.domain import order, run, upd
from station.domain.run import RunState
from station.domain.upd import UpdState
from station.domain.verdict import Verdict


@pytest.mark.parametrize("table", [run.NEXT, upd.NEXT, order.NEXT], ids=["run", "upd", "order"])
def test_every_state_has_its_row(table: dict[object, frozenset[object]]) -> None:
    states = type(next(iter(table)))

    assert set(table) == set(states)  # type: ignore[call-overload]


def test_every_run_state_but_the_last_may_close_and_the_last_may_nothing() -> None:
    for state in RunState:
        assert (RunState.CLOSED in run.NEXT[state]) == (state is not RunState.CLOSED)
    assert run.NEXT[RunState.CLOSED] == frozenset()


def test_a_run_never_goes_back() -> None:
    places = list(RunState)

    for here, targets in run.NEXT.items():
        assert all(places.index(there) > places.index(here) for there in targets)


def test_pass_is_reached_through_confirming_alone() -> None:
    for state, verdict in product(RunState, Verdict):
        allowed = state is not RunState.CLOSED and (
            verdict is not Verdict.PASS or state is RunState.CONFIRMING
        )

        assert run.may_close(state, verdict) == allowed


def test_nothing_unique_is_sent_before_it_was_reserved_or_reused() -> None:
    into_sending = [state for state, targets in run.NEXT.items() if RunState.SENDING in targets]

    assert into_sending == [RunState.WRITING]


def test_sent_never_returns_to_free_and_burned_is_final() -> None:
    assert UpdState.FREE not in upd.NEXT[UpdState.SENT] | upd.NEXT[UpdState.ACTIVE]
    assert upd.NEXT[UpdState.BURNED] == frozenset()


@pytest.mark.parametrize("verdict", [one for one in Verdict if one is not Verdict.PASS])
def test_without_pass_a_reservation_is_freed_and_what_was_sent_stays(verdict: Verdict) -> None:
    assert upd.after_close(UpdState.RESERVED, verdict) is UpdState.FREE
    assert upd.after_close(UpdState.SENT, verdict) is UpdState.SENT


def test_pass_makes_what_was_sent_active() -> None:
    assert upd.after_close(UpdState.SENT, Verdict.PASS) is UpdState.ACTIVE
    with pytest.raises(ValueError, match="never sent"):
        upd.after_close(UpdState.RESERVED, Verdict.PASS)


@pytest.mark.parametrize("state", [UpdState.FREE, UpdState.ACTIVE, UpdState.BURNED])
def test_closing_leaves_every_other_state_alone(state: UpdState) -> None:
    assert {upd.after_close(state, verdict) for verdict in Verdict} == {state}

"""The code that decides: every verdict from every constellation of checks."""

from itertools import product

import pytest

from station.domain.verdict import (
    FREE_RETRY,
    NO_RETRY,
    REQUIRED,
    Check,
    CheckName,
    Disposition,
    Verdict,
    disposition_after,
    judge,
)


def made(name: CheckName, *, good: bool = True) -> Check:
    return Check(name, "evidence", "" if good else "E-VERIFY-02")


def test_every_required_check_passed_is_pass() -> None:
    assert judge(made(name) for name in REQUIRED) is Verdict.PASS


@pytest.mark.parametrize("missing", CheckName)
def test_a_check_that_was_not_made_is_never_counted_as_passed(missing: CheckName) -> None:
    assert judge(made(name) for name in REQUIRED - {missing}) is Verdict.ERROR


@pytest.mark.parametrize("failed", CheckName)
def test_one_failed_check_fails_the_dock_whatever_else_was_made(failed: CheckName) -> None:
    for others in ((), tuple(REQUIRED - {failed})):
        assert judge([made(failed, good=False), *map(made, others)]) is Verdict.FAIL


def test_over_all_constellations_pass_needs_all_and_nothing_failed() -> None:
    for states in product((None, True, False), repeat=len(REQUIRED)):
        checks = [
            made(name, good=state)
            for name, state in zip(CheckName, states, strict=True)
            if state is not None
        ]

        verdict = judge(checks)

        assert (verdict is Verdict.PASS) == all(states)
        assert (verdict is Verdict.FAIL) == (False in states)


def test_no_check_at_all_is_error() -> None:
    assert judge([]) is Verdict.ERROR


def test_a_check_made_twice_counts_by_its_worse_end() -> None:
    twice = [made(name) for name in REQUIRED] + [made(CheckName.BLOCKS, good=False)]

    assert judge(twice) is Verdict.FAIL


@pytest.mark.parametrize("code", sorted(NO_RETRY))
@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.ERROR])
def test_security_findings_hold_the_unit_at_once(verdict: Verdict, code: str) -> None:
    assert disposition_after(verdict, code, spent=0, retry_limit=9) is Disposition.HOLD


@pytest.mark.parametrize("code", sorted(FREE_RETRY))
def test_troubles_of_cable_or_station_use_up_no_retry(code: str) -> None:
    assert disposition_after(Verdict.ERROR, code, spent=9, retry_limit=1) is Disposition.OPEN


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.ERROR])
def test_fail_and_error_share_the_retry_limit(verdict: Verdict) -> None:
    first = disposition_after(verdict, "E-VERIFY-02", spent=0, retry_limit=1)
    second = disposition_after(verdict, "E-VERIFY-02", spent=1, retry_limit=1)

    assert (first, second) == (Disposition.OPEN, Disposition.HOLD)


def test_pass_is_good_and_aborted_leaves_the_unit_open() -> None:
    assert disposition_after(Verdict.PASS, "", spent=5, retry_limit=0) is Disposition.GOOD
    assert disposition_after(Verdict.ABORTED, "E-STOP-01", spent=5, retry_limit=0) is (
        Disposition.OPEN
    )

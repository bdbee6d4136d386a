"""The code that decides: every verdict from every constellation of checks."""

from itertools import chain, combinations, product

import pytest

from station.domain.verdict import (
    FREE_RETRY,
    NO_RETRY,
    PROOFS,
    REQUIRED,
    WAIVABLE,
    Check,
    CheckName,
    Disposition,
    Verdict,
    disposition_after,
    judge,
    required_checks,
)

ORDERED = {rehearse: required_checks(rehearse=rehearse) for rehearse in (False, True)}
"""What an order makes of the checks."""

ALL_REQUIRED = (*ORDERED.values(), required_checks(rehearse=True, proved=True))
"""The last one: of a dock with a key."""


def made(name: CheckName, *, good: bool = True) -> Check:
    return Check(name, "evidence", "" if good else "E-VERIFY-02")


def test_an_order_asks_for_the_first_boot_and_for_nothing_less_than_every_dock_needs() -> None:
    assert ORDERED[False] == REQUIRED == set(CheckName) - {CheckName.REHEARSED} - PROOFS
    assert ORDERED[True] == REQUIRED | {CheckName.REHEARSED}


def test_a_dock_with_a_key_passes_only_if_it_proved_it_twice() -> None:
    assert required_checks(rehearse=False, proved=True) == REQUIRED | PROOFS
    assert required_checks(rehearse=True, proved=True) == set(CheckName)


@pytest.mark.parametrize("required", ALL_REQUIRED, ids=["plain", "rehearsed", "proved"])
def test_every_required_check_passed_is_pass(required: frozenset[CheckName]) -> None:
    assert judge(map(made, required), required=required) is Verdict.PASS
    assert judge(map(made, CheckName), required=required) is Verdict.PASS


@pytest.mark.parametrize("missing", CheckName)
def test_a_check_that_was_not_made_is_never_counted_as_passed(missing: CheckName) -> None:
    for required in ALL_REQUIRED:
        if missing in required:
            checks = [made(name) for name in CheckName if name is not missing]

            assert judge(checks, required=required) is Verdict.ERROR


WAIVED = Check(CheckName.DOCK_ANSWERS, "not made: it cannot answer", waived=True)


def test_a_waived_check_counts_only_where_the_docks_profile_waives_it() -> None:
    for required in ALL_REQUIRED:
        checks = [*(made(name) for name in required - {WAIVED.name}), WAIVED]

        assert judge(checks, required=required, waivable=WAIVABLE) is Verdict.PASS
        assert judge(checks, required=required) is Verdict.ERROR
        assert judge(checks[:-1], required=required, waivable=WAIVABLE) is Verdict.ERROR
        for missing in range(len(checks)):
            less = checks[:missing] + checks[missing + 1 :]

            assert judge(less, required=required, waivable=WAIVABLE) is Verdict.ERROR


def test_a_waiver_hides_no_finding() -> None:
    for name in REQUIRED:
        checks = [WAIVED, *(made(one) for one in REQUIRED), made(name, good=False)]

        assert judge(checks, required=REQUIRED, waivable=WAIVABLE) is Verdict.FAIL


def test_a_waived_check_has_neither_passed_nor_failed() -> None:
    assert (WAIVED.passed, WAIVED.failed) == (False, False)
    for name in set(CheckName) - WAIVABLE:
        with pytest.raises(ValueError, match="never waived"):
            Check(name, "not made", waived=True)
    with pytest.raises(ValueError, match="no failed one"):
        Check(WAIVED.name, "differs", "E-VERIFY-02", waived=True)


def test_nothing_but_the_docks_own_answers_is_ever_waived() -> None:
    assert {CheckName.DOCK_ANSWERS} == WAIVABLE
    for missing in REQUIRED:
        without = [made(name) for name in REQUIRED - {missing}]

        assert judge(without, required=REQUIRED, waivable=set(CheckName)) is Verdict.ERROR


@pytest.mark.parametrize("failed", CheckName)
def test_one_failed_check_fails_the_dock_whatever_else_was_made(failed: CheckName) -> None:
    for required in ALL_REQUIRED:
        for others in ((), tuple(required - {failed})):
            checks = [made(failed, good=False), *map(made, others)]

            assert judge(checks, required=required) is Verdict.FAIL


def test_over_all_constellations_pass_needs_all_and_nothing_failed() -> None:
    for required in ALL_REQUIRED:
        for states in product((None, True, False), repeat=len(CheckName)):
            constellation = dict(zip(CheckName, states, strict=True))
            checks = [
                made(name, good=state) for name, state in constellation.items() if state is not None
            ]

            verdict = judge(checks, required=required)

            assert (verdict is Verdict.FAIL) == (False in states)
            assert (verdict is Verdict.PASS) == (
                False not in states and all(constellation[name] for name in required)
            )


def test_nobody_can_ask_for_less_than_every_dock_needs() -> None:
    fewer = chain.from_iterable(combinations(REQUIRED, size) for size in range(len(REQUIRED)))
    for some in map(frozenset, fewer):
        assert judge(map(made, some), required=some) is Verdict.ERROR


def test_no_check_at_all_is_error() -> None:
    assert judge([], required=frozenset()) is Verdict.ERROR


def test_a_check_made_twice_counts_by_its_worse_end() -> None:
    twice = [made(name) for name in REQUIRED] + [made(CheckName.BLOCKS, good=False)]

    assert judge(twice, required=REQUIRED) is Verdict.FAIL


@pytest.mark.parametrize("code", sorted(NO_RETRY))
@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.ERROR])
def test_findings_no_other_slot_would_change_hold_the_unit_at_once(
    verdict: Verdict, code: str
) -> None:
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

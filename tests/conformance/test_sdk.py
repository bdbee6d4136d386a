"""The dock SDK reference as cases, each run on everything that claims to behave like a dock."""

from typing import Final

import pytest

from tests.conformance.case import Case, Content, Fails, On, Outcome
from tests.conformance.confined_child import ConfinedChild, Rehearsal
from tests.conformance.datastore_cases import datastore_cases
from tests.conformance.in_process import InProcess
from tests.conformance.module_cases import module_cases
from tests.conformance.virtual_dock import VirtualDock

CASES: Final = (*datastore_cases(), *module_cases())
CONTENTS: Final = tuple(
    dict.fromkeys(case.content for case in CASES if On.VIRTUAL_DOCK not in case.not_on)
)
"""One after the other, so that a dock is given each of them once."""


def cases_on(subject: On) -> tuple[Case, ...]:
    return tuple(case for case in CASES if subject not in case.not_on)


def demand(found: Outcome, expected: Outcome) -> None:
    if isinstance(expected, Fails):
        assert isinstance(found, Fails), found
        assert expected.trace in found.trace
    else:
        assert found == expected


@pytest.mark.parametrize("case", cases_on(On.IN_PROCESS), ids=lambda case: case.title)
def test_the_datastore_runtime_does_what_the_sdk_says(case: Case) -> None:
    demand(InProcess().outcome(case), case.outcome)


@pytest.mark.parametrize("case", cases_on(On.CONFINED_CHILD), ids=lambda case: case.title)
def test_the_confined_child_does_what_the_sdk_says(case: Case) -> None:
    demand(ConfinedChild().outcome(case), case.outcome)


@pytest.mark.parametrize("case", cases_on(On.REHEARSAL), ids=lambda case: case.title)
def test_a_rehearsal_does_what_the_sdk_says(case: Case) -> None:
    demand(Rehearsal().outcome(case), case.outcome)


@pytest.mark.parametrize("content", CONTENTS, ids=lambda content: content.name)
def test_a_virtual_dock_does_what_the_sdk_says(
    content: Content, dock: VirtualDock, subtests: pytest.Subtests
) -> None:
    for case in cases_on(On.VIRTUAL_DOCK):
        if case.content == content:
            with subtests.test(case.title):
                demand(dock.outcome(case), case.outcome)


def test_every_case_that_a_subject_is_spared_says_why() -> None:
    for case in CASES:
        assert set(case.not_on) < set(On), case.title
        assert all(len(reason) > 20 for reason in case.not_on.values()), case.title


def test_every_case_has_a_title_of_its_own() -> None:
    assert len({case.title for case in CASES}) == len(CASES)


def test_every_clause_that_an_application_can_see_has_a_case() -> None:
    clauses = {case.clause for case in CASES}

    assert clauses >= {"1.1", "1.2", "1.3", "1.4", *(f"2.{number}" for number in range(1, 9)), "5"}
    assert clauses >= {f"Q{number}" for number in (3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, 19)}

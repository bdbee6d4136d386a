"""Thousands of runs under faults that nobody has thought of, each sound and each repeatable.

A failure names its seed and the command that plays it again. STATION_SIM_SEED begins another
series, STATION_SWEEP=nightly and release make longer ones.
"""

import os
from collections import Counter
from typing import Final

import pytest

from station.domain.verdict import Verdict
from tests.simulation.random_faults import Script, played
from tests.simulation.sweeps import scaled, tell

FIRST: Final = int(os.environ.get("STATION_SIM_SEED", "1"))
SEEDS: Final = scaled(ci=1_000, nightly=20_000, release=100_000)
PARTS: Final = scaled(ci=8, nightly=160, release=800)
AGAIN: Final = 10
"""Every so-many-th is played twice."""


@pytest.mark.parametrize("part", range(PARTS))
def test_a_run_under_any_faults_ends_named_and_lawful_and_goes_the_same_way_again(
    part: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ends: Counter[str] = Counter()
    for seed in range(FIRST + part, FIRST + SEEDS, PARTS):
        script = Script.of(seed)
        try:
            ended = played(script, monkeypatch)
            if seed % AGAIN == 0:
                assert played(script, monkeypatch) == ended
        except BaseException as error:
            error.add_note(f"{script}\nplay it again with: python -m tests.simulation {seed}")
            raise
        ends.update(one.code or "PASS" for one in ended)
    tell(f"{sum(ends.values()):,} simulated runs: {dict(ends.most_common())}", capsys)


def test_seeds_choose_faults_of_every_kind() -> None:
    scripts = [Script.of(seed) for seed in range(1_000)]

    kinds = {type(fault) for script in scripts for fault in script.parsed}

    assert len(kinds) >= 18
    assert {script.of_cable for script in scripts} == {True, False}


def test_a_good_cable_and_dock_pass_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(0, (), 1_200_000.0, 0.001)

    (ended,) = played(script, monkeypatch)

    assert ended.verdict is Verdict.PASS

"""The session target on every input kept, and on seeded mutations of them.

A mutation that breaks something is named by its number and written to a file; STATION_FUZZ_SEED
begins another series, STATION_SWEEP=nightly and release make longer ones, `make fuzz` searches on.
"""

from pathlib import Path
from typing import Any, Final

import pytest

from station.protocol import smp
from tests.fuzz.corpus import play_mutations
from tests.fuzz.session import fuzz_one
from tests.fuzz.targets import TARGETS
from tests.simulation.sweeps import scaled

TARGET: Final = TARGETS["session"]
KEPT: Final = {**TARGET.begin(), **TARGET.committed()}
PARTS: Final = scaled(ci=2, nightly=20, release=200)
MUTATIONS: Final = scaled(ci=100, nightly=1_000, release=1_000)
"""In each part."""


@pytest.mark.parametrize("name", KEPT)
def test_what_was_found_once_ends_named_and_in_time(name: str) -> None:
    fuzz_one(KEPT[name])


@pytest.mark.parametrize("part", range(PARTS))
def test_mutations_of_it_end_named_and_in_time(part: int, tmp_path: Path) -> None:
    numbers = range(part * MUTATIONS, (part + 1) * MUTATIONS)

    play_mutations("session", fuzz_one, list(KEPT.values()), numbers, tmp_path)


def test_a_client_that_lets_a_foreign_error_through_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refusal(_body: Any) -> None:
        raise KeyError("rc")

    monkeypatch.setattr(smp, "refusal", refusal)

    with pytest.raises(KeyError):
        for content in KEPT.values():
            fuzz_one(content)

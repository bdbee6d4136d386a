"""The fuzz target on every input kept, and on seeded mutations of them (`make fuzz` searches on).

A mutation that breaks something is named by its number and written to a file; STATION_FUZZ_SEED
begins another series, STATION_SWEEP=nightly and release make longer ones.
"""

import os
from pathlib import Path
from typing import Final

import pytest

from station.domain.errors import ImageRefused, Reason
from tests.fuzz import rom_store
from tests.fuzz.corpus import SEED, committed, golden, play_mutations
from tests.fuzz.recipe import MARK, forged_image
from tests.fuzz.rom_store import fuzz_one
from tests.unit.datastore.made_images import accepted

KEPT: Final = {**golden(), **committed()}
PARTS: Final = 4
"""So that several workers share a series."""

MUTATIONS: Final = {"ci": 2_000, "nightly": 50_000, "release": 500_000}[
    os.environ.get("STATION_SWEEP", "ci")
]
"""In each part."""


@pytest.mark.parametrize("name", KEPT)
def test_what_was_found_once_is_taken_whole_or_refused(name: str) -> None:
    fuzz_one(KEPT[name])


@pytest.mark.parametrize("part", range(PARTS))
def test_mutations_of_it_are_taken_whole_or_refused(part: int, tmp_path: Path) -> None:
    numbers = range(part * MUTATIONS, (part + 1) * MUTATIONS)

    play_mutations("rom-store", fuzz_one, list(KEPT.values()), numbers, tmp_path)
    print(f"{MUTATIONS} mutations with STATION_FUZZ_SEED={SEED}")


def test_the_inputs_kept_reach_every_reason_an_image_is_refused_for() -> None:
    """And acceptance: a corpus that stops at the first digest would prove nothing."""
    reached: set[Reason | None] = set()
    for content in KEPT.values():
        image = forged_image(content[1:]) if content.startswith(MARK) else content
        try:
            accepted(image or b"")
            reached.add(None)
        except ImageRefused as refused:
            reached.add(refused.reason)

    assert reached >= {*Reason, None}


def test_a_reader_that_takes_what_is_not_canonical_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("station.datastore.volume._same", lambda *_: True)
    data = bytearray(KEPT["common-volume"])
    data[data.index(b'"size":') + 7] ^= 1

    with pytest.raises(AssertionError):
        rom_store.fuzz_one(bytes(data))

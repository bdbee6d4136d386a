"""Labels made from a product's pattern."""

import re
from hashlib import sha256

import pytest

from station.dock.labels import NoLabel, label_for
from station.domain.identity import DockId

IDS = [DockId(sha256(bytes([number])).digest()) for number in range(50)]


@pytest.mark.parametrize(
    "pattern",
    [
        "DK7F-[0-9]{5}",
        r"DK7F-\d{5}",
        r"A\.[A-F0-9]{2,4}x",
        "X[A-Z]+[0-9]*",
        "[a-c]{3}-?1",
        "FIXED",
    ],
)
def test_a_label_fits_its_pattern_and_is_the_same_for_the_same_dock(pattern: str) -> None:
    labels = [label_for(dock_id, pattern).text for dock_id in IDS]

    assert all(re.fullmatch(pattern, label) for label in labels)
    assert labels == [label_for(dock_id, pattern).text for dock_id in IDS]
    if "{" in pattern:
        assert len(set(labels)) > 5


@pytest.mark.parametrize(
    "pattern", ["", "(A|B)1", "[^a]", "a b", "-1", "[0-9]{99}", "x*", r"\w+", "(?i)a"]
)
def test_a_pattern_that_cannot_be_read_makes_no_label(pattern: str) -> None:
    with pytest.raises(NoLabel):
        label_for(IDS[0], pattern)

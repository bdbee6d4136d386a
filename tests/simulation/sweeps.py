"""How far the simulated sweeps go, and how they say it."""

import os
import sys
from typing import Final

import pytest

SWEEP: Final = os.environ.get("STATION_SWEEP", "ci")


def scaled(*, ci: int, nightly: int, release: int) -> int:
    """How much of a sweep to do. Raises KeyError for an unknown STATION_SWEEP."""
    return {"ci": ci, "nightly": nightly, "release": release}[SWEEP]


def tell(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Say what a sweep did, whatever pytest captures."""
    with capsys.disabled():
        sys.stdout.write(f"\n{text}\n")

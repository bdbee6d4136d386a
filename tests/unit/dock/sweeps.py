"""How far sweeps over power cuts go, and how they say it."""

import os
import sys
from typing import Final

import pytest

MORE: Final = {"ci": 1, "nightly": 6, "release": 24}[os.environ.get("STATION_SWEEP", "ci")]
"""How many times as much as on every change."""


def tell(cuts: int, what: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Say how many cuts a sweep made."""
    with capsys.disabled():
        sys.stdout.write(f"\n{what}: {cuts:,} power cuts\n")

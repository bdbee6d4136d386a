"""A bench for every test that makes units."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.application.workbench import Workbench


@pytest.fixture
def empty_bench(tmp_path: Path) -> Iterator[Workbench]:
    """A station with nothing in its ledger."""
    made = Workbench(tmp_path / "ledger.db")
    yield made
    made.file.examine()
    made.file.close()


@pytest.fixture
def bench(empty_bench: Workbench) -> Workbench:
    """A station with a lot and a running order."""
    empty_bench.stock_up()
    return empty_bench

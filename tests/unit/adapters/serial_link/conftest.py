"""The place of the bench every test of this folder has."""

import pytest

from station.adapters.serial_link import port
from tests.fakes.clock import FakeClock
from tests.unit.adapters.serial_link.peers import Place


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    made = Place(FakeClock())
    monkeypatch.setattr(port, "Terminal", made)
    return made

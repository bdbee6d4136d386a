"""The cable comes out at 200 bytes of a run, over a real pty, and goes in again (P18).

What `tests/simulation/test_every_position.py` tries at every byte on virtual time, here with the
machine's own ports: docks that are threads, the station's serial code as it is delivered.
"""

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Final

import pytest

from station.adapters.machine import SystemChance, SystemClock, pass_by
from station.adapters.serial_link.docks import SerialDocks
from station.application.cancel import Cancel
from station.application.provisioning import Provisioning
from station.dock.faults import parse_fault
from station.dock.powered import powered
from station.dock.settings import Settings
from station.domain.errors import LinkError
from station.domain.identity import DockId
from station.domain.upd import UpdState
from station.domain.verdict import Verdict
from tests.fakes.clock import START_AT
from tests.simulation.books import Books
from tests.simulation.station import (
    AUTHORITY,
    IMAGE_BYTES,
    KIND,
    PRODUCT,
    PROFILE,
    job_of,
    joined,
    serial_of,
    token_of,
)
from tests.simulation.sweeps import scaled, tell

POSITIONS: Final = scaled(ci=200, nightly=2_000, release=20_000)
PARTS: Final = scaled(ci=4, nightly=40, release=400)
CARRIED_BYTES: Final = 76_000
"""A little less than a run carries each way."""

BACK_S: Final = 0.02
AGAIN: Final = 10
"""After every so-many-th, the unit is tried again."""


class PinnedClock(SystemClock):
    """The machine's, but for the day: the keys of the tests are not valid for ever."""

    def now_at(self) -> datetime:
        """See `Clock`."""
        return START_AT


def provisioning(books: Books) -> Provisioning:
    clock, chance = PinnedClock(), SystemChance()
    docks = SerialDocks(clock=clock, chance=chance)
    return joined(docks, books, clock=clock, chance=chance, mark=pass_by)


def settings(folder: Path, *faults: str) -> Settings:
    return Settings(
        flash=folder / "dock.flash",
        port=folder / "port",
        dock_id=DockId(bytes([1]) * 32),
        label=serial_of(1),
        profile=PROFILE,
        product=PRODUCT,
        authority=AUTHORITY,
        faults=tuple(map(parse_fault, faults)),
    )


def ended(station: Provisioning, books: Books, port: Path) -> tuple[Verdict, str]:
    """How a run ended, be it before it was opened."""
    try:
        outcome = station.run(job_of(1, str(port)), watch=lambda _: None, cancel=Cancel())
    except LinkError as error:
        assert not books.runs
        return Verdict.ERROR, error.code
    return outcome.verdict, outcome.code


@pytest.mark.parametrize("part", range(PARTS))
def test_a_cable_that_comes_out_of_a_real_port_costs_a_run_and_nothing_else(
    part: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ends: Counter[str] = Counter()
    for number in range(part, POSITIONS, PARTS):
        byte, way = number * CARRIED_BYTES // POSITIONS, ("in", "out")[number // PARTS % 2]
        fault = f"unplug@{byte}+{BACK_S}s:{way}"
        folder = tmp_path / str(number)
        folder.mkdir()
        books = Books(KIND, [token_of(1), token_of(2)])
        station = provisioning(books)
        with powered(settings(folder, fault), None) as dock:
            verdict, code = ended(station, books, dock.settings.port)

            books.demand_lawful()
            ends[code or "PASS"] += 1
            if verdict is not Verdict.PASS:  # it followed the dock through its restart
                assert (verdict, code) == (Verdict.ERROR, "E-LINK-03"), fault
            if verdict is Verdict.ERROR and number // PARTS % AGAIN == 0:
                again = passes_again(station, books, dock.settings.port)
                ends[again] += 1
        (folder / "dock.flash").unlink()
    tell(f"{sum(ends.values())} runs over a pty: {dict(ends)}", capsys)


def passes_again(station: Provisioning, books: Books, port: Path) -> str:
    """As soon as the port is there."""
    clock = PinnedClock()
    until_s = clock.monotonic_s() + 10.0
    while not port.exists():
        assert clock.monotonic_s() < until_s
        clock.wait(0.005)

    verdict, code = ended(station, books, port)

    books.demand_lawful()
    assert verdict is Verdict.PASS, code
    closing = books.runs[-1].closing
    assert closing is not None and closing.bytes_read >= IMAGE_BYTES
    assert books.records[0].state is UpdState.ACTIVE
    return "passed again"

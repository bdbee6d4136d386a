"""Another dock answers from some moment of a run on (P18): nothing is done to it, nothing of the
first dock's goes to it, and the run ends as ERROR.

Where the cable comes out, the machine sees the port go: E-LINK-03, or E-IDENT-03 where the station
follows a dock through its restart. Behind an adapter nothing is seen, and only who answers tells:
E-IDENT-03 wherever it happens.
"""

from collections.abc import Callable
from typing import Final

import pytest

from station.datastore.field_store import FieldPartition
from station.domain.entries import Entry, Kind
from station.domain.errors import DockChanged, LinkLost
from station.domain.identity import Serial
from station.domain.upd import UpdState
from station.domain.verdict import Verdict
from tests.simulation.bench import Cable, Incident, Way
from tests.simulation.station import SimulatedDock, SimulatedStation, serial_of
from tests.simulation.sweeps import scaled, tell
from tests.simulation.test_every_position import undisturbed

EVERY: Final = scaled(ci=2, nightly=1, release=1)
"""Of the moments at which docks are swapped, each so-many-th is tried."""

Swap = Callable[[SimulatedStation, SimulatedDock], Callable[[Cable], None]]


def by_hand(station: SimulatedStation, other: SimulatedDock) -> Callable[[Cable], None]:
    """The cable comes out of the first dock and another dock is plugged in on the same place."""

    def happens(_cable: Cable) -> None:
        station.plug(other)

    return happens


def behind_an_adapter(_station: SimulatedStation, other: SimulatedDock) -> Callable[[Cable], None]:
    """The port stays."""

    def happens(cable: Cable) -> None:
        cable.exchange(other)

    return happens


def in_use(dock: SimulatedDock, patch: pytest.MonkeyPatch) -> SimulatedDock:
    """A dock that passed on another day, and has been used since."""
    station = SimulatedStation(patch)
    cable = station.plug(dock)
    unit = 1 if dock.label == serial_of(1) else 2
    assert station.run(unit).verdict is Verdict.PASS
    cable.server.field.put(FieldPartition.RUNTIME, Entry(Kind.KV, "volume", b"11"))
    return dock


@pytest.mark.parametrize("way", Way)
@pytest.mark.parametrize("label", [serial_of(1), serial_of(2)], ids=["same label", "other label"])
@pytest.mark.parametrize("swap", [by_hand, behind_an_adapter])
def test_a_dock_that_takes_the_place_of_another_is_left_alone(
    swap: Swap,
    label: Serial,
    way: Way,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    moments = undisturbed().moments(way)[::EVERY]
    other = in_use(SimulatedDock(2, label=label), monkeypatch)
    ended: dict[str, int] = {}
    for position in moments:
        station, dock = SimulatedStation(monkeypatch), SimulatedDock(1)
        cable = station.plug(dock)
        cable.incident = Incident(way, position, swap(station, other))
        other()  # its flash is as a power-up leaves it
        before = other.digest

        outcome = station.run()

        where = (way, position, outcome.code, outcome.cause)
        station.books.demand_lawful()
        assert other.digest == before, where
        assert outcome.verdict is Verdict.ERROR, where
        assert outcome.code in {DockChanged.code, LinkLost.code}, where
        if swap is behind_an_adapter:
            assert outcome.code == DockChanged.code, where
        (record, *rest) = station.books.records
        assert {one.state for one in rest} == {UpdState.FREE}, where
        assert record.state in {UpdState.FREE, UpdState.SENT}, where
        if UpdState.SENT in record.states:
            assert record.dock_id == dock.dock_id, where
        ended[outcome.code] = ended.get(outcome.code, 0) + 1
    tell(f"{len(moments)} swaps {swap.__name__}, {label}: {ended}", capsys)

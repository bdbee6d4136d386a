"""Bytes on the line: what a dock proves to hold does not travel again, what it only claims is found
out, and a readback is always whole.
"""

from typing import Any, Final

import pytest

from station.dock.server import DockServer
from station.domain.limits import BLOCK_BYTES
from station.domain.verdict import Verdict
from station.protocol import datastore_group as ds
from station.protocol.shape import Request, Shape
from tests.simulation.bench import Cable, Incident, Way, pulled_out
from tests.simulation.station import IMAGE_BYTES, SimulatedDock, SimulatedStation

REWORK_BYTES_MAX: Final = 2 * BLOCK_BYTES + 16_384
"""Station to dock, for a bundle the dock has already."""


def passed_again(station: SimulatedStation, cable: Cable) -> tuple[int, int]:
    """A run that passes; the bytes it took to the dock and from it."""
    before = dict(cable.carried)

    outcome = station.run()

    assert outcome.verdict is Verdict.PASS, outcome
    return tuple(cable.carried[way] - before[way] for way in Way)  # type: ignore[return-value]


def reworked(station: SimulatedStation) -> None:
    """Let the units that passed be made again: the books forget them."""
    station.books.runs.clear()
    for record in station.books.records:
        record.states[:], record.dock_id, record.run_id = record.states[:1], None, ""


def test_a_rework_of_an_unchanged_bundle_moves_what_is_unique_and_reads_back_everything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    station = SimulatedStation(monkeypatch)
    cable = station.plug(SimulatedDock(1))
    first = passed_again(station, cable)
    reworked(station)

    to_dock, from_dock = passed_again(station, cable)

    assert first[0] > IMAGE_BYTES
    assert to_dock < REWORK_BYTES_MAX
    assert to_dock < first[0] - BLOCK_BYTES
    assert from_dock > IMAGE_BYTES


def test_an_interrupted_write_goes_on_from_the_blocks_the_dock_proves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    station = SimulatedStation(monkeypatch)
    incident = Incident(Way.TO_DOCK, 71_000, pulled_out(back_after_s=0.1))
    cable = station.plug(SimulatedDock(1), incident=incident)
    assert station.run().code == "E-LINK-03"
    station.time.wait(1.0)

    to_dock, from_dock = passed_again(station, cable)

    assert to_dock < IMAGE_BYTES - BLOCK_BYTES + 4_096
    assert from_dock > IMAGE_BYTES


def test_a_frame_cut_short_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    station = SimulatedStation(monkeypatch)
    incident = Incident(Way.TO_DOCK, 2_000, pulled_out(back_after_s=0.1))
    cable = station.plug(SimulatedDock(1), incident=incident)
    assert station.run().code == "E-LINK-03"
    station.time.wait(1.0)

    to_dock, _ = passed_again(station, cable)

    assert to_dock > IMAGE_BYTES


class Boaster(DockServer):
    """A dock that says it holds every block it is offered, whatever is in its flash."""

    claimed: dict[int, bytes]

    def _answer(self, request: Request[Any]) -> Shape:
        answer = super()._answer(request)
        match request, answer:
            case ds.Copy(offset, block_bytes, digests), ds.CopyAnswer():
                self.claimed = {
                    offset + number * block_bytes: digest for number, digest in enumerate(digests)
                }
                return ds.CopyAnswer(offset, (True,) * len(digests))
            case ds.BlockDigests(_, offset, _, block_bytes), ds.BlockDigestsAnswer(_, digests):
                places = range(offset, offset + len(digests) * block_bytes, block_bytes)
                told = map(self.claimed.get, places, digests)
                return ds.BlockDigestsAnswer(offset, tuple(told))
        return answer


def test_a_dock_that_claims_blocks_it_does_not_hold_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    station = SimulatedStation(monkeypatch)
    dock = SimulatedDock(1, made_by=Boaster)
    cable = station.plug(dock)

    outcome = station.run()

    station.books.demand_lawful()
    assert cable.carried[Way.TO_DOCK] < IMAGE_BYTES, "it did not believe the dock"
    assert outcome.verdict is Verdict.FAIL
    assert outcome.code in {"E-WRITE-01", "E-VERIFY-02"}


class Braggart(Boaster):
    """The same, and its loader takes whatever it is told to start."""

    def _answer(self, request: Request[Any]) -> Shape:
        match request:
            case ds.Commit():
                self.image = request
                return ds.CommitAnswer(True)
            case ds.SlotState():
                content = ds.SlotContent(
                    self.image.size, self.image.digest, pending=False, confirmed=True
                )
                return ds.SlotStateAnswer(content, None)
            case ds.Read() | ds.Challenge():
                return super()._answer(_of_other_slot(request))
        return super()._answer(request)

    image = ds.Commit(0, bytes(32))


def _of_other_slot(request: ds.Read | ds.Challenge) -> ds.Read | ds.Challenge:
    """Of the slot it wrote, which its loader would never have started."""
    match request:
        case ds.Read(_, offset, length):
            return ds.Read(ds.Slot.OTHER, offset, length)
        case ds.Challenge(_, nonce, ranges):
            return ds.Challenge(ds.Slot.OTHER, nonce, ranges)


def test_even_where_its_loader_takes_it_the_readback_finds_what_is_not_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    station = SimulatedStation(monkeypatch)
    station.plug(SimulatedDock(1, made_by=Braggart))

    outcome = station.run()

    station.books.demand_lawful()
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "E-VERIFY-02")
    assert "1 of 4 blocks differ" in outcome.cause

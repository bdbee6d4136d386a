"""The cable comes out at every byte of a transfer, either way, and the dock comes back (P18).

Wherever it happens: no PASS but by a whole readback after the dock's last start, the run closed as
ERROR with the code of a lost link, every record in a lawful state, and the next run of the same
unit passes with the same token, whether the dock kept its power and its name or not.

What a disconnection leaves behind is the dock's flash and memory and the station's books; runs
that follow from the same of all three are the same, so the next run is made once for each.
CI takes every position next to a frame's end and each `STRIDE`-th of the others; STATION_SWEEP=
nightly and release take all.
"""

from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Final

import pytest

from station.domain.errors import LinkLost, NotBootable
from station.domain.upd import UpdState
from station.domain.verdict import Verdict
from station.protocol.errors import DockRefused
from tests.simulation.bench import Cable, Incident, Way, pulled_out
from tests.simulation.station import (
    DEVICE,
    IMAGE_BYTES,
    OTHER_DEVICE,
    SimulatedDock,
    SimulatedStation,
)
from tests.simulation.sweeps import scaled, tell

STRIDE: Final = scaled(ci=17, nightly=1, release=1)
SHARES: Final = scaled(ci=6, nightly=60, release=60)
"""The sweep is done in so many parts, side by side."""

BACK_S: Final = 0.4


@dataclass
class Transfer:
    """What travels in one undisturbed run. window: the bytes each way during which the station
    follows the dock through its restart, and a dock that comes back in time is welcome.
    identified: the bytes after which it knew who is there."""

    streams: dict[Way, bytearray] = field(default_factory=lambda: {way: bytearray() for way in Way})
    window: dict[Way, tuple[int, int]] = field(default_factory=dict)
    identified: dict[Way, int] = field(default_factory=dict)

    def followed(self, way: Way, position: int) -> bool:
        """Whether that is within the window."""
        first, last = self.window[way]
        return first <= position <= last

    def moments(self, way: Way) -> list[int]:
        """In the middle and at the end of every frame, from when the station knows who is there
        until the last one."""
        ends = [at + 1 for at, octet in enumerate(self.streams[way]) if octet == 0]
        known = [at for at in ends if at >= self.identified[way]]
        middles = [(one + other) // 2 for one, other in pairwise(known)]
        return sorted({*known[:-1], *middles})

    def positions(self, way: Way) -> list[int]:
        """Where the cable comes out: of so many bytes carried, it carries no more."""
        stream = self.streams[way]
        ends = [at + 1 for at, octet in enumerate(stream) if octet == 0]
        near = {at + by for at in ends for by in (-1, 0, 1)}
        return sorted(near & set(range(len(stream))) | set(range(0, len(stream), STRIDE)))


@cache
def undisturbed() -> Transfer:
    made = Transfer()
    with pytest.MonkeyPatch.context() as patch:
        station = SimulatedStation(patch)
        cable = station.plug(SimulatedDock(1))
        begun: dict[Way, int] = {}

        def heard(way: Way, data: bytes) -> None:
            if cable.restarts and not begun:
                begun.update({each: len(made.streams[each]) for each in Way})
            made.streams[way] += data

        def mark(point: str) -> None:
            if point == "run.opened":
                made.identified = {each: len(made.streams[each]) for each in Way}
            if point == "run.restarted":
                made.window = {each: (begun[each], len(made.streams[each])) for each in Way}

        cable.heard = heard
        station.marked = mark
        outcome = station.run()
    assert outcome.verdict is Verdict.PASS, outcome
    assert {way: len(stream) for way, stream in made.streams.items()} == cable.carried
    closing = station.books.runs[0].closing
    assert closing is not None and closing.bytes_read == IMAGE_BYTES
    return made


@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("way", Way)
def test_a_cable_that_comes_out_at_any_byte_costs_a_run_and_nothing_else(
    way: Way, share: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    transfer = undisturbed()
    positions = transfer.positions(way)
    mine = positions[len(positions) * share // SHARES : len(positions) * (share + 1) // SHARES]
    followed: set[object] = set()
    for position in mine:
        hungry = position % 2 == 1
        device = OTHER_DEVICE if hungry else DEVICE
        pull = Incident(
            way, position, pulled_out(back_after_s=BACK_S, device=device, hungry=hungry)
        )
        station, dock = SimulatedStation(monkeypatch), SimulatedDock(1)
        cable = station.plug(dock, incident=pull)

        verdict, code = ended(station)

        station.books.demand_lawful()
        within = transfer.followed(way, position)
        if verdict is Verdict.PASS:
            assert within, pull
            assert cable.read_since > IMAGE_BYTES, pull
        else:
            # A dock that starts once more before it was told to keep its image gives it up.
            given_up = {NotBootable.code, DockRefused.code} if within and hungry else set()
            codes = {LinkLost.code, *given_up}
            assert verdict is Verdict.ERROR and code in codes, (pull, code)
            left = (dock.digest, cable.said.digest(), station.books.states, hungry)
            if left not in followed:
                followed.add(left)
                passes_after(station, cable, transfer, pull)
    tell(
        f"{way.value} {mine[0]:,} to {mine[-1]:,}: {len(mine):,} positions,"
        f" {len(followed)} states left behind",
        capsys,
    )


def ended(station: SimulatedStation) -> tuple[Verdict, str]:
    """How the run ended; a link lost before it was opened is an ERROR that nobody recorded."""
    try:
        outcome = station.run()
    except LinkLost as error:
        assert not station.books.runs
        return Verdict.ERROR, error.code
    assert [run.serial for run in station.books.runs] == ["DK7F-00001"]
    return outcome.verdict, outcome.code


def passes_after(
    station: SimulatedStation, cable: Cable, transfer: Transfer, pull: Incident
) -> None:
    """The next run of the same unit."""
    sent = [one.record_id for one in station.books.records if one.state is UpdState.SENT]
    station.time.wait(2 * BACK_S)
    assert cable.plugged

    outcome = station.run()

    station.books.demand_lawful()
    assert outcome.verdict is Verdict.PASS, (pull, outcome)
    assert cable.read_since > IMAGE_BYTES, pull
    (active,) = (one.record_id for one in station.books.records if one.state is UpdState.ACTIVE)
    assert active == (sent[0] if sent else "T-1/0"), pull

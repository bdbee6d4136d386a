"""Docks that mean harm (P19): whatever they send and however long, memory stays bounded, every
deadline is kept, the run ends named, and the lane costs no more than an honest dock's.

Every simulated run looks at each deadline of the protocol (`punctual.py`); here docks try to
outlast them.
"""

import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Final

import cbor2
import pytest

from station.dock.faults import parse_fault
from station.dock.server import DockServer
from station.domain.errors import LinkError, NoAnswer, NoDock, TooSlow
from station.domain.verdict import Verdict
from station.protocol.framing import MESSAGE_BYTES_MAX, Framing, decoder, frame
from tests.simulation.station import SimulatedDock, SimulatedStation

FRAME_BYTES: Final = MESSAGE_BYTES_MAX + MESSAGE_BYTES_MAX // 254 + 3
MEMORY_BYTES: Final = 2 * FRAME_BYTES + 4 * 65_536
"""Two frames, and what the machine and one read hold of what arrived, in either's hands."""

LINE: Final = (200_000.0, 0.001)

ASKED: Final = (
    *("identify", "begin", "copy", "block-digests", "write", "commit", "factory-reset"),
    *("challenge", "read", "names", "entry", "confirm", "slot-state"),
)

SCRIPTS: Final = (
    *(f"endless@{which}" for which in ASKED),
    *(f"flood@{which}" for which in ASKED),
    *(f"drip@{which}+0.29s" for which in ASKED),
    *(f"drip@{which}+0.005s" for which in ASKED),
    *(f"{wrong}@{which}" for which in ASKED for wrong in ("huge-length", "huge-data", "no-cbor")),
    *("endless", "drip+0.29s", "garbage", "garbage@read", "mute@write", "short-length@any"),
    *("long-length@any", "other-sequence@any", "other-group@any", "stale@any"),
)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_hostile_dock_ends_its_own_run_in_time(
    script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    station = SimulatedStation(monkeypatch)
    station.plug(SimulatedDock(1, faults=(parse_fault(script),)), line=LINE)

    verdict, code = ended(station)

    station.books.demand_lawful()
    assert verdict in {Verdict.ERROR, Verdict.FAIL, Verdict.PASS}
    if verdict is Verdict.PASS:  # it was asked again, or the harm came too late to matter
        assert script.startswith(("flood", "no-cbor", "huge", "other-group"))
    elif verdict is Verdict.FAIL:  # an old answer under a new number is a lie like any other
        assert (script, code) == ("flood@slot-state", "E-WRITE-01")
    else:
        assert code.startswith(("E-LINK", "E-TIME")), code


def ended(station: SimulatedStation) -> tuple[Verdict, str]:
    """How a run ended, be it before it was opened."""
    try:
        outcome = station.run()
    except LinkError as error:
        assert not station.books.runs
        return Verdict.ERROR, error.code
    return outcome.verdict, outcome.code


class Speaker(DockServer):
    """A dock that answers every request with octets of its own.

    said: makes them of the request's sequence number.
    """

    said: Callable[[int], bytes]

    def receive(self, data: bytes, now_s: float = 0.0) -> bytes:
        """See `DockServer`."""
        return b"".join(self.said(request[6]) for request in decoder(Framing.COBS).feed(data))


def _answer(body: bytes, *, sequence: int = 0, group: int = 0, command: int = 6) -> bytes:
    """By default to the parameters, which are asked for first."""
    head = bytes((0x09, 0)) + len(body).to_bytes(2, "big") + group.to_bytes(2, "big")
    return frame(Framing.COBS, head + bytes((sequence, command)) + body)


HOSTILE_BODIES: Final = {
    "nothing": b"",
    "deep lists": b"\xa1\x61a" + b"\x81" * 8_000 + b"\x00",
    "deep maps": b"\xa1\x61a" * 3_000 + b"\x00",
    "a string of four gigabytes": b"\xa1\x61a\x7a\xff\xff\xff\xff",
    "a string of sixteen exabytes": b"\xa1\x61a\x7b" + b"\xff" * 8,
    "a list of four billion": b"\xa1\x61a\x9a\xff\xff\xff\xff",
    "a map of four billion": b"\xba\xff\xff\xff\xff",
    "open lists": b"\xbf\x61a" + b"\x9f" * 8_000,
    "a huge number": b"\xa1\x61a\xc2\x59\x1f\x00" + b"\xff" * 0x1F00,
    "references": b"\xa1\x61a\xd9\x01\x00\x82\x63aaa\xd8\x19\x00",
    "an empty map": cbor2.dumps({}),
    "other keys": cbor2.dumps({f"k{number}": number for number in range(900)}),
    "no map": cbor2.dumps([1, 2, 3]),
    "keys that are no text": cbor2.dumps({1: 2}),
    "limits nobody can work in": cbor2.dumps({"buf_size": 0, "buf_count": 0}),
    "limits beyond all bounds": cbor2.dumps({"buf_size": 2**31, "buf_count": -1}),
    "a refusal of another shape": cbor2.dumps({"err": [1, 2]}),
    "a refusal without end": cbor2.dumps({"rc": 1, "rsn": "x" * 8_000}),
}


@pytest.mark.parametrize("name", HOSTILE_BODIES)
def test_an_answer_that_is_none_ends_named_and_holds_no_memory(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    station = SimulatedStation(monkeypatch)
    cable = station.plug(SimulatedDock(1, made_by=Speaker), line=LINE)
    assert isinstance(cable.server, Speaker)
    cable.server.said = lambda sequence: _answer(HOSTILE_BODIES[name], sequence=sequence)

    grown = most_held(lambda: _refused(station))

    assert grown < MEMORY_BYTES, f"{grown:,} bytes"


def _refused(station: SimulatedStation) -> None:
    with pytest.raises(LinkError) as refused:
        station.run()
    assert refused.type is not LinkError
    assert not station.books.runs
    assert len(refused.value.cause) < 500


@pytest.mark.parametrize("script", ["endless", "endless@identify", "drip@identify+0.001s"])
def test_a_dock_that_never_ends_a_frame_is_heard_for_as_long_as_a_phase_lasts(
    script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    station = SimulatedStation(monkeypatch)
    station.plug(SimulatedDock(1, faults=(parse_fault(script),)), line=LINE)

    def run() -> None:
        with pytest.raises((NoAnswer, NoDock, TooSlow)):
            station.run()

    grown = most_held(run)

    assert grown < MEMORY_BYTES


def most_held(work: Callable[[], object]) -> int:
    """The most memory that `work` held beyond what was held before, in bytes."""
    work()  # what is made once and kept
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        work()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("framing", Framing)
@pytest.mark.parametrize("octets", [b"\1", b"\1\0", b"\x06\x09AAAA\n", b"\x04\x14", b"\xff", b"\0"])
def test_a_decoder_holds_one_frame_at_most(framing: Framing, octets: bytes) -> None:
    chunk = octets * (65_536 // len(octets))
    fed = decoder(framing)

    def feed() -> None:
        for _ in range(5):
            fed.feed(chunk)

    # While it looks at what arrived, that is there once more, in pieces of some 35 bytes each.
    assert most_held(feed) < 2 * FRAME_BYTES + 50 * len(chunk)
    assert most_held(lambda: fed.feed(b"")) < 4_096


NOISY: Final = {
    "frames too short to be any": b"\1\0",
    "whole frames that answer nothing": _answer(b"\xa0", sequence=200, group=99),
    "whole frames that hold no message": frame(Framing.COBS, b"no message"),
}


@pytest.mark.parametrize("name", NOISY)
def test_a_flood_of_frames_is_cut_off_before_it_costs_more_than_an_honest_dock(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    station = SimulatedStation(monkeypatch)
    cable = station.plug(SimulatedDock(1, made_by=Speaker), line=LINE)
    flood = NOISY[name] * (65_536 // len(NOISY[name]))
    assert isinstance(cable.server, Speaker)
    cable.server.said = lambda _: flood

    _refused(station)

    honest = SimulatedStation(monkeypatch)
    other = honest.plug(SimulatedDock(2), line=LINE)
    assert honest.run(2).verdict is Verdict.PASS
    assert cable.read_since < other.read_since + 2 * 65_536


def test_a_process_that_talks_to_hostile_docks_does_not_grow() -> None:
    root = Path(__file__).resolve().parents[2]
    made = subprocess.run(
        [sys.executable, "-c", _GROWS],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert made.returncode == 0, made.stderr
    heard_bytes, grown_bytes = map(int, made.stdout.split())
    assert heard_bytes > 5_000_000
    assert grown_bytes < 8 * 1024 * 1024


_GROWS: Final = """
import resource
import pytest
from station.dock.faults import parse_fault
from station.domain.errors import LinkError
from tests.simulation.station import SimulatedDock, SimulatedStation

def talk(script):
    with pytest.MonkeyPatch.context() as patch:
        station = SimulatedStation(patch)
        dock = SimulatedDock(1, faults=(parse_fault(script),))
        cable = station.plug(dock, line=(1_200_000.0, 0.0))
        try:
            station.run()
        except LinkError:
            pass
        return cable.read_since

SCRIPTS = ("endless", "endless@read", "flood@read", "garbage@write")
for script in SCRIPTS:
    talk(script)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
heard = sum(talk(script) for script in SCRIPTS)
print(heard, 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before))
"""


def test_one_octet_just_before_every_timeout_extends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    station = SimulatedStation(monkeypatch)
    station.plug(SimulatedDock(1, faults=(parse_fault("drip+0.29s"),)), line=LINE)
    began_s = station.time.monotonic_s()

    with pytest.raises(LinkError) as refused:
        station.run()

    assert refused.value.code == "E-TIME-01"
    assert 3.0 <= station.time.monotonic_s() - began_s < 6.5  # parameters, and who it is

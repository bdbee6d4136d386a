"""Flipped bits, on the cable and in the flash: the first cost time, the second cost the dock.

The figures are those of the trial that chose the framing: 13 and 177 flips in 13 MB, after which
a raw transfer had run to its end and left wrong content.
"""

from dataclasses import replace
from random import Random
from typing import Any, Final

import pytest

from station.application.gate import admit
from station.application.releasing import release
from station.dock.faults import BitFlip, parse_fault
from station.domain.verdict import Verdict
from tests.fakes.bundle_archive import FakeSealedBundle
from tests.fakes.clock import START_AT
from tests.simulation.bench import Way
from tests.simulation.station import (
    AUTHORITY,
    BUNDLE,
    PROFILE,
    RELEASE,
    SimulatedDock,
    SimulatedStation,
)
from tests.simulation.sweeps import scaled

LARGE_BYTES: Final = 13_000_000
SEEDS: Final = scaled(ci=1, nightly=10, release=50)
LARGE: Final = replace(PROFILE, rom_budget_bytes=LARGE_BYTES, slot_bytes=LARGE_BYTES + 139_264)


@pytest.fixture(scope="module")
def large() -> dict[str, Any]:
    """A job of 13 MB in which no two blocks are alike."""
    noise = Random(13).randbytes((LARGE_BYTES - 80_000) // 2).hex()
    code, *others = BUNDLE.entries
    large = replace(code, data=b"# " + noise.encode())
    bundle = replace(BUNDLE, entries=(large, *others))
    parts = release(bundle, signer=RELEASE, budget_bytes=LARGE_BYTES)
    admitted = admit(FakeSealedBundle.of(parts), authority=AUTHORITY, at=START_AT)
    return {"bundle": admitted, "profile": LARGE}


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("flips", [13, 177])
def test_bits_that_flip_on_the_cable_cost_time_and_nothing_else(
    flips: int, seed: int, large: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = [parse_fault(f"flips@{flips}/{LARGE_BYTES}:{way}") for way in ("in", "out")]
    dock = SimulatedDock(1, faults=tuple(faults), profile=LARGE, seed=seed)
    station = SimulatedStation(monkeypatch, seed=seed)
    cable = station.plug(dock)

    outcome = station.run(**large)

    closing = station.books.runs[0].closing
    assert outcome.verdict is Verdict.PASS, (seed, outcome)
    assert closing is not None and closing.bytes_written > 12_900_000
    assert dock.holds(closing.image_sha256, closing.bytes_read)
    for way in Way:  # some of the flips had to be paid for
        assert cable.carried[way] > closing.bytes_read + (flips // 2) * 4_000, way


def test_a_bit_that_flips_in_the_flash_fails_the_dock_and_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dock = SimulatedDock(1)
    station = SimulatedStation(monkeypatch)
    station.plug(dock)

    def flip(point: str) -> None:
        if point == "run.restarted":
            dock.cells[dock.cells.index(b"greetinghello") + len("greeting")] ^= 4

    station.marked = flip

    outcome = station.run()

    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "E-VERIFY-02")
    assert "1 of 4 blocks differ, first at offset 0x" in outcome.cause
    assert outcome.cause.endswith("(block 0, kv 'greeting')")


@pytest.mark.parametrize("seed", range(scaled(ci=40, nightly=1_000, release=10_000)))
def test_a_dock_that_flips_any_bit_of_what_it_stored_never_passes(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    station = SimulatedStation(monkeypatch)
    station.plug(SimulatedDock(1, faults=(BitFlip(),), seed=seed))

    outcome = station.run()

    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "E-VERIFY-02"), seed

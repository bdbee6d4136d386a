"""One flipped bit in a dock's flash, over a real port, between its restart and the readback: never
a PASS, wherever in the image it is.

The image lies in the flash file of a dock that is a process of its own. The flip is made in that
file once the dock runs the new image, so nothing but the readback can find it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

import pytest

from station.adapters.machine import SystemChance, SystemClock
from station.adapters.serial_link.conversation import Conversation
from station.adapters.serial_link.dock import SerialDock
from station.application.cancel import Cancel
from station.application.job import Job
from station.application.ports import Dock as DockPort
from station.application.provisioning import Provisioning, RunOutcome
from station.bootstrap.station import Station
from station.datastore.rom_image import RomImage
from station.dock.boot_state import BootRecords
from station.dock.flash import Flash, Geometry
from station.domain.identity import Serial
from station.domain.limits import BLOCK_BYTES, HEADER_BYTES
from station.domain.profile import Link
from station.domain.verdict import Disposition, Verdict
from tests.end_to_end.small_line import (
    ORDER,
    TOKENS,
    Bench,
    Dock,
    dock,
    furnish,
    layout,
    made_once,
    passphrase_of,
    scaled,
    start_order,
    station_at,
)

UNIT: Final = "DK7F-00317"
SEED: Final = 20_261_125
DOCKS: Final = 3
"""The sample is split over so many docks, side by side."""

FLIPS: Final = scaled(ci=24, nightly=400, release=4_000)
"""Random places, besides the edges."""

Place = Callable[[RomImage, int], int]
"""Which byte of an image of this length is to be flipped."""

EDGES: Final[dict[str, Place]] = {
    "first byte": lambda image, size: 0,
    "last byte of the header": lambda image, size: HEADER_BYTES - 1,
    "first byte of the common volume": lambda image, size: HEADER_BYTES,
    "last byte of the first block": lambda image, size: HEADER_BYTES + BLOCK_BYTES - 1,
    "padding behind the common volume": lambda image, size: HEADER_BYTES + 2 * BLOCK_BYTES - 1,
    "first byte of the unique volume": lambda image, size: HEADER_BYTES + 2 * BLOCK_BYTES,
    "last byte of the unique volume": lambda image, size: (
        HEADER_BYTES + image.payload.size_bytes - 1
    ),
    "first byte of the protected area": lambda image, size: HEADER_BYTES + image.payload.size_bytes,
    "first byte of the seal": lambda image, size: size - len(image.seal_area),
    "last byte": lambda image, size: size - 1,
}


@dataclass
class Saboteur:
    """Flips one bit of the newest image in a dock's flash file, when it is told to.

    before_start: while the dock has not started the image yet, else when it runs on trial.
    place: None lets the next run go undisturbed.
    """

    flash: Path
    place: Place | None = None
    bit: int = 0
    before_start: bool = False
    flipped: int = -1

    def strike(self, *, started: bool) -> None:
        """It is now: just before, or just after the restart."""
        if self.place is None or started is self.before_start:
            return
        cells = bytearray(self.flash.read_bytes())
        parts = layout()
        state = BootRecords(Flash(cells, Geometry(len(cells))), parts.boot).state
        assert state.candidate is not None
        area, size = parts.slots[state.spare(2)], state.candidate.size_bytes
        image = RomImage.parse(memoryview(cells)[area.offset_bytes :][:size])
        self.flipped = self.place(image, size)
        assert 0 <= self.flipped < size
        at = area.offset_bytes + self.flipped
        with self.flash.open("r+b", buffering=0) as file:
            file.seek(at)
            file.write(bytes([cells[at] ^ 1 << self.bit]))


class SabotagedDock(SerialDock):
    """The real conversation, with somebody at the flash while the dock restarts."""

    saboteur: Saboteur

    def factory_reset(self) -> None:
        self.saboteur.strike(started=False)
        super().factory_reset()
        self.saboteur.strike(started=True)


@dataclass
class SabotagedDocks:
    """`application.ports.Docks`."""

    saboteur: Saboteur

    @contextmanager
    def open(self, port: str, link: Link) -> Iterator[DockPort]:
        talk = Conversation(port, link, clock=SystemClock(), chance=SystemChance())
        opened = SabotagedDock(talk)
        opened.saboteur = self.saboteur
        try:
            yield opened
        finally:
            talk.close()


@dataclass
class Line:
    """A station in this process, one dock on its port, and the saboteur."""

    station: Station
    provisioning: Provisioning
    dock: Dock
    saboteur: Saboteur

    def run(
        self, place: Place | None = None, *, bit: int = 0, before_start: bool = False
    ) -> RunOutcome:
        """One run of the unit."""
        self.saboteur.place, self.saboteur.bit = place, bit
        self.saboteur.before_start, self.saboteur.flipped = before_start, -1
        outcome = self.provisioning.run(
            Job.under(
                self.station.order(ORDER)[0],
                Serial(UNIT),
                shelf=self.station.shelf,
                slot="1",
                port=str(self.dock.port),
                operator="tester",
            ),
            watch=lambda progress: None,
            cancel=Cancel(),
        )
        assert (place is None) == (self.saboteur.flipped == -1)
        return outcome


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An order whose units may be tried again as often as one likes."""

    def make(folder: Path) -> None:
        furnish(folder)
        start_order(Bench(folder), retry_limit=1_000_000)

    return made_once(tmp_path_factory, "flash-flips", make)


@contextmanager
def line(bench: Bench, *faults: str, seed: int = 1) -> Iterator[Line]:
    """A line with one dock."""
    station = station_at(bench.home)
    with dock(bench, UNIT, *faults, seed=seed) as unit:
        saboteur = Saboteur(unit.flash)
        unlocked = station.unlock(passphrase_of, docks=SabotagedDocks(saboteur))
        try:
            yield Line(station, unlocked.provisioning, unit, saboteur)
        finally:
            unlocked.close()


def random_places(share: int) -> Iterator[tuple[str, Place, int]]:
    """What one of the docks suffers: a name, the byte, the bit."""
    chance = Random(f"{SEED} {share}")
    for number in range(share, FLIPS, DOCKS):
        byte, bit = chance.random(), chance.randrange(8)
        yield f"flip {number}", lambda image, size, byte=byte: int(byte * size), bit  # type: ignore[misc]
    for number, (name, place) in enumerate(EDGES.items()):
        if number % DOCKS == share:
            yield name, place, chance.randrange(8)


@pytest.mark.parametrize("share", range(DOCKS))
def test_one_flipped_bit_after_the_restart_is_a_fail_wherever_it_is(
    furnished: Path, tmp_path: Path, share: int
) -> None:
    bench = Bench.copied(furnished, tmp_path / "bench")
    with line(bench) as made:
        for name, place, bit in random_places(share):
            outcome = made.run(place, bit=bit)

            where = f"{name}: byte {made.saboteur.flipped}, bit {bit}, seed {SEED}; {outcome}"
            assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "E-VERIFY-02"), where
            assert outcome.closed.disposition is Disposition.OPEN

        # The same dock without a saboteur passes: nothing but the flip was in the way.
        assert made.run().verdict is Verdict.PASS
    assert bench.stock() == {
        "FREE": len(TOKENS) - 1,
        **dict.fromkeys(("RESERVED", "SENT", "BURNED"), 0),
        "ACTIVE": 1,
    }


def test_a_bit_flipped_before_the_image_was_started_is_never_a_pass(
    furnished: Path, tmp_path: Path
) -> None:
    bench = Bench.copied(furnished, tmp_path / "bench")
    with line(bench) as made:
        for name, place in EDGES.items():
            outcome = made.run(place, bit=3, before_start=True)

            # The boot loader does not start what is damaged; then there is nothing to read back.
            assert outcome.verdict in {Verdict.FAIL, Verdict.ERROR}, (name, outcome)

        assert made.run().verdict is Verdict.PASS


@pytest.mark.parametrize("seed", range(scaled(ci=3, nightly=20, release=200)))
def test_a_dock_with_bad_flash_fails_at_every_try(
    furnished: Path, tmp_path: Path, seed: int
) -> None:
    bench = Bench.copied(furnished, tmp_path / "bench")
    with line(bench, "bitflip", seed=seed) as made:
        for _ in range(2):
            outcome = made.run()

            assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "E-VERIFY-02"), outcome

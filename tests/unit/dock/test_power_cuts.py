"""Old or new, never a mix: power is cut at and inside every flash operation, and again on the way
back up (promise P6; fault layer L2).

CI sweeps small flashes; STATION_SWEEP=nightly and release take more geometries. Each sweep says
how many cuts it made; what they assert of it adds up to 20,000 and more.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import pytest

from station.dock.boot_state import RECORD_BYTES
from station.dock.flash import Flash, Geometry, PowerCut, PowerLost, Tear
from station.dock.layout import Layout
from station.dock.slots import Slots
from station.domain.errors import ImageRefused
from station.protocol import datastore_group as wire
from tests.unit.dock.sweeps import MORE, tell

_SENT: Final = b"TINY"
_MADE_HERE: Final = b"MADE"


@dataclass(frozen=True)
class Tiny:
    """What `inspect` found in a tiny image."""

    security_counter: int
    made_here: bool


def tiny_image(size_bytes: int, *, counter: int, fill: int, magic: bytes = _SENT) -> bytes:
    """Magic, counter, content, CRC-32."""
    content = bytes((fill + index * 7) % 256 for index in range(size_bytes - 9))
    head = magic + bytes([counter]) + content
    return head + zlib.crc32(head).to_bytes(4, "big")


def inspect(image: memoryview, counter: int) -> Tiny:
    magic = bytes(image[:4])
    if zlib.crc32(image[:-4]) != int.from_bytes(image[-4:], "big"):
        raise ImageRefused("not a tiny image")
    if magic not in {_SENT, _MADE_HERE} or image[4] < counter:
        raise ImageRefused("of nobody, or below the counter")
    return Tiny(image[4], magic == _MADE_HERE)


@dataclass(frozen=True)
class Bench:
    """A geometry, and the two images that take turns on it."""

    slots: int
    sector_bytes: int
    page_bytes: int
    slot_sectors: int
    size_bytes: int
    records_before: int = 0

    @property
    def layout(self) -> Layout:
        return Layout.of(
            slots=self.slots,
            slot_bytes=self.slot_sectors * self.sector_bytes,
            runtime_bytes=0,
            sector_bytes=self.sector_bytes,
        )

    @property
    def geometry(self) -> Geometry:
        return Geometry(self.layout.size_bytes, self.sector_bytes, self.page_bytes)

    @property
    def old(self) -> bytes:
        return tiny_image(self.size_bytes, counter=1, fill=3)

    @property
    def new(self) -> bytes:
        return tiny_image(self.size_bytes - 5, counter=2, fill=90)

    @property
    def made(self) -> bytes:
        """The image the dock makes itself while it keeps the old one."""
        return tiny_image(self.size_bytes - 5, counter=1, fill=90, magic=_MADE_HERE)

    def power(self, cells: bytearray, cut: PowerCut | None = None) -> "Powered":
        return Powered(self, Flash(cells, self.geometry, cut=cut))

    def fresh(self, *, image: bytes | None) -> bytearray:
        """Cells of a dock that keeps `image`, after some more boot records."""
        cells = bytearray(b"\xff" * self.layout.size_bytes)
        if image is not None:
            dock = self.power(cells)
            dock.start()
            dock.replace(image)
        for _ in range(self.records_before):
            dock = self.power(cells)
            dock.start()
            dock.write(self.old, upto=1)
            dock.slots._loader._records.append(dock.slots._loader.state)
        return cells


class Powered:
    """The dock from power-up to power-down; the firmware is not started yet."""

    slots: Slots[Tiny]

    def __init__(self, bench: Bench, flash: Flash) -> None:
        self.bench = bench
        self.flash = flash

    def start(self) -> None:
        self.slots = Slots(self.flash, self.bench.layout, inspect)

    def runs(self) -> bytes | None:
        """The bytes that run."""
        active = self.slots.state().active
        if active is None:
            return None
        area = self.slots.active_area
        return self.flash.view(area.offset_bytes, active.size).tobytes()

    def write(self, image: bytes, *, upto: int | None = None) -> None:
        """Begin, offer blocks, write in odd pieces and out of order, one of them twice."""
        self.slots.begin(wire.Begin(len(image)))
        if upto is not None:
            return
        block = self.bench.sector_bytes
        digests = tuple(
            sha256(image[start : start + block]).digest() for start in range(0, len(image), block)
        )
        held = self.slots.copy(wire.Copy(0, block, digests)).held
        pieces = [
            (start, image[start : start + 37])
            for start in range(0, len(image), 37)
            if not (held[start // block] and held[min(start + 36, len(image) - 1) // block])
        ]
        for start, data in [*pieces[1:], *pieces[:1], *pieces[:1]]:
            self.slots.write(wire.Write(start, data))

    def commit(self, image: bytes) -> None:
        answer = self.slots.commit(wire.Commit(len(image), sha256(image).digest()))
        assert answer.accepted, answer.reason

    def replace(self, image: bytes, told: "Callable[[str], None]" = lambda _: None) -> None:
        """The whole way; `told` hears what the station would have been told."""
        self.write(image)
        told("written")
        self.commit(image)
        told("committed")
        self.slots.restart()
        assert self.runs() == image
        told("on trial")
        self.slots.confirm(wire.Confirm(sha256(image).digest()))
        told("confirmed")
        self.slots.restart()
        assert self.runs() == image

    def make(self, image: bytes, told: "Callable[[str], None]" = lambda _: None) -> None:
        """Replace what runs by an image of the dock's own, as `replace_rom` does."""
        self.slots.replace(image)
        told("marked")
        self.slots.restart()
        told("kept")
        assert self.runs() == image
        assert not self.slots.on_trial


SIZES = [(64, 128), (16, 128), (128, 256), (256, 256)]
"""(page, sector)"""

LENGTHS = {"short": (2, 130), "whole": (2, None), "long": (4, 333)}
"""Slot sectors, image bytes; None for the whole slot."""

FEWER_SIZES = [size for size in SIZES if MORE > 1 or size != (16, 128)]
"""Small pages make three quarters of all operations; the sweeps of sent images have them."""


def benches(slots: int, sizes: Sequence[tuple[int, int]] = SIZES) -> Iterator[Bench]:
    for page_bytes, sector_bytes in sizes:
        for slot_sectors, size_bytes in LENGTHS.values():
            size = min(size_bytes or slot_sectors * sector_bytes, slot_sectors * sector_bytes)
            for more in range(MORE):
                records = more % (2 * sector_bytes // RECORD_BYTES + 1)
                yield Bench(slots, sector_bytes, page_bytes, slot_sectors, size - more, records)


def operations(cells: bytearray, bench: Bench, act: Callable[[Powered], None]) -> int:
    """How many flash operations an act takes on a copy of these cells."""
    dock = bench.power(bytearray(cells))
    act(dock)
    return dock.flash.operations


def started(dock: Powered) -> None:
    dock.start()


Act = Callable[[Powered, Callable[[str], None]], None]
"""Replaces what runs; tells what whoever wanted it would have been told."""


def send(dock: Powered, told: Callable[[str], None] = lambda _: None) -> None:
    dock.replace(dock.bench.new, told)


def make(dock: Powered, told: Callable[[str], None] = lambda _: None) -> None:
    dock.make(dock.bench.made, told)


def sweep(
    cells: bytearray, bench: Bench, replace: Act, allowed: Callable[[list[str]], set[bytes | None]]
) -> int:
    """Replace what runs; cut everywhere, cut again in the recovery; count."""

    def act(dock: Powered, told: list[str]) -> None:
        dock.start()
        replace(dock, told.append)

    cuts = 0
    for operation in range(operations(cells, bench, lambda dock: act(dock, []))):
        for tear in Tear:
            after, told = bytearray(cells), list[str]()
            with pytest.raises(PowerLost):
                act(bench.power(after, PowerCut(operation, tear)), told)
            cuts += 1
            may_run = allowed(told)
            for second in range(operations(after, bench, started)):
                for second_tear in Tear:
                    twice = bytearray(after)
                    with pytest.raises(PowerLost):
                        bench.power(twice, PowerCut(second, second_tear)).start()
                    cuts += 1
                    recovers(twice, bench, replace, may_run)
            recovers(after, bench, replace, may_run)
    return cuts


def recovers(cells: bytearray, bench: Bench, replace: Act, may_run: set[bytes | None]) -> None:
    """The next start runs something allowed, again and again, and the dock can be written."""
    cells = bytearray(cells)
    dock = bench.power(cells)
    dock.start()
    first = dock.runs()
    assert first in may_run
    if not dock.slots.on_trial:
        dock.slots.restart()
        assert dock.runs() == first
    again = bench.power(cells)
    again.start()
    replace(again, lambda _: None)
    assert again.slots.counter == (2 if replace is send else 1)


def test_a_cut_while_an_image_is_replaced_leaves_the_old_or_the_new_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cuts = 0
    for bench in benches(slots=2):

        def allowed(told: list[str], bench: Bench = bench) -> set[bytes | None]:
            if "confirmed" in told:
                return {bench.new}
            if "on trial" in told:
                return {bench.old, bench.new}  # new only if the cut was inside the confirmation
            return {bench.old, bench.new} if "written" in told else {bench.old}

        cuts += sweep(bench.fresh(image=bench.old), bench, send, allowed)

    tell(cuts, "replacing an image in two slots", capsys)
    assert cuts > 7_000


def test_a_cut_while_the_first_image_is_written_leaves_nothing_or_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cuts = 0
    for bench in benches(slots=2):

        def allowed(told: list[str], bench: Bench = bench) -> set[bytes | None]:
            if "confirmed" in told:
                return {bench.new}
            return {None, bench.new} if "written" in told else {None}

        cuts += sweep(bench.fresh(image=None), bench, send, allowed)

    tell(cuts, "the first image", capsys)
    assert cuts > 6_000


def test_a_one_slot_dock_boots_an_image_whole_or_says_that_it_cannot(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cuts = 0
    for bench in benches(slots=1):

        def allowed(told: list[str], bench: Bench = bench) -> set[bytes | None]:
            if "confirmed" in told:
                return {bench.new}
            return {None, bench.new} if "written" in told else {bench.old, None}

        cuts += sweep(bench.fresh(image=bench.old), bench, send, allowed)

    tell(cuts, "replacing an image in the only slot", capsys)
    assert cuts > 7_000


def test_a_cut_while_a_development_dock_replaces_its_image_leaves_the_old_or_the_new_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cuts = 0
    for bench in benches(slots=2, sizes=FEWER_SIZES):

        def allowed(told: list[str], bench: Bench = bench) -> set[bytes | None]:
            if "kept" in told:
                return {bench.made}
            # Old once more, if the cut was between its first start and its confirmation.
            return {bench.old, bench.made}

        cuts += sweep(bench.fresh(image=bench.old), bench, make, allowed)

    tell(cuts, "replacing ROM in two slots", capsys)
    assert cuts > 2_000


def test_a_one_slot_development_dock_boots_an_image_whole_or_says_that_it_cannot(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cuts = 0
    for bench in benches(slots=1, sizes=FEWER_SIZES):

        def allowed(told: list[str], bench: Bench = bench) -> set[bytes | None]:
            if "kept" in told:
                return {bench.made}
            return {None, bench.made} if "marked" in told else {bench.old, None, bench.made}

        cuts += sweep(bench.fresh(image=bench.old), bench, make, allowed)

    tell(cuts, "replacing ROM in the only slot", capsys)
    assert cuts > 2_000

"""Docks small enough to cut the power of thousands of times a second: boot loader and slots over
cells in memory, of any geometry, and sweeps over every cut there is.
"""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from random import Random
from typing import Final

import pytest

from station.dock.flash import Flash, Geometry, PowerCut, PowerLost, Tear
from station.dock.layout import Layout
from station.dock.slots import Slots
from station.domain.errors import ImageRefused
from station.protocol import datastore_group as wire

_SENT: Final = b"TINY"
_MADE_HERE: Final = b"MADE"

Told = Callable[[str], None]
"""Hears what whoever replaces an image would have been told by the dock."""


@dataclass(frozen=True)
class Tiny:
    """What `inspect` found in a tiny image."""

    security_counter: int
    made_here: bool


@cache
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
    """A geometry, and the two images that take turns on it.

    records_before: boot records that are there already. nested: how many cuts of each recovery;
    None for all there are.
    """

    slots: int
    page_bytes: int
    sector_bytes: int
    slot_sectors: int
    size_bytes: int
    erased: int = 0xFF
    records_before: int = 0
    nested: int | None = None

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
        size_bytes = self.layout.size_bytes
        return Geometry(size_bytes, self.sector_bytes, self.page_bytes, self.erased)

    @property
    def piece_bytes(self) -> int:
        """How much is written at once: odd, and not more pieces than a page needs."""
        return max(37, self.size_bytes // 40 | 1)

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
        cells = bytearray([self.erased]) * self.layout.size_bytes
        if image is not None:
            dock = self.power(cells)
            dock.start()
            dock.replace(image)
        for _ in range(self.records_before):
            dock = self.power(cells)
            dock.start()
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
        """The bytes that run; None where the dock says that it is not bootable."""
        active = self.slots.state().active
        if active is None:
            assert self.slots.running.reason
            return None
        area = self.slots.active_area
        return self.flash.view(area.offset_bytes, active.size).tobytes()

    def begin(self, image: bytes) -> None:
        self.slots.begin(wire.Begin(len(image)))

    def write(self, image: bytes) -> None:
        """Begin, offer blocks, write in odd pieces and out of order, one of them twice."""
        self.begin(image)
        block, step = self.bench.sector_bytes, self.bench.piece_bytes
        digests = tuple(
            sha256(image[start : start + block]).digest() for start in range(0, len(image), block)
        )
        held = self.slots.copy(wire.Copy(0, block, digests)).held
        pieces = [
            (start, image[start : start + step])
            for start in range(0, len(image), step)
            if not (held[start // block] and held[(min(start + step, len(image)) - 1) // block])
        ]
        for start, data in [*pieces[1:], *pieces[:1], *pieces[:1]]:
            self.slots.write(wire.Write(start, data))

    def commit(self, image: bytes) -> None:
        answer = self.slots.commit(wire.Commit(len(image), sha256(image).digest()))
        assert answer.accepted, answer.reason

    def replace(self, image: bytes, told: Told = lambda _: None) -> None:
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

    def make(self, image: bytes, told: Told = lambda _: None) -> None:
        """Replace what runs by an image of the dock's own, as `replace_rom` does."""
        self.slots.replace(image)
        told("marked")
        self.slots.restart()
        told("kept")
        assert self.runs() == image
        assert not self.slots.on_trial


Act = Callable[[Powered, Told], None]
"""Replaces what runs."""


def send(dock: Powered, told: Told = lambda _: None) -> None:
    dock.replace(dock.bench.new, told)


def make(dock: Powered, told: Told = lambda _: None) -> None:
    dock.make(dock.bench.made, told)


Allowed = Callable[[list[str]], set[bytes | None]]
"""What may run after a cut, by what had been told; None: nothing, and the dock says so."""


State = tuple[bytes, frozenset[bytes | None]]
"""Digest of the cells, and what may run."""


class Sweep:
    """Every cut of one act on one dock, and cuts of the recovery. cuts: how many were made.

    Cuts that leave the same cells, and allow the same to run, are looked at once.
    """

    def __init__(self, cells: bytearray, bench: Bench, act: Act, allowed: Allowed) -> None:
        self.cuts = 0
        self._cells = cells
        self._bench = bench
        self._act = act
        self._allowed = allowed
        self._cut_again: set[State] = set()
        self._recovered: set[State] = set()
        self._chance = Random(f"{bench}")  # the same cuts at every run

    def run(self) -> int:
        """Make them; how many."""
        whole = self._bench.power(bytearray(self._cells))
        self._go(whole, [])
        for operation in range(whole.flash.operations):
            for tear in Tear:
                cells, told = bytearray(self._cells), list[str]()
                with pytest.raises(PowerLost):
                    self._go(self._bench.power(cells, PowerCut(operation, tear)), told)
                self.cuts += 1
                self._look(cells, frozenset(self._allowed(told)))
        return self.cuts

    def _go(self, dock: Powered, told: list[str]) -> None:
        dock.start()
        self._act(dock, told.append)

    def _look(self, cells: bytearray, may_run: frozenset[bytes | None]) -> None:
        """Nothing but this may run, even if the next start is cut as well."""
        if not _is_new(self._cut_again, cells, may_run):
            return
        for cut in self._nested(cells):
            twice = bytearray(cells)
            with pytest.raises(PowerLost):
                self._bench.power(twice, cut).start()
            self.cuts += 1
            self._recovers(twice, may_run)
        self._recovers(cells, may_run)

    def _nested(self, cells: bytearray) -> Iterator[PowerCut]:
        dock = self._bench.power(bytearray(cells))
        dock.start()
        cuts = [PowerCut(each, tear) for each in range(dock.flash.operations) for tear in Tear]
        most = self._bench.nested
        yield from cuts if most is None or len(cuts) <= most else self._chance.sample(cuts, most)

    def _recovers(self, cells: bytearray, may_run: frozenset[bytes | None]) -> None:
        """The next start runs something allowed, again and again, and the dock can be written."""
        if not _is_new(self._recovered, cells, may_run):
            return
        cells = bytearray(cells)
        dock = self._bench.power(cells)
        dock.start()
        first = dock.runs()
        assert first in may_run
        if not dock.slots.on_trial:
            dock.slots.restart()
            assert dock.runs() == first
        again = self._bench.power(cells)
        again.start()
        self._act(again, lambda _: None)
        assert again.slots.counter == (2 if self._act is send else 1)


def _is_new(seen: set[State], cells: bytearray, may_run: frozenset[bytes | None]) -> bool:
    state = sha256(cells).digest(), may_run
    is_new = state not in seen
    seen.add(state)
    return is_new

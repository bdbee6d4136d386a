"""Simulated NOR flash: cells that only an erase can set again, and power that may go at any time.

Every change of a cell passes through one place, where power can be cut inside the operation and
where stuck cells win. Knows no layout. The cells are any writable buffer: a `bytearray` in a
sweep, a mapped file in the virtual dock, which therefore survives the end of its process as a
chip survives the end of its power.
"""

import fcntl
import mmap
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final, assert_never

from station.domain.errors import OperatorError

SECTOR_BYTES: Final = 4_096
"""Smallest unit that can be erased; usual for serial NOR flash."""

PAGE_BYTES: Final = 256
"""Most bytes one program operation takes; usual for serial NOR flash."""

ERASED: Final = 0xFF


class FlashFileRefused(OperatorError):
    """The flash file is in use, of another size, or cannot be read and written."""

    code = "E-DOCK-01"
    remedy = "Name another flash file, or stop the virtual dock that uses it."


class PowerLost(Exception):
    """The power went inside or before this operation; the flash answers nothing more."""


class Tear(Enum):
    """How much of the operation under way the cells still took when the power went."""

    NOTHING = "0"
    ONE_BYTE = "1"
    HALF = "half"
    ALL_BUT_LAST = "all-but-last"
    ALL = "all"
    """Every cell took it, and nobody was told."""

    def kept(self, size_bytes: int) -> int:
        """How many of the operation's first bytes took effect."""
        match self:
            case Tear.NOTHING:
                return 0
            case Tear.ONE_BYTE:
                return min(1, size_bytes)
            case Tear.HALF:
                return size_bytes // 2
            case Tear.ALL_BUT_LAST:
                return size_bytes - 1
            case Tear.ALL:
                return size_bytes
            case _:
                assert_never(self)


@dataclass(frozen=True, slots=True)
class PowerCut:
    """operation: how many operations still work, counted since the flash was powered."""

    operation: int
    tear: Tear = Tear.NOTHING


@dataclass(frozen=True, slots=True)
class DeadSector:
    """``bad-block@5``: neither an erase nor a program changes a cell of it. sector: from 0, of
    whatever the flash is given to count in (the image slots, for a fault of a dock).
    """

    sector: int


@dataclass(frozen=True, slots=True)
class StuckSector:
    """``no-erase@5``: an erase of it does nothing. sector: as with `DeadSector`."""

    sector: int


@dataclass(frozen=True, slots=True)
class StuckBit:
    """``stuck-bit@70000``, ``stuck-bit@70000.3``: that bit of that byte of the image slots always
    reads 0.
    """

    byte: int
    bit: int = 0


@dataclass(frozen=True, slots=True)
class SlowErase:
    """``slow-erase+2s``, ``slow-erase+2sx3``: every erase, or so many, takes that long.

    count: None for all.
    """

    for_s: float
    count: int | None = None


@dataclass(frozen=True, slots=True)
class StuckBits:
    """Bits of one cell that always read the same. mask: which bits; value: what they read."""

    offset_bytes: int
    mask: int
    value: int


@dataclass(frozen=True, slots=True)
class Geometry:
    """Sizes in bytes; the flash is a whole number of sectors, a sector of pages.

    erased: what an erased cell reads: 0xFF, or 0x00 for flash whose programs set bits.
    """

    size_bytes: int
    sector_bytes: int = SECTOR_BYTES
    page_bytes: int = PAGE_BYTES
    erased: int = ERASED

    def __post_init__(self) -> None:
        if self.page_bytes < 1 or self.sector_bytes % self.page_bytes:
            raise ValueError("a sector is a whole number of pages")
        if self.size_bytes < 1 or self.size_bytes % self.sector_bytes:
            raise ValueError("a flash is a whole number of sectors")
        if self.erased not in {0x00, 0xFF}:
            raise ValueError("an erase sets all bits of a cell, or clears all")


class Flash:
    """NOR flash over `cells`, which must be as large as `geometry` says.

    operations: erased sectors and programmed pages since this object was made, the numbers a
    `PowerCut` counts in. took_time: told of erased sectors and programmed pages once they are.
    bad: sectors that do not do as they are told. Offsets and sizes are in bytes; a range outside
    is a ValueError.
    """

    def __init__(
        self,
        cells: bytearray | mmap.mmap,
        geometry: Geometry,
        *,
        cut: PowerCut | None = None,
        stuck: Iterable[StuckBits] = (),
        bad: Iterable[DeadSector | StuckSector] = (),
    ) -> None:
        if len(cells) != geometry.size_bytes:
            raise ValueError(f"{len(cells)} cells are not {geometry.size_bytes}")
        self.geometry = geometry
        self.operations = 0
        self._cells = memoryview(cells)
        self._cut = cut
        self._stuck = tuple(stuck)
        self._bad = tuple(bad)
        self._powered = True
        self.took_time: Callable[[int, int], object] = _no_time
        self._hold_stuck(0, geometry.size_bytes)

    def view(self, offset_bytes: int, size_bytes: int) -> memoryview:
        """The cells themselves, read-only, without a copy: it shows later changes.

        Raises PowerLost.
        """
        self._demand(offset_bytes, size_bytes)
        return self._cells[offset_bytes : offset_bytes + size_bytes].toreadonly()

    def program(self, offset_bytes: int, data: bytes | memoryview) -> None:
        """Clear bits, page after page: each cell becomes itself AND its byte of `data` (OR, where
        an erase clears). Raises PowerLost.
        """
        self._demand(offset_bytes, len(data))
        before = bytes(self._cells[offset_bytes : offset_bytes + len(data)])
        self._change(offset_bytes, self._both(before, data), erases=False)

    def erase(self, offset_bytes: int, size_bytes: int) -> None:
        """Bring whole sectors, one after the other, to what is erased. Raises PowerLost."""
        self._demand(offset_bytes, size_bytes)
        if offset_bytes % self.geometry.sector_bytes or size_bytes % self.geometry.sector_bytes:
            raise ValueError("only whole sectors can be erased")
        self._change(offset_bytes, self.erased(size_bytes), erases=True)

    def is_erased(self, offset_bytes: int, size_bytes: int) -> bool:
        """Whether a range is. Raises PowerLost."""
        return self.view(offset_bytes, size_bytes).tobytes() == self.erased(size_bytes)

    def erased(self, size_bytes: int) -> bytes:
        """What so many erased cells read."""
        return bytes((self.geometry.erased,)) * size_bytes

    def clear(self, offset_bytes: int, size_bytes: int) -> None:
        """Erase those sectors of a range that need it. Raises PowerLost."""
        sector_bytes = self.geometry.sector_bytes
        for start in range(offset_bytes, offset_bytes + size_bytes, sector_bytes):
            if not self.is_erased(start, sector_bytes):
                self.erase(start, sector_bytes)

    def store(self, offset_bytes: int, data: bytes | memoryview) -> None:
        """Make the cells hold `data`, with as little wear as it takes.

        Nothing where they hold it already, a program where clearing bits is enough, else the
        sector is read, erased and programmed again: a cut in there loses the whole sector.
        Raises PowerLost.
        """
        wanted, end = memoryview(data), offset_bytes + len(data)
        self._demand(offset_bytes, len(data))
        sector_bytes = self.geometry.sector_bytes
        for sector in range(offset_bytes // sector_bytes * sector_bytes, end, sector_bytes):
            here, there = max(offset_bytes, sector), min(end, sector + sector_bytes)
            part = bytes(wanted[here - offset_bytes : there - offset_bytes])
            held = bytes(self._cells[here:there])
            if held == part:
                continue
            if self._both(held, part) == part:
                self._change(here, part, erases=False)
                continue
            content = bytearray(self._cells[sector : sector + sector_bytes])
            content[here - sector : there - sector] = part
            self.erase(sector, sector_bytes)
            self.program(sector, bytes(content))

    def disturb(self, offset_bytes: int, bit: int) -> None:
        """Flip one bit without any operation, as a failing cell does. Raises PowerLost."""
        self._demand(offset_bytes, 1)
        self._cells[offset_bytes] ^= 1 << bit

    def _demand(self, offset_bytes: int, size_bytes: int) -> None:
        if not self._powered:
            raise PowerLost
        if not 0 <= offset_bytes <= offset_bytes + size_bytes <= self.geometry.size_bytes:
            raise ValueError(f"{size_bytes} bytes at {offset_bytes} lie outside the flash")

    def _both(self, before: bytes, data: bytes | memoryview) -> bytes:
        """What a program makes of cells; erased ones, the usual case, take `data` as it is."""
        if before == self.erased(len(before)):
            return bytes(data)
        held, new = int.from_bytes(before, "little"), int.from_bytes(data, "little")
        both = held & new if self.geometry.erased else held | new
        return both.to_bytes(len(before), "little")

    def _change(self, offset_bytes: int, after: bytes, *, erases: bool) -> None:
        """The one place where cells change: `after` in operations of one unit (page or sector).

        A range that begins or ends inside a unit counts it as one operation, as the chip does.
        """
        if not after:
            return
        unit_bytes = self.geometry.sector_bytes if erases else self.geometry.page_bytes
        first = offset_bytes // unit_bytes
        count = (offset_bytes + len(after) - 1) // unit_bytes - first + 1
        kept = len(after)
        if self._cut is not None and self._cut.operation < self.operations + count:
            torn = first + max(0, self._cut.operation - self.operations)
            start = max(offset_bytes, torn * unit_bytes)
            end = min(offset_bytes + len(after), (torn + 1) * unit_bytes)
            kept = start - offset_bytes + self._cut.tear.kept(end - start)
            self._powered = False
        spared = [*self._spared(offset_bytes, kept, erases=erases)]
        self._cells[offset_bytes : offset_bytes + kept] = after[:kept]
        for start, cells in spared:
            self._cells[start : start + len(cells)] = cells
        self._hold_stuck(offset_bytes, kept)
        if not self._powered:
            raise PowerLost
        self.operations += count
        self.took_time(*((count, 0) if erases else (0, count)))

    def _spared(
        self, offset_bytes: int, size_bytes: int, *, erases: bool
    ) -> Iterator[tuple[int, bytes]]:
        """Which cells of a range this operation leaves as they are, and how they are."""
        for bad in self._bad:
            if erases or isinstance(bad, DeadSector):
                sector = bad.sector * self.geometry.sector_bytes
                start = max(offset_bytes, sector)
                end = min(offset_bytes + size_bytes, sector + self.geometry.sector_bytes)
                if start < end:
                    yield start, bytes(self._cells[start:end])

    def _hold_stuck(self, offset_bytes: int, size_bytes: int) -> None:
        for bits in self._stuck:
            if 0 <= bits.offset_bytes - offset_bytes < size_bytes:
                cell = self._cells[bits.offset_bytes]
                self._cells[bits.offset_bytes] = cell & ~bits.mask | bits.value & bits.mask


@contextmanager
def flash_file(path: Path, size_bytes: int) -> Iterator[mmap.mmap]:
    """The cells kept in a file, which is made erased where there is none.

    The file is locked until the block ends: one chip sits in one dock. What still looks at the
    cells then looks at a chip that may sit in another one. Raises FlashFileRefused.
    """
    try:
        if not path.exists():
            _make(path, size_bytes)
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise FlashFileRefused(f"{path}: {error.strerror}") from error
    try:
        yield _locked(descriptor, path, size_bytes)
    finally:
        # The map holds a descriptor of its own, which shares the lock and may live on.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _locked(descriptor: int, path: Path, size_bytes: int) -> mmap.mmap:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        found = os.fstat(descriptor).st_size
        if found != size_bytes:
            raise FlashFileRefused(f"{path}: {found:,} bytes, but this flash has {size_bytes:,}")
        return mmap.mmap(descriptor, size_bytes)
    except BlockingIOError as error:
        raise FlashFileRefused(f"{path}: another virtual dock uses it") from error
    except OSError as error:
        raise FlashFileRefused(f"{path}: {error.strerror}") from error


def _make(path: Path, size_bytes: int) -> None:
    """Make an erased chip; the file appears whole or not at all."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    chunk = bytes((ERASED,)) * 1024 * 1024
    try:
        with fresh.open("xb") as file:
            for start in range(0, size_bytes, len(chunk)):
                file.write(chunk[: size_bytes - start])
        with suppress(FileExistsError):  # somebody else was faster: theirs is as good
            path.hardlink_to(fresh)
    finally:
        fresh.unlink(missing_ok=True)


def _no_time(_sectors: int, _pages: int) -> None:
    """Without a profile, flash is as fast as its computer."""

"""A runtime partition on simulated flash: the adapter, small chips, and what they went through."""

from dataclasses import dataclass, field
from typing import Final

from station.datastore.runtime_format import area_bytes
from station.datastore.runtime_partition import RuntimePartition
from station.dock.flash import Flash, Geometry, PowerCut, StuckBits
from station.dock.layout import Area
from station.domain.entries import Entry, Kind, PictureType

SMALL_BUDGET: Final = 8_192
"""Fits six segments of 4,096 octets."""


@dataclass
class AreaOfFlash:
    """Implements `FlashArea`; counts what is programmed and how often each sector is erased."""

    flash: Flash
    area: Area
    programmed_bytes: int = 0
    erased: dict[int, int] = field(default_factory=dict)
    erased_last: tuple[int, ...] = ()
    """First sector of the erasure that is under way, if one is."""

    @property
    def size_bytes(self) -> int:
        return self.area.size_bytes

    @property
    def sector_bytes(self) -> int:
        return self.flash.geometry.sector_bytes

    def view(self, offset_bytes: int, size_bytes: int) -> memoryview:
        return self.flash.view(self.area.offset_bytes + offset_bytes, size_bytes)

    def program(self, offset_bytes: int, data: bytes | memoryview) -> None:
        self.programmed_bytes += len(data)
        self.flash.program(self.area.offset_bytes + offset_bytes, data)

    def erase(self, offset_bytes: int, size_bytes: int) -> None:
        for sector in range(offset_bytes, offset_bytes + size_bytes, self.sector_bytes):
            self.erased[sector] = self.erased.get(sector, 0) + 1
        self.erased_last = (offset_bytes,)
        self.flash.erase(self.area.offset_bytes + offset_bytes, size_bytes)
        self.erased_last = ()


@dataclass
class Chip:
    """Cells that outlive a power cut; before and behind the partition's area lies somebody else."""

    budget_bytes: int = SMALL_BUDGET
    sector_bytes: int = 512
    page_bytes: int = 64
    stuck: tuple[StuckBits, ...] = ()
    cells: bytearray = field(init=False)
    area: Area = field(init=False)

    def __post_init__(self) -> None:
        size_bytes = area_bytes(self.budget_bytes, self.sector_bytes)
        self.area = Area(self.sector_bytes, size_bytes)
        self.cells = bytearray(b"\xff" * (size_bytes + 2 * self.sector_bytes))
        self.cells[: self.sector_bytes] = self.cells[-self.sector_bytes :] = (
            b"\x5a" * self.sector_bytes
        )

    def power(self, cut: PowerCut | None = None, cells: bytearray | None = None) -> AreaOfFlash:
        """The area, from power-up on."""
        cells = self.cells if cells is None else cells
        geometry = Geometry(len(cells), self.sector_bytes, self.page_bytes)
        return AreaOfFlash(Flash(cells, geometry, cut=cut, stuck=self.stuck), self.area)

    def mount(
        self, cut: PowerCut | None = None, cells: bytearray | None = None
    ) -> RuntimePartition:
        """The partition, from power-up on."""
        return RuntimePartition(self.power(cut, cells), budget_bytes=self.budget_bytes)


def kv(name: str, value: str) -> Entry:
    return Entry(Kind.KV, name, value.encode())


def png(name: str, content: bytes) -> Entry:
    return Entry(Kind.IMG, name, content, PictureType.PNG)


def code(content: bytes) -> Entry:
    return Entry(Kind.CODE, "main.py", content)


Content = dict[tuple[Kind, str], tuple[bytes, PictureType | None]]


def content_of(partition: RuntimePartition) -> Content:
    """Everything it gives. Then it names nothing else: what had rotted, it has found out by now."""
    found: Content = {}
    for kind in Kind:
        for name in partition.names(kind):
            if (entry := partition.get(kind, name)) is not None:
                assert entry.key == (kind, name)
                found[entry.key] = (bytes(entry.data), entry.picture)
    assert found.keys() == {(kind, name) for kind in Kind for name in partition.names(kind)}
    assert all(partition.holds(*key) for key in found)
    return found


def held(*entries: Entry) -> Content:
    """What a partition that holds these gives."""
    return {entry.key: (bytes(entry.data), entry.picture) for entry in entries}

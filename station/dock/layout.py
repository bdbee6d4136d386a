"""Where things lie in the flash of a virtual dock.

Our own layout, not the vendor's (docs/SPEC.md, "Virtual dock"): sector 0 holds what the factory
of the electronics wrote, two sectors the boot state, then come the image slots. What a later
model needs comes behind them, so that a flash made today keeps its places.
"""

from dataclasses import dataclass
from typing import Self

from station.dock.flash import SECTOR_BYTES


@dataclass(frozen=True, slots=True)
class Area:
    """A run of whole sectors."""

    offset_bytes: int
    size_bytes: int

    @property
    def end_bytes(self) -> int:
        """Offset of the first byte behind it."""
        return self.offset_bytes + self.size_bytes


@dataclass(frozen=True, slots=True)
class Layout:
    """boot: the two sectors that take turns. slots: one or two, all of one size."""

    factory: Area
    boot: tuple[Area, Area]
    slots: tuple[Area, ...]

    @classmethod
    def of(cls, *, slots: int, slot_bytes: int, sector_bytes: int = SECTOR_BYTES) -> Self:
        """For `slots` image slots that each take `slot_bytes`, rounded up to whole sectors."""
        if slots not in {1, 2}:
            raise ValueError("a dock has 1 or 2 image slots")
        size_bytes = -(-slot_bytes // sector_bytes) * sector_bytes
        return cls(
            factory=Area(0, sector_bytes),
            boot=(Area(sector_bytes, sector_bytes), Area(2 * sector_bytes, sector_bytes)),
            slots=tuple(
                Area(3 * sector_bytes + index * size_bytes, size_bytes) for index in range(slots)
            ),
        )

    @property
    def size_bytes(self) -> int:
        """Of the whole flash."""
        return self.slots[-1].end_bytes

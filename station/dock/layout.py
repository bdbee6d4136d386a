"""Where things lie in the flash of a virtual dock.

Our own layout, not the vendor's (docs/SPEC.md, "Virtual dock"): sector 0 holds what the factory
of the electronics wrote, two sectors the boot state, then come the image slots, the area of the
runtime partition and the sector of the development key. What a later model needs comes behind
them, so that a flash made today keeps its places.
"""

from dataclasses import dataclass
from typing import Self

from station.datastore.runtime_format import area_bytes
from station.dock.flash import SECTOR_BYTES
from station.domain.profile import Profile


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
    """boot: the two sectors that take turns. slots: one or two, all of one size. runtime: of the
    runtime partition. development: the sector of the development key.
    """

    factory: Area
    boot: tuple[Area, Area]
    slots: tuple[Area, ...]
    runtime: Area
    development: Area

    @classmethod
    def of(
        cls, *, slots: int, slot_bytes: int, runtime_bytes: int, sector_bytes: int = SECTOR_BYTES
    ) -> Self:
        """For `slots` image slots of `slot_bytes` each and a runtime partition that needs
        `runtime_bytes` of flash, both rounded up to whole sectors.
        """
        if slots not in {1, 2}:
            raise ValueError("a dock has 1 or 2 image slots")
        sizes = [
            *(sector_bytes, sector_bytes, sector_bytes),
            *[_whole(slot_bytes, sector_bytes)] * slots,
            *(_whole(runtime_bytes, sector_bytes), sector_bytes),
        ]
        areas = [Area(sum(sizes[:index]), size) for index, size in enumerate(sizes)]
        factory, first, second, *images, runtime, development = areas
        return cls(factory, (first, second), tuple(images), runtime, development)

    @classmethod
    def of_profile(cls, profile: Profile) -> Self:
        """For a dock of this model."""
        return cls.of(
            slots=profile.slots,
            slot_bytes=profile.slot_bytes,
            runtime_bytes=area_bytes(profile.runtime_budget_bytes, SECTOR_BYTES),
        )

    @property
    def size_bytes(self) -> int:
        """Of the whole flash."""
        return self.development.end_bytes


def _whole(size_bytes: int, sector_bytes: int) -> int:
    """Rounded up to whole sectors."""
    return -(-size_bytes // sector_bytes) * sector_bytes

"""The partitions of this dock that can be written: one in its flash, one in its memory."""

from station.datastore.ephemeral import EphemeralPartition
from station.datastore.field_store import WritablePartition
from station.datastore.runtime_partition import RuntimePartition
from station.dock.flash import Flash
from station.dock.layout import Area
from station.domain.profile import Profile


class FlashPart:
    """An area of the flash as if there were nothing else. Implements `FlashArea`.

    Every operation may raise PowerLost.
    """

    def __init__(self, flash: Flash, area: Area) -> None:
        self._flash = flash
        self._area = area

    @property
    def size_bytes(self) -> int:
        """See `FlashArea`."""
        return self._area.size_bytes

    @property
    def sector_bytes(self) -> int:
        """See `FlashArea`."""
        return self._flash.geometry.sector_bytes

    def view(self, offset_bytes: int, size_bytes: int) -> memoryview:
        """See `FlashArea`."""
        return self._flash.view(self._inside(offset_bytes, size_bytes), size_bytes)

    def program(self, offset_bytes: int, data: bytes | memoryview) -> None:
        """See `FlashArea`."""
        self._flash.program(self._inside(offset_bytes, len(data)), data)

    def erase(self, offset_bytes: int, size_bytes: int) -> None:
        """See `FlashArea`."""
        self._flash.erase(self._inside(offset_bytes, size_bytes), size_bytes)

    def _inside(self, offset_bytes: int, size_bytes: int) -> int:
        """Where it lies in the flash. Raises ValueError outside the area."""
        if not 0 <= offset_bytes <= offset_bytes + size_bytes <= self._area.size_bytes:
            raise ValueError(f"{size_bytes} bytes at {offset_bytes} lie outside the area")
        return self._area.offset_bytes + offset_bytes


def open_runtime(flash: Flash, area: Area, profile: Profile) -> WritablePartition:
    """As the flash holds it. Raises PowerLost."""
    return RuntimePartition(FlashPart(flash, area), budget_bytes=profile.runtime_budget_bytes)


def open_ephemeral(profile: Profile) -> WritablePartition:
    """A new and empty one."""
    return EphemeralPartition(budget_bytes=profile.ephemeral_budget_bytes)

"""One image on its way into a slot: what is there already, what is written, what must be cleared.

A slot is not erased at once: a block the slot still holds from an interrupted write, and proves
by its digest, need not travel again. Whatever was neither held nor written by the time of the
commit is erased, so nothing of an older image stays behind a new one.
"""

from hashlib import sha256

from station.dock.flash import Flash
from station.dock.layout import Area


class BadRange(ValueError):
    """A range that does not lie within the image being written."""


class SlotWriter:
    """Writes an image of `size_bytes` into the slot at `area`.

    Offsets are in bytes from the start of the slot. done_bytes: held and written so far, what was
    sent twice counted twice. Every method may raise PowerLost.
    """

    def __init__(self, flash: Flash, area: Area, size_bytes: int) -> None:
        if not 0 < size_bytes <= area.size_bytes:
            raise BadRange(f"{size_bytes:,} bytes do not fit a slot of {area.size_bytes:,}")
        self.size_bytes = size_bytes
        self.done_bytes = 0
        self._flash = flash
        self._area = area
        self._sector_bytes = flash.geometry.sector_bytes
        self._ours = bytearray(area.size_bytes // self._sector_bytes)

    def hold(self, offset_bytes: int, digest: bytes, size_bytes: int, source: Area | None) -> bool:
        """Whether the slot now holds the block with this digest: still, or copied from `source`.

        source: the slot of the active image; None where there is none.
        """
        self._demand(offset_bytes, size_bytes)
        if not self._proves(self._area, offset_bytes, size_bytes, digest):
            if source is None or not self._proves(source, offset_bytes, size_bytes, digest):
                return False
            self._put(
                offset_bytes,
                self._flash.view(source.offset_bytes + offset_bytes, size_bytes),
            )
            if not self._proves(self._area, offset_bytes, size_bytes, digest):
                return False
        self._claim(offset_bytes, size_bytes, erase=False)
        self.done_bytes += size_bytes
        return True

    def write(self, offset_bytes: int, data: bytes | memoryview) -> None:
        """Make the slot hold `data` there. Raises BadRange."""
        self._demand(offset_bytes, len(data))
        self._put(offset_bytes, data)
        self.done_bytes += len(data)

    def finish(self) -> None:
        """Erase what this image did not bring, to the end of the slot."""
        for sector, ours in enumerate(self._ours):
            if not ours:
                self._flash.clear(
                    self._area.offset_bytes + sector * self._sector_bytes, self._sector_bytes
                )
        rest = -self.size_bytes % self._sector_bytes
        self._flash.store(self._area.offset_bytes + self.size_bytes, self._flash.erased(rest))

    def _put(self, offset_bytes: int, data: bytes | memoryview) -> None:
        self._claim(offset_bytes, len(data), erase=True)
        self._flash.store(self._area.offset_bytes + offset_bytes, data)

    def _claim(self, offset_bytes: int, size_bytes: int, *, erase: bool) -> None:
        """From now on these sectors are of this image. erase: what they held before is not."""
        first = offset_bytes // self._sector_bytes
        for sector in range(first, -(-(offset_bytes + size_bytes) // self._sector_bytes)):
            if not self._ours[sector]:
                self._ours[sector] = True
                if erase:
                    self._flash.clear(
                        self._area.offset_bytes + sector * self._sector_bytes, self._sector_bytes
                    )

    def _proves(self, area: Area, offset_bytes: int, size_bytes: int, digest: bytes) -> bool:
        cells = self._flash.view(area.offset_bytes + offset_bytes, size_bytes)
        return sha256(cells).digest() == digest

    def _demand(self, offset_bytes: int, size_bytes: int) -> None:
        if not 0 <= offset_bytes <= offset_bytes + size_bytes <= self.size_bytes:
            raise BadRange(f"{size_bytes} bytes at {offset_bytes} lie outside the image")

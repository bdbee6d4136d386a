"""What the runtime partition needs of a flash chip: one area of it, and three operations.

Whoever owns the chip hands in an object of this shape; nothing here knows which one, or what lies
beside the area.
"""

from typing import Protocol


class FlashArea(Protocol):
    """Part of a NOR flash: erased octets are FF, programming clears bits, erasing sets them.

    Offsets are octets from the start of the area, which is a whole number of sectors. Programming
    the same cells again clears more of their bits. Power may go inside any operation: of a program
    some octets may then be there, of an erase some may be gone. What the object raises when it
    does, or when the chip cannot be used at all, passes through everything built on it.
    """

    @property
    def size_bytes(self) -> int:
        """Of the area."""

    @property
    def sector_bytes(self) -> int:
        """What one erase takes at least."""

    def view(self, offset_bytes: int, size_bytes: int) -> memoryview:
        """The cells, read-only; a later change may show in it."""

    def program(self, offset_bytes: int, data: bytes | memoryview) -> None:
        """Make each cell itself AND its octet of `data`. No cell outside the range changes."""

    def erase(self, offset_bytes: int, size_bytes: int) -> None:
        """Set every bit of whole sectors."""

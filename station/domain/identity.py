"""Who is who: dock ids and label serials, parsed once at the door."""

import re
from dataclasses import dataclass
from typing import Final, Self

from station.domain.errors import BadScan

_DOCK_ID: Final = re.compile(r"[0-9A-Fa-f]{64}")
_SERIAL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class DockId:
    """The hardware identity a dock reports (hw in the ledger): 32 octets."""

    octets: bytes

    def __post_init__(self) -> None:
        if len(self.octets) != 32:
            raise ValueError("a dock id has 32 octets")

    @classmethod
    def parse(cls, text: str) -> Self:
        """From 64 hexadecimal characters of either case. Raises BadScan."""
        if _DOCK_ID.fullmatch(text.strip()) is None:
            raise BadScan(
                "a dock id has 64 hexadecimal characters", remedy="Copy the dock id whole."
            )
        return cls(bytes.fromhex(text.strip()))

    def __str__(self) -> str:
        return self.octets.hex().upper()


@dataclass(frozen=True, slots=True)
class Serial:
    """The serial on a unit's label: 1 to 64 of ``A-Z a-z 0-9 . _ -``, no separator first."""

    text: str

    def __post_init__(self) -> None:
        if _SERIAL.fullmatch(self.text) is None:
            raise ValueError("not a serial")

    @classmethod
    def parse(cls, text: str) -> Self:
        """From scanned or typed text, one line only. Raises BadScan."""
        if _SERIAL.fullmatch(text.strip()) is None:
            raise BadScan(f"{text.strip()[:40]!r} is not a serial")
        return cls(text.strip())

    def __str__(self) -> str:
        return self.text

"""Module `monitor`: what a monitor says of itself, read from its EDID.

`edid_of` is the other way: the EDID of a scripted monitor. A base block has 13 characters for the
name and 12 bits for a resolution; a monitor of more says so in extensions that the SDK does not
read, and so a scripted one is cut to what fits.
Source: dock-sdk.md, 2.4; VESA E-EDID standard, release A, revision 2, section 3.
"""

from typing import Final

from station.domain.scenario import MonitorModel
from station.rehearsal.sdk.arguments import octets
from station.rehearsal.sdk.names import Names

_HEADER: Final = bytes.fromhex("00 FF FF FF FF FF FF 00")
_BLOCK_BYTES: Final = 128
_SERIAL_NUMBER: Final = slice(12, 16)
_DESCRIPTORS: Final = tuple(range(54, 126, 18))
"""Where the four descriptors of 18 octets begin; the first is the preferred timing."""

_NAME_DESCRIPTOR: Final = bytes.fromhex("00 00 00 FC 00")
_NAME_CHARACTERS: Final = 13
_PIXELS_MAX: Final = 4_095


class Monitor:
    """`monitor.Monitor`. Of an EDID that is not valid, everything else is empty."""

    def __init__(self, edid: object) -> None:
        """Take an EDID, extensions included or not. Raises TypeError."""
        data = octets(edid, "edid")
        self._base = data[:_BLOCK_BYTES] if _is_valid(data) else b""

    def valid(self) -> bool:
        """Whether it was an EDID: header, length, checksum, a preferred timing."""
        return bool(self._base)

    def name(self) -> str:
        """As its maker calls it; empty where he does not."""
        for at in _DESCRIPTORS[1:] if self._base else ():
            descriptor = self._base[at : at + 18]
            if descriptor.startswith(_NAME_DESCRIPTOR):
                letters, _, _ = descriptor[5:].partition(b"\n")
                return letters.decode("ascii", "replace").rstrip()
        return ""

    def preferred_mode(self) -> tuple[int, int]:
        """Width and height in pixels."""
        if not self._base:
            return 0, 0
        timing = self._base[_DESCRIPTORS[0] :]
        width = timing[2] | (timing[4] & 0xF0) << 4
        return width, timing[5] | (timing[7] & 0xF0) << 4

    def serial_number(self) -> int:
        """The four octets of it as a number."""
        return int.from_bytes(self._base[_SERIAL_NUMBER], "little")


def monitor_names() -> Names:
    """Of module `monitor`."""
    return {"Monitor": Monitor}


def edid_of(model: MonitorModel | None) -> bytes:
    """What the display channel of an output gives; nothing where nothing is attached."""
    if model is None:
        return b""
    block = bytearray(_BLOCK_BYTES)
    block[:8] = _HEADER
    block[_SERIAL_NUMBER] = model.serial_number.to_bytes(4, "little")
    block[18:20] = 1, 4  # version
    width, height = min(model.width, _PIXELS_MAX), min(model.height, _PIXELS_MAX)
    timing = _DESCRIPTORS[0]
    block[timing : timing + 2] = (14_850).to_bytes(2, "little")  # 10 kHz; a clock marks a timing
    block[timing + 2] = width & 0xFF
    block[timing + 4] = width >> 4 & 0xF0
    block[timing + 5] = height & 0xFF
    block[timing + 7] = height >> 4 & 0xF0
    name = model.name.encode("ascii", "replace")[:_NAME_CHARACTERS]
    if len(name) < _NAME_CHARACTERS:
        name = (name + b"\n").ljust(_NAME_CHARACTERS)
    block[_DESCRIPTORS[1] : _DESCRIPTORS[2]] = _NAME_DESCRIPTOR + name
    for at in _DESCRIPTORS[2:]:
        block[at + 3] = 0x10  # an empty descriptor
    block[-1] = -sum(block) & 0xFF
    return bytes(block)


def _is_valid(data: bytes) -> bool:
    base = data[:_BLOCK_BYTES]
    return (
        len(data) >= _BLOCK_BYTES
        and len(data) % _BLOCK_BYTES == 0
        and base.startswith(_HEADER)
        and sum(base) % 256 == 0
        and base[_DESCRIPTORS[0] : _DESCRIPTORS[0] + 2] != b"\0\0"
    )

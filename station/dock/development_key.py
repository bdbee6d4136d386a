"""The key a development dock seals its own images with: made on first use, told to nobody.

One sector, written once. It lies outside the image slots, so no command of the wire reaches it.
Source: docs/SPEC.md, "Development key".
"""

import zlib
from collections.abc import Callable
from typing import Final

from station.dock.boot_state import FlashFailed
from station.dock.flash import Flash
from station.dock.layout import Area

KEY_BYTES: Final = 32

_MAGIC: Final = b"DEV1"
_RECORD_BYTES: Final = len(_MAGIC) + KEY_BYTES + 4
"""Magic, key, and the CRC-32 of both, little-endian."""


class DevelopmentKey:
    """The sector at `area`. Any method may raise PowerLost."""

    def __init__(self, flash: Flash, area: Area) -> None:
        self._flash = flash
        self._area = area

    @property
    def octets(self) -> bytes | None:
        """None where there is none, or none whole: then nothing was ever sealed with it."""
        record = self._flash.view(self._area.offset_bytes, _RECORD_BYTES).tobytes()
        content, crc = record[:-4], record[-4:]
        if not content.startswith(_MAGIC) or zlib.crc32(content).to_bytes(4, "little") != crc:
            return None
        return content[len(_MAGIC) :]

    def made(self, chance: Callable[[int], bytes]) -> bytes:
        """The key; where there is none, made of `chance` and kept before this returns.

        chance: that many random octets. Raises FlashFailed.
        """
        if (found := self.octets) is not None:
            return found
        content = _MAGIC + chance(KEY_BYTES)
        self._flash.clear(self._area.offset_bytes, self._area.size_bytes)
        self._flash.program(
            self._area.offset_bytes, content + zlib.crc32(content).to_bytes(4, "little")
        )
        if (kept := self.octets) is None:
            raise FlashFailed("the flash does not keep the development key")
        return kept

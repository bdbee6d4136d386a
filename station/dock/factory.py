"""What the factory of the electronics left in a dock: who it is, its key, and whether it is closed.

One sector, written once; a device key has its second half. The lock is a cell of its own in it:
clearing its bits needs no erase, and nothing in the firmware ever erases this sector again.
Source: docs/SPEC.md, "Virtual dock".
"""

import struct
import zlib
from dataclasses import dataclass
from typing import Final, Self

from station.dock import device_key
from station.dock.device_key import DeviceKey
from station.dock.flash import Flash, FlashFileRefused
from station.dock.layout import Area
from station.domain import canonical_json
from station.domain.errors import DocumentRefused
from station.domain.identity import DockId, Serial

_HEAD: Final = struct.Struct("<4sII")
"""Magic, length of the content, its CRC-32."""

_MAGIC: Final = b"FAC1"
_LOCKED: Final = 0x00


@dataclass(frozen=True, slots=True)
class FactoryInfo:
    """label: the serial on the dock's label. model, hardware, product: as the dock reports them."""

    dock_id: DockId
    label: Serial
    model: str
    hardware: str
    product: str

    def encode(self) -> bytes:
        """Canonical JSON."""
        return canonical_json.encode(
            {
                "dock_id": str(self.dock_id),
                "hardware": self.hardware,
                "label": self.label.text,
                "model": self.model,
                "product": self.product,
            }
        )

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """From `encode`'s bytes. Raises DocumentRefused for anything else."""
        match canonical_json.decode(content):
            case {
                "dock_id": str(dock_id),
                "hardware": str(hardware),
                "label": str(label),
                "model": str(model),
                "product": str(product),
            }:
                return cls(DockId.parse(dock_id), Serial.parse(label), model, hardware, product)
        raise DocumentRefused("not factory information")


class FactorySector:
    """The sector at `area`. Any method may raise PowerLost."""

    def __init__(self, flash: Flash, area: Area) -> None:
        self._flash = flash
        self._area = area

    @property
    def info(self) -> FactoryInfo | None:
        """None on a chip that has not been through the factory (or not to the end)."""
        sector = self._flash.view(self._area.offset_bytes, self._area.size_bytes).tobytes()
        magic, size_bytes, crc = _HEAD.unpack_from(sector)
        content = sector[_HEAD.size :][:size_bytes]
        if magic != _MAGIC or zlib.crc32(content) != crc:
            return None
        return FactoryInfo.decode(content)

    @property
    def locked(self) -> bool:
        """Whether the dock is closed; looks at the cell itself."""
        return self._flash.view(self._lock_bytes, 1)[0] == _LOCKED

    @property
    def device_key(self) -> DeviceKey | None:
        """None on a dock that was made without one."""
        cells = self._flash.view(self._key_bytes, self._area.end_bytes - self._key_bytes)
        return device_key.decode(cells.tobytes())

    def install(self, info: FactoryInfo, key: DeviceKey | None = None) -> None:
        """Write `info` and `key` into a new chip; a chip that has them already is left alone.

        key: None to leave a new chip without one. Raises FlashFileRefused where the chip is another
        dock's, or was made with another key.
        """
        if (found := self.info) is None:
            content = info.encode()
            record = _HEAD.pack(_MAGIC, len(content), zlib.crc32(content)) + content
            kept = b"" if key is None else device_key.encode(key)
            room = self._area.size_bytes // (2 if kept else 1)
            if max(len(record), len(kept)) >= room:
                raise FlashFileRefused("the factory information does not fit its sector")
            self._flash.clear(self._area.offset_bytes, self._area.size_bytes)
            # The key first: a chip that says who it is has all that it was made with.
            if kept:
                self._flash.program(self._key_bytes, kept)
            self._flash.program(self._area.offset_bytes, record)
        elif found == info and key not in {None, self.device_key}:
            raise FlashFileRefused(f"this flash of {found.label} was made with another device key")
        elif found != info:
            raise FlashFileRefused(
                f"this flash is of dock {found.dock_id} ({found.label}, {found.model}"
                f" {found.hardware}, {found.product})"
            )

    def lock(self) -> None:
        """Close the dock for good."""
        if not self.locked:
            self._flash.program(self._lock_bytes, bytes((_LOCKED,)))

    @property
    def _key_bytes(self) -> int:
        return self._area.offset_bytes + self._area.size_bytes // 2

    @property
    def _lock_bytes(self) -> int:
        return self._area.end_bytes - 1

"""How the pixels of a `FrameBuffer` lie in its octets, format by format.

Coordinates are inside the buffer here; whoever draws has clipped before.
Source: dock-sdk.md, 2.7; MicroPython's documentation of `framebuf`.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Protocol


class Format(IntEnum):
    """The constants of module `framebuf`, with MicroPython's values."""

    MONO_VLSB = 0
    RGB565 = 1
    GS4_HMSB = 2
    MONO_HLSB = 3
    MONO_HMSB = 4
    GS2_HMSB = 5
    GS8 = 6


class Layout(Protocol):
    """A format. stride: pixels from one line to the next."""

    def stride(self, wanted: int) -> int:
        """The least that is possible and not less than `wanted`."""

    def size_bytes(self, width: int, height: int, stride: int) -> int:
        """Octets of a buffer, the last line no longer than it must be."""

    def get(self, data: memoryview, stride: int, x: int, y: int) -> int:
        """The colour of a pixel."""

    def set(self, data: memoryview, stride: int, x: int, y: int, colour: int) -> None:
        """Give a pixel a colour; bits that the format does not have are lost."""

    def run(self, data: memoryview, stride: int, x: int, y: int, width: int, colour: int) -> None:
        """Give pixels of one line a colour."""


@dataclass(frozen=True, slots=True)
class Packed:
    """Pixels of `bits` side by side in an octet, the leftmost in the highest bits or the lowest."""

    bits: int
    leftmost_high: bool

    def stride(self, wanted: int) -> int:
        """See `Layout`."""
        per_octet = 8 // self.bits
        return -(-wanted // per_octet) * per_octet

    def size_bytes(self, width: int, height: int, stride: int) -> int:
        """See `Layout`."""
        return ((height - 1) * stride + self.stride(width)) * self.bits // 8

    def get(self, data: memoryview, stride: int, x: int, y: int) -> int:
        """See `Layout`."""
        index, shift = self._place(stride, x, y)
        return data[index] >> shift & self._mask

    def set(self, data: memoryview, stride: int, x: int, y: int, colour: int) -> None:
        """See `Layout`."""
        index, shift = self._place(stride, x, y)
        data[index] = data[index] & ~(self._mask << shift) | self._bits(colour) << shift

    def run(self, data: memoryview, stride: int, x: int, y: int, width: int, colour: int) -> None:
        """See `Layout`."""
        per_octet = 8 // self.bits
        end = x + width
        while x < end and (x % per_octet or end - x < per_octet):
            self.set(data, stride, x, y, colour)
            x += 1
        whole = (end - x) // per_octet
        if whole:
            begin = (x + y * stride) // per_octet
            octet = self._bits(colour) * (0xFF // self._mask)
            data[begin : begin + whole] = bytes((octet,)) * whole
            self.run(data, stride, x + whole * per_octet, y, (end - x) % per_octet, colour)

    @property
    def _mask(self) -> int:
        return (1 << self.bits) - 1

    def _bits(self, colour: int) -> int:
        """In black and white, every colour but 0 is white."""
        return int(colour != 0) if self.bits == 1 else colour & self._mask

    def _place(self, stride: int, x: int, y: int) -> tuple[int, int]:
        index, within = divmod((x + y * stride) * self.bits, 8)
        return index, 8 - self.bits - within if self.leftmost_high else within


@dataclass(frozen=True, slots=True)
class Columns:
    """Black and white, eight pixels below each other in an octet, the uppermost in the lowest."""

    def stride(self, wanted: int) -> int:
        """See `Layout`."""
        return wanted

    def size_bytes(self, width: int, height: int, stride: int) -> int:
        """See `Layout`."""
        return (-(-height // 8) - 1) * stride + width

    def get(self, data: memoryview, stride: int, x: int, y: int) -> int:
        """See `Layout`."""
        return data[(y >> 3) * stride + x] >> (y & 7) & 1

    def set(self, data: memoryview, stride: int, x: int, y: int, colour: int) -> None:
        """See `Layout`."""
        index, shift = (y >> 3) * stride + x, y & 7
        data[index] = data[index] & ~(1 << shift) | int(colour != 0) << shift

    def run(self, data: memoryview, stride: int, x: int, y: int, width: int, colour: int) -> None:
        """See `Layout`."""
        for column in range(x, x + width):
            self.set(data, stride, column, y, colour)


@dataclass(frozen=True, slots=True)
class Words:
    """Colours of 16 bits, the low octet first, as on every processor a dock may have."""

    def stride(self, wanted: int) -> int:
        """See `Layout`."""
        return wanted

    def size_bytes(self, width: int, height: int, stride: int) -> int:
        """See `Layout`."""
        return 2 * ((height - 1) * stride + width)

    def get(self, data: memoryview, stride: int, x: int, y: int) -> int:
        """See `Layout`."""
        at = 2 * (x + y * stride)
        return data[at] | data[at + 1] << 8

    def set(self, data: memoryview, stride: int, x: int, y: int, colour: int) -> None:
        """See `Layout`."""
        self.run(data, stride, x, y, 1, colour)

    def run(self, data: memoryview, stride: int, x: int, y: int, width: int, colour: int) -> None:
        """See `Layout`."""
        at = 2 * (x + y * stride)
        data[at : at + 2 * width] = (colour & 0xFFFF).to_bytes(2, "little") * width


LAYOUTS: Final[dict[int, Layout]] = {
    Format.MONO_VLSB: Columns(),
    Format.MONO_HLSB: Packed(1, leftmost_high=True),
    Format.MONO_HMSB: Packed(1, leftmost_high=False),
    Format.GS2_HMSB: Packed(2, leftmost_high=False),
    Format.GS4_HMSB: Packed(4, leftmost_high=True),
    Format.GS8: Packed(8, leftmost_high=True),
    Format.RGB565: Words(),
}

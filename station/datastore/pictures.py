"""Which picture a file is, and how large: by its own bytes, never by its name.

Strict enough that a cut, mislabelled or damaged export is found at the desk and not on the line.
Decodes no pixel. Sources: PNG specification (W3C, third edition), sections 5 and 11; Windows
bitmaps as in [MS-WMF] 2.2.2; JPEG as in ITU-T T.81, annex B.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final
from zlib import crc32

from station.domain.entries import PictureType
from station.domain.errors import PictureRefused

DIMENSION_MAX: Final = 16_384
"""Widest and highest picture; eight times any screen of the dock, and safe to decode."""


@dataclass(frozen=True, slots=True)
class Picture:
    """width, height: in pixels, 1 to `DIMENSION_MAX`."""

    type: PictureType
    width: int
    height: int


def recognise(file: bytes | bytearray | memoryview) -> Picture:
    """The picture in a whole file.

    Raises PictureRefused where it is none of ours, is cut short or damaged, or is too large.
    """
    data = memoryview(file).cast("B").toreadonly()
    type_ = _signed_as(bytes(data[:_SIGNATURE_MAX_BYTES]))
    try:
        width, height = _MEASURES[type_](data)
    except struct.error as error:
        raise PictureRefused(f"the {type_} file is cut short") from error
    if not (1 <= width <= DIMENSION_MAX and 1 <= height <= DIMENSION_MAX):
        raise PictureRefused(
            f"the {type_} file has {width}x{height} pixels; 1 to {DIMENSION_MAX} each are accepted"
        )
    return Picture(type_, width, height)


def _signed_as(start: bytes) -> PictureType:
    for type_, signature in _SIGNATURES.items():
        if start.startswith(signature):
            return type_
    raise PictureRefused("neither PNG, BMP nor JPEG")


# -- PNG -----------------------------------------------------------------------------------------

_PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_PNG_HEADER: Final = struct.Struct(">IIBBBBB")
_PNG_DEPTHS: Final = {0: {1, 2, 4, 8, 16}, 2: {8, 16}, 3: {1, 2, 4, 8}, 4: {8, 16}, 6: {8, 16}}
"""Colour type to the bit depths allowed with it (table 11.1)."""


def _png(data: memoryview) -> tuple[int, int]:
    chunks = _png_chunks(data)
    kind, header = next(chunks)
    if kind != b"IHDR" or len(header) != _PNG_HEADER.size:
        raise PictureRefused("the PNG file does not begin with its header")
    width, height, depth, colour, compression, filtering, interlace = _PNG_HEADER.unpack(header)
    if depth not in _PNG_DEPTHS.get(colour, ()) or (compression, filtering) != (0, 0):
        raise PictureRefused("the PNG header names a pixel format that does not exist")
    if interlace > 1:
        raise PictureRefused("the PNG header names an interlace method that does not exist")
    kinds = [kind for kind, _ in chunks]
    if b"IDAT" not in kinds or b"IHDR" in kinds:
        raise PictureRefused("the PNG file has no pixels, or two headers")
    return width, height


def _png_chunks(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Type and content of every chunk; the last is IEND, and nothing follows it."""
    at, kind = len(_PNG_SIGNATURE), b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at)
        (checksum,) = struct.unpack_from(">I", data, at + 8 + length)
        if crc32(data[at + 4 : at + 8 + length]) != checksum:
            raise PictureRefused("the PNG file is damaged: a checksum is wrong")
        yield kind, data[at + 8 : at + 8 + length]
        at += 12 + length
    if at != len(data):
        raise PictureRefused("the PNG file goes on behind its end")


# -- BMP -----------------------------------------------------------------------------------------

_BMP_SIGNATURE: Final = b"BM"
_BMP_FILE_HEADER_BYTES: Final = 14
_BMP_CORE: Final = struct.Struct("<HHHH")
_BMP_INFO: Final = struct.Struct("<iiHHII")
_BMP_CORE_BYTES: Final = 12
_BMP_INFO_BYTES: Final = frozenset({40, 52, 56, 64, 108, 124})
"""Sizes that tell the later headers apart: all begin with the fields of the one of 40."""

_BMP_PLAIN: Final = 0
_BMP_DEPTHS: Final = {0: {1, 4, 8, 16, 24, 32}, 1: {8}, 2: {4}, 3: {16, 32}, 6: {16, 32}}
"""Compression (none, run lengths twice, bit fields twice) to the bits per pixel it goes with.
JPEG and PNG inside a BMP are for printers and refused."""

_BMP_RUN_LENGTHS: Final = frozenset({1, 2})


def _bmp(data: memoryview) -> tuple[int, int]:
    # The file size in bytes 2 to 5 is wrong in too many files to mean anything.
    pixels_at, header_bytes = struct.unpack_from("<II", data, 10)
    compression, pixel_bytes = _BMP_PLAIN, 0
    if header_bytes == _BMP_CORE_BYTES:
        width, height, planes, depth = _BMP_CORE.unpack_from(data, 18)
    elif header_bytes in _BMP_INFO_BYTES:
        fields = _BMP_INFO.unpack_from(data, 18)
        width, height, planes, depth, compression, pixel_bytes = fields
    else:
        raise PictureRefused("the BMP file has a header of unknown size")
    if planes != 1 or depth not in _BMP_DEPTHS.get(compression, ()):
        raise PictureRefused("the BMP header names a pixel format that the dock does not take")
    if compression not in _BMP_RUN_LENGTHS:
        height = abs(height)  # negative: the first row is the top one
        pixel_bytes = (width * depth + 31) // 32 * 4 * height
    if pixels_at < _BMP_FILE_HEADER_BYTES + header_bytes or not pixel_bytes:
        raise PictureRefused("the BMP file has no pixels")
    if pixels_at + pixel_bytes > len(data):
        raise PictureRefused("the BMP file is cut short")
    return width, height


# -- JPEG ----------------------------------------------------------------------------------------

_JPEG_SIGNATURE: Final = b"\xff\xd8\xff"
_JPEG_END: Final = b"\xff\xd9"
_JPEG_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Start-of-frame markers: C4, C8 and CC are tables and a reserved code (table B.1)."""

_JPEG_SCAN: Final = 0xDA
_JPEG_STANDALONE: Final = frozenset({0x01, *range(0xD0, 0xDA)})
"""Markers without a segment; none may stand before the frame."""


def _jpeg(data: memoryview) -> tuple[int, int]:
    if bytes(data[-2:]) != _JPEG_END:
        raise PictureRefused("the JPEG file is cut short, or goes on behind its end")
    size: tuple[int, int] | None = None
    for marker, segment in _jpeg_segments(data):
        if marker in _JPEG_FRAMES:
            if size is not None:
                raise PictureRefused("the JPEG file has two frames")
            _, height, width, components = struct.unpack_from(">BHHB", segment)
            if len(segment) != 6 + 3 * components:
                raise PictureRefused("the JPEG frame has another length than it says")
            size = width, height
    if size is None:
        raise PictureRefused("the JPEG file has no frame before its pixels")
    return size


def _jpeg_segments(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Marker and content of every segment up to the first scan."""
    at, marker = 2, 0
    while marker != _JPEG_SCAN:
        prefix, marker = struct.unpack_from(">BB", data, at)
        if prefix != 0xFF or marker in _JPEG_STANDALONE or marker == 0:
            raise PictureRefused("the JPEG file is damaged: a marker is missing")
        if marker == 0xFF:  # a marker may be preceded by fill bytes (B.1.1.2)
            at += 1
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        if length < 2 or at + 2 + length > len(data):
            raise PictureRefused("the JPEG file is cut short")
        yield marker, data[at + 4 : at + 2 + length]
        at += 2 + length


_SIGNATURES: Final = {
    PictureType.PNG: _PNG_SIGNATURE,
    PictureType.BMP: _BMP_SIGNATURE,
    PictureType.JPEG: _JPEG_SIGNATURE,
}
_SIGNATURE_MAX_BYTES: Final = max(map(len, _SIGNATURES.values()))

_MEASURES: Final[dict[PictureType, Callable[[memoryview], tuple[int, int]]]] = {
    PictureType.PNG: _png,
    PictureType.BMP: _bmp,
    PictureType.JPEG: _jpeg,
}

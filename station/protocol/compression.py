"""Compressed data of a message: it inflates alone, to exactly the length it says, or not at all.

No message needs another to be inflated, so that each may be sent again or come out of order. What
a stranger sent is bounded before room is made for it.
Source: RFC 1950; the LZ4 block format (lz4/doc/lz4_Block_format.md); docs/SPEC.md, "Compression".
"""

import zlib
from enum import StrEnum
from typing import Final

import lz4.block

INFLATED_BYTES_MAX: Final = 16_384
"""Most bytes one message inflates to: four sectors of common flash."""

ZLIB_LEVEL: Final = 6
LZ4_LEVEL: Final = 9
"""As high as a core compresses several times faster than a full-speed line carries."""


class Method(StrEnum):
    """Ways to compress; the value is the spelling on the wire."""

    ZLIB = "zlib"
    """RFC 1950, no preset dictionary: a window of up to 32 KiB to inflate."""

    LZ4 = "lz4"
    """One LZ4 block without a frame around it: nothing but the output buffer to inflate."""


class NotInflated(ValueError):
    """Data that is not the compressed form of as many bytes as it says."""


def deflated(method: Method, data: bytes | memoryview) -> bytes:
    """The compressed form of `data`, alone."""
    match method:
        case Method.ZLIB:
            return zlib.compress(data, ZLIB_LEVEL)
        case Method.LZ4:
            packed: bytes = lz4.block.compress(
                data, mode="high_compression", compression=LZ4_LEVEL, store_size=False
            )
            return packed


def inflated(method: Method, data: bytes | memoryview, size: int) -> bytes:
    """The `size` bytes that `data` stands for.

    Raises NotInflated for data of another length or form, with anything behind its end, and for a
    size beyond `INFLATED_BYTES_MAX`. Makes room for one byte more than `size` at most.
    """
    if not 0 < size <= INFLATED_BYTES_MAX:
        raise NotInflated(f"{size} bytes are not inflated at once")
    match method:
        case Method.ZLIB:
            return _from_zlib(data, size)
        case Method.LZ4:
            return _from_lz4(data, size)


def _from_zlib(data: bytes | memoryview, size: int) -> bytes:
    inflater = zlib.decompressobj()
    try:
        # One byte more than may come, so that the stream's end is seen with room left over.
        plain = inflater.decompress(data, size + 1)
    except zlib.error as error:
        raise NotInflated("no zlib stream") from error
    if not inflater.eof or len(plain) != size:
        raise NotInflated(f"not {size} bytes")
    if inflater.unused_data:
        raise NotInflated("something behind the end")
    return plain


def _from_lz4(data: bytes | memoryview, size: int) -> bytes:
    try:
        plain: bytes = lz4.block.decompress(data, uncompressed_size=size)
    except lz4.block.LZ4BlockError as error:
        raise NotInflated("no LZ4 block of this size") from error
    if len(plain) != size:
        raise NotInflated(f"not {size} bytes")
    return plain

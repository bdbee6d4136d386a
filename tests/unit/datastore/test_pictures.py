from contextlib import suppress
from io import BytesIO
from struct import pack, pack_into
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from station.datastore.pictures import DIMENSION_MAX, Picture, recognise
from station.domain.entries import PictureType
from station.domain.errors import PictureRefused

TYPES = {PictureType.PNG: "PNG", PictureType.BMP: "BMP", PictureType.JPEG: "JPEG"}
MODES = {
    PictureType.PNG: ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"],
    PictureType.BMP: ["1", "L", "P", "RGB", "RGBA"],
    PictureType.JPEG: ["L", "RGB", "CMYK"],
}


def drawn(
    type_: PictureType, mode: str = "RGB", width: int = 19, height: int = 7, **options: object
) -> bytes:
    file = BytesIO()
    Image.new(mode, (width, height)).save(file, TYPES[type_], **options)
    return file.getvalue()


def refuse(data: bytes) -> str:
    with pytest.raises(PictureRefused) as refused:
        recognise(data)
    return refused.value.cause


@pytest.mark.parametrize(("type_", "mode"), [(t, m) for t, modes in MODES.items() for m in modes])
def test_what_another_program_drew_is_recognised(type_: PictureType, mode: str) -> None:
    assert recognise(drawn(type_, mode)) == Picture(type_, 19, 7)


@given(st.sampled_from(PictureType), st.integers(1, 300), st.integers(1, 300))
def test_dimensions_are_read_as_drawn(type_: PictureType, width: int, height: int) -> None:
    assert recognise(drawn(type_, "L", width, height)) == Picture(type_, width, height)


def test_a_progressive_jpeg_and_an_interlaced_png_are_recognised() -> None:
    png = bytearray(drawn(PictureType.PNG))
    png[28] = 1
    pack_into(">I", png, 29, crc32(png[12:29]))

    assert recognise(drawn(PictureType.JPEG, progressive=True)).type is PictureType.JPEG
    assert recognise(png).type is PictureType.PNG


def test_any_buffer_will_do() -> None:
    data = drawn(PictureType.PNG)

    assert recognise(bytearray(data)) == recognise(memoryview(data)) == recognise(data)


@pytest.mark.parametrize("data", [b"", b"\x89PN", b"GIF89a", b"RIFF....WEBP", b"<svg/>"])
def test_another_file_is_refused(data: bytes) -> None:
    assert refuse(data) == "neither PNG, BMP nor JPEG"


@pytest.mark.parametrize("type_", PictureType)
def test_a_file_cut_anywhere_is_refused(type_: PictureType) -> None:
    data = drawn(type_)
    for size in range(len(data)):
        refuse(data[:size])


@given(st.sampled_from(PictureType), st.data())
def test_damage_is_refused_or_read_but_never_an_accident(
    type_: PictureType, data: st.DataObject
) -> None:
    file = bytearray(drawn(type_))
    for _ in range(data.draw(st.integers(1, 4))):
        file[data.draw(st.integers(0, min(len(file), 200) - 1))] = data.draw(st.integers(0, 255))
    with suppress(PictureRefused):
        recognise(file)


# -- PNG -----------------------------------------------------------------------------------------


def chunk(kind: bytes, body: bytes) -> bytes:
    return pack(">I", len(body)) + kind + body + pack(">I", crc32(kind + body))


def png(*chunks: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def ihdr(
    width: int = 1,
    height: int = 1,
    depth: int = 8,
    colour: int = 0,
    compression: int = 0,
    filtering: int = 0,
    interlace: int = 0,
) -> bytes:
    return chunk(
        b"IHDR", pack(">IIBBBBB", width, height, depth, colour, compression, filtering, interlace)
    )


IDAT, IEND = chunk(b"IDAT", b"pixels"), chunk(b"IEND", b"")


def test_any_flipped_byte_of_a_png_is_refused() -> None:
    data = drawn(PictureType.PNG)
    for at in range(len(data)):
        refuse(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (png(IDAT, IEND), "begin with its header"),
        (png(IEND), "begin with its header"),
        (png(chunk(b"IHDR", bytes(14)), IDAT, IEND), "begin with its header"),
        (png(ihdr(), IEND), "no pixels"),
        (png(ihdr(), ihdr(), IDAT, IEND), "two headers"),
        (png(ihdr(), IDAT), "cut short"),
        (png(ihdr(), IDAT, IEND) + b"\n", "behind its end"),
        (png(ihdr(depth=3), IDAT, IEND), "pixel format"),
        (png(ihdr(colour=2, depth=4), IDAT, IEND), "pixel format"),
        (png(ihdr(colour=5), IDAT, IEND), "pixel format"),
        (png(ihdr(compression=1), IDAT, IEND), "pixel format"),
        (png(ihdr(filtering=1), IDAT, IEND), "pixel format"),
        (png(ihdr(interlace=2), IDAT, IEND), "interlace"),
        (png(ihdr(width=0), IDAT, IEND), "0x1 pixels"),
        (png(ihdr(height=0), IDAT, IEND), "1x0 pixels"),
        (png(ihdr(width=DIMENSION_MAX + 1), IDAT, IEND), "16385x1 pixels"),
        (png(ihdr(height=DIMENSION_MAX + 1), IDAT, IEND), "1x16385 pixels"),
    ],
)
def test_a_png_that_is_none_is_refused(data: bytes, cause: str) -> None:
    assert cause in refuse(data)


def test_the_largest_picture_is_recognised() -> None:
    data = png(ihdr(DIMENSION_MAX, DIMENSION_MAX), IDAT, IEND)

    assert recognise(data) == Picture(PictureType.PNG, DIMENSION_MAX, DIMENSION_MAX)


# -- BMP -----------------------------------------------------------------------------------------


def bmp(header: bytes, pixels: bytes, *, at: int | None = None) -> bytes:
    start = 14 + len(header) if at is None else at
    return b"BM" + pack("<IHHI", 0, 0, 0, start) + header + pixels


def info(
    width: int = 3,
    height: int = 2,
    planes: int = 1,
    depth: int = 24,
    compression: int = 0,
    size: int = 0,
    header_bytes: int = 40,
) -> bytes:
    fields = pack("<IiiHHII", header_bytes, width, height, planes, depth, compression, size)
    return fields.ljust(header_bytes, b"\0")


@pytest.mark.parametrize(
    "data",
    [
        bmp(pack("<IHHHH", 12, 3, 2, 1, 24), bytes(24)),
        *(bmp(info(header_bytes=size), bytes(24)) for size in (40, 52, 56, 64, 108, 124)),
        bmp(info(height=-2), bytes(24)),
        bmp(info(depth=1), bytes(8)),
        bmp(info(depth=32, compression=3), bytes(12) + bytes(24), at=66),
        bmp(info(depth=8, compression=1, size=4), b"\3\0\0\1"),
        bmp(info(depth=4, compression=2, size=4), b"\3\0\0\1"),
    ],
)
def test_every_variant_of_a_bmp_is_recognised(data: bytes) -> None:
    assert recognise(data) == Picture(PictureType.BMP, 3, 2)
    assert refuse(data[:-1]) == "the BMP file is cut short"


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (bmp(info(header_bytes=41), bytes(24)), "unknown size"),
        (bmp(info(planes=2), bytes(24)), "pixel format"),
        (bmp(info(depth=15), bytes(24)), "pixel format"),
        (bmp(info(depth=0, compression=4, size=24), bytes(24)), "pixel format"),
        (bmp(info(depth=24, compression=1, size=24), bytes(24)), "pixel format"),
        (bmp(info(depth=8, compression=1, size=0), bytes(24)), "no pixels"),
        (bmp(info(width=0), bytes(24)), "no pixels"),
        (bmp(info(height=0), bytes(24)), "no pixels"),
        (bmp(info(), bytes(24), at=53), "no pixels"),
        (bmp(info(width=-3), bytes(24)), "-3x2 pixels"),
        (bmp(info(height=-2, depth=8, compression=1, size=4), bytes(4)), "3x-2 pixels"),
    ],
)
def test_a_bmp_that_is_none_is_refused(data: bytes, cause: str) -> None:
    assert cause in refuse(data)


# -- JPEG ----------------------------------------------------------------------------------------


def segment(marker: int, body: bytes) -> bytes:
    return pack(">BBH", 0xFF, marker, 2 + len(body)) + body


def frame(marker: int = 0xC0, width: int = 3, height: int = 2, components: int = 1) -> bytes:
    return segment(marker, pack(">BHHB", 8, height, width, components) + bytes(3 * components))


def jpeg(*segments: bytes) -> bytes:
    return b"\xff\xd8" + b"".join(segments) + b"pixels\xff\xd9"


SCAN = segment(0xDA, bytes(6))


@pytest.mark.parametrize("marker", [*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC)])
def test_every_frame_of_a_jpeg_is_recognised(marker: int) -> None:
    assert recognise(jpeg(frame(marker), SCAN)) == Picture(PictureType.JPEG, 3, 2)


def test_fill_bytes_before_a_marker_are_allowed() -> None:
    assert recognise(jpeg(segment(0xE0, b"JFIF"), b"\xff\xff" + frame(), SCAN)).width == 3


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (jpeg(frame(), SCAN)[:-1], "cut short"),
        (jpeg(frame(), SCAN) + b"\0", "behind its end"),
        (jpeg(SCAN), "no frame"),
        (jpeg(frame(0xC4), SCAN), "no frame"),
        (jpeg(frame(), frame(), SCAN), "two frames"),
        (jpeg(segment(0xC0, pack(">BHHB", 8, 2, 3, 3) + bytes(3)), SCAN), "another length"),
        (jpeg(segment(0xC0, b"8"), SCAN), "cut short"),
        (jpeg(frame(), b"\xff\x00"), "marker is missing"),
        (jpeg(frame(), b"\xff\xd0"), "marker is missing"),
        (jpeg(b"\xff\xe0\0\1", SCAN), "cut short"),
        (jpeg(b"\xff\xe0\xff\xff", SCAN), "cut short"),
        (jpeg(frame()), "marker is missing"),
        (jpeg(frame(height=0), SCAN), "3x0 pixels"),
    ],
)
def test_a_jpeg_that_is_none_is_refused(data: bytes, cause: str) -> None:
    assert cause in refuse(data)

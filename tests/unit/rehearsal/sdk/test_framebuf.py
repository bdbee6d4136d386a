"""Module `framebuf` (dock-sdk.md, 2.7): what MicroPython draws, pixel for pixel."""

import json
from dataclasses import astuple
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from station.rehearsal.sdk import letters
from tests.unit.rehearsal.sdk.desk import module
from tests.unit.rehearsal.sdk.drawings import FORMATS, PERFORM, SEEDS, drawing

GOLDEN = json.loads(Path(__file__).with_name("micropython_drawings.json").read_text())

FRAMEBUF = module("framebuf")
NAMES = ("GS2_HMSB", "GS4_HMSB", "GS8", "MONO_HLSB", "MONO_HMSB", "MONO_VLSB", "RGB565")


def perform(*one: Any) -> bytearray:
    names: dict[str, Any] = {"framebuf": FRAMEBUF}
    exec(PERFORM.replace("import framebuf", ""), names)
    buffer: bytearray = names["perform"](*one)
    return buffer


def picture(width: int, height: int, form: int = 6) -> tuple[Any, bytearray]:
    """A FrameBuffer, one octet for each pixel unless said otherwise, and what it draws into."""
    buffer = bytearray(2 * width * height + 8)
    return FRAMEBUF.FrameBuffer(buffer, width, height, form), buffer


def rows(frame: Any, width: int, height: int) -> list[str]:
    """What was drawn, for people."""
    return ["".join("#" if frame.pixel(x, y) else "." for x in range(width)) for y in range(height)]


@pytest.mark.parametrize("seed", SEEDS)
def test_2_7_a_drawing_by_chance_is_the_one_micropython_makes(seed: int) -> None:
    digest = sha256(perform(*astuple(drawing(seed)))).hexdigest()

    assert digest == GOLDEN[seed], f"drawing({seed})"


def test_2_7_the_constants_are_micropythons() -> None:
    assert {name: getattr(FRAMEBUF, name) for name in NAMES} == {
        "MONO_VLSB": 0,
        "RGB565": 1,
        "GS4_HMSB": 2,
        "MONO_HLSB": 3,
        "MONO_HMSB": 4,
        "GS2_HMSB": 5,
        "GS8": 6,
    }


@pytest.mark.parametrize(
    ("name", "octets", "read"),
    [
        ("MONO_VLSB", "00 00 00 08 00 00 00 00 00 00", 1),
        ("MONO_HLSB", "00 00 00 00 00 00 10 00", 1),
        ("MONO_HMSB", "00 00 00 00 00 00 08 00", 1),
        ("GS2_HMSB", "00 00 00 00 00 00 00 00 00 C0 00 00", 3),
        ("GS4_HMSB", "00" * 16 + "0F 00 00 00", 15),
        ("GS8", "00" * 33 + "0F" + "00" * 6, 15),
        ("RGB565", "00 00" * 33 + "0F 00" + "00 00" * 6, 15),
    ],
)
def test_2_7_a_pixel_lies_where_the_format_says(name: str, octets: str, read: int) -> None:
    expected = bytes.fromhex(octets)
    buffer = bytearray(len(expected))
    frame = FRAMEBUF.FrameBuffer(buffer, 10, 4, getattr(FRAMEBUF, name))
    frame.pixel(3, 3, 15)

    assert buffer == expected
    assert frame.pixel(3, 3) == read


@pytest.mark.parametrize("form", FORMATS)
def test_2_7_what_lies_outside_is_not_drawn_and_reads_as_none(form: int) -> None:
    frame, buffer = picture(5, 3, form)
    for place in ((-1, 0), (0, -1), (5, 0), (0, 3)):
        frame.pixel(*place, 1)
        assert frame.pixel(*place) is None

    assert buffer == bytes(len(buffer))


def test_2_7_a_frame_can_lie_in_a_larger_one_by_its_stride() -> None:
    buffer = bytearray(20)
    frame = FRAMEBUF.FrameBuffer(memoryview(buffer)[6:], 2, 2, FRAMEBUF.GS8, 5)
    frame.fill(9)

    assert buffer == bytes(6) + b"\x09\x09" + bytes(3) + b"\x09\x09" + bytes(7)


@pytest.mark.parametrize(
    ("name", "size_bytes"),
    [
        ("MONO_VLSB", 20),
        ("MONO_HLSB", 18),
        ("MONO_HMSB", 18),
        ("GS2_HMSB", 27),
        ("GS4_HMSB", 45),
        ("GS8", 90),
        ("RGB565", 180),
    ],
)
def test_2_7_a_buffer_holds_every_pixel(name: str, size_bytes: int) -> None:
    form = getattr(FRAMEBUF, name)
    FRAMEBUF.FrameBuffer(bytearray(size_bytes), 10, 9, form).fill(1)
    with pytest.raises(ValueError):
        FRAMEBUF.FrameBuffer(bytearray(size_bytes - 1), 10, 9, form)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((bytes(100), 10, 10, 6), TypeError),
        (("text", 10, 10, 6), TypeError),
        ((None, 10, 10, 6), TypeError),
        ((bytearray(100), 10, 10, 7), ValueError),
        ((bytearray(100), 10, 10, "GS8"), TypeError),
        ((bytearray(100), 0, 10, 6), ValueError),
        ((bytearray(100), 10, 0, 6), ValueError),
        ((bytearray(100), 10, 0x10000, 6), ValueError),
        ((bytearray(100), 10, 10, 6, 9), ValueError),
        ((bytearray(100), 10, 10, 6, 0x10000), ValueError),
        ((bytearray(100), 10.0, 10, 6), TypeError),
        ((bytearray(100), 10, 10), TypeError),
    ],
)
def test_2_7_what_is_no_frame_is_refused(arguments: tuple[Any, ...], error: type) -> None:
    with pytest.raises(error):
        FRAMEBUF.FrameBuffer(*arguments)


def test_2_7_the_parts_of_a_frame_have_places_and_no_names() -> None:
    with pytest.raises(TypeError):
        FRAMEBUF.FrameBuffer(bytearray(4), width=2, height=2, format=6)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("fill", (1.5,)),
        ("pixel", ("0", 0)),
        ("pixel", (0, 0, "1")),
        ("hline", (0, 0, 1.0, 1)),
        ("text", (5, 0, 0)),
        ("text", ("a", 0, None)),
        ("poly", (0, 0, [0, 0, 1, 1], 1)),
        ("poly", (0, 0, None, 1)),
        ("blit", (bytearray(4), 0, 0)),
        ("scroll", (1.0, 0)),
        ("line", (0, 0, 1, 1)),
    ],
)
def test_2_7_what_is_no_number_no_text_and_no_buffer_is_a_type_error(
    name: str, arguments: tuple[Any, ...]
) -> None:
    frame, _ = picture(4, 4)
    with pytest.raises(TypeError):
        getattr(frame, name)(*arguments)


def test_2_7_a_palette_is_a_frame() -> None:
    frame, _ = picture(4, 4)
    with pytest.raises(TypeError):
        frame.blit(frame, 0, 0, -1, [0, 1])


def test_2_7_a_colour_the_palette_lacks_is_its_first() -> None:
    frame, _ = picture(4, 1)
    source, _ = picture(1, 1)
    palette, _ = picture(2, 1)
    source.pixel(0, 0, 77)
    frame.fill(5)
    frame.blit(source, 0, 0, -1, palette)

    assert [frame.pixel(x, 0) for x in range(4)] == [0, 5, 5, 5]


@pytest.mark.parametrize("name", ["fill_rect", "stride", "width", "buffer"])
def test_2_7_what_is_not_documented_is_not_there(name: str) -> None:
    assert not hasattr(picture(1, 1)[0], name)


def test_2_7_a_driver_may_be_a_subclass_with_names_of_its_own() -> None:
    class Display(FRAMEBUF.FrameBuffer):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            self._data = self._canvas = self.buffer = bytearray(8)
            super().__init__(self.buffer, 8, 8, FRAMEBUF.MONO_VLSB)

    display = Display()
    display.hline(0, 0, 8, 1)

    assert display.buffer == b"\1" * 8


def test_2_7_a_rectangle_can_be_filled() -> None:
    outline, _ = picture(6, 5)
    filled, _ = picture(6, 5)
    outline.rect(1, 1, 4, 3, 1)
    filled.rect(1, 1, 4, 3, 1, True)

    assert rows(outline, 6, 5) == ["......", ".####.", ".#..#.", ".####.", "......"]
    assert rows(filled, 6, 5) == ["......", ".####.", ".####.", ".####.", "......"]


@pytest.mark.parametrize(("mask", "dots"), [(0b1111, 1), (0b0001, 1), (0b1000, 1), (0, 0)])
@pytest.mark.parametrize("filled", [False, True])
def test_2_7_the_smallest_ellipse_is_a_dot(mask: int, dots: int, filled: bool) -> None:
    frame, buffer = picture(5, 5)
    frame.ellipse(2, 2, 0, 0, 1, filled, mask)

    assert sum(buffer) == dots
    assert frame.pixel(2, 2) == dots


# -- letters -------------------------------------------------------------------------------------


def test_2_7_letters_have_cells_of_eight_pixels() -> None:
    frame, _ = picture(16, 8)
    frame.text("Ag", 0, 0, 3)

    assert rows(frame, 16, 8) == [
        "...#............",
        "..#.#...........",
        ".#...#....####..",
        ".#...#...#...#..",
        ".#####...#...#..",
        ".#...#....####..",
        ".#...#.......#..",
        "..........###...",
    ]
    assert frame.pixel(3, 0) == 3


def test_2_7_the_colour_of_letters_is_1_unless_it_is_said() -> None:
    frame, buffer = picture(8, 8)
    frame.text("x", 0, 0)

    assert set(buffer) == {0, 1}


def test_2_7_letters_are_clipped_at_every_side() -> None:
    frame, _ = picture(8, 8)
    whole, _ = picture(24, 24)
    whole.text("Wg", 4, 5)
    frame.text("Wg", -4, -3)

    assert rows(frame, 8, 8) == [row[8:16] for row in rows(whole, 24, 24)[8:16]]


def test_2_7_a_letter_there_is_none_of_is_a_box_for_each_of_its_octets() -> None:
    box, _ = picture(16, 8)
    letter, _ = picture(16, 8)
    box.text("\x7f\x7f", 0, 0)
    letter.text("ä", 0, 0)

    assert rows(letter, 16, 8) == rows(box, 16, 8)


def test_2_7_text_ends_at_a_nul() -> None:
    frame, buffer = picture(16, 8)
    frame.text("\0x", 0, 0)

    assert buffer == bytes(len(buffer))


def test_every_letter_of_ascii_is_drawn_and_differs_from_every_other() -> None:
    assert len(letters.COLUMNS) == len(set(letters.COLUMNS)) == 96
    assert letters.COLUMNS[0] == bytes(8)
    assert {len(columns) for columns in letters.COLUMNS} == {8}
    assert all(columns[0] == columns[6] == columns[7] == 0 for columns in letters.COLUMNS)

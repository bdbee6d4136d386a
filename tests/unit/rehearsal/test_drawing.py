"""What a splash looks like, and that the process which draws it cannot do harm or stay."""

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QBuffer, QByteArray, QIODevice
from PySide6.QtGui import QColor, QImage, QPainter

from station.bootstrap.rehearsal import drawing, renderer_command
from station.domain.entries import PictureType
from station.domain.errors import ScreenNotDrawn
from station.domain.splash import (
    HEIGHT,
    MARKUP_CHARACTERS_MAX,
    WIDTH,
    Alignment,
    Background,
    Splash,
    TextBox,
)
from station.rehearsal import renderer
from station.rehearsal.drawing import PNG_BYTES_MAX, Drawing
from station.rehearsal.renderer import BASE_PX, TRACE_MARGIN, draw

BLACK = 0x000000
RED, GREEN, BLUE = 0xFF0000, 0x008000, 0x0000FF

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture(name="draws")
def _draws() -> Iterator[Drawing]:
    made = drawing()
    yield made
    made.close()


def picture(
    kind: PictureType, colour: int = RED, size: tuple[int, int] = (WIDTH, HEIGHT), alpha: int = 255
) -> bytes:
    """A file of one colour whose left half is this opaque; the right half is blue and opaque."""
    image = QImage(*size, QImage.Format.Format_ARGB32)
    left = QColor(colour)
    left.setAlpha(alpha)
    image.fill(left)
    painter = QPainter(image)
    painter.fillRect(size[0] // 2, 0, size[0], size[1], QColor(BLUE))
    painter.end()
    octets = QByteArray()
    buffer = QBuffer(octets)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    assert image.save(buffer, kind, 95)  # type: ignore[call-overload]
    return bytes(octets.data())


def shown(splash: Splash) -> QImage:
    image = QImage.fromData(draw(splash))
    assert (image.width(), image.height()) == (WIDTH, HEIGHT)
    return image


def colour(image: QImage, x: int, y: int) -> int:
    return image.pixel(x, y) & 0xFFFFFF


def inked(image: QImage, ground: int = BLACK) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of everything that is not ground; all 0 where nothing is."""
    octets, row_bytes = bytes(image.constBits()), 4 * WIDTH
    plain = int.from_bytes((ground | 0xFF000000).to_bytes(4, "little") * WIDTH, "little")
    rows = (octets[at : at + row_bytes] for at in range(0, len(octets), row_bytes))
    differing = {
        y: row for y, octets in enumerate(rows) if (row := int.from_bytes(octets, "little") ^ plain)
    }
    if not differing:
        return 0, 0, 0, 0
    left = min((row & -row).bit_length() - 1 for row in differing.values()) // 32
    right = max(row.bit_length() - 1 for row in differing.values()) // 32
    return left, min(differing), right + 1, max(differing) + 1


def part(image: QImage, top: int, bottom: int) -> QImage:
    """These rows, on a screen of their own."""
    return image.copy(0, top, WIDTH, bottom - top).copy(0, 0, WIDTH, HEIGHT)


# -- the background --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "stated"),
    [
        (PictureType.PNG, PictureType.PNG),
        (PictureType.BMP, PictureType.BMP),
        (PictureType.JPEG, None),
        (PictureType.PNG, None),
    ],
)
def test_a_background_of_each_type_fills_the_screen(
    kind: PictureType, stated: PictureType | None
) -> None:
    image = shown(Splash(Background(picture(kind), stated)))
    near = 2 if kind is PictureType.JPEG else 0

    for (x, y), wanted in {
        (0, 0): RED,
        (900, 1079): RED,
        (1000, 0): BLUE,
        (1919, 1079): BLUE,
    }.items():
        found = colour(image, x, y)
        assert all(
            abs((found >> shift & 255) - (wanted >> shift & 255)) <= near for shift in (0, 8, 16)
        )


@pytest.mark.parametrize("size", [(64, 64), (640, 1080), (2560, 1440), (1920, 1)], ids=str)
def test_a_background_of_another_size_is_stretched_over_the_screen(size: tuple[int, int]) -> None:
    image = shown(Splash(Background(picture(PictureType.PNG, size=size), None)))

    assert [colour(image, x, y) for x in (0, 1919) for y in (0, 1079)] == [RED, RED, BLUE, BLUE]


def test_a_transparent_background_lies_on_black() -> None:
    image = shown(Splash(Background(picture(PictureType.PNG, alpha=0), None)))

    assert (colour(image, 100, 500), colour(image, 1800, 500)) == (BLACK, BLUE)


@pytest.mark.parametrize(
    "background",
    [
        Background(b"GIF89a", None),
        Background(picture(PictureType.PNG)[:-20], None),
        Background(picture(PictureType.PNG), PictureType.BMP),
        Background(picture(PictureType.JPEG), PictureType.PNG),
        Background(picture(PictureType.PNG, size=(16_000, 1_100)), None),
    ],
    ids=["no picture", "cut", "PNG as BMP", "JPEG as PNG", "bomb"],
)  # fmt: skip
def test_what_cannot_be_decoded_leaves_the_screen_black_and_the_text_on_it(
    background: Background,
) -> None:
    text = (TextBox("Dock", 100, 100),)

    assert draw(Splash(background, text)) == draw(Splash(None, text))
    assert draw(Splash(background)) != draw(Splash(background, text))


# -- text ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("alignment", "share"),
    [(Alignment.LEFT, 0.0), (Alignment.MIDDLE, 0.5), (Alignment.RIGHT, 1.0)],
)
def test_text_stands_at_its_x_by_its_alignment_and_below_its_y(
    alignment: Alignment, share: float
) -> None:
    left, top, right, bottom = inked(shown(Splash(None, (TextBox("HHHH", 960, 500, alignment),))))

    assert pytest.approx(left + share * (right - left), abs=6) == 960
    assert 500 < top < bottom < 500 + 1.25 * BASE_PX


def test_every_line_is_aligned_by_itself() -> None:
    lines = shown(Splash(None, (TextBox("HHHHHHHH\nH", 960, 500, Alignment.RIGHT),)))
    upper, lower = inked(part(lines, 0, 546)), inked(part(lines, 547, HEIGHT))

    assert upper[2] == pytest.approx(lower[2], abs=1)
    assert upper[0] < lower[0]


def test_a_box_without_a_place_stands_in_the_middle() -> None:
    for alignment in Alignment:
        left, top, right, bottom = inked(
            shown(Splash(None, (TextBox("HHHHHHHH\nHHHHHHHH", None, None, alignment),)))
        )

        assert (left + right) / 2 == pytest.approx(WIDTH / 2, abs=3)
        assert (top + bottom) / 2 == pytest.approx(HEIGHT / 2, abs=6)


def test_later_boxes_lie_over_earlier_ones_and_over_the_background() -> None:
    ground = Background(picture(PictureType.PNG), None)
    boxes = tuple(
        TextBox(f'<span size="400pt" background="{name}"> </span>', 0, 0)
        for name in ("red", "green")
    )

    assert colour(shown(Splash(ground, boxes)), 100, 300) == GREEN


@pytest.mark.parametrize(
    ("plain", "marked"),
    [
        ("Dock", "<b>Dock</b>"),
        ("Dock", "<i>Dock</i>"),
        ("Dock", "<u>Dock</u>"),
        ("Dock", "<s>Dock</s>"),
        ("Dock", "<tt>Dock</tt>"),
        ("Dock", "<sup>Dock</sup>"),
        ("<sup>Dock</sup>", "<sub>Dock</sub>"),
        ("Dock", '<span size="large">Dock</span>'),
        ("Dock", '<span color="red">Dock</span>'),
        ("Dock", '<span background="red">Dock</span>'),
    ],
)
def test_every_style_makes_a_difference(plain: str, marked: str) -> None:
    assert draw(Splash(None, (TextBox(plain, 9, 9),))) != draw(
        Splash(None, (TextBox(marked, 9, 9),))
    )


def test_a_style_begins_and_ends_at_its_letters_whatever_stands_before() -> None:
    """Positions are counted in UTF-16 by the one side and in characters by the other."""
    marked = '\U0001f600\U0001f600<span background="red">HH</span>\U0001f600'
    image = shown(Splash(None, (TextBox(marked, 100, 500),)))
    reds = [x for x in range(WIDTH) if colour(image, x, 505) == RED]
    left, _, right, _ = inked(image)

    assert reds == list(range(reds[0], reds[-1] + 1))
    assert left + 40 < reds[0] < reds[-1] < right - 15
    assert reds[-1] - reds[0] == pytest.approx(60, abs=8)


@pytest.mark.parametrize(
    "boxes",
    [
        (TextBox("x" * MARKUP_CHARACTERS_MAX, 10, 10),),
        (TextBox("\n" * MARKUP_CHARACTERS_MAX, 10, 10),),
        (TextBox('<span size="999999999">' + "W" * 1_000 + "</span>", 0, 0),),
        (TextBox("far", -(1 << 40), 1 << 40), TextBox("away", 1 << 40, -(1 << 40))),
        (TextBox("\0\ud800\x1b[2J\t\u202e\u0300" * 100),),
        (TextBox(""),),
    ],
    ids=["long", "high", "large", "far", "odd", "empty"],
)
def test_whatever_an_application_writes_is_drawn_or_runs_off(boxes: tuple[TextBox, ...]) -> None:
    sign = TextBox("still here", 960, 900, Alignment.MIDDLE)
    image = shown(Splash(None, (*boxes, sign)))

    assert inked(part(image, 895, 955)) != (0, 0, 0, 0)


# -- a trace ---------------------------------------------------------------------------------------

TRACE = 'Traceback (most recent call last):\n  File "main.py", line 3, in <module>\nKeyError: tag\n'


def test_a_trace_stands_in_place_of_everything_else() -> None:
    only = draw(Splash(trace=TRACE))
    background = Background(picture(PictureType.PNG), None)

    assert draw(Splash(background, (TextBox("Dock"),), TRACE)) == only
    left, top, _, _ = inked(QImage.fromData(only), renderer.TRACE_GROUND)
    assert abs(left - TRACE_MARGIN) <= 4
    assert abs(top - TRACE_MARGIN) <= 12


@pytest.mark.parametrize(
    "trace",
    [
        "\n".join(f"line {n}" for n in range(1_000)) + "\nKeyError: tag",
        "x" * 30_000 + "\nKeyError: tag",
        "名" * 30_000 + "\nKeyError: tag",
        "\n" * 5_000 + "KeyError: tag\n",
    ],
    ids=["many lines", "long line", "wide letters", "empty lines"],
)
def test_the_last_line_of_a_trace_is_always_seen(trace: str) -> None:
    rows = list(renderer._last_rows(trace, 100, 30))

    assert rows[0] == "KeyError: tag"
    assert len(rows) <= 30
    assert all(len(row) <= 100 for row in rows)
    assert inked(shown(Splash(trace=trace)), renderer.TRACE_GROUND)[3] <= HEIGHT - TRACE_MARGIN


def test_an_exception_with_endless_words_keeps_its_name() -> None:
    rows = list(renderer._last_rows("a\nb\nKeyError: " + "tag " * 5_000, 100, 30))

    assert rows[-3].startswith("KeyError: tag")
    assert rows[0].endswith("…")
    assert [len(row) for row in rows] == [100] * renderer.TRACE_ROWS_OF_A_LINE + [1, 1]


# -- the process -----------------------------------------------------------------------------------

FULL = Splash(
    Background(picture(PictureType.PNG), PictureType.PNG),
    (TextBox("<b>Dock</b> 00317", 960, 500, Alignment.MIDDLE), TextBox("日本語 עברית")),
)


def children() -> set[int]:
    """Processes of ours that have not been waited for."""
    return {
        int(stat.parent.name)
        for stat in Path("/proc").glob("[0-9]*/stat")
        if stat.exists() and stat.read_text().rpartition(")")[2].split()[1] == str(os.getpid())
    }


def python(program: str) -> tuple[str, ...]:
    return (sys.executable, "-S", "-c", program)


def test_the_same_splash_is_the_same_octets_every_time(
    draws: Drawing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QT_SCALE_FACTOR", "2")
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    first = draws(FULL)

    assert draws(FULL) == first
    assert QImage.fromData(first) == QImage.fromData(draw(FULL))
    assert draws(replace(FULL, boxes=FULL.boxes[:1])) != first


def test_a_process_that_was_started_early_draws_and_is_gone(draws: Drawing) -> None:
    before = children()
    draws.start()
    draws.start()
    early = children() - before
    png = draws(FULL)

    assert len(early) == 1
    assert children() == before
    assert png == draws(FULL)


def test_a_process_that_waits_in_vain_goes_with_its_owner(draws: Drawing) -> None:
    before = children()
    draws.start()
    draws.close()
    draws.start()

    assert children() == before


def test_a_process_that_died_while_it_waited_is_replaced(draws: Drawing) -> None:
    before = children()
    draws.start()
    [early] = children() - before
    os.kill(early, signal.SIGKILL)
    os.waitid(os.P_PID, early, os.WEXITED | os.WNOWAIT)

    assert draws(FULL).startswith(b"\x89PNG")
    assert children() == before


@pytest.mark.parametrize(
    ("program", "says"),
    [
        ("import sys; sys.exit(3)", "status 3"),
        ("import os; os.kill(os.getpid(), 11)", "SIGSEGV"),
        ("import sys; sys.stdin.buffer.read(); print('no picture')", "made no picture"),
        ("print('no picture, and does not listen')", "made no picture"),
        ("import time; time.sleep(60)", "SIGKILL"),
        ("import os, sys, time; sys.stdin.buffer.read(); os.close(1); time.sleep(60)", "SIGKILL"),
        (
            "import os, sys; sys.stdin.buffer.read()\nwhile True: os.write(1, bytes(65_536))",
            "made no picture",
        ),
    ],
    ids=["ends", "crashes", "talks", "deaf", "sleeps", "lingers", "floods"],
)
def test_a_process_that_makes_no_picture_is_named_and_gone(program: str, says: str) -> None:
    before = children()
    limit_s = 0.5 if program.startswith("import time") else 30.0

    with pytest.raises(ScreenNotDrawn, match=says) as error:
        Drawing(python(program), limit_s=limit_s)(FULL)

    assert error.value.code == "E-REHEARSE-02"
    assert children() == before


def test_a_picture_of_another_size_is_none(tmp_path: Path) -> None:
    small = tmp_path / "small.png"
    small.write_bytes(picture(PictureType.PNG, size=(8, 8)))
    program = f"import sys; sys.stdout.buffer.write(open({str(small)!r}, 'rb').read())"

    with pytest.raises(ScreenNotDrawn, match="another picture"):
        Drawing(python(program))(FULL)


def test_a_program_that_is_not_there_is_named() -> None:
    nowhere = Drawing(("/nonexistent/renderer",))
    nowhere.start()

    with pytest.raises(ScreenNotDrawn, match="no process to draw with"):
        nowhere(FULL)


def test_more_text_than_is_drawn_is_refused_before_any_process(draws: Drawing) -> None:
    with pytest.raises(ScreenNotDrawn, match="more text"):
        draws(Splash(trace="\N{GRINNING FACE}" * 3_000_000))


def test_the_renderer_refuses_what_is_no_splash() -> None:
    program = (
        "import subprocess, sys;"
        f" sys.exit(subprocess.run({list(renderer_command())!r}, input=b'garbage').returncode)"
    )

    with pytest.raises(ScreenNotDrawn, match="status 1"):
        Drawing(python(program))(FULL)


def test_the_picture_is_smaller_than_what_is_taken() -> None:
    assert len(draw(FULL)) < PNG_BYTES_MAX // 8

"""Draws what a dock shows, in a process of its own that never runs an application.

Reads one splash from standard input, writes one PNG of 1920 x 1080 to standard output, and ends.
The only module outside the operator screen that knows Qt: it loads while an application still
runs, and a picture that breaks a decoder breaks nothing else. The vendor does not publish how a
dock draws; sizes, fonts and places here are ours (docs/SPEC.md, "The picture").
"""

import ctypes
import os
import resource
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final, NoReturn

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QPointF, QRect
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QGuiApplication,
    QImage,
    QImageReader,
    QImageWriter,
    QPainter,
    QTextCharFormat,
    QTextLayout,
    QTextLine,
    QTextOption,
)

from station.datastore.pictures import recognise
from station.domain.errors import PictureRefused
from station.domain.splash import HEIGHT, WIDTH, Alignment, Background, Splash, TextBox
from station.rehearsal.markup import BASE_POINTS, Run, Style, read
from station.rehearsal.splash_message import MESSAGE_BYTES_MAX, decode

BASE_PX: Final = BASE_POINTS * 96 // 72
"""Height of ordinary text."""

FACE: Final = "DejaVu Sans"
MONO_FACE: Final = "DejaVu Sans Mono"
"""What `scripts/system-packages` sees to; letters they lack come from whatever font has them."""

GROUND: Final = 0x000000
INK: Final = 0xFFFFFF

TRACE_GROUND: Final = 0x101418
TRACE_INK: Final = 0xE8ECF0
TRACE_PX: Final = 28
TRACE_MARGIN: Final = 48
TRACE_ROWS_OF_A_LINE: Final = 8
"""A longer line is cut: whatever it says, the name of the exception stays on the screen."""

LEVEL_PERCENT: Final = 33
"""Of a letter's height: how far raised and lowered text is moved."""

PIXELS_MAX: Final = 4_096 * 4_096
"""Of a background; a larger one is not decoded."""

DECODED_MIB_MAX: Final = 256
MEMORY_BYTES: Final = 1024 * 1024 * 1024
PROCESSOR_S: Final = 20

COMPRESSION: Final = 50
"""Of Qt's 0 to 100 for a PNG: a tenth larger than at its usual one, in a third of the time."""

_PR_SET_NO_NEW_PRIVS: Final = 38


def main() -> NoReturn:
    """Be the process: draw what standard input says."""
    _limit()
    QGuiApplication(["splash", "-platform", "offscreen"])
    QFontMetricsF(_font(Style())).height()  # finds the fonts before there is anything to draw
    message = sys.stdin.buffer.read(MESSAGE_BYTES_MAX + 1)
    sys.stdout.buffer.write(draw(decode(message)))
    sys.stdout.buffer.flush()
    os._exit(0)  # nothing is left that would have to be put in order


def draw(splash: Splash) -> bytes:
    """The PNG. Needs a QGuiApplication."""
    image = QImage(WIDTH, HEIGHT, QImage.Format.Format_RGB32)
    image.fill(QColor(TRACE_GROUND if splash.trace else GROUND))
    painter = QPainter(image)
    if splash.trace:
        _draw_trace(painter, splash.trace)
    else:
        _draw_background(painter, splash.background)
        for box in splash.boxes:
            _draw_box(painter, box)
    painter.end()
    return _png(image)


def _limit() -> None:
    """What reads foreign pictures gets no more of this machine than it takes to read them."""
    for which, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CPU, PROCESSOR_S),
        (resource.RLIMIT_AS, MEMORY_BYTES),
    ):
        resource.setrlimit(which, (most, most))
    ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _png(image: QImage) -> bytes:
    octets = QByteArray()
    buffer = QBuffer(octets)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QImageWriter(buffer, QByteArray(b"png"))
    writer.setCompression(COMPRESSION)
    if not writer.write(image):
        raise OSError(writer.errorString())
    return bytes(octets.data())


# -- the background --------------------------------------------------------------------------------


def _draw_background(painter: QPainter, background: Background | None) -> None:
    """Over the whole screen, whatever its size; what cannot be decoded leaves it black."""
    image = None if background is None else _decoded(background)
    if image is not None:
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(QRect(0, 0, WIDTH, HEIGHT), image)


def _decoded(background: Background) -> QImage | None:
    """By the type the application named: a picture of another type is none."""
    content = bytes(background.content)
    try:
        picture = recognise(content)
    except PictureRefused:
        return None
    if (
        background.picture not in {None, picture.type}
        or picture.width * picture.height > PIXELS_MAX
    ):
        return None
    buffer = QBuffer()
    buffer.setData(QByteArray(content))
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    QImageReader.setAllocationLimit(DECODED_MIB_MAX)
    reader = QImageReader(buffer, QByteArray(picture.type.lower().encode("ascii")))
    reader.setAutoDetectImageFormat(False)
    image = reader.read()
    return None if image.isNull() else image


# -- text boxes ------------------------------------------------------------------------------------


def _draw_box(painter: QPainter, box: TextBox) -> None:
    """x is the left edge, the right edge or the middle of every line, y the top of the first."""
    lines = [_laid_out(runs) for runs in read(box.markup).lines]
    if box.x is None or box.y is None:
        widest = max(line.naturalTextWidth() for _, line in lines)
        place = {Alignment.LEFT: -widest / 2, Alignment.MIDDLE: 0, Alignment.RIGHT: widest / 2}
        x = WIDTH / 2 + place[box.alignment]
        y = HEIGHT / 2 - sum(line.height() for _, line in lines) / 2
    else:
        x, y = float(box.x), float(box.y)
    share = {Alignment.LEFT: 0.0, Alignment.MIDDLE: 0.5, Alignment.RIGHT: 1.0}[box.alignment]
    for layout, line in lines:
        if -line.height() < y < HEIGHT:
            layout.draw(painter, QPointF(round(x - share * line.naturalTextWidth()), round(y)))
        y += line.height()


def _laid_out(runs: Sequence[Run]) -> tuple[QTextLayout, QTextLine]:
    """One line that is as long as it is. An empty one is as high as ordinary text."""
    layout = QTextLayout()
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.NoWrap)
    layout.setTextOption(option)
    layout.setFont(_font(Style()))
    texts = [_drawable(run.text) for run in runs]
    layout.setText("".join(texts))
    at, formats = 0, []
    for run, text in zip(runs, texts, strict=True):
        piece = QTextLayout.FormatRange()
        piece.start, piece.length = at, len(text.encode("utf-16-le")) // 2
        piece.format = _format(run.style)
        formats.append(piece)
        at += piece.length
    layout.setFormats(formats)
    layout.beginLayout()
    line = layout.createLine()
    layout.endLayout()
    return layout, line


def _drawable(text: str) -> str:
    """Without what is no character of a line: each stands as a sign that there was one."""
    return "".join(
        " " if sign == "\t" else "\N{REPLACEMENT CHARACTER}"
        if unicodedata.category(sign) in {"Cc", "Cs"}
        else sign
        for sign in text
    )  # fmt: skip


def _format(style: Style) -> QTextCharFormat:
    made = QTextCharFormat()
    made.setFont(_font(style))
    made.setForeground(QColor(INK if style.ink is None else style.ink))
    if style.ground is not None:
        made.setBackground(QColor(style.ground))
    made.setBaselineOffset(style.level * LEVEL_PERCENT)
    return made


def _font(style: Style) -> QFont:
    """Grey edges and no hinting: the same letters wherever the same fonts are."""
    made = QFont()
    made.setFamilies([MONO_FACE, FACE] if style.mono else [FACE])
    made.setPixelSize(max(1, round(style.scale * BASE_PX)))
    made.setWeight(min(QFont.Weight, key=lambda weight: abs(weight.value - style.weight)))
    made.setItalic(style.italic)
    made.setUnderline(style.underline)
    made.setStrikeOut(style.struck)
    made.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    made.setStyleStrategy(
        QFont.StyleStrategy.PreferAntialias | QFont.StyleStrategy.NoSubpixelAntialias
    )
    return made


# -- a trace ---------------------------------------------------------------------------------------


def _draw_trace(painter: QPainter, trace: str) -> None:
    """Wrapped, and from its end: what was raised stands in the last lines."""
    style = Style(scale=TRACE_PX / BASE_PX, mono=True, ink=TRACE_INK)
    metrics = QFontMetricsF(_font(style))
    columns = int((WIDTH - 2 * TRACE_MARGIN) / metrics.horizontalAdvance("0"))
    pitch = metrics.height()
    rows_max = int((HEIGHT - 2 * TRACE_MARGIN) / pitch)
    rows = list(_last_rows(trace, columns, rows_max))
    for at, row in enumerate(reversed(rows)):
        layout, _ = _laid_out([Run(row, style)])
        layout.draw(painter, QPointF(TRACE_MARGIN, round(TRACE_MARGIN + at * pitch)))


def _last_rows(trace: str, columns: int, rows_max: int) -> Iterator[str]:
    """The last rows first, each of at most `columns` letters as wide as a Latin one."""
    left = rows_max
    for line in reversed(trace.splitlines()):
        if not left:
            return
        rows = list(_rows(line, columns, min(left, TRACE_ROWS_OF_A_LINE)))
        yield from reversed(rows)
        left -= len(rows)


def _rows(line: str, columns: int, rows_max: int) -> Iterator[str]:
    """A line, wrapped; the last row says so where there was more."""
    row, width, count = "", 0, 1
    for sign in line:
        wide = 2 if unicodedata.east_asian_width(sign) in {"W", "F"} else 1
        if width + wide > columns:
            if count == rows_max:
                yield row[:-1] + "…"
                return
            yield row
            row, width, count = "", 0, count + 1
        row, width = row + sign, width + wide
    yield row


if __name__ == "__main__":
    main()

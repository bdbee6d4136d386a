"""Text on painted widgets: fonts, fitting, and runs of text that know their room.

A widget first lays out its runs, then draws them: so a test can measure that nothing is cut or
overlaps without looking at pixels.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFont, QFontDatabase, QFontMetricsF, QPainter

from station.gui.tokens import Token
from station.gui.views.paintbox import Paintbox

SMALLEST_PX: Final = 11
"""No text is smaller, at any scale (operator guide, "Sizes")."""

TEXT_FACES: Final = ("Inter", "Noto Sans", "DejaVu Sans")
MONO_FACES: Final = ("JetBrains Mono", "DejaVu Sans Mono", "Noto Sans Mono")
CHINESE_FACES: Final = ("Noto Sans CJK SC", "WenQuanYi Micro Hei")
STRETCH: Final = {"DejaVu Sans": 90, "DejaVu Sans Mono": 94}
"""Per cent of their own width: these faces are drawn wide."""

LARGE_PX: Final = 30
LARGE_SPACING: Final = 98
"""Per cent: large bold letters look better closer together."""

LEFT: Final = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT: Final = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
CENTRE: Final = Qt.AlignmentFlag.AlignCenter


@dataclass(frozen=True, slots=True)
class Run:
    """One line of text and the room it has. cut: the room was too small even for the floor."""

    box: QRectF
    text: str
    font: QFont
    ink: Token
    align: Qt.AlignmentFlag = LEFT
    cut: bool = False

    @property
    def width(self) -> float:
        """Of the text, not of its room."""
        return advance(self.font, self.text)

    def inked(self) -> QRectF:
        """Where the text will be, from the top of its tallest sign to the foot of its deepest."""
        metrics = QFontMetricsF(self.font)
        tight = metrics.tightBoundingRect(self.text)
        left = self.box.left()
        if self.align & Qt.AlignmentFlag.AlignRight:
            left = self.box.right() - self.width
        elif self.align & Qt.AlignmentFlag.AlignHCenter:
            left = self.box.center().x() - self.width / 2
        baseline = self.box.center().y() + (metrics.ascent() - metrics.descent()) / 2
        return QRectF(left, baseline + tight.top(), self.width, tight.height())


@cache
def _face(mono: bool) -> tuple[tuple[str, ...], int]:
    """The faces this machine has, the wanted one first, and how far to narrow it."""
    installed = set(QFontDatabase.families())
    faces = MONO_FACES if mono else TEXT_FACES
    found = [face for face in (*faces, *CHINESE_FACES) if face in installed]
    return tuple(found), STRETCH.get(found[0], 100) if found else 100


def font(px: float, *, bold: bool = False, mono: bool = False) -> QFont:
    """The screen's font, or that of identifiers, at this size."""
    faces, stretch = _face(mono)
    made = QFont()
    made.setFamilies(faces)
    made.setStyleHint(QFont.StyleHint.Monospace if mono else QFont.StyleHint.SansSerif)
    made.setPixelSize(max(SMALLEST_PX, round(px)))
    made.setBold(bold)
    if bold and px >= LARGE_PX:
        made.setLetterSpacing(QFont.SpacingType.PercentageSpacing, LARGE_SPACING)
    made.setStretch(stretch)
    return made


def advance(of: QFont, text: str) -> float:
    """Width of a text."""
    return QFontMetricsF(of).horizontalAdvance(text)


def run(
    box: QRectF,
    text: str,
    px: float,
    ink: Token,
    *,
    floor: float | None = None,
    bold: bool = False,
    mono: bool = False,
    align: Qt.AlignmentFlag = LEFT,
) -> Run:
    """One line that fits its box: smaller, down to `floor`, and only then cut short."""
    size, least = max(SMALLEST_PX, round(px)), max(SMALLEST_PX, round(floor or px))
    made = font(size, bold=bold, mono=mono)
    while size > least and advance(made, text) > box.width():
        size -= 1
        made = font(size, bold=bold, mono=mono)
    if advance(made, text) <= box.width():
        return Run(box, text, made, ink, align)
    short = QFontMetricsF(made).elidedText(text, Qt.TextElideMode.ElideRight, box.width())
    return Run(box, short, made, ink, align, cut=True)


def words(
    box: QRectF,
    text: str,
    ink: Token,
    *,
    px: float,
    two_lines_below: float,
    two_lines_px: float,
    floor: float,
) -> list[Run]:
    """A big word or headline: one line, else two broken at a space, else smaller on one."""
    one = run(box, text, px, ink, floor=two_lines_below, bold=True)
    if not one.cut:
        return [one]
    halves = _halves(text)
    if halves is None:
        return [run(box, text, two_lines_below, ink, floor=floor, bold=True)]
    longer = max(halves, key=lambda half: advance(one.font, half))
    shared = run(box, longer, two_lines_px, ink, floor=floor, bold=True).font
    pitch = shared.pixelSize() * 1.04
    middle = box.center().y()
    return [
        run(
            QRectF(box.left(), middle + offset * pitch - pitch / 2, box.width(), pitch),
            half,
            shared.pixelSize(),
            ink,
            bold=True,
        )
        for half, offset in zip(halves, (-0.5, 0.5), strict=True)
    ]


def _halves(text: str) -> tuple[str, str] | None:
    """Broken at the space that leaves the two lines most alike."""
    spaces = [at for at, sign in enumerate(text) if sign == " "]
    if not spaces:
        return None
    at = min(spaces, key=lambda place: max(place, len(text) - place - 1))
    return text[:at], text[at + 1 :]


def wrapped(text: str, of: QFont, width: float, lines: int) -> list[str]:
    """Broken at spaces, or within a word wider than a line; the last line is cut short."""
    rest, broken = text.strip(), list[str]()
    while rest and len(broken) < lines - 1:
        fits = _fitting(rest, of, width)
        space = rest.rfind(" ", 0, fits + 1) if fits < len(rest) else -1
        at = space if space > 0 else fits
        broken.append(rest[:at].rstrip())
        rest = rest[at:].lstrip()
    if rest:
        metrics = QFontMetricsF(of)
        broken.append(metrics.elidedText(rest, Qt.TextElideMode.ElideRight, width))
    return broken


def _fitting(text: str, of: QFont, width: float) -> int:
    """How many characters fit on a line; at least one."""
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if advance(of, text[:middle]) <= width:
            low = middle
        else:
            high = middle - 1
    return low


def draw(painter: QPainter, runs: Iterable[Run], paintbox: Paintbox) -> None:
    """Draw the runs in their inks."""
    for one in runs:
        painter.setFont(one.font)
        painter.setPen(paintbox.colour(one.ink))
        painter.drawText(one.box, one.align | Qt.TextFlag.TextSingleLine, one.text)

"""Lays out one tile: where its texts, silhouette, bar and step marks go.

Each density is drawn on a design sheet (operator guide, "Sizes") that is then scaled to the tile;
what the tile has beyond the sheet's shape becomes room between its parts.
"""

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QRectF, QSizeF

from station.gui.floor_plan import Density
from station.gui.tiles import Mark, Progress, Tile
from station.gui.tokens import Token
from station.gui.views.lettering import CENTRE, LEFT, RIGHT, Run, run, words

DESIGN: Final = {
    Density.HERO: QSizeF(1232, 380),
    Density.NORMAL: QSizeF(456, 324),
    Density.COMPACT: QSizeF(456, 205),
    Density.NARROW: QSizeF(336, 324),
    Density.SLIM: QSizeF(336, 205),
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """A laid-out tile. unit: pixels per design pixel. bullets: discs behind step numbers."""

    unit: float
    runs: tuple[Run, ...]
    sign: QRectF
    bullets: tuple[QRectF, ...] = ()
    bar: QRectF | None = None
    marks: tuple[tuple[QRectF, Mark], ...] = ()


def lay_out(tile: Tile, size: QSizeF, density: Density) -> Sheet:
    """The sheet of this tile at this size."""
    design = DESIGN[density]
    unit = min(size.width() / design.width(), size.height() / design.height())
    desk = _Desk(tile, unit, size.width() / unit, size.height() / unit, design.height())
    match density:
        case Density.HERO:
            return _hero(desk)
        case Density.NORMAL:
            return _normal(desk)
        case Density.COMPACT:
            return _compact(desk)
        case Density.NARROW:
            return _narrow(desk)
        case Density.SLIM:
            return _slim(desk)


@dataclass(frozen=True, slots=True)
class _Desk:
    """The tile and its room, in design pixels; boxes and sizes come out in real ones."""

    tile: Tile
    unit: float
    width: float
    height: float
    design_height: float

    def box(self, left: float, middle: float, right: float, height: float) -> QRectF:
        u = self.unit
        return QRectF(left * u, (middle - height / 2) * u, (right - left) * u, height * u)

    def down(self, y: float) -> float:
        """A height of the design in this tile, which may be taller."""
        return y * self.height / self.design_height

    def text(
        self,
        text: str,
        px: float,
        box: QRectF,
        ink: Token,
        *,
        floor: float | None = None,
        bold: bool = False,
        mono: bool = False,
        right: bool = False,
    ) -> Run:
        least = floor * self.unit if floor else None
        return run(
            box,
            text,
            px * self.unit,
            ink,
            floor=least,
            bold=bold,
            mono=mono,
            align=RIGHT if right else LEFT,
        )

    def word(self, box: QRectF, px: float, below: float, two: float, floor: float) -> list[Run]:
        u = self.unit
        return words(
            box,
            self.tile.word,
            self.tile.look.ink,
            px=px * u,
            two_lines_below=below * u,
            two_lines_px=two * u,
            floor=floor * u,
        )

    def head(self, middle: float, number: float, serial: float, pad: float) -> list[Run]:
        """Slot number and serial: they share the first line."""
        return [
            self._number(middle, number, pad),
            self._serial(middle, serial, pad + number * 2, pad),
        ]

    def head_with_sign(
        self, middle: float, number: float, serial: float, pad: float, *, sign_size: float
    ) -> tuple[list[Run], QRectF]:
        """The same with the silhouette between them."""
        first = self._number(middle, number, pad)
        left = pad + first.width / self.unit + 14
        right = left + sign_size
        sign = self.box(left, middle, right, sign_size)
        return [first, self._serial(middle, serial, right + 12, pad)], sign

    def _number(self, middle: float, px: float, pad: float) -> Run:
        room = self.box(pad, middle, pad + px * 2, px * 1.2)
        return self.text(str(self.tile.number), px, room, self.tile.look.ink, bold=True)

    def _serial(self, middle: float, px: float, left: float, pad: float) -> Run:
        room = self.box(left, middle, self.width - pad, px * 1.4)
        ink = self.tile.look.ink
        return self.text(
            self.tile.serial, px, room, ink, floor=px * 0.7, bold=True, mono=True, right=True
        )

    def lines(
        self, first: float, pitch: float, px: float, floor: float, pad: float
    ) -> tuple[list[Run], list[QRectF]]:
        """The tile's lines, and discs with their numbers where they are steps."""
        look, runs, bullets = self.tile.look, list[Run](), list[QRectF]()
        indent = px * 1.5 if self.tile.numbered else 0.0
        for at, line in enumerate(self.tile.lines):
            middle = first + at * pitch
            if self.tile.numbered:
                disc = self.box(pad, middle, pad + px * 1.1, px * 1.1)
                bullets.append(disc)
                runs.append(
                    run(
                        disc,
                        str(at + 1),
                        px * 0.65 * self.unit,
                        look.fill or Token.CANVAS,
                        bold=True,
                        align=CENTRE,
                    )
                )
            room = self.box(pad + indent, middle, self.width - pad, pitch)
            ink = look.ink if look.strong else look.ink2
            runs.append(self.text(line, px, room, ink, floor=floor, bold=look.strong))
        return runs, bullets

    def bar_row(
        self, progress: Progress, middle: float, bar: float, px: float, pad: float
    ) -> tuple[list[Run], QRectF]:
        """The bar, and its percentage at the right."""
        room = px * 4.1
        percent = self.box(self.width - pad - room, middle, self.width - pad, px * 1.4)
        ink = self.tile.look.ink
        runs = [self.text(progress.percent, px, percent, ink, bold=True, right=True)]
        return runs, self.box(pad, middle, self.width - pad - room, bar)

    def step_row(self, progress: Progress, middle: float, px: float, pad: float) -> list[Run]:
        """The step under way at the left, the time at the right."""
        look, edge = self.tile.look, self.width - pad
        split = pad + (edge - pad) * 0.56
        left, right = (
            self.box(pad, middle, split, px * 1.4),
            self.box(split, middle, edge, px * 1.4),
        )
        return [
            self.text(progress.step, px, left, look.ink, floor=px * 0.75, bold=True),
            self.text(progress.time, px, right, look.ink2, floor=px * 0.7, right=True),
        ]


def _normal(d: _Desk) -> Sheet:
    pad, sign_size = 20, 76
    middle = d.down(124)
    sign = d.box(pad, middle, pad + sign_size, sign_size)
    room = d.box(pad + sign_size + 20, middle, d.width - 14, 128)
    head = d.head(38, 46, 23, pad)
    word = d.word(room, 88 if d.tile.look.strong else 68, 58, 60, 44)
    return _below_word(d, pad, sign, head + word)


def _narrow(d: _Desk) -> Sheet:
    pad = 20
    head, sign = d.head_with_sign(38, 46, 23, pad, sign_size=44)
    room = d.box(pad, d.down(130), d.width - 14, 128)
    word = d.word(room, 78 if d.tile.look.strong else 64, 58, 56, 44)
    return _below_word(d, pad, sign, head + word)


def _below_word(d: _Desk, pad: float, sign: QRectF, runs: list[Run]) -> Sheet:
    """Lines or progress, and the foot, of a normal tile and of a narrow one."""
    foot = d.box(pad, d.height - 27, d.width - pad, 28)
    bold = d.tile.look.strong
    runs.append(d.text(d.tile.foot, 19, foot, d.tile.look.ink2, floor=16, bold=bold))
    if d.tile.progress is None:
        lines, bullets = d.lines(d.down(215), 37, 26, 20, pad)
        return Sheet(d.unit, tuple(runs + lines), sign, tuple(bullets))
    percent, bar = d.bar_row(d.tile.progress, d.down(212), 18, 24, pad)
    steps = d.step_row(d.tile.progress, d.down(252), 25, pad)
    return Sheet(d.unit, tuple(runs + percent + steps), sign, bar=bar)


def _compact(d: _Desk) -> Sheet:
    pad, sign_size = 20, 50
    middle = d.down(98)
    sign = d.box(pad, middle, pad + sign_size, sign_size)
    room = d.box(pad + sign_size + 14, middle, d.width - 14, 94)
    head = d.head(32, 40, 20, pad)
    return _below_small_word(d, pad, sign, head + d.word(room, 52, 44, 44, 40))


def _slim(d: _Desk) -> Sheet:
    pad = 18
    head, sign = d.head_with_sign(28, 36, 19, pad, sign_size=32)
    room = d.box(pad, d.down(98), d.width - 14, 94)
    return _below_small_word(d, pad, sign, head + d.word(room, 52, 44, 42, 40))


def _below_small_word(d: _Desk, pad: float, sign: QRectF, runs: list[Run]) -> Sheet:
    """Line or progress of a compact tile and of a slim one."""
    if d.tile.progress is not None:
        percent, bar = d.bar_row(d.tile.progress, d.down(149), 14, 20, pad)
        steps = d.step_row(d.tile.progress, d.down(178), 20, pad)
        return Sheet(d.unit, tuple(runs + percent + steps), sign, bar=bar)
    look = d.tile.look
    at = d.down(155 if d.tile.code_line else 170)
    line = d.box(pad, at, d.width - pad, 28)
    code = d.box(pad, d.down(182), d.width - pad, 22)
    ink = look.ink if look.strong else look.ink2
    runs.append(d.text(d.tile.line, 20, line, ink, floor=16, bold=look.strong))
    runs.append(d.text(d.tile.code_line, 16, code, look.ink2, floor=14, bold=look.strong))
    return Sheet(d.unit, tuple(runs), sign)


def _hero(d: _Desk) -> Sheet:
    pad, sign_size, look = 32, 130, d.tile.look
    middle = d.down(150)
    sign = d.box(pad, middle, pad + sign_size, sign_size)
    runs = d.head(42, 46, 26, pad)
    if d.tile.progress is None:
        room = d.box(pad + sign_size + 34, middle, d.width - pad, 172)
        runs += d.word(room, 160, 110, 88, 72)
        lines, bullets = d.lines(d.down(262), 50, 36, 24, pad)
        foot = d.box(pad, d.height - 28, d.width - pad, 32)
        runs.append(d.text(d.tile.foot, 22, foot, look.ink2, floor=16, bold=look.strong))
        return Sheet(d.unit, tuple(runs + lines), sign, tuple(bullets))
    return _hero_working(d, d.tile.progress, sign, runs)


def _hero_working(d: _Desk, progress: Progress, sign: QRectF, runs: list[Run]) -> Sheet:
    pad, look, edge = 32, d.tile.look, d.width - 32
    middle, figures = d.down(150), edge - 190
    number_width = runs[0].width / d.unit
    note = d.box(pad + number_width + 30, 42, d.width / 2, 36)
    room = d.box(sign.right() / d.unit + 34, middle, figures - 16, 172)
    percent = d.box(figures, middle - 20, edge, 76)
    time = d.box(figures, middle + 38, edge, 36)
    bar = d.box(pad, d.down(257), edge, 22)
    runs = [
        *runs,
        d.text(d.tile.foot, 26, note, look.ink2, floor=18),
        *d.word(room, 160, 110, 88, 72),
        d.text(progress.percent, 60, percent, look.ink, floor=44, bold=True, right=True),
        d.text(progress.time, 26, time, look.ink2, floor=20, right=True),
    ]
    marks, pitch = list[tuple[QRectF, Mark]](), (edge - pad) / len(progress.steps)
    for at, (step, mark) in enumerate(progress.steps):
        left, row = pad + at * pitch, d.down(328)
        marks.append((d.box(left, row, left + 40, 40), mark))
        ink = look.ink2 if mark is Mark.AHEAD else look.ink
        label = d.box(left + 52, row, left + pitch - 8, 36)
        runs.append(d.text(step, 24, label, ink, floor=18, bold=mark is Mark.NOW))
    return Sheet(d.unit, tuple(runs), sign, bar=bar, marks=tuple(marks))

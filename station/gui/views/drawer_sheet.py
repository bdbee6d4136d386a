"""Lays out the drawer: from the top down, with the splash as large as the rest leaves room for.

Lengths are those of a 480 x 840 design sheet (operator guide, "Sizes"), times `unit`.
"""

from dataclasses import dataclass, field
from typing import Final

from PySide6.QtCore import QRectF, QSizeF, Qt

from station.gui.drawer import Boot, CheckRow, Drawer, Heading, LastRun, RunRow, StepRow
from station.gui.marks import Mark
from station.gui.tokens import Token
from station.gui.views.big_button import TOUCH_MIN_PX
from station.gui.views.lettering import CENTRE, LEFT, RIGHT, Run, advance, font, run, wrapped

PAD: Final = 24
ROW: Final = 22
SMALL_ROW: Final = 19
HEADING: Final = 30
GAP: Final = 9
"""From the last row of a part to the line below it."""

CLOSE: Final = (104, 44)
PICTURE_MAX: Final = 243
PICTURE_MIN: Final = 126
BELOW_PICTURE: Final = 6
INSTEAD: Final = 54
TEXT_LINES: Final = 2
FINDING_LINES: Final = 3
LINES_OF_A_FINDING: Final = 2
EVIDENCE_LINES: Final = 2
RUNS_MIN: Final = 2
"""Last runs that are shown in words before the splash may take the room."""

END: Final = 6
"""Below everything."""

MARKS: Final = 20
RATIO: Final = 16 / 9


@dataclass(slots=True)
class DrawerSheet:
    """A laid-out drawer. unit: pixels per design pixel. rules: heights of hairlines.

    bars: track, and the part of it that is filled. frame: where the splash or what stands for it
    goes.
    """

    unit: float
    pill: QRectF = field(default_factory=QRectF)
    close: QRectF = field(default_factory=QRectF)
    runs: list[Run] = field(default_factory=list)
    signs: list[tuple[QRectF, Mark]] = field(default_factory=list)
    bars: list[tuple[QRectF, QRectF]] = field(default_factory=list)
    rules: list[float] = field(default_factory=list)
    frame: QRectF | None = None


def lay_out(drawer: Drawer, size: QSizeF, unit: float) -> DrawerSheet:
    """The sheet of this drawer at this size."""
    column = _Column(DrawerSheet(unit), unit, size.width() / unit, size.height() / unit)
    column.head(drawer)
    if drawer.run is None:
        column.line(drawer.nothing, 17, Token.TEXT2)
        return column.sheet
    column.run(drawer.run, drawer)
    return column.sheet


@dataclass(slots=True)
class _Column:
    """A cursor going down; everything in design pixels, boxes in real ones."""

    sheet: DrawerSheet
    unit: float
    width: float
    height: float
    y: float = 0.0

    # -- parts -----------------------------------------------------------------------------------

    def head(self, drawer: Drawer) -> None:
        """Slot, its state, and the way out."""
        edge, look = self.width - PAD, drawer.look
        wide, high = (max(side, TOUCH_MIN_PX / self.unit) for side in CLOSE)
        middle = 14 + high / 2
        self.sheet.close = self.box(edge - wide, middle, edge, high)
        title = self.text(drawer.title, 31, self.box(PAD, middle, PAD + 200, 42), bold=True)
        made = font(19 * self.unit, bold=True)
        left = PAD + title.width / self.unit + 16
        right = min(left + 52 + advance(made, drawer.word) / self.unit, edge - wide - 14)
        self.sheet.pill = self.box(left, middle, right, 34)
        sign = self.box(left + 9, middle, left + 29, 20)
        hole = look.fill or Token.SURFACE
        self.sheet.signs.append((sign, Mark(look.sign, look.sign_ink, hole)))
        word = self.box(left + 36, middle, right - 10, 28)
        self.text(drawer.word, 19, word, look.ink, floor=12, bold=True)
        self.y = 14 + high

    def run(self, last: LastRun, drawer: Drawer) -> None:
        """All of the last run; the splash has what is left."""
        self._who(last)
        self.rule()
        self.heading(last.steps_heading)
        for step in last.steps:
            self._step(step)
        self.rule()
        evidence = [
            self._wrapped(check.evidence, 15, EVIDENCE_LINES, indent=28) for check in last.checks
        ]
        checks = HEADING + len(evidence) * ROW + sum(map(len, evidence)) * SMALL_ROW
        runs = HEADING + ROW + END
        self._boot(last.boot, self.height - self.y - checks - runs - 2 * GAP, len(drawer.runs))
        self.rule()
        self.heading(last.checks_heading)
        for check, lines in zip(last.checks, evidence, strict=True):
            self._check(check, lines)
        self.rule()
        self._runs(drawer)

    def _who(self, last: LastRun) -> None:
        middle = self.y + 17
        sign = self.box(PAD, middle, PAD + 20, 20)
        self.sheet.signs.append((sign, last.mark))
        facts = advance(font(15 * self.unit), last.facts) / self.unit + 2
        split = self.width - PAD - facts
        serial = self.box(PAD + 30, middle, split - 10, 28)
        self.text(last.serial, 20, serial, floor=12, bold=True, mono=True)
        room = self.box(split, middle, self.width - PAD, 24)
        self.text(last.facts, 15, room, Token.TEXT2, align=RIGHT)
        self.y += 34
        if last.code_line:
            self.line(last.code_line, 16, Token.TEXT, bold=True)

    def _step(self, step: StepRow) -> None:
        middle = self.y + ROW / 2
        self.sheet.signs.append((self.box(PAD, middle, PAD + 15, 15), step.mark))
        time_left, bar_left = self.width - PAD - 66, PAD + 156
        self.text(step.label, 16, self.box(PAD + 26, middle, bar_left - 8, 22), floor=12)
        track = self.box(bar_left, middle, time_left - 8, 9)
        filled = QRectF(track)
        filled.setLeft(track.left() + step.begin * track.width())
        filled.setWidth((step.end - step.begin) * track.width())
        self.sheet.bars.append((track, filled))
        self.text(step.time, 16, self.box(time_left, middle, self.width - PAD, 22), align=RIGHT)
        self.y += ROW

    def _boot(self, boot: Boot, room: float, runs: int) -> None:
        """What it has room for: findings go before rows of the last runs, those before the text
        on the splash, and the splash takes what is left."""
        self.heading(boot.heading)
        high = float(PICTURE_MIN if boot.picture else INSTEAD)
        room -= HEADING + BELOW_PICTURE + high
        findings = self._findings(boot)[: max(0, int(room / SMALL_ROW))]
        room -= len(findings) * SMALL_ROW + min(RUNS_MIN, runs) * ROW
        texts = self._wrapped(boot.text, 15, TEXT_LINES)[: max(0, int(room / SMALL_ROW))]
        room -= len(texts) * SMALL_ROW
        if boot.picture:
            high = min(PICTURE_MAX, high + max(0, room))
            wide = high * RATIO
            left = (self.width - wide) / 2
            self.sheet.frame = self.box(left, self.y + high / 2, left + wide, high)
        else:
            self.sheet.frame = self.box(PAD, self.y + high / 2, self.width - PAD, high)
            self.text(boot.instead, 16, self.sheet.frame, Token.TEXT2, floor=12, align=CENTRE)
        self.y += high + BELOW_PICTURE
        for ink, lines in ((Token.TEXT2, texts), (Token.TEXT, findings)):
            for text in lines:
                self.line(text, 15, ink, SMALL_ROW)

    def _findings(self, boot: Boot) -> list[str]:
        """As many as there is room for, and how many more there are."""
        lines = list[str]()
        for at, finding in enumerate(boot.findings):
            left = FINDING_LINES - len(lines) - (at + 1 < len(boot.findings))
            if left < 1:
                return [*lines, f"+ {len(boot.findings) - at}"]
            lines += self._wrapped(finding, 15, min(left, LINES_OF_A_FINDING))
        return lines

    def _check(self, check: CheckRow, evidence: list[str]) -> None:
        middle, edge = self.y + ROW / 2, self.width - PAD
        self.sheet.signs.append((self.box(PAD, middle, PAD + 18, 18), check.mark))
        note = advance(font(16 * self.unit), check.note) / self.unit + 2
        self.text(check.label, 16, self.box(PAD + 28, middle, edge - note - 8, 22), floor=12)
        self.text(check.note, 16, self.box(edge - note, middle, edge, 22), Token.TEXT2, align=RIGHT)
        self.y += ROW
        for line in evidence:
            self.line(line, 15, Token.TEXT2, SMALL_ROW, indent=28)

    def _runs(self, drawer: Drawer) -> None:
        self.heading(drawer.runs_heading)
        pitch = (self.width - 2 * PAD) / MARKS
        for at, mark in enumerate(drawer.marks[:MARKS]):
            left = PAD + at * pitch
            self.sheet.signs.append((self.box(left, self.y + 8, left + 17, 17), mark))
        self.y += ROW
        room = int((self.height - self.y - END) / ROW)
        for row in drawer.runs[: max(0, room)]:
            self._run_row(row)

    def _run_row(self, row: RunRow) -> None:
        middle, edge = self.y + ROW / 2, self.width - PAD
        took, word = edge - 66, edge - 196
        self.text(row.time, 15, self.box(PAD, middle, PAD + 60, 22), Token.TEXT2, mono=True)
        serial = self.box(PAD + 64, middle, word - 30, 22)
        self.text(row.serial, 15, serial, floor=11, mono=True)
        self.sheet.signs.append((self.box(word - 24, middle, word - 8, 16), row.mark))
        self.text(row.word, 15, self.box(word, middle, took - 6, 22), floor=11, bold=True)
        self.text(row.took, 15, self.box(took, middle, edge, 22), align=RIGHT)
        self.y += ROW

    # -- pieces ----------------------------------------------------------------------------------

    def box(self, left: float, middle: float, right: float, height: float) -> QRectF:
        u = self.unit
        return QRectF(left * u, (middle - height / 2) * u, (right - left) * u, height * u)

    def text(
        self,
        text: str,
        px: float,
        box: QRectF,
        ink: Token = Token.TEXT,
        *,
        floor: float | None = None,
        bold: bool = False,
        mono: bool = False,
        align: Qt.AlignmentFlag = LEFT,
    ) -> Run:
        least = floor * self.unit if floor else None
        made = run(box, text, px * self.unit, ink, floor=least, bold=bold, mono=mono, align=align)
        self.sheet.runs.append(made)
        return made

    def line(
        self,
        text: str,
        px: float,
        ink: Token,
        height: float = ROW,
        *,
        indent: float = 0,
        bold: bool = False,
    ) -> None:
        """Text over the whole width."""
        room = self.box(PAD + indent, self.y + height / 2, self.width - PAD, height)
        self.text(text, px, room, ink, floor=12, bold=bold)
        self.y += height

    def heading(self, heading: Heading) -> None:
        """What a part is called."""
        middle, edge = self.y + HEADING / 2, self.width - PAD
        made = font(17 * self.unit, bold=True)
        split = PAD + advance(made, heading.title) / self.unit + 2
        self.text(heading.title, 17, self.box(PAD, middle, split, 24), bold=True)
        note = self.box(split + 12, middle, edge, 22)
        self.text(heading.note, 15, note, Token.TEXT2, floor=11, align=RIGHT)
        self.y += HEADING

    def rule(self) -> None:
        """The line that ends a part."""
        self.y += GAP
        self.sheet.rules.append(self.y * self.unit)

    def _wrapped(self, text: str, px: float, lines: int, *, indent: float = 0) -> list[str]:
        room = (self.width - 2 * PAD - indent) * self.unit
        return wrapped(text, font(px * self.unit), room, lines) if text else []

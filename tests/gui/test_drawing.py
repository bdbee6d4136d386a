"""No text is cut, lies outside its place or over another; sizes hold. Measured, not looked at.

Each is measured with the letters as they are and with the widest ones the screen may meet: those
of a machine whose font has no narrow cut.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
from PySide6.QtCore import QRectF, QSizeF
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from station.application.snapshot import EndedRun, LineSnapshot, SlotPhase, SlotSnapshot
from station.domain.verdict import Step
from station.gui.catalogue import CATALOGUE
from station.gui.floor_plan import Density, floor_plan
from station.gui.present import Desk, present
from station.gui.screen_model import ScreenModel
from station.gui.signs import Sign
from station.gui.texts import Speaker
from station.gui.tiles import Tile, tile_for
from station.gui.tokens import Theme
from station.gui.views import lettering
from station.gui.views.lettering import SMALLEST_PX, Run
from station.gui.views.operator_window import OperatorWindow
from station.gui.views.paintbox import Paintbox
from station.gui.views.prompt_band import PromptBand
from station.gui.views.silhouettes import DRAWINGS
from station.gui.views.tile_sheet import lay_out
from tests.gui.samples import (
    BOOTED,
    DEMO,
    FINDING,
    HELD,
    LINE,
    LOST_RUN,
    MAIN_VIEWS,
    ORDER,
    PASSED_RUN,
    RAISED_RUN,
    held,
    slot,
    with_runs,
    working,
)
from tests.unit.gui.test_prompt import FROM_FIRST_TO_LAST

SIZES = [(1280, 720), (1366, 768), (1920, 1080), (3840, 2160)]
COUNTS = [1, 2, 4, 6, 8, 12, 16]
CODES = [code for code in CATALOGUE if code != "E-MES-01"]

SLOTS: list[SlotSnapshot] = [
    *(slot(8, phase, "DK7F-00321") for phase in SlotPhase),
    replace(slot(2, SlotPhase.READY, "DK7F-00321"), bound=True),
    replace(slot(2, SlotPhase.READY), candidate=True),
    *(working(16, "DK7F-00318", step, 0.88, 3_700) for step in Step),
    *(slot(16, SlotPhase.CHECK, "DK7F-00320", code) for code in CODES),
    *(slot(16, SlotPhase.FAIL, "DK7F-00311", code) for code in CODES),
    *(replace(HELD, number=16, code=code) for code in CODES),
    slot(16, SlotPhase.OFF, code="E-SLOT-03"),
]


@pytest.fixture(params=["narrowed", "wide"])
def letters(
    request: pytest.FixtureRequest, qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    if request.param == "wide":
        monkeypatch.setattr(lettering, "STRETCH", {})
    lettering._face.cache_clear()
    yield
    lettering._face.cache_clear()


def faults(runs: tuple[Run, ...], room: QRectF, where: str) -> list[str]:
    """What is wrong with these texts, each in one line."""
    shown = [(one, one.inked()) for one in runs if one.text]
    found = []
    for one, ink in shown:
        found += [f"{where}: {one.text!r} is cut"] * one.cut
        found += [f"{where}: {one.text!r} is wider than its box"] * (
            one.width > one.box.width() + 1
        )
        found += [f"{where}: {one.text!r} sticks out"] * (not room.contains(ink))
        found += [f"{where}: {one.text!r} is too small"] * (one.font.pixelSize() < SMALLEST_PX)
    found += [
        f"{where}: {one.text!r} lies over {other.text!r}"
        for (one, ink), (other, other_ink) in combinations(shown, 2)
        if ink.intersects(other_ink)
    ]
    return found


def is_cut_line(fault: str, tile: Tile) -> bool:
    """While a drawer is open, small tiles may cut what follows word and code."""
    shown = fault.partition(": ")[2].removesuffix(" is cut").strip("'\"").removesuffix("…")
    lines = (tile.line, tile.foot, *tile.lines)
    return fault.endswith("is cut") and any(line.startswith(shown) for line in lines if shown)


@pytest.mark.parametrize("drawer", [False, True], ids=["", "beside a drawer"])
@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.usefixtures("letters")
def test_every_phase_is_drawn_whole(width: int, height: int, count: int, drawer: bool) -> None:
    plan = floor_plan(width, height, count, ribbon=True, drawer=drawer)
    size = QSizeF(plan.tiles[0].width, plan.tiles[0].height)
    room = QRectF(0, 0, size.width(), size.height())
    found = []
    for one in SLOTS:
        tile = tile_for(one, Speaker())
        sheet = lay_out(tile, size, plan.density)
        found += [
            fault
            for fault in faults(sheet.runs, room, f"{one.phase} {one.code}")
            if not (drawer and is_cut_line(fault, tile))
        ]
        places = [sheet.sign, *sheet.bullets, *([sheet.bar] if sheet.bar else [])]
        found += [f"{one.phase}: a shape sticks out" for box in places if not room.contains(box)]

    assert found == []


WORD_FLOOR = {
    Density.NORMAL: 44,
    Density.COMPACT: 40,
    Density.HERO: 72,
    Density.NARROW: 44,
    Density.SLIM: 40,
}


@pytest.mark.parametrize("drawer", [False, True], ids=["", "beside a drawer"])
@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.usefixtures("letters")
def test_state_words_keep_their_size(count: int, drawer: bool) -> None:
    plan = floor_plan(1920, 1080, count, ribbon=False, drawer=drawer)
    size = QSizeF(plan.tiles[0].width, plan.tiles[0].height)
    for one in SLOTS:
        tile = tile_for(one, Speaker())
        sheet = lay_out(tile, size, plan.density)
        words = [run for run in sheet.runs if run.text and run.text in tile.word]

        assert max(run.font.pixelSize() for run in words) >= round(
            WORD_FLOOR[plan.density] * sheet.unit
        )


LONG = replace(
    LINE,
    station="Building 4, L3-P2",
    operator="0417 Lan Nguyen Thi Hoang",
    order=replace(ORDER, name="WO-26-0817-REWORK-0003", product="DK-7450-PRO", quantity=100_000),
    counts=replace(LINE.counts, good=99_999, hold=1_204),
    bundle="signage-northern-europe 12.10.3",
    stop="E-TOKEN-01",
    stock=0,
)
PROMPTS = [
    *(replace(LINE, slots=tuple(slots), **facts) for _, facts, slots in FROM_FIRST_TO_LAST),  # type: ignore[arg-type]
    *(replace(LINE, stop=code) for code in CODES),
    *(replace(LINE, slots=(slot(16, SlotPhase.CHECK, "DK7F-00320", code),)) for code in CODES),
]


def window_on(snapshot: LineSnapshot, size: tuple[int, int], desk: Desk) -> OperatorWindow:
    model = ScreenModel(present(snapshot, desk))
    window = OperatorWindow(model, Paintbox(Theme.LIGHT), may_close=lambda: True)
    model.setParent(window)
    window.resize(*size)
    window.show()
    return window


def faults_around_the_slots(window: OperatorWindow) -> list[str]:
    bars = (window.ribbon, window.status_bar, window.order_bar, window.action_bar)
    parts: list[tuple[QWidget, tuple[Run, ...]]] = [(bar, bar.runs()) for bar in bars]
    parts.append((window.prompt_band, window.prompt_band.runs()))
    parts += [(button, button.runs()) for button in window.action_bar.buttons]
    drawer = window.slot_drawer
    parts += [(drawer, drawer.runs()), (drawer.close_button, drawer.close_button.runs())]
    return [
        fault
        for part, runs in parts
        if part.isVisible()
        for fault in faults(runs, part.rect().toRectF(), type(part).__name__)
    ]


@pytest.mark.parametrize("name", MAIN_VIEWS)
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.usefixtures("letters")
def test_what_surrounds_the_slots_is_drawn_whole(
    qtbot: QtBot, name: str, size: tuple[int, int]
) -> None:
    window = window_on(MAIN_VIEWS[name], size, Desk(clock="14:07", help_called=True))
    qtbot.addWidget(window)

    assert faults_around_the_slots(window) == []


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.usefixtures("letters")
def test_long_names_are_cut_rather_than_drawn_over_others(
    qtbot: QtBot, size: tuple[int, int]
) -> None:
    window = window_on(LONG, size, Desk(clock="14:07", help_called=True))
    qtbot.addWidget(window)

    assert [one for one in faults_around_the_slots(window) if not one.endswith("cut")] == []


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.usefixtures("letters")
def test_every_prompt_is_drawn_whole(qtbot: QtBot, size: tuple[int, int]) -> None:
    model = ScreenModel(present(PROMPTS[0]))
    band = PromptBand(model, Paintbox(Theme.LIGHT))
    qtbot.addWidget(band)
    found = []
    for snapshot in PROMPTS:
        model.show(replace(present(snapshot), tiles=model.screen.tiles))
        for slots, drawer in ((1, False), (8, False), (8, True)):  # that of one slot is taller
            plan = floor_plan(*size, slots, ribbon=False, drawer=drawer)
            band.resize(plan.prompt.width, plan.prompt.height)
            band.set_style(plan.scale)
            found += faults(band.runs(), band.rect().toRectF(), "band")

    assert found == []


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_what_is_touched_is_large_enough_for_gloves(qtbot: QtBot, size: tuple[int, int]) -> None:
    window = window_on(LINE, size, Desk())
    qtbot.addWidget(window)

    assert all(button.height() >= 72 for button in window.action_bar.buttons)
    assert all(button.width() >= 180 for button in window.action_bar.buttons)
    assert window.prompt_band._frame().height() >= 44


DRAWERS: dict[str, tuple[EndedRun, dict[str, Any]]] = {
    "passed": (PASSED_RUN, {}),
    "with a finding": (
        replace(PASSED_RUN, rehearsal=replace(BOOTED, findings=(FINDING,))),
        {"phase": SlotPhase.EMPTY},
    ),
    "raised": (RAISED_RUN, {"phase": SlotPhase.HOLD, "code": "E-VERIFY-04"}),
    "lost": (LOST_RUN, {"phase": SlotPhase.CHECK, "code": "E-LINK-03"}),
    "not asked": (
        replace(PASSED_RUN, asked=False, rehearsal=None, picture=b"", checks=held()[:5]),
        {"phase": SlotPhase.WORKING},
    ),
    "talkative": (
        replace(
            RAISED_RUN,
            serial="DK7F-00317-REWORK-0003",
            rehearsal=replace(BOOTED, text=("endless " * 500,), findings=(FINDING,) * 200),
        ),
        {"phase": SlotPhase.CHECK, "code": "E-IDENT-02"},
    ),
}


@pytest.mark.parametrize("name", DRAWERS)
@pytest.mark.parametrize("base", [LINE, DEMO], ids=["", "demo"])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.usefixtures("letters")
def test_a_drawer_is_drawn_whole_beside_every_slot(
    qtbot: QtBot, size: tuple[int, int], base: LineSnapshot, name: str
) -> None:
    run, facts = DRAWERS[name]
    window = window_on(with_runs(base, run, **facts), size, Desk(clock="14:07", drawer=1))
    qtbot.addWidget(window)
    found, sheet = faults_around_the_slots(window), window.slot_drawer.sheet()
    shapes = [
        sheet.pill,
        sheet.close,
        *(box for box, _ in sheet.signs),
        *(track for track, _ in sheet.bars),
        *([sheet.frame] if sheet.frame else []),
    ]
    room = window.slot_drawer.rect().toRectF()
    others = [*window.tiles, window.prompt_band, window.action_bar, window.order_bar]

    assert [one for one in found if name == "passed" or not one.endswith("is cut")] == []
    assert [box for box in shapes if not room.contains(box)] == []
    assert not any(window.slot_drawer.geometry().intersects(one.geometry()) for one in others)
    assert min(sheet.close.width(), sheet.close.height()) >= 44
    assert all(
        not one.intersects(other)
        for one, other in combinations([box for box, _ in sheet.signs], 2)
        if one != other and not sheet.pill.contains(one)
    )


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_splash_has_what_room_there_is(qtbot: QtBot, size: tuple[int, int]) -> None:
    window = window_on(with_runs(LINE, PASSED_RUN), size, Desk(drawer=1))
    qtbot.addWidget(window)
    sheet = window.slot_drawer.sheet()

    assert sheet.frame is not None
    assert sheet.frame.width() / sheet.frame.height() == pytest.approx(16 / 9)
    assert sheet.frame.height() >= 126 * sheet.unit
    assert len([one for one in sheet.runs if one.text == "PASS"]) >= 2  # of the slot, of its runs


def test_every_sign_can_be_drawn() -> None:
    assert set(DRAWINGS) == set(Sign)

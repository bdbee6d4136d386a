"""Where everything lies on the screen, for a window's size and a number of slots. No Qt in here.

Source: operator guide, "Sizes" and "Layouts". All lengths are pixels; `scale` is 1.0 on a
1920x1080 window, and every part keeps its share down to 70 %.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

WINDOW_MIN: Final = (1280, 720)
FULL: Final = (1920, 1080)
SCALE_MIN: Final = 0.7
SCALE_MAX: Final = 2.0

STATUS: Final = 56
ORDER: Final = 92
PROMPT: Final = 118
HERO_PROMPT: Final = 165
HERO_PROMPT_MIN: Final = 150
ACTIONS: Final = 92
SIDE: Final = 24
GAP: Final = 18
TILE_GAP: Final = 16
RIBBON: Final = 34
DRAWER: Final = 480

SHARED_BELOW: Final = 768
"""Windows lower than this put status and order into one bar."""

SHARED_BAR: Final = 56

GRIDS: Final = {1: (1, 1), 2: (1, 2), 4: (2, 2), 6: (3, 2), 8: (4, 2), 12: (4, 3), 16: (4, 4)}
"""Up to that many slots: columns and rows."""

COLUMNS_BEYOND: Final = 6


class Density(Enum):
    """Which drawing a tile has. NARROW, SLIM: of NORMAL, COMPACT beside an open drawer."""

    HERO = auto()
    NORMAL = auto()
    COMPACT = auto()
    NARROW = auto()
    SLIM = auto()


BESIDE_DRAWER: Final = {
    Density.HERO: Density.HERO,
    Density.NORMAL: Density.NARROW,
    Density.COMPACT: Density.SLIM,
}


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of whole pixels."""

    x: int
    y: int
    width: int
    height: int

    @property
    def bottom(self) -> int:
        """The first row below it."""
        return self.y + self.height


@dataclass(frozen=True, slots=True)
class FloorPlan:
    """Where the parts lie. shared: status and order are the upper and lower row of one bar.

    drawer: of no width while it is closed; band and tiles make room for it.
    """

    scale: float
    shared: bool
    density: Density
    ribbon: Box
    status: Box
    order: Box
    prompt: Box
    tiles: tuple[Box, ...]
    actions: Box
    drawer: Box


def floor_plan(
    width: int, height: int, slots: int, *, ribbon: bool, drawer: bool = False
) -> FloorPlan:
    """The plan for this window.

    ribbon: a line above all says that this is a demo. drawer: the drawer of a slot is open.
    """
    scale = max(SCALE_MIN, min(SCALE_MAX, width / FULL[0], height / FULL[1]))

    def px(length: int) -> int:
        return round(length * scale)

    density = _density(slots)
    shared = height < SHARED_BELOW
    ribbon_box = Box(0, 0, width, px(RIBBON) if ribbon else 0)
    bar = SHARED_BAR if shared else px(STATUS) + px(ORDER)
    upper = bar // 2 if shared else px(STATUS)
    status = Box(0, ribbon_box.bottom, width, upper)
    order = Box(0, status.bottom, width, bar - upper)
    actions_height = max(ACTIONS, px(ACTIONS))  # its buttons keep 20 mm for gloves
    actions = Box(0, height - actions_height, width, actions_height)
    drawer_width = px(DRAWER) if drawer else 0
    left = width - drawer_width
    side, gap = px(SIDE), px(GAP)
    hero_prompt = max(HERO_PROMPT_MIN, px(HERO_PROMPT))
    prompt_height = hero_prompt if density is Density.HERO and slots == 1 else px(PROMPT)
    prompt = Box(side, order.bottom + gap, left - 2 * side, prompt_height)
    top = prompt.bottom + gap
    bench = Box(side, top, left - 2 * side, actions.y - gap - top)
    return FloorPlan(
        scale=scale,
        shared=shared,
        density=BESIDE_DRAWER[density] if drawer else density,
        ribbon=ribbon_box,
        status=status,
        order=order,
        prompt=prompt,
        tiles=_tiles(bench, slots, px(TILE_GAP)),
        actions=actions,
        drawer=Box(left, order.bottom, drawer_width, actions.y - order.bottom),
    )


def grid(slots: int) -> tuple[int, int]:
    """Columns and rows for so many slots."""
    for most, shape in GRIDS.items():
        if slots <= most:
            return shape
    return COLUMNS_BEYOND, -(-slots // COLUMNS_BEYOND)


def _density(slots: int) -> Density:
    columns, rows = grid(slots)
    if columns == 1:
        return Density.HERO
    return Density.COMPACT if rows > 2 else Density.NORMAL


def _tiles(bench: Box, slots: int, gap: int) -> tuple[Box, ...]:
    """Edges are rounded, not sizes, so that the last tile ends where the band does."""
    columns, rows = grid(slots)

    def edge(start: int, length: int, at: int, of: int) -> tuple[int, int]:
        pitch = (length + gap) / of
        return start + round(at * pitch), round((at + 1) * pitch) - round(at * pitch) - gap

    boxes = []
    for index in range(slots):
        row, column = divmod(index, columns)
        x, width = edge(bench.x, bench.width, column, columns)
        y, height = edge(bench.y, bench.height, row, rows)
        boxes.append(Box(x, y, width, height))
    return tuple(boxes)

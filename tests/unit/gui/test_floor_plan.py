"""Everything has its place at every size."""

import pytest

from station.gui.floor_plan import Box, Density, floor_plan, grid

SIZES = [(1280, 720), (1366, 768), (1920, 1080), (1920, 1200), (3840, 2160)]
SLOTS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 16, 17, 40]


def overlap(one: Box, other: Box) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.bottom
        and other.y < one.bottom
    )


@pytest.mark.parametrize("drawer", [False, True])
@pytest.mark.parametrize("ribbon", [False, True])
@pytest.mark.parametrize("slots", SLOTS)
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_parts_lie_in_the_window_and_apart(
    width: int, height: int, slots: int, ribbon: bool, drawer: bool
) -> None:
    plan = floor_plan(width, height, slots, ribbon=ribbon, drawer=drawer)
    around = [plan.ribbon, plan.status, plan.order, plan.prompt, plan.actions, plan.drawer]
    parts = [*around, *plan.tiles]

    assert len(plan.tiles) == slots
    assert all(part.x >= 0 and part.x + part.width <= width for part in parts)
    assert all(part.y >= 0 and part.bottom <= height for part in parts)
    assert not any(
        overlap(one, other)
        for at, one in enumerate(parts)
        for other in parts[at + 1 :]
        if one.height and other.height and one.width and other.width
    )


def test_a_full_screen_is_the_one_of_the_guide() -> None:
    plan = floor_plan(1920, 1080, 8, ribbon=False)

    assert (plan.scale, plan.shared, plan.density) == (1.0, False, Density.NORMAL)
    assert plan.prompt == Box(24, 166, 1872, 118)
    assert {(tile.width, tile.height) for tile in plan.tiles} == {(456, 326)}
    assert plan.actions.height == 92


def test_band_and_tiles_make_room_for_a_drawer() -> None:
    plan = floor_plan(1920, 1080, 8, ribbon=False, drawer=True)

    assert plan.density is Density.NARROW
    assert plan.drawer == Box(1440, 148, 480, 840)
    assert plan.prompt == Box(24, 166, 1392, 118)
    assert {(tile.width, tile.height) for tile in plan.tiles} == {(336, 326)}
    assert plan.actions == floor_plan(1920, 1080, 8, ribbon=False).actions
    assert floor_plan(1920, 1080, 12, ribbon=False, drawer=True).density is Density.SLIM
    assert floor_plan(1920, 1080, 1, ribbon=False, drawer=True).density is Density.HERO


def test_one_slot_on_the_smallest_screen_is_the_hero_of_the_guide() -> None:
    plan = floor_plan(1280, 720, 1, ribbon=False)

    assert plan.density is Density.HERO
    assert (plan.status.height + plan.order.height, plan.prompt.height) == (56, 150)
    assert plan.actions.height == 92
    assert plan.tiles[0].height == pytest.approx(380, abs=8)


@pytest.mark.parametrize(
    ("slots", "columns", "rows"),
    [(1, 1, 1), (2, 1, 2), (3, 2, 2), (4, 2, 2), (6, 3, 2), (8, 4, 2), (9, 4, 3), (12, 4, 3),
     (13, 4, 4), (16, 4, 4), (17, 6, 3)],
)  # fmt: skip
def test_the_grid_follows_the_number_of_slots(slots: int, columns: int, rows: int) -> None:
    assert grid(slots) == (columns, rows)


def test_more_than_two_rows_are_compact() -> None:
    assert floor_plan(1920, 1080, 8, ribbon=False).density is Density.NORMAL
    assert floor_plan(1920, 1080, 9, ribbon=False).density is Density.COMPACT
    assert floor_plan(1920, 1080, 2, ribbon=False).density is Density.HERO


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_last_tile_ends_where_the_band_does(width: int, height: int) -> None:
    plan = floor_plan(width, height, 8, ribbon=False)

    assert plan.tiles[-1].x + plan.tiles[-1].width == plan.prompt.x + plan.prompt.width

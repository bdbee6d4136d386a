"""Where things lie in the flash, and that an area of it is all its owner can reach."""

from itertools import pairwise

import pytest

from station.adapters.files.profiles import built_in_profile
from station.dock.field_partitions import FlashPart
from station.dock.flash import Flash, Geometry
from station.dock.layout import Area, Layout


@pytest.mark.parametrize("slots", [1, 2])
def test_areas_follow_each_other_in_the_order_specified(slots: int) -> None:
    layout = Layout.of(slots=slots, slot_bytes=5_000, runtime_bytes=9_000)

    areas = [layout.factory, *layout.boot, *layout.slots, layout.runtime, layout.development]
    assert [area.size_bytes // 4_096 for area in areas] == [1, 1, 1, *[2] * slots, 3, 1]
    assert areas[0].offset_bytes == 0
    assert all(here.end_bytes == there.offset_bytes for here, there in pairwise(areas))
    assert layout.size_bytes == areas[-1].end_bytes


def test_a_dock_has_one_slot_or_two() -> None:
    with pytest.raises(ValueError, match="1 or 2"):
        Layout.of(slots=3, slot_bytes=1, runtime_bytes=1)


def test_the_built_in_dock_model_is_laid_out_as_specified() -> None:
    layout = Layout.of_profile(built_in_profile("dl7450-virtual"))

    assert [slot.offset_bytes for slot in layout.slots] == [3 * 4_096, 3 * 4_096 + 16_777_216]
    assert layout.runtime.size_bytes == 14_942_208
    assert layout.size_bytes == 48_513_024


def test_nothing_beside_an_area_is_reached_through_it() -> None:
    cells = bytearray(b"\xff" * 1_024)
    part = FlashPart(Flash(cells, Geometry(1_024, 256, 16)), Area(256, 512))

    part.program(0, b"\x00" * 512)
    assert (part.size_bytes, part.sector_bytes) == (512, 256)
    assert part.view(0, 512) == bytes(512)
    assert cells == b"\xff" * 256 + bytes(512) + b"\xff" * 256
    part.erase(256, 256)
    assert cells[512:768] == b"\xff" * 256
    for offset, size in ((-1, 1), (512, 1), (0, 513), (500, 13)):
        with pytest.raises(ValueError, match="outside"):
            part.view(offset, size)
        with pytest.raises(ValueError, match="outside"):
            part.program(offset, bytes(size))
    with pytest.raises(ValueError, match="outside"):
        part.erase(512, 256)

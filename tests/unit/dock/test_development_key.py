"""The development key: made once, kept whole or not at all."""

from random import Random

import pytest

from station.dock.boot_state import FlashFailed
from station.dock.development_key import KEY_BYTES, DevelopmentKey
from station.dock.flash import Flash, Geometry, StuckBits
from station.dock.layout import Area

AREA = Area(256, 256)
GEOMETRY = Geometry(1_024, 256, 16)


def key_on(cells: bytearray, *stuck: StuckBits) -> DevelopmentKey:
    return DevelopmentKey(Flash(cells, GEOMETRY, stuck=stuck), AREA)


def erased() -> bytearray:
    return bytearray(b"\xff" * GEOMETRY.size_bytes)


def test_a_new_chip_has_none() -> None:
    assert key_on(erased()).octets is None


def test_it_is_made_once_and_kept() -> None:
    cells = erased()
    made = key_on(cells).made(Random(1).randbytes)

    assert len(made) == KEY_BYTES
    assert key_on(cells).octets == made
    assert key_on(cells).made(Random(2).randbytes) == made


def test_nothing_beside_its_sector_changes() -> None:
    cells = erased()
    key_on(cells).made(Random(1).randbytes)

    assert set(cells[: AREA.offset_bytes]) == {0xFF}
    assert set(cells[AREA.end_bytes :]) == {0xFF}


@pytest.mark.parametrize("place", range(40))
def test_a_damaged_key_is_none_and_another_one_is_made(place: int) -> None:
    cells = erased()
    key_on(cells).made(Random(1).randbytes)
    cells[AREA.offset_bytes + place] ^= 0x10

    assert key_on(cells).octets is None
    fresh = key_on(cells).made(Random(2).randbytes)
    assert key_on(cells).octets == fresh


def test_a_sector_that_keeps_no_key_is_told() -> None:
    stuck = StuckBits(AREA.offset_bytes + 10, mask=0xFF, value=0x55)

    with pytest.raises(FlashFailed):
        key_on(erased(), stuck).made(lambda size: b"\x01" * size)

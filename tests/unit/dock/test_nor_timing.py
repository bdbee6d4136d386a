"""How long a flash takes: what its profile says, and nothing where it says nothing."""

import pytest

from station.dock.flash import Flash, Geometry, PowerCut, PowerLost, SlowErase
from station.dock.nor_timing import TIMES, Nor, NorTime

GEOMETRY = Geometry(size_bytes=16_384)


def spent(nor: Nor, slow: SlowErase | None = None) -> tuple[Flash, list[float]]:
    """A used chip, and what it waits."""
    flash, waits = Flash(bytearray(GEOMETRY.size_bytes), GEOMETRY), list[float]()
    flash.took_time = NorTime(TIMES[nor], slow, waits.append)
    return flash, waits


@pytest.mark.parametrize("nor", [Nor.TYPICAL, Nor.SLOW])
def test_every_erased_sector_and_programmed_page_takes_its_time(nor: Nor) -> None:
    flash, waits = spent(nor)

    flash.erase(0, 8_192)
    flash.program(100, b"x" * 512)

    times = TIMES[nor]
    assert waits == pytest.approx([2 * times.sector_erase_s, 3 * times.page_program_s])


def test_what_is_there_already_takes_no_time() -> None:
    flash, waits = spent(Nor.SLOW)
    flash.erase(0, 4_096)
    del waits[:]

    flash.clear(0, 4_096)
    flash.store(0, b"\xff" * 100)

    assert waits == []


def test_a_slow_erase_takes_its_own_time_as_often_as_it_was_ordered() -> None:
    flash, waits = spent(Nor.NONE, SlowErase(2.0, 3))

    flash.erase(0, 8_192)
    flash.erase(0, 8_192)
    flash.erase(0, 4_096)

    assert waits == [4.0, 2.0, 0.0]


def test_every_erase_is_slow_where_no_number_is_given() -> None:
    flash, waits = spent(Nor.TYPICAL, SlowErase(2.0))

    flash.erase(0, 8_192)
    flash.erase(0, 16_384)

    assert waits == [4.0, 8.0]


def test_an_operation_that_the_power_cuts_is_not_waited_for() -> None:
    waits: list[float] = []
    flash = Flash(bytearray(GEOMETRY.size_bytes), GEOMETRY, cut=PowerCut(1))
    flash.took_time = NorTime(TIMES[Nor.SLOW], None, waits.append)

    with pytest.raises(PowerLost):
        flash.erase(0, 8_192)

    assert waits == []


def test_a_worn_flash_is_slower_than_a_typical_one() -> None:
    assert TIMES[Nor.SLOW].sector_erase_s > TIMES[Nor.TYPICAL].sector_erase_s > 0
    assert TIMES[Nor.SLOW].page_program_s > TIMES[Nor.TYPICAL].page_program_s > 0

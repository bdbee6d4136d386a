"""Laws of NOR flash: programs clear bits, erases set whole sectors, power goes at any operation."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.dock.flash import (
    DeadSector,
    Flash,
    FlashFileRefused,
    Geometry,
    PowerCut,
    PowerLost,
    StuckBits,
    StuckSector,
    Tear,
    flash_file,
)

SMALL = Geometry(size_bytes=4 * 64, sector_bytes=64, page_bytes=16)


def chip(*, cut: PowerCut | None = None, stuck: tuple[StuckBits, ...] = ()) -> Flash:
    return Flash(bytearray(b"\xff" * SMALL.size_bytes), SMALL, cut=cut, stuck=stuck)


def content(flash: Flash) -> bytes:
    return flash.view(0, SMALL.size_bytes).tobytes()


def place_and_data() -> st.SearchStrategy[tuple[int, bytes]]:
    return st.integers(0, SMALL.size_bytes).flatmap(
        lambda start: st.tuples(
            st.just(start), st.binary(max_size=min(100, SMALL.size_bytes - start))
        )
    )


@given(st.lists(place_and_data(), max_size=6))
def test_a_program_never_sets_a_bit(writes: list[tuple[int, bytes]]) -> None:
    flash, model = chip(), bytearray(b"\xff" * SMALL.size_bytes)

    for start, data in writes:
        flash.program(start, data)
        for index, octet in enumerate(data, start):
            model[index] &= octet

        assert content(flash) == model


@given(st.lists(place_and_data(), max_size=6))
def test_what_is_stored_is_what_is_read_and_nothing_beside_it_changes(
    writes: list[tuple[int, bytes]],
) -> None:
    flash, model = chip(), bytearray(b"\xff" * SMALL.size_bytes)

    for start, data in writes:
        flash.store(start, data)
        model[start : start + len(data)] = data

        assert content(flash) == model


def test_storing_what_is_there_costs_no_operation() -> None:
    flash = chip()
    flash.store(10, b"twenty octets of text")
    spent = flash.operations

    flash.store(10, b"twenty octets of text")

    assert flash.operations == spent


def test_an_erase_sets_every_bit_of_its_sectors_and_of_no_other() -> None:
    flash = chip()
    flash.program(0, bytes(SMALL.size_bytes))

    flash.erase(64, 128)

    assert content(flash) == bytes(64) + b"\xff" * 128 + bytes(64)


def test_clearing_an_erased_range_costs_no_operation() -> None:
    flash = chip()
    flash.program(70, b"\x00")
    spent = flash.operations

    flash.clear(0, SMALL.size_bytes)

    assert flash.operations == spent + 1
    assert flash.is_erased(0, SMALL.size_bytes)


@pytest.mark.parametrize(("start", "size"), [(1, 64), (64, 65), (32, 64)])
def test_only_whole_sectors_can_be_erased(start: int, size: int) -> None:
    with pytest.raises(ValueError, match="whole sectors"):
        chip().erase(start, size)


@pytest.mark.parametrize(("start", "size"), [(-1, 1), (256, 1), (250, 7)])
def test_nothing_lies_outside_the_flash(start: int, size: int) -> None:
    flash = chip()

    with pytest.raises(ValueError, match="outside"):
        flash.view(start, size)
    with pytest.raises(ValueError, match="outside"):
        flash.program(start, bytes(size))


def test_a_view_cannot_change_a_cell() -> None:
    assert chip().view(0, 4).readonly


def test_operations_are_pages_programmed_and_sectors_erased() -> None:
    flash = chip()

    flash.program(8, bytes(16))
    assert flash.operations == 2
    flash.program(16, bytes(16))
    assert flash.operations == 3
    flash.erase(0, 256)
    assert flash.operations == 7
    flash.program(0, b"")
    assert flash.operations == 7


@pytest.mark.parametrize("tear", list(Tear))
@pytest.mark.parametrize("operation", range(4))
def test_a_cut_leaves_whole_operations_before_it_and_a_torn_one(operation: int, tear: Tear) -> None:
    flash = chip(cut=PowerCut(operation, tear))

    with pytest.raises(PowerLost):
        flash.program(8, bytes(56))  # pages of 8, 16, 16 and 16 bytes

    starts = [8, 16, 32, 48, 64]
    begin, end = list(pairwise(starts))[operation]
    kept = {
        Tear.NOTHING: 0,
        Tear.ONE_BYTE: 1,
        Tear.HALF: (end - begin) // 2,
        Tear.ALL_BUT_LAST: end - begin - 1,
        Tear.ALL: end - begin,
    }[tear]
    done = begin + kept
    raw = flash._cells.tobytes()
    assert raw == b"\xff" * 8 + bytes(done - 8) + b"\xff" * (SMALL.size_bytes - done)


def test_a_cut_counts_through_all_kinds_of_operations() -> None:
    flash = chip(cut=PowerCut(3, Tear.HALF))
    flash.program(0, bytes(32))
    flash.erase(0, 64)

    with pytest.raises(PowerLost):
        flash.erase(0, 64)


def test_without_power_nothing_answers() -> None:
    flash = chip(cut=PowerCut(0))
    with pytest.raises(PowerLost):
        flash.program(0, b"\0")

    with pytest.raises(PowerLost):
        flash.view(0, 1)
    with pytest.raises(PowerLost):
        flash.program(0, b"\0")
    with pytest.raises(PowerLost):
        flash.erase(0, 64)


def test_a_stuck_bit_outlives_programs_and_erases() -> None:
    flash = chip(stuck=(StuckBits(5, mask=0b11, value=0b01),))

    flash.program(0, bytes(16))
    assert flash.view(5, 1)[0] == 0b01
    flash.erase(0, 64)
    assert flash.view(5, 1)[0] == 0b1111_1101


def bad_chip(bad: DeadSector | StuckSector, *, cut: PowerCut | None = None) -> Flash:
    """Used: no cell of it is erased."""
    return Flash(bytearray(b"\x0f" * SMALL.size_bytes), SMALL, bad=[bad], cut=cut)


def test_no_cell_of_a_dead_sector_ever_changes() -> None:
    flash = bad_chip(DeadSector(1))

    flash.program(32, bytes(128))
    assert content(flash) == b"\x0f" * 32 + bytes(32) + b"\x0f" * 64 + bytes(32) + b"\x0f" * 96
    flash.erase(0, 192)
    assert content(flash) == b"\xff" * 64 + b"\x0f" * 64 + b"\xff" * 64 + b"\x0f" * 64
    flash.store(70, b"stored")
    assert content(flash)[64:128] == b"\x0f" * 64


def test_a_sector_that_does_not_erase_can_still_be_programmed() -> None:
    flash = bad_chip(StuckSector(1))

    flash.erase(0, 192)
    assert content(flash)[64:128] == b"\x0f" * 64
    flash.program(64, b"\xf1")
    assert content(flash)[64:66] == b"\x01\x0f"


def test_a_cut_inside_a_dead_sector_changes_no_cell_of_it() -> None:
    flash = bad_chip(DeadSector(1), cut=PowerCut(1, Tear.HALF))

    with pytest.raises(PowerLost):
        flash.erase(0, 192)

    assert flash._cells.tobytes() == b"\xff" * 64 + b"\x0f" * 192


@given(st.lists(place_and_data(), max_size=6))
def test_where_an_erase_clears_bits_a_program_only_sets_them(
    writes: list[tuple[int, bytes]],
) -> None:
    geometry = Geometry(SMALL.size_bytes, SMALL.sector_bytes, SMALL.page_bytes, erased=0x00)
    flash, model = Flash(bytearray(geometry.size_bytes), geometry), bytearray(geometry.size_bytes)
    assert flash.is_erased(0, geometry.size_bytes)

    for start, data in writes:
        flash.program(start, data)
        for index, octet in enumerate(data, start):
            model[index] |= octet

        assert content(flash) == model
    for start, data in writes:
        flash.store(start, data)
        model[start : start + len(data)] = data

        assert content(flash) == model
    flash.clear(0, geometry.size_bytes)
    assert content(flash) == bytes(geometry.size_bytes)


def test_whoever_asks_is_told_what_took_time() -> None:
    flash, told = chip(cut=PowerCut(6)), list[tuple[int, int]]()
    flash.took_time = lambda sectors, pages: told.append((sectors, pages))

    flash.program(8, bytes(16))
    flash.erase(0, 128)
    flash.program(0, b"")
    flash.store(0, b"\xff" * 16)
    with pytest.raises(PowerLost):
        flash.program(0, bytes(64))

    assert told == [(0, 2), (2, 0)]


def test_a_disturbed_cell_differs_in_one_bit() -> None:
    flash = chip()

    flash.disturb(7, bit=3)

    assert flash.view(7, 1)[0] == 0b1111_0111
    assert flash.operations == 0


@pytest.mark.parametrize(
    ("size", "sector", "page"), [(0, 64, 16), (100, 64, 16), (128, 64, 24), (128, 64, 0)]
)
def test_an_impossible_geometry_is_refused(size: int, sector: int, page: int) -> None:
    with pytest.raises(ValueError, match="whole number"):
        Geometry(size, sector, page)


def test_an_erase_sets_all_bits_or_clears_all() -> None:
    with pytest.raises(ValueError, match="all bits"):
        Geometry(128, 64, 16, erased=0x7F)


def test_cells_have_the_size_of_the_geometry() -> None:
    with pytest.raises(ValueError, match="cells"):
        Flash(bytearray(10), SMALL)


# -- the file --------------------------------------------------------------------------------


def test_a_new_flash_file_is_an_erased_chip(tmp_path: Path) -> None:
    with flash_file(tmp_path / "chip.flash", 100_000) as cells:
        assert cells[:] == b"\xff" * 100_000


def test_a_flash_file_keeps_its_content(tmp_path: Path) -> None:
    path = tmp_path / "chip.flash"
    with flash_file(path, SMALL.size_bytes) as cells:
        Flash(cells, SMALL).program(3, b"kept")

    with flash_file(path, SMALL.size_bytes) as found:
        assert found[3:7] == b"kept"


def test_one_chip_sits_in_one_dock(tmp_path: Path) -> None:
    path = tmp_path / "chip.flash"
    with (
        flash_file(path, SMALL.size_bytes) as cells,
        pytest.raises(FlashFileRefused, match="another virtual dock"),
        flash_file(path, SMALL.size_bytes),
    ):
        pass

    assert len(cells) == SMALL.size_bytes
    with flash_file(path, SMALL.size_bytes):  # although the old map is still there
        pass


def test_a_file_of_another_size_is_not_this_flash(tmp_path: Path) -> None:
    path = tmp_path / "chip.flash"
    path.write_bytes(b"\xff" * 10)

    with pytest.raises(FlashFileRefused, match="10 bytes"), flash_file(path, SMALL.size_bytes):
        pass
    assert path.read_bytes() == b"\xff" * 10


def test_a_file_that_cannot_be_opened_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(FlashFileRefused, match="directory"), flash_file(tmp_path, 256):
        pass
    missing = tmp_path / "missing" / "chip.flash"
    with pytest.raises(FlashFileRefused, match="No such file"), flash_file(missing, 256):
        pass

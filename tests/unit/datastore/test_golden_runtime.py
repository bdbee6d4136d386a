"""The SPEC made executable: cells another program made are what ours writes and reads."""

from pathlib import Path

import pytest

from station.datastore.runtime_partition import RuntimePartition
from station.domain.entries import Kind
from tests.golden.rom_store import hexdump
from tests.golden.runtime_partition import make
from tests.unit.datastore.flash_areas import Chip, content_of, held, kv, png

ROOT = Path(__file__).resolve().parents[3]
FILES = {
    name: hexdump.load((make.HERE / f"{name}.hexdump").read_text(encoding="utf-8"))
    for name in ("written", "cleared")
}


def written(partition: RuntimePartition) -> None:
    partition.put(kv("dock_name", "Dock 7"))
    partition.put(png("default", make.PICTURE))
    partition.put(kv("dock_name", "Dock 8"))


def cleared(partition: RuntimePartition) -> None:
    written(partition)
    partition.clear()
    partition.put(kv("größe", ""))


ACTS = {"written": written, "cleared": cleared}
HELD = {
    "written": held(kv("dock_name", "Dock 8"), png("default", make.PICTURE)),
    "cleared": held(kv("größe", "")),
}


def test_the_independent_maker_makes_the_golden_files() -> None:
    assert make.files() == FILES


@pytest.mark.parametrize("name", ACTS)
def test_our_cells_are_the_golden_ones(name: str) -> None:
    chip = Chip()
    ACTS[name](chip.mount())

    assert chip.cells[chip.area.offset_bytes : chip.area.end_bytes] == FILES[name]


@pytest.mark.parametrize("name", ACTS)
def test_the_golden_cells_hold_what_they_were_made_of(name: str) -> None:
    chip = Chip()
    chip.cells[chip.area.offset_bytes : chip.area.end_bytes] = FILES[name]
    partition = chip.mount()

    assert content_of(partition) == HELD[name]
    assert partition.erasures[0] == (name == "cleared")
    assert chip.cells[chip.area.offset_bytes : chip.area.end_bytes] == FILES[name]


def test_golden_cells_are_written_on_as_if_they_were_ours() -> None:
    chip = Chip()
    chip.cells[chip.area.offset_bytes : chip.area.end_bytes] = FILES["written"]
    partition = chip.mount()
    partition.delete(Kind.IMG, "default")
    partition.put(kv("token", "k7-93-ax"))

    assert content_of(chip.mount()) == held(kv("dock_name", "Dock 8"), kv("token", "k7-93-ax"))


def test_the_specification_quotes_the_golden_files() -> None:
    """Every block of the chapter that is marked ``cells NAME`` stands in the file of that name."""
    chapter = (ROOT / "docs" / "spec" / "datastore.md").read_text(encoding="utf-8")
    blocks = chapter.split("```cells ")[1:]
    for block in blocks:
        name, _, lines = block.partition("```")[0].strip().partition("\n")
        golden = (make.HERE / f"{name}.hexdump").read_text(encoding="utf-8")
        assert f"\n{lines}\n" in f"\n{golden}", name

    assert len(blocks) == 4

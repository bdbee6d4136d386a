"""All or nothing of what a dock in use is told: power is cut inside every flash operation of a
factory reset and of a key's first creation, and inside a sample of those that replace ROM by real
images; then once more on the way back up (promise P6; fault layer L2).
"""

from collections.abc import Callable
from random import Random
from typing import Final

import pytest

from station.datastore.field_store import FieldPartition
from station.dock.development_key import KEY_BYTES, DevelopmentKey
from station.dock.flash import Flash, Geometry, PowerCut, PowerLost, Tear
from station.dock.layout import Area
from station.domain.entries import Entry, Kind
from station.protocol import datastore_group as store
from station.protocol.datastore_group import Listed
from tests.unit.dock.images import COMMON, image_of, make_plan
from tests.unit.dock.memory_dock import Dock
from tests.unit.dock.sweeps import MORE, tell

PLAN: Final = make_plan(common=COMMON[2:])
NEWER: Final = make_plan(common=COMMON[2:], token="token-2", counter=2)

Act = Callable[[Dock], None]


def operations(cells: bytearray, slots: int, act: Act) -> int:
    """How many flash operations a start and then an act take on a copy of these cells."""
    dock = Dock(cells=bytearray(cells), slots=slots)
    act(dock)
    return dock.flash.operations


def cut_twice(
    cells: bytearray, slots: int, act: Act, found: Callable[[Dock], None], every: int = 1
) -> int:
    """Cut inside each operation, or the `every`th and those at both ends; cut the start that
    follows inside each of its own; `found` looks at what there is then. Counts the cuts.
    """
    cuts, last = 0, operations(cells, slots, act)
    for operation in range(last):
        if operation % every and 8 <= operation < last - 12:
            continue
        for tear in Tear:
            after = bytearray(cells)
            with pytest.raises(PowerLost):
                act(Dock(cells=after, slots=slots, cut=PowerCut(operation, tear)))
            cuts += 1
            for second in range(operations(after, slots, lambda dock: None)):
                for second_tear in Tear:
                    twice = bytearray(after)
                    with pytest.raises(PowerLost):
                        Dock(cells=twice, slots=slots, cut=PowerCut(second, second_tear))
                    cuts += 1
                    found(Dock(cells=twice, slots=slots))
            found(Dock(cells=after, slots=slots))
    return cuts


# -- factory reset -------------------------------------------------------------------------------

FIELD: Final = tuple(Entry(Kind.KV, f"learnt-{number}", b"x" * 900) for number in range(3))


def learnt(dock: Dock) -> int:
    """How many of the entries the dock holds."""
    return dock.server.field.usage(FieldPartition.RUNTIME).by_kind[Kind.KV].entries


def in_use(slots: int) -> bytearray:
    """Cells of a dock that has learnt something, and on which an image waits for the next start."""
    dock = Dock(slots=slots)
    dock.install(image_of(PLAN))
    for entry in FIELD:
        dock.server.field.put(FieldPartition.RUNTIME, entry)
    dock.write(image_of(NEWER))
    assert dock.commit(image_of(NEWER)).accepted
    return dock.cells


@pytest.mark.parametrize("slots", [1, 2])
def test_a_factory_reset_forgets_everything_or_nothing(
    slots: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def reset(dock: Dock) -> None:
        dock.ask(store.FactoryReset())
        dock.starts_again()

    def found(dock: Dock) -> None:
        assert learnt(dock) in {0, len(FIELD)}
        runs = None if dock.active is None else dock.active.digest
        assert runs in {PLAN.image_sha256, NEWER.image_sha256} | ({None} if slots == 1 else set())
        dock.server.factory_reset()
        assert learnt(dock) == 0
        dock.server.field.put(FieldPartition.RUNTIME, FIELD[0])
        assert learnt(dock) == 1

    cuts = cut_twice(in_use(slots), slots, reset, found)

    tell(cuts, f"factory reset, {slots} slots", capsys)
    assert cuts > 200


# -- the development key ---------------------------------------------------------------------------

AREA: Final = Area(256, 256)


@pytest.mark.parametrize("page_bytes", [4, 16, 256])
@pytest.mark.parametrize("used", [False, True])
def test_a_key_is_there_whole_or_not_at_all(
    page_bytes: int, used: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    geometry = Geometry(768, 256, page_bytes)

    def key(cells: bytearray, cut: PowerCut | None = None) -> tuple[Flash, DevelopmentKey]:
        flash = Flash(cells, geometry, cut=cut)
        return flash, DevelopmentKey(flash, AREA)

    def chip() -> bytearray:
        cells = bytearray(b"\xff" * geometry.size_bytes)
        if used:  # by whatever lay there before
            cells[AREA.offset_bytes : AREA.end_bytes] = Random(5).randbytes(AREA.size_bytes)
        return cells

    def made(cells: bytearray, seed: int, cut: PowerCut | None = None) -> int:
        flash, one = key(cells, cut)
        one.made(Random(seed).randbytes)
        return flash.operations

    cuts = 0
    for operation in range(made(chip(), 1)):
        for tear in Tear:
            after = chip()
            with pytest.raises(PowerLost):
                made(after, 1, PowerCut(operation, tear))
            cuts += 1
            assert key(after)[1].octets in {None, Random(1).randbytes(KEY_BYTES)}
            for second in range(made(bytearray(after), 2)):
                for second_tear in Tear:
                    twice = bytearray(after)
                    with pytest.raises(PowerLost):
                        made(twice, 2, PowerCut(second, second_tear))
                    cuts += 1
                    found = key(twice)[1].octets
                    assert found in {None, Random(2).randbytes(KEY_BYTES)}
                    made(twice, 3)
                    assert key(twice)[1].octets in {found, Random(3).randbytes(KEY_BYTES)} - {None}

    tell(cuts, f"a key in pages of {page_bytes}", capsys)
    assert cuts >= 4


# -- replacing ROM by real images ------------------------------------------------------------------

CONTENT: Final = (Entry(Kind.KV, "pushed", b"1"), Entry(Kind.CODE, "main.py", b"pass\n"))
OLD_KEYS: Final = ("content_url", "empty", "enrolment_token")
EVERY: Final = max(1, 60 // MORE)


@pytest.mark.parametrize("slots", [1, 2])
def test_rom_replaced_for_the_first_time_is_all_old_or_all_new(
    slots: int, capsys: pytest.CaptureFixture[str]
) -> None:
    dock = Dock(slots=slots)
    dock.install(image_of(PLAN))
    dock.server.field.put(FieldPartition.RUNTIME, FIELD[0])

    def push(dock: Dock) -> None:
        dock.replace_rom(*CONTENT)

    def keys(dock: Dock) -> tuple[str, ...] | None:
        if dock.active is None:
            return None
        return dock.ask(store.Names(Listed.KEY_VALUE)).names

    def found(dock: Dock) -> None:
        allowed = {("learnt-0", *OLD_KEYS), ("learnt-0", "pushed")}
        runs = keys(dock)
        assert (slots == 1 and runs is None) or runs in {tuple(sorted(one)) for one in allowed}
        push(dock)
        assert keys(dock) == ("learnt-0", "pushed")

    cuts = cut_twice(dock.cells, slots, push, found, every=EVERY)

    tell(cuts, f"real images, {slots} slots", capsys)
    assert cuts > 80

"""The ephemeral partition: its map, its views, and what stays off the Python heap."""

import json
import subprocess
import sys
from random import Random

import pytest

from station.datastore.ephemeral import EphemeralPartition
from station.datastore.holes import Holes
from station.domain.entries import Entry, Kind, PictureType
from station.domain.errors import StoreFull
from station.domain.limits import EPHEMERAL_BYTES
from tests.unit.datastore.flash_areas import kv, png


def view_of(partition: EphemeralPartition, name: str) -> memoryview:
    entry = partition.get(Kind.IMG, name)
    assert entry is not None
    assert isinstance(entry.data, memoryview)
    return entry.data


def test_there_is_no_partition_without_a_budget() -> None:
    with pytest.raises(ValueError, match="at least one octet"):
        EphemeralPartition(budget_bytes=0)


def test_a_view_is_of_the_map_itself_and_cannot_be_written() -> None:
    partition = EphemeralPartition(budget_bytes=10_000)
    partition.put(png("one", b"x" * 5_000))
    first, second = view_of(partition, "one"), view_of(partition, "one")

    assert first.obj is second.obj
    assert first.readonly
    assert first == b"x" * 5_000


def test_a_view_shows_what_lies_there_after_the_next_change() -> None:
    """What `get` warns of: a view is good until the partition changes."""
    partition = EphemeralPartition(budget_bytes=10_000)
    partition.put(png("one", b"x" * 5_000))
    view = view_of(partition, "one")
    partition.put(png("one", b"y" * 5_000))

    assert view == b"y" * 5_000


def test_after_clearing_an_old_view_still_shows_the_old_content() -> None:
    partition = EphemeralPartition(budget_bytes=10_000)
    partition.put(png("one", b"x" * 5_000))
    view = view_of(partition, "one")
    partition.clear()
    partition.put(png("two", b"y" * 5_000))

    assert view == b"x" * 5_000


def test_scattered_room_is_brought_together() -> None:
    partition = EphemeralPartition(budget_bytes=10_000)
    for number in range(8):
        partition.put(png(f"i{number}", bytes([number]) * 1_000))
    for number in (1, 3, 5):
        partition.delete(Kind.IMG, f"i{number}")
    partition.put(png("large", b"L" * 3_500))

    assert view_of(partition, "large") == b"L" * 3_500
    for number in (0, 2, 4, 6, 7):
        assert view_of(partition, f"i{number}") == bytes([number]) * 1_000


def test_an_overwrite_that_moves_everything_takes_the_room_of_the_old_content() -> None:
    partition = EphemeralPartition(budget_bytes=10_000)
    for number in range(9):
        partition.put(png(f"i{number}", bytes([number]) * 1_000))
    partition.delete(Kind.IMG, "i0")
    partition.put(png("i4", b"4" * 2_300))

    assert view_of(partition, "i4") == b"4" * 2_300
    for number in (1, 2, 3, 5, 6, 7, 8):
        assert view_of(partition, f"i{number}") == bytes([number]) * 1_000


def test_an_entry_can_be_put_from_a_view_of_another_one() -> None:
    """Under the view entries are moved, and its own place may be taken."""
    partition = EphemeralPartition(budget_bytes=10_000)
    pattern = Random(1).randbytes(3_000)
    partition.put(png("gap", bytes(1_000)))
    partition.put(png("source", pattern))
    partition.put(png("gap-2", bytes(1_000)))
    partition.put(png("filler", bytes(4_000)))
    partition.delete(Kind.IMG, "gap")
    partition.delete(Kind.IMG, "gap-2")
    partition.put(png("copy", b""))
    partition.put(Entry(Kind.FONT, "copy", view_of(partition, "source")[500:2_700]))
    partition.put(Entry(Kind.IMG, "source", view_of(partition, "source")[1:], PictureType.PNG))
    copy = partition.get(Kind.FONT, "copy")

    assert copy is not None
    assert copy.data == pattern[500:2_700]
    assert view_of(partition, "source") == pattern[1:]


def test_names_cost_room_though_they_lie_elsewhere() -> None:
    partition = EphemeralPartition(budget_bytes=10_000)
    with pytest.raises(StoreFull):
        for number in range(10_000):
            partition.put(kv(f"key-{number:03}", ""))

    assert len(partition.names(Kind.KV)) == 10_000 // (7 + 64)


def test_holes_grow_together_and_the_smallest_that_fits_is_taken() -> None:
    holes = Holes(0, 100)
    taken = [holes.take(size) for size in (10, 20, 30, 40)]
    holes.give(10, 20)
    holes.give(60, 40)
    smallest = holes.take(15)
    holes.give(30, 30)

    assert taken == [0, 10, 30, 60]
    assert smallest == 10
    assert len(holes) == 1
    assert holes.take(76) is None
    assert holes.take(75) == 25
    assert len(holes) == 0
    assert holes.take(1) is None
    holes.give(50, 0)
    assert len(holes) == 0


def test_holes_are_right_after_any_taking_and_giving() -> None:
    chance, holes, size = Random(5), Holes(0, 1_000), 1_000
    free, taken = set(range(size)), list[tuple[int, int]]()
    for _ in range(5_000):
        if taken and chance.random() < 0.5:
            start, length = taken.pop(chance.randrange(len(taken)))
            holes.give(start, length)
            free |= set(range(start, start + length))
        else:
            length = chance.randrange(1, 60)
            found = holes.take(length)
            if found is not None:
                cells = set(range(found, found + length))
                assert cells <= free
                free -= cells
                taken.append((found, length))
        borders = sum(1 for cell in free if cell - 1 not in free)
        assert len(holes) == borders


HOLD = """
import json
import re
from pathlib import Path
from station.datastore.ephemeral import EphemeralPartition
from station.domain.entries import Entry, Kind, PictureType

def anonymous_bytes():
    found = re.search(r"^RssAnon:\\s+(\\d+) kB", Path("/proc/self/status").read_text(), re.M)
    return int(found[1]) * 1024

partition = EphemeralPartition()
piece = bytes(range(256)) * 4_000  # of 1,024,000 octets, made before anything is measured
partition.put(Entry(Kind.IMG, "warm", piece[:10], PictureType.PNG))
partition.delete(Kind.IMG, "warm")
before = anonymous_bytes()
count = 0
while partition.usage.free_bytes > len(piece) + 100:
    partition.put(Entry(Kind.IMG, f"image-{count}", piece, PictureType.PNG))
    count += 1
last = Entry(Kind.KV, "text", memoryview(b"t" * 0x10000)[: partition.usage.free_bytes - 68])
partition.put(last)
partition.delete(Kind.IMG, "image-3")  # and all of it is moved once
partition.delete(Kind.IMG, "image-5")
partition.put(Entry(Kind.FONT, "sans", memoryview(partition.get(Kind.IMG, "image-7").data)[:0]))
partition.put(Entry(Kind.IMG, "wide", piece, PictureType.PNG))
held = [partition.get(Kind.IMG, name).data for name in partition.names(Kind.IMG)]
same = all(data[-6:] == piece[-6:] for data in held)
grown = anonymous_bytes() - before
print(json.dumps([count, grown, same, partition.usage.used_bytes]))
"""


def test_128_megabytes_are_held_without_the_heap() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", HOLD], capture_output=True, text=True, timeout=60, check=True
    )
    count, grown, same, used = json.loads(ended.stdout)

    assert count == 124
    assert same
    assert used > EPHEMERAL_BYTES - 2_200_000
    assert grown < 1_000_000

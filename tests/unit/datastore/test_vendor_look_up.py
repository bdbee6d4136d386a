"""The vendor's API over real partitions: who wins, what a token costs, what stays where it is."""

import mmap
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from zlib import crc32

import pytest

from station.datastore.ephemeral import EphemeralPartition
from station.datastore.field_store import FieldPartition, FieldStore
from station.datastore.partitions import Datastore, RomPartition
from station.datastore.vendor import VendorApi, open_vendor_api
from station.datastore.volume import Volume, build_common_volume, build_upd_volume
from station.domain.entries import APPLICATION_NAME, Entry, Kind, PictureType
from tests.unit.datastore.flash_areas import Chip, code, kv, png
from tests.unit.datastore.made_images import SALT

BUDGET = 6_000_000
LARGE = Random(51).randbytes(4_000_000)

COMMON = build_common_volume(
    [
        code(b"print('version 1')\r\n"),
        Entry(Kind.CODE, "extra.py", b""),
        Entry(Kind.IMG, "default", b"BM", PictureType.BMP),
        kv("dock_name", "common"),
        kv("only_common", "common"),
    ]
)
UPD = build_upd_volume([kv("dock_name", "unique"), png("portrait", b"unique")], salt=SALT)


class Dock:
    """All three partitions, and the vendor's API on them."""

    def __init__(self, budget_bytes: int = 60_000) -> None:
        self.runtime = Chip(budget_bytes, sector_bytes=4_096, page_bytes=256).mount()
        self.ephemeral = EphemeralPartition(budget_bytes=budget_bytes)
        self.rom = RomPartition(Volume.open(UPD), Volume.open(COMMON))
        self.field = FieldStore(runtime=self.runtime, ephemeral=self.ephemeral)
        self.datastore = Datastore((self.ephemeral, self.runtime, self.rom))
        self.api: VendorApi = open_vendor_api(self.datastore)


ORDER = [FieldPartition.RUNTIME, FieldPartition.EPHEMERAL]
"""From the one that hides only ROM to the one that hides everything."""


def test_ephemeral_hides_runtime_hides_unique_hides_common_data() -> None:
    dock, seen = Dock(), []
    store = dock.api.KvStore()
    seen.append(store.get("dock_name"))
    for where in ORDER:
        dock.field.put(where, kv("dock_name", where))
        seen.append(store.get("dock_name"))
    for where in reversed(ORDER):
        dock.field.delete(where, Kind.KV, "dock_name")
        seen.append(store.get("dock_name"))

    assert seen == ["unique", "runtime", "ephemeral", "runtime", "unique"]
    assert store.get("only_common") == "common"


def test_an_image_takes_its_type_from_where_it_is_found() -> None:
    dock = Dock()
    store, image = dock.api.ImageStore(), dock.api.image
    before = store.get("default")
    dock.field.put(FieldPartition.RUNTIME, png("default", b"newer"))

    assert before == (bytearray(b"BM"), image.BMP)
    assert store.get("default") == (bytearray(b"newer"), image.PNG)


def test_a_list_is_the_sorted_union_without_duplicates() -> None:
    dock = Dock()
    for where in ORDER:
        dock.field.put(where, kv("dock_name", where))
        dock.field.put(where, kv(f"z-{where}", ""))
        dock.field.put(where, kv("a", ""))
        dock.field.put(where, png(f"{where}", b"x"))

    assert dock.api.KvStore().list() == [
        "a",
        "dock_name",
        "only_common",
        "z-ephemeral",
        "z-runtime",
    ]
    assert dock.api.ImageStore().list() == ["default", "ephemeral", "portrait", "runtime"]


@pytest.mark.parametrize("where", ORDER)
def test_the_first_partition_with_code_owns_all_of_it_and_info_is_of_rom(
    where: FieldPartition,
) -> None:
    dock = Dock()
    dock.field.put(where, Entry(Kind.CODE, "module.py", b"x = 1"))

    assert dock.datastore.names(Kind.CODE) == ["module.py"]
    assert not dock.datastore.holds(Kind.CODE, APPLICATION_NAME)
    assert dock.datastore.get(Kind.CODE, APPLICATION_NAME) is None
    assert dock.api.CodeStore().info() == {"checksum": crc32(b"print('version 1')\r\n")}
    dock.field.delete(where, Kind.CODE, "module.py")
    assert dock.datastore.holds(Kind.CODE, APPLICATION_NAME)


def test_a_token_stands_for_whatever_its_tag_stands_for_when_it_is_used() -> None:
    dock, seen = Dock(), []
    token = dock.api.ImageStore().get_token("default")
    assert token is not None

    def look() -> None:
        entry = dock.api.resolve(token)
        seen.append(None if entry is None else bytes(entry.data))

    look()
    dock.field.put(FieldPartition.RUNTIME, png("default", b"runtime"))
    look()
    dock.field.put(FieldPartition.EPHEMERAL, png("default", b"ephemeral"))
    look()
    dock.field.factory_reset()
    look()

    assert seen == [b"BM", b"runtime", b"ephemeral", b"BM"]


def test_a_token_outlives_its_image_and_then_stands_for_nothing() -> None:
    dock = Dock()
    dock.field.put(FieldPartition.RUNTIME, png("mine", b"x"))
    token = dock.api.ImageStore().get_token("mine")
    dock.field.delete(FieldPartition.RUNTIME, Kind.IMG, "mine")

    assert token is not None
    assert dock.api.resolve(token) is None
    with pytest.raises(KeyError):
        dock.api.ImageStore().get_token("mine")


def test_what_get_gives_is_a_copy_that_no_change_reaches() -> None:
    dock = Dock()
    dock.field.put(FieldPartition.EPHEMERAL, png("default", b"x" * 5_000))
    data, _ = dock.api.ImageStore().get("default")
    dock.field.put(FieldPartition.EPHEMERAL, png("default", b"y" * 5_000))
    dock.field.factory_reset()

    assert data == b"x" * 5_000


# -- what stays where it is ------------------------------------------------------------------------


@contextmanager
def heap(at_most: int) -> Iterator[None]:
    """Demand that the heap never grows by more than this on the way."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before <= at_most


@pytest.mark.parametrize(
    ("where", "copies"), [(FieldPartition.RUNTIME, 1), (FieldPartition.EPHEMERAL, 0)]
)
def test_a_token_costs_nothing_until_it_is_used_and_one_copy_at_most_then(
    where: FieldPartition, copies: int
) -> None:
    dock = Dock(BUDGET)
    dock.field.put(where, png("large", LARGE))
    store = dock.api.ImageStore()
    with heap(at_most=10_000):
        token = store.get_token("large")
        assert "large" in store.list()
        with pytest.raises(KeyError):
            store.get_token("nothing")
    assert token is not None
    with heap(at_most=300_000 + copies * len(LARGE)):
        entry = dock.api.resolve(token)

    assert entry is not None
    assert entry.data == LARGE


@pytest.mark.parametrize("where", ORDER)
def test_putting_a_large_image_copies_it_nowhere_on_the_heap(where: FieldPartition) -> None:
    dock = Dock(BUDGET)
    with heap(at_most=600_000):
        dock.field.put(where, png("large", LARGE))

    assert dock.datastore.holds(Kind.IMG, "large")


ROM_BYTES = 12_900_000
ROM_IMAGES = [
    png(f"image-{number}", Random(number).randbytes(ROM_BYTES // 4)) for number in range(4)
]


def in_a_file(octets: bytes, folder: Path) -> mmap.mmap:
    path = folder / "volume"
    path.write_bytes(octets)
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), 0)


BUFFERS: dict[str, Callable[[bytes, Path], bytes | bytearray | mmap.mmap]] = {
    "bytes": lambda octets, _: octets,
    "bytearray": lambda octets, _: bytearray(octets),
    "map of a file": in_a_file,
}


@pytest.mark.parametrize("kind", BUFFERS)
def test_rom_is_mounted_over_any_buffer_without_a_copy(kind: str, tmp_path: Path) -> None:
    octets = build_common_volume([*ROM_IMAGES, kv("text", "value")])
    buffer = BUFFERS[kind](octets, tmp_path)
    with heap(at_most=1_000_000):
        common = Volume.open_common(memoryview(buffer))
        rom = RomPartition(Volume.open_upd(UPD), common)
        api = open_vendor_api(Datastore((rom,)))
        token = api.ImageStore().get_token("image-2")
        assert token is not None
        entry = api.resolve(token)
    assert entry is not None
    assert isinstance(entry.data, memoryview)
    same = entry.data == ROM_IMAGES[2].data
    owner = entry.data.obj

    assert len(octets) > 12_900_000
    assert owner is buffer
    assert same
    if isinstance(buffer, bytearray):
        buffer[buffer.index(bytes(entry.data[:32])) + 7] ^= 0xFF
        assert entry.data != ROM_IMAGES[2].data

"""What both partitions that can be written promise alike; each case runs on both."""

from collections.abc import Callable
from random import Random

import pytest

from station.datastore.ephemeral import BOOKKEEPING_BYTES, EphemeralPartition
from station.datastore.field_store import (
    FieldPartition,
    FieldStore,
    KindUse,
    Usage,
    WritablePartition,
)
from station.datastore.partitions import Datastore, PartitionName, RomPartition
from station.datastore.runtime_format import Sizes
from station.datastore.volume import Volume
from station.domain.entries import Entry, Kind, PictureType
from station.domain.errors import DocumentRefused, NoSuchEntry, StoreFull
from station.domain.limits import ENTRIES_MAX
from tests.unit.datastore.flash_areas import Chip, code, held, kv, png
from tests.unit.datastore.made_images import COMMON, UPD

BUDGET = 8_192
Make = Callable[[], WritablePartition]


def runtime() -> WritablePartition:
    return Chip(BUDGET).mount()


def ephemeral() -> WritablePartition:
    return EphemeralPartition(budget_bytes=BUDGET)


@pytest.fixture(params=[runtime, ephemeral])
def partition(request: pytest.FixtureRequest) -> WritablePartition:
    made: WritablePartition = request.param()
    return made


def all_of(
    partition: WritablePartition,
) -> dict[tuple[Kind, str], tuple[bytes, PictureType | None]]:
    found = {}
    for kind in Kind:
        for name in partition.names(kind):
            entry = partition.get(kind, name)
            assert entry is not None
            found[entry.key] = (bytes(entry.data), entry.picture)
    return found


def test_a_new_partition_holds_nothing(partition: WritablePartition) -> None:
    empty = Usage(dict.fromkeys(Kind, KindUse()), used_bytes=0, budget_bytes=BUDGET)

    assert all_of(partition) == {}
    assert partition.usage == empty
    assert partition.get(Kind.KV, "nothing") is None
    assert not partition.holds(Kind.KV, "nothing")


@pytest.mark.parametrize(
    "entry",
    [
        kv("token", "k7-93-ax"),
        kv("empty", ""),
        kv("größe", "27″"),
        kv("n" * 1024, "a name of 1,024 octets"),
        kv("cacert", "-----BEGIN\n" * 300),
        png("default", bytes(5_000)),
        Entry(Kind.IMG, "photo", b"\xff\xd8\xff", PictureType.JPEG),
        Entry(Kind.IMG, "old", b"BM", PictureType.BMP),
        Entry(Kind.FONT, "sans", b"\xff" * 2_100),
        code(b"print('x')\r\n"),
        Entry(Kind.KV, "view", memoryview(b"0123456789")[2:8]),
    ],
    ids=lambda entry: f"{entry.kind}-{entry.name[:8]}",
)
def test_an_entry_is_given_back_as_it_was_put(partition: WritablePartition, entry: Entry) -> None:
    partition.put(entry)

    assert all_of(partition) == held(entry)
    assert partition.holds(*entry.key)
    assert partition.usage.by_kind[entry.kind] == KindUse(
        1, len(entry.name.encode()) + len(entry.data)
    )


def test_kinds_are_apart_and_share_the_budget(partition: WritablePartition) -> None:
    entries = [kv("main.py", "text"), code(b"code"), png("main.py", b"image")]
    for entry in entries:
        partition.put(entry)

    assert all_of(partition) == held(*entries)
    assert partition.usage.used_bytes >= sum(
        use.size_bytes for use in partition.usage.by_kind.values()
    )
    assert {kind: use.entries for kind, use in partition.usage.by_kind.items()} == {
        Kind.KV: 1,
        Kind.IMG: 1,
        Kind.CODE: 1,
        Kind.FONT: 0,
    }


def test_a_put_replaces_content_and_type(partition: WritablePartition) -> None:
    partition.put(png("default", b"x" * 3_000))
    before = partition.usage.used_bytes
    newer = Entry(Kind.IMG, "default", b"BM", PictureType.BMP)
    partition.put(newer)

    assert all_of(partition) == held(newer)
    assert partition.usage.used_bytes < before


def test_what_is_deleted_is_gone_and_its_room_is_free(partition: WritablePartition) -> None:
    partition.put(kv("stays", "here"))
    before = partition.usage
    partition.put(png("goes", bytes(3_000)))
    partition.delete(Kind.IMG, "goes")

    assert all_of(partition) == held(kv("stays", "here"))
    assert partition.usage == before


def test_deleting_what_is_not_there_is_refused(partition: WritablePartition) -> None:
    partition.put(kv("stays", "here"))

    with pytest.raises(NoSuchEntry, match="holds no img 'stays'"):
        partition.delete(Kind.IMG, "stays")
    assert all_of(partition) == held(kv("stays", "here"))


def test_clearing_leaves_nothing_and_all_of_the_budget(partition: WritablePartition) -> None:
    for number in range(20):
        partition.put(png(f"image-{number}", bytes(200)))
    partition.clear()

    assert all_of(partition) == {}
    assert partition.usage.free_bytes == BUDGET
    partition.put(kv("after", "all"))
    assert all_of(partition) == held(kv("after", "all"))


@pytest.mark.parametrize("value", [b"\xff", b"a\0b", b"\xc3", "ü".encode() * 40_000 + b"\xc3"])
def test_a_key_value_that_is_no_text_is_refused_by_name(value: bytes) -> None:
    for make in (
        lambda: Chip(200_000).mount(),
        lambda: EphemeralPartition(budget_bytes=200_000),
    ):
        partition: WritablePartition = make()
        partition.put(kv("secret", "old"))

        with pytest.raises(DocumentRefused, match="the value of 'secret' is not UTF-8") as refused:
            partition.put(Entry(Kind.KV, "secret", value))
        assert all_of(partition) == held(kv("secret", "old"))
        assert refused.value.code == "E-FILE-02"


def test_a_text_is_recognised_across_the_borders_of_what_is_looked_at() -> None:
    partition = EphemeralPartition(budget_bytes=300_000)
    value = "x" + "ü" * 70_000
    partition.put(kv("long", value))

    assert all_of(partition) == held(kv("long", value))


def cost(partition: WritablePartition, entry: Entry) -> int:
    """What an entry is held against the budget with (docs/SPEC.md, "Writable partitions")."""
    name_bytes = len(entry.name.encode())
    if partition.name is PartitionName.RUNTIME:
        return Sizes.of(BUDGET, 512).packed_bytes(name_bytes, len(entry.data))
    return name_bytes + len(entry.data) + BOOKKEEPING_BYTES


def test_an_entry_over_the_budget_fails_whole_and_the_shortfall_is_named(
    partition: WritablePartition,
) -> None:
    partition.put(png("first", bytes(4_000)))
    before, usage = all_of(partition), partition.usage
    entry = png("third", bytes(9_000))
    short = cost(partition, entry) - usage.free_bytes

    with pytest.raises(StoreFull) as full:
        partition.put(entry)
    assert full.value.cause == f"{short:,} bytes more than the {partition.name} partition has free"
    assert full.value.code == "E-STORE-01"
    assert (all_of(partition), partition.usage) == (before, usage)


def test_the_last_octet_of_the_budget_can_be_used_and_no_more(
    partition: WritablePartition,
) -> None:
    fits = max(
        size
        for size in range(BUDGET)
        if cost(partition, png("image", bytes(size))) <= partition.usage.free_bytes
    )
    with pytest.raises(StoreFull):
        partition.put(png("image", bytes(fits + 1)))
    partition.put(png("image", bytes(fits)))

    assert partition.usage.free_bytes == BUDGET - cost(partition, png("image", bytes(fits))) < 4
    assert all_of(partition) == held(png("image", bytes(fits)))


@pytest.mark.parametrize("make", [runtime, ephemeral])
def test_a_full_partition_goes_on_taking_whatever_fits(make: Make) -> None:
    chance, partition = Random(20_261_130), make()
    both = BUDGET + (Sizes.of(BUDGET, 512).allowance_bytes if make is runtime else BUDGET)
    model, costs, full, free = dict[tuple[Kind, str], object](), dict[str, int](), 0, list[int]()
    for step in range(5_000):
        entry = png(f"i{chance.randrange(40)}", chance.randbytes(chance.randrange(600)))
        used, new = sum(costs.values()), cost(partition, entry)
        fits = used - costs.get(entry.name, 0) + new <= BUDGET and used + new <= both
        if fits:
            partition.put(entry)
            model |= held(entry)
            costs[entry.name] = new
        else:
            with pytest.raises(StoreFull):
                partition.put(entry)
            full += 1
            if full % 20 == 0:
                gone = chance.choice(sorted(costs))
                partition.delete(Kind.IMG, gone)
                del model[Kind.IMG, gone], costs[gone]
        if step % 50 == 0:
            assert all_of(partition) == model, step
        free.append(partition.usage.free_bytes)

    assert all_of(partition) == model
    assert partition.usage.used_bytes == sum(costs.values())
    assert full > 1_000
    assert sorted(free)[len(free) // 2] < 700  # most of the time hardly anything fits


def test_no_partition_takes_more_entries_than_a_volume(
    partition: WritablePartition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("station.datastore.field_entries.ENTRIES_MAX", 3)
    for number in range(3):
        partition.put(kv(f"key-{number}", ""))
    partition.put(kv("key-2", "again"))

    with pytest.raises(StoreFull, match="holds 3 entries already"):
        partition.put(kv("key-3", ""))
    assert len(partition.names(Kind.KV)) == 3
    assert ENTRIES_MAX == 100_000


def test_the_field_store_writes_where_it_is_told_and_resets_both() -> None:
    one, other = runtime(), ephemeral()
    store = FieldStore(runtime=one, ephemeral=other)
    rom = RomPartition(Volume.open(UPD), Volume.open(COMMON))
    datastore = Datastore((other, one, rom))
    store.put(FieldPartition.RUNTIME, kv("url", "runtime"))
    store.put(FieldPartition.EPHEMERAL, kv("url", "ephemeral"))
    seen = [datastore.get(Kind.KV, "url")]
    store.delete(FieldPartition.EPHEMERAL, Kind.KV, "url")
    seen.append(datastore.get(Kind.KV, "url"))
    used = [store.usage(where).used_bytes > 0 for where in FieldPartition]
    store.factory_reset()
    seen.append(datastore.get(Kind.KV, "url"))

    assert [bytes(entry.data) for entry in seen if entry is not None] == [
        b"ephemeral",
        b"runtime",
        b"https://content.example/",
    ]
    assert used == [False, True]
    assert [store.usage(where).used_bytes for where in FieldPartition] == [0, 0]

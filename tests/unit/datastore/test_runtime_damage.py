"""Damaged cells: what was not touched is there, what was is absent, and nothing is wrong."""

from random import Random
from zlib import crc32

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from station.datastore.partitions import Datastore, RomPartition
from station.datastore.runtime_format import (
    SEGMENT_HEADER_BYTES,
    SEQUENCE_END,
    SERIAL_END,
    EntryHead,
    Head,
    PieceHead,
    Sizes,
    Use,
    Wear,
    encode_record,
    record_bytes,
)
from station.datastore.runtime_partition import RuntimePartition
from station.datastore.vendor import open_vendor_api
from station.datastore.volume import Volume, build_common_volume
from station.domain.entries import Entry, Kind, PictureType
from station.domain.errors import NoSuchEntry, StoreFull, StoreWorn
from tests.unit.datastore.flash_areas import Chip, Content, content_of, held, kv, png
from tests.unit.datastore.made_images import UPD

BUDGET = 16_384
SIZES = Sizes.of(BUDGET, 512)
AREA_BYTES = SIZES.area_bytes


def used_chip() -> tuple[Chip, dict[tuple[Kind, str], set[bytes]]]:
    """A chip after a busy life, and every content its keys ever had."""
    chance, chip = Random(21), Chip(BUDGET)
    partition = chip.mount()
    history = dict[tuple[Kind, str], set[bytes]]()
    for _ in range(400):
        size = chance.choice((0, 3, 40, 300, 900, 1_100, 2_500))
        entry = png(f"i{chance.randrange(12)}", chance.randbytes(chance.randrange(size + 1)))
        if partition.holds(*entry.key) and chance.random() < 0.2:
            partition.delete(*entry.key)
        elif partition.usage.free_bytes > 4_000:
            partition.put(entry)
            history.setdefault(entry.key, set()).add(bytes(entry.data))
    return chip, history


CHIP, HISTORY = used_chip()
BEFORE = content_of(CHIP.mount())


def places(partition: RuntimePartition) -> dict[tuple[Kind, str], list[range]]:
    """Which cells of the area each entry depends on."""
    return {
        one.key: [range(address, address + size) for address, size in partition._records(one)]
        for one in partition._held.values()
    }


PLACES = places(CHIP.mount())

Damage = list[tuple[int, bytes]]
ranges_of_damage = st.lists(
    st.tuples(
        st.integers(0, AREA_BYTES - 1)
        | st.sampled_from([one.start for ranges in PLACES.values() for one in ranges])
        | st.sampled_from([number * SIZES.segment_bytes for number in range(SIZES.segments)]),
        st.binary(min_size=1, max_size=64)
        | st.integers(1, 3_000).map(lambda size: b"\xff" * size)
        | st.integers(1, 3_000).map(bytes),
    ),
    max_size=6,
)


def damaged(damage: Damage) -> tuple[bytearray, set[int]]:
    """The cells, and the addresses that are not as they were."""
    cells, touched, start = bytearray(CHIP.cells), set[int](), CHIP.area.offset_bytes
    for address, wanted in damage:
        octets = wanted[: AREA_BYTES - address]
        touched.update(
            address + index
            for index, octet in enumerate(octets)
            if cells[start + address + index] != octet
        )
        cells[start + address : start + address + len(octets)] = octets
    return cells, touched


def test_the_sample_is_busy() -> None:
    assert len(BEFORE) >= 8
    assert any(len(ranges) > 1 for ranges in PLACES.values())
    assert sum(map(len, HISTORY.values())) > 100


@example(damage=[(number * SIZES.segment_bytes, b"\0" * 28) for number in range(SIZES.segments)])
@example(damage=[(number * SIZES.segment_bytes, b"\xff" * 28) for number in range(SIZES.segments)])
@given(damage=ranges_of_damage)
def test_damage_costs_the_entries_it_touches_and_no_other(damage: Damage) -> None:
    cells, touched = damaged(damage)
    partition = CHIP.mount(cells=cells)
    found = content_of(partition)

    for key, (content, picture) in BEFORE.items():
        if not any(address in touched for one in PLACES[key] for address in one):
            assert found[key] == (content, picture)
    for key, (content, _) in found.items():
        assert content in HISTORY[key]

    for number in range(30):  # and it can be used as if nothing had been
        partition.put(png("new", bytes([number]) * 400))
    assert content_of(partition) == {**found, **held(png("new", bytes([29]) * 400))}
    assert content_of(CHIP.mount(cells=cells)) == content_of(partition)


@given(damage=ranges_of_damage, seed=st.integers(0, 2**32))
def test_damage_while_it_is_in_use_costs_no_more(damage: Damage, seed: int) -> None:
    """What has rotted is found when it is read, or when its segment is emptied; nothing that is
    done to it later reaches what was written in its place since."""
    chance, cells = Random(seed), bytearray(CHIP.cells)
    partition = CHIP.mount(cells=cells)
    after, touched = damaged(damage)
    cells[:] = after
    hit = [key for key, ranges in PLACES.items() if any(a in touched for r in ranges for a in r)]
    expected = {key: value for key, value in BEFORE.items() if key not in hit}
    for number in range(120):
        entry = png(f"new-{number % 5}", chance.randbytes(chance.randrange(700)))
        partition.put(entry)
        expected |= held(entry)
        if number % 20 == 10 and hit:
            key = hit.pop()
            if chance.random() < 0.5 and key[1] in partition.names(key[0]):
                partition.delete(*key)
            else:
                partition.put(png(key[1], b"over damage"))
                expected |= held(png(key[1], b"over damage"))
    found = content_of(partition)

    assert expected.items() <= found.items()
    assert found.items() <= {**BEFORE, **expected}.items()
    assert expected.items() <= content_of(CHIP.mount(cells=cells)).items()


def test_nothing_points_at_a_segment_that_was_emptied_past_a_rotten_head() -> None:
    """What is later written in its place stands where the lost entry's record stood."""
    chip, model = Chip(BUDGET), Content()
    partition = chip.mount()
    partition.put(kv("lost", "first of all"))
    chip.cells[chip.area.offset_bytes + SEGMENT_HEADER_BYTES] ^= 1
    for number in range(2_000):
        entry = png(f"i{number % 9}", bytes([number % 251]) * 700)
        partition.put(entry)
        model |= held(entry)
    named = partition.names(Kind.KV)

    assert partition.erasures[0] > 2
    assert named == []
    with pytest.raises(NoSuchEntry):
        partition.delete(Kind.KV, "lost")
    assert content_of(partition) == model == content_of(chip.mount())
    assert partition.usage == chip.mount().usage


def rot(chip: Chip, partition: RuntimePartition, key: tuple[Kind, str], chance: Random) -> None:
    """Flip a bit of an entry's content."""
    one = partition._by_name[key[0]][key[1]]
    address = chance.choice(one.pieces or [one.address])
    record = partition._segments.read_head(address)
    assert record is not None
    content_at = address - record.offset_bytes + record.content_offset_bytes
    offset = chip.area.offset_bytes + content_at + chance.randrange(record.content_bytes)
    chip.cells[offset] ^= 1 << chance.randrange(8)


def test_what_has_rotted_is_not_carried_along_by_compaction() -> None:
    """Nobody reads it; its room is free again once its segment was emptied."""
    chance, chip, model = Random(23), Chip(BUDGET), Content()
    partition = chip.mount()
    partition.put(png("rotten", b"r" * 2_900))
    rot(chip, partition, (Kind.IMG, "rotten"), chance)
    for _ in range(2_000):
        entry = png(f"i{chance.randrange(8)}", chance.randbytes(chance.randrange(1, 900)))
        partition.put(entry)
        model |= held(entry)

    assert "rotten" not in partition.names(Kind.IMG)
    assert content_of(partition) == model
    assert partition.usage == chip.mount().usage


def test_rotten_entries_are_replaced_like_any_other() -> None:
    """Also where compaction comes upon the old one while the new one is being written."""
    chance, chip, model = Random(24), Chip(BUDGET), Content()
    partition = chip.mount()
    for _ in range(3_000):
        name = f"i{chance.randrange(16)}"
        if (Kind.IMG, name) in model and chance.random() < 0.5:
            rot(chip, partition, (Kind.IMG, name), chance)
            del model[Kind.IMG, name]
            if chance.random() < 0.2:
                assert partition.get(Kind.IMG, name) is None
        entry = png(name, chance.randbytes(chance.randrange(1, 1_900)))
        try:
            partition.put(entry)
            model |= held(entry)
        except StoreFull:
            assert partition.usage.free_bytes < 2_000

    assert content_of(partition) == model
    assert content_of(chip.mount()) == model


@given(
    st.integers(0, 2**32),
    st.sampled_from([b"", b"RTS1", b"RTR1", Wear(3, 4_096).encode() + Use(5, 1).encode()]),
)
@settings(max_examples=50)
def test_arbitrary_octets_are_an_empty_partition(seed: int, start: bytes) -> None:
    chip, chance = Chip(BUDGET), Random(seed)
    octets = bytearray(chance.randbytes(AREA_BYTES))
    for number in range(SIZES.segments):
        at = number * SIZES.segment_bytes
        octets[at : at + len(start)] = start
    chip.cells[chip.area.offset_bytes : chip.area.end_bytes] = octets
    partition = chip.mount()

    assert content_of(partition) == {}
    assert partition.usage.used_bytes == 0
    partition.put(kv("text", "value"))
    assert content_of(chip.mount()) == held(kv("text", "value"))


# -- records with right checksums that no partition wrote -----------------------------------------


class Forger:
    """Writes whatever records it is told into fresh cells."""

    def __init__(self) -> None:
        self.chip = Chip(BUDGET)
        self._number, self._offset = 0, SIZES.segment_bytes

    def segment(self, *, sequence: int, void_before: int = 0) -> None:
        at = self._number * SIZES.segment_bytes
        self._write(at, Wear(1, SIZES.segment_bytes).encode())
        self._write(at + 16, Use(sequence, void_before).encode())
        self._sequence, self._offset = sequence, SEGMENT_HEADER_BYTES
        self._number += 1

    def record(self, head: Head, content: bytes = b"", *, serial: int) -> None:
        encoded, body = encode_record(
            head,
            memoryview(content),
            sequence=self._sequence,
            serial=serial,
            offset_bytes=self._offset,
        )
        at = (self._number - 1) * SIZES.segment_bytes + self._offset
        self._write(at, encoded + body)
        self._offset += record_bytes(len(body))

    def _write(self, address: int, octets: bytes) -> None:
        start = self.chip.area.offset_bytes + address
        self.chip.cells[start : start + len(octets)] = octets


def head_of(entry: Entry, size: int | None = None) -> EntryHead:
    size = len(entry.data) if size is None else size
    return EntryHead(entry.kind, entry.name, entry.picture, size, crc32(entry.data))


def usable(forger: Forger) -> Content:
    """What such cells give; they can be written like any others."""
    partition = forger.chip.mount()
    found = content_of(partition)
    partition.put(kv("after", "all"))
    assert content_of(forger.chip.mount()) == {**found, **held(kv("after", "all"))}
    partition = forger.chip.mount()
    for key in content_of(partition):
        partition.delete(*key)
    assert content_of(forger.chip.mount()) == {}
    return found


def test_two_entries_of_one_serial_are_one_entry() -> None:
    forger = Forger()
    forger.segment(sequence=1)
    for name in "ab":
        forger.record(head_of(kv(name, name)), name.encode(), serial=7)

    assert usable(forger) == held(kv("a", "a"))


def test_an_entry_larger_than_all_flash_is_none() -> None:
    forger = Forger()
    forger.segment(sequence=1)
    forger.record(PieceHead(0), b"x" * 900, serial=7)
    forger.record(head_of(png("huge", b""), 2**32 - 1), serial=7)

    assert usable(forger) == {}


def test_a_piece_too_many_stands_for_no_piece_that_is_missing() -> None:
    forger = Forger()
    forger.segment(sequence=1)
    for number in (0, 7):
        forger.record(PieceHead(number), b"x" * 1_000, serial=7)
    forger.record(head_of(png("image", b"x" * 2_000)), serial=7)

    assert usable(forger) == {}


def test_of_two_copies_the_one_in_the_later_segment_counts() -> None:
    """As after a cut in a compaction; the segment that was being erased may have suffered."""
    forger, entry = Forger(), png("image", b"x" * 2_000)
    for sequence in (5, 3):
        forger.segment(sequence=sequence)
        forger.record(PieceHead(0), b"x" * 1_024, serial=7)
        forger.record(PieceHead(1), b"x" * 976, serial=7)
        forger.record(head_of(entry), serial=7)
        forger.record(head_of(kv("text", "value")), b"value", serial=8)
    cells, start = forger.chip.cells, forger.chip.area.offset_bytes + SIZES.segment_bytes
    for content in (b"xxxx", b"value"):
        cells[cells.index(content, start)] = ord("z")

    assert usable(forger) == held(entry, kv("text", "value"))


def test_pieces_of_no_entry_and_of_high_numbers_are_nothing() -> None:
    forger = Forger()
    forger.segment(sequence=1)
    forger.record(PieceHead(2**32 - 1), b"x", serial=8)
    forger.record(PieceHead(0), b"x", serial=9)

    assert usable(forger) == {}


@pytest.mark.parametrize("lengths", [(1_024, 1), (1_024,), (1_024, 976, 5)])
def test_pieces_of_other_lengths_than_their_own_are_no_content(lengths: tuple[int, ...]) -> None:
    forger = Forger()
    forger.segment(sequence=1)
    for number, length in enumerate(lengths):
        forger.record(PieceHead(number), b"x" * length, serial=7)
    forger.record(head_of(png("image", b"x" * 2_000)), serial=7)
    right = lengths == (1_024, 976, 5)  # the third is nobody's

    assert usable(forger) == (held(png("image", b"x" * 2_000)) if right else {})


def test_a_key_value_that_is_no_text_is_absent() -> None:
    forger = Forger()
    forger.segment(sequence=1)
    forger.record(head_of(Entry(Kind.KV, "text", b"\xff\xfe")), b"\xff\xfe", serial=7)
    forger.record(head_of(Entry(Kind.KV, "nul", b"a\0b")), b"a\0b", serial=8)
    partition = forger.chip.mount()

    assert partition.get(Kind.KV, "text") is partition.get(Kind.KV, "nul") is None
    assert set(partition.lost) == {(Kind.KV, "text"), (Kind.KV, "nul")}
    partition.delete(Kind.KV, "text")
    partition.put(kv("nul", "text"))
    assert content_of(forger.chip.mount()) == held(kv("nul", "text"))


def test_where_numbers_end_nothing_is_written_that_would_not_be_found_again() -> None:
    forger = Forger()
    forger.segment(sequence=SEQUENCE_END - 1)
    forger.record(head_of(kv("text", "value")), b"value", serial=SERIAL_END - 2)
    partition = forger.chip.mount()
    partition.put(kv("text", "last"))
    with pytest.raises(StoreWorn, match="serials"):
        partition.put(kv("text", "beyond"))
    with pytest.raises(StoreWorn, match="sequences"):
        partition.clear()

    assert content_of(forger.chip.mount()) == content_of(partition) == held(kv("text", "last"))
    partition.delete(Kind.KV, "text")
    assert content_of(forger.chip.mount()) == {}


def test_of_two_segments_of_one_sequence_both_count() -> None:
    forger = Forger()
    for number in range(2):
        forger.segment(sequence=3)
        forger.record(head_of(kv(f"k{number}", "value")), b"value", serial=number + 1)

    assert usable(forger) == held(kv("k0", "value"), kv("k1", "value"))


def test_a_segment_from_before_a_clearing_is_void_though_its_header_is_gone() -> None:
    forger = Forger()
    forger.segment(sequence=4)
    forger.record(head_of(kv("old", "value")), b"value", serial=1)
    forger.chip.cells[forger.chip.area.offset_bytes + 20] ^= 1
    forger.segment(sequence=5, void_before=5)
    forger.record(head_of(kv("new", "value")), b"value", serial=2)

    assert usable(forger) == held(kv("new", "value"))
    assert b"old" not in forger.chip.cells


# -- what an application sees ----------------------------------------------------------------------


def test_what_has_rotted_is_absent_and_rom_is_seen_again() -> None:
    chip = Chip(BUDGET)
    partition = chip.mount()
    partition.put(png("default", b"FIELD" * 300))
    rom = build_common_volume([Entry(Kind.IMG, "default", b"ROM", PictureType.BMP)])
    datastore = Datastore((partition, RomPartition(Volume.open(UPD), Volume.open(rom))))
    api = open_vendor_api(datastore)
    token = api.ImageStore().get_token("default")
    assert token is not None
    chip.cells[bytes(chip.cells).index(b"FIELDFIELD") + 50] ^= 0x10
    entry = api.resolve(token)

    assert entry is not None
    assert bytes(entry.data) == b"ROM"
    assert api.ImageStore().get("default") == (bytearray(b"ROM"), api.image.BMP)
    assert list(partition.lost) == [(Kind.IMG, "default")]
    assert partition.usage.by_kind[Kind.IMG].entries == 0
    partition.put(png("default", b"again"))
    assert api.ImageStore().get("default")[0] == b"again"
    assert list(partition.lost) == []

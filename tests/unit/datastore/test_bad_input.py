"""What someone could put into a ROM store on purpose: refused by name, in bounded memory and steps.

Cuts, flips, duplicates and forged trust are tested beside the modules they belong to; here are
numbers that lie, names that cannot be, and floods.
"""

import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import count, pairwise, product
from struct import pack, pack_into, unpack_from
from typing import Any, Final

import cdblib
import pytest

from station.datastore import cdb
from station.datastore.partitions import Datastore, RomPartition
from station.datastore.rom_image import MAGIC, Header, RomImage
from station.datastore.vendor import open_vendor_api
from station.datastore.volume import Volume, build_common_volume, build_upd_volume
from station.domain.entries import NAME_MAX_BYTES, Entry, Kind
from station.domain.errors import DocumentRefused, ImageRefused, Reason
from station.domain.limits import HEADER_BYTES
from station.domain.release import Version
from tests.golden.rom_store import make
from tests.unit.datastore import independent_cdb
from tests.unit.datastore.hostile import LIST_BOMBS, colliding, forged, measured
from tests.unit.datastore.made_images import (
    COMMON,
    SALT,
    UPD,
    Forgery,
    accepted,
    statement_of,
)

IMAGE: Final = Forgery().image()
BOTH: Final = pytest.mark.parametrize("data", [COMMON, UPD], ids=["common", "upd"])


def refused(data: bytes | bytearray) -> str:
    """The cause a volume is refused for: one short line, with a remedy beside it."""
    with pytest.raises(ImageRefused) as caught:
        Volume.open(data)
    assert caught.value.reason is Reason.VOLUME
    assert caught.value.remedy
    assert caught.value.cause.isprintable()
    return caught.value.cause


def records_of(data: bytes) -> independent_cdb.Records:
    return list(cdblib.Reader(data).iteritems())


def positions(data: bytes) -> Iterator[int]:
    """Where each record begins, and the first table behind the last of them."""
    at, end = 2048, unpack_from("<I", data)[0]
    while at < end:
        yield at
        at += 8 + sum(unpack_from("<II", data, at))
    yield end


# -- numbers that lie ----------------------------------------------------------------------------


@BOTH
def test_no_number_of_a_volume_can_lie(data: bytes) -> None:
    """Each position and length, set to outside, to the end, into a record, to another's."""
    starts = list(positions(data))
    lies = [0, 1, 7, 2047, 2048, *starts, *(at + 4 for at in starts), len(data) - 8, len(data) - 1]
    lies += [len(data), 2**31, 2**32 - 8, 2**32 - 1]
    places = [*range(0, 2048, 4), *range(starts[-1], len(data), 4)]
    places += [place for at in starts[:-1] for place in (at, at + 4)]
    keys = [key for key, _ in records_of(data)]
    damaged = bytearray(data)
    passed = []
    for place in places:
        right = damaged[place : place + 4]
        for lie in lies:
            pack_into("<I", damaged, place, lie)
            if damaged[place : place + 4] == right:
                continue
            try:
                Volume.open(damaged)
                passed.append((place, lie))
            except ImageRefused:
                pass
            for key in keys:
                with suppress(cdb.BadCdb):
                    cdb.Reader(damaged).get(key)
        damaged[place : place + 4] = right

    assert passed == []
    assert damaged == data


@BOTH
def test_every_bit_of_records_and_tables_counts(data: bytes) -> None:
    damaged = bytearray(data)
    salt = data.find(SALT)
    passed = []
    for at, bit in product(range(2048, len(data)), range(8)):
        if 0 <= salt <= at < salt + len(SALT):
            continue  # any salt is as good as another
        damaged[at] ^= 1 << bit
        try:
            Volume.open(damaged)
            passed.append((at, bit))
        except ImageRefused:
            pass
        damaged[at] ^= 1 << bit

    assert passed == []


@BOTH
def test_tables_that_overlap_are_refused(data: bytes) -> None:
    """Two tables with slots are said to lie at one place, or to share a slot."""
    used = [at for at in range(0, 2048, 8) if unpack_from("<I", data, at + 4)[0]]
    for first, second in pairwise(used):
        same, shared = bytearray(data), bytearray(data)
        same[second : second + 8] = data[first : first + 8]
        pack_into("<I", shared, second, unpack_from("<I", data, second)[0] - 8)

        assert "canonical" in refused(same)
        assert "canonical" in refused(shared)


@pytest.mark.parametrize(
    ("key_bytes", "value_bytes"),
    [(2**32 - 1, 2**32 - 1), (2**32 - 8, 0), (0, 2**32 - 8), (2**31, 2**31), (2**32 - 1, 1)],
)
def test_a_record_whose_lengths_overflow_is_refused(key_bytes: int, value_bytes: int) -> None:
    """Their sum is small, or the record's own position again, where 32 bits wrap around."""
    for at in list(positions(COMMON))[:-1]:
        damaged = bytearray(COMMON)
        pack_into("<II", damaged, at, key_bytes, value_bytes)

        assert "leads outside" in refused(damaged)


def test_a_table_without_end_ends_with_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """No look-up passes more slots than there is room for."""
    data = bytearray(independent_cdb.encode([(b"a", b"value")])) + pack("<II", 1, 2048) * 2_000
    table = 8 * (independent_cdb.hashed(b"a") % 256)
    pack_into("<I", data, table + 4, 2**32 - 1)
    steps = counted(monkeypatch)

    with pytest.raises(cdb.BadCdb):
        cdb.Reader(data).get(b"a")
    assert 1_000 < next(steps) <= len(data) // 8


# -- names and values that cannot be ---------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        *(
            b"kv\0\xff",
            b"kv\0a\xc3",
            b"kv\0\xed\xa0\x80",
            b"kv\0\xc0\x80",
            b"img\0\xf5\x80\x80\x80",
        ),
        *(b"kv\0", b"kv", b"k", b"\0", b"\0a", b"kv\0a\0b", b"kv\0\0"),
        *(b"KV\0a", b"toy\0a", b"kv\xff\0a", b"salt", b"meta", b"salt\0a", b"meta\0a"),
        *(b"kv\0" + b"n" * (NAME_MAX_BYTES + 1), b"kv\0" + "é".encode() * 513),
    ],
    ids=ascii,
)
def test_a_key_that_can_be_no_entrys_is_refused(key: bytes) -> None:
    for listed in (make.listed([("kv", "a", None, b"")]), b'{"entries":[],"version":1}', b""):
        refused(forged((key, b""), listed=listed))


@pytest.mark.parametrize("name", ["n" * NAME_MAX_BYTES, "é" * 512, "\u0001", "😀", "../x", "a b"])
def test_every_other_name_is_kept_to_its_last_octet(name: str) -> None:
    data = forged((b"kv\0" + name.encode(), b"value"))

    (entry,) = Volume.open(data).entries()

    assert (entry.name, bytes(entry.data)) == (name, b"value")
    assert build_common_volume([entry]) == data


@pytest.mark.parametrize("name", ['"type":null}', '\\"type":"PNG"}', '"},{"', "],", "\u2028"])
def test_a_name_cannot_pass_for_a_part_of_the_list(name: str) -> None:
    pair = sorted([(b"kv\0" + name.encode(), b"1"), (b"kv\0~", b"2")])
    data = forged(*pair)

    assert {entry.name for entry in Volume.open(data).entries()} == {name, "~"}
    refused(forged(*pair, listed=make.listed([("kv", "~", None, b"2")])))
    refused(forged(*pair, listed=make.listed([("kv", name, None, b"1")])))


@pytest.mark.parametrize("extra", [(b"salt\0", SALT), (b"meta\0", make.listed([]))])
def test_salt_and_list_stand_once_and_in_their_place(extra: tuple[bytes, bytes]) -> None:
    salted = records_of(UPD)

    assert "twice" in refused(independent_cdb.encode([*salted, extra]))
    refused(independent_cdb.encode([salted[1], salted[0], *salted[2:]]))
    refused(independent_cdb.encode([*salted[1:], salted[0]]))


def test_a_long_name_makes_no_long_line() -> None:
    name = "\U000e0001" * 200
    with pytest.raises(DocumentRefused) as caught:
        build_common_volume([Entry(Kind.KV, name, b"\0")])
    assert len(caught.value.cause) < 1_000

    assert len(refused(forged((b"kv\0" + name.encode(), b"\0")))) < 1_000


# -- lists ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "listed",
    [
        b"[" * 100_000,
        b'{"entries":[' + b"[" * 100_000 + b'],"version":1}',
        b'{"entries":[' + b"[" * 100_000 + b"]" * 100_000 + b'],"version":1}',
        b'{"a":' * 100_000 + b'],"version":1}',
        b'{"entries":[' + b"9" * 100_000 + b'],"version":1}',
        b'{"entries":[1e999999],"version":1}',
        b'{"entries":["\\ud800"],"version":1}',
    ],
    ids=["open", "nested", "closed", "objects", "number", "exponent", "surrogate"],
)
def test_a_list_made_to_hurt_its_reader_is_refused(listed: bytes) -> None:
    refused(forged(listed=listed))
    refused(forged((b"kv\0a", b""), listed=listed))


@pytest.mark.parametrize("bomb", LIST_BOMBS)
def test_a_list_of_millions_of_values_takes_no_memory(bomb: str) -> None:
    """Of 13 MB; parsed, it would take up to 600 MB."""
    cost = measured(f"list_bomb({bomb!r})")

    assert cost.refused[0] == "volume"
    assert cost.peak_bytes < 1_000_000


# -- many ----------------------------------------------------------------------------------------


def test_100_000_entries_are_accepted_in_stated_memory() -> None:
    """Less than 6 times the volume's own 16 MB while it is judged, and 20 MB afterwards."""
    cost = measured("many(100_000)")

    assert cost.refused == ("", "")
    assert cost.data_bytes > 15_000_000
    assert cost.peak_bytes < 6 * cost.data_bytes
    assert cost.left_bytes < 20_000_000


def test_100_001_entries_are_refused() -> None:
    cost = measured("many(100_001)")

    assert cost.refused == ("volume", "a damaged volume: a volume has at most 100000 entries")
    assert cost.peak_bytes < 6 * cost.data_bytes


def test_fillers_without_end_are_refused() -> None:
    cost = measured("fillers()")

    assert cost.refused[0] == "volume"
    assert "one too many" in cost.refused[1]
    assert cost.peak_bytes < 1_000_000


def test_a_large_image_is_judged_in_place() -> None:
    """12 MB of pictures take less than 1 MB to accept."""
    cost = measured("large_image()", "accepted")

    assert cost.refused == ("", "")
    assert cost.peak_bytes < 1_000_000


# -- floods --------------------------------------------------------------------------------------


def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Counts how often a reader takes two numbers from its database, from now on."""
    steps = count()
    take = cdb.Reader._pair

    def counting(reader: cdb.Reader, at: int) -> tuple[int, int]:
        next(steps)
        return take(reader, at)

    monkeypatch.setattr(cdb.Reader, "_pair", counting)
    return steps


def detours_of(number: int) -> int:
    """Slots of others that finding so many colliding keys passes."""
    return number * (number - 1) // 2


def test_names_that_collide_are_taken_as_long_as_they_could_be_chance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    most = next(
        number
        for number in count(1)
        if detours_of(number + 1)
        > cdb.DETOURS_FREE + cdb.DETOURS_A_RECORD * (number + 2)  # the list is a record, too
    )
    names = colliding(most + 1)
    assert len({independent_cdb.hashed(f"kv\0{name}".encode()) for name in names}) == 1

    data = build_common_volume([Entry(Kind.KV, name, b"") for name in names[:-1]])
    volume = Volume.open(data)
    steps = counted(monkeypatch)

    assert [entry.name for entry in volume.entries()] == names[:-1]
    assert next(steps) <= 2 * detours_of(most) + 5 * most
    with pytest.raises(DocumentRefused, match="collide") as caught:
        build_common_volume([Entry(Kind.KV, name, b"") for name in names])
    assert caught.value.remedy == "Rename them."


def test_a_flood_of_colliding_names_is_refused_early() -> None:
    """3,000 of them pass 4.5 million slots; the refusal comes after 90,000."""
    names = colliding(3_000)
    data = forged(*((f"kv\0{name}".encode(), b"") for name in names))
    passed = 0

    def watch(frame: Any, _event: str, _argument: object) -> Any:
        if frame.f_code is cdb._table.__code__:
            return step
        return None

    def step(frame: Any, event: str, _argument: object) -> Any:
        nonlocal passed
        passed += event == "line"
        return step

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        assert "collide" in refused(data)
    finally:
        sys.settrace(before)

    most = cdb.DETOURS_FREE + cdb.DETOURS_A_RECORD * (len(names) + 1)
    assert passed <= 4 * most + 10 * len(names)


@pytest.mark.parametrize("pattern", ["%d", "key %05d", "%x", "icon_%06d.png", "user.%d.name"])
def test_names_by_number_are_far_from_a_flood(pattern: str) -> None:
    names = sorted(pattern % number for number in range(10_000))
    data = build_common_volume([Entry(Kind.KV, name, b"") for name in names])
    slots = [unpack_from("<II", data, at) for at in range(unpack_from("<I", data)[0], len(data), 8)]
    tables = [unpack_from("<II", data, at) for at in range(0, 2048, 8)]
    passed = 0
    for at, size in tables:
        first = (at - tables[0][0]) // 8
        for place, (hashed, position) in enumerate(slots[first : first + size]):
            passed += (place - (hashed >> 8)) % size if position else 0

    assert passed < 2 * len(names) < cdb.DETOURS_A_RECORD * len(names)


# -- nothing -------------------------------------------------------------------------------------


def test_an_empty_store_is_one_that_holds_nothing() -> None:
    common, upd = build_common_volume(()), build_upd_volume((), salt=SALT)
    image = accepted(Forgery(common=common, upd=upd, statement=statement_of(common)).image())

    api = open_vendor_api(Datastore((RomPartition(image.upd, image.common),)))

    assert (api.KvStore().list(), api.ImageStore().list()) == ([], [])
    assert api.KvStore().get("anything") == ""
    assert api.CodeStore().info() == {"checksum": 0}


@pytest.mark.parametrize("size", [0, 1, 2047, 2048, 65_536])
@pytest.mark.parametrize("octet", [b"\0", b"\xff"])
def test_erased_and_zeroed_flash_is_no_store(size: int, octet: bytes) -> None:
    refused(octet * size)
    with pytest.raises(ImageRefused) as caught:
        accepted(octet * size)
    assert caught.value.reason is Reason.FORMAT


# -- images --------------------------------------------------------------------------------------


@pytest.mark.parametrize("magic", [0, MAGIC ^ 1, 0x96F3B83C, 0x3DB8F396, 0xFFFFFFFF])
def test_another_magic_is_no_image(magic: int) -> None:
    with pytest.raises(ImageRefused, match="no image begins here") as caught:
        accepted(pack("<I", magic) + IMAGE[4:])
    assert caught.value.reason is Reason.FORMAT


@pytest.mark.parametrize("payload_bytes", [0, 1, HEADER_BYTES, 2**31, 2**32 - 1])
@pytest.mark.parametrize("protected_bytes", [0, 3, 4, 65_535])
def test_sizes_of_a_header_that_overlap_or_overflow_are_refused(
    payload_bytes: int, protected_bytes: int
) -> None:
    header = Header(Version(1, 2, 3), payload_bytes, protected_bytes).encode()

    with pytest.raises(ImageRefused) as caught:
        RomImage.parse(memoryview(header + IMAGE[HEADER_BYTES:]))
    assert caught.value.reason is Reason.FORMAT


@pytest.mark.parametrize("product_name", ["a\nb", "\x1b[2J", "x" * 10_000, "", "\u202e"])
def test_what_an_image_says_of_itself_fits_one_line(product_name: str) -> None:
    other = statement_of(COMMON, product=product_name)
    for forgery in (Forgery(product=product_name), Forgery(statement=other)):
        with pytest.raises(ImageRefused) as caught:
            accepted(forgery.image())

        assert caught.value.reason is Reason.PRODUCT
        assert caught.value.cause.isprintable()
        assert len(caught.value.cause) < 1_000

import subprocess
from collections.abc import Callable
from dataclasses import replace
from mmap import mmap
from pathlib import Path
from random import Random
from struct import pack_into

import cdblib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station.datastore import volume as volumes
from station.datastore.volume import (
    ALIGNED_FROM_BYTES,
    ALIGNMENT_BYTES,
    Volume,
    build_common_volume,
    build_upd_volume,
    demand_overlay,
)
from station.domain.bundle import in_order
from station.domain.entries import Entry, Kind, PictureType
from station.domain.errors import DocumentRefused, ImageRefused, Reason
from tests.golden.rom_store import make
from tests.unit.datastore import independent_cdb
from tests.unit.datastore.made_images import (
    COMMON,
    COMMON_ENTRIES,
    REPLACEABLE,
    SALT,
    UPD,
    UPD_ENTRIES,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
NAMES = TEXT.filter(bool)


@st.composite
def entries(draw: st.DrawFn, kinds: tuple[Kind, ...] = tuple(Kind)) -> list[Entry]:
    keys = draw(st.lists(st.tuples(st.sampled_from(kinds), NAMES), unique=True, max_size=12))
    made = []
    for kind, name in keys:
        content = draw(TEXT).encode()
        if kind is not Kind.KV and draw(st.booleans()):
            content = draw(st.binary(max_size=50)) + bytes(draw(st.integers(0, 70_000)))
        picture = draw(st.sampled_from(PictureType)) if kind is Kind.IMG else None
        made.append(Entry(kind, name, content, picture))
    return made


def records(data: bytes) -> independent_cdb.Records:
    """Of a volume, read by pure-cdb, fillers left out."""
    return [(key, value) for key, value in cdblib.Reader(data).iteritems() if key]


def refuse(data: bytes) -> str:
    """The cause `data` is refused for."""
    with pytest.raises(ImageRefused) as refused:
        Volume.open(data)
    assert refused.value.reason is Reason.VOLUME
    return refused.value.cause


@given(entries())
def test_a_common_volume_gives_back_its_entries_in_order(made: list[Entry]) -> None:
    data = build_common_volume(made)
    volume = Volume.open_common(data)

    assert list(volume.entries()) == sorted(made, key=lambda entry: in_order(entry.key))
    assert all(volume.get(*entry.key) == entry for entry in made)
    assert build_common_volume(reversed(made)) == data


@given(entries(kinds=(Kind.KV, Kind.IMG)), st.binary(min_size=32, max_size=32))
def test_an_upd_volume_gives_back_its_entries(made: list[Entry], salt: bytes) -> None:
    data = build_upd_volume(made, salt=salt)

    assert set(Volume.open_upd(data).keys) == {entry.key for entry in made}
    assert records(data)[0] == (b"salt\0", salt)


def mapped(data: bytes) -> memoryview:
    """In memory of its own, as a flash file is mapped."""
    room = mmap(-1, max(1, len(data)))
    room.write(data)
    return memoryview(room)[: len(data)]


BUFFERS: tuple[Callable[[bytes], bytes | memoryview], ...] = (bytes, memoryview, mapped)


@given(entries(), st.randoms(use_true_random=False))
def test_neither_order_nor_kind_of_buffer_shows_in_a_volume(
    made: list[Entry], chance: Random
) -> None:
    data = build_common_volume(made)
    shuffled = [
        replace(entry, data=chance.choice(BUFFERS)(bytes(entry.data)))
        for entry in chance.sample(made, len(made))
    ]

    assert build_common_volume(shuffled) == data
    for buffer in (bytearray(data), *(kind(data) for kind in BUFFERS)):
        assert list(Volume.open(buffer).entries()) == list(Volume.open(data).entries())


@settings(max_examples=25)
@given(entries())
def test_independent_readers_find_what_we_wrote(made: list[Entry]) -> None:
    data = build_common_volume(made)
    reader = cdblib.Reader(data)

    dumped = subprocess.run(
        ["cdb", "-d", "/dev/stdin"], input=data, capture_output=True, check=True
    ).stdout

    for entry in made:
        key, value = f"{entry.kind}\0{entry.name}".encode(), bytes(entry.data)
        assert reader.get(key) == value
        assert b"+%d,%d:%b->%b\n" % (len(key), len(value), key, value) in dumped
    assert len([key for key in reader.keys() if key]) == 1 + len(made)  # noqa: SIM118


@given(entries())
def test_a_second_encoder_writes_the_same_volume(made: list[Entry]) -> None:
    data = build_common_volume(made)
    ordered = sorted(made, key=lambda entry: (entry.kind.value, entry.name.encode()))
    named = [
        (e.kind.value, e.name, e.picture.value if e.picture else None, bytes(e.data))
        for e in ordered
    ]
    listed = make.listed(named)
    expected = [(b"meta\0", listed)]
    at = 2048 + 8 + len(b"meta\0") + len(listed)
    for kind, name, _, content in named:
        key = f"{kind}\0{name}".encode()
        missing = -(at + 8 + len(key)) % 4096
        if len(content) >= 65536 and missing:
            missing += 4096 if missing < 8 else 0
            expected.append((b"", b"\xff" * (missing - 8)))
            at += missing
        expected.append((key, content))
        at += 8 + len(key) + len(content)

    assert data == independent_cdb.encode(expected)


def test_a_large_content_begins_on_a_page_wherever_it_falls() -> None:
    """A gap shorter than a record's head takes one page more."""
    large = Entry(Kind.IMG, "x", b"\1" * ALIGNED_FROM_BYTES, PictureType.BMP)
    gaps = set()
    for size in range(10_000, 10_000 + ALIGNMENT_BYTES):
        data = build_common_volume([Entry(Kind.CODE, "m", b"#" * size), large])
        start = data.index(bytes(large.data))
        assert start % ALIGNMENT_BYTES == 0
        gaps.add(start - len(b"12345678img\0x") - data.index(b"#" * 9) - size)

    assert gaps == {0, *range(8, 4096), *range(4097, 4104)}


def test_a_smaller_content_is_not_aligned() -> None:
    almost = Entry(Kind.IMG, "x", bytes(ALIGNED_FROM_BYTES - 1), PictureType.BMP)

    data = build_common_volume([almost])

    assert len(list(cdblib.Reader(data).iteritems())) == 2


@pytest.mark.parametrize("data", [COMMON, UPD], ids=["common", "upd"])
def test_tinycdb_reads_every_entry(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "volume.cdb"
    path.write_bytes(data)

    for entry in Volume.open(data).entries():
        key, value = f"{entry.kind}\0{entry.name}".encode(), bytes(entry.data)
        dumped = subprocess.run(["cdb", "-d", path], capture_output=True, check=True).stdout

        assert b"+%d,%d:%b->%b\n" % (len(key), len(value), key, value) in dumped


@pytest.mark.parametrize("data", [COMMON, UPD], ids=["common", "upd"])
def test_pure_cdb_finds_every_entry(data: bytes) -> None:
    reader = cdblib.Reader(data)

    for entry in Volume.open(data).entries():
        assert reader.get(f"{entry.kind}\0{entry.name}".encode()) == entry.data


def test_both_readers_pass_over_fillers(tmp_path: Path) -> None:
    large = Entry(Kind.IMG, "large", b"\1" * ALIGNED_FROM_BYTES, PictureType.BMP)
    data = build_common_volume([large, *COMMON_ENTRIES])
    path = tmp_path / "volume.cdb"
    path.write_bytes(data)

    dumped = subprocess.run(["cdb", "-d", path], capture_output=True, check=True).stdout

    assert dumped.count(b":->\xff") == 1
    assert cdblib.Reader(data).get(b"img\0large") == large.data
    assert cdblib.Reader(data).get(b"") is None


def test_contents_are_views_of_the_buffer() -> None:
    entry = Volume.open(COMMON).get(Kind.IMG, "dot")

    assert entry is not None
    assert isinstance(entry.data, memoryview)
    assert entry.data.obj is COMMON
    assert entry.data.readonly


def test_what_is_not_there_is_not_found() -> None:
    volume = Volume.open(UPD)

    assert volume.get(Kind.KV, "nothing") is None
    assert volume.get(Kind.IMG, "token") is None
    assert volume.get(Kind.KV, "\udc80") is None
    assert len(set(volume.keys)) == len(UPD_ENTRIES)


# -- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize("data", [COMMON, UPD], ids=["common", "upd"])
def test_any_flipped_byte_is_refused(data: bytes) -> None:
    damaged = bytearray(data)
    for at in range(len(data)):
        damaged[at] ^= 1 << at % 8
        salt = SALT in data and 0 <= at - data.index(SALT) < len(SALT)
        if not salt:  # any salt is as good as another
            with pytest.raises(ImageRefused):
                Volume.open(damaged)
        damaged[at] = data[at]


@pytest.mark.parametrize("data", [COMMON, UPD], ids=["common", "upd"])
def test_any_cut_is_refused(data: bytes) -> None:
    for size in range(len(data)):
        with pytest.raises(ImageRefused):
            Volume.open(data[:size])


def test_bytes_behind_the_end_are_refused() -> None:
    assert "canonical" in refuse(COMMON + b"\0")


def test_a_duplicate_key_is_refused() -> None:
    assert "twice" in refuse(independent_cdb.encode([*records(COMMON), records(COMMON)[-1]]))


def test_a_pointer_into_the_middle_of_a_record_is_refused() -> None:
    """A second token, complete, hides inside the value of the first; a table points at it."""
    hidden = independent_cdb.encode([(b"kv\0token", b"other")])[2048:][:21]
    data = bytearray(
        build_upd_volume([Entry(Kind.KV, "a", b"-"), Entry(Kind.KV, "token", b"x")], salt=SALT)
    )
    longer = bytearray(independent_cdb.encode([*records(bytes(data)), (b"kv\0z", hidden)]))
    key = independent_cdb.hashed(b"kv\0token").to_bytes(4, "little")
    slot = longer.rindex(key)
    pack_into("<I", longer, slot + 4, longer.index(hidden))

    assert cdblib.Reader(bytes(longer)).get(b"kv\0token") == b"other"
    refuse(bytes(longer))


def test_a_record_the_list_does_not_name_is_refused() -> None:
    assert "does not name" in refuse(independent_cdb.encode([*records(COMMON), (b"kv\0x", b"")]))


def test_an_entry_the_list_names_twice_is_refused() -> None:
    twice = make.listed([("kv", "a", None, b"1")] * 2)

    refuse(independent_cdb.encode([(b"meta\0", twice), (b"kv\0a", b"1")]))
    assert "canonical" in refuse(
        independent_cdb.encode([(b"meta\0", twice), (b"kv\0a", b"1"), (b"kv\0b", b"")])
    )


def test_records_in_another_order_are_refused() -> None:
    assert "another order" in refuse(independent_cdb.encode(records(COMMON)[::-1]))


def test_a_filler_nobody_needs_is_refused() -> None:
    with_filler = [*records(COMMON), (b"", b"\xff" * 8)]

    assert "canonical" in refuse(independent_cdb.encode(with_filler))


def test_a_volume_without_a_list_is_refused() -> None:
    assert "no list" in refuse(independent_cdb.encode(records(COMMON)[1:]))


@pytest.mark.parametrize(
    "listed",
    [
        b"{}",
        b'{"entries":[],"version":2}',
        b'{"entries":{},"version":1}',
        b'{"entries":[], "version":1}',
        b'{"entries":[1],"version":1}',
        b'{"entries":[],"version":true}',
        b'{"entries":[],"extra":1,"version":1}',
        b'{"entries":[{"kind":"kv","name":"a"}],"version":1}',
        b'{"entries":[{"kind":"kv","name":"a","type":null}],"version":1}',
        b'{"entries":[{"kind":"toy","name":"a","type":null}],"version":1}',
        b'{"entries":[{"kind":"img","name":"a","type":null}],"version":1}',
        b'{"entries":[{"kind":"img","name":"a","type":"GIF"}],"version":1}',
        b"\xff",
    ],
)
def test_another_list_is_refused(listed: bytes) -> None:
    refuse(independent_cdb.encode([(b"meta\0", listed)]))
    refuse(independent_cdb.encode([(b"meta\0", listed), (b"img\0a", b"")]))


def test_wrong_facts_in_the_list_are_refused() -> None:
    wrong = make.listed([("kv", "a", None, b"1")]).replace(b'"size":1', b'"size":2')

    assert "canonical" in refuse(independent_cdb.encode([(b"meta\0", wrong), (b"kv\0a", b"1")]))


def test_a_long_key_is_refused() -> None:
    assert "too long" in refuse(independent_cdb.encode([(b"k" * 1030, b"")]))


def test_more_entries_than_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volumes, "ENTRIES_MAX", 4)
    five = [*COMMON_ENTRIES, Entry(Kind.KV, "z", b"")]

    with pytest.raises(ValueError, match="at most 4"):
        build_common_volume(five)
    Volume.open(COMMON)
    monkeypatch.setattr(volumes, "ENTRIES_MAX", 3)
    assert "at most 3" in refuse(COMMON)
    monkeypatch.setattr(volumes, "ENTRIES_MAX", 1)
    assert "one too many" in refuse(COMMON)


@pytest.mark.parametrize("value", [b"\xff", b"a\0b"])
def test_a_key_value_is_text_without_nul(value: bytes) -> None:
    with pytest.raises(DocumentRefused):
        build_common_volume([Entry(Kind.KV, "a", value)])
    listed = make.listed([("kv", "a", None, value)])

    refuse(independent_cdb.encode([(b"meta\0", listed), (b"kv\0a", value)]))


@pytest.mark.parametrize("kind", [Kind.CODE, Kind.FONT])
def test_unique_data_is_never_code(kind: Kind) -> None:
    with pytest.raises(ValueError, match="never code"):
        build_upd_volume([Entry(kind, "main.py", b"")], salt=SALT)
    listed = make.listed([(kind.value, "main.py", None, b"")])
    forged = [(b"salt\0", SALT), (b"meta\0", listed), (f"{kind}\0main.py".encode(), b"")]

    assert "never code" in refuse(independent_cdb.encode(forged))


@pytest.mark.parametrize("salt", [b"", SALT[:-1], SALT + b"x"])
def test_a_salt_has_32_octets(salt: bytes) -> None:
    with pytest.raises(ValueError, match="32 octets"):
        build_upd_volume([], salt=salt)
    assert "32 octets" in refuse(
        independent_cdb.encode([(b"salt\0", salt), (b"meta\0", make.listed([]))])
    )


def test_a_duplicate_is_not_written() -> None:
    with pytest.raises(ValueError, match="twice"):
        build_common_volume([Entry(Kind.KV, "a", b"1"), Entry(Kind.KV, "a", b"2")])


def test_the_two_sorts_of_volume_are_not_mixed_up() -> None:
    with pytest.raises(ImageRefused, match="has a salt"):
        Volume.open_common(UPD)
    with pytest.raises(ImageRefused, match="no salt"):
        Volume.open_upd(COMMON)


def test_only_what_is_replaceable_is_replaced() -> None:
    upd, common = Volume.open(UPD), Volume.open(COMMON)

    demand_overlay(upd, common, REPLACEABLE)
    with pytest.raises(ImageRefused, match="dock_name") as refused:
        demand_overlay(upd, common, frozenset())
    assert refused.value.reason is Reason.COLLISION

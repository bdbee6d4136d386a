import subprocess
from io import BytesIO
from pathlib import Path
from struct import pack, pack_into, unpack_from

import cdblib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.datastore import cdb
from station.datastore.cdb import BadCdb, Reader, Record
from tests.unit.datastore import independent_cdb

RECORDS = st.lists(st.tuples(st.binary(max_size=9), st.binary(max_size=40)), max_size=40)


def written(records: independent_cdb.Records) -> bytes:
    return b"".join(cdb.pieces([Record(key, value, bool(key)) for key, value in records]))


@given(RECORDS)
def test_a_second_encoder_writes_the_same_bytes(records: independent_cdb.Records) -> None:
    assert written(records) == independent_cdb.encode(records)


@given(RECORDS)
def test_what_is_written_is_read(records: independent_cdb.Records) -> None:
    reader = Reader(written(records))
    first = {key: value for key, value in reversed(records) if key}

    assert [(bytes(key), bytes(value)) for key, value in reader.records()] == records
    assert {key: bytes(reader.get(key) or b"") for key in first} == first
    assert reader.get(b"a key of more octets") is None


@given(RECORDS, st.integers(0, 4_000), st.integers(0, 2**32 - 1))
def test_no_pointer_leads_outside(
    records: independent_cdb.Records, place: int, pointer: int
) -> None:
    damaged = bytearray(written(records))
    pack_into("<I", damaged, min(place, len(damaged) - 4), pointer)

    for key, _ in records:
        try:
            Reader(damaged).get(key)
            list(Reader(damaged).records())
        except BadCdb:
            pass


def test_tinycdb_writes_the_same_bytes(tmp_path: Path) -> None:
    records = [(f"key {n}".encode(), b"." * n) for n in range(300)]
    typed = b"".join(b"+%d,%d:%b->%b\n" % (len(k), len(v), k, v) for k, v in records)
    subprocess.run(["cdb", "-c", tmp_path / "made.cdb"], input=typed + b"\n", check=True)

    assert (tmp_path / "made.cdb").read_bytes() == written(records)


def test_pure_cdb_writes_the_same_bytes() -> None:
    records = [(f"key {n}".encode(), b"." * n) for n in range(300)]
    file = BytesIO()
    with cdblib.Writer(file) as writer:
        for key, value in records:
            writer.put(key, value)

    assert file.getvalue() == written(records)


def test_values_are_views_and_handed_on_without_a_copy() -> None:
    value = memoryview(b"v" * 100)
    pieces = list(cdb.pieces([Record(b"key", value)]))
    database = b"".join(pieces)

    found = Reader(database).get(b"key")

    assert pieces[2] is value
    assert found is not None
    assert found.obj is database


def test_a_record_that_is_not_indexed_is_not_found() -> None:
    database = b"".join(cdb.pieces([Record(b"key", b"value", indexed=False)]))

    assert Reader(database).get(b"key") is None
    assert len(list(Reader(database).records())) == 1


def test_a_full_table_ends_a_search() -> None:
    database = bytearray(written([(b"key", b"value")]))
    table = 8 * (independent_cdb.hashed(b"key") % 256)
    at, slots = unpack_from("<II", database, table)
    for slot in range(slots):
        pack_into("<II", database, at + 8 * slot, 1, 2048)

    assert Reader(database).get(b"key") is None


def test_a_record_of_another_key_with_the_same_hash_is_passed_over() -> None:
    database = bytearray(written([(b"key", b"value")]))
    database[2056:2059] = b"yek"

    assert Reader(database).get(b"key") is None


@pytest.mark.parametrize("size", [0, cdb.HEADER_BYTES - 1])
def test_a_database_has_a_whole_header(size: int) -> None:
    with pytest.raises(BadCdb):
        Reader(bytes(size))


@pytest.mark.parametrize("end", [0, cdb.HEADER_BYTES - 1, cdb.HEADER_BYTES + 1])
def test_the_tables_begin_inside_the_database(end: int) -> None:
    with pytest.raises(BadCdb):
        list(Reader(pack("<II", end, 0) * 256).records())


def test_4_gib_are_refused_before_anything_is_written() -> None:
    class Huge(bytes):
        def __len__(self) -> int:
            return cdb.SIZE_MAX_BYTES

    with pytest.raises(ValueError, match="4 GiB"):
        next(cdb.pieces([Record(b"", Huge())]))

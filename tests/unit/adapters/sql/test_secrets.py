"""No value of a UPD record is ever in a file of the ledger, and a PASS destroys its key."""

from base64 import b64encode
from pathlib import Path

import pytest

from station.adapters.sql.ledger_file import open_ledger
from station.adapters.sql.record_content import pack, unpack
from station.domain.errors import Duplicate, LedgerRefused
from station.domain.run import RunState
from station.domain.secret import Secret
from tests.contract.ledger_cases import (
    ERROR,
    KIND,
    LOT,
    PRODUCT,
    dock,
    opening,
    provision,
    run_to,
    start,
    text_of,
)
from tests.fakes.chance import SeededChance
from tests.fakes.clock import FakeClock
from tests.fakes.vault import FakeVault
from tests.unit.adapters.sql.drivers import raw

CANARIES = [f"canary-{number}-of-a-token" for number in range(4)]


def spellings(canary: str) -> list[bytes]:
    plain = canary.encode()
    return [
        plain,
        plain.hex().encode(),
        plain.hex().upper().encode(),
        b64encode(plain).rstrip(b"=")[:-1],
        canary.encode("utf-16-le"),
    ]


def test_no_value_is_in_any_file_of_the_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    records = [{"enrol_token": Secret.from_text(canary)} for canary in CANARIES]
    with open_ledger(
        path, vault=FakeVault(), clock=FakeClock(), chance=SeededChance(5), origin="example.com"
    ) as file:
        start(file.registry)
        file.registry.import_lot(LOT, KIND, PRODUCT, records)
        with pytest.raises(Duplicate):
            file.registry.import_lot("T-2", KIND, PRODUCT, records)
        provision(file.ledger)
        provision(file.ledger, "DK7F-2", 2, end=ERROR)
        held = run_to(file.ledger, RunState.SENDING, at=opening("DK7F-3"), on=dock(3)).held
        assert text_of(held[0].values["enrol_token"]) == CANARIES[2]
        contents = {one.name: one.read_bytes() for one in tmp_path.iterdir()}

    assert {"ledger.db", "ledger.db-wal", "ledger.db-shm"} <= set(contents)
    assert b"T-1:000003" in contents["ledger.db-wal"]
    for name, content in contents.items():
        for canary in CANARIES:
            for spelled in spellings(canary):
                assert spelled not in content, name
    for canary in CANARIES:
        assert all(spelled not in path.read_bytes() for spelled in spellings(canary))


def test_a_pass_destroys_the_record_key_and_nothing_else_does(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    records = [{"enrol_token": Secret.from_text(canary)} for canary in CANARIES]
    with open_ledger(
        path, vault=FakeVault(), clock=FakeClock(), chance=SeededChance(5), origin="example.com"
    ) as file:
        start(file.registry)
        file.registry.import_lot(LOT, KIND, PRODUCT, records)
        before = keys(path)
        provision(file.ledger, "DK7F-1", 1, end=ERROR)
        assert keys(path) == before
        provision(file.ledger, "DK7F-1", 1)
        provision(file.ledger, "DK7F-2", 2, end=ERROR)
        after = keys(path)

    assert after == {**before, "T-1:000001": None}
    # The key itself is gone from the main file once the WAL is folded in.
    destroyed = before["T-1:000001"]
    assert destroyed is not None
    assert destroyed not in path.read_bytes()


def keys(path: Path) -> dict[str, bytes | None]:
    connection = raw(path)
    rows = connection.execute("SELECT record_id, wrapped_key FROM records").fetchall()
    connection.close()
    return dict(rows)


def test_content_has_one_spelling_and_comes_back_whole() -> None:
    fields = {"b": Secret(b"\x00\xff"), "a": Secret(b""), "ä": Secret.from_text("ö" * 300)}
    packed = pack(fields)
    content = Secret(packed)
    found = unpack(content)

    assert packed == pack(dict(reversed(fields.items())))
    assert list(found) == ["a", "b", "ä"]
    assert all(found[name] == value for name, value in fields.items())
    with pytest.raises(ValueError, match="wiped"), content.reveal():
        pass


def test_a_record_without_fields_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one field"):
        pack({})


@pytest.mark.parametrize("cut", range(len(pack({"name": Secret(b"value"), "x": Secret(b"")}))))
def test_content_that_is_cut_is_refused_unless_whole_fields_are_left(cut: int) -> None:
    whole = pack({"name": Secret(b"value"), "x": Secret(b"")})
    first = len(pack({"name": Secret(b"value")}))
    if cut == first:
        assert list(unpack(Secret(whole[:cut]))) == ["name"]
        return
    with pytest.raises(LedgerRefused, match="no form"):
        unpack(Secret(whole[:cut]))


def test_content_of_another_format_is_refused() -> None:
    with pytest.raises(LedgerRefused, match="no form"):
        unpack(Secret(b"\x02" + pack({"a": Secret(b"b")})[1:]))

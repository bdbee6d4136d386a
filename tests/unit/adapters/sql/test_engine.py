"""Durability settings, the file, and what each trouble of disk and driver becomes."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from station.adapters.sql import engine
from station.adapters.sql.engine import (
    FREE_BYTES_MIN,
    RESERVE_BYTES,
    DiskFull,
    choose_driver,
    reserve_of,
)
from station.adapters.sql.ledger_file import LedgerFile, open_ledger
from station.adapters.sql.schema import APPLICATION_ID, SCHEMA_VERSION
from station.domain.errors import FileUnreadable, LedgerRefused, RecordNotDurable
from station.domain.identity import Serial
from station.domain.run import RunState
from station.domain.upd import UpdState
from station.domain.verdict import Verdict
from tests.contract.ledger_cases import (
    ABORTED,
    KIND,
    PRODUCT,
    closing,
    opening,
    provision,
    run_to,
    start,
    stock_up,
    tokens,
)
from tests.fakes.chance import SeededChance
from tests.fakes.clock import FakeClock
from tests.fakes.vault import FakeVault
from tests.unit.adapters.sql.drivers import HeldDriver, raw

ROOT = Path(__file__).resolve().parents[4]
ORIGIN = "example.com/plant/station-1"


def opened(path: Path, **named: Any) -> LedgerFile:
    return open_ledger(
        path,
        vault=FakeVault(),
        clock=FakeClock(),
        chance=SeededChance(3),
        origin=ORIGIN,
        **named,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def driver() -> HeldDriver:
    return HeldDriver()


@pytest.fixture
def file(path: Path, driver: HeldDriver) -> Iterator[LedgerFile]:
    with opened(path, driver=driver) as made:
        start(made.registry)
        stock_up(made.registry)
        yield made


# -- settings ------------------------------------------------------------------------------------


def test_every_connection_is_durable_and_keeps_references(
    file: LedgerFile, driver: HeldDriver
) -> None:
    file.registry.orders()
    writer, *readers = driver.connections

    assert writer.execute("PRAGMA synchronous").fetchone() == (2,)
    assert writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert writer.execute("PRAGMA foreign_keys").fetchone() == (1,)
    assert writer.execute("PRAGMA recursive_triggers").fetchone() == (1,)
    assert writer.isolation_level is None
    assert readers


@pytest.mark.parametrize(
    ("setting", "altered"),
    [
        ("PRAGMA synchronous=FULL", "PRAGMA synchronous=NORMAL"),
        ("PRAGMA synchronous=FULL", "PRAGMA synchronous=OFF"),
        ("PRAGMA foreign_keys=ON", "PRAGMA foreign_keys=OFF"),
        ("PRAGMA journal_mode=WAL", "PRAGMA journal_mode=DELETE"),
    ],
)
def test_a_connection_that_is_not_durable_is_refused(
    path: Path, setting: str, altered: str
) -> None:
    driver = HeldDriver(lambda said: altered if said == setting else said)

    with pytest.raises(LedgerRefused, match="does not keep its promises"):
        opened(path, driver=driver)


def test_an_old_sqlite_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "SQLITE_MIN", (99, 0, 0))

    with pytest.raises(LedgerRefused, match="can lose acknowledged records") as refused:
        choose_driver()
    assert "99.0.0" in refused.value.remedy


def test_the_machines_sqlite_serves_where_it_is_new_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import sqlite3

    monkeypatch.setitem(sys.modules, "pysqlite3", None)
    monkeypatch.setattr(engine, "SQLITE_MIN", sqlite3.sqlite_version_info)

    assert choose_driver().__name__ == "sqlite3.dbapi2"


# -- the file ------------------------------------------------------------------------------------


def test_the_files_belong_to_the_stations_user_alone(file: LedgerFile, path: Path) -> None:
    provision(file.ledger)
    modes = {
        one.name: stat.S_IMODE(one.stat().st_mode)
        for one in path.parent.iterdir()
        if not one.name.endswith("-reserve")
    }

    assert set(modes) == {"ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db-owners"}
    assert set(modes.values()) == {0o600}


def test_a_file_that_others_could_read_is_made_private(path: Path) -> None:
    opened(path).close()
    path.chmod(0o644)
    opened(path).close()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs"])
def test_a_network_file_system_is_refused(tmp_path: Path, kind: str) -> None:
    share = tmp_path / "a share"
    share.mkdir()
    mounts = tmp_path / "mounts"
    name = str(share).replace(" ", "\\040")
    mounts.write_text(f"/dev/vda / ext4 rw 0 0\nserver:/x {name} {kind} rw 0 0\nodd line\n")

    with pytest.raises(LedgerRefused, match=f"network file system .{kind}"):
        opened(share / "ledger.db", mounts=mounts)
    assert list(share.iterdir()) == []
    opened(tmp_path / "ledger.db", mounts=mounts).close()
    opened(tmp_path / "other.db", mounts=tmp_path / "no such list").close()


def test_a_missing_folder_or_a_folder_in_its_place_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "none" / "ledger.db", tmp_path):
        with pytest.raises(FileUnreadable):
            opened(path)


def test_a_read_only_file_is_not_durable() -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        opened(path).close()
        path.chmod(0o400)
        Path(folder).chmod(0o755)
        user = os.geteuid()
        try:
            if user == 0:
                os.seteuid(65534)  # root may write anything
            with pytest.raises(RecordNotDurable):
                opened(path)
        finally:
            os.seteuid(user)


def test_a_ledger_that_becomes_read_only_refuses_and_changes_nothing(
    file: LedgerFile, driver: HeldDriver
) -> None:
    driver.connections[0].execute("PRAGMA query_only=ON")
    with pytest.raises(RecordNotDurable, match="cannot be written"):
        file.ledger.open_run(opening())
    driver.connections[0].execute("PRAGMA query_only=OFF")

    assert file.ledger.open_run(opening()).number == 1


@pytest.mark.parametrize("content", [b"x" * 5000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_file_is_refused_and_left_as_it_is(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(LedgerRefused, match="damaged"):
        opened(path)

    assert path.read_bytes() == content


def test_damage_in_the_middle_is_found_by_the_whole_check(path: Path) -> None:
    with opened(path) as file:
        start(file.registry)
        stock_up(file.registry, count=200)
    data = bytearray(path.read_bytes())
    at = data.index(b"T-1:000150")
    data[at - 40 : at + 200] = bytes(240)
    path.write_bytes(data)

    with opened(path) as file, pytest.raises(LedgerRefused, match="damaged"):
        file.examine()


REPLACED = (
    "DROP TRIGGER runs_arrows; CREATE TRIGGER runs_arrows AFTER UPDATE ON runs BEGIN SELECT 1; END"
)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (f"UPDATE ledger SET schema_version={SCHEMA_VERSION + 1}", "schema"),
        ("PRAGMA application_id=7", "not a ledger"),
        ("DROP TRIGGER records_arrows", "lost its rules: records_arrows"),
        (REPLACED, "lost its rules: runs_arrows"),
    ],
)
def test_a_newer_foreign_or_disarmed_file_is_refused_unchanged(
    path: Path, change: str, cause: str
) -> None:
    opened(path).close()
    connection = raw(path)
    connection.executescript(change)
    connection.close()
    before = path.read_bytes()

    with pytest.raises(LedgerRefused, match=cause):
        opened(path)
    assert path.read_bytes() == before


def test_another_programs_database_is_refused_unchanged(path: Path) -> None:
    connection = raw(path)
    connection.execute("CREATE TABLE notes (text)")
    connection.close()
    before = path.read_bytes()

    with pytest.raises(LedgerRefused, match="not a ledger"):
        opened(path)
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == ["ledger.db"]


def test_another_stations_ledger_is_refused(path: Path) -> None:
    opened(path).close()

    with pytest.raises(LedgerRefused, match="belongs to"):
        open_ledger(
            path,
            vault=None,
            clock=FakeClock(),
            chance=SeededChance(3),
            origin="example.com/plant/station-2",
        )


# -- the disk ------------------------------------------------------------------------------------


def fill(connection: Any) -> None:
    """From now on the file cannot grow."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count={pages}")


def make_room(connection: Any) -> None:
    connection.execute("PRAGMA max_page_count=1000000")


def test_a_full_disk_claims_nothing_and_may_be_tried_again(
    file: LedgerFile, driver: HeldDriver
) -> None:
    fill(driver.connections[0])
    with pytest.raises(DiskFull, match="full"):
        file.registry.import_lot("T-2", KIND, PRODUCT, tokens(100, 500))
    file.examine()
    assert sum(file.registry.stock().values()) == 10

    make_room(driver.connections[0])
    assert file.registry.import_lot("T-2", KIND, PRODUCT, tokens(100, 500)) == 500


def test_the_reserve_is_given_up_for_the_last_word_on_a_run(path: Path) -> None:
    driver, released = HeldDriver(), []

    def mark(point: str) -> None:
        if point == "ledger.reserve.released":
            released.append(reserve_of(path).exists())
            make_room(driver.connections[0])

    big = "x" * 100_000
    with opened(path, driver=driver, mark=mark) as file:
        start(file.registry)
        stock_up(file.registry)
        assert reserve_of(path).stat().st_size == RESERVE_BYTES
        course = run_to(file.ledger, RunState.CONFIRMING)
        fill(driver.connections[0])
        end = closing(Verdict.FAIL, "E-VERIFY-02", cause=big)
        closed = file.ledger.close_run(course.run.run_id, end)

        assert released == [False]
        assert file.registry.unit(Serial("DK7F-1")).runs[0].cause == big
        assert closed.verdict is Verdict.FAIL
    opened(path).close()
    assert reserve_of(path).exists()


def test_a_run_whose_end_finds_no_room_stays_open_until_a_restart(path: Path) -> None:
    driver = HeldDriver()
    with opened(path, driver=driver) as file:
        start(file.registry)
        stock_up(file.registry)
        course = run_to(file.ledger, RunState.CONFIRMING)
        fill(driver.connections[0])
        with pytest.raises(RecordNotDurable):
            file.ledger.close_run(
                course.run.run_id, closing(Verdict.FAIL, "E-VERIFY-02", cause="x" * 100_000)
            )
        assert file.registry.unit(Serial("DK7F-1")).runs[0].state is RunState.CONFIRMING
        assert file.registry.stock()[UpdState.SENT] == 1
    with opened(path) as file:
        (found,) = file.ledger.close_found_open(at=opening().opened_at)

    assert found.verdict is Verdict.ABORTED


def test_no_run_begins_when_little_space_is_left(
    file: LedgerFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Nearly:
        free = FREE_BYTES_MIN - 1

    monkeypatch.setattr(shutil, "disk_usage", lambda _: Nearly)
    with pytest.raises(RecordNotDurable, match="are free"):
        file.ledger.open_run(opening())
    Nearly.free = FREE_BYTES_MIN

    assert file.ledger.open_run(opening()).number == 1


def test_after_an_io_error_nothing_is_written_any_more(path: Path) -> None:
    with opened(path) as file:
        start(file.registry)
        stock_up(file.registry)
    script = f"""
import resource
from pathlib import Path
from station.domain.errors import RecordNotDurable
from station.domain.run import RunState
from tests.contract.ledger_cases import *
from tests.unit.adapters.sql.test_engine import opened
file = opened(Path({str(path)!r}))
course = run_to(file.ledger, RunState.CONFIRMING)
size = Path({str(path)!r} + "-wal").stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
for attempt in range(2):
    try:
        file.ledger.close_run(course.run.run_id, closing())
    except RecordNotDurable as error:
        print(type(error).__name__, error.cause)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(file.registry.stock())
"""
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    first, second, stock = ended.stdout.splitlines()

    assert first.startswith("DiskFailed the ledger's disk reports an error (SQLITE_IOERR"), first
    assert second.startswith("RecordNotDurable the ledger's disk failed before"), second
    assert "ACTIVE" in stock
    with opened(path) as file:
        (found,) = file.ledger.close_found_open(at=opening().opened_at)
        assert found.verdict is Verdict.ABORTED
        assert file.registry.stock()[UpdState.SENT] == 1
        file.examine()


def test_a_busy_ledger_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_S", 0.05)
    with opened(path) as file:
        start(file.registry)
        other = raw(path)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(RecordNotDurable, match="busy"):
            file.ledger.open_run(opening())
        other.execute("ROLLBACK")
        other.close()

        assert file.ledger.open_run(opening()).number == 1


def test_a_rule_that_stops_the_program_is_told_without_any_value(
    file: LedgerFile, path: Path
) -> None:
    course = run_to(file.ledger, RunState.OPEN)
    other = raw(path)
    other.execute("DROP TRIGGER leaves_in_order")
    other.execute("INSERT INTO leaves VALUES ((SELECT max(idx) + 1 FROM leaves), x'00')")
    other.close()
    with pytest.raises(LedgerRefused, match="own rules refuse this") as refused:
        file.ledger.close_run(course.run.run_id, ABORTED)

    assert "statement_sha256" not in str(refused.value)
    assert refused.value.__cause__ is not None
    assert refused.value.__cause__.__class__.__module__ in {"pysqlite3.dbapi2", "sqlite3"}


def test_readers_cannot_write(path: Path) -> None:
    opened(path).close()
    store = engine.open_store(path, application_id=APPLICATION_ID, mark=lambda point: None)
    with (
        store.reading() as connection,
        pytest.raises(RecordNotDurable, match="cannot be written"),
        engine.translated(),
    ):
        connection.exec_driver_sql("UPDATE ledger SET schema_version = 9")
    store.close()

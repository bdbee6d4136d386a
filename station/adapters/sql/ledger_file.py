"""Opening a ledger file: the one door to this package."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

from sqlalchemy import Connection, inspect, select, text

from station.adapters.sql import log, rules
from station.adapters.sql.engine import MOUNTS, Store, open_store
from station.adapters.sql.ledger import ENTERED, SqlLedger
from station.adapters.sql.presence import Presence, show
from station.adapters.sql.registry import SqlRegistry
from station.adapters.sql.schema import APPLICATION_ID, LEDGER, METADATA, SCHEMA_VERSION, TREE
from station.application.ports import Chance, Clock, Mark, Vault
from station.domain.errors import LedgerRefused
from station.domain.merkle import Frontier
from station.domain.wall_time import utc_text

_COMMITS: Final = (
    "ledger.establish",
    "ledger.close_found_open",
    "ledger.order.add",
    "ledger.order.start",
    "ledger.lot.import",
    "ledger.open",
    "ledger.identify",
    "ledger.hold",
    *(f"ledger.enter.{state.lower()}" for state in ENTERED),
    "ledger.close",
)

CRASH_POINTS: Final = tuple(f"{point}.{side}" for point in _COMMITS for side in ("before", "after"))
"""Every point of the ledger where the process may die: just before and after each commit."""

RARE_CRASH_POINTS: Final = ("ledger.reserve.released",)
"""Passed only when the disk is full while a run is closed."""


def _pass(point: str) -> None:
    """The mark of a program that nobody is trying to kill."""


@dataclass(frozen=True, slots=True)
class LedgerFile:
    """An open ledger: the same file as two ports. A context manager that closes it.

    What a run left open by this opening is, after `close`, what a crash would have left.
    """

    ledger: SqlLedger
    registry: SqlRegistry
    _store: Store
    _presence: Presence

    def examine(self) -> None:
        """The whole check, for the background: the file's pages, its references, every leaf.

        Takes seconds on a large ledger, blocks nobody. Raises LedgerRefused with the first
        finding; no run may be opened then.
        """
        with self._store.reading() as connection:
            for pragma in ("integrity_check", "foreign_key_check"):
                found = connection.exec_driver_sql(f"PRAGMA {pragma}").all()
                if found and tuple(found[0]) != ("ok",):
                    raise LedgerRefused(f"the ledger file is damaged: {tuple(found[0])}")
            log.recompute(connection)

    def close(self) -> None:
        """Close the file; the ports must not be used any more."""
        self._store.close()
        self._presence.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_ledger(
    path: Path,
    *,
    vault: Vault | None,
    clock: Clock,
    chance: Chance,
    origin: str,
    mark: Mark = _pass,
    mounts: Path = MOUNTS,
    driver: Any = None,
) -> LedgerFile:
    """The ledger at `path`, created (mode 0600) if there is none; its folder must exist.

    vault: None while its key is locked; holding and importing records then raise KeyRefused.
    origin: name of the station's log; a ledger of another one is refused. mark: told each of
    CRASH_POINTS. mounts, driver: for tests.

    The recorded state of the log is compared with its leaves before anything is written. Call
    `ledger.close_found_open` next, before any run.

    Raises FileUnreadable, LedgerRefused (damaged, newer, another station's or program's, network
    file system, unsafe SQLite) or RecordNotDurable (cannot be written).
    """
    store = open_store(path, application_id=APPLICATION_ID, mark=mark, driver=driver, mounts=mounts)
    try:

        def work(connection: Connection) -> None:
            _establish(connection, origin=origin, at=clock.now_at())
            log.compare_with_leaves(connection)

        store.commit("ledger.establish", work)
        presence = show(path)
    except BaseException:
        store.close()
        raise
    return LedgerFile(
        ledger=SqlLedger(store, presence=presence, vault=vault, chance=chance),
        registry=SqlRegistry(store, vault=vault, clock=clock),
        _store=store,
        _presence=presence,
    )


def _establish(connection: Connection, *, origin: str, at: datetime) -> None:
    """Create the tables in an empty file, or make sure that this file is a ledger of `origin`.

    Runs inside the caller's transaction. Raises LedgerRefused for a newer schema, another
    station's ledger, or one without its rules; then nothing was changed.
    """
    names = inspect(connection).get_table_names()
    if not names:
        _create(connection, origin, at)
        return
    if LEDGER.name not in names:
        raise LedgerRefused("the ledger file is damaged: it does not say whose it is")
    found = connection.execute(select(LEDGER)).one_or_none()
    if found is None:
        raise LedgerRefused("the ledger file is damaged: it does not say whose it is")
    if found.schema_version > SCHEMA_VERSION:
        raise LedgerRefused(
            f"the ledger has schema {found.schema_version}, this program knows {SCHEMA_VERSION}",
            remedy="Use the newer program; do not delete the file.",
        )
    if found.origin != origin:
        raise LedgerRefused(
            f"the ledger belongs to {found.origin}, this station is {origin}",
            remedy="Use this station's own ledger file.",
        )
    lost = rules.missing(connection)
    if lost:
        raise LedgerRefused(f"the ledger has lost its rules: {', '.join(lost)}")


def _create(connection: Connection, origin: str, at: datetime) -> None:
    connection.execute(text(f"PRAGMA application_id={APPLICATION_ID}"))
    METADATA.create_all(connection, checkfirst=False)
    connection.execute(
        LEDGER.insert().values(
            one=1, schema_version=SCHEMA_VERSION, origin=origin, created_at=utc_text(at)
        )
    )
    connection.execute(TREE.insert().values(one=1, size=0, state=Frontier().encode()))
    rules.lay_down(connection)

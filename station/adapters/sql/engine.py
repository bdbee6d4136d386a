"""One ledger file: how it is opened, read and committed to, and what its errors mean.

Knows SQLite, durability and the operating system's file; refuses to know what is stored. Nothing
of the driver or of SQLAlchemy leaves this package but as a StationError.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any, Final, NoReturn, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from station.application.ports import Mark
from station.domain.errors import FileUnreadable, LedgerRefused, RecordNotDurable, StationFault

T = TypeVar("T")

SQLITE_MIN: Final = (3, 51, 3)
"""First SQLite without the WAL-reset race, by which a checkpoint could lose a commit
(sqlite.org/wal.html, "The WAL-Reset Bug")."""

SYNCHRONOUS_FULL: Final = 2
"""What `PRAGMA synchronous` must answer: with NORMAL, power loss takes acknowledged commits
(sqlite.org/pragma.html; measured: 154 of 880 states lost records, with FULL none of 960)."""

FILE_MODE: Final = 0o600
"""The ledger belongs to the station's user alone; SQLite gives its WAL the same mode."""

BUSY_TIMEOUT_S: Final = 10.0
"""How long a commit waits for another process on the same file."""

FREE_BYTES_MIN: Final = 64 * 1024 * 1024
"""No run is opened with less free space: what is open must be able to finish."""

RESERVE_BYTES: Final = 4 * 1024 * 1024
"""Held back beside the ledger and given up to write the last word on open runs when the disk is
full; a closing takes about 100 KiB of WAL, so this is enough for twice as many slots as we serve.
"""

NETWORK_FILE_SYSTEMS: Final = frozenset(
    {
        "afs",
        "ceph",
        "cifs",
        "davfs",
        "fuse.davfs",
        "fuse.glusterfs",
        "fuse.sshfs",
        "glusterfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "smb3",
        "smbfs",
    }
)
"""File systems on which neither SQLite's locks nor its fsync can be trusted
(sqlite.org/wal.html: "WAL does not work over a network filesystem")."""

MOUNTS: Final = Path("/proc/mounts")
"""Where Linux lists mounted file systems; other systems are not checked."""

_SETTINGS: Final = (
    "PRAGMA foreign_keys=ON",
    "PRAGMA synchronous=FULL",
    "PRAGMA fullfsync=ON",  # macOS: a plain fsync leaves data in the drive's cache
    "PRAGMA checkpoint_fullfsync=ON",
    "PRAGMA recursive_triggers=ON",  # else INSERT OR REPLACE deletes rows past the triggers
    "PRAGMA secure_delete=ON",
    "PRAGMA trusted_schema=OFF",
    "PRAGMA temp_store=MEMORY",
)

# Primary result codes (sqlite.org/rescode.html); the driver may report an extended one.
_BUSY: Final = frozenset({5, 6})
_FULL: Final = 13
_READ_ONLY: Final = frozenset({3, 8, 14, 23})
_IO: Final = 10
_DAMAGED: Final = frozenset({11, 26})
_CONSTRAINT: Final = 19

RULE_BROKEN: Final = "the ledger's own rules refuse this"
"""How the cause begins where a constraint or trigger stopped the program."""


class DiskFull(RecordNotDurable):
    """No space for this commit; nothing changed, and it may be tried again."""

    remedy = "Make room on the station's disk; leave the docks in until then."


def choose_driver() -> Any:
    """The DB-API module of a SQLite that keeps what it acknowledged.

    Raises LedgerRefused if neither the bundled nor the machine's SQLite is new enough.
    """
    modules: list[Any] = []
    try:
        from pysqlite3 import dbapi2 as bundled
    except ImportError:
        pass
    else:
        modules.append(bundled)
    from sqlite3 import dbapi2 as machines

    modules.append(machines)
    for module in modules:
        if module.sqlite_version_info >= SQLITE_MIN:
            return module
    versions = ", ".join(module.sqlite_version for module in modules)
    raise LedgerRefused(
        f"SQLite {versions} can lose acknowledged records",
        remedy=f"Install pysqlite3, or SQLite {'.'.join(map(str, SQLITE_MIN))} or newer.",
    )


class Store:
    """An open ledger file: one connection writes, every read has its own.

    All threads of the process share it. `commit` is the only way to change anything.
    """

    def __init__(self, path: Path, writer: Connection, readers: Engine, mark: Mark) -> None:
        self._path = path
        self._writer = writer
        self._readers = readers
        self._mark = mark
        self._writing = RLock()
        self._failed = ""

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A short connection that sees one committed state and cannot write."""
        with translated(), self._readers.connect() as connection:
            yield connection

    def commit(self, point: str, work: Callable[[Connection], T], *, last_word: bool = False) -> T:
        """Do `work` in one transaction; returns only once the commit is durable.

        point: the crash points ``{point}.before`` (everything done, nothing committed) and
        ``{point}.after``. last_word: whether the reserve may be given up when the disk is full;
        `work` is then done a second time. Raises what `work` raises, with nothing changed;
        RecordNotDurable or LedgerRefused otherwise. After an I/O error every later commit is
        refused: a failed fsync is never tried again (promises, "SQLite").
        """
        with self._writing:
            try:
                result = self._commit(point, work)
            except DiskFull:
                if not (last_word and self._release_reserve()):
                    raise
                self._mark("ledger.reserve.released")
                result = self._commit(point, work)
        self._mark(f"{point}.after")
        return result

    def demand_room(self) -> None:
        """Raise RecordNotDurable where too little space is free to begin anything new."""
        try:
            free_bytes = shutil.disk_usage(self._path.parent).free
        except OSError as error:
            raise RecordNotDurable(f"the ledger's disk: {error.strerror}") from error
        if free_bytes < FREE_BYTES_MIN:
            raise DiskFull(f"only {free_bytes // 2**20} MiB are free for the ledger")

    def close(self) -> None:
        """Close every connection; the last one in the world also folds the WAL in."""
        with self._writing:
            self._writer.close()

    def _commit(self, point: str, work: Callable[[Connection], T]) -> T:
        if self._failed:
            raise RecordNotDurable(
                f"the ledger's disk failed before: {self._failed}",
                remedy="Call line IT; restart the station once the disk is sound.",
            )
        try:
            with translated(), self._writer.begin():
                result = work(self._writer)
                self._mark(f"{point}.before")
            return result
        except RecordNotDurable as error:
            if isinstance(error, DiskFailed):
                self._failed = error.cause
            raise

    def _release_reserve(self) -> bool:
        try:
            reserve_of(self._path).unlink()
        except OSError:
            return False
        return True


class DiskFailed(RecordNotDurable):
    """The disk reported an error: whether the last commit is on it, nobody can tell."""

    remedy = "Leave the docks in and call line IT; restart once the disk is sound."


def open_store(
    path: Path, *, application_id: int, mark: Mark, driver: Any = None, mounts: Path = MOUNTS
) -> Store:
    """The ledger file `path`, made empty if there is none (mode 0600, its folder must exist).

    application_id: what the header of a file that is not empty must say. driver: DB-API module,
    `choose_driver()` by default. Raises FileUnreadable where it cannot
    be a file, LedgerRefused on a network file system, an unsafe SQLite, a damaged file or another
    program's, RecordNotDurable where it cannot be written.
    """
    path = path.absolute()
    driver = driver or choose_driver()
    _refuse_network(path, mounts)
    _make_private(path)
    with translated():
        writer = _engine(driver, path, application_id, begin="BEGIN IMMEDIATE").connect()
    _keep_reserve(path)
    readers = _engine(
        driver, path, application_id, begin="BEGIN", and_then=("PRAGMA query_only=ON",)
    )
    return Store(path, writer, readers, mark)


def reserve_of(path: Path) -> Path:
    """The file that holds space back for `path`."""
    return path.with_name(f"{path.name}-reserve")


@contextmanager
def translated() -> Iterator[None]:
    """What the driver raises inside, as a StationError without any parameter in its text."""
    try:
        yield
    except DBAPIError as error:
        _refuse(error.orig)


def _refuse(error: BaseException | None) -> NoReturn:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    name = getattr(error, "sqlite_errorname", "")
    found: StationFault
    if code == _FULL:
        found = DiskFull("the ledger's disk is full")
    elif code in _BUSY:
        found = RecordNotDurable("another program keeps the ledger busy")
    elif code in _READ_ONLY:
        found = RecordNotDurable(f"the ledger cannot be written: {error}")
    elif code == _IO:
        found = DiskFailed(f"the ledger's disk reports an error ({name})")
    elif code in _DAMAGED:
        found = LedgerRefused(f"the ledger file is damaged: {error}")
    elif code == _CONSTRAINT:
        found = LedgerRefused(f"{RULE_BROKEN}: {error}")
    else:
        found = RecordNotDurable(f"the ledger's database: {error}")
    raise found from error


def _engine(
    driver: Any, path: Path, application_id: int, *, begin: str, and_then: Sequence[str] = ()
) -> Engine:
    """Connections in the driver's autocommit mode, each transaction opened by `begin`.

    and_then: settings of these connections beside those of all.

    The driver's own implicit transactions would begin late and not IMMEDIATE.
    """

    def connect() -> Any:
        connection = driver.connect(
            str(path), timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        try:
            _prepare(connection, application_id)
            for setting in and_then:
                connection.execute(setting)
        except BaseException:
            connection.close()
            raise
        return connection

    engine = create_engine(
        "sqlite+pysqlite://",
        module=driver,
        creator=connect,
        poolclass=NullPool,
        hide_parameters=True,
    )

    @event.listens_for(engine, "begin")
    def begins(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _prepare(connection: Any, application_id: int) -> None:
    """Set what durability needs, and believe only what is read back.

    Another program's file is refused before the one setting that would change it (WAL).
    """
    for setting in _SETTINGS:
        connection.execute(setting)
    (found,) = connection.execute("PRAGMA application_id").fetchone()
    (items,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if found != application_id and (found or items):
        raise LedgerRefused("this database is not a ledger", remedy="Name the station's ledger.")
    (journal,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    (synchronous,) = connection.execute("PRAGMA synchronous").fetchone()
    (foreign_keys,) = connection.execute("PRAGMA foreign_keys").fetchone()
    if (journal, synchronous, foreign_keys) != ("wal", SYNCHRONOUS_FULL, 1):
        raise LedgerRefused(
            f"the database does not keep its promises: journal_mode={journal},"
            f" synchronous={synchronous}, foreign_keys={foreign_keys}",
            remedy="Call line IT: the ledger needs a local disk and an unmodified SQLite.",
        )


def _refuse_network(path: Path, mounts: Path) -> None:
    try:
        lines = mounts.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return
    folder = path.parent.resolve()
    best, kind = -1, ""
    for line in lines:
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        # Spaces and the like are octal escapes in this file (fstab(5)).
        place = Path(fields[1].encode("latin-1", "replace").decode("unicode_escape"))
        if folder.is_relative_to(place) and len(place.parts) >= best:
            best, kind = len(place.parts), fields[2]
    if kind in NETWORK_FILE_SYSTEMS:
        raise LedgerRefused(
            f"{folder} is on a network file system ({kind})",
            remedy="Keep the ledger on a local disk of the station.",
        )


def _make_private(path: Path) -> None:
    """Create the file before SQLite would, so that nobody else could ever read it."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, FILE_MODE)
    except PermissionError as error:
        raise RecordNotDurable(f"the ledger {path.name} may not be written") from error
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise FileUnreadable(f"{path}: {error.strerror}") from error
    except OSError as error:
        raise RecordNotDurable(f"the ledger {path.name}: {error.strerror}") from error
    try:
        if os.fstat(descriptor).st_mode & 0o077:
            path.chmod(FILE_MODE)
    except OSError as error:
        raise RecordNotDurable(f"the ledger {path.name}: {error.strerror}") from error
    finally:
        os.close(descriptor)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the file's name as durable as its content (fsync(2), "NOTES")."""
    if os.name == "nt":
        return  # Windows opens no folders, and needs no such sync
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _keep_reserve(path: Path) -> None:
    """Hold space back again. Without room for it there is none to lose: runs are then refused."""
    if reserve_of(path).exists() or shutil.disk_usage(path.parent).free < FREE_BYTES_MIN:
        return
    try:
        with reserve_of(path).open("xb") as reserve:
            reserve.write(bytes(RESERVE_BYTES))
    except OSError:
        reserve_of(path).unlink(missing_ok=True)

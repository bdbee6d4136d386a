"""The tables of a ledger (docs/spec/ledger.md says what each means).

Wall-clock times are text in UTC as `domain.wall_time` spells them: they are information, nothing
is computed from them in SQL, and an auditor can read them where they lie.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from station.domain.merkle import HASH_BYTES
from station.domain.order import OrderState
from station.domain.run import RunState
from station.domain.upd import UpdState
from station.domain.verdict import Disposition, Verdict

SCHEMA_VERSION: Final = 1
"""Raised by every change of a table or rule; an older program refuses a newer file."""

APPLICATION_ID: Final = 0x44505331
"""``DPS1`` in the file's header, so that no other program's database is taken for a ledger."""

METADATA: Final = MetaData()


def _table(name: str, *items: Any) -> Table:
    return Table(name, METADATA, *items, sqlite_strict=True)


def _text(name: str, *items: Any, null: bool = False) -> "Column[Any]":
    return Column(name, Text, *items, nullable=null)


def _integer(name: str, *items: Any, null: bool = False) -> "Column[Any]":
    return Column(name, Integer, *items, nullable=null)


def _octets(name: str, *items: Any, null: bool = False) -> "Column[Any]":
    return Column(name, LargeBinary, *items, nullable=null)


def _key(name: str) -> "Column[Any]":
    return Column(name, Integer, primary_key=True, autoincrement=False)


def _one_of(column: str, values: Iterable[StrEnum]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({listed(values)})")


def _digests(*columns: str) -> CheckConstraint:
    """NULL passes a CHECK: a digest is 32 octets or not there."""
    return CheckConstraint(" AND ".join(f"length({one}) = {HASH_BYTES}" for one in columns))


def listed(values: Iterable[str]) -> str:
    """For ``IN (...)``: quoted, with commas."""
    return ", ".join(f"'{value}'" for value in values)


# -- the file and its log ------------------------------------------------------------------------

LEDGER: Final = _table(
    "ledger",
    _key("one"),
    _integer("schema_version"),
    _text("origin"),
    _text("created_at"),
    CheckConstraint("one = 1"),
)
"""One row: whose log this is, and which program may write it."""

LEAVES: Final = _table("leaves", _key("idx"), _octets("record"))
"""The log's records, octet for octet; idx counts from 0."""

NODES: Final = _table(
    "nodes",
    _integer("level"),
    _integer("idx"),
    _octets("hash"),
    PrimaryKeyConstraint("level", "idx"),
    _digests("hash"),
)
"""Hashes of every perfect subtree of the log; level 0 holds the leaves' own."""

TREE: Final = _table(
    "tree", _key("one"), _integer("size"), _octets("state"), CheckConstraint("one = 1")
)
"""One row: the log's size and `Frontier.encode`, written with every leaf."""

# -- orders, units, runs -------------------------------------------------------------------------

ORDERS: Final = _table(
    "orders",
    _key("position"),
    _text("name"),
    _text("product"),
    _integer("quantity"),
    _octets("bundle_sha256"),
    _octets("template_sha256"),
    _text("lot"),
    _text("serial_pattern"),
    _text("start_mode"),
    _integer("retry_limit"),
    _integer("rehearse"),
    _text("state"),
    UniqueConstraint("name"),
    CheckConstraint("name <> '' AND quantity > 0 AND retry_limit >= 0"),
    CheckConstraint("rehearse IN (0, 1)"),
    _digests("bundle_sha256", "template_sha256"),
    _one_of("state", OrderState),
)

UNITS: Final = _table(
    "units",
    Column("serial", Text, primary_key=True),
    _text("product"),
    _text("order_name", ForeignKey("orders.name"), null=True),
    _text("disposition"),
    _octets("dock_id", null=True),
    UniqueConstraint("dock_id"),
    _digests("dock_id"),
    _one_of("disposition", Disposition),
    Index("units_of_order", "order_name", "disposition"),
)
"""order_name: of the unit's newest run. dock_id: bound once something unique was sent."""

RUNS: Final = _table(
    "runs",
    _key("position"),
    _text("run_id"),
    _text("serial", ForeignKey("units.serial")),
    _text("order_name", ForeignKey("orders.name"), null=True),
    _integer("number"),
    _integer("owner"),
    _text("state"),
    _text("slot"),
    _text("port"),
    _text("operator"),
    _octets("bundle_sha256"),
    _octets("template_sha256"),
    _text("opened_at"),
    _integer("open_leaf", ForeignKey("leaves.idx")),
    _octets("dock_id", null=True),
    _text("identity", null=True),
    _text("verdict", null=True),
    _text("code", null=True),
    _text("cause", null=True),
    _text("checks", null=True),
    _text("rehearsal", null=True),
    _text("seconds", null=True),
    _octets("image_sha256", null=True),
    _integer("bytes_written", null=True),
    _integer("bytes_read", null=True),
    _text("closed_at", null=True),
    _integer("close_leaf", ForeignKey("leaves.idx"), null=True),
    UniqueConstraint("run_id"),
    UniqueConstraint("serial", "number"),
    UniqueConstraint("open_leaf"),
    UniqueConstraint("close_leaf"),
    _one_of("state", RunState),
    _one_of("verdict", Verdict),
    _digests("bundle_sha256", "template_sha256", "dock_id", "image_sha256"),
    CheckConstraint("(dock_id IS NULL) = (identity IS NULL)"),
    CheckConstraint(f"rehearsal IS NULL OR state = '{RunState.CLOSED}'"),
    CheckConstraint(f"dock_id IS NOT NULL OR state IN ('{RunState.OPEN}', '{RunState.CLOSED}')"),
    *(
        CheckConstraint(f"(state = '{RunState.CLOSED}') = ({column} IS NOT NULL)")
        for column in (
            "verdict",
            "code",
            "cause",
            "checks",
            "seconds",
            "bytes_written",
            "bytes_read",
            "closed_at",
            "close_leaf",
        )
    ),
    CheckConstraint(f"verdict <> '{Verdict.PASS}' OR code = ''"),
    Index("runs_of_order", "order_name", "serial", "verdict"),
)
"""owner: which opening of the file holds the run (`presence`). identity: JSON of what the dock
said. checks, seconds, rehearsal: JSON; durations of steps in whole microseconds."""

Index(
    "one_open_run_per_serial",
    RUNS.c.serial,
    unique=True,
    sqlite_where=RUNS.c.state != RunState.CLOSED.value,
)
Index(
    "one_open_run_per_dock_id",
    RUNS.c.dock_id,
    unique=True,
    sqlite_where=RUNS.c.state != RunState.CLOSED.value,
)

STATEMENTS: Final = _table(
    "statements",
    Column("run_id", Text, ForeignKey("runs.run_id"), primary_key=True),
    _octets("envelope"),
    CheckConstraint("length(envelope) > 0"),
)
"""The signed statement of a run, apart from it: a run closed without a signer has none yet."""

NCRS: Final = _table(
    "ncrs",
    _key("number"),
    _text("serial", ForeignKey("units.serial")),
    _text("run_id", ForeignKey("runs.run_id")),
    UniqueConstraint("run_id"),
    Index("ncrs_of_unit", "serial"),
)
"""Nonconformance records, numbered from 1 without a gap: the run that put the unit on HOLD."""

REFUSALS: Final = _table(
    "refusals",
    _key("position"),
    _text("refused_at"),
    _text("serial"),
    _text("order_name"),
    _text("slot"),
    _text("operator"),
    _text("code"),
    _text("cause"),
)
"""Runs that were asked for and not opened."""

# -- UPD records ---------------------------------------------------------------------------------

LOTS: Final = _table(
    "lots",
    _key("position"),
    _text("name"),
    _text("kind"),
    _text("product"),
    _octets("content"),
    _octets("wrapped_key", null=True),
    _text("imported_at"),
    UniqueConstraint("name"),
    UniqueConstraint("name", "kind"),
    CheckConstraint("name <> '' AND kind <> ''"),
    _digests("content"),
)
"""content: keyed digest of all that was imported, by which the same import is known again."""

RECORDS: Final = _table(
    "records",
    _key("position"),
    _text("record_id"),
    _text("lot"),
    _text("kind"),
    _text("state"),
    _octets("fingerprint"),
    _octets("wrapped_key", null=True),
    _octets("ciphertext"),
    _octets("dock_id", null=True),
    _text("run_id", ForeignKey("runs.run_id"), null=True),
    _text("burn_reason"),
    UniqueConstraint("record_id"),
    UniqueConstraint("fingerprint"),
    ForeignKeyConstraint(["lot", "kind"], ["lots.name", "lots.kind"]),
    _one_of("state", UpdState),
    _digests("fingerprint", "dock_id"),
    CheckConstraint("(dock_id IS NULL) = (run_id IS NULL)"),
    CheckConstraint(f"dock_id IS NULL OR state <> '{UpdState.FREE}'"),
    CheckConstraint(f"dock_id IS NOT NULL OR state IN ('{UpdState.FREE}', '{UpdState.BURNED}')"),
    CheckConstraint(
        f"wrapped_key IS NOT NULL OR state IN ('{UpdState.ACTIVE}', '{UpdState.BURNED}')"
    ),
    CheckConstraint(f"(state = '{UpdState.BURNED}') = (burn_reason <> '')"),
    Index("records_by_lot", "lot", "state", "position"),
    Index("records_of_run", "run_id"),
)
"""dock_id, run_id: who holds the record; run_id is the newest run that did."""

Index(
    "one_record_per_dock_id_and_kind",
    RECORDS.c.dock_id,
    RECORDS.c.kind,
    unique=True,
    sqlite_where=RECORDS.c.state != UpdState.BURNED.value,
)

HELD: Final = _table(
    "held",
    _text("run_id", ForeignKey("runs.run_id")),
    _text("kind"),
    _text("record_id", ForeignKey("records.record_id")),
    PrimaryKeyConstraint("run_id", "kind"),
)
"""Which record a run took or reused for each kind; kept when the record goes back."""

# -- to the site ---------------------------------------------------------------------------------

OUTBOX: Final = _table(
    "outbox", _key("seq"), _octets("digest"), _octets("content"), _digests("digest")
)
"""What the site has to hear, numbered from 1 without a gap; digest: SHA-256 of content."""

"""The station's Merkle log in SQL: leaves, the nodes above them, and the tree's state.

The arithmetic is `domain.merkle`, what a leaf says `domain.log_record`; here they meet the tables.
A leaf, its nodes and the grown state are always written together, in the transaction of the event
they record.
"""

from datetime import datetime

from sqlalchemy import Connection, func, select, update

from station.adapters.sql.schema import LEAVES, LEDGER, NODES, TREE
from station.application.ports import LogProof
from station.domain.errors import DocumentRefused, LedgerRefused, NotInOrder
from station.domain.log_record import LogRecord, RecordType
from station.domain.merkle import Frontier, inclusion_proof, leaf_hash
from station.domain.verdict import Verdict


def append(
    connection: Connection,
    record_type: RecordType,
    run_id: str,
    *,
    verdict: Verdict | None = None,
    statement_sha256: bytes | None = None,
    salt: bytes,
    at: datetime,
) -> int:
    """Write the next leaf; its index. salt: 16 random octets."""
    tree = _state(connection)
    record = LogRecord(
        type=record_type,
        run_id=run_id,
        verdict=verdict,
        statement_sha256=statement_sha256,
        previous=_hash(connection, 0, tree.size - 1) if tree.size else None,
        salt=salt,
        at=at,
    ).encode()
    grown, completed = tree.grow(leaf_hash(record))
    connection.execute(LEAVES.insert().values(idx=tree.size, record=record))
    connection.execute(
        NODES.insert(),
        [{"level": node.level, "idx": node.index, "hash": node.hash} for node in completed],
    )
    connection.execute(update(TREE).values(size=grown.size, state=grown.encode()))
    return tree.size


def prove(connection: Connection, index: int) -> LogProof:
    """Inclusion proof of leaf `index` in the log as `connection` sees it: O(log² n) look-ups.

    Raises NotInOrder for an index the log does not have.
    """
    tree = _state(connection)
    record = connection.execute(
        select(LEAVES.c.record).where(LEAVES.c.idx == index)
    ).scalar_one_or_none()
    if record is None or not 0 <= index < tree.size:
        raise NotInOrder(f"the log has {tree.size} records, none numbered {index}")
    return LogProof(
        origin=connection.execute(select(LEDGER.c.origin)).scalar_one(),
        size=tree.size,
        root=tree.root(),
        index=index,
        record=record,
        hashes=inclusion_proof(lambda level, at: _hash(connection, level, at), index, tree.size),
    )


def compare_with_leaves(connection: Connection) -> None:
    """The cheap check at start-up: size, last leaf and peaks agree with the stored state.

    Raises LedgerRefused where they do not: the file was changed from outside, or is damaged.
    """
    tree = _state(connection)
    (last,) = connection.execute(select(func.max(LEAVES.c.idx))).one()
    if (last is None and tree.size) or (last is not None and last + 1 != tree.size):
        raise LedgerRefused("the log and its recorded size disagree")
    if last is None:
        return
    record = connection.execute(select(LEAVES.c.record).where(LEAVES.c.idx == last)).scalar_one()
    if leaf_hash(record) != _hash(connection, 0, last):
        raise LedgerRefused("the log's last record was changed")
    start, peaks = 0, []
    for level in reversed(range(tree.size.bit_length())):
        if tree.size >> level & 1:
            peaks.append(_hash(connection, level, start >> level))
            start += 1 << level
    if tuple(peaks) != tree.peaks:
        raise LedgerRefused("the log and its recorded state disagree")


def recompute(connection: Connection) -> None:
    """The whole check: every leaf hashed again. Raises LedgerRefused naming the first bad one."""
    tree, previous = Frontier(), None
    for index, record in connection.execute(
        select(LEAVES.c.idx, LEAVES.c.record).order_by(LEAVES.c.idx)
    ):
        digest = leaf_hash(record)
        if (
            index != tree.size
            or digest != _hash(connection, 0, index)
            or _previous(record) != previous
        ):
            raise LedgerRefused(f"the log was changed at record {index}")
        tree, completed = tree.grow(digest)
        if any(_hash(connection, node.level, node.index) != node.hash for node in completed):
            raise LedgerRefused(f"the log's tree was changed at record {index}")
        previous = digest
    if tree != _state(connection):
        raise LedgerRefused("the log and its recorded state disagree")


def _previous(record: bytes) -> bytes | None:
    try:
        return LogRecord.decode(record).previous
    except DocumentRefused:
        return b""  # which no record says


def _state(connection: Connection) -> Frontier:
    row = connection.execute(select(TREE.c.size, TREE.c.state)).one_or_none()
    try:
        tree = Frontier.decode(row.state) if row else None
    except ValueError as error:
        raise LedgerRefused(f"the log's recorded state is damaged: {error}") from error
    if row is None or tree is None or tree.size != row.size:
        raise LedgerRefused("the log's recorded state is damaged")
    return tree


def _hash(connection: Connection, level: int, index: int) -> bytes:
    found: bytes | None = connection.execute(
        select(NODES.c.hash).where(NODES.c.level == level, NODES.c.idx == index)
    ).scalar_one_or_none()
    if found is None:
        raise LedgerRefused(f"the log has lost node {level}/{index}")
    return found

"""A leaf is read in exactly the spelling it was stored in."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
import rfc8785

from station.domain.errors import DocumentRefused
from station.domain.log_record import LogRecord, RecordType
from station.domain.verdict import Verdict

OPEN = LogRecord(
    type=RecordType.RUN_OPEN,
    run_id="run-7",
    verdict=None,
    statement_sha256=None,
    previous=None,
    salt=bytes(range(16)),
    at=datetime(2026, 11, 25, 8, 0, tzinfo=UTC),
)
CLOSED = replace(
    OPEN,
    type=RecordType.RUN_CLOSED,
    verdict=Verdict.PASS,
    statement_sha256=sha256(b"statement").digest(),
    previous=OPEN.leaf_hash,
)
SPELT = {  # by hand, from docs/spec/evidence.md
    "at": "2026-11-25T08:00:00.000Z",
    "previous": OPEN.leaf_hash.hex(),
    "run": "run-7",
    "salt": "000102030405060708090a0b0c0d0e0f",
    "statement_sha256": sha256(b"statement").hexdigest(),
    "type": "run.closed",
    "verdict": "PASS",
}
SPELT_OPEN = SPELT | {
    "previous": None,
    "statement_sha256": None,
    "type": "run.open",
    "verdict": None,
}


@pytest.mark.parametrize(("record", "spelt"), [(OPEN, SPELT_OPEN), (CLOSED, SPELT)])
def test_a_record_is_what_the_specification_spells(
    record: LogRecord, spelt: dict[str, str | None]
) -> None:
    assert record.encode() == rfc8785.dumps(spelt)
    assert record.leaf_hash == sha256(b"\x00" + record.encode()).digest()


def test_the_example_of_the_specification_is_a_leaf() -> None:
    specification = Path(__file__).parents[3] / "docs" / "spec" / "evidence.md"
    examples = [
        line for line in specification.read_text().splitlines() if line.startswith('{"at":')
    ]

    assert examples == [OPEN.encode().decode()]


@pytest.mark.parametrize(
    "record",
    [OPEN, CLOSED]
    + [replace(CLOSED, verdict=verdict) for verdict in Verdict]
    + [replace(CLOSED, verdict=Verdict.ABORTED, statement_sha256=None)],
)
def test_a_leaf_reads_as_its_record(record: LogRecord) -> None:
    assert LogRecord.decode(record.encode()) == record
    assert LogRecord.decode(memoryview(record.encode())) == record


@pytest.mark.parametrize(
    "change",
    [
        {"previous": "00"},
        {"previous": "AB" * 32},
        {"previous": 7},
        {"statement_sha256": "ab" * 33},
        {"salt": ""},
        {"salt": "ab" * 15},
        {"salt": None},
        {"run": ""},
        {"run": None},
        {"type": "run.reopened"},
        {"type": "run.open"},
        {"verdict": None},
        {"verdict": "pass"},
        {"verdict": "WARNED"},
        {"at": "2026-11-25T08:00:00Z"},
        {"at": 0},
        {"extra": 1},
        {"salt": "zz" * 16},
    ],
)
def test_what_no_record_encodes_to_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(DocumentRefused):
        LogRecord.decode(rfc8785.dumps(SPELT | change))  # type: ignore[arg-type]


@pytest.mark.parametrize("key", sorted(SPELT))
def test_a_missing_field_is_refused(key: str) -> None:
    with pytest.raises(DocumentRefused):
        LogRecord.decode(rfc8785.dumps({k: v for k, v in SPELT.items() if k != key}))


def test_no_cut_and_no_other_spelling_of_a_leaf_is_read() -> None:
    leaf = CLOSED.encode()
    for cut in range(len(leaf)):
        with pytest.raises(DocumentRefused):
            LogRecord.decode(leaf[:cut])
    for other in (leaf + b"\n", b" " + leaf, json.dumps(SPELT).encode(), b"[" + leaf + b"]"):
        with pytest.raises(DocumentRefused):
            LogRecord.decode(other)


def test_an_open_run_has_neither_verdict_nor_statement() -> None:
    with pytest.raises(ValueError, match="has a verdict"):
        replace(OPEN, verdict=Verdict.PASS)
    with pytest.raises(ValueError, match="no statement yet"):
        replace(OPEN, statement_sha256=bytes(32))
    with pytest.raises(ValueError, match="has a verdict"):
        replace(CLOSED, verdict=None)


def test_a_record_of_wrong_sizes_cannot_be_made() -> None:
    for change in (
        {"previous": bytes(31)},
        {"statement_sha256": b""},
        {"salt": bytes(15)},
        {"salt": bytes(17)},
        {"run_id": ""},
    ):
        with pytest.raises(ValueError):
            replace(CLOSED, **change)

"""The log in SQL notices what was changed behind its back."""

from pathlib import Path
from typing import Any

import pytest

from station.adapters.sql.ledger_file import LedgerFile, open_ledger
from station.adapters.sql.rules import RULES
from station.domain.errors import LedgerRefused
from station.domain.merkle import leaf_hash, proves_inclusion
from station.domain.run import RunState
from tests.contract.ledger_cases import ABORTED, provision
from tests.fakes.chance import SeededChance
from tests.fakes.clock import FakeClock
from tests.unit.adapters.sql.drivers import raw

LEAVES = 14


def opened(path: Path) -> LedgerFile:
    return open_ledger(
        path, vault=None, clock=FakeClock(), chance=SeededChance(9), origin="example.com"
    )


def add_runs(file: LedgerFile, count: int) -> None:
    for _ in range(count):
        provision(file.ledger, end=ABORTED, reach=RunState.OPEN, order="")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "ledger.db"
    with opened(made) as file:
        add_runs(file, LEAVES // 2)
    return made


def change(path: Path, statement: str, *values: Any) -> None:
    """As somebody with the file and no scruples: rules put aside, and back again."""
    connection = raw(path)
    for rule in RULES:
        connection.execute(f"DROP TRIGGER {rule.name}")
    assert connection.execute(statement, values).rowcount > 0
    for rule in RULES:
        connection.execute(rule.sql)
    connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE leaves SET record = CAST(record || x'20' AS BLOB) WHERE idx = {LEAVES - 1}",
        f"DELETE FROM leaves WHERE idx = {LEAVES - 1}",
        f"INSERT INTO leaves SELECT {LEAVES}, record FROM leaves WHERE idx = 0",
        "UPDATE tree SET size = size - 1",
        "UPDATE tree SET state = zeroblob(length(state))",
        "UPDATE tree SET state = x'00'",
        "DELETE FROM tree",
        f"UPDATE nodes SET hash = zeroblob(32) WHERE level = 0 AND idx = {LEAVES - 1}",
        "UPDATE nodes SET hash = zeroblob(32) WHERE level = 3 AND idx = 0",
        f"DELETE FROM nodes WHERE idx = {LEAVES - 1}",
    ],
)
def test_a_start_refuses_a_log_that_disagrees_with_its_state(path: Path, statement: str) -> None:
    change(path, statement)

    with pytest.raises(LedgerRefused, match="log"):
        opened(path)


@pytest.mark.parametrize("index", range(LEAVES))
def test_the_whole_check_names_the_first_bad_record(path: Path, index: int) -> None:
    change(path, "UPDATE leaves SET record = CAST(record || x'20' AS BLOB) WHERE idx = ?", index)
    try:
        file = opened(path)
    except LedgerRefused:
        assert index == LEAVES - 1  # the last one is looked at on every start
        return
    with file, pytest.raises(LedgerRefused, match=f"changed at record {index}"):
        file.examine()


def test_the_whole_check_finds_a_changed_inner_node(path: Path) -> None:
    change(path, "UPDATE nodes SET hash = zeroblob(32) WHERE level = 1 AND idx = 2")

    with opened(path) as file, pytest.raises(LedgerRefused, match="tree was changed at record 5"):
        file.examine()


def test_a_record_of_another_form_is_found_even_if_its_hashes_fit(path: Path) -> None:
    record = b"{}"
    change(path, "UPDATE leaves SET record = ? WHERE idx = 6", record)
    change(path, "UPDATE nodes SET hash = ? WHERE level = 0 AND idx = 6", leaf_hash(record))

    with opened(path) as file, pytest.raises(LedgerRefused, match="changed at record 6"):
        file.examine()


def test_proofs_hold_at_every_size(tmp_path: Path) -> None:
    with opened(tmp_path / "ledger.db") as file:
        for size in range(2, 20, 2):
            add_runs(file, 1)
            proofs = [file.registry.prove(index) for index in range(size)]

            assert {(proof.size, proof.root) for proof in proofs} == {(size, proofs[0].root)}
            assert all(
                proves_inclusion(
                    leaf_hash(proof.record), proof.index, proof.size, proof.hashes, proof.root
                )
                for proof in proofs
            )

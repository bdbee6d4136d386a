"""The report of a unit: everything its runs left, each with its proof, and no secret."""

import json
from base64 import b64decode
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from station.application.ports import RunOpening
from station.application.reporting import SCHEMA, unit_report
from station.dock.faults import BitFlip
from station.domain import canonical_json
from station.domain.errors import NotInOrder
from station.domain.log_record import LogRecord
from station.domain.merkle import leaf_hash, proves_inclusion
from station.domain.verdict import CheckName, Step
from tests.unit.adapters.files.test_schemas import INSIDE
from tests.unit.application.workbench import (
    GROUP_KEY,
    RELEASED,
    TEMPLATE,
    Workbench,
    derived,
    serial_of,
    token_of,
)


def report(bench: Workbench, number: int = 1) -> Any:
    encoded = unit_report(
        serial_of(number),
        registry=bench.registry,
        issued_at=bench.clock.now_at(),
        issuer="station-1, dock-provisioning-station 0.0.0",
    )
    assert canonical_json.encode(canonical_json.decode(encoded)) == encoded
    return json.loads(encoded)


def fail_then_pass(bench: Workbench) -> None:
    bench.plug(1, BitFlip())
    bench.run()
    bench.plug()
    bench.run()


def test_the_report_tells_the_unit_and_its_runs(bench: Workbench) -> None:
    fail_then_pass(bench)
    found = report(bench)
    unit = bench.unit()

    assert found["schema"] == SCHEMA
    assert found["issuer"].startswith("station-1")
    assert found["unit"] == {
        "disposition": "GOOD",
        "dock_id": "01" * 32,
        "ncr": "",
        "product": "DK-7F",
        "run_count": 2,
        "serial": "DK7F-00001",
    }
    assert [(run["run_no"], run["verdict"], run["error_code"]) for run in found["runs"]] == [
        (1, "FAIL", "E-VERIFY-02"),
        (2, "PASS", ""),
    ]
    passed = found["runs"][1]

    assert [check["name"] for check in passed["checks"]] == list(CheckName)
    assert set(passed["seconds_ms"]) == set(Step)
    assert passed["image_sha256"] == unit.runs[1].image_sha256.hex()
    assert found["records"] == [
        {
            "fingerprint": unit.records[0][3].hex(),
            "kind": "enrolment-token",
            "record": "T-1:000001",
            "state": "ACTIVE",
        }
    ]


def test_every_closed_run_carries_its_statement_and_a_proof_that_holds(bench: Workbench) -> None:
    fail_then_pass(bench)

    for run in report(bench)["runs"]:
        proof, statement = run["proof"], run["statement"]
        leaf = b64decode(proof["record"])
        record = LogRecord.decode(leaf)

        assert (record.run_id, record.verdict) == (run["run_id"], run["verdict"])
        assert (
            json.loads(b64decode(statement["payload"]))["predicate"]["run"]["id"] == (run["run_id"])
        )
        assert proves_inclusion(
            leaf_hash(leaf),
            proof["index"],
            proof["size"],
            [b64decode(one) for one in proof["hashes"]],
            b64decode(proof["root"]),
        )


def test_an_open_run_says_that_it_has_neither(bench: Workbench) -> None:
    bench.file.ledger.open_run(
        RunOpening(
            serial=serial_of(1),
            order="WO-1",
            slot="1",
            port="/dev/slot-1",
            operator="0417",
            bundle_sha256=RELEASED.sha256,
            template_sha256=TEMPLATE.digest,
            opened_at=bench.clock.now_at(),
        )
    )
    (run,) = report(bench)["runs"]

    assert (run["verdict"], run["ended_utc"], run["statement"], run["proof"]) == (None,) * 4


def test_a_run_without_a_signature_has_a_proof_and_no_statement(bench: Workbench) -> None:
    bench.plug()
    bench.signer.offline = True
    bench.run()
    (run,) = report(bench)["runs"]

    assert (run["error_code"], run["statement"]) == ("E-SIGN-01", None)
    assert run["proof"]["index"] == 1


def test_no_secret_is_in_a_report(bench: Workbench) -> None:
    bench.plug()
    bench.run()
    text = json.dumps(report(bench))
    with derived("group", "dk7f-00001").reveal() as key:
        derived_key = bytes(key).decode()

    for secret in (token_of(0), GROUP_KEY, derived_key):
        assert secret not in text


def test_an_unknown_unit_has_no_report(bench: Workbench) -> None:
    with pytest.raises(NotInOrder):
        report(bench)


def test_reports_keep_to_the_published_schema(bench: Workbench) -> None:
    fail_then_pass(bench)
    bench.signer.offline = True
    bench.plug(2)
    bench.run(2)
    schema = json.loads((INSIDE / "report.schema.json").read_text(encoding="utf-8"))

    for number in (1, 2):
        Draft202012Validator(schema).validate(report(bench, number))

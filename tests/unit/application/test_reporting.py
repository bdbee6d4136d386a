"""The report of a unit: everything its runs left, each with its proof, and no secret."""

import json
from base64 import b64decode
from hashlib import sha256
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from station.application.ports import RunOpening
from station.application.reporting import SCHEMA, unit_report
from station.dock.faults import BitFlip
from station.domain import canonical_json
from station.domain.errors import NotInOrder, ScreenNotDrawn
from station.domain.log_record import LogRecord
from station.domain.merkle import leaf_hash, proves_inclusion
from station.domain.rehearsal import Finding, FindingKind
from station.domain.verdict import PROOFS, CheckName, Step
from tests.fakes.rehearsal import boot, picture_of
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

WITHOUT_A_KEY: Final = [name for name in CheckName if name not in PROOFS]
"""The checks of a dock of level D0, in their order."""


def documents(bench: Workbench, number: int = 1) -> dict[str, bytes]:
    return unit_report(
        serial_of(number),
        registry=bench.registry,
        pictures=bench.pictures,
        issued_at=bench.clock.now_at(),
        issuer="station-1, dock-provisioning-station 0.0.0",
    )


def report(bench: Workbench, number: int = 1) -> Any:
    encoded = documents(bench, number)[f"{serial_of(number)}.report.json"]
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

    assert [check["name"] for check in passed["checks"]] == WITHOUT_A_KEY
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


def test_evidence_and_splash_of_every_run_lie_beside_the_report(bench: Workbench) -> None:
    fail_then_pass(bench)
    found = documents(bench)
    failed, passed = bench.unit().runs

    assert list(found) == [
        "DK7F-00001.report.json",
        "DK7F-00001.run-1.dsse.json",
        "DK7F-00001.run-2.dsse.json",
        "DK7F-00001.run-2.splash.png",
    ]
    assert found["DK7F-00001.run-1.dsse.json"] == failed.envelope
    assert found["DK7F-00001.run-2.dsse.json"] == passed.envelope
    assert found["DK7F-00001.run-2.splash.png"] == picture_of(boot("Welcome").splash)


def test_a_first_boot_is_reported_with_its_picture(bench: Workbench) -> None:
    fail_then_pass(bench)
    failed, passed = report(bench)["runs"]
    splash = picture_of(boot("Welcome").splash)

    assert failed["rehearsal"] is None
    assert passed["rehearsal"] == {
        "error": "",
        "findings": [],
        "picture": "DK7F-00001.run-2.splash.png",
        "picture_sha256": sha256(splash).hexdigest(),
        "ran_ms": 60_000,
        "scenario": "desk",
        "text": ["Welcome"],
    }


def test_a_picture_that_is_no_longer_kept_is_reported_as_missing(bench: Workbench) -> None:
    bench.plug()
    bench.run()
    (kept,) = bench.pictures.kept
    bench.pictures.kept.clear()
    (run,) = report(bench)["runs"]

    assert (run["rehearsal"]["picture"], run["rehearsal"]["picture_sha256"]) == (None, kept.hex())
    assert not [name for name in documents(bench) if name.endswith(".png")]


def test_a_failed_first_boot_is_reported_with_its_trace(bench: Workbench) -> None:
    trace = "Traceback\n  main.py, line 4\nOSError: no network"
    timer = Finding(FindingKind.TIMER_UNREFERENCED, "wakeup of line 12")
    bench.rehearse.boots = lambda datastore: boot(trace=trace, findings=[timer])
    bench.plug()
    bench.run()
    (run,) = report(bench)["runs"]

    assert (run["error_code"], run["cause"]) == ("E-VERIFY-04", "OSError: no network")
    assert run["rehearsal"]["error"] == trace
    assert run["rehearsal"]["findings"] == [
        {"detail": "wakeup of line 12", "kind": "timer-unreferenced"}
    ]


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
    bench.rehearse.boots = lambda datastore: boot(
        trace="Traceback", findings=[Finding(kind, "detail") for kind in FindingKind]
    )
    bench.draw.error = ScreenNotDrawn("its process has died")
    bench.plug(3)
    bench.run(3)
    bench.signer.offline = True
    bench.plug(2)
    bench.run(2)
    schema = json.loads((INSIDE / "report.schema.json").read_text(encoding="utf-8"))

    for number in (1, 2, 3):
        Draft202012Validator(schema).validate(report(bench, number))

"""A run's statement has one spelling, says everything, and cannot claim what it does not carry."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
import rfc8785

from station.domain import canonical_json
from station.domain.identity import DockId
from station.domain.kept_rehearsal import KeptRehearsal
from station.domain.rehearsal import Finding, FindingKind
from station.domain.statement import (
    PAYLOAD_TYPE,
    Assurance,
    AttestingStation,
    BoundRecord,
    Custody,
    LogPlace,
    Released,
    RollbackCheck,
    RunStatement,
    StepResult,
    Tool,
)
from station.domain.verdict import (
    PROOFS,
    REQUIRED,
    Check,
    CheckName,
    Step,
    Verdict,
    required_checks,
)

IMAGE = sha256(b"image").digest()
ALL_CHECKS = tuple(Check(name, f"{name.value} agreed") for name in CheckName)
CHECKS = tuple(check for check in ALL_CHECKS if check.name not in PROOFS)
REHEARSED = KeptRehearsal(
    scenario="desk",
    ran_ms=60_000,
    text=("Welcome", "DK7F-00317\nready"),
    findings=(Finding(FindingKind.TIMER_UNREFERENCED, "wakeup of line 12"),),
    error="",
    picture_sha256=sha256(b"picture").digest(),
)
RAISED = replace(REHEARSED, error="ValueError: bad")
PASSED = RunStatement(
    run_id="run-7",
    serial="DK7F-00317",
    dock_id=DockId(bytes(range(32))),
    verdict=Verdict.PASS,
    code="",
    steps=(StepResult(Step.IDENTIFY, 120, True), StepResult(Step.WRITE, 9_876, True)),
    checks=CHECKS,
    required=required_checks(rehearse=True),
    rehearsal=REHEARSED,
    image_sha256=IMAGE,
    readback_sha256=IMAGE,
    bytes_written=13_000_000,
    bytes_read=13_000_001,
    bundle=Released("welcome", "1.4.0", sha256(b"bundle").digest()),
    template=Released("basic", "1", sha256(b"template").digest()),
    records=(BoundRecord("lot-1/42", "token", sha256(b"keyed").digest()),),
    station=AttestingStation("line-3", sha256(b"certificate").digest(), Custody.SEALED_FILE),
    assurance=Assurance("D0"),
    tool=Tool("dock-provisioning-station", "0.1.0"),
    number=2,
    earlier_runs=("run-6",),
    log=LogPlace("dock-provisioning.example/plant/line-3", 41),
    order="WO-12",
    slot="A1",
    operator="op-5",
    started_at=datetime(2026, 11, 25, 8, 0, 0, 123_000, tzinfo=UTC),
    ended_at=datetime(2026, 11, 25, 8, 0, 12, 7_000, tzinfo=UTC),
)
EXPECTED: dict[str, Any] = {  # by hand, from docs/spec/evidence.md
    "_type": "https://in-toto.io/Statement/v1",
    "predicate": {
        "assurance": {
            "device_authentication": "D0",
            "rollback_check": "not detectable",
            "skew_ms": None,
        },
        "bundle": {
            "name": "welcome",
            "sha256": sha256(b"bundle").hexdigest(),
            "version": "1.4.0",
        },
        "bytes_read": 13_000_001,
        "bytes_written": 13_000_000,
        "checks": [
            {"code": "", "evidence": f"{name.value} agreed", "name": name.value, "passed": True}
            for name in CheckName
            if name not in PROOFS
        ],
        "code": "",
        "dock_id": "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
        "ended_utc": "2026-11-25T08:00:12.007Z",
        "image_sha256": sha256(b"image").hexdigest(),
        "log": {"open_leaf": 41, "origin": "dock-provisioning.example/plant/line-3"},
        "operator": "op-5",
        "order": "WO-12",
        "readback_sha256": sha256(b"image").hexdigest(),
        "rehearsal": {
            "error": "",
            "findings": [{"detail": "wakeup of line 12", "kind": "timer-unreferenced"}],
            "picture_sha256": sha256(b"picture").hexdigest(),
            "ran_ms": 60_000,
            "scenario": "desk",
            "text": ["Welcome", "DK7F-00317\nready"],
        },
        "required": [
            *("accepted", "blocks", "image", "datastore"),
            *("dock_answers", "rehearsed", "confirmed"),
        ],
        "run": {"earlier": ["run-6"], "id": "run-7", "number": 2},
        "serial": "DK7F-00317",
        "slot": "A1",
        "started_utc": "2026-11-25T08:00:00.123Z",
        "station": {
            "certificate_sha256": sha256(b"certificate").hexdigest(),
            "custody": "sealed file",
            "id": "line-3",
        },
        "steps": [
            {"duration_ms": 120, "name": "identify", "passed": True},
            {"duration_ms": 9_876, "name": "write", "passed": True},
        ],
        "template": {"name": "basic", "sha256": sha256(b"template").hexdigest(), "version": "1"},
        "tool": {"name": "dock-provisioning-station", "sbom_sha256": None, "version": "0.1.0"},
        "upd": [
            {
                "fingerprint": sha256(b"keyed").hexdigest(),
                "kind": "token",
                "record": "lot-1/42",
            }
        ],
        "verdict": "PASS",
    },
    "predicateType": "https://dock-provisioning.example/attestation/dock-provisioning/v1",
    "subject": [
        {"digest": {"sha256": sha256(b"image").hexdigest()}, "name": "DK7F-00317"},
        {"digest": {"sha256": sha256(b"image").hexdigest()}, "name": "readback"},
    ],
}
NOT_TOLD = replace(
    PASSED,
    verdict=Verdict.ERROR,
    code="E-LINK-03",
    checks=(),
    rehearsal=None,
    image_sha256=None,
    readback_sha256=None,
)


def test_a_statement_is_what_the_specification_spells() -> None:
    assert PASSED.encode() == rfc8785.dumps(EXPECTED)
    assert canonical_json.decode(PASSED.encode()) == EXPECTED
    assert PAYLOAD_TYPE == "application/vnd.in-toto+json"


@pytest.mark.parametrize(
    ("serial", "dock_id", "name"),
    [
        ("DK7F-00317", DockId(bytes(32)), "DK7F-00317"),
        ("", DockId(bytes(32)), "0" * 64),
        ("", None, "run-7"),
    ],
)
def test_a_subject_is_named_by_the_best_there_is(
    serial: str, dock_id: DockId | None, name: str
) -> None:
    statement = replace(NOT_TOLD, serial=serial, dock_id=dock_id)

    assert json.loads(statement.encode())["subject"][0]["name"] == name


def test_a_run_without_an_image_stands_for_itself() -> None:
    subject = json.loads(NOT_TOLD.encode())["subject"]

    assert subject == [{"name": "DK7F-00317", "digest": {"sha256": sha256(b"run-7").hexdigest()}}]


def test_an_image_that_was_not_read_back_is_the_only_subject() -> None:
    statement = replace(NOT_TOLD, image_sha256=IMAGE)

    assert json.loads(statement.encode())["subject"] == EXPECTED["subject"][:1]


@pytest.mark.parametrize("verdict", [v for v in Verdict if v is not Verdict.PASS])
def test_every_other_verdict_is_spelt_as_it_is_and_has_a_reason(verdict: Verdict) -> None:
    predicate = json.loads(replace(NOT_TOLD, verdict=verdict).encode())["predicate"]

    assert predicate["verdict"] == verdict.value
    assert predicate["code"] == "E-LINK-03"
    with pytest.raises(ValueError, match="has a reason"):
        replace(NOT_TOLD, verdict=verdict, code="")


def test_a_failed_check_is_told_with_its_code() -> None:
    failed = Check(CheckName.BLOCKS, "block 3 differs", "E-VERIFY-02")
    statement = replace(NOT_TOLD, verdict=Verdict.FAIL, code="E-VERIFY-02", checks=(failed,))

    assert json.loads(statement.encode())["predicate"]["checks"] == [
        {"code": "E-VERIFY-02", "evidence": "block 3 differs", "name": "blocks", "passed": False}
    ]


def test_a_waived_check_is_told_as_one_that_was_not_made() -> None:
    waived = Check(CheckName.DOCK_ANSWERS, "not made: it cannot answer", waived=True)
    checks = tuple(waived if check.name is waived.name else check for check in CHECKS)
    predicate = json.loads(replace(PASSED, checks=checks).encode())["predicate"]

    assert [check for check in predicate["checks"] if not check["passed"]] == [
        {
            "code": "",
            "evidence": "not made: it cannot answer",
            "name": "dock_answers",
            "passed": False,
            "waived": True,
        }
    ]
    assert sum("waived" in check for check in predicate["checks"]) == 1
    assert "dock_answers" in predicate["required"]


def test_a_pass_needs_every_check() -> None:
    for missing, check in enumerate(CHECKS):
        rehearsal = None if check.name is CheckName.REHEARSED else REHEARSED
        with pytest.raises(ValueError, match="do not carry"):
            replace(PASSED, checks=CHECKS[:missing] + CHECKS[missing + 1 :], rehearsal=rehearsal)


def test_a_pass_needs_every_check_to_hold() -> None:
    for bad in range(len(CHECKS)):
        failed = replace(CHECKS[bad], code="E-VERIFY-02")
        rehearsal = RAISED if failed.name is CheckName.REHEARSED else REHEARSED
        with pytest.raises(ValueError, match="do not carry"):
            replace(PASSED, checks=(*CHECKS[:bad], failed, *CHECKS[bad + 1 :]), rehearsal=rehearsal)


def test_a_pass_needs_no_rehearsal_that_its_order_did_not_ask_for() -> None:
    checks = tuple(check for check in CHECKS if check.name is not CheckName.REHEARSED)
    plain = replace(PASSED, checks=checks, required=required_checks(rehearse=False), rehearsal=None)
    predicate = json.loads(plain.encode())["predicate"]

    assert predicate["rehearsal"] is None
    assert predicate["required"] == [check.name for check in checks]


def test_no_run_needs_less_than_every_run_does() -> None:
    for name in REQUIRED:
        with pytest.raises(ValueError, match="needs less"):
            replace(NOT_TOLD, required=frozenset(CheckName) - {name})


def test_a_rehearsal_and_its_check_say_the_same() -> None:
    passed = next(check for check in CHECKS if check.name is CheckName.REHEARSED)
    failed = replace(passed, code="E-VERIFY-04")
    for checks, rehearsal in (
        ((passed,), None),
        ((passed,), RAISED),
        ((failed,), REHEARSED),
        ((), REHEARSED),
        ((passed, passed), REHEARSED),
    ):
        with pytest.raises(ValueError, match="contradicts"):
            replace(NOT_TOLD, checks=checks, rehearsal=rehearsal)
    told = replace(NOT_TOLD, checks=(failed,), rehearsal=RAISED)

    assert json.loads(told.encode())["predicate"]["rehearsal"]["error"] == "ValueError: bad"


def test_a_pass_needs_its_own_image_read_back() -> None:
    other = sha256(b"another image").digest()
    for image, readback in ((None, None), (IMAGE, None), (None, IMAGE), (IMAGE, other)):
        with pytest.raises(ValueError, match="readback of its own image"):
            replace(PASSED, image_sha256=image, readback_sha256=readback)


def test_a_pass_has_a_dock_and_no_reason() -> None:
    with pytest.raises(ValueError, match="do not carry"):
        replace(PASSED, dock_id=None)
    with pytest.raises(ValueError, match="do not carry"):
        replace(PASSED, code="E-LINK-03")


@pytest.mark.parametrize("digest", [b"", bytes(31), bytes(33)])
def test_a_digest_has_32_octets(digest: bytes) -> None:
    acts: list[Callable[[], RunStatement]] = [
        lambda: replace(NOT_TOLD, image_sha256=digest),
        lambda: replace(NOT_TOLD, readback_sha256=digest),
        lambda: replace(PASSED, bundle=replace(PASSED.bundle, digest=digest)),
        lambda: replace(PASSED, template=replace(PASSED.template, digest=digest)),
        lambda: replace(PASSED, records=(BoundRecord("1", "token", digest),)),
        lambda: replace(PASSED, station=replace(PASSED.station, certificate_id=digest)),
        lambda: replace(PASSED, tool=replace(PASSED.tool, sbom_sha256=digest)),
        lambda: replace(PASSED, rehearsal=replace(REHEARSED, picture_sha256=digest)),
    ]
    for act in acts:
        with pytest.raises(ValueError, match="32 octets"):
            act()


def test_counts_do_not_go_below_zero() -> None:
    acts: list[Callable[[], RunStatement]] = [
        lambda: replace(PASSED, bytes_written=-1),
        lambda: replace(PASSED, bytes_read=-1),
        lambda: replace(PASSED, number=0),
        lambda: replace(PASSED, log=replace(PASSED.log, open_leaf=-1)),
        lambda: replace(PASSED, steps=(StepResult(Step.WRITE, -1, True),)),
    ]
    for act in acts:
        with pytest.raises(ValueError, match="below zero"):
            act()


def test_a_run_has_an_id_and_aware_times() -> None:
    with pytest.raises(ValueError, match="an id"):
        replace(PASSED, run_id="")
    for moment in ("started_at", "ended_at"):
        with pytest.raises(ValueError, match="without an offset"):
            replace(PASSED, **{moment: datetime(2026, 11, 25)})  # type: ignore[arg-type]  # noqa: DTZ001


def test_a_clock_set_back_changes_nothing_but_the_times() -> None:
    """Wall time is information: an end before the start is told as it was."""
    statement = replace(PASSED, ended_at=PASSED.started_at - timedelta(days=3650))

    assert json.loads(statement.encode())["predicate"]["steps"][1]["duration_ms"] == 9_876


PROVED = replace(
    PASSED,
    checks=ALL_CHECKS,
    required=required_checks(rehearse=True, proved=True),
    assurance=Assurance("D2", RollbackCheck.ANCHORED, skew_ms=-250),
)


def test_assurance_is_told() -> None:
    predicate = json.loads(PROVED.encode())["predicate"]

    assert predicate["assurance"] == {
        "device_authentication": "D2",
        "rollback_check": "anchored",
        "skew_ms": -250,
    }
    assert predicate["required"] == [*CheckName]


@pytest.mark.parametrize("level", ["D1", "D2"])
def test_no_level_is_stated_that_no_check_found_proved(level: str) -> None:
    without = tuple(check for check in ALL_CHECKS if check.name is not CheckName.PROVED)
    failed = (Check(CheckName.PROVED, "it does not know the key", "E-IDENT-04"), *without)
    for checks in (without, failed):
        with pytest.raises(ValueError, match="a device authentication that its check contradicts"):
            replace(PROVED, checks=checks, assurance=Assurance(level))


def test_what_was_proved_is_not_stated_as_nothing() -> None:
    with pytest.raises(ValueError, match="a device authentication that its check contradicts"):
        replace(PROVED, assurance=Assurance("D0"))


def test_a_pass_above_d0_is_proved_before_and_after() -> None:
    once = tuple(check for check in ALL_CHECKS if check.name is not CheckName.PROVED_AGAIN)
    with pytest.raises(ValueError, match="do not carry"):
        replace(PROVED, checks=once)
    with pytest.raises(ValueError, match="need not prove it"):
        replace(PROVED, required=required_checks(rehearse=True))


def test_a_run_that_ended_between_both_proofs_states_what_was_proved() -> None:
    cut = replace(
        PROVED,
        verdict=Verdict.ERROR,
        code="E-LINK-03",
        checks=ALL_CHECKS[:1],
        rehearsal=None,
        readback_sha256=None,
    )

    assert json.loads(cut.encode())["predicate"]["assurance"]["device_authentication"] == "D2"

"""What the station attests about one run: an in-toto Statement (docs/spec/evidence.md).

The statement says what was found, by which checks, and how far it can be relied on. It holds no
secret: unique data appear as keyed fingerprints. Who signed it, and its place in the log, are
outside it (DSSE envelope, log proof).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Final

from station.domain import canonical_json
from station.domain.canonical_json import JsonValue
from station.domain.identity import DockId
from station.domain.kept_rehearsal import KeptRehearsal
from station.domain.verdict import (
    PROOFS,
    REQUIRED,
    WAIVABLE,
    Check,
    CheckName,
    Step,
    Verdict,
    judge,
)
from station.domain.wall_time import utc_text

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
"""DSSE payload type of an in-toto Statement (in-toto attestation, "Envelope")."""

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"

PREDICATE_TYPE: Final = "https://dock-provisioning.example/attestation/dock-provisioning/v1"

READBACK_SUBJECT: Final = "readback"
"""Name of the subject that stands for the bytes read back from the dock."""

UNPROVED: Final = "D0"
"""Device authentication of a dock that proved nothing."""

DIGEST_BYTES: Final = 32
"""Every digest here is SHA-256."""


class Custody(StrEnum):
    """Where the station key lives."""

    SEALED_FILE = "sealed file"
    """Private key in a file under a passphrase; whoever has both has the key."""

    TOKEN = "token"
    """Private key in a hardware module that does not give it away."""


class RollbackCheck(StrEnum):
    """Whether an older copy of the station's disk would have been noticed."""

    NOT_DETECTABLE = "not detectable"
    """No anchor outside the station's disk was asked."""

    ANCHORED = "anchored"
    """A witness confirmed the newest checkpoint it had seen to be a prefix of this log."""


@dataclass(frozen=True, slots=True)
class Released:
    """A bundle or a template. digest: of the sealed bundle or the template's canonical form."""

    name: str
    version: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class StepResult:
    """A step that was begun. duration_ms: whole milliseconds on the monotonic clock."""

    step: Step
    duration_ms: int
    passed: bool


@dataclass(frozen=True, slots=True)
class BoundRecord:
    """A UPD record this run sent. fingerprint: keyed (HMAC-SHA256 of the values), 32 octets."""

    record_id: str
    kind: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class AttestingStation:
    """certificate_id: SHA-256 of the station certificate (DER), 32 octets."""

    station_id: str
    certificate_id: bytes
    custody: Custody


@dataclass(frozen=True, slots=True)
class Assurance:
    """How far the statement can be relied on.

    device_authentication: what the dock proved, not what it claims: ``D0`` (no dock key), ``D1``
    (shared key) or ``D2`` (key per dock).
    skew_ms: by how much the station's clock was off, None where nothing could tell.
    """

    device_authentication: str
    rollback_check: RollbackCheck = RollbackCheck.NOT_DETECTABLE
    skew_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Tool:
    """The program that made the statement. sbom_sha256: of its bill of materials, if it has one."""

    name: str
    version: str
    sbom_sha256: bytes | None = None


@dataclass(frozen=True, slots=True)
class LogPlace:
    """origin: name of the station's log. open_leaf: index of this run's OPEN record in it."""

    origin: str
    open_leaf: int


@dataclass(frozen=True, slots=True)
class RunStatement:
    """One run, closed.

    serial: empty for a unit without one. dock_id: None until the dock told it. code: the reason,
    empty for PASS. image_sha256: of the plan's image, None where none was sealed.
    readback_sha256: of the same bytes as the dock gave them, None without a whole readback.
    number: 1 for the first run of the unit. order: empty outside any order. started_at,
    ended_at: aware; written in UTC to the millisecond. required: the checks without which this run
    could not pass (`verdict.required_checks`). rehearsal: None where none was made.

    Raises ValueError for a digest that has not 32 octets, a negative number, a time that is not
    aware, a rehearsal that its check contradicts, a level that no check proves, and for a PASS that
    its own evidence does not carry: readback different from the image, or a required check missing
    or failed.
    """

    run_id: str
    serial: str
    dock_id: DockId | None
    verdict: Verdict
    code: str
    steps: tuple[StepResult, ...]
    checks: tuple[Check, ...]
    required: frozenset[CheckName]
    rehearsal: KeptRehearsal | None
    image_sha256: bytes | None
    readback_sha256: bytes | None
    bytes_written: int
    bytes_read: int
    bundle: Released
    template: Released
    records: tuple[BoundRecord, ...]
    station: AttestingStation
    assurance: Assurance
    tool: Tool
    number: int
    earlier_runs: tuple[str, ...]
    log: LogPlace
    order: str
    slot: str
    operator: str
    started_at: datetime
    ended_at: datetime

    def __post_init__(self) -> None:
        digests = [
            self.bundle.digest,
            self.template.digest,
            self.station.certificate_id,
            *(record.fingerprint for record in self.records),
        ]
        picture_sha256 = self.rehearsal.picture_sha256 if self.rehearsal else None
        digests += [
            digest
            for digest in (
                self.image_sha256,
                self.readback_sha256,
                self.tool.sbom_sha256,
                picture_sha256,
            )
            if digest is not None
        ]
        if any(len(digest) != DIGEST_BYTES for digest in digests):
            raise ValueError("a digest has 32 octets")
        counts = [self.bytes_written, self.bytes_read, self.log.open_leaf]
        if min(counts + [step.duration_ms for step in self.steps]) < 0 or self.number < 1:
            raise ValueError("a count below zero")
        if not self.run_id:
            raise ValueError("a run has an id")
        if not self.required >= REQUIRED:
            raise ValueError("a run that needs less than every run does")
        self._demand_rehearsal()
        self._demand_proof()
        utc_text(self.started_at)
        utc_text(self.ended_at)
        if self.verdict is Verdict.PASS:
            self._demand_evidence()
        elif not self.code:
            raise ValueError("a run that did not pass has a reason")

    def _demand_rehearsal(self) -> None:
        """Whatever the check says of a rehearsal, the rehearsal says too."""
        said = [check.passed for check in self.checks if check.name is CheckName.REHEARSED]
        if said != ([not self.rehearsal.error] if self.rehearsal else []):
            raise ValueError("a rehearsal that its check contradicts")

    def _demand_proof(self) -> None:
        """A level above D0 is one that a check found proved; to pass, it is proved twice."""
        stated = self.assurance.device_authentication != UNPROVED
        proved = any(check.name is CheckName.PROVED and check.passed for check in self.checks)
        if stated is not proved:
            raise ValueError("a device authentication that its check contradicts")
        if stated and not self.required >= PROOFS:
            raise ValueError("a dock with a key that need not prove it")

    def _demand_evidence(self) -> None:
        if self.image_sha256 is None or self.readback_sha256 != self.image_sha256:
            raise ValueError("a PASS without the readback of its own image")
        verdict = judge(self.checks, required=self.required, waivable=WAIVABLE)
        passed = verdict is Verdict.PASS
        if self.code or not passed or self.dock_id is None:
            raise ValueError("a PASS that its own checks do not carry")

    def encode(self) -> bytes:
        """Canonical JSON of the Statement: the octets that are signed and logged."""
        return canonical_json.encode(
            {
                "_type": STATEMENT_TYPE,
                "predicate": self._predicate(),
                "predicateType": PREDICATE_TYPE,
                "subject": self._subject(),
            }
        )

    def _subject(self) -> list[JsonValue]:
        name = self.serial or (str(self.dock_id) if self.dock_id else self.run_id)
        # A subject must have a digest; a run without an image stands for itself.
        image = self.image_sha256 or sha256(self.run_id.encode("utf-8")).digest()
        subject: list[JsonValue] = [_subject(name, image)]
        if self.readback_sha256 is not None:
            subject.append(_subject(READBACK_SUBJECT, self.readback_sha256))
        return subject

    def _predicate(self) -> dict[str, JsonValue]:
        return {
            "assurance": {
                "device_authentication": self.assurance.device_authentication,
                "rollback_check": self.assurance.rollback_check,
                "skew_ms": self.assurance.skew_ms,
            },
            "bundle": _released(self.bundle),
            "bytes_read": self.bytes_read,
            "bytes_written": self.bytes_written,
            "checks": [check_plain(check) for check in self.checks],
            "code": self.code,
            "dock_id": None if self.dock_id is None else str(self.dock_id),
            "ended_utc": utc_text(self.ended_at),
            "image_sha256": _hex(self.image_sha256),
            "log": {"open_leaf": self.log.open_leaf, "origin": self.log.origin},
            "operator": self.operator,
            "order": self.order,
            "readback_sha256": _hex(self.readback_sha256),
            "rehearsal": self.rehearsal.plain() if self.rehearsal else None,
            "required": [name for name in CheckName if name in self.required],
            "run": {
                "earlier": list(self.earlier_runs),
                "id": self.run_id,
                "number": self.number,
            },
            "serial": self.serial,
            "slot": self.slot,
            "started_utc": utc_text(self.started_at),
            "station": {
                "certificate_sha256": self.station.certificate_id.hex(),
                "custody": self.station.custody,
                "id": self.station.station_id,
            },
            "steps": [
                {"duration_ms": one.duration_ms, "name": one.step, "passed": one.passed}
                for one in self.steps
            ],
            "template": _released(self.template),
            "tool": {
                "name": self.tool.name,
                "sbom_sha256": _hex(self.tool.sbom_sha256),
                "version": self.tool.version,
            },
            "upd": [
                {
                    "fingerprint": record.fingerprint.hex(),
                    "kind": record.kind,
                    "record": record.record_id,
                }
                for record in self.records
            ],
            "verdict": self.verdict,
        }


def _subject(name: str, digest: bytes) -> JsonValue:
    return {"digest": {"sha256": digest.hex()}, "name": name}


def _released(released: Released) -> JsonValue:
    return {"name": released.name, "sha256": released.digest.hex(), "version": released.version}


def check_plain(check: Check) -> dict[str, JsonValue]:
    """A check as statements and reports have it: `waived` stands only where it is."""
    plain: dict[str, JsonValue] = {
        "code": check.code,
        "evidence": check.evidence,
        "name": check.name,
        "passed": check.passed,
    }
    return plain | {"waived": True} if check.waived else plain


def _hex(digest: bytes | None) -> str | None:
    return None if digest is None else digest.hex()

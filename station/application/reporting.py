"""The report of one unit: what people and machines read, around the evidence that is signed.

The document is a view. Evidence are the envelopes of its runs and the log proofs beside them; a
run without both says so, and a picture that is no longer kept has no file. Names are those of the
CSV and JSON reports (docs/schemas/report).
"""

from base64 import b64encode
from datetime import datetime
from typing import Final

from station.application.ports import LogProof, Pictures, Registry, RunRow, UnitRow
from station.domain import canonical_json
from station.domain.canonical_json import JsonValue
from station.domain.identity import Serial
from station.domain.statement import check_plain
from station.domain.wall_time import utc_text

SCHEMA: Final = "urn:dock-provisioning-station:schema:report:1"


def unit_report(
    serial: Serial,
    *,
    registry: Registry,
    pictures: Pictures,
    issued_at: datetime,
    issuer: str,
) -> dict[str, bytes]:
    """The report of `serial` and what belongs beside it, by file name; the report itself first.

    Raises NotInOrder for an unknown unit. issuer: station and program version. The report is
    canonical JSON, in which every closed run carries its own log proof; beside it lie the signed
    statement of each run and the splash of each rehearsed first boot.
    """
    unit = registry.unit(serial)
    proofs = {
        run.run_id: registry.prove(run.close_leaf)
        for run in unit.runs
        if run.close_leaf is not None
    }
    splashes = {run.run_id: _splash(run, pictures) for run in unit.runs}
    report = canonical_json.encode(
        {
            "issued_utc": utc_text(issued_at),
            "issuer": issuer,
            "records": [
                {"fingerprint": fingerprint.hex(), "kind": kind, "record": record, "state": state}
                for record, kind, state, fingerprint in unit.records
            ],
            "runs": [
                _run(run, proofs.get(run.run_id), with_splash=bool(splashes[run.run_id]))
                for run in unit.runs
            ],
            "schema": SCHEMA,
            "unit": _unit(unit),
        }
    )
    documents = {f"{serial}.report.json": report}
    for run in unit.runs:
        if run.envelope:
            documents[f"{serial}.run-{run.number}.dsse.json"] = run.envelope
        if splash := splashes[run.run_id]:
            documents[_splash_name(run)] = splash
    return documents


def _splash(run: RunRow, pictures: Pictures) -> bytes:
    """PNG; empty where the run has none, or it is no longer kept."""
    digest = run.rehearsal.picture_sha256 if run.rehearsal else None
    return (pictures.find(digest) or b"") if digest else b""


def _splash_name(run: RunRow) -> str:
    return f"{run.serial}.run-{run.number}.splash.png"


def _unit(unit: UnitRow) -> JsonValue:
    return {
        "disposition": unit.disposition,
        "dock_id": unit.dock_id.hex().upper(),
        "ncr": unit.ncr,
        "product": unit.product,
        "run_count": len(unit.runs),
        "serial": unit.serial,
    }


def _run(run: RunRow, proof: LogProof | None, *, with_splash: bool) -> JsonValue:
    return {
        "bundle_sha256": run.bundle_sha256.hex(),
        "bytes_read": run.bytes_read,
        "bytes_written": run.bytes_written,
        "cause": run.cause,
        "checks": [check_plain(check) for check in run.checks],
        "dock_id": run.dock_id.hex().upper(),
        "ended_utc": utc_text(run.closed_at) if run.closed_at else None,
        "error_code": run.code,
        "image_sha256": run.image_sha256.hex(),
        "operator_id": run.operator,
        "order": run.order,
        "proof": _proof(proof) if proof else None,
        "rehearsal": _rehearsal(run, with_splash=with_splash),
        "run_id": run.run_id,
        "run_no": run.number,
        "seconds_ms": {step: round(seconds * 1000) for step, seconds in run.seconds.items()},
        "slot": run.slot,
        "started_utc": utc_text(run.opened_at),
        "statement": canonical_json.decode(run.envelope) if run.envelope else None,
        "template_sha256": run.template_sha256.hex(),
        "usb_path": run.port,
        "verdict": run.verdict,
    }


def _rehearsal(run: RunRow, *, with_splash: bool) -> JsonValue:
    if run.rehearsal is None:
        return None
    return {**run.rehearsal.plain(), "picture": _splash_name(run) if with_splash else None}


def _proof(proof: LogProof) -> JsonValue:
    return {
        "hashes": [b64encode(one).decode("ascii") for one in proof.hashes],
        "index": proof.index,
        "origin": proof.origin,
        "record": b64encode(proof.record).decode("ascii"),
        "root": b64encode(proof.root).decode("ascii"),
        "size": proof.size,
    }

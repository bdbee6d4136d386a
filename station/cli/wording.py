"""Values of the station in words: for people in short, as data under the names of the reports."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from station.application.gate import ReleasedBundle
from station.application.ports import RunRow, UnitRow
from station.cli.answer import Grid
from station.domain.kept_rehearsal import KeptRehearsal
from station.domain.order import OrderCounts, WorkOrder
from station.domain.rehearsal import Rehearsal
from station.domain.template import Template
from station.domain.upd import UpdState
from station.domain.verdict import Check
from station.domain.wall_time import utc_text


def bundle_data(bundle: ReleasedBundle) -> dict[str, Any]:
    """A sealed bundle that passed the gate."""
    statement = bundle.statement
    return {
        "bundle": statement.name,
        "version": str(statement.version),
        "product": statement.product,
        "security_counter": statement.security_counter,
        "sha256": bundle.sha256.hex(),
        "common_bytes": statement.common_bytes,
        "common_sha256": statement.common_sha256.hex(),
        "released_by": bundle.certificate.holder,
        "key_id": bundle.certificate.key_id.hex(),
        "parts": len(bundle.manifest.parts),
    }


def bundle_grid(bundles: Sequence[ReleasedBundle]) -> Grid:
    """One row per bundle."""
    return Grid(
        ("BUNDLE", "VERSION", "PRODUCT", "PARTS", "BYTES", "RELEASED BY", "SHA-256"),
        tuple(
            (
                one.statement.name,
                str(one.statement.version),
                one.statement.product,
                str(len(one.manifest.parts)),
                f"{one.statement.common_bytes:,}",
                one.certificate.holder,
                one.sha256.hex()[:16],
            )
            for one in bundles
        ),
    )


def template_data(template: Template) -> dict[str, Any]:
    """A template, without its entries."""
    return {
        "template": template.name,
        "version": str(template.version),
        "product": template.product,
        "sha256": template.digest.hex(),
        "entries": len(template.entries),
        "lot_kinds": list(template.lot_kinds),
        "keys": list(template.key_names),
    }


def order_data(order: WorkOrder) -> dict[str, Any]:
    """A work order as it was stated."""
    return {
        "order": order.name,
        "state": order.state,
        "product": order.product,
        "quantity": order.quantity,
        "lot": order.lot,
        "bundle_sha256": order.bundle_sha256.hex(),
        "template_sha256": order.template_sha256.hex(),
        "serial_pattern": order.serial_pattern,
        "start_mode": order.start_mode,
        "retry_limit": order.retry_limit,
        "rehearse": order.rehearse,
    }


def counts_data(counts: OrderCounts) -> dict[str, int]:
    """Units of an order by disposition, and its first-pass figures."""
    return {
        "good": counts.good,
        "hold": counts.hold,
        "open": counts.open,
        "scrap": counts.scrap,
        "first_pass": counts.first_pass,
        "judged": counts.judged,
    }


def stock_words(stock: Mapping[UpdState, int]) -> str:
    """Records per state on one line."""
    return "  ".join(f"{state} {count:,}" for state, count in stock.items())


def check_data(checks: Sequence[Check]) -> list[dict[str, Any]]:
    """Every check with its evidence."""
    return [
        {
            "name": check.name,
            "passed": check.passed,
            "waived": check.waived,
            "evidence": check.evidence,
            "code": check.code,
        }
        for check in checks
    ]


def check_lines(checks: Sequence[Check]) -> Iterator[str]:
    """One line per check."""
    for check in checks:
        mark = "✔" if check.passed else "–" if check.waived else "✕"
        code = f"{check.code} " if check.code else ""
        yield f"  {mark} {check.name:<13} {code}{check.evidence}"


def rehearsal_data(seen: Rehearsal | None) -> dict[str, Any] | None:
    """A first boot as it was just rehearsed."""
    if seen is None:
        return None
    return {
        "ran_ms": seen.ran_ms,
        "text": list(seen.text),
        "findings": [{"kind": one.kind, "detail": one.detail} for one in seen.findings],
        "error": seen.error,
    }


def rehearsal_lines(seen: Rehearsal | KeptRehearsal | None) -> Iterator[str]:
    """What the user of this dock would see first; an application's words made printable."""
    if seen is None:
        return
    for text in seen.text:
        for line in text.splitlines():
            yield f"  │ {printable(line)}"
    for finding in seen.findings:
        yield f"  {finding.kind}: {printable(finding.detail)}"


def printable(line: str) -> str:
    """What an application or a dock says, as it cannot steer the terminal it is shown on."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in line)


def run_data(run: RunRow) -> dict[str, Any]:
    """A run as a report names its parts, without statement and proof."""
    return {
        "run_id": run.run_id,
        "run_no": run.number,
        "order": run.order,
        "state": run.state,
        "verdict": run.verdict,
        "error_code": run.code,
        "cause": run.cause,
        "slot": run.slot,
        "usb_path": run.port,
        "operator_id": run.operator,
        "dock_id": run.dock_id.hex().upper(),
        "image_sha256": run.image_sha256.hex(),
        "bytes_written": run.bytes_written,
        "bytes_read": run.bytes_read,
        "started_utc": utc_text(run.opened_at),
        "ended_utc": utc_text(run.closed_at) if run.closed_at else None,
        "seconds_ms": {step: round(seconds * 1000) for step, seconds in run.seconds.items()},
        "checks": check_data(run.checks),
        "rehearsal": run.rehearsal.plain() if run.rehearsal else None,
        "signed": bool(run.envelope),
        "ledger_seq": run.close_leaf,
    }


def run_line(run: RunRow) -> str:
    """A run in the timeline of its unit."""
    ended = run.verdict or run.state
    record = "" if run.close_leaf is None else f"  ledger #{run.close_leaf}"
    why = f"  {run.code} {run.cause}".rstrip() if run.code else ""
    return (
        f"  {run.opened_at:%Y-%m-%d %H:%M} run {run.number} slot {run.slot}"
        f" {run.operator}  {ended}{why}{record}"
    )


def unit_data(unit: UnitRow) -> dict[str, Any]:
    """A unit, its runs and the records bound to it; never a value."""
    return {
        "serial": unit.serial,
        "product": unit.product,
        "disposition": unit.disposition,
        "ncr": unit.ncr,
        "dock_id": unit.dock_id.hex().upper(),
        "runs": [run_data(run) for run in unit.runs],
        "records": [
            {"record": record, "kind": kind, "state": state, "fingerprint": mark.hex()}
            for record, kind, state, mark in unit.records
        ],
    }

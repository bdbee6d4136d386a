"""A dock that passed before, checked again: is it still exactly what its record says?

Changes nothing on the dock and opens no run. The unique values were destroyed when the unit
passed, so they are judged by the digest of the whole image, which the record keeps.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from station.application import evidence
from station.application.cancel import Cancel
from station.application.ports import Docks, Registry, RunRow
from station.application.readback import Readback
from station.domain.errors import LabelMismatch, NotInOrder
from station.domain.identity import Serial
from station.domain.trust import Authority
from station.domain.verdict import Check, CheckName, Verdict


@dataclass(frozen=True, slots=True)
class Verification:
    """checks: what was compared, with evidence. run_id: the passed run they were compared with."""

    serial: Serial
    run_id: str
    checks: tuple[Check, ...]

    @property
    def holds(self) -> bool:
        """Whether every check agrees with the record."""
        return all(check.passed for check in self.checks)


def verify_unit(
    serial: Serial,
    port: str,
    *,
    docks: Docks,
    registry: Registry,
    authority: Authority,
    done: Callable[[int], None],
    cancel: Cancel,
) -> Verification:
    """Compare the dock on `port` with the record of `serial`.

    Certificates are judged for the day the unit passed: they may have ended since.

    Raises NotInOrder where the unit never passed, LabelMismatch where another dock answers, and
    LinkError as the port does.
    """
    unit = registry.unit(serial)
    run = _passed(unit.runs, serial)
    with docks.open(port) as dock:
        identity = dock.identify()
        if identity.dock_id.octets != run.dock_id:
            raise LabelMismatch(f"{serial} was recorded with another dock than the one on {port}")
        state = dock.slot_state()
        readback = Readback(state.size_bytes)
        readback.take(dock.read_back(0, state.size_bytes, done=done, cancel=cancel))
        checks = [_whole(readback, run)]
        check, image = evidence.image_holds(
            readback,
            authority=authority,
            dock_id=identity.dock_id,
            product=unit.product,
            counter_floor=0,
            at=run.closed_at,
        )
        checks.append(check)
        if image is not None:
            held = evidence.expected_content(
                tuple(image.common.entries()), tuple(image.upd.entries())
            )
            checks.append(evidence.dock_agrees(dock.answers(), held))
        checks.append(evidence.stays(state, run.image_sha256))
    return Verification(serial, run.run_id, tuple(checks))


def _passed(runs: tuple[RunRow, ...], serial: Serial) -> RunRow:
    for run in reversed(runs):
        if run.verdict is Verdict.PASS:
            return run
    raise NotInOrder(f"{serial} never passed", remedy="Provision it first.")


def _whole(readback: Readback, run: RunRow) -> Check:
    """The image's digest is the recorded one: common content and unique values alike."""
    if sha256(readback.image).digest() == run.image_sha256:
        size = len(readback.image)
        return Check(CheckName.BLOCKS, f"{size} bytes read back, digest as recorded")
    return Check(
        CheckName.BLOCKS, "the image differs from the recorded one", evidence.DATA_DIFFERENT
    )

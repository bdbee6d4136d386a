"""A dock that passed before, checked again: is it still exactly what its record says?

Changes nothing on the dock and opens no run. The unique values were destroyed when the unit
passed, so they are judged by the digest of the whole image, which the record keeps.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from station.application import evidence, proving
from station.application.cancel import Cancel
from station.application.expectation import Expected
from station.application.ports import Chance, DeviceKeys, Dock, Docks, Registry, RunRow
from station.application.readback import Readback
from station.datastore.rom_image import RomImage
from station.domain.errors import ImageRefused, LabelMismatch, NotInOrder, NoWayToProve
from station.domain.identity import DockId, Serial
from station.domain.profile import Assurance, Link
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
        """Whether every check agrees with the record; one is missing only where it was then."""
        return not any(check.failed for check in self.checks)


def verify_unit(
    serial: Serial,
    port: str,
    *,
    link: Link,
    docks: Docks,
    registry: Registry,
    authority: Authority,
    done: Callable[[int], None],
    cancel: Cancel,
    device_keys: DeviceKeys,
    chance: Chance,
) -> Verification:
    """Compare the dock on `port` with the record of `serial`.

    Certificates are judged for the day the unit passed: they may have ended since. A dock with a
    key of its own (level D2) proves it, and its unique data is judged by the recorded digest of
    what is sealed: nobody else can read it. A key that it shares (D1) is not asked for.

    Raises NotInOrder where the unit never passed, LabelMismatch where another dock answers,
    KeyRefused where its proof cannot be judged, DockNotProved, NoWayToProve for a stock dock whose
    record has no waiver, and LinkError as the port does.
    """
    unit = registry.unit(serial)
    run = _passed(unit.runs, serial)
    with docks.open(port, link) as dock:
        identity = dock.identify()
        if identity.dock_id.octets != run.dock_id:
            raise LabelMismatch(f"{serial} was recorded with another dock than the one on {port}")
        checks = []
        sealed = Assurance(identity.assurance) is Assurance.D2
        if sealed:
            question = proving.ask(identity, unit.product, chance, keys=device_keys)
            proof = proving.proved(dock, question, at=run.closed_at or run.opened_at)
            checks.append(evidence.proved(proof))
        waiver = _recorded_waiver(run) if identity.stock else None
        state = dock.slot_state()
        readback = Readback(state.size_bytes)
        readback.take(dock.read_back(0, state.size_bytes, done=done, cancel=cancel))
        checks.append(_whole(readback, run))
        look_at = _sealed_content if sealed else _content
        checks += look_at(
            dock,
            readback,
            waiver=waiver,
            authority=authority,
            dock_id=identity.dock_id,
            product=unit.product,
            at=run.closed_at,
        )
        signed_sha256 = _image_hash(readback) if identity.stock else b""
        checks.append(evidence.stays(state, run.image_sha256, signed_sha256))
    return Verification(serial, run.run_id, tuple(checks))


def _content(
    dock: Dock,
    readback: Readback,
    *,
    waiver: Check | None,
    authority: Authority,
    dock_id: DockId,
    product: str,
    at: datetime | None,
) -> list[Check]:
    """What the image holds, and what the dock says of it. waiver: stands for what it cannot say."""
    check, image = evidence.image_holds(
        readback, authority=authority, dock_id=dock_id, product=product, counter_floor=0, at=at
    )
    if image is None:
        return [check]
    held = Expected.of(image.common.entries()).under(image.upd.entries())
    return [check, waiver or evidence.dock_agrees(dock.answers(), held)]


def _sealed_content(
    dock: Dock,
    readback: Readback,
    *,
    waiver: Check | None,
    authority: Authority,
    dock_id: DockId,
    product: str,
    at: datetime | None,
) -> list[Check]:
    """The same where unique data can be opened by the dock alone: what all docks have alike."""
    check, image = evidence.image_vouched(
        readback, authority=authority, dock_id=dock_id, product=product, at=at
    )
    if image is None:
        return [check]
    common = Expected.of(image.common.entries())
    replaceable = image.release.replaceable
    agrees = waiver or evidence.common_agrees(dock.answers(), common, replaceable=replaceable)
    return [check, agrees]


def _recorded_waiver(run: RunRow) -> Check:
    """What the run that passed did without, it may do without now."""
    for check in run.checks:
        if check.name is CheckName.DOCK_ANSWERS and check.waived:
            return check
    raise NoWayToProve("a stock dock now, which answered for its datastore when it passed")


def _image_hash(readback: Readback) -> bytes:
    """What MCUboot calls the hash of the image read back; empty where it is none."""
    try:
        return RomImage.parse(readback.image).seal.sha256
    except ImageRefused:
        return b""


def _passed(runs: tuple[RunRow, ...], serial: Serial) -> RunRow:
    for run in reversed(runs):
        if run.verdict is Verdict.PASS:
            return run
    raise NotInOrder(f"{serial} never passed", remedy="Provision it first.")


def _whole(readback: Readback, run: RunRow) -> Check:
    """The image's digest is the recorded one: common content and unique values alike."""
    if readback.image.digest == run.image_sha256:
        size = readback.image.size_bytes
        return Check(CheckName.BLOCKS, f"{size} bytes read back, digest as recorded")
    return Check(
        CheckName.BLOCKS, "the image differs from the recorded one", evidence.DATA_DIFFERENT
    )

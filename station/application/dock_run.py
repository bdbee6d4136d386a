"""The work on one dock within an opened run: build, write, read back, examine, rehearse, confirm.

Reads in the order things happen. It gathers what each step found and took; what that amounts to,
and how it is recorded, `provisioning.py` says. A step that cannot tell raises; a contradiction is
a failed check. No exception ever means FAIL.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from station.application import evidence
from station.application.cancel import Cancel
from station.application.job import Job
from station.application.ports import (
    Chance,
    Clock,
    CommitRefused,
    Dock,
    DockIdentity,
    Draw,
    HeldRecord,
    Ledger,
    Mark,
    Pictures,
    Piece,
    Progress,
    Rehearse,
    Watch,
)
from station.application.readback import Readback
from station.application.rehearsing import discreet, secrets_on_splash
from station.application.rendering import Derive, Rendered, render
from station.datastore.partitions import Datastore, RomPartition
from station.datastore.plan import Part, Plan, assemble
from station.datastore.volume import build_upd_volume
from station.domain.errors import DockChanged, OverBudget, StationFault
from station.domain.rehearsal import Rehearsal
from station.domain.run import RunState
from station.domain.scenario import DEFAULT, Scenario
from station.domain.splash import Splash
from station.domain.trust import Authority, Signer
from station.domain.verdict import Check, Step

RESENDS_MAX: Final = 2
"""How often blocks that disagree at commit are sent again before that is a finding."""

NONCE_BYTES: Final = 32
SALT_BYTES: Final = 32

BENCH: Final[Scenario] = DEFAULT
"""What a first boot is rehearsed on: a desk as most docks meet it."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What the work needs of the world."""

    ledger: Ledger
    authority: Authority
    signer: Signer
    derive: Derive
    rehearse: Rehearse
    draw: Draw
    pictures: Pictures
    clock: Clock
    chance: Chance
    mark: Mark


class StepTimes:
    """How long each step took, whether it ended well or not."""

    def __init__(self, clock: Clock, watch: Watch) -> None:
        self.seconds: dict[Step, float] = {}
        self._clock = clock
        self._watch = watch

    @contextmanager
    def of(self, step: Step) -> Iterator[None]:
        """Time what happens inside."""
        self._watch(Progress(step))
        began_s = self._clock.monotonic_s()
        try:
            yield
        finally:
            self.seconds[step] = self._clock.monotonic_s() - began_s


class DockRun:
    """One dock's way from OPEN to its last check.

    checks: in the order they were made. records: the UPD records it holds. sent: whether they may
    have reached the dock. plan: None until the image is sealed. readback_sha256: empty without a
    whole readback. rehearsal: of the first boot, as it may be told. picture: PNG of its splash,
    kept; empty for none.
    """

    def __init__(
        self,
        tools: Tools,
        job: Job,
        run_id: str,
        identity: DockIdentity,
        dock: Dock,
        *,
        times: StepTimes,
        watch: Watch,
        cancel: Cancel,
    ) -> None:
        self.checks: list[Check] = []
        self.records: tuple[HeldRecord, ...] = ()
        self.sent = False
        self.plan: Plan | None = None
        self.bytes_written = 0
        self.bytes_read = 0
        self.readback_sha256 = b""
        self.rehearsal: Rehearsal | None = None
        self.picture = b""
        self._tools = tools
        self._job = job
        self._run_id = run_id
        self._identity = identity
        self._dock = dock
        self._times = times
        self._watch = watch
        self._cancel = cancel

    @property
    def failed(self) -> Check | None:
        """The first check that contradicts the plan, if any."""
        return next((check for check in self.checks if not check.passed), None)

    def work(self) -> None:
        """Every step, until a check has failed.

        Raises Interrupted, OperatorError, LinkError or StationFault; what was gathered stays.
        """
        self._tools.ledger.identify_run(self._run_id, self._identity)
        self._tools.mark("run.identified")
        with self._times.of(Step.BUILD):
            rendered, plan = self._build()
        with self._times.of(Step.WRITE):
            refusal = self._write(plan)
        self.checks.append(evidence.accepted(refusal))
        if refusal is not None:
            return
        with self._times.of(Step.READ_BACK):
            readback, proof = self._read_back(plan)
            datastore = self._examine(plan, rendered, readback, proof=proof)
            if self._job.rehearse and datastore is not None and self.failed is None:
                self._rehearse(datastore, rendered)
        if self.failed is None:
            with self._times.of(Step.RECORD):
                self._confirm(plan)

    def _build(self) -> tuple[Rendered, Plan]:
        job, tools = self._job, self._tools
        self.records = tools.ledger.hold_records(self._run_id, job.template.lot_kinds)
        tools.mark("run.holding")
        rendered = render(
            job.template,
            serial=job.serial,
            dock=self._identity,
            records={record.kind: record.values for record in self.records},
            derive=tools.derive,
        )
        volume = build_upd_volume(rendered.entries, salt=tools.chance.octets(SALT_BYTES))
        store_bytes = job.bundle.statement.common_bytes + len(volume)
        if store_bytes > job.profile.rom_budget_bytes:
            raise OverBudget(
                f"bundle and unique data take {store_bytes:,} bytes;"
                f" the ROM store takes {job.profile.rom_budget_bytes:,}"
            )
        plan = assemble(job.bundle.common, volume, self._identity.dock_id, tools.signer)
        self.plan = plan
        tools.mark("run.sealed")
        return rendered, plan

    def _write(self, plan: Plan) -> str | None:
        """Write the image and have the dock check it; the dock's reason if it refuses."""
        dock, tools = self._dock, self._tools
        tools.ledger.enter(self._run_id, RunState.WRITING)
        tools.mark("run.writing")
        common, unique = plan.common_blocks, plan.unique_parts
        try:
            dock.begin(plan.size_bytes, common)
            missing = self._disagreeing(common)
            total = sum(part.size_bytes for part in (*missing, *unique))
            self._send(plan, missing, total)
            tools.mark("run.common-written")
            self._cancel.check()
            tools.ledger.enter(self._run_id, RunState.SENDING)
            self.sent = True
            tools.mark("run.sending")
            self._send(plan, unique, total)
            tools.mark("run.sent")
            refusal = self._commit(plan, total)
        except CommitRefused as error:
            return error.reason
        tools.mark("run.committed")
        return refusal

    def _commit(self, plan: Plan, total_bytes: int) -> str | None:
        """Commit; blocks the link may have damaged are sent again, twice at most."""
        resends = 0
        while True:
            try:
                self._dock.commit(plan.size_bytes, plan.image_sha256)
            except CommitRefused as error:
                damaged = self._disagreeing(plan.parts)
                if not damaged or resends == RESENDS_MAX:
                    return error.reason
                self._send(plan, damaged, total_bytes)
                resends += 1
            else:
                return None

    def _send(self, plan: Plan, parts: Sequence[Part], total_bytes: int) -> None:
        """Write parts of the plan; progress counts towards `total_bytes`."""

        def done(acknowledged_bytes: int) -> None:
            self.bytes_written += acknowledged_bytes
            self._watch(Progress(Step.WRITE, min(self.bytes_written, total_bytes), total_bytes))

        pieces = (
            Piece(part.offset_bytes, plan.read(part.offset_bytes, part.size_bytes))
            for part in parts
        )
        self._dock.write(pieces, done=done, cancel=self._cancel)

    def _disagreeing(self, parts: Sequence[Part]) -> tuple[Part, ...]:
        """The parts the dock cannot prove it holds."""
        held = self._dock.digests(parts)
        return tuple(
            part for part, digest in zip(parts, held, strict=True) if digest != part.digest
        )

    def _read_back(self, plan: Plan) -> tuple[Readback, bool]:
        """Everything the restarted dock holds, and whether it answered the nonce rightly."""
        dock, tools = self._dock, self._tools
        nonce = tools.chance.octets(NONCE_BYTES)
        tools.ledger.enter(self._run_id, RunState.READING)
        tools.mark("run.reading")
        # Nothing of an earlier life may hide what was written, now or at the customer's.
        dock.factory_reset()
        again = dock.identify()
        if again.dock_id != self._identity.dock_id:
            raise DockChanged(f"dock {again.dock_id} answers in place of {self._identity.dock_id}")
        tools.mark("run.restarted")
        proof = dock.challenge(nonce, plan.parts) == evidence.challenge_answer(
            nonce, [plan.read(part.offset_bytes, part.size_bytes) for part in plan.parts]
        )

        def done(read_bytes: int) -> None:
            self.bytes_read += read_bytes
            size_bytes = plan.size_bytes
            self._watch(Progress(Step.READ_BACK, min(self.bytes_read, size_bytes), size_bytes))

        readback = Readback(plan.size_bytes)
        readback.take(dock.read_back(0, plan.size_bytes, done=done, cancel=self._cancel))
        for part in readback.differing(plan.parts):
            # The link may have done it: read once more before it becomes a finding.
            readback.take(
                dock.read_back(part.offset_bytes, part.size_bytes, done=done, cancel=self._cancel)
            )
        self.readback_sha256 = sha256(readback.image).digest()
        tools.mark("run.read")
        return readback, proof

    def _examine(
        self, plan: Plan, rendered: Rendered, readback: Readback, *, proof: bool
    ) -> Datastore | None:
        """The checks of a readback, each with its evidence; the image mounted, if it holds.

        The dock is asked only while nothing has failed: its silence must not hide a finding.
        """
        bundle, tools = self._job.bundle, self._tools
        self.checks.append(evidence.blocks_agree(readback, plan.parts, proof=proof))
        check, image = evidence.image_holds(
            readback,
            authority=tools.authority,
            dock_id=self._identity.dock_id,
            product=bundle.statement.product,
            counter_floor=self._identity.counter,
            at=tools.clock.now_at(),
        )
        self.checks.append(check)
        if image is None:
            return None
        datastore = Datastore((RomPartition(image.upd, image.common),))
        common = tuple(bundle.common.volume.entries())
        expected = evidence.expected_content(common, rendered.entries)
        self.checks.append(evidence.datastore_agrees(datastore, expected))
        if self.failed is None:
            self.checks.append(evidence.dock_agrees(self._dock.answers(), expected))
        return datastore

    def _rehearse(self, datastore: Datastore, rendered: Rendered) -> None:
        """Boot what was read back for the first time, and keep what its user would see."""
        tools = self._tools
        seen = tools.rehearse(
            datastore,
            BENCH,
            dock_id=self._identity.dock_id,
            unknown_image=self._job.profile.unknown_image,
            cancel=self._cancel,
        )
        self.rehearsal = discreet(seen, rendered.fields)
        self.checks.append(evidence.rehearsed(self.rehearsal, BENCH.name))
        tools.mark("run.rehearsed")
        if not secrets_on_splash(seen, rendered.fields):
            self.picture = self._picture(seen.splash)
        tools.mark("run.pictured")

    def _picture(self, splash: Splash) -> bytes:
        """The splash drawn and kept. What has failed is not hidden by a picture that is not had."""
        try:
            picture = self._tools.draw(splash)
            self._tools.pictures.keep(picture)
        except StationFault:
            if self.failed is None:
                raise
            return b""
        return picture

    def _confirm(self, plan: Plan) -> None:
        tools = self._tools
        tools.ledger.enter(self._run_id, RunState.CONFIRMING)
        tools.mark("run.confirming")
        self._dock.confirm(plan.image_sha256)
        self.checks.append(evidence.stays(self._dock.slot_state(), plan.image_sha256))
        tools.mark("run.confirmed")

"""The work on one dock within an opened run: build, write, read back, examine, rehearse, confirm.

Reads in the order things happen. It gathers what each step found and took; what that amounts to,
and how it is recorded, `provisioning.py` says. A step that cannot tell raises; a contradiction is
a failed check. No exception ever means FAIL.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from station.application import evidence, proving
from station.application.cancel import Cancel
from station.application.expectation import Expected
from station.application.job import Job
from station.application.ports import (
    Chance,
    Clock,
    CommitRefused,
    DeviceKeys,
    DeviceQuestion,
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
from station.application.turns import Turns
from station.datastore.acceptance import AcceptedImage
from station.datastore.partitions import Datastore, RomPartition
from station.datastore.plan import Part, Plan, assemble
from station.datastore.volume import build_upd_volume
from station.domain.errors import (
    DockChanged,
    LinkError,
    NotBootable,
    OverBudget,
    StationFault,
)
from station.domain.rehearsal import Rehearsal
from station.domain.run import RunState
from station.domain.scenario import DEFAULT, Scenario
from station.domain.splash import Splash
from station.domain.trust import Authority, Signer
from station.domain.verdict import Check, CheckName, Step
from station.protocol.errors import BadReply, DockRefused

REREADS_MAX: Final = 16
"""How many parts that disagree are read once more: a link that damages more of them unnoticed is as
bad as a dock that does, and each costs its own time."""

RESENDS_MAX: Final = 2
"""How often blocks that disagree at commit are sent again before that is a finding."""

NONCE_BYTES: Final = 32
SALT_BYTES: Final = 32

BENCH: Final[Scenario] = DEFAULT
"""What a first boot is rehearsed on: a desk as most docks meet it."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What the work needs of the world. examining: whose turn it is to judge a readback, which is
    arithmetic alone: more at once would take longer, and memory."""

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
    device_keys: DeviceKeys
    examining: Turns


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
    kept; empty for none. proved: what the dock proved about itself before anything was reserved
    for it. question: what it is to prove then; None where it claims nothing.
    """

    def __init__(
        self,
        tools: Tools,
        job: Job,
        run_id: str,
        identity: DockIdentity,
        dock: Dock,
        *,
        question: DeviceQuestion | None,
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
        self.proved = proving.UNPROVED
        self._only_slot_open = False
        self._question = question
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
        return next((check for check in self.checks if check.failed), None)

    def work(self) -> None:
        """Every step, until a check has failed.

        Raises Interrupted, OperatorError, LinkError or StationFault; what was gathered stays.
        """
        try:
            self._work_on_this_dock()
        except DockChanged:
            raise
        except LinkError as error:
            if self._only_slot_open:
                raise NotBootable(
                    f"NOT BOOTABLE: its only slot is half written; {error.cause}"
                ) from error
            raise
        finally:
            if self.proved.seal is not None:
                self.proved.seal.forget()

    def _work_on_this_dock(self) -> None:
        """A refusal or a finding counts unless another dock answers by now: docks are swapped
        behind adapters whose port stays. Silence must not hide it."""
        try:
            self._work()
        except (BadReply, DockRefused):
            self._demand_no_other_dock()
            raise
        if self.failed is not None:
            self._demand_no_other_dock()

    def _work(self) -> None:
        self._prove()
        self._tools.ledger.identify_run(self._run_id, self._identity)
        self._tools.mark("run.identified")
        with self._times.of(Step.BUILD):
            rendered, plan = self._build()
        with self._times.of(Step.WRITE):
            refusal = self._write_whole(plan) if self._identity.stock else self._write(plan)
        if refusal is not None or not self._identity.stock:
            self.checks.append(evidence.accepted(refusal))
        if refusal is not None:
            return
        readback = Readback.of(plan)
        try:
            with self._times.of(Step.READ_BACK):
                self._restart(plan)
                if self.failed is not None:
                    return
                proof = self._challenge(plan)
                self._read_back(plan, readback)
                datastore = self._examine(plan, rendered, readback, proof=proof)
                if self._job.rehearse and datastore is not None and self.failed is None:
                    self._rehearse(datastore, rendered)
        finally:
            readback.forget()
        if self.failed is None:
            with self._times.of(Step.RECORD):
                self._confirm(plan)

    def _demand_no_other_dock(self) -> None:
        """What was found of another dock is forgotten with it. Raises DockChanged."""
        try:
            self._demand_same_dock()
        except DockChanged:
            self.checks = [check for check in self.checks if not check.failed]
            raise
        except LinkError:
            return

    def _demand_same_dock(self) -> DockIdentity:
        """Asked before whatever another dock must not suffer or get. Raises DockChanged."""
        again = self._dock.identify()
        if again.dock_id != self._identity.dock_id:
            raise DockChanged(f"dock {again.dock_id} answers in place of {self._identity.dock_id}")
        return again

    def _prove(self) -> None:
        """First of all: what cannot prove its key claims no dock id and gets nothing reserved."""
        if self._question is not None:
            now_at = self._tools.clock.now_at()
            self.proved = proving.proved(self._dock, self._question, at=now_at)
            self.checks.append(evidence.proved(self.proved))

    def _prove_again(self, again: DockIdentity) -> None:
        """After the restart: the same level, by the same key."""
        tools, product = self._tools, self._job.bundle.statement.product
        question = proving.ask(again, product, tools.chance, keys=tools.device_keys)
        found = proving.proved(self._dock, question, at=tools.clock.now_at())
        if (found.level, found.key_id) != (self.proved.level, self.proved.key_id):
            raise DockChanged(f"dock {again.dock_id} proves another key than before its restart")
        if question is not None:
            self.checks.append(evidence.proved_again(found))

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
        seal = self.proved.seal
        plan = assemble(
            job.bundle.common,
            volume,
            self._identity.dock_id,
            tools.signer,
            seal=None if seal is None else seal.seal,
        )
        self.plan = plan
        tools.mark("run.sealed")
        return rendered, plan

    def _write(self, plan: Plan) -> str | None:
        """Write the image and have the dock check it; the dock's reason if it refuses."""
        dock, tools = self._dock, self._tools
        tools.ledger.enter(self._run_id, RunState.WRITING)
        tools.mark("run.writing")
        common, unique = plan.common_blocks, plan.unique_parts
        self._demand_same_dock()
        try:
            dock.begin(plan.size_bytes, common)
            self._open_slot()
            missing = self._disagreeing(common)
            total = sum(part.size_bytes for part in (*missing, *unique))
            self._send(plan, missing, total, shared=True)
            tools.mark("run.common-written")
            self._cancel.check()
            self._demand_same_dock()
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

    def _write_whole(self, plan: Plan) -> str | None:
        """The same for a stock dock, which takes an image from its first byte to its last: none of
        it leaves before SENT is committed, for the header comes first and tells its digest.
        """
        dock, tools = self._dock, self._tools
        tools.ledger.enter(self._run_id, RunState.WRITING)
        tools.mark("run.writing")
        try:
            dock.begin(plan.size_bytes, ())
            self._open_slot()
            self._cancel.check()
            self._demand_same_dock()
            tools.ledger.enter(self._run_id, RunState.SENDING)
            self.sent = True
            tools.mark("run.sending")
            self._send(plan, plan.parts, plan.size_bytes)
            tools.mark("run.sent")
            self._only_slot_open = False
            dock.commit(plan.size_bytes, plan.image_sha256)
        except CommitRefused as error:
            return error.reason
        tools.mark("run.committed")
        return None

    def _commit(self, plan: Plan, total_bytes: int) -> str | None:
        """Commit; blocks the link may have damaged are sent again, twice at most."""
        resends = 0
        while True:
            self._only_slot_open = False
            try:
                self._dock.commit(plan.size_bytes, plan.image_sha256)
            except CommitRefused as error:
                damaged = self._disagreeing(plan.parts)
                if not damaged or resends == RESENDS_MAX:
                    return error.reason
                self._open_slot()
                self._send(plan, damaged, total_bytes)
                resends += 1
            else:
                return None

    def _open_slot(self) -> None:
        """The slot being written boots nothing until its image is accepted. Once that is asked
        for, a lost answer leaves it open whether it was.
        """
        self._only_slot_open = self._job.profile.slots == 1

    def _send(
        self, plan: Plan, parts: Sequence[Part], total_bytes: int, *, shared: bool = False
    ) -> None:
        """Write parts of the plan; progress counts towards `total_bytes`.

        shared: whether they are the same for every dock of the bundle.
        """

        def done(acknowledged_bytes: int) -> None:
            self.bytes_written += acknowledged_bytes
            self._watch(Progress(Step.WRITE, min(self.bytes_written, total_bytes), total_bytes))

        pieces = (
            Piece(
                part.offset_bytes,
                plan.read(part.offset_bytes, part.size_bytes),
                part.digest if shared else b"",
            )
            for part in parts
        )
        self._dock.write(pieces, done=done, cancel=self._cancel)

    def _disagreeing(self, parts: Sequence[Part]) -> tuple[Part, ...]:
        """The parts the dock cannot prove it holds."""
        held = self._dock.digests(parts)
        return tuple(
            part for part, digest in zip(parts, held, strict=True) if digest != part.digest
        )

    def _restart(self, plan: Plan) -> None:
        """Into the image that was written; a stock dock says only now what became of it.

        Raises NotBootable.
        """
        dock, tools = self._dock, self._tools
        tools.ledger.enter(self._run_id, RunState.READING)
        tools.mark("run.reading")
        self._demand_same_dock()
        # Nothing of an earlier life may hide what was written, now or at the customer's.
        dock.factory_reset()
        self._prove_again(self._demand_same_dock())
        tools.mark("run.restarted")
        state = dock.slot_state()
        if self._identity.stock:
            self.checks.append(evidence.started(state, plan.image_sha256, plan.signed_sha256))
        elif not state.size_bytes:
            raise NotBootable("NOT BOOTABLE: after its restart the dock runs no image")

    def _challenge(self, plan: Plan) -> bool | None:
        """Whether the dock answers a fresh nonce rightly; None where it cannot be asked."""
        if self._identity.stock:
            return None
        nonce = self._tools.chance.octets(NONCE_BYTES)
        return self._dock.challenge(nonce, plan.parts) == evidence.challenge_answer(
            nonce, [plan.read(part.offset_bytes, part.size_bytes) for part in plan.parts]
        )

    def _read_back(self, plan: Plan, readback: Readback) -> None:
        """Take in everything the restarted dock holds."""
        dock, tools = self._dock, self._tools

        def done(read_bytes: int) -> None:
            self.bytes_read += read_bytes
            size_bytes = plan.size_bytes
            self._watch(Progress(Step.READ_BACK, min(self.bytes_read, size_bytes), size_bytes))

        readback.take(dock.read_back(0, plan.size_bytes, done=done, cancel=self._cancel))
        for part in readback.differing(plan.parts)[:REREADS_MAX]:
            # The link may have done it: read once more before it becomes a finding.
            readback.take(
                dock.read_back(part.offset_bytes, part.size_bytes, done=done, cancel=self._cancel)
            )
        self.readback_sha256 = readback.image.digest
        tools.mark("run.read")

    def _examine(
        self, plan: Plan, rendered: Rendered, readback: Readback, *, proof: bool | None
    ) -> Datastore | None:
        """The checks of a readback, each with its evidence; the image mounted, if it holds.

        The dock is asked only while nothing has failed: its silence must not hide a finding.
        """
        with self._tools.examining.taken(self._cancel):
            image = self._judge_readback(plan, readback, proof=proof)
            if image is None:
                return None
            datastore = Datastore((RomPartition(image.upd, image.common),))
            expected = self._job.bundle.expected.under(rendered.entries)
            self.checks.append(evidence.datastore_agrees(datastore, expected))
        if self.failed is None:
            self.checks.append(self._ask_datastore(expected, rendered, image.upd.salt))
        return datastore

    def _judge_readback(
        self, plan: Plan, readback: Readback, *, proof: bool | None
    ) -> AcceptedImage | None:
        """Its blocks, and the image in it; None where there is no image to go on with."""
        bundle, tools = self._job.bundle, self._tools
        self.checks.append(evidence.blocks_agree(readback, plan, proof=proof))
        check, image = evidence.image_holds(
            readback,
            authority=tools.authority,
            dock_id=self._identity.dock_id,
            product=bundle.statement.product,
            counter_floor=self._identity.counter,
            at=tools.clock.now_at(),
            unseal=None if self.proved.seal is None else self.proved.seal.open,
        )
        self.checks.append(check)
        return image

    def _ask_datastore(self, expected: Expected, rendered: Rendered, salt: bytes) -> Check:
        """The dock's own answers; of unique data that is sealed to it, proofs instead. A stock dock
        has none: its profile has waived them, or it would not have come so far."""
        profile = self._job.profile
        if self._identity.stock and CheckName.DOCK_ANSWERS in profile.waived:
            return evidence.not_answered(profile.name)
        if self.proved.seal is None:
            return evidence.dock_agrees(self._dock.answers(), expected)
        nonce = self._tools.chance.octets(NONCE_BYTES)
        proofs = evidence.entry_proofs(rendered.entries, salt=salt, nonce=nonce)
        answers = self._dock.answers(sealed=proofs.keys(), nonce=nonce)
        return evidence.dock_agrees(answers, expected, proofs=proofs)

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
        self._demand_same_dock()
        self._dock.confirm(plan.image_sha256)
        state = self._dock.slot_state()
        self.checks.append(evidence.stays(state, plan.image_sha256, plan.signed_sha256))
        tools.mark("run.confirmed")

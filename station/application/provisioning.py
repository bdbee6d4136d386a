"""One run: opened before anything could change a dock, worked, and closed with its evidence.

Every end is recorded. A refusal before the run opens leaves nothing; any later trouble closes it
as ERROR or ABORTED, a contradiction as FAIL, and PASS exists only once the closing commit is
durable.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from station.application.cancel import Cancel
from station.application.dock_run import BENCH, DockRun, StepTimes, Tools
from station.application.job import Job
from station.application.paced import Paced
from station.application.ports import (
    Chance,
    Clock,
    ClosedRun,
    DeviceKeys,
    DockIdentity,
    Docks,
    Draw,
    HeldRecord,
    Ledger,
    Mark,
    OpenRun,
    Pictures,
    Progress,
    Rehearse,
    RunClosing,
    RunOpening,
    Watch,
)
from station.application.proving import NO_DEVICE_KEYS, ask
from station.application.rendering import Derive
from station.application.turns import Turns
from station.domain.errors import (
    Interrupted,
    OperatorError,
    OrderComplete,
    SignerOffline,
    StationError,
)
from station.domain.kept_rehearsal import KeptRehearsal
from station.domain.profile import Assurance, Link
from station.domain.rehearsal import Rehearsal
from station.domain.trust import Authority, Signer, Usage
from station.domain.verdict import Check, Step, Verdict, judge

EXAMINED_AT_ONCE: Final = 2
"""Readbacks that are judged at the same time: Python does one thing at a time anyway, and hashing
is the only thing two can share."""

CRASH_POINTS: Final = (
    "run.identified-before-open",
    "run.opened",
    "run.identified",
    "run.holding",
    "run.sealed",
    "run.writing",
    "run.common-written",
    "run.sending",
    "run.sent",
    "run.committed",
    "run.reading",
    "run.restarted",
    "run.read",
    "run.rehearsed",
    "run.pictured",
    "run.confirming",
    "run.confirmed",
    "run.signed",
    "run.closed",
)
"""Every point of a run where the process may die; the crash test kills at each.

Those of the rehearsal are passed where the order asks for one.
"""


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run ended, after its record became durable.

    rehearsal: of the first boot, as it may be told (`rehearsing.discreet`); None where none was
    made. picture: PNG of its splash, empty for none. number: 1 for the first run of its unit.
    seconds: how long each step took that was begun.
    """

    run_id: str
    verdict: Verdict
    code: str
    cause: str
    checks: tuple[Check, ...]
    closed: ClosedRun
    rehearsal: Rehearsal | None = None
    picture: bytes = field(default=b"", repr=False)
    number: int = 1
    seconds: Mapping[Step, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What the signed statement says of a run, gathered when it ends.

    records: those it sent. readback_sha256: empty without a whole readback. proved: the assurance
    level that the dock proved, whatever it claims.
    """

    job: Job
    run: OpenRun
    opened_at: datetime
    identity: DockIdentity
    records: tuple[HeldRecord, ...]
    closing: RunClosing
    readback_sha256: bytes
    proved: Assurance = Assurance.D0


class Provisioning:
    """The use case, joined to the world once; `run` serves one dock after another.

    seal: makes the signed statement's envelope from the facts of a run (`sealing.py`).
    device_keys: without them, only docks of level D0 are made.
    """

    def __init__(
        self,
        *,
        docks: Docks,
        ledger: Ledger,
        authority: Authority,
        signer: Signer,
        derive: Derive,
        rehearse: Rehearse,
        draw: Draw,
        pictures: Pictures,
        seal: Callable[[RunFacts], bytes],
        clock: Clock,
        chance: Chance,
        mark: Mark,
        device_keys: DeviceKeys = NO_DEVICE_KEYS,
    ) -> None:
        self._docks = docks
        self._seal = seal
        self._tools = Tools(
            ledger=ledger,
            authority=authority,
            signer=signer,
            derive=derive,
            rehearse=rehearse,
            draw=draw,
            pictures=pictures,
            clock=clock,
            chance=chance,
            mark=mark,
            device_keys=device_keys,
            examining=Turns(EXAMINED_AT_ONCE),
        )

    def identify(self, port: str, link: Link) -> DockIdentity:
        """Who is on `port`; read-only, so no run is opened. Raises LinkError."""
        with self._docks.open(port, link) as dock:
            return dock.identify()

    def run(self, job: Job, *, watch: Watch, cancel: Cancel) -> RunOutcome:
        """Make one unit.

        Raises StationError where no run was opened (nothing has changed then), and
        RecordNotDurable where the record of an ended run could not be made durable.
        """
        tools, opened_at = self._tools, self._tools.clock.now_at()
        watch = Paced(watch, tools.clock)
        # A certificate that has ended is the station's trouble: found later, it would look like
        # the dock's.
        product = job.bundle.statement.product
        tools.signer.certificate.demand(Usage.STATION, product=product, at=opened_at)
        job.bundle.certificate.demand(Usage.RELEASE, product=product, at=opened_at)
        times = StepTimes(tools.clock, watch)
        with self._docks.open(job.port, job.profile.link) as dock:
            with times.of(Step.IDENTIFY):
                identity = dock.identify()
                job.demand_match(identity)
                question = ask(identity, product, tools.chance, keys=tools.device_keys)
                tools.mark("run.identified-before-open")
                run = tools.ledger.open_run(_opening(job, opened_at))
                tools.mark("run.opened")
            on_dock = DockRun(
                tools,
                job,
                run.run_id,
                identity,
                dock,
                question=question,
                times=times,
                watch=watch,
                cancel=cancel,
            )

            def close(verdict: Verdict, cause: StationError | None) -> RunOutcome:
                closing = _closing(
                    on_dock, verdict, cause, times=times, closed_at=tools.clock.now_at()
                )
                outcome = self._close(
                    RunFacts(
                        job=job,
                        run=run,
                        opened_at=opened_at,
                        identity=identity,
                        records=on_dock.records if on_dock.sent else (),
                        closing=closing,
                        readback_sha256=on_dock.readback_sha256,
                        proved=on_dock.proved.level,
                    )
                )
                return replace(outcome, rehearsal=on_dock.rehearsal, picture=on_dock.picture)

            try:
                on_dock.work()
            except Interrupted as error:
                return close(Verdict.ABORTED, error)
            except OperatorError as error:
                refused = type(error)(f"refused: {error.cause}", remedy=error.remedy)
                return close(Verdict.ERROR, refused)
            except StationError as error:
                return close(Verdict.ERROR, error)
            watch(Progress(Step.RECORD))
            try:
                required, waivable = job.required(identity), job.profile.waived
                return close(judge(on_dock.checks, required=required, waivable=waivable), None)
            except OrderComplete as error:  # said of a PASS alone: the last unit came elsewhere
                return close(Verdict.ERROR, error)

    def _close(self, facts: RunFacts) -> RunOutcome:
        """Sign what is known and commit it; without a signature nothing passes."""
        closing = facts.closing
        try:
            closing = replace(closing, envelope=self._seal(facts))
        except SignerOffline as error:
            if closing.verdict is Verdict.PASS:
                closing = replace(
                    closing, verdict=Verdict.ERROR, code=error.code, cause=error.cause
                )
        self._tools.mark("run.signed")
        closed = self._tools.ledger.close_run(facts.run.run_id, closing)
        self._tools.mark("run.closed")
        return RunOutcome(
            facts.run.run_id,
            closing.verdict,
            closing.code,
            closing.cause,
            closing.checks,
            closed,
            number=facts.run.number,
            seconds=closing.seconds,
        )


def _opening(job: Job, opened_at: datetime) -> RunOpening:
    return RunOpening(
        serial=job.serial,
        order=job.order,
        slot=job.slot,
        port=job.port,
        operator=job.operator,
        bundle_sha256=job.bundle.sha256,
        template_sha256=job.template.digest,
        opened_at=opened_at,
    )


def _closing(
    on_dock: DockRun,
    verdict: Verdict,
    cause: StationError | None,
    *,
    times: StepTimes,
    closed_at: datetime,
) -> RunClosing:
    """What was gathered, not signed yet. The cause of an exception goes before a finding's."""
    failed = on_dock.failed
    return RunClosing(
        verdict=verdict,
        code=cause.code if cause else failed.code if failed else "",
        cause=cause.cause if cause else failed.evidence if failed else "",
        checks=tuple(on_dock.checks),
        rehearsal=KeptRehearsal.of(on_dock.rehearsal, scenario=BENCH.name, picture=on_dock.picture)
        if on_dock.rehearsal
        else None,
        seconds=dict(times.seconds),
        image_sha256=on_dock.plan.image_sha256 if on_dock.plan else b"",
        bytes_written=on_dock.bytes_written,
        bytes_read=on_dock.bytes_read,
        envelope=b"",
        closed_at=closed_at,
    )

"""The line: slots, scans and lanes. Both front ends and the demo drive this one object.

Every method returns at once: scans are read one after another at the desk, each slot has one lane
(a thread), and whoever watches is told that something changed and asks for a `snapshot`.
"""

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final, TypeVar, assert_never

from station.application.cancel import Cancel
from station.application.job import Job, Shelf
from station.application.pace import Pace
from station.application.ports import Clock, DockIdentity, Progress, Registry
from station.application.provisioning import Provisioning, RunOutcome
from station.application.reseat import PAUSE_S, RESEAT_S, RESEATED, Reseat
from station.application.slot import Slot, Start
from station.application.snapshot import (
    EndedRun,
    LineSnapshot,
    Refusal,
    SlotPhase,
)
from station.domain.errors import (
    AlreadyDone,
    BadScan,
    InAnotherSlot,
    NoDock,
    NotInOrder,
    NoTokens,
    OnHold,
    OrderComplete,
    OrderNotRunnable,
    Paused,
    StationError,
    StationFault,
    Unlabelled,
    WrongProduct,
)
from station.domain.identity import Serial
from station.domain.order import OrderCounts, OrderState, StartMode, WorkOrder
from station.domain.profile import Link
from station.domain.scan import (
    BadgeScan,
    Command,
    CommandScan,
    OrderScan,
    SlotScan,
    UnitScan,
    parse,
)
from station.domain.slot_map import SlotPlace
from station.domain.upd import UpdState
from station.domain.verdict import Disposition, Step, Verdict

PENDING_S: Final = 60.0
"""How long a scan waits for its dock."""

REFUSAL_S: Final = 3.0
"""How long a refused scan is shown."""

STOPS: Final = frozenset(
    {"E-TOKEN-01", "E-SIGN-01", "E-LOG-01", "E-LOG-02", "E-REHEARSE-01", "E-REHEARSE-02"}
)
"""Troubles of the station that stop every new run."""

HELD_AT_ONCE: Final = frozenset({"E-IDENT-01", "E-IDENT-03"})
"""Refusals that hold the unit although no run was opened."""

SHOWN_CHARACTERS: Final = 40
"""Longest piece of a scan that is shown."""

STEP_SHARE: Final = {
    Step.IDENTIFY: (0.0, 0.02),
    Step.BUILD: (0.02, 0.03),
    Step.WRITE: (0.05, 0.50),
    Step.READ_BACK: (0.55, 0.40),
    Step.RECORD: (0.95, 0.05),
}
"""Where each step begins on the progress bar and how much of it it fills."""

_OCCUPIED: Final = frozenset({SlotPhase.WORKING, SlotPhase.OFF})

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Pending:
    """A scan that waits for its dock, or for a choice among slots."""

    serial: Serial
    until_s: float


class Line:
    """The slots of one station under one work order at a time.

    places: of its slots; those that are not enabled are shown as OFF.
    operator: who is at the station already; empty until a badge is scanned.
    """

    def __init__(
        self,
        *,
        station: str,
        places: Sequence[SlotPlace],
        provisioning: Provisioning,
        registry: Registry,
        shelf: Shelf,
        clock: Clock,
        changed: Callable[[], None],
        operator: str = "",
        demo: bool = False,
    ) -> None:
        self._station = station
        self._provisioning = provisioning
        self._registry = registry
        self._shelf = shelf
        self._clock = clock
        self._changed = changed
        self._demo = demo
        self._lock = threading.RLock()
        self._counting = threading.Lock()
        self._desk = ThreadPoolExecutor(1, thread_name_prefix="desk")
        self._slots = [
            Slot(place.number, ThreadPoolExecutor(1, thread_name_prefix=f"slot-{place.number}"))
            for place in places
        ]
        self._numbered = {slot.number: slot for slot in self._slots}
        for place in places:
            if not place.enabled:
                self._numbered[place.number].show(SlotPhase.OFF)
        self._order: WorkOrder | None = None
        self._link = Link()
        self._counts = OrderCounts()
        self._stock: int | None = None
        self._bundle_title = ""
        self._operator = operator
        self._paused = False
        self._closed = False
        self._stop = ""
        self._pending: _Pending | None = None
        self._refusal: tuple[Refusal, float] | None = None
        self._last_scan = ""
        self._pace = Pace()

    # -- what front ends call ------------------------------------------------------------------

    def snapshot(self) -> LineSnapshot:
        """Everything a screen shows, at this moment."""
        now_s = self._clock.monotonic_s()
        with self._lock:
            usual_s = self._pace.usual_s
            return LineSnapshot(
                station=self._station,
                operator=self._operator,
                slots=tuple(slot.timed(now_s, usual_s) for slot in self._slots),
                order=self._order,
                counts=self._counts,
                bundle=self._bundle_title,
                bundle_sha256=self._order.bundle_sha256 if self._order else b"",
                stock=self._stock,
                results=self._pace.results,
                last_scan=self._last_scan,
                pending_scan=self._pending.serial.text if self._pending else "",
                refusal=self._refusal[0] if self._refusal else None,
                paused=self._paused,
                stop=self._stop,
                pace_per_h=self._pace.per_h(now_s),
                demo=self._demo,
            )

    def scan(self, text: str) -> None:
        """One scan, terminator removed; read at the desk, in the order scans came."""
        self._lay_on_desk(lambda: self._read_scan(text))

    def press_provision(self) -> None:
        """Start every dock that is bound and not started."""
        self._lay_on_desk(self._start_bound)

    def choose_slot(self, number: int) -> None:
        """Bind the waiting scan to this slot."""
        self._lay_on_desk(lambda: self._choose(number))

    def start_labelled(self, number: int) -> None:
        """Start the dock in this slot under the serial it reports itself, without a scan.

        What is in the way is shown on the slot.
        """
        self._lay_on_desk(lambda: self._start_labelled(number))

    def toggle_pause(self) -> None:
        """Finish what runs and bind no more, or go on."""
        with self._lock:
            self._paused = not self._paused
        self._changed()

    def undo(self) -> None:
        """Drop the waiting scan."""
        with self._lock:
            self._drop_pending()
        self._changed()

    def tick(self) -> None:
        """Let what has waited too long expire; call it a few times a second."""
        now_s = self._clock.monotonic_s()
        with self._lock:
            before = (self._pending, self._refusal)
            if self._pending and now_s >= self._pending.until_s:
                self._drop_pending()
            if self._refusal and now_s >= self._refusal[1]:
                self._refusal = None
            late = [slot for slot in self._slots if slot.reseat and now_s >= slot.reseat.until_s]
            for slot in late:
                slot.forget_reseat()
            expired = bool(late) or before != (self._pending, self._refusal)
        if expired:
            self._changed()

    def attach(self, number: int, port: str) -> None:
        """A dock appeared on this slot's path."""
        slot = self._numbered[number]
        with self._lock:
            slot.visited(port)
            if slot.shown.phase not in _OCCUPIED:  # where a run is on, its dock restarts
                self._ask_who(slot)

    def detach(self, number: int) -> None:
        """The dock left this slot's path."""
        slot = self._numbered[number]
        with self._lock:
            slot.visited("")
            if slot.shown.phase not in _OCCUPIED:
                slot.vacate()
        self._changed()

    def choose_order(self, name: str) -> None:
        """Work on this order from now on.

        Raises NotInOrder, OrderNotRunnable, BundleRefused, FileUnreadable.
        """
        order, counts = self._registry.order(name)
        if order.state not in {OrderState.RUNNING, OrderState.COMPLETE}:
            raise OrderNotRunnable(f"work order {name} is {order.state.lower()}")
        bundle, stock = self._shelf.bundle(order.bundle_sha256), self._free_records(order)
        link = self._shelf.profile(order.product).link
        with self._lock:
            if any(slot.shown.phase is SlotPhase.WORKING for slot in self._slots):
                raise OrderNotRunnable(
                    "units of another work order are in progress",
                    remedy="Let the running slots finish first.",
                )
            self._order, self._counts, self._stock, self._link = order, counts, stock, link
            self._bundle_title = bundle.title
        self._changed()

    def cancel(self, number: int) -> None:
        """Stop the run on this slot at its next block; it ends as ABORTED."""
        self._numbered[number].cancel.ask()

    def close(self) -> None:
        """Stop what runs, record its end, and let every thread go; whatever comes later is lost."""
        with self._lock:
            self._closed = True
        for slot in self._slots:
            slot.cancel.ask()
        self._desk.shutdown(wait=True)
        for slot in self._slots:
            slot.lane.shutdown(wait=True)

    # -- the desk: scans, one after another -----------------------------------------------------

    def _lay_on_desk(self, work: Callable[[], None]) -> None:
        with self._lock:
            if not self._closed:
                _submit(self._desk, lambda: self._at_desk(work))

    def _at_desk(self, work: Callable[[], None]) -> None:
        try:
            work()
        except StationError as error:
            with self._lock:
                if error.code in STOPS:
                    self._stop = error.code
                else:
                    until_s = self._clock.monotonic_s() + REFUSAL_S
                    self._refusal = Refusal(error.code, error.cause), until_s
        self._changed()

    def _read_scan(self, text: str) -> None:
        with self._lock:
            self._refusal = None
            self._last_scan = "".join(filter(str.isprintable, text))[:SHOWN_CHARACTERS]
        scan = parse(text)
        match scan:
            case UnitScan(serial):
                with self._lock:
                    self._last_scan = serial.text
                self._scanned_unit(serial)
            case OrderScan(name):
                self.choose_order(name)
            case BadgeScan(operator):
                with self._lock:
                    self._operator = operator
            case SlotScan(number):
                self._choose(number)
            case CommandScan(Command.PROVISION):
                self._start_bound()
            case CommandScan(Command.PAUSE):
                self.toggle_pause()
            case CommandScan(Command.UNDO):
                self.undo()
            case CommandScan(command):
                raise BadScan(f"{command}: not on this screen yet", remedy="Use the buttons.")
            case _:
                assert_never(scan)

    def _scanned_unit(self, serial: Serial) -> None:
        order = self._order_for(serial)
        with self._lock:
            self._refuse_elsewhere(serial)
            self._drop_pending()
            for slot in self._slots:
                if slot.reseat and slot.reseat.serial == serial:
                    slot.forget_reseat()
            retry = [
                slot
                for slot in self._slots
                if slot.shown.phase in {SlotPhase.FAIL, SlotPhase.CHECK}
                and slot.port
                and slot.shown.serial == serial.text
            ]
            match self._unbound(serial.text) or retry or self._unbound(""):
                case [slot]:
                    self._bind(slot, serial, order)
                case []:
                    self._wait_for_dock(serial)
                case several:
                    self._pending = self._pend(serial)
                    for slot in several:
                        slot.shown = replace(slot.shown, candidate=True)

    def _order_for(self, serial: Serial) -> WorkOrder:
        """The order this unit may be made under now."""
        order = self._runnable_order()
        if re.fullmatch(order.serial_pattern, serial.text) is None:
            raise WrongProduct(f"{serial} is no serial of {order.product}")
        self._refuse_finished(serial)
        self._leave_stop(order)
        return order

    def _runnable_order(self) -> WorkOrder:
        with self._lock:
            order, counts, paused = self._order, self._counts, self._paused
            operator = self._operator
        if not operator:
            raise NotInOrder("nobody has badged in", remedy="Scan your badge.")
        if order is None:
            raise NotInOrder("no work order chosen", remedy="Scan a work order.")
        if paused:
            raise Paused("the station is paused")
        if counts.good >= order.quantity:
            raise OrderComplete(f"{order.name} has its {order.quantity} units")
        return order

    def _refuse_finished(self, serial: Serial) -> None:
        try:
            unit = self._registry.unit(serial)
        except NotInOrder:
            return  # never seen: its first run will make it known
        disposition = unit.disposition
        match disposition:
            case Disposition.GOOD:
                raise AlreadyDone(f"{serial} passed before")
            case Disposition.HOLD:
                raise OnHold(f"{serial} is on hold, {unit.ncr}")
            case Disposition.SCRAP:
                raise OnHold(f"{serial} was scrapped")
            case Disposition.OPEN | Disposition.REWORK:
                return
            case _:
                assert_never(disposition)

    def _refuse_elsewhere(self, serial: Serial) -> None:
        for slot in self._slots:
            taken = slot.shown.phase is SlotPhase.WORKING or slot.shown.bound
            if taken and slot.shown.serial == serial.text:
                raise InAnotherSlot(f"{serial} is in slot {slot.number}")

    def _unbound(self, label: str) -> list[Slot]:
        """Slots whose dock waits for a scan and reports this label; empty: none at all."""
        return [
            slot
            for slot in self._slots
            if slot.shown.phase is SlotPhase.READY
            and not slot.shown.bound
            and slot.identity
            and slot.identity.label == label
        ]

    def _leave_stop(self, order: WorkOrder) -> None:
        """A scan tries again; only an empty lot is known to be still in the way."""
        stock = self._free_records(order)
        with self._lock:
            self._stock = stock
            if self._stop == NoTokens.code and stock == 0:
                raise NoTokens(f"lot {order.lot} has no free record")
            self._stop = ""

    def _wait_for_dock(self, serial: Serial) -> None:
        self._pending = self._pend(serial)
        empty = [slot for slot in self._slots if slot.shown.phase is SlotPhase.EMPTY]
        for slot in empty[:1]:
            slot.show(SlotPhase.WAITING, serial=serial.text)

    def _pend(self, serial: Serial) -> _Pending:
        return _Pending(serial, self._clock.monotonic_s() + PENDING_S)

    def _drop_pending(self) -> None:
        self._pending = None
        for slot in self._slots:
            if slot.shown.phase is SlotPhase.WAITING:
                slot.show(SlotPhase.EMPTY)
            slot.shown = replace(slot.shown, candidate=False)

    def _choose(self, number: int) -> None:
        if number not in self._numbered:
            raise BadScan(f"there is no slot {number}")
        order = self._runnable_order()
        with self._lock:
            slot, pending = self._numbered[number], self._pending
            if pending is None or slot.shown.phase is not SlotPhase.READY:
                raise BadScan(f"nothing to bind to slot {number}", remedy="Scan the label first.")
            self._drop_pending()
            self._bind(slot, pending.serial, order)

    def _start_bound(self) -> None:
        order = self._runnable_order()
        with self._lock:
            for slot in self._slots:
                if slot.shown.phase is SlotPhase.READY and slot.shown.bound:
                    self._start(slot, Serial(slot.shown.serial), order)

    def _start_labelled(self, number: int) -> None:
        if number not in self._numbered:
            raise BadScan(f"there is no slot {number}")
        slot = self._numbered[number]
        with self._lock:
            identity = slot.identity
            if identity is None or slot.shown.phase is not SlotPhase.READY:
                raise BadScan(f"slot {number} has no dock that is ready")
        label = ""
        try:
            if not identity.label:
                raise Unlabelled(f"dock {identity.dock_id} reports no serial")
            serial = Serial.parse(identity.label)
            label = serial.text
            order = self._order_for(serial)
            with self._lock:
                self._refuse_elsewhere(serial)
                if slot.identity is identity and slot.shown.phase is SlotPhase.READY:
                    self._start(slot, serial, order)
        except StationError as error:
            with self._lock:
                if slot.identity is identity and slot.shown.phase is SlotPhase.READY:
                    slot.show(SlotPhase.CHECK, serial=label, code=error.code, cause=error.cause)
            if error.code in STOPS:
                raise

    # -- lanes: one thread per slot -------------------------------------------------------------

    def _ask_who(self, slot: Slot) -> None:
        port, visit = slot.port, slot.visit
        if not self._closed:
            _submit(slot.lane, lambda: self._meet(slot, port, visit))

    def _meet(self, slot: Slot, port: str, visit: int) -> None:
        """Ask a new dock who it is; a scan that waits for it may start it at once."""
        with self._lock:
            if not slot.awaits_answer(visit):
                return
        try:
            identity = self._asked_twice(
                slot, visit, lambda: self._provisioning.identify(port, self._link)
            )
        except StationError as error:
            with self._lock:
                if slot.awaits_answer(visit):
                    slot.show(
                        SlotPhase.CHECK,
                        serial=slot.shown.serial,
                        code=error.code,
                        cause=error.cause,
                    )
            self._changed()
            return
        with self._lock:
            if not slot.awaits_answer(visit):
                return
            slot.identity = identity
            if slot.welcome_back(identity):
                return
            reseat, slot.reseat = slot.reseat, None
            slot.show(SlotPhase.READY)
        if reseat is not None and reseat.is_for(identity, self._clock.monotonic_s()):
            self._lay_on_desk(lambda: self._resume(slot, identity, reseat))
        else:
            self._lay_on_desk(lambda: self._match_pending(slot))

    def _asked_twice(self, slot: Slot, visit: int, ask: Callable[[], T]) -> T:
        """Ask; a link that never answered is tried once more before anybody is told."""
        try:
            return ask()
        except NoDock:
            with self._lock:
                if slot.visit != visit:
                    raise
            self._clock.wait(PAUSE_S)
            return ask()

    def _resume(self, slot: Slot, identity: DockIdentity, reseat: Reseat) -> None:
        """The dock that was scanned is plugged in again: its run begins by itself.

        Whatever else has changed meanwhile leaves it ready for another scan.
        """
        order = self._runnable_order()
        self._refuse_finished(reseat.serial)
        with self._lock:
            if self._stop or order.name != reseat.order:
                return
            self._refuse_elsewhere(reseat.serial)
            if slot.identity is identity and slot.shown.phase is SlotPhase.READY:
                self._start(slot, reseat.serial, order)

    def _match_pending(self, slot: Slot) -> None:
        with self._lock:
            pending = self._pending
            if pending is None:
                return
            labelled = self._unbound(pending.serial.text)
            if (labelled or self._unbound("")) != [slot]:
                return
            order = self._runnable_order()
            self._drop_pending()
            self._bind(slot, pending.serial, order)

    def _bind(self, slot: Slot, serial: Serial, order: WorkOrder) -> None:
        if order.start_mode is StartMode.SCAN:
            self._start(slot, serial, order)
        else:
            slot.show(SlotPhase.READY, serial=serial.text, bound=True)

    def _start(self, slot: Slot, serial: Serial, order: WorkOrder) -> None:
        slot.cancel = Cancel()
        slot.began_s = self._clock.monotonic_s()
        slot.show(SlotPhase.WORKING, serial=serial.text, step=Step.IDENTIFY)
        if not self._closed:
            start = Start(serial, order, self._operator, slot.port, slot.visit, slot.identity)
            _submit(slot.lane, lambda: self._provision(slot, start))

    def _provision(self, slot: Slot, start: Start) -> None:
        try:
            job = Job.under(
                start.order,
                start.serial,
                shelf=self._shelf,
                slot=str(slot.number),
                port=start.port,
                operator=start.operator,
                dock_id=start.met.dock_id if start.met else None,
            )
            outcome = self._asked_twice(
                slot,
                start.visit,
                lambda: self._provisioning.run(
                    job,
                    watch=lambda progress: self._progressed(slot, progress),
                    cancel=slot.cancel,
                ),
            )
        except StationError as error:
            self._refused(slot, start, error)
        else:
            self._ended(slot, start, outcome)
        with self._reading():
            self._recount(start.order)
        self._changed()

    def _await_reseat(self, slot: Slot, start: Start) -> None:
        """Where a reseat mends it, the dock will get its run when it is plugged in again."""
        if slot.shown.phase is SlotPhase.CHECK and slot.shown.code == RESEATED:
            slot.reseat = start.reseat(self._clock.monotonic_s() + RESEAT_S)
            if slot.port and slot.visit != start.visit:  # it is back already
                self._ask_who(slot)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """A ledger that cannot be read stops the station, not the lane that shows a run's end."""
        try:
            yield
        except StationFault as error:
            with self._lock:
                self._stop = error.code

    def _progressed(self, slot: Slot, progress: Progress) -> None:
        start, share = STEP_SHARE[progress.step]
        part = progress.done_bytes / progress.total_bytes if progress.total_bytes else 0.0
        with self._lock:
            slot.shown = replace(slot.shown, step=progress.step, fraction=start + share * part)
        self._changed()

    def _refused(self, slot: Slot, start: Start, error: StationError) -> None:
        """No run was opened, or its record could not be made durable: never a verdict."""
        with self._lock:
            if error.code in STOPS:
                self._stop = error.code
            phase = SlotPhase.HOLD if error.code in HELD_AT_ONCE else SlotPhase.CHECK
            slot.show(
                phase,
                serial=start.serial.text,
                code=error.code,
                cause=error.cause,
                elapsed_s=self._clock.monotonic_s() - slot.began_s,
            )
            self._await_reseat(slot, start)

    def _ended(self, slot: Slot, start: Start, outcome: RunOutcome) -> None:
        serial, order = start.serial, start.order
        ncr = ""
        if outcome.closed.disposition is Disposition.HOLD:
            with self._reading():
                ncr = self._registry.unit(serial).ncr
        now_s, ended_at = self._clock.monotonic_s(), self._clock.now_at()
        with self._lock:
            took_s = now_s - slot.began_s
            slot.show(
                _phase(outcome),
                serial=serial.text,
                code=outcome.code,
                cause=outcome.cause,
                ncr=ncr,
                elapsed_s=took_s,
            )
            slot.keep(
                EndedRun(
                    serial=serial.text,
                    verdict=outcome.verdict,
                    ended_at=ended_at,
                    took_s=took_s,
                    run_id=outcome.run_id,
                    number=outcome.number,
                    code=outcome.code,
                    seconds=outcome.seconds,
                    checks=outcome.checks,
                    asked=order.rehearse,
                    rehearsal=outcome.rehearsal,
                    picture=outcome.picture,
                )
            )
            self._pace.ended(serial.text, outcome.verdict, took_s=took_s, now_s=now_s)
            if outcome.code in STOPS:
                self._stop = outcome.code
            if outcome.verdict in {Verdict.PASS, Verdict.FAIL}:
                slot.ended_unseen(start)
            self._await_reseat(slot, start)

    def _recount(self, order: WorkOrder) -> None:
        with self._counting:  # else what a lane read first might be shown last, and stay
            fresh, counts = self._registry.order(order.name)
            stock = self._free_records(fresh)
            with self._lock:
                if self._order is None or self._order.name != order.name:
                    return  # another order was chosen meanwhile
                self._order, self._counts, self._stock = fresh, counts, stock

    def _free_records(self, order: WorkOrder) -> int | None:
        """What is left in the order's lot; None where it needs none."""
        return self._registry.stock(order.lot)[UpdState.FREE] if order.lot else None


def _submit(lane: Executor, work: Callable[[], None]) -> None:
    lane.submit(work).add_done_callback(_cry_out)


def _cry_out(work: Future[None]) -> None:
    """A bug must not vanish in a pool: it goes where a crashed thread's traceback goes."""
    error = work.exception()
    if error is not None:
        threading.excepthook(
            threading.ExceptHookArgs((type(error), error, error.__traceback__, None))
        )


def _phase(outcome: RunOutcome) -> SlotPhase:
    match outcome.verdict, outcome.closed.disposition:
        case _, Disposition.HOLD:
            return SlotPhase.HOLD
        case Verdict.PASS, _:
            return SlotPhase.PASS
        case Verdict.FAIL, _:
            return SlotPhase.FAIL
        case _:
            return SlotPhase.CHECK

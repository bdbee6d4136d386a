"""One run, from the first question to the last commit, and every way it may end."""

import json
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

import pytest

from station.application.cancel import Cancel
from station.application.dock_run import RESENDS_MAX
from station.application.job import Job
from station.application.ports import DockAnswers, Piece
from station.application.provisioning import CRASH_POINTS, RunOutcome
from station.datastore.field_store import FieldPartition
from station.datastore.partitions import Datastore
from station.dock.faults import AlreadyLocked, BitFlip, Mute, OtherDock, Unplug, WrongHardware
from station.domain.dsse import Envelope
from station.domain.entries import APPLICATION_NAME, Entry, Kind
from station.domain.errors import (
    AlreadyDone,
    BundleRefused,
    KeyRefused,
    LabelMismatch,
    LinkLost,
    NoDock,
    NotInOrder,
    OnHold,
    OrderComplete,
    PortBusy,
    RecordNotDurable,
    RehearsalImpossible,
    ScreenNotDrawn,
    StationError,
)
from station.domain.errors import WrongHardware as WrongHardwareFound
from station.domain.kept_rehearsal import KeptRehearsal
from station.domain.limits import HEADER_BYTES
from station.domain.profile import Link
from station.domain.rehearsal import Call, Finding, FindingKind, Rehearsal
from station.domain.run import RunState
from station.domain.scenario import DEFAULT
from station.domain.secret import Secret
from station.domain.splash import Splash
from station.domain.statement import PAYLOAD_TYPE
from station.domain.upd import UpdState
from station.domain.verdict import PROOFS, REQUIRED, CheckName, Disposition, Step, Verdict
from tests.fakes.rehearsal import boot, picture_of
from tests.fakes.serial_link import ALWAYS, Board, Troubles
from tests.unit.application.workbench import (
    AUTHORITY,
    PROFILE,
    RELEASED,
    STATION,
    TEMPLATE,
    Workbench,
    bitmap,
    make_board,
    make_order,
    make_profile,
    serial_of,
    token_of,
)

WITHOUT_A_KEY: Final = [name for name in CheckName if name not in PROOFS]
"""The checks of a dock of level D0, in their order."""

COMMON_AT = HEADER_BYTES
COMMON_END = COMMON_AT + sum(block.size_bytes for block in RELEASED.common.blocks)
UPD_AT = COMMON_END

PATH_TO_PASS = [
    "open",
    "identify",
    "hold",
    "WRITING",
    "SENDING",
    "READING",
    "CONFIRMING",
    "close PASS",
]
"""The commits of a run, in the order of its state table."""

DOCK_CALLS = [
    *("identify", "identify", "begin", "digests", "write", "identify", "write", "commit"),
    *("identify", "factory reset", "identify", "slot state", "challenge", "read back"),
    *("answers", "identify", "confirm", "slot state"),
]
"""What the dock is asked, in order, pieces apart: who it is before whatever another one must not
suffer or get."""

Make = Callable[[Workbench], Troubles]


def ended(outcome: RunOutcome) -> tuple[Verdict, str, Disposition]:
    return outcome.verdict, outcome.code, outcome.closed.disposition


def statement_of(envelope: bytes) -> dict[str, Any]:
    """The predicate of a signed statement, once its signature was found right."""
    decoded = Envelope.decode(envelope)
    assert decoded.payload_type == PAYLOAD_TYPE
    (signature,) = decoded.signatures
    assert AUTHORITY.verifies(STATION.certificate, signature.signature, decoded.signed_bytes)
    predicate: dict[str, Any] = json.loads(decoded.payload)["predicate"]
    return predicate


# -- the whole way -----------------------------------------------------------------------------


def test_a_good_dock_passes_by_every_commit_and_question_in_order(bench: Workbench) -> None:
    troubles = bench.plug()
    outcome = bench.run()

    assert ended(outcome) == (Verdict.PASS, "", Disposition.GOOD)
    assert [check.name for check in outcome.checks] == WITHOUT_A_KEY
    assert bench.spy.calls == PATH_TO_PASS
    assert bench.marks == list(CRASH_POINTS)
    assert [call for call in troubles.calls if not call.endswith("a piece")] == DOCK_CALLS
    assert bench.stock[UpdState.ACTIVE] == 1
    assert UpdState.SENT not in bench.stock


def test_a_passed_dock_keeps_the_image_and_answers_with_its_own_token(bench: Workbench) -> None:
    bench.plug()
    outcome = bench.run()
    with bench.docks.open("/dev/slot-1", Link()) as dock:
        state, answers = dock.slot_state(), dock.answers()

    (row,) = bench.unit().runs

    assert (state.confirmed, state.image_sha256) == (True, row.image_sha256)
    assert answers.values["serial"] == "DK7F-00001"
    assert answers.values["enrolment_token"] == token_of(0)
    assert answers.values["greeting"] == "good day"
    assert outcome.run_id == row.run_id


def test_the_record_is_closed_before_anything_is_claimed(bench: Workbench) -> None:
    bench.plug()
    states: list[Any] = []

    def told(name: str) -> None:
        if name == "close PASS":
            states.extend(bench.rows("SELECT state, verdict FROM runs"))

    bench.spy.told = told
    outcome = bench.run()

    assert states == [("CONFIRMING", None)]
    assert outcome.closed.verdict is Verdict.PASS
    assert bench.rows("SELECT state, verdict FROM runs") == [("CLOSED", "PASS")]


def test_the_statement_says_what_the_ledger_says(bench: Workbench) -> None:
    bench.plug()
    bench.run()
    unit = bench.unit()
    (row,) = unit.runs
    said = statement_of(row.envelope)
    ((record, kind, _, fingerprint),) = unit.records

    assert said["run"] == {"earlier": [], "id": row.run_id, "number": row.number}
    assert (said["serial"], said["order"], said["slot"]) == (row.serial, row.order, row.slot)
    assert (said["operator"], said["verdict"], said["code"]) == (row.operator, row.verdict, "")
    assert said["dock_id"] == row.dock_id.hex().upper()
    assert said["image_sha256"] == said["readback_sha256"] == row.image_sha256.hex()
    assert said["bundle"]["sha256"] == row.bundle_sha256.hex()
    assert said["template"]["sha256"] == row.template_sha256.hex()
    assert (said["bytes_written"], said["bytes_read"]) == (row.bytes_written, row.bytes_read)
    assert [one["name"] for one in said["checks"]] == [check.name for check in row.checks]
    assert said["upd"] == [{"fingerprint": fingerprint.hex(), "kind": kind, "record": record}]
    assert {one["name"]: one["duration_ms"] for one in said["steps"]} == {
        step: round(seconds * 1000) for step, seconds in row.seconds.items()
    }
    assert said["log"]["open_leaf"] == row.open_leaf
    assert token_of(0) not in row.envelope.decode("ascii")


def test_every_step_is_timed_and_every_byte_counted(bench: Workbench) -> None:
    troubles = bench.plug()
    bench.run()
    (row,) = bench.unit().runs
    pieces = troubles.calls.count("write a piece")

    assert list(row.seconds) == list(Step)
    assert row.seconds[Step.IDENTIFY] == pytest.approx(0.001)
    assert row.seconds[Step.WRITE] == pytest.approx(0.001 * (pieces + 7))
    assert row.seconds[Step.BUILD] == 0.0
    assert row.bytes_written == row.bytes_read > COMMON_END
    assert [one.step for one in bench.progress if not one.total_bytes] == [*Step, Step.RECORD]


def test_progress_grows_to_the_whole(bench: Workbench) -> None:
    bench.plug()
    bench.run()

    for step in (Step.WRITE, Step.READ_BACK):
        told = [one for one in bench.progress if one.step is step and one.total_bytes]
        sizes = [one.done_bytes for one in told]

        assert sizes == sorted(sizes)
        assert sizes[-1] == told[-1].total_bytes


def test_what_the_dock_holds_already_does_not_travel_again(bench: Workbench) -> None:
    bench.plug(1, BitFlip())
    bench.run()
    bench.run()
    first, second = bench.unit().runs

    assert first.bytes_written > COMMON_END > second.bytes_written > 0


def test_asking_who_is_there_opens_nothing(bench: Workbench) -> None:
    troubles = bench.plug()
    identity = bench.provisioning.identify("/dev/slot-1", Link())

    assert (identity.label, identity.product, identity.hardware) == ("DK7F-00001", "DK-7F", "C")
    assert (troubles.calls, bench.spy.calls) == (["identify"], [])


def test_a_run_speaks_as_its_docks_profile_says(bench: Workbench) -> None:
    link = Link(bytes_per_s=12_345)
    bench.plug()
    bench.run(profile=replace(PROFILE, link=link))

    assert bench.docks.links == [("/dev/slot-1", link)]


def test_a_job_takes_what_its_order_names_from_the_shelf(bench: Workbench) -> None:
    def under(**changes: Any) -> Job:
        return Job.under(
            make_order(**changes),
            serial_of(1),
            shelf=bench.shelf,
            slot="1",
            port="/dev/slot-1",
            operator="0417",
        )

    assert under() == bench.job()
    with pytest.raises(BundleRefused):
        under(bundle_sha256=bytes(32))


# -- the manufactured state --------------------------------------------------------------------


def used(board: Board) -> int:
    """How many entries were written in the field."""
    field = board.server.field
    return sum(
        kind.entries for where in FieldPartition for kind in field.usage(where).by_kind.values()
    )


def test_what_a_dock_held_of_an_earlier_life_is_gone_before_it_is_judged(bench: Workbench) -> None:
    board = make_board(1)
    for where in FieldPartition:
        board.server.field.put(where, Entry(Kind.KV, "greeting", b"of the field"))
        board.server.field.put(where, Entry(Kind.CODE, APPLICATION_NAME, b"import usb\n"))
    assert used(board) == 4
    bench.docks.plug("/dev/slot-1", board)
    outcome = bench.run()
    with bench.docks.open("/dev/slot-1", Link()) as dock:
        answers = dock.answers()

    assert ended(outcome) == (Verdict.PASS, "", Disposition.GOOD)
    assert used(board) == 0
    assert answers.values["greeting"] == "good day"


# -- the unique bytes wait for their commit ----------------------------------------------------


class Witness:
    """Looks at the records through a connection of its own whenever bytes leave the station."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self.common: set[str] = set()
        self.unique: set[str] = set()
        self.leaked = False

    def __call__(self, piece: Piece) -> None:
        states = self._bench.rows("SELECT DISTINCT state FROM records WHERE state <> 'FREE'")
        shared = COMMON_AT <= piece.offset_bytes < COMMON_END
        (self.common if shared else self.unique).update(state for (state,) in states)
        self.leaked |= shared and token_of(0).encode() in bytes(piece.data)

    @property
    def promise_kept(self) -> bool:
        """Nothing unique left the station before its record was durably SENT."""
        return self.unique == {"SENT"} and not self.leaked


def test_no_unique_byte_leaves_before_its_record_is_durably_sent(bench: Workbench) -> None:
    witness = Witness(bench)
    bench.plug().sent = witness
    outcome = bench.run()

    assert outcome.verdict is Verdict.PASS
    assert witness.promise_kept
    assert witness.common == {"RESERVED"}


def test_the_witness_catches_a_station_without_that_commit(bench: Workbench) -> None:
    witness = Witness(bench)
    bench.plug().sent = witness
    bench.spy.deaf = {"SENDING"}
    with pytest.raises(ValueError, match="does not enter READING"):
        bench.run()

    assert witness.unique == {"RESERVED"}
    assert not witness.promise_kept


# -- verdicts, codes and dispositions ----------------------------------------------------------


def locked(bench: Workbench) -> Troubles:
    return bench.plug(1, AlreadyLocked())


def flipped(bench: Workbench) -> Troubles:
    return bench.plug(1, BitFlip())


def swapped(bench: Workbench) -> Troubles:
    return bench.plug(1, OtherDock())


def unplugged(bench: Workbench) -> Troubles:
    return bench.plug(1, Unplug(40))


def refusing(*reasons: str) -> Make:
    def make(bench: Workbench) -> Troubles:
        troubles = bench.plug()
        troubles.refusals = list(reasons)
        return troubles

    return make


def troubled(**changes: Any) -> Make:
    def make(bench: Workbench) -> Troubles:
        troubles = bench.plug()
        for name, value in changes.items():
            setattr(troubles, name, copy(value))
        return troubles

    return make


def answering(**changes: Any) -> Make:
    def answers(true: DockAnswers) -> DockAnswers:
        return replace(true, **{name: change(true) for name, change in changes.items()})

    return troubled(answers=answers)


def without(mapping: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if key != name}


SMALL = (len(bitmap(4, 4)), sha256(bitmap(4, 4)).digest())
"""Size and digest of an image of the bundle."""

FAIL, ERROR = Verdict.FAIL, Verdict.ERROR
OPEN, HOLD = Disposition.OPEN, Disposition.HOLD

ENDS: dict[str, tuple[Make, Verdict, str, Disposition, UpdState]] = {
    "locked": (locked, FAIL, "E-LOCK-01", HOLD, UpdState.FREE),
    "digest refused": (refusing("digest"), FAIL, "E-WRITE-01", OPEN, UpdState.SENT),
    "format refused": (refusing("format"), FAIL, "E-WRITE-01", OPEN, UpdState.SENT),
    "flash failed": (refusing("flash"), FAIL, "E-WRITE-01", OPEN, UpdState.SENT),
    "signature refused": (refusing("signature"), FAIL, "E-VERIFY-03", HOLD, UpdState.SENT),
    "unknown refusal": (refusing("mood"), FAIL, "E-VERIFY-03", HOLD, UpdState.SENT),
    "damaged for ever": (
        troubled(hurts={COMMON_AT + 9: ALWAYS}),
        *(FAIL, "E-WRITE-01", OPEN, UpdState.SENT),
    ),
    "flipped bit": (flipped, FAIL, "E-VERIFY-02", OPEN, UpdState.SENT),
    "wrong nonce": (troubled(wrong_nonce=True), FAIL, "E-VERIFY-02", OPEN, UpdState.SENT),
    "another value": (
        answering(values=lambda true: {**true.values, "serial": "DK7F-99999"}),
        *(FAIL, "E-VERIFY-02", OPEN, UpdState.SENT),
    ),
    "a value too few": (
        answering(values=lambda true: without(true.values, "serial")),
        *(FAIL, "E-VERIFY-02", OPEN, UpdState.SENT),
    ),
    "an image of another type": (
        answering(pictures=lambda true: {**true.pictures, "small": ("PNG", *SMALL)}),
        *(FAIL, "E-VERIFY-02", OPEN, UpdState.SENT),
    ),
    "another checksum": (
        answering(code_checksum=lambda true: 1),
        *(FAIL, "E-VERIFY-02", OPEN, UpdState.SENT),
    ),
    "forgets": (troubled(forgets=True), FAIL, "E-WRITE-01", OPEN, UpdState.SENT),
    "another dock": (swapped, ERROR, "E-IDENT-03", HOLD, UpdState.SENT),
    "unplugged": (unplugged, ERROR, "E-LINK-03", OPEN, UpdState.FREE),
}


@pytest.mark.parametrize("name", ENDS)
def test_each_trouble_has_its_verdict_code_and_disposition(bench: Workbench, name: str) -> None:
    make, verdict, code, disposition, state = ENDS[name]
    make(bench)
    outcome = bench.run()
    (row,) = bench.unit().runs

    assert ended(outcome) == (verdict, code, disposition)
    assert (row.verdict, row.code, row.cause) == (verdict, code, outcome.cause)
    assert outcome.cause
    assert bench.stock[state] == (60 if state is UpdState.FREE else 1)
    assert UpdState.RESERVED not in bench.stock
    assert bench.unit().ncr == ("NCR-0001" if disposition is HOLD else "")
    assert statement_of(row.envelope)["code"] == code


def test_a_second_bad_run_holds_the_unit(bench: Workbench) -> None:
    flipped(bench)
    first, second = bench.run(), bench.run()

    assert ended(first) == (FAIL, "E-VERIFY-02", OPEN)
    assert ended(second) == (FAIL, "E-VERIFY-02", HOLD)
    with pytest.raises(OnHold):
        bench.run()


def test_an_image_beyond_the_slot_is_refused_before_anything_unique_is_sent(
    bench: Workbench,
) -> None:
    small = make_profile(rom_budget_bytes=1_000, slot_bytes=139_000)
    bench.plug(1, profile=small)
    outcome = bench.run()

    assert ended(outcome) == (FAIL, "E-WRITE-01", OPEN)
    assert bench.spy.calls == [*PATH_TO_PASS[:4], "close FAIL"]
    assert bench.stock == {UpdState.FREE: 60}


@pytest.mark.parametrize(
    "offset",
    [0, HEADER_BYTES - 1, COMMON_AT, COMMON_END - 1, UPD_AT, UPD_AT + 4_096],
    ids=["first byte", "header", "common", "padding", "unique", "late"],
)
def test_a_byte_that_reads_wrong_twice_fails_the_dock_and_once_does_not(
    bench: Workbench, offset: int
) -> None:
    bench.plug().misreads = {offset: 1}
    once = bench.run(1)
    bench.plug(2).misreads = {offset: ALWAYS}
    always = bench.run(2)
    first, second = bench.unit(1).runs[0], bench.unit(2).runs[0]

    assert ended(once) == (Verdict.PASS, "", Disposition.GOOD)
    assert ended(always) == (FAIL, "E-VERIFY-02", OPEN)
    assert first.bytes_read > first.bytes_written
    assert CheckName.DOCK_ANSWERS not in {check.name for check in second.checks}
    assert statement_of(second.envelope)["readback_sha256"] != second.image_sha256.hex()


def test_a_lost_link_does_not_hide_what_was_found(bench: Workbench) -> None:
    troubles = bench.plug()
    troubles.wrong_nonce = True

    def before(name: str) -> None:
        if name == "answers":
            raise LinkLost("gone")

    troubles.before = before
    outcome = bench.run()

    assert ended(outcome) == (FAIL, "E-VERIFY-02", OPEN)


@pytest.mark.parametrize("times", [1, RESENDS_MAX])
def test_blocks_the_link_damaged_are_sent_again(bench: Workbench, times: int) -> None:
    troubles = bench.plug()
    troubles.hurts = {COMMON_AT + 70_000: times, 5: times}
    outcome = bench.run()
    (row,) = bench.unit().runs

    assert outcome.verdict is Verdict.PASS
    assert troubles.calls.count("commit") == times + 1
    assert row.bytes_written == row.bytes_read + times * (HEADER_BYTES + 65_536)


def test_blocks_are_sent_again_twice_and_no_more(bench: Workbench) -> None:
    troubles = bench.plug()
    troubles.hurts = {5: ALWAYS}
    outcome = bench.run()

    assert ended(outcome) == (FAIL, "E-WRITE-01", OPEN)
    assert troubles.calls.count("commit") == RESENDS_MAX + 1
    assert [check.name for check in outcome.checks] == [CheckName.ACCEPTED]


# -- refused before a run opens ----------------------------------------------------------------


def not_opened(bench: Workbench, error: type[StationError], number: int = 1, **job: Any) -> str:
    """The cause of a refusal that left nothing behind."""
    with pytest.raises(error) as refused:
        bench.run(number, **job)
    assert bench.rows("SELECT count(*) FROM runs") == [(0,)]
    assert set(bench.stock) == {UpdState.FREE}
    return refused.value.cause


def test_another_label_than_the_docks_own_is_refused(bench: Workbench) -> None:
    bench.plug(2)

    assert "the dock says DK7F-00002" in not_opened(bench, LabelMismatch)
    assert bench.spy.calls == []


def test_a_dock_without_a_label_takes_the_one_that_is_scanned(bench: Workbench) -> None:
    bench.plug(1, blank=True)

    assert bench.run().verdict is Verdict.PASS


def test_wrong_hardware_is_refused(bench: Workbench) -> None:
    bench.plug(1, WrongHardware())

    assert "DL-0000 X0" in not_opened(bench, WrongHardwareFound)


def test_an_unknown_revision_is_refused(bench: Workbench) -> None:
    bench.plug(1, hardware="B")

    assert "the job needs DL-7450 C" in not_opened(bench, WrongHardwareFound)


def test_a_dock_of_another_product_is_refused(bench: Workbench) -> None:
    bench.plug(1, product="DK-8")

    assert "a DK-8 dock" in not_opened(bench, WrongHardwareFound)


def test_any_revision_will_do_where_the_product_names_none(bench: Workbench) -> None:
    (product, *others) = PROFILE.products
    loose = replace(PROFILE, products=(replace(product, hardware_revisions=()), *others))
    bench.plug(1, hardware="B")

    assert bench.run(profile=loose).verdict is Verdict.PASS


def test_a_port_without_a_dock_or_in_use_opens_no_run(bench: Workbench) -> None:
    not_opened(bench, NoDock)
    bench.plug(1, Mute())
    not_opened(bench, NoDock)
    bench.plug()
    with bench.docks.open("/dev/slot-1", Link()):
        not_opened(bench, PortBusy)


def test_a_refusal_of_the_ledger_is_passed_on(bench: Workbench) -> None:
    bench.plug()
    not_opened(bench, NotInOrder, order="WO-9")
    bench.run()

    with pytest.raises(AlreadyDone):
        bench.run()

    assert bench.spy.calls == ["open", *PATH_TO_PASS, "open"]


# -- refused once it is open -------------------------------------------------------------------


def test_a_dock_that_was_bound_to_another_label_is_held(bench: Workbench) -> None:
    bench.plug(1, blank=True)
    bench.run(1)
    outcome = bench.run(2)

    assert ended(outcome) == (ERROR, "E-IDENT-01", HOLD)
    assert outcome.cause.startswith("refused: ")
    assert bench.stock == {UpdState.FREE: 59, UpdState.ACTIVE: 1}


def test_without_a_free_record_nothing_is_written(empty_bench: Workbench) -> None:
    empty_bench.stock_up(tokens=1)
    empty_bench.plug(1)
    empty_bench.run(1)
    troubles = empty_bench.plug(2)
    outcome = empty_bench.run(2)

    assert ended(outcome) == (ERROR, "E-TOKEN-01", OPEN)
    assert troubles.calls == ["identify"]
    assert empty_bench.stock == {UpdState.ACTIVE: 1}


def test_a_locked_vault_is_a_refusal(bench: Workbench) -> None:
    bench.plug()
    bench.vault.locked = True
    outcome = bench.run()

    assert ended(outcome) == (ERROR, "E-KEY-01", OPEN)
    assert outcome.cause.startswith("refused: ")


def test_a_derivation_key_nobody_opened_is_a_refusal(bench: Workbench) -> None:
    def derive(key: str, text: str) -> Secret:
        raise KeyRefused(f"no key {key}", remedy="Make it.")

    troubles = bench.plug()
    bench.derive = derive
    outcome = bench.run()

    assert ended(outcome) == (ERROR, "E-KEY-01", OPEN)
    assert outcome.cause == "refused: no key group"
    assert troubles.calls == ["identify"]
    assert bench.stock == {UpdState.FREE: 60}


def test_unique_data_beyond_the_budget_is_a_refusal(bench: Workbench) -> None:
    tight = RELEASED.statement.common_bytes + 100
    bench.plug()
    outcome = bench.run(profile=make_profile(rom_budget_bytes=tight))

    assert ended(outcome) == (ERROR, "E-FILE-04", OPEN)
    assert bench.stock == {UpdState.FREE: 60}


# -- the link is lost, at every call -----------------------------------------------------------


def calls_of_a_pass(bench: Workbench) -> list[str]:
    """What a good run asks its dock, in order; made by unit 99."""
    troubles = bench.plug(99)
    assert bench.run(99).verdict is Verdict.PASS
    return troubles.calls


def test_a_link_lost_at_any_call_is_an_error_and_never_a_pass(bench: Workbench) -> None:
    calls = calls_of_a_pass(bench)
    sending = calls.index("write", calls.index("write") + 1)
    with pytest.raises(LinkLost):
        bench.plug(1).lose_at = 0
        bench.run(1)
    for number in range(1, len(calls)):
        bench.plug(number).lose_at = number
        outcome = bench.run(number)
        unit = bench.unit(number)

        assert ended(outcome) == (ERROR, "E-LINK-03", OPEN), calls[number]
        assert bool(unit.records) == (number >= sending), calls[number]
        assert all(state is UpdState.SENT for _, _, state, _ in unit.records)
    sent = len(calls) - sending

    assert bench.stock == {
        UpdState.ACTIVE: 1,
        UpdState.SENT: sent,
        UpdState.FREE: 60 - 1 - sent,
    }


def test_a_retry_on_the_same_dock_reuses_what_was_sent(bench: Workbench) -> None:
    troubles = bench.plug()
    troubles.lose_at = 12
    first = bench.run()
    ((before, *_),) = bench.unit().records
    troubles.lose_at = None
    second = bench.run()
    ((after, _, state, _),) = bench.unit().records

    assert (first.verdict, second.verdict) == (ERROR, Verdict.PASS)
    assert (before, state) == (after, UpdState.ACTIVE)
    assert bench.stock == {UpdState.ACTIVE: 1, UpdState.FREE: 59}
    row = bench.unit().runs[1]

    assert statement_of(row.envelope)["run"]["earlier"] == [first.run_id]


# -- stopped by a person -----------------------------------------------------------------------


def test_a_stop_at_any_call_ends_as_aborted_until_the_first_boot_was_rehearsed(
    bench: Workbench,
) -> None:
    calls = calls_of_a_pass(bench)
    last = calls.index("confirm") - 1
    for number in range(len(calls)):
        cancel = Cancel()
        troubles = bench.plug(number + 1)

        def before(
            name: str, cancel: Cancel = cancel, at: int = number, troubles: Troubles = troubles
        ) -> None:
            if len(troubles.calls) == at + 1:
                cancel.ask()

        troubles.before = before
        outcome = bench.run(number + 1, cancel=cancel)

        if number < last:
            assert ended(outcome) == (Verdict.ABORTED, "E-STOP-01", OPEN), calls[number]
        else:
            assert outcome.verdict is Verdict.PASS, calls[number]


def test_without_a_rehearsal_nothing_stops_once_the_last_block_is_read(bench: Workbench) -> None:
    bench.start(make_order("WO-2", rehearse=False))
    cancel = Cancel()
    troubles = bench.plug()

    def before(name: str) -> None:
        if name == "answers":
            cancel.ask()

    troubles.before = before
    outcome = bench.run(order="WO-2", rehearse=False, cancel=cancel)

    assert (outcome.verdict, cancel.asked) == (Verdict.PASS, True)


def test_a_stop_asked_before_the_run_sends_nothing_unique(bench: Workbench) -> None:
    cancel = Cancel()
    cancel.ask()
    bench.plug()
    outcome = bench.run(cancel=cancel)

    assert outcome.verdict is Verdict.ABORTED
    assert bench.spy.calls == [*PATH_TO_PASS[:4], "close ABORTED"]
    assert bench.stock == {UpdState.FREE: 60}


# -- the first boot, rehearsed -----------------------------------------------------------------

TRACE = "Traceback (most recent call last):\n  main.py, line 4\nOSError: no network\n"
TIMER = Finding(FindingKind.TIMER_UNREFERENCED, "wakeup of line 12")
STEPS_OF_READING = [
    *("slot state", "challenge", "read back", "answers", "(first boot)", "confirm", "slot state"),
]


def kept(bench: Workbench, run: int = 0) -> KeptRehearsal:
    """What the ledger keeps of the first boot; the signed statement says the same."""
    row = bench.unit().runs[run]
    assert row.rehearsal is not None
    assert statement_of(row.envelope)["rehearsal"] == row.rehearsal.plain()
    return row.rehearsal


def test_what_was_read_back_is_booted_on_a_plain_desk_before_it_is_confirmed(
    bench: Workbench,
) -> None:
    troubles = bench.plug()
    tokens: list[bytes] = []

    def first_boot(datastore: Datastore) -> Rehearsal:
        token = datastore.get(Kind.KV, "enrolment_token")
        tokens.append(b"" if token is None else bytes(token.data))
        return boot("Welcome")

    bench.rehearse.before = lambda: troubles.calls.append("(first boot)")
    bench.rehearse.boots = first_boot
    bench.run()
    ((asked),) = bench.rehearse.asked

    assert [one for one in troubles.calls if one in STEPS_OF_READING] == STEPS_OF_READING
    assert asked.scenario == DEFAULT
    assert (asked.dock_id.octets, asked.unknown_image) == (bytes([1]) * 32, PROFILE.unknown_image)
    assert asked.datastore.names(Kind.KV) == sorted(
        {"content_url", *(entry.key[1] for entry in TEMPLATE.entries)}
    )
    assert tokens == [token_of(0).encode()]


def test_what_was_read_back_is_forgotten_when_it_has_been_judged(bench: Workbench) -> None:
    bench.plug()
    assert bench.run().verdict is Verdict.PASS
    ((asked),) = bench.rehearse.asked

    assert asked.datastore.holds(Kind.KV, "enrolment_token")
    assert asked.datastore.get(Kind.KV, "enrolment_token") is None  # its bytes were overwritten


def test_what_the_user_would_see_is_told_signed_and_kept(bench: Workbench) -> None:
    seen = boot("Welcome", "to <DK7F-00001>", findings=[TIMER], ran_ms=59_000)
    bench.rehearse.boots = lambda datastore: seen
    bench.plug()
    outcome = bench.run()
    picture = picture_of(seen.splash)

    assert outcome.rehearsal == replace(seen, splash=Splash(), calls=())
    assert outcome.picture == picture
    assert bench.draw.drawn == [seen.splash]
    assert bench.pictures.kept == {sha256(picture).digest(): picture}
    assert kept(bench) == KeptRehearsal(
        scenario="desk",
        ran_ms=59_000,
        text=("Welcome", "to <DK7F-00001>"),
        findings=(TIMER,),
        error="",
        picture_sha256=sha256(picture).digest(),
    )
    (check,) = [one for one in outcome.checks if one.name is CheckName.REHEARSED]
    assert check.evidence == (
        "59 s on the bench desk, nothing raised; timer-unreferenced: wakeup of line 12"
    )
    assert statement_of(bench.unit().runs[0].envelope)["required"] == WITHOUT_A_KEY


def test_the_picture_is_kept_before_the_record_that_names_it(bench: Workbench) -> None:
    bench.plug()
    kept_then: list[int] = []

    def told(name: str) -> None:
        if name == "close PASS":
            kept_then.append(len(bench.pictures.kept))

    bench.spy.told = told
    bench.run()

    assert kept_then == [1]


def test_an_order_that_asks_for_no_rehearsal_has_none(bench: Workbench) -> None:
    bench.start(make_order("WO-2", rehearse=False))
    bench.plug()
    outcome = bench.run(order="WO-2", rehearse=False)
    (row,) = bench.unit().runs
    said = statement_of(row.envelope)

    assert ended(outcome) == (Verdict.PASS, "", Disposition.GOOD)
    assert {check.name for check in outcome.checks} == REQUIRED
    assert (bench.rehearse.asked, bench.draw.drawn, bench.pictures.kept) == ([], [], {})
    assert (outcome.rehearsal, outcome.picture, row.rehearsal, said["rehearsal"]) == (
        *(None, b"", None, None),
    )
    assert said["required"] == [name for name in CheckName if name in REQUIRED]
    assert [one for one in CRASH_POINTS if one not in bench.marks] == [
        "run.rehearsed",
        "run.pictured",
    ]


def test_an_order_that_asks_for_it_gets_no_pass_without_it(bench: Workbench) -> None:
    bench.plug()
    with pytest.raises(ValueError, match="every required check"):
        bench.run(rehearse=False)

    assert bench.unit().runs[0].state is RunState.CONFIRMING


def test_an_application_that_raises_fails_the_dock_for_good(bench: Workbench) -> None:
    seen = boot(trace=TRACE)
    bench.rehearse.boots = lambda datastore: seen
    troubles = bench.plug()
    outcome = bench.run()

    assert ended(outcome) == (FAIL, "E-VERIFY-04", HOLD)
    assert outcome.cause == "OSError: no network"
    assert bench.unit().ncr == "NCR-0001"
    assert "confirm" not in troubles.calls
    assert bench.stock[UpdState.SENT] == 1
    assert kept(bench).error == TRACE
    assert kept(bench).picture_sha256 == sha256(picture_of(seen.splash)).digest()
    assert outcome.picture == picture_of(seen.splash)


def test_nothing_is_booted_that_was_not_found_as_promised(bench: Workbench) -> None:
    bench.plug().answers = lambda true: replace(true, code_checksum=1)
    outcome = bench.run()
    flipped(bench)
    bench.run()

    assert outcome.rehearsal is None
    assert bench.rehearse.asked == []
    assert CheckName.REHEARSED not in {check.name for check in outcome.checks}


STATION_TROUBLES = [
    RehearsalImpossible("no seccomp on this machine"),
    ScreenNotDrawn("the screen's process has died"),
    RecordNotDurable("the disk of the pictures is full"),
]


def trouble(bench: Workbench, error: StationError) -> None:
    """Let this go wrong in a first boot."""
    match error:
        case RehearsalImpossible():
            bench.rehearse.error = error
        case ScreenNotDrawn():
            bench.draw.error = error
        case _:
            bench.pictures.error = error


@pytest.mark.parametrize("error", STATION_TROUBLES, ids=lambda error: error.code)
def test_a_station_that_cannot_rehearse_cannot_tell_and_spends_no_try(
    bench: Workbench, error: StationError
) -> None:
    trouble(bench, error)
    bench.plug()
    for _ in range(3):
        assert ended(bench.run()) == (ERROR, error.code, OPEN)
    (*_, row) = bench.unit().runs

    assert row.cause == error.cause
    assert statement_of(row.envelope)["readback_sha256"] == row.image_sha256.hex()


@pytest.mark.parametrize("error", STATION_TROUBLES[1:], ids=lambda error: error.code)
def test_a_picture_that_is_not_had_hides_no_finding(bench: Workbench, error: StationError) -> None:
    bench.rehearse.boots = lambda datastore: boot(trace=TRACE)
    trouble(bench, error)
    bench.plug()
    outcome = bench.run()

    assert ended(outcome) == (FAIL, "E-VERIFY-04", HOLD)
    assert outcome.picture == b""
    assert (kept(bench).error, kept(bench).picture_sha256) == (TRACE, None)


def test_a_stop_during_the_first_boot_ends_the_run(bench: Workbench) -> None:
    cancel = Cancel()
    bench.rehearse.before = cancel.ask
    bench.plug()
    outcome = bench.run(cancel=cancel)

    assert ended(outcome) == (Verdict.ABORTED, "E-STOP-01", OPEN)
    assert (outcome.rehearsal, bench.draw.drawn) == (None, [])


def test_a_secret_on_the_splash_is_found_and_goes_no_further(bench: Workbench) -> None:
    bench.rehearse.boots = lambda datastore: boot(
        "Pair with", token_of(0), findings=[TIMER], calls=[Call(0, "http.get", token_of(0))]
    )
    bench.plug()
    outcome = bench.run()
    shown = Finding(FindingKind.SECRET_SHOWN, "token; the splash is not kept")

    assert ended(outcome) == (Verdict.PASS, "", Disposition.GOOD)
    assert outcome.rehearsal is not None
    assert (outcome.rehearsal.text, outcome.rehearsal.findings) == ((), (shown, TIMER))
    assert (outcome.picture, bench.draw.drawn, bench.pictures.kept) == (b"", [], {})
    assert (kept(bench).text, kept(bench).findings) == ((), (shown, TIMER))
    assert token_of(0) not in repr((outcome, bench.unit()))
    assert all(token_of(0) not in repr(row) for row in bench.rows("SELECT * FROM runs"))


def test_a_secret_in_a_trace_is_found_and_goes_no_further(bench: Workbench) -> None:
    bench.rehearse.boots = lambda datastore: boot(trace=f"{TRACE}ValueError: {token_of(0)}")
    bench.plug()
    outcome = bench.run()

    assert ended(outcome) == (FAIL, "E-VERIFY-04", HOLD)
    assert token_of(0) not in repr((outcome, bench.unit()))
    assert kept(bench).error
    assert bench.draw.drawn == []


# -- the signer is gone ------------------------------------------------------------------------


def test_a_signer_that_is_lost_before_the_image_is_sealed_sends_nothing(bench: Workbench) -> None:
    troubles = bench.plug()
    bench.signer.offline = True
    outcome = bench.run()

    assert ended(outcome) == (ERROR, "E-SIGN-01", OPEN)
    assert troubles.calls == ["identify"]
    assert bench.unit().runs[0].envelope == b""
    assert bench.stock == {UpdState.FREE: 60}


def lose_signer_before_closing(bench: Workbench, troubles: Troubles, call: str) -> None:
    def before(name: str) -> None:
        bench.signer.offline |= name == call

    troubles.before = before


def test_without_a_signature_at_the_end_nothing_passes(bench: Workbench) -> None:
    lose_signer_before_closing(bench, bench.plug(), "slot state")
    outcome = bench.run()
    (row,) = bench.unit().runs

    assert ended(outcome) == (ERROR, "E-SIGN-01", OPEN)
    assert all(check.passed for check in outcome.checks)
    assert (row.verdict, row.envelope) == (ERROR, b"")
    assert bench.stock[UpdState.SENT] == 1


def test_a_finding_stays_a_finding_without_a_signature(bench: Workbench) -> None:
    troubles = bench.plug(1, BitFlip())
    lose_signer_before_closing(bench, troubles, "factory reset")
    outcome = bench.run()

    assert ended(outcome) == (FAIL, "E-VERIFY-02", OPEN)
    assert bench.unit().runs[0].envelope == b""


# -- the disk fails, at every commit -----------------------------------------------------------


def test_a_disk_that_is_full_at_the_opening_leaves_nothing(bench: Workbench) -> None:
    bench.plug()
    bench.spy.fails = {"open"}

    not_opened(bench, RecordNotDurable)


@pytest.mark.parametrize("commit", PATH_TO_PASS[1:-1])
def test_a_disk_that_fails_once_ends_the_run_as_an_error(bench: Workbench, commit: str) -> None:
    troubles = bench.plug()
    bench.spy.fails = {commit}
    outcome = bench.run()
    sent = commit in {"READING", "CONFIRMING"}

    assert ended(outcome) == (ERROR, "E-LOG-01", OPEN)
    assert bench.spy.calls == [*PATH_TO_PASS[: PATH_TO_PASS.index(commit) + 1], "close ERROR"]
    assert bench.stock == ({UpdState.FREE: 59, UpdState.SENT: 1} if sent else {UpdState.FREE: 60})
    assert "confirm" not in troubles.calls


@pytest.mark.parametrize("commit", PATH_TO_PASS[1:])
def test_a_disk_that_stays_full_claims_nothing(bench: Workbench, commit: str) -> None:
    bench.plug()
    bench.spy.fails = {commit, "close ERROR"}
    with pytest.raises(RecordNotDurable):
        bench.run()
    (open_run,) = bench.unit().runs
    (found,) = bench.restart()

    assert open_run.state is not RunState.CLOSED
    assert (found.verdict, found.run_id) == (Verdict.ABORTED, open_run.run_id)
    assert not {UpdState.ACTIVE, UpdState.RESERVED} & set(bench.stock)


def test_a_unit_too_many_is_no_pass(bench: Workbench) -> None:
    bench.plug()
    bench.spy.error = OrderComplete("WO-1 has its units")
    bench.spy.fails = {"close PASS"}
    outcome = bench.run()
    (row,) = bench.unit().runs

    assert ended(outcome) == (ERROR, "E-WO-01", OPEN)
    assert statement_of(row.envelope)["verdict"] == "ERROR"
    assert bench.stock[UpdState.SENT] == 1


def test_a_run_that_cannot_be_told_apart_from_nothing_is_not_lost(bench: Workbench) -> None:
    """The process dies between any two commits: the restart finds the run, or there is none."""
    for number, commit in enumerate(PATH_TO_PASS, start=1):
        bench.plug(number)

        def die(name: str, commit: str = commit) -> None:
            if name == commit:
                raise KeyboardInterrupt

        bench.spy.told = die
        with pytest.raises(KeyboardInterrupt):
            bench.run(number)
        found = bench.restart()

        assert [run.verdict for run in found] == ([] if commit == "open" else [Verdict.ABORTED])


def test_a_bundle_older_than_the_dock_accepts_is_refused_before_a_run_opens(
    bench: Workbench,
) -> None:
    bench.plug()
    job = bench.job()
    with bench.docks.open(job.port, job.profile.link) as dock:
        identity = replace(dock.identify(), counter=job.bundle.statement.security_counter + 1)

    with pytest.raises(BundleRefused, match="security counter"):
        job.demand_match(identity)


def test_an_expired_certificate_is_the_stations_trouble_and_opens_no_run(bench: Workbench) -> None:
    bench.plug()
    bench.clock.jump_to(datetime(2126, 1, 1, tzinfo=UTC))
    with pytest.raises(KeyRefused):
        bench.run()

    assert bench.rows("SELECT * FROM runs") == []
    assert bench.stock[UpdState.FREE] == sum(bench.stock.values())

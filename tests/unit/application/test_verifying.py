"""A unit that passed, checked again: every way it may no longer be what its record says."""

from dataclasses import replace

import pytest

from station.application.cancel import Cancel
from station.application.verifying import Verification, verify_unit
from station.dock.faults import BitFlip
from station.domain.errors import Interrupted, LabelMismatch, NoDock, NotInOrder
from station.domain.verdict import CheckName
from tests.fakes.serial_link import ALWAYS
from tests.unit.application.workbench import AUTHORITY, Workbench, serial_of


def verified(bench: Workbench, number: int = 1, *, cancel: Cancel | None = None) -> Verification:
    read: list[int] = []
    found = verify_unit(
        serial_of(number),
        "/dev/slot-1",
        docks=bench.docks,
        registry=bench.registry,
        authority=AUTHORITY,
        done=read.append,
        cancel=cancel or Cancel(),
    )
    with bench.docks.open("/dev/slot-1") as dock:
        assert sum(read) == dock.slot_state().size_bytes
    return found


def codes(found: Verification) -> dict[CheckName, str]:
    return {check.name: check.code for check in found.checks}


def test_a_dock_that_is_still_what_it_was_holds(bench: Workbench) -> None:
    troubles = bench.plug()
    made = bench.run()
    troubles.calls.clear()
    found = verified(bench)

    assert found.holds
    assert (found.serial, found.run_id) == (serial_of(1), made.run_id)
    assert codes(found) == dict.fromkeys(
        (CheckName.BLOCKS, CheckName.IMAGE, CheckName.DOCK_ANSWERS, CheckName.CONFIRMED), ""
    )
    assert not {"begin", "write", "commit", "restart", "confirm"} & set(troubles.calls)


def test_the_newest_pass_is_the_one_that_counts(bench: Workbench) -> None:
    bench.plug(1, BitFlip())
    bench.run()
    bench.plug()
    passed = bench.run()

    assert verified(bench).run_id == passed.run_id


def test_a_unit_that_never_passed_has_nothing_to_be_compared_with(bench: Workbench) -> None:
    with pytest.raises(NotInOrder):
        verified(bench)
    bench.plug(1, BitFlip())
    bench.run()
    with pytest.raises(NotInOrder, match="never passed"):
        verified(bench)


def test_another_dock_is_not_this_unit(bench: Workbench) -> None:
    bench.plug()
    bench.run()
    bench.plug(2)

    with pytest.raises(LabelMismatch, match="another dock"):
        verified(bench)


def test_no_dock_is_no_verdict(bench: Workbench) -> None:
    bench.plug()
    bench.run()
    bench.docks.pull("/dev/slot-1")

    with pytest.raises(NoDock):
        verified(bench)


def test_a_changed_byte_is_found(bench: Workbench) -> None:
    troubles = bench.plug()
    bench.run()
    troubles.misreads = {5_000: ALWAYS}
    found = verified(bench)

    assert not found.holds
    assert codes(found) == {
        CheckName.BLOCKS: "E-VERIFY-02",
        CheckName.IMAGE: "E-VERIFY-03",
        CheckName.CONFIRMED: "",
    }


def test_a_dock_that_was_emptied_holds_nothing(bench: Workbench) -> None:
    bench.plug()
    bench.run()
    bench.plug()
    found = verified(bench)

    assert codes(found) == {
        CheckName.BLOCKS: "E-VERIFY-02",
        CheckName.IMAGE: "E-VERIFY-03",
        CheckName.CONFIRMED: "E-VERIFY-02",
    }


def test_a_dock_that_answers_otherwise_does_not_hold(bench: Workbench) -> None:
    troubles = bench.plug()
    bench.run()
    troubles.answers = lambda true: replace(true, code_checksum=None)
    found = verified(bench)

    assert codes(found)[CheckName.DOCK_ANSWERS] == "E-VERIFY-02"
    assert not found.holds


def test_verifying_can_be_stopped(bench: Workbench) -> None:
    bench.plug()
    bench.run()
    cancel = Cancel()
    cancel.ask()

    with pytest.raises(Interrupted):
        verified(bench, cancel=cancel)

"""A unit that passed, checked again: every way it may no longer be what its record says."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from station.application.cancel import Cancel
from station.application.ports import DockAnswers
from station.application.verifying import Verification, verify_unit
from station.dock.device_key import OwnKey
from station.dock.faults import BitFlip
from station.domain.entries import Kind
from station.domain.errors import DockNotProved, Interrupted, LabelMismatch, NoDock, NotInOrder
from station.domain.identity import DockId
from station.domain.profile import Assurance, Link, Stage
from station.domain.verdict import CheckName, Verdict
from tests.fakes.devices import believing, device_root
from tests.fakes.serial_link import ALWAYS, Troubles
from tests.unit.application.workbench import AUTHORITY, Workbench, make_profile, serial_of


def verified(bench: Workbench, number: int = 1, *, cancel: Cancel | None = None) -> Verification:
    read: list[int] = []
    found = verify_unit(
        serial_of(number),
        "/dev/slot-1",
        link=Link(),
        docks=bench.docks,
        registry=bench.registry,
        authority=AUTHORITY,
        done=read.append,
        cancel=cancel or Cancel(),
        device_keys=bench.device_keys,
        chance=bench.chance,
    )
    with bench.docks.open("/dev/slot-1", Link()) as dock:
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


# -- docks with a key ----------------------------------------------------------------------------

ROOT = device_root()
SEALED = make_profile(assurance=Assurance.D2, stage=Stage.PRODUCTION)


@pytest.fixture
def sealed(tmp_path: Path) -> Iterator[Workbench]:
    """A station that believes the root, with one dock of level D2 that has passed."""
    bench = Workbench(tmp_path / "sealed.db", device_keys=believing(ROOT))
    bench.stock_up()
    plug_sealed(bench)
    assert bench.run(profile=SEALED).verdict is Verdict.PASS
    yield bench
    bench.file.close()


def plug_sealed(bench: Workbench, key: OwnKey | None = None) -> Troubles:
    own = key or ROOT.dock_key(DockId(bytes([1]) * 32))
    return bench.plug(1, profile=SEALED, device_key=own)


def test_a_sealed_dock_is_verified_as_far_as_it_can_be_read(sealed: Workbench) -> None:
    found = verified(sealed)
    evidence = {check.name: check.evidence for check in found.checks}

    assert found.holds
    assert [*evidence] == [
        CheckName.PROVED,
        CheckName.BLOCKS,
        CheckName.IMAGE,
        CheckName.DOCK_ANSWERS,
        CheckName.CONFIRMED,
    ]
    assert "digest as recorded" in evidence[CheckName.BLOCKS]
    assert "its content cannot be read here" in evidence[CheckName.IMAGE]
    assert "6 unique entries it does not tell" in evidence[CheckName.DOCK_ANSWERS]


def test_another_key_in_a_sealed_dock_is_refused(sealed: Workbench) -> None:
    sealed.docks.pull("/dev/slot-1")
    plug_sealed(sealed, device_root().dock_key(DockId(bytes([1]) * 32)))

    with pytest.raises(DockNotProved, match="not from a device root"):
        verified(sealed)


def test_a_sealed_dock_must_tell_what_all_docks_have(sealed: Workbench) -> None:
    def hiding(told: DockAnswers) -> DockAnswers:
        values = {name: told.values[name] for name in told.values if name != "content_url"}
        return replace(told, values=values, withheld=told.withheld | {(Kind.KV, "content_url")})

    sealed.docks.troubles("/dev/slot-1").answers = hiding

    found = verified(sealed)

    assert codes(found)[CheckName.DOCK_ANSWERS] == "E-VERIFY-02"


def test_a_sealed_dock_that_answers_otherwise_fails(sealed: Workbench) -> None:
    sealed.docks.troubles("/dev/slot-1").answers = lambda told: replace(
        told, values={**told.values, "content_url": "https://evil.example/"}
    )

    found = verified(sealed)

    assert codes(found)[CheckName.DOCK_ANSWERS] == "E-VERIFY-02"


def test_one_flipped_bit_in_what_is_sealed_is_found(sealed: Workbench) -> None:
    end = sealed.unit().runs[0].bytes_read
    troubles = sealed.docks.troubles("/dev/slot-1")
    troubles.misreads = dict.fromkeys(range(end - 3_000, end - 2_999), ALWAYS)

    assert codes(verified(sealed))[CheckName.BLOCKS] == "E-VERIFY-02"

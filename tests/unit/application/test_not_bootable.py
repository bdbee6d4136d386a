"""A dock that has nothing to boot is called so: with one slot from the begin of a write until its
image is accepted, with any number after an image did not survive to its first start.
"""

import pytest

from station.application.provisioning import RunOutcome
from station.domain.verdict import Disposition, Verdict
from tests.fakes.serial_link import Board
from tests.unit.application.workbench import Workbench, make_board, make_profile

NOT_BOOTABLE = "E-BOOT-01"
ONE_SLOT = make_profile(slots=1)
CALLS = ["identify", "begin", "digests", "write", "identify", "write", "commit", "identify"]
"""What a dock is asked from just before its slot is given up to just after its image is taken,
pieces apart."""


def run_cut_at(bench: Workbench, call: int, *, slots: int) -> RunOutcome:
    """A run whose link is lost at this one of `CALLS`."""
    profile = make_profile(slots=slots)
    troubles = bench.plug(1, profile=profile)

    def look_out(name: str) -> None:
        so_far = [one for one in troubles.calls if one != "write a piece"]
        if so_far[1:] == CALLS[: call + 1]:
            troubles.lose_at = 0

    troubles.before = look_out
    return bench.run(1, profile=profile)


@pytest.mark.parametrize("call", range(len(CALLS)))
def test_a_link_lost_while_the_only_slot_is_open_leaves_a_dock_that_is_not_bootable(
    bench: Workbench, call: int
) -> None:
    outcome = run_cut_at(bench, call, slots=1)

    open_slot = CALLS.index("begin") < call < CALLS.index("commit")
    assert outcome.verdict is Verdict.ERROR
    assert outcome.code == (NOT_BOOTABLE if open_slot else "E-LINK-03")
    assert ("NOT BOOTABLE" in outcome.cause) is open_slot
    assert f"lost at {CALLS[call]}" in outcome.cause


@pytest.mark.parametrize("call", range(len(CALLS)))
def test_a_dock_with_two_slots_boots_what_it_had(bench: Workbench, call: int) -> None:
    outcome = run_cut_at(bench, call, slots=2)

    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "E-LINK-03")


def test_a_dock_that_is_not_bootable_is_written_again_and_passes(bench: Workbench) -> None:
    assert run_cut_at(bench, CALLS.index("write"), slots=1).code == NOT_BOOTABLE
    troubles = bench.docks.troubles("/dev/slot-1")
    troubles.lose_at = None
    troubles.before = lambda name: None

    outcome = bench.run(1, profile=ONE_SLOT)

    assert outcome.verdict is Verdict.PASS
    assert outcome.closed.disposition is Disposition.GOOD


def flip_what_waits(board: Board) -> None:
    """One bit of the image that is to be started next."""
    slots = board.server._firmware.slots
    board.server._flash.disturb(slots._loader.spare.offset_bytes + 1_000, bit=2)


@pytest.mark.parametrize("slots", [1, 2])
def test_an_image_that_does_not_survive_to_its_first_start_is_no_pass_and_is_told_by_name(
    bench: Workbench, slots: int
) -> None:
    profile = make_profile(slots=slots)
    board = make_board(1, profile=profile)
    troubles = bench.docks.plug("/dev/slot-1", board)
    troubles.before = lambda name: flip_what_waits(board) if name == "factory reset" else None

    outcome = bench.run(1, profile=profile)

    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, NOT_BOOTABLE)
    assert outcome.cause == "NOT BOOTABLE: after its restart the dock runs no image"

    troubles.before = lambda name: None
    assert bench.run(1, profile=profile).verdict is Verdict.PASS

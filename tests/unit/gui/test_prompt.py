"""The band says one thing: the first rule that holds."""

from dataclasses import replace

import pytest

from station.application.snapshot import LineSnapshot, Refusal, SlotPhase, SlotSnapshot
from station.domain.order import OrderCounts, OrderState
from station.domain.verdict import Step
from station.gui.prompt import TONES, Prompt, Tone, prompt_for
from station.gui.texts import Speaker
from tests.gui.samples import LINE, ORDER, slot, working

Facts = dict[str, object]
STOP: Facts = {"stop": "E-LOG-01"}
REFUSAL: Facts = {"refusal": Refusal("E-SCAN-02", "This is DK-5. Job needs DK-7F")}
NOBODY: Facts = {"operator": ""}
NO_ORDER: Facts = {"order": None}
CANDIDATES = [
    replace(slot(2, SlotPhase.READY), candidate=True),
    replace(slot(5, SlotPhase.READY), candidate=True),
]
CHECK = slot(7, SlotPhase.CHECK, "DK7F-00320", "E-LINK-01")
PASS = slot(1, SlotPhase.PASS, "DK7F-00317")
FAIL = slot(4, SlotPhase.FAIL, "DK7F-00311", "E-VERIFY-02")
DONE: Facts = {"counts": OrderCounts(good=500)}
PAUSED: Facts = {"paused": True}
WAITING = slot(8, SlotPhase.WAITING, "DK7F-00321")
READY = slot(6, SlotPhase.READY)
EMPTY = slot(9, SlotPhase.EMPTY)
OFF = slot(10, SlotPhase.OFF)
WORKING = working(3, "DK7F-00318", Step.WRITE, 0.62, 21)

FROM_FIRST_TO_LAST: list[tuple[str, Facts, list[SlotSnapshot]]] = [
    ("STATION STOP: CAN'T SAVE RECORD", STOP, []),
    ("WRONG DOCK. Put this dock aside", REFUSAL, []),
    ("Scan your badge", NOBODY, []),
    ("Scan a work order", NO_ORDER, []),
    ("Scan the slot label of slot 2 or 5", {}, CANDIDATES),
    ("Slot 7: unplug the dock and plug it in again", {}, [CHECK]),
    ("Remove slot 1 → GOOD tray", {}, [PASS]),
    ("Slot 4: move to another slot, scan again", {}, [FAIL]),
    ("Job done 500/500. Scan the next work order", DONE, []),
    ("Press F8 to continue", PAUSED, []),
    ("Connect DK7F-00321 to slot 8", {}, [WAITING]),
    ("Scan the next dock (slot 6)", {}, [READY]),
    ("Connect the next dock to slot 9", {}, [EMPTY]),
    ("All slots working. Next free: slot 3 in 0:13", {}, [WORKING, OFF]),
]
"""Each line of the guide: what it says, and what makes it true."""

EXCLUDES = {
    "Remove slot 1 → GOOD tray": "Connect the next dock to slot 9",  # only with no free slot
    "Job done 500/500. Scan the next work order": "All slots working. Next free: slot 3 in 0:13",
}
"""A line that a later line's condition makes untrue."""


def line(*slots: SlotSnapshot, **facts: object) -> LineSnapshot:
    return replace(LINE, slots=slots, **facts)  # type: ignore[arg-type]


def shown(*slots: SlotSnapshot, **facts: object) -> Prompt:
    return prompt_for(line(*slots, **facts), Speaker())


@pytest.mark.parametrize("at", range(len(FROM_FIRST_TO_LAST)))
def test_a_line_wins_over_every_later_one(at: int) -> None:
    says, facts, slots = FROM_FIRST_TO_LAST[at]
    later = [row for row in FROM_FIRST_TO_LAST[at + 1 :] if row[0] != EXCLUDES.get(says)]
    bench = sorted([*slots, *(one for row in later for one in row[2])], key=lambda one: one.number)
    together = {**{name: fact for row in later for name, fact in row[1].items()}, **facts}

    assert shown(*bench, **together).headline == says


@pytest.mark.parametrize("at", range(len(FROM_FIRST_TO_LAST)))
def test_a_line_shows_when_it_is_the_only_one(at: int) -> None:
    says, facts, slots = FROM_FIRST_TO_LAST[at]

    assert shown(*slots, **facts).headline == says


def test_the_tones_follow_what_is_wanted() -> None:
    tones = [shown(*slots, **facts).tone for _, facts, slots in FROM_FIRST_TO_LAST]
    wanted, mended = Tone.ACTION, Tone.AMEND

    assert tones == [Tone.STOPPED, mended, wanted, wanted, wanted, mended, wanted, mended,
                     wanted, wanted, wanted, wanted, wanted, Tone.QUIET]  # fmt: skip
    assert set(TONES) == set(Tone)


def test_a_stop_tells_what_to_do_and_its_code() -> None:
    prompt = shown(WORKING, stop="E-SIGN-01")

    assert prompt.headline == "STATION STOP: SIGNER OFFLINE"
    assert (prompt.detail, prompt.code) == ("Check signer USB. Call engineer", "E-SIGN-01")


def test_a_refused_scan_tells_its_code_and_a_cause_meant_for_operators() -> None:
    told = shown(READY, refusal=Refusal("E-SCAN-05", "DK7F-00318 is in\x1dslot 3"))
    kept = shown(READY, refusal=Refusal("E-SCAN-01", "no grammar fits b'\\x00'"))

    assert (told.detail, told.code) == ("DK7F-00318 is in slot 3", "E-SCAN-05")
    assert (kept.headline, kept.detail) == ("CAN'T READ. Wipe the label. Scan again", "")


def test_the_lowest_check_comes_first() -> None:
    unfinished = slot(2, SlotPhase.CHECK, "DK7F-00318", "E-STOP-01")

    assert shown(unfinished, CHECK).headline == "Slot 2: scan DK7F-00318 to redo it"


def test_three_candidates_are_listed() -> None:
    third = replace(slot(6, SlotPhase.READY), candidate=True)

    assert shown(*CANDIDATES, third).headline == "Scan the slot label of slot 2, 5 or 6"
    assert shown(third).headline == "Scan the slot label of slot 6"


def test_a_held_unit_goes_to_its_own_tray() -> None:
    held = slot(1, SlotPhase.HOLD, "DK7F-00298", "E-VERIFY-02")

    assert shown(held, WORKING).headline == "Remove slot 1 → HOLD tray"


def test_nothing_is_to_be_removed_while_a_slot_is_free() -> None:
    assert shown(PASS, EMPTY).headline == "Connect the next dock to slot 9"


def test_a_complete_order_is_done_whatever_was_counted() -> None:
    complete = replace(ORDER, state=OrderState.COMPLETE)

    assert shown(READY, order=complete).headline == "Job done 311/500. Scan the next work order"
    assert shown(WORKING, order=complete).tone is Tone.QUIET


def test_a_scan_without_a_free_slot_still_asks_for_its_dock() -> None:
    assert shown(WORKING, pending_scan="DK7F-00321").headline == "Connect DK7F-00321"


def test_a_bound_slot_asks_for_the_button() -> None:
    assert shown(replace(READY, bound=True)).headline == "Press Provision (F5)"


def test_one_slot_is_told_in_words_for_one() -> None:
    assert shown(WORKING).headline == "Slot 3 working. Free in 0:13"
    assert shown(replace(WORKING, usual_s=0, fraction=0)).headline == "Slot 3 working"


def test_the_slot_that_is_free_next_is_named() -> None:
    slower = working(5, "DK7F-00319", Step.WRITE, 0.18, 6)

    assert shown(WORKING, slower).headline == "All slots working. Next free: slot 3 in 0:13"


@pytest.mark.parametrize(
    ("elapsed_s", "usual_s", "fraction", "says"),
    [
        (6, 0, 0.5, "All slots working. Next free: slot 3 in 0:06"),
        (6, 0, 0.04, "All slots working"),
        (40, 34, 0.9, "All slots working"),
    ],
)
def test_a_time_is_named_only_where_one_is_known(
    elapsed_s: float, usual_s: float, fraction: float, says: str
) -> None:
    run = replace(WORKING, elapsed_s=elapsed_s, usual_s=usual_s, fraction=fraction)

    assert shown(run, slot(4, SlotPhase.OFF)).headline == says


def test_a_bench_without_a_slot_in_use_calls_for_the_technician() -> None:
    assert shown(slot(1, SlotPhase.OFF)).headline == "No slot in use. Call technician"
    assert shown().tone is Tone.AMEND

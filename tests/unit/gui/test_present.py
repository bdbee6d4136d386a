"""Everything around the slots."""

from dataclasses import replace

import pytest

from station.application.snapshot import Result, SlotPhase
from station.domain.order import OrderCounts
from station.domain.verdict import Verdict
from station.gui.marks import MARKS
from station.gui.present import Desk, Level, means_binding, present
from tests.gui.samples import DEMO, HERO, LINE, ORDER, STOPPED, slot


def test_the_order_is_named_with_its_product_and_what_is_written() -> None:
    facts = present(LINE).order.facts

    assert [(fact.label, fact.value, fact.note) for fact in facts] == [
        ("Work order", "WO-26-0817", ""),
        ("Product", "DK-7F", ""),
        ("Firmware", "4.2.1", "9f3c a17e"),
    ]


def test_the_count_is_of_good_units() -> None:
    order = present(LINE).order

    assert (order.good, order.target) == ("311", "/500")
    assert order.fraction == pytest.approx(0.622)
    assert [(one.label, one.value) for one in order.figures] == [
        ("First-pass", "97.8 %"),
        ("Hold", "2"),
        ("Pace", "88/h"),
    ]


def test_large_counts_are_grouped() -> None:
    many = replace(LINE, counts=OrderCounts(good=12_345), order=replace(ORDER, quantity=20_000))

    assert present(many).order.good == "12\u202f345"
    assert present(many).order.target == "/20\u202f000"


def test_a_station_without_an_order_counts_nothing() -> None:
    idle = replace(LINE, order=None, bundle="", bundle_sha256=b"", counts=OrderCounts(), stock=None)
    order = present(idle).order

    assert [fact.value for fact in order.facts] == ["–", "–", "–"]
    assert (order.target, order.fraction, order.figures[0].value) == ("", 0.0, "–")


def test_more_good_units_than_asked_fill_the_bar_and_no_more() -> None:
    assert present(replace(LINE, counts=OrderCounts(good=501))).order.fraction == 1.0
    assert present(replace(LINE, order=replace(ORDER, quantity=0))).order.fraction == 0.0


def test_healthy_lamps_are_calm_and_say_nothing() -> None:
    lamps = present(LINE).status.lamps

    assert [lamp.label for lamp in lamps] == ["Signer", "Tokens 1\u202f482", "Scanner", "Ledger"]
    assert {(lamp.word, lamp.level) for lamp in lamps} == {("", Level.CALM)}


@pytest.mark.parametrize(
    ("facts", "lamp", "word", "level"),
    [
        ({"stop": "E-SIGN-01"}, 0, "OFFLINE", Level.TROUBLE),
        ({"stop": "E-TOKEN-01"}, 1, "NONE LEFT", Level.TROUBLE),
        ({"stock": 0}, 1, "NONE LEFT", Level.TROUBLE),
        ({"stock": 188}, 1, "LOW", Level.WARNING),
        ({"stock": 189}, 1, "", Level.CALM),
        ({"stock": None}, 1, "", Level.CALM),
        ({"stock": 5, "order": None}, 1, "", Level.CALM),
        ({"stop": "E-LOG-01"}, 3, "NOT SAVING", Level.TROUBLE),
        ({"stop": "E-LOG-02"}, 3, "NOT SAVING", Level.TROUBLE),
    ],
)
def test_a_troubled_lamp_adds_a_word(
    facts: dict[str, object], lamp: int, word: str, level: Level
) -> None:
    shown = present(replace(LINE, **facts)).status.lamps[lamp]  # type: ignore[arg-type]

    assert (shown.word, shown.level) == (word, level)


def test_a_call_for_help_shows_until_it_is_cancelled() -> None:
    called = present(LINE, Desk(help_called=True))

    assert called.status.lamps[0].label == "HELP CALLED"
    assert (called.actions.help, called.actions.help_called) == ("Cancel help", True)
    assert present(LINE).actions.help == "Call for help"


def test_nobody_logged_in_is_said() -> None:
    assert present(replace(LINE, operator="")).status.operator == "No operator"


def test_only_a_demo_wears_the_ribbon() -> None:
    assert present(DEMO).status.ribbon == "DEMO – virtual docks, nothing real is written"
    assert present(DEMO).status.hint == "Press Space to scan the next dock"
    assert (present(LINE).status.ribbon, present(LINE).status.hint) == ("", "")


@pytest.mark.parametrize(
    "facts", [{"stop": "E-SIGN-01"}, {"order": None}, {"operator": ""}, {"paused": True}]
)
def test_provision_is_off_where_nothing_may_start(facts: dict[str, object]) -> None:
    assert present(LINE).actions.provision_enabled
    assert not present(replace(LINE, **facts)).actions.provision_enabled  # type: ignore[arg-type]


def test_pause_becomes_continue() -> None:
    assert present(LINE).actions.pause == "Pause"
    assert present(replace(LINE, paused=True)).actions.pause == "Continue"


def test_the_last_results_are_listed_newest_first() -> None:
    results = present(LINE).actions.results

    assert [mark.short for mark in results] == [
        "00317",
        "00316",
        "00315",
        "00314",
        "00313",
        "00311",
    ]
    assert results[-1].name == "DK7F-00311 FAIL"


def test_no_more_than_six_results_are_listed_and_long_serials_are_cut() -> None:
    many = tuple(Result(f"SERIAL{number:08}", Verdict.PASS) for number in range(9))
    results = present(replace(LINE, results=many)).actions.results

    assert [mark.short for mark in results] == ["000008", "000007", "000006", "000005", "000004",
                                                "000003"]  # fmt: skip


def test_four_verdicts_have_four_signs() -> None:
    assert set(MARKS) == set(Verdict)
    assert len({mark.sign for mark in MARKS.values()}) == len(Verdict)
    assert len({mark.ink for mark in MARKS.values()}) == len(Verdict)


def test_the_last_scan_is_shown_as_a_person_may_read_it() -> None:
    assert present(replace(LINE, last_scan="01095\x1d21DK")).scan.last == "01095 21DK"


def test_working_slots_keep_the_window_open() -> None:
    assert present(STOPPED).working == (3, 5, 7)
    assert present(replace(LINE, slots=(slot(1, SlotPhase.PASS),))).working == ()


def test_a_refused_close_says_which_slot_works_and_only_while_it_does() -> None:
    refused = present(HERO, Desk(close_refused=True)).prompt
    idle = replace(HERO, slots=(slot(1, SlotPhase.EMPTY),))

    assert refused.detail == "Slot 1 working: close when done"
    assert refused.headline == "Slot 1 working. Free in 0:13"
    assert present(idle, Desk(close_refused=True)).prompt.detail == ""


def test_a_drawer_is_of_the_slot_that_was_asked_for() -> None:
    drawer = present(LINE, Desk(drawer=4)).drawer

    assert drawer is not None
    assert (drawer.slot, drawer.word) == (4, "FAIL")
    assert present(LINE).drawer is None
    assert present(LINE, Desk(drawer=9)).drawer is None


def test_a_press_answers_a_scan_only_where_one_waits_and_the_slot_is_ready() -> None:
    waiting = replace(LINE, pending_scan="DK7F-00321")

    assert [means_binding(waiting, number) for number in (1, 2, 3, 8)] == [
        False,
        True,
        False,
        False,
    ]
    assert not means_binding(LINE, 2)

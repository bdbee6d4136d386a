"""Module `wakeup` (dock-sdk.md, 2.3)."""

import gc
from typing import Any

import pytest

from station.domain.rehearsal import Finding, FindingKind
from station.rehearsal import dialect
from station.rehearsal.sdk.wakeup import COLLECTIONS_MAX
from tests.fakes.machine import FakeMachine
from tests.unit.rehearsal.sdk.desk import module, run


@pytest.fixture
def machine() -> FakeMachine:
    return FakeMachine()


@pytest.fixture
def wakeup(machine: FakeMachine) -> Any:
    return module("wakeup", machine)


@pytest.mark.parametrize("name", ["wakeup", "Timer"])
def test_2_3_a_timer_is_made_either_way(machine: FakeMachine, wakeup: Any, name: str) -> None:
    done: list[float] = []
    timer = getattr(wakeup, name)(lambda: done.append(machine.now_ms()), 1_500)
    machine.run(60_000)

    assert isinstance(timer, wakeup.Timer)
    assert done == [1_500]


def test_2_3_a_task_is_done_when_the_application_is_idle(machine: FakeMachine, wakeup: Any) -> None:
    done: list[int] = []
    timer = wakeup.wakeup(lambda: done.append(1), 0)
    machine.sleep_ms(100)
    before = list(done)
    machine.run(100)

    assert (before, done) == ([], [1])
    del timer


def test_2_3_a_repeating_task_keeps_its_times(machine: FakeMachine, wakeup: Any) -> None:
    done: list[float] = []
    timer = wakeup.wakeup(task=lambda: done.append(machine.now_ms()), time_ms=10, repeat_ms=20)
    machine.run(75)
    timer.cancel()
    machine.run(1_000)

    assert done == [10, 30, 50, 70]


def test_2_3_rounds_missed_while_the_application_was_busy_are_not_made_up_for(
    machine: FakeMachine, wakeup: Any
) -> None:
    done: list[float] = []

    def task() -> None:
        done.append(machine.now_ms())
        machine.sleep_ms(35 if len(done) == 2 else 0)

    timer = wakeup.wakeup(task, 10, 10)
    machine.run(80)

    assert done == [10, 20, 55, 55, 65, 75]
    timer.cancel()


@pytest.mark.parametrize("repeat_ms", [0, 5])
def test_2_3_a_cancelled_timer_does_no_more(
    machine: FakeMachine, wakeup: Any, repeat_ms: int
) -> None:
    done: list[int] = []
    timer = wakeup.wakeup(lambda: done.append(1), 5, repeat_ms)
    timer.cancel()
    timer.cancel()
    machine.run(1_000)

    assert done == []
    assert machine.findings == []


def test_2_3_a_task_may_cancel_its_own_timer(machine: FakeMachine, wakeup: Any) -> None:
    done: list[int] = []

    def task() -> None:
        done.append(1)
        timer.cancel()

    timer = wakeup.wakeup(task, 0, 5)
    machine.run(1_000)

    assert done == [1]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((None, 1), TypeError),
        (("task", 1), TypeError),
        ((print, 1.5), TypeError),
        ((print, "1"), TypeError),
        ((print, 1, print), TypeError),
        ((print, -1), ValueError),
        ((print, 0, -1), ValueError),
        ((print, 1 << 70), OverflowError),
    ],
)
def test_2_3_what_is_no_task_or_no_time_is_refused(
    machine: FakeMachine, wakeup: Any, arguments: tuple[object, ...], error: type
) -> None:
    with pytest.raises(error):
        wakeup.wakeup(*arguments)
    machine.run(1_000)

    assert (machine.calls, machine.findings) == ([], [])


def test_2_3_what_a_task_raises_ends_the_application(machine: FakeMachine, wakeup: Any) -> None:
    timer = wakeup.wakeup(lambda: 1 / 0, 5)
    with pytest.raises(ZeroDivisionError):
        machine.run(1_000)

    assert timer


# -- a reference must be kept --------------------------------------------------------------------

FORGOTTEN = "nothing refers to this timer, and a dock may destroy it"


def test_2_3_a_timer_nobody_refers_to_is_told_of_and_fires_all_the_same() -> None:
    machine = run(
        """
        from wakeup import wakeup
        from splashscreen import Splashscreen

        def later():
            Splashscreen().add_text_box("done")

        wakeup(later, 1000)
        """,
        until_ms=60_000,
    )

    assert machine.texts() == ["done"]
    assert machine.findings == [
        Finding(FindingKind.TIMER_UNREFERENCED, f"main.py, line 8: {FORGOTTEN}")
    ]


def test_2_3_a_forgotten_timer_repeats_all_the_same() -> None:
    machine = run(
        """
        from wakeup import wakeup
        import usb
        wakeup(usb.find, 1000, 1000)
        """,
        until_ms=5_000,
    )

    assert machine.calls.count(("usb.find", "")) == 5
    assert len(machine.findings) == 1


def test_2_3_a_timer_that_only_its_own_task_leads_to_is_told_of() -> None:
    machine = run(
        """
        from wakeup import wakeup
        import usb

        class Screen:
            def __init__(self):
                self.timer = wakeup(self.refresh, 500, 500)

            def refresh(self):
                usb.find()

        Screen()
        """,
        until_ms=1_600,
    )

    assert machine.calls.count(("usb.find", "")) == 3
    assert machine.findings == [
        Finding(FindingKind.TIMER_UNREFERENCED, f"main.py, line 7: {FORGOTTEN}")
    ]


@pytest.mark.parametrize(
    "code",
    [
        "timer = wakeup(task, 1000, 1000)",
        "timers = [wakeup(task, 1000, 1000)]",
        "timers = {}\ndef f():\n    timers[1] = wakeup(task, 1000)\nf()",
        "class A:\n    def __init__(self):\n        self.t = wakeup(task, 1000, 1000)\na = A()",
        "class A:\n    def run(self):\n        self.t = wakeup(self.run, 1000)\na = A()\na.run()",
        "def again():\n    global t\n    t = wakeup(again, 1000)\nagain()",
    ],
)
def test_2_3_a_timer_that_is_referred_to_is_not_told_of(code: str) -> None:
    machine = run(f"from wakeup import wakeup\ndef task(): pass\n{code}", until_ms=5_000)

    assert machine.findings == []


def test_2_3_a_timer_is_told_of_when_its_last_reference_goes() -> None:
    machine = run(
        """
        from wakeup import wakeup
        timer = wakeup(lambda: None, 5000)
        def forget():
            global timer
            timer = None
        soon = wakeup(forget, 1000)
        """,
        until_ms=999,
    )
    before = list(machine.findings)
    machine.run(1_000)

    assert before == []
    assert machine.kinds() == [FindingKind.TIMER_UNREFERENCED]


def test_2_3_nothing_is_told_while_the_collector_is_at_work() -> None:
    machine = FakeMachine()
    dialect.run(b"from wakeup import wakeup\nwakeup(lambda: None, 5)\n", machine)
    calls, before = list(machine.calls), list(machine.findings)
    machine.run(0)

    assert calls == [("wakeup.Timer", "in 5 ms")]
    assert before == []
    assert machine.kinds() == [FindingKind.TIMER_UNREFERENCED]


@pytest.mark.parametrize("ending", ["", "timer.cancel()"])
def test_2_3_a_timer_that_does_not_run_any_more_may_go(ending: str) -> None:
    machine = run(
        f"""
        from wakeup import wakeup
        timer = wakeup(lambda: None, 10)
        {ending}
        def forget():
            global timer
            timer = None
        soon = wakeup(forget, 1000)
        """,
        until_ms=60_000,
    )

    assert machine.findings == []


def test_2_3_a_task_for_at_once_needs_no_reference() -> None:
    machine = run("from wakeup import wakeup\nimport usb\nwakeup(usb.find, 0)", until_ms=1)

    assert machine.calls[-1] == ("usb.find", "")
    assert machine.findings == []


def test_2_3_a_forgotten_timer_that_raises_ends_the_application() -> None:
    machine = run("from wakeup import wakeup\nwakeup(lambda: 1 / 0, 5)")
    with pytest.raises(ZeroDivisionError):
        machine.run(1_000)


def test_2_3_a_timer_whose_own_end_is_overridden_is_gone_when_it_is_forgotten() -> None:
    machine = run(
        """
        from wakeup import Timer
        import usb
        class Quiet(Timer):
            def __del__(self):
                pass
        Quiet(usb.find, 1000, 1000)
        """,
        until_ms=5_000,
    )

    assert ("usb.find", "") not in machine.calls


def test_2_3_the_names_of_an_application_live_as_long_as_something_of_it_is_to_be_done() -> None:
    machine = run(
        """
        from wakeup import wakeup
        from splashscreen import Splashscreen
        class Held:
            def __del__(self):
                Splashscreen().add_text_box("gone")
        held = Held()
        timer = wakeup([].clear, 1000, 1000)
        """,
        until_ms=10_000,
    )

    assert machine.texts() == []
    assert machine.findings == []


def test_the_collector_is_not_run_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    collections: list[int] = []
    monkeypatch.setattr(gc, "collect", lambda: collections.append(1))
    run(
        "from wakeup import wakeup\ndef again():\n    global t\n    t = wakeup(again, 10)\nagain()",
        until_ms=60_000,
    )

    assert len(collections) == COLLECTIONS_MAX


def test_what_is_told_of_a_timer_is_its_times(machine: FakeMachine, wakeup: Any) -> None:
    timers = [wakeup.wakeup(print, 5), wakeup.Timer(print, 0, 7)]
    timers[0].cancel()

    assert machine.calls == [
        ("wakeup.Timer", "in 5 ms"),
        ("wakeup.Timer", "in 0 ms, then every 7 ms"),
        ("wakeup.Timer.cancel", ""),
    ]
    timers[1].cancel()

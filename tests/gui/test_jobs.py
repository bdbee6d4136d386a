"""Calls from other threads are made at home, and not too often."""

from threading import Event, Thread, current_thread
from time import monotonic

from pytestqt.qtbot import QtBot

from station.gui.jobs import Home, Jobs, Refresher


def test_a_call_from_another_thread_is_made_at_home(qtbot: QtBot) -> None:
    home, made = Home(), list[str]()
    stranger = Thread(target=lambda: home.bring(lambda: made.append(current_thread().name)))
    stranger.start()
    stranger.join()

    assert made == []

    qtbot.waitUntil(lambda: bool(made))

    assert made == [current_thread().name]


def test_a_storm_of_notices_is_served_now_and_then_and_at_its_end(qtbot: QtBot) -> None:
    facts, seen = [0], list[int]()
    refresher = Refresher(lambda: seen.append(facts[0]), every_ms=100)
    refresher.notice()
    qtbot.waitUntil(lambda: seen == [0])
    began_s = monotonic()

    def storm() -> None:
        for number in range(1, 1_001):
            facts[0] = number
            refresher.notice()

    strangers = [Thread(target=storm) for _ in range(4)]
    for stranger in strangers:
        stranger.start()
    for stranger in strangers:
        stranger.join()
    qtbot.waitUntil(lambda: seen[-1] == 1_000)
    qtbot.wait(150)
    most = 2 + (monotonic() - began_s) / 0.1

    assert seen == sorted(seen)
    assert len(seen) <= most


def test_a_notice_during_the_look_is_not_lost(qtbot: QtBot) -> None:
    looks = list[int]()

    def look() -> None:
        looks.append(len(looks))
        if len(looks) == 1:
            refresher.notice()

    refresher = Refresher(look, every_ms=10)
    refresher.notice()
    qtbot.waitUntil(lambda: len(looks) == 2)
    qtbot.wait(50)

    assert len(looks) == 2


def test_work_is_done_elsewhere_and_its_result_comes_home(qtbot: QtBot) -> None:
    jobs, came = Jobs(), list[tuple[str, str]]()
    for _ in range(2):
        jobs.start(
            lambda: current_thread().name,
            lambda worker: came.append((worker, current_thread().name)),
        )
    qtbot.waitUntil(lambda: len(came) == 2)
    jobs.close()

    assert {home for _, home in came} == {current_thread().name}
    assert {worker for worker, _ in came} == {"screen_0"}


def test_what_work_raises_is_raised_at_home(qtbot: QtBot) -> None:
    jobs, came = Jobs(), list[object]()

    def fail() -> object:
        raise ValueError("no picture")

    with qtbot.captureExceptions() as raised:
        jobs.start(fail, came.append)
        qtbot.waitUntil(lambda: bool(raised))
    jobs.close()

    assert [str(error) for _, error, _ in raised] == ["no picture"]
    assert came == []


def test_closing_finishes_one_piece_of_work_and_begins_no_other(qtbot: QtBot) -> None:
    jobs, begun, gate = Jobs(), list[int](), Event()

    def work(number: int) -> None:
        begun.append(number)
        assert gate.wait(30)

    def refused() -> bool:
        """Once no more work is taken, none that waited is left either."""
        try:
            jobs.start(lambda: work(3), lambda _: None)
        except RuntimeError:
            return True
        return False

    jobs.start(lambda: work(1), lambda _: None)
    jobs.start(lambda: work(2), lambda _: None)
    qtbot.waitUntil(lambda: begun == [1])
    closing = Thread(target=jobs.close)
    closing.start()
    qtbot.waitUntil(refused)
    gate.set()
    closing.join()

    assert begun == [1]

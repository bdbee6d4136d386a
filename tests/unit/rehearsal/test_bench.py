"""The dock an application believes it runs on, on both clocks, without a process or a limit."""

import socket
from collections.abc import Callable, Iterator
from threading import Thread
from typing import NoReturn

import pytest

from station.domain.entries import Entry, Kind, PictureType
from station.domain.profile import UnknownImage
from station.domain.rehearsal import Call, Finding, FindingKind
from station.domain.scenario import Scenario, VisionMessage
from station.domain.splash import BOXES_MAX, MARKUP_CHARACTERS_MAX, TextBox
from station.rehearsal.bench import BUSY_MS, Bench
from station.rehearsal.channel import BODY_BYTES_MAX, Frame, Frames, encode
from station.rehearsal.clocks import READING_MS, TASK_MS, BenchClock, RealClock
from station.rehearsal.link import Link
from station.rehearsal.statements import (
    CALLS_MAX,
    DETAIL_CHARACTERS_MAX,
    FINDINGS_MAX,
    POSITION_MAX,
    TEXT_CHARACTERS_MAX,
    TRACE_CHARACTERS_MAX,
    NewImage,
    NewPicture,
    Over,
    Raised,
    Screen,
    Statement,
    statement,
)

RUN_MS = 60_000


class TimeIsUp(Exception):
    """The clock reached its end; in the child, the process ends there."""


class Parent:
    """The other end of a link: answers with what it was given, remembers what it was told."""

    def __init__(self) -> None:
        self._end, self._childs_end = socket.socketpair()
        self._answers: list[tuple[bytes, ...]] = []
        self._frames: list[Frame] = []
        self._thread = Thread(target=self._listen)
        self._thread.start()
        self.link = Link(self._childs_end.fileno())

    def will_answer(self, *head: object, body: bytes = b"", before: tuple[bytes, ...] = ()) -> None:
        """To the next question. before: messages that come in between."""
        messages = [encode("message", body_bytes=len(one)) + one for one in before]
        self._answers.append((*messages, encode("answer", *head, body_bytes=len(body)) + body))

    def says(self, message: bytes) -> None:
        """At once."""
        self._end.sendall(encode("message", body_bytes=len(message)) + message)

    def frames(self) -> list[Frame]:
        """All it was told, once the child has gone."""
        self.close()
        return self._frames

    def heard(self) -> list[Statement]:
        """The same, understood: an honest child keeps every limit by itself."""
        return [statement(frame) for frame in self.frames()]

    def screens(self) -> list[Screen]:
        return [one for one in self.heard() if isinstance(one, Screen)]

    def findings(self) -> list[FindingKind]:
        return [one.kind for one in self.heard() if isinstance(one, Finding)]

    def close(self) -> None:
        self._childs_end.close()
        self._thread.join()
        self._end.close()

    def _listen(self) -> None:
        frames = Frames(head_max=None, body_max=None)
        while data := self._end.recv(1 << 20):
            frames.feed(data)
            while (frame := frames.take()) is not None:
                self._frames.append(frame)
                if frame.head[0] in {"names", "entry", "checksum"}:
                    self._end.sendall(b"".join(self._answers.pop(0)))


@pytest.fixture
def parent() -> Iterator[Parent]:
    made = Parent()
    yield made
    made.close()


def bench_of(parent: Parent, *messages: VisionMessage, tells: bool = True) -> Bench:
    """A bench whose time jumps."""
    bench = Bench(parent.link, Scenario("test", messages=messages), UnknownImage.NONE, tells=tells)

    def over() -> NoReturn:
        bench.over()
        raise TimeIsUp

    bench.clock = BenchClock(RUN_MS, over)
    return bench


def run(bench: Bench, main: Callable[[], object] = lambda: None) -> None:
    with pytest.raises(TimeIsUp):
        bench.live(main)


# -- time ----------------------------------------------------------------------------------------


def test_tasks_are_done_when_they_are_due_and_in_their_order(parent: Parent) -> None:
    bench, done = bench_of(parent), list[tuple[str, int]]()

    def task(name: str) -> Callable[[], None]:
        return lambda: done.append((name, int(bench.clock.now_ms())))

    for at_ms, name in ((2000, "second"), (500, "first"), (2000, "third"), (RUN_MS, "last")):
        bench.call_at(at_ms, task(name))
    bench.call_at(RUN_MS + 1, task("never"))
    bench.call_at(-5, task("at once"))
    bench.call_at(1000, task("cancelled")).cancel()
    run(bench, task("main"))

    assert done == [
        ("main", 0),
        ("at once", 0),
        ("first", 500),
        ("second", 2000),
        ("third", 2000),
        ("last", 60_000),
    ]
    assert parent.heard() == [Over(RUN_MS)]


def test_sleeping_lets_time_pass_and_nothing_else(parent: Parent) -> None:
    bench, done = bench_of(parent), list[str]()
    bench.call_at(10, lambda: done.append("timer"))

    def main() -> None:
        before_ms = bench.now_ms()
        bench.sleep_ms(5000)
        bench.sleep_ms(-5000)
        assert 5000 <= bench.now_ms() - before_ms < 5001
        assert not done

    run(bench, main)

    assert done == ["timer"]


def test_a_task_cancelled_by_another_due_at_the_same_moment_is_not_done(parent: Parent) -> None:
    bench, done = bench_of(parent), list[str]()

    def first() -> None:
        second.cancel()

    bench.call_at(10, first)
    second = bench.call_at(10, lambda: done.append("second"))
    run(bench)

    assert done == []


def test_a_loop_that_waits_for_the_clock_ends(parent: Parent) -> None:
    bench = bench_of(parent)

    def main() -> None:
        while bench.now_ms() < 1000:
            pass

    run(bench, main)

    assert parent.heard() == [Over(RUN_MS)]
    assert READING_MS > 0


def test_a_task_that_asks_to_be_done_again_at_once_ends(parent: Parent) -> None:
    bench, count = bench_of(parent), [0]

    def again() -> None:
        count[0] += 1
        bench.call_at(bench.clock.now_ms(), again)

    run(bench, again)

    assert count[0] == pytest.approx(RUN_MS / TASK_MS, rel=0.01)


@pytest.mark.parametrize("sleeps", [True, False])
def test_whoever_never_goes_idle_is_told_of_and_nothing_of_it_is_drawn(
    parent: Parent, sleeps: bool
) -> None:
    bench = bench_of(parent)

    def main() -> None:
        bench.put_box(TextBox("never seen"))
        while True:
            bench.sleep_ms(1000) if sleeps else bench.now_ms()

    run(bench, main)

    assert parent.screens() == []
    assert parent.findings() == [FindingKind.ENDLESS]
    assert parent.heard()[-1] == Over(RUN_MS)


def test_whoever_is_busy_for_a_moment_at_the_end_is_not(parent: Parent) -> None:
    bench = bench_of(parent)
    bench.call_at(RUN_MS - BUSY_MS, lambda: bench.sleep_ms(BUSY_MS + 1))
    run(bench)

    assert parent.findings() == []


def test_whatever_a_task_raises_ends_the_application(parent: Parent) -> None:
    bench = bench_of(parent)
    bench.call_at(7, lambda: list[int]()[1])
    with pytest.raises(IndexError):
        bench.live(lambda: None)
    bench.raised("x" * TRACE_CHARACTERS_MAX + "the end")

    (said,) = parent.heard()
    assert isinstance(said, Raised)
    assert (said.trace[-7:], said.at_ms) == ("the end", 7)


# -- the screen ----------------------------------------------------------------------------------


def test_nothing_is_drawn_until_the_application_is_idle(parent: Parent) -> None:
    bench = bench_of(parent)

    def main() -> None:
        for n in range(1000):
            bench.put_box(TextBox(str(n), 1, 1))
        bench.show_image("one")
        bench.show_image("two")
        bench.show_picture(b"octets", "PNG")

    bench.call_at(5, lambda: bench.put_box(TextBox("later", 1, 1)))
    bench.call_at(6, lambda: bench.put_box(TextBox("later", 1, 1)))
    bench.call_at(7, lambda: bench.show_image("two"))
    run(bench, main)

    assert parent.screens() == [
        Screen((TextBox("999", 1, 1),), NewPicture(b"octets", PictureType.PNG)),
        Screen((TextBox("later", 1, 1),), None),
        Screen((TextBox("later", 1, 1),), NewImage("two")),
    ]


def test_a_box_keeps_its_place_until_it_is_removed(parent: Parent) -> None:
    bench = bench_of(parent)

    def main() -> None:
        bench.put_box(TextBox("a", 1, 1))
        bench.put_box(TextBox("default"))
        bench.put_box(TextBox("b", 2, 2))
        bench.put_box(TextBox("A", 1, 1))
        bench.remove_box(2, 2)
        bench.remove_box(9, 9)
        bench.put_box(TextBox("B", 2, 2))

    run(bench, main)

    assert [box.markup for box in parent.screens()[0].boxes] == ["A", "default", "B"]


def test_what_goes_beyond_the_limits_of_a_splash_is_told_of_and_not_shown(parent: Parent) -> None:
    bench = bench_of(parent)

    def main() -> None:
        bench.put_box(TextBox("far", POSITION_MAX + 1, 0))
        for n in range(BOXES_MAX + 10):
            bench.put_box(TextBox("x", n, 0))
        for n in range(TEXT_CHARACTERS_MAX // MARKUP_CHARACTERS_MAX + 1):
            bench.put_box(TextBox("y" * MARKUP_CHARACTERS_MAX, n, 0))
        bench.remove_box(0, 0)
        bench.put_box(TextBox("room again", 0, 0))
        bench.show_picture(bytes(BODY_BYTES_MAX + 1), "BMP")

    run(bench, main)
    (screen,) = parent.screens()

    assert len(screen.boxes) == BOXES_MAX
    assert screen.boxes[-1].markup == "room again"
    assert screen.background is None
    assert parent.findings() == [FindingKind.TOO_MUCH] * 4


def test_half_a_surrogate_pair_does_not_break_the_splash(parent: Parent) -> None:
    bench = bench_of(parent)
    run(bench, lambda: bench.put_box(TextBox("a\ud800")))

    assert parent.screens()[0].boxes == (TextBox("a?"),)


# -- the datastore -------------------------------------------------------------------------------


def test_answers_are_values_again(parent: Parent) -> None:
    bench = bench_of(parent)
    parent.will_answer(["a", "b"])
    parent.will_answer(True, "BMP", body=b"octets")
    parent.will_answer(False, None)
    parent.will_answer(17)

    assert bench.names(Kind.IMG) == ["a", "b"]
    assert bench.entry(Kind.IMG, "a") == Entry(Kind.IMG, "a", b"octets", PictureType.BMP)
    assert bench.entry(Kind.KV, "b") is None
    assert bench.entry(Kind.KV, "x" * 2000) is None
    assert bench.rom_checksum() == 17
    assert [frame.head for frame in parent.frames()] == [
        ["names", "img"],
        ["entry", "img", "a"],
        ["entry", "kv", "b"],
        ["checksum"],
    ]


def test_a_message_that_comes_before_an_answer_waits_for_an_idle_moment(parent: Parent) -> None:
    bench, got = bench_of(parent), list[bytes]()
    bench.on_message(got.append)
    parent.will_answer([], before=(b"one", b"two"))

    def main() -> None:
        bench.names(Kind.KV)
        assert got == []

    run(bench, main)

    assert got == [b"one", b"two"]


# -- messages ------------------------------------------------------------------------------------


def test_the_scenarios_messages_reach_whoever_listens_then(parent: Parent) -> None:
    early, late = VisionMessage(10, b"early"), VisionMessage(20, b"late")
    bench, got = bench_of(parent, early, late), list[tuple[bytes, int]]()
    bench.call_at(
        15, lambda: bench.on_message(lambda one: got.append((one, int(bench.clock.now_ms()))))
    )
    run(bench)

    assert got == [(b"late", 20)]


def test_in_real_time_a_message_comes_as_soon_as_the_application_is_idle(parent: Parent) -> None:
    bench, got = bench_of(parent), list[bytes]()
    bench.clock = RealClock(parent.link)

    def take(message: bytes) -> None:
        got.append(message)
        if message == b"":
            raise TimeIsUp
        parent.says(b"")

    bench.on_message(take)
    bench.call_at(3_600_000, lambda: None)
    parent.says(b"x" * 50_000)
    run(bench)

    assert got == [b"x" * 50_000, b""]


def test_in_real_time_a_timer_comes_not_before_its_moment(parent: Parent) -> None:
    bench = bench_of(parent)
    bench.clock = clock = RealClock(parent.link)

    def due() -> None:
        assert clock.now_ms() >= 20
        raise TimeIsUp

    bench.call_at(20, due)
    run(bench, lambda: bench.sleep_ms(1))

    assert clock.now_ms() >= 20


# -- what is told of it --------------------------------------------------------------------------


def test_calls_are_told_in_one_printable_line_each_up_to_their_limit(parent: Parent) -> None:
    bench = bench_of(parent)

    def main() -> None:
        bench.called("dock.DockInfo", "two\nlines\x1b" + "x" * DETAIL_CHARACTERS_MAX)
        for _ in range(CALLS_MAX + 10):
            bench.called("x")

    run(bench, main)
    heard = parent.heard()
    calls = [one for one in heard if isinstance(one, Call)]

    assert calls[0].detail.startswith("two lines xxx")
    assert len(calls) == CALLS_MAX
    assert parent.findings() == [FindingKind.TOO_MUCH]


def test_a_dock_that_lives_tells_of_no_call(parent: Parent) -> None:
    bench = bench_of(parent, tells=False)
    run(bench, lambda: bench.called("x"))

    assert parent.heard() == [Over(RUN_MS)]


def test_a_finding_is_told_once_and_their_number_has_an_end(parent: Parent) -> None:
    bench = bench_of(parent)

    def main() -> None:
        for n in range(FINDINGS_MAX + 10):
            bench.found(FindingKind.MARKUP, "again")
            bench.found(FindingKind.MARKUP, str(n))

    run(bench, main)

    assert len(parent.findings()) == FINDINGS_MAX

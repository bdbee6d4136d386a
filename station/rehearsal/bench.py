"""The dock an application believes it runs on: the port `machine.Machine` inside the child.

Keeps the order in which things are done, what is to be drawn at the next idle moment, and the
limits on what is said of it: an application that goes beyond them is told of, not ended.
Source: dock-sdk.md, 2.2, 2.3 and 2.8.
"""

from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import Final, NoReturn

from station.domain.entries import NAME_MAX_BYTES, Entry, Kind, PictureType
from station.domain.profile import UnknownImage
from station.domain.rehearsal import FindingKind
from station.domain.scenario import Scenario
from station.domain.splash import BOXES_MAX, TextBox
from station.rehearsal.channel import BODY_BYTES_MAX
from station.rehearsal.clocks import READING_MS, TASK_MS, Clock
from station.rehearsal.link import Link
from station.rehearsal.statements import (
    CALLS_MAX,
    DETAIL_CHARACTERS_MAX,
    FINDINGS_MAX,
    MOMENT_MAX_MS,
    NAME_CHARACTERS_MAX,
    POSITION_MAX,
    TEXT_CHARACTERS_MAX,
    TRACE_CHARACTERS_MAX,
    Word,
)

BUSY_MS: Final = 10_000
"""An application that has not been idle for so long at the end of its rehearsal is told of."""

Task = Callable[[], object]


class Scheduled:
    """A task in the queue. Implements `machine.Scheduled`."""

    __slots__ = ("task",)

    def __init__(self, task: Task) -> None:
        self.task: Task | None = task

    def cancel(self) -> None:
        """See `machine.Scheduled`."""
        self.task = None


class Bench:
    """Implements `machine.Machine`.

    clock: set before the application is run. tells: whether calls are told of.
    """

    clock: Clock

    def __init__(
        self, link: Link, scenario: Scenario, unknown_image: UnknownImage, *, tells: bool
    ) -> None:
        self._link = link
        self._scenario = scenario
        self._unknown_image = unknown_image
        self._tells = tells
        self._queue: list[tuple[float, int, Scheduled]] = []
        self._number = count()
        self._busy_since_ms = 0.0
        self._boxes: dict[tuple[int | None, int | None], TextBox] = {}
        self._text_characters = 0
        self._background: list[str] | None = None
        self._picture = b""
        self._drawn = True
        self._calls = 0
        self._findings: set[tuple[FindingKind, str]] = set()
        self._on_message: Callable[[bytes], object] | None = None
        for message in scenario.messages:
            self._later(message.at_ms, partial(self._deliver, message.message))

    @property
    def scenario(self) -> Scenario:
        """See `Machine`."""
        return self._scenario

    @property
    def unknown_image(self) -> UnknownImage:
        """See `Machine`."""
        return self._unknown_image

    # -- what is done when ---------------------------------------------------------------------

    def live(self, main: Task) -> NoReturn:
        """Do `main`, then whatever is due, for ever. Raises whatever any of it raises."""
        main()
        while True:
            self._draw()
            while self._link.messages:  # some may have come before the answer to a question
                arrived = partial(self._deliver, self._link.messages.popleft())
                self._later(self.clock.now_ms(), arrived)
            self._busy_since_ms = inf
            self.clock.wait(self._queue[0][0] if self._queue else inf)
            if self._queue and self._queue[0][0] <= self.clock.now_ms():
                _, _, scheduled = heappop(self._queue)
                self._do(scheduled)

    def over(self) -> None:
        """Say that the scenario's time is up."""
        now_ms = self.clock.now_ms()
        if now_ms - self._busy_since_ms > BUSY_MS:
            busy_s = round((now_ms - self._busy_since_ms) / 1000)
            self.found(
                FindingKind.ENDLESS,
                f"it had not been idle for {busy_s} s at the end: a dock draws, and answers its"
                " timers, only when it is",
            )
        self._link.say(Word.OVER, self._at_ms())

    def raised(self, trace: str) -> None:
        """Say that the application raised what nobody caught."""
        self._link.say(Word.RAISED, trace[-TRACE_CHARACTERS_MAX:] or "?", self._at_ms())

    def now_ms(self) -> float:
        """See `Machine`."""
        self.clock.spend(READING_MS)
        return self.clock.now_ms()

    def sleep_ms(self, duration_ms: float) -> None:
        """See `Machine`."""
        self.clock.sleep(duration_ms)

    def call_at(self, at_ms: float, task: Task) -> Scheduled:
        """See `Machine`. What is due together is done in the order it was asked for."""
        return self._later(at_ms, task)

    def on_message(self, callback: Callable[[bytes], object] | None) -> None:
        """See `Machine`."""
        self._on_message = callback

    def _later(self, at_ms: float, task: Task) -> Scheduled:
        scheduled = Scheduled(task)
        heappush(self._queue, (at_ms, next(self._number), scheduled))
        return scheduled

    def _do(self, scheduled: Scheduled) -> None:
        task, scheduled.task = scheduled.task, None
        if task is not None:
            self._busy_since_ms = self.clock.now_ms()
            task()
            self.clock.spend(TASK_MS)

    def _deliver(self, message: bytes) -> None:
        if self._on_message is not None:
            self._on_message(message)

    # -- the datastore -------------------------------------------------------------------------

    def names(self, kind: Kind) -> list[str]:
        """See `Machine`."""
        names: list[str] = self._link.ask(Word.NAMES, kind).head[1]
        return names

    def entry(self, kind: Kind, name: str) -> Entry | None:
        """See `Machine`."""
        if len(name) > NAME_MAX_BYTES:
            return None
        answer = self._link.ask(Word.ENTRY, kind, name)
        _, there, picture = answer.head
        if not there:
            return None
        return Entry(kind, name, answer.body, None if picture is None else PictureType(picture))

    def rom_checksum(self) -> int:
        """See `Machine`."""
        checksum: int = self._link.ask(Word.CHECKSUM).head[1]
        return checksum

    # -- the screen ----------------------------------------------------------------------------

    def show_image(self, tag: str) -> None:
        """See `Machine`."""
        self._background, self._picture, self._drawn = ["image", tag], b"", False

    def show_picture(self, content: bytes, picture: str) -> None:
        """See `Machine`."""
        if len(content) > BODY_BYTES_MAX:
            self.found(FindingKind.TOO_MUCH, f"a background of {len(content):,} bytes")
            return
        self._background, self._picture, self._drawn = ["picture", picture], content, False

    def put_box(self, box: TextBox) -> None:
        """See `Machine`."""
        place = box.x, box.y
        before = self._boxes.get(place)
        if before == box:
            return
        characters = len(box.markup) - (len(before.markup) if before else 0)
        if any(abs(pixels or 0) > POSITION_MAX for pixels in place):
            self.found(FindingKind.TOO_MUCH, f"a text box far beyond the screen, at {place}")
        elif before is None and len(self._boxes) >= BOXES_MAX:
            self.found(FindingKind.TOO_MUCH, f"more than {BOXES_MAX} text boxes")
        elif self._text_characters + characters > TEXT_CHARACTERS_MAX:
            self.found(
                FindingKind.TOO_MUCH, f"more than {TEXT_CHARACTERS_MAX:,} characters on the splash"
            )
        else:
            self._boxes[place] = box
            self._text_characters += characters
            self._drawn = False

    def remove_box(self, x: int, y: int) -> None:
        """See `Machine`."""
        if (box := self._boxes.pop((x, y), None)) is not None:
            self._text_characters -= len(box.markup)
            self._drawn = False

    def _draw(self) -> None:
        """Nothing is drawn until the application goes idle (2.2)."""
        if self._drawn:
            return
        boxes = [[box.markup, box.x, box.y, box.alignment] for box in self._boxes.values()]
        self._link.say(Word.SCREEN, boxes, self._background, body=self._picture)
        self._background, self._picture, self._drawn = None, b"", True

    # -- what is told of it --------------------------------------------------------------------

    def called(self, name: str, detail: str = "") -> None:
        """See `Machine`."""
        if not self._tells:
            return
        self._calls += 1
        if self._calls > CALLS_MAX:
            self.found(FindingKind.TOO_MUCH, f"only the first {CALLS_MAX:,} calls are told")
            return
        self._link.say(
            Word.CALL,
            self._at_ms(),
            _line(name, NAME_CHARACTERS_MAX),
            _line(detail, DETAIL_CHARACTERS_MAX),
        )

    def found(self, kind: FindingKind, detail: str) -> None:
        """See `Machine`."""
        finding = kind, _line(detail, DETAIL_CHARACTERS_MAX)
        if finding not in self._findings and len(self._findings) < FINDINGS_MAX:
            self._findings.add(finding)
            self._link.say(Word.FOUND, *finding)

    def _at_ms(self) -> int:
        return min(int(self.clock.now_ms()), MOMENT_MAX_MS)


def _line(text: str, longest: int) -> str:
    """One printable line."""
    return "".join(one if one.isprintable() else " " for one in text[:longest])

"""A dock in this process: `rehearsal.machine.Machine` with a clock that a test moves."""

from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from itertools import count
from zlib import crc32

from station.domain.entries import APPLICATION_NAME, Entry, Kind
from station.domain.identity import DockId
from station.domain.profile import UnknownImage
from station.domain.rehearsal import Finding, FindingKind
from station.domain.scenario import Scenario
from station.domain.splash import TextBox

DOCK: DockId = DockId(bytes(range(32)))
EMPTY = Scenario("empty", dock_id=DOCK)

Task = Callable[[], object]


class FakeScheduled:
    """`rehearsal.machine.Scheduled`."""

    def __init__(self, task: Task) -> None:
        self.task: Task | None = task

    def cancel(self) -> None:
        """See `Scheduled`."""
        self.task = None


class FakeMachine:
    """`rehearsal.machine.Machine`. What an application did with it can be read off.

    Time passes only in `run` and in `sleep_ms`; the application is idle in `run` only.
    """

    def __init__(
        self,
        scenario: Scenario = EMPTY,
        entries: Iterable[Entry] = (),
        unknown_image: UnknownImage = UnknownImage.RAISE,
    ) -> None:
        self._scenario = scenario
        self._unknown_image = unknown_image
        self._entries = {entry.key: entry for entry in entries}
        self._now_ms = 0.0
        self._queue: list[tuple[float, int, FakeScheduled]] = []
        self._number = count()
        self._on_message: Callable[[bytes], object] | None = None
        self.boxes: dict[tuple[int | None, int | None], TextBox] = {}
        self.background: str | tuple[bytes, str] | None = None
        self.calls: list[tuple[str, str]] = []
        self.findings: list[Finding] = []
        self.fetched: list[tuple[Kind, str]] = []

    # -- what a test does ----------------------------------------------------------------------

    def run(self, until_ms: float) -> None:
        """Do what is due up to this moment, in its order."""
        while self._queue and self._queue[0][0] <= until_ms:
            at_ms, _, scheduled = heappop(self._queue)
            self._now_ms = max(self._now_ms, at_ms)
            task, scheduled.task = scheduled.task, None
            if task is not None:
                task()
        self._now_ms = max(self._now_ms, until_ms)

    def deliver(self, message: bytes) -> None:
        """Give the `vision_client` callback a message."""
        if self._on_message is not None:
            self._on_message(message)

    def texts(self) -> list[str]:
        """Of the boxes, in the order they were added."""
        return [box.markup for box in self.boxes.values()]

    def kinds(self) -> list[FindingKind]:
        """Of the findings."""
        return [finding.kind for finding in self.findings]

    # -- what an application's modules do ------------------------------------------------------

    @property
    def scenario(self) -> Scenario:
        """See `Machine`."""
        return self._scenario

    @property
    def unknown_image(self) -> UnknownImage:
        """See `Machine`."""
        return self._unknown_image

    def now_ms(self) -> float:
        """See `Machine`."""
        return self._now_ms

    def sleep_ms(self, duration_ms: float) -> None:
        """See `Machine`."""
        self._now_ms += duration_ms

    def call_at(self, at_ms: float, task: Task) -> FakeScheduled:
        """See `Machine`."""
        scheduled = FakeScheduled(task)
        heappush(self._queue, (at_ms, next(self._number), scheduled))
        return scheduled

    def names(self, kind: Kind) -> list[str]:
        """See `Machine`."""
        return sorted(name for of, name in self._entries if of is kind)

    def entry(self, kind: Kind, name: str) -> Entry | None:
        """See `Machine`."""
        self.fetched.append((kind, name))
        return self._entries.get((kind, name))

    def rom_checksum(self) -> int:
        """See `Machine`."""
        code = self._entries.get((Kind.CODE, APPLICATION_NAME))
        return 0 if code is None else crc32(code.data)

    def show_image(self, tag: str) -> None:
        """See `Machine`."""
        self.background = tag

    def show_picture(self, content: bytes, picture: str) -> None:
        """See `Machine`."""
        self.background = (content, picture)

    def put_box(self, box: TextBox) -> None:
        """See `Machine`."""
        self.boxes[box.x, box.y] = box

    def remove_box(self, x: int, y: int) -> None:
        """See `Machine`."""
        self.boxes.pop((x, y), None)

    def called(self, name: str, detail: str = "") -> None:
        """See `Machine`."""
        self.calls.append((name, detail))

    def found(self, kind: FindingKind, detail: str) -> None:
        """See `Machine`."""
        finding = Finding(kind, detail)
        if finding not in self.findings:
            self.findings.append(finding)

    def on_message(self, callback: Callable[[bytes], object] | None) -> None:
        """See `Machine`."""
        self._on_message = callback

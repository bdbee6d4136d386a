"""Progress of a run on a terminal; silent where nobody looks."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

from station.application.ports import Progress, Watch
from station.application.snapshot import LineSnapshot, SlotPhase
from station.domain.verdict import Step

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

STEP_WORDS: Final = {
    Step.IDENTIFY: "1/5 Identify",
    Step.BUILD: "2/5 Build",
    Step.WRITE: "3/5 Write",
    Step.READ_BACK: "4/5 Read back",
    Step.RECORD: "5/5 Record",
}


@contextmanager
def run_progress(*, quiet: bool) -> Iterator[Watch]:
    """A bar over the five steps of a run."""
    if quiet or not sys.stderr.isatty():
        yield _ignore_progress
        return
    with _bar() as draw:
        yield lambda one: draw(STEP_WORDS[one.step], one.done_bytes, one.total_bytes)


@contextmanager
def bench_progress(*, quiet: bool) -> Iterator[Callable[[LineSnapshot], None]]:
    """A bar for each slot that has a dock."""
    if quiet or not sys.stderr.isatty():
        yield _ignore_bench
        return
    with _bars() as bars:
        tasks: dict[int, TaskID] = {}

        def draw(line: LineSnapshot) -> None:
            for slot in line.slots:
                if slot.phase in {SlotPhase.EMPTY, SlotPhase.OFF}:
                    continue
                if slot.number not in tasks:
                    tasks[slot.number] = bars.add_task("", total=1.0)
                words = STEP_WORDS[slot.step] if slot.step else slot.phase.value
                ended = slot.phase not in {SlotPhase.READY, SlotPhase.WORKING}
                bars.update(
                    tasks[slot.number],
                    description=f"{slot.number:>3} {slot.serial:<12} {words}",
                    completed=1.0 if ended else slot.fraction,
                )

        yield draw


@contextmanager
def bytes_progress(words: str, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """Counts bytes of which nobody knows yet how many there are."""
    if quiet or not sys.stderr.isatty():
        yield _ignore_bytes
        return
    with _bar() as draw:
        total = 0

        def done(more_bytes: int) -> None:
            nonlocal total
            total += more_bytes
            draw(f"{words} {total / 1_000_000:.1f} MB", 0, 0)

        draw(words, 0, 0)
        yield done


@contextmanager
def count_progress(words: str, total: int, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A bar over how many of `total` are done."""
    if quiet or not sys.stderr.isatty():
        yield _ignore_bytes
        return
    with _bar() as draw:
        yield lambda done: draw(words, done, total)


@contextmanager
def upload_progress(words: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar over (bytes so far, bytes in all); not there before the first of them, so that
    somebody may still be asked something."""
    if quiet or not sys.stderr.isatty():
        yield _ignore_upload
        return
    with ExitStack() as stack:
        draw: Callable[[str, int, int], None] | None = None

        def sent(done: int, total: int) -> None:
            nonlocal draw
            draw = draw or stack.enter_context(_bar())
            draw(f"{words} {done / 1_000_000:.1f} MB", done, total)

        yield sent


def _ignore_progress(_progress: Progress) -> None:
    """Nobody looks."""


def _ignore_bench(_line: LineSnapshot) -> None:
    """Nobody looks."""


def _ignore_bytes(_count: int) -> None:
    """Nobody looks."""


def _ignore_upload(_done: int, _total: int) -> None:
    """Nobody looks."""


@contextmanager
def _bar() -> Iterator[Callable[[str, int, int], None]]:
    with _bars() as bars:
        task = bars.add_task("", total=None)

        def draw(words: str, done_bytes: int, total_bytes: int) -> None:
            bars.update(task, description=words, completed=done_bytes, total=total_bytes or None)

        yield draw


@contextmanager
def _bars() -> Iterator["Bars"]:
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description:<14}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        yield bars

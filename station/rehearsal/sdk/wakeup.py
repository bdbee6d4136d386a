"""Module `wakeup`: tasks for later.

A dock may destroy a running timer that nothing of the application refers to, and then its task is
never done. Here it is done all the same, for whether and when a dock collects cannot be known, and
the timer is told of. So that this can be noticed, the schedule knows a timer by a weak reference
only; it holds the names of the application instead, which are what a dock's collector begins at.
A timer that is due at once, once, is not told of when it is dropped: no collector comes between.

Where the vendor is silent: a time below zero is ValueError; a repeating task keeps to its times,
and rounds that passed while the application was busy are not made up for.
Source: dock-sdk.md, 2.3.
"""

import gc
import weakref
from functools import partial
from typing import ClassVar, Final

from station.domain.rehearsal import FindingKind
from station.rehearsal.machine import Machine, Scheduled
from station.rehearsal.sdk import arguments
from station.rehearsal.sdk.frames import here, innermost
from station.rehearsal.sdk.names import Names, bound

COLLECTIONS_MAX: Final = 32
"""How often the collector is run to find timers that only their own task leads to, each time when
the application goes idle after it has made some. Whoever forgets his timers does so early."""


_AT_ONCE_MS: Final = 0.0
"""A moment that has passed."""


class Collector:
    """Runs the collector when the application is idle."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._left = COLLECTIONS_MAX
        self._asked = False

    def ask(self) -> None:
        """Once more, unless it has been asked already, or often enough."""
        if self._left and not self._asked:
            self._asked = True
            self._left -= 1
            self._machine.call_at(_AT_ONCE_MS, self._collect)

    def _collect(self) -> None:
        self._asked = False
        gc.collect()


class Timer:
    """`wakeup.Timer`: runs until it is cancelled, or has fired and does not repeat."""

    _machine: ClassVar[Machine]
    _collector: ClassVar[Collector]

    def __init__(self, task: object, time_ms: int, repeat_ms: int = 0) -> None:
        """Do `task` in `time_ms` milliseconds and then every `repeat_ms`; 0 for once.

        Raises TypeError and ValueError.
        """
        self._scheduled: Scheduled | None = None  # first: one that is refused is destroyed, too
        self._task = arguments.callback(task, "task")
        delay_ms = _duration(time_ms, "time_ms")
        self._repeat_ms = _duration(repeat_ms, "repeat_ms")
        self._waits = bool(delay_ms or self._repeat_ms)
        frame = innermost()
        self._names = None if frame is None else frame.f_globals
        self._made_at = here()
        again = f", then every {self._repeat_ms} ms" if self._repeat_ms else ""
        self._machine.called("wakeup.Timer", f"in {delay_ms} ms{again}")
        self._due_ms = self._machine.now_ms() + delay_ms
        self._forgotten = False
        self._schedule()
        self._collector.ask()

    def cancel(self) -> None:
        """Do the task no more; harmless when repeated."""
        self._machine.called("wakeup.Timer.cancel")
        if self._scheduled is not None:
            self._scheduled.cancel()
            self._scheduled = None

    def __del__(self) -> None:
        """Nothing refers to it any more: from now on the schedule does.

        The collector calls this in the middle of anything, the telling of another finding
        included; so it is told of when the application is idle, and no clock is read.
        """
        if self._scheduled is None:
            return
        self._scheduled.cancel()
        self._forgotten = True
        self._schedule()
        if self._waits:
            self._machine.call_at(_AT_ONCE_MS, self._tell)

    def _tell(self) -> None:
        self._machine.found(
            FindingKind.TIMER_UNREFERENCED,
            f"{self._made_at}: nothing refers to this timer, and a dock may destroy it",
        )

    def _schedule(self) -> None:
        task = self._fire if self._forgotten else partial(_fire, weakref.ref(self), self._names)
        self._scheduled = self._machine.call_at(self._due_ms, task)

    def _fire(self) -> None:
        if self._repeat_ms:
            self._due_ms = max(self._due_ms + self._repeat_ms, self._machine.now_ms())
            self._schedule()
        else:
            self._scheduled = None
        self._task()


def wakeup_names(machine: Machine) -> Names:
    """Of module `wakeup`."""
    timer = bound("Timer", Timer, _machine=machine, _collector=Collector(machine))

    def wakeup(task: object, time_ms: int, repeat_ms: int = 0) -> Timer:
        return timer(task, time_ms, repeat_ms)

    return {"Timer": timer, "wakeup": wakeup}


def _fire(timer: weakref.ref[Timer], _names: object) -> None:
    if (running := timer()) is not None:
        running._fire()


def _duration(value: int, name: str) -> int:
    if arguments.whole(value, name) < 0:
        raise ValueError(f"{name}: {value} is below zero")
    return value

"""The process of virtual docks: each a flash file, a serial port and a thread, until told to end.

Prints one JSON line when the ports are there; commands come on standard input (`commands.py`).
"""

import json
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import FrameType
from typing import Final, TextIO

from station.dock.bell import Bell
from station.dock.commands import CommandChannel
from station.dock.flash import PowerLost
from station.dock.host import ApplicationSupport
from station.dock.powered import PoweredDock, powered
from station.dock.settings import Settings
from station.dock.waiting import readable

POWER_LOST_STATUS: Final = 3
"""Exit status of a process in which a `PowerCut` ended a dock."""

Beside = Callable[[Sequence[PoweredDock]], AbstractContextManager[Mapping[str, object]]]
"""Something that is there for as long as the docks are; what it gives is announced with them."""

Window = Callable[[Sequence[PoweredDock], Callable[[], bool]], object]
"""Waits in place of the command channel, as long as it likes; given the docks, and what says
whether the process has been told to end."""


@contextmanager
def docks(
    settings: Sequence[Settings],
    support: ApplicationSupport | None,
    *,
    ended: Callable[[], None] = lambda: None,
) -> Iterator[tuple[PoweredDock, ...]]:
    """Virtual docks, each in a thread of its own, until the end of the block.

    support: None for docks that run no code. ended: told, from another thread, when a dock has
    ended. A dock whose power is cut ends alone. Raises OperatorError where one cannot start,
    and PowerLost where the power of one is cut before all have.
    """
    with ExitStack() as stack:
        yield tuple(stack.enter_context(powered(one, support, ended=ended)) for one in settings)


def run(
    settings: Sequence[Settings],
    support: ApplicationSupport | None = None,
    *,
    commands: int = 0,
    ends_with_commands: bool = False,
    out: TextIO | None = None,
    beside: Beside | None = None,
    window: Window | None = None,
) -> int:
    """Be virtual docks; the exit status: 0 when told to end, 3 when the power of one was cut.

    commands: descriptor of the command channel. ends_with_commands: whether its end is the end of
    the process, as for a program that owns its docks; else it means nothing. out: where the one
    line goes, standard output if None. window: see `Window`. Raises OperatorError where a dock
    cannot start.
    """
    out = sys.stdout if out is None else out
    channel = CommandChannel(commands, sys.stderr.write)
    try:
        with (
            Bell() as told,
            Bell() as news,
            _signals(told),
            docks(settings, support, ended=news.ring) as all_docks,
            ExitStack() as stack,
        ):
            more = stack.enter_context(beside(all_docks)) if beside else None
            out.write(json.dumps(_announcement(all_docks, more)) + "\n")
            out.flush()
            if window is not None:
                window(all_docks, lambda: bool(readable([told.fileno()], 0)))
            else:
                _attend(
                    all_docks, channel, ends_with_commands=ends_with_commands, told=told, news=news
                )
            lost = any(dock.power_lost for dock in all_docks)
    except PowerLost:
        lost = True
    return POWER_LOST_STATUS if lost else 0


def _announcement(
    all_docks: Sequence[PoweredDock], more: Mapping[str, object] | None
) -> Mapping[str, object]:
    """One dock by itself is announced as it always was."""
    each = [dock.settings.announcement for dock in all_docks]
    if more is None and len(each) == 1:
        return each[0]
    return {"docks": each, **(more or {})}


def _attend(
    all_docks: Sequence[PoweredDock],
    channel: CommandChannel,
    *,
    ends_with_commands: bool,
    told: Bell,
    news: Bell,
) -> None:
    """Until the process is told to end, or no dock is left."""
    watched: list[Bell | CommandChannel] = [told, news, channel]
    while any(dock.on for dock in all_docks):
        found = readable([each.fileno() for each in watched], None)
        if told.fileno() in found:
            return
        news.hush()
        if channel.fileno() in found and not channel.obey(all_docks):
            if ends_with_commands:
                return
            watched.remove(channel)


@contextmanager
def _signals(bell: Bell) -> Iterator[None]:
    """Ring it once the process is asked to end."""
    handled = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {number: signal.signal(number, _noticed) for number in handled}
    wakeup = signal.set_wakeup_fd(bell.writer)
    try:
        yield
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)


def _noticed(_number: int, _frame: FrameType | None) -> None:
    """The bell says the rest."""

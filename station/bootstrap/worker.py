"""Composition root of a worker: a line whose front end is another program.

Commands come in on standard input, events go out on standard output, one JSON object a line. One
thread does all of it; the lanes only leave word that something has changed. It ends in order when
it is told to, when its input ends, and when nobody reads what it says.
Source: docs/spec/worker.md.
"""

import json
import os
import select
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Event as Flag
from typing import Final

from station.adapters.files import strict_json
from station.application.cancel import Cancel
from station.application.line import Line
from station.application.worker_commands import WITH_SLOT, Command, Do, Lines
from station.application.worker_events import VERSION, Event, Reporter
from station.bootstrap.keys import Ask
from station.bootstrap.station import Station
from station.domain.errors import BadCommand, DocumentRefused, StationError
from station.domain.slot_map import SlotPlace

PACE_S: Final = 0.1
"""Least time between two looks at the line: ten events a second from each slot at most."""

ALIVE_S: Final = 0.5
"""Longest silence of a worker that is well."""

INPUT: Final = 0
OUTPUT: Final = 1
READ_BYTES: Final = 65_536


class ListenerGone(Exception):
    """Nobody reads what the worker says."""


def serve(
    station: Station, places: Sequence[SlotPlace], *, order: str, ask: Ask, cancel: Cancel
) -> None:
    """Be a worker until the end. cancel: asks for it.

    Raises what keeps a line from opening, once the listener has been told.
    """
    changed = Flag()
    with suppress(ListenerGone):
        try:
            with station.open_line(places, order=order, ask=ask, changed=changed.set) as line:
                talk = Talk(line, [one.number for one in places], station.clock.monotonic_s)
                talk.begin()
                _until_the_end(talk, changed, cancel)
        except StationError as error:
            say({"event": "refused", **_why(error)})
            raise
        talk.end()


class Talk:
    """Hears commands and tells what becomes of the line."""

    def __init__(self, line: Line, slots: Sequence[int], now: Callable[[], float]) -> None:
        self._line = line
        self._slots = slots
        self._now = now
        self._lines = Lines()
        self._reporter = Reporter()
        self._look_s = 0.0
        self._said_s = 0.0
        self.quit = False

    def begin(self) -> None:
        """Say who speaks, and everything there is."""
        self._say(
            {"event": "ready", "version": VERSION, "pid": os.getpid(), "slots": list(self._slots)}
        )
        self._report()

    def wait_s(self) -> float:
        """How long nothing needs to be done unless a command comes."""
        return max(0.0, self._look_s - self._now())

    def look(self, changed: Flag) -> None:
        """Tell what is new, if it is time to; that nothing is, if that was long ago."""
        now_s = self._now()
        if now_s < self._look_s:
            return
        self._look_s = now_s + PACE_S
        self._line.tick()
        if changed.is_set():
            changed.clear()  # before the look: what changes during it is seen the next time
            self._report()
        if now_s - self._said_s >= ALIVE_S:
            self._say({"event": "alive"})

    def hear(self, data: bytes) -> None:
        """What has come in; empty at the end of the input."""
        for number, line in self._lines.feed(data):
            if line is None or line.strip():
                self._obey(number, line)
        if not data:
            self.quit = True

    def end(self) -> None:
        """Say how everything ended; the line is closed."""
        self._report()
        self._say({"event": "ended"})

    def _obey(self, number: int, line: bytes | None) -> None:
        try:
            self._do(_command(line))
        except BadCommand as error:
            self._say({"event": "refusal", "line": number, **_why(error)})

    def _do(self, command: Command) -> None:
        line = self._line
        if command.do in WITH_SLOT and command.slot not in self._slots:
            raise BadCommand(f"there is no slot {command.slot}")
        match command.do:
            case Do.SCAN:
                line.scan(command.text)
            case Do.ORDER:
                line.scan(f"WO:{command.text}")
            case Do.PROVISION:
                line.press_provision()
            case Do.CHOOSE_SLOT:
                line.choose_slot(command.slot)
            case Do.START:
                line.start_labelled(command.slot)
            case Do.CANCEL:
                line.cancel(command.slot)
            case Do.PAUSE:
                line.toggle_pause()
            case Do.UNDO:
                line.undo()
            case Do.SNAPSHOT:
                self._reporter = Reporter()
                self._report()
            case Do.QUIT:
                self.quit = True

    def _report(self) -> None:
        for event in self._reporter.news(self._line.snapshot()):
            self._say(event)

    def _say(self, event: Event) -> None:
        self._said_s = self._now()
        say(event)


def say(event: Event) -> None:
    """One event, whole, on standard output. Raises ListenerGone."""
    rest = memoryview(json.dumps(event, ensure_ascii=False).encode("utf-8") + b"\n")
    try:
        while rest:
            rest = rest[os.write(OUTPUT, rest) :]
    except BrokenPipeError as error:
        raise ListenerGone from error


def _until_the_end(talk: Talk, changed: Flag, cancel: Cancel) -> None:
    waiting = select.poll()
    waiting.register(INPUT, select.POLLIN)
    while not (talk.quit or cancel.asked):
        if waiting.poll(1000 * talk.wait_s()):
            talk.hear(os.read(INPUT, READ_BYTES))
        talk.look(changed)


def _command(line: bytes | None) -> Command:
    """Raises BadCommand for a line that is none."""
    if line is None:
        raise BadCommand("a line that is too long")
    try:
        return Command.read(strict_json.parse(line.decode("utf-8"), name="command").data)
    except UnicodeDecodeError as error:
        raise BadCommand("a line that is not UTF-8") from error
    except DocumentRefused as error:
        raise BadCommand(error.cause) from error


def _why(error: StationError) -> Event:
    return {"code": error.code, "cause": error.cause, "remedy": error.remedy}

"""The life of a virtual dock between power-up and its end: the only loop here that waits.

Carries bytes between port and firmware, plays the cable, and takes commands, one JSON object per
line:

    {"command": "unplug"}          the cable comes out
    {"command": "plug"}            and goes in again: a new port under the same path
    {"command": "factory-reset"}   back to the manufactured state, then a restart
    {"command": "quit"}            the end
"""

import json
import os
import select
import sys
import time
from dataclasses import dataclass
from enum import Enum
from math import inf
from typing import Final, assert_never

from station.dock.line import Line
from station.dock.serial_port import SerialPort
from station.dock.server import DockServer, PulledOut, Restart

RESET_DELAY_S: Final = 0.25
"""From the answer to a reset until the port goes: time to read it (as Zephyr's
CONFIG_MCUMGR_GRP_OS_RESET_MS)."""

AWAY_S: Final = 0.1
"""How long a restarted dock has no port, its start apart; real USB takes about a second."""

QUIET_S: Final = 0.25
"""After a silence of this length the next bytes may be another client's, in another framing: on a
busy machine one may come before it is seen that the last one has gone. Less than the least
patience of a client (0.3 s), so that its second try is understood."""

UNSENT_BYTES_MAX: Final = 65_536
"""Answers that may wait for a client that does not read; beyond it nothing more is taken in."""

COMMAND_BYTES_MAX: Final = 4_096


class Command(Enum):
    """What may be said on the command channel."""

    UNPLUG = "unplug"
    PLUG = "plug"
    FACTORY_RESET = "factory-reset"
    QUIT = "quit"


@dataclass(frozen=True, slots=True)
class Cable:
    """bytes_per_s: each way, None for as fast as it goes. latency_s: each way."""

    bytes_per_s: float | None = None
    latency_s: float = 0.0

    def line(self) -> Line:
        """One direction of it."""
        return Line(bytes_per_s=self.bytes_per_s, latency_s=self.latency_s)


class Life:
    """commands: descriptor of the command channel, None for none.

    ends_with_commands: whether its end is the end of this process too; else it means nothing.
    ending: a descriptor that can be read once the process is asked to end.
    """

    def __init__(
        self,
        server: DockServer,
        port: SerialPort,
        cable: Cable,
        *,
        commands: int | None,
        ends_with_commands: bool,
        ending: int,
    ) -> None:
        self._server = server
        self._port = port
        self._in = cable.line()
        self._out = cable.line()
        self._commands = commands
        self._ends_with_commands = ends_with_commands
        self._command_text = b""
        self._ending = ending
        self._ended = False
        self._unsent = memoryview(b"")
        self._heard_at_s = -inf
        self._restart_at_s = inf
        self._plug_at_s = inf

    def live(self) -> None:
        """Until told to end. Raises PowerLost."""
        while not self._ended:
            now_s = time.monotonic()
            if now_s >= self._restart_at_s:
                self._restart()
            if now_s >= self._plug_at_s:
                self._plug()
            self._carry(now_s)
            self._wait(now_s)

    def _carry(self, now_s: float) -> None:
        """Arrived bytes to the firmware, its answers to the line, arrived answers to the client."""
        if arrived := self._in.get(now_s):
            if answers := self._server.receive(arrived):
                self._out.put(answers, now_s)
            self._heed(now_s)
        if answered := self._out.get(now_s):
            self._unsent = memoryview(bytes(self._unsent) + answered)
        if self._unsent and self._port.plugged:
            self._unsent = self._unsent[self._port.send(self._unsent) :]

    def _heed(self, now_s: float) -> None:
        """Do what the firmware, or its fault, wants done with the cable."""
        want, self._server.wants = self._server.wants, None
        match want:
            case None:
                pass
            case Restart():
                self._restart_at_s = min(self._restart_at_s, now_s + RESET_DELAY_S)
            case PulledOut(back_after_s):
                self._unplug()
                self._plug_at_s = inf if back_after_s is None else now_s + back_after_s
            case _:
                assert_never(want)

    def _wait(self, now_s: float) -> None:
        """Until something can be done; take in what came."""
        wake_at_s = min(
            self._restart_at_s, self._plug_at_s, self._in.next_at_s(), self._out.next_at_s()
        )
        reading = [self._ending]
        writing = []
        if self._commands is not None:
            reading.append(self._commands)
        if self._port.plugged:
            takes_at_s = self._in.takes_more_at_s()
            if self._unsent:
                writing.append(self._port.fileno())
            if takes_at_s > now_s:
                wake_at_s = min(wake_at_s, takes_at_s)
            elif len(self._unsent) < UNSENT_BYTES_MAX:
                reading.append(self._port.fileno())
        wait_s = None if wake_at_s == inf else max(0.0, wake_at_s - now_s)
        readable, _, _ = select.select(reading, writing, [], wait_s)
        if self._port.plugged and self._port.fileno() in readable:
            self._take_bytes()
        if self._commands in readable:
            self._take_commands()
        if self._ending in readable:
            self._ended = True

    def _take_bytes(self) -> None:
        data = self._port.receive()
        if data is None:
            self._forget_client()
        elif data:
            now_s = time.monotonic()
            if now_s - max(self._heard_at_s, self._in.takes_more_at_s()) > QUIET_S:
                self._server.client_left()
            self._heard_at_s = now_s
            self._in.put(data, now_s)

    # -- the cable -----------------------------------------------------------------------------

    def _restart(self) -> None:
        """The port goes and comes again by itself, unless the cable is out."""
        self._restart_at_s = inf
        comes_again = self._port.plugged
        if comes_again:
            self._unplug()
        self._server.restart()
        if comes_again:
            self._plug_at_s = time.monotonic() + AWAY_S

    def _plug(self) -> None:
        self._plug_at_s = inf
        if not self._port.plugged:
            self._port.plug()

    def _unplug(self) -> None:
        self._plug_at_s = inf
        self._port.unplug()
        self._forget_client()

    def _forget_client(self) -> None:
        self._server.client_left()
        self._in.drop()
        self._out.drop()
        self._unsent = memoryview(b"")

    # -- the command channel -------------------------------------------------------------------

    def _take_commands(self) -> None:
        assert self._commands is not None  # noqa: S101 (it was waited for)
        said = os.read(self._commands, COMMAND_BYTES_MAX)
        if not said:
            self._commands = None
            self._ended = self._ends_with_commands
            return
        *lines, rest = (self._command_text + said).split(b"\n")
        self._command_text = rest[:COMMAND_BYTES_MAX]
        for line in lines:
            self._obey(line)

    def _obey(self, line: bytes) -> None:
        try:
            match json.loads(line):
                case {"command": str(word)}:
                    command = Command(word)
                case _:
                    raise ValueError
        except (ValueError, RecursionError):
            sys.stderr.write(f"no command: {line[:80]!r}\n")
            return
        match command:
            case Command.UNPLUG:
                self._unplug()
            case Command.PLUG:
                self._plug()
            case Command.FACTORY_RESET:
                self._server.factory_reset()
                self._heed(time.monotonic())
            case Command.QUIT:
                self._ended = True
            case _:
                assert_never(command)

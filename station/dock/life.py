"""The life of a virtual dock between power-up and its end: the only loop here that waits.

Carries bytes between port and firmware, plays the cable, attends to the application, and does what
other threads ask for. One thread lives it; everything else of a dock happens in that thread.
"""

import select
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from typing import Final, TypeVar, assert_never

from station.dock.calls import Calls, DockOff
from station.dock.line import Line
from station.dock.serial_port import SerialPort
from station.dock.server import DockServer, PulledOut, Restart

T = TypeVar("T")

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


@dataclass(frozen=True, slots=True)
class Cable:
    """bytes_per_s: each way, None for as fast as it goes. latency_s: each way."""

    bytes_per_s: float | None = None
    latency_s: float = 0.0

    def line(self) -> Line:
        """One direction of it."""
        return Line(bytes_per_s=self.bytes_per_s, latency_s=self.latency_s)


class Life:
    """A dock that is plugged in. What other threads may call says so."""

    def __init__(self, server: DockServer, port: SerialPort, cable: Cable) -> None:
        self._server = server
        self._port = port
        self._in = cable.line()
        self._out = cable.line()
        self._calls = Calls()
        self._ended = False
        self._unsent = memoryview(b"")
        self._heard_at_s = -inf
        self._restart_at_s = inf
        self._plug_at_s = inf

    def live(self) -> None:
        """Until told to end; then nothing of the dock is left but its flash. Raises PowerLost."""
        try:
            while not self._ended:
                now_s = time.monotonic()
                if now_s >= self._restart_at_s:
                    self._restart()
                if now_s >= self._plug_at_s:
                    self._plug()
                self._carry(now_s)
                self._wait(now_s)
        finally:
            self._server.power_off()
            self._port.unplug()
            self._calls.close()

    # -- for other threads -----------------------------------------------------------------------

    def ask(self, work: Callable[[DockServer], T]) -> T:
        """What `work` gives, done between two turns of the loop; a restart it wants is over then.

        Raises what it raises, and DockOff.
        """
        return self._calls.ask(lambda: work(self._server))

    def unplug(self) -> None:
        """The cable comes out. Raises DockOff."""
        self._calls.ask(self._unplug)

    def plug(self) -> None:
        """And goes in again: a new port under the same path. Raises DockOff."""
        self._calls.ask(self._plug)

    def end(self) -> None:
        """Let `live` return."""
        with suppress(DockOff):
            self._calls.ask(self._end)

    # -- the loop --------------------------------------------------------------------------------

    def _carry(self, now_s: float) -> None:
        """Arrived bytes to the firmware, its answers to the line, arrived answers to the client."""
        if arrived := self._in.get(now_s):
            if answers := self._server.receive(arrived):
                self._out.put(answers, now_s)
            self._heed(now_s, RESET_DELAY_S)
        if answered := self._out.get(now_s):
            self._unsent = memoryview(bytes(self._unsent) + answered)
        if self._unsent and self._port.plugged:
            self._unsent = self._unsent[self._port.send(self._unsent) :]

    def _heed(self, now_s: float, delay_s: float) -> None:
        """Do what the firmware, or its fault, wants done with the cable.

        delay_s: what a client needs to read the answer to what made it want a restart.
        """
        want, self._server.wants = self._server.wants, None
        match want:
            case None:
                pass
            case Restart():
                self._restart_at_s = min(self._restart_at_s, now_s + delay_s)
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
        reading = [self._calls.fileno()]
        writing = []
        application = self._server.fileno()
        if application >= 0:
            reading.append(application)
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
        if application in readable:
            self._server.attend()
        if self._calls.fileno() in readable:
            self._take_calls()

    def _take_calls(self) -> None:
        while (call := self._calls.take()) is not None:
            with call:
                call.carry_out()
                self._heed(time.monotonic(), 0.0)
                if time.monotonic() >= self._restart_at_s:
                    self._restart()

    def _end(self) -> None:
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

    # -- the cable -------------------------------------------------------------------------------

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

"""The life of a virtual dock between power-up and its end: the only loop here that waits.

Carries bytes between port and firmware, plays the cable, attends to the application, and does what
other threads ask for. One thread lives it; everything else of a dock happens in that thread.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from random import Random
from typing import Final, TypeVar, assert_never

from station.dock.calls import Calls, DockOff
from station.dock.line import Line
from station.dock.noise import CableFault, NoisyLine, Way
from station.dock.serial_port import SerialPort
from station.dock.server import DockServer, PulledOut, Restart
from station.dock.waiting import readable

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

ATTENTIVE_S: Final = 0.05
"""How long a dock whose flash is at work may not notice that it is to end."""


@dataclass(frozen=True, slots=True)
class Cable:
    """bytes_per_s: each way, None for as fast as it goes. latency_s: each way. faults: how it is
    bad; seed: of what is random about them.
    """

    bytes_per_s: float | None = None
    latency_s: float = 0.0
    faults: tuple[CableFault, ...] = ()
    seed: int = 0

    def line(self, way: Way) -> Line | NoisyLine:
        """One direction of it."""
        line = Line(bytes_per_s=self.bytes_per_s, latency_s=self.latency_s)
        if not any(fault.way is way for fault in self.faults):
            return line
        # Faults are repeatable, not secret; each direction has its own, whatever the other does.
        chance = Random(f"{self.seed} {way.value}")  # noqa: S311
        return NoisyLine(line, way, self.faults, chance)


class Life:
    """A dock that is plugged in. What other threads may call says so."""

    def __init__(self, server: DockServer, port: SerialPort, cable: Cable) -> None:
        self._server = server
        self._port = port
        self._in = cable.line(Way.IN)
        self._out = cable.line(Way.OUT)
        self._noisy = [line for line in (self._in, self._out) if isinstance(line, NoisyLine)]
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
                for line in self._noisy:
                    self._heed_cable(line, now_s)
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
        self._ended = True
        with suppress(DockOff):
            self._calls.ask(lambda: None)  # wakes the loop

    # -- the loop --------------------------------------------------------------------------------

    def _carry(self, now_s: float) -> None:
        """Arrived bytes to the firmware, its answers to the line, arrived answers to the client."""
        if arrived := self._in.get(now_s):
            if answers := self._server.receive(arrived, now_s):
                self._out.put(answers, now_s)
            self._heed(now_s, RESET_DELAY_S)
            self._heard_at_s = time.monotonic()  # whoever is at work is deaf, not left alone
        if self._gives_unasked_at_s() <= now_s:
            self._out.put(self._server.unasked(now_s), now_s)
        self._deliver(now_s)

    def _deliver(self, now_s: float) -> None:
        if answered := self._out.get(now_s):
            self._unsent = memoryview(bytes(self._unsent) + answered)
        if self._unsent and self._port.plugged:
            self._unsent = self._unsent[self._port.send(self._unsent) :]

    def _gives_unasked_at_s(self) -> float:
        """When there is something nobody asked for, and room for it on the line."""
        at_s = self._server.unasked_at_s
        if at_s == inf or not self._port.plugged or len(self._unsent) >= UNSENT_BYTES_MAX:
            return inf
        return max(at_s, self._out.takes_more_at_s())

    def busy(self, for_s: float) -> None:
        """Be at work for that long, as a dock is whose flash is: what was answered before leaves,
        nothing is taken in. Less long if the dock is to end. For the dock's own thread.
        """
        until_s = time.monotonic() + for_s
        while not self._ended and (now_s := time.monotonic()) < until_s:
            if answers := self._server.answered(now_s):
                self._out.put(answers, now_s)
            self._deliver(now_s)
            wake_at_s = min(until_s, self._out.next_at_s(), now_s + ATTENTIVE_S)
            writing = [self._port.fileno()] if self._unsent and self._port.plugged else []
            readable((), max(0.0, wake_at_s - now_s), writing=writing)

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
            *(self._restart_at_s, self._plug_at_s, self._gives_unasked_at_s()),
            *(self._in.next_at_s(), self._out.next_at_s()),
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
        found = readable(reading, wait_s, writing=writing)
        if self._port.plugged and self._port.fileno() in found:
            self._take_bytes()
        if application in found:
            self._server.attend()
        if self._calls.fileno() in found:
            self._take_calls()

    def _take_calls(self) -> None:
        while (call := self._calls.take()) is not None:
            with call:
                call.carry_out()
                self._heed(time.monotonic(), 0.0)
                if time.monotonic() >= self._restart_at_s:
                    self._restart()

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

    def _heed_cable(self, line: NoisyLine, now_s: float) -> None:
        """Pull the cable out where a fault wants it so."""
        if (pulled := line.pulled) is not None:
            line.pulled = None
            self._unplug()
            self._plug_at_s = inf if pulled.back_after_s is None else now_s + pulled.back_after_s

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

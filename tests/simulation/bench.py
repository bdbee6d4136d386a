"""A whole bench on virtual time: the station's own serial code, docks in memory, and the cables.

Nothing waits and nothing runs beside anything else: one heap of events, one clock, one thread.
What stands in for pyserial is `Bench.open_port`; all above it is the station's, all behind it the
virtual dock's firmware. The same faults give the same run, to the last octet.
"""

import errno
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from hashlib import sha256
from heapq import heappop, heappush
from math import inf
from typing import Final, assert_never

import serial

from station.dock.life import AWAY_S, RESET_DELAY_S
from station.dock.life import Cable as Wires
from station.dock.line import Line
from station.dock.noise import NoisyLine
from station.dock.noise import Way as Flow
from station.dock.server import DockServer, PulledOut, Restart
from tests.fakes.clock import START_AT

ROOM_BYTES: Final = 65_536
"""What a machine takes in of what nobody reads."""

AT_ONCE: Final = Wires()

Firmware = Callable[[], DockServer]
"""Powers a dock up: a server over its flash, which outlives it."""


class VirtualTime:
    """`application.ports.Clock`. Time passes while somebody waits, from event to event."""

    def __init__(self) -> None:
        self._now_s = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._made = 0

    def now_at(self) -> datetime:
        """See `Clock`."""
        return START_AT + timedelta(seconds=self._now_s)

    def monotonic_s(self) -> float:
        """See `Clock`."""
        return self._now_s

    def wait(self, seconds: float) -> None:
        """See `Clock`."""
        self.pass_until(self._now_s + seconds, lambda: False)

    def after(self, seconds: float, event: Callable[[], None]) -> None:
        """Let it happen then."""
        self._made += 1
        heappush(self._events, (self._now_s + seconds, self._made, event))

    def pass_until(self, until_s: float, enough: Callable[[], bool]) -> None:
        """Let happen what is due, in order, until then or until it is enough."""
        while self._events and self._events[0][0] <= until_s:
            at_s, _, event = heappop(self._events)
            self._now_s = max(self._now_s, at_s)
            event()
            if enough():
                return
        self._now_s = max(self._now_s, until_s)


class Way(Enum):
    """Of a byte on the cable."""

    TO_DOCK = "to-dock"
    FROM_DOCK = "from-dock"


@dataclass(frozen=True, slots=True)
class Incident:
    """What happens to a cable once, when `byte` bytes have been carried `way`."""

    way: Way
    byte: int
    happens: Callable[["Cable"], None] = field(repr=False)


def pulled_out(
    *, back_after_s: float | None = None, device: str = "", hungry: bool = False
) -> Callable[["Cable"], None]:
    """Somebody pulls the cable.

    back_after_s: None for nobody plugs it in again. device: under which name it comes back; empty
    for the same one. hungry: whether the dock lives off the cable and starts again.
    """

    def happens(cable: Cable) -> None:
        cable.come_out()
        if hungry:
            cable.lose_power()
        if back_after_s is not None:
            cable.time.after(back_after_s, lambda: cable.go_in(device))

    return happens


class Cable:
    """One dock on one place of the bench, from `plug` to the end of the test.

    wires: how fast, late and bad they are. incident: what happens once.

    carried: bytes that arrived at the other end, in all. restarts: how often its port went and
    came by the dock's own will. read_since: bytes from the dock since the last of them. heard:
    told every piece, those to the dock as the station writes it, whether it arrives or not. said:
    digest of all that the firmware answered, whether it arrived or not.
    """

    def __init__(
        self,
        time: VirtualTime,
        device: str,
        firmware: Firmware,
        *,
        incident: Incident | None = None,
        wires: Wires = AT_ONCE,
    ) -> None:
        self.device = device
        self.server = firmware()
        self.incident = incident
        self.carried = dict.fromkeys(Way, 0)
        self.restarts = 0
        self.read_since = 0
        self.said = sha256()
        self.plugged = True
        self.heard: Callable[[Way, bytes], None] = lambda way, data: None
        self.time = time
        self._firmware = firmware
        self._to_dock, self._from_dock = wires.line(Flow.IN), wires.line(Flow.OUT)
        self._arrived = bytearray()
        self._client: SimulatedPort | None = None
        self._wakes_at_s = inf
        self._power_ups = 0
        self._restarts_of = -1

    # -- the station's end ---------------------------------------------------------------------

    def opened_by(self, client: "SimulatedPort") -> None:
        """Another client holds the port."""
        self._client = client
        self._arrived.clear()

    def left_by(self, client: "SimulatedPort") -> None:
        """It is free again."""
        if self._client is client:
            self._client = None
            self._forget()

    @property
    def held(self) -> bool:
        """Whether a client has it open."""
        return self._client is not None

    def talks_to(self, client: "SimulatedPort") -> bool:
        """Whether the cable is in, and has been since that client opened the port."""
        return self.plugged and self._client is client

    def write(self, data: bytes) -> None:
        """The station writes."""
        self.heard(Way.TO_DOCK, data)
        self._to_dock.put(data, self.time.monotonic_s())
        self._carry()

    def read(self, size: int, until_s: float) -> bytes:
        """At most `size` bytes that have arrived; waits for the first."""
        if not self._arrived:
            self.time.pass_until(until_s, lambda: bool(self._arrived) or not self.plugged)
        data = bytes(self._arrived[:size])
        del self._arrived[:size]
        self._wake()
        return data

    @property
    def waiting(self) -> bool:
        """Whether something has arrived."""
        return bool(self._arrived)

    # -- what travels --------------------------------------------------------------------------

    def _carry(self) -> None:
        """Everything that has arrived by now, either way."""
        now_s = self.time.monotonic_s()
        while self.plugged and (data := self._to_dock.get(now_s)):
            for piece in self._around_incident(Way.TO_DOCK, data):
                self._say(self.server.receive(piece, now_s))
                self._heed()
            self._heed_noise(self._to_dock)
        if self._speaks_at_s() <= now_s:
            self._say(self.server.unasked(now_s))
        while self.plugged and (data := self._from_dock.get(now_s)):
            for piece in self._around_incident(Way.FROM_DOCK, data):
                self.heard(Way.FROM_DOCK, piece)
                self.read_since += len(piece)
                self._arrived += piece
            self._heed_noise(self._from_dock)
        self._wake()

    def _say(self, answers: bytes) -> None:
        self.said.update(answers)
        self._from_dock.put(answers, self.time.monotonic_s())

    def _speaks_at_s(self) -> float:
        """When a hostile dock says something unasked, and the machine has room for it."""
        if self.server.unasked_at_s == inf or len(self._arrived) >= ROOM_BYTES:
            return inf
        return max(self.server.unasked_at_s, self._from_dock.takes_more_at_s())

    def _around_incident(self, way: Way, data: bytes) -> Iterator[bytes]:
        """What of this is carried before it happens, and what still is after it."""
        incident, carried = self.incident, self.carried[way]
        if incident is None or incident.way is not way or carried + len(data) <= incident.byte:
            self.carried[way] += len(data)
            yield data
            return
        self.incident = None
        before = incident.byte - carried
        self.carried[way] += before
        yield data[:before]
        incident.happens(self)  # the rest of what is under way is lost

    def _wake(self) -> None:
        """Carry again when the next byte arrives."""
        next_at_s = min(self._to_dock.next_at_s(), self._from_dock.next_at_s(), self._speaks_at_s())
        if not self.plugged or next_at_s == inf or next_at_s >= self._wakes_at_s:
            return
        self._wakes_at_s = next_at_s
        self.time.after(next_at_s - self.time.monotonic_s(), self._woken)

    def _woken(self) -> None:
        self._wakes_at_s = inf
        self._carry()

    # -- the cable -----------------------------------------------------------------------------

    def come_out(self) -> None:
        """Somebody pulls it."""
        self.plugged = False
        self._client = None
        self._forget(keep_arrived=True)

    def exchange(self, firmware: Firmware) -> None:
        """Another dock is put behind an adapter of which the machine sees nothing."""
        self._to_dock.drop()
        self._from_dock.drop()
        self.server, self._firmware = firmware(), firmware
        self._power_ups += 1

    def go_in(self, device: str = "") -> None:
        """Somebody plugs it in, and the machine gives it a name."""
        self.device = device or self.device
        self.plugged = True

    def lose_power(self) -> None:
        """And have it again: what only memory held is gone."""
        self.server.power_off()
        self.server = self._firmware()
        self._power_ups += 1

    def _forget(self, *, keep_arrived: bool = False) -> None:
        """What was under way is lost; what the machine has taken off the line, it has."""
        self.server.client_left()
        self._to_dock.drop()
        self._from_dock.drop()
        if not keep_arrived:
            self._arrived.clear()

    def _heed(self) -> None:
        """What the firmware wants done with the cable."""
        want, self.server.wants = self.server.wants, None
        match want:
            case None:
                return
            case Restart():
                if self._restarts_of != self._power_ups:  # else it is about to
                    self._restarts_of = asked = self._power_ups
                    self.time.after(RESET_DELAY_S, lambda: self._restart(asked))
            case PulledOut(back_after_s):
                pulled_out(back_after_s=back_after_s)(self)
            case _:
                assert_never(want)

    def _heed_noise(self, line: Line | NoisyLine) -> None:
        if isinstance(line, NoisyLine) and line.pulled is not None:
            back_after_s, line.pulled = line.pulled.back_after_s, None
            pulled_out(back_after_s=back_after_s)(self)

    def _restart(self, asked: int) -> None:
        if asked != self._power_ups:  # it has started again meanwhile, for want of power
            return
        self._restarts_of = -1
        comes_again = self.plugged
        if comes_again:
            self.come_out()
        self.server.restart()
        self.restarts += 1
        self.read_since = 0
        if comes_again:
            self.time.after(AWAY_S, self.go_in)


class SimulatedPort:
    """What `serial.Serial` is to the station, as far as it uses it."""

    def __init__(self, cable: Cable, time: VirtualTime, *, timeout_s: float) -> None:
        self._cable = cable
        self.time = time
        self.timeout_s = timeout_s
        cable.opened_by(self)

    def read(self, size: int) -> bytes:
        """Raises SerialException once the device is gone and all that arrived was read."""
        if not self._cable.waiting:
            self._demand()
        return self._cable.read(size, self.time.monotonic_s() + self.timeout_s)

    def write(self, data: bytes) -> int:
        """Raises SerialException when the device goes meanwhile."""
        self._demand()
        self._cable.write(bytes(data))
        return len(data)

    def close(self) -> None:
        """Let it go; harmless once it is."""
        self._cable.left_by(self)

    def _demand(self) -> None:
        if not self._cable.talks_to(self):
            raise serial.SerialException("the simulated device is gone")


class Bench:
    """Places by the path a station knows them by; what is plugged in there, by device.

    A path stays, as a link of udev does; the device behind it is whatever was plugged in last.
    """

    def __init__(self, time: VirtualTime) -> None:
        self.time = time
        self._places: dict[str, Cable] = {}

    def plug(self, path: str, cable: Cable) -> Cable:
        """Whatever was there before is not there any more."""
        before = self._places.get(path)
        if before is not None and before is not cable:
            before.come_out()
        self._places[path] = cable
        return cable

    def open_port(
        self, path: str, _baud: int, *, timeout: float, **_options: object
    ) -> SimulatedPort:
        """In place of `Terminal`. Raises OSError as the system does."""
        for place, cable in self._places.items():
            if cable.plugged and path in (place, cable.device):
                if cable.held:
                    raise OSError(errno.EBUSY, "held by another client")
                return SimulatedPort(cable, self.time, timeout_s=timeout)
        raise OSError(errno.ENOENT, "no such port")

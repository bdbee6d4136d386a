"""What stands behind a port in these tests: a peer made of words, or the firmware in memory."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import serial

from station.adapters.serial_link.conversation import Conversation
from station.adapters.serial_link.dock import SerialDock
from station.adapters.serial_link.port import POLL_S
from station.domain.profile import Link
from station.protocol import datastore_group as ds
from station.protocol import os_group
from station.protocol.errors import DockRefused
from station.protocol.server import ServerPort
from station.protocol.shape import Shape
from tests.fakes.chance import SeededChance
from tests.fakes.clock import FakeClock
from tests.fakes.serial_link import Board
from tests.unit.dock.images import AUTHORITY, DOCK_ID, LABEL, make_profile

PORT: Final = "/dev/ttyACM0"
LINK: Final = Link()

Receive = Callable[[bytes], bytes]
Answer = Callable[[Any], Shape]


class Wire:
    """What pyserial is to the adapter: an open port with a peer behind it.

    A read that finds nothing lets the clock pass. raises: method name to what it raises. leaves:
    the port is gone once everything that arrived was read.
    """

    def __init__(self, receive: Receive, clock: FakeClock) -> None:
        self._receive = receive
        self._clock = clock
        self._arrived = b""
        self.sent: list[bytes] = []
        self.closed = False
        self.raises: dict[str, Exception] = {}
        self.leaves = False

    def _do(self, name: str) -> None:
        if name in self.raises:
            raise self.raises[name]

    @property
    def in_waiting(self) -> int:
        self._do("in_waiting")
        return len(self._arrived)

    def read(self, size: int) -> bytes:
        self._do("read")
        data, self._arrived = self._arrived[:size], self._arrived[size:]
        if not data and self.leaves:
            raise serial.SerialException("device disconnected")
        if not data:
            self._clock.pass_s(POLL_S)
        return data

    def write(self, data: bytes) -> None:
        self._do("write")
        self.sent.append(data)
        self._arrived += self._receive(data)

    def close(self) -> None:
        self.closed = True


class Place:
    """A place of the bench: what opening its port gives, one after another, the last for ever."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.opens: list[Exception | Receive] = []
        self.wires: list[Wire] = []
        self.tries = 0

    def __call__(self, port: str, *_: object, **options: object) -> Wire:
        assert (port, options["exclusive"]) == (PORT, True)
        self.tries += 1
        found = self.opens.pop(0) if len(self.opens) > 1 else self.opens[0]
        if isinstance(found, Exception):
            raise found
        self.wires.append(Wire(found, self.clock))
        return self.wires[-1]


@contextmanager
def dock_at(place: Place, link: Link = LINK) -> Iterator[SerialDock]:
    talk = Conversation(PORT, link, clock=place.clock, chance=SeededChance(3))
    try:
        yield SerialDock(talk)
    finally:
        talk.close()


def board(*faults: Any) -> Board:
    return Board(*faults, dock_id=DOCK_ID, label=LABEL, profile=make_profile(), authority=AUTHORITY)


def answering(answer: Answer) -> Receive:
    """A peer that speaks the protocol and answers each request as it is told."""
    port = ServerPort([*os_group.REQUESTS, *ds.REQUESTS], buf_size=4_096, buf_count=8)

    def receive(data: bytes) -> bytes:
        for call in port.receive(data):
            try:
                port.answer(call, answer(call.request))
            except DockRefused as refused:
                port.refuse(call, refused.rc, group=refused.group)
        return port.to_send()

    return receive


def refusing(rc: int, group: int | None = ds.GROUP) -> Answer:
    def answer(request: object) -> Shape:
        raise DockRefused("no", group=group, rc=rc)

    return answer


def nothing(data: bytes) -> bytes:
    return b""

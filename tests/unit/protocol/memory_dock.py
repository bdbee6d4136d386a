"""A dock in memory behind a `ServerPort`, and a line to it that may lose, double, swap and flip.

No clock and no chance of its own: time is a number that `converse` moves on, faults come from a
seeded generator.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, TypeVar

from station.protocol import datastore_group as store
from station.protocol import os_group
from station.protocol.client import Answered, Connection, Pipeline
from station.protocol.server import ServerPort
from station.protocol.shape import Request, Shape

A = TypeVar("A", bound=Shape)


class MemoryDock:
    """Two slots as byte arrays; `calls` is what it was asked, in order."""

    def __init__(self, size: int, *, buf_size: int = 4096, buf_count: int = 8) -> None:
        self.port = ServerPort(
            [*os_group.REQUESTS, *store.REQUESTS], buf_size=buf_size, buf_count=buf_count
        )
        self.slots = {store.Slot.ACTIVE: bytearray(size), store.Slot.OTHER: bytearray(size)}
        self.calls: list[Request[Any]] = []

    def converse(self, data: bytes) -> bytes:
        """What it answers to bytes from the line."""
        for call in self.port.receive(data):
            self.calls.append(call.request)
            match call.request:
                case store.Write(offset, octets):
                    slot = self.slots[store.Slot.OTHER]
                    slot[offset : offset + len(octets)] = octets
                    self.port.answer(call, store.WriteAnswer(offset))
                case store.Read(name, offset, length):
                    octets = bytes(self.slots[name][offset : offset + length])
                    self.port.answer(call, store.ReadAnswer(offset, octets))
                case os_group.Echo(text):
                    self.port.answer(call, os_group.EchoAnswer(text))
                case store.Confirm():
                    self.port.refuse(call, store.DatastoreCode.OTHER_IMAGE, group=store.GROUP)
                case _:
                    self.port.refuse(call, 8)
        return self.port.to_send()


@dataclass
class Line:
    """Chances per frame, each direction.

    late_s: how much later a delayed frame comes at most. now_s: how far `converse` has come.
    """

    seed: int = 0
    drop: float = 0.0
    double: float = 0.0
    delay: float = 0.0
    flip: float = 0.0
    cut: float = 0.0
    latency_s: float = 0.001
    late_s: float = 0.05

    def __post_init__(self) -> None:
        self._random = Random(self.seed)
        self.now_s = 0.0

    def carry(self, data: bytes) -> Iterator[tuple[float, bytes]]:
        """Delays and bytes that arrive, one frame at a time."""
        frames = data.split(b"\0")
        for number, each in enumerate(frames):
            octets = each + (b"\0" if number < len(frames) - 1 else b"")
            if not octets or self._random.random() < self.drop:
                continue
            delay_s = self.latency_s
            if self._random.random() < self.delay:
                delay_s += self._random.random() * self.late_s
            if self._random.random() < self.flip:
                hurt = bytearray(octets)
                hurt[self._random.randrange(len(hurt))] ^= 1 << self._random.randrange(8)
                octets = bytes(hurt)
            if self._random.random() < self.cut:
                octets = octets[: self._random.randrange(len(octets))]
            yield delay_s, octets
            if self._random.random() < self.double:
                yield delay_s + self._random.random() * self.late_s, octets


def converse(
    talk: Pipeline[A],
    dock: MemoryDock,
    line: Line | None = None,
    *,
    now_s: float = 0.0,
    steps_max: int = 200_000,
) -> Iterator[Answered[A]]:
    """Run `talk` to its end over `line`; the loop an adapter runs, with time as a number."""
    line = line or Line()
    to_dock: list[tuple[float, int, bytes]] = []
    to_station: list[tuple[float, int, bytes]] = []
    order = 0
    for _ in range(steps_max):
        if talk.finished:
            return
        for delay_s, octets in line.carry(talk.to_send(now_s)):
            order += 1
            heapq.heappush(to_dock, (now_s + delay_s, order, octets))
        due_s = [queue[0][0] for queue in (to_dock, to_station) if queue]
        line.now_s = now_s = max(now_s, min([*due_s, talk.wake_at_s]))
        while to_dock and to_dock[0][0] <= now_s:
            answers = dock.converse(heapq.heappop(to_dock)[2])
            for delay_s, octets in line.carry(answers):
                order += 1
                heapq.heappush(to_station, (now_s + delay_s, order, octets))
        arrived = b""
        while to_station and to_station[0][0] <= now_s:
            arrived += heapq.heappop(to_station)[2]
        yield from talk.receive(arrived, now_s)
    raise AssertionError("the conversation does not end")


def connected(dock: MemoryDock) -> Connection:
    """A connection that knows the dock's limits."""
    connection = Connection(line_rate=1_000_000)
    (event,) = converse(Pipeline(connection, [os_group.Parameters()], deadline_s=10.0), dock)
    connection.learn(event.answer)
    return connection

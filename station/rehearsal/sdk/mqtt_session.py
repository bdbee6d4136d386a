"""A client's session with the broker of the bench: connected or not, and what waits meanwhile.

The session outlives the connection: what was published while there was none is sent, and what was
missed by a subscription of quality 1 or 2 is received, once there is one again.
Source: dock-sdk.md, 2.6; MQTT 3.1.1, 4.1 and 4.4.
"""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from station.rehearsal.machine import Machine, Scheduled
from station.rehearsal.sdk.arguments import Callback
from station.rehearsal.sdk.mqtt_broker import ANSWER_MS, Broker, matches

ACCEPTED: Final = 0
FAILED: Final = -1

_RETRY_S: Final = (1, 2, 4, 8, 16, 32)
_RETRY_AT_LAST_S: Final = 60


class Session:
    """on_connect, on_message, on_subscribe: the application's. Implements `Subscriber`."""

    def __init__(self, machine: Machine, broker: Broker) -> None:
        self._machine = machine
        self._broker = broker
        self.on_connect: Callback = _nothing
        self.on_message: Callback = _nothing
        self.on_subscribe: Callback = _nothing
        self._connected = False
        self._failures = 0
        self._next: Scheduled | None = None
        self._subscriptions: dict[str, int] = {}
        self._unsent: deque[tuple[str, bytes]] = deque()
        self._missed: deque[tuple[str, bytes]] = deque()

    @property
    def connected(self) -> bool:
        """Whether there is a connection now."""
        return self._connected

    def begin(self) -> None:
        """Connect, and stay connected; whatever there was is given up."""
        self._connected = False
        self._failures = 0
        self._schedule(ANSWER_MS, self._attempt)

    def publish(self, topic: str, message: bytes) -> None:
        """Send a message, at once or once there is a connection."""
        self._unsent.append((topic, message))
        self._send()

    def subscribe(self, message_id: int, wanted: Sequence[tuple[str, int]]) -> None:
        """Ask for these topics, each at its quality of service."""
        granted = partial(self._granted, message_id, tuple(wanted))
        self._machine.call_at(self._machine.now_ms() + ANSWER_MS, granted)

    def receive(self, topic: str, message: bytes) -> None:
        """See `Subscriber`."""
        qualities = [qos for wanted, qos in self._subscriptions.items() if matches(topic, wanted)]
        if not qualities:
            return
        if self._connected:
            self.on_message(topic, bytearray(message))
        elif max(qualities) > 0:
            self._missed.append((topic, message))

    def _granted(self, message_id: int, wanted: Sequence[tuple[str, int]]) -> None:
        self._subscriptions.update(wanted)
        self.on_subscribe(message_id, [qos for _, qos in wanted])

    def _attempt(self) -> None:
        if not self._broker.can_be_reached:
            self._fail()
            return
        self._failures = 0
        self._connected = True
        self._broker.remember(self)
        if (lost_at_ms := self._broker.lost_at_ms) is not None:
            self._next = self._machine.call_at(lost_at_ms, self._fail)
        self.on_connect(ACCEPTED, {})
        self._send()
        while self._connected and self._missed:
            topic, message = self._missed.popleft()
            self.on_message(topic, bytearray(message))

    def _fail(self) -> None:
        """There is no connection, or no longer: try again, later each time."""
        self._connected = False
        more = _RETRY_S[self._failures :]
        self._failures += 1
        self._schedule(1_000 * (more[0] if more else _RETRY_AT_LAST_S), self._attempt)
        self.on_connect(FAILED, {})

    def _send(self) -> None:
        while self._connected and self._unsent:
            self._broker.publish(*self._unsent.popleft())

    def _schedule(self, in_ms: int, task: Callable[[], None]) -> None:
        if self._next is not None:
            self._next.cancel()
        self._next = self._machine.call_at(self._machine.now_ms() + in_ms, task)


def _nothing(*_arguments: object) -> None:
    """What an application that has set no callback does."""

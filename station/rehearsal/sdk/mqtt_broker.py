"""The broker of the bench: gives the messages of the scenario to whoever subscribed to them.

There is one if the scenario has any message, and it can be reached while there is a network. It
keeps what a session that is not connected has missed (clean session is fixed at 0), and grants
every quality of service. What a client publishes reaches subscribers, too, as with any broker.
Source: dock-sdk.md, 2.6; MQTT 3.1.1, 4.7 (topics).
"""

from functools import partial
from typing import Final, Protocol

from station.rehearsal.machine import Machine
from station.rehearsal.sdk.network import network_now

ANSWER_MS: Final = 100
"""From any message to whatever comes of it."""


class Subscriber(Protocol):
    """What the broker knows of a client."""

    def receive(self, topic: str, message: bytes) -> None:
        """Take a message on any topic."""


class Broker:
    """One for all clients, whatever address they ask for."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._sessions: list[Subscriber] = []
        for one in machine.scenario.mqtt:
            machine.call_at(one.at_ms, partial(self._deliver, one.topic, one.message))

    @property
    def can_be_reached(self) -> bool:
        """Whether a client that tries now succeeds."""
        return bool(self._machine.scenario.mqtt) and bool(network_now(self._machine).ip)

    @property
    def lost_at_ms(self) -> float | None:
        """When a connection that there is now will be lost; None for never."""
        now_ms = self._machine.now_ms()
        losses = (one.at_ms for one in self._machine.scenario.network if not one.ip)
        return min((at_ms for at_ms in losses if at_ms > now_ms), default=None)

    def remember(self, session: Subscriber) -> None:
        """Give it every message from now on, connected or not."""
        if session not in self._sessions:
            self._sessions.append(session)

    def publish(self, topic: str, message: bytes) -> None:
        """Take a message from a client that is connected."""
        self._machine.call_at(
            self._machine.now_ms() + ANSWER_MS, partial(self._deliver, topic, message)
        )

    def _deliver(self, topic: str, message: bytes) -> None:
        for session in tuple(self._sessions):
            session.receive(topic, message)


def matches(topic: str, wanted: str) -> bool:
    """Whether a topic is one of those a subscription names, wildcards included."""
    if topic.startswith("$") and wanted[:1] in {"+", "#"}:
        return False
    levels = topic.split("/")
    for at, level in enumerate(wanted.split("/")):
        if level == "#":
            return True
        if at >= len(levels) or level not in {"+", levels[at]}:
            return False
    return len(levels) == wanted.count("/") + 1

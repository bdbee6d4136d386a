"""A conversation with whoever is behind a port: requests out, answers in, in time.

Owns the only loop that waits and reads a clock for the protocol, and every deadline: one for a
phase, reckoned from what it carries and what the dock has to do for it, and extended by nothing.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

from station.adapters.serial_link.port import POLL_S, SLOW_FACTOR, Port
from station.application.ports import Chance, Clock
from station.domain import profile
from station.domain.errors import LinkError, LinkLost, NoDock, StationError
from station.domain.profile import Link
from station.protocol.client import MESSAGE_BYTES_MAX, Answered, Connection, Pipeline, Tally
from station.protocol.errors import DockRefused
from station.protocol.framing import Framing
from station.protocol.os_group import Parameters
from station.protocol.shape import Request, Shape
from station.protocol.smp import ReturnCode

IDENTIFY_S: Final = 3.0
ASK_S: Final = 10.0
"""What a phase may take beside the time of the line and of the flash."""

FLASH_BYTES_PER_S: Final = 50_000
"""What a dock's flash does at least: 4 KiB of serial NOR take 45 ms to be erased and sixteen times
0.7 ms to be programmed, if typical; reading is faster."""

EXCHANGE_BYTES: Final = 2 * MESSAGE_BYTES_MAX
"""A question and its answer, beside whatever else a phase carries."""

MEET_AGAIN_S: Final = 0.5
"""How long one that answered wrongly is left alone: what floods its port costs time at each try."""

BACK_S: Final = 20.0
"""How long a restarted dock may take to be found again on its place of the bench."""

A = TypeVar("A", bound=Shape)

_FRAMINGS: Final = {
    profile.Framing.COBS: Framing.COBS,
    profile.Framing.CONSOLE: Framing.CONSOLE,
    profile.Framing.RAW: Framing.RAW,
}


class Conversation:
    """With one place of the bench, across the restarts of its dock.

    resolve: the device that `port` means at a moment; asked whenever it is opened.
    Raises NoDock, PortBusy where the port cannot be opened, and what `resolve` raises.
    """

    def __init__(
        self,
        port: str,
        link: Link,
        *,
        clock: Clock,
        chance: Chance,
        resolve: Callable[[str], str] = str,
    ) -> None:
        self.link = link
        self._name = port
        self._resolve = resolve
        self._clock = clock
        self._chance = chance
        self._tallies: list[Tally] = []
        self._port = self._opened()
        self._connection = self._connected()

    @property
    def line_bytes(self) -> int:
        """Bytes that went over the line so far, both ways."""
        return sum(one.sent_bytes + one.received_bytes for one in self._tallies)

    @property
    def sent_bytes(self) -> int:
        """Those of them that went to the dock."""
        return sum(one.sent_bytes for one in self._tallies)

    @property
    def tally(self) -> Tally:
        """What the connection has seen since it was opened, or the dock last restarted."""
        return self._connection.tally

    @property
    def damaged(self) -> int:
        """Frames since then that did not arrive whole, or held no message."""
        return self._connection.damaged + self._connection.tally.malformed

    @property
    def message_max(self) -> int:
        """Longest message to send or to ask for, header included."""
        return self._connection.message_max

    def close(self) -> None:
        """Let the port go."""
        self._port.close()

    # -- time ----------------------------------------------------------------------------------

    def until_s(
        self, patience_s: float = ASK_S, *, carried_bytes: int = 0, flash_bytes: int = 0
    ) -> float:
        """When a phase that begins now must be over.

        carried_bytes: that travel, either way. flash_bytes: that the dock reads, writes or erases.
        """
        line_s = SLOW_FACTOR * (carried_bytes + EXCHANGE_BYTES) / self.link.bytes_per_s
        return self._clock.monotonic_s() + patience_s + line_s + flash_bytes / FLASH_BYTES_PER_S

    # -- talking -------------------------------------------------------------------------------

    def learn_limits(self) -> None:
        """Ask how large and how many the server's buffers are, and obey that from now on."""
        try:
            parameters = self.ask(Parameters(), until_s=self.until_s(IDENTIFY_S))
        except DockRefused as refused:
            if refused.group is not None or refused.rc != ReturnCode.NOT_SUPPORTED:
                raise
            return  # a small server: little at a time, one by one
        self._connection.learn(parameters)

    def ask(self, request: Request[A], *, until_s: float) -> A:
        """The answer to one request."""
        return self.all([request], until_s=until_s)[0].answer

    def all(self, requests: Iterable[Request[A]], *, until_s: float) -> list[Answered[A]]:
        """The answers to all of them, in the order they came."""
        return list(self.series(requests, until_s=until_s))

    def series(self, requests: Iterable[Request[A]], *, until_s: float) -> Iterator[Answered[A]]:
        """The answers as they come; the only place that waits for a dock.

        Raises what `Pipeline` and `Port` raise.
        """
        now_s = self._clock.monotonic_s
        talk = Pipeline(self._connection, requests, deadline_s=until_s)
        while not talk.finished:
            if data := talk.to_send(now_s()):
                self._port.write(data, until_s)
            yield from talk.receive(self._port.read(talk.wake_at_s), now_s())

    # -- restarting ----------------------------------------------------------------------------

    def follow_restart(self, meet: Callable[[], object], *, back_s: float = BACK_S) -> None:
        """See the port go, and open what comes back on the same place, whatever its device is.

        meet: greets who is there. Raises LinkLost after `back_s`.
        """
        self._port.await_silence()
        self._port.close()
        give_up_s = self._clock.monotonic_s() + back_s
        while True:
            wait_s = POLL_S
            try:
                self._port = self._opened()
                self._connection = self._connected()
                wait_s = MEET_AGAIN_S
                meet()
            except LinkError as error:
                self._port.close()
                if self._clock.monotonic_s() >= give_up_s:
                    raise LinkLost(
                        f"the dock did not come back on {self._name} within {back_s:.0f} s"
                    ) from error
                self._clock.wait(wait_s)
            else:
                return

    def _opened(self) -> Port:
        """The port of this place. What took its device's name in that very moment is let go
        before a byte is sent to it."""
        device = self._resolve(self._name)
        port = Port(device, self.link, self._clock)
        try:
            if self._resolve(self._name) != device:
                raise NoDock(f"{self._name} is no longer {device}")
        except StationError:
            port.close()
            raise
        return port

    def _connected(self) -> Connection:
        """One that no late answer of an earlier one can be mistaken for."""
        connection = Connection(
            framing=_FRAMINGS[self.link.framing],
            line_rate=self.link.bytes_per_s,
            first_sequence=self._chance.octets(1)[0],
            message_max=self.link.frame_bytes,
        )
        self._tallies.append(connection.tally)
        return connection

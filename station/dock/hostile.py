"""A dock that means harm: what it sends without being asked, and for how long.

Sans-I/O: begins with a request, and then gives bytes whenever there is room for them.
"""

from dataclasses import dataclass
from math import inf
from random import Random
from typing import Final, assert_never

from station.dock.wrong_answers import Which
from station.protocol.framing import Framing, decoder, frame

DRIP_EVERY_S: Final = 0.1

CHUNK_BYTES: Final = 4_096
"""How much is given at once, at least: as much as an honest answer has."""


@dataclass(frozen=True, slots=True)
class Endless:
    """``endless``, ``endless@read``: from that request on, octets without an end of a frame, and
    no answer. since: None for the first request.
    """

    since: Which | None = None


@dataclass(frozen=True, slots=True)
class Drip:
    """``drip``, ``drip@commit+0.2s``: from that request on, one octet at a time, and no answer."""

    since: Which | None = None
    every_s: float = DRIP_EVERY_S


@dataclass(frozen=True, slots=True)
class Flood:
    """``flood``, ``flood@write``: the answer to that request again and again, under every sequence
    number, between all others.
    """

    since: Which | None = None


HostileFault = Endless | Drip | Flood


class Harm:
    """What one fault does, from the moment it was made on. due_at_s: when `due` has something.

    answer: frames of the answer it begins with.
    """

    def __init__(
        self, fault: HostileFault, answer: bytes, framing: Framing, *, chance: Random, now_s: float
    ) -> None:
        self._fault = fault
        self._chance = chance
        self._framing = framing
        self._messages = decoder(framing).feed(answer)
        self._sequence = 0
        self.due_at_s = now_s

    @property
    def answers(self) -> bool:
        """Whether requests are still answered."""
        return isinstance(self._fault, Flood)

    def due(self, now_s: float) -> bytes:
        """What it sends now."""
        match self._fault:
            case Endless():
                return self._chance.randbytes(CHUNK_BYTES).replace(b"\0", b"\1")
            case Drip(every_s=every_s):
                self.due_at_s = now_s + every_s
                return bytes((self._chance.randrange(1, 256),))
            case Flood():
                return self._flood()
            case _:
                assert_never(self._fault)

    def _flood(self) -> bytes:
        if not self._messages:  # it began with a request that has no answer
            self.due_at_s = inf
            return b""
        sent = bytearray()
        while len(sent) < CHUNK_BYTES:
            message = self._messages[-1]
            sent += frame(self._framing, message[:6] + bytes((self._sequence,)) + message[7:])
            self._sequence = (self._sequence + 1) % 256
        return bytes(sent)

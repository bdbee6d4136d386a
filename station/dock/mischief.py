"""All of a fault script that shows in what a dock answers: when it turns deaf, what becomes of each
answer, and what comes unasked.

Sans-I/O; the server asks at each request, and hands every answer over before it leaves.
"""

from collections.abc import Collection
from enum import Enum, auto
from math import inf
from random import Random
from typing import Any, Final

from station.dock.faults import Fault, Garbage, Mute, OtherDock
from station.dock.hostile import Drip, Endless, Flood, Harm
from station.dock.wrong_answers import LateAnswer, Seen, Which, WrongAnswer, WrongAnswers
from station.protocol.framing import Framing
from station.protocol.shape import Request

GARBAGE_BYTES_MAX: Final = 512

_FIRST: Final = Which(number=1)


class Turn(Enum):
    """What comes of a request."""

    AS_EVER = auto()
    UNHEARD = auto()
    """It, and everything after it."""

    OTHER_DOCK = auto()
    """Somebody swaps docks just now."""


class Mischief:
    """What these faults do, from power-up on. chance: decides what is random.

    deaf: whether nothing is heard any more.
    """

    def __init__(self, faults: Collection[Fault], chance: Random) -> None:
        self._chance = chance
        self._turns = [one for one in faults if isinstance(one, Mute | Garbage | OtherDock)]
        self._threats = [one for one in faults if isinstance(one, Endless | Drip | Flood)]
        self._wrong = WrongAnswers(
            (one for one in faults if isinstance(one, WrongAnswer | LateAnswer)), chance
        )
        self._harm: list[Harm] = []
        self._seen = Seen()
        self._sent: list[bytes] = []
        self._garbage = any(isinstance(one, Garbage) and one.since is None for one in faults)
        self.deaf = self._garbage or Mute() in self._turns

    def turn(self, request: Request[Any]) -> Turn:
        """What comes of this one; before it is carried out."""
        self._seen.take((request.GROUP, request.COMMAND, request.OP))
        for fault in self._turns:
            if not self._is_now(fault.at if isinstance(fault, OtherDock) else fault.since, request):
                continue
            self._turns.remove(fault)
            if isinstance(fault, OtherDock):
                return Turn.OTHER_DOCK
            self._garbage = isinstance(fault, Garbage)
            self.deaf = True
            return Turn.UNHEARD
        return Turn.AS_EVER

    def answered(
        self, request: Request[Any], frames: bytes, framing: Framing, now_s: float
    ) -> None:
        """It has been carried out, and this would be said."""
        for fault in tuple(self._threats):
            if self._is_now(fault.since or _FIRST, request):
                self._threats.remove(fault)
                harm = Harm(fault, frames, framing, chance=self._chance, now_s=now_s)
                self._harm.append(harm)
                if not harm.answers:
                    self.deaf = True
                    return
        self._sent.append(self._wrong.instead_of(frames, framing, now_s))

    def to_send(self, frames: bytes, framing: Framing | None, now_s: float) -> bytes:
        """What leaves now. frames: answers nobody carried out a request for, as refusals are."""
        if frames and framing is not None and not self.deaf:
            self._sent.append(self._wrong.instead_of(frames, framing, now_s))
        if self._garbage:
            self._sent.append(self._chance.randbytes(self._chance.randint(1, GARBAGE_BYTES_MAX)))
        sent = b"".join(self._sent)
        self._sent.clear()
        return sent

    def restarted(self) -> None:
        """What was late is lost; ill will is not."""
        self._wrong.forget()

    @property
    def due_at_s(self) -> float:
        """When `due` has something."""
        return min(self._wrong.due_at_s, *(each.due_at_s for each in self._harm), inf)

    def due(self, now_s: float) -> bytes:
        """What comes unasked: late answers, and ill will."""
        sent = [self._wrong.due(now_s)]
        sent += (each.due(now_s) for each in self._harm if each.due_at_s <= now_s)
        return b"".join(sent)

    def _is_now(self, which: Which | None, request: Request[Any]) -> bool:
        """None: at no request."""
        if which is None:
            return False
        once = Which(which.command, which.number or 1)
        return self._seen.is_now(once, (request.GROUP, request.COMMAND, request.OP))


def mischief_of(faults: Collection[Fault], chance: Random) -> Mischief | None:
    """What these do to answers; None where none of them does."""
    kinds = (*(Mute, Garbage, OtherDock, WrongAnswer, LateAnswer), *(Endless, Drip, Flood))
    return Mischief(faults, chance) if any(isinstance(one, kinds) for one in faults) else None

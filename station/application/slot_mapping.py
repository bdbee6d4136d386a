"""The slot wizard: learns where the slots are by having a dock plugged into each in turn.

Tells the person what it waits for, or why something is not taken; decides nothing about words.
Source: docs/spec/slots.md, "The wizard".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Protocol

from station.application.cancel import Cancel
from station.application.ports import Clock
from station.domain.errors import LinkError, NoDock
from station.domain.profile import UsbFilter
from station.domain.slot_map import USB, SlotPlace, UsbTty, topology_of

LOOK_S: Final = 0.2

SETTLE_S: Final = 0.5
"""The ports of one device come one after the other."""


class UsbPlaces(Protocol):
    """What is plugged into the machine, and when that changes."""

    def listed(self) -> tuple[UsbTty, ...]:
        """The serial ports of USB devices that are there now."""

    def wait(self, timeout_s: float) -> None:
        """Return when that may have changed, or this much has passed."""


class Says(Enum):
    """What the wizard has to say."""

    PLUG_IN = auto()
    """A dock is to be plugged in; what is in already must be unplugged first."""

    FOREIGN = auto()
    """What was plugged in is no dock."""

    TAKEN = auto()
    """That is another slot's place."""

    UNCLEAR = auto()
    """It has several serial ports, and not exactly one of them answers as a dock does."""

    LEARNED = auto()
    """The slot has its place."""


@dataclass(frozen=True, slots=True)
class Word:
    """slot: that is being learned. device: that was plugged in. port: where it is, as a slot map
    names it. other: the slot whose place it is."""

    says: Says
    slot: int
    device: UsbTty | None = None
    port: str = ""
    other: int = 0


class SlotWizard:
    """allowed: what may be a dock. answers: asks who is on a port, and raises LinkError."""

    def __init__(
        self,
        usb: UsbPlaces,
        *,
        allowed: Sequence[UsbFilter],
        answers: Callable[[str], object],
        clock: Clock,
        tell: Callable[[Word], None],
        cancel: Cancel,
    ) -> None:
        self._usb = usb
        self._allowed = allowed
        self._answers = answers
        self._clock = clock
        self._tell = tell
        self._cancel = cancel

    def learn(self, number: int, taken: Mapping[int, str], *, patience_s: float) -> SlotPlace:
        """The place of slot `number`. taken: the ports of the other slots.

        Raises NoDock when nothing fit was plugged in for so long, and Interrupted.
        """
        give_up_s = self._clock.monotonic_s() + patience_s
        seen = set(self._usb.listed())
        self._tell(Word(Says.PLUG_IN, number))
        while self._clock.monotonic_s() < give_up_s:
            self._cancel.check()
            self._usb.wait(LOOK_S)
            there = self._usb.listed()
            for topology in sorted({tty.topology for tty in there if tty not in seen}):
                self._clock.wait(SETTLE_S)
                port = self._judge(number, topology, taken)
                if port:
                    return SlotPlace(number, port)
            seen = set(self._usb.listed()) & (seen | set(there))
        raise NoDock(
            f"no dock was plugged in for slot {number} within {patience_s:.0f} s",
            remedy="Give the command again; it goes on with this slot.",
        )

    def _judge(self, number: int, topology: str, taken: Mapping[int, str]) -> str:
        """The port of what was plugged in here; empty if it is not to be taken, which is told."""
        ttys = [tty for tty in self._usb.listed() if tty.topology == topology]
        if not ttys:
            return ""  # out again
        first, port = ttys[0], USB + topology
        if not all(tty.accepted_by(self._allowed) for tty in ttys):
            self._tell(Word(Says.FOREIGN, number, first, port))
            return ""
        other = next((slot for slot, at in taken.items() if _same_place(at, topology)), 0)
        if other:
            self._tell(Word(Says.TAKEN, number, first, port, other))
            return ""
        if len(ttys) > 1:
            docks = [tty for tty in ttys if self._is_dock(tty)]
            if len(docks) != 1:
                self._tell(Word(Says.UNCLEAR, number, first, port))
                return ""
            first, port = docks[0], docks[0].port
        self._tell(Word(Says.LEARNED, number, first, port))
        return port

    def _is_dock(self, tty: UsbTty) -> bool:
        try:
            self._answers(tty.port)
        except LinkError:
            return False
        return True


def _same_place(port: str, topology: str) -> bool:
    place = topology_of(port)
    return place is not None and place[0] == topology

"""Tests a cable: texts that are sent to a dock, and must come back as they are."""

from collections.abc import Callable
from typing import Final

from station.adapters.serial_link.conversation import IDENTIFY_S, Conversation
from station.application.cancel import Cancel
from station.application.ports import Clock
from station.domain.sounding import Sounding
from station.protocol.os_group import Echo

SIZES: Final = (1, 32, 200)
"""Characters of an echo, in turn: a short frame meets other faults than a long one, and every
server takes 256 bytes."""

ALPHABET: Final = "".join(map(chr, range(0x20, 0x7F)))


def sound(
    talk: Conversation,
    *,
    echoes: int,
    clock: Clock,
    done: Callable[[int], None],
    cancel: Cancel,
) -> Sounding:
    """Send so many echoes, one after the other. done: told how many have come back.

    Changes nothing on the dock. Raises LinkError where one does not come back however often it is
    sent, and Interrupted.
    """
    tally = talk.tally
    resent, stray, damaged = tally.resent, tally.stray, talk.damaged
    took_s: list[float] = []
    for number in range(echoes):
        cancel.check()
        began_s = clock.monotonic_s()
        talk.ask(Echo(_text(number)), until_s=talk.until_s(IDENTIFY_S))
        took_s.append(clock.monotonic_s() - began_s)
        done(number + 1)
    return Sounding(
        lost=tally.resent - resent,
        damaged=talk.damaged - damaged,
        stray=tally.stray - stray,
        round_trips_s=tuple(took_s),
    )


def _text(number: int) -> str:
    """No two in a row are alike, so that a late answer is never taken for the one awaited."""
    size = SIZES[number % len(SIZES)]
    return "".join(ALPHABET[(number + at) % len(ALPHABET)] for at in range(size))

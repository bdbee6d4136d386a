"""Waiting for descriptors, however high their numbers are.

`select` takes numbers below 1,024 alone and `poll` counts in milliseconds: a process of many docks
has high numbers, and a line with a rate wants less than a millisecond.
"""

import select
from collections.abc import Collection
from typing import Final

SELECT_MAX: Final = 1_024
"""FD_SETSIZE of Linux."""


def readable(
    reading: Collection[int], wait_s: float | None, *, writing: Collection[int] = ()
) -> Collection[int]:
    """Which of `reading` can be read; waits until one can, or one of `writing` can be written.

    wait_s: at most; None for as long as it takes. One that has failed, or whose peer has left, can
    be read: whoever does will be told.
    """
    if max((*reading, *writing), default=0) < SELECT_MAX:
        return select.select(reading, writing, (), wait_s)[0]
    wanted = dict.fromkeys(reading, select.POLLIN)
    for descriptor in writing:
        wanted[descriptor] = wanted.get(descriptor, 0) | select.POLLOUT
    poll = select.poll()
    for descriptor, events in wanted.items():
        poll.register(descriptor, events)
    found = poll.poll(None if wait_s is None else wait_s * 1_000)
    return [each for each, events in found if each in reading and events & ~select.POLLOUT]

"""The process an application runs in: confines itself, then is the dock the application knows.

Everything it needs is loaded before: afterwards there is no file to load anything from. Imports
neither screen, database nor keys, and is told once what to run.
"""

import os
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

from station.domain.rehearsal import FindingKind
from station.rehearsal import dialect
from station.rehearsal.bench import Bench
from station.rehearsal.briefing import Briefing
from station.rehearsal.clocks import BenchClock, RealClock
from station.rehearsal.confinement import CannotConfine, confine
from station.rehearsal.link import Link
from station.rehearsal.statements import Word

DEPTH_MAX: Final = 256
"""Calls within calls until "maximum recursion depth exceeded". The vendor states no number; an
interpreter of this kind, with some tens of kilobytes of stack, gives up at a few hundred."""

RESERVE_BYTES: Final = 4 * 1024 * 1024
"""Kept until memory runs out, so that there is room to tell of it."""


def main(arguments: Sequence[str]) -> NoReturn:
    """Be the child. arguments: the number of the descriptor that leads to the parent."""
    descriptor = int(arguments[0])
    link = Link(descriptor)
    told = link.briefing()
    briefing = Briefing.of(told.head[1], told.body)
    try:
        confine(descriptor, memory_bytes=briefing.memory_bytes, processor_s=briefing.processor_s)
    except CannotConfine as error:
        link.say(Word.CANNOT, str(error))
        os._exit(1)
    link.say(Word.READY)
    _run(link, briefing)


def _run(link: Link, briefing: Briefing) -> NoReturn:
    bench = Bench(link, briefing.scenario, briefing.unknown_image, tells=not briefing.live)

    def over() -> NoReturn:
        bench.over()
        os._exit(0)

    bench.clock = RealClock(link) if briefing.live else BenchClock(briefing.scenario.run_ms, over)
    reserve = bytearray(RESERVE_BYTES)
    sys.setrecursionlimit(DEPTH_MAX)
    try:
        bench.live(lambda: dialect.run(briefing.code, bench))
    except BaseException as error:  # noqa: BLE001 (whatever an application raises, a dock shows)
        del reserve
        if isinstance(error, MemoryError):
            bench.found(FindingKind.MEMORY, "it wanted more memory than a dock has")
        bench.raised(dialect.trace(error))
        os._exit(0)

"""Lanes of a bench: the station's own end of the wire, one thread per dock, and what phases take.

Nothing of the workflow above: no ledger, no rehearsal, no signature is measured here.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from random import Random
from threading import Barrier
from typing import Final

from station.adapters.machine import SystemChance, SystemClock
from station.adapters.serial_link.dock import SerialDock
from station.adapters.serial_link.docks import SerialDocks
from station.application.cancel import Cancel
from station.application.ports import Piece
from station.datastore.plan import Part, Plan
from station.domain.entries import Entry, Kind, PictureType
from station.domain.profile import Link
from tests.benchmarks.wire_docks import dock_id
from tests.unit.dock.images import COMMON, make_plan

NOISE: Final = Random(13)
WIDTH: Final = 1_920


def noise(size_bytes: int) -> bytes:
    """Content that no compression shortens."""
    return NOISE.randbytes(size_bytes)


def plain_pictures(size_bytes: int) -> bytes:
    """Rows of a picture of plain areas, three octets for each of its points."""
    rows = bytearray()
    while len(rows) < size_bytes:
        rows += NOISE.randbytes(3) * NOISE.randrange(8, WIDTH // 4)
    return bytes(rows[:size_bytes])


def image(number: int, content: bytes, *, token: str = "token-1") -> Plan:
    """For the dock of that number, of a little more than `content`."""
    entry = Entry(Kind.IMG, "content", content, PictureType.PNG)
    return make_plan(dock_id=dock_id(number), common=(*COMMON, entry), token=token)


class Lane:
    """One dock, and the image that is for it."""

    def __init__(self, dock: SerialDock, plan: Plan) -> None:
        self.plan = plan
        self._dock = dock

    def meet(self) -> None:
        """All that comes before the first byte of the image."""
        self._dock.identify()
        self._dock.begin(self.plan.size_bytes, ())

    @property
    def sent_bytes(self) -> int:
        """From the station to the dock, on the line."""
        return self._dock.sent_bytes

    def write(self) -> None:
        """The data phase of a write."""
        self._send(self.plan.parts)

    def rewrite(self) -> None:
        """The same where the dock may hold much of it: only what it cannot prove travels."""
        common = self.plan.common_blocks
        self._dock.identify()
        self._dock.begin(self.plan.size_bytes, common)
        held = self._dock.digests(common)
        missing = [part for part, digest in zip(common, held, strict=True) if digest != part.digest]
        self._send((*missing, *self.plan.unique_parts))

    def _send(self, parts: Sequence[Part]) -> None:
        shared = frozenset(self.plan.common_blocks)
        pieces = (
            Piece(
                part.offset_bytes,
                self.plan.read(part.offset_bytes, part.size_bytes),
                part.digest if part in shared else b"",
            )
            for part in parts
        )
        self._dock.write(pieces, done=_ignored, cancel=Cancel())

    def restart(self) -> None:
        """What lies between writing and reading back."""
        self._dock.commit(self.plan.size_bytes, self.plan.image_sha256)
        self._dock.factory_reset()

    def confirm(self) -> None:
        """Have the dock keep it."""
        self._dock.confirm(self.plan.image_sha256)

    def read_back(self) -> None:
        """All of it, and compared."""
        plan, left = self.plan, self.plan.size_bytes
        for piece in self._dock.read_back(0, left, done=_ignored, cancel=Cancel()):
            if bytes(plan.read(piece.offset_bytes, len(piece.data))) != piece.data:
                raise RuntimeError(f"other bytes came back from {piece.offset_bytes}")
            left -= len(piece.data)
        if left:
            raise RuntimeError(f"{left} bytes did not come back")


def _ignored(_size_bytes: int) -> None:
    """Nobody watches."""


@contextmanager
def lanes(ports: Sequence[str], plans: Sequence[Plan], link: Link) -> Iterator[list[Lane]]:
    """A conversation on each port, for the image of the same place in `plans`."""
    docks = SerialDocks(clock=SystemClock(), chance=SystemChance())
    with ExitStack() as stack:
        yield [
            Lane(stack.enter_context(docks.open_own(port, link)), plan)
            for port, plan in zip(ports, plans, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Phase:
    """What all lanes did at once. took_s: each one; cpu_s: this process; wall_s: until the last."""

    took_s: tuple[float, ...]
    cpu_s: float
    wall_s: float

    @property
    def cores(self) -> float:
        """Processors this process has kept busy."""
        return self.cpu_s / self.wall_s

    @property
    def evenness(self) -> float:
        """Rate of the slowest as a share of the rate of the fastest; all carry the same amount."""
        return min(self.took_s) / max(self.took_s)


def at_once(*works: Callable[[], None]) -> Phase:
    """Each in a thread of its own, begun together. Raises what one of them raises."""
    start = Barrier(len(works) + 1)

    def timed(work: Callable[[], None]) -> float:
        start.wait()
        began_s = time.monotonic()
        work()
        return time.monotonic() - began_s

    with ThreadPoolExecutor(len(works)) as threads:
        working = [threads.submit(timed, work) for work in works]
        cpu_s, wall_s = time.process_time(), time.monotonic()
        start.wait()
        took_s = tuple(each.result() for each in working)
        return Phase(took_s, time.process_time() - cpu_s, time.monotonic() - wall_s)

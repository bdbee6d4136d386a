"""Composition root of the line behind a screen: in this process, or in one of its own.

Threads of one process take turns, so many lanes in the screen's own would keep it waiting.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Final, Protocol

from station.adapters.keys.sealed_file import Purpose
from station.adapters.line_worker import LineWorker
from station.application.snapshot import LineSnapshot
from station.bootstrap.demo import program
from station.bootstrap.keys import Ask
from station.bootstrap.station import Station

SLOTS_IN_PROCESS_MAX: Final = 32
"""More slots than this are served by a worker."""


class FrontLine(Protocol):
    """What a screen, or hands, ask of a line, wherever it runs."""

    def snapshot(self) -> LineSnapshot:
        """The whole line as it is now."""

    def scan(self, text: str) -> None:
        """Take what a scanner read."""

    def press_provision(self) -> None:
        """Start every bound slot."""

    def choose_slot(self, number: int) -> None:
        """Bind the waiting scan to this slot."""

    def start_labelled(self, number: int) -> None:
        """Start the dock in this slot under the serial it reports."""

    def toggle_pause(self) -> None:
        """Bind no more until called again."""

    def undo(self) -> None:
        """Drop the waiting scan."""

    def cancel(self, number: int) -> None:
        """Stop the run on this slot."""

    def tick(self) -> None:
        """Let time pass."""

    def close(self) -> None:
        """End the line."""


def open_front_line(
    station: Station,
    *,
    ports: Sequence[str],
    slot_map: Path | None,
    order: str,
    ask: Ask,
    changed: Callable[[], None],
) -> AbstractContextManager[FrontLine]:
    """The line of a bench, until the context is left. ports, slot_map: as `Bench.places` has it."""
    places = station.bench.places(ports, slot_map)
    if len(places) <= SLOTS_IN_PROCESS_MAX:
        return station.open_line(places, order=order, ask=ask, changed=changed)
    named = [part for port in ports for part in ("--port", port)]
    if slot_map is not None:
        named += ["--slots", str(slot_map)]
    if order:
        named += ["--order", order]
    return worker_line(station, named, ask=ask, changed=changed)


@contextmanager
def worker_line(
    station: Station, arguments: Sequence[str], *, ask: Ask, changed: Callable[[], None]
) -> Iterator[LineWorker]:
    """The line of this station, served by another process, until the context is left.

    arguments: of `station worker`, but for the passphrase.
    """
    worker = LineWorker(
        (*program(), "worker", *arguments),
        passphrase=ask(station.keys.one(Purpose.STATION)),
        picture=station.pictures.find,
        clock=station.clock,
        changed=changed,
    )
    with closing(worker):
        yield worker

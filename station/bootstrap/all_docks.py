"""Composition root of a bench served at once: its slots, and one run for each dock in them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from station.application.all_docks import AllDocks
from station.application.cancel import Cancel
from station.application.ordering import only_running
from station.application.snapshot import LineSnapshot, SlotSnapshot
from station.bootstrap.keys import Ask
from station.bootstrap.station import Station
from station.domain.errors import NoDock
from station.domain.slot_map import SlotPlace


@dataclass(frozen=True, slots=True)
class Served:
    """What became of a bench. slots: those that had something plugged in, once nothing runs."""

    order: str
    slots: tuple[SlotSnapshot, ...]


def provision_all(
    station: Station,
    places: Sequence[SlotPlace],
    *,
    expected: bool,
    order: str,
    ask: Ask,
    watch: Callable[[LineSnapshot], None],
    cancel: Cancel,
) -> Served:
    """One run for each dock on the bench, all at the same time, under `order` or the only one
    that is running.

    expected: whether every slot must have a dock; else those without one are passed over.
    Raises NoDock where there is none at all, and whatever keeps a line from opening.
    """
    if not order:
        with station.open_ledger() as book:
            order = only_running(book.registry).name
    hands = AllDocks(watch)
    found: dict[int, str] = {one.number: one.port for one in places if expected}
    if not expected:
        station.port_watch(places, came=found.__setitem__, left=found.__delitem__).look()
    if not found:
        raise NoDock("no slot has a dock", remedy="Connect docks, or name their ports.")
    with station.unwatched_line(places, order=order, ask=ask, changed=hands.changed) as line:
        for number, port in found.items():
            line.attach(number, port)
        hands.work(line, found, cancel=cancel)
    ended = line.snapshot()  # what was stopped at the last moment has its record by now
    watch(ended)
    return Served(order, tuple(one for one in ended.slots if one.number in found))

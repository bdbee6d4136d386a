"""Which slot of the bench has a dock: looked at a few times a second, told when that changes.

A slot is a place, not a device: whatever appears there is the dock in that slot. A device that was
plugged out and another one plugged in between two looks has another address, so both is told.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event, Thread
from typing import Final, Self

from station.adapters.hotplug.usb_ports import Changes, UsbPorts
from station.domain.slot_map import SlotPlace, UsbTty, topology_of

LOOK_S: Final = 0.2
"""How often the places are looked at; a person needs longer to plug a dock in."""

Sight = tuple[UsbTty, ...] | bool
"""What is in a place: its USB ports, or whether a plain port is there. Empty or False: nothing."""


class PortWatch:
    """Watches the enabled ones of some slots from entering to leaving the context.

    came: told slot and port, from a thread of its own. left: told the slot.
    """

    def __init__(
        self,
        places: Sequence[SlotPlace],
        usb: UsbPorts,
        *,
        came: Callable[[int, str], None],
        left: Callable[[int], None],
    ) -> None:
        self._places = tuple(place for place in places if place.enabled)
        self._on_usb = any(topology_of(place.port) for place in self._places)
        self._usb = usb
        self._came = came
        self._left = left
        self._seen: dict[int, Sight] = {}
        self._ended = Event()
        self._thread = Thread(target=self._watch, name="ports", daemon=True)

    def look(self) -> None:
        """Tell what changed since the last look."""
        ttys = self._usb.listed() if self._on_usb else ()
        for place in self._places:
            number, sight, before = place.number, _sight(place, ttys), self._seen.get(place.number)
            if sight == before:
                continue
            self._seen[number] = sight
            if before:
                self._left(number)
            if sight:
                self._came(number, place.port)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        # Told of changes before the first look, so that none falls between the two.
        changes: Changes | None = self._usb.changes() if self._on_usb else None
        while not self._ended.is_set():
            self.look()
            if changes is None:
                self._ended.wait(LOOK_S)
            else:
                changes.wait(LOOK_S)


def _sight(place: SlotPlace, ttys: Sequence[UsbTty]) -> Sight:
    if topology_of(place.port) is None:
        return Path(place.port).exists()
    return tuple(tty for tty in ttys if tty.is_at(place.port))

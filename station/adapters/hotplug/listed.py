"""USB serial ports as pyserial lists them: wherever there is no udev. Nobody tells of changes."""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from serial.tools.list_ports import comports

from station.adapters.hotplug.titles import shown_title
from station.domain.slot_map import USB, UsbTty, topology_of


class ListedPorts:
    """`usb_ports.UsbPorts`. comports: pyserial's own, but in tests."""

    def __init__(self, comports: Callable[[], Iterable[Any]] = comports) -> None:
        self._comports = comports
        self._last: tuple[UsbTty, ...] = ()

    def listed(self) -> tuple[UsbTty, ...]:
        """See `UsbPorts`. What was there before, where pyserial trips over a device that leaves
        while it is looked at; the next look will do."""
        with suppress(OSError, TypeError, ValueError):
            found = map(_tty, self._comports())
            self._last = tuple(tty for tty in found if tty is not None)
        return self._last

    def changes(self) -> "Sleep":
        """See `UsbPorts`."""
        return Sleep()


class Sleep:
    """`usb_ports.Changes` where nobody tells."""

    def wait(self, timeout_s: float) -> None:
        """Look again when the time is over."""
        time.sleep(timeout_s)


def _tty(found: Any) -> UsbTty | None:
    """pyserial names a place as ours are named, and the interface only where there are several."""
    if found.vid is None or found.pid is None or not found.location:
        return None
    try:
        place = topology_of(USB + found.location)
    except ValueError:
        return None
    if place is None:
        return None
    return UsbTty(
        found.device, *place, found.vid, found.pid, title=shown_title(found.product or "")
    )

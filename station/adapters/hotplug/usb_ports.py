"""The serial ports of USB devices that are plugged in: from udev, else from pyserial's list."""

import sys
from contextlib import suppress
from typing import Protocol

from station.adapters.hotplug.listed import ListedPorts
from station.domain.slot_map import UsbTty


class Changes(Protocol):
    """Tells when to look again. Belongs to one thread."""

    def wait(self, timeout_s: float) -> None:
        """Return when something was plugged in or out, or this much has passed."""


class UsbPorts(Protocol):
    """What the machine knows of its USB ports; opens none of them. May be asked by any thread."""

    def listed(self) -> tuple[UsbTty, ...]:
        """The serial ports that are there at this moment."""

    def changes(self) -> Changes:
        """Tells of what is plugged in or out from now on."""


def usb_ports() -> UsbPorts:
    """What this machine has to ask."""
    if sys.platform == "linux":
        with suppress(ImportError):  # no libudev on this machine
            from station.adapters.hotplug.udev import UdevPorts

            return UdevPorts()
    return ListedPorts()

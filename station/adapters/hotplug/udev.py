"""USB serial ports as udev knows them: looked up in sysfs, with its word when something changes.

Raises ImportError where the machine has no libudev.
"""

import re
import time
from collections.abc import Iterator
from typing import Final

import pyudev

from station.adapters.hotplug.titles import shown_title
from station.domain.slot_map import UsbTty

NAMES: Final = "tty[A-Z]*"
"""Serial ports, whatever their driver is called; the machine's own terminals have numbers."""

_HEX: Final = re.compile(r"[0-9a-fA-F]{4}")


class UdevPorts:
    """`usb_ports.UsbPorts`."""

    def __init__(self) -> None:
        pyudev.Context()  # a machine without libudev is told of here

    def listed(self) -> tuple[UsbTty, ...]:
        """See `UsbPorts`."""
        # A context of its own: libudev's may not be shared by threads.
        devices = pyudev.Context().list_devices(subsystem="tty").match_sys_name(NAMES)
        return tuple(_ttys(devices))

    def changes(self) -> "UdevChanges":
        """See `UsbPorts`."""
        return UdevChanges()


class UdevChanges:
    """`usb_ports.Changes`. What is told is a reason to look, no more: a message may be lost."""

    def __init__(self) -> None:
        self._monitor: pyudev.Monitor | None = None
        try:
            monitor = pyudev.Monitor.from_netlink(pyudev.Context())
            monitor.filter_by("tty")
            monitor.start()
        except OSError:
            return  # a container may forbid it; then only the time tells
        self._monitor = monitor

    def wait(self, timeout_s: float) -> None:
        """See `Changes`."""
        if self._monitor is not None:
            try:
                self._monitor.poll(timeout=timeout_s)
            except OSError:
                pass  # more messages than it can hold; looking makes up for them
            else:
                return
        time.sleep(timeout_s)


def _ttys(devices: Iterator[pyudev.Device]) -> Iterator[UsbTty]:
    for device in devices:
        usb = device.find_parent("usb", "usb_device")
        node = device.device_node
        if usb is None or node is None:
            continue
        vendor, product = _attribute(usb, "idVendor"), _attribute(usb, "idProduct")
        if not _HEX.fullmatch(vendor) or not _HEX.fullmatch(product):
            continue  # it is being plugged out
        interface = device.find_parent("usb", "usb_interface")
        address = _attribute(usb, "devnum")
        yield UsbTty(
            device=node,
            topology=usb.sys_name,
            interface=interface.sys_name.partition(":")[2] if interface is not None else "",
            vendor_id=int(vendor, 16),
            product_id=int(product, 16),
            address=int(address) if address.isdecimal() else 0,
            title=shown_title(_attribute(usb, "product")),
        )


def _attribute(device: pyudev.Device, name: str) -> str:
    """Empty where it is not there, or no longer, or no text."""
    try:
        return str(device.attributes.asstring(name))
    except (KeyError, UnicodeDecodeError, OSError):
        return ""

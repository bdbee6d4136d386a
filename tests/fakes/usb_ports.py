"""USB ports that a test plugs things into: `adapters.hotplug.usb_ports.UsbPorts`."""

from collections.abc import Callable
from itertools import count

from station.domain.slot_map import UsbTty


class FakeUsbPorts:
    """Every device gets another address, as on a bus. waited: what happens while nobody looks."""

    def __init__(self, waited: Callable[[float], None] = lambda _: None) -> None:
        self.there: dict[str, UsbTty] = {}
        self.waited = waited
        self._addresses = count(1)

    def plug(
        self,
        topology: str,
        device: str,
        *,
        interface: str = "1.0",
        ids: str = "17e9:6000",
        title: str = "Dock",
    ) -> UsbTty:
        """Put a device in, whose port then has this name."""
        vendor, _, product = ids.partition(":")
        tty = UsbTty(
            device,
            topology,
            interface,
            int(vendor, 16),
            int(product, 16),
            next(self._addresses),
            title,
        )
        self.there[device] = tty
        return tty

    def pull(self, topology: str) -> None:
        """Take out what is there, and whatever hangs on it."""
        self.there = {
            name: tty
            for name, tty in self.there.items()
            if not f"{tty.topology}.".startswith(f"{topology}.")
        }

    def listed(self) -> tuple[UsbTty, ...]:
        """See `UsbPorts`."""
        return tuple(self.there.values())

    def changes(self) -> "FakeUsbPorts":
        """See `UsbPorts`."""
        return self

    def wait(self, timeout_s: float) -> None:
        """See `Changes`; returns at once."""
        self.waited(timeout_s)

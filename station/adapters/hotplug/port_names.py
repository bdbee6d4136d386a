"""What the port of a slot is called at this moment, told of docks only.

Asked whenever a port is about to be opened, so that nothing is sent to a device before its
descriptor was read. Source: docs/spec/slots.md, "What may be plugged in".
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from station.adapters.hotplug.usb_ports import UsbPorts
from station.domain.errors import NoDock
from station.domain.profile import UsbFilter
from station.domain.slot_map import demand_dock, dock_at, topology_of


class PortNames:
    """allowed: which devices may be docks; asked once, when the first USB device is met."""

    def __init__(self, usb: UsbPorts, allowed: Callable[[], Sequence[UsbFilter]]) -> None:
        self._usb = usb
        self._allowed = allowed
        self._known: Sequence[UsbFilter] | None = None

    def __call__(self, port: str) -> str:
        """The device that `port` means now.

        A plain path is itself: a platform's own UART and a virtual dock have no descriptor. Where
        it is a USB device's, that must be a dock's like any other.

        Raises NoDock, ForeignDevice, SeveralPorts.
        """
        try:
            on_usb = topology_of(port) is not None
        except ValueError as error:
            raise NoDock(str(error), remedy="See: station slot list") from error
        if on_usb:
            return dock_at(port, self._usb.listed(), self.allowed).device
        real = Path(port).resolve()
        for tty in self._usb.listed():
            if tty.device in {port, str(real)}:
                demand_dock(tty, self.allowed, place=port)
        return port

    @property
    def allowed(self) -> Sequence[UsbFilter]:
        """Which devices may be docks."""
        if self._known is None:
            self._known = tuple(self._allowed())
        return self._known

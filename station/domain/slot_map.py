"""The bench: which place each numbered slot is wired to, and what may be plugged in there.

A slot is a place, never a device: a dock that comes back under another device name is still in its
slot, and whatever else is plugged into that place is in that slot too, and judged by what it says
of itself before a byte is sent to it. Source: docs/spec/slots.md.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from station.domain.errors import ForeignDevice, NoDock, SeveralPorts
from station.domain.profile import UsbFilter

USB: Final = "usb:"
"""Before the topology path of a slot that is a place on USB."""

SLOT_MAX: Final = 999

_TOPOLOGY: Final = re.compile(r"([0-9]+-[0-9]+(?:\.[0-9]+)*)(?::([0-9x]+\.[0-9]+))?")
"""Bus, then one port number per hub; after a colon, configuration and interface."""


@dataclass(frozen=True, slots=True)
class SlotPlace:
    """number: as on the sticker of the nest, from 1. port: a serial port, or ``usb:`` and a
    topology path. enabled: whether runs may start there. Raises ValueError for anything else."""

    number: int
    port: str
    enabled: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.number <= SLOT_MAX:
            raise ValueError(f"a slot's number is 1 to {SLOT_MAX}")
        if not self.port:
            raise ValueError("a slot has a port")
        topology_of(self.port)


@dataclass(frozen=True, slots=True)
class UsbTty:
    """A serial port of a USB device that is plugged in right now.

    device: its name at this moment, such as /dev/ttyACM0. topology: where the device is, such as
    1-2.3. interface: configuration and interface, such as 1.0; empty where the system does not
    say. address: number the bus gave the device when it was plugged in; 0 where unknown. title:
    what the device calls itself.
    """

    device: str
    topology: str
    interface: str
    vendor_id: int
    product_id: int
    address: int = 0
    title: str = ""

    @property
    def ids(self) -> str:
        """Vendor and product, as people write them."""
        return f"{self.vendor_id:04x}:{self.product_id:04x}"

    @property
    def port(self) -> str:
        """How a slot map names this very interface."""
        return f"{USB}{self.topology}:{self.interface}" if self.interface else USB + self.topology

    def is_at(self, port: str) -> bool:
        """Whether it is in the place `port` means."""
        wanted = topology_of(port)
        return wanted is not None and wanted in {
            (self.topology, ""),
            (self.topology, self.interface),
        }

    def accepted_by(self, allowed: Iterable[UsbFilter]) -> bool:
        """Whether it may be a dock."""
        return any(one.accepts(self.vendor_id, self.product_id) for one in allowed)


def topology_of(port: str) -> tuple[str, str] | None:
    """Topology path and interface (empty for any) of a place on USB; None for another port.

    Raises ValueError for ``usb:`` and no topology path.
    """
    if not port.startswith(USB):
        return None
    found = _TOPOLOGY.fullmatch(port.removeprefix(USB))
    if found is None:
        raise ValueError(f"{port} is no place on USB; one looks like usb:1-2.3")
    return found[1], found[2] or ""


def demand_dock(tty: UsbTty, allowed: Iterable[UsbFilter], *, place: str) -> UsbTty:
    """The port, if it may be a dock. Raises ForeignDevice."""
    if not tty.accepted_by(allowed):
        raise ForeignDevice(f"{tty.ids} {tty.title}".strip() + f" at {place} is no dock")
    return tty


def dock_at(port: str, ttys: Iterable[UsbTty], allowed: Sequence[UsbFilter]) -> UsbTty:
    """The serial port that a place on USB means right now.

    Raises NoDock where nothing is plugged in, ForeignDevice where it may not be a dock, and
    SeveralPorts where the place does not say which of its interfaces is meant.
    """
    there = [tty for tty in ttys if tty.is_at(port)]
    if not there:
        raise NoDock(f"nothing is plugged in at {port}")
    for tty in there:
        demand_dock(tty, allowed, place=port)
    if len(there) > 1:
        named = " or ".join(sorted(tty.port for tty in there))
        raise SeveralPorts(f"the device at {port} has several serial ports: {named}")
    return there[0]


def slots_at(ports: Sequence[str]) -> tuple[SlotPlace, ...]:
    """One slot per port, slot 1 first."""
    return tuple(SlotPlace(number, port) for number, port in enumerate(ports, start=1))

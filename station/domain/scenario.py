"""The scripted bench an application is rehearsed on: what it finds when it asks, and when.

Every moment is in milliseconds on the bench's clock, which starts with the application. The
default is a desk as most docks meet it: two monitors, a connected host, the network after a
moment, and no server that answers.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from station.domain.identity import DockId


class HostStatus(StrEnum):
    """What `DockInfo.host_status()` says."""

    NOT_CONNECTED = "not-connected"
    CONNECTED = "connected"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class NetworkChange:
    """From `at_ms` on, `LAN.ifconfig()` gives these; an empty `ip` means no network."""

    at_ms: int
    ip: str
    subnet: str = ""
    gateway: str = ""
    dns: str = ""


@dataclass(frozen=True, slots=True)
class MonitorModel:
    """A monitor on one output. width, height: pixels of its preferred mode."""

    name: str
    width: int
    height: int
    serial_number: int = 0


@dataclass(frozen=True, slots=True)
class UsbDevice:
    """A device `usb.find()` lists."""

    vendor_id: int
    product_id: int
    name: str


@dataclass(frozen=True, slots=True)
class PinChange:
    """From `at_ms` on, this input is active or not."""

    at_ms: int
    pin: str
    active: bool


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a request gets. method: get or post. status: 1 to 99 is a cURL error."""

    method: str
    url: str
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class MqttMessage:
    """A message that reaches every subscriber of its topic."""

    at_ms: int
    topic: str
    message: bytes


@dataclass(frozen=True, slots=True)
class VisionMessage:
    """A message that reaches the application's `vision_client` callback."""

    at_ms: int
    message: bytes


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must hold at the end. texts: on the splash. images: tags that were shown."""

    texts: tuple[str, ...] = ()
    images: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """run_ms: how long the application is watched. start_at: the dock's clock at its start.

    dock_id: None for the dock the image was made for. mac: 6 octets. monitors: one per output,
    None where nothing is attached.
    """

    name: str
    description: str = ""
    run_ms: int = 60_000
    start_at: datetime = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
    dock_id: DockId | None = None
    mac: bytes = bytes.fromhex("0200000D0C01")
    network: tuple[NetworkChange, ...] = ()
    monitors: tuple[MonitorModel | None, ...] = ()
    host: HostStatus = HostStatus.CONNECTED
    usb: tuple[UsbDevice, ...] = ()
    pins: tuple[PinChange, ...] = ()
    http: tuple[HttpAnswer, ...] = ()
    mqtt: tuple[MqttMessage, ...] = ()
    messages: tuple[VisionMessage, ...] = ()
    expect: Expectation = Expectation()


DEFAULT: Final = Scenario(
    name="desk",
    description="Two monitors, a connected host, the network after three seconds",
    network=(NetworkChange(3_000, "192.0.2.17", "255.255.255.0", "192.0.2.1", "192.0.2.53"),),
    monitors=(
        MonitorModel("Desk left", 1_920, 1_080, 1001),
        MonitorModel("Desk right", 2_560, 1_440, 1002),
        None,
    ),
    usb=(
        UsbDevice(0x046D, 0xC31C, "Keyboard"),
        UsbDevice(0x046D, 0xC077, "Mouse"),
    ),
)
"""Where a person names no scenario. Addresses are from the range kept for documentation."""

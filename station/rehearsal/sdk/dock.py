"""Module `dock`: who the dock is, what is connected, and its settings.

Where the vendor is silent: a suspended host is one, and a resumed one is none, three seconds after
the call; a host that is not connected is not suspended; a zone is set until the application ends.
Source: dock-sdk.md, 2.4.
"""

from typing import ClassVar, Final

from station.domain.scenario import HostStatus
from station.rehearsal.machine import Machine, Scheduled
from station.rehearsal.sdk.arguments import text
from station.rehearsal.sdk.monitor import Monitor, edid_of
from station.rehearsal.sdk.names import Names, bound
from station.rehearsal.sdk.wall_clock import WallClock
from station.rehearsal.sdk.zones import ZONES

SUSPENDING_MS: Final = 3_000
"""How long it takes to take pixels and USB from a host: "several seconds"."""


class Host:
    """Whether the host has the dock's pixels and USB."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._status = machine.scenario.host
        self._changing: Scheduled | None = None

    @property
    def status(self) -> HostStatus:
        """As it is now."""
        return self._status

    def suspend(self, *, suspend: bool) -> None:
        """Begin to; what was begun before is overtaken."""
        if self._status is HostStatus.NOT_CONNECTED:
            return
        if self._changing is not None:
            self._changing.cancel()
        wanted = HostStatus.SUSPENDED if suspend else HostStatus.CONNECTED
        self._changing = self._machine.call_at(
            self._machine.now_ms() + SUSPENDING_MS, lambda: self._become(wanted)
        )

    def _become(self, status: HostStatus) -> None:
        self._status = status


class DockInfo:
    """`dock.DockInfo`. The vendor publishes no values of the constants: these are ours."""

    HOST_NOT_CONNECTED = 0
    HOST_CONNECTED = 1
    HOST_CONNECTION_SUSPENDED = 2

    _machine: ClassVar[Machine]
    _host: ClassVar[Host]

    def dock_id(self) -> str:
        """Unique identifier: 64 hexadecimal characters, upper case."""
        self._machine.called("dock.DockInfo.dock_id")
        return str(self._machine.scenario.dock_id)

    def monitors(self) -> list[Monitor]:
        """One per output, an invalid one where nothing is attached."""
        self._machine.called("dock.DockInfo.monitors")
        return [Monitor(edid_of(model)) for model in self._machine.scenario.monitors]

    def host_status(self) -> int:
        """One of the constants."""
        self._machine.called("dock.DockInfo.host_status")
        return _HOST_STATUS[self._host.status]


_HOST_STATUS: Final = {
    HostStatus.NOT_CONNECTED: DockInfo.HOST_NOT_CONNECTED,
    HostStatus.CONNECTED: DockInfo.HOST_CONNECTED,
    HostStatus.SUSPENDED: DockInfo.HOST_CONNECTION_SUSPENDED,
}


class DockControl:
    """`dock.DockControl`."""

    _machine: ClassVar[Machine]
    _host: ClassVar[Host]
    _clock: ClassVar[WallClock]

    def suspend_host_connection(self, suspend: object) -> None:
        """Take pixels and USB from the host, or give them back; takes a while."""
        self._machine.called("dock.DockControl.suspend_host_connection", str(bool(suspend)))
        self._host.suspend(suspend=bool(suspend))

    def set_timezone(self, timezone: str) -> None:
        """Raises ValueError for a zone a dock does not know, TypeError for what is no str."""
        zone = ZONES.get(text(timezone, "timezone"))
        self._machine.called("dock.DockControl.set_timezone")
        if zone is None:
            raise ValueError("timezone: no zone that a dock knows")
        self._clock.zone = zone


def dock_names(machine: Machine, clock: WallClock) -> Names:
    """Of module `dock`."""
    host = Host(machine)
    return {
        "DockInfo": bound("DockInfo", DockInfo, _machine=machine, _host=host),
        "DockControl": bound(
            "DockControl", DockControl, _machine=machine, _host=host, _clock=clock
        ),
    }

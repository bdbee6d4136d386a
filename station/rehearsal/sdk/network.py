"""Module `network`: the dock's Ethernet.

The SDK's documentation says `mac`, every vendor program says `mac_address`: both are here (Q13).
The vendor shows no MAC; ours has upper-case digits and colons.
Source: dock-sdk.md, 2.4, and Q13 of its section 6.
"""

from typing import ClassVar, Final

from station.domain.scenario import NetworkChange
from station.rehearsal.machine import Machine
from station.rehearsal.sdk.names import Names, bound

_NO_NETWORK: Final = NetworkChange(0, "")


def network_now(machine: Machine) -> NetworkChange:
    """What holds now; its `ip` is empty where there is no network."""
    now_ms = machine.now_ms()
    past = [change for change in machine.scenario.network if change.at_ms <= now_ms]
    return sorted(past, key=lambda change: change.at_ms)[-1] if past else _NO_NETWORK


class LAN:
    """`network.LAN`."""

    _machine: ClassVar[Machine]

    def ifconfig(self) -> tuple[str, str, str, str]:
        """Address, mask, gateway and name server; all empty while there is no network."""
        self._machine.called("network.LAN.ifconfig")
        now = network_now(self._machine)
        return now.ip, now.subnet, now.gateway, now.dns

    def mac(self) -> str:
        """The hardware address."""
        self._machine.called("network.LAN.mac")
        return self._machine.scenario.mac.hex(":").upper()

    def mac_address(self) -> str:
        """The hardware address."""
        self._machine.called("network.LAN.mac_address")
        return self._machine.scenario.mac.hex(":").upper()


def network_names(machine: Machine) -> Names:
    """Of module `network`."""
    return {"LAN": bound("LAN", LAN, _machine=machine)}

"""Module `usb`: what is plugged into the dock. Source: dock-sdk.md, 2.4."""

from station.rehearsal.machine import Machine
from station.rehearsal.sdk.names import Names


def usb_names(machine: Machine) -> Names:
    """Of module `usb`."""

    def find() -> list[tuple[int, int, str]]:
        machine.called("usb.find")
        return [(one.vendor_id, one.product_id, one.name) for one in machine.scenario.usb]

    return {"find": find}

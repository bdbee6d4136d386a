"""A process on a mocked machine that watches the slots named and tells what it sees.

One JSON list a line: ["came", slot, port], ["left", slot]. It answers lines of its input:
"list" with what udev and pyserial list, and a port with the device it means, or the code it is
refused with.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path
from threading import Lock

from station.adapters.files.profiles import usb_filters
from station.adapters.hotplug.listed import ListedPorts
from station.adapters.hotplug.port_names import PortNames
from station.adapters.hotplug.usb_ports import usb_ports
from station.adapters.hotplug.watch import PortWatch
from station.adapters.machine import SystemChance, SystemClock
from station.adapters.serial_link.docks import SerialDocks
from station.domain.errors import StationError
from station.domain.profile import Link
from station.domain.slot_map import slots_at

LOCK = Lock()


def say(*what: object) -> None:
    with LOCK:
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()


def main(ports: list[str]) -> None:
    usb = usb_ports()
    resolve = PortNames(usb, lambda: usb_filters(Path("nowhere")))
    docks = SerialDocks(clock=SystemClock(), chance=SystemChance(), resolve=resolve)
    say("ready", type(usb).__name__)
    with PortWatch(
        slots_at(ports),
        usb,
        came=lambda number, port: say("came", number, port),
        left=lambda number: say("left", number),
    ):
        for line in sys.stdin:
            verb, _, port = line.strip().partition(" ")
            match verb:
                case "list":
                    say([one.device for one in usb.listed()])
                    by_udev = [replace(one, address=0) for one in usb.listed()]
                    by_list = ListedPorts().listed()
                    say(sorted(one.port for one in by_udev), sorted(one.port for one in by_list))
                    say([one.ids + one.title for one in by_udev])
                case "resolve":
                    try:
                        say(resolve(port))
                    except StationError as error:
                        say(error.code)
                case "open":
                    try:
                        with docks.open(port, Link()) as dock:
                            say(dock.identify().label)
                    except StationError as error:
                        say(error.code)


if __name__ == "__main__":
    main(sys.argv[1:])

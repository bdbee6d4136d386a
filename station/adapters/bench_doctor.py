"""Examines what stands between the station and its docks: ports, other programs, the slot map.

Changes nothing and opens no port. What other adapters know comes in as probes, which raise
StationError where something is wrong.
"""

import grp
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from station.domain.diagnosis import Diagnosis, Health
from station.domain.errors import StationError
from station.domain.profile import UsbFilter
from station.domain.slot_map import SlotPlace, topology_of

SERIAL_GROUP: Final = "dialout"

IGNORED_BY_MODEM_MANAGER: Final = re.compile(r'ENV\{ID_MM_DEVICE_IGNORE\}\s*=\s*"1"')
FOR_WHO_IS_LOGGED_IN: Final = re.compile(r'TAG\s*\+=\s*"uaccess"')

RULES_FILE: Final = "/etc/udev/rules.d/60-docks.rules"
"""Before 73-seat-late.rules, which grants what `uaccess` asks for."""

_NUMBERED: Final = re.compile(r"/dev/tty[A-Z]+[0-9]+")


@dataclass(frozen=True, slots=True)
class Machine:
    """Where to look. rules: folders of udev's rules, those that win first (udev(7))."""

    dev: Path = Path("/dev")
    proc: Path = Path("/proc")
    usb_devices: Path = Path("/sys/bus/usb/devices")
    rules: tuple[Path, ...] = (
        Path("/etc/udev/rules.d"),
        Path("/run/udev/rules.d"),
        Path("/usr/local/lib/udev/rules.d"),
        Path("/usr/lib/udev/rules.d"),
        Path("/lib/udev/rules.d"),
    )


THIS_MACHINE: Final = Machine()


def examine_bench(
    *,
    docks: Callable[[], Sequence[UsbFilter]],
    slots: Callable[[], Sequence[SlotPlace]],
    machine: Machine = THIS_MACHINE,
) -> tuple[Diagnosis, ...]:
    """Every check. docks: which USB devices may be docks. slots: the slot map; empty for none."""
    try:
        allowed = docks()
    except StationError as error:
        return (Diagnosis("dock models", Health.BAD, _words(error), error.remedy),)
    return (
        serial_permission(allowed, machine),
        modem_manager(allowed, machine),
        slot_map(slots, machine),
    )


# -- ports ---------------------------------------------------------------------------------------


def serial_permission(docks: Sequence[UsbFilter], machine: Machine) -> Diagnosis:
    """May open the ports of docks."""
    check, ports = "serial ports", sorted(machine.dev.glob("ttyACM*"))
    barred = [port.name for port in ports if not os.access(port, os.R_OK | os.W_OK)]
    if barred:
        return Diagnosis(check, Health.BAD, f"{', '.join(barred)} may not be opened", _JOIN)
    if ports:
        return Diagnosis(check, Health.OK, ", ".join(port.name for port in ports))
    if os.geteuid() == 0 or SERIAL_GROUP in _group_names():
        return Diagnosis(check, Health.OK, "no dock connected; this user may open them")
    if not _without_rule(FOR_WHO_IS_LOGGED_IN, docks, machine):
        return Diagnosis(check, Health.OK, "no dock connected; udev lets who is logged in open it")
    return Diagnosis(check, Health.WARN, f"this user is not in the group {SERIAL_GROUP}", _JOIN)


_JOIN: Final = f"sudo usermod -aG {SERIAL_GROUP} $USER, then log in again."


# -- other programs --------------------------------------------------------------------------------


def modem_manager(docks: Sequence[UsbFilter], machine: Machine) -> Diagnosis:
    """Takes new serial ports for modems and talks to docks, unless udev tells it not to."""
    check = "ModemManager"
    if "ModemManager" not in _running(machine.proc):
        return Diagnosis(check, Health.OK, "not running")
    vendors = _without_rule(IGNORED_BY_MODEM_MANAGER, docks, machine)
    if not vendors:
        return Diagnosis(check, Health.OK, "running; udev tells it to leave docks alone")
    rules = "; ".join(rule_for(vendor) for vendor in vendors)
    return Diagnosis(
        check,
        Health.WARN,
        "running: it may seize the port of a dock for seconds",
        f"Write into {RULES_FILE}: {rules} - then: sudo udevadm control --reload, and plug the"
        " docks in again.",
    )


def rule_for(vendor: int) -> str:
    """udev's rule for the docks of one vendor: no modem, and open to who is logged in."""
    return (
        f'SUBSYSTEMS=="usb", ATTRS{{idVendor}}=="{vendor:04x}",'
        ' ENV{ID_MM_DEVICE_IGNORE}="1", TAG+="uaccess"'
    )


def _running(proc: Path) -> Iterator[str]:
    for comm in proc.glob("[0-9]*/comm"):
        try:
            yield comm.read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            continue  # it ended meanwhile


# -- slots -----------------------------------------------------------------------------------------


def slot_map(probe: Callable[[], Sequence[SlotPlace]], machine: Machine) -> Diagnosis:
    """Every slot is a place that exists; whether a dock is in it is another question."""
    check = "slots"
    try:
        places = probe()
    except StationError as error:
        return Diagnosis(check, Health.BAD, _words(error), error.remedy)
    if not places:
        return Diagnosis(
            check, Health.WARN, "none is mapped: every command needs --port", "station slot map"
        )
    used = [place for place in places if place.enabled]
    troubles = [f"slot {one.number}: {why}" for one in used if (why := _missing(one, machine))]
    if troubles:
        return Diagnosis(
            check,
            Health.WARN,
            "; ".join(troubles),
            "Plug in what is missing, or learn the slot again: station slot map --slot N",
        )
    off = f", {len(places) - len(used)} off" if len(used) < len(places) else ""
    return Diagnosis(check, Health.OK, f"{len(places)} mapped{off}")


def _missing(place: SlotPlace, machine: Machine) -> str:
    """Why nothing could ever appear there; empty if something could."""
    on_usb = topology_of(place.port)
    if on_usb is None:
        if _NUMBERED.fullmatch(place.port):
            return f"{place.port} is another device's name as soon as docks are plugged in anew"
        return "" if os.path.lexists(place.port) else f"there is no {place.port}"
    above, _, _ = on_usb[0].rpartition(".")
    hub = above or f"usb{on_usb[0].partition('-')[0]}"
    return "" if (machine.usb_devices / hub).exists() else f"there is no hub {hub}"


# -- udev's rules ----------------------------------------------------------------------------------


def _without_rule(
    setting: re.Pattern[str], docks: Iterable[UsbFilter], machine: Machine
) -> list[int]:
    """Vendors of docks that no rule gives this setting."""
    rules = [rule for rule in _rules(machine.rules) if setting.search(rule)]
    vendors = dict.fromkeys(one.vendor_id for one in docks)
    return [vendor for vendor in vendors if not any(_names_vendor(rule, vendor) for rule in rules)]


def _names_vendor(rule: str, vendor: int) -> bool:
    named = rf'(?:ATTRS?\{{idVendor\}}|ENV\{{ID_VENDOR_ID\}})\s*==\s*"[^"]*\b{vendor:04x}\b'
    return re.search(named, rule, re.IGNORECASE) is not None


def _rules(folders: Iterable[Path]) -> Iterator[str]:
    """Every rule in force: of files with one name, the first folder's counts."""
    found: dict[str, Path] = {}
    for folder in folders:
        for path in folder.glob("*.rules"):
            found.setdefault(path.name, path)
    for path in found.values():
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        for line in text.replace("\\\n", " ").splitlines():
            if not line.lstrip().startswith("#"):
                yield line


def _group_names() -> set[str]:
    groups = {group.gr_gid: group.gr_name for group in grp.getgrall()}
    return {groups[number] for number in os.getgroups() if number in groups}


def _words(error: StationError) -> str:
    return f"{error.code} {error.cause}"

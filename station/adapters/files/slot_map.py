"""Reads and writes which port each numbered slot of a bench is wired to."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from station.adapters.files import strict_yaml
from station.adapters.files.atomic import write_file
from station.adapters.files.schemas import Schema, check
from station.domain.slot_map import SlotPlace

HEAD: Final = "# Slots of this bench. Written by: station slot map, enable, disable\n"


def read_slot_map(path: Path) -> tuple[SlotPlace, ...]:
    """The slots of a bench, in the order of their numbers.

    Raises FileUnreadable, or DocumentRefused naming line and column, also where two slots share a
    number or a port.
    """
    document = strict_yaml.read(path)
    check(document, Schema.SLOT_MAP)
    data: Any = document.data
    places: list[SlotPlace] = []
    for number, item in enumerate(data["slots"]):
        try:
            place = SlotPlace(item["slot"], item["port"], item.get("enabled", True))
        except ValueError as error:
            raise document.refuse(str(error), "slots", number, "port") from error
        for earlier in places:
            if earlier.number == place.number:
                raise document.refuse(f"slot {place.number} twice", "slots", number, "slot")
            if earlier.port == place.port:
                raise document.refuse(
                    f"port {place.port} is slot {earlier.number}'s already", "slots", number, "port"
                )
        places.append(place)
    return tuple(sorted(places, key=lambda place: place.number))


def write_slot_map(path: Path, places: Iterable[SlotPlace]) -> None:
    """Make these the slots of a bench; on any failure the file is as it was.

    Raises FileUnreadable, RecordNotDurable.
    """
    lines = [HEAD, "slots:\n"]
    for place in sorted(places, key=lambda one: one.number):
        lines.append(f"  - slot: {place.number}\n")
        lines.append(f"    port: {json.dumps(place.port)}\n")  # a JSON string is one of YAML
        lines.append(f"    enabled: {json.dumps(place.enabled)}\n")
    write_file(path, ["".join(lines).encode("utf-8")], overwrite=True)

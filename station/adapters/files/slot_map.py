"""Reads which port each numbered slot of a bench is wired to."""

from pathlib import Path
from typing import Any

from station.adapters.files import strict_yaml
from station.adapters.files.schemas import Schema, check
from station.domain.slot_map import SlotPlace


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
        place = SlotPlace(item["slot"], item["port"], item.get("enabled", True))
        for earlier in places:
            if earlier.number == place.number:
                raise document.refuse(f"slot {place.number} twice", "slots", number, "slot")
            if earlier.port == place.port:
                raise document.refuse(
                    f"port {place.port} is slot {earlier.number}'s already", "slots", number, "port"
                )
        places.append(place)
    return tuple(sorted(places, key=lambda place: place.number))

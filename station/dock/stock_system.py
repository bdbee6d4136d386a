"""What a dock tells of itself in the words of `uname`: SMP group 0, command 7.

For people with a stock client; a station asks `identify`, and neither is proof.
Source: docs/SPEC.md, "Group 0".
"""

from dataclasses import dataclass
from typing import Final

from station.dock.stock_refusal import StockRefused
from station.protocol.os_group import SystemCode

PLATFORM: Final = "virtual-dock"
"""Hardware platform, and boot loader."""

SYSTEM: Final = "station-dock"
"""Operating system."""


@dataclass(frozen=True, slots=True)
class Facts:
    """release: version of the image that runs, empty where none does."""

    model: str
    label: str
    release: str
    profile: str
    product: str
    hardware: str


def info(parts: str | None, facts: Facts) -> str:
    """The parts asked for, in their own order, separated by spaces.

    parts: letters of Zephyr's command, "a" for all; None for "s". Raises StockRefused.
    """
    words = {
        "s": facts.model,
        "n": facts.label,
        "r": facts.release or "-",
        "v": facts.profile,
        "m": facts.product,
        "p": facts.hardware,
        "i": PLATFORM,
        "o": SYSTEM,
    }
    asked = parts or "s"
    if not set(asked) <= {*words, "a"}:
        raise StockRefused(SystemCode.INVALID_FORMAT)
    return " ".join(word for letter, word in words.items() if letter in asked or "a" in asked)

"""The ways a virtual dock can be bad, as written on a command line and as values.

Each is one dataclass of the closed union `Fault`; text that is none of them is an error by name.
"""

import re
from dataclasses import dataclass
from typing import Final

from station.dock.flash import PowerCut, Tear
from station.domain.errors import OperatorError


class UnknownFault(OperatorError):
    """Text that names no fault of the virtual dock."""

    code = "E-DOCK-02"
    remedy = (
        "Use one of: unplug@40%, unplug@40%+3s, bitflip, slow, slow@BYTES_PER_SECOND, wrong-hw,"
        " other-dock, already-locked, mute, garbage, cut@N, cut@N:TEAR with a TEAR of"
        f" {', '.join(tear.value for tear in Tear)}."
    )


@dataclass(frozen=True, slots=True)
class Unplug:
    """``unplug@40%``: the cable comes out once, when that share of an image is in the slot.

    back_after_s: ``unplug@40%+3s`` plugs it in again by itself; None: when somebody says so.
    """

    percent: int
    back_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class BitFlip:
    """``bitflip``: at every start of a newly committed image, one bit of it flips in the flash."""


@dataclass(frozen=True, slots=True)
class Slow:
    """``slow``, ``slow@50000``: the line carries no more than this, each way."""

    bytes_per_s: int = 200_000


@dataclass(frozen=True, slots=True)
class WrongHardware:
    """``wrong-hw``: another model and revision than the profile's answers."""


@dataclass(frozen=True, slots=True)
class OtherDock:
    """``other-dock``: after a restart by command, another dock id answers."""


@dataclass(frozen=True, slots=True)
class AlreadyLocked:
    """``already-locked``: the dock was closed by somebody else's key."""


@dataclass(frozen=True, slots=True)
class Mute:
    """``mute``: the port opens, and nothing ever answers."""


@dataclass(frozen=True, slots=True)
class Garbage:
    """``garbage``: whatever is sent is answered with random bytes."""


Fault = (
    Unplug | BitFlip | Slow | WrongHardware | OtherDock | AlreadyLocked | Mute | Garbage | PowerCut
)
"""Every fault; `PowerCut` (``cut@N``, ``cut@N:half``) ends the process as a lost supply does."""

_PLAIN: Final[dict[str, Fault]] = {
    "bitflip": BitFlip(),
    "slow": Slow(),
    "wrong-hw": WrongHardware(),
    "other-dock": OtherDock(),
    "already-locked": AlreadyLocked(),
    "mute": Mute(),
    "garbage": Garbage(),
}
_UNPLUG: Final = re.compile(r"unplug@(\d{1,3})%(?:\+(\d{1,5}(?:\.\d{1,3})?)s)?")
_SLOW: Final = re.compile(r"slow@([1-9]\d{0,8})")
_CUT: Final = re.compile(r"cut@(\d{1,9})(?::([a-z0-9-]+))?")


def parse_fault(text: str) -> Fault:
    """The fault so written. Raises UnknownFault."""
    if text in _PLAIN:
        return _PLAIN[text]
    if (found := _UNPLUG.fullmatch(text)) and int(found[1]) <= 100:
        return Unplug(int(found[1]), float(found[2]) if found[2] else None)
    if found := _SLOW.fullmatch(text):
        return Slow(int(found[1]))
    if (found := _CUT.fullmatch(text)) and (tear := _tear(found[2] or Tear.NOTHING.value)):
        return PowerCut(int(found[1]), tear)
    raise UnknownFault(f"no fault is called {text[:40]!r}")


def _tear(text: str) -> Tear | None:
    return next((tear for tear in Tear if tear.value == text), None)

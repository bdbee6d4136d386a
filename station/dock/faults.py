"""The ways a virtual dock can be bad, as written on a command line and as values.

Each is one dataclass of the closed union `Fault`; text that is none of them is an error by name.
Those of cable, answers, flash and ill will are declared where they are played.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from station.dock.flash import DeadSector, PowerCut, SlowErase, StuckBit, StuckSector, Tear
from station.dock.hostile import DRIP_EVERY_S, Drip, Endless, Flood, HostileFault
from station.dock.noise import (
    CableFault,
    Double,
    DoubleFrames,
    Drop,
    DropFrames,
    Drops,
    Flip,
    Flips,
    Stall,
    UnplugAt,
    Way,
)
from station.dock.wrong_answers import (
    COMMANDS,
    AnswerFault,
    LateAnswer,
    Which,
    Wrong,
    WrongAnswer,
)
from station.domain.errors import OperatorError

ANY: Final = "any"
"""Name of every request, where one is to be named."""

PARAMETERS: Final = "parameters"

SLOW_BYTES_PER_S: Final = 200_000


class UnknownFault(OperatorError):
    """Text that names no fault of the virtual dock, or one at a place this dock has not."""

    code = "E-DOCK-02"
    remedy = '`station dock run --help` tells how each is written; "unplug@40%" is one.'


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

    bytes_per_s: int = SLOW_BYTES_PER_S


@dataclass(frozen=True, slots=True)
class WrongHardware:
    """``wrong-hw``: another model and revision than the profile's answers."""


@dataclass(frozen=True, slots=True)
class OtherDock:
    """``other-dock``: after a restart by command, another dock id answers.

    ``other-dock@write#2``: that request is not answered; the cable comes out, and when it is in
    again another dock id answers, with nothing begun. at: None for after a restart.
    """

    at: Which | None = None


@dataclass(frozen=True, slots=True)
class AlreadyLocked:
    """``already-locked``: the dock was closed by somebody else's key."""


@dataclass(frozen=True, slots=True)
class Mute:
    """``mute``, ``mute@commit``: from that request on nothing is carried out or answered.

    since: None for from the first byte on.
    """

    since: Which | None = None


@dataclass(frozen=True, slots=True)
class Garbage:
    """``garbage``, ``garbage@read``: from there on, whatever is sent is answered with random bytes.

    since: None for from the first byte on.
    """

    since: Which | None = None


FirmwareFault = Unplug | BitFlip | WrongHardware | OtherDock | AlreadyLocked | Mute | Garbage

FlashFault = PowerCut | DeadSector | StuckSector | StuckBit | SlowErase
"""`PowerCut` (``cut@N``, ``cut@N:half``) ends the dock as a lost supply does."""

Fault = Slow | FirmwareFault | CableFault | AnswerFault | HostileFault | FlashFault


def parse_fault(text: str) -> Fault:
    """The fault so written. Raises UnknownFault."""
    for form, make in FORMS.items():
        if found := _pattern(form).fullmatch(text):
            try:
                return make(found)
            except _NoFault:
                break
    raise UnknownFault(f"no fault is called {text[:40]!r}")


class _NoFault(Exception):
    """Spelled like a fault, with a value none has."""


_Match = re.Match[str]
_Make = Callable[[_Match], Fault]


def _at(found: _Match) -> int:
    return int(found["at"])


def _seconds(found: _Match) -> float | None:
    return float(found["seconds"]) if found["seconds"] else None


def _way(found: _Match) -> Way:
    return Way(found["way"] or Way.IN.value)


def _place(found: _Match) -> tuple[int, int, Way]:
    return _at(found), int(found["count"] or 1), _way(found)


def _share(found: _Match) -> tuple[int, int, Way]:
    return int(found["count"]), int(found["within"]), _way(found)


def _flips(found: _Match) -> Flips:
    flips = Flips(*_share(found))
    if flips.count > 8 * flips.within_bytes:
        raise _NoFault
    return flips


def _drops(found: _Match) -> Drops:
    drops = Drops(*_share(found))
    if drops.count > drops.within_bytes:
        raise _NoFault
    return drops


def _bit(found: _Match) -> int | None:
    return int(found["bit"]) if found["bit"] else None


def _which(found: _Match) -> Which:
    """Whose answers."""
    name, number = found["command"], found["number"]
    if name != ANY and name not in COMMANDS:
        raise _NoFault
    return Which(None if name == ANY else name, int(number) if number else None)


def _since(found: _Match) -> Which | None:
    """From which request on; parameters are answered before anybody could see them."""
    if found["command"] is None:
        return None
    if found["command"] == PARAMETERS:
        raise _NoFault
    return _which(found)


def _percent(found: _Match) -> int:
    percent = int(found["percent"])
    if percent > 100:
        raise _NoFault
    return percent


def _tear(found: _Match) -> Tear:
    for tear in Tear:
        if tear.value == (found["tear"] or Tear.NOTHING.value):
            return tear
    raise _NoFault


def _wrong(wrong: Wrong) -> _Make:
    return lambda found: WrongAnswer(wrong, _which(found))


FORMS: Final[dict[str, _Make]] = {
    # -- the cable
    "unplug@P%[+Ts]": lambda found: Unplug(_percent(found), _seconds(found)),
    "unplug@N[+Ts][:WAY]": lambda found: UnplugAt(_at(found), _seconds(found), _way(found)),
    "slow[@RATE]": lambda found: Slow(int(found["rate"] or SLOW_BYTES_PER_S)),
    "flip@N[.BIT][:WAY]": lambda found: Flip(_at(found), _bit(found), _way(found)),
    "flips@COUNT/BYTES[:WAY]": _flips,
    "drop@N[xCOUNT][:WAY]": lambda found: Drop(*_place(found)),
    "drops@COUNT/BYTES[:WAY]": _drops,
    "drop-frame@N[xCOUNT][:WAY]": lambda found: DropFrames(*_place(found)),
    "double@N[xCOUNT][:WAY]": lambda found: Double(*_place(found)),
    "double-frame@N[xCOUNT][:WAY]": lambda found: DoubleFrames(*_place(found)),
    "stall@N+Ts[:WAY]": lambda found: Stall(_at(found), _seconds(found) or 0.0, _way(found)),
    # -- who it says it is
    "wrong-hw": lambda _: WrongHardware(),
    "other-dock[@WHICH]": lambda found: OtherDock(_since(found)),
    "already-locked": lambda _: AlreadyLocked(),
    # -- answers
    "mute[@WHICH]": lambda found: Mute(_since(found)),
    "garbage[@WHICH]": lambda found: Garbage(_since(found)),
    "late@WHICH+Ts": lambda found: LateAnswer(_which(found), _seconds(found) or 0.0),
    **{f"{wrong.value}@WHICH": _wrong(wrong) for wrong in Wrong},
    # -- ill will
    "endless[@WHICH]": lambda found: Endless(_since(found)),
    "drip[@WHICH][+Ts]": lambda found: Drip(_since(found), _seconds(found) or DRIP_EVERY_S),
    "flood[@WHICH]": lambda found: Flood(_since(found)),
    # -- the flash
    "bitflip": lambda _: BitFlip(),
    "cut@N[:TEAR]": lambda found: PowerCut(_at(found), _tear(found)),
    "bad-block@N": lambda found: DeadSector(_at(found)),
    "no-erase@N": lambda found: StuckSector(_at(found)),
    "stuck-bit@N[.BIT]": lambda found: StuckBit(_at(found), _bit(found) or 0),
    "slow-erase+Ts[xCOUNT]": lambda found: SlowErase(
        _seconds(found) or 0.0, int(found["count"]) if found["count"] else None
    ),
}
"""How each fault is written, and what it makes. Source: docs/spec/virtual-dock.md, "Faults"."""

_TIME: Final = r"\+(?P<seconds>\d{1,5}(?:\.\d{1,3})?)s"
_REQUEST: Final = r"(?P<command>[a-z-]+)(?:#(?P<number>[1-9]\d{0,8}))?"
_VALUES: Final = {
    "N": r"(?P<at>\d{1,12})",
    "P%": r"(?P<percent>\d{1,3})%",
    "COUNT/BYTES": r"(?P<count>[1-9]\d{0,5})/(?P<within>[1-9]\d{0,11})",
    "[xCOUNT]": r"(?:x(?P<count>[1-9]\d{0,8}))?",
    "[.BIT]": r"(?:\.(?P<bit>[0-7]))?",
    "[:WAY]": r"(?::(?P<way>in|out))?",
    "[:TEAR]": r"(?::(?P<tear>[a-z0-9-]+))?",
    "[@RATE]": r"(?:@(?P<rate>[1-9]\d{0,8}))?",
    "+Ts": _TIME,
    "[+Ts]": f"(?:{_TIME})?",
    "WHICH": _REQUEST,
    "[@WHICH]": f"(?:@{_REQUEST})?",
}
"""What stands for a value in a form, and how that value is spelled."""

_VALUE: Final = re.compile("|".join(map(re.escape, sorted(_VALUES, key=len, reverse=True))))


def _pattern(form: str) -> re.Pattern[str]:
    words = _VALUE.split(form)
    values = [_VALUES[found] for found in _VALUE.findall(form)]
    spelled = [re.escape(words[0])]
    for value, word in zip(values, words[1:], strict=True):
        spelled += [value, re.escape(word)]
    return re.compile("".join(spelled))

"""What a scanned text means (operator guide, "Scans"). Unknown means refuse.

A scan is text for one line only: `parse` turns it into a value, or says why not. It never guesses
a product; whether a serial fits the work order is decided where the order is known.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from station.domain.errors import BadScan
from station.domain.identity import Serial
from station.domain.limits import SCAN_CHARACTERS_MAX


class Command(StrEnum):
    """Command cards: a closed list that calls an action, never a widget."""

    PROVISION = "PROVISION"
    RETRY = "RETRY"
    HOLD = "HOLD"
    PAUSE = "PAUSE"
    HELP = "HELP"
    UNDO = "UNDO"


@dataclass(frozen=True, slots=True)
class UnitScan:
    """A label: the unit's serial, and its GTIN where the label is a GS1 one."""

    serial: Serial
    gtin: str = ""


@dataclass(frozen=True, slots=True)
class OrderScan:
    """A work order's card."""

    name: str


@dataclass(frozen=True, slots=True)
class BadgeScan:
    """An operator's badge."""

    operator: str


@dataclass(frozen=True, slots=True)
class SlotScan:
    """A slot's label; number counts from 1."""

    number: int


@dataclass(frozen=True, slots=True)
class CommandScan:
    """A command card."""

    command: Command


Scan = UnitScan | OrderScan | BadgeScan | SlotScan | CommandScan

GROUP_SEPARATOR: Final = "\x1d"
"""Ends a variable-length GS1 field (GS1 General Specifications, section 7.8.3)."""

_AIM_GS1: Final = ("]d2", "]C1")
"""AIM symbology identifiers of GS1 DataMatrix and GS1-128 (ISO/IEC 15424)."""

_GS1: Final = re.compile(
    r"01(?P<gtin>\d{14})21(?P<serial>[!-~]{1,20}?)(?:\x1d10(?P<lot>[!-~]{1,20}))?"
)
_LINK: Final = re.compile(
    r"https?://[A-Za-z0-9.-]{1,128}(?:/[A-Za-z0-9._~-]{1,64}){0,4}"
    r"/01/(?P<gtin>\d{14})/21/(?P<serial>[A-Za-z0-9._-]{1,20})"
)
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,63}")
_PRINTABLE: Final = re.compile(r"[\x20-\x7e]*")


def parse(text: str) -> Scan:
    """The value of one scan, terminator already removed. Raises BadScan."""
    if len(text) > SCAN_CHARACTERS_MAX:
        raise BadScan(f"a scan of {len(text)} characters; at most {SCAN_CHARACTERS_MAX}")
    if text.startswith(_AIM_GS1):
        return _gs1(text[3:])
    text = text.strip()
    if _PRINTABLE.fullmatch(text) is None:
        raise BadScan("a scan with control or foreign characters")
    match text.partition(":"):
        case ["WO", ":", name] if _NAME.fullmatch(name):
            return OrderScan(name)
        case ["OP", ":", operator] if _NAME.fullmatch(operator):
            return BadgeScan(operator)
        case ["SLOT", ":", number] if re.fullmatch(r"[1-9]\d{0,2}", number):
            return SlotScan(int(number))
        case ["CMD", ":", command] if command in set(Command):
            return CommandScan(Command(command))
    if link := _LINK.fullmatch(text):
        return UnitScan(Serial.parse(link["serial"]), _checked_gtin(link["gtin"]))
    return UnitScan(Serial.parse(text))


def _gs1(elements: str) -> UnitScan:
    fields = _GS1.fullmatch(elements.strip(GROUP_SEPARATOR))
    if fields is None:
        raise BadScan("a GS1 label without (01) GTIN and (21) serial")
    return UnitScan(Serial.parse(fields["serial"]), _checked_gtin(fields["gtin"]))


def _checked_gtin(gtin: str) -> str:
    """`gtin`, if its check digit is right (GS1 General Specifications, section 7.9.1)."""
    weighted = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(gtin))
    if weighted % 10:
        raise BadScan(f"GTIN {gtin}: wrong check digit")
    return gtin

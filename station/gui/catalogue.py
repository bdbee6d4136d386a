"""What the operator reads for every error code: headline, steps, and who acts.

Source: operator guide, "Error catalogue". A headline has at most 18 characters, a step at most
45; neither names a file, a port or a number in hex.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Place(StrEnum):
    """Where a code shows."""

    BAND = "band"
    CHECK = "CHECK"
    FAIL = "FAIL"
    HOLD = "HOLD"
    OFF = "OFF"
    STOP = "STOP"
    LAMP = "lamp"


class Acts(StrEnum):
    """Who puts it right."""

    OPERATOR = "operator"
    LEAD = "line leader"
    TECHNICIAN = "technician"
    ENGINEER = "engineer"
    QUALITY = "quality"


@dataclass(frozen=True, slots=True)
class Entry:
    """Texts of one code.

    steps: one or two imperatives. band: what the prompt band says while a slot shows this code;
    it may name {slot} and {serial}. tells_cause: the cause of the refusal is in the operator's
    own words and is shown too.
    """

    place: Place
    acts: Acts
    headline: str
    steps: tuple[str] | tuple[str, str]
    band: str
    tells_cause: bool = False


MOVE_AND_SCAN: Final = ("Move to another slot", "Scan label")
MOVE_BAND: Final = "Slot {slot}: move to another slot, scan again"
RED_TAG: Final = "Red tag → HOLD tray"
HOLD_BAND: Final = "Slot {slot}: red tag, put in HOLD tray"
ASIDE: Final = "Put this dock aside"
ASIDE_BAND: Final = "Slot {slot}: put this dock aside"
CALL_LEAD: Final = "Call line leader"
CALL_ENGINEER: Final = "Call engineer"
ENGINEER_BAND: Final = "Slot {slot}: call engineer"
LEAD_BAND: Final = "Slot {slot}: call line leader"

CATALOGUE: Final[dict[str, Entry]] = {
    # -- scans
    "E-SCAN-01": Entry(
        Place.BAND,
        Acts.OPERATOR,
        "CAN'T READ",
        ("Wipe the label", "Scan again"),
        "Slot {slot}: wipe the label, scan again",
    ),
    "E-SCAN-02": Entry(
        Place.BAND, Acts.OPERATOR, "WRONG DOCK", (ASIDE,), ASIDE_BAND, tells_cause=True
    ),
    "E-SCAN-03": Entry(
        Place.BAND, Acts.LEAD, "NOT IN JOB", ("Ask line leader",), LEAD_BAND, tells_cause=True
    ),
    "E-SCAN-04": Entry(
        Place.CHECK,
        Acts.OPERATOR,
        "ALREADY DONE",
        ("Put in GOOD tray",),
        "Slot {slot}: already done, put in GOOD tray",
        tells_cause=True,
    ),
    "E-SCAN-05": Entry(
        Place.BAND,
        Acts.OPERATOR,
        "IN ANOTHER SLOT",
        ("Finish the other slot first",),
        "Slot {slot}: finish the other slot first",
        tells_cause=True,
    ),
    "E-SCAN-06": Entry(
        Place.CHECK,
        Acts.OPERATOR,
        "ON HOLD",
        ("Put in HOLD tray",),
        "Slot {slot}: on hold, put in HOLD tray",
        tells_cause=True,
    ),
    # -- cable and dock
    "E-LINK-01": Entry(
        Place.CHECK,
        Acts.OPERATOR,
        "CHECK CABLE",
        ("Unplug", "Plug in firmly"),
        "Slot {slot}: unplug the dock and plug it in again",
    ),
    "E-LINK-02": Entry(Place.CHECK, Acts.OPERATOR, "NO ANSWER", MOVE_AND_SCAN, MOVE_BAND),
    "E-LINK-03": Entry(Place.CHECK, Acts.OPERATOR, "UNPLUGGED", MOVE_AND_SCAN, MOVE_BAND),
    "E-LINK-04": Entry(
        Place.CHECK,
        Acts.TECHNICIAN,
        "PORT BUSY",
        ("Use another slot", "Call technician"),
        "Slot {slot}: use another slot, call technician",
    ),
    "E-LINK-05": Entry(Place.CHECK, Acts.OPERATOR, "DOCK REFUSED", MOVE_AND_SCAN, MOVE_BAND),
    "E-BOOT-01": Entry(
        Place.CHECK,
        Acts.OPERATOR,
        "NOT BOOTABLE",
        ("Plug in firmly", "Scan label to write it again"),
        "Slot {slot}: plug in firmly, scan {serial} to write it again",
    ),
    "E-LINK-06": Entry(
        Place.CHECK, Acts.ENGINEER, "CAN'T VERIFY", (ASIDE, CALL_ENGINEER), ENGINEER_BAND
    ),
    "E-TIME-01": Entry(Place.CHECK, Acts.OPERATOR, "TOO SLOW", MOVE_AND_SCAN, MOVE_BAND),
    # -- identity
    "E-IDENT-01": Entry(
        Place.HOLD, Acts.QUALITY, "LABEL MISMATCH", (RED_TAG, "Call quality"), HOLD_BAND
    ),
    "E-IDENT-02": Entry(
        Place.CHECK, Acts.OPERATOR, "WRONG HARDWARE", (ASIDE,), ASIDE_BAND, tells_cause=True
    ),
    "E-IDENT-03": Entry(Place.HOLD, Acts.LEAD, "DOCK CHANGED", (RED_TAG, CALL_LEAD), HOLD_BAND),
    "E-IDENT-04": Entry(
        Place.HOLD, Acts.QUALITY, "KEY NOT PROVED", (RED_TAG, "Call quality"), HOLD_BAND
    ),
    # -- findings
    "E-IDENT-05": Entry(
        Place.CHECK,
        Acts.OPERATOR,
        "NO SERIAL",
        ("Scan its label",),
        "Slot {slot}: scan the label of this dock",
    ),
    "E-WRITE-01": Entry(Place.FAIL, Acts.OPERATOR, "WRITE FAILED", MOVE_AND_SCAN, MOVE_BAND),
    "E-VERIFY-02": Entry(Place.FAIL, Acts.OPERATOR, "DATA DIFFERENT", MOVE_AND_SCAN, MOVE_BAND),
    "E-VERIFY-03": Entry(
        Place.HOLD, Acts.ENGINEER, "SIGNATURE BAD", (RED_TAG, CALL_ENGINEER), HOLD_BAND
    ),
    "E-VERIFY-04": Entry(
        Place.HOLD, Acts.ENGINEER, "APP FAILED", (RED_TAG, CALL_ENGINEER), HOLD_BAND
    ),
    "E-LOCK-01": Entry(Place.HOLD, Acts.QUALITY, "LOCKED DOCK", (RED_TAG,), HOLD_BAND),
    # -- the station
    "E-TOKEN-01": Entry(Place.STOP, Acts.LEAD, "NO TOKENS LEFT", (CALL_LEAD,), LEAD_BAND),
    "E-SIGN-01": Entry(
        Place.STOP,
        Acts.ENGINEER,
        "SIGNER OFFLINE",
        ("Check signer USB", CALL_ENGINEER),
        "Slot {slot}: check signer USB, call engineer",
    ),
    "E-LOG-01": Entry(
        Place.STOP,
        Acts.ENGINEER,
        "CAN'T SAVE RECORD",
        ("Leave docks in", CALL_ENGINEER),
        "Slot {slot}: leave the dock in, call engineer",
    ),
    "E-LOG-02": Entry(
        Place.STOP,
        Acts.ENGINEER,
        "DATABASE ERROR",
        ("Leave docks in", "Call line IT"),
        "Slot {slot}: leave the dock in, call line IT",
    ),
    "E-REHEARSE-01": Entry(
        Place.STOP,
        Acts.ENGINEER,
        "NO FIRST BOOT",
        ("Leave docks in", "Call line IT"),
        "Slot {slot}: leave the dock in, call line IT",
    ),
    "E-REHEARSE-02": Entry(
        Place.STOP,
        Acts.ENGINEER,
        "NO PICTURE",
        ("Leave docks in", "Call line IT"),
        "Slot {slot}: leave the dock in, call line IT",
    ),
    "E-WORKER-01": Entry(Place.BAND, Acts.ENGINEER, "BAD COMMAND", (CALL_ENGINEER,), ENGINEER_BAND),
    "E-WORKER-02": Entry(
        Place.STOP,
        Acts.ENGINEER,
        "NO CONTACT",
        ("Leave docks in", CALL_ENGINEER),
        "Slot {slot}: leave the dock in, call engineer",
    ),
    "E-GATE-01": Entry(
        Place.STOP, Acts.ENGINEER, "BUNDLE REFUSED", (CALL_ENGINEER,), ENGINEER_BAND
    ),
    "E-KEY-01": Entry(Place.STOP, Acts.ENGINEER, "KEY REFUSED", (CALL_ENGINEER,), ENGINEER_BAND),
    "E-MES-01": Entry(
        Place.LAMP, Acts.ENGINEER, "MES OFFLINE", ("Keep working",), "Slot {slot}: keep working"
    ),
    "E-SLOT-01": Entry(
        Place.CHECK,
        Acts.OPERATOR,
        "NOT A DOCK",
        ("Remove this device", "Connect a dock"),
        "Slot {slot}: remove this device, connect a dock",
    ),
    "E-SLOT-02": Entry(
        Place.CHECK,
        Acts.TECHNICIAN,
        "SLOT NOT MAPPED",
        ("Use another slot", "Call technician"),
        "Slot {slot}: use another slot, call technician",
    ),
    "E-SLOT-03": Entry(
        Place.OFF,
        Acts.TECHNICIAN,
        "SLOT FAULT",
        ("Use another slot", "Technician called"),
        "Slot {slot}: use another slot",
    ),
    "E-SLOT-04": Entry(
        Place.BAND,
        Acts.TECHNICIAN,
        "NO SUCH SLOT",
        ("Call technician",),
        "Slot {slot}: call technician",
        tells_cause=True,
    ),
    # -- work orders and people
    "E-WO-01": Entry(
        Place.BAND,
        Acts.OPERATOR,
        "JOB DONE",
        ("Scan the next work order",),
        "Slot {slot}: job done, remove the dock",
    ),
    "E-WO-02": Entry(
        Place.BAND, Acts.LEAD, "JOB NOT RUNNING", ("Ask line leader",), LEAD_BAND, tells_cause=True
    ),
    "E-WO-03": Entry(
        Place.BAND, Acts.OPERATOR, "PAUSED", ("Press F8 to continue",), "Slot {slot}: press F8"
    ),
    "E-STOP-01": Entry(
        Place.CHECK,
        Acts.OPERATOR,
        "UNFINISHED",
        ("Scan label to redo it",),
        "Slot {slot}: scan {serial} to redo it",
    ),
    "E-DUP-01": Entry(Place.BAND, Acts.LEAD, "ALREADY KNOWN", ("Ask line leader",), LEAD_BAND),
    # -- what engineers gave us
    "E-FILE-01": Entry(
        Place.CHECK, Acts.ENGINEER, "FILE MISSING", (ASIDE, CALL_ENGINEER), ENGINEER_BAND
    ),
    "E-FILE-02": Entry(
        Place.CHECK, Acts.ENGINEER, "FILE REFUSED", (ASIDE, CALL_ENGINEER), ENGINEER_BAND
    ),
    "E-FILE-03": Entry(
        Place.CHECK, Acts.ENGINEER, "PICTURE REFUSED", (ASIDE, CALL_ENGINEER), ENGINEER_BAND
    ),
    "E-FILE-04": Entry(
        Place.CHECK, Acts.ENGINEER, "IMAGE TOO BIG", (ASIDE, CALL_ENGINEER), ENGINEER_BAND
    ),
    "E-FILE-05": Entry(
        Place.CHECK, Acts.ENGINEER, "FILE EXISTS", (ASIDE, CALL_ENGINEER), ENGINEER_BAND
    ),
    # -- docks on a developer's desk; never met at the line
    "E-STORE-01": Entry(Place.BAND, Acts.ENGINEER, "STORE FULL", (CALL_ENGINEER,), ENGINEER_BAND),
    "E-STORE-02": Entry(Place.BAND, Acts.ENGINEER, "NOT IN STORE", (CALL_ENGINEER,), ENGINEER_BAND),
    "E-STORE-03": Entry(Place.BAND, Acts.ENGINEER, "STORE WORN", (CALL_ENGINEER,), ENGINEER_BAND),
    "E-DOCK-05": Entry(Place.BAND, Acts.ENGINEER, "FACTORY DOCK", (CALL_ENGINEER,), ENGINEER_BAND),
    "E-CLOUD-01": Entry(
        Place.BAND,
        Acts.ENGINEER,
        "SERVICE REFUSED",
        (CALL_ENGINEER,),
        ENGINEER_BAND,
        tells_cause=True,
    ),
    "E-CLOUD-02": Entry(
        Place.BAND,
        Acts.ENGINEER,
        "SERVICE SILENT",
        (CALL_ENGINEER,),
        ENGINEER_BAND,
        tells_cause=True,
    ),
    "E-CLOUD-03": Entry(
        Place.BAND,
        Acts.ENGINEER,
        "SERVICE UNKNOWN",
        (CALL_ENGINEER,),
        ENGINEER_BAND,
        tells_cause=True,
    ),
}

UNKNOWN: Final = Entry(
    Place.CHECK, Acts.ENGINEER, "STATION PROBLEM", (ASIDE, CALL_ENGINEER), ENGINEER_BAND
)
"""For a code newer than this table: still a headline, still something to do."""


def entry(code: str) -> Entry:
    """The texts of a code; those of `UNKNOWN` for one the table lacks."""
    return CATALOGUE.get(code, UNKNOWN)


def catalogue_texts() -> frozenset[str]:
    """Every source text of the catalogue, for translators."""
    return frozenset(
        text
        for one in (*CATALOGUE.values(), UNKNOWN)
        for text in (one.headline, *one.steps, one.band)
    )

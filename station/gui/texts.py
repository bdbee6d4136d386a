"""Every word of the operator screen, in one table; texts of error codes are in `catalogue.py`.

The words are English sources: what is shown goes through a `Speaker`, which may translate them.
Figures in braces are filled in after translation. Codes, serials, versions and hashes are never
part of a text.
"""

from collections.abc import Callable
from enum import StrEnum, unique


@unique
class Text(StrEnum):
    """The table. The name says where a text stands, its value what it says."""

    APPLICATION = "Dock Provisioning Station"
    RIBBON = "DEMO – virtual docks, nothing real is written"
    RIBBON_HINT = "Press Space to scan the next dock"

    WORD_EMPTY = "EMPTY"
    WORD_READY = "READY"
    WORD_WAITING = "WAITING"
    WORD_WORKING = "WORKING"
    WORD_PASS = "PASS"
    WORD_FAIL = "FAIL"
    WORD_CHECK = "CHECK"
    WORD_HOLD = "HOLD"
    WORD_OFF = "OFF"

    EMPTY_1 = "Connect a dock,"
    EMPTY_2 = "then scan it"
    READY_1 = "Dock found"
    READY_2 = "Scan its label"
    BOUND_1 = "Label scanned"
    CANDIDATE_1 = "Is it this dock?"
    CANDIDATE_2 = "Scan slot label or press here"
    WAITING = "Connect this dock here"
    WORKING = "Do not unplug"
    PASS_1 = "Remove dock"
    PASS_2 = "→ GOOD tray"
    HOLD = "Red tag → HOLD tray"
    OFF = "Use another slot"

    STEP_IDENTIFY = "Identify"
    STEP_BUILD = "Build"
    STEP_WRITE = "Write"
    STEP_READ_BACK = "Read back"
    STEP_RECORD = "Record"
    STEP_OF = "{place}/{all} {step}"
    STEP_NUMBERED = "{place} {step}"
    PERCENT = "{percent} %"
    TIME_OF = "{elapsed} / {usual}"

    SLOT_NAME = "Slot {slot}"
    ALSO = "{this} · {that}"
    OR = "{these} or {last}"
    ROUTE = "{action} {target}"
    CODE_AND_HEADLINE = "{code}  {headline}"

    STOP = "STATION STOP: {headline}"
    REFUSED = "{headline}. {steps}"
    NO_OPERATOR = "Scan your badge"
    NO_ORDER = "Scan a work order"
    AMBIGUOUS = "Scan the slot label of slot {slots}"
    REMOVE_PASS = "Remove slot {slot} → GOOD tray"
    REMOVE_HOLD = "Remove slot {slot} → HOLD tray"
    FAILED = "Slot {slot}: move to another slot, scan again"
    JOB_DONE = "Job done {good}/{target}. Scan the next work order"
    PAUSED = "Press F8 to continue"
    CONNECT_WAITING = "Connect {serial} to slot {slot}"
    CONNECT_PENDING = "Connect {serial}"
    SCAN_NEXT = "Scan the next dock (slot {slot})"
    PRESS_PROVISION = "Press Provision (F5)"
    CONNECT_NEXT = "Connect the next dock to slot {slot}"
    ONE_WORKING = "Slot {slot} working"
    ONE_WORKING_FREE = "Slot {slot} working. Free in {left}"
    ALL_WORKING = "All slots working"
    ALL_WORKING_FREE = "All slots working. Next free: slot {slot} in {left}"
    NO_SLOT = "No slot in use. Call technician"
    STILL_WORKING = "Slot {slots} working: close when done"
    LAST_SCAN = "Last scan"
    NO_SCAN = "none yet"
    CODE = "Code"

    LAMP_SIGNER = "Signer"
    LAMP_TOKENS = "Tokens"
    LAMP_SCANNER = "Scanner"
    LAMP_LEDGER = "Ledger"
    LAMP_OFFLINE = "OFFLINE"
    LAMP_NONE_LEFT = "NONE LEFT"
    LAMP_LOW = "LOW"
    LAMP_NOT_SAVING = "NOT SAVING"
    LAMP_OK = "in order"
    HELP_CALLED = "HELP CALLED"
    NO_BADGE = "No operator"

    WORK_ORDER = "Work order"
    PRODUCT = "Product"
    FIRMWARE = "Firmware"
    GOOD = "GOOD"
    TARGET = "/{target}"
    FIRST_PASS = "First-pass"
    HOLDS = "Hold"
    PACE = "Pace"
    PER_HOUR = "{units}/h"
    NONE = "–"

    LAST_RESULTS = "Last 6"
    PAUSE = "Pause"
    CONTINUE = "Continue"
    CALL_HELP = "Call for help"
    CANCEL_HELP = "Cancel help"
    PROVISION = "Provision"


class Speaker:
    """Says a text in one language, its figures filled in."""

    def __init__(self, translate: Callable[[str], str] = str) -> None:
        self._translate = translate

    def __call__(self, text: str, **figures: str | int) -> str:
        """`text` is a member of `Text` or a text of the catalogue."""
        return self._translate(str(text)).format(**figures)


def printable(scanned: str) -> str:
    """Text from outside as a person may read it: control characters become spaces."""
    return "".join(sign if sign.isprintable() else " " for sign in scanned).strip()

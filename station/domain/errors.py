"""Every way the station can say no, sorted by who must act.

Codes are stable: they go to SQL, reports and exit statuses, while texts may change. No exception
means FAIL: a bad dock is a finding, reached by comparing evidence (`domain/verdict.py`).
"""

from enum import StrEnum
from typing import ClassVar, Final

EXIT_USAGE: Final = 2
EXIT_MISMATCH: Final = 10
EXIT_LINK: Final = 11
EXIT_IDENTITY: Final = 12
EXIT_STOCK: Final = 13
EXIT_SIGNING: Final = 14
EXIT_NOT_DURABLE: Final = 15
EXIT_POLICY: Final = 20
EXIT_INTERRUPTED: Final = 130


class StationError(Exception):
    """A named refusal or trouble: one line of cause, one of remedy, a stable code.

    `cause` never holds a secret value. `remedy` tells the reader what to do next.
    """

    code: ClassVar[str]
    remedy: str
    exit_status: ClassVar[int] = EXIT_USAGE

    def __init__(self, cause: str, *, remedy: str | None = None) -> None:
        super().__init__(cause)
        self.cause = cause
        if remedy is not None:
            self.remedy = remedy


def error_named(code: str) -> type[StationError] | None:
    """The error with this code, of those the program has loaded; None for none."""
    kinds = [StationError]
    while kinds:
        kind = kinds.pop()
        if kind.__dict__.get("code") == code:
            return kind
        kinds += kind.__subclasses__()
    return None


class OperatorError(StationError):
    """What a person gave us cannot be used: they correct it and nothing has changed."""


class LinkError(StationError):
    """Cable, port or silence: nobody can tell how the dock is. Reseat it."""

    exit_status = EXIT_LINK


class StationFault(StationError):
    """The station itself cannot go on: disk, database, signer. An engineer acts."""


# -- what people give us ---------------------------------------------------------------------


class FileUnreadable(OperatorError):
    """A named file or folder is missing, of the wrong kind, or may not be read."""

    code = "E-FILE-01"
    remedy = "Check the path and its permissions."


class DocumentRefused(OperatorError):
    """A YAML, JSON or CSV document breaks its schema; the cause names line and column."""

    code = "E-FILE-02"
    remedy = "Correct the document at the place named."


class PictureRefused(OperatorError):
    """Image bytes are not of the stated type, or have no usable dimensions."""

    code = "E-FILE-03"
    remedy = "Export the image again as the type the configuration states."


class OverBudget(OperatorError):
    """The content does not fit the dock's ROM store; the cause names the largest items."""

    code = "E-FILE-04"
    remedy = "Shrink or remove the largest items."


class FileExists(OperatorError):
    """An output already exists and would be overwritten."""

    code = "E-FILE-05"
    remedy = "Name another output, or remove the old one."


class BadScan(OperatorError):
    """Text that fits no grammar of the station (operator-facing code of an unreadable label)."""

    code = "E-SCAN-01"
    remedy = "Wipe the label and scan again."


class WrongProduct(OperatorError):
    """A serial of another product than the work order's."""

    code = "E-SCAN-02"
    remedy = "Put this dock aside; scan one of the work order's product."


class NotInOrder(OperatorError):
    """A serial the work order does not list, or no such order or unit."""

    code = "E-SCAN-03"
    remedy = "Ask the line leader."


class AlreadyDone(OperatorError):
    """The unit passed before; writing it again needs a rework order."""

    code = "E-SCAN-04"
    remedy = "Put the dock in the GOOD tray."
    exit_status = EXIT_POLICY


class InAnotherSlot(OperatorError):
    """The same serial or dock is already bound to a slot or open run."""

    code = "E-SCAN-05"
    remedy = "Finish the other slot first."
    exit_status = EXIT_POLICY


class OnHold(OperatorError):
    """The unit is on HOLD; only a release by quality or the line leader opens it again."""

    code = "E-SCAN-06"
    remedy = "Put the dock in the HOLD tray."
    exit_status = EXIT_POLICY


class OrderComplete(OperatorError):
    """The work order has its quantity; one more PASS would over-run it."""

    code = "E-WO-01"
    remedy = "Scan the next work order."
    exit_status = EXIT_POLICY


class OrderNotRunnable(OperatorError):
    """The work order is not in a state that allows the action."""

    code = "E-WO-02"
    remedy = "Start the work order first, or choose a running one."
    exit_status = EXIT_POLICY


class Paused(OperatorError):
    """The station is paused: what runs is finished, nothing new is bound."""

    code = "E-WO-03"
    remedy = "Press F8 to continue."
    exit_status = EXIT_POLICY


class Duplicate(OperatorError):
    """Something with this name or content is already recorded."""

    code = "E-DUP-01"
    remedy = "Use the recorded one, or choose another name."


class StoreFull(OperatorError):
    """An entry does not fit a partition's budget; the cause names the shortfall."""

    code = "E-STORE-01"
    remedy = "Delete entries of that partition, or store less."


class NoSuchEntry(OperatorError):
    """A partition holds no such entry."""

    code = "E-STORE-02"
    remedy = "List what the partition holds."


class StoreWorn(StationFault):
    """The flash of a runtime partition no longer keeps what is written; what it held, it holds."""

    code = "E-STORE-03"
    remedy = "Delete entries of that partition; replace the dock."


class NotForProduction(OperatorError):
    """A development service was asked of a dock made for production."""

    code = "E-DOCK-05"
    remedy = "Use a development dock, or provision this one with a work order."
    exit_status = EXIT_POLICY


# -- trust -----------------------------------------------------------------------------------


class BundleRefused(OperatorError):
    """A bundle whose bytes, signature, product or version the gate does not accept."""

    code = "E-GATE-01"
    remedy = "Ask the process engineer for a released bundle."
    exit_status = EXIT_POLICY


class Reason(StrEnum):
    """Why an image is refused, in the one word a dock answers with. Values are stable."""

    FORMAT = "format"
    DIGEST = "digest"
    CERTIFICATE = "certificate"
    SIGNATURE = "signature"
    RELEASE = "release"
    PRODUCT = "product"
    DOCK_ID = "dock-id"
    COUNTER = "counter"
    VOLUME = "volume"
    COLLISION = "collision"
    SEALED = "sealed"


class ImageRefused(OperatorError):
    """A ROM image that is damaged, not signed as its product demands, or for another dock."""

    code = "E-VERIFY-03"
    remedy = "Do not ship this dock; call the process engineer."
    exit_status = EXIT_MISMATCH

    def __init__(
        self, cause: str, *, reason: Reason = Reason.FORMAT, remedy: str | None = None
    ) -> None:
        super().__init__(cause, remedy=remedy)
        self.reason = reason


class KeyRefused(OperatorError):
    """A passphrase, key file or certificate that does not fit its purpose."""

    code = "E-KEY-01"
    remedy = "Check the passphrase and the key's purpose."
    exit_status = EXIT_SIGNING


class SignerOffline(StationFault):
    """The signer cannot sign: locked, unplugged or broken."""

    code = "E-SIGN-01"
    remedy = "Check the signer, then call the process engineer."
    exit_status = EXIT_SIGNING


# -- the dock and its cable --------------------------------------------------------------------


class NoDock(LinkError):
    """The port opens, but nothing that speaks our protocol answers; or there is no such port."""

    code = "E-LINK-01"
    remedy = "Unplug the dock and plug it in firmly."


class NoAnswer(LinkError):
    """A dock that had answered fell silent, or answers only damage."""

    code = "E-LINK-02"
    remedy = "Move the dock to another slot and scan its label."


class LinkLost(LinkError):
    """The port went away in the middle of a conversation."""

    code = "E-LINK-03"
    remedy = "Move the dock to another slot and scan its label."


class PortBusy(LinkError):
    """Another program holds the port."""

    code = "E-LINK-04"
    remedy = "Close the other program (ModemManager or a terminal) and try again."


class NotBootable(LinkError):
    """The dock has no image it may start: it stays in its boot loader, and says so."""

    code = "E-BOOT-01"
    remedy = "Scan its label to write it again; if it ends like this again, set it aside."


class NoWayToProve(LinkError):
    """This dock's firmware has no way to do, or to prove, what a PASS needs of it."""

    code = "E-LINK-06"
    remedy = "Put this dock aside and call the process engineer: firmware and profile do not fit."


class ForeignDevice(LinkError):
    """What is plugged into a slot is no dock by its own descriptor; nothing was sent to it."""

    code = "E-SLOT-01"
    remedy = "Remove it and connect a dock; a new dock model needs a profile with its USB ids."
    exit_status = EXIT_IDENTITY


class SeveralPorts(LinkError):
    """The device in a slot has several serial ports, and the slot map does not say which."""

    code = "E-SLOT-02"
    remedy = "Map the slot again: station slot map --slot N."


class NoSlot(OperatorError):
    """No slot has this number, or no slot was mapped at all."""

    code = "E-SLOT-04"
    remedy = "See: station slot list; station slot map learns where the slots are."


class DockChanged(LinkError):
    """Another dock answers than the one the run began with."""

    code = "E-IDENT-03"
    remedy = "Red tag the dock for the HOLD tray and call the line leader."
    exit_status = EXIT_IDENTITY


class LabelMismatch(OperatorError):
    """Label, dock and work order contradict each other."""

    code = "E-IDENT-01"
    remedy = "Red tag the dock for the HOLD tray and call quality."
    exit_status = EXIT_IDENTITY


class WrongHardware(OperatorError):
    """The dock's model, revision or profile is not the work order's."""

    code = "E-IDENT-02"
    remedy = "Put this dock aside."
    exit_status = EXIT_IDENTITY


class DockNotProved(OperatorError):
    """A dock claims a device key and does not prove that it has it."""

    code = "E-IDENT-04"
    remedy = "Red tag the dock for the HOLD tray and call quality: it may be a fake."
    exit_status = EXIT_IDENTITY


class Unlabelled(OperatorError):
    """A dock that is to be made under its own serial reports none."""

    code = "E-IDENT-05"
    remedy = "Scan its label, or name it: station provision SERIAL --port P."
    exit_status = EXIT_IDENTITY


class TooSlow(LinkError):
    """A phase passed its deadline."""

    code = "E-TIME-01"
    remedy = "Move the dock to another slot and scan its label."


# -- the development service -------------------------------------------------------------------


class ServiceRefused(OperatorError):
    """A development service understood us and said no, or answered what is not documented."""

    code = "E-CLOUD-01"
    remedy = "Correct what it names; for 401 check the credentials, for 404 the dock id."


class ServiceSilent(LinkError):
    """A development service cannot be reached, does not answer, or says it cannot serve."""

    code = "E-CLOUD-02"
    remedy = "Check the address and the network, then push again."


class ServiceNotTrusted(OperatorError):
    """Whoever answers for a development service has no certificate that we trust."""

    code = "E-CLOUD-03"
    remedy = "Give its certificate with --ca; if you did, something else answers there."
    exit_status = EXIT_POLICY


# -- the station -------------------------------------------------------------------------------


class NoTokens(StationFault):
    """The lot has no free record left."""

    code = "E-TOKEN-01"
    remedy = "Call the line leader: import the next lot."
    exit_status = EXIT_STOCK


class RecordNotDurable(StationFault):
    """The ledger could not commit: disk full, read-only or failing."""

    code = "E-LOG-01"
    remedy = "Leave the docks in and call the process engineer."
    exit_status = EXIT_NOT_DURABLE


class LedgerRefused(StationFault):
    """The ledger file is newer than the program, damaged, or used where it must not be."""

    code = "E-LOG-02"
    remedy = "Call line IT; do not delete the file."
    exit_status = EXIT_NOT_DURABLE


class RehearsalImpossible(StationFault):
    """This machine cannot confine an application, or the process that should is broken."""

    code = "E-REHEARSE-01"
    remedy = "Run station doctor; call line IT."


class ScreenNotDrawn(StationFault):
    """The process that draws splash screens ended without a picture."""

    code = "E-REHEARSE-02"
    remedy = "Run station doctor; call line IT."


class BadCommand(OperatorError):
    """A line that is no command of the worker's protocol; nothing has changed."""

    code = "E-WORKER-01"
    remedy = "Send one JSON object a line, as docs/spec/worker.md says."


class WorkerLost(StationFault):
    """The process that serves the docks has ended, or says nothing any more."""

    code = "E-WORKER-02"
    remedy = "Close the program and start it again; what was under way ends as ABORTED."
    exit_status = EXIT_LINK


class Interrupted(OperatorError):
    """A person asked for a stop; what was begun has been closed as ABORTED."""

    code = "E-STOP-01"
    remedy = "Scan the dock again to redo it."
    exit_status = EXIT_INTERRUPTED

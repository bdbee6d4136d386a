"""The prompt band: the single next thing to do. The first rule that holds wins. No Qt in here.

Source: operator guide, "Prompt band"; RULES follows its lines one by one.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from station.application.snapshot import LineSnapshot, SlotPhase, SlotSnapshot
from station.domain.order import OrderState
from station.gui.catalogue import entry
from station.gui.signs import Sign
from station.gui.texts import Speaker, Text, printable
from station.gui.tiles import duration
from station.gui.tokens import Token

GUESS_FROM: Final = 0.05
"""Least progress from which the rest of a run is guessed while no usual time is known."""


class Tone(StrEnum):
    """What the band's colour says."""

    ACTION = "action wanted"
    QUIET = "nothing to do"
    AMEND = "put something right"
    STOPPED = "stopped"


TONES: Final[dict[Tone, tuple[Token, Token]]] = {
    Tone.ACTION: (Token.ACCENT, Token.ON_ACCENT),
    Tone.QUIET: (Token.SUNKEN, Token.TEXT),
    Tone.AMEND: (Token.CHECK, Token.ON_CHECK),
    Tone.STOPPED: (Token.FAIL, Token.ON_FAIL),
}
"""Fill and ink of each tone."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the band shows; detail: a second, smaller line."""

    tone: Tone
    sign: Sign
    headline: str
    detail: str = ""
    code: str = ""


Rule = Callable[[LineSnapshot, Speaker], Prompt | None]


def prompt_for(line: LineSnapshot, say: Speaker) -> Prompt:
    """The band of this moment."""
    return next(prompt for rule in RULES if (prompt := rule(line, say)))


def _stopped(line: LineSnapshot, say: Speaker) -> Prompt | None:
    if not line.stop:
        return None
    texts = entry(line.stop)
    return Prompt(
        Tone.STOPPED,
        Sign.OCTAGON_BAR,
        say(Text.STOP, headline=say(texts.headline)),
        detail=". ".join(say(step) for step in texts.steps),
        code=line.stop,
    )


def _refused(line: LineSnapshot, say: Speaker) -> Prompt | None:
    if line.refusal is None:
        return None
    texts = entry(line.refusal.code)
    steps = ". ".join(say(step) for step in texts.steps)
    return Prompt(
        Tone.AMEND,
        Sign.TRIANGLE,
        say(Text.REFUSED, headline=say(texts.headline), steps=steps),
        detail=printable(line.refusal.cause) if texts.tells_cause else "",
        code=line.refusal.code,
    )


def _nobody(line: LineSnapshot, say: Speaker) -> Prompt | None:
    if not line.operator:
        return Prompt(Tone.ACTION, Sign.BARCODE, say(Text.NO_OPERATOR))
    if line.order is None:
        return Prompt(Tone.ACTION, Sign.BARCODE, say(Text.NO_ORDER))
    return None


def _ambiguous(line: LineSnapshot, say: Speaker) -> Prompt | None:
    numbers = [str(slot.number) for slot in line.slots if slot.candidate]
    if not numbers:
        return None
    return Prompt(Tone.ACTION, Sign.BARCODE, say(Text.AMBIGUOUS, slots=_listed(numbers, say)))


def _check(line: LineSnapshot, say: Speaker) -> Prompt | None:
    slot = _first(line, SlotPhase.CHECK)
    if slot is None:
        return None
    band = say(entry(slot.code).band, slot=slot.number, serial=slot.serial)
    return Prompt(Tone.AMEND, Sign.TRIANGLE, band)


def _remove(line: LineSnapshot, say: Speaker) -> Prompt | None:
    slot = _first(line, SlotPhase.PASS, SlotPhase.HOLD)
    if slot is None or _first(line, SlotPhase.EMPTY):
        return None
    text = Text.REMOVE_PASS if slot.phase is SlotPhase.PASS else Text.REMOVE_HOLD
    return Prompt(Tone.ACTION, Sign.TRAY, say(text, slot=slot.number))


def _failed(line: LineSnapshot, say: Speaker) -> Prompt | None:
    slot = _first(line, SlotPhase.FAIL)
    if slot is None:
        return None
    return Prompt(Tone.AMEND, Sign.TRIANGLE, say(Text.FAILED, slot=slot.number))


def _done(line: LineSnapshot, say: Speaker) -> Prompt | None:
    order = line.order
    if order is None or _first(line, SlotPhase.WORKING):
        return None
    if order.state is not OrderState.COMPLETE and line.counts.good < order.quantity:
        return None
    figures = {"good": line.counts.good, "target": order.quantity}
    return Prompt(Tone.ACTION, Sign.TICK, say(Text.JOB_DONE, **figures))


def _paused(line: LineSnapshot, say: Speaker) -> Prompt | None:
    return Prompt(Tone.ACTION, Sign.PAUSE, say(Text.PAUSED)) if line.paused else None


def _waiting(line: LineSnapshot, say: Speaker) -> Prompt | None:
    slot = _first(line, SlotPhase.WAITING)
    serial = (slot.serial if slot else "") or line.pending_scan
    if slot:
        text = say(Text.CONNECT_WAITING, serial=serial, slot=slot.number)
    elif serial:
        text = say(Text.CONNECT_PENDING, serial=serial)
    else:
        return None
    return Prompt(Tone.ACTION, Sign.PLUG, text)


def _ready(line: LineSnapshot, say: Speaker) -> Prompt | None:
    if any(slot.bound for slot in line.slots):
        return Prompt(Tone.ACTION, Sign.TRAY, say(Text.PRESS_PROVISION))
    slot = _first(line, SlotPhase.READY)
    if slot is None:
        return None
    return Prompt(Tone.ACTION, Sign.BARCODE, say(Text.SCAN_NEXT, slot=slot.number))


def _free(line: LineSnapshot, say: Speaker) -> Prompt | None:
    slot = _first(line, SlotPhase.EMPTY)
    if slot is None:
        return None
    return Prompt(Tone.ACTION, Sign.PLUG, say(Text.CONNECT_NEXT, slot=slot.number))


def _all_working(line: LineSnapshot, say: Speaker) -> Prompt | None:
    working = [slot for slot in line.slots if slot.phase is SlotPhase.WORKING]
    if not working:
        return None
    known = [(left, slot.number) for slot in working if (left := _left_s(slot))]
    alone = len(line.slots) == 1
    if known:
        left_s, number = min(known)
        text = Text.ONE_WORKING_FREE if alone else Text.ALL_WORKING_FREE
        return Prompt(Tone.QUIET, Sign.CLOCK, say(text, slot=number, left=duration(left_s)))
    text = Text.ONE_WORKING if alone else Text.ALL_WORKING
    return Prompt(Tone.QUIET, Sign.CLOCK, say(text, slot=working[0].number))


def _no_slot(line: LineSnapshot, say: Speaker) -> Prompt:
    """Every slot is off, or there is none."""
    return Prompt(Tone.AMEND, Sign.TRIANGLE, say(Text.NO_SLOT))


RULES: Final[tuple[Rule, ...]] = (
    _stopped,
    _refused,
    _nobody,
    _ambiguous,
    _check,
    _remove,
    _failed,
    _done,
    _paused,
    _waiting,
    _ready,
    _free,
    _all_working,
    _no_slot,
)


def _first(line: LineSnapshot, *phases: SlotPhase) -> SlotSnapshot | None:
    return next((slot for slot in line.slots if slot.phase in phases), None)


def _left_s(slot: SlotSnapshot) -> float:
    """Seconds until this run's usual end; 0.0 where nobody can tell, or it is overdue."""
    if slot.usual_s > 0:
        return max(0.0, slot.usual_s - slot.elapsed_s)
    if slot.fraction < GUESS_FROM:
        return 0.0
    return slot.elapsed_s * (1 - slot.fraction) / slot.fraction


def _listed(parts: Iterable[str], say: Speaker) -> str:
    *these, last = parts
    return say(Text.OR, these=", ".join(these), last=last) if these else last

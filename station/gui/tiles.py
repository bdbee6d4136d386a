"""What the tile of a slot shows, decided from the slot's snapshot. No Qt in here.

A tile says PASS only where the snapshot does: the word comes from the phase alone.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from station.application.snapshot import SlotPhase, SlotSnapshot
from station.domain.verdict import Step
from station.gui.catalogue import RED_TAG, Place, entry
from station.gui.signs import Sign
from station.gui.texts import Speaker, Text, printable
from station.gui.tokens import Token


@dataclass(frozen=True, slots=True)
class Look:
    """How a phase looks whatever it says.

    fill: None where the canvas shows through. ink2: of what matters less. sign_ink: of the
    silhouette. edge: None where the fill is its own border. strong: its lines are bold.
    """

    word: Text
    sign: Sign
    fill: Token | None
    ink: Token
    ink2: Token
    sign_ink: Token
    edge: Token | None = None
    dashed: bool = False
    hatched: bool = False
    strong: bool = False


def _open(word: Text, sign: Sign, edge: Token, *, dashed: bool = False) -> Look:
    return Look(word, sign, Token.SURFACE, Token.TEXT, Token.TEXT2, edge, edge=edge, dashed=dashed)


def _solid(word: Text, sign: Sign, fill: Token, ink: Token, *, hatched: bool = False) -> Look:
    return Look(word, sign, fill, ink, ink, ink, hatched=hatched, strong=True)


LOOKS: Final[dict[SlotPhase, Look]] = {
    SlotPhase.EMPTY: Look(
        Text.WORD_EMPTY,
        Sign.DASHED_RING,
        None,
        Token.TEXT2,
        Token.TEXT2,
        Token.LINE,
        edge=Token.LINE,
        dashed=True,
    ),
    SlotPhase.READY: _open(Text.WORD_READY, Sign.RING_DOT, Token.ACCENT),
    SlotPhase.WAITING: _open(Text.WORD_WAITING, Sign.CLOCK, Token.ACCENT, dashed=True),
    SlotPhase.WORKING: _open(Text.WORD_WORKING, Sign.ARC, Token.RUN),
    SlotPhase.PASS: _solid(Text.WORD_PASS, Sign.TICK, Token.PASS, Token.ON_PASS),
    SlotPhase.FAIL: _solid(
        Text.WORD_FAIL, Sign.OCTAGON_CROSS, Token.FAIL, Token.ON_FAIL, hatched=True
    ),
    SlotPhase.CHECK: _solid(Text.WORD_CHECK, Sign.TRIANGLE, Token.CHECK, Token.ON_CHECK),
    SlotPhase.HOLD: _solid(Text.WORD_HOLD, Sign.DIAMOND_BARS, Token.HOLD, Token.ON_HOLD),
    SlotPhase.OFF: Look(
        Text.WORD_OFF,
        Sign.CROSSED_PLUG,
        Token.SUNKEN,
        Token.TEXT2,
        Token.TEXT2,
        Token.TEXT2,
        edge=Token.LINE,
        hatched=True,
    ),
}

STEPS: Final[dict[Step, Text]] = {
    Step.IDENTIFY: Text.STEP_IDENTIFY,
    Step.BUILD: Text.STEP_BUILD,
    Step.WRITE: Text.STEP_WRITE,
    Step.READ_BACK: Text.STEP_READ_BACK,
    Step.RECORD: Text.STEP_RECORD,
}

DIMMED_BY_STOP: Final = frozenset({SlotPhase.EMPTY, SlotPhase.READY, SlotPhase.WAITING})


class Mark(Enum):
    """How far a step of a run is."""

    DONE = auto()
    NOW = auto()
    AHEAD = auto()


@dataclass(frozen=True, slots=True)
class Progress:
    """A run under way. fraction: 0.0 to 1.0. steps: all five, in order, numbered."""

    fraction: float
    percent: str
    step: str
    time: str
    steps: tuple[tuple[str, Mark], ...]


@dataclass(frozen=True, slots=True)
class Tile:
    """Everything a tile shows.

    lines: at most two. line: the same for a compact tile. foot: last line, empty on a compact
    tile, which shows code_line instead. name: for a screen reader.
    """

    number: int
    look: Look
    word: str
    serial: str = ""
    lines: tuple[str, ...] = ()
    numbered: bool = False
    line: str = ""
    foot: str = ""
    code_line: str = ""
    progress: Progress | None = None
    dimmed: bool = False
    pulsing: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True)
class _Wording:
    """The part of a tile that depends on more than the phase."""

    lines: tuple[str, ...]
    line: str
    word: str = ""
    numbered: bool = False
    foot: str = ""
    code_line: str = ""


def duration(seconds: float) -> str:
    """Whole seconds as m:ss, or h:mm:ss from one hour on."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def tile_for(slot: SlotSnapshot, say: Speaker, *, stopped: bool = False) -> Tile:
    """The tile of this slot; `stopped`: the station starts nothing now."""
    look = LOOKS[slot.phase]
    wording = _wording(slot, say)
    word = wording.word or say(look.word)
    progress = _progress(slot, say) if slot.phase is SlotPhase.WORKING else None
    spoken = (
        say(Text.SLOT_NAME, slot=slot.number),
        word,
        slot.serial,
        progress.step if progress else "",
        wording.line,
        wording.code_line,
    )
    return Tile(
        number=slot.number,
        look=look,
        word=word,
        serial=slot.serial,
        lines=wording.lines,
        numbered=wording.numbered,
        line=wording.line,
        foot=wording.foot or wording.code_line,
        code_line=wording.code_line,
        progress=progress,
        dimmed=stopped and slot.phase in DIMMED_BY_STOP,
        pulsing=slot.candidate,
        name=". ".join(part for part in spoken if part),
    )


def _wording(slot: SlotSnapshot, say: Speaker) -> _Wording:
    match slot.phase:
        case SlotPhase.EMPTY:
            return _pair(say, Text.EMPTY_1, Text.EMPTY_2, join=" ")
        case SlotPhase.READY if slot.candidate:
            return _pair(say, Text.CANDIDATE_1, Text.CANDIDATE_2, join=" ")
        case SlotPhase.READY if slot.bound:
            return _pair(say, Text.BOUND_1, Text.PRESS_PROVISION)
        case SlotPhase.READY:
            return _pair(say, Text.READY_1, Text.READY_2)
        case SlotPhase.WAITING:
            return _Wording((say(Text.WAITING),), say(Text.WAITING))
        case SlotPhase.WORKING:
            return _Wording((), "", foot=say(Text.WORKING))
        case SlotPhase.PASS:
            passed = _pair(say, Text.PASS_1, Text.PASS_2, join=" ")
            return _Wording(passed.lines, passed.line, foot=duration(slot.elapsed_s))
        case SlotPhase.FAIL:
            return _steps(slot, say, code_line=_code_and_headline(slot, say))
        case SlotPhase.CHECK:
            return _steps(slot, say, code_line=slot.code, word=_headline(slot, say))
        case SlotPhase.HOLD:
            return _hold(slot, say)
        case SlotPhase.OFF if slot.code:
            return _steps(slot, say, code_line=slot.code, word=_headline(slot, say))
        case SlotPhase.OFF:
            return _Wording((say(Text.OFF),), say(Text.OFF))


def _pair(say: Speaker, first: Text, second: Text, *, join: str = ". ") -> _Wording:
    lines = (say(first), say(second))
    return _Wording(lines, join.join(lines))


def _steps(slot: SlotSnapshot, say: Speaker, *, code_line: str, word: str = "") -> _Wording:
    texts = entry(slot.code)
    steps = tuple(say(step) for step in texts.steps)
    if texts.tells_cause and slot.cause:
        lines: tuple[str, ...] = (printable(slot.cause), ". ".join(steps))
    else:
        lines = steps
    return _Wording(
        lines,
        ". ".join(lines),
        word=word,
        numbered=lines is steps and len(steps) > 1 and texts.place is not Place.OFF,
        code_line=code_line,
    )


def _hold(slot: SlotSnapshot, say: Speaker) -> _Wording:
    texts = entry(slot.code)
    calls = [say(step) for step in texts.steps[1:]] if texts.place is Place.HOLD else []
    also = [*([slot.ncr] if slot.ncr else []), *calls]
    tag = say(RED_TAG)
    lines = (tag, say(Text.ALSO, this=also[0], that=also[1])) if also[1:] else (tag, *also)
    line = (tag, *(calls or also))  # one line has no room for both; the number is on the tag
    return _Wording(lines, " · ".join(line), code_line=_code_and_headline(slot, say))


def _headline(slot: SlotSnapshot, say: Speaker) -> str:
    """A CHECK without a code keeps the plain word; it never borrows another state's."""
    return say(entry(slot.code).headline) if slot.code else ""


def _code_and_headline(slot: SlotSnapshot, say: Speaker) -> str:
    if not slot.code:
        return ""
    return say(Text.CODE_AND_HEADLINE, code=slot.code, headline=_headline(slot, say))


def _progress(slot: SlotSnapshot, say: Speaker) -> Progress:
    """A run that has not ended never reads 100 %."""
    order = list(STEPS)
    place = order.index(slot.step) if slot.step else 0
    fraction = min(1.0, max(0.0, slot.fraction))
    elapsed, usual = duration(slot.elapsed_s), duration(slot.usual_s)
    return Progress(
        fraction=fraction,
        percent=say(Text.PERCENT, percent=min(99, int(fraction * 100))),
        step=say(Text.STEP_OF, place=place + 1, all=len(order), step=say(STEPS[order[place]])),
        time=say(Text.TIME_OF, elapsed=elapsed, usual=usual) if slot.usual_s > 0 else elapsed,
        steps=tuple(
            (
                say(Text.STEP_NUMBERED, place=at + 1, step=say(STEPS[step])),
                Mark.DONE if at < place else Mark.NOW if at == place else Mark.AHEAD,
            )
            for at, step in enumerate(order)
        ),
    )

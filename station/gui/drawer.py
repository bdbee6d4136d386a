"""What the drawer of a slot shows, decided from the slot's snapshot. No Qt in here.

It is the operator's view: no digest, no port, no path. A check that was not made is listed and
never ticked; a picture that is not there is accounted for.
Source: operator guide, "Regions".
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from station.application.snapshot import EndedRun, SlotSnapshot
from station.domain.rehearsal import FindingKind, Rehearsal
from station.domain.verdict import CheckName, Verdict, required_checks
from station.gui.catalogue import entry
from station.gui.marks import MARKS, Mark
from station.gui.signs import Sign
from station.gui.texts import Speaker, Text, printable
from station.gui.tiles import LOOKS, STEPS, Look, duration, tile_for
from station.gui.tokens import Token

RUNS_SHOWN: Final = 5
"""Of the last runs, in words; the drawer shows as many of them as it has room for."""

AHEAD: Final = Mark(Sign.DASHED_RING, Token.LINE, Token.SURFACE)
DONE: Final = Mark(Sign.BARE_TICK, Token.PASS, Token.SURFACE)
HOLDS: Final = Mark(Sign.TICK, Token.PASS, Token.ON_PASS)
CONTRADICTED: Final = Mark(Sign.OCTAGON_CROSS, Token.FAIL, Token.ON_FAIL)

VERDICTS: Final[dict[Verdict, Text]] = {
    Verdict.PASS: Text.WORD_PASS,
    Verdict.FAIL: Text.WORD_FAIL,
    Verdict.ERROR: Text.WORD_ERROR,
    Verdict.ABORTED: Text.WORD_ABORTED,
}

CHECKS: Final[dict[CheckName, tuple[Text, Text]]] = {
    CheckName.PROVED: (Text.CHECK_PROVED, Text.HOLDS_PROVED),
    CheckName.ACCEPTED: (Text.CHECK_ACCEPTED, Text.HOLDS_ACCEPTED),
    CheckName.PROVED_AGAIN: (Text.CHECK_PROVED_AGAIN, Text.HOLDS_PROVED_AGAIN),
    CheckName.BLOCKS: (Text.CHECK_BLOCKS, Text.HOLDS_BLOCKS),
    CheckName.IMAGE: (Text.CHECK_IMAGE, Text.HOLDS_IMAGE),
    CheckName.DATASTORE: (Text.CHECK_DATASTORE, Text.HOLDS_DATASTORE),
    CheckName.DOCK_ANSWERS: (Text.CHECK_DOCK_ANSWERS, Text.HOLDS_DOCK_ANSWERS),
    CheckName.REHEARSED: (Text.CHECK_REHEARSED, Text.HOLDS_REHEARSED),
    CheckName.CONFIRMED: (Text.CHECK_CONFIRMED, Text.HOLDS_CONFIRMED),
}
"""What a check is called, and what is said of one that holds."""

FINDINGS: Final[dict[FindingKind, Text]] = {
    FindingKind.TIMER_UNREFERENCED: Text.FINDING_TIMER,
    FindingKind.NOT_ON_DOCK: Text.FINDING_NOT_ON_DOCK,
    FindingKind.MARKUP: Text.FINDING_MARKUP,
    FindingKind.BACKGROUND: Text.FINDING_BACKGROUND,
    FindingKind.ENDLESS: Text.FINDING_ENDLESS,
    FindingKind.MEMORY: Text.FINDING_MEMORY,
    FindingKind.FORBIDDEN: Text.FINDING_FORBIDDEN,
    FindingKind.ENDED: Text.FINDING_ENDED,
    FindingKind.TOO_MUCH: Text.FINDING_TOO_MUCH,
    FindingKind.EXPECTATION: Text.FINDING_EXPECTATION,
    FindingKind.SECRET_SHOWN: Text.FINDING_SECRET,
}

_HEX: Final = re.compile(
    r"[,;]?\s*(?:(?:first )?at offset |SHA-256 )?(?:0x[0-9A-Fa-f]+|\b[0-9a-f]{8,})…?"
)
"""Offsets and digests, with the words that lead to them."""


@dataclass(frozen=True, slots=True)
class Heading:
    """Of a part of the drawer; note: at the right."""

    title: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step of the run. begin, end: on the run's length, 0.0 to 1.0; equal for none."""

    mark: Mark
    label: str
    begin: float
    end: float
    time: str


@dataclass(frozen=True, slots=True)
class Boot:
    """The rehearsed first boot. picture: PNG; where there is none, `instead` says why.

    text: what stands on the splash, in one line. findings: in one line each.
    """

    heading: Heading
    picture: bytes
    instead: str
    text: str
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckRow:
    """A check of the run. evidence: of one that failed or was waived, in one line of any length."""

    mark: Mark
    label: str
    note: str
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class LastRun:
    """The run that ended here last. code_line: empty where it passed."""

    mark: Mark
    serial: str
    facts: str
    code_line: str
    steps_heading: Heading
    steps: tuple[StepRow, ...]
    boot: Boot
    checks_heading: Heading
    checks: tuple[CheckRow, ...]


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run that ended here."""

    mark: Mark
    time: str
    serial: str
    word: str
    took: str


@dataclass(frozen=True, slots=True)
class Drawer:
    """Everything in the drawer, newest runs first. look, word: of the slot now.

    run: None where none has ended here; `nothing` says so. name: for a screen reader.
    """

    slot: int
    title: str
    look: Look
    word: str
    close: str
    close_key: str
    nothing: str
    run: LastRun | None
    runs_heading: Heading
    marks: tuple[Mark, ...]
    runs: tuple[RunRow, ...]
    name: str


def drawer_for(slot: SlotSnapshot, say: Speaker) -> Drawer:
    """The drawer of this slot."""
    run = _run(slot.runs[0], say) if slot.runs else None
    title, word = say(Text.SLOT_NAME, slot=slot.number), tile_for(slot, say).word
    nothing = "" if run else say(Text.NO_RUN)
    runs = tuple(_row(one, say) for one in slot.runs)
    of_run = (run.serial, runs[0].word, run.code_line, run.checks_heading.note) if run else ()
    return Drawer(
        slot=slot.number,
        title=title,
        look=LOOKS[slot.phase],
        word=word,
        close=say(Text.CLOSE),
        close_key=say(Text.CLOSE_KEY),
        nothing=nothing,
        run=run,
        runs_heading=Heading(say(Text.LAST_RUNS, slot=slot.number), _counted(slot.runs, say)),
        marks=tuple(one.mark for one in runs),
        runs=runs[:RUNS_SHOWN],
        name=". ".join(part for part in (title, word, *of_run, nothing) if part),
    )


def _run(run: EndedRun, say: Speaker) -> LastRun:
    checks = tuple(_checks(run, say))
    held = sum(row.mark is HOLDS for row in checks)
    headline = say(entry(run.code).headline) if run.code else ""
    return LastRun(
        mark=MARKS[run.verdict],
        serial=run.serial,
        facts=say(
            Text.RUN_FACTS,
            number=run.number,
            time=_local(run.ended_at, "%H:%M:%S"),
            took=duration(run.took_s),
        ),
        code_line=say(Text.CODE_AND_HEADLINE, code=run.code, headline=headline) if run.code else "",
        steps_heading=Heading(say(Text.STEP_TIMES), say(Text.STEP_TIMES_NOTE)),
        steps=tuple(_steps(run, say)),
        boot=_boot(run, say),
        checks_heading=Heading(say(Text.CHECKS), say(Text.CHECKS_HOLD, held=held, all=len(checks))),
        checks=checks,
    )


def _steps(run: EndedRun, say: Speaker) -> Iterator[StepRow]:
    """Bars one behind the other. The step a run ended in, other than by PASS, is not ticked."""
    begun = [step for step in STEPS if step in run.seconds]
    whole_s = sum(run.seconds.values()) or 1.0
    at = 0.0
    for place, step in enumerate(STEPS, 1):
        label = say(Text.STEP_NUMBERED, place=place, step=say(STEPS[step]))
        if step not in begun:
            yield StepRow(AHEAD, label, at, at, say(Text.NONE))
            continue
        took_s = run.seconds[step]
        ended_here = step is begun[-1] and run.verdict is not Verdict.PASS
        mark = MARKS[run.verdict] if ended_here else DONE
        time = say(Text.SECONDS, seconds=f"{took_s:.1f}")
        yield StepRow(mark, label, at, at + took_s / whole_s, time)
        at += took_s / whole_s


def _boot(run: EndedRun, say: Speaker) -> Boot:
    seen = run.rehearsal
    return Boot(
        heading=Heading(say(Text.FIRST_BOOT), say(Text.FIRST_BOOT_NOTE) if run.picture else ""),
        picture=run.picture,
        instead="" if run.picture else say(_why_no_picture(run)),
        text=_spelled(seen) if seen else "",
        findings=tuple(_findings(seen, say)) if seen else (),
    )


def _spelled(seen: Rehearsal) -> str:
    """Letters of a small picture cannot be read; of a trace the check has the line that counts."""
    return "" if seen.error else " · ".join(printable(text) for text in seen.text if text.strip())


def _why_no_picture(run: EndedRun) -> Text:
    if run.rehearsal is None:
        return Text.BOOT_NOT_REACHED if run.asked else Text.BOOT_NOT_ASKED
    kinds = {finding.kind for finding in run.rehearsal.findings}
    return Text.BOOT_SECRET if FindingKind.SECRET_SHOWN in kinds else Text.BOOT_NOT_DRAWN


def _findings(seen: Rehearsal, say: Speaker) -> Iterator[str]:
    for finding in seen.findings:
        kind, detail = say(FINDINGS[finding.kind]), printable(finding.detail)
        yield say(Text.FINDING, kind=kind, detail=detail)


def _checks(run: EndedRun, say: Speaker) -> Iterator[CheckRow]:
    """All that this run needed, in their order, and whatever else was made."""
    made = {check.name: check for check in run.checks}
    listed = required_checks(rehearse=run.asked) | made.keys()
    for place, name in enumerate((one for one in CheckName if one in listed), 1):
        words, holds = CHECKS[name]
        label = say(Text.STEP_NUMBERED, place=place, step=say(words))
        check = made.get(name)
        if check is None:
            yield CheckRow(AHEAD, label, say(Text.NOT_MADE))
        elif check.passed:
            yield CheckRow(HOLDS, label, say(holds))
        elif check.waived:
            yield CheckRow(AHEAD, label, say(Text.WAIVED), printable(check.evidence))
        else:
            evidence = _HEX.sub("", printable(check.evidence))
            yield CheckRow(CONTRADICTED, label, check.code, evidence)


def _row(run: EndedRun, say: Speaker) -> RunRow:
    return RunRow(
        mark=MARKS[run.verdict],
        time=_local(run.ended_at, "%H:%M"),
        serial=run.serial,
        word=say(VERDICTS[run.verdict]),
        took=duration(run.took_s),
    )


def _counted(runs: tuple[EndedRun, ...], say: Speaker) -> str:
    """How often each verdict came; those that did not come are left out."""
    counts = Counter(run.verdict for run in runs)
    return " · ".join(
        say(Text.COUNT_OF, count=counts[verdict], word=say(VERDICTS[verdict]))
        for verdict in Verdict
        if counts[verdict]
    )


def _local(at: datetime, form: str) -> str:
    """On the clock of the place where the station stands."""
    return at.astimezone().strftime(form)

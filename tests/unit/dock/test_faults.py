"""Fault scripts as written on a command line, and where it is told how."""

import re
from pathlib import Path

import pytest

from station.cli.fault_forms import FORMS as TOLD_FORMS
from station.dock.faults import (
    FORMS,
    AlreadyLocked,
    BitFlip,
    Fault,
    Garbage,
    Mute,
    OtherDock,
    Slow,
    UnknownFault,
    Unplug,
    WrongHardware,
    parse_fault,
)
from station.dock.flash import DeadSector, PowerCut, SlowErase, StuckBit, StuckSector, Tear
from station.dock.hostile import Drip, Endless, Flood
from station.dock.noise import (
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
from station.dock.wrong_answers import COMMANDS, LateAnswer, Which, Wrong, WrongAnswer

SPEC = Path(__file__).parents[3] / "docs" / "spec" / "virtual-dock.md"

WRITTEN: dict[str, Fault] = {
    "unplug@40%": Unplug(40),
    "unplug@0%": Unplug(0),
    "unplug@100%+3s": Unplug(100, 3.0),
    "unplug@7%+0.25s": Unplug(7, 0.25),
    "unplug@40": UnplugAt(40, None, Way.IN),
    "unplug@40+0.5s:out": UnplugAt(40, 0.5, Way.OUT),
    "slow": Slow(),
    "slow@50000": Slow(50_000),
    "flip@0": Flip(0, None, Way.IN),
    "flip@1000.7:in": Flip(1_000, 7, Way.IN),
    "flips@177/13000000:out": Flips(177, 13_000_000, Way.OUT),
    "drop@5": Drop(5, 1, Way.IN),
    "drop@5x37:out": Drop(5, 37, Way.OUT),
    "drops@9/9": Drops(9, 9, Way.IN),
    "drop-frame@3x2": DropFrames(3, 2, Way.IN),
    "double@5x37": Double(5, 37, Way.IN),
    "double-frame@0:out": DoubleFrames(0, 1, Way.OUT),
    "stall@1000+3s": Stall(1_000, 3.0, Way.IN),
    "wrong-hw": WrongHardware(),
    "other-dock": OtherDock(),
    "other-dock@commit": OtherDock(Which("commit")),
    "already-locked": AlreadyLocked(),
    "mute": Mute(),
    "mute@write#3": Mute(Which("write", 3)),
    "garbage": Garbage(),
    "garbage@any": Garbage(Which()),
    "late@challenge#2+12.5s": LateAnswer(Which("challenge", 2), 12.5),
    "lost@commit": WrongAnswer(Wrong.LOST, Which("commit")),
    "huge-length@any#7": WrongAnswer(Wrong.HUGE_LENGTH, Which(None, 7)),
    "stale@parameters": WrongAnswer(Wrong.STALE, Which("parameters")),
    "endless": Endless(),
    "endless@read": Endless(Which("read")),
    "drip": Drip(),
    "drip@slot-state#2+0.2s": Drip(Which("slot-state", 2), 0.2),
    "flood": Flood(),
    "bitflip": BitFlip(),
    "cut@0": PowerCut(0),
    "cut@1234:1": PowerCut(1234, Tear.ONE_BYTE),
    "cut@9:half": PowerCut(9, Tear.HALF),
    "cut@9:all-but-last": PowerCut(9, Tear.ALL_BUT_LAST),
    "cut@9:all": PowerCut(9, Tear.ALL),
    "bad-block@5": DeadSector(5),
    "no-erase@5": StuckSector(5),
    "stuck-bit@70000": StuckBit(70_000),
    "stuck-bit@70000.3": StuckBit(70_000, 3),
    "slow-erase+2s": SlowErase(2.0),
    "slow-erase+0.5sx3": SlowErase(0.5, 3),
}


@pytest.mark.parametrize(("text", "fault"), list(WRITTEN.items()))
def test_every_fault_is_read_as_it_is_written(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault


@pytest.mark.parametrize("wrong", list(Wrong))
def test_every_wrong_answer_has_a_form(wrong: Wrong) -> None:
    assert parse_fault(f"{wrong.value}@read#2") == WrongAnswer(wrong, Which("read", 2))


@pytest.mark.parametrize(
    "text",
    [
        *("", "Bitflip", "bitflip ", "bitflip\n", "unplug", "unplug@101%", "unplug@-1%"),
        *("unplug@40%+s", "unplug@40%:in", "slow@0", "slow@fast", "token-out"),
        *("cut@", "cut@1:", "cut@1:most", "flip@1.8", "flip@1:up", "flips@3", "flips@0/9"),
        *("flips@801/100", "drops@10/9", "drop@5x0", "stall@5", "lost", "lost@", "lost@reed"),
        *("lost@read#0", "late@read", "mute@parameters", "flood@parameters", "slow-erase"),
        *("other-dock@write#", "stuck-bit@1.9", "N", "flip@N"),
    ],
)
def test_text_that_is_no_fault_is_refused_by_name(text: str) -> None:
    with pytest.raises(UnknownFault, match="no fault is called"):
        parse_fault(text)


def test_as_many_bits_may_flip_as_there_are() -> None:
    assert parse_fault("flips@800/100") == Flips(800, 100, Way.IN)


def test_the_help_tells_every_form_and_no_other() -> None:
    told = [form for name, forms in TOLD_FORMS.items() if name != "Where" for form in forms.split()]

    assert sorted(told) == sorted(FORMS)


def section() -> list[str]:
    """Of the specification."""
    text = SPEC.read_text(encoding="utf-8")
    return text.partition("## Faults\n")[2].partition("\n## ")[0].splitlines()


def test_the_specification_tells_every_request_and_no_other() -> None:
    rows = [line for line in section() if re.match(r"\| \d+ \|", line)]

    assert sorted(re.findall(r"`([^`]+)`", " ".join(rows))) == sorted(COMMANDS)


def test_the_specification_tells_every_form_and_no_other() -> None:
    rows = [line for line in section() if line.startswith("| `")]
    told = {form for row in rows for form in re.findall(r"`([^`]+)`", row.split(" | ")[0])}

    # `other-dock` has two rows, for it does two things.
    assert told == {*FORMS, "other-dock", "other-dock@WHICH"} - {"other-dock[@WHICH]"}

"""Fault scripts as written on a command line."""

import pytest

from station.dock.faults import (
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
from station.dock.flash import PowerCut, Tear

WRITTEN: dict[str, Fault] = {
    "unplug@40%": Unplug(40),
    "unplug@0%": Unplug(0),
    "unplug@100%+3s": Unplug(100, 3.0),
    "unplug@7%+0.25s": Unplug(7, 0.25),
    "bitflip": BitFlip(),
    "slow": Slow(),
    "slow@50000": Slow(50_000),
    "wrong-hw": WrongHardware(),
    "other-dock": OtherDock(),
    "already-locked": AlreadyLocked(),
    "mute": Mute(),
    "garbage": Garbage(),
    "cut@0": PowerCut(0),
    "cut@1234:1": PowerCut(1234, Tear.ONE_BYTE),
    "cut@9:half": PowerCut(9, Tear.HALF),
    "cut@9:all-but-last": PowerCut(9, Tear.ALL_BUT_LAST),
}


@pytest.mark.parametrize(("text", "fault"), list(WRITTEN.items()))
def test_every_fault_is_read_as_it_is_written(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault


@pytest.mark.parametrize(
    "text",
    [
        *("", "Bitflip", "bitflip ", "unplug", "unplug@40", "unplug@101%", "unplug@-1%"),
        *("unplug@40%+s", "slow@0", "slow@fast", "cut@", "cut@1:", "cut@1:most", "token-out"),
    ],
)
def test_text_that_is_no_fault_is_refused_by_name(text: str) -> None:
    with pytest.raises(UnknownFault, match="no fault is called"):
        parse_fault(text)

"""What the window of a virtual dock says and offers."""

from dataclasses import dataclass

import pytest

from station.domain.splash import Splash
from station.gui.dock_panel import STATES, DockPanel, dock_panel
from station.gui.texts import Speaker
from station.protocol.datastore_group import Running

NOTHING = Splash()


@dataclass(frozen=True)
class Look:
    """`gui.dock_port.DockLook`."""

    state: Running = Running.RUNNING
    trace: str = ""
    splash: Splash = NOTHING
    plugged: bool = True


def panel(look: Look | None, **asked: object) -> DockPanel:
    return dock_panel("DK7F-00317", "/run/dock.tty", look, Speaker(), **asked)  # type: ignore[arg-type]


def test_every_state_has_a_word_and_a_sign() -> None:
    assert set(STATES) == set(Running)
    assert len({text for text, _ in STATES.values()}) == len(Running)
    assert len({mark.sign for _, mark in STATES.values()}) == len(Running)


def test_a_running_dock_is_named_and_offers_its_buttons() -> None:
    shown = panel(Look())

    assert (shown.title, shown.path) == ("Virtual dock DK7F-00317", "/run/dock.tty")
    assert (shown.state, shown.detail) == ("running", "")
    assert (shown.restart, shown.cable, shown.reset) == ("Restart", "Unplug", "Factory reset")
    assert shown.enabled


def test_a_dock_nobody_has_looked_at_yet_offers_nothing() -> None:
    shown = panel(None)

    assert (shown.state, shown.enabled) == ("starting", False)


def test_a_dock_without_its_cable_says_so_and_can_be_plugged_in() -> None:
    shown = panel(Look(plugged=False))

    assert (shown.state, shown.cable, shown.plugged) == ("running · cable out", "Plug in", False)


@pytest.mark.parametrize(
    ("trace", "trouble", "detail"),
    [
        ("Traceback\n  File\nKeyError: tag\n", "", "KeyError: tag"),
        ("Traceback\nKeyError: tag", "the dock is off", "the dock is off"),
        ("odd \x1b[2J", "", "odd  [2J"),
    ],
)
def test_what_went_wrong_is_said_in_one_line(trace: str, trouble: str, detail: str) -> None:
    assert panel(Look(Running.FAILED, trace), trouble=trouble).detail == detail


def test_a_reset_asks_before_it_is_done() -> None:
    shown = panel(Look(), sure=True)

    assert (shown.reset, shown.sure) == ("Really reset?", True)

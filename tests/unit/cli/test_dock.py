"""``station dock``: what is refused at the door, and what a dock's words may do to a terminal."""

import json

import pytest

from station.bootstrap.docks import DockScreen, DockWish
from station.cli.main import Session, run
from station.domain.entries import PictureType
from station.domain.splash import Alignment
from station.protocol.screen_text import ScreenText, ShownBackground, ShownBox


def no_window(*_: object, **__: object) -> int:
    raise AssertionError("nobody asked for a window")


@pytest.mark.parametrize(
    "option", ["--flash=F", f"--dock-id={'5A' * 32}", "--label=DK7F-00001", "--port=P"]
)
def test_several_docks_are_new_ones(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["dock", "run", "--docks=2", option], open_window=no_window) == 2

    assert "--docks are new ones" in capsys.readouterr().err


@pytest.mark.parametrize("docks", ["0", "65", "many"])
def test_there_is_no_such_number_of_docks(docks: str) -> None:
    assert run(["dock", "run", f"--docks={docks}"], open_window=no_window) == 2


@pytest.mark.parametrize("groups", ["", "0,", "0 1", "all", "-1", "0,1,", "1000000"])
def test_groups_are_numbers_with_commas_between(
    groups: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["dock", "run", f"--groups={groups}"], open_window=no_window) == 2

    assert "such as 0,1,8,10" in capsys.readouterr().err


def test_a_stock_server_is_asked_for_by_its_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    wishes: list[DockWish] = []

    def run_dock(_: Session, wish: DockWish, *, window: bool) -> int:
        wishes.append(wish)
        return int(window)

    monkeypatch.setattr(Session, "run_dock", run_dock)

    run(["dock", "run", "--groups=0,1,8,10", "--no-rom-file"], open_window=no_window)
    run(["dock", "run"], open_window=no_window)

    assert [(wish.groups, wish.rom_file) for wish in wishes] == [
        ((0, 1, 8, 10), False),
        (None, True),
    ]


def test_line_and_flash_are_as_they_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    wishes: list[DockWish] = []

    def run_dock(_: Session, wish: DockWish, *, window: bool) -> int:
        wishes.append(wish)
        return int(window)

    monkeypatch.setattr(Session, "run_dock", run_dock)

    told = ("--latency=1.5", "--line-rate=1000", "--nor=slow", "--fault=mute", "--fault=bitflip")
    run(["dock", "run", *told], open_window=no_window)
    run(["dock", "run"], open_window=no_window)

    assert [(wish.latency_s, wish.line_rate, wish.nor, wish.faults) for wish in wishes] == [
        (0.0015, 1_000, "slow", ("mute", "bitflip")),
        (0.0, None, "none", ()),
    ]


@pytest.mark.parametrize("option", ["--latency=-1", "--latency=60001", "--nor=quick"])
def test_there_is_no_such_line_or_flash(option: str) -> None:
    assert run(["dock", "run", option], open_window=no_window) == 2


SCREEN = ScreenText(
    ShownBackground(PictureType.PNG, 5, bytes(32)),
    (
        ShownBox((960, 580), Alignment.MIDDLE, "<b>A</b>", "A\x1b[2J\nB"),
        ShownBox(None, Alignment.LEFT, "centre", "centre"),
    ),
    "",
)


def told(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    screen: DockScreen,
    *options: str,
) -> str:
    monkeypatch.setattr(Session, "dock_screen", lambda *_: screen)
    assert run(["dock", "screen", "--port=P", *options], open_window=no_window) == 0
    return capsys.readouterr().out


def test_a_screen_is_told_and_steers_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = told(monkeypatch, capsys, DockScreen("running", "", SCREEN))

    assert out.splitlines() == [
        "application running",
        "background PNG, 5 bytes",
        "X       Y    ALIGNMENT  TEXT",
        "960     580  middle     A\ufffd[2J / B",
        "centre       left       centre",
    ]


def test_a_trace_is_told_in_place_of_the_screen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = "Traceback:\nNameError: \x07x"
    screen = ScreenText(SCREEN.background, SCREEN.boxes, trace)

    out = told(monkeypatch, capsys, DockScreen("failed", trace, screen))

    assert out.splitlines() == ["application failed", "Traceback:", "NameError: \ufffdx"]


def test_as_json_nothing_is_changed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = json.loads(told(monkeypatch, capsys, DockScreen("running", "", SCREEN), "--json"))

    assert out == {
        "port": "P",
        "state": "running",
        "trace": "",
        "background": {"type": "PNG", "size": 5, "sha256": "00" * 32},
        "boxes": [
            {
                "x": 960,
                "y": 580,
                "alignment": "middle",
                "markup": "<b>A</b>",
                "plain": "A\x1b[2J\nB",
            },
            {"x": None, "y": None, "alignment": "left", "markup": "centre", "plain": "centre"},
        ],
        "png": None,
        "demo": False,
    }

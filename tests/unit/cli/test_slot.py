"""``station slot``: what it says of slots, and its exit statuses."""

import json
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from station.application.cancel import Cancel
from station.application.ports import DockIdentity
from station.cli.main import Session, run
from station.domain.identity import DockId
from station.domain.slot_map import SlotPlace
from station.domain.sounding import Sounding

IDENTITY = DockIdentity(
    DockId(b"\x5a" * 32), "DK7F-00001", "DL-7450", "C", "p", "DK-7F", 0, "D0", 1, locked=False
)


GOOD = Sounding(0, 0, 0, (0.001, 0.003, 0.002))


def no_window(*_: object) -> int:
    raise AssertionError("nobody asked for a window")


class Bench:
    """As much of the bench as these commands ask for."""

    def __init__(self, found: Sounding) -> None:
        self._found = found

    def place(self, number: int) -> SlotPlace:
        return SlotPlace(number, "usb:1-2")

    def mapped(self) -> tuple[SlotPlace, ...]:
        return (SlotPlace(1, "usb:1-1"), SlotPlace(3, "usb:1-3", enabled=False))

    def learn(self, numbers: list[int], **_: object) -> None:
        self.asked = numbers

    def sound(
        self, _place: SlotPlace, *, echoes: int, done: Callable[[int], None], cancel: Cancel
    ) -> tuple[DockIdentity, Sounding]:
        return IDENTITY, self._found


def on(monkeypatch: pytest.MonkeyPatch, found: Sounding = GOOD) -> Bench:
    bench = Bench(found)
    config = SimpleNamespace(settings=SimpleNamespace(slots=4))
    station = SimpleNamespace(bench=bench, config=config, demo=False)
    monkeypatch.setattr(Session, "station", station)
    return bench


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (GOOD, 0),
        (Sounding(1, 0, 0, (0.001,)), 11),
        (Sounding(0, 1, 0, (0.001,)), 11),
        (Sounding(0, 0, 1, (0.001,)), 11),
    ],
)
def test_a_cable_is_good_only_if_nothing_was_lost_damaged_or_stray(
    found: Sounding,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    on(monkeypatch, found)
    assert run(["slot", "test", "7", "--json"], open_window=no_window) == status

    said = json.loads(capsys.readouterr().out)
    assert (said["slot"], said["port"], said["label"]) == (7, "usb:1-2", "DK7F-00001")
    assert (said["lost"], said["damaged"], said["stray"]) == (
        found.lost,
        found.damaged,
        found.stray,
    )
    assert said["clean"] is (status == 0)


def test_a_test_is_told_in_words_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    on(monkeypatch)
    run(["slot", "test", "7"], open_window=no_window)

    said = capsys.readouterr().out
    assert "3 echoes: 0 lost, 0 damaged, 0 stray; 2.0 ms, at worst 3.0 ms" in said


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ([], [2, 3, 4]),
        (["--count", "2"], [2]),
        (["--count", "1"], []),
        (["--slot", "9", "--slot", "1", "--slot", "9"], [9, 1]),
    ],
)
def test_the_wizard_asks_for_what_is_missing_or_named(
    arguments: list[str], asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = on(monkeypatch)
    monkeypatch.setattr(bench, "mapped", lambda: (SlotPlace(1, "usb:1-1"),))

    assert run(["slot", "map", *arguments], open_window=no_window) == 0
    assert bench.asked == asked


@pytest.mark.parametrize(
    "arguments",
    [
        ["map", "--count", "2", "--slot", "1"],
        ["map", "--count", "0"],
        ["map", "--wait", "0"],
        ["test"],
        ["test", "0"],
        ["test", "1000"],
        ["test", "1", "--echoes", "0"],
        ["enable", "one"],
        ["disable"],
    ],
)
def test_what_makes_no_sense_is_a_wrong_command_line(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    on(monkeypatch)

    assert run(["slot", *arguments], open_window=no_window) == 2

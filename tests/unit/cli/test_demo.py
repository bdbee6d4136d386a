"""A demo ends well only if every dock ended as its trouble demands."""

import pytest

from station.application.demo import DemoUnit
from station.application.ports import UnitRow
from station.cli.demo import surprises
from station.domain.identity import DockId, Serial
from station.domain.verdict import Disposition


def made(number: int, fault: str = "") -> DemoUnit:
    return DemoUnit(Serial(f"DK7F-{number:05d}"), DockId(bytes([number]) * 32), fault)


def ended(number: int, disposition: Disposition) -> UnitRow:
    return UnitRow(f"DK7F-{number:05d}", "DK-7F", disposition, "", b"", (), ())


@pytest.mark.parametrize(
    ("fault", "disposition"),
    [
        ("", Disposition.GOOD),
        ("unplug@40%", Disposition.GOOD),
        ("slow", Disposition.GOOD),
        ("bitflip", Disposition.HOLD),
        ("already-locked", Disposition.HOLD),
        ("mute", Disposition.OPEN),
        ("garbage", Disposition.HOLD),
    ],
)
def test_a_dock_that_ends_as_its_trouble_demands_is_no_surprise(
    fault: str, disposition: Disposition
) -> None:
    assert surprises([made(1, fault)], [ended(1, disposition)]) == ()


def test_a_dock_put_aside_before_its_first_run_is_as_good_as_open() -> None:
    assert surprises([made(1, "wrong-hw")], []) == ()


@pytest.mark.parametrize(
    ("fault", "disposition"),
    [
        ("", Disposition.HOLD),
        ("", Disposition.OPEN),
        ("unplug@40%", Disposition.OPEN),
        ("bitflip", Disposition.GOOD),
        ("bitflip", Disposition.OPEN),
        ("wrong-hw", Disposition.GOOD),
    ],
)
def test_any_other_end_is_named(fault: str, disposition: Disposition) -> None:
    (surprise,) = surprises([made(1, fault)], [ended(1, disposition)])

    assert surprise.startswith("DK7F-00001")
    assert surprise.endswith(disposition)


def test_a_dock_that_never_ran_is_a_surprise() -> None:
    assert surprises([made(1)], []) == ("DK7F-00001 ended OPEN",)

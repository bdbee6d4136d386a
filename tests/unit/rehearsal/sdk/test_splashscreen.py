"""Module `splashscreen` (dock-sdk.md, 2.2)."""

from typing import Any

import pytest

from station.domain import splash
from station.domain.entries import Entry, Kind, PictureType
from station.domain.rehearsal import Finding, FindingKind
from station.domain.splash import MARKUP_CHARACTERS_MAX, TextBox
from station.rehearsal.sdk.modules import dock_modules
from tests.fakes.machine import FakeMachine
from tests.unit.rehearsal.sdk.desk import module, run

PICTURE = Entry(Kind.IMG, "default", b"octets", PictureType.PNG)


@pytest.fixture
def machine() -> FakeMachine:
    return FakeMachine(entries=[PICTURE])


@pytest.fixture
def screen(machine: FakeMachine) -> Any:
    return module("splashscreen", machine).Splashscreen()


def test_2_2_a_token_shows_an_image_without_moving_it(machine: FakeMachine) -> None:
    modules = dock_modules(machine)
    token = modules["datastore"].ImageStore().get_token("default")
    modules["splashscreen"].Splashscreen().set_background(token)

    assert machine.background == "default"
    assert machine.fetched == []
    assert machine.calls[-1] == (
        "splashscreen.Splashscreen.set_background",
        "the image default",
    )


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_2_2_octets_are_a_png_unless_they_are_said_to_be_something_else(
    machine: FakeMachine, screen: Any, kind: type
) -> None:
    image = module("image")
    shown = []
    for types in ((), (image.PNG,), (image.BMP,), (image.NONE,)):
        screen.set_background(kind(b"octets"), *types)
        shown.append(machine.background)

    assert shown == [(b"octets", "PNG"), (b"octets", "PNG"), (b"octets", "BMP"), (b"octets", "")]
    assert machine.calls[-1][1] == "6 bytes, type unknown"


def test_2_2_a_background_is_a_copy(machine: FakeMachine, screen: Any) -> None:
    octets = bytearray(b"octets")
    screen.set_background(background=octets, image_type=module("image").PNG)
    octets[:] = b"______"

    assert machine.background == (b"octets", "PNG")


@pytest.mark.parametrize("odd", [None, "default", 5, ["octets"]])
def test_2_2_what_is_no_background_is_a_type_error(screen: Any, odd: object) -> None:
    with pytest.raises(TypeError):
        screen.set_background(odd)


@pytest.mark.parametrize(("odd", "error"), [("png", TypeError), (None, TypeError), (7, ValueError)])
def test_2_2_an_image_type_is_a_constant(screen: Any, odd: object, error: type) -> None:
    with pytest.raises(error):
        screen.set_background(b"octets", odd)


def test_2_2_text_goes_to_its_place_with_its_alignment(machine: FakeMachine, screen: Any) -> None:
    alignment = module("splashscreen").Alignment
    screen.add_text_box("left", {"x": 1, "y": 2, "alignment": alignment.LEFT})
    screen.add_text_box("middle", {"x": 3, "y": 4, "alignment": alignment.MIDDLE})
    screen.add_text_box("right", {"x": 5, "y": -6, "alignment": alignment.RIGHT})
    screen.add_text_box("none said", {"x": 7, "y": 8})

    assert list(machine.boxes.values()) == [
        TextBox("left", 1, 2, splash.Alignment.LEFT),
        TextBox("middle", 3, 4, splash.Alignment.MIDDLE),
        TextBox("right", 5, -6, splash.Alignment.RIGHT),
        TextBox("none said", 7, 8, splash.Alignment.LEFT),
    ]


def test_2_2_the_place_is_the_identity_of_a_box(machine: FakeMachine, screen: Any) -> None:
    screen.add_text_box("old", {"x": 1, "y": 2})
    other = module("splashscreen", machine).Splashscreen()
    other.add_text_box("new", {"x": 1, "y": 2, "alignment": 2})

    assert list(machine.boxes.values()) == [TextBox("new", 1, 2, splash.Alignment.MIDDLE)]


def test_2_2_a_box_is_removed_by_its_place(machine: FakeMachine, screen: Any) -> None:
    screen.add_text_box("one", {"x": 1, "y": 2})
    screen.remove_text_box(2, 1)
    screen.remove_text_box(x=1, y=2)

    assert machine.boxes == {}
    assert machine.calls[-1] == ("splashscreen.Splashscreen.remove_text_box", "(1, 2)")


def test_q14_the_default_area_is_one_box_apart_from_all_places(
    machine: FakeMachine, screen: Any
) -> None:
    screen.add_text_box("first")
    screen.add_text_box("at zero", {"x": 0, "y": 0})
    screen.add_text_box("second", {})
    screen.add_text_box("third", None)

    assert machine.texts() == ["third", "at zero"]
    assert machine.boxes[None, None].x is None


def test_2_2_lines_are_joined_before_the_markup_is_read(machine: FakeMachine, screen: Any) -> None:
    screen.add_text_box(['<span size="large">Info:', "today</span>"])
    screen.add_text_box(("a", "b"), {"x": 0, "y": 0})
    screen.add_text_box([], {"x": 1, "y": 1})

    assert machine.texts() == ['<span size="large">Info:\ntoday</span>', "a\nb", ""]
    assert machine.findings == []


@pytest.mark.parametrize("odd", [None, 5, b"text", ["a", 5], {"a"}])
def test_2_2_what_is_no_text_is_a_type_error(screen: Any, odd: object) -> None:
    with pytest.raises(TypeError):
        screen.add_text_box(odd)


@pytest.mark.parametrize(
    ("odd", "error"),
    [
        ({"x": 1}, ValueError),
        ({"y": 1, "alignment": 0}, ValueError),
        ({"x": 1, "y": 2, "alignment": 7}, ValueError),
        ({"x": 1, "y": 2, "alignment": "left"}, ValueError),
        ({"x": 960.0, "y": 2}, TypeError),
        ({"x": 1, "y": None}, TypeError),
        ([("x", 1)], TypeError),
        (5, TypeError),
    ],
)
def test_2_2_what_is_no_place_is_refused(
    machine: FakeMachine, screen: Any, odd: object, error: type
) -> None:
    with pytest.raises(error):
        screen.add_text_box("text", odd)

    assert machine.boxes == {}


@pytest.mark.parametrize(("x", "y"), [("1", 2), (1, 2.0), (None, None)])
def test_2_2_a_place_is_made_of_whole_numbers(screen: Any, x: object, y: object) -> None:
    with pytest.raises(TypeError):
        screen.remove_text_box(x, y)


def test_2_2_an_attribute_that_is_not_documented_is_told_of_and_ignored() -> None:
    machine = run("""
        from splashscreen import Splashscreen
        Splashscreen().add_text_box("text", {"x": 1, "y": 2, "colour": "red"})
        """)

    assert machine.texts() == ["text"]
    assert machine.findings == [
        Finding(FindingKind.NOT_ON_DOCK, "main.py, line 3: attribute 'colour' of a text box")
    ]


def test_2_2_text_that_is_no_markup_is_shown_and_told_of_without_quoting_it(
    machine: FakeMachine, screen: Any
) -> None:
    screen.add_text_box("R&D secret", {"x": 1, "y": 2})

    assert machine.texts() == ["R&D secret"]
    assert machine.kinds() == [FindingKind.MARKUP]
    assert machine.findings[0].detail.startswith("text box at (1, 2): ")
    assert "secret" not in machine.findings[0].detail


def test_2_2_more_text_than_a_box_holds_is_told_of_and_not_shown(
    machine: FakeMachine, screen: Any
) -> None:
    screen.add_text_box("x" * MARKUP_CHARACTERS_MAX)
    screen.add_text_box("x" * (MARKUP_CHARACTERS_MAX + 1), {"x": 0, "y": 0})

    assert len(machine.boxes) == 1
    assert machine.findings == [
        Finding(FindingKind.TOO_MUCH, "16,385 characters for the text box at (0, 0)")
    ]


def test_what_is_told_of_a_text_is_its_length_and_its_place(
    machine: FakeMachine, screen: Any
) -> None:
    screen.add_text_box("secret", {"x": 1, "y": 2})
    screen.add_text_box("secret")

    assert [detail for _, detail in machine.calls] == [
        "(1, 2), 6 characters",
        "the default area, 6 characters",
    ]

"""The text of a screen: one spelling, and nothing else is taken for it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.domain import canonical_json
from station.domain.entries import PictureType
from station.domain.errors import DocumentRefused
from station.domain.splash import BOXES_MAX, Alignment
from station.protocol.screen_text import ScreenText, ShownBackground, ShownBox

GOLDEN = (
    b'{"background":{"sha256":"' + b"11" * 32 + b'","size":755157,"type":"PNG"},"boxes":['
    b'{"alignment":"middle","markup":"<b>A &amp; B</b>","plain":"A & B","x":960,"y":580},'
    b'{"alignment":"left","markup":"centre","plain":"centre","x":null,"y":null}],"trace":""}'
)
"""Written by hand from docs/SPEC.md, "Screen"."""

VALUE = ScreenText(
    ShownBackground(PictureType.PNG, 755_157, b"\x11" * 32),
    (
        ShownBox((960, 580), Alignment.MIDDLE, "<b>A &amp; B</b>", "A & B"),
        ShownBox(None, Alignment.LEFT, "centre", "centre"),
    ),
    "",
)
EMPTY = b'{"background":null,"boxes":[],"trace":""}'

texts = st.text(st.characters(codec="utf-8"), max_size=40)
boxes = st.builds(
    ShownBox,
    st.none() | st.tuples(st.integers(-99_999, 99_999), st.integers(-99_999, 99_999)),
    st.sampled_from(Alignment),
    texts,
    texts,
)
backgrounds = st.none() | st.builds(
    ShownBackground,
    st.none() | st.sampled_from(PictureType),
    st.integers(0, 2**40),
    st.binary(min_size=32, max_size=32),
)


def test_it_is_spelled_as_specified() -> None:
    assert VALUE.encode() == GOLDEN
    assert ScreenText.decode(GOLDEN) == VALUE
    assert ScreenText(None, (), "").encode() == EMPTY


@given(st.builds(ScreenText, backgrounds, st.lists(boxes, max_size=4).map(tuple), texts))
def test_what_was_told_is_understood(screen: ScreenText) -> None:
    assert ScreenText.decode(screen.encode()) == screen


def changed(change: Callable[[Any], object]) -> bytes:
    value = json.loads(GOLDEN)
    change(value)
    return canonical_json.encode(value)


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.pop("trace"),
        lambda value: value.update(more=1),
        lambda value: value.update(trace=1),
        lambda value: value.update(background=[]),
        lambda value: value["background"].update(size=-1),
        lambda value: value["background"].update(size=True),
        lambda value: value["background"].update(type="GIF"),
        lambda value: value["background"].update(sha256="1" * 63),
        lambda value: value["background"].update(sha256="1" * 62 + "  "),
        lambda value: value["background"].update(sha256="A" * 64),
        lambda value: value["boxes"][0].update(x=None),
        lambda value: value["boxes"][0].update(x=False),
        lambda value: value["boxes"][0].update(alignment="centre"),
        lambda value: value["boxes"][0].pop("plain"),
        lambda value: value["boxes"].append("text"),
        lambda value: value["boxes"].extend(value["boxes"][:1] * BOXES_MAX),
    ],
)
def test_another_document_is_refused(change: Callable[[Any], object]) -> None:
    with pytest.raises(DocumentRefused):
        ScreenText.decode(changed(change))


@given(st.binary(max_size=60) | st.integers(0, len(GOLDEN)).map(lambda cut: GOLDEN[:cut]))
def test_damage_is_refused(octets: bytes) -> None:
    if octets in {GOLDEN, EMPTY}:
        return
    with pytest.raises(DocumentRefused):
        ScreenText.decode(octets)

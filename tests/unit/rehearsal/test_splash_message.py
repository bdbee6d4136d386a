"""A splash on its way to the renderer: the same at the other end, and nothing else is."""

import json
import os
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station.domain.entries import PictureType
from station.domain.splash import Alignment, Background, Splash, TextBox
from station.rehearsal.splash_message import BACKGROUND_BYTES_MAX, decode, encode

EXAMPLES = {"ci": 100, "nightly": 2_000, "release": 20_000}[os.environ.get("STATION_SWEEP", "ci")]

WHOLE = st.integers(-(1 << 40), 1 << 40)
ALIGNMENTS = st.sampled_from(Alignment)
BOXES = st.builds(TextBox, st.text(max_size=50), alignment=ALIGNMENTS) | st.builds(
    TextBox, st.text(max_size=50), WHOLE, WHOLE, ALIGNMENTS
)
BACKGROUNDS = st.builds(
    Background, st.binary(min_size=1, max_size=50), st.sampled_from([None, *PictureType])
)
SPLASHES = st.builds(
    Splash, st.none() | BACKGROUNDS, st.lists(BOXES, max_size=5).map(tuple), st.text(max_size=50)
)


def sent(splash: Splash) -> bytes:
    return b"".join(encode(splash))


def message(head: object, body: bytes = b"") -> bytes:
    octets = json.dumps(head).encode()
    return struct.pack(">I", len(octets)) + octets + body


@given(SPLASHES)
@settings(max_examples=EXAMPLES)
def test_a_splash_arrives_as_it_was(splash: Splash) -> None:
    assert decode(sent(splash)) == splash


def test_a_background_is_not_copied_and_one_too_large_is_left_out() -> None:
    content = memoryview(bytes(BACKGROUND_BYTES_MAX + 1))

    assert encode(Splash(Background(content[1:], None)))[1].obj is content.obj  # type: ignore[union-attr]
    assert decode(sent(Splash(Background(content, None)))) == Splash()


def test_a_background_without_octets_is_none() -> None:
    assert decode(sent(Splash(Background(b"", PictureType.PNG)))) == Splash()


def test_more_text_than_is_taken_is_refused() -> None:
    with pytest.raises(ValueError, match="more text"):
        encode(Splash(trace="\N{GRINNING FACE}" * 3_000_000))


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\0\0\0",
        b"\0\0\0\x01",
        b"\xff\xff\xff\xff{}",
        b"\0\0\0\x02[]",
        b"\0\0\0\x01{",
        message({"background": None, "boxes": []}),
        message({"background": None, "boxes": [], "trace": 1}),
        message({"background": None, "boxes": [], "trace": ""}, b"x"),
        message({"background": "GIF", "boxes": [], "trace": ""}, b"x"),
        message({"background": None, "boxes": [["x", 1, 2]], "trace": ""}),
        message({"background": None, "boxes": [["x", 1, None, "left"]], "trace": ""}),
        message({"background": None, "boxes": [["x", 1, 2.5, "left"]], "trace": ""}),
        message({"background": None, "boxes": [["x", 1, 2, "top"]], "trace": ""}),
    ],
)
def test_anything_else_is_refused(octets: bytes) -> None:
    with pytest.raises(ValueError):
        decode(octets)


@given(st.binary(max_size=60), st.integers(0, 100))
@settings(max_examples=EXAMPLES)
def test_a_damaged_message_is_a_splash_or_refused(octets: bytes, cut: int) -> None:
    whole = sent(Splash(Background(b"picture", None), (TextBox("x"),)))
    for damaged in (octets, whole[:cut] + octets):
        try:
            found = decode(damaged)
        except ValueError:
            continue

        assert isinstance(found, Splash)

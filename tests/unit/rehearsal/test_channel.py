"""Frames survive any cut, and whoever sends another thing than a frame is caught at once."""

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.rehearsal.channel import Frame, Frames, Garbage, encode

STREAM = (
    encode("call", 3, "später", "<b>") + encode("screen", [], None, body_bytes=4) + b"\0\xff{}"
    b"" + encode("ready")
)
FRAMES = [
    Frame(["call", 3, "später", "<b>"]),
    Frame(["screen", [], None], b"\0\xff{}"),
    Frame(["ready"]),
]


def taken(frames: Frames) -> list[Frame]:
    found = []
    while (frame := frames.take()) is not None:
        found.append(frame)
    return found


@pytest.mark.parametrize("cut", range(len(STREAM) + 1))
def test_frames_survive_any_cut(cut: int) -> None:
    frames = Frames(head_max=100, body_max=100)
    frames.feed(STREAM[:cut])
    found = taken(frames)
    frames.feed(STREAM[cut:])

    assert found + taken(frames) == FRAMES
    assert frames.waiting_bytes == 0


@pytest.mark.parametrize(("head", "body"), [(101, 0), (0, 101), (2**32 - 1, 2**32 - 1)])
def test_a_frame_that_is_too_long_is_refused_before_it_has_come(head: int, body: int) -> None:
    frames = Frames(head_max=100, body_max=100)
    frames.feed(struct.pack(">II", head, body))

    with pytest.raises(Garbage):
        frames.take()


def test_a_frame_of_the_longest_parts_is_taken() -> None:
    head = json.dumps("x" * 98).encode()
    frames = Frames(head_max=100, body_max=100)
    frames.feed(struct.pack(">II", len(head), 100) + head + bytes(100))

    assert frames.take() == Frame("x" * 98, bytes(100))


@pytest.mark.parametrize(
    "head",
    [b"", b"{", b"[1,]", b"\xff", b"[" * 5000, b"1" * 5000, b"nul", b"\xef\xbb\xbf[]", b"[] []"],
)
def test_a_head_that_is_no_json_is_refused(head: bytes) -> None:
    frames = Frames(head_max=None, body_max=None)
    frames.feed(struct.pack(">II", len(head), 0) + head)

    with pytest.raises(Garbage):
        frames.take()


def test_half_a_surrogate_pair_becomes_a_question_mark() -> None:
    frames = Frames(head_max=None, body_max=None)
    frames.feed(encode("a\ud800b\udfff\U0001f600"))

    assert frames.take() == Frame(["a?b?\U0001f600"])


@given(st.lists(st.binary(max_size=64), max_size=8))
def test_any_octets_are_frames_or_garbage(pieces: list[bytes]) -> None:
    frames = Frames(head_max=32, body_max=32)
    try:
        for piece in pieces:
            frames.feed(piece)
            taken(frames)
    except Garbage:
        return

    assert frames.waiting_bytes <= 8 + 32 + 32

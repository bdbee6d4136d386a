"""What a child says is exactly one of the statements, within its limits, or it is garbage."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.domain.entries import Kind, PictureType
from station.domain.rehearsal import Call, Finding, FindingKind
from station.domain.splash import BOXES_MAX, MARKUP_CHARACTERS_MAX, Alignment, TextBox
from station.rehearsal.channel import Frame, Garbage
from station.rehearsal.statements import (
    DETAIL_CHARACTERS_MAX,
    MOMENT_MAX_MS,
    NAME_CHARACTERS_MAX,
    POSITION_MAX,
    TEXT_CHARACTERS_MAX,
    TRACE_CHARACTERS_MAX,
    Cannot,
    ChecksumAsked,
    EntryAsked,
    NamesAsked,
    NewImage,
    NewPicture,
    Over,
    Raised,
    Ready,
    Screen,
    Statement,
    Word,
    statement,
)

BOX = ["hello", 1, -2, "left"]

SAID: list[tuple[list[Any], bytes, Statement]] = [
    (["ready"], b"", Ready()),
    (["cannot", "no library"], b"", Cannot("no library")),
    (["call", 0, "dock.DockInfo", ""], b"", Call(0, "dock.DockInfo", "")),
    (["found", "markup", "odd"], b"", Finding(FindingKind.MARKUP, "odd")),
    (["screen", [], None], b"", Screen((), None)),
    (
        ["screen", [BOX, ["", None, None, "middle"]], ["image", "default"]],
        b"",
        Screen(
            (TextBox("hello", 1, -2), TextBox("", alignment=Alignment.MIDDLE)), NewImage("default")
        ),
    ),
    (["screen", [], ["picture", "PNG"]], b"x", Screen((), NewPicture(b"x", PictureType.PNG))),
    (["screen", [], ["picture", ""]], b"", Screen((), NewPicture(b"", None))),
    (["names", "kv"], b"", NamesAsked(Kind.KV)),
    (["entry", "img", "a b"], b"", EntryAsked(Kind.IMG, "a b")),
    (["checksum"], b"", ChecksumAsked()),
    (["raised", "Traceback\n  ValueError", 9], b"", Raised("Traceback\n  ValueError", 9)),
    (["over", 60_000], b"", Over(60_000)),
]


@pytest.mark.parametrize(("head", "body", "said"), SAID, ids=lambda value: str(value)[:24])
def test_a_statement_is_understood(head: list[Any], body: bytes, said: Statement) -> None:
    assert statement(Frame(head, body)) == said


def test_every_word_of_the_child_is_among_these() -> None:
    parents = {Word.BRIEFING, Word.ANSWER, Word.MESSAGE}

    assert {head[0] for head, _, _ in SAID} == set(Word) - parents


@pytest.mark.parametrize(("head", "body", "said"), SAID, ids=lambda value: str(value)[:24])
def test_nothing_may_be_missing_added_or_of_another_type(
    head: list[Any], body: bytes, said: Statement
) -> None:
    others = [
        [*head, None],
        *(head[:-1],),
        *([*head[:at], {}, *head[at + 1 :]] for at in range(len(head))),
    ]
    for other in others:
        with pytest.raises(Garbage):
            statement(Frame(other, body))


@pytest.mark.parametrize(
    "head",
    [
        None,
        [],
        {},
        "ready",
        [["ready"]],
        ["READY"],
        ["briefing"],
        ["answer", 1],
        ["message"],
        ["call", True, "x", ""],
        ["call", 1.0, "x", ""],
        ["call", -1, "x", ""],
        ["call", MOMENT_MAX_MS + 1, "x", ""],
        ["call", 1, "x" * (NAME_CHARACTERS_MAX + 1), ""],
        ["call", 1, "x", "x" * (DETAIL_CHARACTERS_MAX + 1)],
        ["call", 1, "x", "two\nlines"],
        ["call", 1, "x", "\x1b[31m"],
        ["call", 1, "\ud800", ""],
        ["found", "endless ", "x"],
        ["found", "no-such-kind", "x"],
        ["names", "song"],
        ["entry", "kv", "x" * 1025],
        ["entry", "kv", "\ud800"],
        ["raised", "", 1],
        ["raised", "x" * (TRACE_CHARACTERS_MAX + 1), 1],
        ["over", 10**400],
        ["screen", [BOX] * 2, None],
        ["screen", [["", n, 0, "left"] for n in range(BOXES_MAX + 1)], None],
        ["screen", [["x" * (MARKUP_CHARACTERS_MAX + 1), 0, 0, "left"]], None],
        [
            "screen",
            [["x" * MARKUP_CHARACTERS_MAX, n, 0, "left"] for n in range(5)],
            None,
        ],
        ["screen", [["", 1, None, "left"]], None],
        ["screen", [["", POSITION_MAX + 1, 0, "left"]], None],
        ["screen", [["", 0, -POSITION_MAX - 1, "left"]], None],
        ["screen", [["", 0, 0, "centre"]], None],
        ["screen", [["", 0, 0]], None],
        ["screen", ["abcd"], None],
        ["screen", {}, None],
        ["screen", [], ["image"]],
        ["screen", [], ["image", "x" * 1025]],
        ["screen", [], ["picture", "GIF"]],
        ["screen", [], ["drawing", "x"]],
        ["screen", [], "image"],
    ],
    ids=lambda head: str(head)[:40],
)
def test_what_breaks_a_limit_is_garbage(head: Any) -> None:
    with pytest.raises(Garbage):
        statement(Frame(head))


def test_the_limits_themselves_are_kept() -> None:
    markup = "x" * MARKUP_CHARACTERS_MAX
    boxes = [[markup, n, 0, "left"] for n in range(TEXT_CHARACTERS_MAX // MARKUP_CHARACTERS_MAX)]

    assert isinstance(statement(Frame(["screen", boxes, None])), Screen)
    assert isinstance(
        statement(
            Frame(["screen", [["", n, POSITION_MAX, "left"] for n in range(BOXES_MAX)], None])
        ),
        Screen,
    )
    assert statement(Frame(["over", MOMENT_MAX_MS])) == Over(MOMENT_MAX_MS)


@pytest.mark.parametrize("head", [head for head, _, _ in SAID if head[0] != "screen"])
def test_a_body_belongs_to_a_background_alone(head: list[Any]) -> None:
    with pytest.raises(Garbage):
        statement(Frame(head, b"x"))
    with pytest.raises(Garbage):
        statement(Frame(["screen", [], None], b"x"))
    with pytest.raises(Garbage):
        statement(Frame(["screen", [], ["image", "a"]], b"x"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(st.sampled_from(Word), st.lists(JSON, max_size=4), st.binary(max_size=4))
def test_any_words_are_a_statement_or_garbage(word: Word, rest: list[Any], body: bytes) -> None:
    try:
        said = statement(Frame([word.value, *rest], body))
    except Garbage:
        return

    assert isinstance(said, Statement)

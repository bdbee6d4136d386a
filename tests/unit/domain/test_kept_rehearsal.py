"""What is kept of a first boot is bounded, whatever was said, and is read as it was kept."""

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.domain import canonical_json
from station.domain.canonical_json import INTEGER_MAX
from station.domain.kept_rehearsal import (
    CUT,
    DETAIL_CHARACTERS_MAX,
    ERROR_CHARACTERS_MAX,
    FINDINGS_MAX,
    TEXT_CHARACTERS_MAX,
    KeptRehearsal,
)
from station.domain.rehearsal import Call, Finding, FindingKind, Rehearsal
from station.domain.splash import Splash

TIMER = Finding(FindingKind.TIMER_UNREFERENCED, "wakeup of line 12")


def seen(**changes: Any) -> Rehearsal:
    made: dict[str, Any] = {
        "splash": Splash(),
        "text": ("Welcome",),
        "calls": (Call(0, "http.get", "of something"),),
        "findings": (TIMER,),
        "error": "",
        "ran_ms": 60_000,
    }
    return Rehearsal(**(made | changes))


def keep(picture: bytes = b"", **changes: Any) -> KeptRehearsal:
    return KeptRehearsal.of(seen(**changes), scenario="desk", picture=picture)


def test_a_first_boot_is_kept_without_its_calls_and_pixels() -> None:
    assert keep(b"png").plain() == {
        "error": "",
        "findings": [{"detail": "wakeup of line 12", "kind": "timer-unreferenced"}],
        "picture_sha256": sha256(b"png").hexdigest(),
        "ran_ms": 60_000,
        "scenario": "desk",
        "text": ["Welcome"],
    }
    assert keep().picture_sha256 is None


@pytest.mark.parametrize(
    ("texts", "kept"),
    [
        (("x" * TEXT_CHARACTERS_MAX,), ("x" * TEXT_CHARACTERS_MAX,)),
        (("x" * (TEXT_CHARACTERS_MAX + 1),), ("x" * (TEXT_CHARACTERS_MAX - 1) + CUT,)),
        (("x" * TEXT_CHARACTERS_MAX, "y", "z"), ("x" * TEXT_CHARACTERS_MAX, CUT)),
        (("ab", "x" * TEXT_CHARACTERS_MAX), ("ab", "x" * (TEXT_CHARACTERS_MAX - 3) + CUT)),
        (("", "", "a"), ("", "", "a")),
    ],
)
def test_more_text_than_a_screen_has_room_for_is_cut_and_shows_it(
    texts: tuple[str, ...], kept: tuple[str, ...]
) -> None:
    assert keep(text=texts).text == kept


def test_of_a_trace_the_end_is_kept() -> None:
    whole, longer = "x" * ERROR_CHARACTERS_MAX, "x" * ERROR_CHARACTERS_MAX + "ValueError"

    assert keep(error=whole).error == whole
    assert keep(error=longer).error == CUT + longer[-ERROR_CHARACTERS_MAX + 1 :]


def test_the_first_findings_are_kept_each_of_bounded_length() -> None:
    long = Finding(FindingKind.MARKUP, "x" * (DETAIL_CHARACTERS_MAX + 1))
    kept = keep(findings=(long, *[TIMER] * FINDINGS_MAX)).findings

    assert len(kept) == FINDINGS_MAX
    assert kept[0].detail == "x" * (DETAIL_CHARACTERS_MAX - 1) + CUT
    assert keep(findings=(long,) * FINDINGS_MAX).findings[-1] == kept[0]


def test_a_moment_beyond_what_json_keeps_is_the_last_one_it_does() -> None:
    assert keep(ran_ms=INTEGER_MAX + 1).ran_ms == INTEGER_MAX


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=2 * DETAIL_CHARACTERS_MAX)


@given(
    text=st.lists(TEXT, max_size=4),
    error=TEXT,
    findings=st.lists(st.builds(Finding, st.sampled_from(FindingKind), TEXT), max_size=30),
    ran_ms=st.integers(0, 1 << 53),
    picture=st.binary(max_size=4),
)
def test_whatever_was_kept_is_read_again(
    text: list[str], error: str, findings: list[Finding], ran_ms: int, picture: bytes
) -> None:
    kept = keep(picture, text=tuple(text), error=error, findings=tuple(findings), ran_ms=ran_ms)
    spelled = canonical_json.encode(kept.plain())

    assert KeptRehearsal.read(canonical_json.decode(spelled)) == kept
    assert sum(map(len, kept.text)) <= TEXT_CHARACTERS_MAX
    assert bool(kept.error) == bool(error)


@pytest.mark.parametrize(
    "change",
    [
        {"error": None},
        {"text": "Welcome"},
        {"ran_ms": "60000"},
        {"picture_sha256": 1},
        {"picture_sha256": "no hex"},
        {"findings": [{"kind": "timer-unreferenced"}]},
        {"findings": [{"kind": "never heard of", "detail": ""}]},
        {"findings": ["timer-unreferenced"]},
    ],
)
def test_anything_else_is_not_read(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"not|hex|valid"):
        KeptRehearsal.read({**keep().plain(), **change})
    with pytest.raises(ValueError, match="not what is kept"):
        KeptRehearsal.read(None)

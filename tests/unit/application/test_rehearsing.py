"""Whatever an application does with a secret of its dock, nothing of it is told at the station."""

from base64 import b64encode
from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.application.rehearsing import (
    TELLING_CHARACTERS,
    WITHHELD,
    discreet,
    secrets_on_splash,
)
from station.application.rendering import RenderedField
from station.domain.entries import Kind, PictureType
from station.domain.rehearsal import Call, Finding, FindingKind, Rehearsal
from station.domain.splash import Background, Splash
from station.domain.template import Visibility
from tests.fakes.rehearsal import boot

TOKEN: Final = "Tk7-0123456789-abcdef-XYZ"
PICTURE: Final = b"\x89PNG of a pairing code"


def field(name: str, content: bytes, *, secret: bool = True, kind: Kind = Kind.KV) -> RenderedField:
    return RenderedField(name, (kind, name), len(content), secret, Visibility.HIDDEN, content)


UNIQUE: Final = (
    field("serial", b"DK7F-00317", secret=False),
    field("token", TOKEN.encode()),
    field("pin", b"4711"),
    field("pairing", PICTURE, kind=Kind.IMG),
    field("badge", b"a badge for all to see", secret=False, kind=Kind.IMG),
)


def told(seen: Rehearsal) -> str:
    """All that leaves the run, and whether the screen may be drawn."""
    return repr((discreet(seen, UNIQUE), bool(secrets_on_splash(seen, UNIQUE))))


def test_a_splash_without_a_secret_is_told_without_calls_and_pixels() -> None:
    seen = boot("Welcome", "DK7F-00317", background=Background(b"art", PictureType.PNG))

    assert secrets_on_splash(seen, UNIQUE) == ()
    assert discreet(seen, UNIQUE) == replace(seen, splash=Splash(), calls=())


@pytest.mark.parametrize(
    "text",
    [
        (TOKEN,),
        (f"your token: {TOKEN}.",),
        (TOKEN.upper(),),
        (TOKEN[:9], TOKEN[9:]),
        (f"{TOKEN[:5]}\n{TOKEN[5:]}",),
        (" ".join(TOKEN),),
        (TOKEN.encode().hex(),),
        (TOKEN.encode().hex().upper(),),
        (b64encode(TOKEN.encode()).decode(),),
        (f"{TOKEN[:TELLING_CHARACTERS]}…",),
    ],
    ids=["bare", "within", "capitals", "boxes", "lines", "spaced", "hex", "HEX", "base64", "cut"],
)
def test_a_secret_is_recognised_as_a_splash_may_show_it(text: tuple[str, ...]) -> None:
    seen = boot("Welcome", *text)
    kept = discreet(seen, UNIQUE)

    assert secrets_on_splash(seen, UNIQUE) == ("token",)
    assert (kept.text, kept.splash, kept.calls) == ((), Splash(), ())
    assert kept.findings == (Finding(FindingKind.SECRET_SHOWN, "token; the splash is not kept"),)
    assert kept.error == ""


def test_a_value_that_is_masked_is_no_secret_any_more() -> None:
    masked = f"{TOKEN[: TELLING_CHARACTERS - 1]}***"

    assert secrets_on_splash(boot(masked), UNIQUE) == ()


def test_a_short_secret_counts_as_a_whole() -> None:
    assert secrets_on_splash(boot("PIN 4711"), UNIQUE) == ("pin",)
    assert secrets_on_splash(boot("PIN 471*"), UNIQUE) == ()


def test_a_secret_picture_behind_the_text_is_recognised() -> None:
    for content in (PICTURE, memoryview(PICTURE)):
        seen = boot("Pair me", background=Background(content, PictureType.PNG))

        assert secrets_on_splash(seen, UNIQUE) == ("pairing",)
        assert discreet(seen, UNIQUE).text == ()
    harmless = boot("Hello", background=Background(UNIQUE[-1].content, PictureType.PNG))

    assert secrets_on_splash(harmless, UNIQUE) == ()


def test_every_secret_that_is_shown_is_named_and_none_is_told() -> None:
    seen = boot(f"{TOKEN} 4711", background=Background(PICTURE, PictureType.PNG))
    (finding,) = discreet(seen, UNIQUE).findings

    assert finding.detail == "token, pin, pairing; the splash is not kept"


def test_a_trace_with_a_secret_in_it_is_withheld_and_stays_an_error() -> None:
    seen = boot(trace=f"Traceback\nValueError: {TOKEN}")
    kept = discreet(seen, UNIQUE)

    assert kept.text == ()
    assert kept.error == f"ended {WITHHELD}"
    assert TOKEN not in told(seen)


def test_how_an_application_was_ended_may_hold_no_secret_either() -> None:
    seen = replace(boot("Welcome"), error=f"ended: it said {TOKEN}")

    assert discreet(seen, UNIQUE).error == f"ended {WITHHELD}"


def test_a_finding_with_a_secret_in_it_is_told_by_its_kind() -> None:
    hidden = Finding(FindingKind.MARKUP, f"'<b>{TOKEN[:20]}' is cut")
    harmless = Finding(FindingKind.NOT_ON_DOCK, "os")
    kept = discreet(boot("Welcome", findings=[hidden, harmless]), UNIQUE)

    assert kept.findings == (Finding(FindingKind.MARKUP, WITHHELD), harmless)
    assert kept.text == ("Welcome",)


def test_a_call_with_a_secret_among_its_arguments_shows_nothing() -> None:
    seen = boot("Welcome", calls=[Call(0, "http.get", f"https://enrol.example/?t={TOKEN}")])

    assert secrets_on_splash(seen, UNIQUE) == ()
    assert TOKEN not in told(seen)


def test_a_value_of_nothing_but_white_space_hides_nothing() -> None:
    blank = (field("blank", b" \t"),)

    assert secrets_on_splash(boot("Welcome"), blank) == ()


@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=80).filter(
        lambda value: bool(value.split())
    ),
    st.sampled_from(["as it is", "hex", "base64"]),
    st.text("abc \n", max_size=6),
    st.booleans(),
)
def test_no_value_is_told_wherever_it_stands(
    value: str, spelling: str, around: str, raised: bool
) -> None:
    content = value.encode("utf-8")
    spelled = {"hex": content.hex(), "base64": b64encode(content).decode()}.get(spelling, value)
    shown = around + spelled + around
    seen = boot(trace=shown) if raised else boot(shown)
    kept = discreet(seen, (field("value", content),))

    assert (kept.text, kept.splash, kept.calls) == ((), Splash(), ())
    assert kept.error == (f"ended {WITHHELD}" if raised else "")

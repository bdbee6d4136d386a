"""What of a rehearsed first boot may leave the run that made it.

An application may show a dock's secrets on purpose (a pairing code) or by mistake (a token in a
trace). Neither is for the station's screens, its state folder or its reports: where a secret value
stands on the splash, nothing of that splash is told, drawn or kept, and a finding says so. It is
no failure, for whoever released the application may have meant it.

A secret that an application takes apart, draws by itself or spells in a way of its own is not
recognised: this guards against carelessness, not against whoever holds the release key.
"""

from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from station.application.rendering import RenderedField
from station.domain.entries import Kind
from station.domain.rehearsal import Finding, FindingKind, Rehearsal
from station.domain.splash import Splash

TELLING_CHARACTERS: Final = 16
"""A value counts as shown where it begins so (a shorter one: as a whole), because texts and
details may have been cut. Fewer are how an application masks a value."""

WITHHELD: Final = "(not told: it holds a secret value)"


def secrets_on_splash(seen: Rehearsal, unique: Iterable[RenderedField]) -> tuple[str, ...]:
    """Names of the secret fields that stand there: in a text, across texts, in the trace, or as
    the picture behind them.

    unique: every field of the dock, secret or not.
    """
    said = _letters("".join((*seen.text, seen.error)))
    background = seen.splash.background
    behind = b"" if background is None else background.content
    return tuple(
        one.name
        for one in unique
        if one.secret and (behind == one.content if _is_picture(one) else _told(one, said))
    )


def discreet(seen: Rehearsal, unique: Iterable[RenderedField]) -> Rehearsal:
    """`seen` as it may be told at the station, and kept. unique: as above.

    The splash itself and the calls are left out in any case: the one is drawn before, if at all,
    and arguments may carry what an application made of a secret.
    """
    secret = [one for one in unique if one.secret]
    findings = tuple(
        replace(one, detail=WITHHELD) if _tells(one.detail, secret) else one
        for one in seen.findings
    )
    told = replace(seen, splash=Splash(), calls=(), findings=findings)
    shown = secrets_on_splash(seen, secret)
    if not shown:
        return told
    finding = Finding(FindingKind.SECRET_SHOWN, f"{', '.join(shown)}; the splash is not kept")
    return replace(
        told, text=(), findings=(finding, *findings), error=seen.error and f"ended {WITHHELD}"
    )


def _tells(line: str, secret: Iterable[RenderedField]) -> bool:
    said = _letters(line)
    return any(_told(one, said) for one in secret if not _is_picture(one))


def _told(field: RenderedField, said: str) -> bool:
    return any(spelling[:TELLING_CHARACTERS] in said for spelling in _spellings(field.content))


def _is_picture(field: RenderedField) -> bool:
    return field.key[0] is Kind.IMG


def _letters(text: str) -> str:
    """Without what a splash may break a value with: white space, and the case of letters."""
    return "".join(text.split()).casefold()


def _spellings(value: bytes) -> Iterator[str]:
    """A value as it is, and as the SDK's `binascii` would spell it."""
    if letters := _letters(value.decode("utf-8")):
        yield letters
    yield value.hex()
    yield _letters(b64encode(value).decode("ascii"))

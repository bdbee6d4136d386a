"""Colours of the screen by what they mean, in a light and a dark theme. No Qt in here.

Source: operator guide, "Tokens". A view asks for a token, never for a colour.
"""

from enum import StrEnum
from typing import Final


class Theme(StrEnum):
    """Which of the two palettes is shown."""

    LIGHT = "light"
    DARK = "dark"


class Token(StrEnum):
    """What a colour is for. ON_…: text and signs on the colour of that name."""

    CANVAS = "canvas"
    SURFACE = "surface"
    SUNKEN = "sunken"
    LINE = "line"
    TEXT = "text"
    TEXT2 = "text2"
    ACCENT = "accent"
    ON_ACCENT = "on-accent"
    RUN = "run"
    PASS = "pass"
    ON_PASS = "on-pass"
    FAIL = "fail"
    ON_FAIL = "on-fail"
    CHECK = "check"
    ON_CHECK = "on-check"
    HOLD = "hold"
    ON_HOLD = "on-hold"


COLOURS: Final[dict[Theme, dict[Token, str]]] = {
    Theme.LIGHT: {
        Token.CANVAS: "#E7EAEE",
        Token.SURFACE: "#FFFFFF",
        Token.SUNKEN: "#DCE1E7",
        Token.LINE: "#B9C1CB",
        Token.TEXT: "#14181F",
        Token.TEXT2: "#465160",
        Token.ACCENT: "#0B5CAD",
        Token.ON_ACCENT: "#FFFFFF",
        Token.RUN: "#2270CC",
        Token.PASS: "#00664F",
        Token.ON_PASS: "#FFFFFF",
        Token.FAIL: "#D6390B",
        Token.ON_FAIL: "#FFFFFF",
        Token.CHECK: "#FFC53D",
        Token.ON_CHECK: "#14181F",
        Token.HOLD: "#5B2A86",
        Token.ON_HOLD: "#FFFFFF",
    },
    Theme.DARK: {
        Token.CANVAS: "#14181D",
        Token.SURFACE: "#1E242B",
        Token.SUNKEN: "#2A323B",
        Token.LINE: "#3C4753",
        Token.TEXT: "#F2F5F8",
        Token.TEXT2: "#A9B4C0",
        Token.ACCENT: "#5AA9F5",
        Token.ON_ACCENT: "#0B1016",
        Token.RUN: "#3D8FEA",
        Token.PASS: "#007A65",
        Token.ON_PASS: "#FFFFFF",
        Token.FAIL: "#CF3F12",
        Token.ON_FAIL: "#FFFFFF",
        Token.CHECK: "#FFC53D",
        Token.ON_CHECK: "#14181F",
        Token.HOLD: "#8050B8",
        Token.ON_HOLD: "#FFFFFF",
    },
}


def rgb(colour: str) -> tuple[int, int, int]:
    """Red, green and blue (0 to 255) of "#RRGGBB"."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


def blended(over: str, under: str, share: float) -> str:
    """The opaque colour seen where `over` covers `under` by this share (0.0 to 1.0)."""
    mixed = (
        round(top * share + bottom * (1 - share))
        for top, bottom in zip(rgb(over), rgb(under), strict=True)
    )
    return "#" + bytes(mixed).hex().upper()


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1.0 to 21.0 (WCAG 2.2, "contrast ratio")."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    linear = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (octet / 255 for octet in rgb(colour))
    )
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

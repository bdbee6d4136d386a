"""Colours can be read in both themes."""

import pytest

from station.gui.tokens import COLOURS, Theme, Token, blended, contrast

READABLE = [
    (Token.TEXT, Token.SURFACE),
    (Token.TEXT, Token.CANVAS),
    (Token.TEXT, Token.SUNKEN),
    (Token.TEXT2, Token.SURFACE),
    (Token.TEXT2, Token.CANVAS),
    (Token.TEXT2, Token.SUNKEN),
    (Token.SURFACE, Token.TEXT),
    (Token.ON_ACCENT, Token.ACCENT),
    (Token.ON_PASS, Token.PASS),
    (Token.ON_FAIL, Token.FAIL),
    (Token.ON_CHECK, Token.CHECK),
    (Token.ON_HOLD, Token.HOLD),
]
"""Text and the colour it stands on, as the views use them."""


@pytest.mark.parametrize("theme", Theme)
@pytest.mark.parametrize(("ink", "ground"), READABLE)
def test_text_stands_out_from_its_ground(theme: Theme, ink: Token, ground: Token) -> None:
    colours = COLOURS[theme]

    assert contrast(colours[ink], colours[ground]) >= 4.5


@pytest.mark.parametrize("theme", Theme)
def test_text_on_the_stripes_of_a_switched_off_slot_stands_out(theme: Theme) -> None:
    colours = COLOURS[theme]
    stripe = blended(colours[Token.LINE], colours[Token.SUNKEN], 0.4)

    assert contrast(colours[Token.TEXT2], stripe) >= 4.5


def test_each_theme_has_every_token() -> None:
    assert all(set(COLOURS[theme]) == set(Token) for theme in Theme)


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21.0)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)  # WCAG's own example
    assert contrast("#0B5CAD", "#0B5CAD") == 1.0


def test_a_blend_lies_between_its_colours() -> None:
    assert blended("#FFFFFF", "#000000", 0.5) == "#808080"
    assert blended("#123456", "#FFFFFF", 1.0) == "#123456"

"""What a dock shows on its outputs, as values; how it looks, a renderer decides.

Source: dock-sdk.md, 2.2 and 2.8.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from station.domain.entries import PictureType

WIDTH: Final = 1_920
HEIGHT: Final = 1_080
"""Pixels of the splash; every vendor sample lays out for this size."""

MARKUP_CHARACTERS_MAX: Final = 16_384
BOXES_MAX: Final = 256
"""More text than any screen shows is damage or an attack."""


class Alignment(StrEnum):
    """Where in its lines the text of a box stands."""

    LEFT = "left"
    RIGHT = "right"
    MIDDLE = "middle"


@dataclass(frozen=True, slots=True)
class TextBox:
    """Text at a place, which is its identity.

    markup: plain text or the Pango subset of the SDK, lines joined with newlines. x, y: pixels
    from the top left corner; both None for the one default box at the centre (Q14).
    """

    markup: str
    x: int | None = None
    y: int | None = None
    alignment: Alignment = Alignment.LEFT

    def __post_init__(self) -> None:
        if (self.x is None) != (self.y is None):
            raise ValueError("a text box has both coordinates or none")
        if len(self.markup) > MARKUP_CHARACTERS_MAX:
            raise ValueError(f"a text box holds at most {MARKUP_CHARACTERS_MAX} characters")


@dataclass(frozen=True, slots=True)
class Background:
    """A picture behind the text. picture: None for a type the application did not know."""

    content: bytes | memoryview = field(repr=False)
    picture: PictureType | None


@dataclass(frozen=True, slots=True)
class Splash:
    """All of the screen. boxes: in the order they were added.

    trace: of the exception that ended the application; a dock shows it in place of the rest.
    """

    background: Background | None = None
    boxes: tuple[TextBox, ...] = ()
    trace: str = ""

    def __post_init__(self) -> None:
        if len(self.boxes) > BOXES_MAX:
            raise ValueError(f"a splash has at most {BOXES_MAX} text boxes")

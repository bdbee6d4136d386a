"""What a dock shows, in words: the document a `datastore_group.Screen` request for text gives.

Source: docs/SPEC.md, "Screen".
"""

from dataclasses import dataclass
from typing import Final, Self

from station.domain import canonical_json
from station.domain.canonical_json import JsonValue
from station.domain.entries import PictureType
from station.domain.errors import DocumentRefused
from station.domain.splash import BOXES_MAX, Alignment

DIGEST_BYTES: Final = 32

_REMEDY: Final = (
    "Ask again; if it stays so, the dock's firmware is another than this program knows."
)


@dataclass(frozen=True, slots=True)
class ShownBackground:
    """The file behind the text. picture: its type as the application stated it, None where it did
    not. sha256: 32 octets.
    """

    picture: PictureType | None
    size_bytes: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class ShownBox:
    """place: x and y in pixels from the top left; None for the default box. plain: what a person
    reads of the markup.
    """

    place: tuple[int, int] | None
    alignment: Alignment
    markup: str
    plain: str


@dataclass(frozen=True, slots=True)
class ScreenText:
    """All of a screen. boxes: in the order they were added."""

    background: ShownBackground | None
    boxes: tuple[ShownBox, ...]
    trace: str

    def encode(self) -> bytes:
        """Canonical JSON."""
        return canonical_json.encode(
            {
                "background": _background_json(self.background),
                "boxes": [_box_json(box) for box in self.boxes],
                "trace": self.trace,
            }
        )

    @classmethod
    def decode(cls, octets: bytes) -> Self:
        """From `encode`'s bytes. Raises DocumentRefused for anything else."""
        match canonical_json.decode(octets):
            case {"background": background, "boxes": list(boxes), "trace": str(trace)} if (
                len(boxes) <= BOXES_MAX
            ):
                try:
                    text = cls(_background(background), tuple(map(_box, boxes)), trace)
                except ValueError as error:
                    raise DocumentRefused(f"a screen: {error}", remedy=_REMEDY) from error
                if text.encode() == octets:
                    return text
        raise DocumentRefused("not the text of a screen", remedy=_REMEDY)


def _background_json(background: ShownBackground | None) -> JsonValue:
    if background is None:
        return None
    return {
        "sha256": background.sha256.hex(),
        "size": background.size_bytes,
        "type": None if background.picture is None else background.picture.value,
    }


def _background(value: JsonValue) -> ShownBackground | None:
    match value:
        case None:
            return None
        case {"sha256": str(digest), "size": size, "type": None | str() as picture} if (
            _whole(size) >= 0 and len(digest) == 2 * DIGEST_BYTES
        ):
            return ShownBackground(
                None if picture is None else PictureType(picture),
                _whole(size),
                bytes.fromhex(digest),
            )
    raise ValueError("a background in another shape")


def _box_json(box: ShownBox) -> JsonValue:
    x, y = (None, None) if box.place is None else box.place
    return {
        "alignment": box.alignment.value,
        "markup": box.markup,
        "plain": box.plain,
        "x": x,
        "y": y,
    }


def _box(value: JsonValue) -> ShownBox:
    match value:
        case {"x": x, "y": y, "alignment": str(word), "markup": str(markup), "plain": str(plain)}:
            alignment = Alignment(word)
            match x, y:
                case None, None:
                    return ShownBox(None, alignment, markup, plain)
                case _:
                    return ShownBox((_whole(x), _whole(y)), alignment, markup, plain)
    raise ValueError("a text box in another shape")


def _whole(value: JsonValue) -> int:
    if type(value) is not int:
        raise ValueError("something else where a number belongs")
    return value

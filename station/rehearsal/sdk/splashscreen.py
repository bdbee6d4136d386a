"""Module `splashscreen`: what is shown on all outputs.

Where the vendor is silent: a box has both coordinates or none; an attribute that is not documented
is told of and ignored; text without `alignment` is aligned left; anything but a token or octets is
no background, the None that a lenient dock gives for an unknown image (Q3) included.
Source: dock-sdk.md, 2.2, and Q14 of its section 6; Pango is `rehearsal/markup.py`'s.
"""

from typing import ClassVar, Final

from station.datastore.vendor import IMAGE, ImageToken, tag_of
from station.domain import splash
from station.domain.rehearsal import FindingKind
from station.domain.splash import MARKUP_CHARACTERS_MAX, TextBox
from station.rehearsal import markup
from station.rehearsal.machine import Machine
from station.rehearsal.sdk import arguments
from station.rehearsal.sdk.frames import here
from station.rehearsal.sdk.names import Names, bound

_PICTURES: Final = {IMAGE.NONE: "", IMAGE.PNG: "PNG", IMAGE.BMP: "BMP"}


class Alignment:
    """`splashscreen.Alignment`. The vendor publishes no values: these are ours."""

    LEFT = 0
    RIGHT = 1
    MIDDLE = 2


_ALIGNMENTS: Final = {
    Alignment.LEFT: splash.Alignment.LEFT,
    Alignment.RIGHT: splash.Alignment.RIGHT,
    Alignment.MIDDLE: splash.Alignment.MIDDLE,
}


class Splashscreen:
    """`splashscreen.Splashscreen`; all of them control the one screen."""

    _machine: ClassVar[Machine]

    def set_background(self, background: object, image_type: int = IMAGE.PNG) -> None:
        """Show a stored image by its token, or octets of this type.

        Raises TypeError, or ValueError for a type that is no constant of module `image`.
        """
        if isinstance(background, ImageToken):
            tag = tag_of(background)
            self._machine.called("splashscreen.Splashscreen.set_background", f"the image {tag}")
            self._machine.show_image(tag)
            return
        if not isinstance(background, bytes | bytearray | memoryview):
            raise TypeError(f"background: {type(background).__name__} is none")
        picture = _PICTURES.get(arguments.whole(image_type, "image_type"))
        if picture is None:
            raise ValueError(f"image_type: {image_type} is no constant of module image")
        self._machine.called(
            "splashscreen.Splashscreen.set_background",
            f"{memoryview(background).nbytes:,} bytes, {picture or 'type unknown'}",
        )
        self._machine.show_picture(bytes(background), picture)

    def add_text_box(self, text: object, attributes: dict[str, int] | None = None) -> None:
        """Put text, a str or a list with one for each line, at a place, in the place of any that
        is there; without a place, in the default area in the centre.

        Raises TypeError and ValueError for what is no text, no place or no alignment.
        """
        lines = _joined(text)
        x, y, alignment = self._attributes({} if attributes is None else attributes)
        place = "the default area" if x is None else f"({x}, {y})"
        self._machine.called(
            "splashscreen.Splashscreen.add_text_box", f"{place}, {len(lines):,} characters"
        )
        if len(lines) > MARKUP_CHARACTERS_MAX:
            self._machine.found(
                FindingKind.TOO_MUCH, f"{len(lines):,} characters for the text box at {place}"
            )
            return
        trouble = markup.read(lines).trouble
        if trouble is not None:
            self._machine.found(FindingKind.MARKUP, f"text box at {place}: {trouble}")
        self._machine.put_box(TextBox(lines, x, y, alignment))

    def remove_text_box(self, x: int, y: int) -> None:
        """Remove the box at this place, if any. Raises TypeError."""
        place = arguments.whole(x, "x"), arguments.whole(y, "y")
        self._machine.called("splashscreen.Splashscreen.remove_text_box", str(place))
        self._machine.remove_box(*place)

    def _attributes(self, given: object) -> tuple[int | None, int | None, splash.Alignment]:
        if not isinstance(given, dict):
            raise TypeError(f"attributes: a dict is needed, not {type(given).__name__}")
        for key in given.keys() - {"x", "y", "alignment"}:
            self._machine.found(
                FindingKind.NOT_ON_DOCK, f"{here()}: attribute {key!r} of a text box"
            )
        alignment = given.get("alignment", Alignment.LEFT)
        if alignment not in _ALIGNMENTS:
            raise ValueError("alignment: no constant of splashscreen.Alignment")
        if ("x" in given) != ("y" in given):
            raise ValueError("attributes: a text box has both x and y, or neither")
        if "x" not in given:
            return None, None, _ALIGNMENTS[alignment]
        x, y = arguments.whole(given["x"], "x"), arguments.whole(given["y"], "y")
        return x, y, _ALIGNMENTS[alignment]


def splashscreen_names(machine: Machine) -> Names:
    """Of module `splashscreen`."""
    return {
        "Splashscreen": bound("Splashscreen", Splashscreen, _machine=machine),
        "Alignment": Alignment,
    }


def _joined(text: object) -> str:
    """Lines joined before anything reads the markup: a span may begin in one and end in another."""
    if isinstance(text, str):
        return text
    if not isinstance(text, list | tuple):
        raise TypeError(f"text: a str or a list of them is needed, not {type(text).__name__}")
    return "\n".join(arguments.text(line, "text") for line in text)

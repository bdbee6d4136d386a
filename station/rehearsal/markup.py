"""Text of the splash screen as markup: the part of Pango's that a dock's application may use.

Pure: what a text says and how each piece of it wants to look; `renderer.py` draws it. Text that is
no markup is shown as it stands, tags and all, with a `MarkupTrouble` to be told of. What a dock
does with such text is not documented; an author who reads his own tags on the picture knows more
than one who finds the box missing.
Source: dock-sdk.md, 2.2; Pango reference, "Pango Markup"; GLib reference, "Simple XML Subset
Parser". Which of it we draw: docs/SPEC.md, "Markup".
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from station.rehearsal.colour_names import NAMED

NESTING_MAX: Final = 32
"""Tags within tags; the deepest of any vendor program is 2."""

BASE_POINTS: Final = 30
"""Size of text no tag speaks of, in points: 40 pixels at 96 per inch. Our choice; the vendor's
samples put lines 40 to 80 pixels apart on a screen 1080 high."""

STEP: Final = 1.2
"""From each of Pango's named sizes to the next."""

SCALE_MIN: Final = 0.1
SCALE_MAX: Final = 27.0
"""Of the base size; a letter at the upper end is as high as the screen."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a piece of text looks.

    scale: of the base size. weight: 100 to 1000, 400 is normal, 700 bold. ink, ground: 0xRRGGBB,
    None for the screen's own. level: 1 raised, -1 lowered.
    """

    scale: float = 1.0
    weight: int = 400
    italic: bool = False
    underline: bool = False
    struck: bool = False
    mono: bool = False
    ink: int | None = None
    ground: int | None = None
    level: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """Text in one style; it may hold line ends."""

    text: str
    style: Style


@dataclass(frozen=True, slots=True)
class MarkupTrouble:
    """Why a text is no markup. at: index of the character. Quotes nothing: it may be a secret."""

    at: int
    why: str

    def __str__(self) -> str:
        return f"{self.why}, at character {self.at + 1}"


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as it is to be shown. trouble: None where it is markup."""

    runs: tuple[Run, ...]
    trouble: MarkupTrouble | None = None

    @property
    def text(self) -> str:
        """What a person reads."""
        return "".join(run.text for run in self.runs)

    @property
    def lines(self) -> tuple[tuple[Run, ...], ...]:
        """The runs, line by line, without the ends of the lines; at least one line."""
        lines: list[list[Run]] = [[]]
        for run in self.runs:
            first, *more = _LINE_END.split(run.text)
            lines[-1].append(Run(first, run.style))
            lines += [[Run(text, run.style)] for text in more]
        return tuple(tuple(run for run in line if run.text) for line in lines)


def read(markup: str) -> Reading:
    """Read a text, whatever it is, in a time that grows as its length does."""
    try:
        return Reading(tuple(_runs(markup)))
    except _NoMarkup as error:
        plain_text = (Run(markup, Style()),) if markup else ()
        return Reading(plain_text, MarkupTrouble(error.at, error.why))


def plain(markup: str) -> str:
    """What a person reads of this text."""
    return read(markup).text


_LINE_END: Final = re.compile(r"\r\n|[\n\r\u2028\u2029]")

_TOKEN: Final = re.compile(
    r"""
      (?P<text> [^<&]++ )
    | & (?: \# (?P<decimal> [0-9]{1,7}+ ) | \#x (?P<hex> [0-9A-Fa-f]{1,6}+ )
          | (?P<entity> [a-z]{1,8}+ ) ) ;
    | < (?P<close> / )? (?P<tag> [a-z]{1,16}+ )
        (?P<attributes> (?: \s++ [a-z_]++ \s*+ = \s*+ (?: "[^"<]*+" | '[^'<]*+' ) )*+ )
        \s*+ (?P<empty> / )? >
    """,
    re.VERBOSE,
)
"""Nothing is tried twice: every repetition is possessive."""

_ATTRIBUTE: Final = re.compile(r"""([a-z_]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")

_ENTITIES: Final = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


class _NoMarkup(Exception):
    """The text is no markup from `at` on."""

    def __init__(self, at: int, why: str) -> None:
        super().__init__(at, why)
        self.at = at
        self.why = why


def _runs(markup: str) -> Iterator[Run]:
    """Raises _NoMarkup."""
    at, open_tags, style = 0, list[tuple[str, Style]](), Style()
    while at < len(markup):
        token = _TOKEN.match(markup, at)
        if token is None:
            raise _NoMarkup(at, _BEGINS_NOTHING[markup[at]])
        if token["tag"] is None:
            yield Run(token["text"] or _character(token), style)
        elif token["close"]:
            if token["attributes"] or token["empty"]:
                raise _NoMarkup(at, "a closing tag with more than its name")
            if not open_tags or open_tags[-1][0] != token["tag"]:
                raise _NoMarkup(at, "a closing tag that nothing here opened")
            style = open_tags.pop()[1]
        else:
            inside = _styled(token, style)
            if not token["empty"]:
                if len(open_tags) == NESTING_MAX:
                    raise _NoMarkup(at, f"more than {NESTING_MAX} tags within each other")
                open_tags.append((token["tag"], style))
                style = inside
        at = token.end()
    if open_tags:
        raise _NoMarkup(at, "a tag that is never closed")


_BEGINS_NOTHING: Final = {
    "&": "an & that begins no entity (in a text it is written &amp;)",
    "<": "a < that begins no tag (in a text it is written &lt;)",
}


def _character(token: re.Match[str]) -> str:
    """What an entity stands for."""
    if token["entity"]:
        if (character := _ENTITIES.get(token["entity"])) is None:
            raise _NoMarkup(token.start(), "an entity of no such name")
        return character
    number = int(token["decimal"]) if token["decimal"] else int(token["hex"], 16)
    if not (0 < number < 0xD800 or 0xDFFF < number < 0xFFFE or 0xFFFF < number < 0x11_0000):
        raise _NoMarkup(token.start(), "an entity that is no character")
    return chr(number)


def _styled(token: re.Match[str], style: Style) -> Style:
    """The style inside a tag."""
    tag, at = token["tag"], token.start()
    attributes = _ATTRIBUTE.findall(token["attributes"])
    if tag == "span":
        return _span(attributes, style, at)
    if tag not in _TAGS:
        raise _NoMarkup(at, "a tag of no such name")
    if attributes:
        raise _NoMarkup(at, "attributes of another tag than span")
    return _TAGS[tag](style)


def _span(attributes: list[tuple[str, str, str]], style: Style, at: int) -> Style:
    seen = set[Callable[[Style, str], Style]]()
    for name, in_double, in_single in attributes:
        if name in _NOT_DRAWN:
            continue
        change = _ATTRIBUTES.get(name)
        if change is None:
            raise _NoMarkup(at, "a span attribute of no such name")
        if change in seen:
            raise _NoMarkup(at, "a span attribute that is given twice")
        seen.add(change)
        try:
            style = change(style, _unescaped(in_double or in_single))
        except ValueError:
            raise _NoMarkup(at, f"a span whose {name} is no such value") from None
    return style


def _unescaped(value: str) -> str:
    """Entities have no business in any value we take: raises ValueError."""
    if "&" in value:
        raise ValueError(value)
    return value


# -- tags ------------------------------------------------------------------------------------------


def _resized(style: Style, factor: float) -> Style:
    return replace(style, scale=min(SCALE_MAX, max(SCALE_MIN, style.scale * factor)))


def _moved(style: Style, level: int) -> Style:
    return replace(_resized(style, 1 / STEP), level=level)


_TAGS: Final[dict[str, Callable[[Style], Style]]] = {
    "b": lambda style: replace(style, weight=700),
    "i": lambda style: replace(style, italic=True),
    "u": lambda style: replace(style, underline=True),
    "s": lambda style: replace(style, struck=True),
    "tt": lambda style: replace(style, mono=True),
    "big": lambda style: _resized(style, STEP),
    "small": lambda style: _resized(style, 1 / STEP),
    "sub": lambda style: _moved(style, -1),
    "sup": lambda style: _moved(style, 1),
}
"""Pango's convenience tags."""


# -- attributes of span ----------------------------------------------------------------------------

_SIZES: Final = {
    "xx-small": STEP**-3,
    "x-small": STEP**-2,
    "small": STEP**-1,
    "medium": 1.0,
    "large": STEP,
    "x-large": STEP**2,
    "xx-large": STEP**3,
}
"""Of the base size, whatever is around: Pango calls them absolute."""

_WEIGHTS: Final = {
    "thin": 100,
    "ultralight": 200,
    "light": 300,
    "semilight": 350,
    "book": 380,
    "normal": 400,
    "medium": 500,
    "semibold": 600,
    "bold": 700,
    "ultrabold": 800,
    "heavy": 900,
    "ultraheavy": 1000,
}

_UNDERLINES: Final = {
    "none": False,
    "single": True,
    "double": True,
    "low": True,
    "error": True,
}

_MONO: Final = frozenset({"monospace", "mono", "dejavu sans mono"})

_NOT_DRAWN: Final = frozenset(
    {
        *("font", "font_desc", "font_features", "font_scale", "fallback", "lang"),
        *("font_stretch", "stretch", "font_variant", "variant", "gravity", "gravity_hint"),
        *("alpha", "fgalpha", "background_alpha", "bgalpha", "rise", "baseline_shift"),
        *("overline", "overline_color", "underline_color", "strikethrough_color"),
        *("letter_spacing", "line_height", "text_transform", "segment", "show"),
        *("allow_breaks", "insert_hyphens"),
    }
)
"""Attributes of Pango's that no vendor program uses; they change nothing here."""


def _size(style: Style, value: str) -> Style:
    """A name, a step, points ("12.5pt"), or 1024ths of a point."""
    if value in _SIZES:
        return replace(style, scale=_SIZES[value])
    if value in {"smaller", "larger"}:
        return _resized(style, STEP if value == "larger" else 1 / STEP)
    points = _number(value[:-2]) if value.endswith("pt") else _whole(value) / 1024
    if points <= 0:
        raise ValueError(value)
    return _resized(replace(style, scale=1.0), points / BASE_POINTS)


def _weight(style: Style, value: str) -> Style:
    weight = _WEIGHTS[value] if value in _WEIGHTS else _whole(value)
    if not 100 <= weight <= 1000:
        raise ValueError(value)
    return replace(style, weight=weight)


def _slant(style: Style, value: str) -> Style:
    return replace(style, italic=_one_of(value, normal=False, oblique=True, italic=True))


def _underline(style: Style, value: str) -> Style:
    return replace(style, underline=_one_of(value, **_UNDERLINES))


def _struck(style: Style, value: str) -> Style:
    return replace(style, struck=_one_of(value, true=True, false=False))


def _face(style: Style, value: str) -> Style:
    """The dock's fonts are not known: a face is either even in width or it is not."""
    return replace(style, mono=value.strip().lower() in _MONO)


def _ink(style: Style, value: str) -> Style:
    return replace(style, ink=_colour(value))


def _ground(style: Style, value: str) -> Style:
    return replace(style, ground=_colour(value))


_ATTRIBUTES: Final[dict[str, Callable[[Style, str], Style]]] = {
    "size": _size,
    "font_size": _size,
    "weight": _weight,
    "font_weight": _weight,
    "style": _slant,
    "font_style": _slant,
    "underline": _underline,
    "strikethrough": _struck,
    "face": _face,
    "font_family": _face,
    "foreground": _ink,
    "fgcolor": _ink,
    "color": _ink,
    "background": _ground,
    "bgcolor": _ground,
}
"""Names of one thing are one function, so that it is not given twice under two of them."""


def _colour(value: str) -> int:
    """0xRRGGBB of a name, or of "#" and one to four digits for each of red, green and blue."""
    if not value.startswith("#"):
        name = value.replace(" ", "").lower()
        if name not in NAMED:
            raise ValueError(value)
        return NAMED[name]
    digits, rest = divmod(len(value) - 1, 3)
    if rest or not 1 <= digits <= 4 or _HEX.fullmatch(value, 1) is None:
        raise ValueError(value)
    most = 16**digits - 1
    octets = bytes(
        (int(value[at : at + digits], 16) * 255 + most // 2) // most
        for at in range(1, len(value), digits)
    )
    return int.from_bytes(octets, "big")


_HEX: Final = re.compile("[0-9A-Fa-f]+")
_NUMBER: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


def _number(value: str) -> float:
    if _NUMBER.fullmatch(value) is None:
        raise ValueError(value)
    return float(value)


def _whole(value: str) -> int:
    if not (value.isascii() and value.isdecimal() and len(value) <= 9):
        raise ValueError(value)
    return int(value)


def _one_of(value: str, **meanings: bool) -> bool:
    if value not in meanings:
        raise ValueError(value)
    return meanings[value]

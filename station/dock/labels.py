"""A label for a virtual dock nobody has labelled: one that its product's pattern takes.

Reads the patterns that serials have: characters, sets, digits, and how often each comes.
"""

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Final

from station.domain.errors import OperatorError
from station.domain.identity import DockId, Serial

_REPEATED_MAX: Final = 64
"""No serial is longer."""

_ITEM: Final = re.compile(
    r"(?:\[(?P<set>[A-Za-z0-9._-]+)\]|(?P<digit>\\d)|\\(?P<mark>[._-])|(?P<one>[A-Za-z0-9_-]))"
    r"(?:\{(?P<least>[0-9]{1,2})(?:,[0-9]*)?\}|(?P<often>[+*?]))?"
)
_RANGE: Final = re.compile(r"(.)-(.)")
_DIGITS: Final = "0123456789"


class NoLabel(OperatorError):
    """The product's pattern is none that a label is made from."""

    code = "E-DOCK-08"
    remedy = "Give the dock its label with --label."


def label_for(dock_id: DockId, pattern: str) -> Serial:
    """The same label for the same dock; dock ids share some where a pattern has few.

    pattern: regular expression of the product's serials. Raises NoLabel.
    """
    chance = int.from_bytes(sha256(b"label" + dock_id.octets).digest())
    text = ""
    for choices in _places(pattern):
        chance, chosen = divmod(chance, len(choices))
        text += choices[chosen]
    if re.fullmatch(pattern, text) is None or not text:
        raise NoLabel(f"no label can be made from the pattern {pattern[:64]!r}")
    try:
        return Serial(text)
    except ValueError as error:
        raise NoLabel(f"{text[:64]!r}, made from the pattern, is no serial") from error


def _places(pattern: str) -> Iterator[str]:
    """What may stand at each place, as long as the pattern can be read."""
    at = 0
    while (item := _ITEM.match(pattern, at)) is not None:
        at = item.end()
        choices = item["one"] or item["mark"] or (_DIGITS if item["digit"] else _set(item["set"]))
        least = int(item["least"]) if item["least"] else 0 if item["often"] in {"*", "?"} else 1
        yield from [choices] * min(least, _REPEATED_MAX)


def _set(inside: str) -> str:
    """The characters of a set, its ranges written out."""

    def spelled(found: re.Match[str]) -> str:
        return "".join(map(chr, range(ord(found[1]), ord(found[2]) + 1)))

    return _RANGE.sub(spelled, inside)

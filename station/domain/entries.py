"""The items a datastore holds: kinds, declared picture types, and the limits on their names."""

import codecs
import re
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Final


class Kind(StrEnum):
    """Kinds of entries; the value is the spelling inside a volume (docs/SPEC.md, "Keys")."""

    KV = "kv"
    IMG = "img"
    CODE = "code"
    FONT = "font"


class PictureType(StrEnum):
    """Picture types of the SDK configuration, as sent (upper case)."""

    PNG = "PNG"
    BMP = "BMP"
    JPEG = "JPEG"


APPLICATION_NAME: Final = "main.py"
"""Name of the one application of a partition (docs/SPEC.md, "Keys")."""

PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""Names that every dock tool is sure to take; others are allowed with a warning."""

NAME_MAX_BYTES: Final = 1024
"""Longest name in UTF-8 octets; more is damage or an attack."""


_NAME_SHOWN_CHARACTERS: Final = 64
_LOOKED_AT_BYTES: Final = 65_536
"""Of a text at once: a value of a hundred megabytes is not to be copied to be looked at."""


def shown(name: str) -> str:
    """A name from outside, fit for one line of a screen."""
    return repr(name[:_NAME_SHOWN_CHARACTERS])


def is_text(octets: bytes | memoryview) -> bool:
    """Whether these are UTF-8 without NUL, as every key-value is."""
    decoder, view = codecs.getincrementaldecoder("utf-8")(), memoryview(octets)
    try:
        for start in range(0, len(view), _LOOKED_AT_BYTES):
            if "\0" in decoder.decode(bytes(view[start : start + _LOOKED_AT_BYTES])):
                return False
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Entry:
    """One item: `data` is the raw content, for key-values the UTF-8 octets of the value.

    `picture` is set for images and for nothing else.
    """

    kind: Kind
    name: str
    data: bytes | memoryview = field(repr=False)
    picture: PictureType | None = None

    def __post_init__(self) -> None:
        octets = self.name.encode("utf-8")
        if not octets or b"\0" in octets or len(octets) > NAME_MAX_BYTES:
            raise ValueError("a name is 1 to 1024 octets of UTF-8 without NUL")
        if (self.picture is not None) != (self.kind is Kind.IMG):
            raise ValueError("images, and only images, have a picture type")

    @property
    def key(self) -> tuple[Kind, str]:
        """What is unique within a volume."""
        return self.kind, self.name

    @property
    def digest(self) -> bytes:
        """SHA-256 of the content, 32 octets."""
        return sha256(self.data).digest()

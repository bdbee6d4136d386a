"""A splash as octets, on its way to the process that draws it.

A length (u32, big-endian), a head of JSON, and the octets of the background to the end.
Source: docs/SPEC.md, "The renderer".
"""

import json
import struct
from typing import Any, Final

from station.domain.entries import PictureType
from station.domain.splash import Alignment, Background, Splash, TextBox

HEAD_BYTES_MAX: Final = 32 * 1024 * 1024
"""Room for the most text a splash holds, every character escaped."""

BACKGROUND_BYTES_MAX: Final = 32 * 1024 * 1024
"""Three times an uncompressed picture of the screen's size; a larger one is not drawn."""

MESSAGE_BYTES_MAX: Final = 4 + HEAD_BYTES_MAX + BACKGROUND_BYTES_MAX

_LENGTH: Final = struct.Struct(">I")


def encode(splash: Splash) -> tuple[bytes, bytes | memoryview]:
    """Its two parts, the background uncopied. Raises ValueError for more text than is taken."""
    background = splash.background
    content: bytes | memoryview = b""
    if background is not None and len(background.content) <= BACKGROUND_BYTES_MAX:
        content = background.content
    head = json.dumps(
        {
            "background": (background.picture or "") if content and background else None,
            "boxes": [[box.markup, box.x, box.y, box.alignment] for box in splash.boxes],
            "trace": splash.trace,
        }
    ).encode("ascii")
    if len(head) > HEAD_BYTES_MAX:
        raise ValueError("more text than is drawn")
    return _LENGTH.pack(len(head)) + head, content


def decode(message: bytes) -> Splash:
    """The splash again. Raises ValueError for anything `encode` does not make."""
    if not _LENGTH.size <= len(message) <= MESSAGE_BYTES_MAX:
        raise ValueError("not a message about a splash")
    (length,) = _LENGTH.unpack_from(message)
    if length > HEAD_BYTES_MAX or _LENGTH.size + length > len(message):
        raise ValueError("a head that is cut short")
    content = message[_LENGTH.size + length :]
    match json.loads(message[_LENGTH.size : _LENGTH.size + length]):
        case {"background": background, "boxes": list(boxes), "trace": str(trace)}:
            return Splash(_background(background, content), tuple(map(_box, boxes)), trace)
    raise ValueError("not a splash")


def _background(picture: Any, content: bytes) -> Background | None:
    if picture is None:
        if content:
            raise ValueError("octets that belong to nothing")
        return None
    return Background(content, PictureType(picture) if picture else None)


def _box(item: Any) -> TextBox:
    match item:
        case [str(markup), int() | None as x, int() | None as y, str(alignment)]:
            return TextBox(markup, x, y, Alignment(alignment))
    raise ValueError("not a text box")

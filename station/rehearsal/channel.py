"""Frames between a rehearsal's child and its parent: two lengths, a head of JSON, a body of octets.

Carries, and knows no meaning (`statements`, `briefing`). Either end can be cut anywhere.
Source: docs/SPEC.md, "The channel".
"""

import json
import struct
from dataclasses import dataclass, field
from typing import Any, Final

HEAD_BYTES_MAX: Final = 1 << 20
"""Longest head a child may send: a full screen of text has a quarter of that."""

BODY_BYTES_MAX: Final = 1 << 24
"""Longest body a child may send; a bitmap of the whole screen takes half of it."""

_LENGTHS: Final = struct.Struct(">II")


class Garbage(Exception):
    """Octets or words that no honest child sends; the one argument says what is wrong."""


@dataclass(frozen=True, slots=True)
class Frame:
    """head: what JSON has read, of any shape. body: empty where nothing belongs to it."""

    head: Any
    body: bytes = field(default=b"", repr=False)


def encode(*head: object, body_bytes: int = 0) -> bytes:
    """Everything of a frame that stands before its body, which has `body_bytes`.

    Half a surrogate pair, which is no text, becomes a question mark.
    """
    text = json.dumps(head, ensure_ascii=False, separators=(",", ":"))
    octets = text.encode("utf-8", "replace")
    return _LENGTHS.pack(len(octets), body_bytes) + octets


class Frames:
    """Puts frames together from pieces of a stream.

    head_max, body_max: longest parts in octets; None for no limit, for what a trusted end sends.
    """

    def __init__(self, *, head_max: int | None, body_max: int | None) -> None:
        self._head_max = head_max
        self._body_max = body_max
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Take the next piece."""
        self._buffer += data

    @property
    def waiting_bytes(self) -> int:
        """Octets of frames that have not been taken."""
        return len(self._buffer)

    def take(self) -> Frame | None:
        """The next frame, once it is whole. Raises Garbage, as soon as its lengths are known."""
        if len(self._buffer) < _LENGTHS.size:
            return None
        head_bytes, body_bytes = _LENGTHS.unpack_from(self._buffer)
        for size, limit in ((head_bytes, self._head_max), (body_bytes, self._body_max)):
            if limit is not None and size > limit:
                raise Garbage(f"a frame of {size:,} bytes; at most {limit:,}")
        body_at = _LENGTHS.size + head_bytes
        end = body_at + body_bytes
        if len(self._buffer) < end:
            return None
        with memoryview(self._buffer) as view:
            head, body = bytes(view[_LENGTHS.size : body_at]), bytes(view[body_at:end])
        del self._buffer[:end]
        try:
            return Frame(json.loads(head.decode("utf-8")), body)
        except (ValueError, RecursionError) as error:
            raise Garbage("a frame whose head is no JSON") from error

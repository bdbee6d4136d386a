"""Module `json`. Bad input is ValueError; there is no class and no other exception.

Text stays text in what is written: MicroPython escapes no letter of another alphabet. Octets are
written as the text they hold.
Source: dock-sdk.md, 2.7; MicroPython's documentation of `json`.
"""

import json
from typing import Any, NoReturn, Protocol

from station.rehearsal.sdk.names import Names


class Readable(Protocol):
    """A stream."""

    def read(self) -> str | bytes:
        """All that is left of it."""


class Writable(Protocol):
    """A stream."""

    def write(self, text: str, /) -> object:
        """Take it."""


def json_names() -> Names:
    """Of module `json`."""

    def dumps(obj: object, separators: tuple[str, str] | None = None) -> str:
        return json.dumps(obj, ensure_ascii=False, separators=separators, default=_plain)

    def dump(obj: object, stream: Writable, separators: tuple[str, str] | None = None) -> None:
        stream.write(dumps(obj, separators))

    def loads(text: str | bytes | bytearray) -> Any:
        try:
            return json.loads(text, parse_constant=_refuse)
        except json.JSONDecodeError as error:
            raise ValueError("syntax error in JSON") from error

    def load(stream: Readable) -> Any:
        return loads(stream.read())

    return {"dump": dump, "dumps": dumps, "load": load, "loads": loads}


def _plain(value: object) -> str:
    if isinstance(value, bytes | bytearray):
        return value.decode("utf-8")
    raise TypeError(f"{type(value).__name__} is nothing that JSON knows")


def _refuse(_constant: str) -> NoReturn:
    raise ValueError("syntax error in JSON")

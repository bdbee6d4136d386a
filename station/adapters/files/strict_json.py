"""Reads JSON as plain data whose places can be found when a complaint needs them.

Duplicate keys, floats, NaN and excessive depth are refused. Places are looked up lazily: a lot of
a million records is parsed at full speed, and only the one bad record is searched for.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from json.decoder import JSONDecoder
from typing import Final, Never

from station.adapters.files.strict_yaml import Document, Plain, Position, Spot, Trail
from station.domain.errors import DocumentRefused
from station.domain.limits import DOCUMENT_DEPTH_MAX

_DECODER: Final = JSONDecoder()
_TOO_DEEP: Final = f"nested deeper than {DOCUMENT_DEPTH_MAX} levels"
_BLANK: Final = re.compile(r"[ \t\n\r]*")


def parse(text: str, *, name: str) -> Document:
    """The document in `text`; `name` stands in every complaint. Raises DocumentRefused."""
    spots = _Spots(text)
    try:
        data: Plain = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_float=_no_number,
            parse_constant=_no_number,
            parse_int=_integer,
        )
    except json.JSONDecodeError as error:
        raise DocumentRefused(
            f"{name}:{error.lineno}:{error.colno}: not JSON: {error.msg.lower()}"
        ) from error
    except _DuplicateKey as error:
        raise DocumentRefused(_duplicate(text, name)) from error
    except RecursionError as error:
        raise DocumentRefused(f"{name}: {_TOO_DEEP}") from error
    except ValueError as error:
        raise DocumentRefused(f"{name}: {error}") from error
    if _deeper(data, DOCUMENT_DEPTH_MAX):
        raise DocumentRefused(f"{name}: {_TOO_DEEP}")
    return Document(name, data, spots)


class _DuplicateKey(ValueError):
    """An object of the document has a key twice."""


class _Spots(Mapping[Trail, Spot]):
    """Places in a JSON text that is known to be well formed, found by stepping through it."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __getitem__(self, trail: Trail) -> Spot:
        key_at, value_at = None, _skip(self._text, 0)
        for step in trail:
            for member, key_at, value_at in _members(self._text, value_at):  # noqa: B007, B020
                if member == step:
                    break
            else:
                raise KeyError(trail)
        key = None if key_at is None else _position(self._text, key_at)
        return Spot(_position(self._text, value_at), key)

    def __iter__(self) -> Iterator[Trail]:
        return (trail for trail, _, _ in _walk(self._text))

    def __len__(self) -> int:
        return sum(1 for _ in self)


Item = tuple[Trail, int | None, int]
"""Trail, where its key begins, where its value begins (offsets in characters)."""


def _walk(text: str) -> Iterator[Item]:
    """Every item of a well-formed text, in its order."""
    yield from _enter(text, _skip(text, 0), (), None)


def _enter(text: str, at: int, trail: Trail, key_at: int | None) -> Iterator[Item]:
    yield trail, key_at, at
    for step, step_at, value_at in _members(text, at):
        yield from _enter(text, value_at, (*trail, step), step_at)


def _members(text: str, at: int) -> Iterator[tuple[str | int, int | None, int]]:
    """(key or number, offset of the key, offset of the value) within the value at `at`."""
    opening = text[at]
    if opening not in "{[":
        return
    number, at = 0, _skip(text, at + 1)
    while text[at] not in "}]":
        step: str | int = number
        key_at = None
        if opening == "{":
            key_at = at
            step, at = _DECODER.raw_decode(text, at)
            at = _skip(text, _skip(text, at) + 1)  # past the colon
        yield step, key_at, at
        _, at = _DECODER.raw_decode(text, at)
        at = _skip(text, at)
        if text[at] == ",":
            at = _skip(text, at + 1)
        number += 1


def _skip(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return blank.end() if blank else at


def _duplicate(text: str, name: str) -> str:
    """The complaint about the first key that stands twice in one object."""
    seen: dict[Trail, Position] = {}
    for trail, key_at, _ in _walk(text):
        if key_at is None:
            continue
        position = _position(text, key_at)
        if trail in seen:
            lines = f"lines {seen[trail].line} and {position.line}"
            return f"{name}:{position}: the key {trail[-1]!r} appears twice: {lines}"
        seen[trail] = position
    return f"{name}: a key appears twice"


def _position(text: str, at: int) -> Position:
    return Position(text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))


def _deeper(value: Plain, levels: int) -> bool:
    if isinstance(value, dict):
        inner: Iterable[Plain] = value.values()
    elif isinstance(value, list):
        inner = value
    else:
        return False
    return levels == 0 or any(_deeper(one, levels - 1) for one in inner)


def _unique(pairs: list[tuple[str, Plain]]) -> dict[str, Plain]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise _DuplicateKey
    return mapping


def _no_number(text: str) -> Never:
    raise ValueError(f"{text[:20]} is no number the station uses; whole numbers only")


def _integer(text: str) -> int:
    if len(text) > 16:
        raise ValueError(f"the number {text[:16]}… is too large")
    return int(text)

"""Reads YAML as plain data that remembers where everything stands in the file.

Only what a configuration needs: one document of mappings, lists and scalars. Tags, anchors,
aliases, merge keys, duplicate keys and a second document are refused, so nothing in the text can
build an object, run code or say one thing to us and another to the next reader (Y1, Y6).

YAML 1.1 reads unquoted ``NO``, ``0010``, ``12:30:00``, ``1.0``, ``~`` and dates as something else
than text (Y7). Here a scalar is text, a decimal integer, ``true``, ``false`` or ``null``; every
other reading becomes a `Misread`, which fits no schema and is reported with advice to quote it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from station.adapters.files.reading import read_text
from station.domain.errors import DocumentRefused
from station.domain.limits import DOCUMENT_BYTES_MAX, DOCUMENT_DEPTH_MAX

_TAG: Final = "tag:yaml.org,2002:"
_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,14}")
_WORDS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None, "": None}
_READINGS: Final = {
    "bool": "a truth value",
    "float": "a number",
    "int": "a number",
    "merge": "a merge key",
    "null": "nothing (null)",
    "timestamp": "a date",
    "value": "a default value",
}


@dataclass(frozen=True, slots=True)
class Misread:
    """A scalar that YAML would read as `reading`, although it is spelled `text`."""

    text: str
    reading: str


Plain = None | bool | int | str | Misread | list["Plain"] | dict[str, "Plain"]
Trail = tuple[str | int, ...]
"""The way from the root to an item: keys and list positions."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Line and column in characters, both from 1."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Spot:
    """Where an item stands. spelled: an unquoted scalar as written; reading: what YAML makes of
    it, empty for text."""

    value: Position
    key: Position | None = None
    spelled: str = ""
    reading: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A document and the place of every item in it. `name` is the file as the caller named it."""

    name: str
    data: Plain
    spots: Mapping[Trail, Spot] = field(repr=False)

    def place(self, *trail: str | int, key: bool = False) -> str:
        """``file:line:column`` of an item, or of its key; of the nearest parent if it is absent."""
        while trail not in self.spots:
            trail = trail[:-1]
        spot = self.spots[trail]
        return f"{self.name}:{spot.key if key and spot.key else spot.value}"

    def refuse(self, message: str, *trail: str | int, key: bool = False) -> DocumentRefused:
        """A refusal that names the place of an item."""
        return DocumentRefused(f"{self.place(*trail, key=key)}: {message}")


def read(path: Path) -> Document:
    """The document in a file. Raises FileUnreadable or DocumentRefused."""
    return parse(read_text(path, limit_bytes=DOCUMENT_BYTES_MAX), name=str(path))


def parse(text: str, *, name: str) -> Document:
    """The document in `text`; `name` stands in every complaint. Raises DocumentRefused."""
    try:
        return _Builder(name, text).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        why = " ".join(part for part in (error.context, error.problem) if part)
        raise DocumentRefused(f"{place}: not YAML: {why}") from error
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise DocumentRefused(
            f"{name}:{line}:{column}: a control character ({ord(text[error.position]):#04x})",
            remedy="Remove it, or write it as an escape inside double quotes.",
        ) from error


class _Builder:
    """Turns the parser's events into plain data, one level of the document per call."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._loader: Any = yaml.SafeLoader(text)  # its methods carry no types
        self._spots: dict[Trail, Spot] = {}

    def document(self) -> Document:
        self._next()  # the stream begins
        event = self._next()
        if isinstance(event, yaml.StreamEndEvent):
            raise DocumentRefused(f"{self._name}:1:1: the file is empty")
        data = self._item((), self._next(), None)
        self._next()  # the document ends
        event = self._next()
        if not isinstance(event, yaml.StreamEndEvent):
            raise self._refuse(event, "a second document; one is allowed")
        return Document(self._name, data, self._spots)

    def _item(self, trail: Trail, event: yaml.Event, key: Position | None) -> Plain:
        self._only_plain(event)
        if len(trail) > DOCUMENT_DEPTH_MAX:
            raise self._refuse(event, f"nested deeper than {DOCUMENT_DEPTH_MAX} levels")
        match event:
            case yaml.ScalarEvent():
                value, spelled, reading = self._scalar(event)
                self._spots[trail] = Spot(_start(event), key, spelled, reading)
                return value
            case yaml.SequenceStartEvent():
                self._spots[trail] = Spot(_start(event), key)
                return [
                    self._item((*trail, number), member, None)
                    for number, member in enumerate(self._members(yaml.SequenceEndEvent))
                ]
            case _:
                self._spots[trail] = Spot(_start(event), key)
                return self._mapping(trail)

    def _mapping(self, trail: Trail) -> dict[str, Plain]:
        mapping: dict[str, Plain] = {}
        for event in self._members(yaml.MappingEndEvent):
            key = self._key(event)
            if key in mapping:
                first = self._spots[*trail, key].key
                lines = f"lines {first.line if first else 0} and {_start(event).line}"
                raise self._refuse(event, f"the key {key!r} appears twice: {lines}")
            mapping[key] = self._item((*trail, key), self._next(), _start(event))
        return mapping

    def _key(self, event: yaml.Event) -> str:
        self._only_plain(event)
        if not isinstance(event, yaml.ScalarEvent):
            raise self._refuse(event, "a key is text, not a list or mapping")
        value, spelled, reading = self._scalar(event)
        if reading or not isinstance(value, str):
            what = reading or "a number"
            raise self._refuse(
                event,
                f"YAML reads the key {spelled or '(empty)'} as {what};"
                f' put it in quotes: "{spelled}"',
            )
        return value

    def _scalar(self, event: yaml.ScalarEvent) -> tuple[Plain, str, str]:
        """(value, spelling of an unquoted scalar, what YAML reads it as where it is not text)."""
        text: str = event.value
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise self._refuse(event, "half of a surrogate pair, which is no character")
        if event.style is not None:
            return text, "", ""
        tag: str = self._loader.resolve(yaml.ScalarNode, text, (True, False)).removeprefix(_TAG)
        if tag == "str":
            return text, text, ""
        reading = _READINGS.get(tag, "something else than text")
        if tag == "int" and _INTEGER.fullmatch(text):
            return int(text), text, reading
        if tag in {"bool", "null"} and text in _WORDS:
            return _WORDS[text], text, reading
        return Misread(text, reading), text, reading

    def _members(self, end: type[yaml.Event]) -> Iterator[yaml.Event]:
        while not isinstance(event := self._next(), end):
            yield event

    def _only_plain(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.AliasEvent):
            raise self._refuse(event, f"an alias (*{event.anchor}); write the value out")
        anchor, tag = getattr(event, "anchor", None), getattr(event, "tag", None)
        if anchor is not None:
            raise self._refuse(event, f"an anchor (&{anchor}); write the value out where needed")
        if tag is not None:
            raise self._refuse(event, f"a tag ({tag}); tags are not allowed")

    def _next(self) -> yaml.Event:
        event: yaml.Event = self._loader.get_event()
        return event

    def _refuse(self, event: yaml.Event, message: str) -> DocumentRefused:
        return DocumentRefused(f"{self._name}:{_start(event)}: {message}")


def _start(event: yaml.Event) -> Position:
    mark: Any = event.start_mark  # every event of a parser has one
    return Position(mark.line + 1, mark.column + 1)

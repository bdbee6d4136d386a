"""What a child may say, word by word, and the limits on how much of it.

The parent believes nothing: whatever is not exactly one of these statements within its limits is
Garbage, and ends the child. The child keeps the limits by itself, so that an application which
goes beyond them is told apart from a child that lies.
Source: docs/SPEC.md, "The channel".
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, assert_never

from station.domain.entries import NAME_MAX_BYTES, Kind, PictureType
from station.domain.rehearsal import Call, Finding, FindingKind
from station.domain.splash import BOXES_MAX, MARKUP_CHARACTERS_MAX, Alignment, TextBox
from station.rehearsal.channel import Frame, Garbage

CALLS_MAX: Final = 10_000
"""Calls that are told and kept: a call every six milliseconds for a minute."""

FINDINGS_MAX: Final = 200
TEXT_CHARACTERS_MAX: Final = 65_536
"""Of all boxes of a splash together; eight pages of a book."""

NAME_CHARACTERS_MAX: Final = 128
DETAIL_CHARACTERS_MAX: Final = 1_024
TRACE_CHARACTERS_MAX: Final = 32_768
POSITION_MAX: Final = 1 << 20
"""Of a box, in pixels either way; further out nothing is ever seen."""

MOMENT_MAX_MS: Final = 1 << 53


class Word(StrEnum):
    """The first item of every head; the last three are the parent's."""

    READY = "ready"
    CANNOT = "cannot"
    CALL = "call"
    FOUND = "found"
    SCREEN = "screen"
    NAMES = "names"
    ENTRY = "entry"
    CHECKSUM = "checksum"
    RAISED = "raised"
    OVER = "over"
    BRIEFING = "briefing"
    ANSWER = "answer"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class Ready:
    """It is confined; the application runs."""


@dataclass(frozen=True, slots=True)
class Cannot:
    """It could not be confined, and runs nothing."""

    reason: str


@dataclass(frozen=True, slots=True)
class NewPicture:
    """A background from octets. picture: None where the application names no type."""

    content: bytes = field(repr=False)
    picture: PictureType | None


@dataclass(frozen=True, slots=True)
class NewImage:
    """A background from the datastore."""

    tag: str


@dataclass(frozen=True, slots=True)
class Screen:
    """The application is idle, and this is drawn. background: None where it is as before."""

    boxes: tuple[TextBox, ...]
    background: NewPicture | NewImage | None


@dataclass(frozen=True, slots=True)
class NamesAsked:
    """Answer: a list of texts."""

    kind: Kind


@dataclass(frozen=True, slots=True)
class EntryAsked:
    """Answer: whether there is one, its picture type or None; the content is the body."""

    kind: Kind
    name: str


@dataclass(frozen=True, slots=True)
class ChecksumAsked:
    """Answer: a whole number."""


@dataclass(frozen=True, slots=True)
class Raised:
    """The application raised something nobody caught; the child ends."""

    trace: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Over:
    """The scenario's time is up; the child ends."""

    ran_ms: int


Question = NamesAsked | EntryAsked | ChecksumAsked
Statement = Ready | Cannot | Call | Finding | Screen | Question | Raised | Over


def statement(frame: Frame) -> Statement:
    """What a frame says. Raises Garbage."""
    match frame.head:
        case [str(word), *rest]:
            pass
        case _:
            raise Garbage("a frame that begins with no word")
    try:
        return _statement(Word(word), rest, frame.body)
    except (ValueError, TypeError) as error:
        raise Garbage(f"an odd statement: {word[:16]!r}") from error


def _statement(word: Word, rest: list[Any], body: bytes) -> Statement:
    """Raises ValueError or TypeError for what an honest child does not say."""
    if body and word is not Word.SCREEN:
        raise ValueError("a body that belongs to nothing")
    match word:
        case Word.READY:
            () = rest
            return Ready()
        case Word.CANNOT:
            (reason,) = rest
            return Cannot(_line(reason, DETAIL_CHARACTERS_MAX))
        case Word.CALL:
            at_ms, name, detail = rest
            return Call(
                _whole(at_ms, MOMENT_MAX_MS),
                _line(name, NAME_CHARACTERS_MAX),
                _line(detail, DETAIL_CHARACTERS_MAX),
            )
        case Word.FOUND:
            kind, detail = rest
            return Finding(FindingKind(kind), _line(detail, DETAIL_CHARACTERS_MAX))
        case Word.SCREEN:
            boxes, background = rest
            return Screen(_boxes(boxes), _background(background, body))
        case Word.NAMES:
            (kind,) = rest
            return NamesAsked(Kind(kind))
        case Word.ENTRY:
            kind, name = rest
            return EntryAsked(Kind(kind), _text(name, NAME_MAX_BYTES))
        case Word.CHECKSUM:
            () = rest
            return ChecksumAsked()
        case Word.RAISED:
            trace, at_ms = rest
            if not trace:
                raise ValueError("an exception without its trace")
            return Raised(_text(trace, TRACE_CHARACTERS_MAX), _whole(at_ms, MOMENT_MAX_MS))
        case Word.OVER:
            (ran_ms,) = rest
            return Over(_whole(ran_ms, MOMENT_MAX_MS))
        case Word.BRIEFING | Word.ANSWER | Word.MESSAGE:
            raise ValueError("a word of the parent")
    assert_never(word)


def _boxes(items: Any) -> tuple[TextBox, ...]:
    if not isinstance(items, list) or len(items) > BOXES_MAX:
        raise ValueError("boxes are a list of bounded length")
    boxes = tuple(_box(*item) for item in items)
    if len({(box.x, box.y) for box in boxes}) < len(boxes):
        raise ValueError("two boxes at one place")
    if sum(len(box.markup) for box in boxes) > TEXT_CHARACTERS_MAX:
        raise ValueError("more text than a splash holds")
    return boxes


def _box(markup: Any, x: Any, y: Any, alignment: Any) -> TextBox:
    return TextBox(
        _text(markup, MARKUP_CHARACTERS_MAX),
        None if x is None else _whole(x, POSITION_MAX, -POSITION_MAX),
        None if y is None else _whole(y, POSITION_MAX, -POSITION_MAX),
        Alignment(alignment),
    )


def _background(item: Any, body: bytes) -> NewPicture | NewImage | None:
    if body and item is None:
        raise ValueError("a body that belongs to nothing")
    match item:
        case None:
            return None
        case ["image", tag] if not body:
            return NewImage(_text(tag, NAME_MAX_BYTES))
        case ["picture", picture]:
            return NewPicture(body, PictureType(picture) if picture else None)
    raise ValueError("no such background")


def _whole(value: Any, highest: int, lowest: int = 0) -> int:
    if type(value) is not int or not lowest <= value <= highest:
        raise ValueError("a whole number in its range")
    return value


def _text(value: Any, longest: int) -> str:
    if not isinstance(value, str) or len(value) > longest:
        raise ValueError("a text of bounded length")
    value.encode("utf-8")  # raises UnicodeEncodeError, a ValueError, for half a surrogate pair
    return value


def _line(value: Any, longest: int) -> str:
    line = _text(value, longest)
    if not line.isprintable():
        raise ValueError("one printable line")
    return line

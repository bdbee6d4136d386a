"""What a conformance case is: a small application, what the dock holds, and what must come of it.

The same cases run on every subject, that is on everything that claims to behave like a dock: the
datastore runtime in this process, the confined child in real time and in a rehearsal, a running
virtual dock. A case names the clause of the dock SDK reference (dock-sdk.md) it holds somebody to.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Protocol

from station.domain.bundle import EntryKey
from station.domain.entries import Entry
from station.domain.profile import UnknownImage


class On(StrEnum):
    """The subjects."""

    IN_PROCESS = "in-process"
    CONFINED_CHILD = "confined-child"
    REHEARSAL = "rehearsal"
    VIRTUAL_DOCK = "virtual-dock"


@dataclass(frozen=True)
class Content:
    """What a dock holds when an application starts.

    common, upd: the two volumes of ROM; where both have an entry, the release lets it be replaced.
    unknown_image: a setting of the dock model (Q3).
    """

    name: str
    common: tuple[Entry, ...] = ()
    upd: tuple[Entry, ...] = ()
    runtime: tuple[Entry, ...] = ()
    ephemeral: tuple[Entry, ...] = ()
    unknown_image: UnknownImage = UnknownImage.RAISE

    @property
    def replaceable(self) -> frozenset[EntryKey]:
        """What the release of this content must let unique data replace."""
        return frozenset({one.key for one in self.common} & {one.key for one in self.upd})


@dataclass(frozen=True)
class Reports:
    """The application called `report` with this, or with what equals it once it was JSON."""

    value: Any


Box = tuple[str, int | None, int | None]
"""Markup, x, y; both None for the default box."""


@dataclass(frozen=True)
class Shows:
    """The splash has these boxes, in the order they were added."""

    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class Fails:
    """The application was unloaded, and all that is seen is a stack trace with this in it."""

    trace: str


Outcome = Reports | Shows | Fails


@dataclass(frozen=True)
class Case:
    """application: pushed to the dock as a developer does; empty for the one that the dock boots.

    not_on: subjects that cannot be held to it, each with the reason.
    """

    clause: str
    says: str
    application: str
    outcome: Outcome
    content: Content
    not_on: Mapping[On, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Of its test."""
        return f"{self.clause} {self.says}"

    @property
    def source(self) -> bytes:
        """What is pushed."""
        if not self.application:
            return b""
        done = SAY_DONE if isinstance(self.outcome, Shows) else ""
        return with_report(self.application + done)


class Subject(Protocol):
    """Something that claims to behave like a dock."""

    def outcome(self, case: Case) -> Outcome:
        """What came of a case there."""


REPORT = """\
def report(value):
    import json
    from splashscreen import Splashscreen
    text = json.dumps(value)
    for plain, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(plain, escaped)
    Splashscreen().add_text_box(text)

"""
"""How an application tells its result: as the text of the default box."""


def with_report(application: str) -> bytes:
    """The source of an application that may call `report`."""
    return (REPORT + application).encode()


DONE: Final[Box] = ("done", 1_919, 1_079)
SAY_DONE: Final = """\
from splashscreen import Splashscreen
Splashscreen().add_text_box('done', {'x': 1919, 'y': 1079})
"""
"""The last box of an application whose boxes are looked at: one more than the case is about."""


def seen(case: Case, trace: str, boxes: Sequence[Box]) -> Outcome | None:
    """What has come of a case by what its dock shows; None while there is nothing to say yet.

    trace: of the exception that ended the application; empty while it lives.
    """
    if trace:
        return Fails(trace)
    if isinstance(case.outcome, Shows):
        shown = tuple(box for box in boxes if box != DONE)
        return Shows(shown) if len(shown) < len(boxes) else None
    for text, x, _ in boxes:
        if x is None:
            return Reports(json.loads(told(text)))
    return None


def told(text: str) -> str:
    """The JSON in the text of a box."""
    for plain, escaped in ((">", "&gt;"), ("<", "&lt;"), ("&", "&amp;")):
        text = text.replace(escaped, plain)
    return text

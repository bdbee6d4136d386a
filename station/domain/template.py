"""A template: which unique-per-dock (UPD) entries a product gets, whence, whither, by which rules.

Values only; `application/rendering.py` turns them into entries. A `Template` that exists is sound:
its references resolve, nothing goes round in a circle, no secret reaches a report or an entry that
is not marked secret. `faults` says what is wrong with one that is not.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter
from hashlib import sha256
from typing import Final, assert_never

from station.domain import canonical_json
from station.domain.bundle import EntryKey, is_name
from station.domain.canonical_json import JsonValue
from station.domain.entries import Kind
from station.domain.release import Version

FIELD_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
"""Names of entries, lot kinds, lot fields and keys."""

VALUE_MAX_CHARACTERS: Final = 8_192
"""Longest value an entry may ask for; also its bound where it asks for none."""

# -- where a value comes from -------------------------------------------------------------------


class DockFact(StrEnum):
    """What an identified dock says of itself."""

    DOCK_ID = "dock_id"
    """64 hexadecimal characters, upper case."""

    LABEL = "label"
    MODEL = "model"
    HARDWARE = "hardware"


class Case(StrEnum):
    """What becomes of the letters of a composed text."""

    AS_IS = "as-is"
    LOWER = "lower"
    UPPER = "upper"


@dataclass(frozen=True, slots=True)
class Scan:
    """The serial on the unit's label, as scanned."""


@dataclass(frozen=True, slots=True)
class Constant:
    """The same text on every dock (for small things; large common content is the bundle's)."""

    text: str


@dataclass(frozen=True, slots=True)
class DockValue:
    """What the dock reports."""

    what: DockFact


@dataclass(frozen=True, slots=True)
class LotField:
    """A field of the record that the ledger takes for this dock from a lot of this kind."""

    kind: str
    field: str


@dataclass(frozen=True, slots=True)
class HmacSha256:
    """base64(HMAC-SHA256(base64-decode(key), value of entry `of` as UTF-8)).

    key: name of a key reference. The key itself stays at the station: only the result may enter
    an image (Azure IoT DPS, "Symmetric key attestation", group enrolments).
    """

    key: str
    of: str


@dataclass(frozen=True, slots=True)
class Text:
    """Text with ``{entry}`` replaced by the value of that entry; ``{{`` and ``}}`` are braces."""

    pattern: str
    case: Case = Case.AS_IS

    @property
    def pieces(self) -> tuple[str | tuple[str], ...]:
        """Literal text as str, a reference as a tuple of one entry name. Raises ValueError."""
        return tuple(_pieces(self.pattern))


Source = Scan | Constant | DockValue | LotField | HmacSha256 | Text

# -- where it goes ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kv:
    """A key of the dock's key-value store; the value is stored as UTF-8."""

    key: str


@dataclass(frozen=True, slots=True)
class Img:
    """A tag of the dock's image store; the value is base64 of a PNG, BMP or JPEG file."""

    tag: str


Target = Kv | Img


class Rework(StrEnum):
    """What a rework order does with the value."""

    NEW = "new"
    KEEP = "keep"


class Visibility(StrEnum):
    """What a report says of the value."""

    SHOWN = "shown"
    FINGERPRINT = "fingerprint"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True)
class TemplateEntry:
    """One field. format: regular expression the whole value must match, empty for any text.

    max_characters: of the value before it is stored.
    """

    name: str
    source: Source
    target: Target
    secret: bool = False
    rework: Rework = Rework.NEW
    report: Visibility = Visibility.SHOWN
    format: str = ""
    max_characters: int = VALUE_MAX_CHARACTERS

    @property
    def key(self) -> EntryKey:
        """Kind and name of the datastore entry it becomes."""
        match self.target:
            case Kv(key):
                return Kind.KV, key
            case Img(tag):
                return Kind.IMG, tag
        assert_never(self.target)

    @property
    def references(self) -> tuple[str, ...]:
        """Names of the entries its value is made from. Raises ValueError for a bad pattern."""
        match self.source:
            case Text() as text:
                return tuple(piece[0] for piece in text.pieces if isinstance(piece, tuple))
            case HmacSha256(of=of):
                return (of,)
        return ()


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with one entry; `part` is the part of it to look at (source, target…)."""

    entry: int
    part: str
    message: str


@dataclass(frozen=True, slots=True)
class Template:
    """Fields of one product, in the order they were written. Raises ValueError when unsound."""

    name: str
    version: Version
    product: str
    entries: tuple[TemplateEntry, ...]

    def __post_init__(self) -> None:
        if not is_name(self.name) or not is_name(self.product):
            raise ValueError("a template and its product have names of 1 to 64 characters")
        if not self.entries:
            raise ValueError("a template has at least one entry")
        for fault in faults(self.entries):
            raise ValueError(f"{self.entries[fault.entry].name}: {fault.message}")

    @property
    def digest(self) -> bytes:
        """SHA-256 of the canonical form, 32 octets; orders and reports name a template by it."""
        return sha256(self.encode()).digest()

    @property
    def lot_kinds(self) -> tuple[str, ...]:
        """Kinds of UPD records one dock needs, each once, in the order of first use."""
        sources = (entry.source for entry in self.entries)
        return tuple(dict.fromkeys(one.kind for one in sources if isinstance(one, LotField)))

    @property
    def key_names(self) -> tuple[str, ...]:
        """Names of the key references its derivations need, each once."""
        sources = (entry.source for entry in self.entries)
        return tuple(dict.fromkeys(one.key for one in sources if isinstance(one, HmacSha256)))

    def lot_fields(self, kind: str) -> tuple[str, ...]:
        """Fields it takes from a record of `kind`, each once."""
        sources = (entry.source for entry in self.entries)
        return tuple(
            dict.fromkeys(
                one.field for one in sources if isinstance(one, LotField) and one.kind == kind
            )
        )

    def in_order(self) -> tuple[TemplateEntry, ...]:
        """Entries so that each follows those it refers to; otherwise as written."""
        by_name = {entry.name: entry for entry in self.entries}
        graph = {entry.name: entry.references for entry in self.entries}
        return tuple(by_name[name] for name in TopologicalSorter(graph).static_order())

    def encode(self) -> bytes:
        """Canonical JSON of everything that decides what a dock gets."""
        return canonical_json.encode(
            {
                "entries": [_encoded(entry) for entry in self.entries],
                "name": self.name,
                "product": self.product,
                "version": str(self.version),
            }
        )


def faults(entries: Sequence[TemplateEntry]) -> tuple[Fault, ...]:
    """Everything that keeps `entries` from being a sound template, in the order of entries."""
    found: list[Fault] = []
    names = [entry.name for entry in entries]
    keys = [entry.key for entry in entries]
    for number, entry in enumerate(entries):
        found += (Fault(number, part, message) for part, message in _entry_faults(entry))
        if entry.name in names[:number]:
            found.append(Fault(number, "name", f"the name {entry.name!r} appears twice"))
        if entry.key in keys[:number]:
            other = names[keys.index(entry.key)]
            kind, key = entry.key
            found.append(
                Fault(number, "target", f"{kind} {key!r} is already the target of {other}")
            )
        found += (Fault(number, "source", message) for message in _reference_faults(entry, entries))
    if not found:
        found += _cycle(entries)
    return tuple(found)


def _entry_faults(entry: TemplateEntry) -> Iterator[tuple[str, str]]:
    if FIELD_NAME.fullmatch(entry.name) is None:
        yield "name", f"{entry.name!r} is no name (a letter, then letters, digits, _ and -)"
    if entry.secret and entry.report is Visibility.SHOWN:
        yield "report", "a secret is never shown in a report: use fingerprint or hidden"
    if isinstance(entry.source, HmacSha256) and not entry.secret:
        yield "secret", "a value derived from a key is a secret: mark it so"
    if isinstance(entry.target, Img) and not isinstance(entry.source, LotField | Constant):
        yield "source", "makes no picture: an image comes from a lot or a constant, as base64"
    if not 1 <= entry.max_characters <= VALUE_MAX_CHARACTERS:
        yield "max_length", f"a value has 1 to {VALUE_MAX_CHARACTERS} characters"
    try:
        re.compile(entry.format)
    except (re.error, OverflowError, RecursionError) as error:
        yield "format", f"not a regular expression: {error}"
    _, key = entry.key
    if not key or "\0" in key:
        yield "target", "a key or tag has at least one character and no NUL"


def _reference_faults(entry: TemplateEntry, entries: Sequence[TemplateEntry]) -> Iterator[str]:
    try:
        references = entry.references
    except ValueError as error:
        yield str(error)
        return
    for name in dict.fromkeys(references):
        meant = next((other for other in entries if other.name == name), None)
        if meant is None:
            yield f"refers to {name!r}, which is no entry of this template"
        elif meant.secret and not entry.secret:
            yield f"carries the secret {name!r} into an entry that is not marked secret"
        elif isinstance(meant.target, Img):
            yield f"refers to {name!r}, which is a picture"


def _cycle(entries: Sequence[TemplateEntry]) -> Iterator[Fault]:
    try:
        TopologicalSorter({entry.name: entry.references for entry in entries}).prepare()
    except CycleError as error:
        ring: list[str] = error.args[1]
        number = min(number for number, entry in enumerate(entries) if entry.name in ring)
        yield Fault(number, "source", f"goes round in a circle: {' → '.join(reversed(ring))}")


def _pieces(pattern: str) -> Iterable[str | tuple[str]]:
    at = 0
    for match in re.finditer(r"\{\{|\}\}|\{([^{}]*)\}|[{}]", pattern):
        if match.start() > at:
            yield pattern[at : match.start()]
        at = match.end()
        if match[0] in {"{{", "}}"}:
            yield match[0][0]
        elif match[1] is not None and FIELD_NAME.fullmatch(match[1]):
            yield (match[1],)
        else:
            raise ValueError(
                f"{match[0]} at character {match.start() + 1} of the text is no reference;"
                " write {entry_name}, or double a brace that is meant literally"
            )
    if at < len(pattern):
        yield pattern[at:]


def _encoded(entry: TemplateEntry) -> JsonValue:
    kind, key = entry.key
    return {
        "format": entry.format,
        "max_length": entry.max_characters,
        "name": entry.name,
        "report": entry.report.value,
        "rework": entry.rework.value,
        "secret": entry.secret,
        "source": _encoded_source(entry.source),
        "target": {kind.value: key},
    }


def _encoded_source(source: Source) -> JsonValue:
    match source:
        case Scan():
            return {"scan": "serial"}
        case Constant(text):
            return {"constant": text}
        case DockValue(what):
            return {"dock": what.value}
        case LotField(kind, field):
            return {"lot": {"field": field, "kind": kind}}
        case HmacSha256(key, of):
            return {"hmac-sha256": {"key": key, "of": of}}
        case Text(pattern, case):
            return {"text": {"case": case.value, "pattern": pattern}}
    assert_never(source)

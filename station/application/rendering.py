"""Turns a template into the unique entries of one dock, and says what is doubtful about one.

Pure: scanned serial, identified dock, lot records and derivation come in as arguments; entries
and what a report may say of them come out. Decides nothing about where records or keys come from,
and never repeats a secret in a complaint.
"""

import re
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, assert_never

from station.application.ports import DockIdentity
from station.datastore.pictures import recognise
from station.domain.bundle import TIME_ZONE_KEY, TIME_ZONES, Bundle, EntryKey
from station.domain.entries import PLAIN_NAME, Entry, Kind
from station.domain.errors import DocumentRefused, PictureRefused
from station.domain.identity import Serial
from station.domain.limits import BUDGET_WARNING_PERCENT, ROM_STORE_BYTES
from station.domain.lot import KINDS
from station.domain.secret import Secret
from station.domain.template import (
    Case,
    Constant,
    DockFact,
    DockValue,
    HmacSha256,
    Img,
    Kv,
    LotField,
    Scan,
    Template,
    TemplateEntry,
    Text,
    Visibility,
)

Records = Mapping[str, Mapping[str, Secret]]
"""Kind of UPD record to the fields of the record held for this dock."""

Derive = Callable[[str, str], Secret]
"""(name of a key reference, text) to base64 of HMAC-SHA256; raises KeyRefused, SignerOffline."""

Fingerprint = Callable[[bytes], bytes]
"""Keyed fingerprint of a content, 32 octets."""

_UNKEPT: Final = "Correct the template, or the data it takes this value from."


@dataclass(frozen=True, slots=True)
class RenderedField:
    """One entry as it was rendered, for reports and previews.

    key: kind and name of the datastore entry. size_bytes: of its content.
    """

    name: str
    key: EntryKey
    size_bytes: int
    secret: bool
    visibility: Visibility
    content: bytes = field(repr=False)

    def reported(self, fingerprint: Fingerprint) -> str | None:
        """What a report says of the value: the value, its fingerprint in hex, or None.

        A shown picture is named by its fingerprint too.
        """
        match self.visibility:
            case Visibility.HIDDEN:
                return None
            case Visibility.SHOWN if not self.secret and self.key[0] is Kind.KV:
                return self.content.decode("utf-8")
            case Visibility.SHOWN | Visibility.FINGERPRINT:
                return fingerprint(self.content).hex()
        assert_never(self.visibility)


@dataclass(frozen=True, slots=True)
class Rendered:
    """entries: what goes into the UPD volume. fields: the same ones, as the template names them.

    Both are in the template's order.
    """

    entries: tuple[Entry, ...] = field(repr=False)
    fields: tuple[RenderedField, ...]


def render(
    template: Template, *, serial: Serial, dock: DockIdentity, records: Records, derive: Derive
) -> Rendered:
    """The unique entries of one dock.

    records: one record for each of `template.lot_kinds`. derive: called for each HmacSha256 only.
    Raises DocumentRefused where a value is missing, empty, holds NUL, is too long or breaks its
    format, PictureRefused where a picture is none, and what `derive` raises. Consumes nothing.
    """
    contents: dict[str, bytes] = {}
    for entry in template.in_order():
        content = _content(entry, contents, serial, dock, records, derive)
        _demand(template, entry, content)
        contents[entry.name] = content
    entries: list[Entry] = []
    fields: list[RenderedField] = []
    for entry in template.entries:
        made = _entry(template, entry, contents[entry.name])
        entries.append(made)
        fields.append(
            RenderedField(
                name=entry.name,
                key=entry.key,
                size_bytes=len(made.data),
                secret=entry.secret,
                visibility=entry.report,
                content=bytes(made.data),
            )
        )
    return Rendered(tuple(entries), tuple(fields))


def _content(
    entry: TemplateEntry,
    contents: Mapping[str, bytes],
    serial: Serial,
    dock: DockIdentity,
    records: Records,
    derive: Derive,
) -> bytes:
    """The UTF-8 octets of an entry's value, from what precedes it."""
    match entry.source:
        case Scan():
            return serial.text.encode("utf-8")
        case Constant(text):
            return text.encode("utf-8")
        case DockValue(what):
            return _fact(what, dock).encode("utf-8")
        case LotField(kind, name):
            return _octets(_field(entry, records, kind, name))
        case HmacSha256(key, of):
            return _octets(derive(key, contents[of].decode("utf-8")))
        case Text() as text:
            pieces = (
                piece if isinstance(piece, str) else contents[piece[0]].decode("utf-8")
                for piece in text.pieces
            )
            return _cased("".join(pieces), text.case).encode("utf-8")
    assert_never(entry.source)


def _fact(what: DockFact, dock: DockIdentity) -> str:
    match what:
        case DockFact.DOCK_ID:
            return str(dock.dock_id)
        case DockFact.LABEL:
            return dock.label
        case DockFact.MODEL:
            return dock.model
        case DockFact.HARDWARE:
            return dock.hardware
    assert_never(what)


def _field(entry: TemplateEntry, records: Records, kind: str, name: str) -> Secret:
    try:
        return records[kind][name]
    except KeyError as error:
        lacks = f"the {kind} record has no field {name}" if kind in records else f"no {kind} record"
        raise DocumentRefused(f"entry {entry.name}: {lacks}", remedy=_UNKEPT) from error


def _octets(secret: Secret) -> bytes:
    with secret.reveal() as view:
        return bytes(view)


def _cased(text: str, case: Case) -> str:
    match case:
        case Case.AS_IS:
            return text
        case Case.LOWER:
            return text.lower()
        case Case.UPPER:
            return text.upper()
    assert_never(case)


def _demand(template: Template, entry: TemplateEntry, content: bytes) -> None:
    """The rules of the entry, and those no value of a datastore may break (Q8)."""
    if (broken := _broken_rule(entry, content)) is not None:
        raise DocumentRefused(
            f"template {template.name} {template.version}, entry {entry.name}: {broken}",
            remedy=_UNKEPT,
        )


def _broken_rule(entry: TemplateEntry, content: bytes) -> str | None:
    if not content:
        return "the value is empty, which looks like a missing key on the dock"
    if b"\0" in content:
        return "the value holds a NUL character"
    try:
        value = content.decode("utf-8")
    except UnicodeDecodeError:
        return "the value is not UTF-8"
    if len(value) > entry.max_characters:
        return f"the value has {len(value)} characters; at most {entry.max_characters}"
    if entry.format and re.fullmatch(entry.format, value) is None:
        return f"the value does not match the format {entry.format}"
    return None


def _entry(template: Template, entry: TemplateEntry, content: bytes) -> Entry:
    match entry.target:
        case Kv(key):
            return Entry(Kind.KV, key, content)
        case Img(tag):
            try:
                file = b64decode(content, validate=True)
                return Entry(Kind.IMG, tag, file, recognise(file).type)
            except ValueError as error:
                cause = "the value is not base64"
                raise PictureRefused(f"entry {entry.name}: {cause}", remedy=_UNKEPT) from error
            except PictureRefused as error:
                raise PictureRefused(
                    f"template {template.name}, entry {entry.name}: {error.cause}", remedy=_UNKEPT
                ) from error
    assert_never(entry.target)


# -- lint ----------------------------------------------------------------------------------------


class Level(StrEnum):
    """An ERROR keeps a template from being used with this bundle."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark about an entry; `part` is the key of the entry to look at, empty for all of it.

    entry: empty where the remark is about the template as a whole.
    """

    level: Level
    entry: str
    part: str
    message: str


def lint_template(
    template: Template, bundle: Bundle | None = None, *, rom_budget_bytes: int = ROM_STORE_BYTES
) -> tuple[Finding, ...]:
    """What is wrong or doubtful about a sound template, alone or with the bundle it is to join.

    Findings about the template as a whole come first, then those of each entry in its order.
    """
    found: list[Finding] = []
    if bundle is not None:
        found += _with_bundle(template, bundle, rom_budget_bytes)
    for entry in template.entries:
        if bundle is not None:
            found += _collision(entry, bundle)
        found += (
            Finding(level, entry.name, part, message)
            for level, part, message in _doubts(template, entry)
        )
    return tuple(found)


def _with_bundle(template: Template, bundle: Bundle, rom_budget_bytes: int) -> Iterator[Finding]:
    if template.product != bundle.product:
        yield Finding(
            Level.ERROR,
            "",
            "product",
            f"the template is for {template.product}, the bundle for {bundle.product}",
        )
    common_bytes = sum(len(one.data) + len(one.name.encode()) for one in bundle.entries)
    # Four octets is the longest UTF-8 character; formats may allow far less, so this only warns.
    unique_bytes = sum(
        4 * one.max_characters + len(one.key[1].encode()) for one in template.entries
    )
    if common_bytes > rom_budget_bytes:
        yield Finding(
            Level.ERROR,
            "",
            "",
            f"the bundle alone takes {common_bytes:,} of {rom_budget_bytes:,} bytes",
        )
    elif common_bytes + unique_bytes > rom_budget_bytes * BUDGET_WARNING_PERCENT // 100:
        yield Finding(
            Level.WARNING,
            "",
            "",
            f"bundle ({common_bytes:,}) and longest values ({unique_bytes:,}) take more than"
            f" {BUDGET_WARNING_PERCENT} % of {rom_budget_bytes:,} bytes; state max_length",
        )


def _collision(entry: TemplateEntry, bundle: Bundle) -> Iterator[Finding]:
    kind, name = entry.key
    if entry.key in bundle.replaceable:
        return
    if any(one.key == entry.key for one in bundle.entries):
        yield Finding(
            Level.ERROR,
            entry.name,
            "target",
            f"{kind} {name!r} is in the bundle already, which does not declare it replaceable",
        )


Doubt = tuple[Level, str, str]
"""Level, part, message."""

_TELLING: Final = re.compile(r"token|secret|passw|private|credential|api_?key", re.IGNORECASE)


def _doubts(template: Template, entry: TemplateEntry) -> Iterator[Doubt]:
    _, name = entry.key
    if PLAIN_NAME.fullmatch(name) is None:
        yield Level.WARNING, "target", f"{name[:64]!r} is no plain name (A-Z a-z 0-9 _ . -)"
    match entry.source:
        case Constant(text):
            if (broken := _broken_rule(entry, text.encode("utf-8"))) is not None:
                yield Level.ERROR, "source", broken
            if entry.key == (Kind.KV, TIME_ZONE_KEY) and text not in TIME_ZONES:
                yield Level.WARNING, "source", f"{text[:40]!r} is no time zone the dock accepts"
        case LotField(lot, column) if lot in KINDS:
            known = [one.name for one in KINDS[lot]]
            if column not in known:
                fields = ", ".join(known)
                yield Level.ERROR, "source", f"a {lot} record has no field {column!r}: {fields}"
        case HmacSha256(of=of):
            yield from _registration(template, of)
    telling = f"{entry.name} {name}" + (
        f" {entry.source.kind} {entry.source.field}" if isinstance(entry.source, LotField) else ""
    )
    if not entry.secret and _TELLING.search(telling):
        yield Level.WARNING, "secret", "looks like a secret but is not marked as one"


def _registration(template: Template, of: str) -> Iterator[Doubt]:
    """The service takes registration ids case-insensitively; the derivation does not (DPS)."""
    meant = next(one for one in template.entries if one.name == of)
    lower = isinstance(meant.source, Text) and meant.source.case is Case.LOWER
    if not lower and not meant.format:
        yield (
            Level.WARNING,
            "source",
            f"{of} may hold upper-case letters; a registration id has none",
        )

"""What a template would give a dock; examples stand in for what only a run can take.

Consumes no record and opens no key. A value that rests on an example is marked, and is not held to
its entry's format, because only the real one can break it. Secrets never come out.
"""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, assert_never

from station.application.ports import DockIdentity
from station.application.rendering import Records, Rendered, render
from station.domain.bundle import EntryKey
from station.domain.entries import Kind
from station.domain.identity import DockId, Serial
from station.domain.secret import Secret
from station.domain.template import (
    VALUE_MAX_CHARACTERS,
    Constant,
    DockFact,
    DockValue,
    HmacSha256,
    Img,
    LotField,
    Scan,
    Template,
    TemplateEntry,
    Text,
    Visibility,
)

EXAMPLE: Final = "example"

EXAMPLE_DOCK_ID: Final = DockId(bytes(32))

DERIVED_EXAMPLE: Final = b64encode(bytes(32))
"""Of the form every derived key has: 32 octets in base64."""

PICTURE_EXAMPLE: Final = (
    b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNgAAAAAgAB5Sfe/AAAAABJRU5ErkJggg=="
)
"""A PNG of one black pixel, in base64."""


@dataclass(frozen=True, slots=True)
class PreviewedField:
    """One entry. shown: its text; None for a secret and for a picture.

    size_bytes: None where only the real value has one. origin: where a run takes it from.
    example: it rests on something that stands in for a dock, a record or a key.
    """

    name: str
    key: EntryKey
    shown: str | None
    size_bytes: int | None
    secret: bool
    example: bool
    origin: str
    visibility: Visibility


def preview(template: Template, serial: Serial) -> tuple[PreviewedField, ...]:
    """The entries of a dock with this serial, in the template's order.

    Raises DocumentRefused where a value that rests on no example breaks its rules.
    """
    examples = _resting_on_examples(template)
    rendered = example_of(template, serial)
    sources = {entry.name: entry.source for entry in template.entries}
    return tuple(
        PreviewedField(
            name=one.name,
            key=one.key,
            shown=None if one.secret or one.key[0] is Kind.IMG else one.content.decode("utf-8"),
            size_bytes=None
            if one.name in examples and not _has_fixed_size(sources[one.name])
            else one.size_bytes,
            secret=one.secret,
            example=one.name in examples,
            origin=_origin(sources[one.name]),
            visibility=one.visibility,
        )
        for one in rendered.fields
    )


def example_of(template: Template, serial: Serial, dock_id: DockId = EXAMPLE_DOCK_ID) -> Rendered:
    """What a template gives this dock, as far as that is known without a dock, a lot and a key.

    For the rehearsal of what has not been provisioned: none of it is worth a secret. Raises as
    `preview` does.
    """
    examples = _resting_on_examples(template)
    return render(
        replace(
            template,
            entries=tuple(
                replace(entry, format="", max_characters=VALUE_MAX_CHARACTERS)
                if entry.name in examples
                else entry
                for entry in template.entries
            ),
        ),
        serial=serial,
        dock=_example_dock(template, serial, dock_id),
        records=_example_records(template),
        derive=lambda _key, _text: Secret(DERIVED_EXAMPLE),
    )


def _resting_on_examples(template: Template) -> frozenset[str]:
    found: set[str] = set()
    for entry in template.in_order():
        if isinstance(entry.source, LotField | HmacSha256 | DockValue) or found & set(
            entry.references
        ):
            found.add(entry.name)
    return frozenset(found)


def _has_fixed_size(source: object) -> bool:
    """Whether an example is as long as the real value."""
    return isinstance(source, HmacSha256) or source == DockValue(DockFact.DOCK_ID)


def _example_dock(template: Template, serial: Serial, dock_id: DockId) -> DockIdentity:
    return DockIdentity(
        dock_id=dock_id,
        label=serial.text,
        model=EXAMPLE,
        hardware=EXAMPLE,
        profile=EXAMPLE,
        product=template.product,
        counter=0,
        assurance="D0",
        slot_bytes=0,
        locked=False,
    )


def _example_records(template: Template) -> Records:
    return {kind: _example_record(template, kind) for kind in template.lot_kinds}


def _example_record(template: Template, kind: str) -> Mapping[str, Secret]:
    return {
        name: Secret(PICTURE_EXAMPLE if _is_picture(template, kind, name) else EXAMPLE.encode())
        for name in template.lot_fields(kind)
    }


def _is_picture(template: Template, kind: str, name: str) -> bool:
    def takes(entry: TemplateEntry) -> bool:
        return entry.source == LotField(kind, name) and isinstance(entry.target, Img)

    return any(takes(entry) for entry in template.entries)


def _origin(
    source: Scan | Constant | DockValue | LotField | HmacSha256 | Text,
) -> str:
    match source:
        case Scan():
            return "scan"
        case Constant():
            return "template"
        case DockValue(what):
            return f"dock {what}"
        case LotField(kind, name):
            return f"lot {kind}.{name}"
        case HmacSha256(key, of):
            return f"key {key} over {of}"
        case Text():
            return "text"
    assert_never(source)

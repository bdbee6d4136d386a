"""Reads templates of unique-per-dock data, and remembers where each entry stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from station.adapters.files import strict_yaml
from station.adapters.files.schemas import Complaint, Schema, check, refusal
from station.adapters.files.strict_yaml import Document
from station.domain.release import Version
from station.domain.template import (
    VALUE_MAX_CHARACTERS,
    Case,
    Constant,
    DockFact,
    DockValue,
    HmacSha256,
    Img,
    Kv,
    LotField,
    Rework,
    Scan,
    Source,
    Target,
    Template,
    TemplateEntry,
    Text,
    Visibility,
    faults,
)


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """A template, and a place (``file:line:column``) for every finding about it."""

    template: Template
    document: Document = field(repr=False)

    def place(self, entry: str, part: str = "") -> str:
        """Where `part` (a key such as source) of an entry stands; the entry where it is absent."""
        names = [one.name for one in self.template.entries]
        trail = ("entries", names.index(entry), part)
        return self.document.place(*(trail if part else trail[:2]))


def read_template(path: Path) -> TemplateFile:
    """The template in a YAML file.

    Raises FileUnreadable, or DocumentRefused naming line and column, also for references that
    lead nowhere or in a circle and for secrets that would become visible.
    """
    return _template(strict_yaml.read(path))


def parse_template(text: str, *, name: str) -> TemplateFile:
    """The template in this text; `name` stands in complaints. Raises DocumentRefused."""
    return _template(strict_yaml.parse(text, name=name))


def _template(document: Document) -> TemplateFile:
    check(document, Schema.TEMPLATE)
    data: Any = document.data
    entries = tuple(_entry(item) for item in data["entries"])
    complaints: list[Complaint] = []
    for fault in faults(entries):
        trail = ("entries", fault.entry, fault.part)
        spot = document.spots.get(trail) or document.spots[trail[:2]]
        complaints.append((spot.value, f"{entries[fault.entry].name}: {fault.message}"))
    if complaints:
        raise refusal(document, sorted(complaints))
    try:
        version = Version.parse(data["version"])
    except ValueError as error:
        raise document.refuse(str(error), "version") from error
    return TemplateFile(Template(data["name"], version, data["product"], entries), document)


def _entry(item: Mapping[str, Any]) -> TemplateEntry:
    secret = item.get("secret", False)
    visibility = item.get("report", "fingerprint" if secret else "shown")
    return TemplateEntry(
        name=item["name"],
        source=_source(item["source"]),
        target=_target(item["target"]),
        secret=secret,
        rework=Rework(item.get("rework", "new")),
        report=Visibility(visibility),
        format=item.get("format", ""),
        max_characters=item.get("max_length", VALUE_MAX_CHARACTERS),
    )


def _source(item: Mapping[str, Any]) -> Source:
    match item:
        case {"scan": "serial"}:
            return Scan()
        case {"constant": str(text)}:
            return Constant(text)
        case {"dock": str(what)}:
            return DockValue(DockFact(what))
        case {"lot": {"kind": str(kind), "field": str(name)}}:
            return LotField(kind, name)
        case {"hmac-sha256": {"key": str(key), "of": str(of)}}:
            return HmacSha256(key, of)
        case {"text": {"pattern": str(pattern), **more}}:
            return Text(pattern, Case(str(more.get("case", Case.AS_IS))))
    raise AssertionError("the schema lets no other source pass")


def _target(item: Mapping[str, Any]) -> Target:
    match item:
        case {"kv": str(key)}:
            return Kv(key)
        case {"img": str(tag)}:
            return Img(tag)
    raise AssertionError("the schema lets no other target pass")

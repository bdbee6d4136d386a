"""Holds documents to their published JSON Schemas and says where each complaint stands.

The schema files beside this module are the ones `docs/schemas/` publishes. A complaint names file,
line and column, the key, and what is expected there; values are quoted only where the schema does
not mark them ``writeOnly``.
"""

import json
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from station.adapters.files.strict_yaml import Document, Position, Trail
from station.domain.errors import DocumentRefused

COMPLAINTS_MAX: Final = 100
"""How many complaints about one document are looked for; nobody reads more."""

_SHOWN_MAX: Final = 40
"""Longest piece of a document that a complaint repeats, in characters."""


class Schema(StrEnum):
    """The published schemas; the value is the first part of the file name."""

    BUNDLE = "bundle"
    CONFIG = "config"
    LOT = "lot"
    PROFILE = "profile"
    REPORT = "report"
    SCENARIO = "scenario"
    SLOT_MAP = "slot-map"
    TEMPLATE = "template"
    WORKER_COMMAND = "worker-command"
    WORKER_EVENT = "worker-event"


def check(document: Document, schema: Schema) -> None:
    """Raise DocumentRefused unless `document` fits `schema`.

    The cause is the first complaint in the order of the file, and how many more there are; the
    others follow as notes of the exception (PEP 678), one line each.
    """
    found = (
        complaint
        for error in _validator(schema).iter_errors(document.data)
        for complaint in _complaints(document, error)
    )
    complaints = set(islice(found, COMPLAINTS_MAX))
    if complaints:
        raise refusal(document, sorted(complaints))


Complaint = tuple[Position, str]


def refusal(document: Document, complaints: list[Complaint]) -> DocumentRefused:
    """One refusal for all of `complaints`, which are in the order of the file."""
    lines = [f"{document.name}:{position}: {message}" for position, message in complaints]
    more = len(lines) - 1
    error = DocumentRefused(lines[0] + (f" (and {more} more)" if more else ""))
    for line in lines[1:]:
        error.add_note(line)
    return error


@cache
def _validator(schema: Schema) -> Any:
    source = files("station.adapters.files") / "schemas" / f"{schema}.schema.json"
    return _Strict(json.loads(source.read_text(encoding="utf-8")))


def _pattern(
    validator: Any, pattern: str, instance: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """``$`` is the end of the text, as in the dialect of JSON Schema; Python's `re` would also
    let a newline pass before it."""
    exact = pattern.removesuffix("$") + (r"\Z" if pattern.endswith("$") else "")
    if validator.is_type(instance, "string") and re.search(exact, instance) is None:
        yield ValidationError("does not match")


_Strict: Final[Any] = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"pattern": _pattern}
)


def _complaints(document: Document, error: ValidationError) -> Iterator[Complaint]:
    trail: Trail = tuple(error.absolute_path)
    rules: Any = error.schema
    instance: Any = error.instance
    if error.validator == "additionalProperties":
        known = sorted(rules.get("properties", {}))
        for key in instance:
            if key not in known:
                yield _at(document, (*trail, key), key=True), _unknown(trail, key, known)
    elif error.parent is None and "propertyNames" in error.absolute_schema_path:
        yield (
            _at(document, (*trail, instance), key=True),
            f"{_named((*trail, instance))}: a key is {rules['description']}",
        )
    else:
        yield _at(document, trail), _message(document, trail, error, rules)


def _message(
    document: Document, trail: Trail, error: ValidationError, rules: Mapping[str, Any]
) -> str:
    name = _named(trail)
    value: Any = error.instance
    limit: Any = error.validator_value
    expected = rules.get("description", "")
    match error.validator:
        case "type":
            return _wrong_type(document, trail, value, str(limit), expected)
        case "required":
            missing = [key for key in limit if key not in value]
            return f"{name}: the key {missing[0]!r} is missing"
        case "minProperties" | "maxProperties" if rules.get("maxProperties") == 1:
            return f"{name}: exactly one of {', '.join(rules['properties'])} is expected"
        case "minProperties":
            return (
                f"{name}: nothing in it; expected: {', '.join(rules.get('properties', ['a key']))}"
            )
        case "minItems":
            return f"{name}: an empty list; expected: {expected}"
        case "maxItems" | "maxProperties":
            return f"{name}: more than {limit} items"
        case "minLength" if not value:
            return f"{name}: empty; expected: {expected}"
        case "uniqueItems":
            return f"{name}: the same item twice"
    return f"{name}: {_shown(document, trail, rules)}expected: {expected}"


def _wrong_type(document: Document, trail: Trail, value: object, wanted: str, expected: str) -> str:
    spot = document.spots[trail]
    name = _named(trail)
    if not trail:
        expected = ""  # a schema describes its document, which is no help here
    if wanted == "string" and spot.reading and spot.spelled:
        spelled = spot.spelled[:_SHOWN_MAX]
        return f'{name}: YAML reads {spelled} as {spot.reading}; put it in quotes: "{spelled}"'
    if value is None:
        return f"{name}: nothing is given; expected: {expected or _TYPE_NAMES[wanted]}"
    if wanted in {"integer", "boolean"} and isinstance(value, str):
        return f"{name}: text is given; expected: {expected} (without quotes)"
    return f"{name}: expected: {expected or _TYPE_NAMES[wanted]}"


_TYPE_NAMES: Final = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "object": "keys and values (key: value)",
    "string": "text",
}


def _unknown(trail: Trail, key: str, known: list[str]) -> str:
    nearest = get_close_matches(key, known, n=1)
    hint = f"did you mean {nearest[0]!r}?" if nearest else f"known keys: {', '.join(known)}"
    return f"{_named(trail)}: unknown key {key[:_SHOWN_MAX]!r}; {hint}"


def _shown(document: Document, trail: Trail, rules: Mapping[str, Any]) -> str:
    if rules.get("writeOnly"):
        return ""
    item: Any = document.data
    for step in trail:
        item = item[step]
    text = document.spots[trail].spelled or (json.dumps(item, ensure_ascii=False))
    return f"{text if len(text) <= _SHOWN_MAX else text[:_SHOWN_MAX] + '…'} is given; "


def _named(trail: Trail) -> str:
    """``images.banner.path`` or ``entries[2].source``; the root is called "the document"."""
    name = ""
    for step in trail:
        if isinstance(step, int):
            name += f"[{step + 1}]"
        else:
            plain = step if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", step) else repr(step[:_SHOWN_MAX])
            name += f".{plain}" if name else plain
    return name or "the document"


def _at(document: Document, trail: Trail, *, key: bool = False) -> Position:
    spot = document.spots[trail]
    return spot.key if key and spot.key is not None else spot.value

"""JSON with exactly one spelling (RFC 8785), for everything that is hashed or signed.

Values are objects, arrays, strings, booleans, null and integers up to 2**53 - 1 in magnitude.
Floating-point numbers are refused rather than spelled: no record of the station needs one.
"""

import json
from typing import Final

from station.domain.errors import DocumentRefused

_REMEDY: Final = "This is a fault of the program that made the document."

JsonValue = None | bool | int | str | list["JsonValue"] | dict[str, "JsonValue"]

INTEGER_MAX: Final = 2**53 - 1
"""Largest magnitude every JSON reader keeps exactly (RFC 8785, section 3.2.2.3; RFC 7493)."""

DEPTH_MAX: Final = 32
"""Deepest nesting a reader accepts; ours never passes eight."""


def encode(value: JsonValue) -> bytes:
    """UTF-8 bytes of `value` in canonical form.

    Raises ValueError for a float, an integer beyond 2**53 - 1, or a lone surrogate.
    """
    return json.dumps(
        _ordered(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False
    ).encode("utf-8")


def decode(data: bytes | memoryview) -> JsonValue:
    """The value of canonical bytes; anything that is not spelled canonically is refused.

    Raises DocumentRefused for damage, duplicate keys, floats and any other spelling.
    """
    raw = bytes(data)
    try:
        value: JsonValue = json.loads(raw.decode("utf-8"))
        canonical = encode(value)
    except (ValueError, RecursionError) as error:
        raise DocumentRefused("not canonical JSON", remedy=_REMEDY) from error
    if canonical != raw:
        raise DocumentRefused("JSON in another than its canonical form", remedy=_REMEDY)
    return value


def _ordered(value: JsonValue, depth: int = 0) -> JsonValue:
    if depth > DEPTH_MAX:
        raise ValueError("nested too deeply")
    match value:
        case None | bool() | str():
            return value
        case int():
            if abs(value) > INTEGER_MAX:
                raise ValueError("integer beyond 2**53 - 1")
            return value
        case list():
            return [_ordered(item, depth + 1) for item in value]
        case dict():
            if not all(isinstance(key, str) for key in value):
                raise ValueError("a key that is no string")
            # RFC 8785 sorts by UTF-16 code units, not by code points.
            by_units = sorted(value.items(), key=lambda item: item[0].encode("utf-16-be"))
            return {key: _ordered(item, depth + 1) for key, item in by_units}
    raise ValueError(f"a {type(value).__name__} has no canonical JSON form")

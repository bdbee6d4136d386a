"""The plaintext of a UPD record, as it is sealed: field names and values, one spelling only.

Octet 1 (format), then for each field in the order of its name's octets: length of the name (2
octets), name, length of the value (4 octets), value. Numbers are big-endian, names UTF-8. Not JSON,
because a JSON reader makes strings of the values, which nothing can zero.
"""

from collections.abc import Mapping
from typing import Final

from station.domain.errors import LedgerRefused
from station.domain.secret import Secret

_FORMAT: Final = b"\x01"


def pack(fields: Mapping[str, Secret]) -> bytes:
    """Equal fields give equal octets. Raises ValueError for a record without fields."""
    if not fields:
        raise ValueError("a record has at least one field")
    content = bytearray(_FORMAT)
    for name, key in sorted((key.encode("utf-8"), key) for key in fields):
        content += len(name).to_bytes(2, "big") + name
        with fields[key].reveal() as value:
            content += len(value).to_bytes(4, "big") + value
    packed = bytes(content)
    content[:] = bytes(len(content))
    return packed


def unpack(content: Secret) -> dict[str, Secret]:
    """The fields of `pack`. Raises LedgerRefused for anything else; `content` is wiped."""
    fields: dict[str, Secret] = {}
    with content.reveal() as octets:
        at = len(_FORMAT)
        whole = bytes(octets[:at]) == _FORMAT
        while whole and at < len(octets):
            name, at = _part(octets, at, 2)
            value, at = _part(octets, at, 4)
            fields[str(name, "utf-8", "replace")] = Secret(value)
            whole = at <= len(octets)
            name.release()
            value.release()
    content.wipe()
    if not whole or not fields:
        raise LedgerRefused("a UPD record has no form this program knows")
    return fields


def _part(octets: memoryview, at: int, width: int) -> tuple[memoryview, int]:
    """A slice with its length in front, and where it ends (beyond `octets` if it is cut off)."""
    start = at + width
    end = start + int.from_bytes(octets[at:start], "big")
    return octets[start:end], end

"""Lots of unique-per-dock records as their issuer delivers them, before the ledger has them.

A kind declares its fields and their grammars; a record whose field breaks its grammar never
enters the station. Knows nothing of files or of what becomes of a record (`domain/upd.py`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from station.domain.secret import Secret


@dataclass(frozen=True, slots=True)
class LotColumn:
    """A field of a kind. grammar: matched whole. unique: no two records of a lot share it.

    expected: what the grammar wants, for people.
    """

    name: str
    grammar: re.Pattern[str]
    expected: str
    unique: bool = True


_TEXT: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f]+")
_TOKEN: Final = re.compile(r"[!-~]{8,4096}")
_BASE64: Final = re.compile(r"(?:[A-Za-z0-9+/]{4}){4,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_REGISTRATION_ID: Final = re.compile(r"[a-z0-9](?:[a-z0-9._:-]{0,126}[a-z0-9])?")
_PEM: Final = re.compile(r"-----BEGIN [A-Z0-9 ]+-----\r?\n[A-Za-z0-9+/=\r\n -]+-----\r?\n?")

KINDS: Final[Mapping[str, tuple[LotColumn, ...]]] = {
    "enrolment-token": (LotColumn("token", _TOKEN, "8 to 4096 printable ASCII characters"),),
    "device-key": (
        LotColumn("registration_id", _REGISTRATION_ID, "a registration id of a-z 0-9 . _ : -"),
        LotColumn("key", _BASE64, "a key of at least 12 octets in base64"),
    ),
    "client-certificate": (
        LotColumn("certificate", _PEM, "a certificate in PEM form"),
        LotColumn("private_key", _PEM, "a private key in PEM form"),
    ),
    "friendly-name": (LotColumn("name", _TEXT, "text without control characters"),),
}
"""The kinds the station knows. Others are taken when their fields are named at the import."""


def columns(kind: str, fields: Sequence[str] = ()) -> tuple[LotColumn, ...]:
    """The declared fields of a kind; `fields` declares those of a kind the station does not know.

    Raises KeyError for an unknown kind without `fields`.
    """
    if kind in KINDS:
        return KINDS[kind]
    if not fields:
        raise KeyError(kind)
    return tuple(
        LotColumn(name, _TEXT, "text without control characters", unique=False) for name in fields
    )


@dataclass(frozen=True, slots=True)
class Lot:
    """Records of one kind for one product, in the order of the file; field name to value.

    warnings: what a person should look at, no value in them.
    """

    lot: str
    kind: str
    product: str
    fields: tuple[str, ...]
    records: tuple[Mapping[str, Secret], ...] = field(repr=False)
    warnings: tuple[str, ...] = ()

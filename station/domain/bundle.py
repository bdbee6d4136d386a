"""A bundle as its maker wrote it, and the manifest that names every part of it.

Knows nothing of files, volumes or signatures: the reader makes these values, the build turns them
into a common volume and a release statement (docs/SPEC.md, "Bundle").
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self

from station.domain import canonical_json
from station.domain.entries import Entry, Kind, PictureType
from station.domain.errors import DocumentRefused
from station.domain.limits import ENTRIES_MAX
from station.domain.release import Version

NAME_MAX_CHARACTERS: Final = 64
"""Longest bundle or product name; it must fit a table column and a report line."""

COUNTER_MAX: Final = 2**32 - 1
"""Largest security counter: 32 bits in the image's TLV (docs/SPEC.md, "Protected TLVs")."""

OVERLAY_KINDS: Final = frozenset({Kind.KV, Kind.IMG})
"""Kinds that unique data may hold, and so the only ones it may replace."""

_ZONES: Final = (
    "CET CST6CDT EET EST GB GMT HST Hongkong Israel Japan MET MST MST7MDT NZ PRC PST8PDT ROC ROK"
    " Singapore UCT UTC W-SU WET"
)
TIME_ZONES: Final = frozenset(_ZONES.split())
"""Time zones the dock accepts as value of `TIME_ZONE_KEY` (dock SDK, DockControl.set_timezone)."""

TIME_ZONE_KEY: Final = "timezone"

_REMEDY: Final = "Get the bundle again from the process engineer."
_HEX_DIGEST: Final = re.compile(r"[0-9a-f]{64}")

EntryKey = tuple[Kind, str]


def is_name(text: str) -> bool:
    """Whether `text` may name a bundle or product: 1 to 64 printable characters, trimmed."""
    return 0 < len(text) <= NAME_MAX_CHARACTERS and text.isprintable() and text == text.strip()


def in_order(key: EntryKey) -> tuple[str, bytes]:
    """Sort key of entries: by kind, then by the octets of the name, as a volume is written."""
    kind, name = key
    return kind.value, name.encode("utf-8")


@dataclass(frozen=True, slots=True)
class Bundle:
    """Application, images and common key-values, in the order of `in_order`.

    replaceable: entries of this bundle that unique data may override. Raises ValueError where a
    name, the counter or an entry breaks a rule above.
    """

    name: str
    version: Version
    product: str
    security_counter: int
    entries: tuple[Entry, ...]
    replaceable: frozenset[EntryKey] = frozenset()

    def __post_init__(self) -> None:
        _check(self.name, self.product, self.security_counter)
        keys = [entry.key for entry in self.entries]
        if not keys or len(keys) > ENTRIES_MAX:
            raise ValueError(f"a bundle has 1 to {ENTRIES_MAX} entries")
        if keys != sorted(set(keys), key=in_order):
            raise ValueError("entries are unique and in order of kind and name")
        if not self.replaceable <= {key for key in keys if key[0] in OVERLAY_KINDS}:
            raise ValueError("only key-values and images of the bundle can be replaceable")


@dataclass(frozen=True, slots=True)
class Part:
    """One entry as the manifest names it. sha256: of its content, 32 octets."""

    kind: Kind
    name: str
    picture: PictureType | None
    size_bytes: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a released bundle consists of, part by part, in the order of `in_order`."""

    name: str
    version: Version
    product: str
    security_counter: int
    parts: tuple[Part, ...]

    def __post_init__(self) -> None:
        _check(self.name, self.product, self.security_counter)
        keys = [(part.kind, part.name) for part in self.parts]
        if not keys or len(keys) > ENTRIES_MAX or keys != sorted(set(keys), key=in_order):
            raise ValueError("parts are unique and in order of kind and name")
        for part in self.parts:
            if (part.picture is not None) != (part.kind is Kind.IMG):
                raise ValueError("images, and only images, have a picture type")
            if not part.name or part.size_bytes < 0:
                raise ValueError("a part has a name and a size")

    @classmethod
    def of(cls, bundle: Bundle) -> Self:
        """The manifest of `bundle`; hashes every entry once."""
        return cls(
            name=bundle.name,
            version=bundle.version,
            product=bundle.product,
            security_counter=bundle.security_counter,
            parts=tuple(
                Part(entry.kind, entry.name, entry.picture, _size(entry.data), entry.digest)
                for entry in bundle.entries
            ),
        )

    @property
    def digest(self) -> bytes:
        """SHA-256 of the encoded manifest, 32 octets; the release statement carries it."""
        return sha256(self.encode()).digest()

    def encode(self) -> bytes:
        """Canonical JSON."""
        return canonical_json.encode(
            {
                "bundle": self.name,
                "parts": [
                    {
                        "kind": part.kind.value,
                        "name": part.name,
                        "sha256": part.sha256.hex(),
                        "size": part.size_bytes,
                        "type": part.picture.value if part.picture else None,
                    }
                    for part in self.parts
                ],
                "product": self.product,
                "security_counter": self.security_counter,
                "version": str(self.version),
            }
        )

    @classmethod
    def decode(cls, data: bytes | memoryview) -> Self:
        """From canonical JSON. Raises DocumentRefused for anything else."""
        match canonical_json.decode(data):
            case {
                "bundle": str(name),
                "parts": list(parts),
                "product": str(product),
                "security_counter": int(counter),
                "version": str(version),
                **extra,
            } if not extra and not isinstance(counter, bool):
                try:
                    return cls(
                        name=name,
                        version=Version.parse(version),
                        product=product,
                        security_counter=counter,
                        parts=tuple(_part(part) for part in parts),
                    )
                except ValueError as error:
                    raise DocumentRefused(f"manifest: {error}", remedy=_REMEDY) from error
        raise DocumentRefused("not a bundle manifest", remedy=_REMEDY)


def _check(name: str, product: str, security_counter: int) -> None:
    if not is_name(name) or not is_name(product):
        raise ValueError("a bundle and its product have names of 1 to 64 printable characters")
    if not 0 <= security_counter <= COUNTER_MAX:
        raise ValueError(f"a security counter is 0 to {COUNTER_MAX}")


def _size(data: bytes | memoryview) -> int:
    return data.nbytes if isinstance(data, memoryview) else len(data)


def _part(value: canonical_json.JsonValue) -> Part:
    match value:
        case {
            "kind": str(kind),
            "name": str(name),
            "sha256": str(digest),
            "size": int(size),
            "type": str() | None as picture,
            **extra,
        } if not extra and not isinstance(size, bool) and _HEX_DIGEST.fullmatch(digest):
            return Part(
                Kind(kind),
                name,
                PictureType(picture) if picture is not None else None,
                size,
                bytes.fromhex(digest),
            )
    raise ValueError("a part has kind, name, type, size and SHA-256")

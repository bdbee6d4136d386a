"""The release statement: what the release key says of a bundle (docs/SPEC.md, "Release").

It is signed on the build side, travels inside every image made from the bundle, and is the only
place a dock takes the security counter and the list of replaceable entries from.
"""

import re
from dataclasses import dataclass
from typing import Final, Self

from station.domain import canonical_json
from station.domain.entries import Kind
from station.domain.errors import DocumentRefused

PAYLOAD_TYPE: Final = "application/vnd.dock-provisioning.release+json"

_REMEDY: Final = "Get the bundle again from the process engineer."
_HEX_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_KINDS: Final = frozenset(Kind)


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """Semantic version core and optional pre-release text (semver.org, 2.0.0)."""

    major: int
    minor: int
    patch: int
    pre_release: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """From ``MAJOR.MINOR.PATCH[-PRE]``. Raises ValueError."""
        match = _VERSION.fullmatch(text)
        if match is None:
            raise ValueError(f"{text[:64]!r} is not a semantic version such as 1.4.0")
        major, minor, patch, pre = match.groups()
        if int(major) > 255 or int(minor) > 255 or int(patch) > 65_535:
            raise ValueError(f"{text!r} does not fit an image header (255.255.65535)")
        return cls(int(major), int(minor), int(patch), pre or "")

    def __str__(self) -> str:
        core = f"{self.major}.{self.minor}.{self.patch}"
        return f"{core}-{self.pre_release}" if self.pre_release else core


_VERSION: Final = re.compile(
    r"(0|[1-9]\d{0,4})\.(0|[1-9]\d{0,4})\.(0|[1-9]\d{0,4})(?:-([0-9A-Za-z.-]{1,32}))?"
)


@dataclass(frozen=True, slots=True)
class ReleaseStatement:
    """common_bytes: length of the common volume without padding. Digests: SHA-256, 32 octets.

    replaceable: entries of the common volume that unique data may override.
    """

    product: str
    name: str
    version: Version
    security_counter: int
    common_bytes: int
    common_sha256: bytes
    manifest_sha256: bytes
    replaceable: frozenset[tuple[Kind, str]]

    def encode(self) -> bytes:
        """Canonical JSON."""
        return canonical_json.encode(
            {
                "bundle": self.name,
                "common": {"sha256": self.common_sha256.hex(), "size": self.common_bytes},
                "manifest_sha256": self.manifest_sha256.hex(),
                "product": self.product,
                "replaceable": [[kind, name] for kind, name in sorted(self.replaceable)],
                "security_counter": self.security_counter,
                "version": str(self.version),
            }
        )

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """From canonical JSON whose signature was checked. Raises DocumentRefused."""
        match canonical_json.decode(payload):
            case {
                "bundle": str(name),
                "common": {"sha256": str(common), "size": int(size), **more},
                "manifest_sha256": str(manifest),
                "product": str(product),
                "replaceable": list(replaceable),
                "security_counter": int(counter),
                "version": str(version),
                **extra,
            } if (
                not extra
                and not more
                and 0 <= counter < 2**32
                and size > 0
                and not (isinstance(counter, bool) or isinstance(size, bool))
            ):
                try:
                    statement = cls(
                        product=product,
                        name=name,
                        version=Version.parse(version),
                        security_counter=counter,
                        common_bytes=size,
                        common_sha256=_digest(common),
                        manifest_sha256=_digest(manifest),
                        replaceable=frozenset(_entry(one) for one in replaceable),
                    )
                except ValueError as error:
                    raise DocumentRefused(f"release statement: {error}", remedy=_REMEDY) from error
            case _:
                raise DocumentRefused("not a release statement", remedy=_REMEDY)
        if statement.encode() != payload:
            raise DocumentRefused("a release statement in another spelling", remedy=_REMEDY)
        return statement


def _digest(text: str) -> bytes:
    if _HEX_DIGEST.fullmatch(text) is None:
        raise ValueError("a digest has 64 lower-case hexadecimal characters")
    return bytes.fromhex(text)


def _entry(value: canonical_json.JsonValue) -> tuple[Kind, str]:
    match value:
        case [str(kind), str(name)] if kind in _KINDS:
            return Kind(kind), name
    raise ValueError("a replaceable entry is a kind and a name")

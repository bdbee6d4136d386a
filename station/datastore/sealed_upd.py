"""Unique data sealed to the dock it is for: what is sealed, and what a seal is bound to.

An image whose UPD volume is sealed carries its ciphertext in the volume's place, and the key of
that ciphertext, sealed to the dock, in a protected TLV. Digests and signatures are over what
travels. Knows no cipher: whoever has a key brings `Unseal`.
Source: docs/SPEC.md, "Sealed UPD volume".
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from station.domain import canonical_json
from station.domain.identity import DockId
from station.domain.release import ReleaseStatement

CONTENT_KEY_BYTES: Final = 32
SEALED_KEY_BYTES: Final = 32 + CONTENT_KEY_BYTES + 16
"""Encapsulated key, content key, tag (RFC 9180, DHKEM(X25519) and AES-256-GCM)."""

TAG_BYTES: Final = 16
"""By how much a sealed volume is longer than the volume."""

NONCE: Final = bytes(12)
"""Of the one message that a content key ever seals."""

_FORMAT: Final = 1
_KEY: Final = b"dock-provisioning/1 upd key\0"
_CONTENT: Final = b"dock-provisioning/1 upd\0"


@dataclass(frozen=True, slots=True)
class Binding:
    """What a sealed volume belongs to; under any other it does not open. octets: canonical JSON."""

    octets: bytes

    @classmethod
    def of(cls, dock_id: DockId, release: ReleaseStatement) -> "Binding":
        """One dock, and one release of one product."""
        return cls(
            canonical_json.encode(
                {
                    "bundle": release.name,
                    "common_sha256": release.common_sha256.hex(),
                    "dock_id": str(dock_id),
                    "format": _FORMAT,
                    "product": release.product,
                    "version": str(release.version),
                }
            )
        )

    @property
    def key_info(self) -> bytes:
        """HPKE's `info` where the content key is sealed."""
        return _KEY + self.octets

    @property
    def content_data(self) -> bytes:
        """Associated data where the volume is sealed."""
        return _CONTENT + self.octets


@dataclass(frozen=True, slots=True)
class SealedUpd:
    """key: of the content, sealed to the dock (`SEALED_KEY_BYTES`). content: ciphertext and tag."""

    key: bytes = field(repr=False)
    content: bytes | memoryview = field(repr=False)


Seal = Callable[[bytes, Binding], SealedUpd]
"""Seal an UPD volume."""

Unseal = Callable[[SealedUpd, Binding], bytes]
"""The UPD volume again. Raises ImageRefused (reason `sealed`)."""

"""Whose signature counts for what: certificates, their uses, and the rules they are held to.

Decides nothing about cryptography itself: an `Authority` proves that a certificate was issued by
a pinned product root and that a signature is right; the rules here read what it proved.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Protocol

from station.domain.errors import KeyRefused


class Usage(StrEnum):
    """What a certified key may sign (docs/SPEC.md, "Certificates")."""

    ROOT = "root"
    RELEASE = "release"
    STATION = "station"
    DEVICE_ROOT = "device-root"
    """Certifies the keys of docks, and nothing that a dock would believe."""

    @property
    def certifies(self) -> bool:
        """Whether such a key signs certificates and nothing else; it issues its own."""
        return self in {Usage.ROOT, Usage.DEVICE_ROOT}


class Algorithm(StrEnum):
    """Signature algorithms; taken from the certified key, never from a message."""

    ED25519 = "ed25519"
    ECDSA_P256 = "ecdsa-p256"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate that an `Authority` has proved to come from one of its roots.

    der: the X.509 certificate. public_key: SubjectPublicKeyInfo, DER. key_id: SHA-256 of it,
    32 octets. holder: station id or release key name. demo: made by the demo ceremony, so it
    proves nothing about a real unit.
    """

    der: bytes = field(repr=False)
    usage: Usage
    holder: str
    products: frozenset[str]
    algorithm: Algorithm
    public_key: bytes = field(repr=False)
    key_id: bytes
    not_before_at: datetime
    not_after_at: datetime
    demo: bool

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 of the certificate, 32 octets."""
        return sha256(self.der).digest()

    def demand(self, usage: Usage, *, product: str, at: datetime | None) -> None:
        """Raise KeyRefused unless this certificate may be used so.

        at: the moment to judge validity for; None where no trusted clock exists (a dock).
        """
        if self.usage is not usage:
            raise KeyRefused(f"{self.holder}: a {self.usage} certificate cannot serve as {usage}")
        if product not in self.products:
            raise KeyRefused(f"{self.holder}: not certified for product {product}")
        if at is not None and not self.not_before_at <= at <= self.not_after_at:
            raise KeyRefused(
                f"{self.holder}: certificate valid {self.not_before_at:%Y-%m-%d}"
                f" to {self.not_after_at:%Y-%m-%d}, not at {at:%Y-%m-%d}",
                remedy="Certify a new key with the product root.",
            )


class Authority(Protocol):
    """The pinned product roots, and the arithmetic behind them."""

    def certificate(self, der: bytes | memoryview) -> Certificate:
        """The certificate, proved to be issued by a pinned root.

        Raises KeyRefused for damage, an unknown issuer, or a demo certificate where only real
        ones count.
        """

    def verifies(
        self, certificate: Certificate, signature: bytes | memoryview, message: bytes
    ) -> bool:
        """Whether `signature` over `message` was made by the certified key."""

    def verifies_digest(
        self, certificate: Certificate, signature: bytes | memoryview, digest: bytes
    ) -> bool:
        """Whether `signature` is what `Signer.sign_digest` of the certified key makes."""


class Signer(Protocol):
    """A key that can sign; where it lives is its own business (a URI names it)."""

    @property
    def certificate(self) -> Certificate:
        """The certificate of this key."""

    def sign(self, message: bytes) -> bytes:
        """The signature over `message`. Raises SignerOffline."""

    def sign_digest(self, digest: bytes) -> bytes:
        """The signature of a message of which only the SHA-256 is at hand, as MCUboot defines it.

        ECDSA: over the message with this digest. Ed25519: over the 32 octets of the digest.
        Raises SignerOffline.
        """

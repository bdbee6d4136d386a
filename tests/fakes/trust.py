"""Signers and an authority with real keys and pretended certificates.

A certificate here is any blob the authority was told of: nothing of X.509 is tested with it.
Signatures are real, deterministic, and made with `cryptography` directly.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
)

from station.domain.errors import KeyRefused
from station.domain.trust import Algorithm, Certificate, Usage

PRODUCT = "DL-7450"
NOT_BEFORE_AT = datetime(2026, 1, 1, tzinfo=UTC)
NOW_AT = datetime(2026, 6, 1, tzinfo=UTC)
NOT_AFTER_AT = datetime(2027, 1, 1, tzinfo=UTC)

_PREHASHED = ec.ECDSA(Prehashed(hashes.SHA256()), deterministic_signing=True)


@dataclass(frozen=True)
class FakeSigner:
    """`station.domain.trust.Signer` over a key in memory."""

    certificate: Certificate
    private: Ed25519PrivateKey | ec.EllipticCurvePrivateKey = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """See `Signer`."""
        if isinstance(self.private, Ed25519PrivateKey):
            return self.private.sign(message)
        return self.private.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))

    def sign_digest(self, digest: bytes) -> bytes:
        """See `Signer`."""
        if isinstance(self.private, Ed25519PrivateKey):
            return self.private.sign(digest)
        return self.private.sign(digest, _PREHASHED)

    @property
    def public_pem(self) -> bytes:
        """What `imgtool verify -k` reads."""
        return self.private.public_key().public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        )

    @property
    def private_pem(self) -> bytes:
        """What `imgtool sign -k` reads."""
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def fake_signer(
    usage: Usage,
    *,
    secret: bytes = b"",
    algorithm: Algorithm = Algorithm.ED25519,
    products: Iterable[str] = (PRODUCT,),
    not_after_at: datetime = NOT_AFTER_AT,
    der: bytes = b"",
) -> FakeSigner:
    """secret: 32 octets of private key, made from the usage if empty. der: the certificate's
    pretended bytes, 500 of them if empty."""
    octets = secret or sha256(f"{usage} {algorithm}".encode()).digest()
    private: Ed25519PrivateKey | ec.EllipticCurvePrivateKey
    if algorithm is Algorithm.ED25519:
        private = Ed25519PrivateKey.from_private_bytes(octets)
    else:
        private = ec.derive_private_key(int.from_bytes(octets, "big"), ec.SECP256R1())
    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    named = f"fake {usage} {algorithm} {sorted(products)} {not_after_at} ".encode() + public
    return FakeSigner(
        Certificate(
            der=der or named.ljust(500, b"."),
            usage=usage,
            holder=f"fake {usage}",
            products=frozenset(products),
            algorithm=algorithm,
            public_key=public,
            key_id=sha256(public).digest(),
            not_before_at=NOT_BEFORE_AT,
            not_after_at=not_after_at,
            demo=True,
        ),
        private,
    )


class FakeAuthority:
    """`station.domain.trust.Authority` that issued exactly the certificates it is given."""

    def __init__(self, *signers: FakeSigner) -> None:
        self._issued = {one.certificate.der: one.certificate for one in signers}

    def certificate(self, der: bytes | memoryview) -> Certificate:
        """See `Authority`."""
        try:
            return self._issued[bytes(der)]
        except KeyError as error:
            raise KeyRefused("not issued by the fake authority") from error

    def verifies(
        self, certificate: Certificate, signature: bytes | memoryview, message: bytes
    ) -> bool:
        """See `Authority`."""
        return _verifies(certificate, bytes(signature), message, ec.ECDSA(hashes.SHA256()))

    def verifies_digest(
        self, certificate: Certificate, signature: bytes | memoryview, digest: bytes
    ) -> bool:
        """See `Authority`."""
        return _verifies(certificate, bytes(signature), digest, _PREHASHED)


def _verifies(certificate: Certificate, signature: bytes, message: bytes, how: ec.ECDSA) -> bool:
    key = load_der_public_key(certificate.public_key)
    try:
        if isinstance(key, Ed25519PublicKey):
            key.verify(signature, message)
        else:
            assert isinstance(key, ec.EllipticCurvePublicKey)
            key.verify(signature, message, how)
    except InvalidSignature:
        return False
    return True

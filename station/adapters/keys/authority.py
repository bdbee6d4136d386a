"""The pinned product roots: what they issued counts, and nothing else does.

Judges no usage, product or moment: those are the domain's rules (`domain/trust.py`).
"""

from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from station.adapters.keys import algorithms, certificates
from station.domain.errors import KeyRefused
from station.domain.trust import Certificate, Usage


class PinnedAuthority:
    """`domain.trust.Authority` over a fixed set of roots; safe to use from any thread.

    roots: DER certificates of product roots. allow_demo: accept what a demo ceremony made.
    Raises KeyRefused for a root that is damaged, no root, or not signed by itself.
    """

    def __init__(self, roots: Sequence[bytes], *, allow_demo: bool = False) -> None:
        self._roots = tuple(certificates.read(der) for der in roots)
        self._allow_demo = allow_demo
        for root in self._roots:
            if root.claims.usage is not Usage.ROOT or not root.issued_by(root):
                raise KeyRefused(
                    f"{root.claims.holder}: not a product root",
                    remedy="Pin the certificate that the ceremony made for the product root.",
                )

    def certificate(self, der: bytes | memoryview) -> Certificate:
        """See `domain.trust.Authority`."""
        certificate = certificates.read(der)
        for root in self._roots:
            if self._issued(root, certificate):
                break
        else:
            raise KeyRefused(
                f"{certificate.claims.holder}: not issued by a product root this station trusts",
                remedy="Use keys certified by the pinned product root.",
            )
        demo = certificate.claims.demo or root.claims.demo
        if demo and not self._allow_demo:
            raise KeyRefused(
                f"{certificate.claims.holder}: a demo certificate proves nothing about a real unit",
                remedy="Use keys from a real ceremony.",
            )
        return certificate.proved(demo=demo)

    def verifies(
        self, certificate: Certificate, signature: bytes | memoryview, message: bytes
    ) -> bool:
        """See `domain.trust.Authority`."""
        key = algorithms.load_public(certificate.public_key)
        return algorithms.verifies(key, bytes(signature), message)

    def verifies_digest(
        self, certificate: Certificate, signature: bytes | memoryview, digest: bytes
    ) -> bool:
        """See `domain.trust.Authority`. Raises ValueError unless `digest` has 32 octets."""
        key = algorithms.load_public(certificate.public_key)
        return algorithms.verifies_digest(key, bytes(signature), digest)

    @staticmethod
    def _issued(
        root: certificates.ReadCertificate, certificate: certificates.ReadCertificate
    ) -> bool:
        if certificate.claims.usage is Usage.ROOT:
            return certificate.der == root.der
        return certificate.issued_by(root)


def roots_from_pem(text: str) -> tuple[bytes, ...]:
    """DER of every certificate in a PEM bundle; text around the blocks is ignored (RFC 7468).

    Raises KeyRefused if there is none, or one is damaged.
    """
    try:
        loaded = x509.load_pem_x509_certificates(text.encode("utf-8"))
    except ValueError as error:
        raise KeyRefused(
            "no certificate, or a damaged one, in the list of product roots",
            remedy="Copy the PEM file of the ceremony again.",
        ) from error
    return tuple(one.public_bytes(Encoding.DER) for one in loaded)


def roots_to_pem(roots: Sequence[bytes]) -> str:
    """The bundle that `roots_from_pem` reads."""
    blocks = (x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM) for der in roots)
    return b"".join(blocks).decode("ascii")

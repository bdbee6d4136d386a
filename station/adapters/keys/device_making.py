"""Keys as the maker of docks puts them into docks; for virtual docks, and for a maker's own line.

A dock's own key leaves this module once, in the file that the dock is made with.
"""

from base64 import b64decode
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from station.adapters.keys import algorithms, device_certificates
from station.adapters.keys.device_certificates import DeviceClaims
from station.adapters.keys.sealed_file import Purpose, UnlockedKey
from station.domain.device_proof import SHARED_KEY_BYTES
from station.domain.errors import KeyRefused
from station.domain.identity import DockId
from station.domain.secret import Secret


def make_device_key(
    root: UnlockedKey, *, dock_id: DockId, product: str, now: datetime
) -> bytearray:
    """A new key and its certificate, PEM (PKCS #8, then X.509): the dock's secret, to be zeroed.

    Raises KeyRefused where `root` is no device root, or no certificate can name the product.
    """
    if root.entry.certificate is None or root.entry.purpose is not Purpose.DEVICE_ROOT:
        raise KeyRefused(f"{root.entry.holder}: not a device root")
    try:
        claims = DeviceClaims(dock_id, product, demo=root.entry.demo)
    except ValueError as error:
        raise KeyRefused(f"{product[:80]!r}: {error}", remedy="Name another product.") from error
    private = X25519PrivateKey.generate()
    der = device_certificates.issue(
        claims,
        private.public_key(),
        issuer=algorithms.load_private(root.material),
        issuer_der=root.entry.certificate,
        not_before_at=now,
    )
    made = bytearray(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    made += x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)
    return made


def shared_key(text: Secret) -> Secret:
    """The key in a file of it: base64 of 32 octets (RFC 4648, section 4). Raises KeyRefused."""
    with text.reveal() as octets:
        try:
            key = bytearray(b64decode(octets, validate=True))
        except ValueError:
            key = bytearray()  # the library's words may quote what it could not read
    if len(key) != SHARED_KEY_BYTES:
        raise KeyRefused(
            f"a shared device key is base64 of {SHARED_KEY_BYTES} octets",
            remedy="Make one with: openssl rand -base64 32.",
        )
    return Secret.taking(key)


def read_device_key(text: str) -> tuple[bytes, bytes]:
    """Private key (32 octets) and certificate (DER) of such a file. Raises KeyRefused."""
    octets = text.encode("utf-8")
    try:
        key = load_pem_private_key(octets, password=None)
        (certificate,) = x509.load_pem_x509_certificates(octets)
    except (ValueError, TypeError):
        key, certificate = None, None  # the library's words may quote what it could not read
    if not isinstance(key, X25519PrivateKey) or certificate is None:
        raise KeyRefused(
            "not the key of a dock: a private key of X25519 and its certificate, in PEM",
            remedy="Make one with: station key device.",
        )
    read = device_certificates.read(certificate.public_bytes(Encoding.DER))
    if read.public_key != key.public_key().public_bytes_raw():
        raise KeyRefused("the certificate of the dock's key belongs to another key")
    return key.private_bytes_raw(), read.der

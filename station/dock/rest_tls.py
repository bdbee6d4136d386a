"""TLS for the development service: a certificate of its own, as old as the process.

Made at start, with a key that is never in a file. A client that trusts the certificate's PEM knows
it speaks with this process; nobody else has reason to trust it.
"""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALIDITY: Final = timedelta(days=90)
"""Longer than a virtual dock stays switched on."""

TOLERANCE: Final = timedelta(hours=1)
"""How far a client's clock may be behind."""

ALWAYS: Final = ("localhost", "127.0.0.1", "::1")
"""Names of this machine, whatever the service listens on."""


@contextmanager
def serving_tls(host: str, *, certificate: Path, now_at: datetime) -> Iterator[ssl.SSLContext]:
    """TLS as this host and as this machine.

    certificate: where its PEM is while this lasts, for clients to trust.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    pem = _certificate(key, host, now_at).public_bytes(Encoding.PEM)
    certificate.write_bytes(pem)
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2  # some builds of Python leave it open
        with _readable_once(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        ) as path:
            context.load_cert_chain(certificate, path)
        yield context
    finally:
        certificate.unlink(missing_ok=True)


def _certificate(key: ec.EllipticCurvePrivateKey, host: str, now_at: datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "virtual dock development service")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now_at - TOLERANCE)
        .not_valid_after(now_at + VALIDITY)
        .add_extension(
            x509.SubjectAlternativeName([_general_name(one) for one in _names(host)]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False
        )
        .sign(key, hashes.SHA256())
    )


def _names(host: str) -> list[str]:
    return list(dict.fromkeys((*ALWAYS, host)))


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@contextmanager
def _readable_once(octets: bytes) -> Iterator[str]:
    """A path that gives these octets to whoever reads it first, and is no file.

    For the one library that takes a key from nowhere else.
    """
    reader, writer = os.pipe()
    try:
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(octets)
        yield f"/dev/fd/{reader}"
    finally:
        os.close(reader)

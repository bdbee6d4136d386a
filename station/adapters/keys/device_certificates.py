"""Certificates of docks: whose key it is that unique data is sealed to (docs/spec/evidence.md).

X.509 v3 as narrow as `certificates.py` has it, with a key of X25519, which agrees and never signs.
Reading proves nothing about who issued it: that is `device_trust.py`.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from station.adapters.keys import algorithms, certificates
from station.adapters.keys.certificates import CLAIMS_OID, NOT_READ, UTF8_STRING, ReadCertificate
from station.domain import canonical_json
from station.domain.bundle import is_name
from station.domain.errors import BadScan, DocumentRefused, KeyRefused
from station.domain.identity import DockId
from station.domain.trust import Usage

CERTIFICATE_BYTES_MAX: Final = 2_048
"""Longest one read; ours have some 600 bytes, and a frame must take it."""

USAGE: Final = "device"
"""What its claims say it is for; never a `Usage`, so that nothing takes it for a signer's."""

_REMEDY: Final = "Get the certificate again from whoever makes the docks."


@dataclass(frozen=True, slots=True)
class DeviceClaims:
    """What the private extension says. demo: made by a demo root."""

    dock_id: DockId
    product: str
    demo: bool

    def __post_init__(self) -> None:
        if not is_name(self.product):
            raise ValueError("a product has a name of 1 to 64 printable characters")

    def encode(self) -> bytes:
        """The extension's value: a DER UTF8String of canonical JSON."""
        text = canonical_json.encode(
            {
                "demo": self.demo,
                "dock_id": str(self.dock_id),
                "product": self.product,
                "usage": USAGE,
            }
        )
        return certificates.encode_der(UTF8_STRING, text)

    @classmethod
    def decode(cls, octets: bytes) -> Self:
        """From an extension's value. Raises ValueError for any other spelling."""
        try:
            match canonical_json.decode(certificates.utf8_string_content(octets)):
                case {"demo": bool(demo), "dock_id": str(dock_id), "product": str(product)}:
                    claims = cls(DockId.parse(dock_id), product, demo)
                case _:
                    raise ValueError("not the claims of a dock")
        except (DocumentRefused, BadScan) as error:
            raise ValueError(error.cause) from error
        if claims.encode() != octets:
            raise ValueError("claims of another usage, or in another spelling")
        return claims


@dataclass(frozen=True, slots=True)
class DeviceCertificate:
    """One of our profile; nobody has said yet that its issuer counts. public_key: 32 octets."""

    der: bytes = field(repr=False)
    claims: DeviceClaims
    public_key: bytes = field(repr=False)
    not_before_at: datetime
    not_after_at: datetime
    issuer_key_id: bytes
    _x509: x509.Certificate = field(repr=False)

    def issued_by(self, root: ReadCertificate) -> bool:
        """Whether key and name of `root` issued this, within its own validity."""
        return self.issuer_key_id == root.key_id and root.issued(self._x509)


def issue(
    claims: DeviceClaims,
    public_key: X25519PublicKey,
    *,
    issuer: algorithms.PrivateKey,
    issuer_der: bytes,
    not_before_at: datetime,
) -> bytes:
    """A new certificate, DER. It ends with its issuer's: a dock is sold for as long as it works.

    Raises KeyRefused where the issuer is no device root, or `not_before_at` outside its validity.
    """
    root = certificates.read(issuer_der)
    if root.claims.usage is not Usage.DEVICE_ROOT or not_before_at > root.not_after_at:
        raise KeyRefused(
            f"{root.claims.holder}: not a device root, or one that has ended",
            remedy="Make a new device root, and pin it beside the old one.",
        )
    builder = (
        x509.CertificateBuilder()
        .subject_name(certificates.name_of(str(claims.dock_id)))
        .issuer_name(certificates.name_of(root.claims.holder))
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before_at.replace(microsecond=0))
        .not_valid_after(root.not_after_at)
    )
    for extension, critical in _extensions(claims, _spki(public_key), root.key_id):
        builder = builder.add_extension(extension, critical=critical)
    der = certificates.signed(builder, issuer)
    if not read(der).issued_by(root):
        raise KeyRefused(
            f"{claims.dock_id}: not within the validity of its issuer, or another issuer's key",
            remedy="Use the key that belongs to the device root's certificate.",
        )
    return der


def read(der: bytes | memoryview) -> DeviceCertificate:
    """The certificate in these octets, exactly.

    Raises KeyRefused for damage, trailing octets, and anything outside the profile.
    """
    octets = bytes(der)
    if len(octets) > CERTIFICATE_BYTES_MAX:
        raise KeyRefused("a dock's certificate of more than 2048 bytes", remedy=_REMEDY)
    try:
        return _read(octets)
    except NOT_READ as error:
        raise KeyRefused(f"not the certificate of a dock: {error}", remedy=_REMEDY) from error


def _read(octets: bytes) -> DeviceCertificate:
    certificate = x509.load_der_x509_certificate(octets)
    certificates.demand_der(certificate, octets)
    public = certificate.public_key()
    if not isinstance(public, X25519PublicKey):
        raise ValueError("its key is not of X25519")
    carried = {one.oid: one for one in certificate.extensions}
    claims = DeviceClaims.decode(certificates.claims_octets(carried))
    if certificate.subject != certificates.name_of(str(claims.dock_id)):
        raise ValueError("its name is not its dock's")
    authority = carried.get(x509.AuthorityKeyIdentifier.oid)
    if authority is None or not isinstance(authority.value, x509.AuthorityKeyIdentifier):
        raise ValueError("it does not name its issuer's key")
    issuer_key_id = authority.value.key_identifier or b""
    wanted = {
        extension.oid: (extension, critical)
        for extension, critical in _extensions(claims, _spki(public), issuer_key_id)
    }
    if {oid: (one.value, one.critical) for oid, one in carried.items()} != wanted:
        raise ValueError("its extensions are not those of a dock's certificate")
    return DeviceCertificate(
        der=octets,
        claims=claims,
        public_key=public.public_bytes_raw(),
        not_before_at=certificate.not_valid_before_utc,
        not_after_at=certificate.not_valid_after_utc,
        issuer_key_id=issuer_key_id,
        _x509=certificate,
    )


def _extensions(
    claims: DeviceClaims, spki: bytes, issuer_key_id: bytes
) -> tuple[tuple[x509.ExtensionType, bool], ...]:
    return (
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (certificates.key_usage(key_agreement=True), True),
        (x509.SubjectKeyIdentifier(algorithms.key_id(spki)), False),
        (x509.AuthorityKeyIdentifier(issuer_key_id, None, None), False),
        (x509.UnrecognizedExtension(CLAIMS_OID, claims.encode()), True),
    )


def _spki(key: X25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

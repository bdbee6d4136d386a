"""Certificates: X.509 v3 with one critical private extension (docs/spec/evidence.md).

Writes and reads one narrow profile; a certificate with anything more, less or other is refused.
Reading proves nothing about who issued it: that is `authority.py`.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, SignatureAlgorithmOID

from station.adapters.keys import algorithms
from station.domain import canonical_json
from station.domain.errors import DocumentRefused, KeyRefused
from station.domain.trust import Algorithm, Certificate, Usage

CLAIMS_OID: Final = x509.ObjectIdentifier("2.25.92888884014452907289204565376912600780")
"""The extension: UUID 45e1bf92-0eca-4bd6-af3f-08360cfc2ecc below arc 2.25 (ITU-T X.667)."""

CERTIFICATE_BYTES_MAX: Final = 4_096
"""Longest certificate read; ours have some 500 bytes, and two must fit a 16-bit TLV area."""

STATION_VALIDITY_MAX: Final = timedelta(days=397)
"""13 months at their longest: a stolen station key dies by itself."""

_SIGNED_WITH: Final = {
    Algorithm.ED25519: SignatureAlgorithmOID.ED25519,
    Algorithm.ECDSA_P256: SignatureAlgorithmOID.ECDSA_WITH_SHA256,
}

_SIGNED_WITH_DER: Final = {
    SignatureAlgorithmOID.ED25519: bytes.fromhex("300506032b6570"),
    SignatureAlgorithmOID.ECDSA_WITH_SHA256: bytes.fromhex("300a06082a8648ce3d040302"),
}
"""AlgorithmIdentifier without parameters (RFC 8410, section 3; RFC 5758, section 3.2)."""

_SEQUENCE, _BIT_STRING, UTF8_STRING = 0x30, 0x03, 0x0C
"""Tags of DER (ITU-T X.690, section 8)."""

NOT_READ: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What the library raises for octets it cannot take for a certificate."""

_TEXT_MAX: Final = 64
"""Longest holder or product: what a common name may have (RFC 5280, ub-common-name)."""

_REMEDY: Final = "Get the certificate again from whoever keeps the product root."


@dataclass(frozen=True, slots=True)
class Claims:
    """What the private extension says.

    products: what a key may sign for; empty for a root, which certifies for any. algorithms: all
    signatures that must be present, by name; names we do not know are kept, so that they can be
    refused. quota: how many log records the key may sign, None without a bound.
    """

    usage: Usage
    holder: str
    products: frozenset[str]
    algorithms: frozenset[str]
    demo: bool
    quota: int | None = None

    def __post_init__(self) -> None:
        for text in (self.holder, *self.products, *self.algorithms):
            if not (text.isascii() and text.isprintable() and 0 < len(text) <= _TEXT_MAX):
                raise ValueError("a holder, product or algorithm is 1 to 64 printable ASCII")
        if (not self.products) != self.usage.certifies:
            raise ValueError("every certificate but a root names its products")
        if not self.algorithms:
            raise ValueError("no algorithm is named")
        if self.quota is not None and self.quota < 1:
            raise ValueError("a quota below one")

    def encode(self) -> bytes:
        """The extension's value: a DER UTF8String of canonical JSON."""
        text = canonical_json.encode(
            {
                "algorithms": [*sorted(self.algorithms)],
                "demo": self.demo,
                "holder": self.holder,
                "products": [*sorted(self.products)],
                "quota": self.quota,
                "usage": self.usage,
            }
        )
        return encode_der(UTF8_STRING, text)

    @classmethod
    def decode(cls, octets: bytes) -> Self:
        """From an extension's value. Raises ValueError for any other spelling."""
        try:
            document = canonical_json.decode(utf8_string_content(octets))
        except DocumentRefused as error:
            raise ValueError(error.cause) from error
        match document:
            case {
                "algorithms": list(algorithm_names),
                "demo": bool(demo),
                "holder": str(holder),
                "products": list(products),
                "quota": (int() | None) as quota,
                "usage": str(usage),
                **extra,
            } if not extra and not isinstance(quota, bool):
                claims = cls(
                    usage=Usage(usage),
                    holder=holder,
                    products=frozenset(_texts(products)),
                    algorithms=frozenset(_texts(algorithm_names)),
                    demo=demo,
                    quota=quota,
                )
            case _:
                raise ValueError("not the claims of a certificate")
        if claims.encode() != octets:
            raise ValueError("claims in another order, or twice")
        return claims


@dataclass(frozen=True, slots=True)
class ReadCertificate:
    """A certificate of our profile; nobody has said yet that its issuer counts."""

    der: bytes = field(repr=False)
    claims: Claims
    algorithm: Algorithm
    public_key: bytes = field(repr=False)
    not_before_at: datetime
    not_after_at: datetime
    issuer_key_id: bytes
    _x509: x509.Certificate = field(repr=False)

    @property
    def key_id(self) -> bytes:
        """SHA-256 of the SubjectPublicKeyInfo, 32 octets."""
        return algorithms.key_id(self.public_key)

    def issued_by(self, issuer: "ReadCertificate") -> bool:
        """Whether the key and name of `issuer` issued this, within its own validity."""
        return self.issuer_key_id == issuer.key_id and issuer.issued(self._x509)

    def issued(self, certificate: x509.Certificate) -> bool:
        """Whether key and name of this one issued `certificate`, within its own validity."""
        if certificate.signature_algorithm_oid != _SIGNED_WITH[self.algorithm]:
            return False
        start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if start < self.not_before_at or end > self.not_after_at:
            return False
        try:
            certificate.verify_directly_issued_by(self._x509)
        except (InvalidSignature, ValueError, TypeError):
            return False
        return True

    def proved(self, *, demo: bool) -> Certificate:
        """As the domain knows it, for an authority that has proved the issuer."""
        return Certificate(
            der=self.der,
            usage=self.claims.usage,
            holder=self.claims.holder,
            products=self.claims.products,
            algorithm=self.algorithm,
            public_key=self.public_key,
            key_id=self.key_id,
            not_before_at=self.not_before_at,
            not_after_at=self.not_after_at,
            demo=demo,
        )


def issue(
    claims: Claims,
    public_key: bytes,
    *,
    issuer: algorithms.PrivateKey,
    issuer_der: bytes | None,
    not_before_at: datetime,
    not_after_at: datetime,
) -> bytes:
    """A new certificate, DER; times are cut to the second.

    issuer_der: the issuer's certificate; None for a root, which issues itself.
    Raises KeyRefused for what `read` or an authority would refuse.
    """
    subject = name_of(claims.holder)
    issuer_name, issuer_id = subject, algorithms.key_id(public_key)
    if issuer_der is not None:
        root = read(issuer_der)
        issuer_name, issuer_id = name_of(root.claims.holder), root.key_id
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer_name)
        .public_key(algorithms.load_public(public_key))
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before_at.replace(microsecond=0))
        .not_valid_after(not_after_at.replace(microsecond=0))
    )
    for extension, critical in _extensions(claims, public_key, issuer_id):
        builder = builder.add_extension(extension, critical=critical)
    der = signed(builder, issuer)
    certificate = read(der)
    if not certificate.issued_by(certificate if issuer_der is None else read(issuer_der)):
        raise KeyRefused(
            f"{claims.holder}: not within the validity of its issuer, or another issuer's key",
            remedy="Choose a shorter validity, or the key that belongs to the root certificate.",
        )
    return der


def read(der: bytes | memoryview) -> ReadCertificate:
    """The certificate in these octets, exactly.

    Raises KeyRefused for damage, trailing octets, and anything outside the profile.
    """
    octets = bytes(der)
    if len(octets) > CERTIFICATE_BYTES_MAX:
        raise KeyRefused("a certificate of more than 4096 bytes", remedy=_REMEDY)
    try:
        return _read(octets)
    except NOT_READ as error:
        raise KeyRefused(f"not a certificate of the station: {error}", remedy=_REMEDY) from error


def signed(builder: x509.CertificateBuilder, issuer: algorithms.PrivateKey) -> bytes:
    """The certificate as `issuer` signs it, DER."""
    by_curve = isinstance(issuer, ec.EllipticCurvePrivateKey)
    made = builder.sign(issuer, hashes.SHA256() if by_curve else None)
    return made.public_bytes(Encoding.DER)


def _read(octets: bytes) -> ReadCertificate:
    certificate = x509.load_der_x509_certificate(octets)
    demand_der(certificate, octets)
    public = algorithms.accepted(certificate.public_key())
    algorithm, public_key = algorithms.algorithm_of(public), algorithms.public_octets(public)
    carried = {one.oid: one for one in certificate.extensions}
    claims = Claims.decode(claims_octets(carried))
    if claims.algorithms != {algorithm}:
        raise ValueError(f"it demands signatures by {', '.join(sorted(claims.algorithms))}")
    if claims.quota is not None:
        raise ValueError("it has a quota, which this program cannot hold it to")
    if certificate.subject != name_of(claims.holder):
        raise ValueError("its name is not its holder's")
    authority = carried.get(x509.AuthorityKeyIdentifier.oid)
    if authority is None or not isinstance(authority.value, x509.AuthorityKeyIdentifier):
        raise ValueError("it does not name its issuer's key")
    issuer_key_id = authority.value.key_identifier or b""
    wanted = {
        extension.oid: (extension, critical)
        for extension, critical in _extensions(claims, public_key, issuer_key_id)
    }
    if {oid: (one.value, one.critical) for oid, one in carried.items()} != wanted:
        raise ValueError("its extensions are not those of its usage")
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if end < start or (claims.usage is Usage.STATION and end - start > STATION_VALIDITY_MAX):
        raise ValueError("it is valid for longer than 13 months, or never")
    return ReadCertificate(
        der=octets,
        claims=claims,
        algorithm=algorithm,
        public_key=public_key,
        not_before_at=start,
        not_after_at=end,
        issuer_key_id=issuer_key_id,
        _x509=certificate,
    )


def demand_der(certificate: x509.Certificate, octets: bytes) -> None:
    """Raise ValueError unless the part nobody signed is spelt in the one way there is.

    The library accepts, for one, a signature that claims to have unused bits.
    """
    signed_with = _SIGNED_WITH_DER.get(certificate.signature_algorithm_oid)
    if signed_with is None:
        raise ValueError("it is signed with an algorithm we do not use")
    signature = encode_der(_BIT_STRING, b"\x00" + certificate.signature)
    if encode_der(_SEQUENCE, certificate.tbs_certificate_bytes + signed_with + signature) != octets:
        raise ValueError("it is not in DER")


def claims_octets(
    carried: dict[x509.ObjectIdentifier, x509.Extension[x509.ExtensionType]],
) -> bytes:
    """The value of the private extension. Raises ValueError where there is none."""
    found = carried.get(CLAIMS_OID)
    if found is None or not isinstance(found.value, x509.UnrecognizedExtension):
        raise ValueError("it says nothing about its use")
    return found.value.value


def _extensions(
    claims: Claims, public_key: bytes, issuer_key_id: bytes
) -> tuple[tuple[x509.ExtensionType, bool], ...]:
    """Every extension of a certificate with its criticality: these and no others."""
    root = claims.usage.certifies
    usage = key_usage(digital_signature=not root, key_cert_sign=root, crl_sign=root)
    return (
        (x509.BasicConstraints(ca=root, path_length=0 if root else None), True),
        (usage, True),
        (x509.SubjectKeyIdentifier(algorithms.key_id(public_key)), False),
        (x509.AuthorityKeyIdentifier(issuer_key_id, None, None), False),
        (x509.UnrecognizedExtension(CLAIMS_OID, claims.encode()), True),
    )


def key_usage(
    *,
    digital_signature: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
    key_agreement: bool = False,
) -> x509.KeyUsage:
    """The extension, with only these bits set."""
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=key_agreement,
        encipher_only=False,
        decipher_only=False,
    )


def name_of(holder: str) -> x509.Name:
    """A subject or issuer: one common name."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, holder)])


def _texts(values: list[canonical_json.JsonValue]) -> list[str]:
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) != len(values):
        raise ValueError("claims that are not text")
    return texts


def encode_der(tag: int, content: bytes) -> bytes:
    """Tag, definite length in as few octets as possible, content (ITU-T X.690, section 10.1)."""
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def utf8_string_content(octets: bytes) -> bytes:
    """What a DER UTF8String holds. Raises ValueError for anything else."""
    header = 2 if octets[1:2] < b"\x80" else 2 + (octets[1] & 0x7F)
    if encode_der(UTF8_STRING, octets[header:]) != octets:
        raise ValueError("the claims are no DER UTF8String")
    return octets[header:]

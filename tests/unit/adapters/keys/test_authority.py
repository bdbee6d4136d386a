"""What a pinned root issued counts; anything else is refused with a reason."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from station.adapters.keys import algorithms, certificates
from station.adapters.keys.authority import PinnedAuthority, roots_from_pem, roots_to_pem
from station.adapters.keys.ceremony import Ceremony
from station.adapters.keys.certificates import CLAIMS_OID, STATION_VALIDITY_MAX, Claims
from station.adapters.keys.signer import open_signer
from station.domain.errors import KeyRefused
from station.domain.secret import Secret
from station.domain.trust import Algorithm, Usage
from tests.unit.adapters.keys.conftest import NOW, PRODUCT, make_ceremony

YEAR = timedelta(days=365)
OF_A_CEREMONY = (Usage.ROOT, Usage.RELEASE, Usage.STATION)
ROOT_CLAIMS = Claims(Usage.ROOT, "Root", frozenset(), frozenset({"ed25519"}), demo=False)
CLAIMS = Claims(Usage.STATION, "line-3", frozenset({PRODUCT}), frozenset({"ed25519"}), demo=False)


def authority(made: Ceremony, *, allow_demo: bool = False) -> PinnedAuthority:
    return PinnedAuthority(roots_from_pem(made.trust.read_text()), allow_demo=allow_demo)


def certificate_of(made: Ceremony, usage: Usage) -> bytes:
    entry = {Usage.ROOT: made.root, Usage.RELEASE: made.release, Usage.STATION: made.station}[usage]
    assert entry.certificate is not None
    return entry.certificate


# -- what is issued ------------------------------------------------------------------------------


@pytest.mark.parametrize("usage", [Usage.RELEASE, Usage.STATION])
def test_a_certified_key_signs_for_its_products(
    ceremony: Ceremony, passphrase: Secret, usage: Usage
) -> None:
    trusted = authority(ceremony)
    entry = ceremony.release if usage is Usage.RELEASE else ceremony.station
    signer = open_signer(entry.path, passphrase, usage=usage, authority=trusted)
    certificate = trusted.certificate(certificate_of(ceremony, usage))
    certificate.demand(usage, product=PRODUCT, at=NOW)

    signature = signer.sign(b"message")

    assert signer.certificate == certificate
    assert certificate.holder == entry.holder
    assert certificate.key_id == entry.key_id == algorithms.key_id(certificate.public_key)
    assert not certificate.demo
    assert trusted.verifies(certificate, signature, b"message")
    assert trusted.verifies(certificate, memoryview(signature), b"message")
    assert not trusted.verifies(certificate, signature, b"massage")


def test_no_changed_signature_verifies(ceremony: Ceremony, passphrase: Secret) -> None:
    trusted = authority(ceremony)
    signer = open_signer(ceremony.station.path, passphrase, usage=Usage.STATION, authority=trusted)
    signature = signer.sign(b"message")
    changed = [signature[:cut] for cut in range(len(signature))]
    changed += [signature + b"\x00", b"\x00" + signature]
    for place in range(len(signature)):
        for bit in (0x01, 0x80):
            flipped = bytearray(signature)
            flipped[place] ^= bit
            changed.append(bytes(flipped))

    assert not any(trusted.verifies(signer.certificate, one, b"message") for one in changed)


def test_a_digest_is_signed_as_a_bootloader_checks_it(
    ceremony: Ceremony, passphrase: Secret
) -> None:
    trusted = authority(ceremony)
    signer = open_signer(ceremony.station.path, passphrase, usage=Usage.STATION, authority=trusted)
    image = b"header and volumes"
    digest = sha256(image).digest()

    signature = signer.sign_digest(digest)

    assert trusted.verifies_digest(signer.certificate, signature, digest)
    assert trusted.verifies_digest(signer.certificate, memoryview(signature), digest)
    assert not trusted.verifies_digest(signer.certificate, signature, sha256(b"other").digest())
    assert not trusted.verifies_digest(signer.certificate, signature[:-1], digest)
    by_curve = signer.certificate.algorithm is Algorithm.ECDSA_P256
    assert trusted.verifies(signer.certificate, signature, image if by_curve else digest)
    assert not trusted.verifies(signer.certificate, signature, digest if by_curve else image)
    for wrong in (b"", digest[:-1], digest + b"x"):
        with pytest.raises(ValueError, match="32 octets"):
            signer.sign_digest(wrong)
        with pytest.raises(ValueError, match="32 octets"):
            trusted.verifies_digest(signer.certificate, signature, wrong)


def test_a_signature_of_another_certified_key_does_not_verify(
    ceremony: Ceremony, passphrase: Secret
) -> None:
    trusted = authority(ceremony)
    release = open_signer(ceremony.release.path, passphrase, usage=Usage.RELEASE, authority=trusted)
    station = trusted.certificate(certificate_of(ceremony, Usage.STATION))

    assert not trusted.verifies(station, release.sign(b"message"), b"message")


def test_the_certificate_names_the_algorithm_not_the_message(
    tmp_path: Path, passphrase: Secret
) -> None:
    made = {one: make_ceremony(tmp_path / one, algorithm=one, demo=False) for one in Algorithm}
    trusted = PinnedAuthority([certificate_of(one, Usage.ROOT) for one in made.values()])
    signers = [
        open_signer(one.station.path, passphrase, usage=Usage.STATION, authority=trusted)
        for one in made.values()
    ]

    for one, other in (signers, signers[::-1]):
        assert trusted.verifies(one.certificate, one.sign(b"m"), b"m")
        assert not trusted.verifies(one.certificate, other.sign(b"m"), b"m")


def test_signatures_are_deterministic(ceremony: Ceremony, passphrase: Secret) -> None:
    signer = open_signer(
        ceremony.station.path, passphrase, usage=Usage.STATION, authority=authority(ceremony)
    )

    assert signer.sign(b"message") == signer.sign(b"message")


# -- the rules of the domain, on real certificates -----------------------------------------------


def test_a_certificate_serves_its_own_usage_only(ceremony: Ceremony) -> None:
    trusted = authority(ceremony)
    for usage in OF_A_CEREMONY:
        certificate = trusted.certificate(certificate_of(ceremony, usage))
        for wanted in OF_A_CEREMONY:
            if wanted is not usage or usage is Usage.ROOT:
                with pytest.raises(KeyRefused):
                    certificate.demand(wanted, product=PRODUCT, at=NOW)


def test_a_certificate_serves_its_own_products_only(ceremony: Ceremony) -> None:
    certificate = authority(ceremony).certificate(certificate_of(ceremony, Usage.RELEASE))
    certificate.demand(Usage.RELEASE, product="DL-7450-other", at=None)

    for product in ("", "DL-7450", PRODUCT + " ", PRODUCT.lower()):
        with pytest.raises(KeyRefused, match="not certified for product"):
            certificate.demand(Usage.RELEASE, product=product, at=None)


def test_a_certificate_serves_within_its_validity_only(ceremony: Ceremony) -> None:
    certificate = authority(ceremony).certificate(certificate_of(ceremony, Usage.STATION))
    start, end = certificate.not_before_at, certificate.not_after_at
    assert start == NOW.replace(microsecond=0)
    assert end - start == STATION_VALIDITY_MAX
    for at in (start, NOW, end):
        certificate.demand(Usage.STATION, product=PRODUCT, at=at)

    for at in (start - timedelta(seconds=1), end + timedelta(seconds=1)):
        with pytest.raises(KeyRefused, match="certificate valid"):
            certificate.demand(Usage.STATION, product=PRODUCT, at=at)


# -- roots ---------------------------------------------------------------------------------------


def test_another_root_of_the_same_name_issued_nothing_here(
    ceremony: Ceremony, tmp_path: Path
) -> None:
    other = make_ceremony(tmp_path / "other", algorithm=Algorithm.ED25519, demo=False)

    for usage in OF_A_CEREMONY:
        with pytest.raises(KeyRefused, match="not issued by a product root"):
            authority(other).certificate(certificate_of(ceremony, usage))


def test_no_root_issued_nothing(ceremony: Ceremony) -> None:
    with pytest.raises(KeyRefused, match="not issued by a product root"):
        PinnedAuthority([]).certificate(certificate_of(ceremony, Usage.STATION))


def test_any_of_several_roots_counts(ceremony: Ceremony, tmp_path: Path) -> None:
    other = make_ceremony(tmp_path / "other", algorithm=Algorithm.ECDSA_P256, demo=False)
    both = roots_from_pem(other.trust.read_text() + "# comment\n" + ceremony.trust.read_text())
    trusted = PinnedAuthority(both)

    assert len(both) == 2
    for made in (ceremony, other):
        assert trusted.certificate(certificate_of(made, Usage.RELEASE)).holder == "Release key 1"


def test_a_station_certificate_is_no_root(ceremony: Ceremony) -> None:
    with pytest.raises(KeyRefused, match="not a product root"):
        PinnedAuthority([certificate_of(ceremony, Usage.STATION)])


def test_a_root_somebody_else_signed_is_no_root(ceremony: Ceremony) -> None:
    der = bytearray(certificate_of(ceremony, Usage.ROOT))
    der[-1] ^= 1

    with pytest.raises(KeyRefused):
        PinnedAuthority([bytes(der)])


@pytest.mark.parametrize("text", ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_a_list_of_roots_without_any_is_refused(text: str) -> None:
    with pytest.raises(KeyRefused, match="list of product roots"):
        roots_from_pem(text)


def test_roots_are_written_as_they_are_read(ceremony: Ceremony) -> None:
    text = ceremony.trust.read_text()

    assert roots_to_pem(roots_from_pem(text)) == text


# -- demo ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("usage", OF_A_CEREMONY)
def test_demo_certificates_count_only_where_they_are_allowed(
    demo_ceremony: Ceremony, usage: Usage
) -> None:
    der = certificate_of(demo_ceremony, usage)

    assert authority(demo_ceremony, allow_demo=True).certificate(der).demo
    with pytest.raises(KeyRefused, match="proves nothing about a real unit"):
        authority(demo_ceremony).certificate(der)


@pytest.mark.parametrize(("root_demo", "leaf_demo"), [(True, False), (False, True)])
def test_one_demo_certificate_in_the_chain_is_enough(*, root_demo: bool, leaf_demo: bool) -> None:
    chain = Forge()
    root = chain.root(replace(ROOT_CLAIMS, demo=root_demo))
    leaf = chain.leaf(replace(CLAIMS, demo=leaf_demo))

    assert PinnedAuthority([root], allow_demo=True).certificate(leaf).demo
    with pytest.raises(KeyRefused, match="demo"):
        PinnedAuthority([root]).certificate(leaf)


# -- damage and forgery --------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")  # the library warns of odd numbers before we refuse
def test_no_flipped_bit_of_a_certificate_is_accepted(ceremony: Ceremony) -> None:
    trusted, der = authority(ceremony), certificate_of(ceremony, Usage.STATION)
    for place in range(len(der)):
        for bit in range(8):
            flipped = bytearray(der)
            flipped[place] ^= 1 << bit
            with pytest.raises(KeyRefused):
                trusted.certificate(bytes(flipped))


def test_no_cut_certificate_is_accepted_nor_one_with_more(ceremony: Ceremony) -> None:
    trusted, der = authority(ceremony), certificate_of(ceremony, Usage.STATION)
    for cut in range(len(der)):
        with pytest.raises(KeyRefused):
            trusted.certificate(der[:cut])
    for longer in (der + b"\x00", b"\x00" + der, der + der, der + bytes(5_000)):
        with pytest.raises(KeyRefused):
            trusted.certificate(longer)


class Forge:
    """A root key in the hands of somebody who does not keep to the profile."""

    def __init__(self) -> None:
        self.root_key = Ed25519PrivateKey.generate()
        self.leaf_key = Ed25519PrivateKey.generate()
        self.root_id = algorithms.key_id(algorithms.public_octets(self.root_key.public_key()))

    def root(self, claims: Claims = ROOT_CLAIMS) -> bytes:
        return certificates.issue(
            claims,
            algorithms.public_octets(self.root_key.public_key()),
            issuer=self.root_key,
            issuer_der=None,
            not_before_at=NOW,
            not_after_at=NOW + 20 * YEAR,
        )

    def leaf(
        self,
        claims: Claims = CLAIMS,
        *,
        key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey | None = None,
        subject: str = "line-3",
        issuer: str = "Root",
        issuer_id: bytes | None = None,
        start: datetime = NOW,
        end: datetime = NOW + YEAR,
        ca: bool = False,
        claims_octets: bytes | None = None,
        claims_critical: bool = True,
        without: type[x509.ExtensionType] | None = None,
        extra: x509.ExtensionType | None = None,
        signs_certificates: bool = False,
    ) -> bytes:
        public = (key or self.leaf_key).public_key()
        key_id = algorithms.key_id(algorithms.public_octets(public))
        usage = x509.KeyUsage(
            not signs_certificates,
            False,
            False,
            False,
            False,
            signs_certificates,
            False,
            False,
            False,
        )
        octets = claims.encode() if claims_octets is None else claims_octets
        extensions: list[tuple[x509.ExtensionType, bool]] = [
            (x509.BasicConstraints(ca=ca, path_length=None), True),
            (usage, True),
            (x509.SubjectKeyIdentifier(key_id), False),
            (x509.AuthorityKeyIdentifier(issuer_id or self.root_id, None, None), False),
            (x509.UnrecognizedExtension(CLAIMS_OID, octets), claims_critical),
        ]
        if extra is not None:
            extensions.append((extra, False))
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(public)
            .serial_number(7)
            .not_valid_before(start.replace(microsecond=0))
            .not_valid_after(end.replace(microsecond=0))
        )
        for value, critical in extensions:
            if without is None or not isinstance(value, without):
                builder = builder.add_extension(value, critical=critical)
        return builder.sign(self.root_key, None).public_bytes(Encoding.DER)


def test_the_forge_makes_what_is_accepted_when_it_keeps_to_the_profile() -> None:
    forge = Forge()

    certificate = PinnedAuthority([forge.root()]).certificate(forge.leaf())

    assert (certificate.usage, certificate.holder) == (Usage.STATION, "line-3")


SPELT: dict[str, object] = {  # by hand, from docs/spec/evidence.md, in canonical order
    "algorithms": ["ed25519"],
    "demo": False,
    "holder": "line-3",
    "products": [PRODUCT],
    "quota": None,
    "usage": "station",
}


def spelt(text: str) -> bytes:
    """A DER UTF8String of up to 255 octets."""
    size = len(text)
    return bytes([0x0C, *([size] if size < 128 else [0x81, size])]) + text.encode()


def test_claims_are_what_the_specification_spells() -> None:
    octets = spelt(json.dumps(SPELT, separators=(",", ":")))

    assert CLAIMS.encode() == octets
    assert Claims.decode(octets) == CLAIMS


def test_the_example_of_the_specification_is_read_as_claims() -> None:
    specification = Path(__file__).parents[4] / "docs" / "spec" / "evidence.md"
    (example,) = (
        line for line in specification.read_text().splitlines() if line.startswith('{"algorithms"')
    )

    assert Claims.decode(spelt(example)) == replace(CLAIMS, products=frozenset({"DK-7F"}))


FORGERIES: dict[str, Callable[[Forge], bytes]] = {
    "claims not critical": lambda f: f.leaf(claims_critical=False),
    "no claims": lambda f: f.leaf(without=x509.UnrecognizedExtension),
    "no basic constraints": lambda f: f.leaf(without=x509.BasicConstraints),
    "no key usage": lambda f: f.leaf(without=x509.KeyUsage),
    "no key identifier": lambda f: f.leaf(without=x509.SubjectKeyIdentifier),
    "no issuer key identifier": lambda f: f.leaf(without=x509.AuthorityKeyIdentifier),
    "another issuer key identifier": lambda f: f.leaf(issuer_id=bytes(32)),
    "one extension more": lambda f: f.leaf(
        extra=x509.UnrecognizedExtension(x509.ObjectIdentifier("2.25.1"), b"\x05\x00")
    ),
    "a certificate authority": lambda f: f.leaf(ca=True),
    "may sign certificates": lambda f: f.leaf(signs_certificates=True),
    "another name": lambda f: f.leaf(subject="line-4"),
    "another issuer name": lambda f: f.leaf(issuer="Rood"),
    "before the root": lambda f: f.leaf(start=NOW - timedelta(seconds=1)),
    "a station for 14 months": lambda f: f.leaf(end=NOW + STATION_VALIDITY_MAX + timedelta(days=1)),
    "a release beyond the root": lambda f: f.leaf(
        replace(CLAIMS, usage=Usage.RELEASE), end=NOW + 21 * YEAR
    ),
    "a second root": lambda f: f.leaf(
        replace(ROOT_CLAIMS, holder="line-3"), ca=True, signs_certificates=True
    ),
    "a quota nobody counts": lambda f: f.leaf(replace(CLAIMS, quota=500)),
    "a signature we cannot check": lambda f: f.leaf(
        replace(CLAIMS, algorithms=frozenset({"ed25519", "ml-dsa-65"}))
    ),
    "another algorithm than the key's": lambda f: f.leaf(
        replace(CLAIMS, algorithms=frozenset({"ecdsa-p256"}))
    ),
    "a curve we do not use": lambda f: f.leaf(
        replace(CLAIMS, algorithms=frozenset({"ecdsa-p256"})),
        key=ec.generate_private_key(ec.SECP384R1()),
    ),
    "claims that are no string": lambda f: f.leaf(claims_octets=b"\x04" + CLAIMS.encode()[1:]),
    "claims with a long length": lambda f: f.leaf(
        claims_octets=b"\x0c\x82\x00" + CLAIMS.encode()[1:]
    ),
    "claims with octets after them": lambda f: f.leaf(claims_octets=CLAIMS.encode() + b"\x00"),
    "no octets": lambda f: f.leaf(claims_octets=b""),
    "one octet": lambda f: f.leaf(claims_octets=b"\x0c"),
    **{
        f"claims changed by {change}": lambda f, change=change: f.leaf(  # type: ignore[misc]
            claims_octets=spelt(json.dumps(SPELT | change, separators=(",", ":")))
        )
        for change in [
            {"x": 1},
            {"demo": 0},
            {"demo": None},
            {"products": []},
            {"products": [7]},
            {"products": ["b", "a"]},
            {"products": ["a", "a"]},
            {"products": ["a\n"]},
            {"products": "a"},
            {"algorithms": []},
            {"algorithms": ["ed25519", "ed25519"]},
            {"quota": True},
            {"quota": 0},
            {"quota": "1"},
            {"usage": "everything"},
            {"holder": 7},
        ]
    },
    **{
        f"claims {text!r}": lambda f, text=text: f.leaf(claims_octets=spelt(text))  # type: ignore[misc]
        for text in [
            "",
            "{}",
            "[]",
            json.dumps(SPELT),
            json.dumps(dict(reversed(SPELT.items())), separators=(",", ":")),
            json.dumps({k: v for k, v in SPELT.items() if k != "quota"}, separators=(",", ":")),
        ]
    },
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_certificate_outside_the_profile_is_refused(name: str) -> None:
    forge = Forge()
    trusted = PinnedAuthority([forge.root()])

    with pytest.raises(KeyRefused):
        trusted.certificate(FORGERIES[name](forge))


def test_a_certificate_signed_with_another_hash_is_refused(ceremony: Ceremony) -> None:
    """A root may be P-256, but its signatures are over SHA-256 and nothing else."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = algorithms.public_octets(key.public_key())
    claims = replace(ROOT_CLAIMS, algorithms=frozenset({"ecdsa-p256"}))
    root = x509.load_der_x509_certificate(
        certificates.issue(
            claims,
            public,
            issuer=key,
            issuer_der=None,
            not_before_at=NOW,
            not_after_at=NOW + YEAR,
        )
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(root.subject)
        .issuer_name(root.issuer)
        .public_key(key.public_key())
        .serial_number(8)
        .not_valid_before(root.not_valid_before_utc)
        .not_valid_after(root.not_valid_after_utc)
    )
    for extension in root.extensions:
        builder = builder.add_extension(extension.value, critical=extension.critical)

    PinnedAuthority([root.public_bytes(Encoding.DER)])
    with pytest.raises(KeyRefused, match="algorithm we do not use"):
        PinnedAuthority([builder.sign(key, hashes.SHA512()).public_bytes(Encoding.DER)])


def test_a_certificate_that_names_a_root_of_another_algorithm_is_refused() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    public = algorithms.public_octets(key.public_key())
    root = certificates.issue(
        replace(ROOT_CLAIMS, algorithms=frozenset({"ecdsa-p256"})),
        public,
        issuer=key,
        issuer_der=None,
        not_before_at=NOW,
        not_after_at=NOW + 2 * YEAR,
    )
    leaf = Forge().leaf(issuer_id=algorithms.key_id(public))

    with pytest.raises(KeyRefused, match="not issued by a product root"):
        PinnedAuthority([root]).certificate(leaf)


def test_a_key_that_is_not_the_roots_issues_nothing() -> None:
    forge = Forge()

    with pytest.raises(KeyRefused, match="another issuer's key"):
        certificates.issue(
            CLAIMS,
            algorithms.public_octets(forge.leaf_key.public_key()),
            issuer=forge.leaf_key,
            issuer_der=forge.root(),
            not_before_at=NOW,
            not_after_at=NOW + YEAR,
        )


@pytest.mark.parametrize("holder", ["", "x" * 65, "line\n3", "Büro", "a\x00b"])
def test_a_holder_is_short_and_printable(holder: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        replace(CLAIMS, holder=holder)

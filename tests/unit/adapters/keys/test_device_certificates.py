"""Certificates of docks, and the roots that make them count."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from station.adapters.keys import certificates, device_certificates
from station.adapters.keys.authority import PinnedAuthority
from station.adapters.keys.ceremony import Keeper, make_root, make_signing_key
from station.adapters.keys.certificates import CLAIMS_OID, key_usage
from station.adapters.keys.device_certificates import DeviceClaims
from station.adapters.keys.device_making import make_device_key, read_device_key, shared_key
from station.adapters.keys.device_trust import PinnedDevices
from station.adapters.keys.sealed_file import CHEAP_COST, Purpose, unlock
from station.application.ports import DeviceProof, DockIdentity, ProvedDock
from station.dock.device_key import OwnKey, SharedKey
from station.domain.device_proof import shared_key_proof
from station.domain.errors import DockNotProved, FileExists, KeyRefused
from station.domain.identity import DockId
from station.domain.profile import Assurance
from station.domain.secret import Secret
from station.domain.trust import Algorithm, Usage
from station.protocol import datastore_group as wire
from tests.fakes.clock import START_AT
from tests.fakes.devices import DAY, SHARED, DeviceRoot, believing, device_root

PRODUCT: Final = "DK-7F"
DOCK_ID: Final = DockId(bytes(range(32)))
NONCE: Final = b"\xa5" * 32
ROOT: Final = device_root()
KEY: Final = ROOT.dock_key(DOCK_ID)
DEMO: Final = device_root("DEMO docks", demo=True)


def identity(level: str, dock_id: DockId = DOCK_ID) -> DockIdentity:
    return DockIdentity(
        dock_id=dock_id,
        label="DK7F-00001",
        model="DL-7450",
        hardware="C",
        profile="test-dock",
        product=PRODUCT,
        counter=0,
        assurance=level,
        slot_bytes=1,
        locked=False,
    )


def proved(
    devices: PinnedDevices,
    key: OwnKey,
    *,
    product: str = PRODUCT,
    days: float = 0,
    alter: Callable[[DeviceProof], DeviceProof] = lambda proof: proof,
) -> ProvedDock:
    """What a dock with this key proves to a station that believes these devices."""
    question = devices.question(identity("D2"), product, NONCE)
    answer = key.prove(wire.Prove(question.nonce, question.public_key), DOCK_ID)
    given = DeviceProof(answer.proof, answer.certificate or b"")
    return question.judge(alter(given), at=START_AT + days * DAY)


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_dock_with_a_certified_key_is_proved(algorithm: Algorithm) -> None:
    root = device_root(algorithm=algorithm)

    found = proved(believing(root), root.dock_key(DOCK_ID))

    assert (found.level, len(found.key_id)) == (Assurance.D2, 32)
    assert found.seal is not None
    assert found.how.startswith("D2: it has the key that ACME docks certified for it")


def test_any_of_the_pinned_roots_will_do() -> None:
    assert proved(believing(device_root("Old"), ROOT), KEY).level is Assurance.D2


REFUSED: Final[dict[str, tuple[Callable[[], ProvedDock], str]]] = {
    "nobody pinned its root": (lambda: proved(believing(device_root()), KEY), "not from a device"),
    "another root of the same name and dates": (
        lambda: proved(believing(ROOT), device_root().dock_key(DOCK_ID)),
        "not from a device",
    ),
    "another dock's certificate": (
        lambda: proved(believing(ROOT), ROOT.dock_key(DockId(bytes(32)))),
        "that of dock 0000",
    ),
    "another product": (lambda: proved(believing(ROOT), KEY, product="DK-8"), "a DK-7F dock"),
    "not valid yet": (lambda: proved(believing(ROOT), KEY, days=-1.5), "not valid today"),
    "not valid any more": (lambda: proved(believing(ROOT), KEY, days=3650), "not valid today"),
    "a demo certificate": (
        lambda: proved(believing(ROOT), ROOT.dock_key(DOCK_ID, demo=True)),
        "a demo",
    ),
    "a demo root": (
        lambda: proved(believing(DEMO), DEMO.dock_key(DOCK_ID)),
        "a demo",
    ),
    "another key than certified": (
        lambda: proved(believing(ROOT), replace(KEY, private=bytes(range(32)))),
        "does not have the key",
    ),
    "a proof of nothing": (
        lambda: proved(believing(ROOT), KEY, alter=lambda one: replace(one, proof=bytes(32))),
        "does not have the key",
    ),
    "no certificate": (
        lambda: proved(believing(ROOT), KEY, alter=lambda one: replace(one, certificate=b"")),
        "not the certificate of a dock",
    ),
    "a certificate that is too long": (
        lambda: proved(
            believing(ROOT), KEY, alter=lambda one: replace(one, certificate=bytes(2_049))
        ),
        "more than 2048",
    ),
    "the root's own certificate": (
        lambda: proved(believing(ROOT), KEY, alter=lambda one: replace(one, certificate=ROOT.der)),
        "not the certificate of a dock",
    ),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_is_not_proved_is_refused_in_words(why: str) -> None:
    work, words = REFUSED[why]
    with pytest.raises(DockNotProved, match=words):
        work()


def test_demo_docks_count_in_a_demo() -> None:
    assert proved(believing(DEMO, demo=True), DEMO.dock_key(DOCK_ID)).level is Assurance.D2


def test_every_question_is_another_one() -> None:
    """An answer says nothing about a question with another key or nonce."""
    devices = believing(ROOT)
    first, second = (devices.question(identity("D2"), PRODUCT, NONCE) for _ in range(2))
    answer = KEY.prove(wire.Prove(NONCE, first.public_key), DOCK_ID)
    proof = DeviceProof(answer.proof, answer.certificate or b"")

    assert first.judge(proof, at=START_AT).level is Assurance.D2
    with pytest.raises(DockNotProved):
        second.judge(proof, at=START_AT)


def test_a_certified_key_of_small_order_agrees_with_nobody() -> None:
    """RFC 7748, section 6.1: a shared secret of zeros is refused."""
    der = device_certificates.issue(
        DeviceClaims(DOCK_ID, PRODUCT, False),
        X25519PublicKey.from_public_bytes(bytes(32)),
        issuer=ROOT.private,
        issuer_der=ROOT.der,
        not_before_at=START_AT,
    )
    question = believing(ROOT).question(identity("D2"), PRODUCT, NONCE)

    with pytest.raises(DockNotProved, match="agrees with nobody"):
        question.judge(DeviceProof(bytes(32), der), at=START_AT)


def test_a_shared_key_proves_itself_and_not_who_has_it() -> None:
    devices = believing()
    question = devices.question(identity("D1"), PRODUCT, NONCE)
    good = SharedKey(SHARED).prove(wire.Prove(NONCE), DOCK_ID).proof
    found = question.judge(DeviceProof(good, b""), at=START_AT)

    assert (found.level, found.seal, question.public_key) == (Assurance.D1, None, b"")
    for wrong in (
        shared_key_proof(bytes(32), DOCK_ID, NONCE),
        shared_key_proof(SHARED, DockId(bytes(32)), NONCE),
        shared_key_proof(SHARED, DOCK_ID, bytes(32)),
        b"",
    ):
        with pytest.raises(DockNotProved, match="shared key of DK-7F"):
            question.judge(DeviceProof(wrong, b""), at=START_AT)
    with pytest.raises(DockNotProved):
        question.judge(DeviceProof(good, KEY.certificate), at=START_AT)


def test_a_dock_that_claims_nothing_has_nothing_to_prove() -> None:
    with pytest.raises(ValueError, match="D0"):
        believing(ROOT).question(identity("D0"), PRODUCT, NONCE)


# -- roots ---------------------------------------------------------------------------------------


def test_roots_of_docks_and_of_products_are_not_taken_for_each_other() -> None:
    product_root = device_root(usage=Usage.ROOT)

    with pytest.raises(KeyRefused, match="not a device root"):
        believing(product_root)
    with pytest.raises(KeyRefused, match="not a product root"):
        PinnedAuthority([ROOT.der])
    with pytest.raises(KeyRefused, match="not a device root"):
        product_root.dock_key(DOCK_ID)


def test_a_dock_certificate_is_no_signers(tmp_path: Path) -> None:
    with pytest.raises(KeyRefused):
        certificates.read(KEY.certificate)
    with pytest.raises(KeyRefused):
        PinnedAuthority([device_root(usage=Usage.ROOT).der]).certificate(KEY.certificate)


PASSPHRASE: Final = b"c4n4ry passphrase of tests"


def test_a_device_root_is_sealed_pinned_and_made_once(tmp_path: Path) -> None:
    keeper = Keeper("ACME docks", Secret(PASSPHRASE))
    made = make_root(
        tmp_path, keeper, usage=Usage.DEVICE_ROOT, now=START_AT, demo=True, cost=CHEAP_COST
    )
    root = unlock(made.path, keeper.passphrase, purpose=Purpose.DEVICE_ROOT)
    file = make_device_key(root, dock_id=DOCK_ID, product=PRODUCT, now=START_AT + DAY)
    private, der = read_device_key(file.decode("ascii"))

    assert (tmp_path / "device-root.pem").exists()
    assert device_certificates.read(der).claims == DeviceClaims(DOCK_ID, PRODUCT, demo=True)
    assert OwnKey(private, der).LEVEL is Assurance.D2
    with pytest.raises(FileExists, match="device root"):
        make_root(tmp_path, keeper, usage=Usage.DEVICE_ROOT, now=START_AT, cost=CHEAP_COST)
    with pytest.raises(KeyRefused, match="no root"):
        make_root(tmp_path, keeper, usage=Usage.STATION, now=START_AT, cost=CHEAP_COST)
    with pytest.raises(KeyRefused, match="not a product root"):
        make_signing_key(
            tmp_path,
            keeper,
            usage=Usage.STATION,
            root=root,
            products=[PRODUCT],
            now=START_AT,
            cost=CHEAP_COST,
        )
    with pytest.raises(KeyRefused, match="a product has a name"):
        make_device_key(root, dock_id=DOCK_ID, product="", now=START_AT)


def test_no_dock_is_certified_outside_its_roots_validity() -> None:
    for moment in (START_AT - timedelta(days=3), START_AT + timedelta(days=3651)):
        with pytest.raises(KeyRefused):
            ROOT.dock_key(DOCK_ID, not_before_at=moment)


# -- what a certificate may look like ------------------------------------------------------------


def test_a_certificate_says_what_the_specification_says() -> None:
    certificate = x509.load_der_x509_certificate(KEY.certificate)
    (claims,) = [one.value for one in certificate.extensions if one.oid == CLAIMS_OID]
    (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    text = f'{{"demo":false,"dock_id":"{DOCK_ID}","product":"DK-7F","usage":"device"}}'.encode()

    assert name.value == str(DOCK_ID)
    assert isinstance(claims, x509.UnrecognizedExtension)
    assert claims.value == b"\x0c" + bytes([len(text)]) + text
    assert len(KEY.certificate) < 1_000
    assert device_certificates.read(KEY.certificate).not_after_at == (
        certificates.read(ROOT.der).not_after_at
    )


def forged(root: DeviceRoot, **changes: object) -> bytes:
    """A certificate signed by the root in which something is not as it should be."""
    key = X25519PrivateKey.generate().public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    good = {
        extension.oid: (extension, critical)
        for extension, critical in device_certificates._extensions(
            DeviceClaims(DOCK_ID, PRODUCT, False), spki, certificates.read(root.der).key_id
        )
    }
    for extension, critical in changes.get("extra", ()):  # type: ignore[attr-defined]
        good[extension.oid] = (extension, critical)
    without = changes.get("without")
    builder = (
        x509.CertificateBuilder()
        .subject_name(certificates.name_of(str(changes.get("name", DOCK_ID))))
        .issuer_name(certificates.name_of("ACME docks"))
        .public_key(changes.get("key", key))  # type: ignore[arg-type]
        .serial_number(1)
        .not_valid_before(START_AT)
        .not_valid_after(START_AT + DAY)
    )
    for oid, (extension, critical) in good.items():
        if oid != without:
            builder = builder.add_extension(extension, critical=critical)
    return certificates.signed(builder, root.private)


def claims_of(text: str) -> x509.UnrecognizedExtension:
    octets = certificates.encode_der(0x0C, text.encode("utf-8"))
    return x509.UnrecognizedExtension(CLAIMS_OID, octets)


FORGED: Final[dict[str, dict[str, object]]] = {
    "another name": {"name": "line-3"},
    "a key that signs": {"key": device_root().private.public_key()},
    "no claims": {"without": CLAIMS_OID},
    "no issuer's key": {"without": x509.AuthorityKeyIdentifier.oid},
    "no constraints": {"without": x509.BasicConstraints.oid},
    "a certificate that may certify": {"extra": [(x509.BasicConstraints(True, 0), True)]},
    "a key for signatures": {"extra": [(key_usage(digital_signature=True), True)]},
    "claims that are not critical": {
        "extra": [(claims_of(f'{{"demo":false,"dock_id":"{DOCK_ID}","product":"DK-7F",'
                             '"usage":"device"}'), False)],
    },
    "an extension more": {"extra": [(x509.OCSPNoCheck(), False)]},
    "claims of a signer": {
        "extra": [(claims_of('{"algorithms":["ed25519"],"demo":false,"holder":"x",'
                             '"products":["DK-7F"],"quota":null,"usage":"station"}'), True)],
    },
    "claims of no usage": {
        "extra": [(claims_of(f'{{"demo":false,"dock_id":"{DOCK_ID}","product":"DK-7F",'
                             '"usage":"root"}'), True)],
    },
    "a dock id in small letters": {
        "extra": [(claims_of(f'{{"demo":false,"dock_id":"{str(DOCK_ID).lower()}",'
                             '"product":"DK-7F","usage":"device"}'), True)],
    },
    "a product without a name": {
        "extra": [(claims_of(f'{{"demo":false,"dock_id":"{DOCK_ID}","product":"",'
                             '"usage":"device"}'), True)],
    },
    "no JSON": {"extra": [(claims_of("hello"), True)]},
}  # fmt: skip


def test_the_forger_can_make_a_good_one() -> None:
    assert device_certificates.read(forged(ROOT)).claims.dock_id == DOCK_ID


@pytest.mark.parametrize("what", FORGED)
def test_a_certificate_of_another_shape_is_refused(what: str) -> None:
    with pytest.raises(KeyRefused, match="not the certificate of a dock"):
        device_certificates.read(forged(ROOT, **FORGED[what]))


@given(st.integers(0, len(KEY.certificate) - 1), st.integers(1, 255))
def test_no_changed_octet_is_proved(at: int, flip: int) -> None:
    hurt = bytearray(KEY.certificate)
    hurt[at] ^= flip
    with pytest.raises(DockNotProved):
        believing(ROOT).proved(bytes(hurt), dock_id=DOCK_ID, product=PRODUCT, at=START_AT)


@given(st.binary(max_size=200))
def test_whatever_a_dock_shows_ends_in_a_named_refusal(shown: bytes) -> None:
    for octets in (shown, KEY.certificate[: len(shown)] + shown):
        with pytest.raises(DockNotProved):
            believing(ROOT).proved(octets, dock_id=DOCK_ID, product=PRODUCT, at=START_AT)


@pytest.mark.parametrize("more", [b"\0", b"\x30\x00"])
def test_nothing_may_follow_a_certificate(more: bytes) -> None:
    with pytest.raises(KeyRefused):
        device_certificates.read(KEY.certificate + more)


# -- files of keys -------------------------------------------------------------------------------


def pem(private: bytes, der: bytes) -> str:
    key = X25519PrivateKey.from_private_bytes(private)
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return (text + x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)).decode("ascii")


def test_a_key_file_is_read_as_it_was_made() -> None:
    assert read_device_key(pem(KEY.private, KEY.certificate)) == (KEY.private, KEY.certificate)


def test_a_key_file_with_another_keys_certificate_is_refused() -> None:
    with pytest.raises(KeyRefused, match="belongs to another key"):
        read_device_key(pem(bytes(range(32)), KEY.certificate))


def test_what_is_no_key_file_is_refused_and_not_quoted() -> None:
    good = pem(KEY.private, KEY.certificate)
    middle = good.index("-----BEGIN CERTIFICATE")
    signing = device_root().private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for text in ("", "c4n4ry", good[:middle], good[middle:], good + good[middle:],
                 signing.decode("ascii") + good[middle:]):  # fmt: skip
        with pytest.raises(KeyRefused) as refused:
            read_device_key(text)
        assert "c4n4ry" not in refused.value.cause
        assert refused.value.__cause__ is None


@pytest.mark.parametrize("text", ["", "c4n4ry", "QUJD", "A" * 43, "é" * 8])
def test_what_is_no_shared_key_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(KeyRefused, match="base64 of 32 octets") as refused:
        shared_key(Secret.from_text(text))

    assert refused.value.__cause__ is None

"""Only keys of the accepted algorithms are loaded, and refusals show nothing of them."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from station.adapters.keys import algorithms
from station.domain.errors import KeyRefused
from station.domain.secret import Secret
from station.domain.trust import Algorithm

OTHER_KEYS = [ec.generate_private_key(ec.SECP384R1()), x25519.X25519PrivateKey.generate()]


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_key_is_loaded_as_it_was_written(algorithm: Algorithm) -> None:
    made = algorithms.generate(algorithm)
    public = algorithms.public_octets(made.public_key())

    loaded = algorithms.load_private(algorithms.private_octets(made))

    assert algorithms.public_octets(loaded.public_key()) == public
    assert algorithms.algorithm_of(algorithms.load_public(public)) is algorithm
    assert len(algorithms.key_id(public)) == 32


@pytest.mark.parametrize("octets", [b"", b"canary-not-a-key", bytes(48)])
def test_octets_that_are_no_key_are_refused(octets: bytes) -> None:
    with pytest.raises(KeyRefused) as refusal:
        algorithms.load_private(Secret(octets))
    assert refusal.value.__context__ is None
    assert "canary" not in str(refusal.value)
    with pytest.raises(KeyRefused):
        algorithms.load_public(octets)


@pytest.mark.parametrize("key", OTHER_KEYS)
def test_keys_of_other_algorithms_are_refused(
    key: ec.EllipticCurvePrivateKey | x25519.X25519PrivateKey,
) -> None:
    private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    with pytest.raises(KeyRefused, match="does not use"):
        algorithms.load_private(Secret(private))
    with pytest.raises(KeyRefused, match="does not use"):
        algorithms.load_public(public)


def test_an_ecdsa_signature_has_one_spelling() -> None:
    key = algorithms.generate(Algorithm.ECDSA_P256)
    signature = algorithms.sign(key, b"message")
    size = signature[1]
    long_length = b"\x30\x81" + bytes([size]) + signature[2:]
    padded = b"\x30" + bytes([size + 1, 0x02, signature[3] + 1, 0]) + signature[4:]

    assert algorithms.verifies(key.public_key(), signature, b"message")
    for other in (long_length, padded, signature + b"\x00"):
        assert not algorithms.verifies(key.public_key(), other, b"message")

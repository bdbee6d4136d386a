"""Signature arithmetic: making, loading, using and checking keys of the algorithms we accept.

The algorithm always follows from the key. An ECDSA signature is DER (SEC 1, section C.5) over the
SHA-256 of the message, made deterministically (RFC 6979); an Ed25519 signature is 64 octets.
"""

from hashlib import sha256

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)

from station.domain.errors import KeyRefused
from station.domain.secret import Secret
from station.domain.trust import Algorithm

PrivateKey = Ed25519PrivateKey | ec.EllipticCurvePrivateKey
PublicKey = Ed25519PublicKey | ec.EllipticCurvePublicKey


def generate(algorithm: Algorithm) -> PrivateKey:
    """A new key from the library's random generator."""
    match algorithm:
        case Algorithm.ED25519:
            return Ed25519PrivateKey.generate()
        case Algorithm.ECDSA_P256:
            return ec.generate_private_key(ec.SECP256R1())


def private_octets(key: PrivateKey) -> Secret:
    """The key as PKCS#8, DER, unencrypted."""
    return Secret(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))


def load_private(material: Secret) -> PrivateKey:
    """From PKCS#8, DER. Raises KeyRefused for damage or an algorithm we do not accept."""
    with material.reveal() as octets:
        try:
            key = load_der_private_key(octets, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None  # the library's words may quote what it could not read
    match key:
        case Ed25519PrivateKey():
            return key
        case ec.EllipticCurvePrivateKey(curve=ec.SECP256R1()):
            return key
    raise KeyRefused("the private key is damaged, or of an algorithm the station does not use")


def public_octets(key: PublicKey) -> bytes:
    """SubjectPublicKeyInfo, DER."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def load_public(octets: bytes) -> PublicKey:
    """From SubjectPublicKeyInfo, DER. Raises KeyRefused as `load_private` does."""
    try:
        key = load_der_public_key(octets)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyRefused("a damaged public key") from error
    return accepted(key)


def accepted(key: object) -> PublicKey:
    """`key`, if it is of an algorithm we accept. Raises KeyRefused."""
    match key:
        case Ed25519PublicKey():
            return key
        case ec.EllipticCurvePublicKey(curve=ec.SECP256R1()):
            return key
    raise KeyRefused("a public key of an algorithm the station does not use")


def algorithm_of(key: PublicKey) -> Algorithm:
    """What signatures of `key` are made with."""
    match key:
        case Ed25519PublicKey():
            return Algorithm.ED25519
        case ec.EllipticCurvePublicKey():
            return Algorithm.ECDSA_P256


def key_id(public_key: bytes) -> bytes:
    """SHA-256 of a SubjectPublicKeyInfo, 32 octets (RFC 7093, section 2, method 4)."""
    return sha256(public_key).digest()


def sign(key: PrivateKey, message: bytes) -> bytes:
    """The signature over `message`."""
    match key:
        case Ed25519PrivateKey():
            return key.sign(message)
        case ec.EllipticCurvePrivateKey():
            return key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))


def sign_digest(key: PrivateKey, digest: bytes) -> bytes:
    """The signature of a message by its SHA-256, as MCUboot makes it (imgtool, image signing).

    ECDSA signs the message that has this digest, Ed25519 the 32 octets of the digest themselves.
    """
    match key:
        case Ed25519PrivateKey():
            return key.sign(_digest(digest))
        case ec.EllipticCurvePrivateKey():
            prehashed = Prehashed(hashes.SHA256())
            return key.sign(_digest(digest), ec.ECDSA(prehashed, deterministic_signing=True))


def verifies(key: PublicKey, signature: bytes, message: bytes) -> bool:
    """Whether `signature` over `message` was made by `key`; an ECDSA one only in strict DER.

    (OpenSSL compares a signature with its own encoding of it, and refuses another.)
    """
    return _verifies(key, signature, message, hashes.SHA256())


def verifies_digest(key: PublicKey, signature: bytes, digest: bytes) -> bool:
    """Whether `signature` is what `sign_digest` makes with `key`, as strictly as `verifies`."""
    return _verifies(key, signature, _digest(digest), Prehashed(hashes.SHA256()))


def _verifies(
    key: PublicKey, signature: bytes, message: bytes, hashed: hashes.SHA256 | Prehashed
) -> bool:
    try:
        match key:
            case Ed25519PublicKey():
                key.verify(signature, message)
            case ec.EllipticCurvePublicKey():
                key.verify(signature, message, ec.ECDSA(hashed))
    except (InvalidSignature, ValueError):
        return False
    return True


def _digest(digest: bytes) -> bytes:
    if len(digest) != sha256().digest_size:
        raise ValueError("a digest has 32 octets")
    return digest

"""HPKE in base mode by the letter of RFC 9180, from X25519 and HMAC: a peer for our seals.

DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM or AES-256-GCM; one message. It shares nothing
with the library's own HPKE but X25519 and AES.
"""

import hmac
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEM = (0x0020).to_bytes(2, "big")
KDF = (0x0001).to_bytes(2, "big")
AEADS = {16: (0x0001).to_bytes(2, "big"), 32: (0x0002).to_bytes(2, "big")}


def _extract(suite: bytes, salt: bytes, label: bytes, ikm: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + ikm, "sha256")


def _expand(suite: bytes, prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
    labelled = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    block, out = b"", b""
    for number in range(1, -(-length // sha256().digest_size) + 1):
        block = hmac.digest(prk, block + labelled + bytes([number]), "sha256")
        out += block
    return out[:length]


def schedule(
    private: bytes, peer: bytes, encapsulated: bytes, recipient: bytes, info: bytes, key_bytes: int
) -> tuple[bytes, bytes]:
    """Key and nonce of the first message. private, peer: whose Diffie-Hellman it is, either end."""
    agreed = X25519PrivateKey.from_private_bytes(private).exchange(
        X25519PublicKey.from_public_bytes(peer)
    )
    kem = b"KEM" + KEM
    secret = _expand(
        kem,
        _extract(kem, b"", b"eae_prk", agreed),
        b"shared_secret",
        encapsulated + recipient,
        32,
    )
    suite = b"HPKE" + KEM + KDF + AEADS[key_bytes]
    context = (
        b"\x00"
        + _extract(suite, b"", b"psk_id_hash", b"")
        + _extract(suite, b"", b"info_hash", info)
    )
    prk = _extract(suite, secret, b"secret", b"")
    return (
        _expand(suite, prk, b"key", context, key_bytes),
        _expand(suite, prk, b"base_nonce", context, 12),
    )


def seal(content: bytes, recipient: bytes, info: bytes, *, ephemeral: bytes) -> bytes:
    """Encapsulated key, then ciphertext (AES-256-GCM, no associated data)."""
    public = X25519PrivateKey.from_private_bytes(ephemeral).public_key().public_bytes_raw()
    key, nonce = schedule(ephemeral, recipient, public, recipient, info, 32)
    return public + AESGCM(key).encrypt(nonce, content, b"")


def open_sealed(sealed: bytes, private: bytes, info: bytes) -> bytes:
    """What `seal` sealed."""
    recipient = X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
    key, nonce = schedule(private, sealed[:32], sealed[:32], recipient, info, 32)
    return AESGCM(key).decrypt(nonce, sealed[32:], b"")

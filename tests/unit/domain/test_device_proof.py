"""The arithmetic of proofs, against published vectors and values that OpenSSL made."""

from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from station.domain.device_proof import derived_key, entry_proof, own_key_proof, shared_key_proof
from station.domain.entries import Kind
from station.domain.identity import DockId

DOCK: Final = DockId(bytes(range(32)))
NONCE: Final = b"\xa5" * 32
SHARED: Final = bytes(range(100, 132))
SALT: Final = bytes(range(160, 192))

BOB: Final = bytes.fromhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
ALICE_PUBLIC: Final = bytes.fromhex(
    "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
)
BOB_PUBLIC: Final = bytes.fromhex(
    "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
)
AGREED: Final = bytes.fromhex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
"""RFC 7748, section 6.1: Alice asks, Bob is the dock."""


def test_the_agreement_is_that_of_rfc_7748() -> None:
    bob = X25519PrivateKey.from_private_bytes(BOB)

    assert bob.public_key().public_bytes_raw() == BOB_PUBLIC
    assert bob.exchange(X25519PublicKey.from_public_bytes(ALICE_PUBLIC)) == AGREED


def test_the_derived_key_is_the_first_block_of_rfc_5869_test_case_3() -> None:
    expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"

    assert derived_key(b"\x0b" * 22, b"") == bytes.fromhex(expected)


def test_proofs_are_those_that_openssl_makes() -> None:
    """`openssl dgst -sha256 -mac HMAC`, and `openssl kdf HKDF` for the key of the second one."""
    own = own_key_proof(AGREED, asker=ALICE_PUBLIC, own=BOB_PUBLIC, dock_id=DOCK, nonce=NONCE)

    assert shared_key_proof(SHARED, DOCK, NONCE).hex() == (
        "585dd1ad5ffb9c5918de5e4e591218c1f4c7f24685c0edfb2ad1c6e7c25b2c67"
    )
    assert own.hex() == "6c8806942e7c593b27085df978cfacc933d2c79b8cfb556e0e3f53da783e1757"
    assert entry_proof(SALT, Kind.KV, "token", b"k7-93-ax", NONCE).hex() == (
        "6fa8e5c5198ab220dc3d963b219e9f907a250f25ba5d1fe8108309ea067423be"
    )


def test_every_part_counts() -> None:
    other, turned = DockId(bytes(32)), bytes(reversed(range(32)))

    def own(**changes: object) -> bytes:
        given: dict[str, object] = {
            "asker": ALICE_PUBLIC,
            "own": BOB_PUBLIC,
            "dock_id": DOCK,
            "nonce": NONCE,
        }
        return own_key_proof(AGREED, **(given | changes))  # type: ignore[arg-type]

    made = [
        shared_key_proof(SHARED, DOCK, NONCE),
        shared_key_proof(turned, DOCK, NONCE),
        shared_key_proof(SHARED, other, NONCE),
        shared_key_proof(SHARED, DOCK, turned),
        own(),
        own(asker=BOB_PUBLIC),
        own(own=ALICE_PUBLIC),
        own(dock_id=other),
        own(nonce=turned),
        own_key_proof(turned, asker=ALICE_PUBLIC, own=BOB_PUBLIC, dock_id=DOCK, nonce=NONCE),
        shared_key_proof(AGREED, DOCK, NONCE),
    ]

    assert len(set(made)) == len(made)


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_contents_are_told_apart_whatever_their_length(one: bytes, other: bytes) -> None:
    """HMAC by itself takes a short key and the same key with zeros behind it for one."""
    proofs = {entry_proof(SALT, Kind.KV, "token", data, NONCE) for data in (one, other)}

    assert len(proofs) == len({one, other})


@pytest.mark.parametrize(
    ("kind", "name"), [(Kind.IMG, "token"), (Kind.KV, "tokens"), (Kind.KV, "toke")]
)
def test_a_proof_is_of_one_entry(kind: Kind, name: str) -> None:
    proof = entry_proof(SALT, Kind.KV, "token", b"x", NONCE)

    assert entry_proof(SALT, kind, name, b"x", NONCE) != proof
    assert entry_proof(bytes(32), Kind.KV, "token", b"x", NONCE) != proof
    assert entry_proof(SALT, Kind.KV, "token", b"x", bytes(32)) != proof

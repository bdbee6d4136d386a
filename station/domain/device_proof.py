"""How a dock proves that it knows a key without telling it: the arithmetic, the same at both ends.

Every proof is an HMAC-SHA256 over a text of its own, the dock's id and a nonce of the asker, so
that no proof can be taken for another kind, another dock or an earlier question. Where keys are
kept, and whose certificate counts, is not decided here.
Source: docs/SPEC.md, "Proof of a device key".
"""

import hmac
from typing import Final

from station.domain.entries import Kind
from station.domain.identity import DockId

NONCE_BYTES: Final = 32
PROOF_BYTES: Final = 32

SHARED_KEY_BYTES: Final = 32
"""Of a key that fixture and docks share: nobody guesses it from the proofs he sees."""

AGREEMENT_BYTES: Final = 32
"""A public key of X25519, and what two keys agree on (RFC 7748)."""

_SHARED: Final = b"dock-provisioning/1 shared key\0"
_OWN: Final = b"dock-provisioning/1 own key\0"
_ENTRY: Final = b"dock-provisioning/1 entry\0"


def shared_key_proof(key: bytes | memoryview, dock_id: DockId, nonce: bytes) -> bytes:
    """Level D1: `key` is known. It proves no more than that: other docks know it, too."""
    return hmac.digest(bytes(key), _SHARED + dock_id.octets + nonce, "sha256")


def own_key_proof(
    agreed: bytes, *, asker: bytes, own: bytes, dock_id: DockId, nonce: bytes
) -> bytes:
    """Level D2: the private key behind `own` is known.

    agreed: what X25519 gives for both keys. asker: public key made for this one question. own: the
    dock's, as its certificate has it. Each has 32 octets.
    """
    key = derived_key(agreed, _OWN + asker + own)
    return hmac.digest(key, _OWN + dock_id.octets + nonce, "sha256")


def entry_proof(
    salt: bytes, kind: Kind, name: str, content: bytes | memoryview, nonce: bytes
) -> bytes:
    """That a dock's datastore gives this content for an entry.

    salt: of the dock's UPD volume. It never travels in clear, so that whoever listens cannot test
    guesses of a weak content.
    """
    named = kind.value.encode("ascii") + b"\0" + name.encode("utf-8") + b"\0"
    # Keyed once more, so that contents of any length are told apart by a fixed one.
    fingerprint = hmac.digest(salt, content, "sha256")
    return hmac.digest(salt, _ENTRY + named + nonce + fingerprint, "sha256")


def derived_key(secret: bytes, info: bytes) -> bytes:
    """HKDF-SHA256 without a salt, 32 octets: one block of it (RFC 5869)."""
    extracted = hmac.digest(bytes(32), secret, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")

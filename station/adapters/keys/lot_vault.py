"""Unique-per-dock values at rest, and the fingerprint that outlives them.

Every record has a key of its own, wrapped by the key of its lot, wrapped by a key made of the lot
encryption key: destroying a wrapped key destroys what it covers, which deleting a row does not.
Layout: docs/spec/evidence.md, "Lot records". Stores nothing itself.
"""

import hmac
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from station.application.ports import RecordName, SealedRecord
from station.domain import canonical_json
from station.domain.errors import KeyRefused
from station.domain.secret import Secret

FORMAT_VERSION: Final = 1
KEY_BYTES: Final = 32
WRAPPED_BYTES: Final = KEY_BYTES + 8
"""A wrapped key (AES key wrap, RFC 3394)."""

NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16

_WRAPPING: Final = b"dock-provisioning/1 lot wrapping"
_FINGERPRINT: Final = b"dock-provisioning/1 lot fingerprint"


class ValueDestroyed(KeyRefused):
    """The key of the record or of its lot was destroyed: only the fingerprint is left."""

    remedy = "Nothing is wrong: values are destroyed once their dock has passed, or is scrapped."


class LotVault:
    """`application.ports.Vault` under one lot encryption key; safe to use from any thread.

    encryption_key: 32 octets, from a sealed file of purpose ``lot``; it may be wiped afterwards.
    Raises KeyRefused for another length.
    """

    def __init__(self, encryption_key: Secret) -> None:
        if encryption_key.size_bytes != KEY_BYTES:
            raise KeyRefused("a lot encryption key has 32 octets")
        self._wrapping = _derived(encryption_key, _WRAPPING)
        self._fingerprint = _derived(encryption_key, _FINGERPRINT)
        self._locked = False

    def new_lot_key(self, product: str, lot: str) -> bytes:
        """A new key for one lot, wrapped: 40 octets that open for this product and lot only.

        Raises KeyRefused once locked.
        """
        with self._wrapping_of(product, lot) as wrapping:
            return aes_key_wrap(wrapping, os.urandom(KEY_BYTES))

    def seal(self, lot_key: bytes, name: RecordName, content: bytes) -> SealedRecord:
        """`content` under a new key. lot_key: from `new_lot_key`, wrapped.

        Raises ValueDestroyed where the lot's key is gone, KeyRefused where it is another's.
        """
        with self._unwrapped(lot_key, name) as wrapping:
            key, nonce = os.urandom(KEY_BYTES), os.urandom(NONCE_BYTES)
            return SealedRecord(
                aes_key_wrap(wrapping, key),
                nonce + AESGCMSIV(key).encrypt(nonce, content, _bound(name)),
            )

    def open(self, lot_key: bytes, name: RecordName, sealed: SealedRecord) -> Secret:
        """The content of a record.

        Raises ValueDestroyed where its key or its lot's is gone, KeyRefused where the record was
        altered or belongs elsewhere.
        """
        if not sealed.wrapped_key:
            raise ValueDestroyed(f"the values of record {name.record_id} were destroyed")
        nonce, data = sealed.ciphertext[:NONCE_BYTES], sealed.ciphertext[NONCE_BYTES:]
        if len(data) < TAG_BYTES:
            raise _altered(name)
        opened = bytearray(len(data) - TAG_BYTES)
        with self._unwrapped(lot_key, name) as wrapping:
            try:
                key = aes_key_unwrap(wrapping, sealed.wrapped_key)
                AESGCMSIV(key).decrypt_into(nonce, data, _bound(name), opened)
            except (InvalidTag, InvalidUnwrap, ValueError) as error:
                raise _altered(name) from error
        return Secret.taking(opened)

    def fingerprint(self, content: bytes) -> bytes:
        """HMAC-SHA256 of the content, 32 octets: equal contents give equal fingerprints.

        Without the lot encryption key it confirms no guess, however weak the value is. Raises
        KeyRefused once locked.
        """
        self._demand_unlocked()
        with self._fingerprint.reveal() as key:
            return hmac.digest(bytes(key), content, "sha256")

    def lock(self) -> None:
        """Forget the keys: everything is refused afterwards."""
        self._locked = True
        self._wrapping.wipe()
        self._fingerprint.wipe()

    def _demand_unlocked(self) -> None:
        if self._locked:
            raise KeyRefused(
                "the lot encryption key is locked", remedy="Unlock the lot encryption key."
            )

    @contextmanager
    def _wrapping_of(self, product: str, lot: str) -> Iterator[bytes]:
        """The key that wraps the key of this lot and of no other."""
        self._demand_unlocked()
        info = canonical_json.encode({"format": FORMAT_VERSION, "lot": lot, "product": product})
        with self._wrapping.reveal() as root:
            yield HKDFExpand(hashes.SHA256(), KEY_BYTES, info).derive(root)

    @contextmanager
    def _unwrapped(self, lot_key: bytes, name: RecordName) -> Iterator[bytes]:
        if not lot_key:
            raise ValueDestroyed(f"the values of lot {name.lot} were destroyed")
        with self._wrapping_of(name.product, name.lot) as wrapping:
            try:
                key = aes_key_unwrap(wrapping, lot_key)
            except (InvalidUnwrap, ValueError) as error:
                raise KeyRefused(
                    f"the lot encryption key does not open lot {name.lot}",
                    remedy="Unlock the lot encryption key this lot was imported under.",
                ) from error
            yield key


def _bound(name: RecordName) -> bytes:
    """What a ciphertext is bound to."""
    return canonical_json.encode(
        {
            "format": FORMAT_VERSION,
            "lot": name.lot,
            "product": name.product,
            "record": name.record_id,
        }
    )


def _altered(name: RecordName) -> KeyRefused:
    return KeyRefused(
        f"record {name.record_id} was altered, or belongs elsewhere",
        remedy="Call line IT: the ledger file was changed from outside.",
    )


def _derived(encryption_key: Secret, info: bytes) -> Secret:
    key = bytearray(KEY_BYTES)
    with encryption_key.reveal() as octets:
        HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=info).derive_into(octets, key)
    return Secret.taking(key)

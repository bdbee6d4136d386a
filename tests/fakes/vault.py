"""A vault without key custody: it keeps the port's promises with hashes alone."""

import hmac
from hashlib import sha256, shake_256
from typing import Final

from station.application.ports import RecordName, SealedRecord
from station.domain.errors import KeyRefused
from station.domain.secret import Secret

_TAG_BYTES: Final = 32


class FakeVault:
    """`application.ports.Vault`. locked: set it to have everything refused."""

    def __init__(self, key: bytes = b"a vault of the tests") -> None:
        self._key = key
        self._made = 0
        self.locked = False

    def new_lot_key(self, product: str, lot: str) -> bytes:
        """A key bound to product and lot."""
        self._demand_unlocked()
        return self._wrap(self._fresh(), f"{product}/{lot}".encode())

    def seal(self, lot_key: bytes, name: RecordName, content: bytes) -> SealedRecord:
        """Ciphertext under a key of its own, bound to the name."""
        record_key = self._fresh()
        wrapped = self._wrap(record_key, self._lot(lot_key, name) + name.record_id.encode())
        return SealedRecord(wrapped, _sealed(record_key, repr(name).encode(), content))

    def open(self, lot_key: bytes, name: RecordName, sealed: SealedRecord) -> Secret:
        """The content, for the right name only."""
        if not sealed.wrapped_key:
            raise KeyRefused("the record's key was destroyed")
        context = self._lot(lot_key, name) + name.record_id.encode()
        record_key = self._unwrap(sealed.wrapped_key, context)
        return Secret(_opened(record_key, repr(name).encode(), sealed.ciphertext))

    def fingerprint(self, content: bytes) -> bytes:
        """HMAC-SHA256 of the content."""
        self._demand_unlocked()
        return hmac.digest(self._key, content, "sha256")

    def _lot(self, lot_key: bytes, name: RecordName) -> bytes:
        return self._unwrap(lot_key, f"{name.product}/{name.lot}".encode())

    def _fresh(self) -> bytes:
        self._made += 1
        return hmac.digest(self._key, b"fresh %d" % self._made, "sha256")

    def _wrap(self, key: bytes, context: bytes) -> bytes:
        self._demand_unlocked()
        return _sealed(self._key, context, key)

    def _unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        self._demand_unlocked()
        return _opened(self._key, context, wrapped)

    def _demand_unlocked(self) -> None:
        if self.locked:
            raise KeyRefused("the lot key is locked")


def _sealed(key: bytes, context: bytes, content: bytes) -> bytes:
    stream = shake_256(key + sha256(context).digest()).digest(len(content))
    hidden = bytes(one ^ other for one, other in zip(content, stream, strict=True))
    return hmac.digest(key, context + hidden, "sha256") + hidden


def _opened(key: bytes, context: bytes, sealed: bytes) -> bytes:
    tag, hidden = sealed[:_TAG_BYTES], sealed[_TAG_BYTES:]
    if not hmac.compare_digest(tag, hmac.digest(key, context + hidden, "sha256")):
        raise KeyRefused("the ciphertext does not belong to its name")
    stream = shake_256(key + sha256(context).digest()).digest(len(hidden))
    return bytes(one ^ other for one, other in zip(hidden, stream, strict=True))

"""Unique data sealed to one dock: HPKE around a fresh key, that key around the volume.

The key lives as long as its run: what was read back is opened with it, and nobody but the dock can
open it afterwards. Layout: docs/SPEC.md, "Sealed UPD volume".
"""

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from station.datastore.sealed_upd import CONTENT_KEY_BYTES, NONCE, Binding, SealedUpd
from station.domain.errors import ImageRefused, Reason
from station.domain.secret import Secret

SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
"""Base mode of RFC 9180; what it gives is the encapsulated key and then the ciphertext."""


class DockSeal:
    """`application.ports.UpdSeal` for the dock with this key. Holds one content key at a time."""

    def __init__(self, dock_key: X25519PublicKey) -> None:
        self._dock_key = dock_key
        self._content_key: Secret | None = None
        self._sealed_key = b""

    def seal(self, volume: bytes, binding: Binding) -> SealedUpd:
        """`volume` under a new key: each key seals one message, so its nonce may be fixed."""
        self.forget()
        key = bytearray(os.urandom(CONTENT_KEY_BYTES))
        content = AESGCM(key).encrypt(NONCE, volume, binding.content_data)
        self._sealed_key = SUITE.encrypt(bytes(key), self._dock_key, info=binding.key_info)
        self._content_key = Secret.taking(key)
        return SealedUpd(self._sealed_key, content)

    def open(self, sealed: SealedUpd, binding: Binding) -> bytes:
        """What `seal` sealed last. Raises ImageRefused for anything else."""
        if self._content_key is None or bytes(sealed.key) != self._sealed_key:
            raise ImageRefused(
                "the unique data is sealed with another key than this run's", reason=Reason.SEALED
            )
        with self._content_key.reveal() as key:
            try:
                return AESGCM(key).decrypt(NONCE, bytes(sealed.content), binding.content_data)
            except InvalidTag as error:
                raise ImageRefused(
                    "the sealed unique data was altered, or belongs elsewhere",
                    reason=Reason.SEALED,
                ) from error

    def forget(self) -> None:
        """Forget the content key; only the dock opens what was sealed."""
        if self._content_key is not None:
            self._content_key.wipe()
            self._content_key = None

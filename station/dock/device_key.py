"""The key a dock is made with: shared with its fixture, or its own with a certificate.

It lies in the second half of the factory sector, which no command of the wire reaches. What a dock
answers with it is here; whether somebody believes the answer is not its affair.
Source: docs/SPEC.md, "Device key".
"""

import struct
import zlib
from dataclasses import dataclass, field
from typing import ClassVar, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from station.datastore.sealed_upd import NONCE, Binding, SealedUpd
from station.dock.slots import Refused
from station.domain.device_proof import (
    AGREEMENT_BYTES,
    SHARED_KEY_BYTES,
    own_key_proof,
    shared_key_proof,
)
from station.domain.errors import ImageRefused, OperatorError, Reason
from station.domain.identity import DockId
from station.domain.profile import Assurance, Profile
from station.protocol import datastore_group as wire
from station.protocol.datastore_group import DatastoreCode

_HEAD: Final = struct.Struct("<4sII")
"""Magic, length of the content, its CRC-32."""

_MAGIC: Final = b"DKY1"
_SHARED: Final = b"\x01"
_OWN: Final = b"\x02"

_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class WrongDeviceKey(OperatorError):
    """The key a dock is to be made with does not fit its assurance level, or it has none."""

    code = "E-DOCK-10"
    remedy = "Give the device key that the assurance level of the profile asks for."


@dataclass(frozen=True, slots=True)
class SharedKey:
    """32 octets that every dock of a product has, and its fixture."""

    LEVEL: ClassVar[Assurance] = Assurance.D1

    octets: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.octets) != SHARED_KEY_BYTES:
            raise WrongDeviceKey(f"a shared key has {SHARED_KEY_BYTES} octets")

    def prove(self, request: wire.Prove, dock_id: DockId) -> wire.ProveAnswer:
        """That this key is known."""
        return wire.ProveAnswer(shared_key_proof(self.octets, dock_id, request.nonce))


@dataclass(frozen=True, slots=True)
class OwnKey:
    """private: of X25519, 32 octets. certificate: DER, shown to whoever asks."""

    LEVEL: ClassVar[Assurance] = Assurance.D2

    private: bytes = field(repr=False)
    certificate: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.private) != AGREEMENT_BYTES:
            raise WrongDeviceKey(f"a private key has {AGREEMENT_BYTES} octets")

    def prove(self, request: wire.Prove, dock_id: DockId) -> wire.ProveAnswer:
        """That this key is known, to the holder of the one in the request. Raises Refused."""
        if request.key is None:
            raise Refused(DatastoreCode.UNSUPPORTED, "it proves its own key only, to another key")
        private = self._private
        try:
            agreed = private.exchange(X25519PublicKey.from_public_bytes(request.key))
        except ValueError as error:
            raise Refused(DatastoreCode.UNKNOWN, "that key agrees with nobody") from error
        proof = own_key_proof(
            agreed,
            asker=request.key,
            own=private.public_key().public_bytes_raw(),
            dock_id=dock_id,
            nonce=request.nonce,
        )
        return wire.ProveAnswer(proof, self.certificate)

    def unseal(self, sealed: SealedUpd, binding: Binding) -> bytes:
        """`datastore.sealed_upd.Unseal` with this key."""
        try:
            key = _SUITE.decrypt(sealed.key, self._private, info=binding.key_info)
            return AESGCM(key).decrypt(NONCE, bytes(sealed.content), binding.content_data)
        except (InvalidTag, ValueError) as error:
            raise ImageRefused(
                "the unique data is sealed to another dock, or was altered", reason=Reason.SEALED
            ) from error

    @property
    def _private(self) -> X25519PrivateKey:
        return X25519PrivateKey.from_private_bytes(self.private)


DeviceKey = SharedKey | OwnKey


def demand_level(profile: Profile, key: DeviceKey | None) -> None:
    """Raise WrongDeviceKey unless a dock of this model has this key: what it says it can prove,
    it can."""
    level = Assurance.D0 if key is None else key.LEVEL
    if level is not profile.assurance:
        raise WrongDeviceKey(
            f"a dock of {profile.name} has assurance {profile.assurance}; this key gives {level}"
        )


def encode(key: DeviceKey) -> bytes:
    """The record of the key, magic and CRC included."""
    if isinstance(key, SharedKey):
        content = _SHARED + key.octets
    else:
        content = _OWN + key.private + key.certificate
    return _HEAD.pack(_MAGIC, len(content), zlib.crc32(content)) + content


def decode(cells: bytes) -> DeviceKey | None:
    """From the cells that begin with a record; None where there is none, or none whole."""
    magic, size_bytes, crc = _HEAD.unpack_from(cells)
    content = cells[_HEAD.size :][:size_bytes]
    if magic != _MAGIC or len(content) != size_bytes or zlib.crc32(content) != crc:
        return None
    kind, rest = content[:1], content[1:]
    if kind == _SHARED:
        return SharedKey(rest)
    return OwnKey(rest[:AGREEMENT_BYTES], rest[AGREEMENT_BYTES:]) if kind == _OWN else None

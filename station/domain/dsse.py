"""DSSE envelopes (secure-systems-lab/dsse, protocol v1.0.2), one spelling only.

An envelope is canonical JSON: ``payload`` and ``sig`` in padded standard base64, key ids as hex.
A key id is a hint and never an identity: who signed is decided by the certificate.
"""

from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Self

from station.domain import canonical_json
from station.domain.errors import DocumentRefused

_REMEDY = "The document is damaged or not an envelope of the station; get it again."


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """The bytes that are signed: ``DSSEv1`` with both lengths (DSSE protocol, "PAE")."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


@dataclass(frozen=True, slots=True)
class Signature:
    """key_id: SHA-256 of the SubjectPublicKeyInfo, 32 octets. signature: raw octets."""

    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload with its type and at least one signature over both."""

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]

    @property
    def signed_bytes(self) -> bytes:
        """What every signature covers."""
        return pre_authentication_encoding(self.payload_type, self.payload)

    def encode(self) -> bytes:
        """Canonical JSON of the envelope."""
        return canonical_json.encode(
            {
                "payload": b64encode(self.payload).decode("ascii"),
                "payloadType": self.payload_type,
                "signatures": [
                    {"keyid": one.key_id.hex(), "sig": b64encode(one.signature).decode("ascii")}
                    for one in self.signatures
                ],
            }
        )

    @classmethod
    def decode(cls, data: bytes | memoryview) -> Self:
        """From canonical bytes. Raises DocumentRefused for anything else."""
        match canonical_json.decode(data):
            case {
                "payload": str(payload),
                "payloadType": str(payload_type),
                "signatures": list(signatures),
                **extra,
            } if not extra and signatures:
                envelope = cls(
                    payload_type, _octets(payload), tuple(_signature(one) for one in signatures)
                )
            case _:
                raise DocumentRefused("not a DSSE envelope", remedy=_REMEDY)
        if envelope.encode() != bytes(data):
            raise DocumentRefused("an envelope in another spelling", remedy=_REMEDY)
        return envelope


def _signature(value: canonical_json.JsonValue) -> Signature:
    match value:
        case {"keyid": str(key_id), "sig": str(signature), **extra} if not extra:
            try:
                return Signature(bytes.fromhex(key_id), _octets(signature))
            except ValueError as error:
                raise DocumentRefused("a key id that is not hexadecimal", remedy=_REMEDY) from error
    raise DocumentRefused("not a DSSE signature", remedy=_REMEDY)


def _octets(text: str) -> bytes:
    try:
        return b64decode(text.encode("ascii"), validate=True)
    except ValueError as error:
        raise DocumentRefused("not base64", remedy=_REMEDY) from error

"""The envelope of an image: header, payload and two areas of TLVs in the MCUboot image format.

Takes an image apart and puts its parts together, byte for byte; whose signature counts and which
dock it is for, `acceptance` decides. Every field has one spelling: an image with an unknown TLV,
one twice, one missing or in another place, or with a byte behind its end, is refused.
Source: docs/SPEC.md, "Image"; MCUboot, docs/design.md, "Image format", as `imgtool` 2.5 has it.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, Self

from station.datastore.sealed_upd import SEALED_KEY_BYTES
from station.datastore.segments import Segments
from station.domain.errors import ImageRefused, OverBudget
from station.domain.identity import DockId
from station.domain.limits import BLOCK_BYTES, HEADER_BYTES
from station.domain.release import Version
from station.domain.trust import Algorithm

MAGIC: Final = 0x96F3B83D
PROTECTED_MAGIC: Final = 0x6908
SEAL_MAGIC: Final = 0x6907

PADDING: Final = b"\xff"
"""Fills the header and the last block of the common volume: what erased flash holds."""

DIGEST_BYTES: Final = 32

AREA_MAX_BYTES: Final = 0xFFFF
"""An area's length, head included, has 16 bits (MCUboot, struct image_tlv_info)."""

_HEADER: Final = struct.Struct("<IIHHIIBBHII")
_PAIR: Final = struct.Struct("<HH")
_COUNTER: Final = struct.Struct("<I")


class Tag(IntEnum):
    """Types of TLVs: MCUboot's own below 0x00A0, ours from there."""

    KEY_HASH = 0x01
    SHA256 = 0x10
    ECDSA = 0x22
    ED25519 = 0x24
    SECURITY_COUNTER = 0x50
    DOCK_ID = 0xA0
    PRODUCT = 0xA1
    BLOCK_DIGESTS = 0xA2
    RELEASE_STATEMENT = 0xA3
    RELEASE_CERTIFICATE = 0xA4
    STATION_CERTIFICATE = 0xA5
    SEALED_KEY = 0xA8
    """Makes the UPD volume a sealed one (docs/SPEC.md, "Sealed UPD volume")."""


FURTHER_SIGNATURES: Final = range(0xB0, 0xC0)
"""Types kept for further signatures, in the unprotected area only; skipped where not demanded."""

PROTECTED_TAGS: Final = (
    Tag.SECURITY_COUNTER,
    Tag.DOCK_ID,
    Tag.PRODUCT,
    Tag.BLOCK_DIGESTS,
    Tag.RELEASE_STATEMENT,
    Tag.RELEASE_CERTIFICATE,
    Tag.STATION_CERTIFICATE,
)
"""All of the protected area, in this order; SEALED_KEY follows where the UPD volume is sealed."""

_SIGNATURES: Final = {Algorithm.ED25519: Tag.ED25519, Algorithm.ECDSA_P256: Tag.ECDSA}
_ALGORITHMS: Final = {tag: algorithm for algorithm, tag in _SIGNATURES.items()}


def padded_bytes(common_bytes: int) -> int:
    """Length of the common volume with its padding: where in the payload the UPD volume starts."""
    return -(-common_bytes // BLOCK_BYTES) * BLOCK_BYTES


@dataclass(frozen=True, slots=True)
class Header:
    """The first 4096 bytes. version: without pre-release text.

    payload_bytes: common volume, padding and UPD volume. protected_bytes: of that area, head
    included.
    """

    version: Version
    payload_bytes: int
    protected_bytes: int

    def encode(self) -> bytes:
        """struct image_header, padded; load address, flags, build number and last word are 0."""
        packed = _HEADER.pack(
            MAGIC,
            0,
            HEADER_BYTES,
            self.protected_bytes,
            self.payload_bytes,
            0,
            self.version.major,
            self.version.minor,
            self.version.patch,
            0,
            0,
        )
        return packed.ljust(HEADER_BYTES, PADDING)

    @classmethod
    def decode(cls, image: memoryview) -> Self:
        """From the start of an image. Raises ImageRefused for any other spelling."""
        if len(image) < HEADER_BYTES:
            raise ImageRefused("shorter than an image header")
        magic, _, _, protected, payload, _, major, minor, patch, _, _ = _HEADER.unpack_from(image)
        if magic != MAGIC:
            raise ImageRefused("no image begins here")
        header = cls(Version(major, minor, patch), payload, protected)
        if header.encode() != bytes(image[:HEADER_BYTES]):
            raise ImageRefused("an image header with unknown fields or other padding")
        return header


@dataclass(frozen=True, slots=True)
class Protected:
    """The protected area: what the station's signature covers beside header and payload.

    block_digests: SHA-256 of each 64 KiB of the payload, 32 octets. Envelope: DSSE. Certificates:
    DER. sealed_key: of the UPD volume, sealed to its dock; empty where the volume is in clear.
    """

    security_counter: int
    dock_id: DockId
    product: str
    block_digests: tuple[bytes, ...] = field(repr=False)
    release_envelope: bytes = field(repr=False)
    release_certificate: bytes = field(repr=False)
    station_certificate: bytes = field(repr=False)
    sealed_key: bytes = field(default=b"", repr=False)

    def encode(self) -> bytes:
        """Raises OverBudget where the area would pass 64 KiB."""
        values = (
            _COUNTER.pack(self.security_counter),
            self.dock_id.octets,
            self.product.encode("utf-8"),
            b"".join(self.block_digests),
            self.release_envelope,
            self.release_certificate,
            self.station_certificate,
        )
        items = [*zip(PROTECTED_TAGS, values, strict=True)]
        if self.sealed_key:
            items.append((Tag.SEALED_KEY, self.sealed_key))
        return encode_area(PROTECTED_MAGIC, items)

    @classmethod
    def decode(cls, area: memoryview) -> Self:
        """From exactly the area. Raises ImageRefused."""
        items = decode_area(PROTECTED_MAGIC, area)
        sealed_key = b""
        if items and items[-1][0] == Tag.SEALED_KEY:
            sealed_key = bytes(items.pop()[1])
            if len(sealed_key) != SEALED_KEY_BYTES:
                raise ImageRefused("the sealed key of the unique data has the wrong length")
        if tuple(tag for tag, _ in items) != PROTECTED_TAGS:
            raise ImageRefused("the protected area has other TLVs than an image has")
        counter, dock_id, product, digests, envelope, release, station = (
            bytes(value) for _, value in items
        )
        if len(counter) != _COUNTER.size or len(digests) % DIGEST_BYTES:
            raise ImageRefused("a protected TLV has the wrong length")
        try:
            return cls(
                _COUNTER.unpack(counter)[0],
                DockId(dock_id),
                product.decode("utf-8"),
                tuple(
                    digests[at : at + DIGEST_BYTES] for at in range(0, len(digests), DIGEST_BYTES)
                ),
                envelope,
                release,
                station,
                sealed_key,
            )
        except ValueError as error:
            raise ImageRefused("a dock id or product that cannot be one") from error


@dataclass(frozen=True, slots=True)
class Seal:
    """The unprotected area. sha256: of everything before it. key_id: SHA-256 of the station's
    SubjectPublicKeyInfo. signature: over the digest, as `Signer.sign_digest` makes it."""

    sha256: bytes
    key_id: bytes
    algorithm: Algorithm
    signature: bytes

    def encode(self) -> bytes:
        """Digest, key and signature, in the order `imgtool` has."""
        return encode_area(
            SEAL_MAGIC,
            (
                (Tag.SHA256, self.sha256),
                (Tag.KEY_HASH, self.key_id),
                (_SIGNATURES[self.algorithm], self.signature),
            ),
        )

    @classmethod
    def decode(cls, area: memoryview) -> Self:
        """From exactly the area; further signatures, each once and in order, are skipped.

        Raises ImageRefused.
        """
        items = decode_area(SEAL_MAGIC, area)
        first, further = items[:3], [tag for tag, _ in items[3:]]
        if further != sorted(set(further).intersection(FURTHER_SIGNATURES)):
            raise ImageRefused("the area of signatures has a TLV that does not belong there")
        match first:
            case [(Tag.SHA256, sha256), (Tag.KEY_HASH, key_id), (tag, signature)] if (
                tag in _ALGORITHMS and len(sha256) == len(key_id) == DIGEST_BYTES
            ):
                return cls(bytes(sha256), bytes(key_id), _ALGORITHMS[Tag(tag)], bytes(signature))
        raise ImageRefused("the area of signatures has other TLVs than an image has")


@dataclass(frozen=True, slots=True)
class RomImage:
    """An image taken apart; views of its buffers. signed: header, payload and protected area."""

    header: Header
    payload: Segments = field(repr=False)
    protected: Protected
    signed: Segments = field(repr=False)
    seal: Seal
    seal_area: memoryview = field(repr=False)

    @classmethod
    def parse(cls, image: memoryview | Segments) -> Self:
        """From buffers that hold the image and nothing else. Raises ImageRefused."""
        whole = Segments.of(image)
        header = Header.decode(whole.view(0, HEADER_BYTES))
        protected_at = HEADER_BYTES + header.payload_bytes
        seal_at = protected_at + header.protected_bytes
        protected = Protected.decode(whole.view(protected_at, seal_at))
        seal_area = whole.view(seal_at, whole.size_bytes)
        return cls(
            header=header,
            payload=whole.cut(HEADER_BYTES, protected_at),
            protected=protected,
            signed=whole.cut(0, seal_at),
            seal=Seal.decode(seal_area),
            seal_area=seal_area,
        )


def encode_area(magic: int, items: Sequence[tuple[int, bytes]]) -> bytes:
    """An area of TLVs: type and value of each. Raises OverBudget where it would pass 64 KiB."""
    total = _PAIR.size + sum(_PAIR.size + len(value) for _, value in items)
    if total > AREA_MAX_BYTES:
        raise OverBudget(
            f"{total:,} bytes of digests, certificates and release statement;"
            f" an image takes {AREA_MAX_BYTES:,}",
            remedy="Shorten the bundle's list of replaceable entries.",
        )
    tlvs = (_PAIR.pack(tag, len(value)) + value for tag, value in items)
    return _PAIR.pack(magic, total) + b"".join(tlvs)


def decode_area(magic: int, area: memoryview) -> list[tuple[int, memoryview]]:
    """Type and value of every TLV of an area that fills `area` exactly. Raises ImageRefused."""
    items: list[tuple[int, memoryview]] = []
    try:
        if _PAIR.unpack_from(area) != (magic, len(area)):
            raise ImageRefused("an area of TLVs does not begin where it should, or has another end")
        at = _PAIR.size
        while at < len(area):
            tag, length = _PAIR.unpack_from(area, at)
            at += _PAIR.size + length
            items.append((tag, area[at - length : at]))
    except struct.error as error:
        raise ImageRefused("an area of TLVs is cut short") from error
    if at != len(area):
        raise ImageRefused("a TLV leads outside its area")
    return items

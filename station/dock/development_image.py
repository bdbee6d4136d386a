"""The image a development dock makes of content that nobody signed, and takes from nobody else.

An image of the usual shape; in place of release, certificates and signature it has a keyed digest
that only this dock can make. `acceptance.accept` refuses it, and so does every commit.
Source: docs/SPEC.md, "Development image".
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest
from hmac import digest as keyed_digest
from typing import Final

from station.datastore.budget import weigh
from station.datastore.rom_image import (
    PADDING,
    PROTECTED_MAGIC,
    SEAL_MAGIC,
    Header,
    Tag,
    decode_area,
    encode_area,
    padded_bytes,
)
from station.datastore.volume import Volume, build_common_volume, build_upd_volume
from station.domain.entries import Entry
from station.domain.errors import DocumentRefused, ImageRefused, Reason
from station.domain.identity import DockId
from station.domain.limits import BLOCK_BYTES, HEADER_BYTES
from station.domain.release import Version

COMMON_BYTES: Final = 0xA6
"""Type of the TLV with the length of the common volume, which no release statement states."""

KEYED_DIGEST: Final = 0xA7
"""Type of the TLV with HMAC-SHA256, by the dock's development key, of the digest in 0010."""

_VERSION: Final = Version(0, 0, 0)
_WORD: Final = struct.Struct("<I")

_PROTECTED_TAGS: Final = (
    Tag.SECURITY_COUNTER,
    Tag.DOCK_ID,
    Tag.PRODUCT,
    Tag.BLOCK_DIGESTS,
    COMMON_BYTES,
)
_SEAL_TAGS: Final = (Tag.SHA256, KEYED_DIGEST)


@dataclass(frozen=True, slots=True)
class Sealing:
    """What makes an image this dock's own. key: its development key, 32 octets."""

    key: bytes = field(repr=False)
    dock_id: DockId
    product: str


@dataclass(frozen=True, slots=True)
class DevelopmentImage:
    """An image that passed; its volumes are views of the buffer it was read from."""

    security_counter: int
    common: Volume = field(repr=False)
    upd: Volume = field(repr=False)


@dataclass(frozen=True, slots=True)
class Volumes:
    """Content of an image to be: the common volume, and an UPD volume without entries."""

    common: bytes = field(repr=False)
    upd: bytes = field(repr=False)


def pack(entries: Sequence[Entry], *, salt: bytes, budget_bytes: int) -> Volumes:
    """The volumes that hold these entries, all of them common.

    salt: 32 random octets. Raises OverBudget, and DocumentRefused for entries that fit no volume.
    """
    try:
        volumes = Volumes(build_common_volume(entries), build_upd_volume((), salt=salt))
    except ValueError as error:
        raise DocumentRefused(f"the content of the ROM store: {error}") from error
    packed_bytes = len(volumes.common) + len(volumes.upd)
    weigh(entries, packed_bytes=packed_bytes, budget_bytes=budget_bytes)
    return volumes


def seal(volumes: Volumes, sealing: Sealing, *, counter: int) -> bytes:
    """The image. counter: the security counter the dock holds, which it leaves as it is."""
    payload = volumes.common.ljust(padded_bytes(len(volumes.common)), PADDING) + volumes.upd
    protected = encode_area(
        PROTECTED_MAGIC,
        tuple(
            zip(
                _PROTECTED_TAGS,
                (
                    _WORD.pack(counter),
                    sealing.dock_id.octets,
                    sealing.product.encode("utf-8"),
                    _block_digests(memoryview(payload)),
                    _WORD.pack(len(volumes.common)),
                ),
                strict=True,
            )
        ),
    )
    signed = Header(_VERSION, len(payload), len(protected)).encode() + payload + protected
    digest = sha256(signed).digest()
    keyed = keyed_digest(sealing.key, digest, "sha256")
    return signed + encode_area(SEAL_MAGIC, ((Tag.SHA256, digest), (KEYED_DIGEST, keyed)))


def is_development_image(image: memoryview) -> bool:
    """Whether it claims to be one; nothing of it is proved by that."""
    try:
        header = Header.decode(image)
        seal_at = HEADER_BYTES + header.payload_bytes + header.protected_bytes
        tags = tuple(tag for tag, _ in decode_area(SEAL_MAGIC, image[seal_at:]))
    except ImageRefused:
        return False
    return tags == _SEAL_TAGS


def accept(image: memoryview, sealing: Sealing, *, counter_floor: int) -> DevelopmentImage:
    """The image, if this dock made it and holds nothing newer.

    image: the image and nothing behind it. Raises ImageRefused.
    """
    header = Header.decode(image)
    protected_at = HEADER_BYTES + header.payload_bytes
    seal_at = protected_at + header.protected_bytes
    payload = image[HEADER_BYTES:protected_at]
    counter, dock_id, product, digests, common = _values(
        PROTECTED_MAGIC, image[protected_at:seal_at], _PROTECTED_TAGS
    )
    digest, keyed = _values(SEAL_MAGIC, image[seal_at:], _SEAL_TAGS)
    if sha256(image[:seal_at]).digest() != digest or digests != _block_digests(payload):
        raise ImageRefused("the image is damaged: its digest is wrong", reason=Reason.DIGEST)
    if not compare_digest(keyed_digest(sealing.key, digest, "sha256"), keyed):
        raise ImageRefused("not sealed by this dock", reason=Reason.SIGNATURE)
    if product != sealing.product.encode("utf-8"):
        raise ImageRefused("an image for another product", reason=Reason.PRODUCT)
    if dock_id != sealing.dock_id.octets:
        raise ImageRefused("an image for another dock", reason=Reason.DOCK_ID)
    if header.version != _VERSION or {len(counter), len(common)} != {_WORD.size}:
        raise ImageRefused("a development image in another spelling")
    security_counter = _WORD.unpack(counter)[0]
    if security_counter < counter_floor:
        raise ImageRefused(
            f"security counter {security_counter} is below {counter_floor}", reason=Reason.COUNTER
        )
    return DevelopmentImage(security_counter, *_volumes(payload, _WORD.unpack(common)[0]))


def _volumes(payload: memoryview, common_bytes: int) -> tuple[Volume, Volume]:
    upd_at = padded_bytes(common_bytes)
    if bytes(payload[common_bytes:upd_at]).strip(PADDING):
        raise ImageRefused("the padding behind the common volume is not empty")
    upd = Volume.open_upd(payload[upd_at:])
    if upd.keys:
        raise ImageRefused("unique data in a development image", reason=Reason.VOLUME)
    return Volume.open_common(payload[:common_bytes]), upd


def _values(magic: int, area: memoryview, tags: tuple[int, ...]) -> tuple[bytes, ...]:
    """The values of an area that has exactly these TLVs."""
    items = decode_area(magic, area)
    if tuple(tag for tag, _ in items) != tags:
        raise ImageRefused("an area has other TLVs than a development image has")
    return tuple(bytes(value) for _, value in items)


def _block_digests(payload: memoryview) -> bytes:
    return b"".join(
        sha256(payload[start : start + BLOCK_BYTES]).digest()
        for start in range(0, len(payload), BLOCK_BYTES)
    )

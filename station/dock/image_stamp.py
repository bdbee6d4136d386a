"""What any MCUboot client reads off an image: how long it is, its version, and its hash."""

import struct
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from station.datastore.rom_image import DIGEST_BYTES, SEAL_MAGIC, Header, Tag, decode_area
from station.domain.errors import ImageRefused
from station.domain.limits import HEADER_BYTES

_AREA: Final = struct.Struct("<HH")
"""Magic and length of an area of TLVs (MCUboot, struct image_tlv_info)."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """size_bytes: of the whole image. version: major, minor, revision. sha256: the image's hash,
    TLV 0x10: of header, payload and protected TLVs (docs/SPEC.md, "Image")."""

    size_bytes: int
    version: tuple[int, int, int]
    sha256: bytes

    @property
    def text(self) -> str:
        """The version as stock clients show it."""
        return ".".join(map(str, self.version))


def stamp_of(cells: memoryview, *, prove: bool) -> Stamp | None:
    """Of the image at the start of a slot; None where no whole one is.

    prove: whether the hash must be what it says of the cells. No more is looked at: whether an
    image may run, its acceptance says.
    """
    try:
        header = Header.decode(cells)
        seal_at = HEADER_BYTES + header.payload_bytes + header.protected_bytes
        _, seal_bytes = _AREA.unpack_from(cells, seal_at)
        end = seal_at + seal_bytes
        found = dict(decode_area(SEAL_MAGIC, cells[seal_at:end]))
        hashed = bytes(found[Tag.SHA256])
    except (ImageRefused, struct.error, KeyError):
        return None
    if len(hashed) != DIGEST_BYTES:
        return None
    if prove and sha256(cells[:seal_at]).digest() != hashed:
        return None
    version = header.version
    return Stamp(end, (version.major, version.minor, version.patch), hashed)

"""The plan: the image for one dock, laid out and sealed before a byte of it is written.

Nothing of the common volume is copied or hashed twice for digests that never change: one more
dock costs its UPD volume, one SHA-256 pass over the image, one signature and some kilobytes.
Source: docs/SPEC.md, "Image".
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from station.datastore.rom_image import PADDING, Header, Protected, Seal, padded_bytes
from station.datastore.volume import Volume, demand_overlay
from station.domain import dsse
from station.domain.identity import DockId
from station.domain.limits import BLOCK_BYTES, HEADER_BYTES
from station.domain.release import ReleaseStatement
from station.domain.trust import Signer, Usage


@dataclass(frozen=True, slots=True)
class Part:
    """A range of the image, at most 64 KiB, and its SHA-256 (32 octets)."""

    offset_bytes: int
    size_bytes: int
    digest: bytes


class CommonPart:
    """What the images of a bundle share; made once, used by every lane.

    volume: the mapped common volume. The release must have passed the gate. Raises DocumentRefused
    for an envelope that holds no release statement, ImageRefused for a volume that is none, and
    ValueError where the two do not belong together.
    """

    def __init__(
        self, volume: bytes | memoryview, release_envelope: bytes, release_certificate: bytes
    ) -> None:
        data = memoryview(volume).cast("B").toreadonly()
        self.release_envelope = release_envelope
        self.release_certificate = release_certificate
        self.statement = ReleaseStatement.decode(dsse.Envelope.decode(release_envelope).payload)
        if len(data) != self.statement.common_bytes:
            raise ValueError("a common volume of another length than released")
        self.volume = Volume.open_common(data)
        self.size_bytes = padded_bytes(len(data))
        self.segments = _padded(data, self.size_bytes)
        self.blocks = tuple(
            part
            for at, segment in _placed(HEADER_BYTES, self.segments)
            for part in _parts(at, segment)
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """An image as its segments in address order.

    image_sha256: over every byte. signed_sha256: what the station's signature is over, and what
    MCUboot calls the image's hash. common_blocks, upd_blocks: the payload's 64 KiB blocks, the
    last one shorter. header, trailer: what lies before and behind them.
    """

    size_bytes: int
    segments: tuple[memoryview, ...] = field(repr=False)
    header: tuple[Part, ...] = field(repr=False)
    common_blocks: tuple[Part, ...] = field(repr=False)
    upd_blocks: tuple[Part, ...] = field(repr=False)
    trailer: tuple[Part, ...] = field(repr=False)
    image_sha256: bytes
    signed_sha256: bytes

    @property
    def blocks(self) -> tuple[Part, ...]:
        """The payload, in the order of the image's list of digests."""
        return self.common_blocks + self.upd_blocks

    @property
    def unique_parts(self) -> tuple[Part, ...]:
        """All that differs from dock to dock, in address order."""
        return self.header + self.upd_blocks + self.trailer

    @property
    def parts(self) -> tuple[Part, ...]:
        """The whole image, in address order."""
        return self.header + self.blocks + self.trailer

    def read(self, offset_bytes: int, size_bytes: int) -> memoryview:
        """These bytes of the image; a view unless they lie in two segments.

        Raises ValueError outside the image.
        """
        end = offset_bytes + size_bytes
        if not 0 <= offset_bytes <= end <= self.size_bytes:
            raise ValueError("outside the image")
        found = [
            segment[max(offset_bytes - at, 0) : end - at]
            for at, segment in _placed(0, self.segments)
            if at < end and offset_bytes < at + len(segment)
        ]
        return found[0] if len(found) == 1 else memoryview(b"".join(found))


def assemble(common: CommonPart, upd_volume: bytes, dock_id: DockId, signer: Signer) -> Plan:
    """The image for one dock, signed.

    Raises ImageRefused where the UPD volume is none or shadows what may not be replaced,
    OverBudget where the trailer would pass 64 KiB, KeyRefused where the key may not seal images
    of this product, and SignerOffline.
    """
    statement, certificate = common.statement, signer.certificate
    certificate.demand(Usage.STATION, product=statement.product, at=None)
    demand_overlay(Volume.open_upd(upd_volume), common.volume, statement.replaceable)
    upd = memoryview(upd_volume)
    upd_blocks = tuple(_parts(HEADER_BYTES + common.size_bytes, upd))
    protected = Protected(
        security_counter=statement.security_counter,
        dock_id=dock_id,
        product=statement.product,
        block_digests=tuple(part.digest for part in common.blocks + upd_blocks),
        release_envelope=common.release_envelope,
        release_certificate=common.release_certificate,
        station_certificate=certificate.der,
    ).encode()
    payload_bytes = common.size_bytes + len(upd)
    header = Header(statement.version, payload_bytes, len(protected)).encode()
    digest = sha256(header)
    for segment in (*common.segments, upd):
        digest.update(segment)
    digest.update(protected)
    signed = digest.digest()
    seal = Seal(
        signed, certificate.key_id, certificate.algorithm, signer.sign_digest(signed)
    ).encode()
    digest.update(seal)
    trailer = memoryview(protected + seal)
    return Plan(
        size_bytes=HEADER_BYTES + payload_bytes + len(trailer),
        segments=(memoryview(header), *common.segments, upd, trailer),
        header=tuple(_parts(0, memoryview(header))),
        common_blocks=common.blocks,
        upd_blocks=upd_blocks,
        trailer=tuple(_parts(HEADER_BYTES + payload_bytes, trailer)),
        image_sha256=digest.digest(),
        signed_sha256=signed,
    )


def _padded(data: memoryview, size_bytes: int) -> tuple[memoryview, ...]:
    """The volume's whole blocks as they are; the last one, if short, copied and filled up."""
    whole = len(data) // BLOCK_BYTES * BLOCK_BYTES
    if whole == size_bytes:
        return (data,)
    last = bytes(data[whole:]).ljust(BLOCK_BYTES, PADDING)
    return (data[:whole], memoryview(last)) if whole else (memoryview(last),)


def _placed(at: int, segments: tuple[memoryview, ...]) -> Iterator[tuple[int, memoryview]]:
    """Each segment with its offset in the image."""
    for segment in segments:
        yield at, segment
        at += len(segment)


def _parts(at: int, data: memoryview) -> Iterator[Part]:
    """`data`, which lies at this offset of the image, in parts of 64 KiB."""
    for start in range(0, len(data), BLOCK_BYTES):
        piece = data[start : start + BLOCK_BYTES]
        yield Part(at + start, len(piece), sha256(piece).digest())

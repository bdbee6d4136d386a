"""The plan: the image for one dock, laid out and sealed before a byte of it is written.

Nothing of the common volume is copied or hashed twice for digests that never change: one more
dock costs its UPD volume, one SHA-256 pass over the image, one signature and some kilobytes.
Source: docs/SPEC.md, "Image".
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from station.datastore.rom_image import PADDING, Header, Protected, padded_bytes
from station.datastore.rom_image import Seal as Signatures
from station.datastore.sealed_upd import Binding, Seal
from station.datastore.segments import Segments
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

    volume: the mapped common volume. segments: the same with its padding, as every image has it
    from HEADER_BYTES on. The release must have passed the gate. Raises DocumentRefused
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
        self.segments = Segments((data, PADDING * (self.size_bytes - len(data))))
        self.blocks = tuple(_parts(HEADER_BYTES, self.segments))


@dataclass(frozen=True, slots=True)
class Plan:
    """An image as its segments in address order.

    common: what it shares with every image of its bundle. image_sha256: over every byte.
    signed_sha256: what the station's signature is over, and what MCUboot calls the image's hash.
    common_blocks, upd_blocks: the payload's 64 KiB blocks, the last one shorter. header, trailer:
    what lies before and behind them.
    """

    size_bytes: int
    segments: Segments = field(repr=False)
    common: CommonPart = field(repr=False)
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
        return self.segments.view(offset_bytes, end)


def assemble(
    common: CommonPart,
    upd_volume: bytes,
    dock_id: DockId,
    signer: Signer,
    *,
    seal: Seal | None = None,
) -> Plan:
    """The image for one dock, signed. seal: seals its UPD volume; None for one in clear.

    Raises ImageRefused where the UPD volume is none or shadows what may not be replaced,
    OverBudget where the trailer would pass 64 KiB, KeyRefused where the key may not seal images
    of this product, and SignerOffline.
    """
    statement, certificate = common.statement, signer.certificate
    certificate.demand(Usage.STATION, product=statement.product, at=None)
    demand_overlay(Volume.open_upd(upd_volume), common.volume, statement.replaceable)
    sealed = None if seal is None else seal(upd_volume, Binding.of(dock_id, statement))
    upd = memoryview(upd_volume if sealed is None else sealed.content)
    upd_blocks = tuple(_parts(HEADER_BYTES + common.size_bytes, Segments.of(upd)))
    protected = Protected(
        security_counter=statement.security_counter,
        dock_id=dock_id,
        product=statement.product,
        block_digests=tuple(part.digest for part in common.blocks + upd_blocks),
        release_envelope=common.release_envelope,
        release_certificate=common.release_certificate,
        station_certificate=certificate.der,
        sealed_key=b"" if sealed is None else sealed.key,
    ).encode()
    payload_bytes = common.size_bytes + len(upd)
    header = Header(statement.version, payload_bytes, len(protected)).encode()
    digest = sha256(header)
    for segment in (*common.segments.parts, upd):
        digest.update(segment)
    digest.update(protected)
    signed = digest.digest()
    signatures = Signatures(
        signed, certificate.key_id, certificate.algorithm, signer.sign_digest(signed)
    ).encode()
    digest.update(signatures)
    trailer = protected + signatures
    return Plan(
        size_bytes=HEADER_BYTES + payload_bytes + len(trailer),
        segments=Segments((header, *common.segments.parts, upd, trailer)),
        common=common,
        header=tuple(_parts(0, Segments.of(header))),
        common_blocks=common.blocks,
        upd_blocks=upd_blocks,
        trailer=tuple(_parts(HEADER_BYTES + payload_bytes, Segments.of(trailer))),
        image_sha256=digest.digest(),
        signed_sha256=signed,
    )


def _parts(at: int, data: Segments) -> Iterator[Part]:
    """`data`, which lies at this offset of the image, in parts of 64 KiB."""
    for start in range(0, data.size_bytes, BLOCK_BYTES):
        piece = data.view(start, start + BLOCK_BYTES)
        yield Part(at + start, len(piece), sha256(piece).digest())

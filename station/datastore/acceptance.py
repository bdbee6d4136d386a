"""Whether an image may run on a dock: every demand on it, in one order, from its bytes alone.

The virtual dock asks before it switches, the station asks of what it read back. Nothing here was
told by whoever made the image except through its bytes; what is trusted beforehand is the product
root (`Authority`), the dock's own id, and the security counter it holds.
Source: docs/SPEC.md, "Acceptance".
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256

from station.datastore.rom_image import PADDING, Header, Protected, RomImage, padded_bytes
from station.datastore.sealed_upd import Binding, SealedUpd, Unseal
from station.datastore.segments import Segments
from station.datastore.volume import Volume, demand_overlay
from station.domain import dsse, release
from station.domain.bundle import NAME_MAX_CHARACTERS, is_name
from station.domain.errors import DocumentRefused, ImageRefused, KeyRefused, Reason
from station.domain.identity import DockId
from station.domain.limits import BLOCK_BYTES
from station.domain.release import ReleaseStatement
from station.domain.trust import Authority, Certificate, Usage


@dataclass(frozen=True, slots=True)
class AcceptedImage:
    """An image that passed; its volumes are views of the buffers it was read from.

    image_sha256: over every byte, 32 octets. An UPD volume that was sealed has its own buffer.
    """

    header: Header
    dock_id: DockId
    release: ReleaseStatement
    release_certificate: Certificate
    station_certificate: Certificate
    common: Volume = field(repr=False)
    upd: Volume = field(repr=False)
    image_sha256: bytes

    @property
    def security_counter(self) -> int:
        """As the release statement has it; the dock takes nothing below it from now on."""
        return self.release.security_counter


def accept(
    image: bytes | bytearray | memoryview | Segments,
    *,
    authority: Authority,
    dock_id: DockId,
    product: str,
    counter_floor: int,
    at: datetime | None,
    unseal: Unseal | None = None,
) -> AcceptedImage:
    """The image, if it may run on this dock.

    image: the image and nothing behind it. counter_floor: lowest security counter taken. at: the
    moment certificates are judged for; None where no trusted clock exists (a dock). unseal: opens
    its UPD volume, which must be sealed then; None where it must be in clear.
    Raises ImageRefused: one cause, and the `reason` a dock answers with.
    """
    vouched = vouch(
        image,
        authority=authority,
        dock_id=dock_id,
        product=product,
        counter_floor=counter_floor,
        at=at,
    )
    upd = Volume.open_upd(_upd_volume(vouched, unseal))
    demand_overlay(upd, vouched.common, vouched.release.replaceable)
    return AcceptedImage(
        header=vouched.header,
        dock_id=dock_id,
        release=vouched.release,
        release_certificate=vouched.release_certificate,
        station_certificate=vouched.station_certificate,
        common=vouched.common,
        upd=upd,
        image_sha256=vouched.image_sha256,
    )


@dataclass(frozen=True, slots=True)
class VouchedImage:
    """An image whose signatures hold, whatever its unique data says: that may be sealed.

    upd: the UPD volume as it travels. sealed_key: empty where that is in clear.
    """

    header: Header
    dock_id: DockId
    release: ReleaseStatement
    release_certificate: Certificate
    station_certificate: Certificate
    common: Volume = field(repr=False)
    upd: memoryview = field(repr=False)
    sealed_key: bytes = field(repr=False)
    image_sha256: bytes

    @property
    def sealed(self) -> bool:
        """Whether only its dock can say what is unique in it."""
        return bool(self.sealed_key)


def vouch(
    image: bytes | bytearray | memoryview | Segments,
    *,
    authority: Authority,
    dock_id: DockId,
    product: str,
    counter_floor: int,
    at: datetime | None,
) -> VouchedImage:
    """The image with every demand met but those on its UPD volume; see `accept`."""
    parsed = RomImage.parse(Segments.of(image))
    image_sha256 = _digests(parsed)
    _demand_same(parsed.protected, dock_id, product)
    station = _station_signature(parsed, authority, product, at)
    releaser, statement = _release(parsed.protected, authority, product, at)
    _demand_counter(parsed, statement, counter_floor)
    common, upd = _volumes(parsed.payload, statement)
    return VouchedImage(
        header=parsed.header,
        dock_id=dock_id,
        release=statement,
        release_certificate=releaser,
        station_certificate=station,
        common=common,
        upd=upd,
        sealed_key=parsed.protected.sealed_key,
        image_sha256=image_sha256,
    )


def _upd_volume(image: VouchedImage, unseal: Unseal | None) -> bytes | memoryview:
    """The UPD volume in clear, if it came as it had to."""
    if not image.sealed:
        if unseal is not None:
            raise ImageRefused(
                "the unique data is in clear, for a dock it must be sealed to", reason=Reason.SEALED
            )
        return image.upd
    if unseal is None:
        raise ImageRefused(
            "the unique data is sealed, and there is no key here that opens it",
            reason=Reason.SEALED,
        )
    sealed = SealedUpd(image.sealed_key, image.upd)
    return unseal(sealed, Binding.of(image.dock_id, image.release))


def _digests(image: RomImage) -> bytes:
    """Both kinds of digests agree with the bytes; the SHA-256 of the whole image."""
    digest = sha256()
    for segment in image.signed.parts:
        digest.update(segment)
    if digest.digest() != image.seal.sha256:
        raise ImageRefused("the image is damaged: its digest is wrong", reason=Reason.DIGEST)
    blocks = tuple(
        sha256(image.payload.view(start, start + BLOCK_BYTES)).digest()
        for start in range(0, image.payload.size_bytes, BLOCK_BYTES)
    )
    if blocks != image.protected.block_digests:
        raise ImageRefused("the list of block digests is wrong", reason=Reason.DIGEST)
    digest.update(image.seal_area)
    return digest.digest()


def _demand_same(protected: Protected, dock_id: DockId, product: str) -> None:
    if protected.product != product:
        raise ImageRefused(
            f"an image for product {_shown(protected.product)}, not {product}",
            reason=Reason.PRODUCT,
        )
    if protected.dock_id != dock_id:
        raise ImageRefused(
            f"an image for dock {protected.dock_id}, not {dock_id}", reason=Reason.DOCK_ID
        )


def _station_signature(
    image: RomImage, authority: Authority, product: str, at: datetime | None
) -> Certificate:
    seal = image.seal
    certificate = _certificate(
        image.protected.station_certificate, authority, Usage.STATION, product, at
    )
    if seal.key_id != certificate.key_id or seal.algorithm is not certificate.algorithm:
        raise ImageRefused(
            "signed with another key than the station's certificate has", reason=Reason.SIGNATURE
        )
    if not authority.verifies_digest(certificate, seal.signature, seal.sha256):
        raise ImageRefused("the station's signature is wrong", reason=Reason.SIGNATURE)
    return certificate


def _release(
    protected: Protected, authority: Authority, product: str, at: datetime | None
) -> tuple[Certificate, ReleaseStatement]:
    certificate = _certificate(protected.release_certificate, authority, Usage.RELEASE, product, at)
    try:
        envelope = dsse.Envelope.decode(protected.release_envelope)
        if envelope.payload_type != release.PAYLOAD_TYPE:
            raise ImageRefused("the signed document is no release statement", reason=Reason.RELEASE)
        if not any(
            authority.verifies(certificate, one.signature, envelope.signed_bytes)
            for one in envelope.signatures
        ):
            raise ImageRefused("the release signature is wrong", reason=Reason.RELEASE)
        statement = ReleaseStatement.decode(envelope.payload)
    except DocumentRefused as error:
        raise ImageRefused(f"the release: {error.cause}", reason=Reason.RELEASE) from error
    if statement.product != product:
        raise ImageRefused(
            f"a release for product {_shown(statement.product)}, not {product}",
            reason=Reason.PRODUCT,
        )
    return certificate, statement


def _certificate(
    der: bytes, authority: Authority, usage: Usage, product: str, at: datetime | None
) -> Certificate:
    try:
        certificate = authority.certificate(der)
        certificate.demand(usage, product=product, at=at)
    except KeyRefused as error:
        raise ImageRefused(error.cause, reason=Reason.CERTIFICATE) from error
    return certificate


def _demand_counter(image: RomImage, statement: ReleaseStatement, counter_floor: int) -> None:
    """What the station wrote beside the release statement says the same; no way back."""
    if image.protected.security_counter != statement.security_counter:
        raise ImageRefused(
            "another security counter than the release statement has", reason=Reason.COUNTER
        )
    if image.header.version != replace(statement.version, pre_release=""):
        raise ImageRefused("another version than the release statement has", reason=Reason.RELEASE)
    if statement.security_counter < counter_floor:
        raise ImageRefused(
            f"security counter {statement.security_counter} is below {counter_floor}",
            reason=Reason.COUNTER,
        )


def _volumes(payload: Segments, statement: ReleaseStatement) -> tuple[Volume, memoryview]:
    """The common volume, canonical and as released; and what stands in the UPD volume's place."""
    upd_at = padded_bytes(statement.common_bytes)
    common = payload.view(0, statement.common_bytes)
    if sha256(common).digest() != statement.common_sha256:
        raise ImageRefused(
            "the common volume has another content than released", reason=Reason.RELEASE
        )
    if bytes(payload.view(statement.common_bytes, upd_at)).strip(PADDING):
        raise ImageRefused("the padding behind the common volume is not empty")
    return Volume.open_common(common), payload.view(upd_at, payload.size_bytes)


def _shown(product: str) -> str:
    """A product as an image spells it, fit for one line of a screen."""
    return product if is_name(product) else ascii(product[:NAME_MAX_CHARACTERS])

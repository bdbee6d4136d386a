"""Small volumes and images for tests, honest or forged: every deviation is one argument."""

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from station.datastore.acceptance import AcceptedImage, accept
from station.datastore.plan import CommonPart
from station.datastore.rom_image import Header, Protected, Seal
from station.datastore.sealed_upd import Unseal
from station.datastore.volume import build_common_volume, build_upd_volume
from station.domain import dsse, release
from station.domain.entries import APPLICATION_NAME, Entry, Kind, PictureType
from station.domain.identity import DockId
from station.domain.limits import BLOCK_BYTES
from station.domain.release import ReleaseStatement, Version
from station.domain.trust import Usage
from tests.fakes.trust import NOW_AT, PRODUCT, FakeAuthority, FakeSigner, fake_signer
from tests.golden.rom_store.make import DOT

DOCK_ID = DockId(bytes(range(32)))
OTHER_DOCK_ID = DockId(bytes(range(1, 33)))
SALT = bytes(range(100, 132))

COMMON_ENTRIES = (
    Entry(Kind.CODE, APPLICATION_NAME, b"print('x')\n"),
    Entry(Kind.IMG, "dot", DOT, PictureType.PNG),
    Entry(Kind.KV, "dock_name", b"none yet"),
    Entry(Kind.KV, "url", b"https://content.example/"),
)
UPD_ENTRIES = (
    Entry(Kind.KV, "dock_name", b"Dock 7"),
    Entry(Kind.KV, "token", b"k7-93-ax"),
)
REPLACEABLE = frozenset({(Kind.KV, "dock_name")})

COMMON = build_common_volume(COMMON_ENTRIES)
UPD = build_upd_volume(UPD_ENTRIES, salt=SALT)

RELEASE = fake_signer(Usage.RELEASE)
STATION = fake_signer(Usage.STATION)


def statement_of(
    common: bytes,
    *,
    product: str = PRODUCT,
    counter: int = 7,
    replaceable: frozenset[tuple[Kind, str]] = REPLACEABLE,
) -> ReleaseStatement:
    """What a release key would say of this volume."""
    return ReleaseStatement(
        product=product,
        name="welcome",
        version=Version(1, 2, 3, "rc.1"),
        security_counter=counter,
        common_bytes=len(common),
        common_sha256=sha256(common).digest(),
        manifest_sha256=bytes(32),
        replaceable=replaceable,
    )


def envelope_of(
    payload: bytes, *, signer: FakeSigner = RELEASE, payload_type: str = release.PAYLOAD_TYPE
) -> bytes:
    """A signed envelope."""
    signature = signer.sign(dsse.pre_authentication_encoding(payload_type, payload))
    signed = dsse.Signature(signer.certificate.key_id, signature)
    return dsse.Envelope(payload_type, payload, (signed,)).encode()


def common_part(common: bytes | memoryview = COMMON) -> CommonPart:
    """The common part of a released bundle."""
    envelope = envelope_of(statement_of(bytes(common)).encode())
    return CommonPart(common, envelope, RELEASE.certificate.der)


@dataclass(frozen=True)
class Forgery:
    """An image sealed with the station's key whatever it holds; None stands for what is right."""

    common: bytes = COMMON
    padding: bytes | None = None
    upd: bytes = UPD
    statement: ReleaseStatement | None = None
    envelope: bytes | None = None
    releaser: FakeSigner = RELEASE
    station: FakeSigner = STATION
    sealed_by: FakeSigner | None = None
    dock_id: DockId = DOCK_ID
    product: str = PRODUCT
    counter: int = 7
    version: Version = field(default_factory=lambda: Version(1, 2, 3))
    block_digests: tuple[bytes, ...] | None = None
    sealed_key: bytes = b""

    def image(self) -> bytes:
        """Every byte of it."""
        padding = b"\xff" * (-len(self.common) % BLOCK_BYTES)
        payload = self.common + (padding if self.padding is None else self.padding) + self.upd
        blocks = tuple(
            sha256(payload[at : at + BLOCK_BYTES]).digest()
            for at in range(0, len(payload), BLOCK_BYTES)
        )
        statement = self.statement or statement_of(self.common)
        envelope = self.envelope or envelope_of(statement.encode(), signer=self.releaser)
        protected = Protected(
            security_counter=self.counter,
            dock_id=self.dock_id,
            product=self.product,
            block_digests=blocks if self.block_digests is None else self.block_digests,
            release_envelope=envelope,
            release_certificate=self.releaser.certificate.der,
            station_certificate=self.station.certificate.der,
            sealed_key=self.sealed_key,
        ).encode()
        signed = Header(self.version, len(payload), len(protected)).encode() + payload + protected
        return signed + seal(signed, self.sealed_by or self.station)


def seal(signed: bytes, signer: FakeSigner = STATION) -> bytes:
    """The unprotected area over these bytes."""
    digest = sha256(signed).digest()
    certificate = signer.certificate
    return Seal(
        digest, certificate.key_id, certificate.algorithm, signer.sign_digest(digest)
    ).encode()


def accepted(
    image: bytes | bytearray | memoryview,
    *signers: FakeSigner,
    dock_id: DockId = DOCK_ID,
    product: str = PRODUCT,
    counter_floor: int = 0,
    at: datetime | None = NOW_AT,
    unseal: Unseal | None = None,
) -> AcceptedImage:
    """`accept` by a dock that trusts the usual certificates and these."""
    return accept(
        image,
        authority=FakeAuthority(RELEASE, STATION, *signers),
        dock_id=dock_id,
        product=product,
        counter_floor=counter_floor,
        at=at,
        unseal=unseal,
    )

"""Small images for virtual docks, made by the station's own plan and fake keys."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from station.datastore.plan import CommonPart, Plan, assemble
from station.datastore.sealed_upd import Seal
from station.datastore.volume import build_common_volume, build_upd_volume
from station.domain import dsse
from station.domain.entries import Entry, Kind, PictureType
from station.domain.identity import DockId, Serial
from station.domain.profile import Assurance, Product, Profile, Stage
from station.domain.release import PAYLOAD_TYPE, ReleaseStatement, Version
from station.domain.trust import Usage
from tests.fakes.trust import FakeAuthority, fake_signer

PRODUCT: Final = "DK-7F"
DOCK_ID: Final = DockId(bytes(range(32)))
LABEL: Final = Serial("DK7F-00001")
ROM_BYTES: Final = 400_000
RUNTIME_BYTES: Final = 40_000
EPHEMERAL_BYTES: Final = 100_000


def make_profile(*, slots: int = 2, rom_bytes: int = ROM_BYTES) -> Profile:
    """A dock model with room for an image of `rom_bytes`."""
    return Profile(
        name="test-dock",
        model="DL-7450",
        products=(Product(PRODUCT, "DK7F-[0-9]{5}", ("C",)),),
        stage=Stage.DEVELOPMENT,
        assurance=Assurance.D0,
        slots=slots,
        slot_bytes=rom_bytes + 140_000,
        rom_budget_bytes=rom_bytes,
        runtime_budget_bytes=RUNTIME_BYTES,
        ephemeral_budget_bytes=EPHEMERAL_BYTES,
    )


RELEASE: Final = fake_signer(Usage.RELEASE, products=(PRODUCT, "DK-8"))
STATION: Final = fake_signer(Usage.STATION, products=(PRODUCT, "DK-8"))
AUTHORITY: Final = FakeAuthority(RELEASE, STATION)

PICTURE: Final = bytes(range(256)) * 600
CODE: Final = b"import splashscreen\n"
COMMON: Final = (
    Entry(Kind.IMG, "default", PICTURE, PictureType.PNG),
    Entry(Kind.IMG, "photo", b"\xff\xd8 not looked at", PictureType.JPEG),
    Entry(Kind.KV, "content_url", b"https://content.example/"),
    Entry(Kind.KV, "empty", b""),
    Entry(Kind.CODE, "main.py", CODE),
)


def make_plan(
    *,
    dock_id: DockId = DOCK_ID,
    product: str = PRODUCT,
    counter: int = 1,
    token: str = "token-1",
    common: Iterable[Entry] = COMMON,
    seal: Seal | None = None,
) -> Plan:
    """An image for one dock. token: the value that only this dock has. seal: of unique data."""
    volume = build_common_volume(common)
    statement = ReleaseStatement(
        product=product,
        name="welcome",
        version=Version(1, 0, 0),
        security_counter=counter,
        common_bytes=len(volume),
        common_sha256=sha256(volume).digest(),
        manifest_sha256=bytes(32),
        replaceable=frozenset(),
    ).encode()
    signed = dsse.pre_authentication_encoding(PAYLOAD_TYPE, statement)
    signature = dsse.Signature(RELEASE.certificate.key_id, RELEASE.sign(signed))
    envelope = dsse.Envelope(PAYLOAD_TYPE, statement, (signature,)).encode()
    upd = build_upd_volume([Entry(Kind.KV, "enrolment_token", token.encode())], salt=bytes(32))
    part = CommonPart(volume, envelope, RELEASE.certificate.der)
    return assemble(part, upd, dock_id, STATION, seal=seal)


def image_of(plan: Plan) -> bytes:
    """All bytes of a plan."""
    return bytes(plan.read(0, plan.size_bytes))

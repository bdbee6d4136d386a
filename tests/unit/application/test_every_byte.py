"""One flipped bit in any byte of an image: whoever lies about the rest, the verdict is never PASS.

A small image with real keys is read back with each of its bytes changed in turn. Once the blocks
are judged by the plan, once by somebody who has made the plan's digests fit the damage: then the
image itself must refuse.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from random import Random
from typing import Final

import pytest

from station.adapters.keys.authority import PinnedAuthority, roots_from_pem
from station.adapters.keys.ceremony import Keeper, hold_ceremony
from station.adapters.keys.sealed_file import CHEAP_COST
from station.adapters.keys.signer import open_signer
from station.application import evidence
from station.application.expectation import Expected
from station.application.ports import DockAnswers, Piece, SlotState
from station.application.readback import Readback
from station.datastore.acceptance import AcceptedImage
from station.datastore.partitions import Datastore, RomPartition
from station.datastore.plan import CommonPart, Part, Plan, assemble
from station.datastore.rom_image import Header, Protected, RomImage, Seal
from station.datastore.volume import build_common_volume, build_upd_volume
from station.domain import dsse
from station.domain.entries import APPLICATION_NAME, Entry, Kind, PictureType
from station.domain.errors import NoAnswer
from station.domain.identity import DockId
from station.domain.limits import BLOCK_BYTES, HEADER_BYTES
from station.domain.release import PAYLOAD_TYPE, ReleaseStatement, Version
from station.domain.secret import Secret
from station.domain.trust import Usage
from station.domain.verdict import REQUIRED, Check, CheckName, Verdict, judge
from tests.golden.rom_store.make import DOT

SEED: Final = 20_261_125
SHARES: Final = 4
"""The sweep is done in so many parts, side by side; together they are every byte."""

REWRITTEN: Final = {"ci": 150, "nightly": 5_000, "release": 50_000}[
    os.environ.get("STATION_SWEEP", "ci")
]
"""Images with every digest in them made to fit the damage; each costs a signature check."""

PRODUCT: Final = "DK-7F"
DOCK_ID: Final = DockId(bytes(range(32)))
AT: Final = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
COMMON: Final = (
    Entry(Kind.CODE, APPLICATION_NAME, b"import splashscreen\n"),
    Entry(Kind.IMG, "default", DOT, PictureType.PNG),
    Entry(Kind.KV, "greeting", b"Welcome"),
)
UNIQUE: Final = (Entry(Kind.KV, "token", b"k7-93-ax"),)
EXPECTED: Final = Expected.of(COMMON).under(UNIQUE)
ANSWERS: Final = DockAnswers(
    {"greeting": "Welcome", "token": "k7-93-ax"},
    {"default": ("PNG", len(DOT), sha256(DOT).digest())},
    EXPECTED.code_checksum,
)


@dataclass(frozen=True)
class Made:
    """A sealed plan, its bytes, whom the station trusts, and what a lying dock makes of it."""

    plan: Plan
    image: bytes
    authority: PinnedAuthority
    lies: tuple[Check, ...]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder, passphrase = tmp_path_factory.mktemp("keys"), Secret(b"a passphrase of tests")
    keys = hold_ceremony(
        folder,
        root=Keeper("root", passphrase),
        release=Keeper("release", passphrase),
        station=Keeper("station-1", passphrase),
        lot=Keeper("lots", passphrase),
        products=[PRODUCT],
        now=AT,
        cost=CHEAP_COST,
    )
    authority = PinnedAuthority(roots_from_pem(keys.trust.read_text("ascii")))

    releaser = open_signer(keys.release.path, passphrase, usage=Usage.RELEASE, authority=authority)
    sealer = open_signer(keys.station.path, passphrase, usage=Usage.STATION, authority=authority)
    volume = build_common_volume(COMMON)
    statement = ReleaseStatement(
        product=PRODUCT,
        name="small",
        version=Version(1, 0, 0),
        security_counter=1,
        common_bytes=len(volume),
        common_sha256=sha256(volume).digest(),
        manifest_sha256=bytes(32),
        replaceable=frozenset(),
    ).encode()
    signature = releaser.sign(dsse.pre_authentication_encoding(PAYLOAD_TYPE, statement))
    signed = dsse.Signature(releaser.certificate.key_id, signature)
    envelope = dsse.Envelope(PAYLOAD_TYPE, statement, (signed,)).encode()
    common = CommonPart(volume, envelope, releaser.certificate.der)
    plan = assemble(common, build_upd_volume(UNIQUE, salt=bytes(32)), DOCK_ID, sealer)
    active = SlotState(plan.size_bytes, plan.image_sha256, confirmed=True)
    lies = (
        evidence.accepted(None),
        evidence.dock_agrees(ANSWERS, EXPECTED),
        evidence.stays(active, plan.image_sha256),
    )
    return Made(plan, bytes(plan.read(0, plan.size_bytes)), authority, lies)


def read(image: bytes | bytearray, plan: Plan | None = None) -> Readback:
    """The readback of a dock that holds these bytes and is expected to hold `plan`."""
    readback = Readback(len(image)) if plan is None else Readback.of(plan)
    readback.take([Piece(0, memoryview(image))])
    return readback


def examined(made: Made, readback: Readback) -> tuple[Check, AcceptedImage | None]:
    return evidence.image_holds(
        readback,
        authority=made.authority,
        dock_id=DOCK_ID,
        product=PRODUCT,
        counter_floor=0,
        at=AT,
    )


def judged(
    made: Made,
    readback: Readback,
    plan: Plan,
    image: tuple[Check, AcceptedImage | None],
) -> tuple[Verdict, list[Check]]:
    """Every check of a run, by a dock that says whatever the station wants to hear."""
    check, accepted = image
    checks = [evidence.blocks_agree(readback, plan, proof=True), check, *made.lies]
    if accepted is not None:
        datastore = Datastore((RomPartition(accepted.upd, accepted.common),))
        checks.append(evidence.datastore_agrees(datastore, EXPECTED))
    return judge(checks, required=REQUIRED), checks


def fitted(plan: Plan, image: bytes | bytearray, at: int) -> Plan:
    """The plan with the digest of the part that holds byte `at` made to fit `image`."""

    def fit(parts: Sequence[Part]) -> tuple[Part, ...]:
        return tuple(
            replace(part, digest=sha256(image[part.offset_bytes :][: part.size_bytes]).digest())
            if part.offset_bytes <= at < part.offset_bytes + part.size_bytes
            else part
            for part in parts
        )

    return replace(
        plan,
        header=fit(plan.header),
        common_blocks=fit(plan.common_blocks),
        upd_blocks=fit(plan.upd_blocks),
        trailer=fit(plan.trailer),
    )


def refusals(checks: Sequence[Check]) -> list[CheckName]:
    return [check.name for check in checks if not check.passed]


def test_the_undamaged_image_passes(made: Made) -> None:
    readback = read(made.image, made.plan)

    verdict, checks = judged(made, readback, made.plan, examined(made, readback))

    assert verdict is Verdict.PASS, checks


def test_the_parts_of_the_plan_are_the_whole_image(made: Made) -> None:
    reached = 0
    for part in made.plan.parts:
        assert part.offset_bytes == reached
        reached += part.size_bytes

    assert reached == len(made.image)
    assert len(made.image) > HEADER_BYTES + BLOCK_BYTES


@pytest.mark.parametrize("share", range(SHARES))
def test_one_flipped_bit_in_any_byte_is_never_a_pass(made: Made, share: int) -> None:
    chance = Random(SEED)
    bits = [chance.randrange(8) for _ in made.image]  # the same for every share
    for at in range(share, len(made.image), SHARES):
        image = bytearray(made.image)
        image[at] ^= 1 << bits[at]
        readback = read(image, made.plan)
        seen = examined(made, readback)

        verdict, checks = judged(made, readback, made.plan, seen)
        told, believed = judged(made, readback, fitted(made.plan, image, at), seen)

        where = f"byte {at}, bit {bits[at]}, seed {SEED}"
        assert verdict is Verdict.FAIL, where
        assert refusals(checks) == [CheckName.BLOCKS, CheckName.IMAGE], where
        assert told is Verdict.FAIL, where
        assert refusals(believed) == [CheckName.IMAGE], where


def test_a_readback_that_lost_a_byte_is_no_readback(made: Made) -> None:
    for missing in (0, HEADER_BYTES, len(made.image) - 1):
        readback = Readback.of(made.plan)
        pieces = [
            Piece(0, made.image[:missing]),
            Piece(missing + 1, made.image[missing + 1 :]),
        ]
        readback.take(piece for piece in pieces if piece.data)

        with pytest.raises(NoAnswer, match="left out"):
            readback.differing(made.plan.parts)


def test_an_image_with_every_digest_in_it_made_to_fit_still_lacks_the_signature(
    made: Made,
) -> None:
    chance = Random(SEED)
    whole = RomImage.parse(memoryview(made.image))
    for _ in range(REWRITTEN):
        at, bit = chance.randrange(whole.payload.size_bytes), chance.randrange(8)
        payload = bytearray(bytes(whole.payload))
        payload[at] ^= 1 << bit
        blocks = tuple(
            sha256(payload[start : start + BLOCK_BYTES]).digest()
            for start in range(0, len(payload), BLOCK_BYTES)
        )
        protected = replace(whole.protected, block_digests=blocks)
        image = rewritten(whole, payload, protected)

        check, accepted = examined(made, read(image))

        assert accepted is None, f"byte {at} of the payload, bit {bit}, seed {SEED}"
        assert (check.code, "signature is wrong" in check.evidence) == ("E-VERIFY-03", True)


def rewritten(whole: RomImage, payload: bytes | bytearray, protected: Protected) -> bytes:
    """An image in which everything agrees but the signature, which nobody but the key can make."""
    area = protected.encode()
    head = Header(whole.header.version, len(payload), len(area)).encode()
    signed = head + bytes(payload) + area
    seal = whole.seal
    return (
        signed + Seal(sha256(signed).digest(), seal.key_id, seal.algorithm, seal.signature).encode()
    )

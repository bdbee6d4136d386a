"""Each check, with the evidence it gives and the code it fails by."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Final
from zlib import crc32

import pytest

from station.application import evidence
from station.application.expectation import Expected
from station.application.gate import ReleasedBundle, admit
from station.application.ports import DockAnswers, Piece, SlotState
from station.application.readback import Readback
from station.datastore.acceptance import AcceptedImage
from station.datastore.partitions import Datastore, RomPartition
from station.datastore.plan import Plan, assemble
from station.datastore.volume import build_upd_volume
from station.domain.bundle import Bundle
from station.domain.entries import APPLICATION_NAME, Entry, Kind, PictureType
from station.domain.errors import Reason
from station.domain.identity import DockId
from station.domain.rehearsal import Finding, FindingKind
from station.domain.verdict import Check, CheckName
from tests.fakes.bundle_archive import FakeSealedBundle
from tests.fakes.clock import START_AT
from tests.fakes.rehearsal import boot
from tests.unit.application.workbench import (
    AUTHORITY,
    BUNDLE,
    PRODUCT,
    RELEASED,
    STATION,
    bitmap,
    released,
)

DOCK: Final = DockId(bytes([7]) * 32)
SECRET: Final = b"a token nobody may read"
UNIQUE: Final = (
    Entry(Kind.KV, "greeting", b"good day"),
    Entry(Kind.KV, "enrolment_token", SECRET),
    Entry(Kind.IMG, "badge", bitmap(4, 8), PictureType.BMP),
)


def plan_of(bundle: ReleasedBundle = RELEASED) -> Plan:
    return assemble(bundle.common, build_upd_volume(UNIQUE, salt=bytes(32)), DOCK, STATION)


PLAN: Final = plan_of()


def read(plan: Plan = PLAN, flip: int | None = None) -> Readback:
    """What a dock with this plan gives back, one bit of it wrong at `flip`."""
    image = bytearray(plan.read(0, plan.size_bytes))
    if flip is not None:
        image[flip] ^= 1
    readback = Readback(len(image))
    readback.take([Piece(0, bytes(image))])
    return readback


def mounted(bundle: ReleasedBundle = RELEASED) -> Datastore:
    check, image = held(read(plan_of(bundle)))
    assert image is not None, check.evidence
    return Datastore((RomPartition(image.upd, image.common),))


def held(
    readback: Readback, *, dock: DockId = DOCK, product: str = PRODUCT, floor: int = 0
) -> tuple[Check, AcceptedImage | None]:
    return evidence.image_holds(
        readback,
        authority=AUTHORITY,
        dock_id=dock,
        product=product,
        counter_floor=floor,
        at=START_AT,
    )


def expected(
    *, common: tuple[Entry, ...] = BUNDLE.entries, unique: tuple[Entry, ...] = UNIQUE
) -> Expected:
    return Expected.of(common).under(unique)


def changed(entries: tuple[Entry, ...], name: str, data: bytes) -> tuple[Entry, ...]:
    """The entries, one of them with another content."""
    return tuple(replace(one, data=data) if one.name == name else one for one in entries)


def lacking(entries: tuple[Entry, ...], name: str) -> tuple[Entry, ...]:
    return tuple(one for one in entries if one.name != name)


def without_code() -> ReleasedBundle:
    bundle = Bundle(
        BUNDLE.name,
        BUNDLE.version,
        BUNDLE.product,
        BUNDLE.security_counter,
        lacking(BUNDLE.entries, APPLICATION_NAME),
    )
    bundle = replace(bundle, replaceable=BUNDLE.replaceable)
    return admit(FakeSealedBundle.of(released(bundle)), authority=AUTHORITY, at=START_AT)


# -- what is expected --------------------------------------------------------------------------


def test_unique_data_lies_over_the_common_content() -> None:
    want = expected()

    greeting = want.entries[Kind.KV, "greeting"]
    assert (greeting.size_bytes, greeting.digest) == (8, sha256(b"good day").digest())
    assert bytes(greeting.data) == b"good day"
    assert want.names(Kind.KV) == ["content_url", "enrolment_token", "greeting"]
    assert want.names(Kind.IMG) == ["badge", "default", "small"]
    for tag in want.names(Kind.IMG):
        assert want.entries[Kind.IMG, tag].picture is PictureType.BMP
    assert want.code_checksum == crc32(b"import splashscreen\n")


def test_a_bundle_without_an_application_has_no_checksum() -> None:
    assert expected(common=lacking(BUNDLE.entries, APPLICATION_NAME)).code_checksum is None


def test_what_is_expected_does_not_show_its_content() -> None:
    assert SECRET.decode() not in repr(expected())


# -- accepted ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (None, ""),
        ("digest", "E-WRITE-01"),
        ("format", "E-WRITE-01"),
        ("size", "E-WRITE-01"),
        ("flash", "E-WRITE-01"),
        ("locked", "E-LOCK-01"),
        ("signature", "E-VERIFY-03"),
        ("never heard of", "E-VERIFY-03"),
    ],
)
def test_a_docks_reason_has_a_code(refusal: str | None, code: str) -> None:
    check = evidence.accepted(refusal)

    assert (check.name, check.code) == (CheckName.ACCEPTED, code)
    assert (refusal or "accepted") in check.evidence


def test_damage_is_a_bad_write_and_everything_else_is_about_trust() -> None:
    damage = {Reason.DIGEST, Reason.FORMAT}

    assert {reason for reason in Reason if evidence.REFUSALS.get(reason)} == damage


# -- blocks ------------------------------------------------------------------------------------


def test_blocks_that_agree_are_counted() -> None:
    check = evidence.blocks_agree(read(), PLAN, proof=True)

    assert check == Check(
        CheckName.BLOCKS,
        f"{PLAN.size_bytes} bytes in {len(PLAN.parts)} blocks read back,"
        " all digests equal, nonce answered",
    )


def test_the_first_block_that_differs_is_named_by_its_place() -> None:
    block = PLAN.common_blocks[1]
    check = evidence.blocks_agree(read(flip=block.offset_bytes + 5), PLAN, proof=True)

    assert check.code == "E-VERIFY-02"
    assert check.evidence == (
        f"1 of {len(PLAN.parts)} blocks differ, first at offset 0x11005 (block 1, img 'default')"
    )


def test_a_wrong_answer_to_the_nonce_fails_though_every_block_agrees() -> None:
    check = evidence.blocks_agree(read(), PLAN, proof=False)

    assert (check.code, check.evidence) == ("E-VERIFY-02", "wrong answer to the nonce challenge")


def test_the_challenge_is_a_digest_of_the_nonce_and_then_the_ranges() -> None:
    assert evidence.challenge_answer(b"nonce", [b"ab", memoryview(b"cd")]) == (
        sha256(b"nonceabcd").digest()
    )


# -- image -------------------------------------------------------------------------------------


def test_a_good_image_is_told_by_release_and_signers() -> None:
    check, image = held(read())

    assert (check.name, check.passed) == (CheckName.IMAGE, True)
    assert "release welcome 1.2.0 by fake release, image by fake station" in check.evidence
    assert image is not None
    assert image.image_sha256 == PLAN.image_sha256


def test_a_bad_image_is_held_against_the_dock() -> None:
    other = DockId(bytes(32))
    for check, image in (
        held(read(flip=PLAN.size_bytes - 1)),
        held(read(), dock=other),
        held(read(), product="DK-8"),
        held(read(), floor=2),
        held(Readback(0)),
    ):
        assert (check.name, check.code, image) == (CheckName.IMAGE, "E-VERIFY-03", None)
        assert check.evidence


def test_an_image_under_an_expired_certificate_is_bad() -> None:
    check, _ = evidence.image_holds(
        read(),
        authority=AUTHORITY,
        dock_id=DOCK,
        product=PRODUCT,
        counter_floor=0,
        at=START_AT + timedelta(days=400),
    )

    assert check.code == "E-VERIFY-03"


# -- datastore ---------------------------------------------------------------------------------


def test_a_datastore_with_every_entry_passes_without_telling_a_value() -> None:
    check = evidence.datastore_agrees(mounted(), expected())

    assert check == Check(
        CheckName.DATASTORE,
        "3 key-values, 3 images and the application equal through the vendor API",
    )


def test_no_application_is_as_good_as_one_where_none_was_promised() -> None:
    want = expected(common=lacking(BUNDLE.entries, APPLICATION_NAME))
    check = evidence.datastore_agrees(mounted(without_code()), want)

    assert check.passed
    assert "3 images and no application equal" in check.evidence


@pytest.mark.parametrize(
    ("want", "difference"),
    [
        (expected(unique=UNIQUE[:1] + UNIQUE[2:]), "the list of key-values differs"),
        (
            expected(unique=(*UNIQUE, Entry(Kind.KV, "more", b"x"))),
            "the list of key-values differs",
        ),
        (
            expected(unique=changed(UNIQUE, "enrolment_token", b"another token")),
            "key-value enrolment_token differs",
        ),
        (expected(unique=UNIQUE[:2]), "the list of images differs"),
        (expected(unique=changed(UNIQUE, "badge", bitmap(8, 4))), "image badge differs"),
        (
            expected(unique=changed(UNIQUE, "badge", bitmap(4, 8)[:-1] + b"\xff")),
            "image badge differs",
        ),
        (expected(unique=changed(UNIQUE, "badge", b"no picture")), "image badge differs"),
        (
            expected(common=changed(BUNDLE.entries, APPLICATION_NAME, b"import os\n")),
            "the application's checksum differs",
        ),
        (
            expected(common=lacking(BUNDLE.entries, APPLICATION_NAME)),
            "the application's checksum differs",
        ),
    ],
)
def test_what_differs_in_the_datastore_is_named_and_not_told(
    want: Expected, difference: str
) -> None:
    check = evidence.datastore_agrees(mounted(), want)

    assert (check.name, check.code) == (CheckName.DATASTORE, "E-VERIFY-02")
    assert check.evidence == difference


def test_an_application_too_few_differs() -> None:
    check = evidence.datastore_agrees(mounted(without_code()), expected())

    assert check.evidence == "the application's checksum differs"


# -- the dock's own answers --------------------------------------------------------------------


def answers() -> DockAnswers:
    """Those of a dock that holds exactly what is expected."""
    want = expected()
    return DockAnswers(
        values={
            name: bytes(want.entries[Kind.KV, name].data).decode() for name in want.names(Kind.KV)
        },
        pictures={
            tag: ("BMP", want.entries[Kind.IMG, tag].size_bytes, want.entries[Kind.IMG, tag].digest)
            for tag in want.names(Kind.IMG)
        },
        code_checksum=want.code_checksum,
    )


def test_a_dock_that_answers_alike_passes() -> None:
    check = evidence.dock_agrees(answers(), expected())

    assert check == Check(
        CheckName.DOCK_ANSWERS,
        "the dock's datastore answered 3 key-values, 3 images and the code checksum alike",
    )


@pytest.mark.parametrize(
    ("told", "difference"),
    [
        ({"values": {"greeting": "good day"}}, "the dock lists other key-values"),
        (
            {"values": {**answers().values, "more": "x"}},
            "the dock lists other key-values",
        ),
        (
            {"values": {**answers().values, "enrolment_token": "another"}},
            "the dock answers key-value enrolment_token differently",
        ),
        ({"pictures": {}}, "the dock lists other images"),
        (
            {"pictures": {**answers().pictures, "badge": ("BMP", 1, bytes(32))}},
            "the dock answers image badge differently",
        ),
        (
            {
                "pictures": {
                    **answers().pictures,
                    "badge": ("PNG", *answers().pictures["badge"][1:]),
                }
            },
            "the dock answers image badge differently",
        ),
        ({"code_checksum": None}, "the dock answers another code checksum"),
        ({"code_checksum": 1}, "the dock answers another code checksum"),
    ],
)
def test_what_a_dock_answers_differently_is_named_and_not_told(
    told: dict[str, object], difference: str
) -> None:
    check = evidence.dock_agrees(replace(answers(), **told), expected())  # type: ignore[arg-type]

    assert (check.name, check.code) == (CheckName.DOCK_ANSWERS, "E-VERIFY-02")
    assert check.evidence == difference
    assert SECRET.decode() not in check.evidence


# -- rehearsed ---------------------------------------------------------------------------------


def test_a_first_boot_that_raised_nothing_passes() -> None:
    check = evidence.rehearsed(boot("Welcome", ran_ms=1_500), "desk")

    assert check == Check(CheckName.REHEARSED, "1.5 s on the bench desk, nothing raised")


def test_what_may_be_wrong_is_told_and_does_not_fail() -> None:
    timer = Finding(FindingKind.TIMER_UNREFERENCED, "the timer of line 7")
    one = evidence.rehearsed(boot(findings=[timer]), "desk")
    three = evidence.rehearsed(boot(findings=[timer] * 3), "desk")

    assert (one.passed, three.passed) == (True, True)
    assert one.evidence == (
        "60 s on the bench desk, nothing raised; timer-unreferenced: the timer of line 7"
    )
    assert three.evidence == f"{one.evidence}, and 2 more"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            "Traceback (most recent call last):\n  main.py, line 3\nValueError: bad\n\n",
            "ValueError: bad",
        ),
        ("ended: it kept the processor beyond the limit", None),
        ("one\x1b[31m\u202ered", "one [31m red"),
        (" \n\x00\n", "it raised something without a word"),
        ("x" * 201, f"{'x' * 199}…"),
    ],
)
def test_an_application_that_raised_fails_by_the_last_line_of_its_trace(
    error: str, line: str | None
) -> None:
    check = evidence.rehearsed(boot(trace=error), "desk")

    assert check == Check(CheckName.REHEARSED, error if line is None else line, "E-VERIFY-04")


# -- stock docks -------------------------------------------------------------------------------


def test_a_stock_docks_loader_is_believed_by_the_image_it_runs() -> None:
    digest, hashed = bytes(range(32)), bytes(range(32, 64))
    runs = SlotState(9, b"", confirmed=False, signed_sha256=hashed)

    assert evidence.started(runs, digest, hashed).passed
    for state in (
        SlotState(9, b"", confirmed=True, signed_sha256=digest),
        SlotState(9, bytes(32), confirmed=True, signed_sha256=hashed),
        SlotState(9, b"", confirmed=True),
        SlotState(0, b"", confirmed=False),
    ):
        assert evidence.started(state, digest, hashed).code == "E-VERIFY-03"
        assert evidence.stays(state, digest, hashed).code == "E-VERIFY-02"
    assert evidence.stays(runs, digest, hashed).code == "E-WRITE-01"
    assert evidence.stays(replace(runs, confirmed=True), digest, hashed).passed
    nothing = SlotState(9, b"", confirmed=True)
    assert evidence.stays(nothing, digest, b"").code == "E-VERIFY-02"


def test_what_a_stock_dock_does_not_answer_is_never_told_as_answered() -> None:
    check = evidence.not_answered("bench-board")

    assert (check.name, check.passed, check.waived) == (CheckName.DOCK_ANSWERS, False, True)
    assert "not made" in check.evidence and "bench-board" in check.evidence


# -- confirmed ---------------------------------------------------------------------------------


def test_a_dock_stays_with_the_image_it_confirmed() -> None:
    digest = bytes(range(32))

    assert evidence.stays(SlotState(9, digest, confirmed=True), digest) == Check(
        CheckName.CONFIRMED, "active and confirmed, SHA-256 0001020304050607…"
    )
    assert evidence.stays(SlotState(9, digest, confirmed=False), digest).code == "E-WRITE-01"
    assert evidence.stays(SlotState(9, bytes(32), confirmed=True), digest).code == "E-VERIFY-02"
    assert evidence.stays(SlotState(0, b"", confirmed=False), digest).code == "E-VERIFY-02"

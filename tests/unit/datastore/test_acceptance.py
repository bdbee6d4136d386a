from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from struct import pack_into

import cdblib
import pytest

from station.datastore.acceptance import accept
from station.datastore.rom_image import Header, RomImage
from station.datastore.volume import build_common_volume, build_upd_volume
from station.domain import dsse
from station.domain.entries import Entry, Kind
from station.domain.errors import ImageRefused, Reason
from station.domain.limits import BLOCK_BYTES, HEADER_BYTES
from station.domain.release import PAYLOAD_TYPE, Version
from station.domain.trust import Algorithm, Usage
from tests.fakes.trust import NOT_AFTER_AT, NOT_BEFORE_AT, NOW_AT, FakeAuthority, fake_signer
from tests.unit.datastore import independent_cdb
from tests.unit.datastore.made_images import (
    COMMON,
    COMMON_ENTRIES,
    DOCK_ID,
    OTHER_DOCK_ID,
    RELEASE,
    SALT,
    STATION,
    UPD,
    UPD_ENTRIES,
    Forgery,
    accepted,
    envelope_of,
    seal,
    statement_of,
)

IMAGE = Forgery().image()


def reason(image: bytes | Forgery, **demands: object) -> Reason:
    """Why it is refused."""
    octets = image if isinstance(image, bytes) else image.image()
    with pytest.raises(ImageRefused) as refused:
        accepted(octets, **demands)  # type: ignore[arg-type]
    assert refused.value.cause
    return refused.value.reason


def test_an_honest_image_is_accepted() -> None:
    image = accepted(IMAGE)

    assert list(image.common.entries()) == sorted(
        COMMON_ENTRIES, key=lambda entry: (entry.kind, entry.name)
    )
    assert list(image.upd.entries()) == list(UPD_ENTRIES)
    assert image.release == statement_of(COMMON)
    assert image.security_counter == 7
    assert image.dock_id == DOCK_ID
    assert image.release_certificate == RELEASE.certificate
    assert image.station_certificate == STATION.certificate
    assert image.image_sha256 == sha256(IMAGE).digest()
    assert image.header.version == Version(1, 2, 3)


@pytest.mark.parametrize("algorithm", Algorithm)
def test_both_keys_may_be_of_either_algorithm(algorithm: Algorithm) -> None:
    station = fake_signer(Usage.STATION, algorithm=algorithm)
    releaser = fake_signer(Usage.RELEASE, algorithm=algorithm)

    accepted(Forgery(station=station, releaser=releaser).image(), station, releaser)


# -- damage --------------------------------------------------------------------------------------


def test_one_flipped_byte_anywhere_is_refused() -> None:
    damaged = bytearray(IMAGE)
    view = memoryview(damaged)
    passed = []
    for at in range(len(damaged)):
        damaged[at] ^= 1 << at % 8
        try:
            accepted(view)
            passed.append(at)
        except ImageRefused:
            pass
        damaged[at] = IMAGE[at]

    assert passed == []


def test_every_bit_of_the_trailer_counts() -> None:
    damaged = bytearray(IMAGE)
    for at in range(len(IMAGE) - len(seal(b"")), len(IMAGE)):
        for bit in range(8):
            damaged[at] ^= 1 << bit
            with pytest.raises(ImageRefused):
                accepted(damaged)
            damaged[at] = IMAGE[at]


def test_a_cut_image_is_refused() -> None:
    for size in range(0, len(IMAGE), 499):
        assert reason(IMAGE[:size]) is Reason.FORMAT


def test_an_image_with_something_behind_it_is_refused() -> None:
    assert reason(IMAGE + b"\xff") is Reason.FORMAT


def test_damage_is_told_apart_from_a_wrong_signature() -> None:
    at = HEADER_BYTES + BLOCK_BYTES + 2100

    assert reason(IMAGE[:at] + b"?" + IMAGE[at + 1 :]) is Reason.DIGEST
    assert reason(IMAGE[:-1] + b"?") is Reason.SIGNATURE


@pytest.mark.parametrize("digests", [(), (bytes(32),) * 2, (bytes(32),) * 3])
def test_a_list_of_other_digests_is_refused(digests: tuple[bytes, ...]) -> None:
    assert reason(Forgery(block_digests=digests)) is Reason.DIGEST


# -- for whom ------------------------------------------------------------------------------------


def test_an_image_for_another_dock_is_refused() -> None:
    assert reason(Forgery(dock_id=OTHER_DOCK_ID)) is Reason.DOCK_ID
    assert reason(IMAGE, dock_id=OTHER_DOCK_ID) is Reason.DOCK_ID


def test_an_image_for_another_product_is_refused() -> None:
    assert reason(Forgery(product="DL-1")) is Reason.PRODUCT
    assert reason(Forgery(statement=statement_of(COMMON, product="DL-1"))) is Reason.PRODUCT


def test_a_counter_below_the_docks_is_refused() -> None:
    assert accepted(IMAGE, counter_floor=7).security_counter == 7
    assert reason(IMAGE, counter_floor=8) is Reason.COUNTER


def test_the_counter_is_the_release_statements() -> None:
    assert reason(Forgery(counter=8)) is Reason.COUNTER


def test_the_version_is_the_release_statements() -> None:
    assert reason(Forgery(version=Version(1, 2, 4))) is Reason.RELEASE


# -- by whom -------------------------------------------------------------------------------------


def test_a_station_nobody_certified_is_refused() -> None:
    stranger = fake_signer(Usage.STATION, secret=b"s" * 32)

    assert reason(Forgery(station=stranger)) is Reason.CERTIFICATE


def test_a_release_key_nobody_certified_is_refused() -> None:
    stranger = fake_signer(Usage.RELEASE, secret=b"r" * 32)

    assert reason(Forgery(releaser=stranger)) is Reason.CERTIFICATE


def test_a_station_key_releases_nothing() -> None:
    assert reason(Forgery(releaser=STATION)) is Reason.CERTIFICATE


def test_a_release_key_seals_nothing() -> None:
    assert reason(Forgery(station=RELEASE)) is Reason.CERTIFICATE


@pytest.mark.parametrize("usage", [Usage.STATION, Usage.RELEASE])
def test_a_key_for_another_product_counts_for_nothing(usage: Usage) -> None:
    other = fake_signer(usage, products=["DL-1"])
    forged = Forgery(station=other) if usage is Usage.STATION else Forgery(releaser=other)
    with pytest.raises(ImageRefused, match="not certified for product") as refused:
        accepted(forged.image(), other)

    assert refused.value.reason is Reason.CERTIFICATE


@pytest.mark.parametrize("usage", [Usage.STATION, Usage.RELEASE])
def test_a_certificate_counts_within_its_dates_where_there_is_a_clock(usage: Usage) -> None:
    short = fake_signer(usage, not_after_at=NOW_AT)
    forged = Forgery(station=short) if usage is Usage.STATION else Forgery(releaser=short)

    accepted(forged.image(), short, at=NOW_AT)
    accepted(forged.image(), short, at=None)
    with pytest.raises(ImageRefused, match="certificate valid"):
        accepted(forged.image(), short, at=NOW_AT + timedelta(seconds=1))


def test_dates_are_judged_at_the_moment_given() -> None:
    accepted(IMAGE, at=NOT_BEFORE_AT)
    accepted(IMAGE, at=NOT_AFTER_AT)
    assert reason(IMAGE, at=NOT_BEFORE_AT - timedelta(days=1)) is Reason.CERTIFICATE


def test_a_seal_by_another_key_than_the_certificates_is_refused() -> None:
    other = fake_signer(Usage.STATION, secret=b"s" * 32)
    by_curve = fake_signer(Usage.STATION, algorithm=Algorithm.ECDSA_P256)

    assert reason(Forgery(sealed_by=other)) is Reason.SIGNATURE
    assert reason(Forgery(sealed_by=by_curve)) is Reason.SIGNATURE


def test_a_key_hash_does_not_make_a_signature() -> None:
    """The seal names the right key, but another one signed."""
    signed = bytes(RomImage.parse(memoryview(IMAGE)).signed)
    other = fake_signer(Usage.STATION, secret=b"s" * 32)
    forged = replace(
        RomImage.parse(memoryview(IMAGE)).seal,
        signature=other.sign_digest(sha256(signed).digest()),
    )

    assert reason(signed + forged.encode()) is Reason.SIGNATURE


def test_an_ecdsa_signature_under_the_name_of_the_other_algorithm_is_refused() -> None:
    signed = bytes(RomImage.parse(memoryview(IMAGE)).signed)
    forged = replace(RomImage.parse(memoryview(IMAGE)).seal, algorithm=Algorithm.ECDSA_P256)

    assert reason(signed + forged.encode()) is Reason.SIGNATURE


def test_a_further_signature_that_nobody_demands_changes_nothing() -> None:
    signed = bytes(RomImage.parse(memoryview(IMAGE)).signed)
    area = bytearray(seal(signed) + b"\xb0\x00\x02\x00ml")
    pack_into("<H", area, 2, len(area))

    image = accepted(signed + area)

    assert image.image_sha256 == sha256(signed + area).digest()


# -- the release ---------------------------------------------------------------------------------


def test_a_release_statement_signed_by_another_key_is_refused() -> None:
    other = fake_signer(Usage.RELEASE, secret=b"r" * 32)
    envelope = envelope_of(statement_of(COMMON).encode(), signer=other)

    assert reason(Forgery(envelope=envelope)) is Reason.RELEASE


def test_one_right_signature_is_enough() -> None:
    payload = statement_of(COMMON).encode()
    right = dsse.Envelope.decode(envelope_of(payload)).signatures[0]
    wrong = dsse.Signature(bytes(32), bytes(64))
    envelope = dsse.Envelope(PAYLOAD_TYPE, payload, (wrong, right)).encode()

    accepted(Forgery(envelope=envelope).image())


def test_another_document_of_the_release_key_is_no_release() -> None:
    envelope = envelope_of(statement_of(COMMON).encode(), payload_type="application/json")

    assert reason(Forgery(envelope=envelope)) is Reason.RELEASE


@pytest.mark.parametrize("envelope", [b"{}", b"\xff", envelope_of(b"{}")])
def test_what_is_no_release_statement_is_refused(envelope: bytes) -> None:
    assert reason(Forgery(envelope=envelope)) is Reason.RELEASE


def test_a_station_cannot_change_the_common_volume() -> None:
    other = build_common_volume([*COMMON_ENTRIES[1:], Entry(Kind.CODE, "main.py", b"print('y')\n")])
    assert len(other) == len(COMMON)

    assert reason(Forgery(common=other, statement=statement_of(COMMON))) is Reason.RELEASE


def test_a_common_volume_of_another_length_is_refused() -> None:
    longer = replace(statement_of(COMMON), common_bytes=len(COMMON) + 1)
    beyond = replace(statement_of(COMMON), common_bytes=10**9)

    assert reason(Forgery(statement=longer)) is Reason.RELEASE
    assert reason(Forgery(statement=beyond)) is Reason.RELEASE


def test_the_padding_hides_nothing() -> None:
    padding = b"\xff" * (BLOCK_BYTES - len(COMMON) - 1) + b"\xfe"

    assert reason(Forgery(padding=padding)) is Reason.FORMAT


# -- the volumes ---------------------------------------------------------------------------------


def test_a_missing_upd_volume_is_refused() -> None:
    assert reason(Forgery(upd=b"")) is Reason.VOLUME


def test_an_upd_volume_that_is_not_canonical_is_refused() -> None:
    assert reason(Forgery(upd=UPD + b"\0")) is Reason.VOLUME


def test_a_common_volume_that_is_not_canonical_is_refused_though_released() -> None:
    assert reason(Forgery(common=COMMON + b"\0")) is Reason.VOLUME


def test_the_volumes_are_not_exchanged() -> None:
    assert reason(Forgery(common=UPD)) is Reason.VOLUME
    assert reason(Forgery(upd=COMMON)) is Reason.VOLUME


def test_unique_code_is_refused() -> None:
    code = Entry(Kind.CODE, "boot.py", b"print('evil')")
    common = build_common_volume([code])
    listed = next(value for key, value in _records(common) if key == b"meta\0")
    records = [(b"salt\0", SALT), (b"meta\0", listed), (b"code\0boot.py", bytes(code.data))]

    assert reason(Forgery(upd=independent_cdb.encode(records))) is Reason.VOLUME


def test_unique_data_replaces_only_what_the_release_allows() -> None:
    upd = build_upd_volume([Entry(Kind.KV, "url", b"https://evil.example/")], salt=SALT)
    statement = statement_of(COMMON, replaceable=frozenset({(Kind.KV, "url")}))

    assert reason(Forgery(upd=upd)) is Reason.COLLISION
    accepted(Forgery(upd=upd, statement=statement).image())


def test_what_was_accepted_is_a_view_of_the_bytes_judged() -> None:
    entry = accepted(IMAGE).upd.get(Kind.KV, "token")

    assert entry is not None
    assert isinstance(entry.data, memoryview)
    assert entry.data.obj is IMAGE


def test_nothing_unique_shows_in_an_accepted_image_that_is_printed() -> None:
    assert "k7-93-ax" not in repr(accepted(IMAGE))


def test_a_product_root_that_issued_nothing_accepts_nothing() -> None:
    with pytest.raises(ImageRefused):
        accept(
            IMAGE,
            authority=FakeAuthority(),
            dock_id=DOCK_ID,
            product="DL-7450",
            counter_floor=0,
            at=None,
        )


def test_a_header_that_lies_about_its_payload_is_refused() -> None:
    header = Header.decode(memoryview(IMAGE))
    for difference in (-1, 1, 2**31):
        lying = replace(header, payload_bytes=header.payload_bytes + difference)

        assert reason(lying.encode() + IMAGE[HEADER_BYTES:]) is Reason.FORMAT


def _records(volume: bytes) -> independent_cdb.Records:
    return list(cdblib.Reader(volume).iteritems())

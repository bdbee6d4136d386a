"""Images a dock makes for itself: what they hold, and that nobody else's is taken for one."""

from collections.abc import Callable
from hashlib import sha256
from random import Random

import pytest

from station.datastore import acceptance
from station.datastore.rom_image import PADDING, SEAL_MAGIC, Header, Tag, encode_area
from station.datastore.volume import build_common_volume, build_upd_volume
from station.dock.development_image import (
    KEYED_DIGEST,
    Sealing,
    Volumes,
    accept,
    is_development_image,
    pack,
    seal,
)
from station.domain.entries import Entry, Kind
from station.domain.errors import DocumentRefused, ImageRefused, OverBudget, Reason
from station.domain.identity import DockId
from station.domain.limits import BLOCK_BYTES, HEADER_BYTES
from tests.unit.dock.images import AUTHORITY, COMMON, DOCK_ID, PRODUCT, image_of, make_plan

KEY = Random(1).randbytes(32)
SALT = Random(2).randbytes(32)
OURS = Sealing(KEY, DOCK_ID, PRODUCT)
SMALL = (Entry(Kind.KV, "a", b"1"), Entry(Kind.CODE, "main.py", b"pass\n"))


def packed(*entries: Entry, budget: int = 1_000_000) -> Volumes:
    return pack(entries, salt=SALT, budget_bytes=budget)


def sealed(*entries: Entry, counter: int = 3) -> bytes:
    return seal(packed(*entries), OURS, counter=counter)


def reason(image: bytes, sealing: Sealing = OURS, *, floor: int = 0) -> Reason:
    with pytest.raises(ImageRefused) as refused:
        accept(memoryview(image), sealing, counter_floor=floor)
    return refused.value.reason


def test_what_was_packed_is_what_is_mounted() -> None:
    image = accept(memoryview(sealed(*COMMON)), OURS, counter_floor=3)

    assert {entry.key: bytes(entry.data) for entry in image.common.entries()} == {
        entry.key: bytes(entry.data) for entry in COMMON
    }
    assert not image.upd.keys
    assert image.security_counter == 3


def test_it_claims_to_be_one_and_a_stations_image_does_not() -> None:
    assert is_development_image(memoryview(sealed(*SMALL)))
    assert not is_development_image(memoryview(image_of(make_plan())))
    assert not is_development_image(memoryview(b""))
    assert not is_development_image(memoryview(sealed(*SMALL)[:-1]))


def test_it_is_never_acceptable_as_a_stations_image() -> None:
    with pytest.raises(ImageRefused) as refused:
        acceptance.accept(
            sealed(*SMALL),
            authority=AUTHORITY,
            dock_id=DOCK_ID,
            product=PRODUCT,
            counter_floor=0,
            at=None,
        )

    assert refused.value.reason is Reason.FORMAT


def test_only_its_dock_its_key_and_its_counter_make_it_acceptable() -> None:
    image = sealed(*SMALL)

    assert reason(image, Sealing(bytes(32), DOCK_ID, PRODUCT)) is Reason.SIGNATURE
    assert reason(image, Sealing(KEY, DockId(bytes(32)), PRODUCT)) is Reason.DOCK_ID
    assert reason(image, Sealing(KEY, DOCK_ID, "DK-8")) is Reason.PRODUCT
    assert reason(image, floor=4) is Reason.COUNTER


def test_no_changed_byte_is_accepted() -> None:
    image, random = sealed(*SMALL), Random(3)
    ends = {HEADER_BYTES, HEADER_BYTES + BLOCK_BYTES}
    places = {*range(64), *range(len(image) - 400, len(image)), *ends}
    places |= {random.randrange(len(image)) for _ in range(200)}

    for place in sorted(places):
        hurt = bytearray(image)
        hurt[place] ^= 1 << random.randrange(8)

        assert reason(bytes(hurt)) in set(Reason), place


def test_nothing_may_follow_it_and_nothing_may_lack() -> None:
    image = sealed(*SMALL)

    assert reason(image + b"\xff") is Reason.FORMAT
    for cut in (0, 100, HEADER_BYTES, len(image) - 40, len(image) - 1):
        assert reason(image[:cut]) is Reason.FORMAT


def resealed(image: bytes, change: Callable[[bytearray], None]) -> bytes:
    """The image changed by somebody who has the key: only what the seal covers is looked at."""
    from hmac import digest

    body = bytearray(image[: -(4 + 4 + 32 + 4 + 32)])
    change(body)
    hashed = sha256(body).digest()
    keyed = digest(KEY, hashed, "sha256")
    return bytes(body) + encode_area(SEAL_MAGIC, ((Tag.SHA256, hashed), (KEYED_DIGEST, keyed)))


def test_an_image_sealed_with_another_spelling_is_refused() -> None:
    image = sealed(*SMALL)
    header = Header.decode(memoryview(image))
    protected = HEADER_BYTES + header.payload_bytes
    common_bytes = len(packed(*SMALL).common)
    assert resealed(image, lambda body: None) == image

    def put(place: int, octets: bytes) -> Callable[[bytearray], None]:
        def change(body: bytearray) -> None:
            body[place : place + len(octets)] = octets

        return change

    padding = HEADER_BYTES + common_bytes
    assert image[padding : padding + 1] == PADDING
    for change, expected in (
        (put(20, b"\x01"), Reason.FORMAT),  # a version
        (put(padding, b"\x00"), Reason.DIGEST),  # the block digests say otherwise
        (put(protected + 4, b"\x51"), Reason.FORMAT),  # another TLV in place of the counter
    ):
        assert reason(resealed(image, change)) is expected


def test_unique_data_does_not_belong_into_it() -> None:
    volumes = Volumes(
        build_common_volume(SMALL), build_upd_volume([Entry(Kind.KV, "u", b"1")], salt=SALT)
    )

    assert reason(seal(volumes, OURS, counter=0)) is Reason.VOLUME


def test_the_budget_is_kept_to_the_byte() -> None:
    volumes = packed(*SMALL)
    used = len(volumes.common) + len(volumes.upd)

    assert packed(*SMALL, budget=used) == volumes
    with pytest.raises(OverBudget, match=f"{used:,} bytes"):
        packed(*SMALL, budget=used - 1)


def test_content_that_fits_no_volume_is_refused_by_name() -> None:
    for entries in (
        (SMALL[0], SMALL[0]),
        (Entry(Kind.KV, "not text", b"\xff"),),
    ):
        with pytest.raises(DocumentRefused):
            packed(*entries)

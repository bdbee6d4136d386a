"""Images whose unique data is sealed; the seal here is a toy, for the datastore knows no cipher."""

from collections.abc import Callable, Sequence
from typing import Final

import pytest

from station.application.mounting import mounted_image
from station.datastore.acceptance import vouch
from station.datastore.plan import assemble
from station.datastore.rom_image import (
    PROTECTED_MAGIC,
    Protected,
    RomImage,
    Tag,
    decode_area,
    encode_area,
)
from station.datastore.sealed_upd import SEALED_KEY_BYTES, Binding, SealedUpd
from station.datastore.segments import Segments
from station.datastore.volume import build_upd_volume
from station.domain.entries import Entry, Kind
from station.domain.errors import ImageRefused, Reason
from tests.fakes.trust import NOW_AT, PRODUCT, FakeAuthority
from tests.unit.datastore.made_images import (
    DOCK_ID,
    OTHER_DOCK_ID,
    RELEASE,
    SALT,
    STATION,
    UPD,
    UPD_ENTRIES,
    Forgery,
    accepted,
    common_part,
)

KEY: Final = bytes(range(SEALED_KEY_BYTES))


def turned(content: bytes | memoryview) -> bytes:
    """The toy: every bit the other way, and twice gives the same again."""
    return bytes(octet ^ 0xFF for octet in bytes(content))


def seal(volume: bytes, binding: Binding) -> SealedUpd:
    return SealedUpd(KEY, turned(volume))


def unseal(sealed: SealedUpd, binding: Binding) -> bytes:
    return turned(sealed.content)


PLAN: Final = assemble(common_part(), UPD, DOCK_ID, STATION, seal=seal)
IMAGE: Final = bytes(PLAN.segments)
CLEAR: Final = bytes(assemble(common_part(), UPD, DOCK_ID, STATION).segments)
AUTHORITY: Final = FakeAuthority(RELEASE, STATION)


def reason(image: bytes, opened: Callable[[SealedUpd, Binding], bytes] | None = unseal) -> Reason:
    with pytest.raises(ImageRefused) as refused:
        accepted(image, unseal=opened)
    return refused.value.reason


def test_a_sealed_image_is_accepted_with_its_unique_data_opened() -> None:
    asked: list[tuple[SealedUpd, Binding]] = []

    def noted(sealed: SealedUpd, binding: Binding) -> bytes:
        asked.append((sealed, binding))
        return unseal(sealed, binding)

    image = accepted(IMAGE, unseal=noted)
    ((sealed, binding),) = asked

    assert list(image.upd.entries()) == list(UPD_ENTRIES)
    assert image.upd.salt == SALT
    assert image.common.salt == b""
    assert (bytes(sealed.key), binding) == (KEY, Binding.of(DOCK_ID, image.release))


def test_nothing_of_the_unique_data_is_in_the_image() -> None:
    for entry in UPD_ENTRIES:
        assert bytes(entry.data) in CLEAR
        assert bytes(entry.data) not in IMAGE
    assert SALT not in IMAGE


def test_the_common_blocks_are_those_of_any_other_image() -> None:
    clear = assemble(common_part(), UPD, OTHER_DOCK_ID, STATION)

    assert PLAN.common_blocks == clear.common_blocks
    assert PLAN.upd_blocks != clear.upd_blocks


def test_one_flipped_byte_of_what_is_unique_is_refused() -> None:
    hurt = bytearray(IMAGE)
    passed = []
    for at in range(PLAN.upd_blocks[0].offset_bytes, len(hurt)):
        hurt[at] ^= 1 << at % 8
        try:
            accepted(hurt, unseal=unseal)
            passed.append(at)
        except ImageRefused:
            pass
        hurt[at] = IMAGE[at]

    assert passed == []


def test_sealed_is_demanded_where_it_can_be_opened_and_refused_where_it_cannot() -> None:
    assert reason(CLEAR) is Reason.SEALED
    assert reason(IMAGE, None) is Reason.SEALED


def test_what_a_seal_holds_is_judged_as_if_it_had_come_in_clear() -> None:
    shadow = build_upd_volume([Entry(Kind.KV, "url", b"https://evil.example/")], salt=SALT)

    assert reason(IMAGE, lambda sealed, binding: bytes(sealed.content)) is Reason.VOLUME
    assert reason(IMAGE, lambda sealed, binding: b"") is Reason.VOLUME
    assert reason(IMAGE, lambda sealed, binding: shadow) is Reason.COLLISION


def test_a_wrong_image_is_not_opened_at_all() -> None:
    def never(sealed: SealedUpd, binding: Binding) -> bytes:
        raise AssertionError("opened")

    wrong = Forgery(dock_id=OTHER_DOCK_ID, upd=turned(UPD), sealed_key=KEY).image()

    assert reason(wrong, never) is Reason.DOCK_ID


@pytest.mark.parametrize("size", [1, SEALED_KEY_BYTES - 1, SEALED_KEY_BYTES + 1])
def test_a_sealed_key_has_one_length(size: int) -> None:
    assert reason(Forgery(upd=turned(UPD), sealed_key=bytes(size)).image()) is Reason.FORMAT


def area(items: Sequence[tuple[int, bytes]]) -> memoryview:
    return memoryview(encode_area(PROTECTED_MAGIC, items))


def test_the_sealed_key_stands_last_and_once() -> None:
    protected = RomImage.parse(memoryview(IMAGE)).protected.encode()
    items: list[tuple[int, bytes]] = [
        (tag, bytes(value)) for tag, value in decode_area(PROTECTED_MAGIC, memoryview(protected))
    ]
    again = Protected.decode(memoryview(protected))

    assert items[-1][0] == 0xA8
    assert again.sealed_key == KEY
    for wrong in (
        [items[-1], *items[:-1]],
        [*items[:-2], items[-1], items[-2]],
        [*items, items[-1]],
        [*items[:-1], (0xA7, KEY)],
        [(Tag.SEALED_KEY, KEY)],
    ):
        with pytest.raises(ImageRefused):
            Protected.decode(area(wrong))


def test_what_cannot_be_opened_can_be_vouched_for() -> None:
    for image, sealed in ((IMAGE, True), (CLEAR, False)):
        found = vouch(
            Segments.of(image),
            authority=AUTHORITY,
            dock_id=DOCK_ID,
            product=PRODUCT,
            counter_floor=0,
            at=NOW_AT,
        )
        assert found.sealed is sealed
        assert next(found.common.entries()).name == "main.py"


def test_a_sealed_image_is_not_mounted_by_somebody_else() -> None:
    with pytest.raises(ImageRefused, match="sealed to its dock"):
        mounted_image(RomImage.parse(memoryview(IMAGE)))

"""Where a byte of an image lies, as a person is told."""

from typing import Final

import pytest

from station.application.image_places import place_of
from station.datastore.plan import assemble
from station.datastore.sealed_upd import SEALED_KEY_BYTES, Binding, SealedUpd
from station.domain.limits import BLOCK_BYTES, HEADER_BYTES
from tests.unit.dock.images import COMMON, DOCK_ID, STATION, image_of, make_plan

PLAN: Final = make_plan()
IMAGE: Final = image_of(PLAN)
TRAILER_AT: Final = PLAN.trailer[0].offset_bytes
UPD_AT: Final = PLAN.upd_blocks[0].offset_bytes


def at(content: bytes) -> int:
    """Where this stands in the image, once."""
    assert IMAGE.count(content) == 1
    return IMAGE.index(content)


def test_every_byte_of_an_entry_is_that_entry_s() -> None:
    (url,) = (entry for entry in COMMON if entry.name == "content_url")
    first = at(bytes(url.data))

    found = {place_of(PLAN, first + by) for by in range(len(url.data))}

    block = (first - HEADER_BYTES) // BLOCK_BYTES
    assert found == {
        f"{first + by:#x} (block {block}, kv 'content_url')" for by in range(len(url.data))
    }


def test_the_key_of_a_record_belongs_to_its_entry() -> None:
    place = place_of(PLAN, at(b"kv\0content_url"))

    assert place.endswith(", kv 'content_url')")


def test_header_and_trailer_are_told_as_such() -> None:
    assert place_of(PLAN, 0) == "0x0 (header)"
    assert place_of(PLAN, HEADER_BYTES - 1) == "0xfff (header)"
    assert place_of(PLAN, TRAILER_AT) == f"{TRAILER_AT:#x} (trailer)"
    assert place_of(PLAN, PLAN.size_bytes - 1) == f"{PLAN.size_bytes - 1:#x} (trailer)"


def test_unique_data_is_told_by_its_name_alone() -> None:
    token = at(b"token-1")

    place = place_of(PLAN, token)

    block = len(PLAN.common_blocks)
    assert place == f"{token:#x} (block {block}, kv 'enrolment_token')"
    assert "token-1" not in place


def test_what_is_no_entry_s_lies_between_entries() -> None:
    for offset in (HEADER_BYTES, UPD_AT - 1, UPD_AT, TRAILER_AT - 1):
        assert place_of(PLAN, offset).endswith(", between entries)")


def zeros_instead(volume: bytes, binding: Binding) -> SealedUpd:
    return SealedUpd(bytes(SEALED_KEY_BYTES), bytes(len(volume)))


def test_unique_data_that_only_its_dock_can_open_is_not_looked_into() -> None:
    upd = PLAN.read(UPD_AT, TRAILER_AT - UPD_AT)
    sealed = assemble(PLAN.common, bytes(upd), DOCK_ID, STATION, seal=zeros_instead)

    assert place_of(sealed, UPD_AT).endswith(", sealed unique data)")


def test_a_byte_outside_the_image_has_no_place() -> None:
    with pytest.raises(ValueError, match="outside the image"):
        place_of(PLAN, PLAN.size_bytes)

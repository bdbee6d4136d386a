"""Dock-model profiles: what cannot be true of a dock cannot be stated."""

from dataclasses import replace

import pytest

from station.domain.limits import HEADER_BYTES, ROM_STORE_BYTES
from station.domain.profile import (
    TRAILER_BYTES_MAX,
    Assurance,
    Link,
    Product,
    Profile,
    Stage,
    UsbFilter,
)
from station.domain.verdict import WAIVABLE, CheckName

NEEDED = ROM_STORE_BYTES + HEADER_BYTES + TRAILER_BYTES_MAX
PROFILE = Profile(
    "p", "DL-7450", (Product("DK-7F", "DK7F-[0-9]{5}"),), Stage.PRODUCTION, Assurance.D0, 2, NEEDED
)


def test_a_slot_must_hold_a_full_image() -> None:
    assert PROFILE.slot_bytes == NEEDED
    with pytest.raises(ValueError, match="cannot hold a full image"):
        replace(PROFILE, slot_bytes=NEEDED - 1)


@pytest.mark.parametrize("slots", [0, 3])
def test_a_dock_has_one_or_two_slots(slots: int) -> None:
    assert replace(PROFILE, slots=1).slots == 1
    with pytest.raises(ValueError, match="1 or 2"):
        replace(PROFILE, slots=slots)


def test_a_dock_that_keeps_secrets_is_made_for_production() -> None:
    for level in Assurance:
        assert replace(PROFILE, assurance=level).assurance is level
    assert replace(PROFILE, stage=Stage.DEVELOPMENT, assurance=Assurance.D1).slots == 2
    with pytest.raises(ValueError, match="its assurance is not D2"):
        replace(PROFILE, stage=Stage.DEVELOPMENT, assurance=Assurance.D2)


def test_a_level_covers_itself_and_what_is_below_it() -> None:
    levels = list(Assurance)
    for place, level in enumerate(levels):
        assert [level.covers(one) for one in levels] == [at <= place for at in range(len(levels))]


def test_products_are_named_once() -> None:
    with pytest.raises(ValueError, match="at least one product"):
        replace(PROFILE, products=())
    with pytest.raises(ValueError, match="each once"):
        replace(PROFILE, products=PROFILE.products * 2)
    with pytest.raises(ValueError, match="names"):
        replace(PROFILE, name="")
    with pytest.raises(KeyError):
        PROFILE.product("DK-8")


def test_a_product_has_a_name_and_a_pattern() -> None:
    with pytest.raises(ValueError, match="serial_pattern of DK-7F"):
        Product("DK-7F", "(")
    with pytest.raises(ValueError, match="printable"):
        Product("", "x")


def test_a_usb_filter_takes_any_product_of_its_vendor_by_default() -> None:
    assert UsbFilter().accepts(0x17E9, 0x7000)
    assert not UsbFilter().accepts(0x17EA, 0x7000)
    assert not UsbFilter(product_id=0x7000).accepts(0x17E9, 0x7001)
    with pytest.raises(ValueError, match="16 bits"):
        UsbFilter(0x10000)
    with pytest.raises(ValueError, match="16 bits"):
        UsbFilter(product_id=-1)


@pytest.mark.parametrize("name", sorted(set(CheckName) - WAIVABLE))
def test_a_profile_waives_no_check_that_every_dock_can_be_put_to(name: CheckName) -> None:
    assert replace(PROFILE, waived=WAIVABLE).waived == WAIVABLE
    with pytest.raises(ValueError, match=name.value):
        replace(PROFILE, waived=frozenset({name}))


@pytest.mark.parametrize("path", ["/dock/identity", "/" + "x" * 63])
def test_a_stock_dock_keeps_things_under_plain_paths(path: str) -> None:
    assert Link(identity_path=path, rom_path=path).rom_path == path
    assert Link(rom_path="").rom_path == ""


@pytest.mark.parametrize("path", ["rom", "/a b", "/\x1b[2J", "/rö", "/" + "x" * 64, "/\n"])
def test_any_other_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        Link(rom_path=path)
    for other in (path, ""):
        with pytest.raises(ValueError, match="path"):
            Link(identity_path=other)


def test_a_link_carries_something() -> None:
    for nothing in ({"baud": 0}, {"bytes_per_s": 0}, {"frame_bytes": 255}):
        with pytest.raises(ValueError, match="carries nothing"):
            Link(**nothing)  # type: ignore[arg-type]
    assert Link(baud=1, bytes_per_s=1, frame_bytes=256) != Link()

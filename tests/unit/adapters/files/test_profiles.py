"""Dock-model profiles: the built-in one, and files people write."""

from dataclasses import replace
from pathlib import Path

import pytest

from station.adapters.files.profiles import BUILT_IN, built_in_profile, read_profile, usb_filters
from station.domain.errors import DocumentRefused, FileUnreadable
from station.domain.profile import (
    Assurance,
    Compression,
    Framing,
    Link,
    Product,
    Profile,
    Stage,
    UnknownImage,
    UsbFilter,
)
from station.domain.verdict import CheckName

SMALLEST = """\
name: bench-board
model: DL-7450
stage: production
assurance: D2
slots: 1
slot_bytes: 16777216
products:
  - {name: DK-9, serial_pattern: "DK9-[0-9]{6}"}
"""

UART_WITH_A_RATE = """\
link: {framing: raw, baud: 1200, frame_bytes: 256, uart: true, bytes_per_s: 120}
slots: 1"""


def read(folder: Path, text: str) -> Profile:
    (folder / "p.yaml").write_text(text)
    return read_profile(folder / "p.yaml")


def test_the_virtual_dock_has_a_profile() -> None:
    profile = built_in_profile("dl7450-virtual")

    assert profile == Profile(
        name="dl7450-virtual",
        model="DL-7450",
        products=(Product("DK-7F", "DK7F-[0-9]{5}", ("C",), "Meeting-room dock"),),
        stage=Stage.DEVELOPMENT,
        assurance=Assurance.D0,
        slots=2,
        slot_bytes=16 * 1024 * 1024,
        rom_budget_bytes=13_000_000,
        runtime_budget_bytes=13_000_000,
        ephemeral_budget_bytes=128_000_000,
        unknown_image=UnknownImage.RAISE,
        usb=UsbFilter(0x17E9, None),
        link=Link(Framing.COBS, 115_200, 4_092),
    )


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_built_in_profile_can_be_read(name: str) -> None:
    assert built_in_profile(name).name == name


@pytest.mark.parametrize("level", ["D1", "D2"])
def test_a_built_in_dock_with_a_key_is_otherwise_the_plain_one(level: str) -> None:
    plain, keyed = (built_in_profile(f"dl7450-virtual{end}") for end in ("", f"-{level.lower()}"))
    same = replace(plain, name=keyed.name, assurance=keyed.assurance, stage=keyed.stage)

    assert replace(same, products=keyed.products) == keyed
    assert keyed.assurance == level
    assert [one.name for one in keyed.products] == [one.name for one in plain.products]


@pytest.mark.parametrize("name", ["", "other", "../dl7450-virtual", "dl7450-virtual.yaml"])
def test_no_other_name_is_looked_for(name: str) -> None:
    with pytest.raises(FileUnreadable, match="no built-in profile"):
        built_in_profile(name)


def test_what_is_left_out_has_the_defaults_of_the_sdk(tmp_path: Path) -> None:
    profile = read(tmp_path, SMALLEST)

    assert profile.rom_budget_bytes == 13_000_000
    assert profile.unknown_image is UnknownImage.RAISE
    assert (profile.background_width, profile.background_height) == (1920, 1080)
    assert profile.usb.accepts(0x17E9, 0x7000)
    assert profile.product("DK-9").hardware_revisions == ()


def test_every_setting_is_read(tmp_path: Path) -> None:
    profile = read(
        tmp_path,
        SMALLEST
        + "rom_budget_bytes: 13631488\nunknown_image: none\nbackground: {width: 800, height: 480}\n"
        'usb: {vendor: "17E9", product: "7000"}\n'
        "link: {framing: console, baud: 921600, frame_bytes: 1024, bytes_per_s: 50000,"
        " compression: lz4, identity_path: /id, rom_path: ''}\n",
    )

    assert profile.rom_budget_bytes == 13_631_488
    assert profile.unknown_image is UnknownImage.NONE
    assert (profile.background_width, profile.background_height) == (800, 480)
    assert profile.usb.accepts(0x17E9, 0x7000)
    assert not profile.usb.accepts(0x17E9, 0x7001)
    assert profile.link == Link(
        Framing.CONSOLE, 921_600, 1_024, 50_000, Compression.LZ4, identity_path="/id", rom_path=""
    )


def test_a_profile_waives_what_its_docks_cannot_do_and_nothing_else(tmp_path: Path) -> None:
    assert read(tmp_path, SMALLEST).waived == frozenset()
    waiving = read(tmp_path, f"{SMALLEST}waive: [dock_answers]\n")

    assert waiving.waived == {CheckName.DOCK_ANSWERS}
    for other in ("blocks", "confirmed", "everything"):
        with pytest.raises(DocumentRefused, match="waive"):
            read(tmp_path, f"{SMALLEST}waive: [{other}]\n")


def test_a_uart_is_as_fast_as_its_baud_and_a_usb_port_is_not(tmp_path: Path) -> None:
    link = "link: {framing: cobs, baud: 115200, frame_bytes: 1024"

    assert read(tmp_path, f"{SMALLEST}{link}, uart: true}}\n").link.bytes_per_s == 11_520
    assert read(tmp_path, f"{SMALLEST}{link}, uart: false}}\n").link.bytes_per_s == 600_000
    assert read(tmp_path, f"{SMALLEST}{link}}}\n").link.bytes_per_s == 600_000


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        ("slots: 1", "slots: 3", "5:8: slots: 3 is given; expected: 1 or 2 image slots"),
        ("D2", "D3", "4:12: assurance: D3 is given; expected: D0, D1 or D2"),
        ("production", "development", "4:12: a development dock tells what it shows"),
        ("production", "test", "3:8: stage: test is given; expected: development or production"),
        ("16777216", "13000000", "6:13: a slot of 13,000,000 bytes cannot hold a full image"),
        ("16777216", "16 MiB", "6:13: slot_bytes: text is given; expected: a whole number"),
        ('"DK9-[0-9]{6}"', '"("', "8:34: serial_pattern of DK-9: "),
        ("slots: 1", "slots: 1\nusb: {vendor: 1739, product: any}", "6:15: usb.vendor: YAML reads"),
        (
            "slots: 1",
            UART_WITH_A_RATE,
            "5:77: a UART's speed is its baud",
        ),
        (
            "slots: 1",
            "link: {framing: cobs, baud: 1200, frame_bytes: 256, rom_path: rom}\nslots: 1",
            "5:63: link.rom_path: rom is given; expected: file that is the image",
        ),
        (
            "products:\n",
            'products:\n  - {name: DK-9, serial_pattern: "x"}\n',
            "8:3: a profile has at least one product, each once",
        ),
    ],
)
def test_a_wrong_profile_is_refused_at_its_place(
    tmp_path: Path, old: str, new: str, cause: str
) -> None:
    assert old in SMALLEST
    with pytest.raises(DocumentRefused) as caught:
        read(tmp_path, SMALLEST.replace(old, new))

    assert caught.value.cause.removeprefix(f"{tmp_path}/p.yaml:").startswith(cause)


def test_the_stations_own_profiles_say_what_may_be_a_dock(tmp_path: Path) -> None:
    assert usb_filters(tmp_path / "none") == (UsbFilter(),)  # what the built-in one says

    for number, product in enumerate(("7000", "7001", "7000")):
        text = f'{SMALLEST}usb: {{vendor: "1234", product: "{product}"}}\n'
        (tmp_path / f"{number}.yaml").write_text(text)

    assert usb_filters(tmp_path) == (UsbFilter(0x1234, 0x7000), UsbFilter(0x1234, 0x7001))

"""A preview shows what a dock would get, says what is only an example, and keeps every secret."""

import base64
from pathlib import Path

import pytest

from station.adapters.files.templates import read_template
from station.application.previewing import EXAMPLE, PICTURE_EXAMPLE, example_of, preview
from station.datastore.pictures import recognise
from station.domain.entries import Kind
from station.domain.errors import DocumentRefused
from station.domain.identity import DockId, Serial
from station.domain.release import Version
from station.domain.template import (
    DockFact,
    DockValue,
    HmacSha256,
    Img,
    Kv,
    LotField,
    Scan,
    Template,
    TemplateEntry,
    Text,
    Visibility,
)

SAMPLES = Path(__file__).resolve().parents[3] / "upd_templates"
SERIAL = Serial("DK7F-00001")


def template(*entries: TemplateEntry) -> Template:
    return Template("t", Version(1, 0, 0), "DK-7F", entries)


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_sample_can_be_previewed(path: Path) -> None:
    read = read_template(path).template

    fields = preview(read, SERIAL)

    assert [one.name for one in fields] == [entry.name for entry in read.entries]
    assert [one.secret for one in fields] == [entry.secret for entry in read.entries]
    assert all(one.shown is None for one in fields if one.secret)


def test_what_follows_from_the_serial_alone_is_no_example() -> None:
    serial, name = preview(
        template(
            TemplateEntry("serial", Scan(), Kv("serial")),
            TemplateEntry("name", Text("Dock {serial}"), Kv("dock_name")),
        ),
        SERIAL,
    )

    assert (serial.shown, serial.example, serial.origin) == ("DK7F-00001", False, "scan")
    assert (name.shown, name.size_bytes, name.example) == ("Dock DK7F-00001", 15, False)


def test_whatever_rests_on_a_record_a_dock_or_a_key_is_an_example() -> None:
    fields = preview(
        template(
            TemplateEntry("friendly", LotField("friendly-name", "name"), Kv("friendly")),
            TemplateEntry("title", Text("{friendly}!"), Kv("title"), format="[0-9]+"),
            TemplateEntry("hw", DockValue(DockFact.DOCK_ID), Kv("hw")),
            TemplateEntry(
                "key",
                HmacSha256("group", "hw"),
                Kv("key"),
                secret=True,
                report=Visibility.FINGERPRINT,
            ),
        ),
        SERIAL,
    )

    assert all(one.example for one in fields)
    assert [one.shown for one in fields[:2]] == [EXAMPLE, f"{EXAMPLE}!"]
    assert [one.size_bytes for one in fields] == [None, None, 64, 44]
    assert [one.origin for one in fields] == [
        "lot friendly-name.name",
        "text",
        "dock dock_id",
        "key group over hw",
    ]


def test_a_picture_from_a_lot_is_previewed_as_one() -> None:
    (field,) = preview(
        template(TemplateEntry("logo", LotField("logos", "png"), Img("logo"))), SERIAL
    )

    assert (field.key, field.shown, field.example) == ((Kind.IMG, "logo"), None, True)
    assert recognise(base64.b64decode(PICTURE_EXAMPLE)).width == 1


def test_a_value_that_rests_on_no_example_is_held_to_its_rules() -> None:
    strict = template(TemplateEntry("serial", Scan(), Kv("serial"), format="AB-[0-9]+"))

    with pytest.raises(DocumentRefused, match="does not match"):
        preview(strict, SERIAL)


def test_an_example_can_be_mounted_and_is_the_same_every_time() -> None:
    read = read_template(SAMPLES / "basic.yaml").template
    dock_id = DockId(bytes(range(32)))
    of_dock = template(TemplateEntry("id", DockValue(DockFact.DOCK_ID), Kv("id")))

    made = example_of(read, SERIAL)

    assert [entry.key for entry in made.entries] == [entry.key for entry in read.entries]
    assert made == example_of(read, SERIAL)
    assert made.entries[0].data == b"DK7F-00001"
    assert example_of(of_dock, SERIAL).entries[0].data == b"00" * 32
    assert example_of(of_dock, SERIAL, dock_id).entries[0].data == str(dock_id).encode()

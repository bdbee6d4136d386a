"""What docks hold in the conformance cases; the pictures are real, for docks that look at them."""

import io
from dataclasses import replace
from typing import Final

from PIL import Image

from station.domain.entries import APPLICATION_NAME, NAME_MAX_BYTES, Entry, Kind, PictureType
from station.domain.profile import UnknownImage
from tests.conformance.case import Content, with_report


def picture(type_: PictureType, colour: tuple[int, int, int]) -> bytes:
    """A file of 4x3 pixels."""
    file = io.BytesIO()
    Image.new("RGB", (4, 3), colour).save(file, type_.value)
    return file.getvalue()


def text(name: str, value: str) -> Entry:
    return Entry(Kind.KV, name, value.encode())


def image(tag: str, content: bytes, type_: PictureType = PictureType.PNG) -> Entry:
    return Entry(Kind.IMG, tag, content, type_)


def application(source: str) -> Entry:
    """It may call `report`."""
    return Entry(Kind.CODE, APPLICATION_NAME, with_report(source))


PNG: Final = picture(PictureType.PNG, (10, 120, 110))
BMP: Final = picture(PictureType.BMP, (200, 30, 30))
JPEG: Final = picture(PictureType.JPEG, (30, 30, 200))
BRAND: Final = picture(PictureType.PNG, (250, 250, 250))

ROM_CODE: Final = b"# The application in ROM, with Windows line ends.\r\nimport datastore\r\n"
LONG_NAME: Final = "n" * NAME_MAX_BYTES
PEM: Final = "-----BEGIN CERTIFICATE-----\nMIIBkTCB+wIJAL\n-----END CERTIFICATE-----\n"

FACTORY: Final = Content(
    "factory",
    common=(
        Entry(Kind.CODE, APPLICATION_NAME, ROM_CODE),
        image("default", PNG),
        image("legacy", BMP, PictureType.BMP),
        image("photo", JPEG, PictureType.JPEG),
        text("cacert", PEM),
        text("content_url", "https://content.example/?a=1&b=<2>"),
        text("dock_name", 'Süd "7" ドック'),
        text("empty", ""),
        text("my key", "a name with a space"),
        text("größe", "27″"),
        text(LONG_NAME, "a name of 1,024 octets"),
    ),
)
"""What the maker put into every dock of a product."""

LENIENT: Final = replace(
    FACTORY, name="factory, unknown image: none", unknown_image=UnknownImage.NONE
)

UNIQUE: Final = Content(
    "with unique data",
    common=(
        Entry(Kind.CODE, APPLICATION_NAME, ROM_CODE),
        image("default", PNG),
        text("content_url", "https://content.example/"),
        text("dock_name", "a dock"),
    ),
    upd=(
        text("dock_name", "Dock 7"),
        text("enrolment_token", "k7-93-ax"),
        image("badge", BMP, PictureType.BMP),
    ),
)
"""The same, and what only this dock has."""

FIELD: Final = Content(
    "used in the field",
    common=(*UNIQUE.common, text("language", "en"), image("screen_2", PNG)),
    upd=(text("dock_name", "Dock 7"),),
    runtime=(
        text("access_token", "t-1"),
        text("dock_name", "Reception"),
        text("empty", ""),
        text("language", ""),
        image("default", BRAND),
    ),
)
"""What an application has learned lies in the runtime partition."""

EMPTY: Final = Content("nothing at all", common=(Entry(Kind.CODE, APPLICATION_NAME, ROM_CODE),))
"""Nothing but an application."""

ALL_THREE: Final = replace(
    FIELD,
    name="all three partitions",
    ephemeral=(
        text("language", "fr"),
        text("session", "s-9"),
        image("screen_2", BMP, PictureType.BMP),
    ),
)

WHO: Final = "from datastore import CodeStore\nreport([{!r}, CodeStore().info()['checksum']])\n"
"""An application that says which it is, and what `info` says."""

VERSION_1: Final = application(WHO.format("version 1"))
VERSION_2: Final = application(WHO.format("version 2"))

AS_MADE: Final = Content("as it was made", common=(VERSION_1, text("a", "1")))
UPGRADED: Final = replace(AS_MADE, name="upgraded in the field", runtime=(VERSION_2,))
BROKEN: Final = replace(
    AS_MADE,
    name="a broken upgrade",
    runtime=(Entry(Kind.CODE, APPLICATION_NAME, b"this is no Python\n"),),
)

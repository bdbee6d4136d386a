"""Group 8 on a dock: two files, read only, that say the same as group 64."""

from hashlib import sha256
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.dock.faults import OtherDock, WrongHardware
from station.protocol import datastore_group as store
from station.protocol import filesystem_group as files
from station.protocol.datastore_group import Identity
from station.protocol.filesystem_group import CRC32, SHA256, FileCode, HashProperties
from station.protocol.shape import OtherShape
from station.protocol.smp import Op, ReturnCode
from tests.unit.dock.images import image_of, make_plan
from tests.unit.dock.stock_dock import StockDock

ROM = "/rom/active"
IDENTITY = "/dock/identity"

PLAN = make_plan()
IMAGE = image_of(PLAN)
NEWER = make_plan(token="token-2", counter=2)


def group_code(code: FileCode) -> tuple[int, int, str]:
    return files.GROUP, code, ""


@pytest.fixture(scope="module")
def dock() -> StockDock:
    """One that runs an image; nothing here changes it."""
    dock = StockDock()
    dock.install_stock(PLAN)
    return dock


# -- who it is ---------------------------------------------------------------------------------


def test_the_identity_file_says_what_group_64_says(dock: StockDock) -> None:
    assert Identity.from_document(dock.file(IDENTITY)) == dock.ask(store.Identify())


def test_it_has_the_very_bytes_of_the_specification() -> None:
    """Written by hand from docs/SPEC.md: keys by length, then by their octets."""
    text = {
        "rev": "C",
        "label": "DK7F-00001",
        "level": "D0",
        "model": "DL-7450",
        "product": "DK-7F",
        "profile": "test-dock",
    }

    def item(key: str) -> bytes:
        value = text[key]
        return bytes([0x60 + len(key)]) + key.encode() + bytes([0x60 + len(value)]) + value.encode()

    expected = (
        b"\xac\x62id\x58\x20" + bytes(range(32))
        + item("rev")
        + b"\x63ver\x01"
        + b"\x64comp\x80"
        + b"\x64size\x1a\x00\x08\x3d\x60"
        + item("label")
        + item("level")
        + item("model")
        + b"\x66locked\xf4"
        + b"\x67counter\x00"
        + item("product")
        + item("profile")
    )  # fmt: skip

    assert StockDock().file(IDENTITY) == expected


def test_a_swapped_dock_and_wrong_hardware_show_in_it() -> None:
    wrong = Identity.from_document(StockDock(WrongHardware()).file(IDENTITY))
    assert wrong.model == "DL-0000"

    swapped = StockDock(OtherDock())
    before = Identity.from_document(swapped.file(IDENTITY)).dock_id
    swapped.restart()
    assert Identity.from_document(swapped.file(IDENTITY)).dock_id != before


@given(st.binary(max_size=40), st.integers(0, 160))
def test_an_identity_in_another_spelling_is_none(more: bytes, cut: int) -> None:
    whole = StockDock().file(IDENTITY)
    for octets in (whole[:cut] + more, whole + b"\0" + more, more):
        if octets != whole:
            with pytest.raises(OtherShape):
                Identity.from_document(octets)


@pytest.mark.parametrize(
    "octets",
    [
        b"\xbf" + bytes(3),
        b"\xa0",
        b"\x80",
        b"\xa1\x01\x02",
        bytes(3_000),
        b"\xa1\x62id\xf9\x7e\x00",
    ],
)
def test_what_is_no_identity_is_none(octets: bytes) -> None:
    with pytest.raises(OtherShape):
        Identity.from_document(octets)


# -- the image that runs -----------------------------------------------------------------------


def test_the_rom_file_is_the_image_that_runs(dock: StockDock) -> None:
    assert dock.file(ROM) == IMAGE
    assert dock.ask(files.Status(ROM)).size == len(IMAGE)


def test_it_is_read_from_the_cells_as_they_are() -> None:
    dock = StockDock()
    dock.install_stock(PLAN)

    dock.flash.disturb(dock.layout.slots[0].offset_bytes + 100_000, bit=3)

    found = dock.file(ROM)
    assert [at for at, octet in enumerate(found) if octet != IMAGE[at]] == [100_000]


def test_it_changes_when_another_image_runs_and_not_before() -> None:
    dock = StockDock()
    dock.install_stock(PLAN)
    dock.upload(image_of(NEWER))
    assert dock.file(ROM) == IMAGE

    dock.install_stock(NEWER, confirmed=False)

    assert dock.file(ROM) == image_of(NEWER)


def test_where_nothing_runs_there_is_no_such_file() -> None:
    dock = StockDock()
    missing = group_code(FileCode.FILE_NOT_FOUND)

    assert dock.code(files.Download(0, ROM)) == missing
    assert dock.code(files.Status(ROM)) == missing
    assert dock.code(files.Digest(ROM)) == missing
    dock.upload(IMAGE)
    assert dock.code(files.Download(0, ROM)) == missing


def test_a_dock_may_keep_it_to_itself() -> None:
    dock = StockDock(rom_file=False)
    dock.install_stock(PLAN)

    assert dock.code(files.Download(0, ROM)) == group_code(FileCode.FILE_NOT_FOUND)
    assert dock.file(IDENTITY)


# -- pieces ------------------------------------------------------------------------------------


@given(st.integers(0, len(IMAGE)))
def test_a_piece_from_anywhere_is_as_long_as_fits(dock: StockDock, offset: int) -> None:
    answer = dock.ask(files.Download(offset, ROM))

    assert answer.data == IMAGE[offset : offset + files.download_payload_max(4_092)]
    assert answer.size == (None if offset else len(IMAGE))


def test_behind_the_end_there_is_nothing(dock: StockDock) -> None:
    assert dock.ask(files.Download(len(IMAGE), ROM)).data == b""
    beyond = dock.code(files.Download(len(IMAGE) + 1, ROM))

    assert beyond == group_code(FileCode.FILE_OFFSET_LARGER_THAN_FILE)


NAMES = {
    "/": FileCode.FILE_IS_DIRECTORY,
    "/rom": FileCode.FILE_IS_DIRECTORY,
    "/dock/": FileCode.FILE_IS_DIRECTORY,
    "/rom/active/": FileCode.FILE_NOT_FOUND,
    "/rom/other": FileCode.FILE_NOT_FOUND,
    "/rom/../rom/active": FileCode.FILE_NOT_FOUND,
    "//rom/active": FileCode.FILE_NOT_FOUND,
    "/ROM/ACTIVE": FileCode.FILE_NOT_FOUND,
    "/etc/passwd": FileCode.FILE_NOT_FOUND,
    "/" + "x" * 254: FileCode.FILE_NOT_FOUND,
    "rom/active": FileCode.FILE_INVALID_NAME,
    "..": FileCode.FILE_INVALID_NAME,
    "%s%n": FileCode.FILE_INVALID_NAME,
    " ": FileCode.FILE_INVALID_NAME,
}


@pytest.mark.parametrize("name", NAMES)
def test_an_absurd_name_is_refused_by_name(dock: StockDock, name: str) -> None:
    code = group_code(NAMES[name])

    assert dock.code(files.Download(0, name)) == code
    assert dock.code(files.Status(name)) == code
    assert dock.code(files.Digest(name, SHA256)) == code


def test_no_file_is_taken(dock: StockDock) -> None:
    group, rc, _ = dock.code(_Upload(0, ROM))

    assert (group, rc) == (None, ReturnCode.NOT_SUPPORTED)
    assert dock.file(ROM) == IMAGE


class _Upload(files.Download):
    """As a client would write a file."""

    OP = Op.WRITE


# -- digests -----------------------------------------------------------------------------------


@given(st.integers(0, len(IMAGE) - 1), st.none() | st.integers(1, 2 * len(IMAGE)))
def test_a_digest_is_of_the_range_that_is_there(
    dock: StockDock, offset: int, size: int | None
) -> None:
    part = IMAGE[offset:] if size is None else IMAGE[offset : offset + size]

    hashed = dock.ask(files.Digest(ROM, SHA256, offset, size))
    summed = dock.ask(files.Digest(ROM, None, offset or None, size))

    assert hashed == files.DigestAnswer(SHA256, len(part), sha256(part).digest(), offset or None)
    assert summed == files.DigestAnswer(CRC32, len(part), crc32(part), offset or None)


def test_digests_nobody_can_make_are_refused(dock: StockDock) -> None:
    beyond = dock.code(files.Digest(ROM, SHA256, len(IMAGE)))
    unknown = dock.code(files.Digest(ROM, "md5"))
    of_nothing = dock.code(files.Digest(ROM, SHA256, 0, 0))

    assert beyond == group_code(FileCode.FILE_OFFSET_LARGER_THAN_FILE)
    assert unknown == group_code(FileCode.CHECKSUM_HASH_NOT_FOUND)
    assert of_nothing == (None, ReturnCode.INVALID, "")


def test_it_tells_which_digests_it_makes_and_closes_what_is_not_open(dock: StockDock) -> None:
    assert dock.ask(files.HashTypes()).types == {
        "crc32": HashProperties(0, 4),
        "sha256": HashProperties(1, 32),
    }
    dock.ask(files.Close())

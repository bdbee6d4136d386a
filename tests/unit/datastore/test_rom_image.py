import subprocess
import sys
from pathlib import Path
from struct import pack, pack_into

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.datastore.rom_image import (
    AREA_MAX_BYTES,
    FURTHER_SIGNATURES,
    Header,
    Protected,
    RomImage,
    Seal,
    padded_bytes,
)
from station.domain.errors import ImageRefused, OverBudget
from station.domain.identity import DockId
from station.domain.limits import BLOCK_BYTES, HEADER_BYTES
from station.domain.release import Version
from station.domain.trust import Algorithm, Usage
from tests.fakes.trust import FakeSigner, fake_signer
from tests.unit.datastore.made_images import STATION, Forgery, seal

IMAGE = Forgery().image()
PARSED = RomImage.parse(memoryview(IMAGE))
SEAL_AT = PARSED.signed.size_bytes

SIGNERS = [fake_signer(Usage.STATION, algorithm=algorithm) for algorithm in Algorithm]


def imgtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "imgtool.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize("signer", SIGNERS, ids=list(Algorithm))
def test_imgtool_verifies_our_images(signer: FakeSigner, tmp_path: Path) -> None:
    image, key = tmp_path / "image.bin", tmp_path / "public.pem"
    image.write_bytes(Forgery(station=signer).image())
    key.write_bytes(signer.public_pem)

    verified = imgtool("verify", "-k", key, image)

    assert verified.returncode == 0, verified.stdout
    assert "Image was correctly validated" in verified.stdout
    assert "Image version: 1.2.3+0" in verified.stdout


@pytest.mark.parametrize("signer", SIGNERS, ids=list(Algorithm))
def test_imgtool_refuses_a_flipped_byte(signer: FakeSigner, tmp_path: Path) -> None:
    image, key = tmp_path / "image.bin", tmp_path / "public.pem"
    damaged = bytearray(Forgery(station=signer).image())
    damaged[HEADER_BYTES + 3000] ^= 1
    image.write_bytes(damaged)
    key.write_bytes(signer.public_pem)

    assert imgtool("verify", "-k", key, image).returncode != 0


def test_an_image_is_taken_apart_into_what_it_was_put_together_from() -> None:
    again = (
        PARSED.header.encode()
        + bytes(PARSED.payload)
        + PARSED.protected.encode()
        + PARSED.seal.encode()
    )

    assert again == IMAGE
    assert bytes(PARSED.signed) == IMAGE[:SEAL_AT]
    assert PARSED.seal_area == IMAGE[SEAL_AT:]


@given(
    st.tuples(st.integers(0, 255), st.integers(0, 255), st.integers(0, 65_535)),
    st.integers(0, 2**32 - 1),
    st.integers(0, 65_535),
)
def test_a_header_is_read_as_written(
    version: tuple[int, int, int], payload: int, protected: int
) -> None:
    header = Header(Version(*version), payload, protected)

    assert len(header.encode()) == HEADER_BYTES
    assert Header.decode(memoryview(header.encode())) == header


def test_no_octet_of_a_header_is_free() -> None:
    """Each means something, or has the one value it must have."""
    free = set()
    for at in range(HEADER_BYTES):
        header = bytearray(PARSED.header.encode())
        header[at] ^= 0x80
        try:
            assert Header.decode(memoryview(header)) != PARSED.header
            free.add(at)
        except ImageRefused:
            pass

    assert free == {*range(10, 16), *range(20, 24)}  # sizes and version


@pytest.mark.parametrize(
    ("common", "padded"),
    [(1, BLOCK_BYTES), (BLOCK_BYTES, BLOCK_BYTES), (BLOCK_BYTES + 1, 2 * BLOCK_BYTES)],
)
def test_the_common_volume_is_padded_to_whole_blocks(common: int, padded: int) -> None:
    assert padded_bytes(common) == padded


def test_an_image_cut_anywhere_is_refused() -> None:
    for size in range(len(IMAGE)):
        with pytest.raises(ImageRefused):
            RomImage.parse(memoryview(IMAGE)[:size])


def test_nothing_may_follow_an_image() -> None:
    with pytest.raises(ImageRefused, match="another end"):
        RomImage.parse(memoryview(IMAGE + b"\0"))


# -- areas ---------------------------------------------------------------------------------------


def area(magic: int, *tlvs: tuple[int, bytes]) -> memoryview:
    body = b"".join(pack("<HH", tag, len(value)) + value for tag, value in tlvs)
    return memoryview(pack("<HH", magic, 4 + len(body)) + body)


PROTECTED_TLVS = [
    (0x50, pack("<I", 7)),
    (0xA0, bytes(32)),
    (0xA1, b"DL-7450"),
    (0xA2, bytes(64)),
    (0xA3, b"{}"),
    (0xA4, b"release"),
    (0xA5, b"station"),
]
SEAL_TLVS = [(0x10, bytes(32)), (0x01, bytes(32)), (0x24, bytes(64))]


def test_the_areas_are_spelled_as_the_specification_says() -> None:
    protected = Protected(
        7, DockId(bytes(32)), "DL-7450", (bytes(32),) * 2, b"{}", b"release", b"station"
    )
    sealed = Seal(bytes(32), bytes(32), Algorithm.ED25519, bytes(64))

    assert protected.encode() == area(0x6908, *PROTECTED_TLVS)
    assert Protected.decode(area(0x6908, *PROTECTED_TLVS)) == protected
    assert sealed.encode() == area(0x6907, *SEAL_TLVS)
    assert Seal.decode(area(0x6907, *SEAL_TLVS)) == sealed


@pytest.mark.parametrize("index", range(len(PROTECTED_TLVS)))
def test_every_protected_tlv_stands_once_and_in_its_place(index: int) -> None:
    one = PROTECTED_TLVS[index]
    others = PROTECTED_TLVS[:index] + PROTECTED_TLVS[index + 1 :]
    changed = [
        others,
        [*PROTECTED_TLVS, one],
        [one, *PROTECTED_TLVS],
        [*others, one] if index < 6 else [one, *others],
        [*PROTECTED_TLVS[:index], (0xA6, b""), *PROTECTED_TLVS[index:]],
    ]

    for tlvs in changed:
        with pytest.raises(ImageRefused, match="other TLVs"):
            Protected.decode(area(0x6908, *tlvs))


@pytest.mark.parametrize(
    ("tag", "value"),
    [(0x50, bytes(3)), (0xA0, bytes(31)), (0xA1, b"\xff"), (0xA2, bytes(33))],
)
def test_a_protected_tlv_has_the_right_length_and_content(tag: int, value: bytes) -> None:
    tlvs = [(each, value if each == tag else held) for each, held in PROTECTED_TLVS]

    with pytest.raises(ImageRefused):
        Protected.decode(area(0x6908, *tlvs))


@pytest.mark.parametrize(
    "tlvs",
    [
        SEAL_TLVS[:2],
        SEAL_TLVS[1:],
        SEAL_TLVS[::-1],
        [*SEAL_TLVS[:2], (0x20, bytes(256))],
        [(0x10, bytes(31)), *SEAL_TLVS[1:]],
        [SEAL_TLVS[0], (0x01, bytes(33)), SEAL_TLVS[2]],
        [*SEAL_TLVS, (0x24, bytes(64))],
        [*SEAL_TLVS, (0xAF, b"")],
        [*SEAL_TLVS, (0xC0, b"")],
        [*SEAL_TLVS, (0xB0, b""), (0xB0, b"")],
        [*SEAL_TLVS, (0xB1, b""), (0xB0, b"")],
    ],
)
def test_the_area_of_signatures_has_nothing_else(tlvs: list[tuple[int, bytes]]) -> None:
    with pytest.raises(ImageRefused):
        Seal.decode(area(0x6907, *tlvs))


def test_further_signatures_are_skipped_and_imgtool_skips_them_too(tmp_path: Path) -> None:
    first = seal(IMAGE[:SEAL_AT])
    further = pack("<HH", FURTHER_SIGNATURES[0], 3309) + bytes(3309)
    sealed = bytearray(first + further)
    pack_into("<H", sealed, 2, len(sealed))
    image, key = tmp_path / "image.bin", tmp_path / "public.pem"
    image.write_bytes(IMAGE[:SEAL_AT] + sealed)
    key.write_bytes(STATION.public_pem)

    assert Seal.decode(memoryview(sealed)) == PARSED.seal
    assert imgtool("verify", "-k", key, image).returncode == 0


def test_an_area_ends_where_its_last_tlv_ends() -> None:
    longer = pack("<HH", 0x6907, 9) + pack("<HH", 0xB0, 2) + b"x"
    cut = pack("<HH", 0x6907, 6) + b"xx"

    with pytest.raises(ImageRefused, match="leads outside"):
        Seal.decode(memoryview(longer))
    with pytest.raises(ImageRefused, match="cut short"):
        Seal.decode(memoryview(cut))
    with pytest.raises(ImageRefused, match="begin"):
        Seal.decode(area(0x6908, *SEAL_TLVS))


def test_an_area_has_16_bits_of_length() -> None:
    rest = AREA_MAX_BYTES - len(area(0, *PROTECTED_TLVS)) + len("station")
    fields = (7, DockId(bytes(32)), "DL-7450", (bytes(32),) * 2, b"{}", b"release")

    assert len(Protected(*fields, bytes(rest)).encode()) == AREA_MAX_BYTES
    with pytest.raises(OverBudget, match="65,536 bytes"):
        Protected(*fields, bytes(rest + 1)).encode()

"""The sealed bundle file: one spelling, read by any tar program, every other byte refused."""

import io
import shutil
import subprocess
import tarfile
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.adapters.files.bundle_archive import (
    BLOCK_BYTES,
    MEMBERS,
    member_header,
    parse_bundle,
    read_bundle,
    write_bundle,
)
from station.domain.errors import BundleRefused, FileExists, FileUnreadable

CONTENTS = (b'{"payload":""}', b"\x30\x82" + bytes(300), b"{}", bytes(range(256)) * 9)

GOLDEN_HEADER = (
    b"common.cdb" + bytes(90)  # name, 100 octets (POSIX.1-2017 pax, "ustar Interchange Format")
    + b"0000644\x00"  # mode
    + b"0000000\x00" + b"0000000\x00"  # uid, gid
    + b"00000004400\x00"  # size: 2304 octets
    + b"00000000000\x00"  # mtime
    + b"011145\x00 "  # chksum: sum of all octets, this field counted as spaces
    + b"0"  # typeflag: regular file
    + bytes(100)  # linkname
    + b"ustar\x00" + b"00"  # magic, version
    + bytes(32) + bytes(32)  # uname, gname
    + b"0000000\x00" + b"0000000\x00"  # devmajor, devminor
    + bytes(155) + bytes(12)  # prefix, padding
)  # fmt: skip


def made(folder: Path, contents: tuple[bytes, ...] = CONTENTS) -> bytes:
    envelope, certificate, manifest, common = contents
    write_bundle(
        folder / "a.bundle",
        release_envelope=envelope,
        certificate=certificate,
        manifest=manifest,
        common=common,
        overwrite=True,
    )
    return (folder / "a.bundle").read_bytes()


def test_the_header_is_as_specified() -> None:
    assert len(GOLDEN_HEADER) == BLOCK_BYTES
    assert member_header("common.cdb", 2304) == GOLDEN_HEADER


def test_what_is_written_is_read(tmp_path: Path) -> None:
    data = made(tmp_path)
    sealed = read_bundle(tmp_path / "a.bundle")

    found = (sealed.release_envelope, sealed.certificate, sealed.manifest, bytes(sealed.common))
    assert found == CONTENTS
    assert sealed.common.readonly
    assert sealed.sha256 == sha256(data).digest()
    assert sealed.size_bytes == len(data)


def test_writing_tells_the_digest_and_is_deterministic(tmp_path: Path) -> None:
    envelope, certificate, manifest, common = CONTENTS
    digests = {
        write_bundle(
            tmp_path / name,
            release_envelope=envelope,
            certificate=certificate,
            manifest=manifest,
            common=memoryview(common),
        )
        for name in ("a.bundle", "b.bundle")
    }

    assert digests == {sha256((tmp_path / "a.bundle").read_bytes()).digest()}
    assert (tmp_path / "a.bundle").read_bytes() == (tmp_path / "b.bundle").read_bytes()
    with pytest.raises(FileExists):
        write_bundle(
            tmp_path / "a.bundle",
            release_envelope=b"",
            certificate=b"",
            manifest=b"",
            common=b"",
        )


def test_other_programs_read_it(tmp_path: Path) -> None:
    data = made(tmp_path)
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        members = archive.getmembers()
        contents = [archive.extractfile(one).read() for one in members]  # type: ignore[union-attr]

    assert [one.name for one in members] == [name for name, _ in MEMBERS]
    assert tuple(contents) == CONTENTS
    if (tar := shutil.which("tar")) is not None:
        listing = subprocess.run(
            [tar, "-tf", tmp_path / "a.bundle"], capture_output=True, text=True, check=True
        )
        assert listing.stdout.split() == [name for name, _ in MEMBERS]
        assert listing.stderr == ""


def test_it_is_what_tar_itself_writes(tmp_path: Path) -> None:
    tar = shutil.which("tar")
    assert tar is not None
    assert b"GNU" in subprocess.check_output([tar, "--version"])
    ours = made(tmp_path)
    for (name, _), content in zip(MEMBERS, CONTENTS, strict=True):
        (tmp_path / name).write_bytes(content)
    fixed = [
        "--format=ustar",
        "--mtime=@0",
        "--owner=0",
        "--group=0",
        "--numeric-owner",
        "--mode=0644",
    ]
    theirs = subprocess.check_output(
        [tar, *fixed, "--blocking-factor=1", "-cf", "-", *(name for name, _ in MEMBERS)],
        cwd=tmp_path,
    )

    assert theirs == ours


def test_later_changes_of_the_file_reach_nobody(tmp_path: Path) -> None:
    data = made(tmp_path)
    sealed = read_bundle(tmp_path / "a.bundle")
    with (tmp_path / "a.bundle").open("r+b") as file:
        file.write(bytes(len(data)))

    assert bytes(sealed.common) == CONTENTS[3]


def test_every_changed_byte_outside_the_contents_is_refused(tmp_path: Path) -> None:
    data = made(tmp_path)
    contents = set()
    at = 0
    for content in CONTENTS:
        at += BLOCK_BYTES
        contents |= set(range(at, at + len(content)))
        at += len(content) + -len(content) % BLOCK_BYTES

    for place in set(range(len(data))) - contents:
        changed = bytearray(data)
        changed[place] ^= 0x10
        with pytest.raises(BundleRefused):
            parse_bundle(bytes(changed), name="b")


def test_every_cut_is_refused(tmp_path: Path) -> None:
    data = made(tmp_path)
    for cut in range(0, len(data), 7):
        with pytest.raises(BundleRefused):
            parse_bundle(data[:cut], name="b")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda data: b"", "no proper release.dsse.json at byte 0"),
        (lambda data: data + b"\0", "does not end as a bundle does"),
        (lambda data: data + data, "does not end as a bundle does"),
        (lambda data: data[:-512], "does not end as a bundle does"),
        (lambda data: data + bytes(512), "does not end as a bundle does"),
        (lambda data: data[1024:], "no proper release.dsse.json at byte 0"),
    ],
)
def test_anything_more_or_less_is_refused(tmp_path: Path, change: object, why: str) -> None:
    assert callable(change)
    with pytest.raises(BundleRefused, match=why):
        parse_bundle(change(made(tmp_path)), name="b")


def test_a_lying_size_is_refused_before_it_is_believed(tmp_path: Path) -> None:
    huge = member_header("release.dsse.json", 8**11 - 1)
    with pytest.raises(BundleRefused, match=r"release\.dsse\.json has 8,589,934,591 bytes"):
        parse_bundle(huge, name="b")
    with pytest.raises(BundleRefused, match=r"cut short in release\.dsse\.json"):
        parse_bundle(member_header("release.dsse.json", 1000) + bytes(999), name="b")


def test_limits_are_exact() -> None:
    (name, limit), *_ = MEMBERS
    for size, why in ((limit, "cut short"), (limit + 1, "at most")):
        with pytest.raises(BundleRefused, match=why):
            parse_bundle(member_header(name, size), name="b")


def test_members_beyond_their_limit_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"release\.cer has 65537 bytes; at most 65536"):
        made(tmp_path, (b"", bytes(65_537), b"", b""))
    assert list(tmp_path.iterdir()) == []


def test_a_file_larger_than_any_bundle_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.bundle").open("wb") as file:
        file.truncate(1 << 40)

    with pytest.raises(BundleRefused, match="1,099,511,627,776 bytes"):
        read_bundle(tmp_path / "a.bundle")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match="no such file"):
        read_bundle(tmp_path / "none.bundle")


@given(st.tuples(*[st.binary(max_size=1500)] * 4))
def test_any_contents_come_back(
    tmp_path_factory: pytest.TempPathFactory, contents: tuple[bytes, ...]
) -> None:
    sealed = parse_bundle(made(tmp_path_factory.mktemp("b"), contents), name="b")

    assert bytes(sealed.common) == contents[3]


@given(st.binary(max_size=3000))
def test_any_bytes_are_refused_by_name(data: bytes) -> None:
    with pytest.raises(BundleRefused):
        parse_bundle(data, name="b")

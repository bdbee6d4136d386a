"""Pictures as files: where they lie, what becomes of damage, and what a full disk does to them."""

import os
import shutil
from collections import namedtuple
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from station.adapters.files.pictures import FOLDERS, PICTURE_BYTES_MAX, FilePictures
from station.domain.errors import RecordNotDurable

PICTURE = b"\x89PNG of a splash"
DIGEST = sha256(PICTURE).digest()
NAME = DIGEST.hex()

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "pictures"


def files(folder: Path) -> list[str]:
    return sorted(str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file())


def test_a_picture_is_a_private_file_named_by_its_digest(folder: Path) -> None:
    FilePictures(folder).keep(PICTURE)
    kept = folder / NAME[:2] / f"{NAME[2:]}.png"

    assert kept.read_bytes() == PICTURE
    assert (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_the_same_picture_is_there_once_and_not_written_again(folder: Path) -> None:
    kept = FilePictures(folder)
    kept.keep(PICTURE)
    (name,) = files(folder)
    written = (folder / name).stat().st_ino
    kept.keep(PICTURE)

    assert files(folder) == [name]
    assert (folder / name).stat().st_ino == written


def test_a_damaged_file_counts_as_missing_and_is_made_whole_again(folder: Path) -> None:
    kept = FilePictures(folder)
    kept.keep(PICTURE)
    (folder / files(folder)[0]).write_bytes(PICTURE[:-1])

    assert kept.find(DIGEST) is None
    kept.keep(PICTURE)
    assert kept.find(DIGEST) == PICTURE


def test_what_is_no_file_or_no_picture_counts_as_missing(folder: Path) -> None:
    kept = FilePictures(folder)
    place = folder / NAME[:2] / f"{NAME[2:]}.png"
    place.mkdir(parents=True)
    assert kept.find(DIGEST) is None
    place.rmdir()
    with place.open("wb") as file:
        file.truncate(PICTURE_BYTES_MAX + 1)

    assert kept.find(DIGEST) is None


@pytest.mark.parametrize(("spare", "kept"), [(0, True), (1, False)])
def test_where_room_is_short_no_picture_takes_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, spare: int, kept: bool
) -> None:
    free = 1_000 + len(PICTURE)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(2 * free, free, free))
    pictures = FilePictures(folder, spare_bytes=1_000 + spare)
    pictures.keep(PICTURE)

    assert (pictures.find(DIGEST) is not None) == kept


def test_a_picture_that_is_there_already_needs_no_room(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FilePictures(folder).keep(PICTURE)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(1, 1, 0))
    FilePictures(folder).keep(PICTURE)

    assert FilePictures(folder).find(DIGEST) == PICTURE


def of_one_folder(count: int) -> list[bytes]:
    """Pictures of equal size whose digests begin with the same octet."""
    found = (b"picture %08d" % number for number in range(1_000_000))
    alike = (one for one in found if sha256(one).digest()[0] == 0)
    return [next(alike) for _ in range(count)]


def aged(folder: Path, picture: bytes, at_s: int) -> None:
    """Let a picture have been kept at this moment."""
    name = sha256(picture).hexdigest()
    os.utime(folder / name[:2] / f"{name[2:]}.png", (at_s, at_s))


def test_the_newest_pictures_are_kept_within_the_share_of_their_folder(folder: Path) -> None:
    first, second, third, fourth = of_one_folder(4)
    kept = FilePictures(folder, kept_bytes=FOLDERS * 3 * len(first), spare_bytes=0)
    for age, picture in enumerate((first, second, third)):
        kept.keep(picture)
        aged(folder, picture, 1_000 + age)
    assert all(map(found_in(kept), (first, second, third)))
    kept.keep(first)  # seen again: the second is the oldest now
    kept.keep(fourth)

    assert list(map(found_in(kept), (first, second, third, fourth))) == [True, False, True, True]


def test_a_picture_beyond_the_share_of_its_folder_takes_it_alone(folder: Path) -> None:
    first, second = of_one_folder(2)
    kept = FilePictures(folder, kept_bytes=FOLDERS * (len(first) + 1), spare_bytes=0)
    kept.keep(first)
    kept.keep(second)

    assert list(map(found_in(kept), (first, second))) == [False, True]


def test_what_is_no_picture_of_ours_is_not_removed(folder: Path) -> None:
    (picture,) = of_one_folder(1)
    (folder / "00").mkdir(parents=True)
    for name in ("notes.txt", f"{'0' * 61}.png", f"{'0' * 62}.png.bak"):
        (folder / "00" / name).write_bytes(bytes(100))
    FilePictures(folder, kept_bytes=FOLDERS, spare_bytes=0).keep(picture)

    assert len(files(folder)) == 4


def found_in(pictures: FilePictures) -> Callable[[bytes], bool]:
    return lambda picture: pictures.find(sha256(picture).digest()) is not None


def test_a_folder_that_cannot_be_made_is_the_stations_trouble(folder: Path) -> None:
    folder.write_bytes(b"")

    with pytest.raises(RecordNotDurable, match="pictures"):
        FilePictures(folder).keep(PICTURE)


def test_a_disk_that_does_not_answer_is_the_stations_trouble(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path) -> Usage:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(shutil, "disk_usage", fail)

    with pytest.raises(RecordNotDurable, match="Input/output error"):
        FilePictures(folder).keep(PICTURE)

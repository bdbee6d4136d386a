"""Files are written whole or not at all."""

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from station.adapters.files.atomic import PRIVATE_MODE, write_file
from station.domain.errors import FileExists, FileUnreadable, RecordNotDurable, StationError


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def test_a_file_holds_its_chunks_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_file(tmp_path / "a", [b"one", memoryview(b"two"), b""])

    assert (tmp_path / "a").read_bytes() == b"onetwo"
    assert names(tmp_path) == ["a"]


def test_the_mode_is_what_was_asked_for(tmp_path: Path) -> None:
    write_file(tmp_path / "a", [b"x"])
    write_file(tmp_path / "b", [b"x"], mode=PRIVATE_MODE)

    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o644
    assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o600


def test_nothing_is_overwritten_unless_asked(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")

    with pytest.raises(FileExists, match="a: exists already"):
        write_file(tmp_path / "a", [b"new"])
    assert (tmp_path / "a").read_bytes() == b"old"
    write_file(tmp_path / "a", [b"new"], overwrite=True)
    assert (tmp_path / "a").read_bytes() == b"new"
    assert names(tmp_path) == ["a"]


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"ours"
        (tmp_path / "a").write_bytes(b"theirs")

    with pytest.raises(FileExists):
        write_file(tmp_path / "a", chunks())
    assert (tmp_path / "a").read_bytes() == b"theirs"
    assert names(tmp_path) == ["a"]


def test_a_dangling_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(FileExists):
        write_file(tmp_path / "a", [b"x"])
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("number", "error", "cause"),
    [
        (errno.ENOSPC, RecordNotDurable, "a: no space left on the disk"),
        (errno.EDQUOT, RecordNotDurable, "a: the disk quota is used up"),
        (errno.EROFS, RecordNotDurable, "a: the disk is read-only"),
        (errno.EIO, RecordNotDurable, "a: the disk failed"),
        (errno.EACCES, FileUnreadable, "a: cannot be written: permission denied"),
    ],
)
@pytest.mark.parametrize("call", ["fsync", "fchmod", "replace"])
def test_a_failing_disk_changes_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    number: int,
    error: type[StationError],
    cause: str,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    (tmp_path / "a").write_bytes(b"old")
    monkeypatch.setattr(os, call, fail)

    with pytest.raises(error, match=cause):
        write_file(tmp_path / "a", [b"new"], overwrite=True)
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"x"
        os.write(os.open("/dev/full", os.O_WRONLY), b"x")

    with pytest.raises(RecordNotDurable, match="no space left"):
        write_file(tmp_path / "a", chunks())
    assert names(tmp_path) == []


def test_a_file_system_without_links_still_does_not_overwrite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", no_links)
    write_file(tmp_path / "a", [b"x"])
    with pytest.raises(FileExists):
        write_file(tmp_path / "a", [b"y"])

    assert (tmp_path / "a").read_bytes() == b"x"
    assert names(tmp_path) == ["a"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match="none/a: cannot be written: no such file"):
        write_file(tmp_path / "none/a", [b"x"])
    with pytest.raises(FileUnreadable, match="a folder, where a file is to be written"):
        write_file(tmp_path, [b"x"], overwrite=True)


def test_an_exception_of_the_caller_passes_and_leaves_nothing(tmp_path: Path) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"x"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_file(tmp_path / "a", chunks())
    assert names(tmp_path) == []

"""Writes a file whole or not at all: a name exists only when its content is complete and durable.

Temporary file in the same folder, fsync, rename, fsync of the folder (docs/SPEC.md, "Durability").
"""

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from station.domain.errors import FileExists, FileUnreadable, RecordNotDurable, StationError

PUBLIC_MODE: Final = 0o644
PRIVATE_MODE: Final = 0o600

_DISK_TROUBLES: Final = {
    errno.ENOSPC: ("no space left on the disk", "Free space on this disk, then try again."),
    errno.EDQUOT: ("the disk quota is used up", "Free space on this disk, then try again."),
    errno.EFBIG: ("the file is too large for this disk", "Use another disk."),
    errno.EROFS: ("the disk is read-only", "Use another folder, or make the disk writable."),
    errno.EIO: ("the disk failed", "Do not use this disk; call line IT."),
}
_NO_LINKS: Final = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})


def write_file(
    path: Path,
    chunks: Iterable[bytes | memoryview],
    *,
    overwrite: bool = False,
    mode: int = PUBLIC_MODE,
) -> None:
    """Make `path` hold `chunks`, one after the other; on any failure it is as it was before.

    Raises FileExists where `path` exists and `overwrite` was not asked for, FileUnreadable where
    the folder cannot be used, RecordNotDurable where the disk is full, read-only or failing.
    """
    if not overwrite and os.path.lexists(path):
        raise FileExists(f"{path}: exists already")
    if path.is_dir():
        raise FileUnreadable(f"{path}: a folder, where a file is to be written")
    try:
        handle, name = tempfile.mkstemp(prefix=".station-", suffix=".tmp", dir=path.parent)
    except OSError as error:
        raise _refused(path, error) from error
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            if os.name == "posix":
                os.fchmod(handle, mode)
            os.fsync(handle)
        _give_name(temporary, path, overwrite=overwrite)
        _sync_folder(path.parent)
    except OSError as error:
        raise _refused(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def make_folder(path: Path, *, mode: int = 0o777) -> None:
    """Make a folder and those above it, if they are not there. Raises FileUnreadable."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=mode)
    except OSError as error:
        raise FileUnreadable(f"{path}: {error.strerror}") from error


def _give_name(temporary: Path, path: Path, *, overwrite: bool) -> None:
    if not overwrite:
        try:
            # A link never replaces anything, so two writers cannot both believe they were first.
            path.hardlink_to(temporary)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if os.path.lexists(path):
                raise FileExists(f"{path}: exists already") from error
        else:
            return
    temporary.replace(path)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return  # Windows makes a rename durable with the file
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _refused(path: Path, error: OSError) -> StationError:
    if error.errno == errno.EEXIST:
        return FileExists(f"{path}: exists already")
    if error.errno in _DISK_TROUBLES:
        cause, remedy = _DISK_TROUBLES[error.errno]
        return RecordNotDurable(f"{path}: {cause}", remedy=remedy)
    return FileUnreadable(
        f"{path}: cannot be written: {(error.strerror or 'unknown trouble').lower()}",
        remedy="Check the folder and its permissions.",
    )

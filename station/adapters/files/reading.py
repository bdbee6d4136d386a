"""Reads files that people name: regular files only, whole, bounded, never by guessing an encoding.

Refuses devices, pipes and folders before they can block, and says which line breaks UTF-8.
"""

import errno
import os
import stat
from pathlib import Path
from typing import Final

from station.domain.errors import DocumentRefused, FileUnreadable, OverBudget

_BOM: Final = "\ufeff"

_NO_WAIT: Final = getattr(os, "O_NONBLOCK", 0)
_BINARY: Final = getattr(os, "O_BINARY", 0)

_REASONS: Final = {
    errno.ENOENT: "no such file",
    errno.ENOTDIR: "no such file: a part of the path is not a folder",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.ENAMETOOLONG: "the name is too long",
    errno.ELOOP: "the links go round in a circle",
    errno.ENXIO: "not a regular file",
}


def read_file(path: Path, *, limit_bytes: int) -> bytes:
    """The whole content of a regular file; links are followed.

    Raises FileUnreadable, or OverBudget where the file is larger than `limit_bytes`.
    """
    try:
        # Without O_NONBLOCK a named pipe would hold the caller until somebody writes into it.
        handle = os.open(path, os.O_RDONLY | _NO_WAIT | _BINARY)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    try:
        found = os.fstat(handle)
        if stat.S_ISDIR(found.st_mode):
            raise FileUnreadable(f"{path}: a folder, where a file is expected")
        if not stat.S_ISREG(found.st_mode):
            raise FileUnreadable(f"{path}: not a regular file")
        with os.fdopen(handle, "rb", closefd=False) as file:
            data = file.read(limit_bytes + 1)
    except OSError as error:
        raise _unreadable(path, error) from error
    finally:
        os.close(handle)
    if len(data) > limit_bytes:
        size_bytes = max(found.st_size, len(data))
        raise OverBudget(
            f"{path}: {size_bytes:,} bytes; at most {limit_bytes:,} are read",
            remedy="Check that this is the file you mean.",
        )
    return data


def read_text(path: Path, *, limit_bytes: int) -> str:
    """A UTF-8 document, without the byte order mark it may begin with (Y13).

    Raises FileUnreadable, or DocumentRefused where it is too large, not UTF-8 or holds NUL.
    """
    try:
        data = read_file(path, limit_bytes=limit_bytes)
    except OverBudget as error:
        raise DocumentRefused(error.cause, remedy="Split the document.") from error
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = len(data[data.rfind(b"\n", 0, error.start) + 1 : error.start].decode("utf-8")) + 1
        raise DocumentRefused(
            f"{path}:{line}:{column}: not UTF-8 (octet 0x{data[error.start]:02X})",
            remedy="Save the document as UTF-8.",
        ) from error
    if (at := text.find("\0")) >= 0:
        line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
        raise DocumentRefused(f"{path}:{line}:{column}: holds a NUL character")
    return text.removeprefix(_BOM)


def _unreadable(path: Path, error: OSError | ValueError) -> FileUnreadable:
    if not isinstance(error, OSError):  # a NUL character in the path
        return FileUnreadable(f"{str(path)!r}: not a path")
    reason = _REASONS.get(error.errno or 0) or (error.strerror or "cannot be read").lower()
    return FileUnreadable(f"{path}: {reason}")

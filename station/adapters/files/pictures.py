"""Pictures of splash screens in the state folder, each named by its SHA-256 and there once.

``pictures/ab/cdef….png``: the first octet of the digest is the folder. They illustrate what is
signed and logged elsewhere, and take a bounded part of the disk: the newest are kept. Files may be
moved away at any time.
Source: docs/SPEC.md, "Rehearsed first boot".
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from station.adapters.files.atomic import PRIVATE_MODE, make_folder, write_file
from station.adapters.files.reading import read_file
from station.domain.errors import FileUnreadable, OverBudget, RecordNotDurable

PICTURE_BYTES_MAX: Final = 16 * 1024 * 1024
"""Larger is no PNG of a splash: it is twice the bare pixels."""

KEPT_BYTES: Final = 8 * 1024 * 1024 * 1024
"""Of all pictures together: five thousand to eight thousand of the samples' (1.0 and 1.7 MB)."""

SPARE_BYTES: Final = 1024 * 1024 * 1024
"""Free space that is left alone: runs and their records need it more than pictures do."""

FOLDERS: Final = 256
"""Digests are spread evenly, so each folder may hold its share, and none has to know the others."""

_NAME: Final = re.compile(r"[0-9a-f]{62}\.png")


class FilePictures:
    """Implements `application.ports.Pictures`. folder: need not exist until something is kept."""

    def __init__(
        self, folder: Path, *, kept_bytes: int = KEPT_BYTES, spare_bytes: int = SPARE_BYTES
    ) -> None:
        self._folder = folder
        self._share_bytes = kept_bytes // FOLDERS
        self._spare_bytes = spare_bytes

    def keep(self, picture: bytes) -> None:
        """See `Pictures`. A file that no longer is what its name says is made whole again."""
        digest = sha256(picture).digest()
        path = self._path(digest)
        if self.find(digest) is not None:
            with suppress(OSError):
                os.utime(path)  # the newest again
            return
        try:
            make_folder(path.parent, mode=0o700)
            _make_room(path.parent, self._share_bytes - len(picture))
            if shutil.disk_usage(path.parent).free >= self._spare_bytes + len(picture):
                # Another lane may be keeping the same picture: whoever is last, it is this one.
                write_file(path, [picture], overwrite=True, mode=PRIVATE_MODE)
        except FileUnreadable as error:
            raise RecordNotDurable(error.cause, remedy=error.remedy) from error
        except OSError as error:
            raise RecordNotDurable(f"{self._folder}: {error.strerror}") from error

    def find(self, digest: bytes) -> bytes | None:
        """See `Pictures`."""
        try:
            picture = read_file(self._path(digest), limit_bytes=PICTURE_BYTES_MAX)
        except (FileUnreadable, OverBudget):
            return None
        return picture if sha256(picture).digest() == digest else None

    def _path(self, digest: bytes) -> Path:
        name = digest.hex()
        return self._folder / name[:2] / f"{name[2:]}.png"


@dataclass(frozen=True, slots=True, order=True)
class _Kept:
    """A file, the oldest first."""

    since_ns: int
    path: Path
    size_bytes: int


def _make_room(folder: Path, left_bytes: int) -> None:
    """Remove the oldest pictures until the others take no more than this. Raises OSError."""
    kept = sorted(_pictures_in(folder))
    used_bytes = sum(one.size_bytes for one in kept)
    for oldest in kept:
        if used_bytes <= left_bytes:
            return
        oldest.path.unlink(missing_ok=True)
        used_bytes -= oldest.size_bytes


def _pictures_in(folder: Path) -> Iterator[_Kept]:
    """Every picture, and nothing else that somebody may have put there."""
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # another lane makes room, too
            if _NAME.fullmatch(path.name):
                found = path.stat()
                yield _Kept(found.st_mtime_ns, path, found.st_size)

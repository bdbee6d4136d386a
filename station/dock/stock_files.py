"""The files of a dock: SMP group 8, read only.

Two of them: the image that runs, and who the dock is. So a dock can be identified and read back by
clients that know nothing of group 64. The directories they lie in are names, no more.

Source: docs/SPEC.md, "Group 8".
"""

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, Final
from zlib import crc32

from station.dock.stock_refusal import StockRefused
from station.protocol import filesystem_group as wire
from station.protocol.filesystem_group import CRC32, SHA256, FileCode
from station.protocol.shape import DoneByOthers, Request, Shape
from station.protocol.smp import ReturnCode

Content = Callable[[], bytes | memoryview | None]
"""Gives what a file holds now; None where there is no such file now."""

_TYPES: Final = {
    CRC32: wire.HashProperties(0, 4),
    SHA256: wire.HashProperties(1, 32),
}


class StockFiles:
    """files: what lies under which path. message_max: longest answer, header included."""

    def __init__(self, files: Mapping[str, Content], *, message_max: int) -> None:
        self._files = files
        self._data_max = wire.download_payload_max(message_max)

    def answer(self, request: Request[Any]) -> Shape:
        """The answer to a request of group 8. Raises StockRefused."""
        match request:
            case wire.Download():
                return self._download(request)
            case wire.Status(name):
                return wire.StatusAnswer(len(self._content(name)))
            case wire.Digest():
                return self._digest(request)
            case wire.HashTypes():
                return wire.HashTypesAnswer(dict(_TYPES))
            case wire.Close():
                return DoneByOthers()  # nothing is kept open between two requests
            case _:
                raise StockRefused(ReturnCode.NOT_SUPPORTED)

    def _download(self, request: wire.Download) -> wire.DownloadAnswer:
        content, start = self._content(request.name), request.offset
        if start > len(content):
            raise StockRefused(FileCode.FILE_OFFSET_LARGER_THAN_FILE)
        data = content[start : start + self._data_max]
        return wire.DownloadAnswer(start, data, None if start else len(content))

    def _digest(self, request: wire.Digest) -> wire.DigestAnswer:
        kind = request.type or CRC32
        if kind not in _TYPES:
            raise StockRefused(FileCode.CHECKSUM_HASH_NOT_FOUND)
        content, start = self._content(request.name), request.offset or 0
        if request.size == 0:
            raise StockRefused(ReturnCode.INVALID)
        if start >= len(content):
            raise StockRefused(FileCode.FILE_OFFSET_LARGER_THAN_FILE)
        part = content[start : None if request.size is None else start + request.size]
        output = crc32(part) if kind == CRC32 else sha256(part).digest()
        return wire.DigestAnswer(kind, len(part), output, start or None)

    def _content(self, name: str) -> bytes | memoryview:
        if not name.startswith("/"):
            raise StockRefused(FileCode.FILE_INVALID_NAME)
        content = self._files[name]() if name in self._files else None
        if content is not None:
            return content
        folder = name.rstrip("/") + "/"
        if any(path.startswith(folder) for path in self._files):
            raise StockRefused(FileCode.FILE_IS_DIRECTORY)
        raise StockRefused(FileCode.FILE_NOT_FOUND)

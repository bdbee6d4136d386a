"""A stock server in memory: it takes an image in order only, and gives files."""

from typing import Any, Final

from station.protocol import enumeration_group as enumeration
from station.protocol import filesystem_group as files
from station.protocol import image_group as images
from station.protocol import os_group
from station.protocol.server import ServerPort
from station.protocol.shape import Request
from tests.unit.protocol.memory_dock import MemoryDock

STOCK_REQUESTS: Final[list[type[Request[Any]]]] = [
    *os_group.REQUESTS,
    *images.REQUESTS,
    *files.REQUESTS,
    *enumeration.REQUESTS,
]


class StockMemoryDock(MemoryDock):
    """uploaded: what has come in order. keeps: it keeps multiples of so many bytes. content: of
    its only file, "/file", of which it gives `chunk` bytes at once.
    """

    def __init__(
        self,
        *,
        buf_size: int = 4_096,
        buf_count: int = 8,
        keeps: int = 1,
        content: bytes = b"",
        chunk: int = 200,
    ) -> None:
        super().__init__(0)
        self.port = ServerPort(STOCK_REQUESTS, buf_size=buf_size, buf_count=buf_count)
        self.uploaded = bytearray()
        self.size = 0
        self._digest: bytes | None = None
        self._keeps = keeps
        self._content = content
        self._chunk = chunk

    def converse(self, data: bytes) -> bytes:
        """What it answers to bytes from the line."""
        for call in self.port.receive(data):
            self.calls.append(call.request)
            match call.request:
                case images.Upload():
                    self._take(call.request)
                    self.port.answer(call, images.UploadAnswer(len(self.uploaded)))
                case files.Download(offset, "/file"):
                    part = self._content[offset : offset + self._chunk]
                    size = None if offset else len(self._content)
                    self.port.answer(call, files.DownloadAnswer(offset, part, size))
                case files.Download():
                    self.port.refuse(call, files.FileCode.FILE_NOT_FOUND, group=files.GROUP)
                case _:
                    self.port.refuse(call, 8)
        return self.port.to_send()

    def forget(self) -> None:
        """As a restart has it."""
        self.uploaded.clear()
        self.size, self._digest = 0, None

    def _take(self, part: images.Upload) -> None:
        if part.offset == 0 and (part.digest is None or part.digest != self._digest):
            self.uploaded.clear()
            self.size, self._digest = part.size or 0, part.digest
        if part.offset == len(self.uploaded):
            last = part.offset + len(part.data) >= self.size
            kept = len(part.data) if last else len(part.data) // self._keeps * self._keeps
            self.uploaded += part.data[:kept]

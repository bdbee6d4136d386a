"""Clients of SMP that nobody here wrote, unmodified, each behind the same few words.

`smpclient` through its API in three framings, `mcumgr-toolkit` through its Python module in two,
`smpmgr` as the program it is, in the one it speaks.
"""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from mcumgr_toolkit import MCUmgrClient
from smpclient import SMPClient
from smpclient.generics import success
from smpclient.requests.image_management import ImageStatesRead, ImageStatesWrite
from smpclient.requests.os_management import ResetWrite
from smpclient.transport import SMPTransport
from smpclient.transport.serial import Cobs, SMPSerialRawTransport, SMPSerialTransport

from tests.end_to_end.virtual_docks import VirtualDock, until


class Denied(Exception):
    """The dock said no; the text is the client's."""


@dataclass(frozen=True)
class Image:
    """As a client lists it. flags: a(ctive), p(ending), c(onfirmed)."""

    slot: int
    flags: str
    hash: bytes


class StockClient(Protocol):
    """What every client can do. Raises Denied."""

    def states(self) -> list[Image]:
        """The images it lists."""

    def upload(self, image: bytes) -> None:
        """Write an image."""

    def test(self, image_hash: bytes) -> None:
        """Let an image be tried at the next start."""

    def confirm(self) -> None:
        """Keep the running image."""

    def reset(self) -> None:
        """Restart the dock."""

    def download(self, name: str) -> bytes:
        """Read a file."""


@contextmanager
def restart_seen(dock: VirtualDock) -> Iterator[None]:
    """What happens inside makes the port go and come again, perhaps before the client has ended."""
    before = _plugged(dock.port)
    yield
    until(lambda: _plugged(dock.port) not in {None, before}, within_s=30.0)


def _plugged(port: Path) -> tuple[int, int] | None:
    """Which port is there; the link is made anew with each, though the pty may have the same name.
    None while there is none.
    """
    try:
        link = port.lstat()
    except FileNotFoundError:
        return None
    return link.st_ino, link.st_mtime_ns


def _image(found: Any) -> Image:
    flags = "a" * bool(found.active) + "p" * bool(found.pending) + "c" * bool(found.confirmed)
    return Image(found.slot, flags, bytes(found.hash))


class SmpClient:
    """`smpclient`, a connection for each word."""

    def __init__(self, port: Path, transport: Callable[[], SMPTransport]) -> None:
        self._port = str(port)
        self._transport = transport

    def states(self) -> list[Image]:
        """See `StockClient`."""
        return [_image(one) for one in self._ask(ImageStatesRead()).images]

    def upload(self, image: bytes) -> None:
        """See `StockClient`."""
        for _ in self.upload_offsets(image):
            pass

    def upload_offsets(self, image: bytes, *, parts: int | None = None) -> list[int]:
        """Offsets the dock answered, of the first `parts` parts, or of all."""

        async def work() -> list[int]:
            offsets: list[int] = []
            async with SMPClient(self._transport(), self._port, 5.0) as client:
                async for offset in client.upload(image):
                    offsets.append(offset)
                    if len(offsets) == parts:
                        break
            return offsets

        return asyncio.run(work())

    def test(self, image_hash: bytes) -> None:
        """See `StockClient`."""
        self._ask(ImageStatesWrite(hash=image_hash))

    def confirm(self) -> None:
        """See `StockClient`."""
        self._ask(ImageStatesWrite(confirm=True))

    def reset(self) -> None:
        """See `StockClient`."""
        self._ask(ResetWrite())

    def download(self, name: str) -> bytes:
        """See `StockClient`."""

        async def work() -> bytes:
            async with SMPClient(self._transport(), self._port, 5.0) as client:
                return await client.download_file(name)

        return asyncio.run(work())

    def _ask(self, request: Any) -> Any:
        async def work() -> Any:
            async with SMPClient(self._transport(), self._port, 5.0) as client:
                return await client.request(request)

        answer = asyncio.run(work())
        if not success(answer):
            raise Denied(repr(answer))
        return answer


class Toolkit:
    """`mcumgr-toolkit`, a connection for each word, with frames as long as the dock takes."""

    def __init__(self, port: Path, connect: Callable[[str], MCUmgrClient]) -> None:
        self._port = str(port)
        self._connect = connect

    def states(self) -> list[Image]:
        """See `StockClient`."""
        found = self.ask(lambda client: client.image_get_state())
        return list(map(_image, found))

    def upload(self, image: bytes) -> None:
        """See `StockClient`."""
        self.ask(lambda client: client.image_upload(image))

    def test(self, image_hash: bytes) -> None:
        """See `StockClient`."""
        self.ask(lambda client: client.image_set_state(image_hash))

    def confirm(self) -> None:
        """See `StockClient`."""
        self.ask(lambda client: client.image_set_state(None, True))

    def reset(self) -> None:
        """See `StockClient`."""
        self.ask(lambda client: client.os_system_reset())

    def download(self, name: str) -> bytes:
        """See `StockClient`."""
        return bytes(self.ask(lambda client: client.fs_file_download(name)))

    def ask(self, work: Callable[[MCUmgrClient], Any]) -> Any:
        """What `work` gives."""
        with self._connect(self._port) as client:
            client.use_auto_frame_size()
            try:
                return work(client)
            except RuntimeError as error:
                raise Denied(str(error)) from error


class Smpmgr:
    """`smpmgr`, the program, with its own settings."""

    _STATE: Final = re.compile(
        r"ImageState\(slot=(\d).*?hash=HashBytes\('([0-9A-F]{64})'\).*?"
        r"pending=(\w+), confirmed=(\w+), active=(\w+)"
    )

    def __init__(self, port: Path) -> None:
        self._port = port

    def states(self) -> list[Image]:
        """See `StockClient`."""
        return [
            Image(
                int(slot),
                "a" * (active == "True") + "p" * (pending == "True") + "c" * (confirmed == "True"),
                bytes.fromhex(hashed),
            )
            for slot, hashed, pending, confirmed, active in self._STATE.findall(
                self.run("image", "state-read")
            )
        ]

    def upload(self, image: bytes) -> None:
        """See `StockClient`."""
        file = self._port.parent / "upload.img"
        file.write_bytes(image)
        self.run("image", "upload", str(file))

    def test(self, image_hash: bytes) -> None:
        """See `StockClient`."""
        self.run("image", "state-write", image_hash.hex())

    def confirm(self) -> None:
        """See `StockClient`."""
        self.run("image", "state-write", "--confirm")

    def reset(self) -> None:
        """See `StockClient`."""
        self.run("os", "reset")

    def download(self, name: str) -> bytes:
        """See `StockClient`."""
        file = self._port.parent / "download.img"
        self.run("file", "download", name, str(file))
        return file.read_bytes()

    def run(self, *words: str) -> str:
        """What it prints."""
        program = Path(sys.executable).with_name("smpmgr")
        done = subprocess.run(
            [program, "--port", str(self._port), "--timeout", "10", *words],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, "COLUMNS": "500", "NO_COLOR": "1", "TERM": "dumb"},
        )
        if done.returncode or "Error" in done.stdout:
            raise Denied(done.stdout + done.stderr)
        return done.stdout


CLIENTS: Final[dict[str, Callable[[Path], StockClient]]] = {
    "smpclient-console": lambda port: SmpClient(port, SMPSerialTransport),
    "smpclient-cobs": lambda port: SmpClient(
        port, lambda: SMPSerialRawTransport(mtu=4_096, framing=Cobs())
    ),
    "smpclient-raw": lambda port: SmpClient(port, lambda: SMPSerialRawTransport(mtu=4_096)),
    "toolkit-console": lambda port: Toolkit(port, MCUmgrClient.serial),
    "toolkit-raw": lambda port: Toolkit(port, MCUmgrClient.raw_serial),
    "smpmgr-console": Smpmgr,
}
"""Client and framing. Only smpclient's API speaks COBS; smpmgr speaks nothing but the console's."""

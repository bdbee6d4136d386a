"""Other programs on the same kind of line: what they make of it.

Two SMP clients upload to a virtual dock, as they would to any server of the image group. ZMODEM,
which no dock speaks, is carried between two pseudo-terminals by the same limited line.
"""

import asyncio
import os
import select
import subprocess
import tempfile
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path
from time import monotonic
from typing import Final

from mcumgr_toolkit import MCUmgrClient
from smpclient import SMPClient
from smpclient.transport.serial import Cobs, SMPSerialRawTransport

from station.dock.life import Cable
from station.dock.line import Line
from station.protocol.server import BUFFER_BYTES
from tests.benchmarks.wire_docks import docks

READ_BYTES: Final = 65_536


def smpclient_bytes_per_s(image: bytes, cable: Cable) -> float:
    """Payload per second of smpclient's upload in COBS frames of the dock's buffer size."""

    async def upload(port: str) -> float:
        transport = SMPSerialRawTransport(BUFFER_BYTES, framing=Cobs())
        async with SMPClient(transport, port) as client:
            offsets = client.upload(image, first_timeout_s=20.0)
            first = await anext(offsets)  # whatever the server has to erase is behind it
            began_s = monotonic()
            async for _ in offsets:
                pass
            return (len(image) - first) / (monotonic() - began_s)

    with docks(1, rom_bytes=len(image), cable=cable) as one:
        return asyncio.run(upload(one.ports[0]))


def mcumgr_toolkit_bytes_per_s(
    image: bytes, cable: Cable, *, raw: bool, buffer_bytes: int = BUFFER_BYTES
) -> float:
    """The same of mcumgr-toolkit, in bare messages or in console lines, as large as the dock's
    buffers."""
    moments: list[tuple[float, int]] = []
    with docks(
        1,
        rom_bytes=len(image),
        cable=cable,
        buffer_bytes=buffer_bytes,
    ) as one:
        opened = MCUmgrClient.raw_serial if raw else MCUmgrClient.serial
        client = opened(one.ports[0], timeout_ms=20_000)
        client.use_auto_frame_size()
        client.image_upload(image, progress=lambda done, total: moments.append((monotonic(), done)))
    (began_s, first), (ended_s, last) = moments[1], moments[-1]
    return (last - first) / (ended_s - began_s)


def zmodem_bytes_per_s(image: bytes, cable: Cable) -> float:
    """The same of ``sz`` and ``rz``, from the start of the sender to its end."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-zmodem-") as folder,
        _terminals(cable) as (near, far),
    ):
        source = Path(folder) / "image"
        source.write_bytes(image)
        into = Path(folder) / "received"
        into.mkdir()
        with subprocess.Popen(
            ["rz", "--binary", "--quiet"],
            cwd=into,
            stdin=far,
            stdout=far,
            stderr=subprocess.DEVNULL,
        ) as receiver:
            began_s = monotonic()
            subprocess.run(
                ["sz", "--binary", "--quiet", source],
                stdin=near,
                stdout=near,
                stderr=subprocess.DEVNULL,
                check=True,
                timeout=120,
            )
            took_s = monotonic() - began_s
            receiver.terminate()  # it has closed the file, and may wait for the last good-bye
        if (into / "image").read_bytes() != image:
            raise RuntimeError("ZMODEM delivered something else")
        return len(image) / took_s


@contextmanager
def _terminals(cable: Cable) -> Iterator[tuple[int, int]]:
    """Descriptors of two terminals with a line between them, carried by a thread."""
    (near_end, near), (far_end, far) = os.openpty(), os.openpty()
    bell, ring = os.pipe()
    for terminal in (near, far):
        tty.setraw(terminal)
    for end in (near_end, far_end):
        os.set_blocking(end, False)
    carrier = threading.Thread(target=_carry, args=(near_end, far_end, bell, cable), name="line")
    carrier.start()
    try:
        yield near, far
    finally:
        os.write(ring, b".")
        carrier.join()
        for each in (near, far, near_end, far_end, bell, ring):
            os.close(each)


class _Way:
    """One direction: from one end, over a line, to the other."""

    def __init__(self, source: int, sink: int, line: Line) -> None:
        self.source, self.sink = source, sink
        self._line = line
        self._unsent = b""

    def takes(self, now_s: float) -> bool:
        return not self._unsent and self._line.takes_more_at_s() <= now_s

    def take(self) -> None:
        self._line.put(os.read(self.source, READ_BYTES), monotonic())

    def gives(self) -> bool:
        return bool(self._unsent)

    def give(self) -> None:
        self._unsent += self._line.get(monotonic())
        if self._unsent:
            try:
                self._unsent = self._unsent[os.write(self.sink, self._unsent) :]
            except BlockingIOError:
                return

    def wake_at_s(self, now_s: float) -> float:
        takes_at_s = self._line.takes_more_at_s()
        return min(self._line.next_at_s(), takes_at_s if takes_at_s > now_s else inf)


def _carry(near: int, far: int, bell: int, cable: Cable) -> None:
    ways = [
        _Way(source, sink, Line(bytes_per_s=cable.bytes_per_s, latency_s=cable.latency_s))
        for source, sink in ((near, far), (far, near))
    ]
    while True:
        now_s = monotonic()
        wake_at_s = min(way.wake_at_s(now_s) for way in ways)
        readable, _, _ = select.select(
            [bell, *(way.source for way in ways if way.takes(now_s))],
            [way.sink for way in ways if way.gives()],
            [],
            None if wake_at_s == inf else max(0.0, wake_at_s - now_s),
        )
        if bell in readable:
            return
        for way in ways:
            if way.source in readable:
                way.take()
            way.give()

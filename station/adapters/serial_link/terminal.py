"""A serial port of pyserial's that moves what there is, at the price of few system calls.

pyserial's own `read` waits for as many bytes as it is asked for. Who wants what has arrived must
ask how much that is, and where it is nothing wait for one byte, so that the rest takes another
turn; and its `write` waits for more room after the last byte. On a busy line that is a third of
all the work. It also waits with select(2), which takes no descriptor from 1,024 on.
"""

import os
import select
import time
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, Final

import serial

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_MS: Final = 1_000


class Terminal(serial.Serial):
    """Opened, set up and held as pyserial does it. Raises what pyserial raises, and OSError."""

    def read(self, size: int = 1, /) -> bytes:
        """What has arrived, at most `size` bytes; waits for the first, `timeout` seconds long."""
        if not self._ready(select.POLLIN, _seconds(self.timeout)):
            return b""
        try:
            data = os.read(self.fileno(), size)
        except BlockingIOError:
            return b""
        if not data:
            raise serial.SerialException("the device has gone")
        return data

    def write(self, b: "ReadableBuffer", /) -> int:
        """All of it, within `write_timeout` seconds. Raises SerialTimeoutException beyond."""
        left = memoryview(b).cast("B")
        size_bytes = len(left)
        give_up_s = time.monotonic() + _seconds(self.write_timeout)
        while True:
            with suppress(BlockingIOError):
                left = left[os.write(self.fileno(), left) :]
            if not left:
                return size_bytes
            if not self._ready(select.POLLOUT, give_up_s - time.monotonic()):
                raise serial.SerialTimeoutException("the port takes no more bytes")

    def _ready(self, event: int, wait_s: float) -> bool:
        """Whether it can be read or written, or has failed, within that time."""
        poll = select.poll()
        poll.register(self.fileno(), event)
        return bool(poll.poll(None if wait_s == inf else max(0.0, wait_s * _MS)))


def _seconds(timeout: float | None) -> float:
    """As long as it takes, where pyserial was given no time."""
    return inf if timeout is None else timeout

"""One direction of a serial line: how fast bytes travel, and when they arrive.

Sans-I/O: bytes and `now` in, bytes out. Times are monotonic seconds.
"""

from collections import deque
from math import inf
from typing import Final

PIECE_BYTES: Final = 1_024
"""Granularity of arrival on a limited line: finer than a frame, coarser than an interrupt."""

AHEAD_S: Final = 0.017
"""How far ahead of itself a limited line takes bytes: about what Linux holds for a USB serial
port (sixteen transfers of 1,280 bytes, drivers/usb/class/cdc-acm.c) at full speed. Such a line is
kept busy by hardware; on a busy machine a simulated one of less would lose rate by every late
wake-up."""


class Line:
    """bytes_per_s: None for no limit. latency_s: from a byte's end of sending to its arrival."""

    def __init__(self, *, bytes_per_s: float | None = None, latency_s: float = 0.0) -> None:
        self._bytes_per_s = bytes_per_s
        self._latency_s = latency_s
        self._free_at_s = -inf
        self._travelling: deque[tuple[float, bytes]] = deque()

    def takes_more_at_s(self) -> float:
        """From when on `put` may be called again; in the past for a line without limit."""
        return self._free_at_s - AHEAD_S

    def put(self, data: bytes, now_s: float) -> None:
        """Send; what the line cannot carry yet waits its turn."""
        if self._bytes_per_s is None:
            self._travelling.append((now_s + self._latency_s, data))
            return
        self._free_at_s = max(self._free_at_s, now_s)
        for start in range(0, len(data), PIECE_BYTES):
            piece = data[start : start + PIECE_BYTES]
            self._free_at_s += len(piece) / self._bytes_per_s
            self._travelling.append((self._free_at_s + self._latency_s, piece))

    def next_at_s(self) -> float:
        """When the next byte arrives; infinity when none is travelling."""
        return self._travelling[0][0] if self._travelling else inf

    def get(self, now_s: float) -> bytes:
        """Everything that has arrived by `now_s`."""
        if not self._travelling or self._travelling[0][0] > now_s:
            return b""
        _, arrived = self._travelling.popleft()
        if not self._travelling or self._travelling[0][0] > now_s:
            return arrived
        pieces = [arrived]
        while self._travelling and self._travelling[0][0] <= now_s:
            pieces.append(self._travelling.popleft()[1])
        return b"".join(pieces)

    def drop(self) -> None:
        """The cable is out: what was travelling is lost."""
        self._travelling.clear()
        self._free_at_s = -inf

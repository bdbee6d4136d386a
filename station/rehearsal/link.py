"""The child's end of the channel: says, asks and listens; ends with its parent."""

import gc
import math
import os
import select
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from station.rehearsal.channel import Frame, Frames, encode
from station.rehearsal.statements import Word

_READ_BYTES: Final = 1 << 20
_WAIT_MAX_MS: Final = 3_600_000
"""poll(2) takes no more than 31 bits; whoever waits longer asks again."""


class Link:
    """descriptor: of a connected stream socket, blocking, the only one this process has."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._frames = Frames(head_max=None, body_max=None)  # the parent is trusted
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)
        self._broken = False
        self.messages: deque[bytes] = deque()

    def say(self, *head: object, body: bytes | memoryview = b"") -> None:
        """Say something; returns once the link has taken it."""
        with _undisturbed():
            self._say(*head, body=body)

    def _say(self, *head: object, body: bytes | memoryview = b"") -> None:
        for piece in (encode(*head, body_bytes=len(body)), body):
            view = memoryview(piece)
            while view:
                try:
                    view = view[os.write(self._descriptor, view) :]
                except OSError:
                    os._exit(1)  # nobody is there any more

    def ask(self, *head: object) -> Frame:
        """The parent's answer. Raises MemoryError where there is no room for it, ever after."""
        if self._broken:
            raise MemoryError
        with _undisturbed():
            self._say(*head)
            try:
                while (frame := self._next()).head[0] != Word.ANSWER:
                    self.messages.append(frame.body)
            except MemoryError:
                self._broken = True  # part of the answer is lost: where the next begins, too
                raise
            return frame

    def briefing(self) -> Frame:
        """What the parent says first."""
        return self._next()

    def listen(self, timeout_ms: float | None) -> None:
        """Take in messages; wait for the first of them at most this long, None for ever."""
        wait_ms = None if timeout_ms is None else min(math.ceil(timeout_ms), _WAIT_MAX_MS)
        with _undisturbed():
            while self._poll.poll(wait_ms):
                self._read()
                while (frame := self._frames.take()) is not None:
                    self.messages.append(frame.body)
                    wait_ms = 0

    def _next(self) -> Frame:
        while (frame := self._frames.take()) is None:
            self._read()
        return frame

    def _read(self) -> None:
        data = os.read(self._descriptor, _READ_BYTES)
        if not data:
            os._exit(1)  # the parent has gone, and its application with it
        self._frames.feed(data)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """No finaliser of the application's asks something in the middle of this exchange."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()

"""Wakes whoever waits in `select`: from another thread, or from a signal handler."""

import os
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

_READ_BYTES: Final = 4_096


class Bell:
    """A pipe that can be read once it has rung. Used as a context, it is gone with the block.

    `writer` may be given to `signal.set_wakeup_fd`. Ringing a bell that is gone is for nobody to
    hear: whoever closes it sees to it that nobody rings any more.
    """

    def __init__(self) -> None:
        self._reader, self.writer = os.pipe()
        for end in (self._reader, self.writer):
            os.set_blocking(end, False)

    def fileno(self) -> int:
        """The descriptor to wait on."""
        return self._reader

    def ring(self) -> None:
        """Wake whoever waits; from any thread."""
        with suppress(BlockingIOError):  # it rings already
            os.write(self.writer, b"\0")

    def hush(self) -> None:
        """Stop ringing, before looking at what it rang for."""
        with suppress(BlockingIOError):
            while len(os.read(self._reader, _READ_BYTES)) == _READ_BYTES:
                pass

    def close(self) -> None:
        """Both ends."""
        os.close(self._reader)
        os.close(self.writer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

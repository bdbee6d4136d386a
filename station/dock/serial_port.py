"""The dock's serial port as the station's computer sees it: a pty under a path that stays.

The path is a symlink, as udev makes one for a USB socket: a restart or a reseated cable gives a
new pty under the same path. Knows nothing of what the bytes mean.
"""

import errno
import os
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from station.domain.errors import OperatorError

READ_BYTES: Final = 65_536
"""Most bytes taken at once; a pty of Linux gives about 4 KiB."""


class PortPathTaken(OperatorError):
    """The path for the port is something that is not ours to replace, or cannot be made."""

    code = "E-DOCK-03"
    remedy = "Name a path that does not exist yet."


class SerialPort:
    """At most one pty at a time, its name at `link`.

    A new pty waits for a client with its client side held open here; with the client's first
    byte that is let go, so that the end of the connection can be seen. Never blocks.
    """

    def __init__(self, link: Path) -> None:
        self._link = link
        self._dock_side: int | None = None
        self._held: int | None = None
        self._name = ""

    @property
    def plugged(self) -> bool:
        """Whether there is a port at the path."""
        return self._dock_side is not None

    def fileno(self) -> int:
        """The descriptor to wait on; only while plugged."""
        if self._dock_side is None:
            raise ValueError("unplugged")
        return self._dock_side

    def plug(self) -> None:
        """A new port appears under the path. Raises PortPathTaken."""
        self.unplug()
        self._dock_side, self._held = os.openpty()
        self._name = os.ttyname(self._held)
        tty.setraw(self._held)
        os.set_blocking(self._dock_side, False)
        try:
            self._show()
        except OSError as error:
            self.unplug()
            raise PortPathTaken(f"{self._link}: {error.strerror}") from error

    def unplug(self) -> None:
        """The port goes away, whoever has it open."""
        if self._dock_side is None:
            return
        with suppress(OSError):
            if self._link.readlink() == Path(self._name):
                self._link.unlink()
        self._let_go()
        os.close(self._dock_side)
        self._dock_side = None

    def receive(self) -> bytes | None:
        """What the client sent, empty if nothing; None once when the client has gone."""
        try:
            data = os.read(self.fileno(), READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            data = b""
        if not data:
            self._wait_for_client()
            return None
        self._let_go()
        return data

    def send(self, data: bytes | memoryview) -> int:
        """How many bytes the client's side took; it takes none while its buffer is full.

        What is sent to a client that has gone is lost; `receive` will say so.
        """
        try:
            return os.write(self.fileno(), data)
        except BlockingIOError:
            return 0
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return len(data)

    def _wait_for_client(self) -> None:
        """Hold the client side until the next client speaks; what the last left unread is lost."""
        try:
            self._held = os.open(self._name, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError:  # the last client asked for the pty alone, and that outlives it
            self.plug()
            return
        termios.tcflush(self._held, termios.TCIFLUSH)
        tty.setraw(self._held)

    def _let_go(self) -> None:
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def _show(self) -> None:
        self._link.parent.mkdir(parents=True, exist_ok=True)
        if self._link.exists() and not self._link.is_symlink():
            raise FileExistsError(errno.EEXIST, "something else is there")
        fresh = self._link.with_name(f".{self._link.name}.{os.getpid()}")
        fresh.symlink_to(self._name)
        fresh.replace(self._link)


@contextmanager
def serial_port(link: Path) -> Iterator[SerialPort]:
    """A port that is gone when the block ends, however it ends."""
    port = SerialPort(link)
    try:
        yield port
    finally:
        port.unplug()

"""A serial port, as pyserial gives it: opened, written, read until a moment, and closed.

Every trouble becomes a `LinkError`; nothing of pyserial passes. Knows no protocol.
"""

import errno
import termios
from typing import Final

import serial

from station.adapters.serial_link.terminal import Terminal
from station.application.ports import Clock
from station.domain.errors import LinkError, LinkLost, NoAnswer, NoDock, PortBusy, TooSlow
from station.domain.profile import Link

POLL_S: Final = 0.02
"""Longest wait inside the terminal; the loop looks at its own deadlines in between."""

READ_BYTES: Final = 65_536
"""Most bytes taken at once; Linux keeps about 4 KiB for a reader that is late."""

WRITE_TIMEOUT_S: Final = 2.0
"""How long the port may take for what the line carries in a quarter of it."""

SLOW_FACTOR: Final = 4
"""How much slower than its link says a line may be before that is a trouble."""

GONE_S: Final = 3.0
"""How long a restarted dock's old port may linger."""


_TROUBLE: Final = (serial.SerialException, OSError, TypeError)
"""pyserial raises TypeError when a port is closed under it."""


class Port:
    """The port at `name`, held alone. Raises NoDock, PortBusy where it cannot be."""

    def __init__(self, name: str, link: Link, clock: Clock) -> None:
        self._name = name
        self._clock = clock
        self._chunk_bytes = max(1, int(link.bytes_per_s * WRITE_TIMEOUT_S / SLOW_FACTOR))
        self._port = _opened(name, link.baud)

    def close(self) -> None:
        """Let it go."""
        self._port.close()

    def write(self, data: bytes, until_s: float) -> None:
        """All of it. Raises TooSlow beyond `until_s`, NoAnswer where the port takes no more."""
        for start in range(0, len(data), self._chunk_bytes):
            if start and self._clock.monotonic_s() >= until_s:
                raise TooSlow(f"{self._name} took {start} of {len(data)} bytes in time")
            try:
                self._port.write(data[start : start + self._chunk_bytes])
            except _TROUBLE as error:
                raise self._translated(error) from error

    def read(self, until_s: float) -> bytes:
        """Whatever has arrived; waits for the first byte, not beyond `until_s`."""
        try:
            while True:
                data = self._port.read(READ_BYTES)
                if data or self._clock.monotonic_s() >= until_s:
                    return data
        except _TROUBLE as error:
            raise self._translated(error) from error

    def await_silence(self) -> None:
        """Until the port is gone, as a USB device's is; a UART's stays, and is left."""
        give_up_s = self._clock.monotonic_s() + GONE_S
        try:
            while self._clock.monotonic_s() < give_up_s:
                self.read(self._clock.monotonic_s() + POLL_S)
        except LinkLost:
            return

    def _translated(self, error: Exception) -> LinkError:
        """A port that fails is a link that was lost."""
        if isinstance(error, serial.SerialTimeoutException):
            return NoAnswer(f"{self._name} takes no more bytes")
        return LinkLost(f"{self._name} went away")


def _opened(name: str, baud: int) -> Terminal:
    try:
        return Terminal(
            name,
            baud,
            timeout=POLL_S,
            write_timeout=WRITE_TIMEOUT_S,
            exclusive=True,
        )
    except ValueError as error:
        raise NoDock(
            f"{name} does not run at {baud} baud", remedy="Correct the link of the profile."
        ) from error
    except (OSError, termios.error) as error:
        # A port that goes away while pyserial sets it up raises what the system raised.
        match error.errno if isinstance(error, OSError) else error.args[0]:
            case errno.EWOULDBLOCK | errno.EBUSY:
                raise PortBusy(f"{name} is held by another program") from error
            case errno.EACCES | errno.EPERM:
                raise NoDock(
                    f"no permission to open {name}",
                    remedy="Add the user to the port's group (dialout), then log in again.",
                ) from error
            case errno.ENOENT | errno.ENXIO | errno.ENODEV:
                raise NoDock(f"there is no {name}") from error
            case _:
                raise NoDock(f"{name} cannot be opened as a serial port") from error

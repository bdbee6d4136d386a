"""The terminal under a port, on a real pty: all there is, at once, and nothing lost."""

import fcntl
import os
import resource
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import pytest
import serial

from station.adapters.serial_link.terminal import Terminal

MANY: Final = 200_000

SELECT_MAX: Final = 1_024
"""FD_SETSIZE of Linux."""


class Far:
    """The other end of the cable."""

    def __init__(self) -> None:
        self.end, self._held = os.openpty()
        self.name = os.ttyname(self._held)

    def read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            data += os.read(self.end, size - len(data))
        return data

    def close(self) -> None:
        for descriptor in (self.end, self._held):
            with suppress(OSError):
                os.close(descriptor)


@pytest.fixture
def far() -> Iterator[Far]:
    far = Far()
    yield far
    far.close()


@pytest.fixture
def near(far: Far) -> Iterator[Terminal]:
    with Terminal(far.name, timeout=0.02, write_timeout=0.05, exclusive=True) as near:
        yield near


def test_all_that_arrived_comes_with_one_read(far: Far, near: Terminal) -> None:
    os.write(far.end, b"one and two")

    assert near.read(65_536) == b"one and two"


def test_no_more_is_read_than_was_asked_for(far: Far, near: Terminal) -> None:
    os.write(far.end, b"one and two")

    assert near.read(3) == b"one"
    assert near.read(65_536) == b" and two"


def test_where_nothing_arrives_a_read_ends_empty(near: Terminal) -> None:
    assert near.read(65_536) == b""


def test_all_is_written_though_the_port_takes_it_in_pieces(far: Far, near: Terminal) -> None:
    near.write_timeout = 10
    sent = bytes(range(256)) * (MANY // 256)
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append(far.read(len(sent))), daemon=True)
    reader.start()

    assert near.write(sent) == len(sent)
    reader.join(10)
    assert found == [sent]


def test_a_port_that_takes_no_more_is_given_up(near: Terminal) -> None:
    with pytest.raises(serial.SerialTimeoutException):
        near.write(bytes(MANY))


def test_without_a_time_a_port_waits_as_long_as_it_takes(far: Far, near: Terminal) -> None:
    near.timeout = near.write_timeout = None
    os.write(far.end, b"one")

    assert near.read(65_536) == b"one"
    assert near.write(b"two") == 3


def test_a_device_that_has_gone_raises_either_way(far: Far, near: Terminal) -> None:
    far.close()

    with pytest.raises((serial.SerialException, OSError)):
        near.read(1)
    with pytest.raises((serial.SerialException, OSError)):
        near.write(b"?")


def test_a_port_closed_under_a_reader_raises(near: Terminal) -> None:
    near.close()

    with pytest.raises(serial.SerialException):
        near.read(1)
    with pytest.raises(serial.SerialException):
        near.write(b"?")


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    """As many as a process with many docks needs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2 * SELECT_MAX), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_descriptors")
def test_a_descriptor_that_select_does_not_take_works_like_any(far: Far, near: Terminal) -> None:
    low = near.fileno()
    near.fd = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, SELECT_MAX)
    os.close(low)

    assert near.write(b"there") == 5
    assert far.read(5) == b"there"
    os.write(far.end, b"and back")
    assert near.read(65_536) == b"and back"

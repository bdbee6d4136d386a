"""The port, and what goes wrong on it: every trouble by its name, and nothing of pyserial's."""

import errno
import os
import termios
from collections.abc import Callable
from pathlib import Path

import pytest
import serial

from station.adapters.serial_link.port import Port
from station.domain.errors import LinkError, NoDock, PortBusy
from tests.fakes.clock import FakeClock
from tests.unit.adapters.serial_link.peers import LINK, PORT, Place, board, dock_at


@pytest.mark.parametrize(
    "raised",
    [
        lambda number: serial.SerialException(number, "could not open port"),
        lambda number: OSError(number, "from setting the modem lines"),
        lambda number: termios.error(number, "from flushing"),
    ],
    ids=["pyserial", "system", "termios"],
)
@pytest.mark.parametrize(
    ("number", "error", "cause"),
    [
        (errno.EWOULDBLOCK, PortBusy, "is held by another program"),
        (errno.EBUSY, PortBusy, "is held by another program"),
        (errno.EACCES, NoDock, "no permission to open"),
        (errno.EPERM, NoDock, "no permission to open"),
        (errno.ENOENT, NoDock, "there is no"),
        (errno.ENXIO, NoDock, "there is no"),
        (errno.ENODEV, NoDock, "there is no"),
        (errno.EIO, NoDock, "cannot be opened as a serial port"),
        (None, NoDock, "cannot be opened as a serial port"),
    ],
)
def test_a_port_that_does_not_open_says_why(
    place: Place,
    raised: Callable[[int | None], Exception],
    number: int | None,
    error: type[LinkError],
    cause: str,
) -> None:
    place.opens = [raised(number)]
    with pytest.raises(error) as found, dock_at(place):
        raise AssertionError("it opened")

    assert type(found.value) is error
    assert cause in found.value.cause and PORT in found.value.cause
    assert ("dialout" in found.value.remedy) == (number in {errno.EACCES, errno.EPERM})


def opened(path: Path | str) -> Port:
    return Port(str(path), LINK, FakeClock())


def test_a_path_that_is_not_there_or_no_port_is_no_dock(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(NoDock, match="there is no"):
        opened(tmp_path / "nothing")
    with pytest.raises(NoDock, match="cannot be opened"):
        opened(tmp_path / "file")


def test_a_port_somebody_holds_is_busy_until_it_is_let_go() -> None:
    one, other = os.openpty()
    name = os.ttyname(other)
    with serial.Serial(name, exclusive=True), pytest.raises(PortBusy, match=name):
        opened(name)
    dock = opened(name)
    with pytest.raises(PortBusy):
        opened(name)
    dock.close()
    opened(name).close()
    os.close(one)
    os.close(other)


def test_a_port_is_let_go_however_the_conversation_ends(place: Place) -> None:
    place.opens = [board().server.receive]
    with pytest.raises(KeyError), dock_at(place):
        raise KeyError

    assert place.wires[0].closed

"""The port of a virtual dock: one path, a pty behind it, and clients that come and go."""

import os
import select
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from station.dock.serial_port import PortPathTaken, SerialPort, serial_port


@pytest.fixture
def port(tmp_path: Path) -> Iterator[SerialPort]:
    with serial_port(tmp_path / "bus" / "1-4") as port:
        port.plug()
        yield port


@pytest.fixture
def link(tmp_path: Path) -> Path:
    return tmp_path / "bus" / "1-4"


def open_client(link: Path) -> int:
    return os.open(link, os.O_RDWR | os.O_NOCTTY)


def wait_readable(descriptor: "int | SerialPort") -> None:
    readable, _, _ = select.select([descriptor], [], [], 5)
    assert readable


def test_the_path_leads_to_a_terminal_that_changes_no_byte(port: SerialPort, link: Path) -> None:
    everything = bytes(range(256))
    client = open_client(link)
    assert stat.S_ISCHR(os.fstat(client).st_mode)

    os.write(client, everything)
    wait_readable(port)
    assert port.receive() == everything
    assert port.send(everything) == 256
    wait_readable(client)
    assert os.read(client, 300) == everything
    os.close(client)


def test_the_end_of_a_connection_is_seen_and_the_next_client_is_served(
    port: SerialPort, link: Path
) -> None:
    for _ in range(3):
        client = open_client(link)
        os.write(client, b"hello")
        wait_readable(port)
        assert port.receive() == b"hello"
        assert port.receive() == b""

        os.close(client)

        wait_readable(port)
        assert port.receive() is None
        assert port.receive() == b""  # quiet, and nothing to wake up for
        assert select.select([port], [], [], 0)[0] == []


def test_bytes_of_a_client_that_has_gone_still_arrive(port: SerialPort, link: Path) -> None:
    client = open_client(link)
    os.write(client, b"last words")
    os.close(client)

    wait_readable(port)
    assert port.receive() == b"last words"
    assert port.receive() is None


def test_what_a_client_left_unread_does_not_reach_the_next_one(
    port: SerialPort, link: Path
) -> None:
    client = open_client(link)
    os.write(client, b"?")
    wait_readable(port)
    port.receive()
    port.send(b"an answer nobody reads")
    os.close(client)
    assert port.receive() is None

    second = open_client(link)

    assert select.select([second], [], [], 0)[0] == []
    os.close(second)


def test_sending_to_nobody_loses_the_bytes_and_raises_nothing(port: SerialPort, link: Path) -> None:
    client = open_client(link)
    os.write(client, b"?")
    wait_readable(port)
    port.receive()
    os.close(client)

    assert port.send(b"too late") == 8


def test_a_client_that_does_not_read_is_sent_no_more_than_its_buffer_takes(
    port: SerialPort, link: Path
) -> None:
    client = open_client(link)
    sent = total = 0
    while total < 10_000_000 and (sent := port.send(bytes(65_536))):
        total += sent

    assert sent == 0
    os.close(client)


def test_a_new_port_comes_under_the_same_path(port: SerialPort, link: Path) -> None:
    before = link.readlink()
    client = open_client(link)

    port.unplug()

    assert not link.is_symlink()
    assert not port.plugged
    assert os.read(client, 1) == b""  # hung up
    port.plug()
    assert link.is_symlink()
    assert link.readlink() != before  # the old one is still open
    os.close(client)


def test_a_dead_link_of_an_earlier_life_is_replaced(tmp_path: Path) -> None:
    link = tmp_path / "1-4"
    link.symlink_to("/dev/pts/no-such")

    with serial_port(link) as port:
        port.plug()

        assert link.exists()
    assert not link.is_symlink()


def test_a_file_in_the_way_is_not_replaced(tmp_path: Path) -> None:
    link = tmp_path / "1-4"
    link.write_text("precious")

    with serial_port(link) as port, pytest.raises(PortPathTaken):
        port.plug()

    assert link.read_text() == "precious"


def test_a_link_that_somebody_else_took_over_is_left_alone(tmp_path: Path) -> None:
    link = tmp_path / "1-4"
    with serial_port(link) as first, serial_port(link) as second:
        first.plug()
        second.plug()
        first.unplug()

        assert link.exists()

"""A service that does what a script says, one step per request; it understands nothing."""

import json
import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Thread
from typing import Any, Final

RESET: Final = b""
"""A step that cuts the connection without an answer."""

_CUT: Final = struct.pack("ii", 1, 0)
"""SO_LINGER: on, 0 s: what is unsent is thrown away, and the peer sees a reset."""


@dataclass
class Request:
    """As it came. headers: names in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Scripted:
    """A running script."""

    port: int
    requests: list[Request] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"


def reply(status: int, body: object = None, *lines: str) -> bytes:
    """An answer. body: octets, or what becomes JSON. lines: further headers."""
    octets = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = [
        f"HTTP/1.1 {status} Whatever",
        f"Content-Length: {len(octets)}",
        "Connection: close",
        *lines,
        *("", ""),
    ]
    return "\r\n".join(head).encode() + octets


def logged_in(token: str = "token-1") -> bytes:
    """The documented answer to a login."""
    return reply(
        201,
        {
            "data": {
                "id": "1527b40212abb118a6d83a15",
                "type": "isvApplicationAuth",
                "attributes": {"accessToken": token},
            },
            "meta": {"createdTimestamp": 1588220310000},
        },
    )


@contextmanager
def scripted(steps: Sequence[bytes]) -> Iterator[Scripted]:
    """Plays the steps, each after one whole request; every connection ends with its step."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        service = Scripted(listener.getsockname()[1])
        thread = Thread(target=_play, args=(listener, steps, service.requests))
        thread.start()
        try:
            yield service
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _play(listener: socket.socket, steps: Sequence[bytes], requests: list[Request]) -> None:
    for step in steps:
        try:
            connection, _ = listener.accept()
        except OSError:  # nobody asks any more
            return
        with connection, suppress(OSError):
            connection.settimeout(20)
            requests.append(_read(connection))
            if step == RESET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CUT)
            else:
                connection.sendall(step)


def _read(connection: socket.socket) -> Request:
    with connection.makefile("rb") as stream:
        _, path, _ = stream.readline().decode().split()
        headers = {}
        while (line := stream.readline().decode().strip()) != "":
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return Request(path, headers, stream.read(int(headers["content-length"])))

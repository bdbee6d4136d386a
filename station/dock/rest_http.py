"""HTTP/1.1 in front of the development service: connections, limits, and an end to each of them.

One thread per connection. What a client sends is bounded in octets and in seconds before it is
read; a call that will be refused anyhow is refused before its body is read. Tells nobody what it
is made of. Source: RFC 9112; docs/SPEC.md, "Transport".
"""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedReader, RawIOBase
from ipaddress import ip_address
from socketserver import TCPServer
from threading import Lock, Thread
from time import monotonic
from typing import Any, Final
from urllib.parse import urlsplit

from station.dock.rest import DevelopmentService, Refused, Reply
from station.domain.errors import OperatorError

CONNECTIONS_MAX: Final = 64
"""Clients served at once; the next one is asked to come again."""

HEAD_BYTES_MAX: Final = 32_768
HEAD_S: Final = 30.0
"""From the end of a call, or of the handshake, to the end of the next call's headers."""

BODY_S: Final = 120.0
SEND_S: Final = 30.0

LINGER_S: Final = 10.0
LINGER_BYTES: Final = 64 * 1024 * 1024
"""What a refused client may go on sending before the connection is cut: closed at once, it would
lose the answer with the connection (RFC 9112, 9.6)."""

POLL_S: Final = 0.1
"""How long the end of the service may go unnoticed."""

_BUFFER_BYTES: Final = 65_536


class NoSuchAddress(OperatorError):
    """The service cannot listen there."""

    code = "E-DOCK-08"
    remedy = "Give an address of this machine and a free port, such as 127.0.0.1:0."


class RestServer:
    """Serves from `start` until `close`, which lets calls being carried out end first.

    host: an address of this machine, or localhost. port: 0 for any that is free. tls: None for
    plain HTTP. Raises NoSuchAddress.
    """

    def __init__(
        self, service: DevelopmentService, *, host: str, port: int, tls: ssl.SSLContext | None
    ) -> None:
        try:
            self._server = _Server(service, host, port, tls)
        except (OSError, OverflowError) as error:
            reason = error.strerror if isinstance(error, OSError) else "no such port"
            raise NoSuchAddress(f"{host}:{port}: {(reason or 'unusable').lower()}") from error
        self._thread = Thread(target=self._server.serve_forever, args=(POLL_S,), name="rest")

    @property
    def port(self) -> int:
        """The one it listens on."""
        number: int = self._server.server_address[1]
        return number

    def start(self) -> None:
        """Accept connections from now on."""
        self._thread.start()

    def close(self) -> None:
        """Take no more calls; every thread has ended when this returns."""
        if self._thread.ident is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.close_connections()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that `server_close` waits for them
    request_queue_size = CONNECTIONS_MAX

    def __init__(
        self, service: DevelopmentService, host: str, port: int, tls: ssl.SSLContext | None
    ) -> None:
        self.service = service
        self.address_family = _family(host)
        self._tls = tls
        self._open: set[socket.socket] = set()
        self._opening = Lock()
        super().__init__((host, port), _Conversation)

    def server_bind(self) -> None:
        """Without the base class's reverse look-up, which may ask a name server."""
        TCPServer.server_bind(self)

    def get_request(self) -> tuple[socket.socket, Any]:
        """A connection; its handshake is for its own thread."""
        connection, address = super().get_request()
        if self._tls is not None:
            connection = self._tls.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        return connection, address

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether there is a place left; whoever gets none is told without a thread."""
        with self._opening:
            if len(self._open) < CONNECTIONS_MAX:
                self._open.add(request)
                return True
        if self._tls is None:
            with suppress(OSError):
                request.settimeout(0)
                request.send(_octets(_FULL, date="", last=True))
        return False

    def shutdown_request(self, request: Any) -> None:
        """The end of a connection, served or not."""
        with self._opening:
            self._open.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        """Let nobody send anything more. Answers may still be sent."""
        with self._opening:
            for connection in self._open:
                with suppress(OSError):
                    # The method of a TLS socket would drop its state under the other thread.
                    socket.socket.shutdown(connection, socket.SHUT_RD)


class _Incoming(RawIOBase):
    """What a client sends, as far as it is allowed to: so much, and by then."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._left_bytes = 0
        self._until_s = 0.0

    def allow(self, size_bytes: int, within_s: float) -> None:
        """From now on, this much and this long."""
        self._left_bytes = size_bytes
        self._until_s = monotonic() + within_s

    def readable(self) -> bool:
        """Nothing else is done with it."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Raises TimeoutError, and _TooLong where no more is allowed."""
        left_s = self._until_s - monotonic()
        if left_s <= 0:
            raise TimeoutError
        if not self._left_bytes:
            raise _TooLong
        self._connection.settimeout(left_s)
        taken = self._connection.recv_into(memoryview(buffer)[: self._left_bytes])
        self._left_bytes -= taken
        return taken


class _TooLong(Exception):
    """A client sends more of a head than is allowed."""


class _Fault(Exception):
    """The service itself failed: told on standard error, and never taken for a client's doing."""


class _Conversation(BaseHTTPRequestHandler):
    """One connection. The base class reads the heads of requests; the rest is here."""

    protocol_version = "HTTP/1.1"
    server: _Server
    command = ""

    def setup(self) -> None:
        """Only what reading needs: answers are sent whole."""
        self.connection: socket.socket = self.request
        self._incoming = _Incoming(self.connection)
        self.rfile = BufferedReader(self._incoming, _BUFFER_BYTES)
        self._wants_continue = False

    def finish(self) -> None:
        """The socket itself is the server's to close."""
        self.rfile.close()

    def handle(self) -> None:
        """Calls, one after another. A client that leaves, or is not understood, is no fault."""
        with _client_may_leave():
            if isinstance(self.connection, ssl.SSLSocket):
                self.connection.settimeout(HEAD_S)
                self.connection.do_handshake()
            super().handle()

    def handle_one_request(self) -> None:
        """Read a call, answer it."""
        self.close_connection, self._wants_continue = True, False
        try:
            self._incoming.allow(HEAD_BYTES_MAX, HEAD_S)
            self.raw_requestline = self.rfile.readline(HEAD_BYTES_MAX + 1)
            if not self.raw_requestline or not self.parse_request():
                return
            path = self._path()
            size_bytes = self._body_bytes(self._admitted_bytes(path))
        except _TooLong:
            self._refuse_early(_HEAD_TOO_LONG)
        except Refused as refused:
            self._refuse_early(refused.reply)
        else:
            self._carry_out(path, size_bytes)

    def _carry_out(self, path: str, size_bytes: int) -> None:
        if self._wants_continue:
            self._send(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._incoming.allow(size_bytes, BODY_S)
        body = self.rfile.read(size_bytes)
        if len(body) < size_bytes:  # the client went away in the middle of it
            self.close_connection = True
            return
        try:
            reply = self.server.service.answer(path, body)
        except Refused as refused:
            reply = refused.reply
        except Exception as error:
            self.close_connection = True
            with _client_may_leave():
                self._reply(_FAULT)
            raise _Fault from error
        self._reply(reply)

    # -- before the body -----------------------------------------------------------------------

    def _path(self) -> str:
        try:
            return urlsplit(self.path).path
        except ValueError as error:
            raise Refused(HTTPStatus.BAD_REQUEST, "the path is none") from error

    def _admitted_bytes(self, path: str) -> int:
        """Longest body this call may have. Raises Refused."""
        if "Origin" in self.headers:
            raise Refused(HTTPStatus.FORBIDDEN, "pages in a browser have no business here")
        return self.server.service.admit(self.command, path, self.headers.get("Authorization", ""))

    def _body_bytes(self, admitted_bytes: int) -> int:
        """Length of the body to be read. Raises Refused (RFC 9112, 6.1 to 6.3)."""
        lengths = self.headers.get_all("Content-Length", [])
        if "Transfer-Encoding" in self.headers:
            raise Refused(HTTPStatus.LENGTH_REQUIRED, "send the body whole, with its length")
        match lengths:
            case []:
                raise Refused(HTTPStatus.LENGTH_REQUIRED, "a call has a body, and its length")
            case [length] if length.isdecimal():
                digits = length.lstrip("0")
            case _:
                raise Refused(HTTPStatus.BAD_REQUEST, "the length of the body is none")
        if len(digits) > len(str(admitted_bytes)) or int(digits or "0") > admitted_bytes:
            raise Refused(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"the body of this call has at most {admitted_bytes:,} octets",
            )
        return int(digits or "0")

    def handle_expect_100(self) -> bool:
        """Whoever asks before sending is answered when it is known whether to send."""
        self._wants_continue = True
        return True

    # -- answering -----------------------------------------------------------------------------

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the base class cannot read as a request."""
        status = HTTPStatus(code)
        self.close_connection = True
        self._refuse_early(Refused(status, "this is no request that can be read").reply)

    def _refuse_early(self, reply: Reply) -> None:
        """Answer, and end the connection: what is still coming is not told from a next call."""
        self.close_connection = True
        self._reply(reply)
        socket.socket.shutdown(self.connection, socket.SHUT_WR)
        self._incoming.allow(LINGER_BYTES, LINGER_S)
        with suppress(_TooLong):
            while self.rfile.read1():
                pass

    def _reply(self, reply: Reply) -> None:
        octets = _octets(reply, date=self.date_time_string(), last=self.close_connection)
        head_only = self.command == "HEAD"
        self._send(octets[: octets.index(b"\r\n\r\n") + 4] if head_only else octets)

    def _send(self, octets: bytes) -> None:
        self.connection.settimeout(SEND_S)
        self.connection.sendall(octets)


@contextmanager
def _client_may_leave() -> Iterator[None]:
    with suppress(OSError):  # the connection broke, was too slow, or speaks no TLS of ours
        yield


def _octets(reply: Reply, *, date: str, last: bool) -> bytes:
    """An answer as it is sent. last: the connection ends with it."""
    lines = [
        f"HTTP/1.1 {reply.status.value} {reply.status.phrase}",
        *([f"Date: {date}"] if date else []),
        "Content-Type: application/json",
        f"Content-Length: {len(reply.body)}",
        "Cache-Control: no-store",
        *(f"{name}: {value}" for name, value in reply.headers),
        *(["Connection: close"] if last else []),
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + reply.body


_FULL: Final = Refused(HTTPStatus.SERVICE_UNAVAILABLE, "too many clients; come again").reply
_FAULT: Final = Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "a fault of this service").reply
_HEAD_TOO_LONG: Final = Refused(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"headers have at most {HEAD_BYTES_MAX:,} octets"
).reply


def _family(host: str) -> socket.AddressFamily:
    try:
        return socket.AF_INET6 if ip_address(host).version == 6 else socket.AF_INET
    except ValueError:
        return socket.AF_INET

"""A development service that listens, and a client that knows only `http.client`."""

import json
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPSConnection
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any

from station.dock.development import DevelopmentDock
from station.dock.rest import DevelopmentService
from station.dock.rest_http import RestServer
from station.dock.rest_tls import serving_tls
from station.domain.development_service import Credentials
from tests.unit.dock import rest_bodies as bodies

ROM_BYTES = 100_000
NOW_AT = datetime(2026, 5, 20, 12, 0, 0, 250_000, tzinfo=UTC)


def has_ipv6() -> bool:
    """Whether this machine can be reached at ::1; where it cannot, the service says so by name."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def make_service(
    *docks: DevelopmentDock,
    access: Credentials | None = None,
    now_s: Callable[[], float] = monotonic,
    log: Callable[[str], None] = lambda _line: None,
) -> DevelopmentService:
    """Tokens are numbered, so that a replayed test meets the same ones."""
    numbers = count(1)
    return DevelopmentService(
        docks,
        rom_budget_bytes=ROM_BYTES,
        access=access,
        new_id=lambda: "1527b40212abb118a6d83a15",
        new_token=lambda: f"token-{next(numbers)}",
        now_s=now_s,
        now_at=lambda: NOW_AT,
        log=log,
    )


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    octets: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.octets)

    @property
    def error(self) -> Any:
        """The one error of a refusal."""
        (error,) = self.json["errors"]
        return error


@dataclass
class Served:
    """Where it listens, and what it has logged. certificate: to trust; None for plain HTTP."""

    port: int
    lines: list[str] = field(default_factory=list)
    certificate: Path | None = None

    @property
    def url(self) -> str:
        scheme = "http" if self.certificate is None else "https"
        return f"{scheme}://127.0.0.1:{self.port}/api"

    @contextmanager
    def connection(self) -> Iterator[HTTPConnection]:
        if self.certificate is None:
            connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        else:
            context = ssl.create_default_context(cafile=self.certificate)
            connection = HTTPSConnection("127.0.0.1", self.port, timeout=20, context=context)
        try:
            yield connection
        finally:
            connection.close()

    def ask(
        self, path: str, body: object, *, token: str = "", method: str = "POST", **headers: str
    ) -> Answer:
        """One call on a connection of its own. body: octets, or what becomes JSON."""
        with self.connection() as connection:
            return ask(connection, path, body, token=token, method=method, **headers)

    def log_in(self) -> str:
        answer = self.ask("/api/isv/application/login", bodies.login())
        assert answer.status == 201, answer
        token: str = answer.json["data"]["attributes"]["accessToken"]
        return token


def ask(
    connection: HTTPConnection,
    path: str,
    body: object,
    *,
    token: str = "",
    method: str = "POST",
    **headers: str,
) -> Answer:
    """One call on this connection."""
    octets = body if isinstance(body, bytes) else bodies.encoded(body)
    if token:
        headers["Authorization"] = f"Bearer {token}"
    connection.request(method, path, body=octets, headers=headers)
    with connection.getresponse() as response:
        return Answer(response.status, dict(response.getheaders()), response.read())


@contextmanager
def serving(
    docks: Sequence[DevelopmentDock],
    *,
    access: Credentials | None = None,
    certificate: Path | None = None,
    now_s: Callable[[], float] = monotonic,
) -> Iterator[Served]:
    """A service until the block is left. certificate: where to put it, with HTTPS."""
    served = Served(0, certificate=certificate)
    service = make_service(*docks, access=access, now_s=now_s, log=served.lines.append)
    with _tls(certificate) as tls:
        server = RestServer(service, host="127.0.0.1", port=0, tls=tls)
        served.port = server.port
        server.start()
        try:
            yield served
        finally:
            server.close()


@contextmanager
def _tls(certificate: Path | None) -> Iterator[ssl.SSLContext | None]:
    if certificate is None:
        yield None
        return
    with serving_tls("127.0.0.1", certificate=certificate, now_at=datetime.now(UTC)) as context:
        yield context

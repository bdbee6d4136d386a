"""A ROM store of 13 MB through the development service: from POST to answer, and where it goes.

One process has the service, a virtual dock that runs no code, and the client; the peer is a bare
`http.server` that reads the same body and decodes its base64, and does nothing with it.
"""

import json
import random
import ssl
import struct
import tempfile
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPSConnection
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from statistics import median
from threading import Thread
from time import perf_counter
from typing import Any, Final
from urllib.parse import urlsplit

from station.adapters.files.profiles import built_in_profile
from station.adapters.keys.authority import PinnedAuthority
from station.dock.development_image import Sealing, pack, seal
from station.dock.main import docks
from station.dock.powered import PoweredDock
from station.dock.rest_calls import replace_rom
from station.dock.rest_front import RestSettings, rest_front
from station.dock.settings import Settings
from station.domain.identity import DockId, Serial
from tests.benchmarks.measure import Measure

RUNS: Final = 5
WIDTH, HEIGHT = 1920, 1080
PICTURES: Final = 2
VALUE_BYTES: Final = 500_000

DOCK_ID: Final = DockId(bytes(range(32)))
LOGIN: Final = {
    "data": {
        "type": "isvApplicationLogin",
        "attributes": {"clientId": "bench", "clientSecret": "bench", "enterpriseId": "bench"},
    }
}


def measure() -> list[Measure]:
    """Medians of several calls, each on a kept connection, as a second push would meet it."""
    body = _body()
    with tempfile.TemporaryDirectory(prefix="bench-rest-") as name, _dock(Path(name)) as dock:
        with _served(dock, None) as (plain, token):
            http_s = _posted_s(plain, token, body)
        with _served(dock, Path(name, "rest.pem")) as (encrypted, token):
            https_s = _posted_s(encrypted, token, body)
        parts = _parts(dock, body)
    with _bare() as peer:
        bare_s = _posted_s(peer, "", body)
    return [
        Measure("body of the call", len(body) / 1e6, "MB"),
        Measure("POST to answer, HTTP", http_s, "s", peers={"http.server, decoding only": bare_s}),
        Measure("POST to answer, HTTPS", https_s, "s"),
        *(Measure(f"of that: {part}", took_s, "s") for part, took_s in parts.items()),
    ]


def _parts(dock: PoweredDock, body: bytes) -> dict[str, float]:
    """What a call consists of, each part by itself."""
    profile, product = dock.settings.profile, dock.settings.info.product
    sealing = Sealing(bytes(32), DOCK_ID, product)
    entries = replace_rom(body).entries

    def build() -> None:
        volumes = pack(entries, salt=bytes(32), budget_bytes=profile.rom_budget_bytes)
        seal(volumes, sealing, counter=0)

    decode_s, build_s = _median_s(lambda: replace_rom(body)), _median_s(build)
    whole_s = _median_s(lambda: dock.replace_rom(entries))
    return {
        "read JSON, decode base64, look at pictures": decode_s,
        "build and seal the image": build_s,
        "write it, restart, inspect it": whole_s - build_s,
    }


def _posted_s(connection: HTTPConnection, token: str, body: bytes) -> float:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def post() -> None:
        connection.request("POST", "/api/docks/application/romstore", body, headers)
        with connection.getresponse() as response:
            response.read()
            if response.status != 200:
                raise RuntimeError(f"the service answered {response.status}")

    return _median_s(post)


def _median_s(work: Callable[[], object]) -> float:
    work()
    return median(_took_s(work) for _ in range(RUNS))


def _took_s(work: Callable[[], object]) -> float:
    began_s = perf_counter()
    work()
    return perf_counter() - began_s


# -- both ends -----------------------------------------------------------------------------------


@contextmanager
def _dock(folder: Path) -> Iterator[PoweredDock]:
    profile = built_in_profile("dl7450-virtual")
    settings = Settings(
        flash=folder / "dock.flash",
        port=folder / "port",
        dock_id=DOCK_ID,
        label=Serial("DEV-1"),
        profile=profile,
        product=profile.products[0].name,
        authority=PinnedAuthority(()),
    )
    with docks([settings], None) as (dock,):
        yield dock


@contextmanager
def _served(dock: PoweredDock, certificate: Path | None) -> Iterator[tuple[HTTPConnection, str]]:
    """A connection to a service of this dock, logged in."""
    with rest_front(RestSettings("127.0.0.1", 0, certificate), [dock]) as announced:
        port = urlsplit(str(announced["rest"])).port
        if certificate is None:
            connection = HTTPConnection("127.0.0.1", port)
        else:
            context = ssl.create_default_context(cafile=certificate)
            connection = HTTPSConnection("127.0.0.1", port, context=context)
        try:
            connection.request("POST", "/api/isv/application/login", json.dumps(LOGIN))
            with connection.getresponse() as response:
                reply = json.loads(response.read())
            yield connection, reply["data"]["attributes"]["accessToken"]
        finally:
            connection.close()


class _Decoding(BaseHTTPRequestHandler):
    """Reads a body, decodes its base64, and forgets it."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        for image in body["data"]["attributes"]["images"].values():
            b64decode(image["data"], validate=True)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (as above)
        """Nobody reads it."""


@contextmanager
def _bare() -> Iterator[HTTPConnection]:
    with HTTPServer(("127.0.0.1", 0), _Decoding) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        connection = HTTPConnection("127.0.0.1", server.server_address[1])
        try:
            yield connection
        finally:
            connection.close()
            server.shutdown()
            thread.join()


# -- content -------------------------------------------------------------------------------------


def _body() -> bytes:
    """A call with nearly 13,000,000 bytes of content that no compression shortens."""
    chance = random.Random(13)
    attributes = {
        "dockId": str(DOCK_ID),
        "code": {"code": b64encode(b"import splashscreen\n").decode()},
        "kvStore": {"notes": chance.randbytes(VALUE_BYTES // 2).hex()},
        "images": {
            f"picture_{number}": {"type": "BMP", "data": b64encode(_noise(chance)).decode()}
            for number in range(PICTURES)
        },
    }
    return json.dumps({"data": {"type": "applicationRomStore", "attributes": attributes}}).encode()


def _noise(chance: random.Random) -> bytes:
    """A 24-bit BMP of noise, as large as the screen."""
    pixels = chance.randbytes(3 * WIDTH * HEIGHT)
    head = struct.pack("<2sIIIIiiHH24x", b"BM", 54 + len(pixels), 0, 54, 40, WIDTH, HEIGHT, 1, 24)
    return head + pixels

"""The development service in front of real virtual docks, without a process or an application."""

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from station.dock.main import docks
from station.dock.powered import PoweredDock
from station.dock.rest_front import RestSettings, rest_front
from station.dock.rest_http import NoSuchAddress
from station.dock.settings import Settings
from station.domain.development_service import Credentials
from station.domain.identity import DockId, Serial
from station.domain.secret import Secret
from tests.unit.dock import rest_bodies as bodies
from tests.unit.dock.images import AUTHORITY, PRODUCT, make_profile
from tests.unit.dock.serving import has_ipv6


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PoweredDock, ...]]:
    folder = tmp_path_factory.mktemp("docks")
    settings = [
        Settings(
            flash=folder / f"{number}.flash",
            port=folder / f"{number}.tty",
            dock_id=DockId(bytes([number]) * 32),
            label=Serial(f"DEV-{number}"),
            profile=make_profile(),
            product=PRODUCT,
            authority=AUTHORITY,
        )
        for number in (1, 2)
    ]
    with docks(settings, None) as powered:
        yield powered


@contextmanager
def front(docks: tuple[PoweredDock, ...], host: str, certificate: Path | None) -> Iterator[Any]:
    with rest_front(RestSettings(host, 0, certificate), docks) as announced:
        yield announced


def log_in(url: str, context: ssl.SSLContext | None = None) -> Any:
    request = Request(f"{url}/isv/application/login", bodies.encoded(bodies.login()))
    with urlopen(request, timeout=20, context=context) as response:
        return json.loads(response.read())


def test_docks_are_announced_in_their_order(both: tuple[PoweredDock, ...]) -> None:
    with front(both, "127.0.0.1", None) as announced:
        rest = announced.pop("rest")

    assert rest.startswith("http://127.0.0.1:")
    assert rest.endswith("/api")
    assert announced == {
        "dock_ids": ["01" * 32, "02" * 32],
        "labels": ["DEV-1", "DEV-2"],
        "ports": [str(dock.settings.port) for dock in both],
        "profile": "test-dock",
    }


@pytest.mark.parametrize(
    ("host", "reached_at", "warned"),
    [
        ("127.0.0.1", "127.0.0.1", False),
        ("localhost", "localhost", False),
        ("::1", "[::1]", False),
        ("0.0.0.0", "127.0.0.1", True),
        ("::", "[::1]", True),
    ],
)
def test_the_base_it_announces_is_one_it_is_reached_at(
    both: tuple[PoweredDock, ...],
    host: str,
    reached_at: str,
    warned: bool,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    certificate = tmp_path / "rest.pem"
    try:
        with front(both, host, certificate) as announced:
            assert announced["certificate"] == str(certificate)
            assert announced["rest"].startswith(f"https://{reached_at}:")
            context = ssl.create_default_context(cafile=certificate)
            reply = log_in(announced["rest"], context)
    except NoSuchAddress:
        assert ":" in host
        assert not has_ipv6()
        return

    assert len(reply["data"]["id"]) == 24
    assert len(reply["data"]["attributes"]["accessToken"]) >= 43
    assert ("reached from other machines" in capsys.readouterr().err) == warned


def test_no_two_logins_give_the_same_token(both: tuple[PoweredDock, ...]) -> None:
    with front(both, "127.0.0.1", None) as announced:
        replies = [log_in(announced["rest"])["data"] for _ in range(20)]

    assert len({one["attributes"]["accessToken"] for one in replies}) == 20
    assert len({one["id"] for one in replies}) == 20


def test_the_credentials_of_a_service_are_not_in_what_it_looks_like() -> None:
    access = Credentials("kanary-1", Secret(b"kanary-2"), "kanary-3")

    assert "kanary" not in repr(RestSettings("127.0.0.1", 0, None, access))

"""The development service in front of the virtual docks of a process, while they are on."""

import secrets
import ssl
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from time import monotonic
from typing import Final

from station.dock.powered import PoweredDock
from station.dock.rest import BASE, DevelopmentService
from station.dock.rest_http import RestServer
from station.dock.rest_tls import serving_tls
from station.domain.development_service import Credentials, is_this_machine

ID_OCTETS: Final = 12
"""As the vendor's printed reply has: 24 hexadecimal digits."""

TOKEN_OCTETS: Final = 32


@dataclass(frozen=True, slots=True)
class RestSettings:
    """A development service to be.

    port: 0 for any that is free. certificate: where its PEM is put for clients to trust; None for
    plain HTTP. access: who may log in; None for whoever says something.
    """

    host: str
    port: int
    certificate: Path | None
    access: Credentials | None = None

    @property
    def tls(self) -> bool:
        """Whether it speaks HTTPS."""
        return self.certificate is not None


@contextmanager
def rest_front(
    settings: RestSettings, docks: Sequence[PoweredDock]
) -> Iterator[Mapping[str, object]]:
    """Serve these docks until the block is left; what is announced of it.

    Raises NoSuchAddress.
    """
    service = DevelopmentService(
        docks,
        rom_budget_bytes=max(dock.settings.profile.rom_budget_bytes for dock in docks),
        access=settings.access,
        new_id=lambda: secrets.token_hex(ID_OCTETS),
        new_token=lambda: secrets.token_urlsafe(TOKEN_OCTETS),
        now_s=monotonic,
        now_at=lambda: datetime.now(UTC),
        log=_log,
    )
    with _tls(settings) as tls:
        server = RestServer(service, host=settings.host, port=settings.port, tls=tls)
        _warn(settings)
        server.start()
        try:
            yield _announced(settings, server.port, docks)
        finally:
            server.close()


def _announced(
    settings: RestSettings, port: int, docks: Sequence[PoweredDock]
) -> Mapping[str, object]:
    each = [dock.settings for dock in docks]
    scheme = "https" if settings.tls else "http"
    return {
        "rest": f"{scheme}://{_reached_at(settings.host)}:{port}{BASE}",
        **({"certificate": str(settings.certificate)} if settings.tls else {}),
        "dock_ids": [str(one.dock_id) for one in each],
        "labels": [one.label.text for one in each],
        "ports": [str(one.port) for one in each],
        "profile": each[0].profile.name,
    }


def _reached_at(host: str) -> str:
    """The host in an address; this machine for a service that listens everywhere."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "[::1]"
    return host if address.version == 4 else f"[{host}]"


@contextmanager
def _tls(settings: RestSettings) -> Iterator[ssl.SSLContext | None]:
    if settings.certificate is None:
        yield None
        return
    with serving_tls(
        settings.host, certificate=settings.certificate, now_at=datetime.now(UTC)
    ) as context:
        yield context


def _warn(settings: RestSettings) -> None:
    if is_this_machine(settings.host):
        return
    _log("reached from other machines: whoever can log in replaces what these docks hold")
    if not settings.tls:
        _log("plain HTTP: secrets and contents can be read on the way")


def _log(line: str) -> None:
    sys.stderr.write(f"rest: {line}\n")

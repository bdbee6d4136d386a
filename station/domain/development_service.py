"""A development service: where it is, what a developer has from its owner to use it with, and
what an accepted push promises.

Source: dock-sdk.md, section 4. The forms of credentials are seen in the vendor's examples only, so
a value of another form is doubted and never refused.
"""

import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final, Self
from urllib.parse import urlsplit

from station.domain.secret import Secret

VENDOR_URL: Final = "https://sandbox.vision.synaptics.com/api"
"""The vendor's own. Never used unless somebody names it: a push replaces what a dock holds."""

_ENTERPRISE: Final = re.compile(r"[0-9A-Fa-f]{24}")
_KEY: Final = re.compile(r"[0-9A-Fa-f]{24}-.+")
_SECRET: Final = re.compile(rb"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")

_OF: Final = "as the vendor's examples have"


@dataclass(frozen=True, slots=True)
class Credentials:
    """client_id: the application key. The vendor asks to keep all three from others, so none shows.

    Raises ValueError where one is empty, or cannot be sent as UTF-8.
    """

    client_id: str = field(repr=False)
    client_secret: Secret = field(repr=False)
    enterprise_id: str = field(repr=False)

    def __post_init__(self) -> None:
        if not (self.client_id and self.client_secret.size_bytes and self.enterprise_id):
            raise ValueError("credentials are a client id, a client secret and an enterprise id")
        try:
            f"{self.client_id}{self.enterprise_id}".encode()
        except UnicodeEncodeError:
            raise ValueError("credentials are text") from None

    @property
    def doubts(self) -> tuple[str, ...]:
        """What looks unlike the vendor's examples, one line each; no value is repeated."""
        with self.client_secret.reveal() as secret:
            uuid_shaped = _SECRET.fullmatch(secret) is not None
        return tuple(
            line
            for holds, line in (
                (
                    _KEY.fullmatch(self.client_id),
                    f"the client id is not 24 hexadecimal digits, a hyphen and a name, {_OF}",
                ),
                (uuid_shaped, f"the client secret has not the shape of a UUID, {_OF}"),
                (
                    _ENTERPRISE.fullmatch(self.enterprise_id),
                    f"the enterprise id is not 24 hexadecimal digits, {_OF}",
                ),
            )
            if not holds
        )


@dataclass(frozen=True, slots=True)
class ServiceUrl:
    """The base below which the calls are. text: without a slash at its end."""

    text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """From ``https://HOST[:PORT][/PATH]``; ``http`` on this machine only, for a secret would be
        read on the way. Raises ValueError."""
        url = urlsplit(text)
        host, _ = url.hostname, url.port
        if url.scheme not in {"https", "http"} or not host or "@" in url.netloc:
            raise ValueError("a service is named like https://HOST/api")
        if url.query or url.fragment or not text.isascii() or not text.isprintable() or " " in text:
            raise ValueError("only a host, a port and a path name a service")
        if url.scheme == "http" and not is_this_machine(host):
            raise ValueError("plain HTTP is for services on this machine; name it with https")
        return cls(text.rstrip("/"))

    @property
    def encrypted(self) -> bool:
        """Whether its certificate is looked at."""
        return urlsplit(self.text).scheme == "https"

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a service has accepted, and what a check on the dock must report (dock-sdk.md, Q18).

    code_crc32: of the application sent, None without one. keys, tags: of all of ROM; None where
    ROM was not touched. examples: entries whose value stands in for a lot's, a dock's or a key's.
    """

    size_bytes: int
    code_crc32: int | None = None
    keys: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    warnings: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()


def is_this_machine(host: str) -> bool:
    """Whether a name or address is reached without a network."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"

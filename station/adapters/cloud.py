"""A client of the development service: puts content onto a developer's dock through the vendor's
cloud, or through whatever speaks as it does.

Follows the documentation to the letter, and where it is silent the vendor's scripts: bodies of
success are not looked at (the login's apart), one fresh login after a 401, more tries only after
network errors and 5xx. A success means accepted, not applied. Neither secret nor token is ever in
a message. Source: dock-sdk.md, section 4, Q17, Q18 and Q21.
"""

import json
import ssl
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from zlib import crc32

from urllib3 import BaseHTTPResponse, PoolManager, Retry, Timeout
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    MaxRetryError,
    ReadTimeoutError,
    SSLError,
)

from station.domain.development_service import Credentials, ServiceUrl
from station.domain.entries import Entry, Kind
from station.domain.errors import (
    FileUnreadable,
    Interrupted,
    ServiceNotTrusted,
    ServiceRefused,
    ServiceSilent,
)
from station.domain.identity import DockId
from station.domain.secret import Secret

CONNECT_S: Final = 10.0
ANSWER_S: Final = 60.0
"""Longest silence of a service that has been asked; building 13 MB takes a few seconds."""

TRIES: Final = 4
BACK_OFF_S: Final = 0.5
"""Doubled with every try after the second, which comes at once."""

ANSWER_BYTES_MAX: Final = 65_536
TOLD_CHARACTERS_MAX: Final = 300
PIECE_BYTES: Final = 65_536

Sent = Callable[[int, int], None]
"""(octets of the body sent so far, octets in all); from the beginning again with another try."""


class DevelopmentCloud:
    """One service and whoever uses it; a context, which closes its connections.

    ca: PEM to trust instead of the system's; None for the system's. Raises FileUnreadable.
    """

    def __init__(
        self,
        url: ServiceUrl,
        credentials: Credentials,
        *,
        ca: Path | None = None,
        sent: Sent = lambda _done, _total: None,
        back_off_s: float = BACK_OFF_S,
    ) -> None:
        self._url = url
        self._credentials = credentials
        self._sent = sent
        self._token: Secret | None = None
        self._pool = PoolManager(
            ssl_context=_trusting(ca) if url.encrypted else None,
            timeout=Timeout(connect=CONNECT_S, read=ANSWER_S),
            retries=_Tries(
                total=TRIES - 1,
                redirect=0,
                status_forcelist=range(500, 600),
                allowed_methods=None,  # every call, for each may be made twice
                backoff_factor=back_off_s,
                raise_on_status=False,
                respect_retry_after_header=False,
            ),
            blocksize=PIECE_BYTES,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._pool.clear()

    def replace_rom(self, dock_id: DockId, entries: Sequence[Entry]) -> None:
        """Have these entries put in place of all of ROM. No entry would erase it: ValueError.

        Like the other two: raises ServiceRefused, ServiceSilent, ServiceNotTrusted, Interrupted.
        """
        if not entries:
            raise ValueError("nothing to write")
        self._ask(
            "/docks/application/romstore",
            "applicationRomStore",
            {"dockId": str(dock_id), **_rom_store(entries)},
            HTTPStatus.OK,
        )

    def run_code(self, dock_id: DockId, code: bytes) -> None:
        """Have this application run at once, until the dock restarts."""
        self._ask(
            "/docks/application/code",
            "applicationCode",
            {"dockId": str(dock_id), "code": _base64(code)},
            HTTPStatus.OK,
        )

    def deliver(self, dock_id: DockId, message: bytes) -> None:
        """Have the running application given this message, its kind in front.

        Another try after a broken connection may deliver it twice.
        """
        self._ask(
            "/docks/application/message",
            "applicationMessage",
            {"dockId": str(dock_id), "message": _base64(message)},
            HTTPStatus.CREATED,
        )

    # -- calls ---------------------------------------------------------------------------------

    def _ask(
        self, path: str, type_: str, attributes: dict[str, object], success: HTTPStatus
    ) -> None:
        body = _Body(_call(type_, attributes), self._sent)
        try:
            self._token = self._token or self._log_in()
            status, told = self._post(path, body, self._token)
            if status == HTTPStatus.UNAUTHORIZED:
                self._token = self._log_in()
                status, told = self._post(path, body, self._token)
        except KeyboardInterrupt as error:
            raise _stopped(body) from error
        if status != success:
            raise self._refusal(path, status, told)

    def _log_in(self) -> Secret:
        path = "/isv/application/login"
        with self._credentials.client_secret.reveal() as secret:
            attributes: dict[str, object] = {
                "clientId": self._credentials.client_id,
                "clientSecret": bytes(secret).decode("utf-8"),
                "enterpriseId": self._credentials.enterprise_id,
            }
        body = _Body(_call("isvApplicationLogin", attributes), lambda _done, _total: None)
        status, told = self._post(path, body, None)
        if status != HTTPStatus.CREATED:
            raise self._refusal(path, status, told)
        return self._access_token(told)

    def _access_token(self, reply: bytes) -> Secret:
        try:
            match json.loads(reply):
                case {"data": {"attributes": {"accessToken": str(token)}}} if _fits_header(token):
                    return Secret.from_text(token)
        except (ValueError, RecursionError):
            pass
        raise ServiceRefused(
            f"{self._url}: the answer to the login has no access token",
            remedy="Check that the address is that of a development service.",
        )

    def _post(self, path: str, body: "_Body", token: Secret | None) -> tuple[int, bytes]:
        """Status, and as much of the answer as may be of use."""
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "Content-Length": str(body.size_bytes),
            "User-Agent": "dock-provisioning-station",
        }
        if token is not None:
            with token.reveal() as view:
                headers["Authorization"] = f"Bearer {bytes(view).decode('ascii')}"
        body.seek(0)
        with self._named_errors():
            response = self._pool.request(
                "POST",
                f"{self._url}{path}",
                body=body,
                headers=headers,
                redirect=False,
                preload_content=False,
            )
            return response.status, _beginning(response)

    def _refusal(self, path: str, status: int, told: bytes) -> ServiceRefused | ServiceSilent:
        answered = f"{self._url}{path}: {status}{_phrase(status)}"
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return ServiceSilent(f"{answered}, {TRIES} times over")
        words = _words(told)
        return ServiceRefused(
            f"{answered}: {words}" if words and self._harmless(words) else answered
        )

    def _harmless(self, words: str) -> bool:
        """Whether a service's words repeat nothing that we keep to ourselves."""
        kept = [self._credentials.client_id, self._credentials.enterprise_id]
        for secret in filter(None, (self._credentials.client_secret, self._token)):
            with secret.reveal() as view:
                kept.append(bytes(view).decode("utf-8"))
        return not any(one in words for one in kept)

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except HTTPError as error:
            reason = error.reason if isinstance(error, MaxRetryError) else error
            if _distrusted(reason):
                raise ServiceNotTrusted(
                    f"{self._url}: its certificate is not trusted: {_certificate_words(reason)}"
                ) from None
            raise ServiceSilent(f"{self._url}: {_trouble(reason)}") from None


class _Tries(Retry):
    """The policy, but for the one error that no other try can change."""

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: Any = None,
        _stacktrace: TracebackType | None = None,
    ) -> Self:
        """Raises the error itself."""
        if error is not None and _distrusted(error):
            raise error
        return super().increment(method, url, response, error, _pool, _stacktrace)


class _Body(BytesIO):
    """A body that can be sent again, and tells how far it has been sent.

    whole: whether all of it was handed out at least once.
    """

    def __init__(self, content: bytes, sent: Sent) -> None:
        super().__init__(content)
        self.size_bytes = len(content)
        self.whole = False
        self._tell_sent = sent

    def read(self, size: int | None = -1) -> bytes:
        """The next piece; asking for it says that the one before is on its way."""
        piece = super().read(size)
        self.whole = self.whole or self.tell() == self.size_bytes
        self._tell_sent(self.tell(), self.size_bytes)
        return piece


def crc_of(code: bytes | memoryview) -> int:
    """What `CodeStore().info()` of the dock has to say of this application (dock-sdk.md, 2.1)."""
    return crc32(code)


# -- bodies ----------------------------------------------------------------------------------------


def _call(type_: str, attributes: dict[str, object]) -> bytes:
    call = {"data": {"type": type_, "attributes": attributes}}
    return json.dumps(call, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def _rom_store(entries: Sequence[Entry]) -> dict[str, object]:
    code, values, images = b"", {}, {}
    for entry in entries:
        match entry:
            case Entry(Kind.CODE):
                code = bytes(entry.data)
            case Entry(Kind.KV):
                values[entry.name] = bytes(entry.data).decode("utf-8")
            case Entry(Kind.IMG, picture=picture) if picture is not None:
                images[entry.name] = {"type": picture.value, "data": _base64(entry.data)}
            case _:
                raise ValueError(f"the service takes no {entry.kind}")
    return {"code": {"code": _base64(code)}, "kvStore": values, "images": images}


def _base64(octets: bytes | memoryview) -> str:
    return b64encode(octets).decode("ascii")


# -- answers ---------------------------------------------------------------------------------------


def _beginning(response: BaseHTTPResponse) -> bytes:
    """Of its body; a body that breaks off, or goes on, is none of our business."""
    try:
        with suppress(HTTPError):
            return response.read(ANSWER_BYTES_MAX, decode_content=False)
        return b""
    finally:
        response.close()


def _fits_header(token: str) -> bool:
    return (
        0 < len(token) <= ANSWER_BYTES_MAX
        and token.isascii()
        and token.isprintable()
        and (" " not in token)
    )


def _words(told: bytes) -> str:
    """What an error's body says, for one line: of a JSON:API error its detail, else its text."""
    text = told.decode("utf-8", errors="replace")
    with suppress(ValueError, RecursionError):
        match json.loads(text):
            case {"errors": [{"detail": str(detail), "source": {"pointer": str(pointer)}}, *_]}:
                text = f"{pointer}: {detail}"
            case {"errors": [{"detail": str(detail)}, *_]}:
                text = detail
    words = " ".join(text.split())[:TOLD_CHARACTERS_MAX]
    return "".join(one if one.isprintable() else "?" for one in words)


def _phrase(status: int) -> str:
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""


# -- trust and trouble -----------------------------------------------------------------------------


def _trusting(ca: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        reason = "not a PEM of certificates" if isinstance(error, ssl.SSLError) else error.strerror
        raise FileUnreadable(f"{ca}: {(reason or 'cannot be read').lower()}") from error


def _distrusted(error: BaseException | None) -> bool:
    return isinstance(error, SSLError) and isinstance(
        next(iter(error.args), None), ssl.SSLCertVerificationError
    )


def _certificate_words(error: BaseException | None) -> str:
    found = error.args[0] if error is not None else None
    return found.verify_message if isinstance(found, ssl.SSLCertVerificationError) else "unknown"


def _trouble(error: BaseException | None) -> str:
    """Of the network, in words that name no library."""
    if isinstance(error, ConnectTimeoutError) and not isinstance(error.__cause__, OSError):
        return f"no connection within {CONNECT_S:.0f} s"
    if isinstance(error, ReadTimeoutError):
        return f"no answer within {ANSWER_S:.0f} s"
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return "no TLS is spoken there, or it broke off"
        if isinstance(error, OSError) and error.strerror:
            return error.strerror.lower()
        error = error.__cause__ or error.__context__
    return "the connection broke"


def _stopped(body: _Body) -> Interrupted:
    if body.whole:
        return Interrupted(
            "stopped by a person: whether the dock took it is not known",
            remedy="Look at the dock, or push again.",
        )
    return Interrupted(
        "stopped by a person before everything was sent: the dock is as it was",
        remedy="Push again.",
    )

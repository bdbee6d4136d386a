"""The development service: who may call, which dock is meant, and what is answered.

Plays what the vendor's cloud does for developers, towards virtual docks. Knows paths, tokens and
docks; octets of bodies come in, replies go out, and HTTP is somebody else's (`rest_http.py`).
Source: dock-sdk.md, section 4; docs/SPEC.md, "Calls". What the vendor leaves open (error bodies,
token life, limits) is this project's choice.
"""

import json
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest
from http import HTTPStatus
from threading import Lock
from typing import Final, assert_never

from station.dock.development import DevelopmentDock
from station.dock.rest_calls import (
    LOGIN_PATH,
    PARSERS,
    BadBody,
    Deliver,
    DockCall,
    ReplaceRom,
    RunCode,
    login,
)
from station.domain.development_service import Credentials
from station.domain.errors import NotForProduction, OperatorError, StationError
from station.domain.identity import DockId

BASE: Final = "/api"
"""Every path begins with it, as below the vendor's host."""

LOGIN_BYTES_MAX: Final = 16_384
"""Longest body of somebody who has not said yet who they are."""

MEMBERS_BYTES: Final = 1_048_576
"""Room for all of a body but its contents."""

TOKEN_LIFE_S: Final = 3_600.0
TOKENS_MAX: Final = 1_024
"""The oldest token dies when there is one more."""

_SUCCESS: Final[Mapping[type[DockCall], HTTPStatus]] = {
    RunCode: HTTPStatus.OK,
    ReplaceRom: HTTPStatus.OK,
    Deliver: HTTPStatus.CREATED,
}


def body_bytes_max(rom_budget_bytes: int) -> int:
    """Longest body of a call to a dock: all of ROM, however its content is spelled.

    Base64 takes 4 octets for 3; JSON of ASCII only takes up to 3 octets for each octet of UTF-8
    text, control characters apart.
    """
    return 3 * rom_budget_bytes + MEMBERS_BYTES


@dataclass(frozen=True, slots=True)
class Reply:
    """body: JSON. headers: beyond those of every reply."""

    status: HTTPStatus
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


class Refused(Exception):
    """A call that is not carried out. pointer: the place of a body it is about, may be empty."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        code: str = "",
        pointer: str = "",
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.code = code or f"E-REST-{status.value}"
        self.pointer = pointer
        self.headers = headers

    @property
    def reply(self) -> Reply:
        """As JSON:API spells errors, for the documented bodies have its form."""
        error: dict[str, object] = {
            "status": str(self.status.value),
            "code": self.code,
            "title": self.status.phrase,
            "detail": self.detail,
        }
        if self.pointer:
            error["source"] = {"pointer": self.pointer}
        return Reply(self.status, _encoded({"errors": [error]}), self.headers)


class Tokens:
    """Access tokens given out. Callable from any thread; keeps no token, only its digest."""

    def __init__(self, *, new: Callable[[], str], now_s: Callable[[], float]) -> None:
        self._new = new
        self._now_s = now_s
        self._until_s: OrderedDict[bytes, float] = OrderedDict()
        self._lock = Lock()

    def issue(self) -> str:
        """A new one."""
        token = self._new()
        with self._lock:
            self._until_s[_digest(token)] = self._now_s() + TOKEN_LIFE_S
            while len(self._until_s) > TOKENS_MAX:
                self._until_s.popitem(last=False)
        return token

    def knows(self, token: str) -> bool:
        """Whether it was given out here, and not too long ago."""
        with self._lock:
            return self._until_s.get(_digest(token), 0.0) > self._now_s()


class DevelopmentService:
    """Callable from any thread.

    access: who may log in; None for whoever says something. new_id, new_token: text nobody can
    guess. now_s: monotonic seconds. now_at: wall time. log: takes lines for whoever runs it.
    """

    def __init__(
        self,
        docks: Iterable[DevelopmentDock],
        *,
        rom_budget_bytes: int,
        access: Credentials | None,
        new_id: Callable[[], str],
        new_token: Callable[[], str],
        now_s: Callable[[], float],
        now_at: Callable[[], datetime],
        log: Callable[[str], None],
    ) -> None:
        self._docks: Mapping[DockId, DevelopmentDock] = {dock.dock_id: dock for dock in docks}
        self._body_bytes_max = body_bytes_max(rom_budget_bytes)
        self._access = None if access is None else _fingerprint(access)
        self._tokens = Tokens(new=new_token, now_s=now_s)
        self._new_id = new_id
        self._now_at = now_at
        self._log = log

    def admit(self, method: str, path: str, authorization: str) -> int:
        """How many octets a body may have, judged before any of it is read.

        authorization: the header's value; empty if there is none. Raises Refused.
        """
        name = path.removeprefix(BASE)
        if path == name or name not in (LOGIN_PATH, *PARSERS):
            raise Refused(HTTPStatus.NOT_FOUND, "no such path is documented")
        if method != "POST":
            raise Refused(
                HTTPStatus.METHOD_NOT_ALLOWED, "every call is a POST", headers=(("Allow", "POST"),)
            )
        if name == LOGIN_PATH:
            return LOGIN_BYTES_MAX
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not self._tokens.knows(token.strip()):
            raise _unauthorised("log in, and send the access token as a bearer token")
        return self._body_bytes_max

    def answer(self, path: str, body: bytes) -> Reply:
        """Carry out an admitted call. Raises Refused, and then nothing has changed."""
        name = path.removeprefix(BASE)
        try:
            if name == LOGIN_PATH:
                return self._log_in(body)
            return self._carry_out(name, PARSERS[name](body))
        except BadBody as error:
            raise Refused(
                HTTPStatus.BAD_REQUEST, error.cause, code=error.code, pointer=error.pointer
            ) from error

    def _log_in(self, body: bytes) -> Reply:
        credentials = login(body).credentials
        for doubt in credentials.doubts:
            self._log(f"login: {doubt}")
        if self._access is not None and not compare_digest(_fingerprint(credentials), self._access):
            raise _unauthorised("these credentials are not known here")
        reply = {
            "data": {
                "id": self._new_id(),
                "type": "isvApplicationAuth",
                "attributes": {"accessToken": self._tokens.issue()},
            },
            "meta": self._meta(),
        }
        return Reply(HTTPStatus.CREATED, _encoded(reply))

    def _carry_out(self, name: str, call: DockCall) -> Reply:
        dock = self._docks.get(call.dock_id)
        if dock is None:
            raise Refused(HTTPStatus.NOT_FOUND, f"no dock {call.dock_id} is here")
        try:
            match call:
                case ReplaceRom(entries=entries):
                    dock.replace_rom(entries)
                case RunCode(code=code):
                    dock.run_code(code)
                case Deliver(message=message):
                    dock.deliver(message)
                case _:
                    assert_never(call)
        except StationError as error:
            raise Refused(_status(error), error.cause, code=error.code) from error
        status = _SUCCESS[type(call)]
        self._log(f"{name} dock {call.dock_id}: {status.value}")
        return Reply(status, _encoded({"meta": self._meta()}))

    def _meta(self) -> dict[str, object]:
        return {"createdTimestamp": int(self._now_at().timestamp() * 1000)}


def _status(error: StationError) -> HTTPStatus:
    """Whose turn it is: the caller's, or that of whoever runs the dock."""
    if isinstance(error, NotForProduction):
        return HTTPStatus.FORBIDDEN
    if isinstance(error, OperatorError):
        return HTTPStatus.BAD_REQUEST
    return HTTPStatus.SERVICE_UNAVAILABLE


def _unauthorised(detail: str) -> Refused:
    return Refused(HTTPStatus.UNAUTHORIZED, detail, headers=(("WWW-Authenticate", "Bearer"),))


def _fingerprint(credentials: Credentials) -> bytes:
    """All three at once and of one length, so that a comparison tells nothing of a part."""
    with credentials.client_secret.reveal() as secret:
        parts = (credentials.client_id.encode("utf-8"), secret, credentials.enterprise_id.encode())
        return sha256(b"".join(sha256(part).digest() for part in parts)).digest()


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8")).digest()


def _encoded(value: object) -> bytes:
    return json.dumps(value).encode("ascii")

"""Module `http`: requests, answered as the scenario says.

Several answers for one method and URL are given in turn, the last of them for ever after. A server
the scenario does not know is not there: cURL's error 7 ("could not connect"), or 6 ("could not
resolve host") for any server while there is no network. An answer takes a tenth of a second.
Source: dock-sdk.md, 2.6; the vendor's page on `Response`; libcurl, "Error codes".
"""

from collections import Counter
from collections.abc import Callable
from typing import Final

from station.domain.scenario import HttpAnswer
from station.rehearsal.machine import Machine
from station.rehearsal.sdk import arguments, urls
from station.rehearsal.sdk.arguments import Callback
from station.rehearsal.sdk.names import Names
from station.rehearsal.sdk.network import network_now

ANSWER_MS: Final = 100
TIMEOUT_S: Final = 40
RUNNING_MAX: Final = 16
"""Requests that run at once."""

_UNSUPPORTED_PROTOCOL: Final = 1
_URL_MALFORMED: Final = 3
_COULD_NOT_RESOLVE: Final = 6
_COULD_NOT_CONNECT: Final = 7
_NO_CONNECTION_AVAILABLE: Final = 89
_CURL_ERRORS: Final = range(1, 100)


class Response:
    """`http.Response`."""

    def __init__(
        self, status_code: int = 0, headers: tuple[tuple[str, str], ...] = (), body: bytes = b""
    ) -> None:
        self._status_code = status_code
        self._headers = headers
        self._body = body

    def status_code(self) -> int:
        """The server's status, or an error of cURL, 1 to 99."""
        return self._status_code

    def headers(self) -> dict[str, str]:
        """By name, as the server spells it."""
        return dict(self._headers)

    def body(self) -> bytearray:
        """What the server sent."""
        return bytearray(self._body)


class Requests:
    """All requests of an application."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._running = 0
        self._answered = Counter[tuple[str, str]]()

    def check(
        self,
        name: str,
        url: str,
        headers: object,
        data: object,
        timeout: object,
        cacert: object,
    ) -> None:
        """Tell of a request. Raises TypeError and ValueError for what is none."""
        size_bytes = 0 if data is None else len(arguments.octets(data, "data"))
        self._machine.called(
            f"http.{name}", f"{urls.told(arguments.text(url, 'url'))}, {size_bytes:,} bytes"
        )
        if headers is not None and not isinstance(headers, dict):
            raise TypeError("headers: a dict is needed")
        if not isinstance(timeout, int | float):
            raise TypeError("timeout: a number is needed")
        if timeout < 0:
            raise ValueError("timeout: below zero")
        if cacert is not None:
            arguments.octets(cacert, "cacert")

    def wait_for(self, method: str, url: str) -> Response:
        """The answer, once it is there; the application is kept busy for so long."""
        if self._running >= RUNNING_MAX:
            return Response(_NO_CONNECTION_AVAILABLE)
        self._machine.sleep_ms(ANSWER_MS)
        return self._response(method, url)

    def begin(self, method: str, url: str, on_response: Callback) -> None:
        """Call with the answer."""
        if self._running >= RUNNING_MAX:
            refused = Response(_NO_CONNECTION_AVAILABLE)
            self._machine.call_at(self._machine.now_ms(), lambda: on_response(refused))
            return
        self._running += 1

        def end() -> None:
            self._running -= 1
            on_response(self._response(method, url))

        self._machine.call_at(self._machine.now_ms() + ANSWER_MS, end)

    def _response(self, method: str, url: str) -> Response:
        parts = urls.split(url if "://" in url else f"http://{url}")
        if parts is None:
            return Response(_URL_MALFORMED)
        if parts.scheme not in {"http", "https"}:
            return Response(_UNSUPPORTED_PROTOCOL)
        if not network_now(self._machine).ip:
            return Response(_COULD_NOT_RESOLVE)
        answer = self._answer(method, url)
        if answer is None:
            return Response(_COULD_NOT_CONNECT)
        if answer.status in _CURL_ERRORS:
            return Response(answer.status)
        return Response(answer.status, answer.headers, answer.body)

    def _answer(self, method: str, url: str) -> HttpAnswer | None:
        answers = [
            one for one in self._machine.scenario.http if (one.method, one.url) == (method, url)
        ]
        if not answers:
            return None
        turn = self._answered[method, url]
        self._answered[method, url] += 1
        return answers[min(turn, len(answers) - 1)]


def http_names(machine: Machine) -> Names:
    """Of module `http`."""
    requests = Requests(machine)
    return {
        "get": _waiting(requests, "get"),
        "post": _waiting(requests, "post"),
        "get_async": _calling_back(requests, "get"),
        "post_async": _calling_back(requests, "post"),
        "Response": Response,
    }


def _waiting(requests: Requests, method: str) -> Callable[..., Response]:
    def request(
        url: str,
        headers: dict[str, str] | None = None,
        data: object = None,
        *,
        timeout: float = TIMEOUT_S,
        cacert: object = None,
    ) -> Response:
        requests.check(method, url, headers, data, timeout, cacert)
        return requests.wait_for(method, url)

    return request


def _calling_back(requests: Requests, method: str) -> Callable[..., None]:
    def request(
        url: str,
        on_response: Callback,
        headers: dict[str, str] | None = None,
        data: object = None,
        *,
        timeout: float = TIMEOUT_S,
        cacert: object = None,
    ) -> None:
        arguments.callback(on_response, "on_response")
        requests.check(f"{method}_async", url, headers, data, timeout, cacert)
        requests.begin(method, url, on_response)

    return request

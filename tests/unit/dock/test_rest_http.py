"""The development service through real sockets: the protocol, its limits, and hostile clients."""

import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Barrier, Event, Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.dock import rest_http
from station.dock.rest import body_bytes_max
from station.dock.rest_http import HEAD_BYTES_MAX, NoSuchAddress, RestServer
from station.domain.identity import DockId
from station.domain.profile import Stage
from tests.fakes.development_dock import FakeDevelopmentDock
from tests.unit.dock import rest_bodies as bodies
from tests.unit.dock.rest_bodies import base64
from tests.unit.dock.serving import ROM_BYTES, Answer, Served, ask, has_ipv6, make_service, serving

LOGIN = "/api/isv/application/login"
CODE = "/api/docks/application/code"
ROMSTORE = "/api/docks/application/romstore"
MESSAGE = "/api/docks/application/message"

ALL_BYTES = 65_536


def make_dock(number: int = 0, **given: Any) -> FakeDevelopmentDock:
    octets = DockId.parse(bodies.DOCK_ID).octets
    return FakeDevelopmentDock(DockId(bytes([number ^ octets[0]]) + octets[1:]), **given)


@pytest.fixture
def dock() -> FakeDevelopmentDock:
    return make_dock(rom_budget_bytes=ROM_BYTES)


@pytest.fixture
def served(dock: FakeDevelopmentDock) -> Iterator[Served]:
    with serving([dock]) as served:
        yield served


@contextmanager
def raw(served: Served) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
        yield connection


def until_closed(connection: socket.socket) -> bytes:
    """Everything that still comes; a connection that is cut has ended too."""
    received = b""
    try:
        while piece := connection.recv(ALL_BYTES):
            received += piece
    except ConnectionResetError:
        pass
    return received


def told(served: Served, octets: bytes) -> bytes:
    """What the service says to these octets, until it ends the connection."""
    with raw(served) as connection:
        connection.sendall(octets)
        return until_closed(connection)


def head(path: str, token: str, *more: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: dock", f"Authorization: Bearer {token}", *more, "", ""]
    return "\r\n".join(lines).encode()


# -- as documented -------------------------------------------------------------------------------


def test_the_documented_calls_work_one_after_another_on_one_connection(
    dock: FakeDevelopmentDock, served: Served
) -> None:
    with served.connection() as connection:
        login = ask(connection, LOGIN, bodies.login())
        token = login.json["data"]["attributes"]["accessToken"]
        first = connection.sock
        answers = [
            ask(connection, CODE, bodies.code(), token=token),
            ask(connection, ROMSTORE, bodies.romstore(), token=token),
            ask(connection, MESSAGE, bodies.message(), token=token),
        ]

        assert connection.sock is first is not None
    assert [answer.status for answer in (login, *answers)] == [201, 200, 200, 201]
    assert login.json["data"]["type"] == "isvApplicationAuth"
    assert dock.changes == 3
    assert dock.rom is not None
    assert {entry.name for entry in dock.rom} == {
        *("main.py", "mypng", "mybmp", "myjpeg", "dock_name", "timezone")
    }


def test_answers_are_json_and_do_not_tell_what_made_them(served: Served) -> None:
    answers = [
        served.ask(LOGIN, bodies.login()),
        served.ask(LOGIN, b"{"),
        served.ask("/", b"{}"),
        served.ask(CODE, bodies.code()),
    ]

    assert [answer.status for answer in answers] == [201, 400, 404, 401]
    for answer in answers:
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Server" not in answer.headers
        assert "python" not in (str(answer.headers) + answer.octets.decode()).lower()


def test_a_query_behind_a_path_and_a_whole_address_mean_the_path(served: Served) -> None:
    assert served.ask(f"{LOGIN}?a=b", bodies.login()).status == 201
    assert served.ask(f"http://127.0.0.1:{served.port}{LOGIN}", bodies.login()).status == 201
    assert told(served, b"POST http://[/api HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "OPTIONS", "BREW"])
def test_another_method_is_told_which_one_is_allowed(served: Served, method: str) -> None:
    answer = served.ask(LOGIN, b"", method=method)

    assert (answer.status, answer.headers["Allow"]) == (405, "POST")


def test_nothing_follows_the_headers_of_an_answer_to_head(served: Served) -> None:
    answer = told(served, f"HEAD {LOGIN} HTTP/1.1\r\n\r\n".encode())

    assert answer.startswith(b"HTTP/1.1 405 ")
    assert answer.endswith(b"\r\n\r\n")


def test_a_page_in_a_browser_is_refused_whatever_it_knows(
    dock: FakeDevelopmentDock, served: Served
) -> None:
    answer = served.ask(CODE, bodies.code(), token=served.log_in(), Origin="https://evil.example")

    assert (answer.status, dock.changes) == (403, 0)


def test_what_was_done_is_logged_without_what_was_sent(served: Served) -> None:
    token = served.log_in()
    served.ask(ROMSTORE, bodies.romstore(kvStore={"a": "kanary"}), token=token)

    (line,) = served.lines
    assert line == f"/docks/application/romstore dock {bodies.DOCK_ID}: 200"


# -- several at once -----------------------------------------------------------------------------


def test_several_docks_and_several_clients_are_served_at_once() -> None:
    docks = [make_dock(number) for number in range(3)]
    clients = 2 * len(docks)
    together = Barrier(clients)
    statuses: list[int] = []

    def client(served: Served, number: int) -> None:
        dock_id = str(docks[number % len(docks)].dock_id)
        with served.connection() as connection:
            token = ask(connection, LOGIN, bodies.login()).json["data"]["attributes"]["accessToken"]
            together.wait(20)
            for turn in range(5):
                body = bodies.romstore(dockId=dock_id, kvStore={"from": f"{number}.{turn}"})
                statuses.append(ask(connection, ROMSTORE, body, token=token).status)

    with serving(docks) as served:
        threads = [Thread(target=client, args=(served, number)) for number in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert statuses == [200] * 5 * clients
    for number, dock in enumerate(docks):
        assert dock.changes == 10
        assert dock.rom is not None
        assert bytes(dock.rom[-1].data) in {f"{number}.4".encode(), f"{number + 3}.4".encode()}


def test_one_client_too_many_is_asked_to_come_again(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest_http, "CONNECTIONS_MAX", 2)

    with served.connection() as one, served.connection() as two:
        assert ask(one, LOGIN, bodies.login()).status == 201
        assert ask(two, LOGIN, bodies.login()).status == 201
        with raw(served) as third:
            assert until_closed(third).startswith(b"HTTP/1.1 503 ")
        assert ask(one, LOGIN, bodies.login()).status == 201


def test_a_place_is_free_again_when_a_client_has_left(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest_http, "CONNECTIONS_MAX", 1)

    def asked() -> bytes:
        return told(served, head("/", "", "Content-Length: 0"))

    for _ in range(3):
        # The one before is not told when its place is free, so it may take several tries.
        assert any(b" 404 " in answer for answer in iter(asked, None))


# -- limits --------------------------------------------------------------------------------------


def test_the_longest_body_is_read_and_one_octet_more_is_refused_before_it_is_sent(
    dock: FakeDevelopmentDock, served: Served
) -> None:
    token, most = served.log_in(), body_bytes_max(ROM_BYTES)
    body = bodies.encoded(bodies.code())
    fitting = served.ask(CODE, body + b" " * (most - len(body)), token=token)

    refused = told(served, head(CODE, token, f"Content-Length: {most + 1}"))

    assert fitting.status == 200
    assert refused.startswith(b"HTTP/1.1 413 ")
    assert b"Connection: close" in refused
    assert dock.changes == 1


def test_nobody_sends_much_before_a_login(served: Served) -> None:
    long = bodies.login(clientSecret="x" * 20_000)

    assert served.ask(LOGIN, long).status == 413


def test_a_client_that_sends_all_of_a_refused_body_still_reads_the_answer(served: Served) -> None:
    answer = served.ask(ROMSTORE, b" " * body_bytes_max(ROM_BYTES), token="unknown")

    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_a_client_that_asks_before_it_sends_is_told_either_way(served: Served) -> None:
    token, body = served.log_in(), bodies.encoded(bodies.code())
    asking = ("Expect: 100-continue", f"Content-Length: {len(body)}")

    with raw(served) as connection:
        connection.sendall(head(CODE, token, *asking, "Connection: close"))
        go_on = connection.recv(ALL_BYTES)
        connection.sendall(body)
        done = until_closed(connection)

    assert go_on == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert done.startswith(b"HTTP/1.1 200 ")
    assert told(served, head(CODE, "unknown", *asking)).startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ([], 411),
        (["Transfer-Encoding: chunked"], 411),
        (["Transfer-Encoding: chunked", "Content-Length: 5"], 411),
        (["Content-Length: 5", "Content-Length: 6"], 400),
        (["Content-Length: -5"], 400),
        (["Content-Length: +5"], 400),
        (["Content-Length: 5, 5"], 400),
        (["Content-Length: ٥"], 400),
        (["Content-Length: 0x5"], 400),
        (["Content-Length:"], 400),
        ([f"Content-Length: {'9' * 5_000}"], 413),
    ],
)
def test_a_length_that_is_none_ends_the_connection(
    served: Served, lines: list[str], status: int
) -> None:
    answer = told(served, head(LOGIN, "", *lines))

    assert answer.startswith(f"HTTP/1.1 {status} ".encode())


def test_leading_zeros_do_not_make_a_length_long(served: Served) -> None:
    body = bodies.encoded(bodies.login())
    length = f"Content-Length: {'0' * 40}{len(body)}"

    answer = told(served, head(LOGIN, "", length, "Connection: close") + body)

    assert answer.startswith(b"HTTP/1.1 201 ")


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (b"NONSENSE\r\n\r\n", 400),
        (b"POST /api HTTP/9.9\r\n\r\n", 505),
        (b"POST /api HTTP/x\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", 400),
        (b"POST /" + b"a" * HEAD_BYTES_MAX, 431),
        (b"POST / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431),
        (b"POST / HTTP/1.1\r\nA: " + b"a" * HEAD_BYTES_MAX, 431),
        (b"POST / HTTP/1.1\r\n" + b"A: bcdefg\r\n" * HEAD_BYTES_MAX, 431),
    ],
)
def test_heads_that_are_none_or_too_long_are_refused(
    served: Served, octets: bytes, status: int
) -> None:
    answer = told(served, octets)

    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["errors"][0]["status"] == str(status)


def test_a_client_whose_time_is_over_is_let_go_whatever_it_goes_on_saying(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest_http, "HEAD_S", 0.0)

    assert told(served, head("/", "", "Content-Length: 0")) == b""


def test_a_client_that_never_sends_its_body_is_let_go(
    dock: FakeDevelopmentDock, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = served.log_in()
    monkeypatch.setattr(rest_http, "BODY_S", 0.0)

    with raw(served) as connection:
        connection.sendall(head(CODE, token, "Content-Length: 5000"))
        assert until_closed(connection) == b""
    assert dock.changes == 0


def test_a_body_that_breaks_off_changes_nothing(dock: FakeDevelopmentDock, served: Served) -> None:
    token, body = served.log_in(), bodies.encoded(bodies.romstore())
    for sent in (0, 1, len(body) // 2, len(body) - 1):
        with raw(served) as connection:
            length = f"Content-Length: {len(body)}"
            connection.sendall(head(ROMSTORE, token, length) + body[:sent])
            connection.shutdown(socket.SHUT_WR)
            assert until_closed(connection) == b""

    assert dock.changes == 0


# -- faults and the end --------------------------------------------------------------------------


def test_a_fault_of_the_service_is_told_without_its_trace_and_ends_one_connection_only(
    dock: FakeDevelopmentDock, capsys: pytest.CaptureFixture[str]
) -> None:
    dock.trouble = OSError("kanary")
    with serving([dock]) as served:
        token = served.log_in()
        failed = served.ask(CODE, bodies.code(), token=token)
        dock.trouble = None
        assert served.ask(CODE, bodies.code(), token=token).status == 200

    assert (failed.status, failed.error["detail"]) == (500, "a fault of this service")
    assert b"kanary" not in failed.octets
    assert "OSError: kanary" in capsys.readouterr().err


def test_the_service_ends_although_clients_hold_connections_open(
    dock: FakeDevelopmentDock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest_http, "HEAD_S", 1e6)

    with serving([dock]) as served, served.connection() as idle, raw(served) as silent:
        assert ask(idle, LOGIN, bodies.login()).status == 201
        silent.sendall(b"POST ")

    with pytest.raises(OSError, match="refused"), raw(served):
        pass


class Waiting(FakeDevelopmentDock):
    """Begins a call, and ends it when it may."""

    def __init__(self) -> None:
        super().__init__(DockId.parse(bodies.DOCK_ID))
        self.began, self.may_end = Event(), Event()

    def run_code(self, code: bytes) -> None:
        self.began.set()
        assert self.may_end.wait(20)
        super().run_code(code)


def test_a_call_being_carried_out_is_answered_before_the_service_ends() -> None:
    dock, answers = Waiting(), list[Answer]()
    service = make_service(dock)
    server = RestServer(service, host="127.0.0.1", port=0, tls=None)
    server.start()
    served = Served(server.port)
    token = served.log_in()
    client = Thread(target=lambda: answers.append(served.ask(CODE, bodies.code(), token=token)))
    client.start()
    assert dock.began.wait(20)
    ending = Thread(target=server.close)
    ending.start()
    while listens(served):
        pass

    assert ending.is_alive()
    dock.may_end.set()
    ending.join()
    client.join()
    assert [answer.status for answer in answers] == [200]


def listens(served: Served) -> bool:
    try:
        with raw(served):
            return True
    except OSError:
        return False


def test_a_server_that_was_never_started_can_be_closed() -> None:
    RestServer(make_service(), host="127.0.0.1", port=0, tls=None).close()


@pytest.mark.parametrize(
    ("host", "port"), [("192.0.2.1", 0), ("no-such-host.invalid", 0), ("127.0.0.1", 70_000)]
)
def test_an_address_it_cannot_have_is_named(host: str, port: int) -> None:
    with pytest.raises(NoSuchAddress, match=f"{host}:{port}"):
        RestServer(make_service(), host=host, port=port, tls=None)


def test_it_listens_on_the_sixth_version_too(dock: FakeDevelopmentDock) -> None:
    if not has_ipv6():
        with pytest.raises(NoSuchAddress):
            RestServer(make_service(dock), host="::1", port=0, tls=None)
        return
    server = RestServer(make_service(dock), host="::1", port=0, tls=None)
    server.start()
    try:
        with socket.create_connection(("::1", server.port), timeout=20) as connection:
            connection.sendall(head("/", "", "Content-Length: 0"))
            assert until_closed(connection).startswith(b"HTTP/1.1 404 ")
    finally:
        server.close()


# -- hostile clients -----------------------------------------------------------------------------

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.binary(max_size=8).map(base64)
    | st.just(bodies.DOCK_ID)
)
ANY_JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["data", "type", "attributes", "dockId", "code", "images", "kvStore"])
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
DOCUMENTED = {
    LOGIN: bodies.login(),
    CODE: bodies.code(),
    ROMSTORE: bodies.romstore(),
    MESSAGE: bodies.message(),
}


def places(value: object, trail: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every place of a body."""
    yield trail
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from places(inner, (*trail, name))


def put(value: Any, trail: tuple[str, ...], new: object) -> Any:
    """The same body with something else at one place."""
    if not trail:
        return new
    return value | {trail[0]: put(value[trail[0]], trail[1:], new)}


@st.composite
def spoiled(draw: st.DrawFn) -> tuple[str, object]:
    """A documented call in which one thing is another."""
    path = draw(st.sampled_from(sorted(DOCUMENTED)))
    trail = draw(st.sampled_from(sorted(places(DOCUMENTED[path]))))
    return path, put(DOCUMENTED[path], trail, draw(ANY_JSON))


@pytest.fixture(scope="module")
def hostile() -> Iterator[tuple[FakeDevelopmentDock, Served, str]]:
    dock = make_dock(rom_budget_bytes=ROM_BYTES)
    with serving([dock]) as served:
        yield dock, served, served.log_in()


@given(call=spoiled())
def test_a_spoiled_call_is_refused_and_changes_nothing_or_is_a_documented_one(
    hostile: tuple[FakeDevelopmentDock, Served, str], call: tuple[str, object]
) -> None:
    dock, served, token = hostile
    before = dock.changes

    answer = served.ask(*call, token=token)

    if answer.status in {200, 201}:
        assert dock.changes - before == (call[0] != LOGIN)
    else:
        assert answer.status in {400, 404}
        assert answer.error["detail"]
        assert dock.changes == before


@given(octets=st.binary(max_size=200))
def test_any_octets_for_a_body_are_refused_and_change_nothing(
    hostile: tuple[FakeDevelopmentDock, Served, str], octets: bytes
) -> None:
    dock, served, token = hostile
    before = dock.changes

    answer = served.ask(ROMSTORE, octets, token=token)

    assert (answer.status, dock.changes) == (400, before)


@given(octets=st.binary(max_size=100))
def test_any_octets_for_a_request_end_in_a_refusal_or_a_closed_connection(
    hostile: tuple[FakeDevelopmentDock, Served, str], octets: bytes
) -> None:
    dock, served, _ = hostile
    before = dock.changes

    with raw(served) as connection:
        connection.sendall(octets)
        connection.shutdown(socket.SHUT_WR)
        answer = until_closed(connection)

    assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 505"))
    assert dock.changes == before


def test_a_dock_made_for_production_is_left_alone_by_every_documented_call() -> None:
    dock = make_dock(stage=Stage.PRODUCTION)
    with serving([dock]) as served:
        token = served.log_in()
        statuses = [
            served.ask(path, body, token=token).status
            for path, body in DOCUMENTED.items()
            if path != LOGIN
        ]

    assert (statuses, dock.changes) == ([403] * 3, 0)


# -- TLS -----------------------------------------------------------------------------------------


def test_over_tls_the_documented_calls_work_and_the_certificate_proves_the_service(
    dock: FakeDevelopmentDock, tmp_path: Any
) -> None:
    certificate = tmp_path / "rest.pem"
    with serving([dock], certificate=certificate) as served:
        token = served.log_in()
        answer = served.ask(ROMSTORE, bodies.romstore(), token=token)
        assert "PRIVATE" not in certificate.read_text()

    assert (answer.status, dock.changes) == (200, 1)
    assert not certificate.exists()


def test_over_tls_a_refused_body_still_gets_its_answer(
    dock: FakeDevelopmentDock, tmp_path: Any
) -> None:
    with serving([dock], certificate=tmp_path / "rest.pem") as served:
        answer = served.ask(ROMSTORE, b" " * body_bytes_max(ROM_BYTES), token="unknown")

    assert answer.status == 401


def test_whoever_trusts_something_else_hangs_up_and_the_service_goes_on(
    dock: FakeDevelopmentDock, tmp_path: Any
) -> None:
    with serving([dock], certificate=tmp_path / "rest.pem") as served:
        with raw(served) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\n\r\n" * 3)
            assert b"HTTP" not in until_closed(connection)
        with pytest.raises(ssl.SSLCertVerificationError), raw(served) as connection:
            ssl.create_default_context().wrap_socket(connection, server_hostname="127.0.0.1")

        assert served.log_in()

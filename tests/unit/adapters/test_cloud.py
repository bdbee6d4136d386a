"""The client of the development service, against ours and against services that misbehave."""

import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from station.adapters import cloud
from station.adapters.cloud import TRIES, DevelopmentCloud, crc_of
from station.domain.development_service import Credentials, ServiceUrl
from station.domain.entries import Entry, Kind, PictureType
from station.domain.errors import (
    FileUnreadable,
    Interrupted,
    ServiceNotTrusted,
    ServiceRefused,
    ServiceSilent,
    StationError,
)
from station.domain.identity import DockId
from station.domain.secret import Secret
from tests.fakes.development_dock import FakeDevelopmentDock
from tests.unit.adapters.scripted_service import RESET, Scripted, logged_in, reply, scripted
from tests.unit.dock import rest_bodies as bodies
from tests.unit.dock.serving import ROM_BYTES, serving

DOCK_ID = DockId.parse(bodies.DOCK_ID)
SECRET = "kanary-5ec2e7"
TOKEN = "kanary-70ce2"
ENTRIES = (
    Entry(Kind.CODE, "main.py", bodies.CODE),
    Entry(Kind.IMG, "default", bodies.PNG, PictureType.PNG),
    Entry(Kind.KV, "greeting", 'Grüße \U0001f44b "\\\n'.encode()),
)
OK = reply(200, {})


def credentials() -> Credentials:
    return Credentials("kanary-1d", Secret.from_text(SECRET), "kanary-e27e2")


def client(service: Any, **given: Any) -> DevelopmentCloud:
    return DevelopmentCloud(ServiceUrl.parse(service.url), credentials(), back_off_s=0.0, **given)


def push(service: Any, **given: Any) -> None:
    with client(service, **given) as pushing:
        pushing.replace_rom(DOCK_ID, ENTRIES)


@pytest.fixture
def dock() -> FakeDevelopmentDock:
    return FakeDevelopmentDock(DOCK_ID, rom_budget_bytes=ROM_BYTES)


# -- as documented -------------------------------------------------------------------------------


def test_everything_arrives_at_the_dock_as_it_was(dock: FakeDevelopmentDock) -> None:
    with serving([dock]) as service, client(service) as pushing:
        pushing.replace_rom(DOCK_ID, ENTRIES)
        pushing.run_code(DOCK_ID, bodies.CODE)
        pushing.deliver(DOCK_ID, "tGrüße".encode())

    assert dock.rom == ENTRIES
    assert dock.codes == [bodies.CODE]
    assert dock.messages == ["tGrüße".encode()]


def test_the_bodies_are_the_documented_ones() -> None:
    with scripted([logged_in(TOKEN), OK, OK, reply(201)]) as service, client(service) as pushing:
        pushing.replace_rom(DOCK_ID, ENTRIES)
        pushing.run_code(DOCK_ID, bodies.CODE)
        pushing.deliver(DOCK_ID, b"tHello, World!")

    login, romstore, code, message = service.requests
    assert [request.path for request in service.requests] == [
        "/api/isv/application/login",
        "/api/docks/application/romstore",
        "/api/docks/application/code",
        "/api/docks/application/message",
    ]
    assert login.json == {
        "data": {
            "type": "isvApplicationLogin",
            "attributes": {
                "clientId": "kanary-1d",
                "clientSecret": SECRET,
                "enterpriseId": "kanary-e27e2",
            },
        }
    }
    assert romstore.json == bodies.romstore(
        kvStore={"greeting": 'Grüße \U0001f44b "\\\n'},
        images={"default": {"type": "PNG", "data": bodies.base64(bodies.PNG)}},
    )
    assert "Grüße \U0001f44b".encode() in romstore.body  # not spelled in three times the octets
    assert (code.json, message.json) == (bodies.code(), bodies.message())
    assert "authorization" not in login.headers
    assert {one.headers["authorization"] for one in (romstore, code, message)} == {
        f"Bearer {TOKEN}"
    }
    assert {one.headers["content-type"] for one in service.requests} == {"application/json"}


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Where connections of a client went."""
    opened: list[tuple[str, int]] = []
    connect = socket.create_connection

    def counted(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
        opened.append(address)
        return connect(address)

    monkeypatch.setattr("urllib3.util.connection.create_connection", counted)
    return opened


def test_one_login_and_one_connection_serve_several_calls(
    dock: FakeDevelopmentDock, opened: list[tuple[str, int]]
) -> None:
    with serving([dock]) as service, client(service) as pushing:
        for _ in range(3):
            pushing.run_code(DOCK_ID, bodies.CODE)

    assert (len(opened), dock.changes) == (1, 3)


def test_a_rom_store_without_an_application_says_so() -> None:
    with scripted([logged_in(), OK]) as service, client(service) as pushing:
        pushing.replace_rom(DOCK_ID, ENTRIES[2:])

    attributes = service.requests[1].json["data"]["attributes"]
    assert attributes["code"] == {"code": ""}
    assert attributes["images"] == {}


def test_a_rom_store_is_never_erased_by_the_way() -> None:
    with scripted([]) as service, client(service) as pushing, pytest.raises(ValueError):
        pushing.replace_rom(DOCK_ID, ())


def test_bodies_of_success_are_not_looked_at() -> None:
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n{"
    for answer in (reply(200, b"<html>"), reply(200, b"\xff" * 200_000), endless):
        with scripted([logged_in(), answer]) as service:
            push(service)


def test_progress_counts_the_octets_of_the_body() -> None:
    told: list[tuple[int, int]] = []
    with scripted([logged_in(), OK]) as service:
        push(service, sent=lambda done, total: told.append((done, total)))

    size = len(service.requests[1].body)
    assert told[-1] == (size, size)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_the_checksum_is_the_one_the_vendors_factory_test_reads() -> None:
    assert crc_of(b"123456789") == 0xCBF43926  # the check value of CRC-32/ISO-HDLC


# -- again, and not again ------------------------------------------------------------------------


def test_a_token_that_has_died_is_replaced_once() -> None:
    steps = [logged_in("old"), reply(401), logged_in("new"), OK]
    with scripted(steps) as service:
        push(service)

    tokens = [one.headers.get("authorization") for one in service.requests]
    assert tokens == [None, "Bearer old", None, "Bearer new"]
    assert service.requests[1].body == service.requests[3].body


def test_a_second_refusal_of_a_fresh_token_is_final() -> None:
    steps = [logged_in(), reply(401), logged_in(), reply(401), OK]
    with scripted(steps) as service, pytest.raises(ServiceRefused, match="401"):
        push(service)

    assert len(service.requests) == 4


def test_a_refused_login_is_final() -> None:
    with scripted([reply(401), OK]) as service, pytest.raises(ServiceRefused, match="401"):
        push(service)

    assert len(service.requests) == 1


@pytest.mark.parametrize("trouble", [RESET, reply(500), reply(502), reply(503), reply(599)])
def test_network_errors_and_faults_of_the_service_are_tried_again(trouble: bytes) -> None:
    steps = [trouble, logged_in(), trouble, trouble, OK]
    with scripted(steps) as service:
        push(service)

    assert len(service.requests) == len(steps)
    assert len({one.body for one in service.requests[2:]}) == 1


@pytest.mark.parametrize(("trouble", "words"), [(RESET, "connection"), (reply(503), "503")])
def test_tries_come_to_an_end(trouble: bytes, words: str) -> None:
    with scripted([trouble] * 9) as service, pytest.raises(ServiceSilent, match=words) as caught:
        push(service)

    assert len(service.requests) == TRIES
    assert caught.value.exit_status == 11


@pytest.mark.parametrize("status", [202, 204, 400, 403, 404, 405, 409, 413, 415, 429])
def test_any_other_answer_is_final(status: int) -> None:
    wait = "Retry-After: 3600"
    with (
        scripted([logged_in(), reply(status, {}, wait), OK]) as service,
        pytest.raises(ServiceRefused, match=str(status)),
    ):
        push(service)

    assert len(service.requests) == 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_token_is_never_carried_to_another_place(status: int) -> None:
    with scripted([OK]) as elsewhere:
        moved = reply(status, {}, f"Location: {elsewhere.url}/docks/application/romstore")
        with (
            scripted([logged_in(), moved]) as service,
            pytest.raises(ServiceRefused, match=str(status)),
        ):
            push(service)

    assert elsewhere.requests == []


def test_nobody_there_is_named_without_a_librarys_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    with pytest.raises(ServiceSilent) as caught:
        push(Scripted(port))
    assert caught.value.cause == f"http://127.0.0.1:{port}/api: connection refused"


def test_a_service_that_never_answers_is_not_waited_for_forever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cloud, "ANSWER_S", 0.01)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(ServiceSilent, match="no answer within"),
    ):
        push(Scripted(silent.getsockname()[1]))


# -- what a service says -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"[]",
        b"{}",
        b'{"data":{"attributes":{"accessToken":5}}}',
        b'{"data":{"attributes":{"accessToken":""}}}',
        b'{"data":{"attributes":{"accessToken":"a b"}}}',
        b'{"data":{"attributes":{"accessToken":"a\\r\\nX-Evil: 1"}}}',
        b'{"data":{"attributes":{"accessToken":"\\u00e9"}}}',
        b"[" * 60_000,
        b"\xff",
    ],
)
def test_a_login_without_a_token_that_can_be_sent_is_refused(answer: bytes) -> None:
    with (
        scripted([reply(201, answer), OK]) as service,
        pytest.raises(ServiceRefused, match="no access token"),
    ):
        push(service)

    assert len(service.requests) == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"errors": [{"detail": "too big", "source": {"pointer": "/data"}}]}, ": /data: too big"),
        ({"errors": [{"detail": "too big"}]}, ": too big"),
        ({"message": "schema\n\tfailed"}, ': {"message": "schema\\n\\tfailed"}'),
        (b"plain\x1b[31m\r\ntext", ": plain?[31m text"),
        (b"", ""),
        (b"x" * 1_000, ": " + "x" * 300),
    ],
)
def test_what_a_service_says_of_a_refusal_is_one_safe_line(body: object, words: str) -> None:
    with (
        scripted([logged_in(), reply(400, body)]) as service,
        pytest.raises(ServiceRefused) as caught,
    ):
        push(service)

    place = f"{service.url}/docks/application/romstore"
    assert caught.value.cause == f"{place}: 400 Bad Request{words}"


@pytest.mark.parametrize("kept", [SECRET, TOKEN, "kanary-1d", "kanary-e27e2"])
@pytest.mark.parametrize("status", [400, 401, 503])
def test_a_service_that_repeats_a_secret_is_not_repeated(kept: str, status: int) -> None:
    echo = reply(status, {"errors": [{"detail": f"bad {kept}!"}]})
    steps = [logged_in(TOKEN), echo, *([logged_in(TOKEN)] * (status == 401)), *[echo] * 9]
    with scripted(steps) as service, pytest.raises(StationError) as caught:
        push(service)

    assert "kanary" not in told_by(caught.value)


def told_by(error: BaseException | None) -> str:
    """Everything an error and what led to it could put into a log."""
    told = ""
    while error is not None:
        told += f"{error!r} {error} {vars(error)}"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return told


def test_no_secret_is_in_what_a_client_looks_like() -> None:
    with scripted([logged_in(TOKEN), OK]) as service, client(service) as pushing:
        pushing.run_code(DOCK_ID, bodies.CODE)

        assert "kanary" not in repr(pushing) + repr(vars(pushing)) + repr(credentials())


# -- trust ---------------------------------------------------------------------------------------


def test_a_service_is_believed_by_its_certificate(
    dock: FakeDevelopmentDock, tmp_path: Path
) -> None:
    certificate = tmp_path / "rest.pem"
    with serving([dock], certificate=certificate) as service:
        push(service, ca=certificate)

    assert dock.rom == ENTRIES


def test_a_service_with_another_certificate_gets_nothing_and_is_not_asked_again(
    dock: FakeDevelopmentDock, tmp_path: Path, opened: list[tuple[str, int]]
) -> None:
    other = FakeDevelopmentDock(DockId(bytes(32)))
    with (
        serving([dock], certificate=tmp_path / "rest.pem") as service,
        serving([other], certificate=tmp_path / "other.pem"),
    ):
        for trusted in (tmp_path / "other.pem", None):
            with pytest.raises(ServiceNotTrusted, match="not trusted") as caught:
                push(service, ca=trusted)
            assert caught.value.code == "E-CLOUD-03"

    assert (dock.changes, service.lines, len(opened)) == (0, [], 2)


def test_a_service_without_tls_is_not_spoken_to_over_tls(dock: FakeDevelopmentDock) -> None:
    with serving([dock]) as service:
        url = ServiceUrl.parse(service.url.replace("http", "https"))
        with (
            DevelopmentCloud(url, credentials(), back_off_s=0.0) as pushing,
            pytest.raises(ServiceSilent, match="TLS"),
        ):
            pushing.replace_rom(DOCK_ID, ENTRIES)

    assert dock.changes == 0


def test_a_certificate_file_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("")
    url = ServiceUrl.parse("https://127.0.0.1:1/api")
    for name in ("missing.pem", "empty.pem"):
        with pytest.raises(FileUnreadable, match=name):
            DevelopmentCloud(url, credentials(), ca=tmp_path / name)


@pytest.mark.parametrize(
    "text",
    [
        "https://sandbox.vision.synaptics.com/api",
        "https://[2001:db8::1]:8443/api/",
        "http://localhost:8080/api",
        "http://127.0.0.1/api",
        "http://[::1]:1/api",
    ],
)
def test_an_address_of_a_service_is_taken(text: str) -> None:
    assert str(ServiceUrl.parse(text)) == text.rstrip("/")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sandbox.vision.synaptics.com/api",
        "ftp://localhost/api",
        "https:///api",
        "https://user:secret@localhost/api",
        "https://localhost:70000/api",
        "https://[/api",
        "https://localhost/api?x=1",
        "https://localhost/api#x",
        "https://localhost/a b",
        "https://localhost/\r\nX:y",
        "https://localhost/é",
        "http://192.0.2.1/api",
        "http://sandbox.vision.synaptics.com/api",
    ],
)
def test_an_address_that_is_none_or_gives_secrets_away_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        ServiceUrl.parse(text)


# -- a person stops it ---------------------------------------------------------------------------


@pytest.fixture
def interruptible() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.usefixtures("interruptible")
def test_stopped_while_it_sends_the_dock_is_known_to_be_as_it_was() -> None:
    def sent(done: int, total: int) -> None:
        interrupt()

    with (
        scripted([logged_in(), OK]) as service,
        pytest.raises(Interrupted, match="the dock is as it was"),
        client(service, sent=sent) as pushing,
    ):
        pushing.run_code(DOCK_ID, bytes(1_000_000))


@pytest.mark.usefixtures("interruptible")
def test_stopped_while_it_sends_once_more_nothing_is_claimed() -> None:
    told: list[int] = []

    def sent(done: int, total: int) -> None:
        told.append(done)
        if told.count(65_536) == 2:
            interrupt()

    with (
        scripted([logged_in(), RESET, OK]) as service,
        pytest.raises(Interrupted, match="not known"),
        client(service, sent=sent) as pushing,
    ):
        pushing.run_code(DOCK_ID, bytes(1_000_000))


@pytest.mark.usefixtures("interruptible")
def test_stopped_while_it_waits_for_the_answer_nothing_is_claimed(
    dock: FakeDevelopmentDock,
) -> None:
    began, may_end = Event(), Event()

    class Slow(FakeDevelopmentDock):
        def run_code(self, code: bytes) -> None:
            began.set()
            assert may_end.wait(20)

    def press() -> None:
        assert began.wait(20)
        interrupt()

    with serving([Slow(DOCK_ID)]) as service:
        person = Thread(target=press)
        person.start()
        with (
            pytest.raises(Interrupted, match="not known") as caught,
            client(service) as pushing,
        ):
            pushing.run_code(DOCK_ID, bodies.CODE)
        person.join()
        may_end.set()

    assert caught.value.exit_status == 130
    assert json.dumps(caught.value.cause)

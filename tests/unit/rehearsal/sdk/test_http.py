"""Module `http` (dock-sdk.md, 2.6)."""

from typing import Any

import pytest

from station.domain.scenario import HttpAnswer, NetworkChange
from station.rehearsal.sdk.http import ANSWER_MS, RUNNING_MAX
from tests.fakes.machine import FakeMachine
from tests.unit.rehearsal.sdk.desk import module, scene

URL = "https://content.example/latest"
ANSWERS = (
    HttpAnswer("get", URL, 200, (("Content-Type", "text/plain"),), b"first"),
    HttpAnswer("get", URL, 304),
    HttpAnswer("post", URL, 201, body=b"posted"),
    HttpAnswer("get", "https://slow.example/", 28, (("a", "b"),), b"nothing came"),
)
ONLINE = (NetworkChange(0, "192.0.2.1"),)


@pytest.fixture
def machine() -> FakeMachine:
    return FakeMachine(scene(http=ANSWERS, network=ONLINE))


@pytest.fixture
def http(machine: FakeMachine) -> Any:
    return module("http", machine)


def test_2_6_an_answer_has_a_status_headers_and_a_bytearray(http: Any) -> None:
    answer = http.get(URL)

    assert isinstance(answer, http.Response)
    assert answer.status_code() == 200
    assert answer.headers() == {"Content-Type": "text/plain"}
    assert (type(answer.body()), answer.body()) == (bytearray, b"first")


def test_2_6_get_and_post_have_answers_of_their_own(http: Any) -> None:
    answer = http.post(URL, {"a": "b"}, b"data", timeout=1.5, cacert="certificate")

    assert (answer.status_code(), answer.body()) == (201, b"posted")


def test_answers_are_given_in_turn_and_the_last_for_ever(http: Any) -> None:
    assert [http.get(URL).status_code() for _ in range(4)] == [200, 304, 304, 304]
    assert http.post(URL).status_code() == 201


def test_2_6_a_request_takes_time_in_which_nothing_else_is_done(
    machine: FakeMachine, http: Any
) -> None:
    done: list[int] = []
    machine.call_at(1, lambda: done.append(1))
    http.get(URL)

    assert machine.now_ms() == ANSWER_MS
    assert done == []


def test_2_6_an_asynchronous_request_calls_back_when_the_application_is_idle(
    machine: FakeMachine, http: Any
) -> None:
    answers: list[Any] = []
    assert http.get_async(URL, answers.append) is None
    assert http.post_async(url=URL, on_response=answers.append, headers=None, data=b"x") is None
    machine.run(ANSWER_MS - 1)
    before = list(answers)
    machine.run(ANSWER_MS)

    assert before == []
    assert [answer.status_code() for answer in answers] == [200, 201]


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("https://elsewhere.example/", 7),
        (URL + "?other", 7),
        ("https://slow.example/", 28),
        ("ftp://content.example/", 1),
        ("http://", 3),
        ("http://[::1", 3),
        ("http://host:port/", 3),
        ("elsewhere.example/path", 7),
    ],
)
def test_2_6_a_status_below_100_is_an_error_of_curl(http: Any, url: str, status: int) -> None:
    answer = http.get(url)

    assert (answer.status_code(), answer.headers(), answer.body()) == (status, {}, bytearray())


def test_2_6_without_network_no_host_can_be_resolved() -> None:
    machine = FakeMachine(scene(http=ANSWERS, network=(NetworkChange(3_000, "192.0.2.1"),)))
    http = module("http", machine)
    before = [http.get(url).status_code() for url in (URL, "https://elsewhere.example/")]
    machine.run(3_000)

    assert before == [6, 6]
    assert http.get(URL).status_code() == 200


def test_2_6_sixteen_requests_run_at_once_and_the_next_gets_89(
    machine: FakeMachine, http: Any
) -> None:
    answers: list[int] = []
    for _ in range(RUNNING_MAX + 2):
        http.get_async(URL, lambda answer: answers.append(answer.status_code()))
    waited_for = http.get(URL).status_code()
    machine.run(ANSWER_MS)

    assert waited_for == 89
    assert answers == [89, 89, 200, *[304] * 15]
    assert http.get(URL).status_code() == 304


@pytest.mark.parametrize(
    ("arguments", "keywords", "error"),
    [
        ((None,), {}, TypeError),
        ((b"https://x",), {}, TypeError),
        ((URL, ["header"]), {}, TypeError),
        ((URL, None, 5), {}, TypeError),
        ((URL,), {"timeout": "1"}, TypeError),
        ((URL,), {"timeout": None}, TypeError),
        ((URL,), {"timeout": -1}, ValueError),
        ((URL,), {"cacert": 5}, TypeError),
        ((URL,), {"cert": "client"}, TypeError),
        ((URL,), {"verify": False}, TypeError),
    ],
)
def test_2_6_what_is_no_request_is_refused(
    machine: FakeMachine,
    http: Any,
    arguments: tuple[object, ...],
    keywords: dict[str, object],
    error: type,
) -> None:
    with pytest.raises(error):
        http.get(*arguments, **keywords)
    with pytest.raises(error):
        http.post_async(arguments[0], print, *arguments[1:], **keywords)
    machine.run(60_000)

    assert machine.now_ms() == 60_000


@pytest.mark.parametrize("odd", [None, 5])
def test_2_6_a_callback_can_be_called(http: Any, odd: object) -> None:
    with pytest.raises(TypeError):
        http.get_async(URL, odd)


def test_what_is_told_of_a_request_is_no_secret(machine: FakeMachine, http: Any) -> None:
    http.get("https://user:password@content.example:8443/path?token=secret#part")
    http.post_async(URL, print, {"Authorization": "Bearer secret"}, b"secret")
    http.get("http://[")

    assert machine.calls == [
        ("http.get", "https://content.example:8443/path, 0 bytes"),
        ("http.post_async", "https://content.example/latest, 6 bytes"),
        ("http.get", "no address, 0 bytes"),
    ]

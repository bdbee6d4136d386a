"""The development service, call by call: who may call, which dock is meant, what is answered."""

import json
from typing import Any

import pytest

from station.dock.rest import (
    LOGIN_BYTES_MAX,
    TOKEN_LIFE_S,
    TOKENS_MAX,
    DevelopmentService,
    Refused,
    body_bytes_max,
)
from station.domain.development_service import Credentials
from station.domain.entries import Entry, Kind
from station.domain.identity import DockId
from station.domain.profile import Stage
from station.domain.secret import Secret
from tests.fakes.development_dock import Broken, FakeDevelopmentDock
from tests.unit.dock import rest_bodies as bodies
from tests.unit.dock.rest_bodies import base64, encoded
from tests.unit.dock.serving import ROM_BYTES, make_service

LOGIN = "/api/isv/application/login"
CODE = "/api/docks/application/code"
ROMSTORE = "/api/docks/application/romstore"
MESSAGE = "/api/docks/application/message"

ACCESS = Credentials(bodies.CLIENT_ID, Secret.from_text(bodies.CLIENT_SECRET), bodies.ENTERPRISE_ID)


def make_dock(**given: Any) -> FakeDevelopmentDock:
    return FakeDevelopmentDock(DockId.parse(bodies.DOCK_ID), rom_budget_bytes=ROM_BYTES, **given)


def token_of(service: DevelopmentService, **changed: Any) -> str:
    reply = service.answer(LOGIN, encoded(bodies.login(**changed)))
    token: str = json.loads(reply.body)["data"]["attributes"]["accessToken"]
    return token


def refused(service: DevelopmentService, path: str, body: object) -> tuple[int, str]:
    with pytest.raises(Refused) as caught:
        service.answer(path, encoded(body))
    return caught.value.status.value, caught.value.code


# -- who may call --------------------------------------------------------------------------------


def test_a_login_is_answered_exactly_as_documented() -> None:
    reply = make_service().answer(LOGIN, encoded(bodies.login()))

    assert reply.status == 201
    assert json.loads(reply.body) == {
        "data": {
            "id": "1527b40212abb118a6d83a15",
            "type": "isvApplicationAuth",
            "attributes": {"accessToken": "token-1"},
        },
        "meta": {"createdTimestamp": 1_779_278_400_250},
    }


@pytest.mark.parametrize("path", [CODE, ROMSTORE, MESSAGE])
@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer token-2", "Basic token-1", "token-1", "Bearer tokén"]
)
def test_without_a_token_that_was_given_out_nothing_is_admitted(
    path: str, authorization: str
) -> None:
    service = make_service()
    token_of(service)

    with pytest.raises(Refused) as caught:
        service.admit("POST", path, authorization)

    assert caught.value.status == 401
    assert ("WWW-Authenticate", "Bearer") in caught.value.headers


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER "])
def test_a_token_that_was_given_out_admits_a_body_of_all_of_rom(scheme: str) -> None:
    service = make_service()

    admitted = service.admit("POST", ROMSTORE, f"{scheme} {token_of(service)}")

    assert admitted == body_bytes_max(ROM_BYTES)
    assert service.admit("POST", LOGIN, "") == LOGIN_BYTES_MAX


def test_a_token_dies_of_age() -> None:
    now_s = 1_000.0
    service = make_service(now_s=lambda: now_s)
    token = token_of(service)
    now_s += TOKEN_LIFE_S - 1
    service.admit("POST", CODE, f"Bearer {token}")

    now_s += 1

    with pytest.raises(Refused):
        service.admit("POST", CODE, f"Bearer {token}")


def test_the_oldest_token_makes_room_for_one_too_many() -> None:
    service = make_service()
    tokens = [token_of(service) for _ in range(TOKENS_MAX + 1)]

    service.admit("POST", CODE, f"Bearer {tokens[1]}")
    service.admit("POST", CODE, f"Bearer {tokens[-1]}")

    with pytest.raises(Refused):
        service.admit("POST", CODE, f"Bearer {tokens[0]}")


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"clientId": "x"},
        {"clientSecret": "x"},
        {"enterpriseId": "x"},
        {"clientSecret": bodies.CLIENT_SECRET + "x"},
        {"clientId": bodies.ENTERPRISE_ID, "enterpriseId": bodies.CLIENT_ID},
    ],
)
def test_with_credentials_only_those_log_in(changed: dict[str, str]) -> None:
    service = make_service(access=ACCESS)

    if not changed:
        assert token_of(service)
        return
    assert refused(service, LOGIN, bodies.login(**changed)) == (401, "E-REST-401")


def test_without_credentials_whoever_says_something_logs_in_and_doubts_are_logged() -> None:
    lines: list[str] = []

    assert token_of(make_service(log=lines.append), clientId="me", clientSecret="kanary")

    assert len(lines) == 2
    assert "kanary" not in "".join(lines)


# -- which dock is meant -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", LOGIN, 405),
        ("PUT", ROMSTORE, 405),
        ("DELETE", CODE, 405),
        ("POST", "/", 404),
        ("POST", "/api", 404),
        ("POST", "/isv/application/login", 404),
        ("POST", "/api/docks/application/image", 404),
        ("POST", ROMSTORE + "/", 404),
        ("GET", "/api/docks", 404),
    ],
)
def test_paths_and_methods_that_are_not_documented_are_not_served(
    method: str, path: str, status: int
) -> None:
    with pytest.raises(Refused) as caught:
        make_service().admit(method, path, "")

    assert caught.value.status == status
    assert (("Allow", "POST") in caught.value.headers) == (status == 405)


def test_each_call_reaches_the_dock_it_names() -> None:
    docks = [FakeDevelopmentDock(DockId(bytes([number]) * 32)) for number in range(3)]
    service = make_service(*docks)
    named = str(docks[1].dock_id)

    statuses = [
        service.answer(CODE, encoded(bodies.code(dockId=named))).status,
        service.answer(MESSAGE, encoded(bodies.message(dockId=named.lower()))).status,
        service.answer(ROMSTORE, encoded(bodies.romstore(dockId=named))).status,
    ]

    assert statuses == [200, 201, 200]
    assert [dock.changes for dock in docks] == [0, 3, 0]
    assert docks[1].codes == [bodies.CODE]
    assert docks[1].messages == [b"tHello, World!"]
    assert docks[1].rom is not None and len(docks[1].rom) == 6


def test_a_dock_that_is_not_here_is_not_found() -> None:
    dock = make_dock()

    answered = refused(make_service(dock), CODE, bodies.code(dockId="5A" * 32))

    assert answered == (404, "E-REST-404")
    assert dock.changes == 0


@pytest.mark.parametrize(
    ("path", "body"),
    [(CODE, bodies.code()), (ROMSTORE, bodies.romstore()), (MESSAGE, bodies.message())],
)
def test_a_dock_made_for_production_takes_nothing(path: str, body: dict[str, Any]) -> None:
    dock = make_dock(stage=Stage.PRODUCTION)

    assert refused(make_service(dock), path, body) == (403, "E-DOCK-05")
    assert dock.changes == 0


# -- what a dock says ----------------------------------------------------------------------------


def test_what_does_not_fit_is_the_callers_to_shrink() -> None:
    dock = make_dock(rom=(Entry(Kind.KV, "old", b"value"),))
    service = make_service(dock)

    full = refused(service, ROMSTORE, bodies.romstore(kvStore={"a": "x" * ROM_BYTES}))
    store = refused(service, CODE, bodies.code(code=base64(bytes(ROM_BYTES + 1))))

    assert (full, store) == ((400, "E-FILE-04"), (400, "E-STORE-01"))
    assert dock.rom == (Entry(Kind.KV, "old", b"value"),)


def test_a_dock_in_trouble_is_nobody_elses_fault() -> None:
    service = make_service(make_dock(trouble=Broken("the flash is worn out")))

    assert refused(service, MESSAGE, bodies.message()) == (503, "E-TEST-01")


def test_a_refusal_names_its_place_as_json_api_does() -> None:
    with pytest.raises(Refused) as caught:
        make_service(make_dock()).answer(ROMSTORE, encoded(bodies.romstore(kvStore={"a": 1})))

    assert json.loads(caught.value.reply.body) == {
        "errors": [
            {
                "status": "400",
                "code": "E-REST-400",
                "title": "Bad Request",
                "detail": "a string is expected",
                "source": {"pointer": "/data/attributes/kvStore/a"},
            }
        ]
    }


def test_all_of_rom_fits_a_body_however_it_is_spelled() -> None:
    rom_bytes = 3_000_000
    contents = ["é" * (rom_bytes // 2), "\U0001f600" * (rom_bytes // 4), '"' * rom_bytes]
    longest = [encoded(bodies.romstore(kvStore={"a": content})) for content in contents]
    longest.append(encoded(bodies.romstore(code={"code": base64(bytes(rom_bytes))})))

    assert max(map(len, longest)) <= body_bytes_max(rom_bytes)

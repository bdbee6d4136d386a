"""Bodies of the development service: the documented ones mean what they say, others are refused."""

import json
import re
from base64 import b64decode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.dock.rest_calls import (
    BadBody,
    Deliver,
    ReplaceRom,
    RunCode,
    deliver,
    login,
    replace_rom,
    run_code,
)
from station.domain.entries import NAME_MAX_BYTES, Entry, Kind, PictureType
from station.domain.identity import DockId
from station.domain.limits import ENTRIES_MAX
from station.domain.secret import Secret
from tests.unit.dock import rest_bodies as bodies
from tests.unit.dock.rest_bodies import base64, encoded

DOCK_ID = DockId.parse(bodies.DOCK_ID)


def refused(parse: Any, body: object) -> BadBody:
    with pytest.raises(BadBody) as caught:
        parse(body if isinstance(body, bytes) else encoded(body))
    return caught.value


# -- documented bodies ---------------------------------------------------------------------------


def test_the_documented_rom_store_becomes_entries_in_order() -> None:
    assert replace_rom(encoded(bodies.romstore())) == ReplaceRom(
        DOCK_ID,
        (
            Entry(Kind.CODE, "main.py", bodies.CODE),
            Entry(Kind.IMG, "mybmp", bodies.BMP, PictureType.BMP),
            Entry(Kind.IMG, "myjpeg", bodies.JPEG, PictureType.JPEG),
            Entry(Kind.IMG, "mypng", bodies.PNG, PictureType.PNG),
            Entry(Kind.KV, "dock_name", b"mydock"),
            Entry(Kind.KV, "timezone", b"CST"),
        ),
    )


def test_the_documented_code_keeps_its_line_ends() -> None:
    assert run_code(encoded(bodies.code())) == RunCode(DOCK_ID, bodies.CODE)


@pytest.mark.parametrize(
    "message",
    [b"tHello, World!", "tGrüße".encode(), b"t", b"i" + bodies.PNG, b"f\x00\xff", b"\xff", b"x"],
)
def test_a_message_is_delivered_with_its_kind(message: bytes) -> None:
    body = encoded(bodies.message(message=base64(message)))

    assert deliver(body) == Deliver(DOCK_ID, message)


def test_the_documented_login_says_who_calls() -> None:
    credentials = login(encoded(bodies.login())).credentials

    assert credentials.client_id == bodies.CLIENT_ID
    assert credentials.client_secret == Secret.from_text(bodies.CLIENT_SECRET)
    assert credentials.enterprise_id == bodies.ENTERPRISE_ID
    assert credentials.doubts == ()


def test_credentials_of_another_form_are_doubted_one_by_one_without_being_shown() -> None:
    changed = {"clientId": "kanary-1", "clientSecret": "kanary-2", "enterpriseId": "kanary-3"}

    credentials = login(encoded(bodies.login(**changed))).credentials

    assert len(credentials.doubts) == 3
    assert "kanary" not in repr(credentials) + "".join(credentials.doubts)


def test_a_dock_id_may_be_written_in_either_case() -> None:
    body = bodies.code(dockId=bodies.DOCK_ID.lower())

    assert run_code(encoded(body)).dock_id == DOCK_ID


def test_empty_code_means_no_application_and_nothing_at_all_erases() -> None:
    empty: dict[str, Any] = {"code": {"code": ""}, "kvStore": {}, "images": {}}

    assert replace_rom(encoded(bodies.romstore(**empty))).entries == ()


# -- bodies that are refused ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "pointer", "cause"),
    [
        ({"dockId": bodies.DOCK_ID[:-1]}, "/dockId", "64 hexadecimal"),
        ({"dockId": bodies.DOCK_ID + "0"}, "/dockId", "64 hexadecimal"),
        ({"dockId": " " + bodies.DOCK_ID[1:]}, "/dockId", "64 hexadecimal"),
        ({"dockId": bodies.DOCK_ID + " "}, "/dockId", "64 hexadecimal"),
        ({"dockId": "G" * 64}, "/dockId", "64 hexadecimal"),
        ({"dockId": 5}, "/dockId", "a string is expected"),
        ({"code": base64(bodies.CODE)}, "/code", "an object is expected"),
        ({"code": {"code": None}}, "/code/code", "a string is expected"),
        ({"code": {}}, "/code", "code is missing"),
        ({"code": {"code": "", "path": "x"}}, "/code/path", "no such member"),
        ({"kvStore": []}, "/kvStore", "an object is expected"),
        ({"kvStore": {"a": 1}}, "/kvStore/a", "a string is expected"),
        ({"kvStore": {"a": True}}, "/kvStore/a", "a string is expected"),
        ({"kvStore": {"a": None}}, "/kvStore/a", "a string is expected"),
        ({"kvStore": {"a": ["b"]}}, "/kvStore/a", "a string is expected"),
        ({"kvStore": {"": "b"}}, "/kvStore/", "a name is 1 to"),
        ({"kvStore": {"a\0": "b"}}, "/kvStore/a\0", "a name is 1 to"),
        ({"kvStore": {"a": "b\0"}}, "/kvStore/a", "NUL"),
        ({"kvStore": {"a/b~c": 1}}, "/kvStore/a~1b~0c", "a string is expected"),
        ({"kvStore": {"a": "\ud800"}}, "/kvStore/a", "surrogate"),
        ({"kvStore": {"\udc00": "a"}}, "/kvStore/\udc00", "surrogate"),
        ({"images": {"a": {"type": "PNG"}}}, "/images/a", "data is missing"),
        ({"images": {"a": {"data": ""}}}, "/images/a", "type is missing"),
        ({"images": {"a": {"type": "png", "data": base64(bodies.PNG)}}}, "/images/a/type", "PNG,"),
        ({"images": {"a": {"type": "GIF", "data": base64(bodies.PNG)}}}, "/images/a/type", "PNG,"),
        ({"images": {"a": {"type": "BMP", "data": base64(bodies.PNG)}}}, "/images/a/data", "PNG"),
        (
            {"images": {"a": {"type": "PNG", "data": base64(b"GIF89a")}}},
            "/images/a/data",
            "neither",
        ),
        (
            {"images": {"a": {"type": "PNG", "data": base64(bodies.PNG[:-3])}}},
            "/images/a/data",
            "cut short",
        ),
        ({"images": {"a": {"type": "PNG", "data": "", "path": ""}}}, "/images/a/path", "no such"),
        ({"fonts": {}}, "/fonts", "no such member"),
    ],
)
def test_a_rom_store_that_is_not_documented_is_refused_with_its_place(
    changed: dict[str, Any], pointer: str, cause: str
) -> None:
    error = refused(replace_rom, bodies.romstore(**changed))

    assert error.pointer == f"/data/attributes{pointer}"
    assert cause in error.cause


@pytest.mark.parametrize("missing", ["dockId", "code", "kvStore", "images"])
def test_every_attribute_must_be_there(missing: str) -> None:
    body = bodies.romstore()
    del body["data"]["attributes"][missing]

    error = refused(replace_rom, body)

    assert (error.pointer, error.cause) == ("/data/attributes", f"{missing} is missing")


@pytest.mark.parametrize(
    ("body", "pointer", "cause"),
    [
        (b"", "", "not JSON"),
        (b"{", "", "not JSON"),
        (b"\xff", "", "not UTF-8"),
        (b"\xef\xbb\xbf{}", "", "not JSON"),
        (json.dumps(bodies.code()).encode("utf-16"), "", "not UTF-8"),
        (b'{"data": NaN}', "", "a number that JSON does not have"),
        (b'{"data": ' + b"9" * 5_000 + b"}", "", "not JSON"),
        (b"[" * 100_000, "", "nested too deep"),
        (b'{"data": 1, "data": 2}', "", "twice"),
        ([], "", "an object is expected"),
        ({}, "", "data is missing"),
        ({"data": {}, "meta": {}}, "/meta", "no such member"),
        ({"data": {"type": "applicationCode"}}, "/data", "attributes is missing"),
        ({"data": {"type": "applicationCode", "attributes": None}}, "/data/attributes", "object"),
        (bodies.romstore(), "/data/type", "applicationCode"),
        (bodies.code(code=""), "/data/attributes/code", "empty"),
        (bodies.code(code={"code": "QQ=="}), "/data/attributes/code", "a string"),
    ],
    ids=str,
)
def test_what_is_no_code_call_is_refused(body: object, pointer: str, cause: str) -> None:
    error = refused(run_code, body)

    assert error.pointer == pointer
    assert cause in error.cause


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        (b"", "empty"),
        (b"t\xff", "UTF-8"),
        (b"iGIF89a", "neither"),
        (b"i" + bodies.JPEG, "JPEG, not PNG"),
        (b"i", "neither"),
    ],
)
def test_a_message_that_is_not_the_kind_it_says_is_refused(message: bytes, cause: str) -> None:
    error = refused(deliver, bodies.message(message=base64(message)))

    assert error.pointer == "/data/attributes/message"
    assert cause in error.cause


@pytest.mark.parametrize("changed", [{"clientId": ""}, {"clientSecret": ""}, {"enterpriseId": 1}])
def test_a_login_says_all_three_things(changed: dict[str, Any]) -> None:
    error = refused(login, bodies.login(**changed))

    assert error.pointer == f"/data/attributes/{next(iter(changed))}"


def test_the_longest_name_is_taken_and_one_octet_more_is_not() -> None:
    longest = "é" * (NAME_MAX_BYTES // 2)
    body = bodies.romstore(kvStore={longest: "a"})

    assert replace_rom(encoded(body)).entries[-1].name == longest
    assert (
        "a name is 1 to"
        in refused(replace_rom, bodies.romstore(kvStore={longest + "a": "b"})).cause
    )


def test_there_may_be_so_many_entries_and_not_one_more() -> None:
    values = {str(number): "" for number in range(ENTRIES_MAX)}
    alone: dict[str, Any] = {"code": {"code": ""}, "images": {}, "kvStore": values}

    assert len(replace_rom(encoded(bodies.romstore(**alone))).entries) == ENTRIES_MAX

    values["one more"] = ""
    assert "at most" in refused(replace_rom, bodies.romstore(**alone)).cause


def test_a_pointer_does_not_grow_with_a_name() -> None:
    error = refused(replace_rom, bodies.romstore(kvStore={"x" * 1_000: 1}))

    assert len(error.pointer) < 250


# -- base64 --------------------------------------------------------------------------------------

WHOLE = re.compile("(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})")
"""RFC 4648, section 4, at least one group."""


@pytest.mark.parametrize(
    "text",
    [
        *("QQ", "QQ=", "QQ===", "QUI==", "QUJD=", "QUJD==", "QUJD====", "=QQ=", "Q=Q=", "===="),
        *("QR==", "QUJ=", "QQ==QQ==", "QUJDQ", "-_-_", "QU JD", "QUJD\n", "QUJD\r\nQUJD", "QUJé"),
    ],
)
def test_another_spelling_is_no_base64(text: str) -> None:
    assert refused(run_code, bodies.code(code=text)).pointer == "/data/attributes/code"


@given(st.text("AQgw+/=-_ \né", max_size=13))
def test_base64_is_taken_exactly_as_the_standard_writes_it(text: str) -> None:
    body = encoded(bodies.code(code=text))
    right = WHOLE.fullmatch(text) is not None and base64(b64decode(text)) == text

    if right:
        assert run_code(body).code == b64decode(text)
    else:
        assert refused(run_code, body).pointer == "/data/attributes/code"


@given(st.binary(min_size=1, max_size=200))
def test_any_octets_arrive_as_they_were_encoded(octets: bytes) -> None:
    assert run_code(encoded(bodies.code(code=base64(octets)))).code == octets

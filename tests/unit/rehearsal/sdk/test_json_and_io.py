"""Modules `json` and `io` (dock-sdk.md, 2.7)."""

import errno
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.rehearsal.sdk.modules import dock_modules
from tests.fakes.machine import FakeMachine
from tests.unit.rehearsal.sdk.desk import module

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(plain)
def test_2_7_what_is_written_can_be_read(value: object) -> None:
    json = module("json")

    assert json.loads(json.dumps(value)) == value
    assert json.loads(json.dumps(value).encode("utf-8", "surrogatepass")) == value


def test_2_7_values_are_spelt_as_micropython_does() -> None:
    value = {"a": 1, "b": [1, None, True, 1.5, "ä\n"], "c": (b"x", bytearray(b"y"))}

    assert module("json").dumps(value) == (
        '{"a": 1, "b": [1, null, true, 1.5, "ä\\n"], "c": ["x", "y"]}'
    )


def test_2_7_separators_can_be_said() -> None:
    json = module("json")

    assert json.dumps({"a": [1, 2]}, separators=(",", ":")) == '{"a":[1,2]}'
    for odd in ({"indent": 1}, {"sort_keys": True}):
        with pytest.raises(TypeError):
            json.dumps([], **odd)


def test_2_7_streams_are_written_and_read() -> None:
    docks: Any = dock_modules(FakeMachine())
    text, octets = docks["io"].StringIO(), docks["io"].BytesIO(b'{"a": 1}')
    docks["json"].dump({"a": 1}, text, separators=(",", ":"))
    text.seek(0)

    assert docks["json"].load(text) == docks["json"].load(octets) == {"a": 1}
    assert text.getvalue() == '{"a":1}'


@pytest.mark.parametrize("text", ["", "{", "[1,]", "1 2", "NaN", "-Infinity", "{'a': 1}", b"\xff"])
def test_2_7_bad_input_is_a_value_error(text: object) -> None:
    with pytest.raises(ValueError):
        module("json").loads(text)


@pytest.mark.parametrize("text", ["", "{", "NaN"])
def test_2_7_there_is_no_other_exception(text: str) -> None:
    json = module("json")
    with pytest.raises(ValueError) as raised:
        json.loads(text)

    assert type(raised.value) is ValueError
    for name in ("JSONDecodeError", "JSONDecoder", "JSONEncoder"):
        with pytest.raises(AttributeError):
            getattr(json, name)


@pytest.mark.parametrize("odd", [object(), {1, 2}, 1j])
def test_2_7_what_json_does_not_know_is_a_type_error(odd: object) -> None:
    with pytest.raises(TypeError):
        module("json").dumps(odd)


def test_2_7_streams_in_memory_give_their_value() -> None:
    io = module("io")
    text, octets = io.StringIO("a"), io.BytesIO()
    octets.write(b"b")

    assert (text.getvalue(), octets.getvalue()) == ("a", b"b")


@pytest.mark.parametrize("arguments", [("x",), ("x", "w"), ("/etc/passwd", "rb")])
def test_2_7_there_are_no_files(arguments: tuple[str, ...]) -> None:
    with pytest.raises(OSError) as raised:
        module("io").open(*arguments)

    assert raised.value.errno == errno.ENOENT

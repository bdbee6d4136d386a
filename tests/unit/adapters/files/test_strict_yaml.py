"""Strict YAML: what is refused, and at which line and column."""

import os
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from station.adapters.files import strict_yaml
from station.adapters.files.strict_yaml import Misread, Position
from station.domain.errors import DocumentRefused, FileUnreadable
from station.domain.limits import DOCUMENT_BYTES_MAX, DOCUMENT_DEPTH_MAX


def refused(text: str) -> str:
    with pytest.raises(DocumentRefused) as caught:
        strict_yaml.parse(text, name="f.yaml")
    return caught.value.cause


def test_plain_data_comes_out_with_the_place_of_every_key_and_value() -> None:
    document = strict_yaml.parse('a:\n  - x\n  - {b: "y"}\nc: 12\n', name="f.yaml")

    assert document.data == {"a": ["x", {"b": "y"}], "c": 12}
    assert document.spots["a", 1, "b"].key == Position(3, 6)
    assert document.spots["a", 1, "b"].value == Position(3, 9)
    assert document.place("c") == "f.yaml:4:4"
    assert document.place("c", key=True) == "f.yaml:4:1"
    assert document.place("a", 7, "nowhere") == "f.yaml:2:3"


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("false", False), ("null", None), ("", None), ("0", 0), ("-17", -17)],
)
def test_only_one_spelling_of_each_scalar_is_a_value(text: str, value: object) -> None:
    assert strict_yaml.parse(f"a: {text}", name="f").data == {"a": value}


MISREAD = (
    "NO yes On TRUE 0010 0x1F 12:30:00 1.0 .inf ~ Null 2026-11-02 2026-11-02T10:00:00Z"
    " 1_000 +1 9999999999999999 << ="
)


@pytest.mark.parametrize("text", MISREAD.split())
def test_what_yaml_would_read_as_something_else_is_never_converted(text: str) -> None:
    data = strict_yaml.parse(f"a: {text}", name="f").data

    assert isinstance(data, dict)
    assert isinstance(data["a"], Misread)
    assert data["a"].text == text


@pytest.mark.parametrize("key", ["NO", "0010", "12:30:00", "1.0", "~", "2026-11-02", "7", "<<"])
def test_a_key_that_yaml_misreads_is_named_with_advice_to_quote_it(key: str) -> None:
    cause = refused(f"x: a\n{key}: b\n")

    assert cause.startswith("f.yaml:2:1: YAML reads the key")
    assert f'put it in quotes: "{key}"' in cause
    assert strict_yaml.parse(f'"{key}": b', name="f").data == {key: "b"}


def test_duplicate_keys_are_refused_with_both_lines() -> None:
    assert refused("a: x\nb: y\na: z\n") == ("f.yaml:3:1: the key 'a' appears twice: lines 1 and 3")
    assert "lines 2 and 3" in refused('k:\n  a: x\n  "a": z\n')


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        ("a: &x 1\n", "1:4", "an anchor"),
        ("a: x\nb: *x\n", "2:4", "an alias"),
        ("a: !!str x\n", "1:4", "a tag"),
        ("a: ! x\n", "1:4", "a tag"),
        ("a: !!python/object/apply:os.system [id]\n", "1:4", "a tag"),
        ("!!map {a: x}\n", "1:1", "a tag"),
        ("a: x\n---\nb: y\n", "2:1", "a second document"),
        ("? [a, b]\n: x\n", "1:3", "a key is text"),
        ("? {a: b}\n: x\n", "1:3", "a key is text"),
        ('a: "\\ud83d"\n', "1:4", "surrogate"),
        ("", "1:1", "empty"),
        ("# only a remark\n", "1:1", "empty"),
        ("a: [1, 2\n", "2:1", "not YAML"),
        ("a: b: c\n", "1:5", "not YAML"),
        ("a: x\n\tb: y\n", "2:1", "not YAML"),
        ("a: x\nb: \x01\n", "2:4", "control character"),
    ],
)
def test_what_a_configuration_does_not_need_is_refused_at_its_place(
    text: str, place: str, what: str
) -> None:
    cause = refused(text)

    assert cause.startswith(f"f.yaml:{place}: ")
    assert what in cause


def test_nesting_is_bounded() -> None:
    deepest = "[" * DOCUMENT_DEPTH_MAX + "]" * DOCUMENT_DEPTH_MAX

    strict_yaml.parse(f"a: {deepest}", name="f")
    assert "nested deeper" in refused(f"a: [{deepest}]")
    assert "nested deeper" in refused("[" * 20_000)


def test_the_size_is_bounded(tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_bytes(b"a: x\n#" + b"x" * (DOCUMENT_BYTES_MAX - 6))
    strict_yaml.read(file)
    file.write_bytes(b"a: x\n#" + b"x" * (DOCUMENT_BYTES_MAX - 5))

    with pytest.raises(DocumentRefused, match="at most 4,194,304"):
        strict_yaml.read(file)


def test_other_encodings_are_refused_at_their_octet(tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_bytes("a: x\nb: über\n".encode("latin-1"))

    with pytest.raises(DocumentRefused) as caught:
        strict_yaml.read(file)
    assert caught.value.cause == f"{file}:2:4: not UTF-8 (octet 0xFC)"


def test_a_byte_order_mark_is_no_content(tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_bytes(b"\xef\xbb\xbfa: x\n")

    assert strict_yaml.read(file).data == {"a": "x"}


def test_nul_is_refused_at_its_place(tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_bytes(b"a: x\nb: \0\n")

    with pytest.raises(DocumentRefused, match=r"f\.yaml:2:4: holds a NUL"):
        strict_yaml.read(file)


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, why in [
        (tmp_path / "none.yaml", "no such file"),
        (tmp_path, "a folder"),
        (pipe, "not a regular file"),
        (Path("/dev/null"), "not a regular file"),
        (tmp_path / "a\0b", "not a path"),
    ]:
        with pytest.raises(FileUnreadable, match=why):
            strict_yaml.read(path)


scalars = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(scalars, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(scalars, documents, min_size=1, max_size=4))
def test_quoted_text_survives_whatever_it_says(data: dict[str, object]) -> None:
    text = yaml.safe_dump(data, default_style='"', allow_unicode=True)

    assert strict_yaml.parse(text, name="f").data == data


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_by_name(text: str) -> None:
    try:
        strict_yaml.parse(text, name="f.yaml")
    except DocumentRefused as error:
        assert error.cause.startswith("f.yaml:")

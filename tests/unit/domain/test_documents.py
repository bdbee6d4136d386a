"""Canonical JSON, envelopes, release statements, identities: one spelling, or refused."""

import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from station.domain import canonical_json, dsse
from station.domain.canonical_json import INTEGER_MAX, JsonValue
from station.domain.entries import Entry, Kind, PictureType
from station.domain.errors import BadScan, DocumentRefused
from station.domain.identity import DockId, Serial
from station.domain.release import ReleaseStatement, Version

VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-INTEGER_MAX, INTEGER_MAX)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)

STATEMENT = ReleaseStatement(
    product="DK-7F",
    name="welcome",
    version=Version(1, 4, 2, "rc.1"),
    security_counter=7,
    common_bytes=123_456,
    common_sha256=bytes(range(32)),
    manifest_sha256=bytes(32),
    replaceable=frozenset({(Kind.IMG, "default"), (Kind.KV, "dock_name")}),
)
ENVELOPE = dsse.Envelope(
    "application/vnd.test", b"payload\xff", (dsse.Signature(bytes(32), b"signature"),)
)


@given(VALUES)
def test_canonical_json_is_what_an_independent_encoder_writes(value: JsonValue) -> None:
    encoded = canonical_json.encode(value)

    assert encoded == rfc8785.dumps(value)
    assert canonical_json.decode(encoded) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"a":1,"a":2}',
        '{"b":1,"a":2}',
        '{ "a":1}',
        '{"a":1}\n',
        "1.0",
        "1e2",
        "-0",
        "NaN",
        str(INTEGER_MAX + 1),
        '"\\u0041"',
        '"\\ud800"',
        '\ufeff{"a":1}',
        "[" * 100 + "]" * 100,
        "[" * 100_000,
    ],
)
def test_any_other_spelling_is_refused(text: str) -> None:
    with pytest.raises(DocumentRefused):
        canonical_json.decode(text.encode("utf-8"))


def test_what_is_not_utf8_is_refused() -> None:
    with pytest.raises(DocumentRefused):
        canonical_json.decode(b'"\xff"')


@pytest.mark.parametrize("value", [1.5, float("nan"), INTEGER_MAX + 1, "\ud800", {1: 2}, b"x"])
def test_values_without_a_canonical_form_are_not_encoded(value: object) -> None:
    with pytest.raises(ValueError):
        canonical_json.encode(value)  # type: ignore[arg-type]


def test_the_bytes_that_are_signed_are_those_of_the_dsse_specification() -> None:
    # DSSE protocol, v1.0.2, "Test vectors": payload "hello world".
    signed = dsse.pre_authentication_encoding("http://example.com/HelloWorld", b"hello world")

    assert signed == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_an_envelope_survives_its_own_spelling_and_no_other() -> None:
    encoded = ENVELOPE.encode()

    assert dsse.Envelope.decode(encoded) == ENVELOPE
    for other in (
        json.dumps(json.loads(encoded)).encode(),
        encoded.replace(b"_", b"-").replace(b"cGF5bG9hZP8=", b"cGF5bG9hZP9="),
        encoded.replace(b'"payloadType"', b'"payloadtype"'),
        encoded.replace(b'"signatures":[{', b'"signatures":[{"x":1,'),
        encoded[:-1] + b',"x":1}',
        encoded.replace(b'"keyid":"' + b"00" * 32, b'"keyid":"' + b"zz" * 32),
        b'{"payload":"","payloadType":"t","signatures":[]}',
    ):
        with pytest.raises(DocumentRefused):
            dsse.Envelope.decode(other)


def test_a_release_statement_survives_its_own_spelling() -> None:
    assert ReleaseStatement.decode(STATEMENT.encode()) == STATEMENT


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"security_counter":7', b'"security_counter":-1'),
        (b'"security_counter":7', b'"security_counter":4294967296'),
        (b'"security_counter":7', b'"security_counter":true'),
        (b'"size":123456', b'"size":0'),
        (b'"version":"1.4.2-rc.1"', b'"version":"1.4"'),
        (b'"version":"1.4.2-rc.1"', b'"version":"1.256.0"'),
        (b"0001020304", b"000102030G"),
        (b'["img","default"]', b'["code","main.py","x"]'),
        (b'["img","default"]', b'["movie","default"]'),
        (b'"product":"DK-7F"', b'"product":7'),
        (b'"bundle":', b'"bundles":'),
    ],
)
def test_a_release_statement_that_says_anything_else_is_refused(old: bytes, new: bytes) -> None:
    encoded = STATEMENT.encode()
    changed = encoded.replace(old, new)
    assert changed != encoded

    with pytest.raises(DocumentRefused):
        ReleaseStatement.decode(changed)


def test_replaceable_entries_in_another_order_are_another_spelling() -> None:
    encoded = STATEMENT.encode()
    swapped = encoded.replace(
        b'[["img","default"],["kv","dock_name"]]', b'[["kv","dock_name"],["img","default"]]'
    )

    with pytest.raises(DocumentRefused, match="spelling"):
        ReleaseStatement.decode(swapped)


@pytest.mark.parametrize("text", ["1.2", "1.2.3.4", "01.2.3", "1.2.3-", "v1.2.3", "1.2.65536", ""])
def test_a_version_is_semantic_and_fits_the_image_header(text: str) -> None:
    with pytest.raises(ValueError, match=r"semantic|header"):
        Version.parse(text)


def test_versions_compare_by_number() -> None:
    assert Version.parse("1.10.0") > Version.parse("1.9.9")
    assert str(Version.parse("1.2.3-beta.1")) == "1.2.3-beta.1"


def test_a_dock_id_has_64_hexadecimal_characters_and_is_shown_in_upper_case() -> None:
    assert str(DockId.parse("ab" * 32)) == "AB" * 32
    for text in ("ab" * 31 + "a", "ab" * 33, "zz" * 32, "", "０" * 64):
        with pytest.raises(BadScan):
            DockId.parse(text)
    with pytest.raises(ValueError):
        DockId(bytes(31))


def test_a_serial_is_one_word_of_plain_characters() -> None:
    assert Serial.parse(" DK7F-1\n") == Serial("DK7F-1")
    for text in ("", "-DK7F", "DK 7F", "a" * 65, "DK7F–1"):
        with pytest.raises(BadScan):
            Serial.parse(text)
    with pytest.raises(ValueError):
        Serial("")


@pytest.mark.parametrize("name", ["", "a\0b", "ä" * 513])
def test_an_entry_name_is_bounded_and_free_of_nul(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        Entry(Kind.KV, name, b"")


def test_images_and_only_images_have_a_picture_type() -> None:
    for kind, picture in ((Kind.KV, PictureType.PNG), (Kind.IMG, None)):
        with pytest.raises(ValueError, match="picture"):
            Entry(kind, "name", b"", picture)

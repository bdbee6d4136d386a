"""Bundles and their manifests: one spelling, unique parts, nothing replaceable that is absent."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.domain import canonical_json
from station.domain.bundle import COUNTER_MAX, Bundle, EntryKey, Manifest, in_order, is_name
from station.domain.entries import Entry, Kind, PictureType
from station.domain.errors import DocumentRefused
from station.domain.release import Version

CODE = Entry(Kind.CODE, "main.py", b"pass\n")
IMAGE = Entry(Kind.IMG, "default", b"\x89PNG", PictureType.PNG)
VALUE = Entry(Kind.KV, "dock_name", memoryview(b"Dock"))


def bundle(
    *entries: Entry,
    name: str = "welcome",
    product: str = "DK-7F",
    counter: int = 1,
    replaceable: frozenset[EntryKey] = frozenset(),
) -> Bundle:
    return Bundle(name, Version(1, 2, 3, "rc.1"), product, counter, entries, replaceable)


def test_a_manifest_names_every_part() -> None:
    manifest = Manifest.of(bundle(CODE, IMAGE, VALUE))

    assert canonical_json.decode(manifest.encode()) == {
        "bundle": "welcome",
        "version": "1.2.3-rc.1",
        "product": "DK-7F",
        "security_counter": 1,
        "parts": [
            {
                "kind": "code",
                "name": "main.py",
                "sha256": sha256(b"pass\n").hexdigest(),
                "size": 5,
                "type": None,
            },
            {
                "kind": "img",
                "name": "default",
                "sha256": sha256(b"\x89PNG").hexdigest(),
                "size": 4,
                "type": "PNG",
            },
            {
                "kind": "kv",
                "name": "dock_name",
                "sha256": sha256(b"Dock").hexdigest(),
                "size": 4,
                "type": None,
            },
        ],
    }
    assert manifest.digest == sha256(manifest.encode()).digest()
    assert Manifest.decode(manifest.encode()) == manifest


@pytest.mark.parametrize(
    ("changes", "entries"),
    [
        ({"name": ""}, (CODE,)),
        ({"name": "x" * 65}, (CODE,)),
        ({"name": " x"}, (CODE,)),
        ({"name": "a\nb"}, (CODE,)),
        ({"product": ""}, (CODE,)),
        ({"counter": -1}, (CODE,)),
        ({"counter": COUNTER_MAX + 1}, (CODE,)),
        ({}, ()),
        ({}, (VALUE, CODE)),
        ({}, (CODE, CODE)),
        ({"replaceable": frozenset({(Kind.KV, "other")})}, (CODE, VALUE)),
        ({"replaceable": frozenset({(Kind.CODE, "main.py")})}, (CODE, VALUE)),
    ],
)
def test_an_unsound_bundle_cannot_exist(
    changes: dict[str, object], entries: tuple[Entry, ...]
) -> None:
    with pytest.raises(ValueError, match=r"."):
        bundle(*entries, **changes)  # type: ignore[arg-type]


def test_the_largest_counter_and_name_are_allowed() -> None:
    assert bundle(CODE, counter=COUNTER_MAX, name="x" * 64).security_counter == COUNTER_MAX


def spelled(**changes: object) -> bytes:
    document = canonical_json.decode(Manifest.of(bundle(CODE, IMAGE)).encode())
    assert isinstance(document, dict)
    return canonical_json.encode({**document, **changes})  # type: ignore[dict-item]


PART = {"kind": "kv", "name": "a", "sha256": "00" * 32, "size": 1, "type": None}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        spelled(extra=1),
        spelled(bundle=""),
        spelled(version="1.2"),
        spelled(security_counter=True),
        spelled(security_counter=COUNTER_MAX + 1),
        spelled(parts=[]),
        spelled(parts="x"),
        spelled(parts=[PART, PART]),
        spelled(parts=[{**PART, "name": "b"}, PART]),
        spelled(parts=[{**PART, "size": True}]),
        spelled(parts=[{**PART, "size": -1}]),
        spelled(parts=[{**PART, "name": ""}]),
        spelled(parts=[{**PART, "kind": "file"}]),
        spelled(parts=[{**PART, "type": "PNG"}]),
        spelled(parts=[{**PART, "kind": "img"}]),
        spelled(parts=[{**PART, "kind": "img", "type": "GIF"}]),
        spelled(parts=[{**PART, "sha256": "00" * 31}]),
        spelled(parts=[{**PART, "sha256": "AA" * 32}]),
        spelled(parts=[{**PART, "more": 1}]),
        b" " + Manifest.of(bundle(CODE)).encode(),
    ],
)
def test_any_other_document_is_no_manifest(data: bytes) -> None:
    with pytest.raises(DocumentRefused):
        Manifest.decode(data)


names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@given(st.dictionaries(names, st.binary(max_size=20), min_size=1, max_size=10))
def test_any_manifest_survives(values: dict[str, bytes]) -> None:
    entries = [Entry(Kind.KV, name, data) for name, data in values.items()]
    entries.sort(key=lambda entry: in_order(entry.key))
    manifest = Manifest.of(bundle(*entries))

    assert Manifest.decode(manifest.encode()) == manifest


@given(st.text(max_size=70))
def test_a_name_can_be_printed_on_one_line(text: str) -> None:
    if is_name(text):
        assert text.strip() == text
        assert len(text.splitlines()) == 1

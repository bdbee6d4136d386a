"""Rendering: the entries of one dock, what a report may say of them, and what lint finds."""

import io
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from station.application.ports import DockIdentity
from station.application.rendering import Finding, Level, Rendered, lint_template, render
from station.domain.bundle import Bundle
from station.domain.derivation import derive_azure_key
from station.domain.entries import Entry, Kind, PictureType
from station.domain.errors import DocumentRefused, KeyRefused, PictureRefused
from station.domain.identity import DockId, Serial
from station.domain.release import Version
from station.domain.secret import Secret
from station.domain.template import (
    Case,
    Constant,
    DockFact,
    DockValue,
    HmacSha256,
    Img,
    Kv,
    LotField,
    Scan,
    Source,
    Target,
    Template,
    TemplateEntry,
    Text,
    Visibility,
)

TOKEN = "tok-very-secret-0001"
DOCK = DockIdentity(
    dock_id=DockId(bytes(range(32))),
    label="DK7F-00001",
    model="DL-7450",
    hardware="C",
    profile="dl7450-virtual",
    product="DK-7F",
    counter=0,
    assurance="D0",
    slot_bytes=16 * 1024 * 1024,
    locked=False,
)


def template(*entries: TemplateEntry, product: str = "DK-7F") -> Template:
    return Template("t", Version(1, 0, 0), product, entries)


def entry(
    name: str, source: Source, target: Target | None = None, **rules: object
) -> TemplateEntry:
    return TemplateEntry(name, source, target or Kv(name), **rules)  # type: ignore[arg-type]


def no_key(key: str, text: str) -> Secret:
    raise KeyRefused(f"{key} was asked for {text}")


def rendered(
    *entries: TemplateEntry,
    records: Mapping[str, Mapping[str, str]] | None = None,
    serial: str = "DK7F-00001",
    dock: DockIdentity = DOCK,
    derive: object = no_key,
) -> Rendered:
    secrets = {
        kind: {name: Secret.from_text(value) for name, value in fields.items()}
        for kind, fields in (records or {}).items()
    }
    return render(
        template(*entries),
        serial=Serial(serial),
        dock=dock,
        records=secrets,
        derive=derive,  # type: ignore[arg-type]
    )


def values(result: Rendered) -> dict[str, bytes]:
    return {entry.name: bytes(entry.data) for entry in result.entries}


def picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (24, 24)).save(file, "PNG")
    return file.getvalue()


# -- values ------------------------------------------------------------------------------------


def test_every_source_gives_its_value() -> None:
    result = rendered(
        entry("serial", Scan()),
        entry("colour", Constant("blue")),
        entry("hw", DockValue(DockFact.DOCK_ID)),
        entry("label", DockValue(DockFact.LABEL)),
        entry("model", DockValue(DockFact.MODEL)),
        entry("rev", DockValue(DockFact.HARDWARE)),
        entry("token", LotField("enrolment-token", "token"), secret=True, report=Visibility.HIDDEN),
        records={"enrolment-token": {"token": TOKEN}},
    )

    assert values(result) == {
        "serial": b"DK7F-00001",
        "colour": b"blue",
        "hw": bytes(range(32)).hex().upper().encode(),
        "label": b"DK7F-00001",
        "model": b"DL-7450",
        "rev": b"C",
        "token": TOKEN.encode(),
    }
    assert all(one.kind is Kind.KV for one in result.entries)


def test_text_is_composed_from_entries_in_any_order_and_keeps_the_order_of_the_template() -> None:
    result = rendered(
        entry("c", Text("{{{b}}} {a}", Case.UPPER)),
        entry("b", Text("{a}!", Case.LOWER)),
        entry("a", Scan()),
    )

    assert [one.name for one in result.entries] == ["c", "b", "a"]
    assert values(result) == {
        "a": b"DK7F-00001",
        "b": b"dk7f-00001!",
        "c": b"{DK7F-00001!} DK7F-00001",
    }


def test_the_key_of_a_dock_is_derived_from_its_registration_id() -> None:
    group = Secret.from_text("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")

    def derive(key: str, text: str) -> Secret:
        assert key == "dps-group"
        return derive_azure_key(group, text)

    result = rendered(
        entry("id", Text("{serial}", Case.LOWER)),
        entry("serial", Scan()),
        entry("key", HmacSha256("dps-group", "id"), secret=True, report=Visibility.HIDDEN),
        serial="DOCK-0001",
        derive=derive,
    )

    # Check value: Azure IoT DPS, "Symmetric key attestation", group enrolments.
    assert values(result)["key"] == b"9V+8xdmgOPrk/ShADOAXYcyYiP+EuldDYAUKSkk3ecY="
    with group.reveal() as view:
        assert all(bytes(view) not in bytes(one.data) for one in result.entries)


def test_a_picture_is_recognised_by_its_bytes() -> None:
    result = rendered(
        entry("badge", LotField("badge", "png"), Img("badge")),
        records={"badge": {"png": b64encode(picture()).decode()}},
    )

    assert result.entries == (Entry(Kind.IMG, "badge", picture(), PictureType.PNG),)
    assert result.fields[0].size_bytes == len(picture())


@pytest.mark.parametrize("value", ["not base64!", b64encode(b"no picture").decode(), "ü"])
def test_what_is_no_picture_is_refused(value: str) -> None:
    with pytest.raises(PictureRefused, match="entry badge: "):
        rendered(
            entry("badge", LotField("badge", "png"), Img("badge")),
            records={"badge": {"png": value}},
        )


@pytest.mark.parametrize(
    ("value", "rules", "why"),
    [
        ("", {}, "the value is empty"),
        ("a\0b", {}, "the value holds a NUL"),
        ("abc", {"format": "ab"}, "the value does not match the format ab"),
        ("ab\n", {"format": "ab"}, "the value does not match the format ab"),
        ("xab", {"format": "ab|xa"}, "the value does not match the format"),
        ("abc", {"max_characters": 2}, "the value has 3 characters; at most 2"),
    ],
)
@pytest.mark.parametrize("secret", [False, True])
def test_a_value_that_breaks_a_rule_is_refused_and_never_repeated(
    value: str, rules: dict[str, Any], why: str, secret: bool
) -> None:
    field = entry("a", LotField("k", "f"), secret=secret, report=Visibility.HIDDEN, **rules)
    with pytest.raises(DocumentRefused) as caught:
        rendered(field, records={"k": {"f": value}})

    assert caught.value.cause.startswith(f"template t 1.0.0, entry a: {why}")
    if len(value) > 2:
        assert value not in caught.value.cause


def test_limits_are_exact() -> None:
    field = entry("a", LotField("k", "f"), max_characters=3)

    assert values(rendered(field, records={"k": {"f": "äöü"}})) == {"a": "äöü".encode()}


def test_octets_that_are_no_text_are_refused() -> None:
    with pytest.raises(DocumentRefused, match="the value is not UTF-8"):
        render(
            template(entry("a", LotField("k", "f"))),
            serial=Serial("A"),
            dock=DOCK,
            records={"k": {"f": Secret(b"\xff\xfe")}},
            derive=no_key,
        )


def test_missing_records_and_fields_are_named() -> None:
    field = entry("a", LotField("k", "f"))

    with pytest.raises(DocumentRefused, match="entry a: no k record"):
        rendered(field)
    with pytest.raises(DocumentRefused, match="entry a: the k record has no field f"):
        rendered(field, records={"k": {"g": "x"}})


def test_what_the_derivation_refuses_passes() -> None:
    key = entry("key", HmacSha256("g", "serial"), secret=True, report=Visibility.HIDDEN)

    with pytest.raises(KeyRefused, match="g was asked for DK7F-00001"):
        rendered(entry("serial", Scan()), key)


def test_rendering_twice_gives_the_same() -> None:
    fields = (entry("serial", Scan()), entry("n", Text("Dock {serial}")))

    assert rendered(*fields) == rendered(*fields)


@given(st.text(st.characters(exclude_characters="{}", exclude_categories=["Cs"]), min_size=1))
def test_any_literal_text_comes_through(literal: str) -> None:
    if "\0" not in literal and len(literal) < 8000:
        assert values(rendered(entry("a", Text(literal)))) == {"a": literal.encode()}


# -- reports -----------------------------------------------------------------------------------


def fingerprint(content: bytes) -> bytes:
    return sha256(b"key" + content).digest()


def test_a_report_says_what_the_template_allows() -> None:
    result = rendered(
        entry("shown", Scan()),
        entry("marked", Scan(), report=Visibility.FINGERPRINT),
        entry("hidden", Scan(), report=Visibility.HIDDEN),
        entry("token", LotField("k", "f"), secret=True, report=Visibility.FINGERPRINT),
        entry("badge", LotField("k", "png"), Img("badge")),
        records={"k": {"f": TOKEN, "png": b64encode(picture()).decode()}},
    )

    assert [one.reported(fingerprint) for one in result.fields] == [
        "DK7F-00001",
        fingerprint(b"DK7F-00001").hex(),
        None,
        fingerprint(TOKEN.encode()).hex(),
        fingerprint(picture()).hex(),
    ]
    assert [(one.name, one.key, one.size_bytes, one.secret) for one in result.fields][3:] == [
        ("token", (Kind.KV, "token"), len(TOKEN), True),
        ("badge", (Kind.IMG, "badge"), len(picture()), False),
    ]


def test_no_secret_can_be_seen() -> None:
    token = entry("token", LotField("k", "f"), secret=True, report=Visibility.FINGERPRINT)

    assert TOKEN not in repr(rendered(token, records={"k": {"f": TOKEN}}))


def test_a_template_that_would_show_a_secret_cannot_exist() -> None:
    with pytest.raises(ValueError, match="a secret is never shown"):
        template(entry("token", LotField("k", "f"), secret=True, report=Visibility.SHOWN))


# -- lint --------------------------------------------------------------------------------------


def bundle(*entries: Entry, replaceable: frozenset[tuple[Kind, str]] = frozenset()) -> Bundle:
    return Bundle("b", Version(1, 0, 0), "DK-7F", 1, entries, replaceable)


COMMON = bundle(
    Entry(Kind.CODE, "main.py", b"pass\n"),
    Entry(Kind.KV, "dock_name", b"Dock"),
    replaceable=frozenset({(Kind.KV, "dock_name")}),
)


def found(one: Template, with_bundle: Bundle | None = None, **more: int) -> list[tuple[str, str]]:
    return [
        (finding.level.value, f"{finding.entry}.{finding.part}: {finding.message}")
        for finding in lint_template(one, with_bundle, **more)
    ]


def test_a_sound_template_has_no_findings() -> None:
    one = template(entry("serial", Scan()), entry("dock_name", Text("Dock {serial}")))

    assert lint_template(one) == ()
    assert lint_template(one, COMMON) == ()


def test_a_collision_is_an_error_unless_the_bundle_declares_it_replaceable() -> None:
    strict = bundle(*COMMON.entries)
    one = template(entry("name", Scan(), Kv("dock_name")))

    assert lint_template(one, COMMON) == ()
    assert lint_template(one, strict) == (
        Finding(
            Level.ERROR,
            "name",
            "target",
            "kv 'dock_name' is in the bundle already, which does not declare it replaceable",
        ),
    )
    # The same name of another kind is another entry.
    assert lint_template(template(entry("a", LotField("k", "f"), Img("dock_name"))), strict) == ()


def test_another_product_is_an_error() -> None:
    assert found(template(entry("serial", Scan()), product="DK-8"), COMMON) == [
        ("error", ".product: the template is for DK-8, the bundle for DK-7F")
    ]


def test_the_budget_is_looked_at() -> None:
    one = template(entry("serial", Scan(), max_characters=100))
    common = len(b"pass\n") + len("main.py") + len(b"Dock") + len("dock_name")
    needed = common + 4 * 100 + len("serial")

    assert found(one, COMMON, rom_budget_bytes=common - 1)[0] == (
        "error",
        f".: the bundle alone takes {common} of {common - 1} bytes",
    )
    assert found(one, COMMON, rom_budget_bytes=needed)[0][0] == "warning"
    assert found(one, COMMON, rom_budget_bytes=needed * 10 // 9 + 1) == []


@pytest.mark.parametrize(
    ("field", "finding"),
    [
        (entry("a", Constant("abc"), format="x"), ("error", "a.source: the value does not match")),
        (entry("a", Constant("abc"), max_characters=2), ("error", "a.source: the value has 3")),
        (entry("timezone", Constant("CST")), ("warning", "timezone.source: 'CST' is no time zone")),
        (
            entry(
                "a", LotField("enrolment-token", "tocken"), secret=True, report=Visibility.HIDDEN
            ),
            ("error", "a.source: a enrolment-token record has no field 'tocken': token"),
        ),
        (
            entry("a", LotField("enrolment-token", "token")),
            ("warning", "a.secret: looks like a secret but is not marked as one"),
        ),
        (entry("wifi_password", Scan()), ("warning", "wifi_password.secret: looks like a secret")),
        (entry("a", Scan(), Kv("a b")), ("warning", "a.target: 'a b' is no plain name")),
    ],
)
def test_doubts_are_found(field: TemplateEntry, finding: tuple[str, str]) -> None:
    ((level, message),) = found(template(field))

    assert level == finding[0]
    assert message.startswith(finding[1])


def test_a_registration_id_that_may_be_upper_case_is_doubtful() -> None:
    key = entry("key", HmacSha256("g", "id"), secret=True, report=Visibility.HIDDEN)

    assert found(template(entry("id", Scan()), key)) == [
        ("warning", "key.source: id may hold upper-case letters; a registration id has none")
    ]
    assert found(template(entry("id", Text("x{s}", Case.LOWER)), entry("s", Scan()), key)) == []

"""Templates: what a file means, and where what is wrong with it stands."""

from pathlib import Path

import pytest

from station.adapters.files.templates import TemplateFile, read_template
from station.domain.errors import DocumentRefused
from station.domain.release import Version
from station.domain.template import (
    VALUE_MAX_CHARACTERS,
    Case,
    Constant,
    DockFact,
    DockValue,
    HmacSha256,
    Img,
    Kv,
    LotField,
    Rework,
    Scan,
    TemplateEntry,
    Text,
    Visibility,
)

HEAD = "name: t\nversion: 1.0.0\nproduct: DK-7F\nentries:\n"
WHOLE = (
    HEAD
    + """\
  - name: serial
    source: {scan: serial}
    target: {kv: serial}
    format: DK7F-[0-9]{5}
    max_length: 10
    rework: keep
  - name: colour
    source: {constant: "blue"}
    target: {kv: colour}
    report: hidden
  - name: hardware
    source: {dock: dock_id}
    target: {kv: hw}
  - name: id
    source: {text: {pattern: "{serial}", case: lower}}
    target: {kv: id}
  - name: key
    source: {hmac-sha256: {key: group, of: id}}
    target: {kv: key}
    secret: true
    report: hidden
  - name: badge
    source: {lot: {kind: badge, field: picture}}
    target: {img: badge}
    secret: true
"""
)


def read(folder: Path, text: str) -> TemplateFile:
    (folder / "t.yaml").write_text(text, encoding="utf-8")
    return read_template(folder / "t.yaml")


def refused(folder: Path, text: str) -> str:
    with pytest.raises(DocumentRefused) as caught:
        read(folder, text)
    return caught.value.cause.removeprefix(f"{folder}/t.yaml:")


def entry(name: str, source: str, *more: str) -> str:
    lines = (f"- name: {name}", f"  source: {source}", f"  target: {{kv: {name}}}")
    return "".join(f"  {line}\n" for line in (*lines, *(f"  {one}" for one in more)))


def test_every_source_and_rule_is_read(tmp_path: Path) -> None:
    template = read(tmp_path, WHOLE).template

    assert (template.name, template.version, template.product) == ("t", Version(1, 0, 0), "DK-7F")
    assert template.entries == (
        TemplateEntry(
            "serial",
            Scan(),
            Kv("serial"),
            rework=Rework.KEEP,
            format="DK7F-[0-9]{5}",
            max_characters=10,
        ),
        TemplateEntry("colour", Constant("blue"), Kv("colour"), report=Visibility.HIDDEN),
        TemplateEntry("hardware", DockValue(DockFact.DOCK_ID), Kv("hw")),
        TemplateEntry("id", Text("{serial}", Case.LOWER), Kv("id")),
        TemplateEntry(
            "key", HmacSha256("group", "id"), Kv("key"), secret=True, report=Visibility.HIDDEN
        ),
        TemplateEntry(
            "badge",
            LotField("badge", "picture"),
            Img("badge"),
            secret=True,
            report=Visibility.FINGERPRINT,
        ),
    )


def test_a_secret_is_reported_by_fingerprint_unless_said_otherwise(tmp_path: Path) -> None:
    text = HEAD + entry("a", "{lot: {kind: k, field: f}}", "secret: true")

    assert read(tmp_path, text).template.entries[0].report is Visibility.FINGERPRINT


def test_places_are_kept_for_findings(tmp_path: Path) -> None:
    file = read(tmp_path, WHOLE)

    assert file.place("id", "source") == f"{tmp_path}/t.yaml:19:13"
    assert file.place("id") == f"{tmp_path}/t.yaml:18:5"
    assert file.place("id", "format") == f"{tmp_path}/t.yaml:18:5"


def test_the_order_of_keys_and_remarks_do_not_change_the_digest(tmp_path: Path) -> None:
    one = read(tmp_path, HEAD + entry("a", "{scan: serial}", "secret: false", "report: shown"))
    two = read(tmp_path, "# a remark\n" + HEAD + entry("a", '{"scan": "serial"}'))

    assert one.template.digest == two.template.digest
    assert one.template == two.template


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (HEAD, "4:9: entries: nothing is given; expected: the unique entries"),
        (HEAD + "  []", "5:3: entries: an empty list; expected: the unique entries"),
        (HEAD + entry("a", "serial"), "6:13: entries[1].source: expected: where the value comes"),
        (HEAD + entry("a", "{}"), "6:13: entries[1].source: exactly one of scan, constant, dock"),
        (HEAD + entry("a", "{scan: serial, constant: x}"), "6:13: entries[1].source: exactly one"),
        (HEAD + entry("a", "{scan: mac}"), "6:20: entries[1].source.scan: mac is given; expected"),
        (HEAD + entry("a", "{dock: mac}"), "6:20: entries[1].source.dock: mac is given; expected"),
        (HEAD + entry("a", "{lots: x}"), "6:14: entries[1].source: unknown key 'lots'; did you"),
        (HEAD + entry("a", "{lot: {kind: k}}"), "6:19: entries[1].source.lot: the key 'field' is"),
        (
            HEAD + entry("a", "{constant: 0010}"),
            "6:24: entries[1].source.constant: YAML reads 0010",
        ),
        (
            HEAD + entry("a", "{scan: serial}", "secret: yes"),
            "8:13: entries[1].secret: expected: t",
        ),
        (HEAD + entry("a", "{scan: serial}", 'secret: "true"'), "8:13: entries[1].secret: text is"),
        (HEAD + entry("a", "{scan: serial}", "max_length: 0"), "8:17: entries[1].max_length: 0 is"),
        (
            HEAD + entry("a", "{scan: serial}", "max_length: 8193"),
            "8:17: entries[1].max_length: 8193",
        ),
        (HEAD + entry("a", "{scan: serial}", "format: '('"), "8:13: a: not a regular expression: "),
        (
            HEAD + entry("a", "{scan: serial}", "rework: always"),
            "8:13: entries[1].rework: always is",
        ),
        (
            HEAD + entry("1a", "{scan: serial}"),
            "5:11: entries[1].name: 1a is given; expected: a name",
        ),
        (
            HEAD.replace("1.0.0", "300.0.0") + entry("a", "{scan: serial}"),
            "2:10: '300.0.0' does not",
        ),
    ],
)
def test_a_wrong_template_is_refused_at_its_place(tmp_path: Path, text: str, cause: str) -> None:
    assert refused(tmp_path, text).startswith(cause)


@pytest.mark.parametrize(
    ("entries", "cause"),
    [
        (entry("a", "{text: {pattern: '{b}'}}"), "6:13: a: refers to 'b', which is no entry"),
        (entry("a", "{hmac-sha256: {key: k, of: b}}", "secret: true"), "6:13: a: refers to 'b'"),
        (entry("a", "{text: {pattern: '{a}'}}"), "6:13: a: goes round in a circle: a → a"),
        (
            entry("a", "{text: {pattern: 'x{c}'}}")
            + entry("b", "{text: {pattern: '{a}'}}")
            + entry("c", "{text: {pattern: '{b}'}}"),
            "6:13: a: goes round in a circle: ",
        ),
        (entry("a", "{text: {pattern: '{'}}"), "6:13: a: { at character 1 of the text is no ref"),
        (entry("a", "{text: {pattern: 'x}'}}"), "6:13: a: } at character 2 of the text is no ref"),
        (entry("a", "{text: {pattern: '{b c}'}}"), "6:13: a: {b c} at character 1 of the text"),
        (
            entry("a", "{scan: serial}", "secret: true", "report: shown"),
            "9:13: a: a secret is never",
        ),
        (entry("a", "{scan: serial}") * 2, "8:11: a: the name 'a' appears twice (and 1 more)"),
        (
            entry("a", "{scan: serial}") + entry("b", "{constant: x}").replace("kv: b", "kv: a"),
            "10:13: b: kv 'a' is already the target of a",
        ),
        (
            entry("a", "{lot: {kind: k, field: f}}", "secret: true")
            + entry("b", "{text: {pattern: 'x{a}'}}"),
            "10:13: b: carries the secret 'a' into an entry that is not marked secret",
        ),
        (
            entry("id", "{scan: serial}") + entry("a", "{hmac-sha256: {key: k, of: id}}"),
            "8:5: a: a value derived from a key is a secret: mark it so",
        ),
        (
            entry("a", "{scan: serial}").replace("kv: a", "img: a"),
            "6:13: a: makes no picture: an image comes from a lot or a constant, as base64",
        ),
        (
            entry("a", "{lot: {kind: k, field: f}}").replace("kv: a", "img: a")
            + entry("b", "{text: {pattern: '{a}'}}"),
            "9:13: b: refers to 'a', which is a picture",
        ),
    ],
)
def test_an_unsound_template_is_refused_at_its_place(
    tmp_path: Path, entries: str, cause: str
) -> None:
    assert refused(tmp_path, HEAD + entries).startswith(cause)


def test_the_longest_value_is_bounded(tmp_path: Path) -> None:
    text = HEAD + entry("a", "{scan: serial}", f"max_length: {VALUE_MAX_CHARACTERS}")

    assert read(tmp_path, text).template.entries[0].max_characters == VALUE_MAX_CHARACTERS

"""Templates as values: an unsound one cannot exist, and its canonical form is pinned."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    Template,
    TemplateEntry,
    Text,
    Visibility,
    faults,
)

ENTRIES = (
    TemplateEntry("serial", Scan(), Kv("serial"), rework=Rework.KEEP, format="[A-Z]+"),
    TemplateEntry("id", Text("{serial}", Case.LOWER), Kv("id"), max_characters=128),
    TemplateEntry("c", Constant("blue"), Kv("c"), report=Visibility.HIDDEN),
    TemplateEntry("hw", DockValue(DockFact.DOCK_ID), Kv("hw")),
    TemplateEntry("badge", LotField("badge", "png"), Img("badge")),
    TemplateEntry("key", HmacSha256("g", "id"), Kv("k"), secret=True, report=Visibility.HIDDEN),
    TemplateEntry("tok", LotField("badge", "t"), Kv("t"), secret=True, report=Visibility.HIDDEN),
)


def template(*entries: TemplateEntry) -> Template:
    return Template("t", Version(1, 0, 0), "DK-7F", entries)


def test_the_canonical_form_names_everything_that_decides_what_a_dock_gets() -> None:
    one = template(ENTRIES[0], ENTRIES[1], ENTRIES[5])

    assert one.encode() == (
        b'{"entries":['
        b'{"format":"[A-Z]+","max_length":8192,"name":"serial","report":"shown","rework":"keep",'
        b'"secret":false,"source":{"scan":"serial"},"target":{"kv":"serial"}},'
        b'{"format":"","max_length":128,"name":"id","report":"shown","rework":"new",'
        b'"secret":false,"source":{"text":{"case":"lower","pattern":"{serial}"}},'
        b'"target":{"kv":"id"}},'
        b'{"format":"","max_length":8192,"name":"key","report":"hidden","rework":"new",'
        b'"secret":true,"source":{"hmac-sha256":{"key":"g","of":"id"}},"target":{"kv":"k"}}'
        b'],"name":"t","product":"DK-7F","version":"1.0.0"}'
    )


def test_every_change_changes_the_digest() -> None:
    whole = template(*ENTRIES)
    digests = {whole.digest, *(template(*ENTRIES[:n]).digest for n in range(1, len(ENTRIES)))}

    assert len(digests) == len(ENTRIES)
    assert template(*ENTRIES).digest == whole.digest


def test_it_knows_which_records_and_keys_it_needs() -> None:
    whole = template(*ENTRIES)

    assert whole.lot_kinds == ("badge",)
    assert whole.lot_fields("badge") == ("png", "t")
    assert whole.lot_fields("other") == ()
    assert whole.key_names == ("g",)


def test_entries_follow_those_they_refer_to() -> None:
    late = template(ENTRIES[5], ENTRIES[1], ENTRIES[0])

    assert [entry.name for entry in late.in_order()] == ["serial", "id", "key"]


@pytest.mark.parametrize(
    ("name", "product", "entries"),
    [("", "P", ENTRIES), ("t", " ", ENTRIES), ("t", "P", ())],
)
def test_an_unsound_template_cannot_exist(
    name: str, product: str, entries: tuple[TemplateEntry, ...]
) -> None:
    with pytest.raises(ValueError, match="template"):
        Template(name, Version(1, 0, 0), product, entries)


@pytest.mark.parametrize(
    ("entry", "part"),
    [
        (TemplateEntry("1", Scan(), Kv("a")), "name"),
        (TemplateEntry("a\n", Scan(), Kv("a")), "name"),
        (TemplateEntry("a", Scan(), Kv("")), "target"),
        (TemplateEntry("a", Scan(), Kv("a\0")), "target"),
        (TemplateEntry("a", Scan(), Img("a")), "source"),
        (TemplateEntry("a", Scan(), Kv("a"), secret=True), "report"),
        (TemplateEntry("a", Scan(), Kv("a"), format="("), "format"),
        (TemplateEntry("a", Scan(), Kv("a"), max_characters=0), "max_length"),
        (
            TemplateEntry("a", Scan(), Kv("a"), max_characters=VALUE_MAX_CHARACTERS + 1),
            "max_length",
        ),
        (TemplateEntry("a", Text("{"), Kv("a")), "source"),
        (TemplateEntry("a", Text("{a}"), Kv("a")), "source"),
        (TemplateEntry("a", Text("{b}"), Kv("a")), "source"),
    ],
)
def test_a_fault_names_the_part_to_look_at(entry: TemplateEntry, part: str) -> None:
    found = faults([entry])

    assert [one.part for one in found] == [part]
    with pytest.raises(ValueError, match=r"."):
        template(entry)


def test_a_chain_is_no_circle() -> None:
    chain = [TemplateEntry("e0", Scan(), Kv("e0"))]
    chain += [TemplateEntry(f"e{n}", Text(f"{{e{n - 1}}}"), Kv(f"e{n}")) for n in range(1, 256)]

    assert faults(chain) == ()
    assert template(*reversed(chain)).in_order() == tuple(chain)


@given(st.lists(st.sampled_from(["x", "{{", "}}", "{a}", "{b_1}", " "]), max_size=12))
def test_pieces_are_the_pattern_again(parts: list[str]) -> None:
    pieces = Text("".join(parts)).pieces
    again = "".join(
        "{" + piece[0] + "}"
        if isinstance(piece, tuple)
        else piece.replace("{", "{{").replace("}", "}}")
        for piece in pieces
    )

    assert again == "".join(parts)


@given(st.text(max_size=40))
def test_any_pattern_is_split_or_refused(pattern: str) -> None:
    try:
        pieces = Text(pattern).pieces
    except ValueError as error:
        assert "is no reference" in str(error)
    else:
        assert all(piece for piece in pieces)

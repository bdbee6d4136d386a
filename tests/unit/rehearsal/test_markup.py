"""Markup: what it says, how it looks, and that nothing anybody writes is more than a text."""

import os
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtGui import QColor

from station.rehearsal.colour_names import NAMED
from station.rehearsal.markup import (
    NESTING_MAX,
    SCALE_MAX,
    SCALE_MIN,
    STEP,
    MarkupTrouble,
    Run,
    Style,
    plain,
    read,
)

EXAMPLES = {"ci": 200, "nightly": 5_000, "release": 50_000}[os.environ.get("STATION_SWEEP", "ci")]

PIECES = st.sampled_from(
    ["<", ">", "&", ";", "/", '"', "'", "=", " ", "\n", "#", "x", "amp", "b", "<b>", "</b>",
     "<span", "<span size=", "size", '"large"', "color='red'", "</span>", "&#", "&lt;", "\0", "é"]
)  # fmt: skip
"""What grammars stumble over."""


def styles(markup: str) -> list[tuple[str, Style]]:
    """Text and style of every run of a text that is markup."""
    reading = read(markup)
    assert reading.trouble is None, str(reading.trouble)
    return [(run.text, run.style) for run in reading.runs]


def only_style(markup: str) -> Style:
    [(_, style)] = styles(markup)
    return style


def test_text_without_tags_is_the_text() -> None:
    assert styles("Dock 00317 > hall 4") == [("Dock 00317 > hall 4", Style())]
    assert styles("") == []


def test_what_the_vendor_programs_use_is_understood() -> None:
    runs = styles(
        '<b>Dock</b> <span size="large" color="orange">on</span>'
        '<span size="small" foreground="grey" weight="bold">off</span>'
    )

    assert runs == [
        ("Dock", Style(weight=700)),
        (" ", Style()),
        ("on", Style(scale=STEP, ink=0xFFA500)),
        ("off", Style(scale=1 / STEP, ink=0x808080, weight=700)),
    ]


def test_a_span_may_begin_in_one_line_and_end_in_another() -> None:
    lines = read('plain <span foreground="red">red\n\nstill</span> plain').lines
    red = Style(ink=0xFF0000)

    assert lines == (
        (Run("plain ", Style()), Run("red", red)),
        (),
        (Run("still", red), Run(" plain", Style())),
    )


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\u2028", "\u2029"])
def test_a_line_ends_where_pango_ends_it(end: str) -> None:
    assert [[run.text for run in line] for line in read(f"a{end}b{end}").lines] == [
        ["a"],
        ["b"],
        [],
    ]


@pytest.mark.parametrize(
    ("attribute", "style"),
    [
        ('size="xx-small"', Style(scale=STEP**-3)),
        ('size="medium"', Style()),
        ('size="xx-large"', Style(scale=STEP**3)),
        ('size="larger"', Style(scale=STEP)),
        ('size="15pt"', Style(scale=0.5)),
        ('size="37.5pt"', Style(scale=1.25)),
        ('size="46080"', Style(scale=1.5)),
        ('font_size="large"', Style(scale=STEP)),
        ('size="999999999"', Style(scale=SCALE_MAX)),
        ('size="1"', Style(scale=SCALE_MIN)),
        ("foreground='#F00'", Style(ink=0xFF0000)),
        ("fgcolor = '#12abEF'", Style(ink=0x12ABEF)),
        ("color='#123456789abc'", Style(ink=0x12569A)),
        ("color='#800fff000'", Style(ink=0x80FF00)),
        ("color='Dark Orange'", Style(ink=0xFF8C00)),
        ("background='green'", Style(ground=0x008000)),
        ("weight='heavy'", Style(weight=900)),
        ("font_weight='650'", Style(weight=650)),
        ("style='oblique'", Style(italic=True)),
        ("style='normal'", Style()),
        ("underline='double'", Style(underline=True)),
        ("underline='none'", Style()),
        ("strikethrough='true'", Style(struck=True)),
        ("face='Monospace'", Style(mono=True)),
        ("font_family='Sans'", Style()),
        ("rise='100' lang='de'", Style()),
        ("", Style()),
    ],
)
def test_an_attribute_of_span_changes_what_it_names(attribute: str, style: Style) -> None:
    found = only_style(f"<span {attribute}>x</span>")

    assert found == style or found.scale == pytest.approx(style.scale)


@pytest.mark.parametrize(
    ("tag", "style"),
    [
        ("b", Style(weight=700)),
        ("i", Style(italic=True)),
        ("u", Style(underline=True)),
        ("s", Style(struck=True)),
        ("tt", Style(mono=True)),
        ("big", Style(scale=STEP)),
        ("small", Style(scale=1 / STEP)),
        ("sub", Style(scale=1 / STEP, level=-1)),
        ("sup", Style(scale=1 / STEP, level=1)),
    ],
)
def test_each_tag_has_its_style(tag: str, style: Style) -> None:
    assert only_style(f"<{tag}>x</{tag}>") == style


def test_styles_add_up_inwards_and_end_with_their_tag() -> None:
    runs = styles('<b>1<i>2<span color="red">3</span></i>4</b>5')

    assert [style for _, style in runs] == [
        Style(weight=700),
        Style(weight=700, italic=True),
        Style(weight=700, italic=True, ink=0xFF0000),
        Style(weight=700),
        Style(),
    ]


def test_steps_add_up_and_named_sizes_do_not() -> None:
    assert only_style("<big><big>x</big></big>").scale == pytest.approx(STEP**2)
    assert only_style('<big><span size="small">x</span></big>').scale == pytest.approx(1 / STEP)


def test_entities_are_the_characters_they_stand_for() -> None:
    assert plain("&lt;b&gt; &amp;amp; &quot;&apos;&#65;&#x1F600;") == "<b> &amp; \"'A\U0001f600"


@pytest.mark.parametrize(
    ("text", "at", "why"),
    [
        ("R&D", 1, "an & that begins no entity"),
        ("1 < 2", 2, "a < that begins no tag"),
        ("<B>x</B>", 0, "a < that begins no tag"),
        ("<!-- x -->", 0, "a < that begins no tag"),
        ("<b", 0, "a < that begins no tag"),
        ("<span size=large>x</span>", 0, "a < that begins no tag"),
        ("ok <b>x", 7, "never closed"),
        ("x</b>", 1, "nothing here opened"),
        ("<b><i>x</b></i>", 7, "nothing here opened"),
        ("<b>x</b/>", 4, "closing tag with more"),
        ("<b>x</b size='1'>", 4, "closing tag with more"),
        ("<h1>x</h1>", 0, "a < that begins no tag"),
        ("<h>x</h>", 0, "a tag of no such name"),
        ("<b size='large'>x</b>", 0, "another tag than span"),
        ("<span colour='red'>x</span>", 0, "attribute of no such name"),
        ("<span color='red' fgcolor='red'>x</span>", 0, "given twice"),
        ("<span color='reddish'>x</span>", 0, "color is no such value"),
        ("<span color='#12'>x</span>", 0, "color is no such value"),
        ("<span color='#12345'>x</span>", 0, "color is no such value"),
        ("<span color='#12345x'>x</span>", 0, "color is no such value"),
        ("<span color='#123456789012345'>x</span>", 0, "color is no such value"),
        ("<span size='huge'>x</span>", 0, "size is no such value"),
        ("<span size='0'>x</span>", 0, "size is no such value"),
        ("<span size='-12'>x</span>", 0, "size is no such value"),
        ("<span size='1e9pt'>x</span>", 0, "size is no such value"),
        ("<span size='&amp;'>x</span>", 0, "size is no such value"),
        ("<span weight='99'>x</span>", 0, "weight is no such value"),
        ("<span weight='fat'>x</span>", 0, "weight is no such value"),
        ("<span style='slanted'>x</span>", 0, "style is no such value"),
        ("<span underline='yes'>x</span>", 0, "underline is no such value"),
        ("&nbsp;", 0, "an entity of no such name"),
        ("&#0;", 0, "no character"),
        ("&#xD800;", 0, "no character"),
        ("&#xFFFE;", 0, "no character"),
        ("&#x110000;", 0, "no character"),
        ("&#99999999;", 0, "an & that begins no entity"),
    ],
)
def test_what_is_no_markup_is_shown_as_it_stands_and_says_why(text: str, at: int, why: str) -> None:
    reading = read(text)

    assert reading.runs == (Run(text, Style()),)
    assert reading.trouble is not None
    assert reading.trouble.at == at
    assert why in reading.trouble.why


def test_a_trouble_is_one_line_that_quotes_nothing() -> None:
    trouble = read("token <s3cret>").trouble

    assert trouble == MarkupTrouble(6, trouble.why if trouble else "")
    assert "s3cret" not in str(trouble)
    assert str(trouble).endswith("at character 7")
    assert str(trouble).isprintable()


def test_tags_are_nested_to_a_limit() -> None:
    def nested(depth: int) -> str:
        return "<b>" * depth + "x" + "</b>" * depth

    assert read(nested(NESTING_MAX)).trouble is None
    assert "within each other" in str(read(nested(NESTING_MAX + 1)).trouble)
    assert read("<b/>" * 1_000).trouble is None


def test_the_named_colours_are_those_of_css() -> None:
    """Qt has the same table from the same source, and is asked here only."""
    theirs = {name: QColor(name).rgb() & 0xFFFFFF for name in QColor.colorNames()}
    del theirs["transparent"]

    assert theirs == NAMED


@given(st.text())
@settings(max_examples=EXAMPLES)
def test_escaped_text_reads_as_it_was(text: str) -> None:
    reading = read(escape(text))

    assert reading.text == text
    assert reading.trouble is None


@given(st.lists(PIECES | st.text(max_size=4), max_size=40).map("".join))
@settings(max_examples=EXAMPLES)
def test_whatever_is_written_becomes_a_text(markup: str) -> None:
    reading = read(markup)

    assert reading.text == markup if reading.trouble else len(reading.text) <= len(markup)
    assert plain(markup) == reading.text
    assert len(reading.lines) >= 1
    assert all(SCALE_MIN <= run.style.scale <= SCALE_MAX for run in reading.runs)


@pytest.mark.parametrize(
    "piece", ["<", "&", "<b ", "<span size='", "<span ", " size='1' ", "&#1", "<b/>", "\n", "a<b>"]
)
def test_the_work_grows_as_the_text_does(piece: str) -> None:
    """Where it grew faster, this text would take minutes."""
    size = 400_000
    reading = read(piece * (size // len(piece)))

    assert len(reading.text) <= size

"""What scanned text means, and what it may never mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.domain.errors import BadScan
from station.domain.identity import Serial
from station.domain.limits import SCAN_CHARACTERS_MAX
from station.domain.scan import (
    BadgeScan,
    Command,
    CommandScan,
    OrderScan,
    Scan,
    SlotScan,
    UnitScan,
    parse,
)

GTIN = "09506000134352"
"""The GS1 General Specifications' own example, check digit right."""


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("DK7F-00317", UnitScan(Serial("DK7F-00317"))),
        (" DK7F-00317 ", UnitScan(Serial("DK7F-00317"))),
        ("WO:WO-26-0817", OrderScan("WO-26-0817")),
        ("OP:0417", BadgeScan("0417")),
        ("SLOT:12", SlotScan(12)),
        *((f"CMD:{command}", CommandScan(command)) for command in Command),
        (f"]d201{GTIN}21DK7F-1", UnitScan(Serial("DK7F-1"), GTIN)),
        (f"]C101{GTIN}21DK7F-1\x1d10LOT2", UnitScan(Serial("DK7F-1"), GTIN)),
        (f"https://id.example.com/01/{GTIN}/21/DK7F-9", UnitScan(Serial("DK7F-9"), GTIN)),
    ],
)
def test_a_scan_has_one_meaning(text: str, meaning: Scan) -> None:
    assert parse(text) == meaning


@pytest.mark.parametrize(
    "text",
    [
        "",
        "CMD:FORMAT",
        "CMD:provision",
        "SLOT:0",
        "SLOT:1000",
        "WO:",
        "OP:\u202e0417",
        '{"serial": "DK7F-1"}',
        "DK7F\t00317",
        "DK7F-00317\x00",
        "DK7F-\u0660\u0661",
        "=HYPERLINK(1)",
        "'; DROP TABLE units;--",
        f"]d201{GTIN[:-1]}321DK7F-1",
        f"]d221DK7F-1\x1d01{GTIN}",
        "https://id.example.com/01/12/21/DK7F-9",
    ],
)
def test_anything_else_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadScan) as refusal:
        parse(text)

    assert refusal.value.code == "E-SCAN-01"


def test_the_length_limit_holds_at_its_value_and_one_above() -> None:
    with pytest.raises(BadScan, match="not a serial"):
        parse("A" * SCAN_CHARACTERS_MAX)
    with pytest.raises(BadScan, match=str(SCAN_CHARACTERS_MAX + 1)):
        parse("A" * (SCAN_CHARACTERS_MAX + 1))


@given(st.text(max_size=300))
def test_no_text_does_more_than_parse_or_be_refused(text: str) -> None:
    try:
        meaning = parse(text)
    except BadScan:
        return

    if isinstance(meaning, UnitScan):
        assert meaning.serial.text.isascii()
        assert meaning.serial.text.isprintable()

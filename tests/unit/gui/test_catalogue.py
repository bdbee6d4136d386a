"""Every code has a headline and something to do, short enough for a tile."""

import re
from collections.abc import Iterator

import pytest

from station.domain.errors import StationError
from station.domain.verdict import FREE_RETRY, NO_RETRY
from station.gui.catalogue import CATALOGUE, UNKNOWN, Entry, Place, catalogue_texts, entry
from station.gui.texts import Speaker, Text
from station.protocol.errors import DockRefused

OPERATOR_GUIDE = {
    *(f"E-SCAN-0{number}" for number in range(1, 6)),
    *(f"E-LINK-0{number}" for number in range(1, 4)),
    *(f"E-IDENT-0{number}" for number in range(1, 4)),
    *("E-WRITE-01", "E-VERIFY-02", "E-VERIFY-03", "E-LOCK-01", "E-TOKEN-01", "E-SIGN-01"),
    *("E-LOG-01", "E-MES-01", "E-SLOT-03", "E-WO-01", "E-TIME-01"),
}
"""Codes of the operator guide's table."""

ELSEWHERE = ("station.dock", "tests")
"""The virtual dock's own start-up errors are shown by its own process."""

ENTRIES = {**CATALOGUE, "unknown": UNKNOWN}


def errors(kind: type[StationError] = StationError) -> Iterator[type[StationError]]:
    for child in kind.__subclasses__():
        yield child
        yield from errors(child)


def test_every_code_of_the_station_and_of_the_guide_is_in_the_table() -> None:
    raised = {
        kind.code
        for kind in errors()
        if hasattr(kind, "code") and not kind.__module__.startswith(ELSEWHERE)
    }

    assert DockRefused.code in raised  # the protocol's own errors were looked at too
    assert raised | NO_RETRY | FREE_RETRY | OPERATOR_GUIDE <= set(CATALOGUE)


@pytest.mark.parametrize("texts", ENTRIES.values(), ids=ENTRIES)
def test_an_entry_fits_its_places(texts: Entry) -> None:
    assert 0 < len(texts.headline) <= 18
    assert len(texts.headline.split()) <= 3
    assert texts.headline == texts.headline.upper()
    assert 1 <= len(texts.steps) <= 2
    assert all(0 < len(step) <= 45 for step in texts.steps)


@pytest.mark.parametrize("texts", ENTRIES.values(), ids=ENTRIES)
def test_no_text_shows_hex_or_says_a_success_word(texts: Entry) -> None:
    said = " ".join((texts.headline, *texts.steps, texts.band))

    assert re.search(r"0x|[0-9a-f]{6,}|PASS|Traceback", said) is None


@pytest.mark.parametrize("texts", ENTRIES.values(), ids=ENTRIES)
def test_the_band_names_the_slot(texts: Entry) -> None:
    assert "Slot 7: " in Speaker()(texts.band, slot=7, serial="DK7F-00001")


def test_an_unknown_code_still_has_something_to_do() -> None:
    assert entry("E-NEW-99") is UNKNOWN
    assert UNKNOWN.place is Place.CHECK


def test_every_text_of_both_tables_can_be_handed_to_a_translator() -> None:
    assert all(catalogue_texts())
    assert all(Text)


def test_a_speaker_translates_before_it_fills_in_the_figures() -> None:
    spanish = {"Connect {serial} to slot {slot}": "Conecte {serial} en el nido {slot}"}
    say = Speaker(lambda text: spanish.get(text, text))

    assert say(Text.CONNECT_WAITING, serial="DK7F-1", slot=8) == "Conecte DK7F-1 en el nido 8"
    assert say(Text.WORD_PASS) == "PASS"

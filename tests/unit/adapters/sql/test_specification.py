"""docs/spec/ledger.md names every table, state, arrow and crash point there is."""

import re
from pathlib import Path

from station.adapters.sql.ledger_file import CRASH_POINTS, RARE_CRASH_POINTS
from station.adapters.sql.schema import METADATA, SCHEMA_VERSION
from station.domain.run import RunState
from station.domain.upd import NEXT, UpdState

TEXT = (Path(__file__).resolve().parents[4] / "docs" / "spec" / "ledger.md").read_text("utf-8")


def test_every_table_has_its_row_and_no_other() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", TEXT, re.M)) == set(METADATA.tables)
    assert f"Schema version {SCHEMA_VERSION}." in TEXT


def test_every_state_of_a_run_has_its_row_in_order() -> None:
    assert re.findall(r"^\| ([A-Z]+) \| [^|]+ \| [^|]+ \| [^|]+ \|$", TEXT, re.M) == list(RunState)


def test_every_arrow_of_a_record_has_its_row() -> None:
    arrows = {
        (UpdState(old), UpdState(new))
        for old, new in re.findall(r"^\| ([A-Z]+) \| ([A-Z]+) \| [^|]+ \|$", TEXT, re.M)
    }
    arrows |= {(old, UpdState.BURNED) for old in UpdState if old is not UpdState.BURNED}

    assert arrows == {(old, new) for old, after in NEXT.items() for new in after}


def test_every_crash_point_is_named() -> None:
    named = set(re.findall(r"`(ledger\.[a-z_.]+)`", TEXT))
    points = {point.rsplit(".", 1)[0] for point in CRASH_POINTS} | set(RARE_CRASH_POINTS)

    assert named == points

"""`kill -9` at every named crash point of a run, then a restart: promises.md, section 4.1.

The real command line is killed at each point that a run passes; what it left is compared with the
table below, read past the program from the ledger's file, and from the dock's flash as its boot
loader would see it after a power cut. Then the station is started again.
"""

import signal
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile, copytree
from typing import Final

import pytest

from station.adapters.sql.ledger_file import CRASH_POINTS as LEDGER_POINTS
from station.application.cancel import Cancel
from station.application.provisioning import CRASH_POINTS as RUN_POINTS
from station.bootstrap.station import CRASH_AT
from station.domain.identity import Serial
from station.domain.run import RunState
from station.domain.upd import UpdState
from station.domain.verdict import Verdict
from tests.end_to_end.small_line import (
    KIND,
    LOT,
    ORDER,
    PRODUCT,
    TOKENS,
    Bench,
    Books,
    Dock,
    books,
    dock,
    dock_id_of,
    furnish,
    made_once,
    opened_and_closed,
    passphrase_of,
    powered_up,
    start_order,
    station_at,
)

UNIT: Final = "DK7F-00317"
OLD: Final = "1.0.0"
NEW: Final = "1.1.0"

PASSED: Final = (
    # (state the ledger holds the run in, state of its record, what the dock boots, points)
    ("", "", OLD, ("ledger.establish.before", "ledger.establish.after")),
    ("", "", OLD, ("ledger.close_found_open.before", "ledger.close_found_open.after")),
    ("", "", OLD, ("run.identified-before-open", "ledger.open.before")),
    ("OPEN", "", OLD, ("ledger.open.after", "run.opened", "ledger.identify.before")),
    ("IDENTIFIED", "", OLD, ("ledger.identify.after", "run.identified", "ledger.hold.before")),
    ("HOLDING", "RESERVED", OLD, ("ledger.hold.after", "run.holding", "run.sealed")),
    ("HOLDING", "RESERVED", OLD, ("ledger.enter.writing.before",)),
    ("WRITING", "RESERVED", OLD, ("ledger.enter.writing.after", "run.writing")),
    ("WRITING", "RESERVED", OLD, ("run.common-written", "ledger.enter.sending.before")),
    ("SENDING", "SENT", OLD, ("ledger.enter.sending.after", "run.sending", "run.sent")),
    # Committed and not started: power that comes back starts the new image on trial.
    ("SENDING", "SENT", NEW, ("run.committed", "ledger.enter.reading.before")),
    ("READING", "SENT", NEW, ("ledger.enter.reading.after", "run.reading")),
    # On trial and not confirmed: power that comes back gives it up.
    ("READING", "SENT", OLD, ("run.restarted", "run.read", "run.rehearsed", "run.pictured")),
    ("READING", "SENT", OLD, ("ledger.enter.confirming.before",)),
    ("CONFIRMING", "SENT", OLD, ("ledger.enter.confirming.after", "run.confirming")),
    ("CONFIRMING", "SENT", NEW, ("run.confirmed", "run.signed", "ledger.close.before")),
    ("CLOSED", "ACTIVE", NEW, ("ledger.close.after", "run.closed")),
)
"""Every point of a run in the order it is passed, and what a kill there leaves."""

NOT_IN_A_RUN: Final = frozenset(
    f"{commit}.{side}"
    for commit in (
        "ledger.order.add",
        "ledger.order.start",
        "ledger.lot.import",
        "ledger.enter.locking",  # no step of this dock's run is irreversible yet
    )
    for side in ("before", "after")
)


@dataclass(frozen=True)
class Left:
    """What a kill at `point` leaves: of the run, of its record, in the dock."""

    point: str
    run: str
    record: str
    boots: str


LEFT: Final = tuple(
    Left(point, run, record, boots) for run, record, boots, points in PASSED for point in points
)


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A station with an order of the new bundle, its first boots to be rehearsed, and a dock that
    runs the old one."""

    def make(folder: Path) -> None:
        furnish(folder)
        before = Bench.copied(folder, folder / "before")
        tokens = folder / "before.csv"
        tokens.write_text("token\na-token-of-before\n", encoding="utf-8")
        station_at(before.home).import_lot(
            tokens, lot="T-OLD", kind=KIND, product=PRODUCT, ask=passphrase_of
        )
        start_order(before, bundle=folder / "old.bundle", lot="T-OLD")
        with dock(before, UNIT) as old:
            made = before.provision(UNIT, old.port)
            assert made.status == 0, made
        copyfile(old.flash, folder / "old.flash")
        start_order(Bench(folder), rehearse=True)

    return made_once(tmp_path_factory, "crash-points", make)


@pytest.fixture
def bench(furnished: Path, tmp_path: Path) -> Bench:
    """A station and a dock of one's own."""
    (tmp_path / "docks").mkdir()
    copyfile(furnished / "old.flash", tmp_path / "docks" / f"{UNIT}.flash")
    copytree(furnished / "home", tmp_path / "home")
    copyfile(furnished / "passphrase", tmp_path / "passphrase")
    return Bench(tmp_path)


def boots(bench: Bench, unit: Dock) -> str:
    """The version of the whole, proved image that this dock starts after a power cut."""
    running = powered_up(unit.flash, unit.dock_id, bench.roots).running
    assert running.image is not None and running.image.accepted is not None, running.reason
    return str(running.image.accepted.release.version)


def look(bench: Bench) -> Books:
    return books(bench.home, bench.folder / "scratch")


def killed_at(bench: Bench, unit: Dock, point: str) -> None:
    """Provision, and die there; a point that is not reached is a failure."""
    ended = bench.provision(UNIT, unit.port, **{CRASH_AT: point})
    assert ended.status == -signal.SIGKILL, (point, ended)


def counts(found: Books) -> dict[str, int]:
    """Of the records, per state."""
    states = [record["state"] for record in found.records]
    return {state: states.count(state) for state in UpdState}


def demand_consistent(found: Books) -> None:
    """What holds whatever happened: each record in one state, none with two docks, no two with one;
    every opened run closed or still open."""
    assert sum(counts(found).values()) == len(TOKENS)
    bound = [record["dock_id"] for record in found.records if record["state"] != "FREE"]
    assert len(bound) == len(set(bound)) <= 1
    assert all(dock_id == dock_id_of(UNIT).octets for dock_id in bound)
    opened, closed = opened_and_closed(found)
    assert opened == len(found.runs)
    assert closed == sum(verdict is not None for verdict in found.verdicts)
    assert all(verdict in {None, *Verdict} for verdict in found.verdicts)


def demand_nothing_sent_unbound(unit: Dock, left: Left) -> None:
    """No token is in the dock unless the ledger says that it was sent."""
    cells = unit.flash.read_bytes()
    there = [token for token in TOKENS if token.encode() in cells]
    assert not there or left.record in {"SENT", "ACTIVE"}
    assert len(there) <= 1


# -- the list of points --------------------------------------------------------------------------


def test_an_undisturbed_run_passes_every_named_point_in_this_order(bench: Bench) -> None:
    passed: list[str] = []

    def mark(point: str) -> None:
        passed.append(point)

    station = station_at(bench.home, mark=mark)
    with dock(bench, UNIT) as unit:
        outcome = station.provision(
            Serial(UNIT),
            port=str(unit.port),
            order=ORDER,
            ask=passphrase_of,
            watch=lambda progress: None,
            cancel=Cancel(),
        )

    assert outcome.verdict is Verdict.PASS
    assert passed == [left.point for left in LEFT]


def test_no_named_point_is_left_out() -> None:
    listed = [left.point for left in LEFT]

    assert len(listed) == len(set(listed))
    assert {*RUN_POINTS, *LEDGER_POINTS} == {*listed, *NOT_IN_A_RUN}
    assert not NOT_IN_A_RUN & set(listed)
    assert {left.run for left in LEFT} - {""} == set(RunState) - {RunState.LOCKING}


# -- the kills -----------------------------------------------------------------------------------


@pytest.mark.parametrize("left", LEFT, ids=lambda left: left.point)
def test_a_kill_leaves_what_the_promises_say_and_the_next_run_passes(
    bench: Bench, left: Left, tmp_path: Path
) -> None:
    with dock(bench, UNIT) as unit:
        killed_at(bench, unit, left.point)

        found = look(bench)
        assert found.states == ([left.run] if left.run else [])
        assert [state for state, _ in found.bound()] == ([left.record] if left.record else [])
        assert boots(bench, unit) == left.boots
        demand_nothing_sent_unbound(unit, left)
        demand_consistent(found)
        sent = [record for state, record in found.bound() if state == "SENT"]
        demand_recovered(bench, left, tmp_path / "recovered")

        again = bench.provision(UNIT, unit.port)

        found = look(bench)
        demand_consistent(found)
        assert counts(found)["ACTIVE"] == 1
        assert counts(found)["FREE"] == len(TOKENS) - 1
        assert opened_and_closed(found) == (len(found.runs), len(found.runs))
        assert boots(bench, unit) == NEW
        if left.run == "CLOSED":
            assert (again.status, again.code) == (20, "E-SCAN-04")
            assert found.verdicts == ["PASS"]
        else:
            assert (again.status, again.json["verdict"]) == (0, "PASS"), again
            assert found.verdicts == (["ABORTED", "PASS"] if left.run else ["PASS"])
            # What was SENT stays with this dock, and is what its PASS activates.
            assert not sent or found.bound() == [("ACTIVE", sent[0])]


def demand_recovered(bench: Bench, left: Left, copy: Path) -> None:
    """The restart alone, on a copy: what it closes, and where it leaves the record."""
    copytree(bench.home, copy)
    station = station_at(copy)
    with station.open_ledger() as file:
        closed = file.ledger.close_found_open(at=station.clock.now_at())
        file.examine()
        stock = file.registry.stock(LOT)

    was_open = left.run not in {"", "CLOSED"}
    assert [run.verdict for run in closed] == ([Verdict.ABORTED] if was_open else [])
    assert [run.code for run in closed] == (["E-STOP-01"] if was_open else [])
    wanted = {"SENT": UpdState.SENT, "ACTIVE": UpdState.ACTIVE}.get(left.record, UpdState.FREE)
    assert stock[UpdState.RESERVED] == 0
    assert stock[UpdState.FREE] == len(TOKENS) - (wanted is not UpdState.FREE)
    assert wanted is UpdState.FREE or stock[wanted] == 1


@pytest.mark.parametrize("during", ["before", "after"])
@pytest.mark.parametrize(
    ("point", "record"), [("run.common-written", "RESERVED"), ("run.confirmed", "SENT")]
)
def test_a_second_kill_while_the_first_is_being_recovered_changes_nothing_of_that(
    bench: Bench, point: str, record: str, during: str
) -> None:
    with dock(bench, UNIT) as unit:
        killed_at(bench, unit, point)
        killed_at(bench, unit, f"ledger.close_found_open.{during}")

        found = look(bench)
        assert found.verdicts == ([None] if during == "before" else ["ABORTED"])
        given_back = during == "after" and record == "RESERVED"
        assert [state for state, _ in found.bound()] == ([] if given_back else [record])

        again = bench.provision(UNIT, unit.port)

        found = look(bench)
        demand_consistent(found)
        assert again.status == 0, again
        assert found.verdicts == ["ABORTED", "PASS"]
        assert boots(bench, unit) == NEW

"""Two stations' worth of impatience: two programs want one port, one unit, one dock, one token.

Each lane is a program of its own on the same state folder. One wins, the other is refused by name,
and the counts are exact; which of the two it is, nobody knows before.
"""

import signal
import subprocess
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from station.domain.upd import UpdState
from tests.end_to_end.small_line import (
    KIND,
    LOT,
    PRODUCT,
    TOKENS,
    Bench,
    Books,
    Ended,
    books,
    dock,
    dock_id_of,
    end,
    furnish,
    made_once,
    opened_and_closed,
    passphrase_of,
    scaled,
    start_order,
    station_at,
)
from tests.end_to_end.virtual_docks import until

UNIT: Final = "DK7F-00101"
OTHER: Final = "DK7F-00102"
SLOW: Final = "slow@60000"
"""Slow enough that both lanes are at work at once: some seconds for the small image."""

REACHED: Final = {
    "WRITING": {"WRITING", "SENDING", "READING"},
    "READING": {"READING", "CONFIRMING"},
}
"""States of a run that is there, or already further."""

ROUNDS: Final = scaled(ci=1, nightly=10, release=50)


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A running order, and a lot with a single token."""

    def make(folder: Path) -> None:
        furnish(folder)
        (folder / "one.csv").write_text("token\nthe-last-token\n", encoding="utf-8")
        station_at(folder / "home").import_lot(
            folder / "one.csv", lot="T-LAST", kind=KIND, product=PRODUCT, ask=passphrase_of
        )

    return made_once(tmp_path_factory, "two-lanes", make)


def fresh(furnished: Path, folder: Path, *, lot: str = LOT, quantity: int = 10) -> Bench:
    bench = Bench.copied(furnished, folder)
    start_order(bench, lot=lot, quantity=quantity)
    return bench


def raced(bench: Bench, *lanes: tuple[str, Path]) -> tuple[list[Ended], list[Ended]]:
    """All at the same time; those that passed, and the others."""
    running = [bench.begin(*bench.provisioning(serial, port)) for serial, port in lanes]
    try:
        return parted([end(one) for one in running])
    finally:
        stop(running)


def overtaken(
    bench: Bench, first: tuple[str, Path], second: tuple[str, Path], *, at: str
) -> tuple[list[Ended], list[Ended]]:
    """The first is held still once its run is in state `at`, the second is let past it."""
    held = bench.begin(*bench.provisioning(*first))
    try:
        until(lambda: bool(REACHED[at] & {*look(bench).states}), within_s=60)
        held.send_signal(signal.SIGSTOP)
        passer = bench.provision(*second)
        held.send_signal(signal.SIGCONT)
        return parted([end(held), passer])
    finally:
        held.send_signal(signal.SIGCONT)
        stop([held])


def parted(ended: list[Ended]) -> tuple[list[Ended], list[Ended]]:
    return [one for one in ended if not one.status], [one for one in ended if one.status]


def stop(running: list[subprocess.Popen[str]]) -> None:
    for one in running:
        if one.poll() is None:
            one.kill()
            one.communicate()


def look(bench: Bench) -> Books:
    return books(bench.home, bench.folder / "scratch")


def code_of(ended: Ended) -> str:
    """Of a refusal, or of a run that did not pass."""
    said = ended.json
    return str(said["error"]["code"] if "error" in said else said["error_code"])


def demand_one_winner(bench: Bench, won: list[Ended], lost: list[Ended]) -> None:
    """One PASS with one token, every run closed, nothing half done."""
    assert len(won) == len(lost) == 1, (won, lost)
    (winner,) = won
    assert (winner.json["verdict"], winner.json["disposition"]) == ("PASS", "GOOD")
    found = look(bench)
    assert Counter(found.verdicts)["PASS"] == 1
    assert None not in found.verdicts
    assert opened_and_closed(found) == (len(found.runs), len(found.runs))
    stock = Counter(record["state"] for record in found.records)
    assert stock == {"ACTIVE": 1, "FREE": len(TOKENS)}  # with the one of the other lot


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_two_programs_on_one_port_and_one_unit(
    furnished: Path, tmp_path: Path, round_number: int
) -> None:
    bench = fresh(furnished, tmp_path / "bench")
    with dock(bench, UNIT, SLOW) as unit:
        won, lost = raced(bench, (UNIT, unit.port), (UNIT, unit.port))

    demand_one_winner(bench, won, lost)
    # Whoever finds the port taken is told so; whoever comes while the dock restarts, that the
    # unit is being made; whoever is very late, that it is done.
    assert (lost[0].status, code_of(lost[0])) in {
        *((11, "E-LINK-04"), (20, "E-SCAN-05"), (20, "E-SCAN-04")),
    }
    assert look(bench).verdicts == ["PASS"]


def test_one_serial_on_two_docks_at_the_same_time(furnished: Path, tmp_path: Path) -> None:
    bench = fresh(furnished, tmp_path / "bench")
    twin = dock_id_of("its twin")
    with (
        dock(bench, UNIT, SLOW) as one,
        dock(bench, UNIT, SLOW, dock_id=twin, name="twin") as two,
    ):
        won, lost = raced(bench, (UNIT, one.port), (UNIT, two.port))

    demand_one_winner(bench, won, lost)
    found = look(bench)
    # The second is told where the unit is, or, very late, that it is done.
    assert (lost[0].status, code_of(lost[0])) in {(20, "E-SCAN-05"), (20, "E-SCAN-04")}
    assert found.verdicts == ["PASS"]
    assert [(one["serial"], one["code"]) for one in found.refusals] == [(UNIT, code_of(lost[0]))]


@pytest.mark.parametrize("at", REACHED)
def test_one_serial_on_two_docks_while_the_first_is_made(
    furnished: Path, tmp_path: Path, at: str
) -> None:
    bench = fresh(furnished, tmp_path / "bench")
    twin = dock_id_of("its twin")
    with (
        dock(bench, UNIT, SLOW) as one,
        dock(bench, UNIT, dock_id=twin, name="twin") as two,
    ):
        untouched = two.flash.read_bytes()
        won, lost = overtaken(bench, (UNIT, one.port), (UNIT, two.port), at=at)

        demand_one_winner(bench, won, lost)
        assert (lost[0].status, code_of(lost[0])) == (20, "E-SCAN-05")
        found = look(bench)
        assert found.verdicts == ["PASS"]
        assert [(row["serial"], row["code"]) for row in found.refusals] == [(UNIT, "E-SCAN-05")]
        assert two.flash.read_bytes() == untouched
        assert found.runs[0]["dock_id"] == one.dock_id.octets


def test_one_dock_under_two_serials_at_the_same_time(furnished: Path, tmp_path: Path) -> None:
    bench = fresh(furnished, tmp_path / "bench")
    claimed = dock_id_of(UNIT)
    with (
        dock(bench, UNIT, SLOW) as one,
        dock(bench, OTHER, SLOW, dock_id=claimed, name="claims-it-too") as two,
    ):
        won, lost = raced(bench, (UNIT, one.port), (OTHER, two.port))

    demand_one_winner(bench, won, lost)
    # While it is being made, the dock is in another slot; very late, it was made as another unit.
    assert code_of(lost[0]) in {"E-SCAN-05", "E-IDENT-01"}
    demand_nothing_done(look(bench))


def test_one_dock_under_two_serials_while_the_first_is_made(
    furnished: Path, tmp_path: Path
) -> None:
    bench = fresh(furnished, tmp_path / "bench")
    claimed = dock_id_of(UNIT)
    with (
        dock(bench, UNIT, SLOW) as one,
        dock(bench, OTHER, dock_id=claimed, name="claims-it-too") as two,
    ):
        untouched = two.flash.read_bytes()
        won, lost = overtaken(bench, (UNIT, one.port), (OTHER, two.port), at="WRITING")

        demand_one_winner(bench, won, lost)
        assert (lost[0].status, code_of(lost[0])) == (20, "E-SCAN-05")
        assert two.flash.read_bytes() == untouched
    demand_nothing_done(look(bench))


def demand_nothing_done(found: Books) -> None:
    """The run that did not get its dock was refused after it was opened, and did nothing."""
    assert sorted(str(verdict) for verdict in found.verdicts) == ["ERROR", "PASS"]
    (refused,) = [run for run in found.runs if run["verdict"] == "ERROR"]
    assert refused["cause"].startswith("refused: ")
    assert (refused["dock_id"], refused["bytes_written"]) == (None, 0)


@pytest.mark.parametrize("at", ["", "WRITING"])
def test_two_docks_and_one_token(furnished: Path, tmp_path: Path, at: str) -> None:
    bench = fresh(furnished, tmp_path / "bench", lot="T-LAST")
    with dock(bench, UNIT, SLOW) as one, dock(bench, OTHER, SLOW) as two:
        untouched = two.flash.read_bytes()
        lanes = (UNIT, one.port), (OTHER, two.port)
        won, lost = overtaken(bench, *lanes, at=at) if at else raced(bench, *lanes)

        demand_one_winner(bench, won, lost)
        assert (lost[0].status, lost[0].json["verdict"]) == (13, "ERROR")
        assert code_of(lost[0]) == "E-TOKEN-01"
        assert not at or two.flash.read_bytes() == untouched
    assert sum(station_at(bench.home).stock("T-LAST").values()) == 1
    assert station_at(bench.home).stock(LOT)[UpdState.FREE] == len(TOKENS)


@pytest.mark.parametrize("at", ["", "WRITING"])
def test_two_docks_and_one_place_left_in_the_order(
    furnished: Path, tmp_path: Path, at: str
) -> None:
    bench = fresh(furnished, tmp_path / "bench", quantity=1)
    with dock(bench, UNIT, SLOW) as one, dock(bench, OTHER, SLOW) as two:
        untouched = two.flash.read_bytes()
        lanes = (UNIT, one.port), (OTHER, two.port)
        won, lost = overtaken(bench, *lanes, at=at) if at else raced(bench, *lanes)

        demand_one_winner(bench, won, lost)
        assert not at or two.flash.read_bytes() == untouched
    # Whoever names no order is told so; after the last unit none is running any more.
    assert (lost[0].status, code_of(lost[0])) in {(20, "E-WO-01"), (2, "E-SCAN-03")}
    assert not at or [row["code"] for row in look(bench).refusals] == ["E-WO-01"]


def test_two_docks_side_by_side_are_both_made(furnished: Path, tmp_path: Path) -> None:
    bench = fresh(furnished, tmp_path / "bench")
    with dock(bench, UNIT, SLOW) as one, dock(bench, OTHER, SLOW) as two:
        won, lost = raced(bench, (UNIT, one.port), (OTHER, two.port))

    assert (len(won), lost) == (2, [])
    found = look(bench)
    assert found.verdicts == ["PASS", "PASS"]
    assert Counter(record["state"] for record in found.records)["ACTIVE"] == 2
    assert len({record["record_id"] for record in found.records}) == len(TOKENS) + 1

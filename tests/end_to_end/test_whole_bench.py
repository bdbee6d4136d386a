"""A whole bench in one command: every dock gets one run, and none is in another one's way."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.small_line import (
    Bench,
    Books,
    Dock,
    Ended,
    books,
    dock,
    end,
    furnish,
    made_once,
    opened_and_closed,
    serial_of,
    start_order,
)
from tests.end_to_end.virtual_docks import until

SLOW = "slow@30000"
"""Slow enough that somebody can press Ctrl-C meanwhile."""


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder without an order."""
    return made_once(tmp_path_factory, "whole-bench", furnish)


@pytest.fixture
def bench(furnished: Path, tmp_path: Path) -> Bench:
    """With a running order."""
    made = Bench.copied(furnished, tmp_path / "bench")
    start_order(made)
    return made


@pytest.fixture
def docks() -> Iterator[ExitStack]:
    """Holds the docks of one test."""
    with ExitStack() as stack:
        yield stack


def all_at(bench: Bench, *ports: Path | str) -> tuple[object, ...]:
    """The command."""
    named = (part for port in ports for part in ("--port", port))
    return ("provision", "--all", *named, bench.passphrase, "--json")


def slots_of(ended: Ended) -> dict[int, dict[str, Any]]:
    return {one["slot"]: one for one in ended.json["docks"]}


def books_of(bench: Bench) -> Books:
    return books(bench.home, bench.folder / "scratch")


def test_every_connected_dock_is_made_under_its_own_serial(bench: Bench, docks: ExitStack) -> None:
    units = [docks.enter_context(dock(bench, serial_of(number))) for number in (1, 2, 3)]
    ended = bench.run(*all_at(bench, *(unit.port for unit in units)))
    slots = slots_of(ended)

    assert (ended.status, ended.json["order"]) == (0, "WO-1")
    assert ended.json["counts"] == {
        **dict.fromkeys(("FAIL", "ERROR", "ABORTED", "REFUSED"), 0),
        "PASS": 3,
    }
    assert [slots[number]["serial"] for number in (1, 2, 3)] == [unit.serial for unit in units]
    assert {one["verdict"] for one in slots.values()} == {"PASS"}
    found = books_of(bench)
    assert {run["run_id"] for run in found.runs} == {one["run_id"] for one in slots.values()}
    assert found.verdicts == ["PASS"] * 3
    assert bench.stock()["ACTIVE"] == 3


def test_what_is_wrong_in_one_slot_is_told_there_and_hinders_no_other(
    bench: Bench, docks: ExitStack
) -> None:
    good = docks.enter_context(dock(bench, serial_of(1)))
    bad = docks.enter_context(dock(bench, serial_of(2), "bitflip"))
    wrong = docks.enter_context(dock(bench, serial_of(3), "wrong-hw"))
    ended = bench.run(*all_at(bench, good.port, bad.port, wrong.port, bench.folder / "nothing"))
    slots = slots_of(ended)

    assert ended.status == 10
    assert [(one["verdict"], one["error_code"]) for one in slots.values()] == [
        ("PASS", ""),
        ("FAIL", "E-VERIFY-02"),
        (None, "E-IDENT-02"),
        (None, "E-LINK-01"),
    ]
    assert all(one["remedy"] for one in slots.values() if one["verdict"] != "PASS")
    assert sorted(map(str, books_of(bench).verdicts)) == ["FAIL", "PASS"]


def test_a_unit_that_passed_before_is_refused_in_its_slot(bench: Bench, docks: ExitStack) -> None:
    units = [docks.enter_context(dock(bench, serial_of(number))) for number in (1, 2)]
    assert bench.run(*all_at(bench, units[0].port)).status == 0
    ended = bench.run(*all_at(bench, *(unit.port for unit in units)))
    slots = slots_of(ended)

    assert (slots[1]["verdict"], slots[1]["error_code"]) == (None, "E-SCAN-04")
    assert slots[2]["verdict"] == "PASS"
    assert ended.status == 20


def test_a_slot_map_names_the_slots_and_empty_ones_are_passed_over(
    bench: Bench, docks: ExitStack
) -> None:
    unit = docks.enter_context(dock(bench, serial_of(7)))
    slots = bench.folder / "bench.yaml"
    slots.write_text(f"slots:\n  - {{slot: 7, port: {unit.port}}}\n  - {{slot: 9, port: /none}}\n")
    ended = bench.run("provision", "--all", "--slots", slots, bench.passphrase, "--json")

    assert ended.status == 0
    assert [(one["slot"], one["port"], one["verdict"]) for one in ended.json["docks"]] == [
        (7, str(unit.port), "PASS")
    ]


def test_a_bench_without_slots_is_refused(bench: Bench) -> None:
    ended = bench.run("provision", "--all", bench.passphrase, "--json")

    assert (ended.status, ended.code) == (2, "E-SLOT-04")


def test_a_bench_without_a_dock_is_refused(bench: Bench) -> None:
    slots = bench.folder / "bench.yaml"
    slots.write_text("slots:\n  - {slot: 1, port: /none}\n")
    ended = bench.run("provision", "--all", "--slots", slots, bench.passphrase, "--json")

    assert (ended.status, ended.code) == (11, "E-LINK-01")


def test_ctrl_c_ends_every_run_in_order(bench: Bench, docks: ExitStack) -> None:
    units: list[Dock] = [
        docks.enter_context(dock(bench, serial_of(number), SLOW)) for number in (1, 2, 3)
    ]
    process = bench.begin(*all_at(bench, *(unit.port for unit in units)))
    until(lambda: books_of(bench).states == ["WRITING"] * 3)
    process.send_signal(signal.SIGINT)
    ended = end(process)

    assert ended.status == 130
    assert {one["verdict"] for one in ended.json["docks"]} == {"ABORTED"}
    found = books_of(bench)
    assert found.verdicts == ["ABORTED"] * 3
    assert opened_and_closed(found) == (3, 3)
    assert bench.stock()["FREE"] == 20


@pytest.mark.parametrize(
    "arguments",
    [
        ("--all", "DK7F-00001", "--port", "a"),
        ("--all", "--port", "a", "--slots", "b"),
        ("DK7F-00001", "--port", "a", "--port", "b"),
        ("DK7F-00001",),
        ("--port", "a"),
    ],
)
def test_a_command_that_names_too_little_or_too_much_is_refused(
    bench: Bench, arguments: tuple[str, ...]
) -> None:
    ended = bench.run("provision", *arguments, "--json")

    assert (ended.status, ended.code) == (2, "E-USAGE-01")

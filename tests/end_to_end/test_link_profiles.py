"""What a profile says of its link, by the program itself and real processes: docks whose firmware
is stock, compressed bundles, another framing. Verdicts are read from the ledger's file."""

import json
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.small_line import (
    PROFILE,
    Bench,
    books,
    dock,
    furnish,
    made_once,
    serial_of,
    start_order,
)

SERIAL = serial_of(1)
STOCK = ("--groups=0,1,8,10",)
WAIVE = "waive: [dock_answers]\n"

Make = Callable[[str], Bench]


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_once(tmp_path_factory, "link-profiles", furnish)


@pytest.fixture
def make(furnished: Path, tmp_path: Path) -> Make:
    """A station whose profile says this besides, and an order that runs."""

    def made(more: str) -> Bench:
        bench = Bench.copied(furnished, tmp_path / "desk")
        (bench.home / "profiles" / "small.yaml").write_text(PROFILE + more, encoding="utf-8")
        start_order(bench)
        return bench

    return made


def checks(bench: Bench) -> dict[str, dict[str, Any]]:
    """Of the last run, as they are shown."""
    unit = bench.run("unit", "show", SERIAL, "--json")
    assert unit.status == 0, unit.out + unit.err
    found = books(bench.home, bench.folder / "scratch").runs[-1]["checks"]
    return {one[0]: {"evidence": one[1], "waived": len(one) > 3} for one in json.loads(found)}


def test_a_stock_dock_is_made_under_a_profile_that_waives_its_answers(make: Make) -> None:
    bench = make(WAIVE)
    with dock(bench, SERIAL, options=STOCK) as plugged:
        ended = bench.provision(SERIAL, plugged.port)
        verified = bench.run("verify", SERIAL, "--port", plugged.port, "--json")
        report = bench.run("report", "unit", SERIAL, "--out", bench.folder / "report", "--json")

    assert (ended.status, ended.json["verdict"]) == (0, "PASS"), ended.out
    assert [name for name, one in checks(bench).items() if one["waived"]] == ["dock_answers"]
    assert verified.status == 0 and verified.json["holds"], verified.out
    assert report.status == 0, report.out
    document = json.loads((bench.folder / "report" / f"{SERIAL}.report.json").read_text())
    (told,) = [one for one in document["runs"][0]["checks"] if not one["passed"]]
    assert (told["name"], told["waived"]) == ("dock_answers", True)
    statement = json.loads(b64decode(document["runs"][0]["statement"]["payload"]))
    assert [one["name"] for one in statement["predicate"]["checks"] if "waived" in one] == [
        "dock_answers"
    ]


@pytest.mark.parametrize(
    ("more", "options", "opened"),
    [("", STOCK, 0), (WAIVE, (*STOCK, "--no-rom-file"), 1)],
    ids=["no waiver", "no readback"],
)
def test_a_stock_dock_that_cannot_prove_itself_never_passes_and_says_why(
    make: Make, more: str, options: tuple[str, ...], opened: int
) -> None:
    bench = make(more)
    with dock(bench, SERIAL, options=options) as plugged:
        ended = bench.provision(SERIAL, plugged.port)
    found = books(bench.home, bench.folder / "scratch")

    assert ended.status == 11, ended.out
    assert "E-LINK-06" in ended.out
    assert found.verdicts == ["ERROR"] * opened
    assert {state for state, _ in found.bound()} <= {"SENT"}
    assert bool(found.bound()) == bool(opened)


@pytest.mark.parametrize(
    "more",
    [
        "link: {framing: cobs, baud: 115200, frame_bytes: 4092, compression: zlib}\n",
        "link: {framing: cobs, baud: 115200, frame_bytes: 4092, compression: lz4}\n",
        "link: {framing: console, baud: 115200, frame_bytes: 1024, uart: true}\n",
        "link: {framing: raw, baud: 115200, frame_bytes: 512}\n",
    ],
    ids=["zlib", "lz4", "console", "raw"],
)
def test_a_dock_passes_over_whatever_link_its_profile_states(make: Make, more: str) -> None:
    bench = make(more)
    with dock(bench, SERIAL) as plugged:
        ended = bench.provision(SERIAL, plugged.port)

    assert (ended.status, ended.json["verdict"]) == (0, "PASS"), ended.out
    assert not any(one["waived"] for one in checks(bench).values())

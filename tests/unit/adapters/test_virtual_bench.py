"""Plugging starts a program and believes its one line; pulling ends it, however it behaves."""

import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from station.adapters import virtual_bench
from station.adapters.virtual_bench import DockProcesses
from station.application.demo import DemoUnit
from station.domain.errors import NoDock
from station.domain.identity import DockId, Serial

UNIT = DemoUnit(Serial("DK7F-00001"), DockId(bytes(32)))
OTHER = DemoUnit(Serial("DK7F-00002"), DockId(bytes([1]) * 32))

DOCK = """
import json, os, signal, sys, time
told = {"args": sys.argv[1:], "pid": os.getpid(), "group": os.getpgid(0),
        "unbuffered": os.environ.get("PYTHONUNBUFFERED")}
with open(os.environ["TOLD"], "w") as file:
    json.dump(told, file)
{behaviour}
"""
"""A program that stands for `station dock run`: it writes down how it was started."""

READY = """
print(json.dumps({"port": "/dev/ready"}), flush=True)
signal.pause()
"""
STUBBORN = "signal.signal(signal.SIGTERM, signal.SIG_IGN)" + READY


class Bench:
    """A bench whose docks are such programs."""

    def __init__(self, folder: Path, behaviour: str, **changes: Any) -> None:
        self.folder = folder
        self.told = folder / "told.json"
        program = folder / "dock.py"
        program.write_text(DOCK.replace("{behaviour}", behaviour), encoding="utf-8")
        given: dict[str, Any] = {
            "command": (sys.executable, str(program)),
            "folder": folder / "docks",
            "trust": folder / "roots.pem",
            "profile": "dl7450-virtual",
            "product": "DK-7F",
            "line_rate": None,
            "troubles": {},
        }
        self.docks = DockProcesses(**(given | changes))

    @property
    def started(self) -> Mapping[str, Any]:
        told: Mapping[str, Any] = json.loads(self.told.read_text(encoding="utf-8"))
        return told


@contextmanager
def bench(folder: Path, behaviour: str = READY, **changes: Any) -> Iterator[Bench]:
    with ExitStack() as ends, pytest.MonkeyPatch.context() as patch:
        made = Bench(folder, behaviour, **changes)
        patch.setenv("TOLD", str(made.told))
        for unit in (UNIT, OTHER):
            ends.callback(made.docks.pull, unit)
        yield made


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_dock_is_a_process_of_its_own_that_says_where_it_is(tmp_path: Path) -> None:
    with bench(tmp_path) as made:
        port = made.docks.plug(UNIT, 3, fault="")
        started = made.started

        assert port == "/dev/ready"
        assert started["args"] == [
            "dock",
            "run",
            "--owned",
            f"--flash={tmp_path}/docks/DK7F-00001.flash",
            f"--trust={tmp_path}/roots.pem",
            "--profile=dl7450-virtual",
            "--product=DK-7F",
            f"--dock-id={'00' * 32}",
            "--label=DK7F-00001",
            f"--port={tmp_path}/docks/slot-3",
        ]
        assert (tmp_path / "docks").is_dir()
        assert started["group"] == started["pid"] != os.getpid()
        assert started["unbuffered"] == "1"
        made.docks.pull(UNIT)

        assert not alive(started["pid"])


def test_faults_and_the_line_are_the_docks(tmp_path: Path) -> None:
    with bench(tmp_path, line_rate=50_000, latency_s=0.0015) as made:
        made.docks.plug(UNIT, 1, fault="bitflip")

        line = ["--line-rate=50000", "--latency=1.5", "--fault=bitflip"]
        assert made.started["args"][-3:] == line


def test_a_trouble_of_the_station_is_brought_about_and_not_told_the_dock(tmp_path: Path) -> None:
    brought: list[str] = []
    with bench(tmp_path, troubles={"signer-loss": lambda: brought.append("lost")}) as made:
        made.docks.plug(OTHER, 1, fault="")
        made.docks.pull(OTHER)
        assert not brought
        made.docks.plug(UNIT, 1, fault="signer-loss")

        assert brought == ["lost"]
        assert not any(one.startswith("--fault") for one in made.started["args"])


@pytest.mark.parametrize(
    "behaviour",
    ["", "print('no JSON', flush=True)", "print('{}', flush=True)", "print('7', flush=True)"],
    ids=["silent", "garbage", "no port", "a number"],
)
def test_a_dock_that_does_not_start_is_named(tmp_path: Path, behaviour: str) -> None:
    with bench(tmp_path, behaviour) as made:
        with pytest.raises(NoDock, match="DK7F-00001 did not start"):
            made.docks.plug(UNIT, 1, fault="")

        assert not alive(made.started["pid"])


def test_a_dock_that_says_nothing_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(virtual_bench, "START_S", 0.0)
    with bench(tmp_path, "signal.pause()") as made, pytest.raises(NoDock):
        made.docks.plug(UNIT, 1, fault="")


def test_a_dock_that_does_not_want_to_end_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(virtual_bench, "STOP_S", 0.05)
    with bench(tmp_path, STUBBORN) as made:
        made.docks.plug(UNIT, 1, fault="")
        made.docks.pull(UNIT)

        assert not alive(made.started["pid"])


def test_a_dock_that_ended_by_itself_can_be_pulled(tmp_path: Path) -> None:
    with bench(tmp_path) as made:
        made.docks.plug(UNIT, 1, fault="")
        os.kill(made.started["pid"], signal.SIGKILL)
        made.docks.pull(UNIT)

        assert not alive(made.started["pid"])


def test_flash_files_are_kept_until_they_are_discarded(tmp_path: Path) -> None:
    with bench(tmp_path) as made:
        made.docks.plug(UNIT, 1, fault="")
        made.docks.pull(UNIT)
        flash = tmp_path / "docks" / "DK7F-00001.flash"
        flash.touch()
        made.docks.pull(UNIT)
        assert flash.exists()
        made.docks.discard()

        assert not flash.exists()


def test_pulling_what_is_not_plugged_does_nothing(tmp_path: Path) -> None:
    with bench(tmp_path) as made:
        made.docks.pull(UNIT)

        assert not made.told.exists()

"""Slots on a machine with USB: mapped by the wizard, listed, tested, and provisioned on."""

import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from station.adapters.files.slot_map import write_slot_map
from station.domain.slot_map import slots_at
from tests.end_to_end.small_line import (
    COMMAND_S,
    ORDER,
    Bench,
    Ended,
    books,
    dock,
    end,
    furnish,
    made_once,
    serial_of,
    start_order,
)
from tests.end_to_end.virtual_docks import ROOT
from tests.end_to_end.workers import Worker
from tests.fakes.usb_machine import UsbMachine


@pytest.fixture
def bench(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Bench:
    return Bench.copied(made_once(tmp_path_factory, "small-line", furnish), tmp_path / "station")


@pytest.fixture
def machine() -> Iterator[UsbMachine]:
    with UsbMachine.running() as made:
        yield made


def begin(bench: Bench, machine: UsbMachine, *arguments: object) -> "subprocess.Popen[str]":
    """Start a command on that machine."""
    return subprocess.Popen(
        machine.command("-m", "station", *map(str, arguments)),
        cwd=ROOT,
        env=bench.environ() | {"UMOCKDEV_DIR": str(machine.root)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(bench: Bench, machine: UsbMachine, *arguments: object) -> Ended:
    return end(begin(bench, machine, *arguments))


def heard(process: "subprocess.Popen[str]", words: str) -> str:
    """The next line of what a command tells the person at the bench."""
    assert process.stderr is not None
    line = process.stderr.readline()
    assert words in line
    return line


def map_slots(bench: Bench, *places: str) -> None:
    """What the wizard would have written."""
    write_slot_map(bench.home / "slots.yaml", slots_at([f"usb:{place}" for place in places]))


def slots(ended: Ended) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ended.json["slots"]
    return found


# -- the wizard ----------------------------------------------------------------------------------


def test_the_wizard_learns_each_slot_from_the_dock_plugged_into_it(
    bench: Bench, machine: UsbMachine
) -> None:
    machine.plug("1-1", "ttyACM0")  # in already: nobody can say into which slot
    process = begin(bench, machine, "slot", "map", "--count", "2", "--json")
    heard(process, "slot 1: plug a dock in now")
    machine.plug("1-3", "ttyUSB0", ids="0403:6001", title="Adapter")
    heard(process, "/dev/ttyUSB0 0403:6001 Adapter at usb:1-3 is no dock")
    machine.plug("1-2.4", "ttyACM1")
    heard(process, "usb:1-2.4, /dev/ttyACM1 17e9:6000 Dock")
    heard(process, "slot 2: plug a dock in now")
    machine.pull("1-2.4")
    machine.plug("1-2.4", "ttyACM1")
    heard(process, "usb:1-2.4 is the place of slot 1")
    machine.pull("1-1")
    machine.plug("1-1", "ttyACM5")
    heard(process, "usb:1-1, /dev/ttyACM5")
    ended = end(process)

    assert ended.status == 0
    assert ended.json["learned"] == [1, 2]
    assert slots(ended) == [
        {"slot": 1, "port": "usb:1-2.4", "enabled": True},
        {"slot": 2, "port": "usb:1-1", "enabled": True},
    ]


def test_a_wizard_that_was_stopped_keeps_what_it_learned_and_goes_on(
    bench: Bench, machine: UsbMachine
) -> None:
    process = begin(bench, machine, "slot", "map", "--count", "3", "--json")
    heard(process, "slot 1")
    machine.plug("1-1", "ttyACM0")
    heard(process, "usb:1-1")
    heard(process, "slot 2")
    process.send_signal(signal.SIGINT)
    stopped = end(process)
    assert (stopped.status, stopped.code) == (130, "E-STOP-01")
    assert "goes on with slot 2" in stopped.json["error"]["remedy"]

    process = begin(bench, machine, "slot", "map", "--count", "3", "--wait", "2", "--json")
    heard(process, "slot 2")
    machine.plug("1-2", "ttyACM1")
    heard(process, "usb:1-2")
    given_up = end(process)
    assert (given_up.status, given_up.code) == (11, "E-LINK-01")

    assert [one["port"] for one in slots(run(bench, machine, "slot", "list", "--json"))] == [
        "usb:1-1",
        "usb:1-2",
    ]


def test_of_several_ports_the_one_that_answers_is_taken(bench: Bench, machine: UsbMachine) -> None:
    with dock(bench, serial_of(1)) as one:
        process = begin(bench, machine, "slot", "map", "--count", "1", "--json")
        heard(process, "slot 1")
        machine.plug("1-4", "ttyACM2", "ttyACM3", behind=one.port)
        heard(process, "usb:1-4:1.0")
        ended = end(process)

    assert [slot["port"] for slot in slots(ended)] == ["usb:1-4:1.0"]


def test_a_slot_is_switched_off_and_on_and_learned_again(bench: Bench, machine: UsbMachine) -> None:
    map_slots(bench, "1-1", "1-2")
    off = run(bench, machine, "slot", "disable", "2", "--json").json
    assert (off["slot"], off["enabled"]) == (2, False)
    process = begin(bench, machine, "slot", "map", "--slot", "2", "--json")
    heard(process, "slot 2")
    machine.plug("1-3.1", "ttyACM0")
    heard(process, "usb:1-3.1")

    assert slots(end(process))[1] == {"slot": 2, "port": "usb:1-3.1", "enabled": True}
    assert run(bench, machine, "slot", "enable", "9", "--json").code == "E-SLOT-04"


def test_without_a_map_nothing_is_guessed(bench: Bench, machine: UsbMachine) -> None:
    machine.plug("1-1", "ttyACM0")
    for arguments in (["slot", "test", "1"], ["gui", bench.passphrase]):
        ended = run(bench, machine, *arguments, "--json")
        assert (ended.status, ended.code) == (2, "E-SLOT-04")

    assert machine.heard("ttyACM0") == b""


# -- what is plugged in --------------------------------------------------------------------------


def test_the_list_says_what_is_in_each_slot_and_sends_nothing(
    bench: Bench, machine: UsbMachine
) -> None:
    map_slots(bench, "1-1", "1-2", "1-3")
    machine.plug("1-1", "ttyACM0", title="Dock \x1b[31m")
    machine.plug("1-2", "ttyUSB0", ids="0403:6001", title="Adapter")
    ended = run(bench, machine, "slot", "list", "--json")

    assert [(one["connected"], one["error"] and one["error"]["code"]) for one in slots(ended)] == [
        (True, None),
        (False, "E-SLOT-01"),
        (False, None),
    ]
    assert slots(ended)[0]["device"] == {
        "name": "/dev/ttyACM0",
        "ids": "17e9:6000",
        "title": "Dock [31m",
    }
    assert machine.heard("ttyACM0") + machine.heard("ttyUSB0") == b""
    assert "0403:6001 Adapter at usb:1-2 is no dock" in run(bench, machine, "slot", "list").out


@pytest.mark.parametrize("more", [(), ("--groups=0,1,8,10",)], ids=["ours", "stock"])
def test_a_slot_is_tested_with_the_dock_in_it(
    bench: Bench, machine: UsbMachine, more: tuple[str, ...]
) -> None:
    map_slots(bench, "1-1")
    with dock(bench, serial_of(1), options=more) as one:
        machine.plug("1-1", "ttyACM0", behind=one.port)
        ended = run(bench, machine, "slot", "test", "1", "--echoes", "30", "--json")

    assert (ended.status, ended.json["label"]) == (0, serial_of(1))
    assert (ended.json["echoes"], ended.json["lost"], ended.json["damaged"]) == (30, 0, 0)
    assert 0 < ended.json["median_ms"] <= ended.json["worst_ms"]


# -- a whole run ---------------------------------------------------------------------------------


@contextmanager
def under_new_names(machine: UsbMachine, topology: str, port: Path) -> Iterator[list[str]]:
    """The dock on a place of USB: whenever it restarts, its device is gone, and another one
    appears in the same place under another name."""
    names: list[str] = []
    over = Event()

    def follow() -> None:
        target = ""
        while not over.is_set():
            now = str(port.readlink()) if port.is_symlink() else ""
            if now != target:
                if target:
                    machine.pull(topology)
                if now:
                    names.append(f"ttyACM{len(names)}")
                    machine.plug(topology, names[-1], behind=Path(now))
                target = now
            over.wait(0.01)

    follower = Thread(target=follow)
    follower.start()
    try:
        yield names
    finally:
        over.set()
        follower.join()


@contextmanager
def working(bench: Bench, machine: UsbMachine) -> Iterator[Worker]:
    """The line of this station, on that machine."""
    with subprocess.Popen(
        machine.command("-m", "station", "worker", "--order", ORDER, bench.passphrase),
        cwd=ROOT,
        env=bench.environ() | {"UMOCKDEV_DIR": str(machine.root)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        worker = Worker(process)
        try:
            worker.until_event("ready")
            yield worker
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(COMMAND_S)


def shows(slot: int, phase: str, code: str = "") -> Callable[[dict[str, Any]], bool]:
    """Whether an event says that a slot is in this phase."""
    wanted = {"event": "slot", "slot": slot, "phase": phase, "code": code}
    return lambda event: wanted.items() <= event.items()


def test_a_line_serves_its_slots_whatever_is_plugged_in_and_whatever_it_is_called(
    bench: Bench, machine: UsbMachine, tmp_path: Path
) -> None:
    start_order(bench)
    map_slots(bench, "1-1", "1-2.3")
    machine.plug("1-4", "ttyACM50")  # a dock in no slot
    with working(bench, machine) as worker:
        machine.plug("1-2.3", "ttyUSB0", ids="0403:6001", title="Adapter")
        worker.until(shows(2, "CHECK", "E-SLOT-01"))
        machine.pull("1-2.3")
        worker.until(shows(2, "EMPTY"))
        with (
            dock(bench, serial_of(1)) as one,
            under_new_names(machine, "1-2.3", one.port) as names,
        ):
            worker.until(shows(2, "READY"))
            worker.tell({"do": "scan", "text": serial_of(1)})
            run_event = worker.until_event("run")
            worker.until(shows(2, "PASS"))
        machine.pull("1-2.3")
        worker.until(shows(2, "EMPTY"))

    assert (run_event["slot"], run_event["verdict"]) == (2, "PASS")
    assert len(names) >= 2  # it came back from its restart as another device
    assert machine.heard("ttyUSB0") + machine.heard("ttyACM50") == b""
    (row,) = books(bench.home, tmp_path / "books").runs
    assert (row["slot"], row["port"]) == ("2", "usb:1-2.3")


def test_a_foreign_device_in_the_slot_gets_no_byte_and_no_run(
    bench: Bench, machine: UsbMachine, tmp_path: Path
) -> None:
    start_order(bench)
    machine.plug("1-2", "ttyUSB0", ids="0403:6001", title="Adapter")
    for port in ("usb:1-2", "/dev/ttyUSB0"):
        ended = run(
            *(bench, machine, "provision", serial_of(1), "--port", port),
            *(bench.passphrase, "--json"),
        )
        assert (ended.status, ended.code) == (12, "E-SLOT-01")

    assert machine.heard("ttyUSB0") == b""
    assert books(bench.home, tmp_path / "books").runs == []

"""A worker: the line without a screen, driven by another program, and gone when that is gone."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event
from typing import Final

import pytest

from station.adapters.line_worker import LineWorker
from station.adapters.machine import SystemClock
from station.application.line import Line
from station.application.snapshot import LineSnapshot, SlotPhase, SlotSnapshot
from station.bootstrap import front_line
from station.bootstrap.front_line import worker_line
from station.domain.errors import KeyRefused, NotInOrder, StationError, WorkerLost
from station.domain.secret import Secret
from station.domain.verdict import Verdict
from tests.end_to_end.small_line import (
    ORDER,
    PASSPHRASE,
    PROGRAM,
    Bench,
    books,
    dock,
    furnish,
    made_once,
    opened_and_closed,
    passphrase_of,
    serial_of,
    start_order,
    station_at,
)
from tests.end_to_end.virtual_docks import ROOT, until
from tests.end_to_end.workers import Worker, worker

SLOW: Final = "slow@30000"
PATIENCE_S: Final = 60.0


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A running order."""

    def make(folder: Path) -> None:
        furnish(folder)
        start_order(Bench(folder))

    return made_once(tmp_path_factory, "worker", make)


@pytest.fixture
def bench(furnished: Path, tmp_path: Path) -> Bench:
    return Bench.copied(furnished, tmp_path / "bench")


@pytest.fixture
def docks() -> Iterator[ExitStack]:
    """Holds the docks of one test."""
    with ExitStack() as stack:
        yield stack


def ports_of(
    bench: Bench, docks: ExitStack, *numbers: int, faults: tuple[str, ...] = ()
) -> list[str]:
    """Arguments that name the ports of these docks, which are running then."""
    units = [docks.enter_context(dock(bench, serial_of(number), *faults)) for number in numbers]
    return [part for unit in units for part in ("--port", str(unit.port))]


def ended(unit: Worker) -> tuple[int, str]:
    """Status and standard error of a worker, once it has said that it ends."""
    unit.until_event("ended")
    status = unit.process.wait(PATIENCE_S)
    assert unit.process.stderr is not None
    return status, unit.process.stderr.read().decode()


# -- the protocol ------------------------------------------------------------------------------


def test_docks_are_served_and_everything_that_happens_is_told(
    bench: Bench, docks: ExitStack
) -> None:
    ports = ports_of(bench, docks, 1, 2, 3)
    with worker(bench, *ports, "--order", ORDER) as unit:
        ready = unit.until_event("ready")
        unit.until_ready(3)
        unit.tell({"do": "scan", "text": serial_of(2)}, {"do": "start", "slot": 1})
        unit.tell({"do": "start", "slot": 3})
        unit.until(lambda event: event["event"] == "line" and event["counts"]["good"] == 3)
        maps = Path(f"/proc/{unit.process.pid}/maps").read_text("ascii")
        unit.tell({"do": "quit"})
        status, complaints = ended(unit)

        assert (ready["version"], ready["slots"]) == (1, [1, 2, 3])
        assert {run["slot"]: (run["serial"], run["verdict"]) for run in unit.runs()} == {
            number: (serial_of(number), "PASS") for number in (1, 2, 3)
        }
        assert (status, complaints) == (0, "")
        assert "Qt" not in maps  # nothing of a screen is in a worker
    found = books(bench.home, bench.folder / "scratch")
    assert {run["run_id"] for run in found.runs} == {run["run_id"] for run in unit.runs()}


WRONG: Final = (
    (b"{", "command:1:2: not JSON"),
    (b"[]", "a command is a JSON object"),
    (b'{"do": "explode"}', "do is one of: scan"),
    (b'{"do": "scan"}', "scan has these keys and no others: do, text"),
    (b'{"do": "start", "slot": 9}', "there is no slot 9"),
    (b'{"do": "undo", "do": "quit"}', "command:1:"),
    (b'{"do": "scan", "text": "\xff"}', "a line that is not UTF-8"),
    (b'{"do": "scan", "text": "' + 70_000 * b"x" + b'"}', "a line that is too long"),
    (b'{"do": "undo", "more": ' + 500 * b"[" + 500 * b"]" + b"}", "command: nested deeper"),
)


def test_every_line_that_is_no_command_is_answered_and_changes_nothing(bench: Bench) -> None:
    with worker(bench, "--port", "/none", "--order", ORDER) as unit:
        unit.until_event("line")
        before = len(unit.events)
        for number, (line, cause) in enumerate(WRONG, start=1):
            unit.tell(line)
            refusal = unit.until_event("refusal")

            assert (refusal["line"], refusal["code"]) == (number, "E-WORKER-01"), line[:40]
            assert refusal["cause"].startswith(cause), refusal
        unit.tell(b"", b'{"do": "quit"}')
        status, _ = ended(unit)

        assert [one["event"] for one in unit.events[before:]] == [
            *["refusal"] * len(WRONG),
            "ended",
        ]
        assert status == 0


def test_a_scan_that_is_refused_is_told_with_the_line(bench: Bench) -> None:
    with worker(bench, "--port", "/none") as unit:
        unit.until_event("line")
        unit.tell({"do": "order", "name": "WO-404"})
        refused = unit.until(lambda event: event.get("refusal") is not None)
        unit.tell({"do": "order", "name": ORDER}, {"do": "pause"})
        chosen = unit.until(lambda event: event.get("order") is not None)

        assert refused["refusal"]["code"] == "E-SCAN-03"
        assert chosen["order"]["name"] == ORDER


def test_a_snapshot_tells_everything_again(bench: Bench, docks: ExitStack) -> None:
    with worker(bench, *ports_of(bench, docks, 1), "--order", ORDER) as unit:
        unit.until_ready(1)
        unit.tell({"do": "start", "slot": 1})
        unit.until(lambda event: event["event"] == "line" and event["counts"]["good"] == 1)
        told = len(unit.events)
        unit.tell({"do": "snapshot"})
        unit.until_event("line")

        assert [one["event"] for one in unit.events[told:]] == ["run", "slot", "line"]


def test_a_worker_that_cannot_begin_says_why(bench: Bench) -> None:
    (bench.folder / "wrong").write_text("not the passphrase\n", encoding="utf-8")
    wrong = f"--passphrase-file={bench.folder / 'wrong'}"
    with worker(bench, "--port", "/none", passphrase=wrong) as unit:
        refused = unit.until_event("refused")
        status = unit.process.wait(PATIENCE_S)

        assert refused["code"] == "E-KEY-01"
        assert status == 14


# -- the end -----------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["input", "signal"])
def test_a_worker_ends_in_order_with_its_input_or_when_it_is_told_to(
    bench: Bench, docks: ExitStack, how: str
) -> None:
    ports = ports_of(bench, docks, 1, 2, faults=(SLOW,))
    with worker(bench, *ports, "--order", ORDER) as unit:
        unit.until_ready(2)
        unit.tell({"do": "start", "slot": 1}, {"do": "start", "slot": 2})
        writing: set[int] = set()

        def both_write(event: dict[str, object]) -> bool:
            if event.get("step") == "write":
                writing.add(int(str(event["slot"])))
            return len(writing) == 2

        unit.until(both_write)
        if how == "input":
            assert unit.process.stdin is not None
            unit.process.stdin.close()
        else:
            unit.process.send_signal(signal.SIGTERM)
        status, _ = ended(unit)

        assert status == 0
        assert [run["verdict"] for run in unit.runs()] == ["ABORTED"] * 2
    assert opened_and_closed(books(bench.home, bench.folder / "scratch")) == (2, 2)


PARENT: Final = textwrap.dedent(
    """
    import subprocess, sys
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdout.readline()
    print(child.pid, flush=True)
    sys.stdin.read()
    """
)


def test_a_worker_does_not_outlive_the_program_that_started_it(bench: Bench) -> None:
    parent = subprocess.Popen(
        [
            *(sys.executable, "-c", PARENT, *PROGRAM, "worker", "--port", "/none"),
            bench.passphrase,
        ],
        cwd=ROOT,
        env=bench.environ(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()

    until(lambda: not runs(child), within_s=PATIENCE_S)


def runs(pid: int) -> bool:
    """Whether the process is there and is no corpse nobody has buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


# -- the other side ----------------------------------------------------------------------------


@contextmanager
def followed(
    bench: Bench, *arguments: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[LineWorker, Event]]:
    """A worker as a screen has it; what is set when something is new."""
    monkeypatch.setenv("STATION_HOME", str(bench.home))
    monkeypatch.chdir(ROOT)
    news = Event()
    with worker_line(
        station_at(bench.home), arguments, ask=passphrase_of, changed=news.set
    ) as line:
        yield line, news


def shown(line: LineWorker, news: Event, holds: Callable[[SlotSnapshot], object]) -> LineSnapshot:
    """The line once this holds of its first slot."""
    while not holds((found := line.snapshot()).slots[0]):
        assert news.wait(PATIENCE_S), found
        news.clear()
    return found


def test_a_screen_drives_a_worker_as_it_drives_a_line(
    bench: Bench, docks: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = ports_of(bench, docks, 1)
    with followed(bench, *ports, "--order", ORDER, monkeypatch=monkeypatch) as (line, news):
        shown(line, news, lambda slot: slot.phase is SlotPhase.READY)
        line.scan(serial_of(1))
        working = shown(line, news, lambda slot: slot.phase is SlotPhase.WORKING)
        passed = shown(line, news, lambda slot: slot.runs)
        line.toggle_pause()
        line.tick()
        pid = line.pid

    assert working.order is not None
    assert working.order.name == ORDER
    assert passed.slots[0].runs[0].verdict is Verdict.PASS
    assert passed.slots[0].runs[0].checks
    assert passed.stop == ""
    assert not runs(pid)


@pytest.mark.parametrize(("most", "kind"), [(1, LineWorker), (2, Line)])
def test_only_a_bench_of_many_slots_gets_a_process_of_its_own(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, most: int, kind: type
) -> None:
    monkeypatch.setenv("STATION_HOME", str(bench.home))
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(front_line, "SLOTS_IN_PROCESS_MAX", most)
    slots = bench.folder / "bench.yaml"
    slots.write_text("slots:\n  - {slot: 3, port: /none}\n  - {slot: 5, port: /none-too}\n")
    opened = front_line.open_front_line(
        station_at(bench.home),
        ports=(),
        slot_map=slots,
        order=ORDER,
        ask=passphrase_of,
        changed=lambda: None,
    )
    with opened as line:
        shown = line.snapshot()

    assert type(line) is kind
    assert [slot.number for slot in shown.slots] == [3, 5]
    assert shown.order is not None
    assert shown.order.name == ORDER


def test_a_worker_that_died_stops_the_station_and_takes_no_more(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with followed(bench, "--port", "/none", monkeypatch=monkeypatch) as (line, news):
        news.clear()
        os.kill(line.pid, signal.SIGKILL)
        while not line.snapshot().stop:
            assert news.wait(PATIENCE_S)
            news.clear()
        line.scan(serial_of(1))
        line.tick()

        assert line.snapshot().stop == WorkerLost.code


def test_a_worker_that_hangs_is_shown_until_it_speaks_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with followed(bench, "--port", "/none", monkeypatch=monkeypatch) as (line, _):
        os.kill(line.pid, signal.SIGSTOP)
        try:
            until(lambda: line.snapshot().stop == WorkerLost.code, within_s=PATIENCE_S)
        finally:
            os.kill(line.pid, signal.SIGCONT)
        until(lambda: line.snapshot().stop == "", within_s=PATIENCE_S)


def test_what_keeps_a_worker_from_beginning_is_raised_by_its_name(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATION_HOME", str(bench.home))
    cases: tuple[tuple[tuple[str, ...], str, type[StationError]], ...] = (
        (("--port", "/none"), "not the passphrase", KeyRefused),
        (("--port", "/none", "--order", "WO-404"), PASSPHRASE, NotInOrder),
        (("--no-such-option",), PASSPHRASE, WorkerLost),
    )
    for arguments, passphrase, error in cases:
        with pytest.raises(error):
            LineWorker(
                (*PROGRAM, "worker", *arguments),
                passphrase=Secret.from_text(passphrase),
                picture=lambda digest: None,
                clock=SystemClock(),
                changed=lambda: None,
            )

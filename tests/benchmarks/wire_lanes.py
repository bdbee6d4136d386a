"""Many docks through `station worker`: whether all pass, and what a lane costs in memory.

The program as it is sold, keys, ledger, rehearsal and all; the docks are one process apart. Memory
is what the worker and whatever it starts hold at most, pages that they share counted twice.
"""

import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, cast

import psutil

from station.bootstrap.demo import program
from station.bootstrap.station import Station
from station.domain.verdict import Verdict
from tests.benchmarks.furnished import ORDER, PRODUCT, furnished, passphrase_file
from tests.benchmarks.measure import AtLeast, AtMost, Measure

MANY: Final = (64, 100_000)
FEW: Final = (8, 400_000)
"""Docks, and bytes per second of each one's line: of few, memory alone is of interest."""

HEIGHTS: Final = (330,)
"""Of the picture that makes an image of nearly 2,000,000 bytes."""

PROFILE: Final = f"""\
name: bench-virtual
model: DL-7450
stage: development
assurance: D0
slots: 2
slot_bytes: 2400000
rom_budget_bytes: 2000000
runtime_budget_bytes: 60000
link: {{framing: cobs, baud: 115200, frame_bytes: 4092, bytes_per_s: {MANY[1]}}}
products:
  - name: {PRODUCT}
    serial_pattern: DK7F-[0-9]{{5}}
    hardware_revisions: [C]
"""

LOOK_S: Final = 0.25
"""Between two looks at the memory."""

GIVE_UP_S: Final = 200.0


def measure() -> list[Measure]:
    """See the names."""
    few, many = _provisioned(*FEW), _provisioned(*MANY)
    lanes = MANY[0]
    growth = (many.peak_bytes - few.peak_bytes) / (lanes - FEW[0])
    return [
        Measure(f"{lanes} docks through a worker, passed", many.passed, "docks", AtLeast(lanes)),
        Measure(f"{lanes} docks through a worker", many.took_s, "s"),
        Measure(f"{lanes} docks through a worker, station", many.cores, "cores"),
        Measure(
            f"peak memory of the station, {lanes} docks", many.peak_bytes / 1e6, "MB", AtMost(250)
        ),
        Measure("memory of one more lane", growth / 1e6, "MB", AtMost(1)),
    ]


@dataclass(frozen=True, slots=True)
class _Bench:
    """passed: how many docks did. peak_bytes, cores: of the worker and what it started."""

    passed: int
    took_s: float
    peak_bytes: int
    cores: float


def _provisioned(count: int, bytes_per_s: int) -> _Bench:
    """So many docks, each made once, all at the same time."""
    with tempfile.TemporaryDirectory(prefix="bench-lanes-") as folder:
        station = furnished(Path(folder), heights=HEIGHTS, units=count, profile=PROFILE)
        with _docks(station, count, bytes_per_s) as ports, _worker(station, ports) as worker:
            ready = {one["slot"] for one in worker.until("slot", count, phase="READY")}
            weight = _Weight(worker.process.pid)
            with weight:
                for slot in sorted(ready):
                    worker.tell({"do": "start", "slot": slot})
                runs = worker.until("run", count)
            worker.tell({"do": "quit"})
            worker.process.wait(GIVE_UP_S)
        return _Bench(
            sum(run["verdict"] == Verdict.PASS for run in runs),
            weight.took_s,
            weight.peak_bytes,
            weight.cores,
        )


@contextmanager
def _docks(station: Station, count: int, bytes_per_s: int) -> Iterator[tuple[str, ...]]:
    """The serial ports of so many docks that believe this station."""
    with subprocess.Popen(
        [
            *(*program(), "dock", "run", "--owned"),
            f"--docks={count}",
            f"--line-rate={bytes_per_s}",
            f"--trust={station.config.roots}",
            f"--profile={station.config.profiles / 'bench.yaml'}",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            announced = json.loads(cast("IO[bytes]", process.stdout).readline())
            yield tuple(one["port"] for one in announced["docks"])
        finally:
            process.terminate()


class _Worker:
    """The worker's process, told what to do and listened to."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process

    def tell(self, command: dict[str, Any]) -> None:
        inlet = cast("IO[bytes]", self.process.stdin)
        inlet.write(json.dumps(command).encode() + b"\n")
        inlet.flush()

    def until(self, event: str, slots: int, **wanted: str) -> list[dict[str, Any]]:
        """The last event of this name from each of so many slots; others are not listened to."""
        told: dict[int, dict[str, Any]] = {}
        for line in cast("IO[bytes]", self.process.stdout):
            said: dict[str, Any] = json.loads(line)
            if said["event"] == event and wanted.items() <= said.items():
                told[said["slot"]] = said
            if len(told) == slots:
                return list(told.values())
        raise RuntimeError(f"the worker ended with {len(told)} of {slots} {event} events told")


@contextmanager
def _worker(station: Station, ports: Sequence[str]) -> Iterator[_Worker]:
    """A worker that serves a slot at each port; it ends with the block, or after a while."""
    with subprocess.Popen(
        [
            *(*program(), "worker", f"--order={ORDER}"),
            f"--passphrase-file={passphrase_file(station)}",
            *(f"--port={port}" for port in ports),
        ],
        env={**os.environ, "STATION_HOME": str(station.config.home)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        watchdog = threading.Timer(GIVE_UP_S, process.kill)
        watchdog.start()
        try:
            yield _Worker(process)
        finally:
            watchdog.cancel()
            process.terminate()


class _Weight:
    """What a process and all it starts weigh at most while the block runs, and how they work."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._ended = threading.Event()
        self._watching = threading.Thread(target=self._watch, name="weight")
        self.peak_bytes = 0
        self.took_s = 0.0
        self.cores = 0.0

    def __enter__(self) -> None:
        self._began_s, self._before_s = time.monotonic(), self._cpu_s()
        self._watching.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._watching.join()
        self.took_s = time.monotonic() - self._began_s
        self.cores = (self._cpu_s() - self._before_s) / self.took_s

    def _watch(self) -> None:
        while not self._ended.wait(LOOK_S):
            weight = sum(map(_resident, [self._process, *self._process.children(recursive=True)]))
            self.peak_bytes = max(self.peak_bytes, weight)

    def _cpu_s(self) -> float:
        return sum(self._process.cpu_times()[:4])  # its own and its children's, user and system


def _resident(process: psutil.Process) -> int:
    try:
        resident: int = process.memory_info().rss
    except psutil.NoSuchProcess:
        return 0
    return resident

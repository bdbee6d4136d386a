"""One dock, one full image: what a run takes, where the time goes, and what travels.

A 13 MB image over a free pty to a virtual dock, by the real program. The first figures come from
inside this process, the memory from the command line's own process.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from station.adapters.machine import SystemChance, SystemClock
from station.adapters.serial_link.dock import SerialDock
from station.adapters.serial_link.docks import SerialDocks
from station.adapters.serial_link.stock import StockDock
from station.adapters.virtual_bench import DockProcesses
from station.application.cancel import Cancel
from station.application.demo import DemoUnit, demo_units
from station.application.job import Job
from station.bootstrap.demo import program
from station.bootstrap.station import Station
from station.domain.profile import Link
from station.domain.verdict import Step, Verdict
from tests.benchmarks.furnished import ORDER, PRODUCT, furnished, passphrase, passphrase_file
from tests.benchmarks.measure import AtMost, Measure

HEIGHTS: Final = (1_080, 1_080, 70)
"""Of pictures that together come close to 13,000,000 bytes."""

RUNS: Final = 5


def measure() -> list[Measure]:
    """Figures of the median run of several, each on a fresh dock."""
    with tempfile.TemporaryDirectory(prefix="bench-run-") as folder, _furnished(Path(folder)) as it:
        station, bench, units = it
        runs = sorted((_one_run(station, bench, unit) for unit in units[1:]), key=lambda one: one.s)
        median = runs[len(runs) // 2]
        peak = _peak_memory(station, bench, units[0])
        size = station.shelf.bundles()[0].statement.common_bytes
    return [
        Measure("payload of the image", size / 1e6, "MB"),
        Measure("scan to PASS", median.s, "s"),
        *(Measure(f"step {step}", median.steps[step], "s") for step in Step),
        Measure("bytes on the line / payload written and read", median.line / (2 * size), "ratio"),
        Measure("peak memory of the station", peak / 1e6, "MB", AtMost(250)),
    ]


class _Run:
    """s: from scan to PASS. steps: seconds. line: bytes that travelled, both ways."""

    def __init__(self, s: float, steps: dict[Step, float], line: int) -> None:
        self.s, self.steps, self.line = s, steps, line


class _CountingDocks(SerialDocks):
    """The real ports; remembers the last conversation, to count its bytes."""

    last: SerialDock | StockDock

    @contextmanager
    def open(self, port: str, link: Link) -> Iterator[SerialDock | StockDock]:
        with super().open(port, link) as dock:
            self.last = dock
            yield dock


def _one_run(station: Station, bench: DockProcesses, unit: DemoUnit) -> _Run:
    docks = _CountingDocks(clock=SystemClock(), chance=SystemChance())
    unlocked = station.unlock(lambda key: passphrase(), docks=docks)
    port = bench.plug(unit, 1, fault="")
    try:
        began_s = station.clock.monotonic_s()
        order = unlocked.book.registry.order(ORDER)[0]
        outcome = unlocked.provisioning.run(
            Job.under(
                order, unit.serial, shelf=station.shelf, slot="1", port=port, operator="bench"
            ),
            watch=lambda progress: None,
            cancel=Cancel(),
        )
        took_s = station.clock.monotonic_s() - began_s
        row = unlocked.book.registry.unit(unit.serial).runs[-1]
    finally:
        bench.pull(unit)
        unlocked.close()
    if outcome.verdict is not Verdict.PASS:
        raise RuntimeError(f"the run ended {outcome.verdict}: {outcome.cause}")
    return _Run(took_s, {step: row.seconds[step] for step in Step}, docks.last.line_bytes)


def _peak_memory(station: Station, bench: DockProcesses, unit: DemoUnit) -> int:
    """Bytes of resident memory the command line needed at most for one run."""
    port = bench.plug(unit, 1, fault="")
    try:
        process = subprocess.Popen(
            [
                *program(),
                "provision",
                unit.serial.text,
                f"--port={port}",
                f"--passphrase-file={passphrase_file(station)}",
                "--json",
            ],
            env={**os.environ, "STATION_HOME": str(station.config.home)},
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        answer = process.stdout.read()
        process.stdout.close()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    finally:
        bench.pull(unit)
    if process.returncode != 0:
        raise RuntimeError(f"station provision ended {process.returncode}: {answer!r}")
    assert json.loads(answer)["verdict"] == Verdict.PASS
    return usage.ru_maxrss * 1024


@contextmanager
def _furnished(home: Path) -> Iterator[tuple[Station, DockProcesses, tuple[DemoUnit, ...]]]:
    """A station with a running order for a 13 MB bundle, and docks to make."""
    units = demo_units(RUNS + 1, seed=13, fault="none")
    station = furnished(home, heights=HEIGHTS, units=len(units))
    yield (
        station,
        DockProcesses(
            command=program(),
            folder=station.config.docks,
            trust=station.config.roots,
            profile="dl7450-virtual",
            product=PRODUCT,
            line_rate=None,
            troubles={"none": lambda: None},
        ),
        units,
    )

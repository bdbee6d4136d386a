"""One dock, one full image: what a run takes, where the time goes, and what travels.

A 13 MB image over a free pty to a virtual dock, by the real program. The first figures come from
inside this process, the memory from the command line's own process.
"""

import json
import os
import random
import subprocess
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_urlsafe
from typing import Final

from station.adapters.machine import SystemChance, SystemClock
from station.adapters.serial_link import SerialDock, SerialDocks
from station.adapters.virtual_bench import DockProcesses
from station.application.cancel import Cancel
from station.application.demo import DemoUnit, demo_units
from station.application.job import Job
from station.bootstrap.demo import program
from station.bootstrap.station import DEMO_COST, NewOrder, Station
from station.config import Config, Settings
from station.domain.secret import Secret
from station.domain.verdict import Step, Verdict
from tests.benchmarks.measure import AtMost, Measure

PRODUCT: Final = "DK-7F"
PASSPHRASE: Final = "correct horse battery staple"
PICTURES: Final = 2
WIDTH, HEIGHT = 1920, 1080
LAST_HEIGHT: Final = 70
"""Rows of the last, smaller picture: together they come close to 13,000,000 bytes."""

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

    last: SerialDock

    @contextmanager
    def open(self, port: str) -> Iterator[SerialDock]:
        with super().open(port) as dock:
            self.last = dock
            yield dock


def _one_run(station: Station, bench: DockProcesses, unit: DemoUnit) -> _Run:
    docks = _CountingDocks(clock=SystemClock(), chance=SystemChance())
    unlocked = station.unlock(lambda key: Secret.from_text(PASSPHRASE), docks=docks)
    port = bench.plug(unit, 1, fault="")
    try:
        began_s = station.clock.monotonic_s()
        order = unlocked.book.registry.order("WO-1")[0]
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
    passphrase = station.config.home / "passphrase"
    passphrase.write_text(PASSPHRASE, encoding="utf-8")
    port = bench.plug(unit, 1, fault="")
    try:
        process = subprocess.Popen(
            [
                *program(),
                "provision",
                unit.serial.text,
                f"--port={port}",
                f"--passphrase-file={passphrase}",
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
    settings = Settings(slots=1, operator="bench")
    station = Station(Config(home, settings), cost=DEMO_COST, demo=True)
    secret = Secret.from_text(PASSPHRASE)
    station.keys.hold_ceremony(products=[PRODUCT], release_name="bench", passphrase=secret)
    bundle, lot = home / "large.bundle", home / "lot.json"
    station.build_bundle(_large_source(home / "large"), bundle, product="", ask=lambda key: secret)
    lot.write_text(
        json.dumps(
            {
                "lot": "T-1",
                "kind": "enrolment-token",
                "product": PRODUCT,
                "records": [{"token": token_urlsafe(24)} for _ in units],
            }
        ),
        encoding="utf-8",
    )
    station.import_lot(lot, lot="", kind="", product="", ask=lambda key: secret)
    template = station.config.samples / "upd_templates" / "basic.yaml"
    station.new_order(NewOrder("WO-1", len(units), bundle, template, "T-1"))
    station.start_order("WO-1")
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


def _large_source(folder: Path) -> Path:
    """A bundle source of nearly 13,000,000 bytes that no compression shortens."""
    chance = random.Random(13)
    folder.mkdir()
    images = []
    for number, height in enumerate([HEIGHT] * PICTURES + [LAST_HEIGHT]):
        (folder / f"{number}.png").write_bytes(_noise_png(chance, WIDTH, height))
        images.append(f'  picture_{number}: {{path: "${{CONFIG_PATH}}/{number}.png", type: png}}')
    (folder / "main.py").write_text("import splashscreen\n", encoding="utf-8")
    (folder / "config.yaml").write_text(
        "images:\n" + "\n".join(images) + '\ncode: {path: "${CONFIG_PATH}/main.py"}\n',
        encoding="utf-8",
    )
    (folder / "bundle.yaml").write_text(
        "name: large\nversion: 1.0.0\n"
        f"product: {PRODUCT}\nsecurity_counter: 1\nconfig: config.yaml\n",
        encoding="utf-8",
    )
    return folder


def _noise_png(chance: random.Random, width: int, height: int) -> bytes:
    """An 8-bit RGB picture of noise, stored uncompressed."""
    rows = b"".join(b"\0" + chance.randbytes(3 * width) for _ in range(height))
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes((8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(kind, content)
        for kind, content in (
            (b"IHDR", head),
            (b"IDAT", zlib.compress(rows, level=0)),
            (b"IEND", b""),
        )
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    crc = zlib.crc32(kind + content)
    return len(content).to_bytes(4, "big") + kind + content + crc.to_bytes(4, "big")

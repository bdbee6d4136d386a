"""Virtual docks for the figures of the wire: all in one process, apart from what is measured.

Run as a module, this file is that process. Keys are the fake ones of `tests/fakes/trust.py`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Final

import psutil

from station.dock.faults import parse_fault
from station.dock.life import Cable
from station.dock.main import run
from station.dock.settings import Settings
from station.domain.identity import DockId, Serial
from station.domain.profile import Compression, Link
from station.protocol.server import BUFFER_BYTES
from tests.unit.dock.images import AUTHORITY, PRODUCT, make_profile

ROOT: Final = Path(__file__).resolve().parents[2]

FREE: Final = Cable()
"""Carries as fast as it goes."""


def dock_id(number: int) -> DockId:
    """Of the dock of that number, from 0."""
    return DockId(sha256(str(number).encode()).digest())


@dataclass(frozen=True, slots=True)
class Docks:
    """Running virtual docks. ports: paths of their serial ports, in the order of their numbers."""

    ports: tuple[str, ...]
    process: psutil.Process

    def cpu_s(self) -> float:
        """Processor time their process has used."""
        times = self.process.cpu_times()
        return times.user + times.system


@contextmanager
def docks(
    count: int,
    *,
    rom_bytes: int,
    cable: Cable = FREE,
    last_fault: str = "",
    compression: Compression = Compression.NONE,
    buffer_bytes: int = BUFFER_BYTES,
) -> Iterator[Docks]:
    """So many docks with room for `rom_bytes`, until the end of the block.

    last_fault: what is bad about the last of them. compression: what they inflate. buffer_bytes:
    of each of their buffers.
    """
    with (
        tempfile.TemporaryDirectory(prefix="bench-wire-") as folder,
        subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.benchmarks.wire_docks"),
                f"--folder={folder}",
                f"--count={count}",
                f"--rom-bytes={rom_bytes}",
                f"--bytes-per-s={cable.bytes_per_s or 0}",
                f"--latency-s={cable.latency_s}",
                f"--compression={compression}",
                f"--buffer-bytes={buffer_bytes}",
                *([f"--last-fault={last_fault}"] if last_fault else []),
            ],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process,
    ):
        assert process.stdout is not None
        try:
            announced = json.loads(process.stdout.readline())
            yield Docks(
                tuple(one["port"] for one in announced.get("docks", [announced])),
                psutil.Process(process.pid),
            )
        finally:
            process.terminate()


def main() -> int:
    """Be them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--count", type=int)
    parser.add_argument("--rom-bytes", type=int)
    parser.add_argument("--bytes-per-s", type=float)
    parser.add_argument("--latency-s", type=float)
    parser.add_argument("--last-fault", type=parse_fault)
    parser.add_argument("--compression", type=Compression)
    parser.add_argument("--buffer-bytes", type=int)
    given = parser.parse_args()
    last = given.count - 1
    profile = replace(
        make_profile(rom_bytes=given.rom_bytes), link=Link(compression=given.compression)
    )
    return run(
        [
            Settings(
                flash=given.folder / f"{number}.flash",
                port=given.folder / f"{number}.port",
                dock_id=dock_id(number),
                label=Serial(f"DK7F-{number:05}"),
                profile=profile,
                product=PRODUCT,
                authority=AUTHORITY,
                faults=(given.last_fault,) if given.last_fault and number == last else (),
                line_bytes_per_s=given.bytes_per_s or None,
                line_latency_s=given.latency_s,
                buffer_bytes=given.buffer_bytes,
            )
            for number in range(given.count)
        ]
    )


if __name__ == "__main__":
    sys.exit(main())

"""Virtual docks as processes of their own: plugging in starts one, pulling out ends it.

Each dock keeps its flash file between its lives, as a real one keeps its flash. The process is the
program's own `dock run`; nothing of it runs inside the station.
"""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from select import select
from typing import Final

from station.application.demo import DemoUnit
from station.domain.errors import NoDock

START_S: Final = 20.0
"""How long a dock's process may take to say that it is ready."""

STOP_S: Final = 5.0


class DockProcesses:
    """The virtual docks of one bench.

    command: the program, up to and without ``dock run``. folder: where flash files and ports are.
    trust: PEM of the product roots a dock believes. profile: name of its dock-model profile.
    line_rate: bytes per second of their lines, each way; None for no limit. latency_s: of their
    lines, each way.
    troubles: faults of the station rather than of a dock; each is brought about when the dock that
    names it is plugged in.
    """

    def __init__(
        self,
        *,
        command: Sequence[str],
        folder: Path,
        trust: Path,
        profile: str,
        product: str,
        line_rate: int | None,
        latency_s: float = 0.0,
        troubles: Mapping[str, Callable[[], None]],
    ) -> None:
        self._command = tuple(command)
        self._folder = folder
        self._trust = trust
        self._profile = profile
        self._product = product
        self._line_rate = line_rate
        self._latency_s = latency_s
        self._troubles = troubles
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def port_of(self, slot: int) -> str:
        """Where a dock in this slot is found."""
        return str(self._folder / f"slot-{slot}")

    def plug(self, unit: DemoUnit, slot: int, *, fault: str) -> str:
        """Start the dock at this slot; its port. Raises NoDock if it does not start."""
        self._folder.mkdir(parents=True, exist_ok=True)
        command = [
            *self._command,
            "dock",
            "run",
            "--owned",
            f"--flash={self._folder / unit.serial.text}.flash",
            f"--trust={self._trust}",
            f"--profile={self._profile}",
            f"--product={self._product}",
            f"--dock-id={unit.dock_id}",
            f"--label={unit.serial}",
            f"--port={self.port_of(slot)}",
            *([f"--line-rate={self._line_rate}"] if self._line_rate else []),
            *([f"--latency={self._latency_s * 1_000:g}"] if self._latency_s else []),
            *([f"--fault={fault}"] if fault and fault not in self._troubles else []),
        ]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            start_new_session=True,  # Ctrl-C is for the station: it pulls its docks itself
        )
        self._running[unit.serial.text] = process
        announced = _announced_port(process, unit)
        if fault in self._troubles:
            self._troubles[fault]()
        return announced

    def discard(self) -> None:
        """Delete the flash files; no dock may be plugged in."""
        for flash in self._folder.glob("*.flash"):
            flash.unlink()

    def pull(self, unit: DemoUnit) -> None:
        """End the dock's process, as pulling its power would."""
        process = self._running.pop(unit.serial.text, None)
        if process is not None:
            _end(process)


def _announced_port(process: subprocess.Popen[bytes], unit: DemoUnit) -> str:
    """The port in the one JSON line a dock prints when it is ready."""
    out = process.stdout
    if out is not None and select([out], [], [], START_S)[0]:
        try:
            return str(json.loads(out.readline())["port"])
        except (ValueError, KeyError, TypeError):
            pass
    _end(process)
    raise NoDock(f"the virtual dock {unit.serial} did not start")


def _end(process: subprocess.Popen[bytes]) -> None:
    with process:  # closes its pipes and waits
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()

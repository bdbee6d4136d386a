"""Virtual docks as processes of their own, and a client on a serial port.

Run as a module, this file is such a process; `start` gives it its arguments. Keys are the fake
ones of `tests/fakes/trust.py`, the same in every process.
"""

import argparse
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import serial

from station.datastore.plan import Part, Plan
from station.dock.faults import parse_fault
from station.dock.main import run
from station.dock.settings import Settings
from station.dock.stock_groups import ALL_GROUPS
from station.domain.identity import DockId, Serial
from station.protocol import datastore_group as store
from station.protocol.client import Answered, Connection, Pipeline
from station.protocol.framing import Framing
from station.protocol.os_group import Parameters, Reset
from station.protocol.shape import Request, Shape
from tests.unit.dock.images import AUTHORITY, DOCK_ID, LABEL, PRODUCT, ROM_BYTES, make_profile

ROOT: Final = Path(__file__).resolve().parents[2]

A = TypeVar("A", bound=Shape)


class Client:
    """A conversation on the port at `path`; follows the dock through restarts."""

    def __init__(self, path: Path, *, framing: Framing = Framing.COBS) -> None:
        self._path = path
        self._framing = framing
        self.open()

    def open(self) -> None:
        """Take what is under the path now."""
        self._port = serial.Serial(str(self._path), timeout=0.02, write_timeout=5, exclusive=True)
        self._connection = Connection(framing=self._framing, line_rate=1_000_000)

    def close(self) -> None:
        self._port.close()

    def greet(self) -> None:
        """Learn the dock's limits."""
        self._connection.learn(self.ask(Parameters()))

    def ask(self, request: Request[A], *, within_s: float = 20.0) -> A:
        (answered,) = self.all([request], within_s=within_s)
        return answered.answer

    def all(self, requests: Iterable[Request[A]], *, within_s: float = 20.0) -> list[Answered[A]]:
        pipeline = Pipeline(self._connection, requests, deadline_s=time.monotonic() + within_s)
        answers: list[Answered[A]] = []
        while not pipeline.finished:
            if data := pipeline.to_send(time.monotonic()):
                self._port.write(data)
            data = self._port.read(max(1, self._port.in_waiting))
            answers += pipeline.receive(data, time.monotonic())
        return answers

    def begin(self, plan: Plan) -> tuple[bool, ...]:
        """Begin, and offer the common blocks; which of them the dock has."""
        self.ask(store.Begin(plan.size_bytes))
        digests = tuple(part.digest for part in plan.common_blocks)
        return self.ask(store.Copy(plan.common_blocks[0].offset_bytes, 65_536, digests)).held

    def send(self, plan: Plan, parts: Iterable[Part]) -> None:
        """Write these parts of the plan."""
        self.all(
            request
            for part in parts
            for request in store.write_requests(
                part.offset_bytes,
                plan.read(part.offset_bytes, part.size_bytes),
                message_max=self._connection.message_max,
            )
        )

    def write(self, plan: Plan) -> None:
        """Begin, and send what the dock lacks."""
        held = self.begin(plan)
        missing = [part for part, has in zip(plan.common_blocks, held, strict=True) if not has]
        self.send(plan, (*missing, *plan.unique_parts))

    def commit(self, plan: Plan) -> store.CommitAnswer:
        return self.ask(store.Commit(plan.size_bytes, plan.image_sha256))

    def install(self, plan: Plan) -> None:
        """Write, commit, restart."""
        self.write(plan)
        answer = self.commit(plan)
        assert answer.accepted, answer.reason
        self.restart()

    def read(self, slot: store.Slot, size_bytes: int) -> bytes:
        message_max = self._connection.message_max
        answers = self.all(store.read_requests(slot, 0, size_bytes, message_max=message_max))
        pieces = sorted((each.answer.offset, bytes(each.answer.data)) for each in answers)
        return b"".join(data for _, data in pieces)

    def restart(self) -> None:
        """Reset, see the port go, and open what comes under the same path."""
        before = self._path.readlink()
        self.ask(Reset())
        until(lambda: not self._path.is_symlink() or self._path.readlink() != before)
        self.close()
        until(self._path.exists)
        self.open()
        self.greet()


def until(holds: Callable[[], bool], *, within_s: float = 10.0) -> None:
    """Wait for something another process does."""
    give_up_s = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < give_up_s, "it never happened"
        time.sleep(0.005)


@dataclass
class VirtualDock:
    """A running virtual dock. announced: the JSON it printed."""

    process: subprocess.Popen[bytes]
    announced: dict[str, Any] = field(default_factory=dict)

    @property
    def port(self) -> Path:
        return Path(self.announced["port"])

    def say(self, line: str) -> None:
        """Write one line to its command channel."""
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def command(self, word: str) -> None:
        self.say(json.dumps({"command": word}))

    def end_commands(self) -> None:
        """Close its command channel."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.stdin = None

    @contextmanager
    def client(self, *, framing: Framing = Framing.COBS) -> Iterator[Client]:
        until(self.port.exists)
        client = Client(self.port, framing=framing)
        try:
            client.greet()
            yield client
        finally:
            client.close()

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(10)


@contextmanager
def start(
    folder: Path,
    *faults: str,
    dock_id: DockId = DOCK_ID,
    label: Serial = LABEL,
    slots: int = 2,
    rom_bytes: int = ROM_BYTES,
    bytes_per_s: int = 0,
    latency_s: float = 0.0,
    groups: Collection[int] = ALL_GROUPS,
    rom_file: bool = True,
) -> Iterator[VirtualDock]:
    """A virtual dock whose flash file and port lie in `folder`; ended with the block."""
    process = subprocess.Popen(
        [
            sys.executable,
            *("-m", "tests.end_to_end.virtual_docks"),
            f"--folder={folder}",
            f"--dock-id={dock_id}",
            f"--label={label}",
            f"--slots={slots}",
            f"--rom-bytes={rom_bytes}",
            f"--bytes-per-s={bytes_per_s}",
            f"--latency-s={latency_s}",
            f"--groups={','.join(map(str, groups))}",
            *([] if rom_file else ["--no-rom-file"]),
            *(f"--fault={fault}" for fault in faults),
        ],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    dock = VirtualDock(process)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise AssertionError(process.communicate()[1].decode())
        dock.announced = json.loads(line)
        yield dock
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def main() -> int:
    """Be one."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--dock-id", type=DockId.parse)
    parser.add_argument("--label", type=Serial.parse)
    parser.add_argument("--slots", type=int)
    parser.add_argument("--rom-bytes", type=int)
    parser.add_argument("--bytes-per-s", type=int)
    parser.add_argument("--latency-s", type=float)
    parser.add_argument("--groups", type=lambda text: tuple(map(int, text.split(","))))
    parser.add_argument("--no-rom-file", action="store_true")
    parser.add_argument("--fault", type=parse_fault, action="append", default=[])
    given = parser.parse_args()
    settings = Settings(
        flash=given.folder / "dock.flash",
        port=given.folder / "port",
        dock_id=given.dock_id,
        label=given.label,
        profile=make_profile(slots=given.slots, rom_bytes=given.rom_bytes),
        product=PRODUCT,
        authority=AUTHORITY,
        faults=tuple(given.fault),
        seed=7,
        line_bytes_per_s=given.bytes_per_s or None,
        line_latency_s=given.latency_s,
        groups=given.groups,
        rom_file=not given.no_rom_file,
    )
    return run([settings])


if __name__ == "__main__":
    sys.exit(main())

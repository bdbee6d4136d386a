"""A worker as a program of its own, and somebody who listens to every line it says."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from queue import Empty, Queue
from threading import Thread
from typing import IO, Any, Final, cast

from jsonschema import Draft202012Validator

from tests.end_to_end.small_line import PROGRAM, Bench
from tests.end_to_end.virtual_docks import ROOT

WAIT_S: Final = 60.0
"""Longest wait for anything a worker says."""

_SCHEMA: Final = files("station.adapters.files") / "schemas" / "worker-event.schema.json"
_EVENT: Final = Draft202012Validator(json.loads(_SCHEMA.read_text("utf-8")))


@dataclass
class Worker:
    """events: everything it has said so far, `alive` left out."""

    process: "subprocess.Popen[bytes]"
    events: list[dict[str, Any]] = field(default_factory=list)
    _said: "Queue[bytes]" = field(default_factory=Queue)

    def __post_init__(self) -> None:
        Thread(target=self._listen, daemon=True).start()

    def tell(self, *lines: dict[str, Any] | bytes) -> None:
        """Commands, or what is none."""
        inlet = cast("IO[bytes]", self.process.stdin)
        for line in lines:
            inlet.write((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n")
        inlet.flush()

    def until(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first event from now on of which this holds."""
        give_up_s = time.monotonic() + WAIT_S
        while True:
            try:
                line = self._said.get(timeout=max(0.0, give_up_s - time.monotonic()))
            except Empty:
                raise AssertionError(f"it never said so: {self.events[-5:]}") from None
            event: dict[str, Any] = json.loads(line)
            assert _EVENT.is_valid(event), event
            if event["event"] != "alive":
                self.events.append(event)
            if holds(event):
                return event

    def until_ready(self, slots: int) -> None:
        """Until so many docks have told who they are."""
        ready: set[int] = set()

        def all_ready(event: dict[str, Any]) -> bool:
            if event["event"] == "slot" and event["phase"] == "READY":
                ready.add(event["slot"])
            return len(ready) == slots

        self.until(all_ready)

    def until_event(self, name: str) -> dict[str, Any]:
        """The next event of this name."""
        return self.until(lambda event: event["event"] == name)

    def runs(self) -> list[dict[str, Any]]:
        """Every ended run it has told of."""
        return [one for one in self.events if one["event"] == "run"]

    def _listen(self) -> None:
        for line in cast("IO[bytes]", self.process.stdout):
            self._said.put(line)


@contextmanager
def worker(bench: Bench, *arguments: object, passphrase: str = "") -> Iterator[Worker]:
    """A worker of this bench; killed where a test leaves it running."""
    process = subprocess.Popen(
        [*PROGRAM, "worker", *map(str, arguments), passphrase or bench.passphrase],
        cwd=ROOT,
        env=bench.environ(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield Worker(process)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            cast("IO[bytes]", pipe).close()

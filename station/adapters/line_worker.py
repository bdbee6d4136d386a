"""A line that another process serves: the same calls, the same snapshots, nothing in the way.

The process is started here, told what to do through one pipe, and heard through another. It ends
when this process lets go of the pipes, in order or not. One that has ended, or has said nothing
for too long, is shown as a trouble that stops the station.
Source: docs/spec/worker.md.
"""

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from threading import Event, Lock, Thread
from typing import IO, Any, Final, cast

from station.application.ports import Clock
from station.application.snapshot import LineSnapshot
from station.application.worker_commands import Do
from station.application.worker_events import VERSION, FindPicture, Follower
from station.domain.errors import StationError, WorkerLost, error_named
from station.domain.secret import Secret

SILENCE_S: Final = 1.5
"""A worker that is well says something twice a second; after this it is shown as lost."""

BEGIN_S: Final = 60.0
"""How long it may take to open its keys and say who it is."""

END_S: Final = 60.0
"""How long it may take to end in order, every run at its next block; then it is killed."""


class LineWorker:
    """A line in a process of its own; from any thread.

    command: the program and its arguments. passphrase: of its keys, handed to it by descriptor.
    picture: finds what an ended run has shown. changed: told of everything that is new. Raises
    what the worker could not begin for, and WorkerLost.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        passphrase: Secret,
        picture: FindPicture,
        clock: Clock,
        changed: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._changed = changed
        self._follower = Follower(picture)
        self._lock = Lock()
        self._told = Event()
        self._refused: StationError | None = None
        self._lost = False
        self._shown_lost = False
        self._closed = False
        self._heard_s = clock.monotonic_s()
        self._process = _started(command, passphrase)
        self._inlet = cast("IO[bytes]", self._process.stdin)
        self._outlet = cast("IO[bytes]", self._process.stdout)
        os.set_blocking(self._inlet.fileno(), False)  # who asks for a scan waits for nothing
        self._ear = Thread(target=self._listen, name="worker", daemon=True)
        self._ear.start()
        self._begin()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def snapshot(self) -> LineSnapshot:
        """The whole line as it was last heard of."""
        now_s = self._clock.monotonic_s()
        with self._lock:
            shown = self._follower.snapshot(now_s=now_s)
            lost = self._is_lost(now_s)
        if shown is None:
            raise WorkerLost("the worker has told of no line")
        return replace(shown, stop=WorkerLost.code) if lost else shown

    def scan(self, text: str) -> None:
        """Take what a scanner read."""
        self._tell(Do.SCAN, text=text)

    def press_provision(self) -> None:
        """Start every bound slot."""
        self._tell(Do.PROVISION)

    def choose_slot(self, number: int) -> None:
        """Bind the waiting scan to this slot."""
        self._tell(Do.CHOOSE_SLOT, slot=number)

    def start_labelled(self, number: int) -> None:
        """Start the dock in this slot under the serial it reports."""
        self._tell(Do.START, slot=number)

    def toggle_pause(self) -> None:
        """Bind no more until called again."""
        self._tell(Do.PAUSE)

    def undo(self) -> None:
        """Drop the waiting scan."""
        self._tell(Do.UNDO)

    def cancel(self, number: int) -> None:
        """Stop the run on this slot."""
        self._tell(Do.CANCEL, slot=number)

    def tick(self) -> None:
        """Time passes in the worker by itself; here it is looked whether it still speaks."""
        with self._lock:
            lost = self._is_lost(self._clock.monotonic_s())
            turned, self._shown_lost = lost != self._shown_lost, lost
        if turned:
            self._changed()

    def close(self) -> None:
        """Let it end what runs, in order; whoever hangs is killed."""
        self._closed = True
        self._tell(Do.QUIT)
        with suppress(OSError):
            self._inlet.close()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._ear.join()
        self._outlet.close()

    # -- the two pipes -------------------------------------------------------------------------

    def _begin(self) -> None:
        """Until it has told of the whole line. Raises what it could not begin for."""
        if self._told.wait(BEGIN_S) and not self._lost:
            return
        self.close()
        raise self._refused or WorkerLost("the worker ended before it began")

    def _tell(self, do: Do, **more: object) -> None:
        """A command it does not take, because it hangs or is gone, is lost with it."""
        line = json.dumps({"do": do, **more}).encode("utf-8") + b"\n"
        with self._lock:
            try:
                whole = os.write(self._inlet.fileno(), line) == len(line)
            except (OSError, ValueError):
                whole = False
            self._lost = self._lost or not whole

    def _listen(self) -> None:
        """Everything it says, to its end."""
        try:
            for line in self._outlet:
                self._hear(json.loads(line))
        except (KeyError, TypeError, ValueError):
            self._process.kill()  # it is none of ours, or of another version
        with self._lock:
            self._lost = True
        self._told.set()
        if not self._closed:
            self._changed()

    def _hear(self, event: Any) -> None:
        now_s = self._clock.monotonic_s()
        with self._lock:
            self._heard_s = now_s
            self._follower.take(event, now_s=now_s)
        match event["event"]:
            case "ready" if event["version"] != VERSION:
                raise ValueError("another version of the protocol")
            case "refused":
                self._refused = _error(event["code"], event["cause"], event["remedy"])
            case "line":
                self._told.set()
                self._changed()
            case "slot" | "run":
                self._changed()

    def _is_lost(self, now_s: float) -> bool:
        return self._lost or now_s - self._heard_s > SILENCE_S


def _started(command: Sequence[str], passphrase: Secret) -> "subprocess.Popen[bytes]":
    """The process; it finds the passphrase in a pipe that nobody else has."""
    reading, writing = os.pipe()
    try:
        with passphrase.reveal() as octets:
            os.write(writing, octets)
        return subprocess.Popen(
            [*command, "--passphrase-fd", str(reading)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=(reading,),
            start_new_session=True,  # Ctrl-C is for the parent, which ends it in order
        )
    except OSError as error:
        raise WorkerLost(f"no process to serve the docks with: {error.strerror}") from error
    finally:
        os.close(reading)
        os.close(writing)


def _error(code: str, cause: str, remedy: str) -> StationError:
    """The refusal as it was raised over there."""
    return (error_named(code) or WorkerLost)(cause, remedy=remedy)

"""Has splash screens drawn, each by a process of its own (`renderer.py`).

Qt takes longer to load than to draw: `start` lets a process load it while an application still
runs. A process draws one picture and is gone; whatever it does, it is gone within the time limit.
"""

import signal
import subprocess
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Final, Self, cast

from station.datastore.pictures import Picture, recognise
from station.domain.entries import PictureType
from station.domain.errors import PictureRefused, ScreenNotDrawn
from station.domain.splash import HEIGHT, WIDTH, Splash
from station.rehearsal.splash_message import encode

LIMIT_S: Final = 20.0
"""For one picture, Qt's loading included, on a machine where much else goes on."""

PNG_BYTES_MAX: Final = 16 * 1024 * 1024
"""Twice the bare pixels of the screen."""

ENVIRONMENT: Final = {"LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"}
"""All of the renderer's: no user's settings have a say in how a splash looks."""


class Drawing:
    """Implements `application.ports.Draw` and `station.dock.host.Draw`; from any thread.

    command: the program that becomes the renderer. Close it when nothing more is to be drawn.
    """

    def __init__(self, command: Sequence[str], *, limit_s: float = LIMIT_S) -> None:
        self._command = tuple(command)
        self._limit_s = limit_s
        self._lock = threading.Lock()
        self._spare: _Renderer | None = None
        self._closed = False

    def start(self) -> None:
        """A picture will soon be wanted. Waits for nothing, says nothing if it cannot be had."""
        with self._lock, suppress(OSError):
            if self._spare is None and not self._closed:
                self._spare = _Renderer.begin(self._command)

    def __call__(self, splash: Splash) -> bytes:
        """See `Draw`."""
        try:
            message = encode(splash)
        except ValueError as error:
            raise ScreenNotDrawn(f"the splash cannot be drawn: {error}") from error
        try:
            renderer = self._take()
        except OSError as error:
            raise ScreenNotDrawn(f"no process to draw with: {error}") from error
        png, status = renderer.draw(message, limit_s=self._limit_s)
        _demand_picture(png, status)
        return png

    def close(self) -> None:
        """Let the process that waits for a picture go; none will wait any more."""
        with self._lock:
            spare, self._spare, self._closed = self._spare, None, True
        if spare is not None:
            spare.end()

    def _take(self) -> "_Renderer":
        """The process that waits, if it still does; else a new one. Raises OSError."""
        with self._lock:
            spare, self._spare = self._spare, None
        if spare is not None and not spare.alive:
            spare.end()
            spare = None
        return spare or _Renderer.begin(self._command)


@dataclass(frozen=True, slots=True)
class _Renderer:
    """A process that draws one picture."""

    process: subprocess.Popen[bytes]
    inlet: IO[bytes]
    outlet: IO[bytes]

    @classmethod
    def begin(cls, command: Sequence[str]) -> Self:
        """Raises OSError."""
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=ENVIRONMENT,
            start_new_session=True,  # Ctrl-C is for the parent
        )
        return cls(process, cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout))

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def draw(self, message: Iterable[bytes | memoryview], *, limit_s: float) -> tuple[bytes, int]:
        """What it made of this message, and how it ended."""
        patience = threading.Timer(limit_s, self.process.kill)
        patience.start()
        try:
            with suppress(BrokenPipeError), self.inlet:
                self.inlet.writelines(message)
            png = self.outlet.read(PNG_BYTES_MAX + 1)
        finally:
            patience.cancel()
            status = self.end()
        return png, status

    def end(self) -> int:
        """Nothing of it is left; its status, which for one that ended by itself is its own."""
        with suppress(BrokenPipeError):
            self.inlet.close()
        self.outlet.close()
        self.process.kill()
        return self.process.wait()


def _demand_picture(png: bytes, status: int) -> None:
    """Raise ScreenNotDrawn where this is no picture of the screen's size."""
    if not png:
        raise ScreenNotDrawn(f"the process that draws ended with {_words(status)}")
    try:
        picture = recognise(png)
    except PictureRefused as error:
        raise ScreenNotDrawn(f"the process that draws made no picture: {error.cause}") from error
    if picture != Picture(PictureType.PNG, WIDTH, HEIGHT):
        raise ScreenNotDrawn("the process that draws made another picture than the screen's")


def _words(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"status {status}"

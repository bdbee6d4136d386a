"""Where threads meet Qt: a call from any thread is brought home by one queued signal.

Nothing else in this package may know of threads.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

from PySide6.QtCore import QObject, Qt, QTimer, Signal

T = TypeVar("T")

REPAINT_MS: Final = 100
"""Least time between two looks at the line: a tile is repainted at most ten times a second."""


class Home(QObject):
    """Makes calls in the thread that made this object, whoever asks."""

    _asked = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._asked.connect(self._make, Qt.ConnectionType.QueuedConnection)

    def bring(self, call: Callable[[], None]) -> None:
        """Have `call` made at home, soon; from any thread."""
        self._asked.emit(call)

    def _make(self, call: Callable[[], None]) -> None:
        call()


class Refresher(QObject):
    """Many notices, few refreshes: `notice` from any thread, `refresh` at home, not too often.

    The first notice after a rest is served at once; a burst is served once per `every_ms`, and
    its last notice is never lost.
    """

    def __init__(
        self,
        refresh: Callable[[], None],
        *,
        every_ms: int = REPAINT_MS,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._refresh = refresh
        self._every_ms = every_ms
        self._home = Home(self)
        self._lock = threading.Lock()
        self._noticed = False
        self._served_at_s = -every_ms / 1_000
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setTimerType(Qt.TimerType.PreciseTimer)
        self._rest.timeout.connect(self._serve)

    def notice(self) -> None:
        """Something changed; from any thread, and cheap if one is on its way already."""
        with self._lock:
            if self._noticed:
                return
            self._noticed = True
        self._home.bring(self._soon)

    def _soon(self) -> None:
        rested_ms = int(1_000 * (time.monotonic() - self._served_at_s))
        self._rest.start(max(0, self._every_ms - rested_ms))

    def _serve(self) -> None:
        with self._lock:
            self._noticed = False  # before the look: what changes during it is noticed again
        self._served_at_s = time.monotonic()
        self._refresh()


class Jobs:
    """Work that would keep the screen waiting, one piece after another, in a thread of its own.

    What it raises is raised at home, as if it had been done there.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        self._home = Home(parent)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="screen")

    def start(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """Do `work`, soon; `then` is given what came of it, at home."""

        def bring(done: Future[T]) -> None:
            if not done.cancelled():
                self._home.bring(lambda: then(done.result()))

        self._pool.submit(work).add_done_callback(bring)

    def close(self) -> None:
        """Finish what is being done; what is waiting will not be."""
        self._pool.shutdown(cancel_futures=True)

"""How other threads get something done on a dock: they ask, its one loop does it.

So nothing of a dock is ever touched by two threads, and nothing of it needs a lock.
"""

from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Lock
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from station.dock.bell import Bell
from station.dock.flash import PowerLost
from station.domain.errors import LinkError

T = TypeVar("T")


class DockOff(LinkError):
    """The virtual dock asked has ended: it was told to, or its power was cut."""

    code = "E-DOCK-06"
    remedy = "Start the virtual dock again."

    def __init__(self) -> None:
        super().__init__("the virtual dock is off")


class Call(Generic[T]):
    """Something that is wanted of the loop. Whoever asked is answered when the block ends:

    with call:
        call.carry_out()
        ...  # what must have happened before the answer

    A block that ends by an exception is the end of the dock, and is answered with DockOff.
    """

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._outcome: Future[T] = Future()
        self._answer: Callable[[], None] = self.refuse

    def carry_out(self) -> None:
        """Do it. What it raises is for whoever asked, the loss of power excepted: PowerLost."""
        try:
            result = self._work()
        except PowerLost:
            raise
        except Exception as error:  # noqa: BLE001 (raised again by `result`)
            refusal = error
            self._answer = lambda: self._outcome.set_exception(refusal)
        else:
            self._answer = lambda: self._outcome.set_result(result)

    def refuse(self) -> None:
        """Nothing will come of it any more."""
        self._outcome.set_exception(DockOff())

    def result(self) -> T:
        """What came of it; waits. Raises what the work raised."""
        return self._outcome.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self._answer()
        else:
            self.refuse()


class Calls:
    """Calls of any thread, in the order they came, until it is closed."""

    def __init__(self) -> None:
        self._bell = Bell()
        self._waiting: SimpleQueue[Call[Any]] = SimpleQueue()
        self._lock = Lock()
        self._closed = False

    def fileno(self) -> int:
        """Can be read when a call waits."""
        return self._bell.fileno()

    def ask(self, work: Callable[[], T]) -> T:
        """Have `work` done by the loop; what it gives or raises. Raises DockOff once closed.

        From any thread but the loop's own, which would wait for itself.
        """
        call = Call(work)
        with self._lock:
            if self._closed:
                raise DockOff
            self._waiting.put(call)
            self._bell.ring()
        return call.result()

    def take(self) -> Call[Any] | None:
        """The call that waits longest, if any."""
        self._bell.hush()
        return self._next()

    def close(self) -> None:
        """Take no more calls; those that wait are refused."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._bell.close()
        while (call := self._next()) is not None:
            call.refuse()

    def _next(self) -> Call[Any] | None:
        try:
            return self._waiting.get_nowait()
        except Empty:
            return None

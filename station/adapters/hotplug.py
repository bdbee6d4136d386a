"""Which port of the bench has a dock: looked at a few times a second, told when that changes.

A slot is a place, not a device: whatever appears under its path is the dock in that slot.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event, Thread
from typing import Final, Self

LOOK_S: Final = 0.2
"""How often the ports are looked at; a person needs longer to plug a dock in."""


class PortWatch:
    """Watches ports from entering to leaving the context; slots are numbered from 1.

    came: told slot and port, from a thread of its own. left: told the slot.
    """

    def __init__(
        self,
        ports: Sequence[str],
        *,
        came: Callable[[int, str], None],
        left: Callable[[int], None],
    ) -> None:
        self._ports = tuple(ports)
        self._came = came
        self._left = left
        self._present: set[int] = set()
        self._ended = Event()
        self._thread = Thread(target=self._watch, name="ports", daemon=True)

    def look(self) -> None:
        """Tell what changed since the last look."""
        for number, port in enumerate(self._ports, start=1):
            there = Path(port).exists()
            if there and number not in self._present:
                self._present.add(number)
                self._came(number, port)
            elif not there and number in self._present:
                self._present.remove(number)
                self._left(number)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.is_set():
            self.look()
            self._ended.wait(LOOK_S)

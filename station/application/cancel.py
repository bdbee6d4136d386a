"""A request to stop, looked at between blocks; no thread is ever killed."""

from threading import Event

from station.domain.errors import Interrupted


class Cancel:
    """Set once by a person, read by the lane that serves the dock."""

    def __init__(self) -> None:
        self._asked = Event()

    def ask(self) -> None:
        """Ask the work that holds this token to stop at its next block."""
        self._asked.set()

    @property
    def asked(self) -> bool:
        """Whether a stop was asked for."""
        return self._asked.is_set()

    def check(self) -> None:
        """Raise Interrupted if a stop was asked for."""
        if self._asked.is_set():
            raise Interrupted("stopped by a person")

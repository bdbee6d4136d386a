"""Ctrl-C and SIGTERM while a dock is being served: the work is asked to end, and ends recorded."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from station.application.cancel import Cancel

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_NOTE: Final = b"\nstopping: what was begun is being closed. Once more ends it at once.\n"


@contextmanager
def stoppable() -> Iterator[Cancel]:
    """A token that the first signal sets; the second signal does what it does by default."""
    cancel = Cancel()
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def asked(_number: int, _frame: FrameType | None) -> None:
        restore()
        cancel.ask()
        os.write(2, _NOTE)  # unlike a buffered write, allowed at any moment

    for number in _SIGNALS:
        signal.signal(number, asked)
    try:
        yield cancel
    finally:
        restore()

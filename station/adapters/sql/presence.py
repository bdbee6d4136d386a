"""Which openings of a ledger file are still alive, so that only what a crash left is closed.

Each opening of the file holds a lock on one byte of its own in ``<ledger>-owners``; the operating
system lets go of it when the process ends, however it ends. The file stays empty. Locks are the
process's, not the opening's (fcntl(2)): an opening forgotten in this process counts as gone.
"""

import os
import secrets
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from station.domain.errors import RecordNotDurable

_OWNERS: Final = 2**62
"""Owners are numbers below this: random, so that no two openings ever share one."""


class Presence:
    """A sign of life. owner: what the runs opened under it carry."""

    def __init__(self, descriptor: int, owner: int) -> None:
        self._descriptor = descriptor
        self.owner = owner

    def alive(self, owner: int) -> bool:
        """Whether `owner` is this opening, or one of another process that still runs.

        Call it inside a write transaction: two who ask at once would see each other.
        """
        if owner == self.owner:
            return True
        if not _lock(self._descriptor, owner):
            return True
        _unlock(self._descriptor, owner)
        return False

    def end(self) -> None:
        """Let go; runs left open count as left by a crash from now on."""
        with suppress(OSError):
            os.close(self._descriptor)


def show(ledger: Path) -> Presence:
    """Show that this process has `ledger` open. Raises RecordNotDurable if that is impossible."""
    try:
        descriptor = os.open(
            ledger.with_name(f"{ledger.name}-owners"), os.O_RDWR | os.O_CREAT, 0o600
        )
    except OSError as error:
        raise RecordNotDurable(f"beside the ledger: {error.strerror}") from error
    owner = secrets.randbelow(_OWNERS)
    _lock(descriptor, owner)
    return Presence(descriptor, owner)


if sys.platform == "win32":

    def _lock(descriptor: int, byte: int) -> bool:
        # Windows stations run one process; nobody else can be alive.
        return True

    def _unlock(descriptor: int, byte: int) -> None: ...

else:
    import fcntl

    def _lock(descriptor: int, byte: int) -> bool:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
        except (BlockingIOError, PermissionError):
            return False
        return True

    def _unlock(descriptor: int, byte: int) -> None:
        fcntl.lockf(descriptor, fcntl.LOCK_UN, 1, byte)

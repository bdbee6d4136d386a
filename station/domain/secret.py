"""A value that must not leak: the only form in which secrets travel through the station.

A Secret shows its length and a running number, never its content. It decides nothing about what
is secret, and it cannot stop code that copies what `reveal` shows: Python may keep such copies.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from hmac import compare_digest
from itertools import count
from threading import Lock
from typing import Final, Never, Self, final

_NUMBERS: Final = count(1)
"""Ids are running numbers within the process: nothing about a value can be read from one."""

_COUNTING: Final = Lock()
"""Guards the counts of readers of all secrets; held for a few instructions only."""


@final
class Secret:
    """Octets in memory of our own that can be zeroed.

    Shown as ``<secret 32B id=00ab>``. Equality takes the same time wherever two values differ;
    there is no hash, no copy, no pickle and no JSON. Values of any length are allowed, none too.
    """

    __hash__ = None  # type: ignore[assignment]
    __slots__ = ("_number", "_octets", "_readers", "_wiped")

    def __init__(self, octets: bytes | bytearray | memoryview) -> None:
        """A copy of `octets`; the caller's own buffer stays as it is (see `taking`)."""
        if not isinstance(octets, bytes | bytearray | memoryview):
            raise TypeError("a secret is made of octets")
        self._octets = bytearray(octets)
        self._number = next(_NUMBERS)
        self._readers = 0
        self._wiped = False

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The UTF-8 octets of `text`. The str itself cannot be zeroed: prefer `taking`."""
        return cls.taking(bytearray(text, "utf-8"))

    @classmethod
    def taking(cls, buffer: bytearray) -> Self:
        """The content of `buffer`, which is zeroed."""
        secret = cls(buffer)
        _zero(buffer)
        return secret

    @property
    def size_bytes(self) -> int:
        """Length of the value; a wiped secret keeps its length."""
        return len(self._octets)

    @contextmanager
    def reveal(self) -> Iterator[memoryview]:
        """The octets, read-only and without a copy; the view is dead once the block is left.

        Raises ValueError if the secret was wiped.
        """
        with _COUNTING:
            if self._wiped:
                raise ValueError(f"{self!r} was wiped")
            self._readers += 1
        view = memoryview(self._octets).toreadonly()
        try:
            yield view
        finally:
            view.release()
            with _COUNTING:
                self._readers -= 1
                if self._wiped and not self._readers:
                    _zero(self._octets)

    def wipe(self) -> None:
        """Zero the value. Nobody may reveal it again; whoever reads it now reads to the end."""
        with _COUNTING:
            self._wiped = True
            if not self._readers:
                _zero(self._octets)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        with self.reveal() as mine, other.reveal() as theirs:
            return compare_digest(mine, theirs)

    def __repr__(self) -> str:
        return f"<secret {len(self._octets)}B id={self._number:04x}>"

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __copy__(self) -> Never:
        raise TypeError("a secret is not copied")

    def __deepcopy__(self, memo: object) -> Never:
        raise TypeError("a secret is not copied")

    def __reduce_ex__(self, protocol: object) -> Never:
        raise TypeError("a secret is not pickled")

    def __del__(self) -> None:
        # Construction may have failed before there was a buffer; and at the interpreter's end
        # this module's own names may be gone.
        if (octets := getattr(self, "_octets", None)) is not None:
            octets[:] = bytes(len(octets))


def _zero(buffer: bytearray) -> None:
    buffer[:] = bytes(len(buffer))

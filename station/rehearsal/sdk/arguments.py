"""What applications pass, checked at the door as MicroPython checks it: by type, with TypeError.

An integer is an `int` (a float is refused, however round it is), a buffer is anything with octets,
text included, which stands for its UTF-8.
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

Callback: TypeAlias = Callable[..., object]
"""Something of an application that is to be called later; its parameters are the caller's word."""

_WORD: Final = range(-(2**63), 2**63)


def whole(value: object, name: str) -> int:
    """An int, bool included. Raises OverflowError for what a machine word does not hold."""
    if not isinstance(value, int):
        raise TypeError(f"{name}: an int is needed, not {_kind(value)}")
    if value not in _WORD:
        raise OverflowError(f"{name}: too large for a machine word")
    return value


def text(value: object, name: str) -> str:
    """A str."""
    if not isinstance(value, str):
        raise TypeError(f"{name}: a str is needed, not {_kind(value)}")
    return value


def callback(value: object, name: str) -> Callback:
    """Something that can be called."""
    if not callable(value):
        raise TypeError(f"{name}: something callable is needed, not {_kind(value)}")
    return value


def octets(value: Any, name: str) -> bytes:
    """The octets of a buffer, copied; of a str, its UTF-8."""
    if isinstance(value, str):
        return value.encode("utf-8")
    try:
        return memoryview(value).tobytes()
    except TypeError as error:
        raise TypeError(f"{name}: an object with octets is needed, not {_kind(value)}") from error


def _kind(value: object) -> str:
    return type(value).__name__

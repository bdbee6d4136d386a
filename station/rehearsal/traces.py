"""The trace of an exception as a dock shows it on its splash: the application's lines, no others.

MicroPython prints no source line, no cause and no context, and of an exception its name and its
arguments. Names of exceptions are those it has; words of messages are Python's, but for the two
that every author meets.
Source: dock-sdk.md, 2.8; MicroPython 1.27, compared case by case.
"""

import builtins
from collections.abc import Iterator
from traceback import walk_tb
from typing import Final

from station.rehearsal.sdk.frames import is_application

MICROPYTHONS: Final = frozenset(
    (
        *("ArithmeticError", "AssertionError", "AttributeError", "BaseException", "EOFError"),
        *("Exception", "GeneratorExit", "ImportError", "IndentationError", "IndexError"),
        *("KeyError", "KeyboardInterrupt", "LookupError", "MemoryError", "NameError"),
        *("NotImplementedError", "OSError", "OverflowError", "RuntimeError"),
        *("StopAsyncIteration", "StopIteration", "SyntaxError", "SystemExit", "TypeError"),
        *("UnicodeError", "ValueError", "ZeroDivisionError"),
    )
)
"""The exceptions of MicroPython; a dock names fewer of them, but may raise any."""


def trace(error: BaseException) -> str:
    """The whole text; never raises, whatever the exception is made of."""
    lines = ["Traceback (most recent call last):", *_places(error)]
    return "\n".join([*lines, f"{_name(error)}: {_message(error)}"])


def _places(error: BaseException) -> Iterator[str]:
    for frame, line in walk_tb(error.__traceback__):
        if is_application(frame):
            code = frame.f_code
            yield f'  File "{code.co_filename}", line {line}, in {code.co_name}'
    if isinstance(error, SyntaxError) and error.lineno is not None:
        yield f'  File "{error.filename}", line {error.lineno}'


def _name(error: BaseException) -> str:
    """Of the next kind above it that MicroPython has, or that is none of Python's."""
    names = (kind.__name__ for kind in type(error).__mro__)
    return next(name for name in names if name in MICROPYTHONS or not hasattr(builtins, name))


def _message(error: BaseException) -> str:
    try:
        match error:
            case NameError(name=str(name)) if type(error) is NameError:
                return f"name '{name}' isn't defined"
            case SyntaxError(lineno=int()):
                return error.msg
            case OSError():
                return str(error)
        arguments = error.args
        match arguments:
            case ():
                return ""
            case (argument,):
                return str(argument)
        return str(arguments)
    except BaseException:  # noqa: BLE001 -- what an argument's own code raises is no second trace
        return "?"

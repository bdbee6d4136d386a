"""Which stack frames are an application's: those that have a dock's builtins, not Python's own.

So a trace names the application's lines and nothing of the modules below, whatever the code calls
its files.
"""

import builtins
import sys
from types import FrameType


def is_application(frame: FrameType) -> bool:
    """Whether this frame runs code of an application."""
    return frame.f_builtins is not builtins.__dict__


def innermost() -> FrameType | None:
    """The application's frame that called us; None where it did not."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and not is_application(frame):
        frame = frame.f_back
    return frame


def here() -> str:
    """Where the application is now, in words."""
    frame = innermost()
    if frame is None:
        return "before its first line"
    return f"{frame.f_code.co_filename}, line {frame.f_lineno}"

"""Module `io`: streams in memory. No file can be opened: an application of a dock has none.

Source: dock-sdk.md, 2.7.
"""

import errno
import io
from typing import NoReturn

from station.rehearsal.sdk.names import Names


def io_names() -> Names:
    """Of module `io`."""

    def open(name: object, mode: str = "r", **kwargs: object) -> NoReturn:  # noqa: A001
        raise OSError(errno.ENOENT, "ENOENT")

    return {"open": open, "StringIO": io.StringIO, "BytesIO": io.BytesIO}

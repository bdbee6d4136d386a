"""The one spelling of wall-clock times in everything that is signed, logged or stored.

Wall time is information for people; order comes from places in the log.
"""

import re
from datetime import UTC, datetime
from typing import Final

_SPELLING: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")


def utc_text(at: datetime) -> str:
    """``2026-11-25T08:00:00.000Z``: UTC, cut to the millisecond. Raises ValueError if naive."""
    if at.utcoffset() is None:
        raise ValueError("a wall-clock time without an offset")
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def parse_utc(text: str) -> datetime:
    """The aware time of `utc_text`. Raises ValueError for any other spelling."""
    if _SPELLING.fullmatch(text) is None:
        raise ValueError("not a time in UTC to the millisecond")
    return datetime.fromisoformat(text)

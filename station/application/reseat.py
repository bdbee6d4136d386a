"""A dock whose cable gave way before its run: which run it gets when it is plugged in again.

Only the very dock that was scanned inherits the scan, only in the slot it was in, and only for a
while. Source: operator guide, "Error catalogue", E-LINK-01.
"""

from dataclasses import dataclass
from typing import Final

from station.application.ports import DockIdentity
from station.domain.errors import NoDock
from station.domain.identity import DockId, Serial

RESEAT_S: Final = 60.0
"""How long a slot waits for its dock to be plugged in again."""

PAUSE_S: Final = 0.5
"""Before a link that never answered is tried once more: a port that has just come may not be
ready."""

RESEATED: Final = NoDock.code
"""The only trouble that a reseat mends without another scan. Whatever comes later than the first
answer of a dock may have changed it, and is for a person to decide."""


@dataclass(frozen=True, slots=True)
class Reseat:
    """A scan that waits for its own dock. order: name of the work order it was made under.

    until_s: on the monotonic clock.
    """

    serial: Serial
    order: str
    dock_id: DockId
    label: str
    until_s: float

    def is_for(self, identity: DockIdentity, now_s: float) -> bool:
        """Whether this dock is the one that was scanned, and in time."""
        same = (identity.dock_id, identity.label) == (self.dock_id, self.label)
        return same and now_s < self.until_s

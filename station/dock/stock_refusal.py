"""How the groups that others specify say no."""

from station.protocol.enumeration_group import GROUP as ENUMERATION
from station.protocol.enumeration_group import EnumerationCode
from station.protocol.filesystem_group import GROUP as FILES
from station.protocol.filesystem_group import FileCode
from station.protocol.image_group import GROUP as IMAGES
from station.protocol.image_group import ImageCode
from station.protocol.os_group import GROUP as SYSTEM
from station.protocol.os_group import SystemCode
from station.protocol.smp import ReturnCode

Code = ReturnCode | ImageCode | FileCode | EnumerationCode | SystemCode

_GROUPS = {ImageCode: IMAGES, FileCode: FILES, EnumerationCode: ENUMERATION, SystemCode: SYSTEM}


class StockRefused(Exception):
    """A request that is understood and denied, with nothing changed.

    code: says by its type whose it is. reason: one word for people; a group's own codes travel
    without one, for in their groups nobody expects it.
    """

    def __init__(self, code: Code, reason: str = "") -> None:
        super().__init__(f"{code.name} {reason}".rstrip())
        self.code = code
        self.reason = reason

    @property
    def group(self) -> int | None:
        """Whose code it is; None for one of SMP's general ones."""
        return _GROUPS.get(type(self.code))

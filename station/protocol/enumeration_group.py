"""SMP group 10, enumeration: which groups a server serves.

Others specify this group, so bodies may hold more keys than these. Older servers do not have it.

Source: Zephyr Project, "Enumeration Management Group" (SMP groups).
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Any, Final

from station.protocol.shape import Flag, Key, Many, Nested, Request, Shape, Text, Uint
from station.protocol.smp import Op

GROUP: Final = 10

GROUPS_MAX: Final = 128
"""Most groups a server may list; Zephyr has a dozen."""

_GROUP: Final = Uint(0xFFFF)


class EnumerationCode(IntEnum):
    """Codes of this group (`rc` in `err`); names as in the source."""

    OK = 0
    UNKNOWN = 1
    TOO_MANY_GROUP_ENTRIES = 2
    INSUFFICIENT_HEAP_FOR_ENTRIES = 3
    INDEX_TOO_LARGE = 4


@dataclass(frozen=True, slots=True)
class GroupCountAnswer(Shape):
    """How many groups there are."""

    OPEN = True

    count: Annotated[int, Key("count", _GROUP)]


@dataclass(frozen=True, slots=True)
class GroupCount(Request[GroupCountAnswer]):
    """Ask how many groups there are."""

    OP, GROUP, COMMAND, ANSWER = Op.READ, GROUP, 0, GroupCountAnswer
    OPEN = True


@dataclass(frozen=True, slots=True)
class GroupsAnswer(Shape):
    """The numbers of all groups served."""

    OPEN = True

    groups: Annotated[tuple[int, ...], Key("groups", Many(_GROUP, GROUPS_MAX))]


@dataclass(frozen=True, slots=True)
class Groups(Request[GroupsAnswer]):
    """Ask for the numbers of all groups."""

    OP, GROUP, COMMAND, ANSWER = Op.READ, GROUP, 1, GroupsAnswer
    OPEN = True

    def answer_bytes(self) -> int:
        """A list of small numbers."""
        return 128


@dataclass(frozen=True, slots=True)
class GroupAtAnswer(Shape):
    """end: True for the last group; None for any other."""

    OPEN = True

    group: Annotated[int, Key("group", _GROUP)]
    end: Annotated[bool | None, Key("end", Flag())] = None


@dataclass(frozen=True, slots=True)
class GroupAt(Request[GroupAtAnswer]):
    """Ask for the number of the group at `index`, from 0; None for the first."""

    OP, GROUP, COMMAND, ANSWER = Op.READ, GROUP, 2, GroupAtAnswer
    OPEN = True

    index: Annotated[int | None, Key("index", _GROUP)] = None


@dataclass(frozen=True, slots=True)
class GroupDetails(Shape):
    """What a server says of one group. handlers: how many commands it has."""

    OPEN = True

    group: Annotated[int, Key("group", _GROUP)]
    name: Annotated[str | None, Key("name", Text(64))] = None
    handlers: Annotated[int | None, Key("handlers", Uint(0xFF))] = None


@dataclass(frozen=True, slots=True)
class DetailsAnswer(Shape):
    """The groups asked for that there are."""

    OPEN = True

    groups: Annotated[
        tuple[GroupDetails, ...], Key("groups", Many(Nested(GroupDetails), GROUPS_MAX))
    ]


@dataclass(frozen=True, slots=True)
class Details(Request[DetailsAnswer]):
    """Ask for names and sizes of groups; None for all."""

    OP, GROUP, COMMAND, ANSWER = Op.READ, GROUP, 3, DetailsAnswer
    OPEN = True

    groups: Annotated[tuple[int, ...] | None, Key("groups", Many(_GROUP, GROUPS_MAX))] = None

    def answer_bytes(self) -> int:
        """A name for each group."""
        return 512


REQUESTS: Final[tuple[type[Request[Any]], ...]] = (GroupCount, Groups, GroupAt, Details)
"""All requests of this group, for a server."""

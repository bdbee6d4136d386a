"""Which SMP groups a dock serves, and what it tells of them: group 10.

Source: docs/SPEC.md, "Group 10".
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from station.dock.stock_refusal import StockRefused
from station.domain.errors import OperatorError
from station.protocol import (
    datastore_group,
    enumeration_group,
    filesystem_group,
    image_group,
    os_group,
)
from station.protocol import enumeration_group as wire
from station.protocol.enumeration_group import EnumerationCode
from station.protocol.shape import Request, Shape
from station.protocol.smp import ReturnCode


@dataclass(frozen=True, slots=True)
class _Group:
    """name: as Zephyr calls it, and ours in its manner."""

    name: str
    requests: Sequence[type[Request[Any]]]

    @property
    def commands(self) -> int:
        """How many commands it has; reading and writing state is one."""
        return len({each.COMMAND for each in self.requests})


_GROUPS: Final[Mapping[int, _Group]] = {
    os_group.GROUP: _Group("os mgmt", os_group.REQUESTS),
    image_group.GROUP: _Group("img mgmt", image_group.REQUESTS),
    filesystem_group.GROUP: _Group("fs mgmt", filesystem_group.REQUESTS),
    enumeration_group.GROUP: _Group("enum mgmt", enumeration_group.REQUESTS),
    datastore_group.GROUP: _Group("datastore", datastore_group.REQUESTS),
}

ALL_GROUPS: Final = tuple(_GROUPS)
"""What a dock serves unless it is told otherwise."""

STOCK_GROUPS: Final = tuple(group for group in _GROUPS if group != datastore_group.GROUP)
"""What a server nobody changed for us serves."""


class NoSuchGroup(OperatorError):
    """A dock is to serve groups no dock has, or none a client could begin with."""

    code = "E-DOCK-09"
    remedy = "Name some of the groups 0, 1, 8, 10 and 64, and 0 among them."


def demand_groups(groups: Collection[int]) -> None:
    """Raises NoSuchGroup: without group 0 nobody learns how large a request may be."""
    if os_group.GROUP not in groups or not set(groups) <= _GROUPS.keys():
        raise NoSuchGroup(f"no dock serves groups {', '.join(map(str, sorted(groups)))}")


def requests_of(groups: Collection[int]) -> list[type[Request[Any]]]:
    """All requests of these groups."""
    return [request for group in sorted(groups) for request in _GROUPS[group].requests]


class StockGroups:
    """groups: the numbers of those that are served."""

    def __init__(self, groups: Collection[int]) -> None:
        self._groups = sorted(groups)

    def answer(self, request: Request[Any]) -> Shape:
        """The answer to a request of group 10. Raises StockRefused."""
        match request:
            case wire.GroupCount():
                return wire.GroupCountAnswer(len(self._groups))
            case wire.Groups():
                return wire.GroupsAnswer(tuple(self._groups))
            case wire.GroupAt(index):
                return self._at(index or 0)
            case wire.Details(asked):
                chosen = self._groups if asked is None else sorted(set(asked) & set(self._groups))
                return wire.DetailsAnswer(tuple(map(_details, chosen)))
            case _:
                raise StockRefused(ReturnCode.NOT_SUPPORTED)

    def _at(self, index: int) -> wire.GroupAtAnswer:
        if index >= len(self._groups):
            raise StockRefused(EnumerationCode.INDEX_TOO_LARGE)
        last = index == len(self._groups) - 1
        return wire.GroupAtAnswer(self._groups[index], end=True if last else None)


def _details(group: int) -> wire.GroupDetails:
    return wire.GroupDetails(group, _GROUPS[group].name, _GROUPS[group].commands)

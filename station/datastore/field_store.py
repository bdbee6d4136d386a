"""What may be written in the field: the runtime and ephemeral partitions, by our own calls.

The vendor documents no write API; this one is ours, and nothing of it is ever added to the modules
an application sees. ROM has no name here, so no call can reach it.
Source: dock-sdk.md, 1.1, 1.4 and 5.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, assert_never

from station.datastore.partitions import Partition
from station.domain.entries import Entry, Kind


class FieldPartition(StrEnum):
    """The partitions that can be written."""

    EPHEMERAL = "ephemeral"
    RUNTIME = "runtime"


@dataclass(frozen=True, slots=True)
class KindUse:
    """Entries of one kind, and the octets of their names and contents."""

    entries: int = 0
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """used_bytes: held against the budget, bookkeeping included; never less than `by_kind` adds up
    to (dock-sdk.md, Q2)."""

    by_kind: dict[Kind, KindUse]
    used_bytes: int
    budget_bytes: int

    @property
    def free_bytes(self) -> int:
        """What is left of the budget."""
        return self.budget_bytes - self.used_bytes


class WritablePartition(Partition, Protocol):
    """A partition with a byte budget shared by all kinds."""

    @property
    def usage(self) -> Usage:
        """What it holds."""

    def put(self, entry: Entry) -> None:
        """Hold this entry in place of any other of its key.

        Once this returns it is held for as long as the partition holds anything. Raises StoreFull,
        naming the shortfall, with nothing changed.
        """

    def delete(self, kind: Kind, name: str) -> None:
        """Hold it no longer. Raises NoSuchEntry, with nothing changed."""

    def clear(self) -> None:
        """Hold nothing."""


class FieldStore:
    """The two partitions, by name."""

    def __init__(self, *, runtime: WritablePartition, ephemeral: WritablePartition) -> None:
        self._runtime = runtime
        self._ephemeral = ephemeral

    def put(self, where: FieldPartition, entry: Entry) -> None:
        """See `WritablePartition.put`."""
        self._at(where).put(entry)

    def delete(self, where: FieldPartition, kind: Kind, name: str) -> None:
        """See `WritablePartition.delete`."""
        self._at(where).delete(kind, name)

    def usage(self, where: FieldPartition) -> Usage:
        """What a partition holds, by kind."""
        return self._at(where).usage

    def factory_reset(self) -> None:
        """Back to the manufactured state: both empty, ROM as it is."""
        self._ephemeral.clear()
        self._runtime.clear()

    def _at(self, where: FieldPartition) -> WritablePartition:
        match where:
            case FieldPartition.RUNTIME:
                return self._runtime
            case FieldPartition.EPHEMERAL:
                return self._ephemeral
        assert_never(where)

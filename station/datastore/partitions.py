"""Partitions of the datastore and the order they are looked up in.

An application asks for an item and names no partition: the first one that holds it wins. Code is
never mixed: the first partition that has any owns all of it (docs/SPEC.md, "Look-up").
"""

from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Protocol

from station.datastore.volume import Volume
from station.domain.entries import Entry, Kind


class PartitionName(StrEnum):
    """The three partitions of a dock (dock-sdk.md, 1.1)."""

    EPHEMERAL = "ephemeral"
    RUNTIME = "runtime"
    ROM = "rom"


class Partition(Protocol):
    """Something that holds entries."""

    @property
    def name(self) -> PartitionName:
        """Which one it is."""

    def holds(self, kind: Kind, name: str) -> bool:
        """Whether it has the entry, without touching its content."""

    def get(self, kind: Kind, name: str) -> Entry | None:
        """The entry, if it is here.

        `data` is good until the partition next changes; who keeps it longer copies it.
        """

    def names(self, kind: Kind) -> Collection[str]:
        """Of every entry of a kind, each once."""


class RomPartition:
    """The volumes of an accepted image, read-only: unique data first, then the common.

    Which unique entries may hide a common one, acceptance has decided before.
    """

    def __init__(self, upd: Volume, common: Volume) -> None:
        self._layers = (upd, common)

    @property
    def name(self) -> PartitionName:
        """ROM."""
        return PartitionName.ROM

    def holds(self, kind: Kind, name: str) -> bool:
        """See `Partition`."""
        return any((kind, name) in volume.keys for volume in self._layers)

    def get(self, kind: Kind, name: str) -> Entry | None:
        """See `Partition`."""
        for volume in self._layers:
            if (entry := volume.get(kind, name)) is not None:
                return entry
        return None

    def names(self, kind: Kind) -> Collection[str]:
        """See `Partition`."""
        return {name for volume in self._layers for of, name in volume.keys if of is kind}


class Datastore:
    """partitions: in the order of look-up, each name once (ValueError otherwise)."""

    def __init__(self, partitions: Sequence[Partition]) -> None:
        self._partitions = {partition.name: partition for partition in partitions}
        if len(self._partitions) < len(partitions):
            raise ValueError("a partition stands in the order of look-up twice")

    def holds(self, kind: Kind, name: str) -> bool:
        """Whether an application can get the entry; nothing of its content is touched."""
        return any(partition.holds(kind, name) for partition in self._asked(kind))

    def get(self, kind: Kind, name: str) -> Entry | None:
        """The entry an application gets. See `Partition.get` for how long its data is good."""
        for partition in self._asked(kind):
            if (entry := partition.get(kind, name)) is not None:
                return entry
        return None

    def names(self, kind: Kind) -> list[str]:
        """Of everything an application can get, sorted, each once."""
        return sorted({name for partition in self._asked(kind) for name in partition.names(kind)})

    def partition(self, name: PartitionName) -> Partition | None:
        """One partition by its name, for those who must know where an entry lies."""
        return self._partitions.get(name)

    def _asked(self, kind: Kind) -> Sequence[Partition]:
        """The partitions that count for a kind, in order."""
        partitions = tuple(self._partitions.values())
        if kind is Kind.CODE:
            return tuple(partition for partition in partitions if partition.names(kind))[:1]
        return partitions

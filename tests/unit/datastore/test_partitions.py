from collections.abc import Collection
from dataclasses import dataclass

import pytest

from station.datastore.partitions import Datastore, PartitionName, RomPartition
from station.datastore.volume import Volume
from station.domain.entries import Entry, Kind
from tests.unit.datastore.made_images import COMMON, UPD

ROM = RomPartition(Volume.open(UPD), Volume.open(COMMON))


@dataclass(frozen=True)
class Held:
    """A partition over a few entries in memory."""

    name: PartitionName
    entries: tuple[Entry, ...]

    def holds(self, kind: Kind, name: str) -> bool:
        return self.get(kind, name) is not None

    def get(self, kind: Kind, name: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.key == (kind, name)), None)

    def names(self, kind: Kind) -> Collection[str]:
        return [entry.name for entry in self.entries if entry.kind is kind]


def text(entry: Entry | None) -> str | None:
    return None if entry is None else bytes(entry.data).decode()


def test_unique_data_is_seen_before_the_common() -> None:
    assert text(ROM.get(Kind.KV, "dock_name")) == "Dock 7"
    assert text(ROM.get(Kind.KV, "url")) == "https://content.example/"
    assert ROM.get(Kind.KV, "nothing") is None
    assert sorted(ROM.names(Kind.KV)) == ["dock_name", "token", "url"]
    assert sorted(ROM.names(Kind.FONT)) == []


def test_the_first_partition_that_holds_an_item_wins() -> None:
    runtime = Held(PartitionName.RUNTIME, (Entry(Kind.KV, "url", b"new"),))
    ephemeral = Held(PartitionName.EPHEMERAL, (Entry(Kind.KV, "token", b"now"),))
    datastore = Datastore((ephemeral, runtime, ROM))

    assert text(datastore.get(Kind.KV, "token")) == "now"
    assert text(datastore.get(Kind.KV, "url")) == "new"
    assert text(datastore.get(Kind.KV, "dock_name")) == "Dock 7"
    assert datastore.get(Kind.KV, "nothing") is None


def test_names_are_the_sorted_union() -> None:
    entries = (Entry(Kind.KV, "url", b""), Entry(Kind.KV, "zone", b""), Entry(Kind.KV, "a", b""))
    datastore = Datastore((Held(PartitionName.RUNTIME, entries), ROM))

    assert datastore.names(Kind.KV) == ["a", "dock_name", "token", "url", "zone"]
    assert datastore.names(Kind.FONT) == []


def test_the_first_partition_with_code_owns_all_of_it() -> None:
    module = Held(PartitionName.RUNTIME, (Entry(Kind.CODE, "helper.py", b""),))
    datastore = Datastore((Held(PartitionName.EPHEMERAL, ()), module, ROM))

    assert datastore.names(Kind.CODE) == ["helper.py"]
    assert datastore.get(Kind.CODE, "main.py") is None
    assert text(Datastore((ROM,)).get(Kind.CODE, "main.py")) == "print('x')\n"


def test_no_partition_no_item() -> None:
    assert Datastore(()).get(Kind.CODE, "main.py") is None
    assert Datastore(()).names(Kind.KV) == []


def test_a_partition_is_found_by_its_name() -> None:
    datastore = Datastore((ROM,))

    assert datastore.partition(PartitionName.ROM) is ROM
    assert datastore.partition(PartitionName.RUNTIME) is None


def test_a_partition_stands_once_in_the_order() -> None:
    with pytest.raises(ValueError, match="twice"):
        Datastore((ROM, ROM))

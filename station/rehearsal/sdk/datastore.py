"""Modules `datastore` and `image`: the vendor's classes over whatever the machine holds.

The classes are those of `station/datastore/vendor.py`, which a virtual dock and the verification
of a readback use, too; here they only tell what was asked for.
Source: dock-sdk.md, 2.1, and Q3 to Q6, Q10 and Q12.
"""

from collections.abc import Collection
from typing import ClassVar, Final

from station.datastore import vendor
from station.datastore.partitions import Datastore, PartitionName
from station.domain.entries import Entry, Kind
from station.rehearsal.machine import Machine
from station.rehearsal.sdk.arguments import text
from station.rehearsal.sdk.names import Names, bound

_STORES: Final = {Kind.KV: "datastore.KvStore", Kind.IMG: "datastore.ImageStore"}


class _Everything:
    """All partitions of the machine, which looks up in their order, as one. A `Partition`."""

    name = PartitionName.ROM

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def get(self, kind: Kind, name: str) -> Entry | None:
        """See `Partition`."""
        self._machine.called(f"{_STORES[kind]}.get", text(name, "name"))
        return self._machine.entry(kind, name)

    def holds(self, kind: Kind, name: str) -> bool:
        """See `Partition`; asks for names only, so that no content is moved."""
        self._machine.called(f"{_STORES[kind]}.get_token", text(name, "name"))
        return name in self._machine.names(kind)

    def names(self, kind: Kind) -> Collection[str]:
        """See `Partition`."""
        self._machine.called(f"{_STORES[kind]}.list")
        return self._machine.names(kind)


class CodeStore(vendor.CodeStore):
    """`datastore.CodeStore`: the checksum comes from whoever holds ROM."""

    _machine: ClassVar[Machine]

    def info(self) -> dict[str, int]:
        """See `vendor.CodeStore`."""
        self._machine.called("datastore.CodeStore.info")
        return {"checksum": self._machine.rom_checksum()}


def datastore_names(machine: Machine) -> Names:
    """Of module `datastore`."""
    api = vendor.open_vendor_api(Datastore((_Everything(machine),)), machine.unknown_image)
    return {
        "KvStore": bound("KvStore", api.KvStore),
        "ImageStore": bound("ImageStore", api.ImageStore),
        "CodeStore": bound("CodeStore", CodeStore, _machine=machine),
    }


def image_names() -> Names:
    """Of module `image`."""
    return {
        "NONE": vendor.IMAGE.NONE,
        "PNG": vendor.IMAGE.PNG,
        "BMP": vendor.IMAGE.BMP,
        "ImageToken": vendor.ImageToken,
    }

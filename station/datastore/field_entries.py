"""What a partition that can be written asks before it takes an entry: is it one, and is there room.

The same for both partitions, so that an entry refused here is refused there in the same words.
Source: docs/SPEC.md, "Writable partitions".
"""

from station.datastore.partitions import PartitionName
from station.domain.entries import Entry, Kind, is_text, shown
from station.domain.errors import DocumentRefused, NoSuchEntry, StoreFull
from station.domain.limits import ENTRIES_MAX


def demand_entry(entry: Entry) -> memoryview:
    """The content of an entry fit to be held, as octets.

    Raises DocumentRefused for a key-value that is no text; of names, `Entry` lets no bad one pass.
    """
    octets = memoryview(entry.data).cast("B").toreadonly()
    if entry.kind is Kind.KV and not is_text(octets):
        raise DocumentRefused(
            f"the value of {shown(entry.name)} is not UTF-8 without NUL",
            remedy="Store text, or store it as an image.",
        )
    return octets


def demand_room(where: PartitionName, needed_bytes: int, free_bytes: int) -> None:
    """Raise StoreFull, naming the shortfall, for an entry that takes more than is free."""
    if needed_bytes > free_bytes:
        raise StoreFull(
            f"{needed_bytes - free_bytes:,} bytes more than the {where} partition has free"
        )


def demand_place(where: PartitionName, entries: int) -> None:
    """Raise StoreFull for one more than `entries` where these are all a partition may hold."""
    if entries >= ENTRIES_MAX:
        raise StoreFull(f"the {where} partition holds {entries:,} entries already, and no more")


def no_such_entry(where: PartitionName, kind: Kind, name: str) -> NoSuchEntry:
    """What to raise where a partition is asked to delete what it does not hold."""
    return NoSuchEntry(f"the {where} partition holds no {kind} {shown(name)}")

"""What a dock must hold, entry by entry: the unique data of one dock over what its bundle has."""

from collections import ChainMap
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self
from zlib import crc32

from station.domain.bundle import EntryKey
from station.domain.entries import Entry, Kind, PictureType


@dataclass(frozen=True, slots=True)
class Content:
    """One entry as it is compared. data: a view, where the entry has one."""

    data: bytes | memoryview = field(repr=False)
    digest: bytes
    picture: PictureType | None

    @property
    def size_bytes(self) -> int:
        """Length of the data."""
        return len(self.data)


@dataclass(frozen=True, slots=True)
class Expected:
    """What must be there, and nothing else. No evidence line tells more of a content than its name.

    code_checksum: CRC-32 of the application, None without one.
    """

    entries: ChainMap[EntryKey, Content]
    code_checksum: int | None

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Self:
        """Of these entries alone; made once for a bundle, and shared by its lanes."""
        held = _contents(entries)
        code = [content.data for (kind, _), content in held.items() if kind is Kind.CODE]
        return cls(ChainMap(held), crc32(code[0]) if code else None)

    def under(self, unique: Iterable[Entry]) -> "Expected":
        """The same with unique data over it; what is beneath is not copied. Unique data is never
        code (docs/SPEC.md, "Volume")."""
        return Expected(self.entries.new_child(_contents(unique)), self.code_checksum)

    def names(self, kind: Kind) -> list[str]:
        """Sorted names of one kind."""
        return sorted(name for of, name in self.entries if of is kind)


def _contents(entries: Iterable[Entry]) -> dict[EntryKey, Content]:
    return {one.key: Content(one.data, one.digest, one.picture) for one in entries}

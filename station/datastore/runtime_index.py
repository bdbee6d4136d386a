"""Which entries a runtime partition holds, found again from the heads of its records.

Decides which of several records counts and which must never count again; reads no content.
Source: docs/SPEC.md, "Start".
"""

from dataclasses import dataclass, field
from typing import Final

from station.datastore.runtime_format import EntryHead, PieceHead, Record, Sizes
from station.domain.bundle import EntryKey
from station.domain.entries import PictureType

UNWRITTEN: Final = -1


@dataclass(slots=True)
class Held:
    """An entry on flash. address: of its record. pieces: addresses of the records its content is
    in, where it is not in its own. name_bytes: octets of its name.

    lost: its content was read and is not what was written.
    """

    serial: int
    key: EntryKey
    picture: PictureType | None
    name_bytes: int
    size_bytes: int
    crc: int
    address: int = UNWRITTEN
    pieces: list[int] = field(default_factory=list)
    lost: bool = False


class Found:
    """What the records of an area say, taken one by one in any order."""

    def __init__(self, sizes: Sizes) -> None:
        self._sizes = sizes
        self._newest: dict[EntryKey, Candidate] = {}
        self._pieces: dict[int, dict[int, tuple[int, int]]] = {}
        self._superseded: list[int] = []
        self.last_serial = 0

    def take(self, address: int, record: Record) -> None:
        """The higher serial counts; of two copies of one record, that in the later segment."""
        self.last_serial = max(self.last_serial, record.serial)
        match record.head:
            case EntryHead() as head if not record.dropped:
                found = Candidate(record.serial, record.sequence, address, head)
                key = (head.kind, head.name)
                if (other := self._newest.get(key)) is not None:
                    self._superseded.append(min(found, other).address)
                    found = max(found, other)
                self._newest[key] = found
            case PieceHead(number):
                pieces = self._pieces.setdefault(record.serial, {})
                pieces[number] = max(pieces.get(number, (0, 0)), (record.sequence, address))
            case _:
                pass

    def settled(self) -> tuple[list[Held], list[int]]:
        """Entries that count, and addresses of the records that must not count again, come what
        may: older ones, and those of which a piece is missing."""
        held: dict[int, Held] = {}
        superseded = list(self._superseded)
        for found in self._newest.values():
            pieces = self._addresses(found)
            if pieces is None or found.serial in held:
                superseded.append(found.address)
            else:
                held[found.serial] = found.held(pieces)
        return list(held.values()), superseded

    def _addresses(self, found: "Candidate") -> list[int] | None:
        """Of every piece; None where one is missing."""
        count = self._sizes.piece_count(len(found.head.name.encode("utf-8")), found.head.size_bytes)
        pieces = self._pieces.get(found.serial, {})
        if len(pieces) < count or any(number not in pieces for number in range(count)):
            return None
        return [pieces[number][1] for number in range(count)]


@dataclass(frozen=True, slots=True, order=True)
class Candidate:
    """An entry's record; the greatest of a name is the one that counts."""

    serial: int
    sequence: int
    address: int
    head: EntryHead = field(compare=False)

    def held(self, pieces: list[int]) -> Held:
        """What is known of the entry, now that its pieces are found."""
        head = self.head
        return Held(
            serial=self.serial,
            key=(head.kind, head.name),
            picture=head.picture,
            name_bytes=len(head.name.encode("utf-8")),
            size_bytes=head.size_bytes,
            crc=head.crc,
            address=self.address,
            pieces=pieces,
        )

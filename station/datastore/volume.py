"""A volume: the entries of one part of the ROM store, as a cdb with exactly one spelling.

The same entries give the same bytes on any machine. A volume is opened only if writing its
entries again gives the very bytes it has: cdb by itself would allow duplicate keys, pointers into
the middle of records, and bytes nobody points at. Decides nothing about signatures.
Source: docs/SPEC.md, "Volume".
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Final, Self

from station.datastore import cdb
from station.domain import canonical_json
from station.domain.bundle import OVERLAY_KINDS, EntryKey, in_order
from station.domain.entries import NAME_MAX_BYTES, Entry, Kind, PictureType, is_text, shown
from station.domain.errors import DocumentRefused, ImageRefused, Reason
from station.domain.limits import ENTRIES_MAX

VERSION: Final = 1
"""Version of the layout, written into the list; a reader refuses any other."""

SALT_BYTES: Final = 32
"""Enough that nobody tests guesses of a weak token against a published digest."""

ALIGNED_FROM_BYTES: Final = 65_536
ALIGNMENT_BYTES: Final = 4_096
"""Contents of 64 KiB and more begin on a page, so that a dock can map them. Aligning small ones
too would cost up to half the store (measured)."""

SALT_KEY: Final = b"salt\0"
LIST_KEY: Final = b"meta\0"
FILLER_KEY: Final = b""

_FILLING: Final = b"\xff"
"""What erased flash holds."""

_LIST_START: Final = b'{"entries":['
_LIST_END: Final = b'],"version":%d}' % VERSION

_TYPE: Final = re.compile(rb'"type":(null|"[A-Z]{3,4}")\}')
"""The end of an item of the list. Not to be found inside a name: there, a quote is escaped."""

_KINDS: Final = {kind.value.encode("ascii"): kind for kind in Kind}
_KEY_MAX_BYTES: Final = max(len(kind) for kind in Kind) + 1 + NAME_MAX_BYTES
_COMPARED_BYTES: Final = 65_536


def build_common_volume(entries: Iterable[Entry]) -> bytes:
    """The volume every dock gets alike. The order of `entries` does not matter.

    Raises DocumentRefused for a key-value that is not text and for names made to collide in the
    hash tables, ValueError for a duplicate.
    """
    return _build(entries, None)


def build_upd_volume(entries: Iterable[Entry], *, salt: bytes) -> bytes:
    """The volume made for one dock: key-values and images only.

    salt: 32 random octets that are written nowhere else.
    Raises as `build_common_volume`, and ValueError for another kind or a salt of another length.
    """
    return _build(entries, salt)


class Volume:
    """An accepted volume over a buffer that is never copied; safe to read from any thread.

    Made by `open`, `open_common` and `open_upd` only.
    """

    def __init__(
        self, reader: cdb.Reader, pictures: Mapping[EntryKey, PictureType | None], *, salted: bool
    ) -> None:
        self._reader = reader
        self._pictures = pictures
        self._salted = salted

    @classmethod
    def open(cls, buffer: bytes | bytearray | memoryview) -> Self:
        """A volume of either sort.

        Raises ImageRefused (reason `volume`) unless `buffer` is the only spelling of a volume.
        """
        data = memoryview(buffer).cast("B").toreadonly()
        try:
            reader = cdb.Reader(data)
            salt, entries = _read(reader)
            canonical = _same(data, cdb.pieces(_records(entries, salt)))
        except (ValueError, DocumentRefused) as error:
            raise ImageRefused(f"a damaged volume: {error}", reason=Reason.VOLUME) from error
        if not canonical:
            raise ImageRefused(
                "a volume in another than its canonical spelling", reason=Reason.VOLUME
            )
        pictures = {entry.key: entry.picture for entry in entries}
        return cls(reader, pictures, salted=salt is not None)

    @classmethod
    def open_common(cls, buffer: bytes | bytearray | memoryview) -> Self:
        """A common volume. Raises ImageRefused for anything else."""
        volume = cls.open(buffer)
        if volume._salted:
            raise ImageRefused("the common volume has a salt", reason=Reason.VOLUME)
        return volume

    @classmethod
    def open_upd(cls, buffer: bytes | bytearray | memoryview) -> Self:
        """An UPD volume. Raises ImageRefused for anything else."""
        volume = cls.open(buffer)
        if not volume._salted:
            raise ImageRefused("the UPD volume has no salt", reason=Reason.VOLUME)
        return volume

    @property
    def salt(self) -> bytes:
        """Of an UPD volume, 32 octets; empty for a common one."""
        return bytes(self._reader.get(SALT_KEY) or b"") if self._salted else b""

    @property
    def keys(self) -> Set[EntryKey]:
        """Kind and name of every entry, in the order they are written."""
        return self._pictures.keys()

    def get(self, kind: Kind, name: str) -> Entry | None:
        """The entry, found by its hash as a dock finds it; `data` is a view of the buffer."""
        if (kind, name) not in self._pictures:
            return None
        content = self._reader.get(_key(kind, name))
        return None if content is None else Entry(kind, name, content, self._pictures[kind, name])

    def key_at(self, offset_bytes: int) -> EntryKey | None:
        """Kind and name of the entry whose record covers this byte; None between entries."""
        at = cdb.HEADER_BYTES
        for key, content in self._reader.records():
            at += cdb.RECORD_HEAD_BYTES + len(key) + len(content)
            if offset_bytes < at:
                found = {_key(*one): one for one in self.keys}
                return found.get(bytes(key)) if offset_bytes >= cdb.HEADER_BYTES else None
        return None

    def entries(self) -> Iterator[Entry]:
        """Every entry in the order they are written; `data` is a view of the buffer."""
        return (entry for key in self.keys if (entry := self.get(*key)) is not None)


def demand_overlay(upd: Volume, common: Volume, replaceable: Set[EntryKey]) -> None:
    """Raise ImageRefused where unique data would shadow what the maker did not declare so."""
    shadowed = sorted((upd.keys & common.keys) - replaceable, key=in_order)
    if shadowed:
        kind, name = shadowed[0]
        raise ImageRefused(
            f"unique {kind} {shown(name)} would replace an entry of the bundle"
            " that is not replaceable",
            reason=Reason.COLLISION,
        )


# -- writing -------------------------------------------------------------------------------------


def _build(entries: Iterable[Entry], salt: bytes | None) -> bytes:
    ordered = sorted(entries, key=lambda entry: in_order(entry.key))
    try:
        return b"".join(cdb.pieces(_records(ordered, salt)))
    except cdb.KeysCollide as error:
        raise DocumentRefused(f"names of entries: {error}", remedy="Rename them.") from error


def _records(entries: Sequence[Entry], salt: bytes | None) -> list[cdb.Record]:
    """Every record of the volume: salt, list, then the entries with fillers between them.

    entries: sorted by `in_order`.
    """
    _check(entries, salt)
    records = [] if salt is None else [cdb.Record(SALT_KEY, salt)]
    records.append(cdb.Record(LIST_KEY, _list(entries)))
    at = cdb.HEADER_BYTES + sum(record.size_bytes for record in records)
    for entry in entries:
        record = cdb.Record(_key(*entry.key), entry.data)
        if len(entry.data) >= ALIGNED_FROM_BYTES:
            content_at = at + cdb.RECORD_HEAD_BYTES + len(record.key)
            if gap := -content_at % ALIGNMENT_BYTES:
                filler = _filler(gap)
                records.append(filler)
                at += filler.size_bytes
        records.append(record)
        at += record.size_bytes
    return records


def _filler(gap: int) -> cdb.Record:
    """A record no look-up finds, `gap` octets long or one alignment longer."""
    if gap < cdb.RECORD_HEAD_BYTES:
        gap += ALIGNMENT_BYTES
    return cdb.Record(FILLER_KEY, _FILLING * (gap - cdb.RECORD_HEAD_BYTES), indexed=False)


def _check(entries: Sequence[Entry], salt: bytes | None) -> None:
    """What holds of every volume, written or read."""
    if len(entries) > ENTRIES_MAX:
        raise ValueError(f"a volume has at most {ENTRIES_MAX} entries")
    if len({entry.key for entry in entries}) < len(entries):
        raise ValueError("an entry stands in a volume twice")
    if salt is not None:
        if len(salt) != SALT_BYTES:
            raise ValueError(f"a salt has {SALT_BYTES} octets")
        if not OVERLAY_KINDS.issuperset(entry.kind for entry in entries):
            raise ValueError("unique data is key-values and images, never code or fonts")
    for entry in entries:
        if entry.kind is Kind.KV and not is_text(entry.data):
            raise DocumentRefused(f"the value of {shown(entry.name)} is not UTF-8 without NUL")


def _list(entries: Sequence[Entry]) -> bytes:
    return _LIST_START + b",".join(map(_item, entries)) + _LIST_END


def _item(entry: Entry) -> bytes:
    return canonical_json.encode(
        {
            "kind": entry.kind.value,
            "name": entry.name,
            "sha256": entry.digest.hex(),
            "size": len(entry.data),
            "type": entry.picture.value if entry.picture else None,
        }
    )


def _key(kind: Kind, name: str) -> bytes:
    return kind.value.encode("ascii") + b"\0" + name.encode("utf-8")


# -- reading -------------------------------------------------------------------------------------


def _read(reader: cdb.Reader) -> tuple[bytes | None, list[Entry]]:
    """Salt and entries of what may be a volume.

    Of the list nothing is taken but picture types, and it is not parsed: a list of 13 MB can hold
    millions of values. The caller writes it again and compares.
    """
    found = _found(reader)
    salt, listed = found.pop(SALT_KEY, None), found.pop(LIST_KEY, None)
    if listed is None:
        raise ValueError("no list of entries")
    if bytes(listed[-len(_LIST_END) :]) != _LIST_END:
        raise ValueError("not a list of entries of a version this program knows")
    if list(found) != sorted(found):
        raise ValueError("records in another order than their own")
    types = _TYPE.finditer(listed)
    entries = [
        _entry(key, content, type_.group(1))
        for (key, content), type_ in zip(found.items(), types, strict=False)
    ]
    if len(entries) < len(found):
        raise ValueError("a record that the list does not name")
    return None if salt is None else bytes(salt), entries


def _found(reader: cdb.Reader) -> dict[bytes, memoryview]:
    """Value of every key but the filler's, in address order."""
    found: dict[bytes, memoryview] = {}
    fillers = 0
    for view, value in reader.records():
        if len(view) > _KEY_MAX_BYTES:
            raise ValueError("a key that is too long")
        key = bytes(view)
        if key in found or len(found) > ENTRIES_MAX + 2 or fillers > ENTRIES_MAX:
            raise ValueError("a key that stands there twice, or one too many")
        if key == FILLER_KEY:
            fillers += 1
        else:
            found[key] = value
    return found


def _entry(key: bytes, content: memoryview, type_: bytes) -> Entry:
    """type_: as spelled in the list. Raises ValueError for what cannot be an entry."""
    kind, _, name = key.partition(b"\0")
    if kind not in _KINDS:
        raise ValueError("a kind of entry that this program does not know")
    picture = None if type_ == b"null" else PictureType(type_.strip(b'"').decode("ascii"))
    return Entry(_KINDS[kind], name.decode("utf-8"), content, picture)


def _same(buffer: memoryview, expected: Iterator[bytes | memoryview]) -> bool:
    """Whether the pieces, one behind the other, are all of `buffer`.

    In parts of 64 KiB as bytes: views are compared octet by octet, bytes by memcmp.
    """
    at = 0
    for piece in expected:
        for start in range(0, len(piece), _COMPARED_BYTES):
            part = bytes(piece[start : start + _COMPARED_BYTES])
            if bytes(buffer[at : at + len(part)]) != part:
                return False
            at += len(part)
    return at == len(buffer)

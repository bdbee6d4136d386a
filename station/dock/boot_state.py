"""What the boot loader remembers: which image stays, which one waits or is on trial.

Laws, for any cut of power: the newest whole record counts; an image runs for good only after it
was confirmed while running; one that was started and not confirmed is given up at the next
start; before a byte of a slot changes, no record names that slot any more. The security counter
never falls.
"""

import struct
import zlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import Enum, IntEnum
from typing import Final, Self

from station.dock.flash import Flash
from station.dock.layout import Area
from station.domain.errors import StationFault


class FlashFailed(StationFault):
    """The flash no longer keeps what is written to it."""

    code = "E-DOCK-07"
    remedy = "Use another flash file."


class Phase(IntEnum):
    """Where the dock is between one image and the next; the value is the one in a record."""

    SETTLED = 0
    """The kept image runs, or nothing does."""

    PENDING = 1
    """A candidate was accepted and waits for the next start."""

    TRIAL = 2
    """The candidate was started and has not been confirmed."""


class Event(Enum):
    """What moves the boot state."""

    CLEARED = "the spare slot is about to be written"
    MARKED = "a written image was accepted"
    TRIED = "at start, the candidate was accepted again"
    REFUSED = "at start, the candidate was no longer acceptable"
    GIVEN_UP = "at start, a trial had not been confirmed"
    CONFIRMED = "the image on trial is to stay"


NEXT: Final[dict[Phase, dict[Event, Phase]]] = {
    Phase.SETTLED: {
        Event.CLEARED: Phase.SETTLED,
        Event.MARKED: Phase.PENDING,
    },
    Phase.PENDING: {
        Event.CLEARED: Phase.SETTLED,
        Event.MARKED: Phase.PENDING,  # the answer was lost and the commit came again
        Event.TRIED: Phase.TRIAL,
        Event.REFUSED: Phase.SETTLED,
    },
    Phase.TRIAL: {
        Event.CLEARED: Phase.SETTLED,  # the next write begins before the trial was confirmed
        Event.GIVEN_UP: Phase.SETTLED,
        Event.CONFIRMED: Phase.SETTLED,
    },
}


class NotNow(Exception):
    """An event that the phase does not allow."""


@dataclass(frozen=True, slots=True)
class SlotImage:
    """An image as it was committed: its length and the SHA-256 of its bytes, 32 octets."""

    size_bytes: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class BootState:
    """counter: the lowest security counter an image may have.

    keeper: the slot whose image, `kept`, stays; None before the first was confirmed, and on a
    one-slot dock from the moment its slot is written. candidate: the image in the spare slot,
    while it waits or is on trial.
    """

    phase: Phase = Phase.SETTLED
    counter: int = 0
    keeper: int | None = None
    kept: SlotImage | None = None
    candidate: SlotImage | None = None

    @property
    def events(self) -> Collection[Event]:
        """What may happen now."""
        return NEXT[self.phase].keys()

    def spare(self, slots: int) -> int:
        """The slot that is written next, of a dock with `slots` slots; a candidate lies there."""
        return 0 if self.keeper is None else (self.keeper + 1) % slots

    def after(
        self,
        event: Event,
        *,
        slots: int,
        image: SlotImage | None = None,
        counter: int = 0,
    ) -> Self:
        """The state that follows. image: the one accepted, with MARKED. counter: of the one that
        is to stay, with CONFIRMED. Raises NotNow.
        """
        try:
            phase = NEXT[self.phase][event]
        except KeyError:
            raise NotNow(f"{self.phase.name}: {event.value}") from None
        match event:
            case Event.MARKED:
                return replace(self, phase=phase, candidate=image)
            case Event.TRIED:
                return replace(self, phase=phase)
            case Event.CONFIRMED:
                return replace(
                    self,
                    phase=phase,
                    counter=max(self.counter, counter),
                    keeper=self.spare(slots),
                    kept=self.candidate,
                    candidate=None,
                )
            case Event.CLEARED if slots == 1:
                return replace(self, phase=phase, keeper=None, kept=None, candidate=None)
            case Event.CLEARED | Event.REFUSED | Event.GIVEN_UP:
                return replace(self, phase=phase, candidate=None)


RECORD_BYTES: Final = 128
"""Room of one record; it divides a page, so that a record is one program operation."""

_MAGIC: Final = b"BST1"
_NO_SLOT: Final = 0xFF
_FIELDS: Final = struct.Struct("<4sIIBBxxI32sI32s")
"""Magic, sequence from 1, counter, phase, keeper (0xFF: none), two zero octets; then length and
SHA-256 of the kept image and of the candidate (length 0: none)."""

_CRC: Final = struct.Struct("<I")
"""CRC-32 (IEEE) of the fields; behind it the record's room stays erased."""


class BootRecords:
    """Boot state in two flash sectors: records are only appended, and the newest whole one counts.

    A full sector is left as it is until the first record of the other one is whole. A flash
    without any whole record is a new one: initial state.
    Source: docs/SPEC.md, "Boot state".
    """

    def __init__(self, flash: Flash, areas: tuple[Area, Area]) -> None:
        self._flash = flash
        self._areas = areas
        self._sequence = 0
        self._sector = 0
        self.state = BootState()
        for index, area in enumerate(areas):
            for place in range(self._used(area)):
                found = _decode(self._record(area, place))
                if found is not None and found[0] > self._sequence:
                    self._sequence, self.state = found
                    self._sector = index
        self._next = self._used(areas[self._sector])

    def append(self, state: BootState) -> None:
        """Make `state` the newest; once this returns it is what a start will find.

        Raises PowerLost, and FlashFailed where no place keeps a record.
        """
        record = _encode(self._sequence + 1, state)
        for _ in range(2 * _places(self._areas[0])):
            if self._next == _places(self._areas[self._sector]):
                self._turn()
            area, place = self._areas[self._sector], self._next
            self._flash.program(area.offset_bytes + place * RECORD_BYTES, record)
            self._next += 1
            if self._record(area, place)[: len(record)] == record:
                self._sequence += 1
                self.state = state
                return
        raise FlashFailed("no sector keeps the boot state")

    def _turn(self) -> None:
        self._sector = 1 - self._sector
        area = self._areas[self._sector]
        self._flash.clear(area.offset_bytes, area.size_bytes)
        self._next = 0

    def _used(self, area: Area) -> int:
        """How many places there are up to the last octet that is not erased."""
        cells = self._flash.view(area.offset_bytes, area.size_bytes).tobytes()
        return -(-len(cells.rstrip(self._flash.erased(1))) // RECORD_BYTES)

    def _record(self, area: Area, place: int) -> bytes:
        return self._flash.view(area.offset_bytes + place * RECORD_BYTES, RECORD_BYTES).tobytes()


def _places(area: Area) -> int:
    return area.size_bytes // RECORD_BYTES


def _encode(sequence: int, state: BootState) -> bytes:
    kept = state.kept or SlotImage(0, bytes(32))
    candidate = state.candidate or SlotImage(0, bytes(32))
    fields = _FIELDS.pack(
        _MAGIC,
        sequence,
        state.counter,
        state.phase,
        _NO_SLOT if state.keeper is None else state.keeper,
        kept.size_bytes,
        kept.sha256,
        candidate.size_bytes,
        candidate.sha256,
    )
    return fields + _CRC.pack(zlib.crc32(fields))


def _decode(record: bytes) -> tuple[int, BootState] | None:
    """Sequence number and state; None for anything but a whole record."""
    fields, crc = record[: _FIELDS.size], record[_FIELDS.size :][: _CRC.size]
    magic, sequence, counter, phase, keeper, *images = _FIELDS.unpack(fields)
    if magic != _MAGIC or _CRC.unpack(crc)[0] != zlib.crc32(fields):
        return None
    kept_bytes, kept_sha256, candidate_bytes, candidate_sha256 = images
    return sequence, BootState(
        phase=Phase(phase),
        counter=counter,
        keeper=None if keeper == _NO_SLOT else keeper,
        kept=SlotImage(kept_bytes, kept_sha256) if kept_bytes else None,
        candidate=SlotImage(candidate_bytes, candidate_sha256) if candidate_bytes else None,
    )

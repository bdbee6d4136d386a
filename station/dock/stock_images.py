"""The image slots as stock clients know them: SMP group 1.

An upload begins, writes and is judged by the code that serves group 64, so both leave a slot and
the boot state alike. What is ours is only how they are told of: an image is found by looking at
the slot, and named by the hash in its own trailer.

Source: docs/SPEC.md, "Group 1" and the table of what a stock action becomes.
"""

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from station.datastore.rom_image import MAGIC
from station.dock.boot_state import FlashFailed, NotNow
from station.dock.firmware import Firmware
from station.dock.image_stamp import Stamp, stamp_of
from station.dock.layout import Layout
from station.dock.slot_writer import SlotWriter
from station.dock.slots import Refused
from station.dock.stock_refusal import StockRefused
from station.domain.limits import HEADER_BYTES
from station.protocol import datastore_group as own
from station.protocol import image_group as wire
from station.protocol.datastore_group import Slot
from station.protocol.image_group import ImageCode
from station.protocol.shape import DoneByOthers, Request, Shape
from station.protocol.smp import ReturnCode

_MAGIC: Final = MAGIC.to_bytes(4, "little")
_VERSION: Final = struct.Struct("<20xBBH")
"""Where a MCUboot header has major, minor and revision."""


@dataclass(slots=True)
class _Upload:
    """An image on its way. writer: what it goes through; over once the slot has another."""

    writer: SlotWriter
    digest: bytes | None
    offset: int = 0


class StockImages:
    """locked: whether the dock takes no image any more. May raise PowerLost."""

    def __init__(self, firmware: Firmware, layout: Layout, *, locked: Callable[[], bool]) -> None:
        self._firmware = firmware
        self._slots = layout.slots
        self._locked = locked
        self._upload: _Upload | None = None

    def answer(self, request: Request[Any]) -> Shape:
        """The answer to a request of group 1. Raises StockRefused."""
        with _in_the_groups_codes():
            match request:
                case wire.Upload():
                    return self._take(request)
                case wire.ReadState():
                    return self._states()
                case wire.WriteState():
                    return self._set_state(request)
                case wire.Erase(slot):
                    return self._erase(slot)
                case wire.SlotInfo():
                    return self._slot_info()
                case _:
                    raise StockRefused(ReturnCode.NOT_SUPPORTED)

    # -- uploading -----------------------------------------------------------------------------

    def _take(self, part: wire.Upload) -> wire.UploadAnswer:
        """Append what is expected; whatever else comes is told what is."""
        if part.offset == 0 and not self._goes_on(part):
            self._begin(part)
        upload = self._current()
        if upload is None:
            return wire.UploadAnswer(0)
        size = upload.writer.size_bytes
        if part.offset == 0 and upload.offset == size:
            return self._whole(upload)
        if part.offset != upload.offset or not part.data:
            return wire.UploadAnswer(upload.offset)
        if part.offset + len(part.data) > size:
            raise StockRefused(ImageCode.INVALID_IMAGE_DATA_OVERRUN)
        self._firmware.slots.write(own.Write(part.offset, part.data))
        upload.offset += len(part.data)
        if upload.offset < size:
            return wire.UploadAnswer(upload.offset)
        self._firmware.slots.finish()
        return self._whole(upload)

    def _current(self) -> _Upload | None:
        """The upload, unless a restart, a lock or another write has ended it."""
        if self._upload is not None and self._upload.writer is not self._firmware.slots.writer:
            self._upload = None
        return self._upload

    def _goes_on(self, part: wire.Upload) -> bool:
        """Whether a first part is of the image that is being written already."""
        upload = self._current()
        return (
            upload is not None
            and part.digest is not None
            and part.digest == upload.digest
            and part.size == upload.writer.size_bytes
        )

    def _begin(self, part: wire.Upload) -> None:
        self._demand_unlocked()
        self._demand_a_beginning(part)
        assert part.size is not None  # noqa: S101 (demanded above)
        self._firmware.begin(own.Begin(part.size))
        writer = self._firmware.slots.writer
        assert writer is not None  # noqa: S101 (there is one after a begin)
        self._upload = _Upload(writer, part.digest)

    def _demand_a_beginning(self, part: wire.Upload) -> None:
        """Raises StockRefused, before anything has changed, for what begins no image."""
        data = bytes(part.data[: _VERSION.size])
        if part.image:
            raise StockRefused(ImageCode.NO_FREE_SLOT)
        if part.size is None:
            raise StockRefused(ImageCode.INVALID_LENGTH)
        if part.size > self._slots[0].size_bytes:
            raise StockRefused(ImageCode.INVALID_IMAGE_TOO_LARGE)
        if part.size < HEADER_BYTES or not data:
            raise StockRefused(ImageCode.INVALID_IMAGE_HEADER)
        if not _MAGIC.startswith(data[: len(_MAGIC)]):
            raise StockRefused(ImageCode.INVALID_IMAGE_HEADER_MAGIC)
        if part.digest is not None and len(part.digest) != wire.HASH_BYTES:
            raise StockRefused(ImageCode.INVALID_HASH)
        if part.upgrade:
            self._demand_newer(data)

    def _demand_newer(self, data: bytes) -> None:
        running = self._stamp(Slot.ACTIVE)
        if running is None:
            return
        if len(data) < _VERSION.size:
            raise StockRefused(ImageCode.VERSION_GET_FAILED)
        if _VERSION.unpack(data) <= running.version:
            raise StockRefused(ImageCode.CURRENT_VERSION_IS_NEWER)

    def _whole(self, upload: _Upload) -> wire.UploadAnswer:
        """All of the image has come; one with another digest than announced is given up."""
        slots, size = self._firmware.slots, upload.writer.size_bytes
        if upload.digest is None:
            return wire.UploadAnswer(size)
        match = sha256(slots.whole(Slot.OTHER)[:size]).digest() == upload.digest
        if not match:
            slots.stop_writing()
        return wire.UploadAnswer(size, match)

    # -- what is there, and what becomes of it -------------------------------------------------

    @property
    def release(self) -> str:
        """Version of the image that runs; empty where none does."""
        running = self._stamp(Slot.ACTIVE)
        return "" if running is None else running.text

    def _states(self) -> wire.ImageStates:
        """Every image a slot is found to hold."""
        state, images = self._firmware.slots.state(), []
        if (stamp := self._stamp(Slot.ACTIVE)) is not None:
            kept = state.active is not None and state.active.confirmed
            images.append(_described(stamp, wire.PRIMARY, confirmed=kept, active=True))
        if (stamp := self._stamp(Slot.OTHER)) is not None:
            kept = state.other is not None and state.other.confirmed
            images.append(
                _described(
                    stamp,
                    self._number(Slot.OTHER),
                    confirmed=kept,
                    pending=state.other is not None and not kept,
                )
            )
        return wire.ImageStates(tuple(images))

    def _set_state(self, request: wire.WriteState) -> wire.ImageStates:
        if request.hash is None and not request.confirm:
            raise StockRefused(ImageCode.INVALID_HASH)
        if request.hash is not None and len(request.hash) != wire.HASH_BYTES:
            raise StockRefused(ImageCode.INVALID_HASH)
        if request.confirm:
            self._confirm(request.hash)
        else:
            self._try(request.hash)
        return self._states()

    def _confirm(self, wanted: bytes | None) -> None:
        """Keep the running image; no other is kept before it has run."""
        running = self._stamp(Slot.ACTIVE)
        if wanted is not None and (running is None or running.sha256 != wanted):
            other = self._stamp(Slot.OTHER)
            known = other is not None and other.sha256 == wanted
            raise StockRefused(
                ImageCode.IMAGE_CONFIRMATION_DENIED if known else ImageCode.HASH_NOT_FOUND
            )
        active = self._firmware.slots.state().active
        if active is None:
            raise StockRefused(ImageCode.NO_IMAGE)
        self._firmware.slots.confirm(own.Confirm(active.digest))

    def _try(self, wanted: bytes | None) -> None:
        """Let the image in the other slot run at the next start, if it is acceptable."""
        other = self._stamp(Slot.OTHER)
        if other is None or other.sha256 != wanted:
            running = self._stamp(Slot.ACTIVE)
            raise StockRefused(
                ImageCode.IMAGE_SETTING_TEST_TO_ACTIVE_DENIED
                if running is not None and running.sha256 == wanted
                else ImageCode.HASH_NOT_FOUND
            )
        self._demand_unlocked()
        found = self._firmware.slots.commit_found(other.size_bytes)
        if not found.accepted:
            raise StockRefused(ReturnCode.ACCESS_DENIED, found.reason)

    def _erase(self, number: int | None) -> DoneByOthers:
        slots = self._firmware.slots
        if number is not None and number >= len(self._slots):
            raise StockRefused(ImageCode.INVALID_SLOT)
        named = number is not None and number != self._number(Slot.OTHER)
        if named or slots.spare_is_named:
            raise StockRefused(ImageCode.NO_FREE_SLOT)
        self._demand_unlocked()
        slots.erase_spare()
        return DoneByOthers()

    def _slot_info(self) -> wire.SlotInfoAnswer:
        sizes = (wire.SlotSize(number, one.size_bytes) for number, one in enumerate(self._slots))
        return wire.SlotInfoAnswer((wire.SlotsOfImage(0, tuple(sizes)),))

    def _number(self, slot: Slot) -> int:
        """Stock clients number slots by what they are for; a dock with one has only that."""
        return wire.SECONDARY if slot is Slot.OTHER and len(self._slots) > 1 else wire.PRIMARY

    def _stamp(self, slot: Slot) -> Stamp | None:
        """Of the image a slot holds. The running one was proved when it was started; of one that is
        being written over nothing is told, though it may still be whole.
        """
        slots = self._firmware.slots
        if slot is Slot.OTHER and slots.half_written:
            return None
        try:
            cells = slots.whole(slot)
        except Refused:
            return None
        return stamp_of(cells, prove=slot is Slot.OTHER)

    def _demand_unlocked(self) -> None:
        if self._locked():
            raise StockRefused(ReturnCode.ACCESS_DENIED, "locked")


@contextmanager
def _in_the_groups_codes() -> Iterator[None]:
    """What flash and boot state refuse, as stock clients are told."""
    try:
        yield
    except FlashFailed as error:
        raise StockRefused(ImageCode.FLASH_WRITE_FAILED) from error
    except NotNow as error:
        raise StockRefused(ImageCode.IMAGE_ALREADY_PENDING) from error


def _described(
    stamp: Stamp, number: int, *, confirmed: bool, pending: bool = False, active: bool = False
) -> wire.ImageState:
    return wire.ImageState(
        slot=number,
        version=stamp.text,
        hash=stamp.sha256,
        bootable=True,
        pending=pending,
        confirmed=confirmed,
        active=active,
    )

"""The image slots as the wire sees them: writing the spare one, and what both hold.

Speaks the answers of SMP group 64; what they mean for booting, the boot loader decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Generic, assert_never

from station.dock.boot import BootLoader, ImageT, Inspect, Running
from station.dock.boot_state import FlashFailed, NotNow, Phase, SlotImage
from station.dock.flash import Flash
from station.dock.layout import Area, Layout
from station.dock.slot_writer import BadRange, SlotWriter
from station.domain.errors import ImageRefused
from station.protocol import datastore_group as wire
from station.protocol.compression import NotInflated, inflated
from station.protocol.datastore_group import DatastoreCode, Slot
from station.protocol.shape import Done

OTHER_SIZE: Final = "size"
"""Reason not to accept an image of another size than was begun; the others are `Reason`'s."""


class Refused(Exception):
    """A request this dock understands and denies. reason: for people, may be empty."""

    def __init__(self, code: DatastoreCode, reason: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Written:
    """How far the image being written has come, counting what the slot held already."""

    done_bytes: int
    size_bytes: int


def refusal(error: Refused | BadRange | FlashFailed | NotNow) -> Refused:
    """The error as the wire spells it."""
    match error:
        case Refused():
            return error
        case BadRange():
            return Refused(DatastoreCode.BAD_RANGE, str(error))
        case FlashFailed():
            return Refused(DatastoreCode.FLASH_FAILED, str(error))
        case NotNow():
            return Refused(DatastoreCode.NOT_BEGUN, str(error))
        case _:
            assert_never(error)


def plain(request: wire.Write, methods: Sequence[str]) -> wire.Write:
    """The same write without compression. methods: those this dock has said it can inflate.

    Raises Refused; nothing was written then.
    """
    if request.method is None or request.size is None:
        return request
    if request.method.value not in methods:
        raise Refused(DatastoreCode.UNSUPPORTED)
    try:
        data = inflated(request.method, request.data, request.size)
    except NotInflated as error:
        raise Refused(DatastoreCode.NOT_INFLATED, str(error)) from error
    return wire.Write(request.offset, data)


def cut(text: str, octets_max: int) -> str:
    """As much of a text as fits that many octets of UTF-8, spelled as the wire allows."""
    octets = text.encode("utf-8", errors="replace").replace(b"\0", b"?")
    return octets[:octets_max].decode("utf-8", errors="ignore")


class Slots(Generic[ImageT]):
    """The slots of one flash. Made started; `restart` starts again.

    Every method may raise PowerLost; those that answer a request also Refused, BadRange,
    FlashFailed and NotNow, which `refusal` puts into the wire's codes.
    """

    def __init__(self, flash: Flash, layout: Layout, inspect: Inspect[ImageT]) -> None:
        self._flash = flash
        self._layout = layout
        self._inspect = inspect
        self._loader = BootLoader(flash, layout, inspect)
        self._writer: SlotWriter | None = None
        self.running: Running[ImageT] = self._loader.start()

    @property
    def counter(self) -> int:
        """The lowest security counter an image may have."""
        return self._loader.state.counter

    @property
    def on_trial(self) -> bool:
        """Whether the running image has not been confirmed yet."""
        return self._loader.state.phase is Phase.TRIAL

    @property
    def written(self) -> Written | None:
        """None while no image is being written."""
        if self._writer is None:
            return None
        return Written(self._writer.done_bytes, self._writer.size_bytes)

    @property
    def writer(self) -> SlotWriter | None:
        """What an image being written goes through; None while none is."""
        return self._writer

    @property
    def half_written(self) -> bool:
        """Whether an image has been begun of which not everything has come."""
        written = self.written
        return written is not None and written.done_bytes < written.size_bytes

    @property
    def spare_is_named(self) -> bool:
        """Whether what the slot that is written next holds still counts."""
        state = self._loader.state
        one_slot = len(self._layout.slots) == 1
        return state.candidate is not None or (one_slot and state.keeper is not None)

    @property
    def active_area(self) -> Area:
        """The slot that is running."""
        if self.running.slot is None:
            raise Refused(DatastoreCode.NO_ENTRY, self.running.reason)
        return self._layout.slots[self.running.slot]

    def restart(self) -> None:
        """Forget what only memory holds and start again."""
        self._writer = None
        self._loader = BootLoader(self._flash, self._layout, self._inspect)
        self.running = self._loader.start()

    def stop_writing(self) -> None:
        """No more of the image being written is taken."""
        self._writer = None

    # -- writing -------------------------------------------------------------------------------

    def begin(self, request: wire.Begin) -> Done:
        """Give up what the spare slot holds; a trial is given up with it."""
        if not 0 < request.size <= self._layout.slots[0].size_bytes:
            raise Refused(DatastoreCode.TOO_LARGE)
        self._writer = self._spare_writer(request.size)
        return Done()

    def copy(self, request: wire.Copy) -> wire.CopyAnswer:
        """Take over the blocks the dock can prove it has."""
        writer, block_bytes = self._open_writer(), request.block_size
        if not block_bytes:
            raise Refused(DatastoreCode.BAD_RANGE)
        source = None if self.running.slot is None else self._layout.slots[self.running.slot]
        held = []
        for index, digest in enumerate(request.digests):
            offset = request.offset + index * block_bytes
            size = min(block_bytes, writer.size_bytes - offset)
            held.append(writer.hold(offset, digest, size, source))
        return wire.CopyAnswer(request.offset, tuple(held))

    def write(self, request: wire.Write) -> wire.WriteAnswer:
        """Put bytes into the spare slot."""
        writer = self._open_writer()
        writer.write(request.offset, request.data)
        return wire.WriteAnswer(request.offset)

    def commit(self, request: wire.Commit) -> wire.CommitAnswer:
        """Judge the written image; what is wrong with it is an answer, not a refusal."""
        if self._writer is None:
            raise Refused(DatastoreCode.NOT_BEGUN)
        if request.size != self._writer.size_bytes:
            return wire.CommitAnswer(False, OTHER_SIZE)
        self._writer.finish()
        try:
            self._loader.mark(request.size, request.digest, made_here=False)
        except ImageRefused as error:
            return wire.CommitAnswer(False, error.reason.value)
        return wire.CommitAnswer(True)

    def finish(self) -> None:
        """Erase behind the image being written, which is whole, what it did not bring."""
        self._open_writer().finish()

    def commit_found(self, size_bytes: int) -> wire.CommitAnswer:
        """Judge an image of this length that the spare slot holds, however it came there."""
        if self.on_trial:
            raise NotNow("an image is on trial")
        digest = sha256(self._flash.view(self._loader.spare.offset_bytes, size_bytes)).digest()
        self._writer = SlotWriter(self._flash, self._loader.spare, size_bytes)
        if not self._writer.hold(0, digest, size_bytes, None):
            raise FlashFailed("the flash reads differently each time")
        return self.commit(wire.Commit(size_bytes, digest))

    def erase_spare(self) -> None:
        """Erase the slot that is written next. Raises NotNow where what it holds counts."""
        if self.spare_is_named:
            raise NotNow("the slot holds an image that counts")
        self._writer = None
        self._flash.clear(self._loader.spare.offset_bytes, self._loader.spare.size_bytes)

    def confirm(self, request: wire.Confirm) -> Done:
        """Keep the running image."""
        if self.running.image is None:
            raise Refused(DatastoreCode.NO_ENTRY, self.running.reason)
        active = self._active_image()
        if active is None or active.sha256 != request.digest:
            raise Refused(DatastoreCode.OTHER_IMAGE)
        self._loader.confirm(self.running.image.security_counter)
        return Done()

    def replace(self, image: bytes) -> None:
        """Let an image this dock has made run from the next start on, confirmed.

        Gives up a trial, and an image being written. Raises BadRange where it fits no slot, and
        FlashFailed.
        """
        self._writer = None
        writer = self._spare_writer(len(image))
        writer.write(0, image)
        writer.finish()
        try:
            self._loader.mark(len(image), sha256(image).digest(), made_here=True)
        except ImageRefused as error:
            raise FlashFailed("the flash does not keep the image") from error

    # -- what is there -------------------------------------------------------------------------

    def state(self) -> wire.SlotStateAnswer:
        """What the boot state says of both slots."""
        state = self._loader.state
        active = self._active_image()
        other: wire.SlotContent | None = None
        match state.phase:
            case Phase.PENDING if state.candidate is not None:
                other = _content(state.candidate, pending=True, confirmed=False)
            case Phase.TRIAL if state.kept is not None:
                other = _content(state.kept, pending=True, confirmed=True)
        confirmed = state.phase is not Phase.TRIAL
        return wire.SlotStateAnswer(
            None if active is None else _content(active, pending=False, confirmed=confirmed),
            other,
        )

    def challenge(self, request: wire.Challenge) -> wire.ChallengeAnswer:
        """Digest the nonce and then the cells as they are now."""
        digest = sha256(request.nonce)
        for each in request.ranges:
            digest.update(self._cells(request.slot, each.offset, each.length))
        return wire.ChallengeAnswer(digest.digest())

    def digests(self, request: wire.BlockDigests) -> wire.BlockDigestsAnswer:
        """Digest each block as it is now."""
        if not request.block_size or not request.length:
            raise Refused(DatastoreCode.BAD_RANGE)
        if request.blocks() > wire.DIGESTS_MAX:
            raise Refused(DatastoreCode.TOO_LARGE)
        cells = self._cells(request.slot, request.offset, request.length)
        return wire.BlockDigestsAnswer(
            request.offset,
            tuple(
                sha256(cells[start : start + request.block_size]).digest()
                for start in range(0, request.length, request.block_size)
            ),
        )

    def read(self, request: wire.Read) -> wire.ReadAnswer:
        """The cells as they are now."""
        cells = self._cells(request.slot, request.offset, request.length)
        return wire.ReadAnswer(request.offset, cells)

    def whole(self, slot: Slot) -> memoryview:
        """All cells of a slot as they are now."""
        return self._cells(slot, 0, self._layout.slots[0].size_bytes)

    def running_image(self) -> memoryview | None:
        """The cells of the image that runs; None where none does."""
        image = self._active_image()
        if image is None:
            return None
        return self._cells(Slot.ACTIVE, 0, image.size_bytes)

    def _spare_writer(self, size_bytes: int) -> SlotWriter:
        """For an image in the spare slot, which no record names any more. Raises BadRange."""
        writer = SlotWriter(self._flash, self._loader.spare, size_bytes)
        trial = self.on_trial
        self._loader.clear()
        if trial or len(self._layout.slots) == 1:
            self.running = self._loader.start()
        return writer

    def _open_writer(self) -> SlotWriter:
        """The image being written; from its first changed byte on, no record names its slot."""
        if self._writer is None:
            raise Refused(DatastoreCode.NOT_BEGUN)
        if self._loader.state.candidate is not None:
            self._loader.clear()
        return self._writer

    def _active_image(self) -> SlotImage | None:
        if self.running.slot is None:
            return None
        state = self._loader.state
        return state.candidate if state.phase is Phase.TRIAL else state.kept

    def _cells(self, slot: Slot, offset_bytes: int, size_bytes: int) -> memoryview:
        area = self.active_area if slot is Slot.ACTIVE else self._other_area()
        if not 0 <= offset_bytes <= offset_bytes + size_bytes <= area.size_bytes:
            raise Refused(DatastoreCode.BAD_RANGE)
        return self._flash.view(area.offset_bytes + offset_bytes, size_bytes)

    def _other_area(self) -> Area:
        if self.running.slot is None:
            return self._loader.spare
        if len(self._layout.slots) == 1:
            raise Refused(DatastoreCode.NO_ENTRY, "this dock has one slot, and it is running")
        return self._layout.slots[1 - self.running.slot]


def _content(image: SlotImage, *, pending: bool, confirmed: bool) -> wire.SlotContent:
    return wire.SlotContent(image.size_bytes, image.sha256, pending, confirmed)

"""A dock that serves only what any SMP server does: groups 1 and 8 in the workflow's words.

It takes an image whole and in order, gives the one it runs back as a file, and says who it is in
another. It has no way to prove anything else, and what it cannot do raises NoWayToProve.
Source: docs/SPEC.md, "Stock servers".
"""

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from typing import Final, NoReturn

from station.adapters.serial_link.conversation import BACK_S, FLASH_BYTES_PER_S, Conversation
from station.adapters.serial_link.dock import identity_of, not_supported
from station.application.cancel import Cancel
from station.application.ports import (
    CommitRefused,
    DeviceProof,
    DockAnswers,
    DockIdentity,
    Piece,
    SlotState,
)
from station.datastore.plan import Part
from station.datastore.rom_image import RomImage
from station.datastore.segments import Segments
from station.domain.bundle import EntryKey
from station.domain.errors import NoAnswer, NoWayToProve
from station.domain.limits import IMAGE_BYTES_MAX
from station.protocol import datastore_group as ds
from station.protocol import filesystem_group as fs
from station.protocol import image_group as img
from station.protocol.client import REASON
from station.protocol.errors import DockRefused
from station.protocol.filesystem_group import FileCode
from station.protocol.image_group import ImageCode
from station.protocol.os_group import Reset
from station.protocol.shape import OtherShape
from station.protocol.smp import ReturnCode

_REFUSED: Final = {
    ImageCode.FLASH_OPEN_FAILED: "flash",
    ImageCode.FLASH_READ_FAILED: "flash",
    ImageCode.FLASH_WRITE_FAILED: "flash",
    ImageCode.FLASH_ERASE_FAILED: "flash",
    ImageCode.INVALID_IMAGE_HEADER: "format",
    ImageCode.INVALID_IMAGE_HEADER_MAGIC: "format",
    ImageCode.INVALID_HASH: "digest",
    ImageCode.HASH_NOT_FOUND: "digest",
    ImageCode.INVALID_IMAGE_TOO_LARGE: "size",
    ImageCode.INVALID_IMAGE_DATA_OVERRUN: "size",
    ImageCode.CURRENT_VERSION_IS_NEWER: "counter",
}
"""Codes of group 1 with which a dock refuses an image, as the workflow's reasons."""

_NO_FILE: Final = {
    FileCode.FILE_INVALID_NAME,
    FileCode.FILE_NOT_FOUND,
    FileCode.FILE_IS_DIRECTORY,
    FileCode.MOUNT_POINT_NOT_FOUND,
}

_ANOTHER_IMAGE: Final = {
    ImageCode.NO_IMAGE,
    ImageCode.HASH_NOT_FOUND,
    ImageCode.IMAGE_CONFIRMATION_DENIED,
}
"""Codes by which a dock says that it does not run the image it is to keep."""


class StockDock:
    """`application.ports.Dock`, by groups 0, 1 and 8."""

    def __init__(self, conversation: Conversation) -> None:
        self._talk = conversation
        self._locked = False
        self._slot_bytes = 0
        self._written_sha256 = b""
        self._image_hash = b""

    @property
    def line_bytes(self) -> int:
        """Bytes that went over the line so far, both ways."""
        return self._talk.line_bytes

    def identify(self) -> DockIdentity:
        """Who it is, by its own file. Raises NoWayToProve where it has none."""
        self._talk.learn_limits()
        path = self._talk.link.identity_path
        document = self._small_file(path, ds.DOCUMENT_BYTES_MAX)
        try:
            found = ds.Identity.from_document(document)
        except OtherShape as error:
            raise NoAnswer(f"the dock's file {path} holds no identity") from error
        self._locked = found.locked
        self._slot_bytes = min(found.slot_size, IMAGE_BYTES_MAX)
        return identity_of(found, stock=True)

    # -- writing -------------------------------------------------------------------------------

    def begin(self, size_bytes: int, common: Sequence[Part]) -> None:
        """Nothing is cleared or copied before the upload; what could not be taken is refused."""
        if self._locked:
            raise CommitRefused("locked")
        if size_bytes > self._slot_bytes:
            raise CommitRefused("size")

    def write(
        self, pieces: Iterable[Piece], *, done: Callable[[int], None], cancel: Cancel
    ) -> None:
        """Upload the whole image, which the pieces are in address order.

        An upload that was interrupted goes on where the server says: it knows it by its digest,
        and compares that in the end. Raises ImageRefused for pieces that are no image.
        """
        image = Segments(piece.data for piece in pieces)
        self._image_hash = RomImage.parse(image).seal.sha256
        self._written_sha256 = image.digest

        def read(offset: int, size: int) -> memoryview:
            return image.view(offset, offset + size)

        def rest(offset: int) -> Iterator[img.Upload]:
            for request in img.upload_requests(
                read, image.size_bytes, offset, message_max=self._talk.message_max
            ):
                cancel.check()
                yield request

        until_s = self._talk.until_s(
            carried_bytes=image.size_bytes, flash_bytes=self._slot_bytes + 2 * image.size_bytes
        )
        first = img.begin_upload(
            read,
            image.size_bytes,
            digest=self._written_sha256,
            message_max=self._talk.message_max,
        )
        cancel.check()
        with _refusals():
            answer = self._talk.ask(first, until_s=until_s)
            reached = answer.offset
            done(min(len(first.data), reached))
            for answered in self._talk.series(rest(reached), until_s=until_s):
                answer = answered.answer
                further = max(reached, min(image.size_bytes, answer.offset))
                done(further - reached)
                reached = further
        if answer.match is False:
            raise CommitRefused("digest")

    def commit(self, size_bytes: int, image_sha256: bytes) -> None:
        """Let what was uploaded run at the next start, on trial. A stock server looks at no
        signature before that: what its loader makes of the image, `slot_state` tells then."""
        if image_sha256 != self._written_sha256:
            raise CommitRefused("digest")
        until_s = self._talk.until_s(flash_bytes=self._slot_bytes + 3 * size_bytes)
        with _refusals():
            found = self._talk.ask(img.ReadState(), until_s=until_s)
            if not any(one.hash == self._image_hash and not one.active for one in found.images):
                raise CommitRefused("digest")
            self._talk.ask(img.WriteState(self._image_hash), until_s=until_s)

    def confirm(self, image_sha256: bytes) -> None:
        """Make the active image stay, if it is the one that was written."""
        if image_sha256 != self._written_sha256:
            return
        try:
            self._talk.ask(
                img.WriteState(self._image_hash, confirm=True), until_s=self._talk.until_s()
            )
        except DockRefused as refused:
            if refused.group != img.GROUP or refused.rc not in _ANOTHER_IMAGE:
                raise

    def factory_reset(self) -> None:
        """Restart it; nothing that the field left in it can be emptied. A loader that swaps its
        slots takes the time of its flash for both."""
        self._talk.ask(Reset(), until_s=self._talk.until_s())
        swap_s = 2 * self._slot_bytes / FLASH_BYTES_PER_S
        self._talk.follow_restart(self.identify, back_s=BACK_S + swap_s)

    # -- reading -------------------------------------------------------------------------------

    def slot_state(self) -> SlotState:
        """The image it runs, by the hash in its trailer; as long as the file is."""
        found = self._talk.ask(img.ReadState(), until_s=self._talk.until_s())
        active = next((one for one in found.images if one.active), None)
        if active is None:
            return SlotState(0, b"", confirmed=False)
        return SlotState(
            self._rom_bytes(),
            b"",
            confirmed=active.confirmed,
            signed_sha256=active.hash or b"",
        )

    def read_back(
        self,
        offset_bytes: int,
        size_bytes: int,
        *,
        done: Callable[[int], None],
        cancel: Cancel,
    ) -> Iterator[Piece]:
        """The bytes of a range of the file that is the running image, as their answers arrive.

        The server decides how much each answer holds; what lies between two of them is asked for
        again. Raises NoWayToProve where there is no such file, NoAnswer where it is shorter.
        """
        path, end = self._talk.link.rom_path, offset_bytes + size_bytes
        until_s = self._talk.until_s(carried_bytes=size_bytes, flash_bytes=size_bytes)
        if (held := self._rom_bytes()) < end:
            raise NoAnswer(f"the image the dock runs has {held:,} bytes, not {end:,}")
        gaps, step = [(offset_bytes, end)] if size_bytes else [], 0
        while gaps:
            start, stop = gaps.pop()
            # The first is asked alone: its answer tells how much comes at once.
            ahead = step or stop - start
            requests = fs.download_requests(path, stop, start, step=ahead)
            for answered in self._talk.series(requests, until_s=until_s):
                cancel.check()
                answer = answered.answer
                upto = min(answer.offset + ahead, stop)
                data = answer.data[: upto - answer.offset]
                if not data:
                    raise NoAnswer(f"the dock's file ends at {answer.offset:,} of {end:,} bytes")
                step = step or len(data)
                if answer.offset + len(data) < upto:
                    gaps.append((answer.offset + len(data), upto))
                done(len(data))
                yield Piece(answer.offset, data)

    # -- what it has no way to do --------------------------------------------------------------

    def prove(self, nonce: bytes, public_key: bytes) -> DeviceProof:
        """See `Dock`."""
        _cannot("prove its key")

    def digests(self, blocks: Sequence[Part]) -> tuple[bytes, ...]:
        """See `Dock`."""
        _cannot("tell digests of what it was written")

    def challenge(self, nonce: bytes, blocks: Sequence[Part]) -> bytes:
        """See `Dock`."""
        _cannot("answer a challenge")

    def answers(self, *, sealed: Set[EntryKey] = frozenset(), nonce: bytes = b"") -> DockAnswers:
        """See `Dock`."""
        _cannot("answer for its datastore")

    # -- files ---------------------------------------------------------------------------------

    def _small_file(self, path: str, most: int) -> bytes:
        octets, size, until_s = bytearray(), 1, self._talk.until_s(carried_bytes=most)
        with _files(path):
            while len(octets) < size:
                answer = self._talk.ask(fs.Download(len(octets), path), until_s=until_s)
                size = size if answer.size is None else answer.size
                if size > most or len(octets) + len(answer.data) > most:
                    raise NoAnswer(f"the dock claims {size:,} bytes for {path}")
                if not answer.data:
                    break
                octets += answer.data
        if len(octets) != size:
            raise NoAnswer(f"the dock's file {path} ends at {len(octets)} of {size} bytes")
        return bytes(octets)

    def _rom_bytes(self) -> int:
        path = self._talk.link.rom_path
        if not path:
            raise NoWayToProve("the profile knows no file to read a stock dock back by")
        with _files(path):
            size = self._talk.ask(fs.Status(path), until_s=self._talk.until_s()).size
        if size > IMAGE_BYTES_MAX:
            raise NoAnswer(f"the dock claims an image of {size:,} bytes")
        return size


def _cannot(what: str) -> NoReturn:
    raise NoWayToProve(f"a stock dock has no way to {what}")


@contextmanager
def _refusals() -> Iterator[None]:
    """A dock's refusal of the image is an answer."""
    try:
        yield
    except DockRefused as refused:
        if refused.group == img.GROUP and refused.rc in _REFUSED:
            raise CommitRefused(_REFUSED[ImageCode(refused.rc)]) from refused
        if refused.group is None and refused.rc == ReturnCode.ACCESS_DENIED:
            known = REASON.fullmatch(refused.reason)
            raise CommitRefused(refused.reason if known else "unknown") from refused
        raise


@contextmanager
def _files(path: str) -> Iterator[None]:
    """A dock that gives no such file cannot prove what would stand in it."""
    try:
        yield
    except DockRefused as refused:
        missing = refused.group == fs.GROUP and refused.rc in _NO_FILE
        if missing or not_supported(refused):
            raise NoWayToProve(f"a stock dock that gives no file {path}") from refused
        raise

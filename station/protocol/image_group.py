"""SMP group 1, images: what stock servers and stock clients write images with.

An upload is sequential: every answer names the offset the server expects next, and data for any
other offset is dropped. An image is named by the hash its own trailer holds (MCUboot TLV 0x10),
not by a digest of the whole file. Others specify this group, so bodies may hold more keys than
these.

Source: Zephyr Project, "Application/software image management group" (SMP groups), and its
enum img_mgmt_err_code_t; docs/SPEC.md, "Group 1".
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Annotated, Any, Final

from station.protocol.shape import (
    DoneByOthers,
    Flag,
    Key,
    Many,
    Nested,
    Octets,
    Request,
    Shape,
    Text,
    Uint,
)
from station.protocol.smp import HEADER_BYTES, Op

GROUP: Final = 1

HASH_BYTES: Final = 32
HASH_BYTES_MAX: Final = 64
"""Longest hash taken off the wire (MCUboot also has SHA-512); a SHA-256 is the only right one."""

DATA_BYTES_MAX: Final = 16_384
"""Most bytes of content in one message, whatever its buffer allows."""

IMAGES_MAX: Final = 16
SLOTS_MAX: Final = 16
"""Most images, and slots of one image, a server may list; Zephyr has two of each."""

PRIMARY: Final = 0
"""The slot that runs."""

SECONDARY: Final = 1
"""The slot that is written, and erased where none is named."""

DATA_STEP: Final = 32
"""Data comes in multiples of this, the largest program unit of known flash (STM32H7): servers
may keep less than they were sent down to a multiple of theirs."""

_OFFSET: Final = Uint()
_NUMBER: Final = Uint(0xFF)
_HASH: Final = Octets(HASH_BYTES_MAX)

_DATA_OVERHEAD: Final = HEADER_BYTES + len(b"\xa2\x63off\x1a....\x64data\x59..")
_FIRST_OVERHEAD: Final = (
    _DATA_OVERHEAD + len(b"\x63len" b"\x1a....") + len(b"\x63sha" b"\x58 ") + HASH_BYTES
)  # fmt: skip


class ImageCode(IntEnum):
    """Codes of this group (`rc` in `err`); names as in the source."""

    OK = 0
    UNKNOWN = 1
    FLASH_CONFIG_QUERY_FAIL = 2
    NO_IMAGE = 3
    """There is no image in the slot."""
    NO_TLVS = 4
    INVALID_TLV = 5
    TLV_MULTIPLE_HASHES_FOUND = 6
    TLV_INVALID_SIZE = 7
    HASH_NOT_FOUND = 8
    """No image has this hash."""
    NO_FREE_SLOT = 9
    """The slot is in use, or there is none."""
    FLASH_OPEN_FAILED = 10
    FLASH_READ_FAILED = 11
    FLASH_WRITE_FAILED = 12
    FLASH_ERASE_FAILED = 13
    INVALID_SLOT = 14
    NO_FREE_MEMORY = 15
    FLASH_CONTEXT_ALREADY_SET = 16
    FLASH_CONTEXT_NOT_SET = 17
    FLASH_AREA_DEVICE_NULL = 18
    INVALID_PAGE_OFFSET = 19
    INVALID_OFFSET = 20
    INVALID_LENGTH = 21
    """The first part of an upload does not say how long the image is."""
    INVALID_IMAGE_HEADER = 22
    INVALID_IMAGE_HEADER_MAGIC = 23
    INVALID_HASH = 24
    INVALID_FLASH_ADDRESS = 25
    VERSION_GET_FAILED = 26
    CURRENT_VERSION_IS_NEWER = 27
    IMAGE_ALREADY_PENDING = 28
    INVALID_IMAGE_VECTOR_TABLE = 29
    INVALID_IMAGE_TOO_LARGE = 30
    INVALID_IMAGE_DATA_OVERRUN = 31
    """More data than the first part announced."""
    IMAGE_CONFIRMATION_DENIED = 32
    """This image may not be confirmed (now)."""
    IMAGE_SETTING_TEST_TO_ACTIVE_DENIED = 33
    ACTIVE_SLOT_NOT_KNOWN = 34


# -- the state of images -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ImageState(Shape):
    """One image. slot: `PRIMARY` runs, `SECONDARY` is written. hash: from the image's trailer.

    version: as in its header, "1.2.3" or "1.2.3.4". pending: becomes active at the next restart.
    confirmed: stays active after it. permanent: pending and confirmed at once. image: None where
    the server has one image only.
    """

    OPEN = True

    slot: Annotated[int, Key("slot", _NUMBER)]
    version: Annotated[str, Key("version", Text(64))]
    image: Annotated[int | None, Key("image", _NUMBER)] = None
    hash: Annotated[bytes | None, Key("hash", _HASH)] = None
    bootable: Annotated[bool, Key("bootable", Flag())] = False
    pending: Annotated[bool, Key("pending", Flag())] = False
    confirmed: Annotated[bool, Key("confirmed", Flag())] = False
    active: Annotated[bool, Key("active", Flag())] = False
    permanent: Annotated[bool, Key("permanent", Flag())] = False


@dataclass(frozen=True, slots=True)
class ImageStates(Shape):
    """All valid images a server has; what it cannot recognise is not among them."""

    OPEN = True

    images: Annotated[tuple[ImageState, ...], Key("images", Many(Nested(ImageState), IMAGES_MAX))]


@dataclass(frozen=True, slots=True)
class ReadState(Request[ImageStates]):
    """Ask which images there are."""

    OP, GROUP, COMMAND, ANSWER = Op.READ, GROUP, 0, ImageStates
    PATIENCE_S = 2.0
    OPEN = True

    def answer_bytes(self) -> int:
        """Two maps with a hash each."""
        return 320


@dataclass(frozen=True, slots=True)
class WriteState(Request[ImageStates]):
    """Let the image with this hash run at the next restart, on trial; or keep the running one.

    confirm: the image stays for good. Without a hash the running image is meant, and then only
    `confirm` makes sense. The answer tells what holds now.
    """

    OP, GROUP, COMMAND, ANSWER = Op.WRITE, GROUP, 0, ImageStates
    PATIENCE_S = 10.0
    OPEN = True

    hash: Annotated[bytes | None, Key("hash", _HASH)] = None
    confirm: Annotated[bool, Key("confirm", Flag())] = False

    def answer_bytes(self) -> int:
        """As for `ReadState`."""
        return 320


# -- writing an image ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UploadAnswer(Shape):
    """offset: what the server expects next; all below it is written. match: whether the whole
    image has the digest announced, in the last answer of servers that look; None elsewhere."""

    OPEN = True

    offset: Annotated[int, Key("off", _OFFSET)]
    match: Annotated[bool | None, Key("match", Flag())] = None


@dataclass(frozen=True, slots=True)
class Upload(Request[UploadAnswer]):
    """Append `data` at `offset`, which must be what the server expects.

    A server that expects another offset drops the data and says so. Then this request is not done
    (`done_by`): it is sent again after those before it. size, digest (SHA-256 over the whole
    image), image and upgrade belong to offset 0 alone; see `BeginUpload`.
    """

    OP, GROUP, COMMAND, ANSWER = Op.WRITE, GROUP, 1, UploadAnswer
    PATIENCE_S = 1.0
    OPEN = True

    offset: Annotated[int, Key("off", _OFFSET)]
    data: Annotated[bytes | memoryview, Key("data", Octets(DATA_BYTES_MAX))] = field(repr=False)
    size: Annotated[int | None, Key("len", _OFFSET)] = None
    digest: Annotated[bytes | None, Key("sha", _HASH)] = None
    image: Annotated[int | None, Key("image", _NUMBER)] = None
    upgrade: Annotated[bool | None, Key("upgrade", Flag())] = None

    def done_by(self, answer: UploadAnswer) -> bool:
        """Whether the server has all of this data, now or already before."""
        return answer.offset >= self.offset + len(self.data)

    def why_not(self, answer: UploadAnswer) -> str:
        """No offset within the data, where no request of a series begins; and no new beginning."""
        if self.offset < answer.offset < self.offset + len(self.data):
            return f"offset {answer.offset}, within the data sent"
        if answer.offset == 0 and self.offset > 0:
            return "offset 0: it has lost the upload"
        return ""


@dataclass(frozen=True, slots=True)
class BeginUpload(Upload):
    """The first part of an upload: clears the other slot, or goes on with the same image.

    Sent alone: only its answer tells where to go on, at offset 0 < n <= size.
    """

    PATIENCE_S = 10.0

    def done_by(self, answer: UploadAnswer) -> bool:
        """Any offset answers it."""
        return True

    def why_not(self, answer: UploadAnswer) -> str:
        """An offset past the end is none to go on at, and without one nothing was taken."""
        if self.size is not None and answer.offset > self.size:
            return f"offset {answer.offset} of {self.size}"
        return "offset 0: it took nothing" if answer.offset == 0 else ""


@dataclass(frozen=True, slots=True)
class Erase(Request[DoneByOthers]):
    """Erase a slot that is not in use. slot: `SECONDARY` where it is None."""

    OP, GROUP, COMMAND, ANSWER = Op.WRITE, GROUP, 5, DoneByOthers
    PATIENCE_S = 10.0
    OPEN = True

    slot: Annotated[int | None, Key("slot", _NUMBER)] = None


# -- what slots there are ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SlotSize(Shape):
    """size: bytes of the slot. upload_image: image number that uploads straight into it."""

    OPEN = True

    slot: Annotated[int, Key("slot", _NUMBER)]
    size: Annotated[int, Key("size", _OFFSET)]
    upload_image: Annotated[int | None, Key("upload_image_id", _NUMBER)] = None


@dataclass(frozen=True, slots=True)
class SlotsOfImage(Shape):
    """The slots of one image. max_image_size: most bytes an image may have, where it is told."""

    OPEN = True

    image: Annotated[int, Key("image", _NUMBER)]
    slots: Annotated[tuple[SlotSize, ...], Key("slots", Many(Nested(SlotSize), SLOTS_MAX))]
    max_image_size: Annotated[int | None, Key("max_image_size", _OFFSET)] = None


@dataclass(frozen=True, slots=True)
class SlotInfoAnswer(Shape):
    """Every image's slots."""

    OPEN = True

    images: Annotated[
        tuple[SlotsOfImage, ...], Key("images", Many(Nested(SlotsOfImage), IMAGES_MAX))
    ]


@dataclass(frozen=True, slots=True)
class SlotInfo(Request[SlotInfoAnswer]):
    """Ask how large the slots are. Older servers do not know this command."""

    OP, GROUP, COMMAND, ANSWER = Op.READ, GROUP, 6, SlotInfoAnswer
    PATIENCE_S = 2.0
    OPEN = True


REQUESTS: Final[tuple[type[Request[Any]], ...]] = (
    ReadState,
    WriteState,
    Upload,
    Erase,
    SlotInfo,
)
"""All requests of this group, for a server."""


# -- as much as a message takes ------------------------------------------------------------------

Read = Callable[[int, int], bytes | memoryview]
"""Gives bytes of an image: (offset, size) to exactly that many, e.g. `Plan.read`."""


def begin_upload(read: Read, size: int, *, digest: bytes, message_max: int) -> BeginUpload:
    """The first part of an image of `size` bytes with this SHA-256.

    Its answer says where `upload_requests` goes on. message_max: at least 256.
    """
    room = (message_max - _FIRST_OVERHEAD) // DATA_STEP * DATA_STEP
    return BeginUpload(0, read(0, min(size, room, DATA_BYTES_MAX)), size=size, digest=digest)


def upload_requests(read: Read, size: int, offset: int, *, message_max: int) -> Iterator[Upload]:
    """The rest of an image from `offset` on, in order; lazy."""
    step = min(DATA_BYTES_MAX, message_max - _DATA_OVERHEAD) // DATA_STEP * DATA_STEP
    for start in range(offset, size, step):
        yield Upload(start, read(start, min(step, size - start)))

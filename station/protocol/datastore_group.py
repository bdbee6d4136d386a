"""SMP group 64, datastore: the dock's image slots and what its datastore holds.

Ours, not the vendor's: specified in docs/SPEC.md, "Group 64", in CDDL. Offsets and lengths are in
bytes from the start of a slot or of an entry; digests are SHA-256, 32 octets. Every answer about
a range repeats its offset, because sequence numbers wrap every 256 messages.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from itertools import pairwise
from typing import Annotated, Any, Final, Self

from station.domain.device_proof import AGREEMENT_BYTES, NONCE_BYTES, PROOF_BYTES
from station.domain.entries import NAME_MAX_BYTES
from station.domain.identity import DockId, Serial
from station.protocol.compression import INFLATED_BYTES_MAX, Method
from station.protocol.shape import (
    Done,
    Flag,
    Key,
    Many,
    Nested,
    Octets,
    OneOf,
    OtherShape,
    Request,
    Shape,
    Text,
    Uint,
)
from station.protocol.smp import HEADER_BYTES, Malformed, Op, decode_body, encode_body

GROUP: Final = 64
"""First group number free for users (SMP specification, "Group ID")."""

VERSION: Final = 1
"""Version of this group; another version has other shapes."""

DIGEST_BYTES: Final = 32
DATA_BYTES_MAX: Final = 16_384
"""Most bytes of content in one message, whatever its buffer allows."""

DIGESTS_MAX: Final = 512
RANGES_MAX: Final = 64
NAMES_MAX: Final = 1_024
DOCUMENT_BYTES_MAX: Final = 2_048
"""Longest identity as a file; what it holds takes half of that."""

NONCE_BYTES_MIN: Final = 16
NONCE_BYTES_MAX: Final = 64
DEVICE_CERTIFICATE_BYTES_MAX: Final = 2_048
REASON_BYTES_MAX: Final = 512
TRACE_BYTES_MAX: Final = 2_048

_OFFSET: Final = Uint()
_DIGEST: Final = Octets(DIGEST_BYTES, DIGEST_BYTES)
_DATA: Final = Octets(DATA_BYTES_MAX)
_WORD: Final = Text(64)
_NAME: Final = Text(NAME_MAX_BYTES, 1)
_NONCE: Final = Octets(NONCE_BYTES, NONCE_BYTES)
_PROOF: Final = Octets(PROOF_BYTES, PROOF_BYTES)
_PUBLIC_KEY: Final = Octets(AGREEMENT_BYTES, AGREEMENT_BYTES)

_RANGE_OVERHEAD: Final = HEADER_BYTES + len(b"\xa2\x63off\x1a....\x64data\x59..")
_PACKED_OVERHEAD: Final = _RANGE_OVERHEAD + len(b"\x64comp\x64zlib\x64size\x19..")
_DIGESTS_OVERHEAD: Final = (
    HEADER_BYTES + len(b"\xa3" b"\x63off" b"\x1a...." b"\x65block" b"\x1a....")
    + len(b"\x67digests" b"\x99..")
)  # fmt: skip
_DIGEST_ITEM: Final = len(b"\x58 ") + DIGEST_BYTES
_ENTRY_OVERHEAD: Final = (
    _RANGE_OVERHEAD
    + len(b"\x64size" b"\x1a....") + len(b"\x66sha256" b"\x58 ") + DIGEST_BYTES
    + len(b"\x64type" b"\x70") + 16
)  # fmt: skip
_NAMES_OVERHEAD: Final = HEADER_BYTES + len(b"\xa2\x65names\x99..\x64more\xf5")
_NAME_ITEM_OVERHEAD: Final = len(b"\x79..")


class DatastoreCode(IntEnum):
    """Codes of this group (`rc` in `err`); general troubles use SMP's own."""

    OK = 0
    UNKNOWN = 1
    BAD_RANGE = 2
    """The range does not lie within the slot or the entry."""
    NOT_BEGUN = 3
    """Write, copy or commit without a begin since the last restart."""
    TOO_LARGE = 4
    """The image does not fit the slot, or the answer not the buffer."""
    LOCKED = 5
    """The dock is locked and takes no image this way."""
    FLASH_FAILED = 6
    """Flash could not be erased, written or read."""
    NO_ENTRY = 7
    """No such entry, or nothing in that slot."""
    UNSUPPORTED = 8
    """This dock has no such thing, e.g. no lock."""
    OTHER_IMAGE = 9
    """Confirm names another image than the active one."""
    NOT_RUNNABLE = 10
    """The dock could not mount its image: there is no datastore to ask."""
    SEALED = 11
    """The content is the dock's secret: it is proved, never told."""
    NOT_INFLATED = 12
    """Compressed data that is none of the method and length it says."""
    OTHER_DOCK = 13
    """The request is meant for another dock."""


class Slot(StrEnum):
    """The slot that is running, and the one that is written."""

    ACTIVE = "active"
    OTHER = "other"


class Listed(StrEnum):
    """Kinds of entries a dock lists and gives, through its own datastore runtime."""

    KEY_VALUE = "kv"
    IMAGE = "img"


class ScreenForm(StrEnum):
    """How a dock tells what it shows."""

    TEXT = "text"
    """In words: canonical JSON (docs/SPEC.md, "Screen")."""

    PNG = "png"
    """As a picture of all of it."""


class Assurance(StrEnum):
    """How a dock proves who it is (promises of the project, levels D0 to D2)."""

    D0 = "D0"
    D1 = "D1"
    D2 = "D2"


class Running(StrEnum):
    """What the dock's application does."""

    ABSENT = "absent"
    STARTING = "starting"
    RUNNING = "running"
    ENDED = "ended"
    FAILED = "failed"


# -- who is there --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Identity(Shape):
    """What a dock says about itself; nothing of it is proof at level D0.

    dock_id: 32 octets. label: the serial on the label. slot_size: bytes of one slot.
    compression: names of the methods it can inflate.
    """

    dock_id: Annotated[bytes, Key("id", _DIGEST)]
    label: Annotated[str, Key("label", Text(64, 1))]
    model: Annotated[str, Key("model", _WORD)]
    hardware_revision: Annotated[str, Key("rev", _WORD)]
    profile: Annotated[str, Key("profile", _WORD)]
    product: Annotated[str, Key("product", _WORD)]
    security_counter: Annotated[int, Key("counter", Uint())]
    assurance: Annotated[Assurance, Key("level", OneOf(Assurance))]
    slot_size: Annotated[int, Key("size", Uint())]
    locked: Annotated[bool, Key("locked", Flag())]
    compression: Annotated[tuple[str, ...], Key("comp", Many(Text(16, 1), 8))] = ()
    version: Annotated[int, Key("ver", Uint(VERSION))] = VERSION

    def __post_init__(self) -> None:
        try:
            DockId(self.dock_id)
            Serial(self.label)
        except ValueError as error:
            raise OtherShape(str(error)) from error

    def to_document(self) -> bytes:
        """The same as a file, for docks that are asked without this group."""
        return encode_body(self.to_body())

    @classmethod
    def from_document(cls, octets: bytes) -> Self:
        """From such a file, which has one spelling. Raises OtherShape."""
        if len(octets) > DOCUMENT_BYTES_MAX:
            raise OtherShape(f"an identity of more than {DOCUMENT_BYTES_MAX} octets")
        try:
            body = decode_body(octets)
        except Malformed as error:
            raise OtherShape(f"an identity in {error}") from error
        if encode_body(body) != octets:
            raise OtherShape("an identity in another spelling than its own")
        return cls.from_body(body)


@dataclass(frozen=True, slots=True)
class Identify(Request[Identity]):
    """Ask who is there. Changes nothing, and is allowed before a run is open."""

    OP, GROUP, COMMAND, ANSWER = Op.READ, GROUP, 0, Identity

    def answer_bytes(self) -> int:
        """A few hundred bytes of text."""
        return 512


@dataclass(frozen=True, slots=True)
class ProveAnswer(Shape):
    """proof: see docs/SPEC.md, "Proof of a device key". certificate: DER; None for a shared key."""

    proof: Annotated[bytes, Key("proof", _PROOF)]
    certificate: Annotated[bytes | None, Key("cert", Octets(DEVICE_CERTIFICATE_BYTES_MAX, 1))] = (
        field(default=None, repr=False)
    )


@dataclass(frozen=True, slots=True)
class Prove(Request[ProveAnswer]):
    """Have the dock prove its device key. Changes nothing.

    nonce: never used before. key: public key of X25519 made for this question; None where the dock
    has a key that it shares.
    """

    OP, GROUP, COMMAND, ANSWER = Op.READ, GROUP, 18, ProveAnswer
    PATIENCE_S = 2.0

    nonce: Annotated[bytes, Key("nonce", _NONCE)]
    key: Annotated[bytes | None, Key("key", _PUBLIC_KEY)] = None

    def answer_bytes(self) -> int:
        """Mostly the certificate."""
        return 1_024


# -- what a slot holds ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Range(Shape):
    """`length` bytes from `offset`."""

    offset: Annotated[int, Key("off", _OFFSET)]
    length: Annotated[int, Key("len", _OFFSET)]


@dataclass(frozen=True, slots=True)
class ChallengeAnswer(Shape):
    """digest: SHA-256 over the nonce and then the bytes of the ranges, in the order asked."""

    digest: Annotated[bytes, Key("sha256", _DIGEST)]


@dataclass(frozen=True, slots=True)
class Challenge(Request[ChallengeAnswer]):
    """Have the dock digest ranges of a slot together with a nonce it cannot have foreseen."""

    OP, GROUP, COMMAND, ANSWER = Op.READ, GROUP, 1, ChallengeAnswer
    PATIENCE_S = 5.0

    slot: Annotated[Slot, Key("slot", OneOf(Slot))]
    nonce: Annotated[bytes, Key("nonce", Octets(NONCE_BYTES_MAX, NONCE_BYTES_MIN))]
    ranges: Annotated[tuple[Range, ...], Key("ranges", Many(Nested(Range), RANGES_MAX))]


@dataclass(frozen=True, slots=True)
class SlotContent(Shape):
    """The image of one slot. digest: over all its `size` bytes.

    pending: it becomes active at the next restart. confirmed: it stays active after that.
    """

    size: Annotated[int, Key("size", _OFFSET)]
    digest: Annotated[bytes, Key("sha256", _DIGEST)]
    pending: Annotated[bool, Key("pending", Flag())]
    confirmed: Annotated[bool, Key("confirmed", Flag())]


@dataclass(frozen=True, slots=True)
class SlotStateAnswer(Shape):
    """None where a slot holds no whole image."""

    active: Annotated[SlotContent | None, Key("active", Nested(SlotContent))] = None
    other: Annotated[SlotContent | None, Key("other", Nested(SlotContent))] = None


@dataclass(frozen=True, slots=True)
class SlotState(Request[SlotStateAnswer]):
    """Ask what both slots hold; the digests are those of the last commit, not of a fresh read."""

    OP, GROUP, COMMAND, ANSWER = Op.READ, GROUP, 2, SlotStateAnswer
    PATIENCE_S = 2.0

    def answer_bytes(self) -> int:
        """Two maps with a digest each."""
        return 256


@dataclass(frozen=True, slots=True)
class BlockDigestsAnswer(Shape):
    """One digest per block from `offset`, in address order; the last block may be short."""

    offset: Annotated[int, Key("off", _OFFSET)]
    digests: Annotated[tuple[bytes, ...], Key("digests", Many(_DIGEST, DIGESTS_MAX))]


@dataclass(frozen=True, slots=True)
class BlockDigests(Request[BlockDigestsAnswer]):
    """Ask for fresh digests of the blocks of a range; use `digest_requests` to stay in a frame."""

    OP, GROUP, COMMAND, ANSWER = Op.READ, GROUP, 3, BlockDigestsAnswer
    PATIENCE_S = 5.0

    slot: Annotated[Slot, Key("slot", OneOf(Slot))]
    offset: Annotated[int, Key("off", _OFFSET)]
    length: Annotated[int, Key("len", _OFFSET)]
    block_size: Annotated[int, Key("block", _OFFSET)]

    def blocks(self) -> int:
        """How many blocks the range has."""
        return -(-self.length // self.block_size) if self.block_size else 0

    def answer_bytes(self) -> int:
        """The digests and what frames them."""
        return _DIGESTS_OVERHEAD + _DIGEST_ITEM * self.blocks()

    def why_not(self, answer: BlockDigestsAnswer) -> str:
        """Exactly the blocks asked for."""
        if answer.offset != self.offset:
            return f"offset {answer.offset} instead of {self.offset}"
        if len(answer.digests) != self.blocks():
            return f"{len(answer.digests)} digests instead of {self.blocks()}"
        return ""


@dataclass(frozen=True, slots=True)
class ReadAnswer(Shape):
    """The bytes from `offset`."""

    offset: Annotated[int, Key("off", _OFFSET)]
    data: Annotated[bytes | memoryview, Key("data", _DATA)] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Read(Request[ReadAnswer]):
    """Read exactly `length` bytes of a slot; use `read_requests` for more than a frame takes."""

    OP, GROUP, COMMAND, ANSWER = Op.READ, GROUP, 9, ReadAnswer

    slot: Annotated[Slot, Key("slot", OneOf(Slot))]
    offset: Annotated[int, Key("off", _OFFSET)]
    length: Annotated[int, Key("len", Uint(DATA_BYTES_MAX))]

    def answer_bytes(self) -> int:
        """The data and what frames it."""
        return _RANGE_OVERHEAD + self.length

    def why_not(self, answer: ReadAnswer) -> str:
        """Exactly the range asked for."""
        if answer.offset != self.offset:
            return f"offset {answer.offset} instead of {self.offset}"
        if len(answer.data) != self.length:
            return f"{len(answer.data)} bytes instead of {self.length}"
        return ""


# -- writing a slot ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Begin(Request[Done]):
    """Give up what the other slot holds and make it ready for an image of `size` bytes.

    Harmless when repeated: nothing in the other slot counts until it is committed. dock_id: the
    dock it is meant for, which it may no longer find; None for any.
    """

    OP, GROUP, COMMAND, ANSWER = Op.WRITE, GROUP, 4, Done
    PATIENCE_S = 10.0

    size: Annotated[int, Key("size", _OFFSET)]
    dock_id: Annotated[bytes | None, Key("id", _DIGEST)] = None


@dataclass(frozen=True, slots=True)
class CopyAnswer(Shape):
    """One flag per digest: whether the other slot now holds that block."""

    offset: Annotated[int, Key("off", _OFFSET)]
    held: Annotated[tuple[bool, ...], Key("held", Many(Flag(), DIGESTS_MAX))]


@dataclass(frozen=True, slots=True)
class Copy(Request[CopyAnswer]):
    """Have the dock copy from its active slot every block whose digest is as given.

    The blocks lie at `offset` and on, in both slots. The dock digests what it has copied, not
    what it remembers. Use `copy_requests` to stay in a frame.
    """

    OP, GROUP, COMMAND, ANSWER = Op.WRITE, GROUP, 5, CopyAnswer
    PATIENCE_S = 10.0

    offset: Annotated[int, Key("off", _OFFSET)]
    block_size: Annotated[int, Key("block", _OFFSET)]
    digests: Annotated[tuple[bytes, ...], Key("digests", Many(_DIGEST, DIGESTS_MAX))]

    def why_not(self, answer: CopyAnswer) -> str:
        """Exactly the blocks named."""
        if answer.offset != self.offset:
            return f"offset {answer.offset} instead of {self.offset}"
        if len(answer.held) != len(self.digests):
            return f"{len(answer.held)} flags instead of {len(self.digests)}"
        return ""


@dataclass(frozen=True, slots=True)
class WriteAnswer(Shape):
    """The offset whose data was taken."""

    offset: Annotated[int, Key("off", _OFFSET)]


@dataclass(frozen=True, slots=True)
class Write(Request[WriteAnswer]):
    """Write `data` at `offset` of the other slot; the same write again changes nothing.

    Any order. Other bytes over bytes already written since `Begin` are allowed: the last count.
    method: how `data` is compressed, and size: what it inflates to, for a dock that has said it
    can; both None for plain data.
    """

    OP, GROUP, COMMAND, ANSWER = Op.WRITE, GROUP, 6, WriteAnswer

    offset: Annotated[int, Key("off", _OFFSET)]
    data: Annotated[bytes | memoryview, Key("data", _DATA)] = field(repr=False)
    method: Annotated[Method | None, Key("comp", OneOf(Method))] = None
    size: Annotated[int | None, Key("size", Uint(INFLATED_BYTES_MAX))] = None

    def __post_init__(self) -> None:
        if (self.method is None) != (self.size is None):
            raise OtherShape("'comp' and 'size': one without the other")
        if self.size == 0:
            raise OtherShape("'size': compressed data of nothing")

    @property
    def plain_bytes(self) -> int:
        """How many bytes of the slot it writes."""
        return len(self.data) if self.size is None else self.size

    def why_not(self, answer: WriteAnswer) -> str:
        """The same offset."""
        if answer.offset != self.offset:
            return f"offset {answer.offset} instead of {self.offset}"
        return ""


@dataclass(frozen=True, slots=True)
class CommitAnswer(Shape):
    """Whether the image was accepted and is pending; if not, `reason` says what was found."""

    accepted: Annotated[bool, Key("accepted", Flag())]
    reason: Annotated[str, Key("reason", Text(REASON_BYTES_MAX))] = ""


@dataclass(frozen=True, slots=True)
class Commit(Request[CommitAnswer]):
    """Have the dock judge the other slot; it becomes active at the next restart if accepted.

    digest: over the `size` bytes. Repeated after acceptance, it is accepted again.
    """

    OP, GROUP, COMMAND, ANSWER = Op.WRITE, GROUP, 7, CommitAnswer
    PATIENCE_S = 10.0

    size: Annotated[int, Key("size", _OFFSET)]
    digest: Annotated[bytes, Key("sha256", _DIGEST)]


@dataclass(frozen=True, slots=True)
class Confirm(Request[Done]):
    """Keep the active image for good, if it is the one with this digest."""

    OP, GROUP, COMMAND, ANSWER = Op.WRITE, GROUP, 8, Done
    PATIENCE_S = 2.0

    digest: Annotated[bytes, Key("sha256", _DIGEST)]


# -- the dock's own datastore --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NamesAnswer(Shape):
    """Names in code-point order. more: there are others after the last one."""

    names: Annotated[tuple[str, ...], Key("names", Many(_NAME, NAMES_MAX))]
    more: Annotated[bool, Key("more", Flag())]

    @classmethod
    def page(cls, names: Sequence[str], after: str, message_max: int) -> Self:
        """As many of `names` (sorted) after `after` as fit one message; for a server."""
        start = bisect_right(names, after)
        end, room = start, message_max - _NAMES_OVERHEAD
        for name in names[start : start + NAMES_MAX]:
            room -= _NAME_ITEM_OVERHEAD + len(name.encode("utf-8"))
            if room < 0:
                break
            end += 1
        return cls(tuple(names[start:end]), end < len(names))


@dataclass(frozen=True, slots=True)
class Names(Request[NamesAnswer]):
    """Ask for the names of one kind after `after` (empty: from the first), a page at a time."""

    OP, GROUP, COMMAND, ANSWER = Op.READ, GROUP, 10, NamesAnswer
    PATIENCE_S = 2.0

    kind: Annotated[Listed, Key("kind", OneOf(Listed))]
    after: Annotated[str, Key("after", Text(NAME_MAX_BYTES))] = ""

    def answer_bytes(self) -> int:
        """A frame may be full of names."""
        return 4_096

    def why_not(self, answer: NamesAnswer) -> str:
        """Ascending, so that asking page after page ends."""
        names = (self.after, *answer.names)
        if any(here >= there for here, there in pairwise(names)):
            return "names out of order"
        if answer.more and not answer.names:
            return "no names but the promise of more"
        return ""


@dataclass(frozen=True, slots=True)
class EntryAnswer(Shape):
    """A page of an entry. size, digest: of the whole entry. type: the picture's, as the dock says.

    Key-values are their UTF-8 octets.
    """

    size: Annotated[int, Key("size", _OFFSET)]
    digest: Annotated[bytes, Key("sha256", _DIGEST)]
    offset: Annotated[int, Key("off", _OFFSET)]
    data: Annotated[bytes | memoryview, Key("data", _DATA)] = field(repr=False)
    type: Annotated[str | None, Key("type", Text(16))] = None


@dataclass(frozen=True, slots=True)
class Entry(Request[EntryAnswer]):
    """Ask the dock's datastore for an entry; a `length` of 0 asks for size and digest only.

    The answer holds what is left of the entry from `offset`, at most `length` bytes.
    """

    OP, GROUP, COMMAND, ANSWER = Op.READ, GROUP, 11, EntryAnswer
    PATIENCE_S = 2.0

    kind: Annotated[Listed, Key("kind", OneOf(Listed))]
    name: Annotated[str, Key("name", _NAME)]
    offset: Annotated[int, Key("off", _OFFSET)] = 0
    length: Annotated[int, Key("len", Uint(DATA_BYTES_MAX))] = 0

    def answer_bytes(self) -> int:
        """The data and what frames it."""
        return _ENTRY_OVERHEAD + self.length

    def why_not(self, answer: EntryAnswer) -> str:
        """Exactly the page asked for."""
        return _why_not_page(self, answer)


@dataclass(frozen=True, slots=True)
class EntryProofAnswer(Shape):
    """proof: see docs/SPEC.md, "Proof of an entry". type: the picture's, as the dock says."""

    proof: Annotated[bytes, Key("proof", _PROOF)]
    type: Annotated[str | None, Key("type", Text(16))] = None


@dataclass(frozen=True, slots=True)
class EntryProof(Request[EntryProofAnswer]):
    """Have the dock prove, for this nonce, which content its datastore gives for an entry."""

    OP, GROUP, COMMAND, ANSWER = Op.READ, GROUP, 19, EntryProofAnswer
    PATIENCE_S = 2.0

    kind: Annotated[Listed, Key("kind", OneOf(Listed))]
    name: Annotated[str, Key("name", _NAME)]
    nonce: Annotated[bytes, Key("nonce", _NONCE)]


@dataclass(frozen=True, slots=True)
class CodeInfoAnswer(Shape):
    """checksum: CRC-32 of the ROM application's bytes, as `CodeStore().info()` gives it."""

    checksum: Annotated[int, Key("checksum", Uint())]


@dataclass(frozen=True, slots=True)
class CodeInfo(Request[CodeInfoAnswer]):
    """Ask the dock's datastore about the ROM application."""

    OP, GROUP, COMMAND, ANSWER = Op.READ, GROUP, 12, CodeInfoAnswer
    PATIENCE_S = 2.0


@dataclass(frozen=True, slots=True)
class ApplicationAnswer(Shape):
    """What the application does. trace: of its last exception, or why there is nothing to run.

    splash: digest of the screen's text document; None where there is none to be had.
    """

    state: Annotated[Running, Key("state", OneOf(Running))]
    trace: Annotated[str, Key("trace", Text(TRACE_BYTES_MAX))] = ""
    splash: Annotated[bytes | None, Key("splash", _DIGEST)] = None


@dataclass(frozen=True, slots=True)
class Application(Request[ApplicationAnswer]):
    """Ask whether the dock's application runs."""

    OP, GROUP, COMMAND, ANSWER = Op.READ, GROUP, 13, ApplicationAnswer
    PATIENCE_S = 2.0

    def answer_bytes(self) -> int:
        """Mostly the trace."""
        return TRACE_BYTES_MAX


@dataclass(frozen=True, slots=True)
class ScreenAnswer(Shape):
    """A page of the screen's document. size, digest: of the whole document."""

    size: Annotated[int, Key("size", _OFFSET)]
    digest: Annotated[bytes, Key("sha256", _DIGEST)]
    offset: Annotated[int, Key("off", _OFFSET)]
    data: Annotated[bytes | memoryview, Key("data", _DATA)] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Screen(Request[ScreenAnswer]):
    """Ask what a development dock shows.

    An `offset` of 0 takes the screen as it is now; any other goes on in the document taken last.
    The answer holds what is left of it from `offset`, at most `length` bytes.
    """

    OP, GROUP, COMMAND, ANSWER = Op.READ, GROUP, 17, ScreenAnswer
    PATIENCE_S = 30.0

    what: Annotated[ScreenForm, Key("what", OneOf(ScreenForm))]
    offset: Annotated[int, Key("off", _OFFSET)] = 0
    length: Annotated[int, Key("len", Uint(DATA_BYTES_MAX))] = 0

    def answer_bytes(self) -> int:
        """The data and what frames it."""
        return _ENTRY_OVERHEAD + self.length

    def why_not(self, answer: ScreenAnswer) -> str:
        """Exactly the page asked for."""
        return _why_not_page(self, answer)


@dataclass(frozen=True, slots=True)
class FactoryReset(Request[Done]):
    """Empty the runtime and ephemeral partitions and start again; the ROM store stays.

    dock_id: the dock it is meant for; None for any.
    """

    OP, GROUP, COMMAND, ANSWER = Op.WRITE, GROUP, 14, Done
    PATIENCE_S = 10.0

    dock_id: Annotated[bytes | None, Key("id", _DIGEST)] = None


# -- the irreversible step -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Lock(Request[Done]):
    """Close the dock for good. Asked again of a locked dock, it succeeds."""

    OP, GROUP, COMMAND, ANSWER = Op.WRITE, GROUP, 15, Done
    PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class LockProbeAnswer(Shape):
    """supported: whether this dock has a lock at all."""

    supported: Annotated[bool, Key("supported", Flag())]
    locked: Annotated[bool, Key("locked", Flag())]


@dataclass(frozen=True, slots=True)
class LockProbe(Request[LockProbeAnswer]):
    """Have the dock look at the lock itself, not at what it remembers."""

    OP, GROUP, COMMAND, ANSWER = Op.READ, GROUP, 16, LockProbeAnswer


REQUESTS: Final[tuple[type[Request[Any]], ...]] = (
    *(Identify, Challenge, SlotState, BlockDigests, Begin, Copy, Write, Commit, Confirm, Read),
    *(Names, Entry, CodeInfo, Application, FactoryReset, Lock, LockProbe, Screen),
    *(Prove, EntryProof),
)
"""All requests of this group, for a server."""


def _why_not_page(asked: Entry | Screen, answer: EntryAnswer | ScreenAnswer) -> str:
    if answer.offset != asked.offset:
        return f"offset {answer.offset} instead of {asked.offset}"
    expected = min(asked.length, max(0, answer.size - asked.offset))
    if len(answer.data) != expected:
        return f"{len(answer.data)} bytes instead of {expected}"
    return ""


# -- as much as a message takes ------------------------------------------------------------------


def range_payload_max(message_max: int) -> int:
    """Most data a `Write` or the answer to a `Read` takes in a message of `message_max` bytes.

    With an offset from 65,536 and data from 256 bytes on, the message is then full.
    """
    return min(DATA_BYTES_MAX, message_max - _RANGE_OVERHEAD)


def packed_payload_max(message_max: int) -> int:
    """Most compressed data a `Write` takes in a message of `message_max` bytes."""
    return min(DATA_BYTES_MAX, message_max - _PACKED_OVERHEAD)


def entry_payload_max(message_max: int) -> int:
    """Most data the answer to an `Entry` takes, whatever its type is called."""
    return min(DATA_BYTES_MAX, message_max - _ENTRY_OVERHEAD)


def digests_max(message_max: int) -> int:
    """Most digests a `Copy` or the answer to `BlockDigests` takes."""
    return min(DIGESTS_MAX, (message_max - _DIGESTS_OVERHEAD) // _DIGEST_ITEM)


def write_requests(offset: int, data: bytes | memoryview, *, message_max: int) -> Iterator[Write]:
    """Writes of all of `data` to `offset` and on; lazy, and without a copy of it."""
    view, step = memoryview(data).cast("B"), range_payload_max(message_max)
    for start in range(0, len(view), step):
        yield Write(offset + start, view[start : start + step])


def read_requests(slot: Slot, offset: int, length: int, *, message_max: int) -> Iterator[Read]:
    """Reads of `length` bytes from `offset` on."""
    end, step = offset + length, range_payload_max(message_max)
    for start in range(offset, end, step):
        yield Read(slot, start, min(step, end - start))


def digest_requests(
    slot: Slot, offset: int, length: int, block_size: int, *, message_max: int
) -> Iterator[BlockDigests]:
    """Requests for the digests of all blocks of a range."""
    end, step = offset + length, digests_max(message_max) * block_size
    for start in range(offset, end, step):
        yield BlockDigests(slot, start, min(step, end - start), block_size)


def copy_requests(
    offset: int, digests: Sequence[bytes], block_size: int, *, message_max: int
) -> Iterator[Copy]:
    """Offers of all the blocks with these digests, which lie from `offset` on."""
    step = digests_max(message_max)
    for first in range(0, len(digests), step):
        some = tuple(digests[first : first + step])
        yield Copy(offset + first * block_size, block_size, some)

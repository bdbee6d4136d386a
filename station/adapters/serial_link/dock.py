"""A dock that serves our own group: SMP group 64 in the workflow's words.

A dock's considered "no" to an image becomes `CommitRefused`; silence and nonsense are `LinkError`s.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from hashlib import sha256
from typing import Final, TypeVar

from station.adapters.serial_link.conversation import ASK_S, IDENTIFY_S, Conversation
from station.adapters.serial_link.packed_blocks import PackedBlocks
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
from station.domain.bundle import EntryKey
from station.domain.entries import Kind, shown
from station.domain.errors import DockNotProved, DocumentRefused, NoAnswer
from station.domain.identity import DockId
from station.domain.limits import ENTRIES_MAX, IMAGE_BYTES_MAX, RUNTIME_BYTES
from station.domain.profile import Compression
from station.protocol import datastore_group as ds
from station.protocol.client import REASON
from station.protocol.compression import Method
from station.protocol.errors import DockRefused
from station.protocol.os_group import Reset
from station.protocol.screen_text import ScreenText
from station.protocol.shape import Request, Shape
from station.protocol.smp import ReturnCode

ANSWERS_S: Final = 60.0
"""How long a dock may take to answer for its whole datastore, beside the time of the line."""

SCREEN_S: Final = 90.0
"""How long a dock may take to tell what it shows, drawing it included."""

SCREEN_BYTES_MAX: Final = 16 * 1024 * 1024
"""Twice the bare pixels of a screen."""

SCREEN_BYTES_USUAL: Final = 512 * 1024
"""Of a picture of a screen; for the deadline."""

_DIGESTS_CARRIED: Final = 64
"""Bytes of the line for one block's digest or flag, there or back."""

A = TypeVar("A", bound=Shape)

_REFUSED: Final = {
    ds.DatastoreCode.LOCKED: "locked",
    ds.DatastoreCode.TOO_LARGE: "size",
    ds.DatastoreCode.FLASH_FAILED: "flash",
}
"""Codes of group 64 with which a dock refuses an image before it has seen all of it."""


class SerialDock:
    """`application.ports.Dock`, by group 64.

    packed: what other docks have been written already; None for nothing.
    """

    def __init__(self, conversation: Conversation, packed: PackedBlocks | None = None) -> None:
        self._talk = conversation
        self._packed = PackedBlocks() if packed is None else packed
        self._method: Method | None = None
        self._slot_bytes = 0
        self._dock_id: bytes | None = None

    @property
    def line_bytes(self) -> int:
        """Bytes that went over the line so far, both ways."""
        return self._talk.line_bytes

    @property
    def sent_bytes(self) -> int:
        """Those of them that went to the dock."""
        return self._talk.sent_bytes

    def identify(self) -> DockIdentity:
        """Ask who it is, and how large its buffers are."""
        self._talk.learn_limits()
        found = self._ask(ds.Identify(), patience_s=IDENTIFY_S)
        self._slot_bytes = min(found.slot_size, IMAGE_BYTES_MAX)
        self._dock_id = found.dock_id
        wished = self._talk.link.compression
        offered = wished is not Compression.NONE and wished.value in found.compression
        self._method = Method(wished.value) if offered else None
        return identity_of(found)

    def prove(self, nonce: bytes, public_key: bytes) -> DeviceProof:
        """Have it prove its device key; a dock that has none says so."""
        try:
            answer = self._ask(ds.Prove(nonce, public_key or None))
        except DockRefused as refused:
            if not unsupported(refused):
                raise
            raise DockNotProved("it claims a device key and says that it has none") from refused
        return DeviceProof(answer.proof, answer.certificate or b"")

    def begin(self, size_bytes: int, common: Sequence[Part]) -> None:
        """Clear the other slot; the dock copies into it what its active slot proves to hold."""
        until_s = self._talk.until_s(
            carried_bytes=_DIGESTS_CARRIED * len(common), flash_bytes=2 * size_bytes
        )
        with _refusals():
            self._talk.ask(ds.Begin(size_bytes, self._dock_id), until_s=until_s)
            for first, block_bytes, run in _runs(common):
                digests = [block.digest for block in run]
                self._talk.all(
                    ds.copy_requests(
                        first, digests, block_bytes, message_max=self._talk.message_max
                    ),
                    until_s=until_s,
                )

    def digests(self, blocks: Sequence[Part]) -> tuple[bytes, ...]:
        """SHA-256 of what the other slot holds in each block's place, fresh from its flash."""
        found: dict[int, bytes] = {}
        until_s = self._talk.until_s(
            carried_bytes=_DIGESTS_CARRIED * len(blocks), flash_bytes=_size_of(blocks)
        )
        for first, block_bytes, run in _runs(blocks):
            answers = self._talk.all(
                ds.digest_requests(
                    ds.Slot.OTHER,
                    first,
                    _size_of(run),
                    block_bytes,
                    message_max=self._talk.message_max,
                ),
                until_s=until_s,
            )
            for answered in answers:
                for number, digest in enumerate(answered.answer.digests):
                    found[answered.answer.offset + number * block_bytes] = digest
        return tuple(found[block.offset_bytes] for block in blocks)

    def write(
        self, pieces: Iterable[Piece], *, done: Callable[[int], None], cancel: Cancel
    ) -> None:
        """Write into the other slot, as many requests at once as the dock has buffers."""
        whole = list(pieces)
        unanswered: dict[int, int] = {}

        def requests() -> Iterator[ds.Write]:
            for piece in whole:
                cancel.check()
                for request in self._writes(piece):
                    unanswered[request.offset] = request.plain_bytes
                    yield request

        size = sum(len(piece.data) for piece in whole)
        until_s = self._talk.until_s(carried_bytes=size, flash_bytes=size)
        with _refusals():
            for answered in self._talk.series(requests(), until_s=until_s):
                done(unanswered.pop(answered.answer.offset))

    def commit(self, size_bytes: int, image_sha256: bytes) -> None:
        """Let the dock judge the whole image."""
        with _refusals():
            # The dock clears what the image leaves free, and reads the image more than once.
            answer = self._ask(
                ds.Commit(size_bytes, image_sha256),
                flash_bytes=self._slot_bytes + 2 * size_bytes,
            )
        if not answer.accepted:
            known = REASON.fullmatch(answer.reason)
            raise CommitRefused(answer.reason if known else "unknown")

    def factory_reset(self) -> None:
        """Empty what was written in the field; see the port go, and open what comes back on the
        same place. A dock that has nothing of the kind is told to restart instead."""
        try:
            self._ask(ds.FactoryReset(self._dock_id), flash_bytes=RUNTIME_BYTES)
        except DockRefused as refused:
            if not unsupported(refused):
                raise
            self._ask(Reset())
        self._talk.follow_restart(self.identify)

    def challenge(self, nonce: bytes, blocks: Sequence[Part]) -> bytes:
        """The dock's digest over `nonce` and the content of these ranges of its active slot."""
        ranges = tuple(ds.Range(start, end - start) for start, end in _joined(blocks))
        return self._ask(
            ds.Challenge(ds.Slot.ACTIVE, nonce, ranges), flash_bytes=_size_of(blocks)
        ).digest

    def read_back(
        self,
        offset_bytes: int,
        size_bytes: int,
        *,
        done: Callable[[int], None],
        cancel: Cancel,
    ) -> Iterator[Piece]:
        """The bytes of a range of the active slot, as their answers arrive."""
        requests = ds.read_requests(
            ds.Slot.ACTIVE,
            offset_bytes,
            size_bytes,
            message_max=self._talk.message_max,
        )
        until_s = self._talk.until_s(carried_bytes=size_bytes, flash_bytes=size_bytes)
        for answered in self._talk.series(requests, until_s=until_s):
            cancel.check()
            done(len(answered.answer.data))
            yield Piece(answered.answer.offset, answered.answer.data)

    def slot_state(self) -> SlotState:
        """What the dock runs, and whether it will keep it."""
        active = self._ask(ds.SlotState()).active
        if active is None:
            return SlotState(0, b"", confirmed=False)
        if active.size > IMAGE_BYTES_MAX:
            raise NoAnswer(f"the dock claims an image of {active.size:,} bytes")
        return SlotState(active.size, active.digest, confirmed=active.confirmed)

    def answers(self, *, sealed: Set[EntryKey] = frozenset(), nonce: bytes = b"") -> DockAnswers:
        """Every key-value, every image by type, size and digest, and the code checksum."""
        until_s = self._talk.until_s(ANSWERS_S, carried_bytes=self._slot_bytes)
        values: dict[str, str] = {}
        pictures: dict[str, tuple[str, int, bytes]] = {}
        proofs: dict[EntryKey, tuple[str, bytes]] = {}
        withheld: set[EntryKey] = set()
        for name in self._names(ds.Listed.KEY_VALUE, until_s):
            if (key := (Kind.KV, name)) in sealed:
                proofs[key] = self._proof(ds.Listed.KEY_VALUE, name, nonce, until_s)
                continue
            with _withholding(withheld, key):
                values[name] = self._value(name, until_s)
        for tag in self._names(ds.Listed.IMAGE, until_s):
            if (key := (Kind.IMG, tag)) in sealed:
                proofs[key] = self._proof(ds.Listed.IMAGE, tag, nonce, until_s)
                continue
            with _withholding(withheld, key):
                entry = self._talk.ask(ds.Entry(ds.Listed.IMAGE, tag), until_s=until_s)
                pictures[tag] = (entry.type or "", entry.size, entry.digest)
        try:
            checksum: int | None = self._talk.ask(ds.CodeInfo(), until_s=until_s).checksum
        except DockRefused as refused:
            if refused.rc != ds.DatastoreCode.NO_ENTRY:
                raise
            checksum = None
        return DockAnswers(values, pictures, checksum, proofs, withheld)

    def application(self) -> ds.ApplicationAnswer:
        """What the dock's application does."""
        return self._ask(ds.Application())

    def screen_text(self) -> ScreenText:
        """What a development dock shows, in words. Raises DockRefused by one that does not tell."""
        try:
            return ScreenText.decode(self._screen(ds.ScreenForm.TEXT))
        except DocumentRefused as error:
            raise NoAnswer(f"the dock answered with {error.cause}") from error

    def screen_png(self) -> bytes:
        """The same as a picture, drawn by the dock."""
        return self._screen(ds.ScreenForm.PNG)

    def confirm(self, image_sha256: bytes) -> None:
        """Make the active image stay; a dock that runs another one keeps nothing by this."""
        try:
            self._ask(ds.Confirm(image_sha256))
        except DockRefused as refused:
            if refused.rc != ds.DatastoreCode.OTHER_IMAGE:
                raise

    def _ask(self, request: Request[A], *, patience_s: float = ASK_S, flash_bytes: int = 0) -> A:
        """A phase of one request."""
        until_s = self._talk.until_s(patience_s, flash_bytes=flash_bytes)
        return self._talk.ask(request, until_s=until_s)

    def _writes(self, piece: Piece) -> Iterator[ds.Write]:
        """Unique data always travels plain: it is little, and nobody else's."""
        message_max = self._talk.message_max
        if self._method is None or not piece.shared:
            return ds.write_requests(piece.offset_bytes, piece.data, message_max=message_max)
        return self._packed.writes(piece, self._method, message_max=message_max)

    def _names(self, kind: ds.Listed, until_s: float) -> list[str]:
        names: list[str] = []
        more = True
        while more:
            after = names[-1] if names else ""
            page = self._talk.ask(ds.Names(kind, after), until_s=until_s)
            names += page.names
            if len(names) > ENTRIES_MAX:
                raise NoAnswer(f"the dock lists more than {ENTRIES_MAX:,} entries")
            more = page.more
        return names

    def _proof(self, kind: ds.Listed, name: str, nonce: bytes, until_s: float) -> tuple[str, bytes]:
        found = self._talk.ask(ds.EntryProof(kind, name, nonce), until_s=until_s)
        return found.type or "", found.proof

    def _value(self, name: str, until_s: float) -> str:
        page_bytes = ds.entry_payload_max(self._talk.message_max)
        octets = bytearray()
        while True:
            page = self._talk.ask(
                ds.Entry(ds.Listed.KEY_VALUE, name, len(octets), page_bytes), until_s=until_s
            )
            if page.size > IMAGE_BYTES_MAX:
                raise NoAnswer(f"the dock claims {page.size:,} bytes for {shown(name)}")
            octets += page.data
            if len(octets) >= page.size or not page.data:
                break
        try:
            return octets.decode("utf-8")
        except UnicodeDecodeError as error:
            raise NoAnswer(f"the dock's value of {shown(name)} is not UTF-8") from error

    def _screen(self, what: ds.ScreenForm) -> bytes:
        """A document, taken by the dock when its first page is asked for."""
        page_bytes = ds.entry_payload_max(self._talk.message_max)
        until_s = self._talk.until_s(SCREEN_S, carried_bytes=SCREEN_BYTES_USUAL)
        try:
            first = self._talk.ask(ds.Screen(what, 0, page_bytes), until_s=until_s)
        except DockRefused as refused:
            refused.remedy = "Ask a development dock that runs applications."
            raise
        if first.size > SCREEN_BYTES_MAX:
            raise NoAnswer(f"the dock claims {first.size:,} bytes for its screen")
        octets = bytearray(first.data)
        while len(octets) < first.size:
            page = self._talk.ask(ds.Screen(what, len(octets), page_bytes), until_s=until_s)
            octets += page.data
            if page.digest != first.digest or not page.data:
                break
        if sha256(octets).digest() != first.digest:
            raise NoAnswer("the dock mixed up two screens", remedy="Give the command again.")
        return bytes(octets)


@contextmanager
def _withholding(withheld: set[EntryKey], key: EntryKey) -> Iterator[None]:
    """What a dock does not tell for good reason is an answer, too."""
    try:
        yield
    except DockRefused as refused:
        if (refused.group, refused.rc) != (ds.GROUP, ds.DatastoreCode.SEALED):
            raise
        withheld.add(key)


def identity_of(found: ds.Identity, *, stock: bool = False) -> DockIdentity:
    """In the workflow's words. Raises NoAnswer for words that no screen should show."""
    words = (found.model, found.hardware_revision, found.profile, found.product)
    if not all(word.isprintable() for word in words):
        raise NoAnswer("the dock says who it is in unprintable words")
    return DockIdentity(
        dock_id=DockId(found.dock_id),
        label=found.label,
        model=found.model,
        hardware=found.hardware_revision,
        profile=found.profile,
        product=found.product,
        counter=found.security_counter,
        assurance=found.assurance,
        slot_bytes=found.slot_size,
        locked=found.locked,
        stock=stock,
    )


@contextmanager
def _refusals() -> Iterator[None]:
    """A dock's refusal of the image is an answer."""
    try:
        yield
    except DockRefused as refused:
        if refused.group == ds.GROUP and (reason := _reason(refused.rc)):
            raise CommitRefused(reason) from refused
        raise


def _reason(rc: int) -> str:
    return _REFUSED.get(ds.DatastoreCode(rc), "") if rc in set(ds.DatastoreCode) else ""


def not_supported(refused: DockRefused) -> bool:
    """Whether the server serves no such group or command at all."""
    return refused.group is None and refused.rc == ReturnCode.NOT_SUPPORTED


def unsupported(refused: DockRefused) -> bool:
    """Whether the dock knows no such request, or has nothing it could do it to."""
    if refused.group == ds.GROUP:
        return refused.rc == ds.DatastoreCode.UNSUPPORTED
    return not_supported(refused)


def _size_of(blocks: Sequence[Part]) -> int:
    return sum(block.size_bytes for block in blocks)


def _runs(blocks: Sequence[Part]) -> Iterator[tuple[int, int, list[Part]]]:
    """Blocks joined into (first offset, block size, run): adjacent, all but the last as large."""
    run: list[Part] = []
    for block in blocks:
        adjacent = run and run[-1].offset_bytes + run[-1].size_bytes == block.offset_bytes
        alike = run and run[-1].size_bytes == run[0].size_bytes >= block.size_bytes
        if run and not (adjacent and alike):
            yield run[0].offset_bytes, run[0].size_bytes, run
            run = []
        run.append(block)
    if run:
        yield run[0].offset_bytes, run[0].size_bytes, run


def _joined(blocks: Sequence[Part]) -> Iterator[tuple[int, int]]:
    """(start, end) of the maximal ranges the blocks cover, in address order."""
    start = end = -1
    for block in sorted(blocks, key=lambda one: one.offset_bytes):
        if block.offset_bytes != end:
            if end > start:
                yield start, end
            start = block.offset_bytes
        end = block.offset_bytes + block.size_bytes
    if end > start:
        yield start, end

"""What a bad firmware does to answers: lost, late, of another length, of another request or dock.

Sans-I/O. Works on the frames a server has made, so that no honest part of it knows of this.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from heapq import heappop, heappush
from itertools import count
from math import inf
from random import Random
from typing import Final

from station.protocol import (
    datastore_group,
    enumeration_group,
    filesystem_group,
    image_group,
    os_group,
    smp,
)
from station.protocol.framing import Framing, decoder, frame
from station.protocol.smp import Op

CommandKey = tuple[int, int, Op]
"""Group, command and operation of a request."""

_CAPITAL: Final = re.compile(r"(?<!^)(?=[A-Z])")

COMMANDS: Final[dict[str, CommandKey]] = {
    _CAPITAL.sub("-", each.__name__).lower(): (each.GROUP, each.COMMAND, each.OP)
    for group in (os_group, image_group, filesystem_group, enumeration_group, datastore_group)
    for each in group.REQUESTS
}
"""Requests by the name a fault script gives them; no two groups have one in common."""


@dataclass(frozen=True, slots=True)
class Which:
    """``any``, ``write``, ``write#3``. command: None for any. number: the one so many times seen,
    the first is 1; None for every one.
    """

    command: str | None = None
    number: int | None = None


class Wrong(Enum):
    """What is wrong with an answer."""

    LOST = "lost"
    """The request was carried out, and nothing says so."""

    TWICE = "twice"
    """It comes twice."""

    STALE = "stale"
    """The octets of the answer before it, sequence number and all."""

    REPLAYED = "replayed"
    """The body of the last answer to the same command, under the right sequence number."""

    FOREIGN = "foreign"
    """As another dock would give it: every byte string has another content."""

    SHORT_LENGTH = "short-length"
    """The header's length is one less than there is."""

    LONG_LENGTH = "long-length"
    """The header's length is one more than there is."""

    HUGE_LENGTH = "huge-length"
    """The header claims all its field takes, 65,535 bytes."""

    HUGE_DATA = "huge-data"
    """The body is a byte string that claims 4 GiB."""

    SHORT_DATA = "short-data"
    """Every byte string lacks its last octet."""

    OTHER_OFFSET = "other-offset"
    """It speaks of the next offset."""

    OTHER_SEQUENCE = "other-sequence"
    OTHER_GROUP = "other-group"
    OTHER_COMMAND = "other-command"

    NO_MEMORY = "no-memory"
    """Refused for want of a buffer, although it was carried out."""

    NO_CBOR = "no-cbor"
    """A body that is none."""


@dataclass(frozen=True, slots=True)
class WrongAnswer:
    """``lost@commit``, ``short-data@read#3``: see `Wrong`."""

    wrong: Wrong
    which: Which


@dataclass(frozen=True, slots=True)
class LateAnswer:
    """``late@commit+12s``: this answer alone leaves so much later; others pass it."""

    which: Which
    after_s: float


AnswerFault = WrongAnswer | LateAnswer


class Seen:
    """Counts requests, or answers, by what they were."""

    def __init__(self) -> None:
        self._times: Counter[CommandKey | None] = Counter()

    def take(self, key: CommandKey) -> None:
        """One more of these."""
        self._times[key] += 1
        self._times[None] += 1

    def is_now(self, which: Which, key: CommandKey) -> bool:
        """Whether the one taken last is meant."""
        wanted = None if which.command is None else COMMANDS[which.command]
        if wanted not in {None, key}:
            return False
        return which.number is None or which.number == self._times[wanted]


class WrongAnswers:
    """Makes wrong answers of right ones.

    chance: gives the content of foreign ones. due_at_s: when `due` has something; else infinity.
    """

    def __init__(self, faults: Iterable[AnswerFault], chance: Random) -> None:
        self.due_at_s = inf
        self._faults = tuple(faults)
        self._chance = chance
        self._seen = Seen()
        self._last = b""
        self._bodies: dict[CommandKey, bytes] = {}
        self._late: list[tuple[float, int, bytes]] = []
        self._order = count()

    def instead_of(self, frames: bytes, framing: Framing, now_s: float) -> bytes:
        """What leaves now in place of these answers; a late one is kept for `due`."""
        if not self._faults:
            return frames
        messages = decoder(framing).feed(frames)
        return b"".join(
            frame(framing, each)
            for message in messages
            for each in self._instead(message, framing, now_s)
        )

    def due(self, now_s: float) -> bytes:
        """The late answers that leave now, framed."""
        sent = []
        while self._late and self._late[0][0] <= now_s:
            sent.append(heappop(self._late)[2])
        self.due_at_s = self._late[0][0] if self._late else inf
        return b"".join(sent)

    def forget(self) -> None:
        """What is late comes no more: the dock has started again."""
        self._late.clear()
        self.due_at_s = inf

    def _instead(self, message: bytes, framing: Framing, now_s: float) -> list[bytes]:
        head = smp.decode(message)
        key = (head.group, head.command, Op(head.op - 1))
        self._seen.take(key)
        sent = [message]
        for fault in self._faults:
            if not self._seen.is_now(fault.which, key):
                continue
            if isinstance(fault, LateAnswer):
                for each in sent:
                    late = (now_s + fault.after_s, next(self._order), frame(framing, each))
                    heappush(self._late, late)
                self.due_at_s = self._late[0][0] if self._late else inf
                sent = []
            else:
                sent = [wrong for each in sent for wrong in self._wrong(fault.wrong, each, key)]
        self._last, self._bodies[key] = message, message[smp.HEADER_BYTES :]
        return sent

    def _wrong(self, wrong: Wrong, message: bytes, key: CommandKey) -> list[bytes]:
        match wrong:
            case Wrong.LOST:
                return []
            case Wrong.TWICE:
                return [message, message]
            case Wrong.STALE:
                return [self._last or message]
            case Wrong.REPLAYED:
                return [_with_body(message, self._bodies.get(key, message[smp.HEADER_BYTES :]))]
            case Wrong.FOREIGN:
                return [_changed(message, lambda octets: self._chance.randbytes(len(octets)))]
            case Wrong.SHORT_DATA:
                return [_changed(message, lambda octets: octets[:-1])]
            case Wrong.OTHER_OFFSET:
                return [_at_next_offset(message)]
            case Wrong.NO_MEMORY:
                return [_with_body(message, _body_of(message, {"rc": smp.ReturnCode.NO_MEMORY}))]
            case Wrong.NO_CBOR:
                return [_with_body(message, b"\xff" * 8)]
            case Wrong.HUGE_DATA:
                return [_with_body(message, b"\xa1\x64data\x5a\xff\xff\xff\xff" + b"data")]
            case _:
                return [_with_header(wrong, message)]


def _with_body(message: bytes, body: bytes) -> bytes:
    """Under the header of `message`, the length apart."""
    return message[:2] + len(body).to_bytes(2, "big") + message[4 : smp.HEADER_BYTES] + body


def _body_of(message: bytes, body: smp.Body) -> bytes:
    return smp.encode(smp.decode(message)._replace(body=body))[smp.HEADER_BYTES :]


def _changed(message: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """With every byte string of the body changed."""

    def within(value: object) -> object:
        match value:
            case bytes():
                return change(value)
            case list():
                return [within(each) for each in value]
            case dict():
                return {name: within(each) for name, each in value.items()}
        return value

    body = {name: within(value) for name, value in smp.decode(message).body.items()}
    return _with_body(message, _body_of(message, body))


def _at_next_offset(message: bytes) -> bytes:
    body = smp.decode(message).body
    match body:
        case {"off": int(offset)}:
            return _with_body(message, _body_of(message, {**body, "off": offset + 1}))
    return message


_FIELD_AT: Final = {Wrong.OTHER_GROUP: 5, Wrong.OTHER_SEQUENCE: 6, Wrong.OTHER_COMMAND: 7}
"""Where the low octet of that field is in a header."""


def _with_header(wrong: Wrong, message: bytes) -> bytes:
    head = bytearray(message)
    if (at := _FIELD_AT.get(wrong)) is not None:
        head[at] = (head[at] + 1) % 256
        return bytes(head)
    length = {
        Wrong.SHORT_LENGTH: len(message) - smp.HEADER_BYTES - 1,
        Wrong.LONG_LENGTH: len(message) - smp.HEADER_BYTES + 1,
        Wrong.HUGE_LENGTH: 0xFFFF,
    }[wrong]
    head[2:4] = length.to_bytes(2, "big")
    return bytes(head)

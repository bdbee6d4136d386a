"""Messages of the Simple Management Protocol, version 2 (and what version 1 does otherwise).

Source: Zephyr Project, "SMP protocol specification" and "SMP groups"; docs/SPEC.md, "Messages".
A message is a header of eight bytes and a CBOR map with text keys. Decides what is a message and
what is damage; knows no group.
"""

import struct
from collections.abc import Mapping
from enum import IntEnum
from typing import Final, NamedTuple, NoReturn

import cbor2

HEADER_BYTES: Final = 8

DEPTH_MAX: Final = 6
"""Deepest nesting of a body; the deepest known (group 0 boot loader info) has three."""

_HEADER: Final = struct.Struct("!BBHHBB")

Body = Mapping[str, object]


class Op(IntEnum):
    """What a message is."""

    READ = 0
    READ_ANSWER = 1
    WRITE = 2
    WRITE_ANSWER = 3


class Version(IntEnum):
    """Version bits of the header: 2 tells group errors apart from general ones."""

    V1 = 0
    V2 = 1


class ReturnCode(IntEnum):
    """General codes (`rc`), shared by all groups (SMP specification, "Return codes")."""

    OK = 0
    UNKNOWN = 1
    NO_MEMORY = 2
    INVALID = 3
    TIMED_OUT = 4
    NO_ENTRY = 5
    BAD_STATE = 6
    TOO_LARGE = 7
    NOT_SUPPORTED = 8
    CORRUPT = 9
    BUSY = 10
    ACCESS_DENIED = 11
    VERSION_TOO_OLD = 12
    VERSION_TOO_NEW = 13


class Malformed(ValueError):
    """Bytes that arrived whole and are no SMP message."""


class Message(NamedTuple):
    """One request or answer. sequence: 0..255; group: 0..65535; command: 0..255."""

    op: Op
    group: int
    command: int
    sequence: int
    body: Body
    version: Version = Version.V2


class Refusal(NamedTuple):
    """An error answer. group: None where `rc` is a general code (`ReturnCode`)."""

    group: int | None
    rc: int
    reason: str


def encode(message: Message) -> bytes:
    """Header and body; the body deterministic (RFC 8949, section 4.2), so equal means same bytes.

    Raises ValueError for a body of more than 65,535 bytes.
    """
    op, group, command, sequence, body, version = message
    octets = encode_body(body)
    if len(octets) > 0xFFFF:
        raise ValueError("an SMP body has at most 65,535 bytes")
    return _HEADER.pack(version << 3 | op, 0, len(octets), group, sequence, command) + octets


def decode(data: bytes) -> Message:
    """The message of one frame, `data` being all of it.

    Reserved bits and flags are ignored, as the specification asks. Raises Malformed for another
    length than the header says, an unknown op, or a body that is not a map with text keys, nests
    deeper than `DEPTH_MAX`, repeats a key or holds a CBOR tag.
    """
    if len(data) < HEADER_BYTES:
        raise Malformed("shorter than a header")
    first, _flags, length, group, sequence, command = _HEADER.unpack_from(data)
    if length != len(data) - HEADER_BYTES:
        raise Malformed("another length than the header says")
    op, version = first & 7, first >> 3 & 3
    if op > Op.WRITE_ANSWER or version > Version.V2:
        raise Malformed("an unknown operation or version")
    body = decode_body(data[HEADER_BYTES:])
    return Message(_OPS[op], group, command, sequence, body, _VERSIONS[version])


def encode_body(body: Body) -> bytes:
    """The one spelling of a body (RFC 8949, section 4.2)."""
    return cbor2.dumps(body, canonical=True)


def decode_body(octets: bytes) -> Body:
    """The body at the start of `octets`. Raises Malformed as `decode` does."""
    try:
        body = cbor2.loads(
            octets,
            max_depth=DEPTH_MAX,
            allow_duplicate_keys=False,
            strict_hashable_types=True,
            semantic_decoders=_NO_KNOWN_TAG,
            tag_hook=_no_tag,
        )
    except cbor2.CBORError as error:
        raise Malformed("a body that is no CBOR") from error
    if type(body) is not dict or not all(type(key) is str for key in body):
        raise Malformed("a body that is no map with text keys")
    return body


def refusal(body: Body) -> Refusal | None:
    """What an answer refuses with, or None where it reports success.

    Understands `rc` with `rsn` (version 1, and general codes in version 2) and `err {group, rc}`
    (version 2). Raises Malformed for an error of another shape.
    """
    if "err" in body:
        match body["err"]:
            case {"group": int(group), "rc": int(rc)}:
                return Refusal(group, rc, _reason(body)) if rc else None
        raise Malformed("an error without group and code")
    if "rc" not in body:
        return None
    code = body["rc"]
    if not isinstance(code, int) or isinstance(code, bool):
        raise Malformed("a return code that is no number")
    return Refusal(None, code, _reason(body)) if code else None


def _reason(body: Body) -> str:
    reason = body.get("rsn", "")
    return reason[:200] if isinstance(reason, str) else ""


def _no_tag(*_: object) -> NoReturn:
    raise ValueError("no SMP body holds a tag")


_OPS: Final = tuple(Op)
_VERSIONS: Final = tuple(Version)

_KNOWN_TAGS: Final = (
    *(0, 1, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100),
    *(256, 258, 260, 261, 1004, 43000, 55799),
)
"""Tags cbor2 gives a meaning (dates, big numbers, references that let a few bytes unfold into
gigabytes): refused like all others, which its `tag_hook` sees. A test tries every tag."""

_NO_KNOWN_TAG: Final = dict.fromkeys(_KNOWN_TAGS, _no_tag)

"""SMP group 8, files: what stock servers are read back through.

A download is stateless: every request names the file and an offset, the server decides how much it
answers. Uploading files is not spoken. Others specify this group, so bodies may hold more keys than
these.

Source: Zephyr Project, "File management" (SMP groups), and its enum fs_mgmt_err_code_t;
docs/SPEC.md, "Group 8".
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Annotated, Any, Final

from station.protocol.shape import (
    DoneByOthers,
    Key,
    Named,
    Nested,
    Octets,
    Request,
    Shape,
    Text,
    Uint,
)
from station.protocol.smp import HEADER_BYTES, Op

GROUP: Final = 8

DATA_BYTES_MAX: Final = 16_384
"""Most bytes of content in one message, whatever its buffer allows."""

PATH_BYTES_MAX: Final = 255
"""Longest path asked for; Zephyr takes 64 octets unless built otherwise."""

TYPES_MAX: Final = 16
"""Most kinds of hashes and checksums a server may list."""

_OFFSET: Final = Uint()
_PATH: Final = Text(PATH_BYTES_MAX, 1)
_TYPE: Final = Text(32, 1)

_DATA_OVERHEAD: Final = (
    HEADER_BYTES + len(b"\xa3" b"\x63off" b"\x1a...." b"\x64data" b"\x59..")
    + len(b"\x63len" b"\x1a....")
)  # fmt: skip


class FileCode(IntEnum):
    """Codes of this group (`rc` in `err`); names as in the source."""

    OK = 0
    UNKNOWN = 1
    FILE_INVALID_NAME = 2
    FILE_NOT_FOUND = 3
    FILE_IS_DIRECTORY = 4
    FILE_OPEN_FAILED = 5
    FILE_SEEK_FAILED = 6
    FILE_READ_FAILED = 7
    FILE_TRUNCATE_FAILED = 8
    FILE_DELETE_FAILED = 9
    FILE_WRITE_FAILED = 10
    FILE_OFFSET_NOT_VALID = 11
    FILE_OFFSET_LARGER_THAN_FILE = 12
    CHECKSUM_HASH_NOT_FOUND = 13
    """No such kind of hash or checksum."""
    MOUNT_POINT_NOT_FOUND = 14
    READ_ONLY_FILESYSTEM = 15
    FILE_EMPTY = 16


CRC32: Final = "crc32"
"""Kind of digest: CRC-32 (IEEE), a number; the default of servers that have it."""

SHA256: Final = "sha256"
"""Kind of digest: SHA-256, 32 octets. Servers may know others beside these."""


# -- reading a file ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DownloadAnswer(Shape):
    """The bytes from `offset`. size: of the whole file, told at offset 0."""

    OPEN = True

    offset: Annotated[int, Key("off", _OFFSET)]
    data: Annotated[bytes | memoryview, Key("data", Octets(DATA_BYTES_MAX))] = field(repr=False)
    size: Annotated[int | None, Key("len", _OFFSET)] = None


@dataclass(frozen=True, slots=True)
class Download(Request[DownloadAnswer]):
    """Read a file from `offset` on: as much as the server likes, nothing at its end."""

    OP, GROUP, COMMAND, ANSWER = Op.READ, GROUP, 0, DownloadAnswer
    PATIENCE_S = 1.0
    OPEN = True

    offset: Annotated[int, Key("off", _OFFSET)]
    name: Annotated[str, Key("name", _PATH)]

    def answer_bytes(self) -> int:
        """As much as fits a buffer of the size this side asks for."""
        return 4_096

    def why_not(self, answer: DownloadAnswer) -> str:
        """The offset asked for, and a first answer that tells the size."""
        if answer.offset != self.offset:
            return f"offset {answer.offset} instead of {self.offset}"
        if answer.size is None:
            return "" if self.offset else "no length of the file"
        if answer.offset + len(answer.data) > answer.size:
            return f"more than the {answer.size} bytes of the file"
        return ""


@dataclass(frozen=True, slots=True)
class StatusAnswer(Shape):
    """size: bytes of the file."""

    OPEN = True

    size: Annotated[int, Key("len", _OFFSET)]


@dataclass(frozen=True, slots=True)
class Status(Request[StatusAnswer]):
    """Ask how long a file is."""

    OP, GROUP, COMMAND, ANSWER = Op.READ, GROUP, 1, StatusAnswer
    PATIENCE_S = 1.0
    OPEN = True

    name: Annotated[str, Key("name", _PATH)]


@dataclass(frozen=True, slots=True)
class _Output:
    """A number, or octets."""

    def parse(self, value: object) -> int | bytes:
        """A checksum of 32 bits, or a digest of up to 64 octets."""
        return Octets(64, 1).parse(value) if isinstance(value, bytes) else Uint().parse(value)

    build = parse


@dataclass(frozen=True, slots=True)
class DigestAnswer(Shape):
    """output: CRC-32 (IEEE) as a number, SHA-256 as octets. offset: None for 0.

    size: bytes digested, from `offset` on.
    """

    OPEN = True

    type: Annotated[str, Key("type", _TYPE)]
    size: Annotated[int, Key("len", _OFFSET)]
    output: Annotated[int | bytes, Key("output", _Output())]
    offset: Annotated[int | None, Key("off", _OFFSET)] = None


@dataclass(frozen=True, slots=True)
class Digest(Request[DigestAnswer]):
    """Have the server digest a file, or `size` bytes of it from `offset` on.

    type: `CRC32`, `SHA256`, or another the server lists; None for the server's default.
    """

    OP, GROUP, COMMAND, ANSWER = Op.READ, GROUP, 2, DigestAnswer
    PATIENCE_S = 10.0
    OPEN = True

    name: Annotated[str, Key("name", _PATH)]
    type: Annotated[str | None, Key("type", _TYPE)] = None
    offset: Annotated[int | None, Key("off", _OFFSET)] = None
    size: Annotated[int | None, Key("len", _OFFSET)] = None

    def why_not(self, answer: DigestAnswer) -> str:
        """The kind and the range asked for, and a digest as long as its kind has it."""
        if self.type is not None and answer.type != self.type:
            return f"{answer.type} instead of {self.type}"
        if (answer.offset or 0) != (self.offset or 0):
            return f"offset {answer.offset} instead of {self.offset}"
        if self.size is not None and answer.size > self.size:
            return f"a digest of {answer.size} bytes instead of {self.size}"
        if answer.type == SHA256 and not _is_sha256(answer.output):
            return "a SHA-256 that is none"
        return ""


@dataclass(frozen=True, slots=True)
class HashProperties(Shape):
    """octets: 0 where the output is a number, 1 where it is octets. size: bytes of the output."""

    OPEN = True

    octets: Annotated[int, Key("format", Uint(1))]
    size: Annotated[int, Key("size", Uint(64))]


@dataclass(frozen=True, slots=True)
class HashTypesAnswer(Shape):
    """What `Digest` can be asked for."""

    OPEN = True

    types: Annotated[
        dict[str, HashProperties], Key("types", Named(_TYPE, Nested(HashProperties), TYPES_MAX))
    ]


@dataclass(frozen=True, slots=True)
class HashTypes(Request[HashTypesAnswer]):
    """Ask which digests the server can make. Servers need not know this command."""

    OP, GROUP, COMMAND, ANSWER = Op.READ, GROUP, 3, HashTypesAnswer
    OPEN = True


@dataclass(frozen=True, slots=True)
class Close(Request[DoneByOthers]):
    """Let the server close whatever file it keeps open between downloads."""

    OP, GROUP, COMMAND, ANSWER = Op.WRITE, GROUP, 4, DoneByOthers
    OPEN = True


REQUESTS: Final[tuple[type[Request[Any]], ...]] = (Download, Status, Digest, HashTypes, Close)
"""All requests of this group, for a server."""


def download_payload_max(message_max: int) -> int:
    """Most data the answer to a `Download` takes in a message of `message_max` bytes."""
    return min(DATA_BYTES_MAX, message_max - _DATA_OVERHEAD)


def download_requests(name: str, size: int, offset: int, *, step: int) -> Iterator[Download]:
    """Requests for a file of `size` bytes from `offset` on, one every `step` bytes.

    step: how much the first answer held. No server promises as much in the next: where an answer
    ends before the following request begins, what lies between is still to be asked for.
    """
    for start in range(offset, size, step):
        yield Download(start, name)


def _is_sha256(output: int | bytes) -> bool:
    return isinstance(output, bytes) and len(output) == 32

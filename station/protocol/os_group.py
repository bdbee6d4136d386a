"""SMP group 0, operating system: echo, parameters, restart, who is there.

Source: Zephyr Project, "Default / OS Management Group". Others specify this group, so answers may
hold more keys than these.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Any, Final

from station.protocol.shape import DoneByOthers, Key, Request, Shape, Text, Uint
from station.protocol.smp import Op

GROUP: Final = 0

BUFFER_BYTES_MAX: Final = 0xFFFF
"""Largest buffer a server may claim: the header's length field has 16 bits."""

_TEXT: Final = Text(2048)


class SystemCode(IntEnum):
    """Codes of this group (`rc` in `err`); names as in the source."""

    OK = 0
    UNKNOWN = 1
    INVALID_FORMAT = 2
    """A part of `Info` nobody knows."""
    QUERY_YIELDS_NO_ANSWER = 3
    RTC_NOT_SET = 4
    RTC_COMMAND_FAILED = 5
    QUERY_RESPONSE_VALUE_NOT_VALID = 6


@dataclass(frozen=True, slots=True)
class EchoAnswer(Shape):
    """The text that came."""

    OPEN = True

    text: Annotated[str, Key("r", _TEXT)]


@dataclass(frozen=True, slots=True)
class Echo(Request[EchoAnswer]):
    """Send a text and get it back: whether anybody is there."""

    OP, GROUP, COMMAND, ANSWER = Op.WRITE, GROUP, 0, EchoAnswer

    text: Annotated[str, Key("d", _TEXT)]

    def why_not(self, answer: EchoAnswer) -> str:
        """Only the same text is an echo."""
        return "" if answer.text == self.text else "another text"


@dataclass(frozen=True, slots=True)
class EchoByRead(Echo):
    """The same, as Zephyr's server takes it too and some stock clients send it."""

    OP = Op.READ


@dataclass(frozen=True, slots=True)
class Reset(Request[DoneByOthers]):
    """Restart, after the answer has been sent. force: 1 restarts a busy server as well."""

    OP, GROUP, COMMAND, ANSWER = Op.WRITE, GROUP, 5, DoneByOthers
    PATIENCE_S = 2.0
    OPEN = True

    force: Annotated[int | None, Key("force", Uint(1))] = None


@dataclass(frozen=True, slots=True)
class ParametersAnswer(Shape):
    """What the server can hold.

    buf_size: bytes of one buffer, which takes a message with its header. buf_count: buffers.
    """

    OPEN = True

    buf_size: Annotated[int, Key("buf_size", Uint(BUFFER_BYTES_MAX))]
    buf_count: Annotated[int, Key("buf_count", Uint(BUFFER_BYTES_MAX))]


@dataclass(frozen=True, slots=True)
class Parameters(Request[ParametersAnswer]):
    """Ask how large and how many the server's buffers are; asked before anything large is sent."""

    OP, GROUP, COMMAND, ANSWER = Op.READ, GROUP, 6, ParametersAnswer


@dataclass(frozen=True, slots=True)
class InfoAnswer(Shape):
    """The parts asked for, separated by spaces."""

    OPEN = True

    output: Annotated[str, Key("output", _TEXT)]


@dataclass(frozen=True, slots=True)
class Info(Request[InfoAnswer]):
    """Ask for kernel name, version and the like. parts: letters as in the source, "a" for all."""

    OP, GROUP, COMMAND, ANSWER = Op.READ, GROUP, 7, InfoAnswer

    parts: Annotated[str | None, Key("format", Text(16))] = None


@dataclass(frozen=True, slots=True)
class BootloaderAnswer(Shape):
    """The name of the boot loader."""

    OPEN = True

    name: Annotated[str, Key("bootloader", _TEXT)]


@dataclass(frozen=True, slots=True)
class Bootloader(Request[BootloaderAnswer]):
    """Ask which boot loader started the server.

    query: what stock clients ask of one they know; we ask for the name alone.
    """

    OP, GROUP, COMMAND, ANSWER = Op.READ, GROUP, 8, BootloaderAnswer

    query: Annotated[str | None, Key("query", Text(64))] = None


REQUESTS: Final[tuple[type[Request[Any]], ...]] = (
    Echo,
    EchoByRead,
    Reset,
    Parameters,
    Info,
    Bootloader,
)
"""All requests of this group, for a server."""

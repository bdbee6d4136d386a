"""Frames on a serial line: where a message begins and ends, and whether it arrived whole.

Three framings (docs/SPEC.md, "Framing"): COBS with CRC-16 (the one the station speaks), the
console lines of stock UART servers, and bare messages. Decoders take bytes cut anywhere, hold at
most one frame, drop what is damaged and find the next frame by themselves. Knows no message but the
length field that bare messages are cut by.

CRC-16/XMODEM starts at zero, so two whole frames whose delimiter was damaged into a zero byte
make one frame with a right CRC. Only the length in the message's header tells (`smp.decode`).
"""

import binascii
from base64 import b64decode, b64encode
from enum import StrEnum
from typing import Final, Protocol, assert_never

from cobs import cobs

MESSAGE_BYTES_MAX: Final = 16_384
"""Longest message a decoder accepts unless told less: stock servers have buffers up to 8 KiB."""

LINE_BYTES_MAX: Final = 127
"""Longest console line, marker and newline included (SMP over console, "Overview")."""

CRC_BYTES: Final = 2
DELIMITER: Final = b"\0"

_FIRST_LINE: Final = b"\x06\x09"
_NEXT_LINE: Final = b"\x04\x14"
_LINE_TEXT_BYTES: Final = (LINE_BYTES_MAX - len(_FIRST_LINE) - len(b"\r\n")) // 4 * 4
_HEADER_BYTES: Final = 8
_RAW_REQUEST_STARTS: Final = frozenset({0x00, 0x02, 0x08, 0x0A})
"""First byte of a read or write request of SMP version 1 or 2 with the reserved bits clear."""

_CBOR_MAP: Final = 5
"""Major type of the first byte of a body (RFC 8949, section 3.1)."""


class Framing(StrEnum):
    """How messages are laid on the line."""

    COBS = "cobs"
    CONSOLE = "console"
    RAW = "raw"


class FrameDecoder(Protocol):
    """Bytes in, whole messages out; `damaged` counts frames given up."""

    damaged: int

    def feed(self, data: bytes) -> list[bytes]:
        """The messages completed by `data`, in order."""

    def reset(self) -> None:
        """Forget a frame begun; counters stay."""


def frame(framing: Framing, message: bytes) -> bytes:
    """The bytes that carry `message`, 8 to 65,533 octets, on the line.

    COBS: COBS(message, CRC-16/XMODEM big-endian), 0x00. Console: base64 of length, message and
    CRC in lines of at most 127 bytes. Raw: the message itself.
    """
    match framing:
        case Framing.COBS:
            crc = binascii.crc_hqx(message, 0)
            stuffed: bytes = cobs.encode(message + crc.to_bytes(CRC_BYTES, "big"))
            return stuffed + DELIMITER
        case Framing.CONSOLE:
            return _console_lines(message)
        case Framing.RAW:
            return message
        case _:
            assert_never(framing)


def resync(framing: Framing) -> bytes:
    """Bytes that end whatever a peer may have half received; no frame of their own."""
    return {Framing.COBS: DELIMITER, Framing.CONSOLE: b"\n", Framing.RAW: b""}[framing]


def decoder(framing: Framing, message_max: int = MESSAGE_BYTES_MAX) -> FrameDecoder:
    """A decoder of one framing for messages of at most `message_max` bytes."""
    match framing:
        case Framing.COBS:
            return CobsDecoder(message_max)
        case Framing.CONSOLE:
            return ConsoleDecoder(message_max)
        case Framing.RAW:
            return RawDecoder(message_max)
        case _:
            assert_never(framing)


class CobsDecoder:
    """COBS frames with CRC-16, ended by 0x00. Empty frames are fill and not counted."""

    def __init__(self, message_max: int = MESSAGE_BYTES_MAX) -> None:
        self.damaged = 0
        self._frame_max = cobs.max_encoded_length(message_max + CRC_BYTES) + 1
        self._begun = bytearray()
        self._skipping = False

    def reset(self) -> None:
        """Forget a frame begun."""
        self._begun.clear()
        self._skipping = False

    def feed(self, data: bytes) -> list[bytes]:
        """The messages completed by `data`, in order."""
        pieces = data.split(DELIMITER)
        last = pieces.pop()
        found: list[bytes] = []
        for piece in pieces:
            if self._skipping:
                self._skipping = False
                continue
            if self._begun:
                piece = bytes(self._begun) + piece  # noqa: PLW2901
                self._begun.clear()
            if piece:
                self._take(piece, found)
        if last and not self._skipping:
            self._begun += last
            if len(self._begun) > self._frame_max:
                self._begun.clear()
                self._skipping = True
                self.damaged += 1
        return found

    def _take(self, piece: bytes, found: list[bytes]) -> None:
        if len(piece) <= self._frame_max:
            try:
                whole = cobs.decode(piece)
            except cobs.DecodeError:
                whole = b""
            # The CRC over message and CRC together is zero exactly when they agree.
            if len(whole) > CRC_BYTES and binascii.crc_hqx(whole, 0) == 0:
                found.append(whole[:-CRC_BYTES])
                return
        self.damaged += 1


class ConsoleDecoder:
    """Console lines; text between them (a shell's, a log's) is passed over and not counted.

    Format: SMP over console ("Frame format"); a marker, base64, LF. The first line's content
    begins with the 16-bit length of what follows it, CRC included.
    """

    def __init__(self, message_max: int = MESSAGE_BYTES_MAX) -> None:
        self.damaged = 0
        self._content_max = message_max + CRC_BYTES
        self._line = bytearray()
        self._content = bytearray()
        self._expected: int | None = None

    def reset(self) -> None:
        """Forget a frame begun."""
        self._line.clear()
        self._drop()

    def feed(self, data: bytes) -> list[bytes]:
        """The messages completed by `data`, in order."""
        found: list[bytes] = []
        if self._expected is None and _FIRST_LINE not in self._line:
            seen = bytes(self._line[-1:]) + data
            if _FIRST_LINE not in seen:  # nothing for us, at the price of one search
                self._line[:] = seen[-1:]
                return found
        pieces = data.split(b"\n")
        last = pieces.pop()
        for piece in pieces:
            self._keep(piece)
            if (message := self._end_line()) is not None:
                found.append(message)
        self._keep(last)
        return found

    def _keep(self, piece: bytes) -> None:
        # As much again as a line may have: a shell's prompt may stand before the marker.
        self._line += piece[: 2 * LINE_BYTES_MAX - len(self._line)]

    def _end_line(self) -> bytes | None:
        line = bytes(self._line)
        self._line.clear()
        start = max(line.rfind(_FIRST_LINE), line.rfind(_NEXT_LINE))
        if start < 0:
            return None
        marker, text = line[start : start + 2], line[start + 2 :].rstrip(b"\r")
        try:
            fits = len(marker + text) < LINE_BYTES_MAX
            content = b64decode(text, validate=True) if fits else b""
        except binascii.Error:
            content = b""
        if marker == _FIRST_LINE:
            if self._expected is not None:
                self._give_up()
            if len(content) < 2 or int.from_bytes(content[:2], "big") > self._content_max:
                self.damaged += 1
                return None
            self._expected = int.from_bytes(content[:2], "big")
            self._content += content[2:]
        elif self._expected is None:
            return None
        elif content:
            self._content += content
        else:
            self._give_up()
            return None
        return self._whole(self._expected)

    def _whole(self, expected: int) -> bytes | None:
        if len(self._content) < expected:
            return None
        content = bytes(self._content)
        if len(content) != expected or expected <= CRC_BYTES or binascii.crc_hqx(content, 0) != 0:
            self._give_up()
            return None
        self._drop()
        return content[:-CRC_BYTES]

    def _give_up(self) -> None:
        self.damaged += 1
        self._drop()

    def _drop(self) -> None:
        self._content.clear()
        self._expected = None


class RawDecoder:
    """Bare messages, cut by the length in their header; only for lines that lose nothing.

    There is no way to find the next message after damage: an impossible header drops everything
    received so far, and the next bytes are taken for a new start.
    """

    def __init__(self, message_max: int = MESSAGE_BYTES_MAX) -> None:
        self.damaged = 0
        self._message_max = message_max
        self._begun = bytearray()

    def reset(self) -> None:
        """Forget a message begun."""
        self._begun.clear()

    def feed(self, data: bytes) -> list[bytes]:
        """The messages completed by `data`, in order."""
        self._begun += data
        found: list[bytes] = []
        while len(self._begun) >= _HEADER_BYTES:
            size = _HEADER_BYTES + int.from_bytes(self._begun[2:4], "big")
            if size > self._message_max or self._begun[1] != 0 or self._begun[0] > 0x1F:
                self.damaged += 1
                self._begun.clear()
            elif len(self._begun) < size:
                break
            else:
                found.append(bytes(self._begun[:size]))
                del self._begun[:size]
        return found


class DetectingDecoder:
    """A server's decoder: recognises what the client speaks; `framing` is the answer's framing.

    COBS and console prove themselves by their CRC at any time, so a client may be followed by
    another that speaks the other one. Bare messages carry no proof: they are recognised only at
    the start of a connection (after `reset`), by a request header with a whole map behind it.
    """

    def __init__(self, message_max: int = MESSAGE_BYTES_MAX) -> None:
        self.framing: Framing | None = None
        self._message_max = message_max
        self._cobs = CobsDecoder(message_max)
        self._console = ConsoleDecoder(message_max)
        self._raw = RawDecoder(message_max)
        self._start: bytearray | None = bytearray()

    @property
    def damaged(self) -> int:
        """Frames given up, in the framing recognised; before that, in any."""
        match self.framing:
            case Framing.COBS:
                return self._cobs.damaged
            case Framing.CONSOLE:
                return self._console.damaged
            case Framing.RAW:
                return self._raw.damaged
            case None:
                return self._cobs.damaged + self._console.damaged
            case _:
                assert_never(self.framing)

    def reset(self) -> None:
        """A new connection: any framing may come."""
        self.framing = None
        self._start = bytearray()
        for each in (self._cobs, self._console, self._raw):
            each.reset()

    def feed(self, data: bytes) -> list[bytes]:
        """The messages completed by `data`, in order."""
        if self.framing is Framing.RAW:
            return self._raw.feed(data)
        # Not `or`: each decoder must see every byte.
        from_cobs, from_console = self._cobs.feed(data), self._console.feed(data)
        if from_cobs:
            self._recognised(Framing.COBS)
            return from_cobs
        if from_console:
            self._recognised(Framing.CONSOLE)
            self._cobs.reset()
            return from_console
        if self._start is not None and data:
            self._start += data
            if self._starts_raw(self._start):
                found = self._raw.feed(bytes(self._start))
                self._recognised(Framing.RAW)
                return found
        return []

    def _recognised(self, framing: Framing) -> None:
        self.framing = framing
        self._start = None

    def _starts_raw(self, start: bytearray) -> bool:
        size = _HEADER_BYTES + int.from_bytes(start[2:4], "big")
        if (
            start[0] not in _RAW_REQUEST_STARTS
            or any(start[1:2])
            or (len(start) >= 4 and not _HEADER_BYTES < size <= self._message_max)
            or (len(start) > _HEADER_BYTES and start[_HEADER_BYTES] >> 5 != _CBOR_MAP)
        ):
            self._start = None
            return False
        return len(start) > _HEADER_BYTES and len(start) >= size


def _console_lines(message: bytes) -> bytes:
    crc = binascii.crc_hqx(message, 0).to_bytes(CRC_BYTES, "big")
    text = b64encode((len(message) + CRC_BYTES).to_bytes(2, "big") + message + crc)
    lines = []
    for start in range(0, len(text), _LINE_TEXT_BYTES):
        marker = _NEXT_LINE if start else _FIRST_LINE
        lines += [marker, text[start : start + _LINE_TEXT_BYTES], b"\n"]
    return b"".join(lines)

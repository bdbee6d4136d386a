"""Makes the golden runtime partitions without the station: by the SPEC, `struct` and `zlib` alone.

Run `python -m tests.golden.runtime_partition.make` to write the files again; a change of theirs is
a change of the format and belongs in a commit that names the section of docs/SPEC.md.
"""

import struct
import zlib
from pathlib import Path

from tests.golden.rom_store.hexdump import dump

HERE = Path(__file__).parent

SEGMENT_BYTES = 4_096
SEGMENTS = 6
BODY_BYTES_MAX = 1_024

PICTURE = bytes(offset % 251 for offset in range(1_500))


def header(erased: int, use: tuple[int, int] | None = None) -> bytes:
    """use: sequence and void before, of a segment that was taken into use."""
    wear = b"RTS1" + struct.pack("<II", erased, SEGMENT_BYTES)
    wear += struct.pack("<I", zlib.crc32(wear))
    if use is None:
        return wear
    taken = struct.pack("<II", *use)
    return wear + taken + struct.pack("<I", zlib.crc32(taken))


class Segment:
    """One segment, record after record."""

    def __init__(self, header: bytes, sequence: int) -> None:
        self.octets = bytearray(header)
        self.sequence = sequence

    def record(
        self,
        type_: int,
        serial: int,
        *,
        kind: int = 0,
        picture: int = 0,
        name: bytes = b"",
        content: bytes = b"",
        number: int = 0,
        check: int = 0,
        mark: int = 0xFF,
    ) -> None:
        """Fields as in the table of docs/spec/datastore.md, "Records"."""
        start = b"RTR1" + struct.pack("<IQ", self.sequence, serial)
        start += bytes([type_, kind, picture])
        rest = struct.pack("<HHII", len(name), len(content), number, check)
        rest += struct.pack("<I", zlib.crc32(content))
        checked = struct.pack("<I", len(self.octets)) + start + b"\xff" + rest + name
        head = start + bytes([mark]) + rest + struct.pack("<I", zlib.crc32(checked))
        self.octets += head + name + content
        while len(self.octets) % 4:
            self.octets += b"\xff"

    def text(self, serial: int, name: bytes, content: bytes, *, mark: int = 0xFF) -> None:
        """A key-value in one record."""
        self.record(
            *(1, serial),
            name=name,
            content=content,
            number=len(content),
            check=zlib.crc32(content),
            mark=mark,
        )

    def picture(self, serial: int, name: bytes, content: bytes) -> None:
        """A PNG in pieces."""
        for number, start in enumerate(range(0, len(content), BODY_BYTES_MAX)):
            piece = content[start : start + BODY_BYTES_MAX]
            self.record(2, serial, content=piece, number=number)
        self.record(
            *(1, serial),
            kind=1,
            picture=1,
            name=name,
            number=len(content),
            check=zlib.crc32(content),
        )


def area(segments: dict[int, bytes]) -> bytes:
    """All cells; what is not named is erased."""
    return b"".join(
        segments.get(number, b"").ljust(SEGMENT_BYTES, b"\xff") for number in range(SEGMENTS)
    )


def written() -> bytes:
    """Three puts, the last over the first."""
    first = Segment(header(0, (1, 0)), 1)
    first.text(1, b"dock_name", b"Dock 7", mark=0)
    first.picture(2, b"default", PICTURE)
    first.text(3, b"dock_name", b"Dock 8")
    return area({0: bytes(first.octets)})


def cleared() -> bytes:
    """The same, emptied, and one put after that."""
    second = Segment(header(0, (2, 2)), 2)
    second.record(3, 0, number=0, check=1)
    second.text(4, "größe".encode(), b"")
    return area({0: header(1), 1: bytes(second.octets)})


def files() -> dict[str, bytes]:
    """Name to content of every golden file."""
    return {"written": written(), "cleared": cleared()}


if __name__ == "__main__":
    for name, content in files().items():
        (HERE / f"{name}.hexdump").write_text(dump(content), encoding="utf-8")

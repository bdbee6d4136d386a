"""The format of `hexdump -C`: readable in a review, and the same as the dumps of the SPEC."""

from itertools import pairwise


def dump(data: bytes) -> str:
    """Sixteen octets a line; lines equal to the one before shrink to one ``*``."""
    rows = [data[at : at + 16] for at in range(0, len(data), 16)]
    lines: list[str] = []
    for number, row in enumerate(rows):
        if number and row == rows[number - 1] and number < len(rows) - 1:
            if lines[-1] != "*":
                lines.append("*")
            continue
        halves = " ".join(f"{octet:02x}" for octet in row[:8]).ljust(23), row[8:].hex(" ")
        text = "".join(chr(octet) if 32 <= octet < 127 else "." for octet in row)
        lines.append(f"{16 * number:08x}  {'  '.join(halves).ljust(48)}  |{text}|")
    return "\n".join([*lines, f"{len(data):08x}"]) + "\n"


def load(text: str) -> bytes:
    """What was dumped."""
    data = bytearray()
    lines = text.splitlines()
    for line, following in pairwise(lines):
        if line == "*":
            row = data[-16:]
            while len(data) < int(following[:8], 16):
                data += row
        else:
            data += bytes.fromhex(line[10:58])
    assert len(data) == int(lines[-1], 16)
    return bytes(data)

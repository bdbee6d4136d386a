"""A second cdb encoder, written from cdb.txt for the tests and knowing nothing of the first."""

from struct import pack

Records = list[tuple[bytes, bytes]]


def encode(records: Records) -> bytes:
    """Every record is indexed, except those with an empty key."""
    body = b""
    tables: list[list[bytes]] = [[] for _ in range(256)]
    starts: list[list[int]] = [[] for _ in range(256)]
    for key, value in records:
        if key:
            number = hashed(key)
            tables[number & 255].append(pack("<II", number, 2048 + len(body)))
            starts[number & 255].append(number >> 8)
        body += pack("<II", len(key), len(value)) + key + value
    header, ends = b"", b""
    for pointers, firsts in zip(tables, starts, strict=True):
        header += pack("<II", 2048 + len(body) + len(ends), 2 * len(pointers))
        slots = [bytes(8)] * (2 * len(pointers))
        for pointer, first in zip(pointers, firsts, strict=True):
            turn = slots[first % len(slots) :] + slots[: first % len(slots)]
            free = (first + turn.index(bytes(8))) % len(slots)
            slots[free] = pointer
        ends += b"".join(slots)
    return header + body + ends


def hashed(key: bytes) -> int:
    """Starts at 5381; for each octet, times 33, exclusive-or the octet, 32 bits kept."""
    number = 5381
    for octet in key:
        number = ((number << 5) + number) % 2**32 ^ octet
    return number

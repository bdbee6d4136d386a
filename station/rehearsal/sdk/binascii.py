"""Module `binascii`, as far as a dock has it: no `crc32`. Source: dock-sdk.md, 2.7."""

import binascii

from station.rehearsal.sdk.arguments import octets
from station.rehearsal.sdk.names import Names


def binascii_names() -> Names:
    """Of module `binascii`. What cannot be decoded is ValueError."""

    def hexlify(data: object, sep: str | bytes | None = None) -> bytes:
        plain = octets(data, "data")
        return binascii.hexlify(plain) if sep is None else binascii.hexlify(plain, sep)

    def unhexlify(data: object) -> bytes:
        try:
            return binascii.unhexlify(octets(data, "data"))
        except binascii.Error as error:
            raise ValueError(str(error)) from error

    def a2b_base64(data: object) -> bytes:
        try:
            return binascii.a2b_base64(octets(data, "data"))
        except binascii.Error as error:
            raise ValueError(str(error)) from error

    def b2a_base64(data: object, *, newline: bool = True) -> bytes:
        return binascii.b2a_base64(octets(data, "data"), newline=newline)

    return {
        "hexlify": hexlify,
        "unhexlify": unhexlify,
        "a2b_base64": a2b_base64,
        "b2a_base64": b2a_base64,
    }

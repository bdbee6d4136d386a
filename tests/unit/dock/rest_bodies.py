"""Bodies of the development service as its public documentation prints them, and small contents."""

import json
from base64 import b64encode
from typing import Any, Final

DOCK_ID: Final = "BC385DB79E2B94DC70E44422FCFFB29C0D90FCA7F024AC72625D7376233CFC02"
"""The vendor's printed example."""

CLIENT_ID: Final = "0123456789abcdef01234567-dev"
CLIENT_SECRET: Final = "0b5d1c9e-7a55-4f0e-9f6a-ca4a47ca4a47"
ENTERPRISE_ID: Final = "5ec0ffee5ec0ffee5ec0ffee"

CODE: Final = b"from splashscreen import Splashscreen\r\nSplashscreen().add_text_box('Hello')\n"
PNG: Final = bytes.fromhex(
    "89504e470d0a1a0a0000000d494844520000000100000001080000000"
    "03a7e9b550000000a4944415478da6360000000020001e527defc0000000049454e44ae426082"
)
BMP: Final = (
    b"BM"
    + (58).to_bytes(4, "little")
    + bytes(4)
    + (54).to_bytes(4, "little")
    + (40).to_bytes(4, "little")
    + (1).to_bytes(4, "little") * 2
    + (1).to_bytes(2, "little")
    + (24).to_bytes(2, "little")
    + bytes(24)
    + bytes(4)
)
JPEG: Final = bytes.fromhex("ffd8 ffc0000b080001000101011100 ffda0008010100003f0000 ffd9")
"""Whole as far as its markers tell; nobody here decodes a pixel."""


def base64(octets: bytes) -> str:
    return b64encode(octets).decode("utf-8")


def login(**changed: Any) -> dict[str, Any]:
    attributes = {
        "clientId": CLIENT_ID,
        "clientSecret": CLIENT_SECRET,
        "enterpriseId": ENTERPRISE_ID,
    }
    return {"data": {"type": "isvApplicationLogin", "attributes": attributes | changed}}


def code(**changed: Any) -> dict[str, Any]:
    attributes = {"dockId": DOCK_ID, "code": base64(CODE)}
    return {"data": {"type": "applicationCode", "attributes": attributes | changed}}


def romstore(**changed: Any) -> dict[str, Any]:
    """Key-values, tags and the order of members as documented, its invalid time zone too."""
    attributes = {
        "dockId": DOCK_ID,
        "code": {"code": base64(CODE)},
        "kvStore": {"dock_name": "mydock", "timezone": "CST"},
        "images": {
            "mypng": {"type": "PNG", "data": base64(PNG)},
            "mybmp": {"type": "BMP", "data": base64(BMP)},
            "myjpeg": {"type": "JPEG", "data": base64(JPEG)},
        },
    }
    return {"data": {"type": "applicationRomStore", "attributes": attributes | changed}}


def message(**changed: Any) -> dict[str, Any]:
    attributes = {"dockId": DOCK_ID, "message": base64(b"tHello, World!")}
    return {"data": {"type": "applicationMessage", "attributes": attributes | changed}}


def encoded(body: object) -> bytes:
    return json.dumps(body).encode("utf-8")

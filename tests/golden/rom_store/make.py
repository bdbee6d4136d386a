"""Makes the golden ROM store without the station: by the SPEC, `tinycdb` and `imgtool` alone.

Run `python -m tests.golden.rom_store.make` to write the files again; a change of theirs is a
change of the format and belongs in a commit that names the section of docs/SPEC.md.
Keys are the test vectors of RFC 8032, section 7.1: TEST 1 releases, TEST 2 is the station; and of
RFC 7748, section 6.1: Bob is the dock that unique data is sealed to.
"""

import json
import subprocess
import sys
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from tests.golden.rom_store import hpke_by_hand
from tests.golden.rom_store.hexdump import dump

HERE = Path(__file__).parent

RELEASE_SECRET = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
STATION_SECRET = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
RELEASE_CERTIFICATE = b"(certificate of the release key)"
STATION_CERTIFICATE = b"(certificate of the station key)"

DOCK_SECRET = bytes.fromhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
EPHEMERAL_SECRET = bytes(range(0x40, 0x60))
CONTENT_KEY = bytes(range(0xC0, 0xE0))
"""Chosen by the dice elsewhere; fixed here, so that the bytes are."""

DOCK_ID = bytes.fromhex("00112233445566778899aabbccddeeff" * 2)
PRODUCT = "DL-7450"
SALT = bytes(range(0xA0, 0xC0))

DOT = bytes.fromhex(
    "89504e470d0a1a0a 0000000d49484452 00000001000000010800000000 3a7e9b55"
    "0000000a49444154 789c63f80f0001010100 b138f614 0000000049454e44 ae426082"
)
"""A PNG of one white pixel."""

Named = tuple[str, str, str | None, bytes]
"""Kind, name, type, content."""

COMMON: list[Named] = [
    ("code", "main.py", None, b'print("hello")\n'),
    ("img", "dot", "PNG", DOT),
    ("kv", "dock_name", None, b"no name yet"),
    ("kv", "größe", None, b"27\xe2\x80\xb3"),
]
"""In the order of a volume."""

UPD: list[Named] = [
    ("kv", "dock_name", None, b"Dock 7"),
    ("kv", "token", None, b"k7-93-ax"),
]


def listed(entries: list[Named]) -> bytes:
    """The list that stands in a volume before its entries."""
    document = {
        "entries": [
            {
                "kind": kind,
                "name": name,
                "sha256": sha256(content).hexdigest(),
                "size": len(content),
                "type": picture,
            }
            for kind, name, picture, content in entries
        ],
        "version": 1,
    }
    return canonical(document)


def volume(entries: list[Named], salt: bytes | None) -> bytes:
    """Written by `cdb -c` in the order of its input."""
    records = [] if salt is None else [(b"salt\0", salt)]
    records.append((b"meta\0", listed(entries)))
    records += [(f"{kind}\0{name}".encode(), content) for kind, name, _, content in entries]
    typed = b"".join(
        b"+%d,%d:%b->%b\n" % (len(key), len(value), key, value) for key, value in records
    )
    with TemporaryDirectory() as folder:
        made = Path(folder, "volume.cdb")
        subprocess.run(["cdb", "-c", made], input=typed + b"\n", check=True)
        return made.read_bytes()


def release_envelope(common: bytes) -> bytes:
    """The release statement of this volume in its DSSE envelope."""
    key = Ed25519PrivateKey.from_private_bytes(RELEASE_SECRET)
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    kind = "application/vnd.dock-provisioning.release+json"
    payload = canonical(
        {
            "bundle": "example",
            "common": {"sha256": sha256(common).hexdigest(), "size": len(common)},
            "manifest_sha256": sha256(b"(manifest)").hexdigest(),
            "product": PRODUCT,
            "replaceable": [["kv", "dock_name"]],
            "security_counter": 7,
            "version": "1.2.3",
        }
    )
    signed = f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload
    return canonical(
        {
            "payload": b64encode(payload).decode(),
            "payloadType": kind,
            "signatures": [
                {
                    "keyid": sha256(public).hexdigest(),
                    "sig": b64encode(key.sign(signed)).decode(),
                }
            ],
        }
    )


def sealed(upd: bytes, common: bytes) -> tuple[bytes, bytes]:
    """Sealed content key, and the UPD volume under that key."""
    binding = canonical(
        {
            "bundle": "example",
            "common_sha256": sha256(common).hexdigest(),
            "dock_id": DOCK_ID.hex().upper(),
            "format": 1,
            "product": PRODUCT,
            "version": "1.2.3",
        }
    )
    dock = X25519PrivateKey.from_private_bytes(DOCK_SECRET).public_key().public_bytes_raw()
    info = b"dock-provisioning/1 upd key\0" + binding
    key = hpke_by_hand.seal(CONTENT_KEY, dock, info, ephemeral=EPHEMERAL_SECRET)
    content = AESGCM(CONTENT_KEY).encrypt(bytes(12), upd, b"dock-provisioning/1 upd\0" + binding)
    return key, content


def image(*, seal: bool = False) -> bytes:
    """Made by `imgtool sign` from the two volumes. seal: the UPD volume to its dock."""
    common, upd = volume(COMMON, None), volume(UPD, SALT)
    key, upd = sealed(upd, common) if seal else (b"", upd)
    payload = common.ljust(65536, b"\xff") + upd
    tlvs = [
        (0xA0, DOCK_ID),
        (0xA1, PRODUCT.encode()),
        (0xA2, sha256(payload[:65536]).digest() + sha256(payload[65536:]).digest()),
        (0xA3, release_envelope(common)),
        (0xA4, RELEASE_CERTIFICATE),
        (0xA5, STATION_CERTIFICATE),
        *([(0xA8, key)] if seal else []),
    ]
    signer = Ed25519PrivateKey.from_private_bytes(STATION_SECRET)
    with TemporaryDirectory() as folder:
        here = Path(folder)
        pem = signer.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (here / "key.pem").write_bytes(pem)
        (here / "payload.bin").write_bytes(payload)
        command = [sys.executable, "-m", "imgtool.main", "sign", "--key", "key.pem"]
        command += ["--version", "1.2.3+0", "--security-counter", "7"]
        command += ["--header-size", "4096", "--pad-header", "--slot-size", "0x100000"]
        for tag, value in tlvs:
            (here / f"{tag:#x}").write_bytes(value)
            command += ["--custom-tlv-file", f"{tag:#x}", f"{tag:#x}"]
        command += ["payload.bin", "image.bin"]
        subprocess.run(command, cwd=here, check=True, capture_output=True)
        return (here / "image.bin").read_bytes()


def canonical(document: object) -> bytes:
    """RFC 8785, as far as these documents go: sorted, no spaces, UTF-8."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def files() -> dict[str, bytes]:
    """Name to content of every golden file."""
    return {
        "common-volume": volume(COMMON, None),
        "upd-volume": volume(UPD, SALT),
        "image": image(),
        "sealed-image": image(seal=True),
    }


if __name__ == "__main__":
    for name, content in files().items():
        (HERE / f"{name}.hexdump").write_text(dump(content), encoding="utf-8")

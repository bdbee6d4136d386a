"""Sealed key files: a secret under a passphrase, its public half in clear.

Argon2id makes a key of the passphrase, AES-256-GCM seals the secret, and everything in clear is
bound to it. A file is written once and never changed; its layout is in docs/spec/evidence.md.
"""

import os
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from station.adapters.keys import algorithms, certificates
from station.domain import canonical_json
from station.domain.errors import (
    DocumentRefused,
    FileExists,
    FileUnreadable,
    KeyRefused,
    SignerOffline,
)
from station.domain.secret import Secret
from station.domain.trust import Usage
from station.domain.wall_time import parse_utc, utc_text

FORMAT: Final = "dock-provisioning-key/1"
SUFFIX: Final = ".key"
FILE_BYTES_MAX: Final = 65_536
KEY_ID_BYTES: Final = 32
SALT_BYTES: Final = 16
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16

PASSPHRASE_MIN_BYTES: Final = 12
"""Shortest passphrase a key is sealed with: at half a second a guess, 12 letters hold."""

_DAMAGED: Final = "Copy the key file again from its backup."


class Purpose(StrEnum):
    """What a sealed secret is for; a file opens for its own purpose only."""

    ROOT = "root"
    RELEASE = "release"
    STATION = "station"
    LOT = "lot"
    """Wraps what lots of unique data are stored under (`lot_vault.py`)."""

    DERIVATION = "derivation"
    """A group key that per-dock keys are derived from (`domain/derivation.py`)."""

    DEVICE_ROOT = "device-root"

    FIXTURE = "fixture"
    """A key that the docks of a product share with their fixture (`device_trust.py`)."""

    @property
    def usage(self) -> Usage | None:
        """What the key may sign as; None for a symmetric secret."""
        return Usage(self.value) if self.value in set(Usage) else None


@dataclass(frozen=True, slots=True)
class KdfCost:
    """What one guess costs (RFC 9106). Raises ValueError outside the bounds a reader accepts."""

    memory_kib: int
    passes: int
    lanes: int

    def __post_init__(self) -> None:
        if not (
            8 * self.lanes <= self.memory_kib <= 1_048_576
            and 1 <= self.passes <= 16
            and 1 <= self.lanes <= 4
        ):
            raise ValueError("a cost of the key derivation outside its bounds")


STANDARD_COST: Final = KdfCost(memory_kib=262_144, passes=3, lanes=1)
"""256 MiB, three passes: 0.5 to 1 s on a station's processor."""

CHEAP_COST: Final = KdfCost(memory_kib=64, passes=1, lanes=1)
"""For tests and the demo, where the passphrase protects nothing."""


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """The public half of a key file.

    It is what the file says in clear; only `unlock` proves it. key_id: 32 octets; for a signing
    key SHA-256 of its SubjectPublicKeyInfo, else random. certificate: DER, None for a symmetric
    secret and for a key nobody has certified yet.
    """

    path: Path
    purpose: Purpose
    holder: str
    key_id: bytes
    certificate: bytes | None = field(repr=False)
    demo: bool
    created_at: datetime
    cost: KdfCost

    @property
    def uri(self) -> str:
        """The name of this key in settings: ``file:///…``."""
        return self.path.absolute().as_uri()


@dataclass(frozen=True, slots=True)
class UnlockedKey:
    """A key file and the secret in it: PKCS#8 (DER) for a signing key, else the raw octets."""

    entry: KeyEntry
    material: Secret

    def wipe(self) -> None:
        """Zero the secret."""
        self.material.wipe()


@dataclass(frozen=True, slots=True)
class KeyFolder:
    """The keys of a folder, by file name; `refused` holds the files that could not be read."""

    keys: tuple[KeyEntry, ...]
    refused: tuple[KeyRefused | FileUnreadable, ...]


def seal(
    folder: Path,
    material: Secret,
    passphrase: Secret,
    *,
    purpose: Purpose,
    holder: str,
    key_id: bytes,
    certificate: bytes | None,
    demo: bool,
    created_at: datetime,
    cost: KdfCost = STANDARD_COST,
) -> KeyEntry:
    """Write a new key file into `folder` (made if missing), mode 0600, whole or not at all.

    Raises KeyRefused for a short passphrase or a certificate of another key, FileExists where
    this key has a file already, FileUnreadable where the folder cannot be written.
    """
    demand_passphrase(passphrase)
    if not holder.isprintable() or not holder:
        raise KeyRefused("the holder of a key has a printable name", remedy="Choose another name.")
    entry = KeyEntry(
        path=folder / f"{purpose}-{key_id.hex()[:16]}{SUFFIX}",
        purpose=purpose,
        holder=holder,
        key_id=key_id,
        certificate=certificate,
        demo=demo,
        created_at=parse_utc(utc_text(created_at)),
        cost=cost,
    )
    _demand_match(entry, material)
    salt, nonce = os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES)
    header = _header(entry, salt, nonce)
    with _derived(passphrase, salt, cost) as key, material.reveal() as octets:
        sealed = AESGCM(key).encrypt(nonce, octets, canonical_json.encode(header))
    write_new(entry.path, canonical_json.encode({**header, "ciphertext": _base64(sealed)}))
    return entry


def demand_passphrase(passphrase: Secret) -> None:
    """Raise KeyRefused for a passphrase that no key is sealed with."""
    if passphrase.size_bytes < PASSPHRASE_MIN_BYTES:
        raise KeyRefused(
            f"the passphrase has fewer than {PASSPHRASE_MIN_BYTES} characters",
            remedy="Choose a longer passphrase, such as six random words.",
        )


def unlock(path: Path, passphrase: Secret, *, purpose: Purpose) -> UnlockedKey:
    """Open a key file for `purpose`; takes as long as its recorded cost demands.

    Raises KeyRefused for a wrong passphrase, another purpose, and any change to the file;
    FileUnreadable where there is no such file; SignerOffline without the memory it takes.
    """
    entry, salt, nonce, sealed = _read(path)
    if entry.purpose is not purpose:
        raise KeyRefused(f"{path.name}: a {entry.purpose} key cannot serve as {purpose}")
    opened = bytearray(len(sealed) - TAG_BYTES)
    with _derived(passphrase, salt, entry.cost) as key:
        bound = canonical_json.encode(_header(entry, salt, nonce))
        try:
            AESGCM(key).decrypt_into(nonce, sealed, bound, opened)
        except InvalidTag as error:
            raise KeyRefused(
                f"{path.name}: wrong passphrase, or a damaged key file",
                remedy="Type the passphrase again; if it is right, restore the file.",
            ) from error
    material = Secret.taking(opened)
    _demand_match(entry, material)
    return UnlockedKey(entry, material)


def read_entry(path: Path) -> KeyEntry:
    """The public half of one key file. Raises KeyRefused for damage, or FileUnreadable."""
    return _read(path)[0]


def list_keys(folder: Path) -> KeyFolder:
    """Public halves of all key files of a folder, without any passphrase.

    A folder that does not exist holds none.
    """
    keys: list[KeyEntry] = []
    refused: list[KeyRefused | FileUnreadable] = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            keys.append(read_entry(path))
        except (KeyRefused, FileUnreadable) as error:
            refused.append(error)
    return KeyFolder(tuple(keys), tuple(refused))


def path_of(uri: str) -> Path:
    """The file a ``file:`` URI names (RFC 8089, local and absolute). Raises KeyRefused."""
    parts = urlsplit(uri)
    if (
        parts.scheme != "file"
        or parts.netloc not in {"", "localhost"}
        or parts.query
        or parts.fragment
        or not parts.path.startswith("/")
        or "\0" in unquote(parts.path)
    ):
        raise KeyRefused(
            f"{uri[:200]!r} names no key file", remedy="Write file:///folder/name.key."
        )
    return Path(unquote(parts.path))


def write_new(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Create `path` with `data`: durable and whole, or not there at all; never overwrites.

    Raises FileExists, or FileUnreadable where the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}.tmp")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.link(temporary, path)  # unlike a rename, refuses to replace
        finally:
            temporary.unlink(missing_ok=True)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except FileExistsError as error:
        raise FileExists(f"{path.name} is already there") from error
    except OSError as error:
        raise FileUnreadable(f"{path}: {error.strerror}") from error


@contextmanager
def _derived(passphrase: Secret, salt: bytes, cost: KdfCost) -> Iterator[bytearray]:
    key = bytearray(32)
    kdf = Argon2id(
        salt=salt,
        length=len(key),
        iterations=cost.passes,
        lanes=cost.lanes,
        memory_cost=cost.memory_kib,
    )
    try:
        with passphrase.reveal() as octets:
            try:
                kdf.derive_into(octets, key)  # type: ignore[arg-type]  # takes any buffer
            except MemoryError as error:
                raise SignerOffline(
                    f"unlocking takes {cost.memory_kib // 1024} MiB of memory, which are not free",
                    remedy="Close other programs and try again.",
                ) from error
        yield key
    finally:
        key[:] = bytes(len(key))


def _demand_match(entry: KeyEntry, material: Secret) -> None:
    """Raise KeyRefused unless the secret is what the public half says."""
    if entry.purpose.usage is None:
        if entry.certificate is not None or len(entry.key_id) != KEY_ID_BYTES:
            raise KeyRefused(f"{entry.path.name}: not the public half of a symmetric secret")
        return
    private = algorithms.load_private(material)
    public = algorithms.public_octets(private.public_key())
    if algorithms.key_id(public) != entry.key_id:
        raise KeyRefused(f"{entry.path.name}: the public half belongs to another key")
    if entry.certificate is None:
        return
    certificate = certificates.read(entry.certificate)
    claims = certificate.claims
    if certificate.public_key != public or (claims.usage, claims.holder, claims.demo) != (
        entry.purpose.usage,
        entry.holder,
        entry.demo,
    ):
        raise KeyRefused(f"{entry.path.name}: the certificate belongs to another key")


def _header(entry: KeyEntry, salt: bytes, nonce: bytes) -> dict[str, canonical_json.JsonValue]:
    """Everything a file says in clear; its canonical form is bound to the ciphertext."""
    return {
        "certificate": None if entry.certificate is None else _base64(entry.certificate),
        "cipher": "aes-256-gcm",
        "created_at": utc_text(entry.created_at),
        "demo": entry.demo,
        "format": FORMAT,
        "holder": entry.holder,
        "kdf": {
            "lanes": entry.cost.lanes,
            "memory_kib": entry.cost.memory_kib,
            "name": "argon2id",
            "passes": entry.cost.passes,
            "salt": _base64(salt),
        },
        "key_id": entry.key_id.hex(),
        "nonce": _base64(nonce),
        "purpose": entry.purpose,
    }


def _read(path: Path) -> tuple[KeyEntry, bytes, bytes, bytes]:
    """Entry, salt, nonce and ciphertext with its tag."""
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise FileUnreadable(f"{path}: {error.strerror}") from error
    if len(data) > FILE_BYTES_MAX:
        raise KeyRefused(f"{path.name}: larger than a key file can be", remedy=_DAMAGED)
    try:
        return _parsed(path, data)
    except (ValueError, DocumentRefused) as error:
        raise KeyRefused(f"{path.name}: not a key file, or a damaged one", remedy=_DAMAGED) from (
            error
        )


def _parsed(path: Path, data: bytes) -> tuple[KeyEntry, bytes, bytes, bytes]:
    match canonical_json.decode(data):
        case {
            "certificate": (str() | None) as certificate,
            "ciphertext": str(ciphertext),
            "created_at": str(created_at),
            "demo": bool(demo),
            "holder": str(holder),
            "kdf": {
                "lanes": int(lanes),
                "memory_kib": int(memory_kib),
                "passes": int(passes),
                "salt": str(salt_text),
            },
            "key_id": str(key_id),
            "nonce": str(nonce_text),
            "purpose": str(purpose),
        }:
            entry = KeyEntry(
                path=path,
                purpose=Purpose(purpose),
                holder=holder,
                key_id=bytes.fromhex(key_id),
                certificate=None if certificate is None else _octets(certificate),
                demo=demo,
                created_at=parse_utc(created_at),
                cost=KdfCost(memory_kib, passes, lanes),
            )
        case _:
            raise ValueError("not a key file")
    if not holder.isprintable():
        raise ValueError("a holder that cannot be shown")
    salt, nonce, sealed = _octets(salt_text), _octets(nonce_text), _octets(ciphertext)
    sizes = (len(entry.key_id), len(salt), len(nonce))
    if sizes != (KEY_ID_BYTES, SALT_BYTES, NONCE_BYTES) or len(sealed) <= TAG_BYTES:
        raise ValueError("a part of the wrong length")
    # Any other field, value or spelling shows here: what we would write is what was read.
    again: dict[str, canonical_json.JsonValue] = {
        **_header(entry, salt, nonce),
        "ciphertext": ciphertext,
    }
    if canonical_json.encode(again) != data or _base64(sealed) != ciphertext:
        raise ValueError("another format, or another spelling")
    return entry, salt, nonce, sealed


def _base64(octets: bytes) -> str:
    return b64encode(octets).decode("ascii")


def _octets(text: str) -> bytes:
    return b64decode(text.encode("ascii"), validate=True)

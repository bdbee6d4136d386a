"""The sealed ``.bundle`` file: a deterministic ustar archive of exactly four members.

``release.dsse.json`` (release statement and signature), ``release.cer`` (its certificate, DER),
``manifest.json`` and ``common.cdb`` (the common volume), in this order, each header with fixed
metadata, two zero blocks at the end and nothing after them (docs/SPEC.md, "Bundle file"). Any tar
program can open it; the reader here takes no other spelling of it.

Structure only: whether the signature holds is decided by whoever reads the members.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from station.adapters.files.atomic import write_file
from station.adapters.files.reading import read_file
from station.domain.errors import BundleRefused, OverBudget

SUFFIX: Final = ".bundle"
BLOCK_BYTES: Final = 512
"""Unit of a tar archive (POSIX.1-2017, pax, "ustar Interchange Format")."""

MEMBERS: Final[tuple[tuple[str, int], ...]] = (
    ("release.dsse.json", 1024 * 1024),
    ("release.cer", 64 * 1024),
    ("manifest.json", 32 * 1024 * 1024),
    ("common.cdb", 256 * 1024 * 1024),
)
"""Name and largest size in bytes of each member, in the order of the file."""

FILE_BYTES_MAX: Final = sum(limit + 2 * BLOCK_BYTES for _, limit in MEMBERS) + 2 * BLOCK_BYTES

_END: Final = bytes(2 * BLOCK_BYTES)


@dataclass(frozen=True, slots=True)
class SealedBundle:
    """The members of a bundle file, as views of bytes that nobody can change any more.

    sha256: of the whole file, 32 octets. size_bytes: of the whole file. common is read-only.
    """

    release_envelope: bytes = field(repr=False)
    certificate: bytes = field(repr=False)
    manifest: bytes = field(repr=False)
    common: memoryview = field(repr=False)
    sha256: bytes
    size_bytes: int


def read_bundle(path: Path) -> SealedBundle:
    """The members of a bundle file. Raises FileUnreadable or BundleRefused.

    The file is read once into memory and `common` is a view of that: what is checked is what is
    used, whoever rewrites the file meanwhile, and every lane shares the one copy.
    """
    try:
        data = read_file(path, limit_bytes=FILE_BYTES_MAX)
    except OverBudget as error:
        raise BundleRefused(error.cause) from error
    return parse_bundle(data, name=str(path))


def parse_bundle(data: bytes, *, name: str) -> SealedBundle:
    """The members of a bundle file's bytes; `name` stands in complaints. Raises BundleRefused."""
    whole = memoryview(data)
    at = 0
    found: list[memoryview] = []
    for member, limit in MEMBERS:
        header = bytes(whole[at : at + BLOCK_BYTES])
        size = _stated_size(header)
        if size is None or header != member_header(member, size):
            raise BundleRefused(f"{name}: not a bundle: no proper {member} at byte {at}")
        if size > limit:
            raise BundleRefused(f"{name}: {member} has {size:,} bytes; at most {limit:,}")
        at += BLOCK_BYTES
        content, padding = whole[at : at + size], -size % BLOCK_BYTES
        if len(content) < size:
            raise BundleRefused(f"{name}: cut short in {member}")
        at += size + padding
        if whole[at - padding : at] != bytes(padding):
            raise BundleRefused(f"{name}: {member} is not padded with zeros")
        found.append(content)
    if whole[at:] != _END:
        raise BundleRefused(f"{name}: does not end as a bundle does, at byte {at}")
    envelope, certificate, manifest, common = found
    return SealedBundle(
        release_envelope=bytes(envelope),
        certificate=bytes(certificate),
        manifest=bytes(manifest),
        common=common,
        sha256=sha256(data).digest(),
        size_bytes=len(data),
    )


def write_bundle(
    path: Path,
    *,
    release_envelope: bytes,
    certificate: bytes,
    manifest: bytes,
    common: bytes | memoryview,
    overwrite: bool = False,
) -> bytes:
    """Write a bundle file; its SHA-256 (32 octets). The same members give the same bytes.

    Raises what `atomic.write_file` raises, and ValueError for a member beyond its limit.
    """
    contents = (release_envelope, certificate, manifest, common)
    for (member, limit), content in zip(MEMBERS, contents, strict=True):
        if len(content) > limit:
            raise ValueError(f"{member} has {len(content)} bytes; at most {limit}")
    digest = sha256()

    def hashed() -> Iterator[bytes | memoryview]:
        for chunk in _chunks(contents):
            digest.update(chunk)
            yield chunk

    write_file(path, hashed(), overwrite=overwrite)
    return digest.digest()


def member_header(name: str, size_bytes: int) -> bytes:
    """The one header a member of this name and size may have: mode 0644, no owner, no time."""
    before = b"".join(
        (
            name.encode("ascii").ljust(100, b"\0"),
            b"0000644\0",
            b"0000000\0",  # user id
            b"0000000\0",  # group id
            b"%011o\0" % size_bytes,
            b"%011o\0" % 0,  # modified at
        )
    )
    after = b"".join(
        (
            b"0",  # a regular file
            bytes(100),  # linked name
            b"ustar\x0000",
            bytes(64),  # user and group name
            b"0000000\0" * 2,  # device numbers
            bytes(167),  # prefix of the name, and unused
        )
    )
    checksum = sum(before) + 8 * ord(" ") + sum(after)
    return before + b"%06o\0 " % checksum + after


def _stated_size(header: bytes) -> int | None:
    """The size field of a header; None unless it is eleven octal digits and NUL."""
    digits = header[124:135]
    if len(digits) != 11 or header[135:136] != b"\0" or digits.strip(b"01234567"):
        return None
    return int(digits, 8)


def _chunks(contents: tuple[bytes | memoryview, ...]) -> Iterator[bytes | memoryview]:
    for (member, _), content in zip(MEMBERS, contents, strict=True):
        yield member_header(member, len(content))
        yield content
        yield bytes(-len(content) % BLOCK_BYTES)
    yield _END

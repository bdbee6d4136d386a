"""Volumes made on purpose to cost their reader time or memory, and what they do cost.

`measured` judges one in a process of its own: what a test had in memory before does not count.
"""

import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Final

import cdblib

from station.datastore.volume import Volume, build_common_volume
from station.domain.entries import Entry, Kind, PictureType
from station.domain.errors import ImageRefused
from tests.golden.rom_store import make
from tests.unit.datastore import independent_cdb
from tests.unit.datastore.made_images import Forgery, accepted

ROOT: Final = Path(__file__).resolve().parents[3]
BUDGET_BYTES: Final = 13_000_000

LIST_BOMBS: Final = {
    "arrays": b"[],",
    "objects": b'{"a":1},',
    "numbers": b"1,",
    "types": b'"type":null}',
    "items": b'{"kind":"kv","name":"a","type":null},',
}
_ALPHABET: Final = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def forged(*records: tuple[bytes, bytes], listed: bytes | None = None) -> bytes:
    """A volume of these records behind an honest list of them, or behind another one."""
    named: list[make.Named] = []
    for key, content in records:
        kind, _, name = key.partition(b"\0")
        named.append(
            (kind.decode("ascii", "replace"), name.decode("utf-8", "replace"), None, content)
        )
    return independent_cdb.encode(
        [(b"meta\0", make.listed(named) if listed is None else listed), *records]
    )


def list_bomb(name: str) -> bytes:
    """One small entry, and a list that takes the whole budget."""
    bomb = LIST_BOMBS[name]
    listed = b'{"entries":[' + bomb * (BUDGET_BYTES // len(bomb)) + b'],"version":1}'
    return forged((b"kv\0a", b""), listed=listed)


def many(number: int) -> bytes:
    """So many small entries, written by pure-cdb."""
    names = [f"name {each:06d}" for each in range(number)]
    file = BytesIO()
    with cdblib.Writer(file) as writer:
        writer.put(b"meta\0", make.listed([("kv", name, None, b"v") for name in names]))
        for name in names:
            writer.put(f"kv\0{name}".encode(), b"v")
    return file.getvalue()


def fillers() -> bytes:
    """As many fillers as the budget has room for, and nothing else."""
    records = bytes(8) * (BUDGET_BYTES // 8)
    return (2048 + len(records)).to_bytes(8, "little") * 256 + records


def large_image() -> bytes:
    """12 MB of pictures, honest."""
    return Forgery(
        common=build_common_volume(
            Entry(Kind.IMG, f"picture {number}", bytes([number]) * 1_000_000, PictureType.BMP)
            for number in range(12)
        )
    ).image()


def colliding(number: int) -> list[str]:
    """Names whose keys all have one hash: each of their parts leads from one hash to another."""
    names, at = [""], independent_cdb.hashed(b"kv\0")
    while len(names) < number:
        alike: dict[int, list[str]] = {}
        for part in map(bytes, product(_ALPHABET, repeat=2)):
            alike.setdefault(_led(at, part), []).append(part.decode())
        at, parts = max(alike.items(), key=lambda item: len(item[1]))
        names = [name + part for name in names for part in parts]
    return sorted(names[:number])


def _led(hashed: int, octets: bytes) -> int:
    for octet in octets:
        hashed = hashed * 33 % 2**32 ^ octet
    return hashed


# -- what it costs -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cost:
    """Bytes of the volume; at the most while it was judged; and held afterwards.

    refused: reason and cause, both empty where it was accepted.
    """

    data_bytes: int
    peak_bytes: int
    left_bytes: int
    refused: tuple[str, str]


def measured(data: str, judge: str = "Volume.open") -> Cost:
    """data, judge: expressions of this module."""
    script = f"from tests.unit.datastore.hostile import *; tell({data}, {judge})"
    command = [sys.executable, "-c", script]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    data_bytes, peak_bytes, left_bytes, reason, cause = json.loads(ended.stdout)
    return Cost(data_bytes, peak_bytes, left_bytes, (reason, cause))


def tell(data: bytes, judge: Callable[[bytes], object]) -> None:
    """Judge, and print what it took."""
    held, refused = None, ("", "")
    tracemalloc.start()
    try:
        held = judge(data)
    except ImageRefused as error:
        refused = error.reason.value, error.cause
    left, peak = tracemalloc.get_traced_memory()
    json.dump((len(data), peak, left, *refused), sys.stdout)
    del held


__all__ = ["Volume", "accepted", "fillers", "large_image", "list_bomb", "many", "tell"]

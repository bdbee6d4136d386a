"""The datastore runtime: mounting, looking up and writing each partition.

The runtime partition's flash is simulated in memory, so its figures are the work of the program and
of no chip; the peer in memory is to be compared with that. Every figure is the median of several
rounds, its peers' too, one after the other.
"""

import random
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

import cdblib

from station.datastore.ephemeral import EphemeralPartition
from station.datastore.partitions import Datastore, RomPartition
from station.datastore.runtime_format import area_bytes
from station.datastore.runtime_partition import RuntimePartition
from station.datastore.vendor import open_vendor_api
from station.datastore.volume import Volume, build_common_volume, build_upd_volume
from station.dock.flash import Flash, Geometry
from station.dock.layout import Area
from station.domain.entries import Entry, Kind, PictureType
from station.domain.errors import StoreFull
from station.domain.limits import RUNTIME_BYTES
from tests.benchmarks.measure import AtMost, Measure
from tests.unit.datastore.flash_areas import AreaOfFlash

ROUNDS: Final = 7
FEW, MANY = 10, 10_000
VALUE: Final = b"v" * 60
LOOKS: Final = 2_000

PIECE: Final = bytes(1_000_000)
PIECES: Final = 120

ROM_BYTES: Final = 12_500_000
ROM_KEYS: Final = 4_000


def measure() -> list[Measure]:
    """See the names."""
    return [*_runtime(), *_ephemeral(), *_rom()]


def _median_s(act: Callable[[], object]) -> float:
    """Seconds the act takes."""
    took = []
    for _ in range(ROUNDS):
        began = perf_counter()
        act()
        took.append(perf_counter() - began)
    return median(took)


# -- runtime -------------------------------------------------------------------------------------


def _area() -> AreaOfFlash:
    size_bytes = area_bytes(RUNTIME_BYTES)
    flash = Flash(bytearray(b"\xff" * size_bytes), Geometry(size_bytes))
    return AreaOfFlash(flash, Area(0, size_bytes))


def _holding(area: AreaOfFlash, entries: int) -> RuntimePartition:
    partition = RuntimePartition(area)
    for number in range(entries):
        partition.put(Entry(Kind.KV, f"key-{number}", VALUE))
    return partition


def _runtime() -> list[Measure]:
    areas = {count: _area() for count in (FEW, MANY)}
    partitions = {count: _holding(area, count) for count, area in areas.items()}
    mounts_s = {count: _median_s(partial(RuntimePartition, area)) for count, area in areas.items()}
    looks_s = {count: _look_up_s(one, count) for count, one in partitions.items()}
    put_s = _put_s(partitions[MANY])
    with (
        tempfile.TemporaryDirectory(prefix="bench-datastore-") as folder,
        closing(sqlite3.connect(Path(folder, "peer.db"), isolation_level=None)) as file,
    ):
        file_put_s, _ = _sqlite_s(file)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as memory:
        peer_put_s, peer_look_s = _sqlite_s(memory)
    amplification, spread = _churned()
    return [
        Measure(f"runtime mount, {FEW} entries", 1e3 * mounts_s[FEW], "ms"),
        Measure(f"runtime mount, {MANY:,} entries", 1e3 * mounts_s[MANY], "ms", AtMost(500)),
        Measure(
            f"runtime look-up, {MANY:,} entries",
            1e6 * looks_s[MANY],
            "us",
            peers={"sqlite3 in memory": 1e6 * peer_look_s},
        ),
        Measure(
            f"runtime look-up, {MANY:,} entries / {FEW}",
            looks_s[MANY] / looks_s[FEW],
            "ratio",
            AtMost(2),
        ),
        Measure("runtime look-up / sqlite3 in memory", looks_s[MANY] / peer_look_s, "ratio"),
        Measure(
            "runtime put, 60 bytes",
            1e6 * put_s,
            "us",
            peers={
                "sqlite3 in memory": 1e6 * peer_put_s,
                "sqlite3 in a file, fsync": 1e6 * file_put_s,
            },
        ),
        Measure("runtime put / sqlite3 in memory", put_s / peer_put_s, "ratio"),
        Measure("runtime bytes programmed / put, full", amplification, "ratio", AtMost(22)),
        Measure("runtime erasures, most less least", spread, "erasures"),
    ]


def _look_up_s(partition: RuntimePartition, entries: int) -> float:
    names = [f"key-{number % entries}" for number in range(LOOKS)]

    def looks() -> None:
        for name in names:
            partition.get(Kind.KV, name)

    return _median_s(looks) / LOOKS


def _put_s(partition: RuntimePartition) -> float:
    entries = [Entry(Kind.KV, f"key-{number}", VALUE) for number in range(LOOKS)]

    def puts() -> None:
        for entry in entries:
            partition.put(entry)

    return _median_s(puts) / LOOKS


def _sqlite_s(connection: sqlite3.Connection) -> tuple[float, float]:
    """Seconds of a put and of a look-up, one transaction each, among as many entries."""
    connection.execute("CREATE TABLE entry (name TEXT PRIMARY KEY, data BLOB) WITHOUT ROWID")
    connection.execute("BEGIN")
    for number in range(MANY):
        connection.execute("INSERT INTO entry VALUES (?, ?)", (f"key-{number}", VALUE))
    connection.execute("COMMIT")
    count = LOOKS // 10

    def puts() -> None:
        for number in range(count):
            connection.execute("REPLACE INTO entry VALUES (?, ?)", (f"key-{number}", VALUE))

    def looks() -> None:
        for number in range(LOOKS):
            connection.execute(
                "SELECT data FROM entry WHERE name = ?", (f"key-{number}",)
            ).fetchone()

    return _median_s(puts) / count, _median_s(looks) / LOOKS


def _churned() -> tuple[float, float]:
    """Octets programmed for each one put into a full partition, and how unevenly it wore."""
    chance, area = random.Random(7), _area()
    partition, count = RuntimePartition(area), 0

    def made(number: int) -> Entry:
        return Entry(Kind.FONT, f"f{number}", bytes(chance.randrange(1, 20_000)))

    try:
        while True:
            partition.put(made(count))
            count += 1
    except StoreFull:
        pass
    before, put_bytes = area.programmed_bytes, 0
    for _ in range(4_000):
        entry = made(chance.randrange(count))
        try:
            partition.put(entry)
            put_bytes += len(entry.data)
        except StoreFull:
            continue
    erasures = partition.erasures
    return (area.programmed_bytes - before) / put_bytes, max(erasures) - min(erasures)


# -- ephemeral -----------------------------------------------------------------------------------


def _ephemeral() -> list[Measure]:
    partition = EphemeralPartition()
    names = [f"image-{number}" for number in range(PIECES)]

    def puts() -> None:
        for name in names:
            partition.put(Entry(Kind.IMG, name, PIECE, PictureType.PNG))

    api = open_vendor_api(Datastore((partition,)))
    put_s = _median_s(puts)
    get_s = _median_s(lambda: [api.ImageStore().get(name) for name in names])
    copy_s = _median_s(lambda: [bytearray(PIECE) for _ in names])
    token_s = _median_s(lambda: [api.ImageStore().get_token(name) for name in names])
    size = PIECES * len(PIECE) / 1e6
    return [
        Measure("ephemeral put, 1 MB each", size / put_s, "MB/s"),
        Measure(
            "ephemeral get, 1 MB each",
            size / get_s,
            "MB/s",
            peers={"a copy of bytes": size / copy_s},
        ),
        Measure("ephemeral token, 1 MB image", 1e6 * token_s / PIECES, "us"),
    ]


# -- ROM -----------------------------------------------------------------------------------------


def _rom() -> list[Measure]:
    chance = random.Random(5)
    size = ROM_BYTES // ROM_KEYS
    entries = [
        Entry(Kind.FONT, f"name-{number}", chance.randbytes(size)) for number in range(ROM_KEYS)
    ]
    common = build_common_volume(entries)
    upd = Volume.open_upd(build_upd_volume((), salt=bytes(32)))
    rom = RomPartition(upd, Volume.open_common(common))
    peer = cdblib.Reader(common)
    names = [f"name-{number}" for number in range(0, ROM_KEYS, 2)]
    keys = [b"font\0" + name.encode() for name in names]
    look_s = _median_s(lambda: [rom.get(Kind.FONT, name) for name in names]) / len(names)
    peer_s = _median_s(lambda: [peer.get(key) for key in keys]) / len(keys)
    return [
        Measure(
            "ROM mount, 12.5 MB, 4,000 keys, verified",
            1e3 * _median_s(lambda: Volume.open_common(common)),
            "ms",
        ),
        Measure("ROM look-up, 4,000 keys", 1e6 * look_s, "us", peers={"pure-cdb": 1e6 * peer_s}),
        Measure("ROM look-up / pure-cdb", look_s / peer_s, "ratio"),
    ]

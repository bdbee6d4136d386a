"""Shared blocks are compressed once, whoever asks and however many at a time, and then kept."""

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from threading import Barrier, Event, Lock

import pytest

from station.adapters.serial_link import packed_blocks
from station.adapters.serial_link.packed_blocks import BLOCK_OVERHEAD_BYTES, PackedBlocks
from station.application.ports import Piece
from station.protocol.compression import Method
from station.protocol.datastore_group import Write
from station.protocol.packing import Packed, pack

MESSAGE_MAX = 4_092


def block(number: int, size: int = 20_000) -> Piece:
    data = f"block {number} ".encode() * (size // 8)
    return Piece(65_536 * number, data, sha256(data).digest())


class Packing:
    """Stands in the way of `pack`, counts what passes, and may hold or break it."""

    def __init__(self) -> None:
        self.packed: list[bytes] = []
        self.go = Event()
        self.go.set()
        self.raises: Exception | None = None
        self._lock = Lock()
        self._pack = pack

    def __call__(
        self, method: Method, data: bytes | memoryview, *, message_max: int
    ) -> tuple[Packed, ...]:
        with self._lock:
            self.packed.append(bytes(data))
        assert self.go.wait(10)
        if self.raises is not None:
            raise self.raises
        return self._pack(method, data, message_max=message_max)


@pytest.fixture
def packing(monkeypatch: pytest.MonkeyPatch) -> Packing:
    made = Packing()
    monkeypatch.setattr(packed_blocks, "pack", made)
    return made


def writes(
    blocks: PackedBlocks, piece: Piece, method: Method = Method.ZLIB, message_max: int = MESSAGE_MAX
) -> list[Write]:
    return list(blocks.writes(piece, method, message_max=message_max))


def test_a_block_is_packed_once_for_every_dock(packing: Packing) -> None:
    blocks = PackedBlocks()
    first = writes(blocks, block(1))
    again = writes(blocks, block(1))

    assert first == again
    assert len(packing.packed) == 1


def test_another_method_or_message_is_packed_by_itself(packing: Packing) -> None:
    blocks = PackedBlocks()
    for method in Method:
        for message_max in (MESSAGE_MAX, 1_024):
            for _ in range(2):
                assert writes(blocks, block(1), method, message_max)[0].method is method

    assert len(packing.packed) == 4


def test_the_same_content_elsewhere_is_not_packed_again(packing: Packing) -> None:
    blocks = PackedBlocks()
    here = block(1)
    there = Piece(9_000_000, here.data, here.shared)
    writes(blocks, here)
    moved = writes(blocks, there)

    assert moved[0].offset == 9_000_000
    assert len(packing.packed) == 1


def test_lanes_that_ask_at_once_wait_for_the_first(packing: Packing) -> None:
    blocks, lanes, together = PackedBlocks(), 8, Barrier(8)
    packing.go.clear()

    def lane() -> list[Write]:
        together.wait(10)
        return writes(blocks, block(1))

    with ThreadPoolExecutor(lanes) as pool:
        asked = [pool.submit(lane) for _ in range(lanes)]
        packing.go.set()
        found = [one.result(10) for one in asked]

    assert all(one == found[0] for one in found)
    assert len(packing.packed) == 1


def test_what_does_not_fit_is_forgotten_the_longest_unused_first(packing: Packing) -> None:
    one = BLOCK_OVERHEAD_BYTES + sum(len(each.data) for each in writes(PackedBlocks(), block(1)))
    packing.packed.clear()
    blocks = PackedBlocks(3 * one + 100)
    for number in (1, 2, 3, 1, 4):
        writes(blocks, block(number))
    for number in (4, 3, 1):
        writes(blocks, block(number))

    assert len(packing.packed) == 4
    writes(blocks, block(2))
    assert len(packing.packed) == 5


def test_a_block_that_travels_plain_is_remembered_too(packing: Packing) -> None:
    noise = b"".join(sha256(bytes([each])).digest() for each in range(200))
    piece = Piece(0, noise, sha256(noise).digest())
    blocks = PackedBlocks()
    for _ in range(2):
        assert [one.method for one in writes(blocks, piece)] == [None, None]

    assert len(packing.packed) == 1


def test_a_lane_that_fails_takes_nobody_with_it_for_long(packing: Packing) -> None:
    blocks = PackedBlocks()
    packing.raises = MemoryError()
    with pytest.raises(MemoryError):
        writes(blocks, block(1))
    packing.raises = None

    assert writes(blocks, block(1))[0].method is Method.ZLIB

"""Compressed writes: what a dock said it can inflate, whole, within its bounds, or not at all."""

import pytest

from station.domain.profile import Compression
from station.protocol import datastore_group as store
from station.protocol.compression import INFLATED_BYTES_MAX, Method, deflated
from station.protocol.datastore_group import DatastoreCode, Slot
from station.protocol.errors import DockRefused
from station.protocol.packing import pack, packed_writes
from station.protocol.smp import ReturnCode
from tests.unit.dock.images import image_of, make_plan
from tests.unit.dock.memory_dock import Dock

PLAIN = b"what every dock of a bundle gets " * 100

each_method = pytest.mark.parametrize("method", Method)


def dock_for(method: Method) -> Dock:
    return Dock(compression=Compression(method.value))


def packed(method: Method, offset: int = 0) -> store.Write:
    return store.Write(offset, deflated(method, PLAIN), method, len(PLAIN))


def test_a_dock_says_what_its_model_can_inflate() -> None:
    assert Dock().ask(store.Identify()).compression == ()
    for method in Method:
        assert dock_for(method).ask(store.Identify()).compression == (method.value,)


@each_method
def test_a_compressed_write_is_the_plain_one(method: Method) -> None:
    dock = dock_for(method)
    dock.ask(store.Begin(10_000))
    for offset in (5_000, 0, 5_000):
        assert dock.ask(packed(method, offset)).offset == offset

    assert dock.read(Slot.OTHER, 0, len(PLAIN)) == PLAIN
    assert dock.read(Slot.OTHER, 5_000, len(PLAIN)) == PLAIN


@each_method
def test_an_image_whose_shared_blocks_come_compressed_is_accepted(method: Method) -> None:
    dock, plan = dock_for(method), make_plan()
    dock.ask(store.Begin(plan.size_bytes))
    for part in plan.common_blocks:
        block = plan.read(part.offset_bytes, part.size_bytes)
        pieces = pack(method, block, message_max=4_092)
        assert pieces
        for write in packed_writes(part.offset_bytes, block, pieces, method):
            dock.ask(write)
    for part in plan.unique_parts:
        dock.put(part.offset_bytes, bytes(plan.read(part.offset_bytes, part.size_bytes)))

    assert dock.commit(image_of(plan)).accepted


@each_method
def test_what_does_not_inflate_is_refused_and_changes_nothing(method: Method) -> None:
    dock, whole = dock_for(method), deflated(method, PLAIN)
    dock.ask(store.Begin(10_000))
    spent = dock.flash.operations
    for data, size in (
        (whole, len(PLAIN) - 1),
        (whole, len(PLAIN) + 1),
        (whole[:-1], len(PLAIN)),
        (whole + b"x", len(PLAIN)),
        (b"", 4),
        (b"no such thing", 13),
        (deflated(method, bytes(1_000_000)), INFLATED_BYTES_MAX),
    ):
        refused = dock.refusal(store.Write(0, data, method, size))
        assert refused is DatastoreCode.NOT_INFLATED

    assert dock.flash.operations == spent


@each_method
def test_a_length_no_message_may_inflate_to_is_no_request(method: Method) -> None:
    dock, write = dock_for(method), packed(method)
    for size in (0, INFLATED_BYTES_MAX + 1):
        with pytest.raises(DockRefused) as refused:
            dock.ask(Raw(write.to_body() | {"size": size}))

        assert (refused.value.group, refused.value.rc) == (None, ReturnCode.INVALID)


class Raw(store.Write):
    """A write of any body."""

    __slots__ = ("_body",)

    def __init__(self, body: dict[str, object]) -> None:
        object.__setattr__(self, "_body", body)

    def to_body(self) -> dict[str, object]:
        return self._body  # type: ignore[no-any-return,attr-defined]


@each_method
def test_a_method_the_dock_has_not_offered_is_refused(method: Method) -> None:
    for dock in (Dock(), *(dock_for(other) for other in Method if other is not method)):
        dock.ask(store.Begin(10_000))

        assert dock.refusal(packed(method)) is DatastoreCode.UNSUPPORTED


@each_method
def test_data_that_inflates_beyond_the_image_is_out_of_range(method: Method) -> None:
    dock = dock_for(method)
    dock.ask(store.Begin(len(PLAIN) + 7))

    assert dock.refusal(packed(method, 8)) is DatastoreCode.BAD_RANGE
    dock.ask(packed(method, 7))


@each_method
def test_without_a_begin_nothing_is_written(method: Method) -> None:
    assert dock_for(method).refusal(packed(method)) is DatastoreCode.NOT_BEGUN

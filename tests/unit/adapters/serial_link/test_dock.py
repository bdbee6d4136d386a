"""A dock that serves our own group: what is asked of it, and what its answers become."""

import errno
import termios
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

import pytest
import serial
from hypothesis import given
from hypothesis import strategies as st

from station.adapters.serial_link import dock as dock_module
from station.adapters.serial_link import packed_blocks
from station.adapters.serial_link.conversation import BACK_S, IDENTIFY_S
from station.adapters.serial_link.dock import _joined, _runs
from station.adapters.serial_link.docks import SerialDocks
from station.adapters.serial_link.port import GONE_S
from station.application.cancel import Cancel
from station.application.ports import CommitRefused, Piece
from station.datastore.plan import Part
from station.dock.faults import AlreadyLocked, Mute
from station.dock.server import Restart
from station.domain.errors import Interrupted, LinkError, LinkLost, NoAnswer, NoDock, TooSlow
from station.domain.limits import IMAGE_BYTES_MAX
from station.domain.profile import Compression, Link
from station.protocol import datastore_group as ds
from station.protocol import os_group
from station.protocol.compression import Method
from station.protocol.errors import DockRefused
from station.protocol.packing import Packed, pack
from station.protocol.shape import Done, DoneByOthers, Shape
from station.protocol.smp import ReturnCode
from tests.fakes.chance import SeededChance
from tests.fakes.serial_link import Board
from tests.unit.adapters.serial_link.peers import (
    PORT,
    Place,
    Receive,
    answering,
    board,
    dock_at,
    nothing,
    refusing,
)
from tests.unit.dock.images import DOCK_ID, LABEL, image_of, make_plan

PLAN: Final = make_plan()
IDENTITY: Final = ds.Identity(
    dock_id=DOCK_ID.octets,
    label=LABEL.text,
    model="DL-7450",
    hardware_revision="C",
    profile="test-dock",
    product="DK-7F",
    security_counter=0,
    assurance=ds.Assurance.D0,
    slot_size=1_000_000,
    locked=False,
)


# -- talking -----------------------------------------------------------------------------------


def test_a_conversation_begins_at_a_chance_number_and_is_counted(place: Place) -> None:
    place.opens = [board().server.receive]
    with dock_at(place) as dock:
        assert dock.line_bytes == 0
        identity = dock.identify()
        first = dock.line_bytes
        dock.identify()

        assert (identity.dock_id, identity.label) == (DOCK_ID, LABEL.text)
        assert dock.line_bytes > first >= sum(map(len, place.wires[0].sent[:2]))


@pytest.mark.parametrize(
    ("method", "raised", "error"),
    [
        ("read", serial.SerialException("read failed"), LinkLost),
        ("read", OSError(errno.EIO, "gone"), LinkLost),
        ("read", TypeError("closed under it"), LinkLost),
        ("write", serial.SerialException("write failed"), LinkLost),
        ("write", serial.SerialTimeoutException("Write timeout"), NoAnswer),
    ],
)
def test_a_port_that_fails_is_a_lost_link(
    place: Place, method: str, raised: Exception, error: type[LinkError]
) -> None:
    place.opens = [board().server.receive]
    with dock_at(place) as dock:
        dock.identify()
        place.wires[0].raises[method] = raised
        with pytest.raises(LinkError) as found:
            dock.identify()

    assert type(found.value) is error
    assert PORT in found.value.cause


def test_silence_from_the_beginning_is_no_dock(place: Place) -> None:
    place.opens = [nothing]
    with dock_at(place) as dock, pytest.raises(NoDock):
        dock.identify()

    assert place.clock.monotonic_s() < 2 * IDENTIFY_S


def test_silence_after_an_answer_is_no_answer(place: Place) -> None:
    firmware = board()
    place.opens = [firmware.server.receive]
    with dock_at(place) as dock:
        dock.identify()
        place.wires[0]._receive = nothing
        with pytest.raises((NoAnswer, TooSlow)):
            dock.identify()


def parts_at(*sizes: int, start: int = 0) -> list[Part]:
    parts, at = [], start
    for size in sizes:
        parts.append(Part(at, size, bytes(32)))
        at += size
    return parts


def test_what_is_written_is_told_as_it_is_acknowledged(place: Place) -> None:
    place.opens = [board().server.receive]
    told: list[int] = []
    pieces = [Piece(0, bytes(10_000)), Piece(70_000, memoryview(b"x" * 5))]
    with dock_at(place) as dock:
        dock.identify()
        dock.begin(100_000, ())
        dock.write(iter(pieces), done=told.append, cancel=Cancel())

    assert sum(told) == 10_005
    assert len(told) == 4


@pytest.mark.parametrize("at", [0, 1])
def test_a_stop_is_seen_before_the_next_piece(place: Place, at: int) -> None:
    place.opens = [board().server.receive]
    cancel = Cancel()
    told: list[int] = []

    def done(size: int) -> None:
        told.append(size)
        cancel.ask()

    if not at:
        cancel.ask()
    with dock_at(place) as dock:
        dock.identify()
        dock.begin(100_000, ())
        with pytest.raises(Interrupted):
            dock.write(
                [Piece(0, bytes(100)), *(Piece(8_192 * n, bytes(8_192)) for n in range(1, 9))],
                done=done,
                cancel=cancel,
            )

    assert bool(told) == bool(at)


# -- compression -------------------------------------------------------------------------------

SHARED: Final = b"what every dock of a bundle gets " * 600


class Taker:
    """Answers as a dock that says it can inflate these, and keeps what it was written."""

    def __init__(self, *methods: str) -> None:
        self._methods = methods
        self.writes: list[ds.Write] = []

    def __call__(self, request: Any) -> Shape:
        match request:
            case ds.Identify():
                return replace(IDENTITY, compression=self._methods)
            case ds.Write():
                self.writes.append(request)
                return ds.WriteAnswer(request.offset)
        raise AssertionError(request)

    @property
    def methods(self) -> set[Method | None]:
        return {write.method for write in self.writes}


def write_shared(place: Place, taker: Taker, link: Link, *, shared: bytes = b"x" * 32) -> list[int]:
    """Write a piece that compresses well; how much was acknowledged each time."""
    place.opens = [answering(taker)]
    told: list[int] = []
    with dock_at(place, link) as dock:
        dock.identify()
        dock.write([Piece(7, SHARED, shared)], done=told.append, cancel=Cancel())
    return told


@pytest.mark.parametrize("method", Method)
def test_shared_pieces_travel_compressed_where_profile_and_dock_agree(
    place: Place, method: Method
) -> None:
    taker = Taker("other", method.value)
    told = write_shared(place, taker, Link(compression=Compression(method.value)))

    assert taker.methods == {method}
    assert sum(told) == sum(write.plain_bytes for write in taker.writes) == len(SHARED)
    assert sum(len(write.data) for write in taker.writes) < len(SHARED) / 4


@pytest.mark.parametrize(
    ("offered", "wished"),
    [
        (("zlib", "lz4"), Compression.NONE),
        (("lz4",), Compression.ZLIB),
        (("zlib", "ZLIB", "none"), Compression.LZ4),
        (("none",), Compression.NONE),
        ((), Compression.ZLIB),
    ],
)
def test_where_they_do_not_agree_everything_travels_plain(
    place: Place, offered: tuple[str, ...], wished: Compression
) -> None:
    taker = Taker(*offered)
    told = write_shared(place, taker, Link(compression=wished))

    assert taker.methods == {None}
    assert sum(told) == len(SHARED)


def test_what_is_one_docks_alone_travels_plain(place: Place) -> None:
    taker = Taker("zlib")
    write_shared(place, taker, Link(compression=Compression.ZLIB), shared=b"")

    assert taker.methods == {None}


def test_docks_of_one_bench_share_what_was_compressed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed: list[int] = []

    def counting(method: Method, block: bytes, *, message_max: int) -> tuple[Packed, ...]:
        packed.append(len(block))
        return pack(method, block, message_max=message_max)

    monkeypatch.setattr(packed_blocks, "pack", counting)
    link, takers = Link(compression=Compression.LZ4), [Taker("lz4"), Taker("lz4")]
    docks = SerialDocks(clock=place.clock, chance=SeededChance(3))
    for taker in takers:
        place.opens = [answering(taker)]
        with docks.open(PORT, link) as dock:
            dock.identify()
            dock.write(
                [Piece(0, SHARED, b"d" * 32)], done=lambda acknowledged: None, cancel=Cancel()
            )

    assert packed == [len(SHARED)]
    assert takers[0].writes == takers[1].writes


# -- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rc", "reason"),
    [
        (ds.DatastoreCode.LOCKED, "locked"),
        (ds.DatastoreCode.TOO_LARGE, "size"),
        (ds.DatastoreCode.FLASH_FAILED, "flash"),
    ],
)
def test_a_dock_that_takes_no_image_has_a_reason(
    place: Place, rc: ds.DatastoreCode, reason: str
) -> None:
    place.opens = [answering(refusing(rc))]
    told: list[int] = []
    with dock_at(place) as dock:
        attempts: list[Callable[[], None]] = [
            lambda: dock.begin(9, ()),
            lambda: dock.write([Piece(0, b"x")], done=told.append, cancel=Cancel()),
            lambda: dock.commit(9, bytes(32)),
        ]
        for attempt in attempts:
            with pytest.raises(CommitRefused) as refused:
                attempt()

            assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("rc", "group"),
    [
        (ds.DatastoreCode.NOT_BEGUN, ds.GROUP),
        (ds.DatastoreCode.BAD_RANGE, ds.GROUP),
        (250, ds.GROUP),
        (ds.DatastoreCode.LOCKED, 0),
        (8, None),
    ],
)
def test_any_other_refusal_is_about_the_link(place: Place, rc: int, group: int | None) -> None:
    place.opens = [answering(refusing(rc, group))]
    with dock_at(place) as dock, pytest.raises(DockRefused):
        dock.begin(9, ())


def test_a_locked_dock_of_our_own_says_so(place: Place) -> None:
    place.opens = [board(AlreadyLocked()).server.receive]
    with dock_at(place) as dock:
        assert dock.identify().locked
        with pytest.raises(CommitRefused, match="locked"):
            dock.begin(PLAN.size_bytes, PLAN.common_blocks)


def test_a_commit_refused_without_a_word_has_a_reason_all_the_same(place: Place) -> None:
    place.opens = [answering(lambda request: ds.CommitAnswer(accepted=False))]
    with dock_at(place) as dock, pytest.raises(CommitRefused, match="unknown"):
        dock.commit(9, bytes(32))


@pytest.mark.parametrize("said", ["sent token ABC-123", "x" * 40, "Digest", "\u202edigest"])
def test_a_reason_that_is_none_of_a_docks_words_reaches_no_record(place: Place, said: str) -> None:
    refused = ds.CommitAnswer(accepted=False, reason=said)
    place.opens = [answering(lambda request: refused)]
    with dock_at(place) as dock, pytest.raises(CommitRefused) as refusal:
        dock.commit(9, bytes(32))

    assert refusal.value.reason == "unknown"


# -- what a dock tells -------------------------------------------------------------------------


class Store:
    """Answers as a dock whose datastore holds these values and no picture."""

    def __init__(self, values: dict[str, bytes], *, code: Shape | DockRefused) -> None:
        self._values = values
        self._code = code
        self.asked: list[Any] = []

    def __call__(self, request: Any) -> Shape:
        self.asked.append(request)
        match request:
            case ds.Names(ds.Listed.KEY_VALUE, after):
                left = [name for name in sorted(self._values) if name > after]
                return ds.NamesAnswer(tuple(left[:2]), len(left) > 2)
            case ds.Names():
                return ds.NamesAnswer((), False)
            case ds.Entry(_, name, offset, length):
                value = self._values[name]
                return ds.EntryAnswer(
                    len(value), bytes(32), offset, value[offset : offset + length]
                )
            case ds.CodeInfo():
                if isinstance(self._code, DockRefused):
                    raise self._code
                return self._code
        raise AssertionError(request)


def refusal(rc: int) -> DockRefused:
    return DockRefused("no", group=ds.GROUP, rc=rc)


def test_long_lists_and_long_values_are_asked_page_by_page(place: Place) -> None:
    values = {f"key-{number}": b"x" * number * 300 for number in range(5)}
    store = Store(values, code=ds.CodeInfoAnswer(7))
    place.opens = [answering(store)]
    with dock_at(place) as dock:
        answers = dock.answers()

    assert answers.values == {name: value.decode() for name, value in values.items()}
    assert (answers.pictures, answers.code_checksum) == ({}, 7)
    assert len([one for one in store.asked if isinstance(one, ds.Names)]) == 4
    assert len([one for one in store.asked if isinstance(one, ds.Entry)]) > 2 * len(values)


def test_a_dock_without_an_application_has_no_checksum(place: Place) -> None:
    place.opens = [answering(Store({}, code=refusal(ds.DatastoreCode.NO_ENTRY)))]
    with dock_at(place) as dock:
        assert dock.answers().code_checksum is None


def test_a_dock_that_cannot_say_is_a_trouble_of_the_link(place: Place) -> None:
    place.opens = [answering(Store({}, code=refusal(ds.DatastoreCode.NOT_RUNNABLE)))]
    with dock_at(place) as dock, pytest.raises(DockRefused):
        dock.answers()


def test_a_value_that_is_no_text_is_no_answer(place: Place) -> None:
    place.opens = [answering(Store({"key": b"\xff"}, code=ds.CodeInfoAnswer(7)))]
    with dock_at(place) as dock, pytest.raises(NoAnswer, match="'key' is not UTF-8"):
        dock.answers()


def test_a_value_of_a_size_no_dock_has_is_no_answer(place: Place) -> None:
    huge = ds.EntryAnswer(IMAGE_BYTES_MAX + 1, bytes(32), 0, b"x" * 4_000)

    def boasting(request: Any) -> Shape:
        match request:
            case ds.Names():
                return ds.NamesAnswer(("key",), more=False)
            case ds.Entry(_, _, offset, length):
                return replace(huge, offset=offset, data=b"x" * length)
        raise AssertionError(request)

    place.opens = [answering(boasting)]
    with dock_at(place) as dock, pytest.raises(NoAnswer, match="claims"):
        dock.answers()


def test_an_image_of_a_size_no_dock_has_is_no_answer(place: Place) -> None:
    claimed = ds.SlotContent(IMAGE_BYTES_MAX + 1, bytes(32), pending=False, confirmed=True)
    place.opens = [answering(lambda request: ds.SlotStateAnswer(active=claimed))]
    with dock_at(place) as dock, pytest.raises(NoAnswer, match="claims"):
        dock.slot_state()


def test_a_list_without_end_is_no_answer(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dock_module, "ENTRIES_MAX", 10)

    def endless(request: Any) -> Shape:
        number = int(request.after or "0") + 1
        return ds.NamesAnswer((f"{number:06}",), more=True)

    place.opens = [answering(endless)]
    with dock_at(place) as dock, pytest.raises(NoAnswer, match="more than 10"):
        dock.answers()


def test_a_dock_that_answers_on_and_on_is_too_slow(place: Place) -> None:
    def endless(request: Any) -> Shape:
        place.clock.pass_s(1.0)
        return ds.NamesAnswer((f"{int(request.after or '0') + 1:06}",), more=True)

    place.opens = [answering(endless)]
    with dock_at(place) as dock, pytest.raises(TooSlow):
        dock.answers()


def test_a_dock_that_runs_another_image_is_not_confirmed_and_that_is_no_trouble(
    place: Place,
) -> None:
    place.opens = [answering(refusing(ds.DatastoreCode.OTHER_IMAGE))]
    with dock_at(place) as dock:
        dock.confirm(bytes(32))


def test_a_dock_that_cannot_confirm_is_a_trouble(place: Place) -> None:
    place.opens = [answering(refusing(ds.DatastoreCode.FLASH_FAILED))]
    with dock_at(place) as dock, pytest.raises(DockRefused):
        dock.confirm(bytes(32))


def test_a_confirmation_that_is_taken_is_taken(place: Place) -> None:
    asked: list[Any] = []

    def answer(request: Any) -> Shape:
        asked.append(request)
        return Done()

    place.opens = [answering(answer)]
    with dock_at(place) as dock:
        dock.confirm(bytes(range(32)))

    assert asked == [ds.Confirm(bytes(range(32)))]


# -- restarting --------------------------------------------------------------------------------


def firmware_of(place: Place, firmware: Board, *, leaves: bool) -> Receive:
    """A dock that restarts when told. leaves: its port goes with it, as a USB device's does."""

    def receive(data: bytes) -> bytes:
        answers = firmware.server.receive(data)
        if firmware.server.wants == Restart():
            firmware.server.restart()
            place.wires[-1].leaves = leaves
        return answers

    return receive


def test_a_usb_dock_is_followed_to_its_new_port(place: Place) -> None:
    receive = firmware_of(place, board(), leaves=True)
    busy = serial.SerialException(errno.EBUSY, "a modem manager looks at it")
    missing = serial.SerialException(errno.ENOENT, "not there yet")
    place.opens = [receive, missing, busy, termios.error(errno.EIO, "half there"), receive]
    with dock_at(place) as dock:
        dock.identify()
        before = dock.line_bytes
        dock.factory_reset()

        assert dock.identify().dock_id == DOCK_ID
        assert dock.line_bytes > before

    assert place.tries == 5
    assert [wire.closed for wire in place.wires] == [True, True]
    assert place.clock.monotonic_s() < GONE_S


def test_a_uarts_port_stays_and_is_left_after_a_while(place: Place) -> None:
    place.opens = [firmware_of(place, board(), leaves=False)]
    with dock_at(place) as dock:
        dock.identify()
        dock.factory_reset()

        assert dock.identify().dock_id == DOCK_ID

    assert GONE_S <= place.clock.monotonic_s() < GONE_S + 1.0
    assert len(place.wires) == 2


def without_factory_reset(place: Place, asked: list[object], no: DockRefused) -> Receive:
    """A dock made before that request was, or one that has nothing it could empty."""

    def answer(request: object) -> Shape:
        asked.append(request)
        if request == ds.FactoryReset():
            raise no
        place.wires[-1].leaves = True
        return DoneByOthers()

    return answering(answer)


@pytest.mark.parametrize(
    ("group", "rc"),
    [(ds.GROUP, ds.DatastoreCode.UNSUPPORTED), (None, ReturnCode.NOT_SUPPORTED)],
)
def test_a_dock_that_knows_no_factory_reset_is_restarted(
    place: Place, group: int | None, rc: int
) -> None:
    asked: list[object] = []
    no = DockRefused("no", group=group, rc=rc)
    place.opens = [without_factory_reset(place, asked, no), board().server.receive]
    with dock_at(place) as dock:
        dock.factory_reset()

        assert dock.identify().dock_id == DOCK_ID

    assert asked == [ds.FactoryReset(), os_group.Reset()]


@pytest.mark.parametrize(
    ("group", "rc"),
    [
        (ds.GROUP, ds.DatastoreCode.FLASH_FAILED),
        (None, ReturnCode.BUSY),
        (os_group.GROUP, ds.DatastoreCode.UNSUPPORTED),
    ],
)
def test_any_other_no_to_a_factory_reset_is_passed_on(
    place: Place, group: int | None, rc: int
) -> None:
    asked: list[object] = []
    place.opens = [without_factory_reset(place, asked, DockRefused("no", group=group, rc=rc))]
    with dock_at(place) as dock, pytest.raises(DockRefused):
        dock.factory_reset()

    assert asked == [ds.FactoryReset()]


@pytest.mark.parametrize(
    "after",
    [serial.SerialException(errno.ENOENT, "gone"), nothing, board(Mute()).server.receive],
    ids=["no port", "silent port", "mute dock"],
)
def test_a_dock_that_does_not_come_back_is_given_up(
    place: Place, after: Exception | Receive
) -> None:
    place.opens = [board().server.receive, after]
    with dock_at(place) as dock:
        dock.identify()
        with pytest.raises(LinkLost, match="did not come back") as lost:
            dock.factory_reset()

    assert isinstance(lost.value.__cause__, LinkError)
    assert BACK_S <= place.clock.monotonic_s() < BACK_S + GONE_S + 5.0
    assert all(wire.closed for wire in place.wires)


# -- how blocks are grouped --------------------------------------------------------------------


@st.composite
def some_parts(draw: st.DrawFn) -> list[Part]:
    """Parts in address order, with and without gaps, of a few sizes."""
    parts, at = [], 0
    for gap, size in draw(
        st.lists(st.tuples(st.sampled_from([0, 0, 0, 4]), st.sampled_from([8, 8, 3, 12])))
    ):
        at += gap
        parts.append(Part(at, size, bytes(32)))
        at += size
    return parts


def covered(parts: Sequence[Part]) -> set[int]:
    return {
        at for part in parts for at in range(part.offset_bytes, part.offset_bytes + part.size_bytes)
    }


@given(some_parts())
def test_a_run_of_blocks_is_what_one_request_can_name(parts: list[Part]) -> None:
    runs = list(_runs(parts))

    assert [part for _, _, run in runs for part in run] == parts
    for first, block_bytes, run in runs:
        # A dock cuts [first, end) into blocks of block_bytes; it must find exactly these.
        end = run[-1].offset_bytes + run[-1].size_bytes
        cut = [(at, min(block_bytes, end - at)) for at in range(first, end, block_bytes)]

        assert cut == [(part.offset_bytes, part.size_bytes) for part in run]


def test_alike_and_adjacent_blocks_are_one_run() -> None:
    (run,) = _runs(parts_at(8, 8, 8, 3, start=16))

    assert (run[0], run[1], len(run[2])) == (16, 8, 4)
    assert list(_runs([])) == []


@given(some_parts(), st.randoms(use_true_random=False))
def test_joined_ranges_cover_what_the_blocks_cover_and_never_touch(
    parts: list[Part], order: Any
) -> None:
    shuffled = list(parts)
    order.shuffle(shuffled)
    ranges = list(_joined(shuffled))

    assert {at for start, end in ranges for at in range(start, end)} == covered(parts)
    assert all(end < start for (_, end), (start, _) in pairwise(ranges))


def test_a_plan_is_one_range() -> None:
    assert list(_joined(PLAN.parts)) == [(0, PLAN.size_bytes)]
    assert len(image_of(PLAN)) == PLAN.size_bytes

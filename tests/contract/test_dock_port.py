"""The dock port, as every implementation keeps it: firmware in memory, and a real serial port."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Protocol
from zlib import crc32

import pytest

from station.adapters.machine import SystemChance, SystemClock
from station.adapters.serial_link import conversation
from station.adapters.serial_link.docks import SerialDocks
from station.application.cancel import Cancel
from station.application.ports import CommitRefused, Dock, Docks, Piece, SlotState
from station.datastore.field_store import FieldPartition, Usage
from station.datastore.plan import Part, Plan
from station.dock.faults import parse_fault
from station.dock.powered import powered
from station.dock.settings import Settings
from station.dock.stock_groups import STOCK_GROUPS
from station.domain.entries import Entry, Kind
from station.domain.errors import Interrupted, LinkError, LinkLost, NoDock, PortBusy
from station.domain.identity import DockId
from station.domain.profile import Compression, Link
from tests.end_to_end.virtual_docks import start
from tests.fakes.serial_link import Board, FakeDocks
from tests.unit.dock.images import (
    AUTHORITY,
    CODE,
    DOCK_ID,
    LABEL,
    PICTURE,
    PRODUCT,
    ROM_BYTES,
    image_of,
    make_plan,
    make_profile,
)

LINK = Link()
PLAN = make_plan()
NEWER = make_plan(token="token-2", counter=2)
FOREIGN = make_plan(dock_id=DockId(bytes(32)))


@dataclass
class Bench:
    """An implementation with one dock on it. pull: takes the dock away, whoever talks to it."""

    docks: Docks
    port: str
    pull: Callable[[], None]
    link: Link = LINK


Plug = Callable[..., Bench]


@pytest.fixture
def ways(tmp_path: Path) -> Iterator[dict[str, Plug]]:
    """Every kind of dock; each plugs one in, with faults as they are written on a command line."""
    with ExitStack() as ends:

        def in_memory(*faults: str) -> Bench:
            docks = FakeDocks()
            board = Board(
                *map(parse_fault, faults),
                dock_id=DOCK_ID,
                label=LABEL,
                profile=make_profile(),
                authority=AUTHORITY,
            )
            docks.plug("/dev/memory", board)
            return Bench(docks, "/dev/memory", lambda: docks.pull("/dev/memory"))

        def on_a_port(*faults: str) -> Bench:
            dock = ends.enter_context(start(tmp_path, *faults))
            docks = SerialDocks(clock=SystemClock(), chance=SystemChance())
            return Bench(docks, str(dock.port), lambda: dock.command("unplug"))

        def in_a_thread(settings: Settings, faults: tuple[str, ...]) -> Bench:
            settings = replace(settings, faults=tuple(map(parse_fault, faults)))
            dock = ends.enter_context(powered(settings, None))
            docks = SerialDocks(clock=SystemClock(), chance=SystemChance())
            return Bench(docks, str(settings.port), dock.unplug, settings.profile.link)

        def compressed(*faults: str) -> Bench:
            profile = replace(make_profile(), link=Link(compression=Compression.ZLIB))
            return in_a_thread(replace(settings_in(tmp_path), profile=profile), faults)

        def stock(*faults: str) -> Bench:
            return in_a_thread(replace(settings_in(tmp_path), groups=STOCK_GROUPS), faults)

        yield {
            "memory": in_memory,
            "serial": on_a_port,
            "compressed": compressed,
            "stock": stock,
        }


@pytest.fixture(params=["memory", "serial", "compressed"])
def plug(request: pytest.FixtureRequest, ways: dict[str, Plug]) -> Plug:
    """A dock that serves our own group."""
    return ways[request.param]


@pytest.fixture(params=["memory", "serial", "compressed", "stock"])
def plug_any(request: pytest.FixtureRequest, ways: dict[str, Plug]) -> Plug:
    """Any dock."""
    return ways[request.param]


def settings_in(folder: Path) -> Settings:
    return Settings(
        flash=folder / "dock.flash",
        port=folder / "port",
        dock_id=DOCK_ID,
        label=LABEL,
        profile=make_profile(),
        product=PRODUCT,
        authority=AUTHORITY,
    )


class Field(Protocol):
    """What was written in the field: firmware in memory and a powered dock give it alike."""

    def put(self, where: FieldPartition, entry: Entry) -> None: ...

    def usage(self, where: FieldPartition) -> Usage: ...


@pytest.fixture(params=["memory", "serial"])
def used(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Bench, Field]]:
    """A dock, and what applications and people have left in it."""
    if request.param == "memory":
        docks = FakeDocks()
        board = Board(dock_id=DOCK_ID, label=LABEL, profile=make_profile(), authority=AUTHORITY)
        docks.plug("/dev/memory", board)
        yield Bench(docks, "/dev/memory", lambda: docks.pull("/dev/memory")), board.server.field
        return
    settings = settings_in(tmp_path)
    with powered(settings, None) as dock:
        docks_of_the_machine = SerialDocks(clock=SystemClock(), chance=SystemChance())
        yield Bench(docks_of_the_machine, str(settings.port), dock.unplug), dock


def pieces(plan: Plan, parts: tuple[Part, ...]) -> Iterator[Piece]:
    for part in parts:
        shared = part.digest if part in plan.common_blocks else b""
        yield Piece(part.offset_bytes, plan.read(part.offset_bytes, part.size_bytes), shared)


def write(dock: Dock, plan: Plan, parts: tuple[Part, ...] = ()) -> int:
    """Write these parts, all if none are named; the bytes that were acknowledged."""
    told: list[int] = []
    dock.write(pieces(plan, parts or plan.parts), done=told.append, cancel=Cancel())
    return sum(told)


def install(dock: Dock, plan: Plan) -> None:
    """Write, commit, start."""
    dock.begin(plan.size_bytes, plan.common_blocks)
    write(dock, plan)
    dock.commit(plan.size_bytes, plan.image_sha256)
    dock.factory_reset()


def read(dock: Dock, size: int, *, start_at: int = 0) -> bytes:
    """Every byte of a range, each once."""
    told: list[int] = []
    found = list(dock.read_back(start_at, size, done=told.append, cancel=Cancel()))
    assert sum(told) == sum(len(piece.data) for piece in found) == size
    return b"".join(bytes(one.data) for one in sorted(found, key=lambda one: one.offset_bytes))


def ignore(size_bytes: int) -> None:
    """Progress nobody looks at."""


def digests_of(plan: Plan, parts: tuple[Part, ...]) -> tuple[bytes, ...]:
    return tuple(
        sha256(image_of(plan)[part.offset_bytes :][: part.size_bytes]).digest() for part in parts
    )


def test_an_image_goes_the_whole_way(plug: Plug) -> None:
    bench = plug()
    with bench.docks.open(bench.port, bench.link) as dock:
        identity = dock.identify()
        assert (identity.dock_id, identity.label, identity.model) == (
            DOCK_ID,
            "DK7F-00001",
            "DL-7450",
        )
        assert (identity.hardware, identity.product, identity.profile) == (
            "C",
            "DK-7F",
            "test-dock",
        )
        assert (identity.counter, identity.assurance, identity.locked) == (0, "D0", False)
        assert identity.slot_bytes == ROM_BYTES + 140_000
        assert dock.slot_state() == SlotState(0, b"", confirmed=False)

        dock.begin(PLAN.size_bytes, PLAN.common_blocks)
        assert write(dock, PLAN) == PLAN.size_bytes
        assert dock.digests(PLAN.parts) == tuple(part.digest for part in PLAN.parts)
        assert dock.slot_state() == SlotState(0, b"", confirmed=False)
        dock.commit(PLAN.size_bytes, PLAN.image_sha256)
        dock.factory_reset()

        assert dock.identify().dock_id == DOCK_ID
        assert dock.slot_state() == SlotState(PLAN.size_bytes, PLAN.image_sha256, confirmed=False)
        nonce = bytes(range(32))
        assert dock.challenge(nonce, PLAN.parts) == sha256(nonce + image_of(PLAN)).digest()
        assert read(dock, PLAN.size_bytes) == image_of(PLAN)
        assert read(dock, 5_000, start_at=70_001) == image_of(PLAN)[70_001:75_001]
        dock.confirm(PLAN.image_sha256)

        assert dock.slot_state() == SlotState(PLAN.size_bytes, PLAN.image_sha256, confirmed=True)
        assert dock.identify().counter == 1


def test_an_image_goes_the_whole_way_whatever_serves_the_dock(plug_any: Plug) -> None:
    bench = plug_any()
    with bench.docks.open(bench.port, bench.link) as dock:
        slot_bytes = dock.identify().slot_bytes
        assert dock.slot_state() == SlotState(0, b"", confirmed=False)
        with pytest.raises(CommitRefused, match="size"):
            dock.begin(slot_bytes + 4_096, ())
        install(dock, PLAN)
        trial = dock.slot_state()
        assert read(dock, PLAN.size_bytes) == image_of(PLAN)
        assert read(dock, 5_000, start_at=70_001) == image_of(PLAN)[70_001:75_001]
        dock.confirm(NEWER.image_sha256)
        assert not dock.slot_state().confirmed
        dock.confirm(PLAN.image_sha256)
        kept = dock.slot_state()

        assert (trial.size_bytes, trial.confirmed) == (PLAN.size_bytes, False)
        assert (kept.size_bytes, kept.confirmed) == (PLAN.size_bytes, True)
        assert (kept.image_sha256 or kept.signed_sha256) in {
            PLAN.image_sha256,
            PLAN.signed_sha256,
        }
        assert dock.identify().counter == 1


def test_a_docks_datastore_answers_entry_by_entry(plug: Plug) -> None:
    bench = plug()
    with bench.docks.open(bench.port, bench.link) as dock:
        dock.identify()
        with pytest.raises(LinkError):
            dock.answers()
        install(dock, PLAN)
        answers = dock.answers()

    assert answers.values == {
        "content_url": "https://content.example/",
        "empty": "",
        "enrolment_token": "token-1",
    }
    assert answers.pictures["default"] == ("PNG", len(PICTURE), sha256(PICTURE).digest())
    assert list(answers.pictures) == ["default", "photo"]
    assert answers.code_checksum == crc32(CODE)


def test_a_factory_reset_starts_the_image_and_leaves_nothing_beside_it(
    used: tuple[Bench, Field],
) -> None:
    bench, field = used
    for where in FieldPartition:
        field.put(where, Entry(Kind.KV, "content_url", b"of the field"))
        field.put(where, Entry(Kind.KV, "learnt", b"in the field"))
    with bench.docks.open(bench.port, bench.link) as dock:
        dock.identify()
        install(dock, PLAN)
        answers, state = dock.answers(), dock.slot_state()

    assert "learnt" not in answers.values
    assert answers.values["content_url"] == "https://content.example/"
    assert state == SlotState(PLAN.size_bytes, PLAN.image_sha256, confirmed=False)
    for where in FieldPartition:
        assert {kind.entries for kind in field.usage(where).by_kind.values()} <= {0}


def test_blocks_the_dock_holds_need_not_be_sent_again(plug: Plug) -> None:
    bench = plug()
    with bench.docks.open(bench.port, bench.link) as dock:
        dock.identify()
        install(dock, PLAN)
        dock.confirm(PLAN.image_sha256)
        dock.begin(NEWER.size_bytes, NEWER.common_blocks)

        assert dock.digests(NEWER.common_blocks) == digests_of(NEWER, NEWER.common_blocks)
        assert dock.digests(()) == ()
        write(dock, NEWER, NEWER.unique_parts)
        dock.commit(NEWER.size_bytes, NEWER.image_sha256)
        dock.factory_reset()

        assert read(dock, NEWER.size_bytes) == image_of(NEWER)


def test_an_image_on_trial_is_given_up_and_another_one_is_not_confirmed(plug: Plug) -> None:
    bench = plug()
    with bench.docks.open(bench.port, bench.link) as dock:
        dock.identify()
        install(dock, PLAN)
        dock.confirm(NEWER.image_sha256)
        assert not dock.slot_state().confirmed
        dock.factory_reset()

        assert dock.slot_state() == SlotState(0, b"", confirmed=False)


def test_a_damaged_block_is_refused_and_taken_once_it_is_right(plug: Plug) -> None:
    bench = plug()
    with bench.docks.open(bench.port, bench.link) as dock:
        dock.identify()
        dock.begin(PLAN.size_bytes, ())
        write(dock, PLAN)
        block = PLAN.common_blocks[1]
        dock.write([Piece(block.offset_bytes + 9, b"!")], done=ignore, cancel=Cancel())
        with pytest.raises(CommitRefused) as refused:
            dock.commit(PLAN.size_bytes, PLAN.image_sha256)
        assert refused.value.reason == "digest"
        held = dock.digests(PLAN.common_blocks)

        assert [one == part.digest for one, part in zip(held, PLAN.common_blocks, strict=True)] == [
            part != block for part in PLAN.common_blocks
        ]
        write(dock, PLAN, (block,))
        dock.commit(PLAN.size_bytes, PLAN.image_sha256)


def test_an_image_of_another_size_or_dock_or_beyond_the_slot_is_refused(plug: Plug) -> None:
    bench = plug()
    with bench.docks.open(bench.port, bench.link) as dock:
        slot_bytes = dock.identify().slot_bytes
        with pytest.raises(CommitRefused, match="size"):
            dock.begin(2 * slot_bytes, ())
        dock.begin(FOREIGN.size_bytes, ())
        write(dock, FOREIGN)

        with pytest.raises(CommitRefused, match="size"):
            dock.commit(FOREIGN.size_bytes - 1, FOREIGN.image_sha256)
        with pytest.raises(CommitRefused, match="dock-id"):
            dock.commit(FOREIGN.size_bytes, FOREIGN.image_sha256)


def test_what_was_begun_before_a_restart_is_forgotten(plug: Plug) -> None:
    bench = plug()
    with bench.docks.open(bench.port, bench.link) as dock:
        dock.identify()
        dock.begin(PLAN.size_bytes, ())
        dock.factory_reset()

        with pytest.raises(LinkError):
            dock.commit(PLAN.size_bytes, PLAN.image_sha256)


def test_a_locked_dock_takes_no_image(plug_any: Plug) -> None:
    bench = plug_any("already-locked")
    with bench.docks.open(bench.port, bench.link) as dock:
        assert dock.identify().locked
        with pytest.raises(CommitRefused, match="locked"):
            dock.begin(PLAN.size_bytes, ())


def test_another_dock_after_a_restart_says_who_it_is(plug_any: Plug) -> None:
    bench = plug_any("other-dock")
    with bench.docks.open(bench.port, bench.link) as dock:
        assert dock.identify().dock_id == DOCK_ID
        dock.factory_reset()

        assert dock.identify().dock_id != DOCK_ID


def test_a_stop_is_seen_while_writing_and_while_reading(plug_any: Plug) -> None:
    bench = plug_any()
    cancel = Cancel()
    cancel.ask()
    with bench.docks.open(bench.port, bench.link) as dock:
        dock.identify()
        install(dock, PLAN)
        with pytest.raises(Interrupted):
            list(dock.read_back(0, PLAN.size_bytes, done=ignore, cancel=cancel))
    with bench.docks.open(bench.port, bench.link) as dock:
        dock.identify()
        dock.begin(PLAN.size_bytes, ())
        with pytest.raises(Interrupted):
            dock.write(pieces(PLAN, PLAN.parts), done=ignore, cancel=cancel)


def test_a_place_without_a_dock_is_no_dock(plug_any: Plug) -> None:
    bench = plug_any()
    with pytest.raises(NoDock), bench.docks.open(bench.port + "-elsewhere", bench.link):
        pass


def test_a_port_has_one_conversation_at_a_time(plug_any: Plug) -> None:
    bench = plug_any()
    with bench.docks.open(bench.port, bench.link) as dock:
        dock.identify()
        with pytest.raises(PortBusy), bench.docks.open(bench.port, bench.link):
            pass

        assert dock.identify().dock_id == DOCK_ID
    with bench.docks.open(bench.port, bench.link) as dock:
        assert dock.identify().dock_id == DOCK_ID


@pytest.mark.parametrize("fault", ["mute", "garbage"])
def test_a_dock_that_does_not_speak_the_protocol_is_no_dock(
    plug_any: Plug, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "IDENTIFY_S", 0.7)
    bench = plug_any(fault)
    with pytest.raises(NoDock), bench.docks.open(bench.port, bench.link) as dock:
        dock.identify()


def test_a_dock_that_is_pulled_out_is_a_lost_link(plug_any: Plug) -> None:
    bench = plug_any()
    with bench.docks.open(bench.port, bench.link) as dock:
        dock.identify()
        dock.begin(PLAN.size_bytes, ())
        bench.pull()
        with pytest.raises(LinkLost):
            for _ in range(1_000):
                write(dock, PLAN)


def test_a_cable_that_comes_out_in_the_middle_is_a_lost_link(plug_any: Plug) -> None:
    bench = plug_any("unplug@40%")
    with bench.docks.open(bench.port, bench.link) as dock:
        dock.identify()
        dock.begin(PLAN.size_bytes, ())
        with pytest.raises(LinkLost):
            write(dock, PLAN)

"""The firmware in one process: what it answers, what it refuses, and what its faults look like."""

import zlib
from hashlib import sha256
from random import Random
from typing import Any

import pytest

from station.datastore.field_store import FieldPartition
from station.dock.factory import FactoryInfo, FactorySector
from station.dock.faults import BitFlip, Garbage, Mute, Unplug, WrongHardware
from station.dock.flash import FlashFileRefused, StuckBits
from station.dock.server import PulledOut, Restart
from station.domain.entries import Entry, Kind, PictureType
from station.domain.identity import DockId, Serial
from station.protocol import datastore_group as store
from station.protocol import os_group
from station.protocol.datastore_group import DatastoreCode, Listed, Running, Slot
from station.protocol.errors import DockRefused
from station.protocol.shape import Request
from tests.fakes.trust import FakeAuthority
from tests.unit.dock.images import (
    CODE,
    COMMON,
    DOCK_ID,
    LABEL,
    PICTURE,
    PRODUCT,
    image_of,
    make_plan,
    make_profile,
)
from tests.unit.dock.memory_dock import INFO, Dock

PLAN = make_plan()
NEWER = make_plan(token="token-2", counter=2)


# -- who it is ---------------------------------------------------------------------------------


def test_it_says_who_it_is() -> None:
    dock = Dock()

    assert dock.ask(store.Identify()) == store.Identity(
        dock_id=DOCK_ID.octets,
        label=LABEL.text,
        model="DL-7450",
        hardware_revision="C",
        profile="test-dock",
        product=PRODUCT,
        security_counter=0,
        assurance=store.Assurance.D0,
        slot_size=dock.profile.slot_bytes,
        locked=False,
    )
    assert "DL-7450" in dock.ask(os_group.Info()).output
    assert dock.ask(os_group.Bootloader()).name


def test_no_message_is_longer_than_the_buffers_it_has() -> None:
    dock = Dock(buffer_bytes=512)
    names = tuple(f"a key with a long name {number:03}" for number in range(40))
    dock.replace_rom(*(Entry(Kind.KV, name, b"") for name in names))

    assert dock.ask(os_group.Parameters()) == os_group.ParametersAnswer(512, 8)
    found: tuple[str, ...] = ()
    while len(found) < len(names):
        page = dock.ask(store.Names(Listed.KEY_VALUE, found[-1] if found else ""))
        assert 0 < len(page.names) < len(names)
        found += page.names
    assert found == names
    with pytest.raises(DockRefused):
        dock.ask(store.Read(Slot.ACTIVE, 0, 512))


def test_a_chip_of_another_dock_is_refused() -> None:
    dock = Dock()
    other = FactoryInfo(DockId(bytes(32)), Serial("X1"), "DL-7450", "C", PRODUCT)
    sector = FactorySector(dock.flash, dock.layout.factory)

    with pytest.raises(FlashFileRefused, match=str(DOCK_ID)):
        sector.install(other)
    assert sector.info == INFO


def test_half_written_factory_information_is_written_again() -> None:
    dock = Dock()
    dock.flash.disturb(20, bit=1)
    sector = FactorySector(dock.flash, dock.layout.factory)
    assert sector.info is None

    sector.install(INFO)

    assert sector.info == INFO


# -- writing -----------------------------------------------------------------------------------


def test_nothing_is_written_before_a_begin() -> None:
    dock = Dock()

    assert dock.refusal(store.Write(0, b"x")) is DatastoreCode.NOT_BEGUN
    assert dock.refusal(store.Copy(0, 4_096, (bytes(32),))) is DatastoreCode.NOT_BEGUN
    assert dock.refusal(store.Commit(10, bytes(32))) is DatastoreCode.NOT_BEGUN


def test_what_is_meant_for_another_dock_changes_nothing() -> None:
    dock = Dock()
    other = bytes(32)
    before = bytes(dock.cells)

    assert dock.refusal(store.Begin(1_000, other)) is DatastoreCode.OTHER_DOCK
    assert dock.refusal(store.FactoryReset(other)) is DatastoreCode.OTHER_DOCK
    assert (bytes(dock.cells), dock.server.wants) == (before, None)
    dock.ask(store.Begin(1_000, DOCK_ID.octets))
    dock.ask(store.FactoryReset(DOCK_ID.octets))
    assert dock.server.wants == Restart()


def test_a_restart_forgets_the_begin() -> None:
    dock = Dock()
    dock.ask(store.Begin(1_000))

    dock.restart()

    assert dock.refusal(store.Write(0, b"x")) is DatastoreCode.NOT_BEGUN


@pytest.mark.parametrize("size", [0, make_profile().slot_bytes + 4_096])
def test_an_image_that_fits_no_slot_is_not_begun(size: int) -> None:
    assert Dock().refusal(store.Begin(size)) is DatastoreCode.TOO_LARGE


def test_ranges_outside_are_refused_and_change_nothing() -> None:
    dock = Dock()
    dock.ask(store.Begin(1_000))
    spent, slot = dock.flash.operations, dock.layout.slots[0].size_bytes

    assert dock.refusal(store.Write(999, b"xx")) is DatastoreCode.BAD_RANGE
    assert dock.refusal(store.Copy(0, 0, (bytes(32),))) is DatastoreCode.BAD_RANGE
    assert dock.refusal(store.Copy(1_001, 64, (bytes(32),))) is DatastoreCode.BAD_RANGE
    assert dock.refusal(store.Read(Slot.OTHER, slot - 1, 2)) is DatastoreCode.BAD_RANGE
    for block in (0, 4_096):
        request = store.BlockDigests(Slot.OTHER, slot, 4_096, block)
        assert dock.refusal(request) is DatastoreCode.BAD_RANGE
    ranges = (store.Range(slot - 1, 2),)
    challenge = store.Challenge(Slot.OTHER, bytes(16), ranges)
    assert dock.refusal(challenge) is DatastoreCode.BAD_RANGE
    too_many = store.BlockDigests(Slot.OTHER, 0, 600, 1)
    assert dock.refusal(too_many) is DatastoreCode.TOO_LARGE
    assert dock.flash.operations == spent


def test_the_same_write_again_changes_nothing_and_other_bytes_win() -> None:
    dock = Dock()
    dock.ask(store.Begin(10_000))
    dock.put(100, b"\x00" * 5_000)
    spent = dock.flash.operations

    dock.put(100, b"\x00" * 5_000)
    assert dock.flash.operations == spent
    dock.put(4_000, b"\xff" * 200)

    assert dock.read(Slot.OTHER, 3_990, 220) == bytes(10) + b"\xff" * 200 + bytes(10)


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (image_of(make_plan(dock_id=DockId(bytes(32)))), "dock-id"),
        (image_of(make_plan(product="DK-8")), "product"),
        (image_of(PLAN)[:-1] + b"\x00", "signature"),
        (image_of(PLAN)[:5_000] + b"?" + image_of(PLAN)[5_001:], "digest"),
        (bytes(50_000), "format"),
    ],
)
def test_an_image_that_may_not_run_is_refused_with_the_reason(image: bytes, reason: str) -> None:
    dock = Dock()
    dock.write(image)

    assert dock.commit(image) == store.CommitAnswer(False, reason)

    dock.restart()
    assert dock.active is None


def test_an_image_of_unknown_keys_is_refused() -> None:
    dock = Dock(authority=FakeAuthority())
    dock.write(image_of(PLAN))

    assert dock.commit(image_of(PLAN)).reason == "certificate"


def test_an_image_other_than_the_one_announced_is_refused_until_it_is_mended() -> None:
    dock, image = Dock(), image_of(PLAN)
    dock.write(image)
    dock.put(70_000, b"damage")
    assert dock.commit(image) == store.CommitAnswer(False, "digest")
    assert dock.ask(store.Commit(10, bytes(32))).reason == "size"

    dock.put(70_000, image[70_000:70_006])

    assert dock.commit(image).accepted
    assert dock.commit(image).accepted


def test_bytes_written_after_the_commit_take_it_back() -> None:
    dock, image = Dock(), image_of(PLAN)
    dock.write(image)
    assert dock.commit(image).accepted
    assert dock.other is not None and dock.other.pending

    dock.put(0, image[:1])

    assert dock.other is None
    dock.restart()
    assert dock.active is None


def test_an_image_below_the_counter_is_refused() -> None:
    dock = Dock()
    dock.install(image_of(NEWER))
    assert dock.ask(store.Identify()).security_counter == 2

    dock.write(image_of(PLAN))

    assert dock.commit(image_of(PLAN)).reason == "counter"


def test_the_counter_rises_only_with_the_confirmation() -> None:
    dock = Dock()
    dock.install(image_of(NEWER), confirmed=False)
    assert dock.ask(store.Identify()).security_counter == 0

    dock.restart()

    assert dock.active is None
    dock.install(image_of(PLAN))


def test_nothing_of_the_old_image_stays_behind_a_shorter_one() -> None:
    long = image_of(make_plan(common=(*COMMON, Entry(Kind.KV, "long", b"L" * 80_000))))
    dock, short = Dock(), image_of(make_plan(common=COMMON[2:], counter=2))
    dock.install(long)
    dock.install(long)  # both slots are full of it

    dock.install(short)

    slot = dock.layout.slots[0].size_bytes
    assert dock.read(Slot.ACTIVE, 0, slot) == short.ljust(slot, b"\xff")


def test_a_cell_that_does_not_hold_its_content_is_found_at_the_commit() -> None:
    image = image_of(PLAN)
    offset = next(index for index, octet in enumerate(image) if index > 9_000 and octet & 1)
    layout = Dock().layout
    dock = Dock(stuck=[StuckBits(layout.slots[0].offset_bytes + offset, mask=1, value=0)])
    dock.write(image)

    assert dock.commit(image).reason == "digest"


# -- trial, confirmation, damage ---------------------------------------------------------------


def test_a_trial_shows_both_images_and_ends_with_the_next_start() -> None:
    dock = Dock()
    dock.install(image_of(PLAN))
    dock.install(image_of(NEWER), confirmed=False)

    state = dock.ask(store.SlotState())
    assert state.active == store.SlotContent(
        NEWER.size_bytes, NEWER.image_sha256, pending=False, confirmed=False
    )
    assert state.other == store.SlotContent(
        PLAN.size_bytes, PLAN.image_sha256, pending=True, confirmed=True
    )
    assert dock.read(Slot.OTHER, 0, PLAN.size_bytes) == image_of(PLAN)

    dock.restart()
    assert dock.read(Slot.ACTIVE, 0, PLAN.size_bytes) == image_of(PLAN)


def test_a_write_begun_during_a_trial_gives_the_trial_up() -> None:
    dock = Dock()
    dock.install(image_of(PLAN))
    dock.install(image_of(NEWER), confirmed=False)

    dock.ask(store.Begin(NEWER.size_bytes))
    held = dock.ask(store.Copy(4_096, 65_536, tuple(part.digest for part in NEWER.common_blocks)))

    assert dock.active is not None and dock.active.digest == PLAN.image_sha256
    assert dock.ask(store.Entry(Listed.KEY_VALUE, "enrolment_token", 0, 99)).data == b"token-1"
    assert all(held.held)
    dock.install(image_of(NEWER))
    assert dock.ask(store.Entry(Listed.KEY_VALUE, "enrolment_token", 0, 99)).data == b"token-2"


def test_only_the_running_image_can_be_confirmed_and_twice_is_once() -> None:
    dock = Dock()
    assert dock.refusal(store.Confirm(PLAN.image_sha256)) is DatastoreCode.NO_ENTRY
    dock.install(image_of(PLAN), confirmed=False)

    assert dock.refusal(store.Confirm(bytes(32))) is DatastoreCode.OTHER_IMAGE
    dock.ask(store.Confirm(PLAN.image_sha256))
    spent = dock.flash.operations
    dock.ask(store.Confirm(PLAN.image_sha256))

    assert dock.flash.operations == spent


def test_a_damaged_image_does_not_run_and_the_dock_says_so() -> None:
    dock = Dock()
    dock.install(image_of(PLAN))
    dock.flash.disturb(dock.layout.slots[0].offset_bytes + 5_000, bit=0)

    dock.restart()

    assert dock.active is None
    assert dock.refusal(store.Read(Slot.ACTIVE, 0, 1)) is DatastoreCode.NO_ENTRY
    assert dock.refusal(store.Names(Listed.KEY_VALUE)) is DatastoreCode.NOT_RUNNABLE
    assert dock.refusal(store.CodeInfo()) is DatastoreCode.NOT_RUNNABLE
    application = dock.ask(store.Application())
    assert application.state is Running.FAILED
    assert "damaged" in application.trace
    dock.install(image_of(NEWER))


def test_a_committed_image_that_is_damaged_before_the_start_leaves_the_old_one() -> None:
    dock = Dock()
    dock.install(image_of(PLAN))
    dock.write(image_of(NEWER))
    assert dock.commit(image_of(NEWER)).accepted
    dock.flash.disturb(dock.layout.slots[1].offset_bytes + NEWER.size_bytes - 1, bit=7)

    dock.restart()

    assert dock.active is not None and dock.active.digest == PLAN.image_sha256


def test_no_flipped_byte_of_a_waiting_image_ever_runs() -> None:
    image = image_of(make_plan(common=COMMON[2:]))
    dock = Dock()
    dock.write(image)
    assert dock.commit(image).accepted
    committed = bytes(dock.cells)
    area = dock.layout.slots[0].offset_bytes

    for offset in {*range(0, len(image), 997), *range(64), *range(len(image) - 64, len(image))}:
        cells = bytearray(committed)
        cells[area + offset] ^= 0x10

        assert Dock(cells=cells).active is None, offset


def test_a_one_slot_dock_is_not_bootable_while_its_slot_is_written() -> None:
    dock = Dock(slots=1)
    dock.install(image_of(PLAN))
    assert dock.refusal(store.Read(Slot.OTHER, 0, 1)) is DatastoreCode.NO_ENTRY

    dock.ask(store.Begin(NEWER.size_bytes))
    assert dock.active is None
    digests = tuple(part.digest for part in NEWER.common_blocks)
    assert all(dock.ask(store.Copy(4_096, 65_536, digests)).held)  # they are still there
    dock.restart()
    assert dock.active is None

    dock.install(image_of(NEWER))
    assert dock.active is not None and dock.active.confirmed


# -- lock --------------------------------------------------------------------------------------


def test_a_lock_is_for_good_and_closes_the_dock_to_images() -> None:
    dock = Dock()
    dock.install(image_of(PLAN))
    dock.ask(store.Begin(NEWER.size_bytes))
    assert dock.ask(store.LockProbe()) == store.LockProbeAnswer(supported=True, locked=False)

    dock.ask(store.Lock())
    dock.ask(store.Lock())

    again = Dock(cells=dock.cells)
    for one in (dock, again):
        assert one.ask(store.LockProbe()).locked
        assert one.ask(store.Identify()).locked
        assert one.refusal(store.Write(0, b"x")) is DatastoreCode.NOT_BEGUN
        assert one.refusal(store.Begin(NEWER.size_bytes)) is DatastoreCode.LOCKED
        assert one.active is not None


def test_an_image_that_waits_when_the_dock_is_locked_still_starts() -> None:
    dock = Dock()
    dock.write(image_of(PLAN))
    assert dock.commit(image_of(PLAN)).accepted
    dock.ask(store.Lock())

    dock.restart()
    dock.ask(store.Confirm(PLAN.image_sha256))

    assert dock.active is not None and dock.active.confirmed


# -- the datastore -----------------------------------------------------------------------------


def test_every_entry_is_answered_from_the_running_image() -> None:
    dock = Dock()
    dock.install(image_of(PLAN))

    keys = dock.ask(store.Names(Listed.KEY_VALUE))
    assert (keys.names, keys.more) == (("content_url", "empty", "enrolment_token"), False)
    assert dock.ask(store.Names(Listed.IMAGE, "default")).names == ("photo",)
    page = dock.ask(store.Entry(Listed.IMAGE, "default", 1_000, 300))
    assert (page.data, page.size, page.type) == (PICTURE[1_000:1_300], len(PICTURE), "PNG")
    assert page.digest == sha256(PICTURE).digest()
    assert dock.ask(store.Entry(Listed.IMAGE, "photo")).type == "JPEG"
    assert dock.ask(store.Entry(Listed.KEY_VALUE, "empty", 5, 10)).data == b""
    assert dock.ask(store.CodeInfo()).checksum == zlib.crc32(CODE)
    assert dock.refusal(store.Entry(Listed.IMAGE, "content_url")) is DatastoreCode.NO_ENTRY
    assert dock.refusal(store.Application()) is DatastoreCode.UNSUPPORTED


def test_an_image_without_code_says_so() -> None:
    dock = Dock()
    dock.install(image_of(make_plan(common=COMMON[:4])))

    assert dock.refusal(store.CodeInfo()) is DatastoreCode.NO_ENTRY
    assert dock.ask(store.Application()).state is Running.ABSENT


def test_an_empty_dock_has_no_datastore() -> None:
    dock = Dock()

    assert dock.refusal(store.Entry(Listed.KEY_VALUE, "x")) is DatastoreCode.NOT_RUNNABLE
    assert dock.ask(store.Application()).trace == "no image is installed"


@pytest.mark.parametrize("seed", range(40))
def test_cells_that_change_under_the_datastore_never_crash_the_dock(seed: int) -> None:
    random, dock = Random(seed), Dock()
    image = image_of(make_plan(common=COMMON[2:]))
    dock.install(image)
    area = dock.layout.slots[0].offset_bytes
    for _ in range(300):
        dock.flash.disturb(area + random.randrange(4_096, len(image)), bit=random.randrange(8))

    requests: list[Request[Any]] = [store.Names(kind) for kind in Listed]
    requests += [
        store.Entry(Listed.KEY_VALUE, name, 0, 99) for name in ("content_url", "enrolment_token")
    ]
    for request in (*requests, store.CodeInfo()):
        try:
            dock.ask(request)
        except DockRefused as refused:
            assert refused.rc in {DatastoreCode.FLASH_FAILED, DatastoreCode.NO_ENTRY}


def test_what_is_written_in_the_field_hides_rom_and_a_restart_empties_ephemeral() -> None:
    dock = Dock()
    dock.install(image_of(PLAN))
    new, newer = b"https://new.example/", b"https://newer.example/"
    dock.server.field.put(FieldPartition.RUNTIME, Entry(Kind.KV, "content_url", new))
    dock.server.field.put(FieldPartition.EPHEMERAL, Entry(Kind.KV, "content_url", newer))
    dock.server.field.put(FieldPartition.EPHEMERAL, Entry(Kind.IMG, "x", b"B", PictureType.BMP))
    assert dock.value("content_url") == newer
    assert dock.ask(store.Names(Listed.IMAGE)).names == ("default", "photo", "x")
    assert dock.ask(store.Entry(Listed.IMAGE, "x", 0, 9)).type == "BMP"

    dock.restart()

    assert dock.value("content_url") == new
    assert dock.ask(store.Names(Listed.IMAGE)).names == ("default", "photo")
    assert Dock(cells=dock.cells).value("content_url") == new


def test_a_factory_reset_empties_what_was_written_in_the_field_and_keeps_rom() -> None:
    dock = Dock()
    dock.install(image_of(PLAN))
    for where in FieldPartition:
        dock.server.field.put(where, Entry(Kind.KV, "content_url", b"elsewhere"))

    dock.ask(store.FactoryReset())

    assert all(dock.server.field.usage(where).used_bytes == 0 for where in FieldPartition)
    dock.starts_again()
    assert dock.server.wants is None
    assert dock.value("content_url") == b"https://content.example/"


def test_a_factory_reset_leaves_an_image_that_waits_for_its_start() -> None:
    dock = Dock()
    dock.write(image_of(PLAN))
    assert dock.commit(image_of(PLAN)).accepted

    dock.ask(store.FactoryReset())
    dock.starts_again()

    assert dock.active is not None and not dock.active.confirmed


def test_without_rom_nothing_is_answered_of_what_was_written_in_the_field() -> None:
    dock = Dock()
    dock.server.field.put(FieldPartition.RUNTIME, Entry(Kind.KV, "a", b"1"))

    assert dock.refusal(store.Names(Listed.KEY_VALUE)) is DatastoreCode.NOT_RUNNABLE
    assert dock.refusal(store.Entry(Listed.KEY_VALUE, "a")) is DatastoreCode.NOT_RUNNABLE
    dock.install(image_of(PLAN))
    assert dock.value("a") == b"1"


def test_a_challenge_depends_on_the_nonce_and_the_order_of_ranges() -> None:
    dock, image = Dock(), image_of(PLAN)
    dock.install(image)
    first, second = store.Range(0, 100), store.Range(50_000, 7)

    for nonce, ranges in ((bytes(16), (first, second)), (b"n" * 64, (second, first))):
        content = b"".join(image[one.offset :][: one.length] for one in ranges)
        answer = dock.ask(store.Challenge(Slot.ACTIVE, nonce, ranges))
        assert answer.digest == sha256(nonce + content).digest()


# -- faults ------------------------------------------------------------------------------------


def test_the_plug_is_pulled_once_at_its_share_of_the_image() -> None:
    dock, image = Dock(Unplug(40, 1.5)), image_of(PLAN)
    dock.ask(store.Begin(len(image)))
    reached = 0
    for request in store.write_requests(0, image, message_max=4_092):
        if dock.server.wants is None:
            dock.ask(request)
            reached = request.offset + len(request.data)

    assert dock.server.wants == PulledOut(1.5)
    assert reached / len(image) == pytest.approx(0.4, abs=0.02)
    dock.server.wants = None
    dock.put(0, image)
    assert dock.server.wants is None


def test_garbage_is_the_same_for_the_same_seed() -> None:
    def answers(seed: int) -> list[bytes]:
        server = Dock(Garbage(), seed=seed).server
        return [server.receive(data) for data in (b"hello", b"anybody?", bytes(9))]

    assert answers(1) == answers(1) != answers(2)


def test_a_mute_dock_says_nothing() -> None:
    with pytest.raises(ValueError, match="not enough values"):
        Dock(Mute()).ask(store.Identify())


def test_a_bit_flips_only_after_the_start_of_a_new_image() -> None:
    dock = Dock(BitFlip())
    dock.install(image_of(PLAN), confirmed=False)
    damaged = dock.read(Slot.ACTIVE, 0, PLAN.size_bytes)
    assert damaged != image_of(PLAN)
    before = bytes(dock.cells)
    dock.restart()  # the trial is given up: no new image starts

    slots = dock.layout.slots[0].offset_bytes
    assert dock.cells[slots:] == before[slots:]


def test_wrong_hardware_is_in_the_answer_only() -> None:
    dock = Dock(WrongHardware())

    assert dock.ask(store.Identify()).model != "DL-7450"
    dock.install(image_of(PLAN))

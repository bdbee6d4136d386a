"""Group 1 on a dock: what stock clients do to its slots is what group 64 does to them."""

import struct
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.datastore.rom_image import SEAL_MAGIC, Header, Tag, encode_area
from station.dock.faults import AlreadyLocked
from station.dock.flash import PowerCut, PowerLost, StuckBits, Tear
from station.dock.image_stamp import Stamp, stamp_of
from station.domain.identity import DockId
from station.domain.release import Version
from station.protocol import datastore_group as store
from station.protocol import image_group as images
from station.protocol.datastore_group import Slot
from station.protocol.image_group import ImageCode, ImageState, Upload
from station.protocol.smp import ReturnCode
from tests.fakes.trust import FakeAuthority
from tests.unit.dock.images import image_of, make_plan
from tests.unit.dock.memory_dock import Dock
from tests.unit.dock.stock_dock import StockDock

PLAN = make_plan()
IMAGE = image_of(PLAN)
NEWER = make_plan(token="token-2", counter=2)
SLOT_BYTES = 540_672

FOREIGN = make_plan(dock_id=DockId(bytes(32)))
ELSEWHERE = make_plan(product="DK-8")


def group_code(code: ImageCode) -> tuple[int, int, str]:
    return images.GROUP, code, ""


def general(code: ReturnCode, reason: str) -> tuple[None, int, str]:
    return None, code, reason


def first(octets: bytes = IMAGE, **other: object) -> Upload:
    begun = Upload(0, octets[:4_000], size=len(octets), digest=sha256(octets).digest())
    return replace(begun, **other)  # type: ignore[arg-type]


def counted(dock: Dock, act: Callable[[], object]) -> int:
    """How many flash operations an act takes."""
    before = dock.flash.operations
    act()
    return dock.flash.operations - before


# -- the way of an image -----------------------------------------------------------------------


def test_a_new_dock_lists_no_image() -> None:
    assert StockDock().states == ()


def test_an_uploaded_image_is_listed_and_waits_for_nothing() -> None:
    dock = StockDock()

    answer = dock.upload(IMAGE)

    assert answer == images.UploadAnswer(len(IMAGE), match=True)
    assert dock.states == (ImageState(1, "1.0.0", hash=PLAN.signed_sha256, bootable=True),)
    assert dock.other is None
    assert dock.read(Slot.OTHER, 0, len(IMAGE)) == IMAGE


def test_it_is_named_by_the_hash_in_its_trailer_and_not_by_that_of_the_file() -> None:
    dock = StockDock()
    dock.upload(IMAGE)

    assert dock.code(images.WriteState(PLAN.image_sha256)) == group_code(ImageCode.HASH_NOT_FOUND)
    assert dock.ask(images.WriteState(PLAN.signed_sha256)).images[0].pending


def test_the_way_of_an_image_is_that_of_group_64() -> None:
    dock, ours = StockDock(), Dock()
    dock.upload(IMAGE)
    ours.write(IMAGE)

    dock.ask(images.WriteState(PLAN.signed_sha256))
    assert ours.commit(IMAGE).accepted
    assert dock.marks == [(1, "p")]
    assert dock.other == ours.other

    dock.restart()
    ours.restart()
    assert dock.marks == [(0, "a")]
    assert dock.active == ours.active

    dock.ask(images.WriteState(confirm=True))
    ours.ask(store.Confirm(PLAN.image_sha256))
    assert dock.marks == [(0, "ac")]
    assert dock.active == ours.active
    assert dock.cells == ours.cells


def test_an_update_is_tried_beside_what_stays() -> None:
    dock = StockDock()
    dock.install_stock(PLAN)

    dock.install_stock(NEWER, confirmed=False)

    assert dock.marks == [(0, "a"), (1, "c")]
    assert [one.hash for one in dock.states] == [NEWER.signed_sha256, PLAN.signed_sha256]
    dock.restart()
    assert dock.marks == [(0, "ac"), (1, "")]
    assert dock.states[0].hash == PLAN.signed_sha256


def test_the_running_image_is_confirmed_by_its_hash_too_and_again() -> None:
    dock = StockDock()
    dock.install_stock(PLAN, confirmed=False)

    for _ in range(2):
        answer = dock.ask(images.WriteState(PLAN.signed_sha256, confirm=True))
        assert answer.images == (
            ImageState(
                *(0, "1.0.0"), hash=PLAN.signed_sha256, bootable=True, confirmed=True, active=True
            ),
        )
    assert dock.ask(store.Identify()).security_counter == 1


def test_what_group_64_wrote_a_stock_client_starts_and_the_other_way_round() -> None:
    dock = StockDock()
    dock.write(IMAGE)
    dock.ask(images.WriteState(PLAN.signed_sha256))
    dock.restart()
    dock.ask(store.Confirm(PLAN.image_sha256))

    newer = image_of(NEWER)
    dock.upload(newer)
    assert dock.commit(newer).accepted
    dock.restart()

    assert dock.active is not None
    assert dock.active.digest == NEWER.image_sha256


def test_an_image_that_lay_there_before_the_restart_can_still_be_started() -> None:
    dock = StockDock()
    dock.upload(IMAGE)
    dock.restart()

    assert dock.marks == [(1, "")]
    dock.ask(images.WriteState(PLAN.signed_sha256))

    assert dock.marks == [(1, "p")]


def test_marking_it_again_changes_nothing() -> None:
    dock = StockDock()
    dock.upload(IMAGE)
    dock.ask(images.WriteState(PLAN.signed_sha256))

    assert counted(dock, lambda: dock.ask(images.WriteState(PLAN.signed_sha256))) == 0
    assert dock.marks == [(1, "p")]


def test_the_same_image_may_be_written_beside_itself_and_tried() -> None:
    dock = StockDock()
    dock.install_stock(PLAN)

    dock.install_stock(PLAN, confirmed=False)

    assert dock.marks == [(0, "a"), (1, "c")]


def test_what_an_older_image_left_behind_is_erased() -> None:
    dock = StockDock()
    dock.upload(IMAGE)
    shorter = image_of(make_plan(common=()))

    dock.upload(shorter)

    assert len(shorter) < len(IMAGE)
    assert set(dock.read(Slot.OTHER, len(shorter), SLOT_BYTES - len(shorter))) == {0xFF}


# -- on a dock with one slot -------------------------------------------------------------------


def test_on_one_slot_an_upload_replaces_what_runs_and_a_restart_finds_nothing() -> None:
    dock = StockDock(slots=1)
    dock.install_stock(PLAN)
    assert dock.marks == [(0, "ac")]

    dock.ask(first(image_of(NEWER)))
    assert dock.states == ()
    dock.restart()

    assert dock.active is None
    assert dock.system("r") == "-"


def test_on_one_slot_there_is_one_number() -> None:
    dock = StockDock(slots=1)
    dock.upload(IMAGE)

    assert dock.marks == [(0, "")]
    assert dock.ask(images.SlotInfo()).images == (
        images.SlotsOfImage(0, (images.SlotSize(0, SLOT_BYTES),)),
    )
    dock.ask(images.Erase(0))
    assert dock.states == ()


# -- uploads that go wrong ---------------------------------------------------------------------

BEGINNINGS = {
    "no length": (first(size=None), ImageCode.INVALID_LENGTH),
    "longer than the slot": (first(size=SLOT_BYTES + 1), ImageCode.INVALID_IMAGE_TOO_LARGE),
    "shorter than a header": (first(size=4_095, data=b""), ImageCode.INVALID_IMAGE_HEADER),
    "empty": (first(data=b""), ImageCode.INVALID_IMAGE_HEADER),
    "of no length": (first(size=0, data=b""), ImageCode.INVALID_IMAGE_HEADER),
    "no image": (first(data=bytes(4_000)), ImageCode.INVALID_IMAGE_HEADER_MAGIC),
    "hardly an image": (first(data=IMAGE[:3] + b"\0"), ImageCode.INVALID_IMAGE_HEADER_MAGIC),
    "another image number": (first(image=1), ImageCode.NO_FREE_SLOT),
    "half a hash": (first(digest=bytes(16)), ImageCode.INVALID_HASH),
    "a longer hash": (first(digest=bytes(64), data=IMAGE[:3_000]), ImageCode.INVALID_HASH),
}


@pytest.mark.parametrize("name", BEGINNINGS)
def test_what_begins_no_image_is_refused_and_nothing_is_given_up(name: str) -> None:
    dock = StockDock()
    dock.upload(IMAGE)
    dock.ask(images.WriteState(PLAN.signed_sha256))
    part, code = BEGINNINGS[name]

    spent = counted(dock, lambda: dock.code(part))

    assert dock.code(part) == group_code(code)
    assert spent == 0
    assert dock.marks == [(1, "p")]


def test_an_upload_gives_up_what_waits_and_what_is_on_trial() -> None:
    dock = StockDock()
    dock.install_stock(PLAN)
    dock.upload(image_of(NEWER))
    dock.ask(images.WriteState(NEWER.signed_sha256))

    dock.ask(first())
    assert dock.marks == [(0, "ac")]
    assert dock.other is None

    dock.install_stock(NEWER, confirmed=False)
    dock.ask(first())
    assert dock.marks == [(0, "ac")]
    assert dock.states[0].hash == PLAN.signed_sha256


def test_parts_that_come_out_of_order_are_dropped_and_told_what_is_expected() -> None:
    dock = StockDock()
    dock.ask(first())
    before = bytes(dock.cells)

    assert dock.ask_raw(Upload(8_000, IMAGE[8_000:9_000])).offset == 4_000
    assert dock.ask_raw(Upload(2_000, IMAGE[2_000:3_000])).offset == 4_000
    assert dock.ask_raw(Upload(4_000, b"")).offset == 4_000
    assert dock.cells == before
    assert dock.ask(Upload(4_000, IMAGE[4_000:5_000])).offset == 5_000


def test_more_than_was_announced_is_refused_and_the_upload_goes_on() -> None:
    dock = StockDock()
    dock.ask(first(size=4_100))

    code = dock.code(Upload(4_000, bytes(101)))

    assert code == group_code(ImageCode.INVALID_IMAGE_DATA_OVERRUN)
    assert dock.ask(Upload(4_000, bytes(100))).match is False


def test_without_an_upload_every_part_is_told_to_begin() -> None:
    dock = StockDock()
    assert dock.ask_raw(Upload(4_000, b"x")).offset == 0

    dock.ask(first())
    dock.restart()
    assert dock.ask_raw(Upload(4_000, IMAGE[4_000:5_000])).offset == 0

    dock.ask(first())
    dock.ask(store.Begin(len(IMAGE)))
    assert dock.ask_raw(Upload(4_000, IMAGE[4_000:5_000])).offset == 0


def test_the_same_image_goes_on_where_it_broke_off_and_another_begins_again() -> None:
    dock = StockDock()
    dock.ask(first())
    dock.ask(Upload(4_000, IMAGE[4_000:6_000]))

    assert dock.ask(first()).offset == 6_000
    assert dock.ask_raw(first(size=len(IMAGE) - 1, data=IMAGE[:100])).offset == 100
    dock.ask(first())
    assert dock.ask_raw(first(digest=None, data=IMAGE[:100])).offset == 100


def test_an_image_with_another_digest_than_announced_is_given_up() -> None:
    dock = StockDock()

    assert dock.upload(IMAGE, digest=bytes(32)).match is False

    assert dock.ask(first(digest=bytes(32))).offset == 4_000


def test_a_finished_upload_asked_for_again_is_looked_at_again() -> None:
    dock = StockDock()
    dock.upload(IMAGE)
    assert dock.ask(first()) == images.UploadAnswer(len(IMAGE), match=True)

    dock.put(5_000, b"\0\0\0\0")

    assert dock.ask(first()).match is False
    assert dock.states == ()


def test_the_last_part_may_come_twice() -> None:
    dock = StockDock()
    dock.upload(IMAGE)
    last = len(IMAGE) - 500

    again = dock.ask(Upload(last, IMAGE[last:]))

    assert again.offset == len(IMAGE)
    assert dock.marks == [(1, "")]


def test_an_older_version_is_refused_where_only_upgrades_are_wanted() -> None:
    dock = StockDock()
    dock.install_stock(PLAN)
    newer = bytearray(IMAGE[:4_000])
    struct.pack_into("<BBH", newer, 20, 1, 0, 1)

    same = dock.code(first(upgrade=True))
    short = dock.code(first(upgrade=True, data=IMAGE[:20]))

    assert same == group_code(ImageCode.CURRENT_VERSION_IS_NEWER)
    assert short == group_code(ImageCode.VERSION_GET_FAILED)
    assert dock.ask(first(upgrade=True, data=bytes(newer))).offset == 4_000
    assert StockDock().ask(first(upgrade=True)).offset == 4_000


@given(
    st.lists(
        st.tuples(st.integers(1, len(IMAGE)), st.integers(0, 3_900), st.booleans()), max_size=30
    )
)
def test_whatever_comes_only_what_is_in_order_is_written(
    parts: list[tuple[int, int, bool]],
) -> None:
    dock = StockDock()
    dock.ask(first())
    expected = 4_000
    for offset, size, in_order in parts:
        start = expected if in_order else offset
        data = IMAGE[start : start + size]
        answer = dock.ask_raw(Upload(start, data, size=1, digest=b"x" if start else None))
        if start == expected:
            expected += len(data)
        assert answer.offset == expected

    assert dock.read(Slot.OTHER, 0, expected) == IMAGE[:expected]


# -- states that may not be --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plan", "reason"), [(FOREIGN, "dock-id"), (ELSEWHERE, "product")], ids=["dock", "product"]
)
def test_an_image_for_another_is_not_started_and_says_why(plan: object, reason: str) -> None:
    dock = StockDock()
    foreign = FOREIGN if reason == "dock-id" else ELSEWHERE
    dock.upload(image_of(foreign))

    code = dock.code(images.WriteState(foreign.signed_sha256))

    assert code == general(ReturnCode.ACCESS_DENIED, reason)
    assert dock.marks == [(1, "")]
    dock.restart()
    assert dock.active is None


def test_an_image_nobody_believes_is_not_started() -> None:
    dock = StockDock(authority=FakeAuthority())
    dock.upload(IMAGE)

    code = dock.code(images.WriteState(PLAN.signed_sha256))

    assert code == general(ReturnCode.ACCESS_DENIED, "certificate")


def test_an_older_counter_is_not_started() -> None:
    dock = StockDock()
    dock.install_stock(NEWER)
    dock.upload(IMAGE)

    code = dock.code(images.WriteState(PLAN.signed_sha256))

    assert code == general(ReturnCode.ACCESS_DENIED, "counter")


def test_an_image_that_has_not_run_is_not_confirmed() -> None:
    dock = StockDock()
    dock.upload(IMAGE)
    denied = group_code(ImageCode.IMAGE_CONFIRMATION_DENIED)

    assert dock.code(images.WriteState(PLAN.signed_sha256, confirm=True)) == denied
    dock.ask(images.WriteState(PLAN.signed_sha256))
    assert dock.code(images.WriteState(PLAN.signed_sha256, confirm=True)) == denied
    assert dock.marks == [(1, "p")]


def test_states_nobody_can_have_are_refused_with_nothing_changed() -> None:
    dock = StockDock()
    assert dock.code(images.WriteState(confirm=True)) == group_code(ImageCode.NO_IMAGE)
    dock.install_stock(PLAN)
    spent = dock.flash.operations
    asked = {
        images.WriteState(): ImageCode.INVALID_HASH,
        images.WriteState(b""): ImageCode.INVALID_HASH,
        images.WriteState(bytes(20), confirm=True): ImageCode.INVALID_HASH,
        images.WriteState(bytes(64)): ImageCode.INVALID_HASH,
        images.WriteState(bytes(32)): ImageCode.HASH_NOT_FOUND,
        images.WriteState(bytes(32), confirm=True): ImageCode.HASH_NOT_FOUND,
        images.WriteState(PLAN.signed_sha256): ImageCode.IMAGE_SETTING_TEST_TO_ACTIVE_DENIED,
    }

    codes = {request: dock.code(request) for request in asked}

    assert codes == {request: group_code(code) for request, code in asked.items()}
    assert dock.flash.operations == spent
    assert dock.marks == [(0, "ac")]


def test_during_a_trial_no_other_image_is_marked() -> None:
    dock = StockDock()
    dock.install_stock(PLAN)
    dock.install_stock(NEWER, confirmed=False)
    dock.flash.disturb(dock.layout.slots[1].end_bytes - 1, bit=0)  # what an erase would show in
    spent = dock.flash.operations

    kept = dock.code(images.WriteState(PLAN.signed_sha256))
    kept_for_good = dock.code(images.WriteState(PLAN.signed_sha256, confirm=True))

    assert kept == group_code(ImageCode.IMAGE_ALREADY_PENDING)
    assert kept_for_good == group_code(ImageCode.IMAGE_CONFIRMATION_DENIED)
    assert dock.flash.operations == spent
    assert dock.marks == [(0, "a"), (1, "c")]


def test_half_an_image_and_a_damaged_one_are_none() -> None:
    dock = StockDock()
    dock.upload(IMAGE)
    area = dock.layout.slots[0]

    for offset in (0, 5_000, len(IMAGE) - PLAN.trailer[-1].size_bytes):
        dock.flash.disturb(area.offset_bytes + offset, bit=0)
        assert dock.states == ()
        dock.flash.disturb(area.offset_bytes + offset, bit=0)
    assert dock.marks == [(1, "")]
    dock.ask(first(image_of(NEWER)))
    assert dock.states == ()


@given(st.integers(0, 2**32))
def test_any_octets_in_a_slot_are_no_image(seed: int) -> None:
    dock = StockDock()
    noise = Random(seed).randbytes(6_000)
    dock.ask(store.Begin(len(IMAGE)))
    dock.put(0, IMAGE[:32] + noise)

    assert dock.states == ()
    assert dock.code(images.WriteState(bytes(32))) == group_code(ImageCode.HASH_NOT_FOUND)


def sealed(*items: tuple[int, bytes], cut: int = 0) -> memoryview:
    """A header, no payload, and an area of these TLVs."""
    area = encode_area(SEAL_MAGIC, items)
    whole = Header(Version(1, 2, 3), 0, 0).encode() + area
    return memoryview(whole[: len(whole) - cut])


def test_a_stamp_is_read_off_an_image_and_nothing_less() -> None:
    proof = sha256(Header(Version(1, 2, 3), 0, 0).encode()).digest()
    right = (Tag.SHA256, proof)

    assert stamp_of(sealed(right), prove=True) == Stamp(4_136, (1, 2, 3), proof)
    assert stamp_of(sealed((Tag.SHA256, bytes(32))), prove=False) is not None
    assert stamp_of(sealed((Tag.SHA256, bytes(32))), prove=True) is None
    assert stamp_of(sealed((Tag.SHA256, proof[:31])), prove=False) is None
    assert stamp_of(sealed((Tag.KEY_HASH, proof)), prove=False) is None
    for cut in (1, 20, 36, 40, 4_136):
        assert stamp_of(sealed(right, cut=cut), prove=False) is None


# -- erasing -----------------------------------------------------------------------------------


@pytest.mark.parametrize("slot", [None, 1])
def test_the_slot_that_does_not_run_is_erased(slot: int | None) -> None:
    dock = StockDock()
    dock.install_stock(PLAN)
    dock.upload(image_of(NEWER))

    dock.ask(images.Erase(slot))

    assert dock.marks == [(0, "ac")]
    assert set(dock.read(Slot.OTHER, 0, SLOT_BYTES)) == {0xFF}
    assert dock.ask_raw(Upload(4_000, b"x")).offset == 0


def test_a_slot_in_use_is_not_erased() -> None:
    dock = StockDock()
    dock.install_stock(PLAN)
    in_use = group_code(ImageCode.NO_FREE_SLOT)
    assert dock.code(images.Erase(0)) == in_use
    assert dock.code(images.Erase(2)) == group_code(ImageCode.INVALID_SLOT)

    dock.upload(image_of(NEWER))
    dock.ask(images.WriteState(NEWER.signed_sha256))
    assert dock.code(images.Erase(1)) == in_use
    dock.restart()
    assert dock.code(images.Erase(1)) == in_use

    assert dock.marks == [(0, "a"), (1, "c")]
    one_slot = StockDock(slots=1)
    one_slot.install_stock(PLAN)
    assert one_slot.code(images.Erase()) == in_use


# -- docks that take nothing -------------------------------------------------------------------


def test_a_locked_dock_takes_no_image_and_keeps_the_one_it_runs() -> None:
    dock = StockDock()
    dock.install_stock(PLAN, confirmed=False)
    dock.restart()
    dock.install_stock(PLAN, confirmed=False)
    dock.ask(store.Lock())
    locked = general(ReturnCode.ACCESS_DENIED, "locked")

    assert dock.code(first()) == locked
    assert dock.code(images.Erase(1)) == group_code(ImageCode.NO_FREE_SLOT)
    dock.ask(images.WriteState(confirm=True))
    assert dock.marks == [(0, "ac")]
    assert dock.code(images.Erase(1)) == locked


def test_a_lock_ends_an_upload_and_what_lay_there_is_not_started() -> None:
    dock = StockDock()
    dock.upload(IMAGE)
    dock.ask(store.Lock())

    assert dock.ask_raw(Upload(4_000, b"x")).offset == 0
    code = dock.code(images.WriteState(PLAN.signed_sha256))
    assert code == general(ReturnCode.ACCESS_DENIED, "locked")
    assert StockDock(AlreadyLocked()).code(first()) == code


def test_an_image_nobody_announced_a_digest_of_is_taken_and_not_compared() -> None:
    dock = StockDock()
    dock.ask(first(digest=None))
    parts = images.upload_requests(
        lambda offset, size: IMAGE[offset : offset + size], len(IMAGE), 4_000, message_max=4_092
    )
    answers = [dock.ask(part) for part in parts]

    assert answers[-1] == images.UploadAnswer(len(IMAGE))
    assert dock.marks == [(1, "")]


def test_a_boot_state_that_cannot_be_written_has_a_name() -> None:
    boot = StockDock().layout.boot
    dead = [
        StuckBits(area.offset_bytes + at, 0xFF, 0xFF)
        for area in boot
        for at in range(0, 4_096, 128)
    ]
    dock = StockDock(stuck=dead)
    dock.upload(IMAGE)

    code = dock.code(images.WriteState(PLAN.signed_sha256))

    assert code == group_code(ImageCode.FLASH_WRITE_FAILED)
    assert dock.marks == [(1, "")]


def test_flash_that_keeps_nothing_has_a_name() -> None:
    slot = StockDock().layout.slots[0].offset_bytes
    dock = StockDock(stuck=[StuckBits(slot + 100, 0xFF, 0x00)])

    code = dock.code(images.WriteState(PLAN.signed_sha256))
    written = dock.upload(IMAGE)

    assert code == group_code(ImageCode.HASH_NOT_FOUND)
    assert written.match is False


def test_every_cut_of_the_power_leaves_the_old_image_or_the_new_one() -> None:
    """The stock way through flash and boot state, cut at a spread of its operations."""
    before = StockDock()
    before.install_stock(PLAN)
    cells = bytes(before.cells)

    def way(dock: StockDock) -> None:
        dock.install_stock(NEWER)

    whole = StockDock(cells=bytearray(cells))
    operations = counted(whole, lambda: way(whole))
    for cut in (*range(0, operations, operations // 30), *range(operations - 12, operations)):
        dock = StockDock(cells=bytearray(cells), cut=PowerCut(cut, Tear.HALF))
        with pytest.raises(PowerLost):
            way(dock)
        again = StockDock(cells=dock.cells)
        active = again.active
        assert active is not None
        assert active.digest in {PLAN.image_sha256, NEWER.image_sha256}
        assert active.confirmed or active.digest == NEWER.image_sha256

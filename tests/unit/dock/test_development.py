"""What a development service does to a dock: all of ROM replaced, or nothing changed."""

from random import Random

import pytest

from station.dock.boot_state import FlashFailed
from station.dock.development_image import Sealing, pack, seal
from station.dock.flash import StuckBits
from station.domain.entries import APPLICATION_NAME, Entry, Kind, PictureType
from station.domain.errors import DocumentRefused, OverBudget
from station.domain.profile import Stage
from station.protocol import datastore_group as store
from station.protocol.datastore_group import DatastoreCode, Listed, Slot
from tests.fakes.host import FakeHost, fake_support
from tests.unit.dock.images import DOCK_ID, PRODUCT, ROM_BYTES, image_of, make_plan
from tests.unit.dock.memory_dock import Dock

PLAN = make_plan()
NEWER = make_plan(token="token-2", counter=2)
CONTENT = (
    Entry(Kind.KV, "greeting", b"hello"),
    Entry(Kind.IMG, "logo", b"\x89PNG?", PictureType.PNG),
    Entry(Kind.CODE, APPLICATION_NAME, b"print('pushed')\n"),
)
OTHER = (Entry(Kind.KV, "other", b"content"),)


def keys(dock: Dock) -> tuple[str, ...]:
    return dock.ask(store.Names(Listed.KEY_VALUE)).names


@pytest.mark.parametrize("slots", [1, 2])
def test_rom_is_replaced_as_a_whole_and_stays(slots: int) -> None:
    host = FakeHost()
    dock = Dock(slots=slots, support=fake_support(host))
    dock.install(image_of(PLAN))

    dock.replace_rom(*CONTENT)

    assert keys(dock) == ("greeting",)
    assert dock.ask(store.Names(Listed.IMAGE)).names == ("logo",)
    assert [one.code for one in host.running] == [b"print('pushed')\n"]
    assert dock.active is not None and dock.active.confirmed
    assert dock.other is None
    for _ in range(2):
        dock.restart()
        assert keys(dock) == ("greeting",)
    assert keys(Dock(slots=slots, cells=dock.cells)) == ("greeting",)


@pytest.mark.parametrize("slots", [1, 2])
def test_it_is_replaced_again_and_by_a_station(slots: int) -> None:
    dock = Dock(slots=slots)

    dock.replace_rom(*CONTENT)
    dock.replace_rom(*OTHER)
    assert keys(dock) == ("other",)

    dock.install(image_of(PLAN))
    assert "enrolment_token" in keys(dock)


def test_the_counter_a_dock_holds_stays_and_still_counts() -> None:
    dock = Dock()
    dock.install(image_of(NEWER))

    dock.replace_rom(*CONTENT)

    assert dock.ask(store.Identify()).security_counter == 2
    dock.write(image_of(PLAN))
    assert dock.commit(image_of(PLAN)).reason == "counter"


def test_what_does_not_fit_changes_nothing() -> None:
    dock = Dock()
    dock.install(image_of(PLAN))
    before, spent = bytes(dock.cells), dock.flash.operations
    large = Entry(Kind.IMG, "large", bytes(ROM_BYTES), PictureType.PNG)

    with pytest.raises(OverBudget, match="large"):
        dock.server.replace_rom([large])
    with pytest.raises(DocumentRefused):
        dock.server.replace_rom([*OTHER, *OTHER])

    assert dock.server.wants is None
    assert (bytes(dock.cells), dock.flash.operations) == (before, spent)


def test_as_much_as_fits_the_budget_fits_the_slot() -> None:
    dock = Dock()
    most = Entry(Kind.IMG, "large", Random(1).randbytes(ROM_BYTES - 10_000), PictureType.PNG)

    dock.replace_rom(most)

    answer = dock.ask(store.Entry(Listed.IMAGE, "large"))
    assert answer.digest == most.digest


def test_an_image_being_written_is_given_up() -> None:
    dock, image = Dock(), image_of(PLAN)
    dock.write(image)

    dock.replace_rom(*CONTENT)

    assert dock.refusal(store.Write(0, b"x")) is DatastoreCode.NOT_BEGUN
    assert keys(dock) == ("greeting",)


def test_an_image_on_trial_is_given_up() -> None:
    dock = Dock()
    dock.install(image_of(PLAN))
    dock.install(image_of(NEWER), confirmed=False)

    dock.replace_rom(*CONTENT)

    assert keys(dock) == ("greeting",)
    assert dock.ask(store.Identify()).security_counter == 1


@pytest.mark.parametrize("slots", [1, 2])
def test_what_a_dock_made_itself_is_not_taken_back_over_the_wire(slots: int) -> None:
    dock = Dock(slots=slots)
    dock.install(image_of(PLAN))
    dock.replace_rom(*CONTENT)
    assert dock.active is not None
    made = dock.read(Slot.ACTIVE, 0, dock.active.size)
    dock.install(image_of(PLAN))

    dock.write(made)

    assert dock.commit(made) == store.CommitAnswer(False, "signature")
    dock.restart()
    assert dock.active is None if slots == 1 else dock.active.digest == PLAN.image_sha256


@pytest.mark.parametrize("has_key", [False, True])
def test_no_image_sealed_elsewhere_is_taken_over_the_wire(has_key: bool) -> None:
    dock = Dock()
    if has_key:
        dock.replace_rom(*CONTENT)
    volumes = pack(CONTENT, salt=bytes(32), budget_bytes=ROM_BYTES)

    for key in (bytes(32), b"\xff" * 32, Random(7).randbytes(32)):
        image = seal(volumes, Sealing(key, DOCK_ID, PRODUCT), counter=0)
        dock.write(image)
        assert dock.commit(image).reason == ("signature" if has_key else "format")


def test_an_image_of_one_development_dock_does_not_run_on_another() -> None:
    first, second = Dock(seed=1), Dock(seed=2)
    first.replace_rom(*CONTENT)
    second.replace_rom(*OTHER)
    area = first.layout.slots[0]
    stolen = bytearray(second.cells)
    stolen[area.offset_bytes : area.end_bytes] = first.cells[area.offset_bytes : area.end_bytes]
    boot = slice(first.layout.boot[0].offset_bytes, first.layout.boot[1].end_bytes)
    stolen[boot] = first.cells[boot]

    application = Dock(cells=stolen).ask(store.Application())

    assert application.state is store.Running.FAILED
    assert application.trace == "not sealed by this dock"


def test_a_dock_made_for_production_does_not_start_what_was_made_in_development() -> None:
    dock = Dock()
    dock.replace_rom(*CONTENT)

    again = Dock(cells=dock.cells, stage=Stage.PRODUCTION)

    assert again.active is None


def test_a_damaged_development_key_makes_the_dock_say_that_it_cannot_start() -> None:
    dock = Dock()
    dock.replace_rom(*CONTENT)
    dock.flash.disturb(dock.layout.development.offset_bytes + 10, bit=3)

    dock.restart()
    assert dock.active is None

    dock.replace_rom(*CONTENT)
    assert keys(dock) == ("greeting",)


@pytest.mark.parametrize("slots", [1, 2])
def test_a_flash_that_does_not_keep_the_image_is_told(slots: int) -> None:
    layout = Dock(slots=slots).layout
    place = layout.slots[slots - 1].offset_bytes + 50
    dock = Dock(slots=slots, stuck=[StuckBits(place, mask=0xFF, value=0)])
    if slots == 2:
        dock.install(image_of(PLAN))

    with pytest.raises(FlashFailed):
        dock.server.replace_rom(CONTENT)

    dock.starts_again()
    assert (dock.active is None) == (slots == 1)


def test_no_key_and_no_salt_is_ever_used_twice() -> None:
    dock = Dock()
    images = []
    for _ in range(2):
        dock.replace_rom(*CONTENT)
        assert dock.active is not None
        images.append(dock.read(Slot.ACTIVE, 0, dock.active.size))

    assert images[0] != images[1]
    key = dock.layout.development
    secret = bytes(dock.cells[key.offset_bytes + 4 : key.offset_bytes + 36])
    assert all(secret not in image for image in images)

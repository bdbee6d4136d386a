"""Which application a dock runs, when it is started and stopped, and what the wire tells of it."""

import json
from hashlib import sha256

import pytest

from station.datastore.field_store import FieldPartition
from station.dock.faults import AlreadyLocked
from station.domain.entries import APPLICATION_NAME, Entry, Kind, PictureType
from station.domain.errors import NotForProduction, StoreFull
from station.domain.profile import Stage
from station.domain.splash import Alignment, Background, Splash, TextBox
from station.protocol import datastore_group as store
from station.protocol.datastore_group import DatastoreCode, Running, ScreenForm
from tests.fakes.host import FakeApplication, FakeDraw, FakeHost, fake_support
from tests.unit.dock.images import CODE, COMMON, EPHEMERAL_BYTES, image_of, make_plan
from tests.unit.dock.memory_dock import Dock

PLAN = make_plan()
NEWER = make_plan(token="token-2", counter=2)
NO_CODE = make_plan(common=COMMON[:4])


def application(text: bytes) -> Entry:
    return Entry(Kind.CODE, APPLICATION_NAME, text)


class Desk:
    """A dock that runs applications, and who runs them."""

    def __init__(self, *, slots: int = 2, stage: Stage = Stage.DEVELOPMENT) -> None:
        self.host, self.draw = FakeHost(), FakeDraw()
        self.dock = Dock(slots=slots, stage=stage, support=fake_support(self.host, self.draw))

    @property
    def running(self) -> FakeApplication:
        (only,) = self.host.running
        return only

    def told(self) -> store.ApplicationAnswer:
        return self.dock.ask(store.Application())


# -- which one, and when -------------------------------------------------------------------------


def test_a_start_runs_the_application_of_rom() -> None:
    bench = Desk()
    assert bench.host.started == []

    bench.dock.install(image_of(PLAN))

    assert bench.running.code == CODE
    assert bench.told().state is Running.RUNNING


def test_every_start_ends_what_runs_first() -> None:
    bench = Desk()
    bench.dock.install(image_of(PLAN))
    first = bench.running

    bench.dock.restart()

    assert first.stopped
    assert bench.running is not first


def test_a_newer_application_in_runtime_runs_in_place_of_rom_until_a_factory_reset() -> None:
    bench = Desk()
    bench.dock.install(image_of(PLAN))
    bench.dock.server.field.put(FieldPartition.RUNTIME, application(b"newer"))
    assert bench.running.code == CODE

    bench.dock.restart()
    assert bench.running.code == b"newer"

    bench.dock.ask(store.FactoryReset())
    assert bench.host.running == []
    bench.dock.starts_again()
    assert bench.running.code == CODE


def test_runtime_code_that_fails_shows_its_trace_and_nothing_else_is_tried() -> None:
    bench = Desk()
    bench.dock.install(image_of(PLAN))
    bench.dock.server.field.put(FieldPartition.RUNTIME, application(b"newer"))
    bench.dock.restart()

    bench.running.fails("Traceback: NameError")

    assert bench.told().state is Running.FAILED
    assert bench.told().trace == "Traceback: NameError"
    assert json.loads(bench.dock.screen(ScreenForm.TEXT))["trace"] == "Traceback: NameError"
    assert [one.code for one in bench.host.running] == [b"newer"]


def test_pushed_code_runs_at_once_and_dies_at_the_restart() -> None:
    bench = Desk()
    bench.dock.install(image_of(PLAN))
    first = bench.running

    bench.dock.server.run_code(b"pushed")

    assert first.stopped
    assert bench.running.code == b"pushed"
    assert bench.dock.ask(store.CodeInfo()).checksum != 0  # of ROM, whichever runs
    bench.dock.restart()
    assert bench.running.code == CODE


def test_pushed_code_runs_on_a_dock_that_holds_nothing() -> None:
    bench = Desk()

    bench.dock.server.run_code(b"pushed")

    assert bench.running.code == b"pushed"
    assert bench.told().state is Running.RUNNING
    assert bench.dock.refusal(store.CodeInfo()) is DatastoreCode.NOT_RUNNABLE


def test_code_that_fits_no_ephemeral_partition_changes_nothing() -> None:
    bench = Desk()
    bench.dock.install(image_of(PLAN))
    first = bench.running

    with pytest.raises(StoreFull):
        bench.dock.server.run_code(bytes(EPHEMERAL_BYTES + 1))

    assert bench.running is first


def test_a_message_reaches_the_application_and_none_where_none_runs() -> None:
    bench = Desk()
    bench.dock.server.deliver(b"nobody hears")
    bench.dock.install(image_of(PLAN))

    bench.dock.server.deliver(b"thello")

    assert bench.running.messages == [b"thello"]


def test_an_image_that_stops_running_takes_its_application_with_it() -> None:
    bench = Desk(slots=1)
    bench.dock.install(image_of(PLAN))

    bench.dock.ask(store.Begin(NEWER.size_bytes))

    assert bench.host.running == []
    assert bench.told().state is Running.FAILED


def test_a_write_into_the_other_slot_leaves_the_application_alone() -> None:
    bench = Desk()
    bench.dock.install(image_of(PLAN))
    first = bench.running

    bench.dock.write(image_of(NEWER))

    assert bench.running is first


def test_a_trial_that_is_given_up_gives_its_application_up() -> None:
    bench = Desk()
    bench.dock.install(image_of(PLAN))
    bench.dock.install(image_of(NO_CODE), confirmed=False)
    assert bench.told().state is Running.ABSENT

    bench.dock.ask(store.Begin(NEWER.size_bytes))

    assert bench.running.code == CODE


def test_power_off_ends_the_application() -> None:
    bench = Desk()
    bench.dock.install(image_of(PLAN))

    bench.dock.server.power_off()
    bench.dock.server.power_off()

    assert bench.host.running == []
    assert bench.dock.server.fileno() == -1


def test_a_machine_that_confines_nothing_says_so_and_the_dock_lives() -> None:
    bench = Desk()
    bench.host.impossible = "no seccomp here"

    bench.dock.install(image_of(PLAN))

    assert bench.told() == store.ApplicationAnswer(
        Running.FAILED, "no seccomp here", bench.told().splash
    )
    assert bench.dock.value("empty") == b""


@pytest.mark.parametrize("closed", ["production", "locked", "locked by others"])
def test_no_development_call_reaches_a_dock_that_is_closed_to_them(closed: str) -> None:
    stage = Stage.PRODUCTION if closed == "production" else Stage.DEVELOPMENT
    host = FakeHost()
    faults = [AlreadyLocked()] if closed == "locked by others" else []
    dock = Dock(*faults, stage=stage, support=fake_support(host))
    if closed == "locked":
        dock.ask(store.Lock())
    before, flash = bytes(dock.cells), dock.flash.operations

    with pytest.raises(NotForProduction):
        dock.server.replace_rom([application(b"pushed")])
    with pytest.raises(NotForProduction):
        dock.server.run_code(b"pushed")
    with pytest.raises(NotForProduction):
        dock.server.deliver(b"t")

    assert host.started == []
    assert dock.server.wants is None
    assert (bytes(dock.cells), dock.flash.operations) == (before, flash)


# -- the screen ----------------------------------------------------------------------------------

SPLASH = Splash(
    Background(b"\x89PNG?", PictureType.PNG),
    (TextBox("<b>Hello</b>", 960, 80, Alignment.MIDDLE), TextBox("centre")),
)


def test_the_screen_is_told_in_words() -> None:
    bench = Desk()
    bench.dock.install(image_of(PLAN))
    bench.running.shows(SPLASH)

    document = bench.dock.screen(ScreenForm.TEXT)

    assert json.loads(document) == {
        "background": {"sha256": sha256(b"\x89PNG?").hexdigest(), "size": 5, "type": "PNG"},
        "boxes": [
            {
                "alignment": "middle",
                "markup": "<b>Hello</b>",
                "plain": "Hello",
                "x": 960,
                "y": 80,
            },
            {"alignment": "left", "markup": "centre", "plain": "centre", "x": None, "y": None},
        ],
        "trace": "",
    }
    assert bench.told().splash == sha256(document).digest()


def test_a_picture_of_the_screen_is_drawn_when_asked_for_and_once_per_screen() -> None:
    bench = Desk()
    bench.dock.install(image_of(PLAN))
    bench.running.shows(SPLASH)
    assert bench.told().splash
    assert bench.draw.drawn == 0

    first = bench.dock.screen(ScreenForm.PNG)
    assert bench.dock.screen(ScreenForm.PNG) == first
    bench.running.shows(Splash())

    assert first.startswith(b"picture 1")
    assert bench.dock.screen(ScreenForm.PNG).startswith(b"picture 2")


def test_pages_of_a_document_are_of_one_screen_though_it_changes_in_between() -> None:
    bench = Desk()
    bench.dock.install(image_of(PLAN))
    bench.running.shows(Splash(boxes=(TextBox("first"),)))
    begun = bench.dock.ask(store.Screen(ScreenForm.TEXT, 0, 10))

    bench.running.shows(Splash(boxes=(TextBox("second"),)))
    rest = bench.dock.ask(store.Screen(ScreenForm.TEXT, 10, 2_000))

    assert rest.digest == begun.digest
    assert b'"first"' in bytes(begun.data) + bytes(rest.data)
    assert b'"second"' in bench.dock.screen(ScreenForm.TEXT)
    assert bench.dock.ask(store.Screen(ScreenForm.TEXT, 5_000, 100)).data == b""


def test_a_dock_on_which_nothing_runs_shows_nothing() -> None:
    bench = Desk()
    bench.dock.install(image_of(NO_CODE))

    assert json.loads(bench.dock.screen(ScreenForm.TEXT))["boxes"] == []
    assert bench.told() == store.ApplicationAnswer(Running.ABSENT)
    drawn = [bench.dock.screen(ScreenForm.PNG) for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert bench.draw.drawn == 1


def test_a_screen_that_cannot_be_drawn_is_refused_with_the_cause() -> None:
    bench = Desk()
    bench.draw.broken = True

    assert bench.dock.refusal(store.Screen(ScreenForm.PNG)) is DatastoreCode.UNKNOWN


def test_a_dock_made_for_production_gives_nothing_of_its_screen_away() -> None:
    bench = Desk(stage=Stage.PRODUCTION)
    bench.dock.install(image_of(PLAN))
    bench.running.fails("Traceback: token-1 is no token")

    for what in ScreenForm:
        assert bench.dock.refusal(store.Screen(what)) is DatastoreCode.UNSUPPORTED
    assert bench.told() == store.ApplicationAnswer(Running.FAILED)


def test_a_dock_that_runs_no_code_has_no_screen() -> None:
    dock = Dock()
    dock.install(image_of(PLAN))

    assert dock.refusal(store.Screen(ScreenForm.TEXT)) is DatastoreCode.UNSUPPORTED
    assert dock.refusal(store.Application()) is DatastoreCode.UNSUPPORTED
    assert dock.server.shown is None


def test_a_trace_of_any_length_and_spelling_is_told() -> None:
    bench = Desk()
    bench.dock.install(image_of(PLAN))

    bench.running.fails("nul \0 and é" * 1_000)

    assert bench.told().trace.startswith("nul ? and é")
    assert len(bench.told().trace.encode()) <= store.TRACE_BYTES_MAX

"""Applications that live, as on a virtual dock: in real time, by the loop that attends to them."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from station.bootstrap.rehearsal import application_host
from station.datastore.ephemeral import EphemeralPartition
from station.datastore.partitions import Datastore, RomPartition
from station.datastore.volume import Volume, build_common_volume, build_upd_volume
from station.dock.host import ApplicationHost, RunningApplication
from station.domain.entries import APPLICATION_NAME, Entry, Kind, PictureType
from station.domain.profile import UnknownImage
from station.protocol.datastore_group import Running
from station.rehearsal.application import Application
from tests.golden.rom_store.make import DOT
from tests.unit.rehearsal.stage import DOCK, attend_until, datastore, nothing_left_behind

SHOW = """\
from splashscreen import Splashscreen
def show(text):
    Splashscreen().add_text_box(str(text))
"""


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    with nothing_left_behind():
        yield


@contextmanager
def living(held: Datastore | str) -> Iterator[Application]:
    if isinstance(held, str):
        held = datastore(SHOW + held)
    application = application_host().start(held, dock_id=DOCK, unknown_image=UnknownImage.NONE)
    try:
        yield application
    finally:
        application.stop()


def text(application: Application) -> list[str]:
    return [box.markup for box in application.splash.boxes]


def until_shown(application: Application, wanted: str) -> None:
    attend_until(application, lambda: text(application) == [wanted])
    assert text(application) == [wanted], application.trace


def test_it_is_the_host_a_virtual_dock_asks_for() -> None:
    host: ApplicationHost = application_host()
    application: RunningApplication = host.start(
        datastore(), dock_id=DOCK, unknown_image=UnknownImage.NONE
    )
    application.stop()

    assert application.state is Running.ENDED


def test_an_application_lives_on_when_its_code_has_returned() -> None:
    with living("show('hello')") as application:
        before = application.state
        until_shown(application, "hello")

        assert before is Running.STARTING
        assert application.state is Running.RUNNING
        assert application.trace == ""


def test_timers_come_in_real_time() -> None:
    with living(
        "from wakeup import wakeup\ncount = [0]\n"
        "def task():\n    count[0] += 1\n    show(count[0])\ntimer = wakeup(task, 1, 1)\n"
    ) as application:
        until_shown(application, "20")

        assert application.state is Running.RUNNING


def test_a_message_reaches_the_application() -> None:
    with living(
        "from vision_client import VisionClient\n"
        "VisionClient().on_message(lambda message: show(bytes(message)))\nshow('ready')\n"
    ) as application:
        until_shown(application, "ready")
        application.deliver(b"thello")
        until_shown(application, "b'thello'")
        application.deliver(b"i" + bytes(1_000_000))
        attend_until(application, lambda: len(text(application)[0]) < 10)


def test_what_an_application_raises_ends_it_and_is_shown() -> None:
    with living("show('hello')\nfrom wakeup import wakeup\ntimer = wakeup(lambda: 1 / 0, 5)") as it:
        attend_until(it, lambda: False)

        assert it.state is Running.FAILED
        assert it.trace.splitlines()[-1].startswith("ZeroDivisionError")
        assert it.splash.trace == it.trace
        assert it.fileno() == -1


def test_an_endless_loop_can_be_stopped() -> None:
    with living("while True: pass") as application:
        attend_until(application, lambda: application.state is Running.RUNNING)
        application.stop()

        assert application.state is Running.ENDED


def test_it_sees_what_the_partitions_hold_when_it_asks() -> None:
    field = EphemeralPartition()
    rom = RomPartition(
        Volume.open_upd(build_upd_volume([Entry(Kind.KV, "key", b"unique")], salt=bytes(32))),
        Volume.open_common(
            build_common_volume(
                [
                    Entry(
                        Kind.CODE,
                        APPLICATION_NAME,
                        (
                            SHOW + "from datastore import ImageStore, KvStore\n"
                            "from vision_client import VisionClient\n"
                            "def tell(_=None):\n    show(KvStore().get('key'))\n"
                            "    Splashscreen().set_background(ImageStore().get_token('dot'))\n"
                            "VisionClient().on_message(tell)\ntell()\n"
                        ).encode(),
                    ),
                    Entry(Kind.IMG, "dot", b"none yet", PictureType.PNG),
                ]
            )
        ),
    )
    with living(Datastore((field, rom))) as application:
        until_shown(application, "unique")
        field.put(Entry(Kind.KV, "key", b"learnt"))
        field.put(Entry(Kind.IMG, "dot", DOT, PictureType.PNG))
        application.deliver(b"look again")
        until_shown(application, "learnt")

        assert application.splash.background is not None
        assert application.splash.background.content == DOT


def test_calls_are_not_told_of_where_nobody_judges() -> None:
    with living("from dock import DockInfo\nshow(DockInfo().dock_id()[:4])") as application:
        until_shown(application, "0001")

        assert list(application.calls) == []

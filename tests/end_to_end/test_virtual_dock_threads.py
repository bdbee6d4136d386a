"""Several virtual docks in one process, each in a thread of its own, asked from other threads."""

import io
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from station.adapters.machine import SystemChance, SystemClock
from station.adapters.serial_link.dock import SerialDock
from station.adapters.serial_link.docks import SerialDocks
from station.datastore.field_store import FieldPartition
from station.dock.calls import DockOff
from station.dock.faults import parse_fault
from station.dock.flash import FlashFileRefused
from station.dock.main import POWER_LOST_STATUS, docks, run
from station.dock.powered import PoweredDock
from station.dock.serial_port import PortPathTaken
from station.dock.settings import NoSuchProduct, Settings
from station.domain.entries import APPLICATION_NAME, Entry, Kind
from station.domain.errors import LinkError, NotForProduction, OverBudget
from station.domain.identity import DockId, Serial
from station.domain.profile import Link
from station.domain.splash import Splash, TextBox
from station.protocol import datastore_group as store
from station.protocol.datastore_group import Listed, Running
from station.protocol.errors import DockRefused
from station.protocol.os_group import Echo
from tests.end_to_end.virtual_docks import Client, until
from tests.fakes.host import FakeHost, fake_support
from tests.unit.dock.images import AUTHORITY, PRODUCT, ROM_BYTES, make_plan, make_profile

CODE = Entry(Kind.CODE, APPLICATION_NAME, b"pushed")


def settings(folder: Path, number: int = 1, *faults: str, slots: int = 2) -> Settings:
    return Settings(
        flash=folder / f"dock-{number}.flash",
        port=folder / f"dock-{number}.tty",
        dock_id=DockId(bytes([number]) * 32),
        label=Serial(f"DK7F-{number:05d}"),
        profile=make_profile(slots=slots),
        product=PRODUCT,
        authority=AUTHORITY,
        faults=tuple(map(parse_fault, faults)),
    )


@contextmanager
def client(dock: PoweredDock) -> Iterator[Client]:
    until(dock.settings.port.exists)
    found = Client(dock.settings.port)
    try:
        found.greet()
        yield found
    finally:
        found.close()


@contextmanager
def one(made: Settings, host: FakeHost | None = None) -> Iterator[PoweredDock]:
    with docks([made], None if host is None else fake_support(host)) as (dock,):
        yield dock


# -- asking ------------------------------------------------------------------------------------


def test_rom_is_replaced_and_the_dock_has_restarted_when_the_call_returns(tmp_path: Path) -> None:
    host = FakeHost()
    with one(settings(tmp_path), host) as dock:
        dock.replace_rom([CODE, Entry(Kind.KV, "greeting", b"hello")])

        assert [application.code for application in host.running] == [b"pushed"]
        with client(dock) as link:
            assert link.ask(store.Names(Listed.KEY_VALUE)).names == ("greeting",)
            active = link.ask(store.SlotState()).active
            assert active is not None and active.confirmed
    assert host.running == []


def test_what_it_refuses_changes_nothing_and_names_the_cause(tmp_path: Path) -> None:
    with one(settings(tmp_path)) as dock, client(dock) as link:
        with pytest.raises(OverBudget):
            dock.replace_rom([Entry(Kind.KV, "large", b"x" * ROM_BYTES)])

        assert link.ask(Echo("the same connection")).text == "the same connection"
        link.ask(store.Lock())
        with pytest.raises(NotForProduction):
            dock.replace_rom([CODE])


def test_code_runs_at_once_and_messages_reach_it(tmp_path: Path) -> None:
    host = FakeHost()
    with one(settings(tmp_path), host) as dock:
        dock.run_code(b"pushed")
        dock.deliver(b"thello")

        (application,) = host.running
        assert (application.code, application.messages) == (b"pushed", [b"thello"])


def test_what_an_application_says_is_heard_while_nobody_speaks_on_the_line(tmp_path: Path) -> None:
    host, news = FakeHost(), Splash(boxes=(TextBox("news"),))
    with one(settings(tmp_path), host) as dock:
        dock.run_code(b"first")
        (application,) = host.running

        application.says(lambda: application.shows(news))

        until(lambda: (shown := dock.shown()) is not None and shown.splash == news)
        shown = dock.shown()
        assert shown is not None and shown.state is Running.RUNNING
        with client(dock) as link:
            assert link.ask(store.Application()).state is Running.RUNNING


def test_hands_at_the_dock_work_from_any_thread(tmp_path: Path) -> None:
    with one(settings(tmp_path)) as dock, ThreadPoolExecutor(4) as pool:
        dock.unplug()
        assert not dock.settings.port.is_symlink()
        dock.plug()
        assert dock.settings.port.is_symlink()
        dock.put(FieldPartition.RUNTIME, Entry(Kind.KV, "a", b"1"))
        assert dock.usage(FieldPartition.RUNTIME).by_kind[Kind.KV].entries == 1

        dock.factory_reset()

        usages = pool.map(dock.usage, [*FieldPartition] * 10)
        assert all(usage.used_bytes == 0 for usage in usages)
        assert dock.shown() is None


def test_several_threads_replace_rom_and_one_of_them_was_last(tmp_path: Path) -> None:
    with one(settings(tmp_path)) as dock:
        contents = [[Entry(Kind.KV, f"key-{number}", b"")] for number in range(6)]

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(dock.replace_rom, contents))

        with client(dock) as link:
            (name,) = link.ask(store.Names(Listed.KEY_VALUE)).names
        assert name in {f"key-{number}" for number in range(6)}


@contextmanager
def on_the_wire(dock: PoweredDock) -> Iterator[SerialDock]:
    """As the station talks to it."""
    until(dock.settings.port.exists)
    docks = SerialDocks(clock=SystemClock(), chance=SystemChance())
    with docks.open_own(str(dock.settings.port), Link()) as link:
        link.identify()
        yield link


def test_a_screen_of_many_pages_is_read_over_the_wire(tmp_path: Path) -> None:
    host = FakeHost()
    boxes = tuple(TextBox(f"<b>{number}</b>" + "x" * 500, number, 0) for number in range(50))
    with one(settings(tmp_path), host) as dock, on_the_wire(dock) as link:
        dock.run_code(b"first")
        (application,) = host.running
        dock.ask(lambda _: application.shows(Splash(boxes=boxes)))

        told, picture = link.screen_text(), link.screen_png()

        assert [box.plain for box in told.boxes] == [f"{n}" + "x" * 500 for n in range(50)]
        assert picture.startswith(b"picture 1")
        assert link.application().state is Running.RUNNING


def test_a_dock_that_runs_no_code_tells_nothing_of_a_screen(tmp_path: Path) -> None:
    with one(settings(tmp_path)) as dock, on_the_wire(dock) as link:
        with pytest.raises(DockRefused) as refused:
            link.screen_text()
        assert "runs no application" in refused.value.reason
        assert link.application().trace == "no image is installed"


# -- several, and their ends -----------------------------------------------------------------------


def test_docks_of_one_process_know_nothing_of_each_other(tmp_path: Path) -> None:
    with docks([settings(tmp_path, number) for number in (1, 2, 3)], None) as all_docks:
        for number, dock in enumerate(all_docks, 1):
            dock.replace_rom([Entry(Kind.KV, f"key-{number}", b"")])
        for number, dock in enumerate(all_docks, 1):
            with client(dock) as link:
                assert link.ask(store.Identify()).dock_id == bytes([number]) * 32
                assert link.ask(store.Names(Listed.KEY_VALUE)).names == (f"key-{number}",)


def test_a_power_cut_ends_one_dock_and_its_application_alone(tmp_path: Path) -> None:
    host, ended = FakeHost(), list[bool]()
    made = [settings(tmp_path, 1, "cut@20:half"), settings(tmp_path, 2)]
    with docks(made, fake_support(host), ended=lambda: ended.append(True)) as (first, second):
        first.run_code(b"first")
        second.run_code(b"second")

        with pytest.raises(DockOff):
            first.replace_rom([CODE])

        until(lambda: first.power_lost)
        until(lambda: ended == [True])
        assert not first.settings.port.is_symlink()
        assert [application.code for application in host.running] == [b"second"]
        with pytest.raises(DockOff):
            first.deliver(b"t")
        second.deliver(b"t")
        assert second.on

    with one(settings(tmp_path, 1), host) as again:
        again.replace_rom([CODE])
        assert [application.code for application in host.running] == [b"pushed"]


def test_what_is_wrong_with_a_dock_itself_is_not_kept_quiet(tmp_path: Path) -> None:
    host = FakeHost()
    with pytest.raises(ZeroDivisionError), one(settings(tmp_path), host) as dock:
        dock.run_code(b"first")
        (application,) = host.running
        application.says(lambda: 1 // 0)
        until(lambda: not dock.on)

        assert not dock.power_lost
        assert host.running == []
        with pytest.raises(DockOff):
            dock.deliver(b"t")


def test_what_an_asker_did_wrong_is_for_the_asker_alone(tmp_path: Path) -> None:
    with one(settings(tmp_path)) as dock:
        with pytest.raises(ZeroDivisionError):
            dock.ask(lambda _: 1 // 0)

        assert dock.on
        assert dock.ask(lambda server: server.wants) is None


def test_a_flash_can_be_powered_again_in_the_same_process(tmp_path: Path) -> None:
    for _ in range(2):
        with one(settings(tmp_path)) as dock:
            dock.replace_rom([CODE])
            with (
                pytest.raises(FlashFileRefused, match="another virtual dock"),
                one(settings(tmp_path)),
            ):
                pass


def test_a_dock_that_cannot_start_leaves_nothing_behind(tmp_path: Path) -> None:
    host = FakeHost()
    with one(settings(tmp_path, 1)) as dock:
        dock.replace_rom([CODE])
    bad = settings(tmp_path, 2)
    bad.port.mkdir()

    with (
        pytest.raises(PortPathTaken),
        docks([settings(tmp_path, 1), bad], fake_support(host)),
    ):
        pass

    assert host.running == []
    assert not settings(tmp_path, 1).port.is_symlink()
    of_no_product = replace(settings(tmp_path, 1), product="DK-8")
    with pytest.raises(NoSuchProduct), one(of_no_product):
        pass


# -- the process ---------------------------------------------------------------------------------


class Process:
    """`run` in a thread of the test, but for its signals, which only a main thread has."""

    def __init__(self) -> None:
        self.commands, self._say = os.pipe()
        self.out = io.StringIO()

    def say(self, text: str) -> None:
        os.write(self._say, text.encode())

    def close(self) -> None:
        os.close(self._say)

    def announced(self) -> dict[str, object]:
        data: dict[str, object] = json.loads(self.out.getvalue())
        return data


def test_docks_are_announced_on_one_line_together_with_what_is_beside_them(tmp_path: Path) -> None:
    process, seen = Process(), list[str]()

    @contextmanager
    def beside(all_docks: Sequence[PoweredDock]) -> Iterator[dict[str, object]]:
        seen.append("open")
        yield {"rest": "here", "count": len(all_docks)}
        seen.append("closed")

    made = [settings(tmp_path, number) for number in (1, 2)]
    process.say('{"command": "quit"}\n')

    status = run(made, commands=process.commands, out=process.out, beside=beside)

    assert status == 0
    assert seen == ["open", "closed"]
    assert process.announced() == {
        "docks": [one.announcement for one in made],
        "rest": "here",
        "count": 2,
    }
    assert process.out.getvalue().count("\n") == 1
    process.close()


def test_a_command_for_one_dock_leaves_the_others_alone(tmp_path: Path) -> None:
    process, made = Process(), [settings(tmp_path, number) for number in (1, 2)]
    process.say('{"command": "unplug", "dock": "DK7F-00001"}\nnonsense\n')
    there = dict[str, bool]()

    @contextmanager
    def beside(all_docks: Sequence[PoweredDock]) -> Iterator[dict[str, object]]:
        yield {}
        there.update(
            {dock.settings.label.text: dock.settings.port.is_symlink() for dock in all_docks}
        )

    process.say('{"command": "quit", "dock": "DK7F-00002"}\n')
    process.close()

    status = run(
        made, commands=process.commands, ends_with_commands=True, out=process.out, beside=beside
    )

    assert status == 0
    assert there == {"DK7F-00001": False, "DK7F-00002": False}


def test_a_process_ends_when_its_last_dock_has(tmp_path: Path) -> None:
    process = Process()

    @contextmanager
    def beside(all_docks: Sequence[PoweredDock]) -> Iterator[dict[str, object]]:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(all_docks[0].replace_rom, [CODE])
            yield {}

    status = run(
        [settings(tmp_path, 1, "cut@5")], commands=process.commands, out=process.out, beside=beside
    )

    assert status == POWER_LOST_STATUS
    process.close()


def test_power_that_is_cut_before_a_dock_is_there_is_told_by_the_status(tmp_path: Path) -> None:
    process = Process()

    status = run([settings(tmp_path, 1, "cut@0")], commands=process.commands, out=process.out)

    assert status == POWER_LOST_STATUS
    assert process.out.getvalue() == ""
    process.close()


def test_a_client_on_the_line_loses_its_link_when_rom_is_replaced(tmp_path: Path) -> None:
    plan = make_plan()
    with one(settings(tmp_path)) as dock:
        with client(dock) as link:
            link.begin(plan)
            dock.replace_rom([CODE])
            with pytest.raises((LinkError, OSError)):
                link.send(plan, plan.parts)
        with client(dock) as link:
            link.install(make_plan(dock_id=dock.dock_id))

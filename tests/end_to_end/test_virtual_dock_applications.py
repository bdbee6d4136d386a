"""A virtual dock as a person starts it: it runs the application it was provisioned with, in a
confined process, and tells what is on its screen.
"""

import json
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil
import pytest

from station.adapters.files.bundle_source import read_bundle_source
from station.bootstrap.docks import application_support
from station.datastore.field_store import FieldPartition
from station.datastore.pictures import Picture, recognise
from station.dock.main import docks
from station.dock.powered import PoweredDock
from station.dock.settings import Settings
from station.domain.entries import APPLICATION_NAME, Entry, Kind, PictureType
from station.domain.identity import DockId, Serial
from station.domain.secret import Secret
from station.protocol.datastore_group import Running
from tests.end_to_end.small_line import (
    KIND,
    LOT,
    PASSPHRASE,
    PRODUCT,
    PROGRAM,
    TOKENS,
    Bench,
    made_once,
    passphrase_of,
    start_order,
    station_at,
)
from tests.end_to_end.virtual_docks import ROOT, until
from tests.unit.dock.images import AUTHORITY, make_profile

UNIT: Final = "DK7F-00317"
DOCK_ID: Final = "5A" * 32
WELCOME: Final = ROOT / "firmware_bundles" / "welcome"


def furnish(folder: Path) -> None:
    """Keys, the sample bundle, a lot and a running order."""
    (folder / "passphrase").write_text(f"{PASSPHRASE}\n", encoding="utf-8")
    (folder / "tokens.csv").write_text("\n".join(["token", *TOKENS]) + "\n", encoding="utf-8")
    station = station_at(folder / "home")
    station.keys.hold_ceremony(
        products=[PRODUCT], release_name="ACME", passphrase=Secret.from_text(PASSPHRASE)
    )
    station.build_bundle(WELCOME, folder / "new.bundle", product="", ask=passphrase_of)
    station.import_lot(
        folder / "tokens.csv", lot=LOT, kind=KIND, product=PRODUCT, ask=passphrase_of
    )


@pytest.fixture
def bench(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Bench:
    furnished = made_once(tmp_path_factory, "welcome-line", furnish)
    found = Bench.copied(furnished, tmp_path / "bench")
    start_order(found)
    return found


@dataclass
class DockProcess:
    """A process of virtual docks. announced: the one line it printed."""

    process: subprocess.Popen[bytes]
    announced: dict[str, Any]

    def children(self) -> list[psutil.Process]:
        """Those that live."""
        return psutil.Process(self.process.pid).children(recursive=True)


@contextmanager
def by_hand(bench: Bench, *options: object) -> Iterator[DockProcess]:
    """``station dock run`` with these options and nothing else."""
    process = subprocess.Popen(
        [*PROGRAM, "dock", "run", *map(str, options)],
        cwd=ROOT,
        env=bench.environ(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        yield DockProcess(process, json.loads(process.stdout.readline()))
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=20)
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()


def screen(bench: Bench, port: Path, *more: object) -> dict[str, Any]:
    """What ``station dock screen`` answers."""
    ended = bench.run("dock", "screen", "--port", port, "--json", *more)
    assert ended.status == 0, ended
    return ended.json


def texts(told: dict[str, Any]) -> list[str]:
    return [box["plain"] for box in told["boxes"]]


def test_a_provisioned_dock_shows_the_text_of_its_bundle(bench: Bench) -> None:
    options = (f"--flash={bench.folder / 'dock.flash'}", f"--label={UNIT}", f"--dock-id={DOCK_ID}")
    with by_hand(bench, *options) as dock:
        port = Path(dock.announced["port"])
        assert dock.announced == {
            "port": str(bench.folder / "dock.tty"),
            "dock_id": DOCK_ID,
            "label": UNIT,
            "profile": "dl7450-virtual",
        }
        assert dock.children() == []
        made = bench.provision(UNIT, port)
        assert made.status == 0, made

        picture = bench.folder / "screen.png"
        until(lambda: len(texts(screen(bench, port))) > 3)
        told = screen(bench, port, "--png", picture)

        assert told["state"] == "running"
        assert told["trace"] == ""
        assert told["background"]["type"] == "PNG"
        assert f"Dock {UNIT}" in texts(told)
        assert UNIT in texts(told)
        assert recognise(picture.read_bytes()) == Picture(PictureType.PNG, 1_920, 1_080)
        assert len(dock.children()) == 1
        shown = bench.run("dock", "screen", "--port", port).out
        assert f"Dock {UNIT}" in shown

        reset = bench.run("dock", "reset", "--port", port, "--yes", "--json")
        assert reset.json == {"port": str(port), "dock_id": DOCK_ID, "label": UNIT, "demo": False}
        assert screen(bench, port)["state"] in {"starting", "running"}
        unasked = bench.run("dock", "reset", "--port", port, "--json")
        assert (unasked.status, unasked.code) == (130, "E-STOP-01")
        children = dock.children()
    assert not any(child.is_running() for child in children)
    assert not port.is_symlink()


def test_a_dock_with_nothing_given_is_there_and_gone_without_a_trace(bench: Bench) -> None:
    with by_hand(bench) as dock:
        port = Path(dock.announced["port"])
        assert port.is_symlink()
        assert dock.announced["label"].startswith("DK7F-")
        assert screen(bench, port)["state"] == "failed"  # nothing is installed, and it says so

    assert not port.parent.exists()


def test_several_docks_are_announced_on_one_line(bench: Bench) -> None:
    with by_hand(bench, "--docks=2", "--no-application") as dock:
        each = dock.announced["docks"]
        assert len({one["dock_id"] for one in each}) == 2
        assert len({one["label"] for one in each}) == 2
        assert all(Path(one["port"]).is_symlink() for one in each)


# -- in one process --------------------------------------------------------------------------------


@contextmanager
def desk(folder: Path) -> Iterator[PoweredDock]:
    """A development dock that runs applications."""
    settings = Settings(
        flash=folder / "dock.flash",
        port=folder / "dock.tty",
        dock_id=DockId.parse(DOCK_ID),
        label=Serial(UNIT),
        profile=make_profile(rom_bytes=1_000_000),
        product=PRODUCT,
        authority=AUTHORITY,
    )
    with application_support() as support, docks([settings], support) as (dock,):
        yield dock


def welcome() -> Sequence[Entry]:
    return tuple(read_bundle_source(WELCOME, unstated_product=PRODUCT).bundle.entries)


def until_shown(dock: PoweredDock, text: str) -> None:
    """Wait for a text on the screen, or in its trace."""

    def there() -> bool:
        shown = dock.shown()
        assert shown is not None
        return any(
            text in one for one in (shown.trace, *(box.markup for box in shown.splash.boxes))
        )

    until(there)


def application(text: str) -> bytes:
    return (
        f"from splashscreen import Splashscreen\nSplashscreen().add_text_box({text!r})\n".encode()
    )


def test_upgrade_in_the_field_and_back_again(tmp_path: Path) -> None:
    with desk(tmp_path) as dock:
        dock.replace_rom(welcome())
        until_shown(dock, "Docking station")

        newer = Entry(Kind.CODE, APPLICATION_NAME, application("version 2"))
        dock.put(FieldPartition.RUNTIME, newer)
        dock.put(FieldPartition.RUNTIME, Entry(Kind.KV, "dock_name", b"Kitchen"))
    with desk(tmp_path) as dock:
        until_shown(dock, "version 2")

        dock.run_code(application("pushed"))
        until_shown(dock, "pushed")

        dock.factory_reset()
        until_shown(dock, "Docking station")


def test_a_branded_dock_shows_what_hides_rom(tmp_path: Path) -> None:
    with desk(tmp_path) as dock:
        dock.replace_rom(welcome())
        dock.put(FieldPartition.RUNTIME, Entry(Kind.KV, "dock_name", b"Kitchen"))
    with desk(tmp_path) as dock:
        until_shown(dock, "Kitchen")


def test_an_application_that_raises_shows_its_trace_and_a_message_reaches_one_that_does_not(
    tmp_path: Path,
) -> None:
    hears = (
        b"from splashscreen import Splashscreen\n"
        b"from vision_client import VisionClient\n"
        b"client = VisionClient()\n"
        b"client.on_message(lambda message: Splashscreen().add_text_box(message.decode()))\n"
        b"Splashscreen().add_text_box('listening')\n"
    )
    with desk(tmp_path) as dock:
        dock.run_code(b"raise ValueError('broken')\n")
        until_shown(dock, "ValueError: broken")
        shown = dock.shown()
        assert shown is not None and shown.state is Running.FAILED

        dock.run_code(hears)
        until_shown(dock, "listening")
        dock.deliver(b"thello")
        until_shown(dock, "thello")

"""Docks with a key, from their making to their verification, through the program's own doors."""

import json
import stat
import subprocess
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from station.adapters.files.profiles import read_profile
from station.adapters.keys.device_making import read_device_key
from station.dock.device_key import DeviceKey, OwnKey, SharedKey
from station.dock.powered import powered
from station.dock.server import DockServer
from station.dock.settings import Settings
from station.domain.identity import Serial
from station.protocol.framing import Framing, decoder
from station.protocol.smp import HEADER_BYTES
from tests.end_to_end.small_line import (
    PRODUCT,
    PROFILE,
    TOKENS,
    Bench,
    books,
    dock_id_of,
    end,
    furnish,
    made_once,
    start_order,
    trusting,
)
from tests.end_to_end.test_secrets import spellings

SERIAL: Final = "DK7F-00001"
OTHER: Final = "DK7F-00002"
DOCK_ID: Final = dock_id_of(SERIAL)
SHARED: Final = bytes(range(7, 39))


def keyed(folder: Path) -> None:
    """A furnished line whose station knows a fixture key and a device root, made by commands."""
    furnish(folder)
    bench = Bench(folder)
    for name, key in (("shared", SHARED), ("wrong", bytes(32))):
        (folder / f"{name}.txt").write_text(b64encode(key).decode("ascii") + "\n", "ascii")
    fixture = ("--purpose", "fixture", "--from-file", folder / "shared.txt")
    for command in (
        ("key", "new", PRODUCT, *fixture, bench.passphrase),
        ("key", "device-root", "ACME docks", bench.passphrase),
    ):
        assert bench.run(*command).status == 0, command
    for name, serial in (("own", SERIAL), ("clone", OTHER)):
        made = bench.run(*make_key(bench, serial, folder / f"{name}.pem"))
        assert made.status == 0, made


def make_key(bench: Bench, serial: str, out: Path) -> tuple[object, ...]:
    """The command that makes a dock's own key."""
    made_for = ("--dock-id", dock_id_of(serial), "--product", PRODUCT)
    return ("key", "device", *made_for, "--out", out, bench.passphrase, "--json")


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_once(tmp_path_factory, "keyed-line", keyed)


def bench_at(furnished: Path, to: Path, level: str) -> Bench:
    """A line whose order demands this level of its docks, and whose docks have it."""
    bench = Bench.copied(furnished, to / level)
    stage = "production" if level == "D2" else "development"
    text = PROFILE.replace("D0", level).replace("development", stage)
    profile_of(bench).write_text(text, encoding="utf-8")
    start_order(bench)
    return bench


def profile_of(bench: Bench) -> Path:
    return bench.home / "profiles" / "small.yaml"


@contextmanager
def dock(bench: Bench, *options: object, serial: str = SERIAL) -> Iterator[Path]:
    """A dock of the line's profile as a process of its own; its port."""
    begun = begin_dock(bench, *options, serial=serial)
    try:
        assert begun.stdout is not None
        line = begun.stdout.readline()
        assert line, "it did not start"
        yield Path(json.loads(line)["port"])
    finally:
        begun.terminate()
        begun.communicate(timeout=20)


def begin_dock(bench: Bench, *options: object, serial: str = SERIAL) -> subprocess.Popen[str]:
    return bench.begin(
        *("dock", "run", "--no-application", "--profile", profile_of(bench)),
        *("--flash", bench.folder / "dock.flash", "--label", serial),
        *("--dock-id", dock_id_of(serial), "--trust", bench.roots, *options),
    )


KEY_FILES: Final = {"D1": "shared.txt", "D2": "own.pem"}
levels = pytest.mark.parametrize("level", KEY_FILES)


@levels
def test_a_dock_made_with_a_key_passes_and_is_verified_and_keeps_its_key(
    furnished: Path, tmp_path: Path, level: str
) -> None:
    bench = bench_at(furnished, tmp_path, level)
    with dock(bench, "--device-key", bench.folder / KEY_FILES[level]) as port:
        ended = bench.provision(SERIAL, port)
    with dock(bench) as port:
        verified = bench.run("verify", SERIAL, "--port", port, "--json")
    assert bench.run("report", "unit", SERIAL, "--out", bench.folder).status == 0
    report = json.loads((bench.folder / f"{SERIAL}.report.json").read_text())
    checks = [check["name"] for check in report["runs"][0]["checks"]]

    assert (ended.status, ended.json["verdict"]) == (0, "PASS")
    assert checks[:3] == ["proved", "accepted", "proved_again"]
    assert verified.status == 0, verified


IMPOSTORS: Final = {
    "wrong shared key": ("D1", "wrong.txt"),
    "certificate of another dock": ("D2", "clone.pem"),
}


@pytest.mark.parametrize("who", IMPOSTORS)
def test_an_impostor_is_refused_by_name_and_nothing_is_spent_on_it(
    furnished: Path, tmp_path: Path, who: str
) -> None:
    level, key = IMPOSTORS[who]
    bench = bench_at(furnished, tmp_path, level)
    with dock(bench, "--device-key", bench.folder / key) as port:
        ended = bench.provision(SERIAL, port)
    found = books(bench.home, tmp_path)

    assert (ended.status, ended.json["verdict"]) == (12, "ERROR")
    assert ended.json["error_code"] == "E-IDENT-04"
    assert found.bound() == []
    assert (found.runs[0]["code"], found.runs[0]["dock_id"]) == ("E-IDENT-04", None)
    assert found.runs[0]["cause"].startswith("refused: its certificate is that of" if level == "D2"
                                             else "refused: it does not know")  # fmt: skip


@levels
def test_a_dock_without_the_key_its_level_needs_does_not_start(
    furnished: Path, tmp_path: Path, level: str
) -> None:
    bench = bench_at(furnished, tmp_path, level)

    ended = end(begin_dock(bench))

    assert ended.status == 2
    assert "E-DOCK-10" in ended.err


def test_a_dock_of_a_lower_level_is_not_provisioned(furnished: Path, tmp_path: Path) -> None:
    bench = bench_at(furnished, tmp_path, "D1")
    with dock(bench, "--device-key", bench.folder / "shared.txt") as port:
        text = (
            profile_of(bench).read_text().replace("D1", "D2").replace("development", "production")
        )
        profile_of(bench).write_text(text)
        ended = bench.provision(SERIAL, port)

    assert (ended.status, ended.code) == (12, "E-IDENT-02")
    assert books(bench.home, tmp_path).runs == []


def test_a_flash_takes_no_second_key(furnished: Path, tmp_path: Path) -> None:
    bench = bench_at(furnished, tmp_path, "D2")
    with dock(bench, "--device-key", bench.folder / "own.pem"):
        pass
    again = bench.folder / "again.pem"
    assert bench.run(*make_key(bench, SERIAL, again)).status == 0

    ended = end(begin_dock(bench, "--device-key", again))

    assert ended.status == 2
    assert "another device key" in ended.err


def test_a_key_file_is_for_its_owner_only_and_never_replaced(furnished: Path) -> None:
    bench, made = Bench(furnished), furnished / "own.pem"
    before = made.read_bytes()

    ended = bench.run(*make_key(bench, SERIAL, made))

    assert (ended.status, ended.code) == (2, "E-FILE-05")
    assert made.read_bytes() == before
    assert stat.S_IMODE(made.stat().st_mode) == 0o600


# -- what the line carries -----------------------------------------------------------------------


class Tap:
    """Every byte between the station and the docks of this process, frames taken apart."""

    def __init__(self) -> None:
        self._ways = tuple(decoder(Framing.COBS) for _ in range(2))
        self.bodies: list[bytes] = []

    def heard(self, way: int, data: bytes) -> None:
        self.bodies += [one[HEADER_BYTES:] for one in self._ways[way].feed(data)]

    def carries(self, secret: str) -> list[str]:
        """In which spellings the secret went over the line."""
        everything = b"".join(self.bodies)
        return [name for name, octets in spellings(secret.encode()).items() if octets in everything]


@pytest.fixture
def tap(monkeypatch: pytest.MonkeyPatch) -> Tap:
    tap = Tap()
    honest: Callable[..., bytes] = DockServer.receive

    def receive(dock: DockServer, data: bytes, *more: Any) -> bytes:
        answer = honest(dock, data, *more)
        tap.heard(0, data)
        tap.heard(1, answer)
        return answer

    monkeypatch.setattr(DockServer, "receive", receive)
    return tap


@contextmanager
def tapped(bench: Bench, key: DeviceKey) -> Iterator[Path]:
    """A dock in this process; its port."""
    settings = Settings(
        flash=bench.folder / "tapped.flash",
        port=bench.folder / "tapped.port",
        dock_id=DOCK_ID,
        label=Serial(SERIAL),
        profile=read_profile(profile_of(bench)),
        product=PRODUCT,
        authority=trusting(bench.roots),
        device_key=key,
    )
    with ExitStack() as stack:
        stack.enter_context(powered(settings, None))
        yield settings.port


@levels
def test_at_d2_no_secret_is_ever_on_the_line(
    furnished: Path, tmp_path: Path, tap: Tap, level: str
) -> None:
    """At D1 it is: that is what D1 cannot prevent, and it shows that the tap hears everything."""
    bench = bench_at(furnished, tmp_path, level)
    key: DeviceKey = SharedKey(SHARED)
    if level == "D2":
        key = OwnKey(*read_device_key((bench.folder / "own.pem").read_text()))
    with tapped(bench, key) as port:
        ended = bench.provision(SERIAL, port)
        verified = bench.run("verify", SERIAL, "--port", port, "--json")
    (sent,) = books(bench.home, tmp_path).bound()

    assert (ended.status, verified.status) == (0, 0), (ended, verified)
    assert sent[0] == "ACTIVE"
    assert tap.carries("import splashscreen") == ["raw"]
    assert tap.carries(TOKENS[0]) == ([] if level == "D2" else ["raw"])


def test_what_the_maker_keeps_is_not_needed_at_the_station(furnished: Path, tmp_path: Path) -> None:
    """A station believes a dock by the root's certificate alone."""
    bench = bench_at(furnished, tmp_path, "D2")
    for path in (bench.home / "keys").glob("device-root-*.key"):
        path.unlink()
    with dock(bench, "--device-key", bench.folder / "own.pem") as port:
        ended = bench.provision(SERIAL, port)

    assert (ended.status, ended.json["verdict"]) == (0, "PASS")


def test_the_doctor_knows_the_keys_of_docks(furnished: Path) -> None:
    ended = Bench(furnished).run("doctor", "--json")

    assert "device-root" not in ended.err
    assert "Traceback" not in ended.out

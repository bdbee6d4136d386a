"""A small line for tests: demo keys, bundles of two versions, lots, and docks with small slots.

Set up once per test session through the program's own front doors, then copied: every test works
in a state folder of its own. Docks are processes of their own, as commands are where they are to
be killed, raced or listened to.
"""

import fcntl
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from random import Random
from shutil import copyfile, copytree, rmtree
from typing import Any, Final

import pytest

from station.adapters.files.reading import read_text
from station.adapters.keys.authority import PinnedAuthority, roots_from_pem
from station.adapters.keys.sealed_file import KeyEntry
from station.adapters.machine import pass_by
from station.adapters.sql.engine import choose_driver
from station.application.ports import Mark
from station.bootstrap.station import DEMO_COST, NewOrder, Station
from station.config import Config, Settings
from station.datastore.runtime_format import area_bytes
from station.dock.flash import Flash, Geometry
from station.dock.inspection import DockImage, inspection
from station.dock.layout import Layout
from station.dock.slots import Slots
from station.domain.identity import DockId, Serial
from station.domain.secret import Secret
from tests.end_to_end.virtual_docks import ROOT
from tests.golden.rom_store.make import DOT

PROGRAM: Final = (sys.executable, "-m", "station")
PRODUCT: Final = "DK-7F"
ORDER: Final = "WO-1"
LOT: Final = "T-1"
KIND: Final = "enrolment-token"
TEMPLATE: Final = ROOT / "upd_templates" / "basic.yaml"
PASSPHRASE: Final = "c4n4ry-passphrase"
TOKENS: Final = tuple(f"c4n4ry-token-{number:04d}" for number in range(1, 21))
COMMAND_S: Final = 120
"""Longest any command may take; a hang is a failure."""

SLOT_BYTES: Final = 400_000
RUNTIME_BYTES: Final = 60_000
PROFILE: Final = f"""\
name: small-virtual
model: DL-7450
stage: development
assurance: D0
slots: 2
slot_bytes: {SLOT_BYTES}
rom_budget_bytes: 250000
runtime_budget_bytes: {RUNTIME_BYTES}
products:
  - name: {PRODUCT}
    serial_pattern: DK7F-[0-9]{{5}}
    hardware_revisions: [C]
"""

SWEEP: Final = os.environ.get("STATION_SWEEP", "ci")


def scaled(*, ci: int, nightly: int, release: int) -> int:
    """How much of a sweep to do. Raises KeyError for an unknown STATION_SWEEP."""
    return {"ci": ci, "nightly": nightly, "release": release}[SWEEP]


def passphrase_of(_key: KeyEntry) -> Secret:
    """One passphrase opens every key of the small line."""
    return Secret.from_text(PASSPHRASE)


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that `make` filled, the same for every worker of this test session."""
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    folder, done = root / name, root / f"{name}.done"
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            rmtree(folder, ignore_errors=True)  # what a failed attempt left
            folder.mkdir()
            make(folder)
            done.touch()
    return folder


# -- the station ---------------------------------------------------------------------------------


def write_source(folder: Path, *, version: str, counter: int) -> Path:
    """A bundle's source: code, a picture and key-values; two blocks of common content."""
    folder.mkdir()
    # Text that does not repeat itself, so that no block is like another.
    noise = Random(version).randbytes(35_000).hex()
    lines = "".join(f"# {noise[at : at + 70]}\n" for at in range(0, len(noise), 70))
    (folder / "main.py").write_text(f"import splashscreen\n{lines}", encoding="utf-8")
    (folder / "dot.png").write_bytes(DOT)
    (folder / "bundle.yaml").write_text(
        f"name: small\nversion: {version}\nproduct: {PRODUCT}\nsecurity_counter: {counter}\n"
        "config: config.yaml\nreplaceable:\n  - kv: dock_name\n",
        encoding="utf-8",
    )
    (folder / "config.yaml").write_text(
        'images:\n  default: {path: "${CONFIG_PATH}/dot.png", type: png}\n'
        'kv_store:\n  dock_name: "Docking station"\n  greeting: "Welcome"\n'
        'code: {path: "${CONFIG_PATH}/main.py"}\n',
        encoding="utf-8",
    )
    return folder


def station_at(home: Path, *, mark: Mark = pass_by) -> Station:
    """The station of a state folder, in this process; set up as the commands find it."""
    settings = Settings(name="station-1", site="station.invalid", slots=4, operator="operator")
    return Station(Config(home, settings), cost=DEMO_COST, demo=True, mark=mark)


def furnish(folder: Path) -> None:
    """Keys, two sealed bundles, a lot; no order yet. ``old.bundle`` is 1.0.0, ``new`` 1.1.0."""
    home = folder / "home"
    (folder / "passphrase").write_text(f"{PASSPHRASE}\n", encoding="utf-8")
    (folder / "tokens.csv").write_text("\n".join(["token", *TOKENS]) + "\n", encoding="utf-8")
    station = station_at(home)
    station.keys.hold_ceremony(
        products=[PRODUCT], release_name="ACME", passphrase=Secret.from_text(PASSPHRASE)
    )
    (home / "profiles").mkdir()
    (home / "profiles" / "small.yaml").write_text(PROFILE, encoding="utf-8")
    for name, version, counter in (("old", "1.0.0", 1), ("new", "1.1.0", 2)):
        source = write_source(folder / name, version=version, counter=counter)
        station.build_bundle(source, folder / f"{name}.bundle", product="", ask=passphrase_of)
    station.import_lot(
        folder / "tokens.csv", lot=LOT, kind=KIND, product=PRODUCT, ask=passphrase_of
    )


def start_order(bench: "Bench", **changes: Any) -> None:
    """Let an order of the new bundle run."""
    wanted = {
        "name": ORDER,
        "quantity": 10,
        "bundle": bench.folder / "new.bundle",
        "template": TEMPLATE,
        "lot": LOT,
        **changes,
    }
    station = station_at(bench.home)
    station.new_order(NewOrder(**wanted))
    station.start_order(wanted["name"])


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The JSON object on its last line."""
        data: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return data

    @property
    def code(self) -> str:
        """The code of the trouble it told of."""
        return str(self.json["error"]["code"])


@dataclass(frozen=True)
class Bench:
    """A state folder (``home``) with what was made beside it, and the docks of one test."""

    folder: Path

    @classmethod
    def copied(cls, furnished: Path, to: Path) -> "Bench":
        """A bench of one's own."""
        copytree(furnished, to)
        return cls(to)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def roots(self) -> Path:
        return self.home / "keys" / "product-root.pem"

    @property
    def passphrase(self) -> str:
        return f"--passphrase-file={self.folder / 'passphrase'}"

    def environ(self, **more: str) -> dict[str, str]:
        """Of a command at this station."""
        return {**os.environ, "STATION_HOME": str(self.home), **more}

    def begin(self, *arguments: object, **environ: str) -> subprocess.Popen[str]:
        """Start a command; whoever starts it ends it (`end`)."""
        return subprocess.Popen(
            [*PROGRAM, *map(str, arguments)],
            cwd=ROOT,
            env=self.environ(**environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: object, **environ: str) -> Ended:
        """A command, to its end."""
        return end(self.begin(*arguments, **environ))

    def provision(self, serial: str, port: Path, **environ: str) -> Ended:
        """One run."""
        return self.run(*self.provisioning(serial, port), **environ)

    def provisioning(self, serial: str, port: Path) -> tuple[object, ...]:
        """The command of one run."""
        return ("provision", serial, "--port", port, self.passphrase, "--json")

    def stock(self) -> dict[str, int]:
        """Records per state."""
        return {state.value: count for state, count in station_at(self.home).stock(None).items()}


def end(process: subprocess.Popen[str]) -> Ended:
    """Wait for a command. One that hangs is killed and is a failure."""
    try:
        out, err = process.communicate(timeout=COMMAND_S)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    assert "Traceback" not in err, err
    return Ended(process.returncode, out, err)


# -- what the ledger's file says -----------------------------------------------------------------


@dataclass(frozen=True)
class Books:
    """The rows of a ledger as its file has them at this moment, read past the program."""

    runs: list[dict[str, Any]]
    records: list[dict[str, Any]]
    units: list[dict[str, Any]]
    refusals: list[dict[str, Any]]
    leaves: list[dict[str, Any]] = field(repr=False)

    @property
    def states(self) -> list[str]:
        """Of the runs, oldest first."""
        return [run["state"] for run in self.runs]

    @property
    def verdicts(self) -> list[str | None]:
        """Of the runs, oldest first."""
        return [run["verdict"] for run in self.runs]

    def bound(self) -> list[tuple[str, str]]:
        """(state, record id) of every record that is not FREE."""
        return [(one["state"], one["record_id"]) for one in self.records if one["state"] != "FREE"]


def books(home: Path, scratch: Path) -> Books:
    """Read a copy: looking must not recover, checkpoint or lock what it looks at."""
    scratch.mkdir(parents=True, exist_ok=True)
    copy = scratch / "looked-at.db"
    for suffix in ("", "-wal"):
        Path(f"{copy}{suffix}").unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            copyfile(f"{home / 'ledger.db'}{suffix}", f"{copy}{suffix}")
    driver: Any = choose_driver()
    with closing(driver.connect(str(copy))) as connection:
        return Books(
            *(
                _rows(connection, f"SELECT * FROM {table} ORDER BY {order}")
                for table, order in (
                    ("runs", "position"),
                    ("records", "position"),
                    ("units", "serial"),
                    ("refusals", "position"),
                    ("leaves", "idx"),
                )
            )
        )


def _rows(connection: sqlite3.Connection, query: str) -> list[dict[str, Any]]:
    cursor = connection.execute(query)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def opened_and_closed(found: Books) -> tuple[int, int]:
    """How many runs the log says were opened, and how many closed."""
    types = [json.loads(leaf["record"])["type"] for leaf in found.leaves]
    return types.count("run.open"), types.count("run.closed")


# -- docks ---------------------------------------------------------------------------------------


def dock_id_of(serial: str) -> DockId:
    """The dock behind a label."""
    return DockId(sha256(f"dock of {serial}".encode()).digest())


@dataclass(frozen=True)
class Dock:
    """A running virtual dock."""

    serial: str
    dock_id: DockId
    port: Path
    flash: Path
    process: subprocess.Popen[bytes]


@contextmanager
def dock(
    bench: Bench,
    serial: str,
    *faults: str,
    dock_id: DockId | None = None,
    name: str = "",
    seed: int = 1,
    trust: Path | None = None,
    options: Sequence[str] = (),
) -> Iterator[Dock]:
    """The dock with this label, until the block is left. name: of its flash and port. options:
    more of `dock run`.
    """
    dock_id, name = dock_id or dock_id_of(serial), name or serial
    docks = bench.folder / "docks"
    docks.mkdir(exist_ok=True)
    flash, port = docks / f"{name}.flash", docks / f"{name}.port"
    process = subprocess.Popen(
        [
            *PROGRAM,
            *("dock", "run", "--no-application", f"--flash={flash}", f"--port={port}"),
            f"--label={serial}",
            f"--trust={trust or bench.roots}",
            f"--profile={bench.home / 'profiles' / 'small.yaml'}",
            f"--dock-id={dock_id}",
            f"--seed={seed}",
            *(f"--fault={fault}" for fault in faults),
            *options,
        ],
        cwd=ROOT,
        env=bench.environ(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        announced = json.loads(process.stdout.readline())
        yield Dock(serial, dock_id, Path(announced["port"]), flash, process)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=20)
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()


def layout() -> Layout:
    """Where things lie in the flash of a dock of the small line."""
    return Layout.of(slots=2, slot_bytes=SLOT_BYTES, runtime_bytes=area_bytes(RUNTIME_BYTES))


def trusting(roots: Path) -> PinnedAuthority:
    """What a virtual dock of the small line believes."""
    return PinnedAuthority(roots_from_pem(read_text(roots, limit_bytes=65_536)), allow_demo=True)


def powered_up(flash: Path, dock_id: DockId, roots: Path) -> Slots[DockImage]:
    """What the boot loader of this dock does at its next power-up, tried on a copy of its flash."""
    cells = bytearray(flash.read_bytes())
    place = layout()
    return Slots(
        Flash(cells, Geometry(len(cells))), place, inspection(trusting(roots), dock_id, PRODUCT)
    )


def serial_of(number: int) -> str:
    """The label of the dock with this number."""
    return Serial(f"DK7F-{number:05d}").text


def digests(folder: Path, *, but: Mapping[str, object] | None = None) -> dict[str, str]:
    """Every file under a folder. but: suffixes that are left out."""
    left_out = tuple(but or ())
    return {
        str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(left_out)
    }

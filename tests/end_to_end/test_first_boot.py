"""Orders that ask for a rehearsed first boot: what a run finds, tells, keeps and reports of it.

The application of the readback runs in its confined process and its splash is drawn by the real
renderer; docks are virtual, commands are the program's own.
"""

import json
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from textwrap import dedent
from typing import Any, Final

import pytest

from station.adapters.files.profiles import read_profile
from station.application.cancel import Cancel
from station.datastore.field_store import FieldPartition
from station.datastore.pictures import Picture, recognise
from station.dock.powered import PoweredDock, powered
from station.dock.settings import Settings
from station.domain.entries import APPLICATION_NAME, Entry, Kind, PictureType
from station.domain.identity import Serial
from station.domain.verdict import PROOFS, CheckName, Verdict
from tests.end_to_end.small_line import (
    ORDER,
    PRODUCT,
    TOKENS,
    Bench,
    Ended,
    dock,
    dock_id_of,
    furnish,
    made_once,
    passphrase_of,
    start_order,
    station_at,
    trusting,
    write_source,
)

WITHOUT_A_KEY: Final = [name for name in CheckName if name not in PROOFS]
"""The checks of a dock of level D0, in their order."""

UNIT: Final = "DK7F-00317"

GREETING: Final = dedent("""\
    from datastore import KvStore
    from splashscreen import Splashscreen
    from wakeup import wakeup

    screen = Splashscreen()
    name = KvStore().get("dock_name")


    def greet():
        screen.add_text_box(["<b>Welcome</b>", name], {"x": 200, "y": 300})


    timer = wakeup(greet, 2000)
""")

RAISING: Final = dedent("""\
    from datastore import KvStore
    from wakeup import wakeup


    def enrol():
        raise ValueError("no hub for " + KvStore().get("serial"))


    timer = wakeup(enrol, 30000)
""")

TELLING: Final = dedent("""\
    from datastore import KvStore
    from splashscreen import Splashscreen

    Splashscreen().add_text_box("Pair with " + KvStore().get("enrol_token"))
""")

BABBLING: Final = dedent("""\
    from datastore import KvStore

    raise ValueError("cannot enrol with " + KvStore().get("enrol_token"))
""")

APPLICATIONS: Final = {
    "greeting": GREETING,
    "raising": RAISING,
    "telling": TELLING,
    "babbling": BABBLING,
    "without": "",
}


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A station with a sealed bundle of each application; no order yet."""

    def make(folder: Path) -> None:
        furnish(folder)
        station = station_at(folder / "home")
        for number, (name, code) in enumerate(APPLICATIONS.items()):
            source = write_source(folder / name, version=f"2.{number}.0", counter=2)
            (source / APPLICATION_NAME).write_text(code, encoding="utf-8")
            if not code:
                config = (source / "config.yaml").read_text(encoding="utf-8")
                lines = [line for line in config.splitlines() if not line.startswith("code:")]
                (source / "config.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
            station.build_bundle(source, folder / f"{name}.bundle", product="", ask=passphrase_of)

    return made_once(tmp_path_factory, "first-boots", make)


@pytest.fixture
def bench(furnished: Path, tmp_path: Path) -> Bench:
    """A station of one's own."""
    return Bench.copied(furnished, tmp_path / "bench")


@dataclass(frozen=True)
class Reported:
    """What lies in a folder after `station report unit`."""

    folder: Path
    document: dict[str, Any]

    @property
    def run(self) -> dict[str, Any]:
        """The last one."""
        found: dict[str, Any] = self.document["runs"][-1]
        return found

    @property
    def predicate(self) -> dict[str, Any]:
        """Of the last run's statement."""
        said: dict[str, Any] = json.loads(b64decode(self.run["statement"]["payload"]))["predicate"]
        return said

    @property
    def splashes(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("*.splash.png"))


def report(bench: Bench) -> Reported:
    folder = bench.folder / "reports"
    ended = bench.run("report", "unit", UNIT, f"--out={folder}", "--json")
    assert ended.status == 0, ended
    return Reported(folder, json.loads((folder / f"{UNIT}.report.json").read_bytes()))


def ask_for(bench: Bench, application: str, **changes: Any) -> None:
    """Let an order of this application run, its first boot to be rehearsed."""
    start_order(
        bench, **{"bundle": bench.folder / f"{application}.bundle", "rehearse": True, **changes}
    )


def provisioned(bench: Bench) -> Ended:
    with dock(bench, UNIT) as unit:
        return bench.provision(UNIT, unit.port)


def kept_files(bench: Bench) -> dict[str, bytes]:
    """Everything the station keeps."""
    return {
        str(path.relative_to(bench.home)): path.read_bytes()
        for path in sorted(bench.home.rglob("*"))
        if path.is_file()
    }


def pictures(bench: Bench) -> list[str]:
    return [name for name in kept_files(bench) if name.startswith("pictures/")]


# -- an application that comes up ----------------------------------------------------------------


def test_what_its_user_would_see_is_told_signed_kept_and_reported(bench: Bench) -> None:
    ask_for(bench, "greeting")
    ended = provisioned(bench)
    shown = bench.run("unit", "show", UNIT)
    found = report(bench)
    splash = (found.folder / f"{UNIT}.run-1.splash.png").read_bytes()
    digest = sha256(splash).hexdigest()

    assert (ended.status, ended.json["verdict"]) == (0, "PASS"), ended
    assert [check["name"] for check in ended.json["checks"]] == WITHOUT_A_KEY
    assert ended.json["rehearsal"]["text"] == [f"Welcome\nDock {UNIT}"]
    assert found.run["rehearsal"] == {
        "error": "",
        "findings": [],
        "picture": f"{UNIT}.run-1.splash.png",
        "picture_sha256": digest,
        "ran_ms": 60_000,
        "scenario": "desk",
        "text": [f"Welcome\nDock {UNIT}"],
    }
    assert recognise(splash) == Picture(PictureType.PNG, 1_920, 1_080)
    assert found.predicate["rehearsal"]["picture_sha256"] == digest
    assert found.predicate["required"] == WITHOUT_A_KEY
    assert pictures(bench) == [f"pictures/{digest[:2]}/{digest[2:]}.png"]
    assert "Welcome" in shown.out and "60 s on the bench desk, nothing raised" in shown.out


def test_a_picture_that_was_moved_away_is_reported_as_missing(bench: Bench) -> None:
    ask_for(bench, "greeting")
    provisioned(bench)
    rmtree(bench.home / "pictures")
    found = report(bench)

    assert found.run["rehearsal"]["picture"] is None
    assert (
        found.run["rehearsal"]["picture_sha256"] == (found.predicate["rehearsal"]["picture_sha256"])
    )
    assert found.splashes == []


# -- an application that does not ----------------------------------------------------------------


def test_an_application_that_raises_at_its_first_boot_holds_the_dock(bench: Bench) -> None:
    ask_for(bench, "raising")
    ended = provisioned(bench)
    unit = bench.run("unit", "show", UNIT, "--json").json
    found = report(bench)
    again = provisioned(bench)
    cause = f"ValueError: no hub for {UNIT}"

    assert (ended.status, ended.json["verdict"], ended.json["error_code"]) == (
        *(10, "FAIL", "E-VERIFY-04"),
    )
    assert (ended.json["disposition"], ended.json["cause"]) == ("HOLD", cause)
    assert (unit["disposition"], unit["ncr"]) == ("HOLD", "NCR-0001")
    assert found.run["rehearsal"]["error"].rstrip().endswith(cause)
    assert "in enrol" in found.run["rehearsal"]["error"]
    assert found.run["rehearsal"]["text"] == [found.run["rehearsal"]["error"]]
    assert found.splashes == [f"{UNIT}.run-1.splash.png"]
    assert [check["name"] for check in found.run["checks"] if not check["passed"]] == ["rehearsed"]
    assert "confirmed" not in {check["name"] for check in found.run["checks"]}
    assert bench.stock() == {
        **dict.fromkeys(("RESERVED", "ACTIVE", "BURNED"), 0),
        "SENT": 1,
        "FREE": len(TOKENS) - 1,
    }
    assert (again.status, again.code) == (20, "E-SCAN-06")


def test_the_same_bundle_passes_where_nobody_asks_for_its_first_boot(bench: Bench) -> None:
    ask_for(bench, "raising", rehearse=False)
    ended = provisioned(bench)
    found = report(bench)

    assert (ended.status, ended.json["verdict"]) == (0, "PASS"), ended
    assert ended.json["rehearsal"] is None
    assert (found.run["rehearsal"], found.predicate["rehearsal"]) == (None, None)
    assert "rehearsed" not in found.predicate["required"]
    assert pictures(bench) == []


# -- an application that tells a secret ----------------------------------------------------------


@pytest.mark.parametrize(
    ("application", "status", "error"),
    [("telling", 0, ""), ("babbling", 10, "ended (not told: it holds a secret value)")],
)
def test_a_secret_that_is_shown_is_kept_nowhere(
    bench: Bench, application: str, status: int, error: str
) -> None:
    ask_for(bench, application)
    ended = provisioned(bench)
    shown = bench.run("unit", "show", UNIT)
    found = report(bench)
    said = [ended.out, ended.err, shown.out, json.dumps(found.document)]
    everything = {
        **kept_files(bench),
        **{one.name: one.read_bytes() for one in found.folder.iterdir()},
    }

    assert ended.status == status, ended
    assert found.run["rehearsal"]["findings"][0] == {
        "kind": "secret-shown",
        "detail": "enrol_token; the splash is not kept",
    }
    assert found.run["rehearsal"]["error"] == error
    assert (found.run["rehearsal"]["text"], found.splashes, pictures(bench)) == ([], [], [])
    for token in TOKENS:
        assert all(token not in one for one in said)
        assert not [name for name, octets in everything.items() if token.encode() in octets]


# -- a bundle without one ------------------------------------------------------------------------


def test_where_there_is_nothing_to_boot_the_order_says_so_and_the_dock_passes(
    bench: Bench,
) -> None:
    planned = bench.run(
        *("order", "new", ORDER, "--quantity=1", "--rehearse", "--lot=T-1"),
        f"--bundle={bench.folder / 'without.bundle'}",
        "--template=upd_templates/basic.yaml",
    )
    bench.run("order", "start", ORDER)
    ended = provisioned(bench)

    assert "no first boot to rehearse: the bundle has no application" in planned.out
    assert bench.run("order", "show", ORDER, "--json").json["rehearse"] is False
    assert (ended.status, ended.json["verdict"]) == (0, "PASS"), ended
    assert "no application equal" in json.dumps(ended.json["checks"])


# -- a dock with a past --------------------------------------------------------------------------


@contextmanager
def powered_dock(bench: Bench) -> Iterator[PoweredDock]:
    """The dock of `UNIT`, in this process."""
    settings = Settings(
        flash=bench.folder / "powered.flash",
        port=bench.folder / "powered.port",
        dock_id=dock_id_of(UNIT),
        label=Serial(UNIT),
        profile=read_profile(bench.home / "profiles" / "small.yaml"),
        product=PRODUCT,
        authority=trusting(bench.roots),
    )
    with powered(settings, None) as made:
        yield made


def test_a_dock_from_a_developers_desk_leaves_in_the_manufactured_state(bench: Bench) -> None:
    ask_for(bench, "greeting")
    with powered_dock(bench) as used:
        for where in FieldPartition:
            used.put(where, Entry(Kind.CODE, APPLICATION_NAME, b"import usb\n"))
            used.put(where, Entry(Kind.KV, "dock_name", b"of my desk"))
            used.put(where, Entry(Kind.KV, "cloud_token", b"of the field"))
        outcome = station_at(bench.home).provision(
            Serial(UNIT),
            port=str(used.settings.port),
            order=ORDER,
            ask=passphrase_of,
            watch=lambda progress: None,
            cancel=Cancel(),
        )

        assert outcome.verdict is Verdict.PASS, outcome
        assert outcome.rehearsal is not None
        assert outcome.rehearsal.text == (f"Welcome\nDock {UNIT}",)
        for where in FieldPartition:
            held = used.usage(where).by_kind.values()
            assert sum(kind.entries for kind in held) == 0

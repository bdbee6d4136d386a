"""`station rehearse` of everything that can be rehearsed, through the real command line.

Whatever it is given, the state folder stays as it was and no process stays behind.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree
from typing import Any, Final

import pytest

from station.datastore.pictures import Picture, recognise
from station.datastore.volume import build_common_volume, build_upd_volume
from station.domain.entries import APPLICATION_NAME, Entry, Kind, PictureType
from tests.end_to_end.small_line import furnish, made_once
from tests.end_to_end.test_command_line import PROGRAM, Desk
from tests.end_to_end.virtual_docks import ROOT, until
from tests.unit.datastore.made_images import SALT, Forgery
from tests.unit.rehearsal.stage import child_processes, nothing_left_behind

WELCOME: Final = ROOT / "firmware_bundles" / "welcome"
SIGNAGE: Final = ROOT / "firmware_bundles" / "signage"
SCENARIO: Final = WELCOME / "scenarios" / "meeting-room.yaml"
BASIC: Final = ROOT / "upd_templates" / "basic.yaml"
UNIT: Final = "DK7F-00317"

SHOW: Final = """\
from splashscreen import Splashscreen
from datastore import KvStore
Splashscreen().add_text_box("name: " + KvStore().get("dock_name"))
"""


ESCAPE: Final = """\
for one in ().__class__.__base__.__subclasses__():
    if one.__name__ == "_wrap_close":
        try:
            one.__init__.__globals__["system"]("true")
        except BaseException:
            pass
"""


@pytest.fixture
def desk(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Desk]:
    """At a station that is watched: nothing of it may change, nothing may go on."""
    folder = tmp_path / "desk"
    copytree(made_once(tmp_path_factory, "rehearse", furnish), folder)
    monkeypatch.setenv("STATION_HOME", str(folder / "home"))
    made = Desk(folder, capsys)
    before = made.digests()
    with nothing_left_behind():
        yield made
    assert made.digests() == before


def source(desk: Desk, code: str, kv: str = 'dock_name: "Lobby"') -> Path:
    """An SDK configuration with this application."""
    here = desk.folder / "source"
    here.mkdir()
    (here / "main.py").write_text(code, encoding="utf-8")
    path = here / "config.yaml"
    path.write_text(
        f'kv_store: {{{kv}}}\ncode: {{path: "${{CONFIG_PATH}}/main.py"}}\n', encoding="utf-8"
    )
    return path


def fails(desk: Desk, *arguments: object) -> dict[str, Any]:
    """Of a rehearsal whose application raised, or was ended."""
    said = desk.type("rehearse", *arguments, "--json")
    assert said.status == 10, said
    assert said.err == ""
    return said.json


# -- what can be rehearsed -----------------------------------------------------------------------


def test_a_sample_is_rehearsed_as_its_dock_would_boot(desk: Desk) -> None:
    seen = desk.ask(
        "rehearse", WELCOME, "--template", BASIC, "--serial", UNIT, "--scenario", SCENARIO
    )

    assert set(seen) == {
        *("title", "proof", "scenario", "ran_ms", "text", "calls", "findings", "error", "demo"),
    }
    assert seen["text"] == [
        "Welcome",
        f"Dock {UNIT}",
        UNIT,
        "192.0.2.40",
        "02:00:5E:10:00:01",
    ]
    assert (seen["error"], seen["findings"]) == ("", [])
    assert (seen["scenario"], seen["ran_ms"]) == ("meeting-room", 60_000)
    assert seen["proof"].startswith("unsigned source")
    assert set(seen["calls"][0]) == {"at_ms", "name", "detail"}
    assert "network.LAN.ifconfig" in {one["name"] for one in seen["calls"]}


def test_without_a_scenario_the_bench_is_a_desk(desk: Desk) -> None:
    seen = desk.ask("rehearse", SIGNAGE / "bundle.yaml")

    assert seen["scenario"] == "desk"
    assert seen["text"] == ["Lobby", "Good morning"]
    assert seen["findings"] == []


def test_a_sealed_bundle_passes_the_gate_first(desk: Desk) -> None:
    sealed = desk.folder / "old.bundle"
    seen = desk.ask("rehearse", sealed)

    assert (seen["title"], seen["proof"]) == ("small 1.0.0", "released by ACME")

    damaged = bytearray(sealed.read_bytes())
    damaged[-5000] ^= 1
    (desk.folder / "damaged.bundle").write_bytes(damaged)
    desk.refused("rehearse", desk.folder / "damaged.bundle", code="E-GATE-01", status=20)


def test_an_sdk_configuration_needs_neither_a_signature_nor_a_bundle_yaml(desk: Desk) -> None:
    seen = desk.ask("rehearse", source(desk, SHOW))

    assert seen["text"] == ["name: Lobby"]
    assert seen["title"].startswith("source 0.0.0 from ")


def test_an_image_that_was_read_back_holds_its_unique_data(desk: Desk) -> None:
    common = build_common_volume(
        [
            Entry(Kind.CODE, APPLICATION_NAME, SHOW.encode()),
            Entry(Kind.KV, "dock_name", b"Docking station"),
        ]
    )
    upd = build_upd_volume([Entry(Kind.KV, "dock_name", b"Dock 7")], salt=SALT)
    image = desk.folder / "dock.img"
    image.write_bytes(Forgery(common=common, upd=upd).image())
    seen = desk.ask("rehearse", image)

    assert seen["text"] == ["name: Dock 7"]
    assert "no signature was looked at" in seen["proof"]
    assert seen["title"].startswith("the image of dock 000102")

    template = ("--template", BASIC, "--serial", UNIT)
    said = desk.refused("rehearse", image, *template, code="E-FILE-02", status=2)
    assert "unique data of its dock already" in said.err

    image.write_bytes(image.read_bytes()[:-10])
    desk.refused("rehearse", image, code="E-VERIFY-03", status=10)


# -- what comes of it ----------------------------------------------------------------------------


def test_an_exception_is_told_with_its_trace_and_status_10(desk: Desk) -> None:
    config = source(desk, SHOW + "\n\ndef late():\n    return 1 // 0\n\n\nlate()\n")
    seen = fails(desk, config)

    assert seen["error"].splitlines() == [
        "Traceback (most recent call last):",
        '  File "main.py", line 10, in <module>',
        '  File "main.py", line 7, in late',
        "ZeroDivisionError: " + seen["error"].rsplit(": ", 1)[1],
    ]
    assert seen["text"] == [seen["error"]]

    said = desk.type("rehearse", config)
    assert said.status == 10
    assert '  File "main.py", line 7, in late' in said.out


@pytest.mark.parametrize(
    ("code", "finding"),
    [
        ("while True: pass", "endless"),
        ("held = bytearray(1000000000)", "memory"),
        (ESCAPE, "forbidden"),
    ],
)
def test_what_an_application_must_not_do_ends_it_and_is_found(
    desk: Desk, code: str, finding: str
) -> None:
    seen = fails(desk, source(desk, code))

    assert finding in {one["kind"] for one in seen["findings"]}
    assert seen["error"]


def test_what_did_not_come_true_is_a_finding_and_no_failure(desk: Desk) -> None:
    scenario = desk.folder / "scenario.yaml"
    scenario.write_text('name: hopeful\nrun_ms: 10\nexpect: {texts: ["Bar"]}\n')
    seen = desk.ask("rehearse", source(desk, SHOW), "--scenario", scenario)

    assert [one["kind"] for one in seen["findings"]] == ["expectation"]
    assert (seen["ran_ms"], seen["error"]) == (10, "")


def test_a_person_reads_the_splash_box_by_box_and_nothing_that_moves_the_terminal(
    desk: Desk,
) -> None:
    code = SHOW + "Splashscreen().add_text_box('one\\x1b[31m\\ntwo', {'x': 1, 'y': 2})\n"
    said = desk.type("rehearse", source(desk, code))

    assert said.status == 0
    assert "  · name: Lobby\n  · one\N{REPLACEMENT CHARACTER}[31m\n    two\n" in said.out
    assert "unsigned source" in said.out
    assert "\x1b" not in said.out


def test_the_picture_is_the_screen_as_a_png(desk: Desk) -> None:
    out = desk.folder / "splash.png"
    seen = desk.ask("rehearse", WELCOME, "--png", out)

    assert seen["png"] == str(out)
    assert recognise(out.read_bytes()) == Picture(PictureType.PNG, 1920, 1080)
    desk.refused("rehearse", WELCOME, "--png", out, code="E-FILE-05", status=2)


# -- what is refused -----------------------------------------------------------------------------


def test_unique_data_may_hide_only_what_the_bundle_lets_go(desk: Desk) -> None:
    template = ("--template", BASIC, "--serial", UNIT)
    said = desk.refused("rehearse", source(desk, SHOW), *template, code="E-FILE-02", status=2)

    assert "kv 'dock_name' is in the bundle, which does not declare it replaceable" in said.err


def test_a_template_of_another_product_is_refused(desk: Desk) -> None:
    other = desk.folder / "other.yaml"
    other.write_text(BASIC.read_text().replace("product: DK-7F", "product: DK-8"))
    template = ("--template", other, "--serial", UNIT)
    said = desk.refused("rehearse", WELCOME, *template, code="E-FILE-02", status=2)

    assert "is for DK-8, bundle welcome for DK-7F" in said.err


def test_a_template_and_a_serial_go_together(desk: Desk) -> None:
    for half in (("--template", BASIC), ("--serial", UNIT)):
        desk.refused("rehearse", WELCOME, *half, code="E-USAGE-01", status=2)


def test_a_bundle_without_an_application_is_refused(desk: Desk) -> None:
    config = desk.folder / "data.yaml"
    config.write_text('kv_store: {dock_name: "Lobby"}\n')
    said = desk.refused("rehearse", config, code="E-FILE-02", status=2)

    assert "there is no application in it" in said.err


def test_a_scenario_with_a_mistake_is_refused_with_its_place(desk: Desk) -> None:
    scenario = desk.folder / "scenario.yaml"
    scenario.write_text("name: odd\nhost: asleep\n")
    options = ("--scenario", scenario)
    said = desk.refused("rehearse", WELCOME, *options, code="E-FILE-02", status=2)

    assert "scenario.yaml:2:7: " in said.err


def test_what_is_not_there_is_named(desk: Desk) -> None:
    desk.refused("rehearse", desk.folder / "none.bundle", code="E-FILE-01", status=2)
    desk.refused("rehearse", WELCOME, "--scenario", "none.yaml", code="E-FILE-01", status=2)


# -- how it starts and stops ---------------------------------------------------------------------


def test_a_person_may_stop_it(desk: Desk) -> None:
    config = source(desk, "while True: pass")
    process = subprocess.Popen(
        [*PROGRAM, "rehearse", config, "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        until(lambda: bool(child_processes(process.pid)), within_s=60)
        os.kill(process.pid, signal.SIGINT)
        out, _ = process.communicate()

    assert process.returncode == 130
    assert b"E-STOP-01" in out


def test_its_help_loads_nothing_heavy() -> None:
    script = """
import sys
from station.__main__ import main
assert main(["rehearse", "--help"]) == 0
heavy = {"PySide6", "sqlalchemy", "cryptography", "pydantic", "serial", "rich", "yaml"}
print(sorted(heavy & set(sys.modules)), file=sys.stderr)
"""
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)

    assert (ended.returncode, ended.stderr) == (0, "[]\n")
    assert "station rehearse firmware_bundles/welcome" in ended.stdout

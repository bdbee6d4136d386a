"""The real command line: a line set up and run from nothing, and every way to be refused.

Commands run in this process, through the program's own front door; docks, and whatever is to be
killed, starved or interrupted, are processes of their own.
"""

import fcntl
import json
import os
import pty
import resource
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from shutil import copytree
from typing import Any, Final

import pytest
import serial

from station.__main__ import main
from tests.end_to_end.virtual_docks import ROOT, until

PASSPHRASE: Final = "c4n4ry passphrase"
TOKENS: Final = [f"c4n4ry-token-{number:04d}" for number in range(1, 6)]
UNIT: Final = "DK7F-00317"
WELCOME: Final = ROOT / "firmware_bundles" / "welcome"
BASIC: Final = ROOT / "upd_templates" / "basic.yaml"
PROGRAM: Final = [sys.executable, "-m", "station"]


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object of its output."""
        (line,) = self.out.splitlines()
        data: dict[str, Any] = json.loads(line)
        return data


@dataclass(frozen=True)
class Desk:
    """A state folder, and a hand that types commands."""

    folder: Path
    capture: pytest.CaptureFixture[str]

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def passphrase(self) -> str:
        return f"--passphrase-file={self.folder / 'passphrase'}"

    def type(self, *arguments: object) -> Said:
        self.capture.readouterr()
        status = main([str(one) for one in arguments])
        return Said(status, *self.capture.readouterr())

    def ask(self, *arguments: object) -> dict[str, Any]:
        """Of a command that must go well."""
        said = self.type(*arguments, "--json")
        assert said.status == 0, said
        return said.json

    def digests(self) -> dict[str, str]:
        """Everything the state folder holds."""
        return {
            str(path.relative_to(self.home)): sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.home.rglob("*"))
            if path.is_file()
        }

    def refused(self, *arguments: object, code: str, status: int) -> Said:
        """Of a command that must be refused, and must change nothing."""
        before = self.digests()

        said = self.type(*arguments)

        assert (said.status, said.err.split(":")[0].split()[-1]) == (status, code), said
        assert said.err.splitlines()[-1].startswith("what to do: ")
        assert "Traceback" not in said.err
        assert self.digests() == before
        return said


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a station whose order is running, set up by the command line alone."""
    folder = tmp_path_factory.mktemp("furnished")
    (folder / "passphrase").write_text(f"{PASSPHRASE}\n", encoding="utf-8")
    (folder / "tokens.csv").write_text("\n".join(["token", *TOKENS]), encoding="utf-8")
    bundle, lot = folder / "welcome.bundle", ["--lot", "T-1", "--kind", "enrolment-token"]
    opened = ["--passphrase-file", folder / "passphrase"]
    for command in (
        ["key", "ceremony", "--demo", "--product", "DK-7F", "--release-name", "ACME", *opened],
        ["bundle", "build", WELCOME, "--out", bundle, *opened],
        ["upd", "import", folder / "tokens.csv", *lot, "--product", "DK-7F", *opened],
        [
            "order",
            "new",
            "WO-1",
            "--quantity=5",
            "--lot=T-1",
            "--bundle",
            bundle,
            "--template",
            BASIC,
        ],
        ["order", "start", "WO-1"],
    ):
        subprocess.run(
            [*PROGRAM, *map(str, command)],
            cwd=ROOT,
            env={**os.environ, "STATION_HOME": str(folder / "home")},
            check=True,
            stdout=subprocess.DEVNULL,
        )
    return folder


@pytest.fixture
def desk(
    furnished: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Desk:
    """At a furnished station of one's own."""
    copytree(furnished, tmp_path / "desk")
    made = Desk(tmp_path / "desk", capsys)
    monkeypatch.setenv("STATION_HOME", str(made.home))
    return made


@pytest.fixture
def empty_desk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Desk:
    """At a station nothing has been done with."""
    made = Desk(tmp_path, capsys)
    (tmp_path / "passphrase").write_text(PASSPHRASE, encoding="utf-8")
    monkeypatch.setenv("STATION_HOME", str(made.home))
    return made


@contextmanager
def dock(desk: Desk, *faults: str) -> Iterator[Path]:
    """A virtual dock labelled `UNIT`; its port."""
    process = subprocess.Popen(
        [
            *PROGRAM,
            *("dock", "run", "--profile=dl7450-virtual", "--product=DK-7F", f"--label={UNIT}"),
            "--no-application",
            f"--flash={desk.folder / 'dock.flash'}",
            f"--trust={desk.home / 'keys' / 'product-root.pem'}",
            f"--dock-id={'5A' * 32}",
            f"--port={desk.folder / 'port'}",
            *(f"--fault={fault}" for fault in faults),
        ],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        announced = json.loads(process.stdout.readline())
        assert set(announced) == {"port", "dock_id", "label", "profile"}
        yield Path(announced["port"])
        process.terminate()
        assert process.communicate(timeout=10)[0] == b""
        assert process.returncode == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


# -- it starts without its weight ----------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["provision", "--help"]])
def test_the_light_commands_load_nothing_heavy(arguments: list[str]) -> None:
    script = f"""
import sys
from station.__main__ import main
assert main({arguments!r}) == 0
heavy = {{"PySide6", "sqlalchemy", "cryptography", "pydantic", "serial", "rich", "yaml"}}
print(sorted(heavy & set(sys.modules)), file=sys.stderr)
"""
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)

    assert (ended.returncode, ended.stderr) == (0, "[]\n")
    assert ended.stdout


def test_the_version_is_that_of_the_installed_program(empty_desk: Desk) -> None:
    said = empty_desk.type("--version")

    assert said.status == 0
    assert said.out.startswith("station 0.")
    assert not empty_desk.home.exists()


# -- the whole way -------------------------------------------------------------------------------


def test_a_dock_is_made_from_nothing_but_commands(desk: Desk) -> None:
    with dock(desk) as port:
        made = desk.ask("provision", UNIT, "--port", port, desk.passphrase)

        assert (made["verdict"], made["disposition"]) == ("PASS", "GOOD")
        assert [one["name"] for one in made["checks"]] == [
            *("accepted", "blocks", "image", "datastore", "dock_answers", "confirmed")
        ]
        assert all(one["passed"] and one["evidence"] for one in made["checks"])

        checked = desk.ask("verify", UNIT, "--port", port)
        read = desk.ask("dock", "readback", "--port", port, "--out", desk.folder / "dock.img")

        assert checked["holds"]
        assert (desk.folder / "dock.img").stat().st_size == read["size"]

    unit = desk.ask("unit", "show", UNIT)
    assert (unit["disposition"], unit["dock_id"]) == ("GOOD", "5A" * 32)
    assert [(run["verdict"], run["signed"]) for run in unit["runs"]] == [("PASS", True)]
    assert [(one["kind"], one["state"]) for one in unit["records"]] == [
        ("enrolment-token", "ACTIVE")
    ]
    assert desk.ask("upd", "stock", "--lot", "T-1")["upd"]["ACTIVE"] == 1
    assert desk.ask("order", "show", "WO-1")["counts"]["good"] == 1

    report = desk.ask("report", "unit", UNIT, "--out", desk.folder / "reports")
    document, statement = (Path(path) for path in report["files"])
    assert json.loads(document.read_bytes())["unit"]["disposition"] == "GOOD"
    assert "DEMO" in json.loads(document.read_bytes())["issuer"]
    assert json.loads(statement.read_bytes())["payloadType"]


def test_a_person_reads_the_verdict_with_its_evidence(desk: Desk) -> None:
    with dock(desk) as port:
        said = desk.type("provision", UNIT, "--port", port, "--order", "WO-1", desk.passphrase)
        again = desk.type("provision", UNIT, "--port", port, desk.passphrase)

    assert said.status == 0
    assert said.out.startswith("DEMO: ")
    assert f"{UNIT}  PASS  GOOD" in said.out
    assert said.out.count("  ✔ ") == 6
    assert (again.status, again.err.splitlines()[0].split(":")[0]) == (20, "DEMO E-SCAN-04")


def test_a_bad_dock_fails_with_ten_and_is_held_after_its_retry(desk: Desk) -> None:
    with dock(desk, "bitflip") as port:
        first = desk.type("provision", UNIT, "--port", port, desk.passphrase, "--json")
        second = desk.type("provision", UNIT, "--port", port, desk.passphrase)

    assert (first.status, first.json["verdict"], first.json["error_code"]) == (
        *(10, "FAIL", "E-VERIFY-02"),
    )
    assert "once more" in first.json["remedy"]
    assert second.status == 10
    assert f"{UNIT}  FAIL  HOLD" in second.out
    assert "Red tag the dock for the HOLD tray." in second.out


def test_a_dock_that_no_longer_is_what_was_recorded_is_told(desk: Desk) -> None:
    with dock(desk) as port:
        desk.ask("provision", UNIT, "--port", port, desk.passphrase)
    flash = desk.folder / "dock.flash"
    content = bytearray(flash.read_bytes())
    at = content.index(TOKENS[0].encode())
    content[at] ^= 1
    flash.write_bytes(content)

    with dock(desk) as port:
        said = desk.type("verify", UNIT, "--port", port)

    assert said.status in {10, 11}, said  # a dock that refuses its own image may not answer at all
    assert "as recorded\n" not in said.out


def test_ctrl_c_closes_the_run_as_aborted(desk: Desk) -> None:
    with dock(desk, "slow") as port:
        process = subprocess.Popen(
            [*PROGRAM, "provision", UNIT, f"--port={port}", desk.passphrase, "--json"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        until(lambda: desk.type("unit", "show", UNIT).status == 0, within_s=30)
        until(lambda: desk.ask("unit", "show", UNIT)["runs"][0]["state"] == "WRITING", within_s=30)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)

    assert process.returncode == 130, err
    assert json.loads(out)["verdict"] == "ABORTED"
    (run,) = desk.ask("unit", "show", UNIT)["runs"]
    assert (run["state"], run["verdict"], run["error_code"]) == ("CLOSED", "ABORTED", "E-STOP-01")
    assert desk.ask("upd", "stock")["upd"] == {
        **dict.fromkeys(["RESERVED", "SENT", "ACTIVE", "BURNED"], 0),
        "FREE": 5,
    }


# -- answers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "keys"),
    [
        (["key", "list"], {"keys", "refused"}),
        (["bundle", "list"], {"bundles"}),
        (["template", "list"], {"templates"}),
        (["template", "lint", BASIC], {"errors", "warnings", "findings"}),
        (["template", "lint", BASIC, "--bundle", WELCOME], {"errors", "findings"}),
        (["template", "render", BASIC, "--serial", UNIT], {"fields", "serial"}),
        (["upd", "stock"], {"upd", "lot"}),
        (["order", "list"], {"orders"}),
        (["order", "show", "WO-1"], {"order", "counts", "state"}),
        (["doctor"], {"healthy", "checks"}),
    ],
)
def test_every_answer_is_one_json_object_and_says_that_it_is_a_demo(
    desk: Desk, command: list[object], keys: set[str]
) -> None:
    answer = desk.ask(*command)

    assert keys <= set(answer)
    assert answer["demo"] is True


def test_bundles_are_shown_proved_and_kept(desk: Desk) -> None:
    sealed = desk.folder / "welcome.bundle"

    info = desk.ask("bundle", "info", sealed)
    valid = desk.ask("bundle", "verify", sealed)
    kept = desk.ask("bundle", "import", sealed)
    (listed,) = desk.ask("bundle", "list")["bundles"]

    assert {one["kind"] for one in info["contents"]} == {"code", "img", "kv"}
    assert len(info["contents"]) == info["parts"]
    assert valid["valid"] is True
    assert listed["sha256"] == kept["sha256"] == sha256(sealed.read_bytes()).hexdigest()


def test_a_preview_masks_secrets_and_takes_nothing(desk: Desk) -> None:
    before = desk.digests()

    said = desk.type("template", "render", BASIC, "--serial", UNIT)

    assert said.status == 0
    assert "enrol_token  ●●●●●" in said.out
    assert "(example)" in said.out
    assert desk.digests() == before


def test_a_group_key_is_sealed_under_its_name_and_never_shown(desk: Desk) -> None:
    group_key = desk.folder / "group-key.txt"
    group_key.write_text("c4n4ryGroupKeyc4n4ryGroupKeyc4n4ryGroupKeyc4=\n", encoding="ascii")

    made = desk.type("key", "new", "dps-group", "--from-file", group_key, desk.passphrase)
    again = desk.type("key", "new", "dps-group", "--from-file", group_key, desk.passphrase)

    assert made.status == 0
    assert "c4n4ry" not in made.out
    assert (again.status, again.err.split(":")[0]) == (2, "DEMO E-FILE-05")
    names = [(one["purpose"], one["holder"]) for one in desk.ask("key", "list")["keys"]]
    assert names.count(("derivation", "dps-group")) == 1


def test_the_passphrase_may_come_by_a_descriptor(desk: Desk) -> None:
    lot = desk.folder / "more.csv"
    lot.write_text("token\nc4n4ry-more-tokens\n", encoding="utf-8")
    descriptor = os.open(desk.folder / "passphrase", os.O_RDONLY)
    what = ["--lot", "T-2", "--kind", "enrolment-token", "--product", "DK-7F"]

    taken = desk.ask("upd", "import", lot, *what, "--passphrase-fd", descriptor)
    again = desk.ask("upd", "import", lot, *what, desk.passphrase)

    assert (taken["lot"], taken["new_records"]) == ("T-2", 1)
    assert again["new_records"] == 0


def test_real_keys_are_not_marked_and_demo_keys_count_only_where_the_folder_is_marked(
    desk: Desk,
) -> None:
    (desk.home / "DEMO").unlink()

    desk.refused("bundle", "verify", desk.folder / "welcome.bundle", code="E-GATE-01", status=20)


def test_no_canary_is_left_in_the_state_folder(desk: Desk) -> None:
    with dock(desk) as port:
        desk.ask("provision", UNIT, "--port", port, desk.passphrase)

    for path in desk.home.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"c4n4ry" not in content, path


# -- refusals: clear, and nothing changed ----------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [
        ["bundle", "build", "nowhere", "--out", "o.bundle"],
        ["bundle", "info", "nowhere"],
        ["bundle", "verify", "nowhere"],
        ["bundle", "import", "nowhere"],
        ["template", "lint", "nowhere"],
        ["template", "render", "nowhere", "--serial", UNIT],
        ["template", "lint", BASIC, "--bundle", "nowhere"],
        ["upd", "import", "nowhere.csv", "--lot=L", "--kind=enrolment-token", "--product=DK-7F"],
        ["key", "new", "group", "--from-file", "nowhere"],
        ["order", "new", "WO-2", "--quantity", 1, "--bundle", "nowhere", "--template", BASIC],
    ],
    ids=lambda command: " ".join(map(str, command[:2])),
)
def test_a_missing_file(desk: Desk, command: list[object]) -> None:
    said = desk.refused(*command, code="E-FILE-01", status=2)

    assert "nowhere" in said.err


@pytest.mark.parametrize(
    ("given", "code", "status"),
    [
        (["--trust=nowhere"], "E-FILE-01", 2),
        (["--profile=nowhere"], "E-FILE-01", 2),
        (["--profile=nowhere.yaml"], "E-FILE-01", 2),
        (["--product=nothing"], "E-DOCK-04", 2),
        (["--fault=earthquake"], "E-DOCK-02", 2),
        (["--groups=1,8"], "E-DOCK-09", 2),
        ([f"--trust={BASIC}"], "E-KEY-01", 14),
    ],
    ids=lambda given: "".join(given) if isinstance(given, list) else "",
)
def test_a_virtual_dock_that_cannot_be(
    desk: Desk, given: list[str], code: str, status: int
) -> None:
    flash, trust = desk.folder / "d.flash", desk.home / "keys" / "product-root.pem"
    sound = ["--profile=dl7450-virtual", "--product=DK-7F", f"--flash={flash}", f"--trust={trust}"]
    who = [f"--label={UNIT}", f"--dock-id={'00' * 32}"]

    desk.refused("dock", "run", *sound, *who, *given, code=code, status=status)


def edited(desk: Desk, edit: Callable[[str], str]) -> Path:
    """The welcome bundle with another configuration."""
    source = desk.folder / "source"
    copytree(WELCOME, source)
    config = source / "config.yaml"
    config.write_text(edit(config.read_text(encoding="utf-8")), encoding="utf-8")
    return source


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        (lambda text: text.replace("kv_store:", "kv_stor:"), "kv_stor"),
        (lambda text: text.replace('timezone: "UTC"', 'dock_name: "again"'), "dock_name"),
    ],
    ids=["unknown key", "duplicate key"],
)
def test_a_document_that_is_wrong_is_refused_by_line_and_column(
    desk: Desk, edit: Callable[[str], str], complaint: str
) -> None:
    source, out = edited(desk, edit), desk.folder / "o.bundle"

    said = desk.refused(
        *("bundle", "build", source, "--out", out, desk.passphrase), code="E-FILE-02", status=2
    )

    first = said.err.splitlines()[0]
    place, _, rest = first.partition("config.yaml:")
    line, column = rest.split(":")[:2]
    assert place
    assert int(line) > 0
    assert int(column) > 0
    assert complaint in first
    assert not out.exists()


def test_an_unknown_key_in_a_template(desk: Desk) -> None:
    template = desk.folder / "t.yaml"
    template.write_text(
        BASIC.read_text(encoding="utf-8").replace("max_length: 64", "max_lenght: 64"),
        encoding="utf-8",
    )

    said = desk.refused("template", "lint", template, code="E-FILE-02", status=2)

    assert "max_lenght" in said.err


def test_an_image_over_budget(desk: Desk) -> None:
    source = edited(desk, lambda text: text)
    with (source / "art" / "default.png").open("ab") as picture:
        picture.write(bytes(13_000_001))

    desk.refused(
        *("bundle", "build", source, "--out", desk.folder / "o.bundle", desk.passphrase),
        code="E-FILE-04",
        status=2,
    )


def test_a_source_that_states_no_product(desk: Desk) -> None:
    source, out = edited(desk, lambda text: text), desk.folder / "o.bundle"
    (source / "bundle.yaml").unlink()
    build = ["bundle", "build", source, "--out", out, desk.passphrase]

    said = desk.refused(*build, code="E-FILE-02", status=2)

    assert "--product" in said.err
    assert desk.ask(*build, "--product", "DK-7F")["product"] == "DK-7F"


def test_a_damaged_bundle_is_refused_by_the_gate(desk: Desk) -> None:
    sealed = desk.folder / "welcome.bundle"
    content = bytearray(sealed.read_bytes())
    content[len(content) // 2] ^= 1
    sealed.write_bytes(content)

    desk.refused("bundle", "verify", sealed, code="E-GATE-01", status=20)
    desk.refused("bundle", "import", sealed, code="E-GATE-01", status=20)
    desk.refused(
        *("order", "new", "WO-2", "--quantity", 1, "--bundle", sealed, "--template", BASIC),
        *("--lot", "T-1"),
        code="E-GATE-01",
        status=20,
    )


@pytest.mark.parametrize(
    "command",
    [
        ["unit", "show", "DK7F-99999"],
        ["report", "unit", "DK7F-99999", "--out", "reports"],
        ["verify", "DK7F-99999", "--port", "nowhere"],
        ["order", "show", "WO-9"],
        ["order", "start", "WO-9"],
        ["provision", UNIT, "--port", "nowhere", "--order", "WO-9"],
    ],
    ids=lambda command: " ".join(map(str, command[:2])),
)
def test_an_unknown_serial_or_order(desk: Desk, command: list[object]) -> None:
    secret = [desk.passphrase] if command[0] == "provision" else []

    desk.refused(*command, *secret, code="E-SCAN-03", status=2)


def test_an_order_says_whether_it_asks_for_the_first_boot(desk: Desk) -> None:
    made = desk.ask(
        *("order", "new", "WO-2", "--quantity", 1, "--template", BASIC, "--lot", "T-1"),
        *("--bundle", desk.folder / "welcome.bundle", "--rehearse"),
    )
    asked = {one["order"]: one["rehearse"] for one in desk.ask("order", "list")["orders"]}

    assert made["rehearse"] is True
    assert asked == {"WO-2": True, "WO-1": False}
    assert "  first boot rehearsed\n" in desk.type("order", "show", "WO-2").out
    assert "  first boot not rehearsed\n" in desk.type("order", "show", "WO-1").out
    assert "FIRST BOOT" in desk.type("order", "list").out


def test_an_order_that_exists_already(desk: Desk) -> None:
    again = ["order", "new", "WO-1", "--quantity", 7, "--template", BASIC, "--lot", "T-1"]

    desk.refused(*again, "--bundle", desk.folder / "welcome.bundle", code="E-DUP-01", status=2)
    desk.refused("order", "start", "WO-1", code="E-WO-02", status=20)


@pytest.mark.parametrize(
    "command", [["provision", UNIT], ["verify", UNIT], ["dock", "readback", "--out", "o.img"]]
)
def test_no_dock_on_the_port(desk: Desk, command: list[object]) -> None:
    if command[0] == "verify":
        with dock(desk) as port:
            desk.ask("provision", UNIT, "--port", port, desk.passphrase)
    secret = [desk.passphrase] if command[0] == "provision" else []

    desk.refused(*command, "--port", desk.folder / "none", *secret, code="E-LINK-01", status=11)


def test_a_busy_port(desk: Desk) -> None:
    with dock(desk) as port, serial.Serial(str(port), exclusive=True):
        desk.refused(
            *("provision", UNIT, "--port", port, desk.passphrase), code="E-LINK-04", status=11
        )


@pytest.mark.parametrize(("fault", "code"), [("garbage", "E-LINK-01"), ("mute", "E-LINK-01")])
def test_a_dock_that_answers_garbage_or_nothing(desk: Desk, fault: str, code: str) -> None:
    with dock(desk, fault) as port:
        desk.refused(*("provision", UNIT, "--port", port, desk.passphrase), code=code, status=11)


@pytest.mark.parametrize(("fault", "code"), [("wrong-hw", "E-IDENT-02")])
def test_a_dock_of_another_kind(desk: Desk, fault: str, code: str) -> None:
    with dock(desk, fault) as port:
        desk.refused(*("provision", UNIT, "--port", port, desk.passphrase), code=code, status=12)


def test_another_label_than_the_docks_own(desk: Desk) -> None:
    with dock(desk) as port:
        desk.refused(
            *("provision", "DK7F-00318", "--port", port, desk.passphrase),
            code="E-IDENT-01",
            status=12,
        )


def starved(desk: Desk, *arguments: object) -> subprocess.CompletedProcess[str]:
    """A command none of whose files can grow: what a full disk is like."""

    def starve() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    return subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        preexec_fn=starve,
    )


def test_a_full_disk(desk: Desk) -> None:
    lot = desk.folder / "more.csv"
    lot.write_text("token\n" + "\n".join(f"full-disk-{n:05d}" for n in range(500)), "utf-8")
    stock = desk.ask("upd", "stock")
    out = desk.folder / "o.bundle"

    taken = starved(
        desk, "upd", "import", lot, "--lot=T-9", "--kind=enrolment-token", "--product=DK-7F",
        desk.passphrase,
    )  # fmt: skip
    built = starved(desk, "bundle", "build", WELCOME, "--out", out, desk.passphrase)

    for ended in (taken, built):
        assert ended.returncode == 15, ended
        assert ended.stderr.split(":")[0] == "DEMO E-LOG-01"
        assert "Traceback" not in ended.stderr
    assert desk.ask("upd", "stock") == stock
    assert not out.exists()
    assert [path.name for path in desk.folder.glob(".*")] == []


def test_a_full_disk_ends_a_run_before_it_begins(desk: Desk) -> None:
    with dock(desk) as port:
        ended = starved(desk, "provision", UNIT, "--port", port, desk.passphrase)

    assert ended.returncode == 15, ended
    assert "PASS" not in ended.stdout
    assert desk.ask("upd", "stock")["upd"]["FREE"] == 5


def test_a_wrong_passphrase_and_none_at_all(desk: Desk) -> None:
    wrong = desk.folder / "wrong"
    wrong.write_text("another passphrase", encoding="utf-8")
    build = ["bundle", "build", WELCOME, "--out", desk.folder / "o.bundle"]

    desk.refused(*build, "--passphrase-file", wrong, code="E-KEY-01", status=14)
    desk.refused(*build, "--passphrase-file", desk.folder / "none", code="E-FILE-01", status=2)
    said = desk.refused(*build, code="E-KEY-01", status=14)

    assert "--passphrase-file" in said.err


def test_a_person_types_the_passphrase_of_a_ceremony_twice_and_unseen(
    empty_desk: Desk,
) -> None:
    ours, theirs = pty.openpty()

    def control() -> None:
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        [*PROGRAM, "key", "ceremony", "--demo", "--product=DK-7F", "--release-name=ACME"],
        cwd=ROOT,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=control,  # noqa: PLW1509
    )
    os.close(theirs)
    seen = b""

    def shows(text: bytes) -> bool:
        nonlocal seen
        seen += os.read(ours, 4096)
        return text in seen

    try:
        for prompt in (b"New passphrase", b"Repeat for confirmation"):
            until(partial(shows, prompt))
            os.write(ours, PASSPHRASE.encode() + b"\n")
        until(partial(shows, b"docks and stations trust"))
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)

    assert PASSPHRASE.encode() not in seen
    build = ["bundle", "build", WELCOME, "--out", empty_desk.folder / "o.bundle"]
    assert empty_desk.type(*build, empty_desk.passphrase).status == 0


def test_a_ceremony_is_held_once_and_never_with_a_short_passphrase(empty_desk: Desk) -> None:
    short = empty_desk.folder / "short"
    short.write_text("elevenchars", encoding="utf-8")
    ceremony = ["key", "ceremony", "--demo", "--product", "P", "--release-name", "R"]

    refused = empty_desk.type(*ceremony, "--passphrase-file", short)

    assert refused.status == 14
    assert empty_desk.digests() == {}
    assert empty_desk.type(*ceremony, empty_desk.passphrase).status == 0
    empty_desk.refused(*ceremony, empty_desk.passphrase, code="E-FILE-05", status=2)


def test_before_the_ceremony_every_command_says_what_is_missing(empty_desk: Desk) -> None:
    build = ["bundle", "build", WELCOME, "--out", empty_desk.folder / "o.bundle"]

    empty_desk.refused(*build, empty_desk.passphrase, code="E-KEY-01", status=14)
    doctor = empty_desk.type("doctor", "--json")

    assert doctor.json["demo"] is False
    assert {one["health"] for one in doctor.json["checks"] if one["check"] == "product root"} == {
        "warn"
    }
    assert not empty_desk.home.exists()


def test_an_unknown_fault_is_refused_before_a_demo_is_set_up(empty_desk: Desk) -> None:
    said = empty_desk.type("demo", "--headless", "--fault", "earthquake", "--json")

    assert said.status == 2
    assert said.json["error"]["code"] == "E-DOCK-02"


# -- the operator screen and the demo --------------------------------------------------------------


def test_the_operator_screen_gets_the_line_of_this_station(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {}

    def window(make_line: Callable[..., Any], *, demo: bool) -> int:
        line = make_line(lambda: None)
        until(lambda: str(line.snapshot().slots[0].phase) == "READY")
        seen["snapshot"] = line.snapshot()
        seen["demo"] = demo
        return 7

    monkeypatch.setattr("station.__main__.open_window", window)
    with dock(desk) as port:
        said = desk.type(
            *("gui", "--port", port, "--port", "nowhere", "--order", "WO-1", desk.passphrase)
        )

    assert said.status == 7, said
    assert seen["demo"] is True
    assert [str(slot.phase) for slot in seen["snapshot"].slots] == ["READY", "EMPTY"]
    assert seen["snapshot"].order.name == "WO-1"


def test_a_demo_on_the_screen_scans_what_the_hands_connect(
    empty_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def window(
        make_line: Callable[..., Any], *, demo: bool, virtual_scan: Callable[[], str | None]
    ) -> int:
        line = make_line(lambda: None)
        labels: list[str] = []

        def scanned() -> bool:
            label = virtual_scan()
            if label:
                labels.append(label)
                line.scan(label)
            return bool(line.snapshot().results)

        until(scanned, within_s=60)
        assert demo
        assert labels[0] == "DK7F-00001"
        return 0

    monkeypatch.setattr("station.__main__.open_window", window)

    assert empty_desk.type("demo", "--docks", 1, "--units", 1).status == 0


def test_ctrl_c_ends_a_demo_with_every_run_closed_and_every_dock_gone(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*PROGRAM, "demo", "--headless", "--json", "--docks=2", "--units=40"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)

    summary = json.loads(out.splitlines()[-1])
    assert process.returncode == 130, err
    assert first["verdict"] == "PASS"
    assert summary["upd"]["RESERVED"] == 0
    docks = Path(summary["report_dir"]).parent / "docks"
    assert list(docks.iterdir()) == []

"""The borders are guarded: each import contract really breaks, and what it cannot see is checked.

Each contract is broken once per way in a copy of the tree, by one appended line. A contract that
nobody has seen BROKEN may be watching a package that does not exist.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
STATION = ROOT / "station"

DOWN = "Arrows point down"
CHOOSES = "Only bootstrap chooses adapters"
DOORS = "Only the front doors call bootstrap"
STRANGERS = "Adapters do not know each other"
DOCK = "The virtual dock does not know the workflow that tests it"
PURE = "The core has no clock, chance, sockets or processes"
HOMES = "Each library has one home; asyncio has none"
SHOWN = "What the operator sees is decided without Qt"
THREADS = "Threads meet Qt in one file"

BREAKS = [
    (DOWN, "domain/__init__.py", "import station.datastore"),
    (DOWN, "datastore/__init__.py", "import station.protocol"),
    (DOWN, "protocol/__init__.py", "import station.application"),
    (DOWN, "application/__init__.py", "import station.config"),
    (DOWN, "adapters/keys/signer.py", "import station.config"),
    (DOWN, "dock/__init__.py", "import station.rehearsal.renderer"),
    (DOWN, "config.py", "import station.bootstrap"),
    (DOWN, "cli/main.py", "import station.gui.app"),
    (DOWN, "gui/app.py", "import station.cli.main"),
    (DOWN, "gui/app.py", "import station.__main__"),
    (CHOOSES, "cli/main.py", "import station.adapters.keys"),
    (CHOOSES, "gui/app.py", "import station.dock"),
    (CHOOSES, "cli/main.py", "import station.rehearsal.renderer"),
    (DOORS, "gui/present.py", "import station.bootstrap"),
    (DOORS, "__main__.py", "import station.bootstrap"),
    (STRANGERS, "adapters/keys/signer.py", "import station.adapters.serial_link"),
    (STRANGERS, "adapters/exporters.py", "import station.adapters.sql"),
    (DOCK, "dock/__init__.py", "import station.application"),
    *(
        (PURE, f"{package}/__init__.py", f"import {module}")
        for package, module in [
            ("domain", "time"),
            ("domain", "secrets"),
            ("datastore", "os"),
            ("datastore", "sqlite3"),
            ("protocol", "socket"),
            ("protocol", "select"),
            ("application", "random"),
            ("application", "subprocess"),
        ]
    ),
    (HOMES, "cli/main.py", "import PySide6.QtCore"),
    (HOMES, "adapters/keys/signer.py", "import sqlalchemy"),
    (HOMES, "protocol/__init__.py", "import serial"),
    (HOMES, "adapters/serial_link/port.py", "import asyncio"),
    (HOMES, "dock/rest.py", "import urllib3"),
    (HOMES, "dock/slots.py", "import lz4.block"),
    (SHOWN, "gui/present.py", "from PySide6.QtGui import QColor"),
    (THREADS, "gui/app.py", "import threading"),
    (THREADS, "gui/slot_model.py", "from concurrent.futures import Future"),
    (THREADS, "gui/views/__init__.py", "import queue"),
]

VERDICT = re.compile(r"^(.+) (KEPT|BROKEN)(?: \(\d+ ignored imports?\))?$", re.MULTILINE)
"""A line of lint-imports' summary."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(STATION, tmp_path / "station", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def verdicts(tree: Path) -> dict[str, str]:
    """KEPT or BROKEN, by the name of the contract, for the tree in this folder."""
    ended = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "COLUMNS": "200"},
        capture_output=True,
        text=True,
    )
    found = {line[1]: line[2] for line in VERDICT.finditer(ended.stdout)}
    assert found, ended.stdout + ended.stderr
    assert (ended.returncode == 0) == ("BROKEN" not in found.values())
    return found


def sources(*packages: str) -> Iterator[tuple[str, ast.Module]]:
    """The modules of these packages (all of the station if none is named), by relative path."""
    for package in packages or (".",):
        for path in sorted((STATION / package).rglob("*.py")):
            yield str(path.relative_to(STATION)), ast.parse(path.read_text(encoding="utf-8"))


def imported_roots(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


def test_every_contract_is_kept_and_every_contract_has_a_break(copy: Path) -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    names = {one["name"] for one in settings["tool"]["importlinter"]["contracts"]}

    assert verdicts(copy) == dict.fromkeys(names, "KEPT")
    assert {contract for contract, _, _ in BREAKS} == names


@pytest.mark.parametrize(("contract", "file", "line"), BREAKS)
def test_one_line_breaks_its_contract(copy: Path, contract: str, file: str, line: str) -> None:
    with (copy / "station" / file).open("a", encoding="utf-8") as module:
        module.write(f"\n{line}\n")

    assert verdicts(copy)[contract] == "BROKEN"


def test_a_new_top_level_module_must_take_its_place_in_the_layers(copy: Path) -> None:
    (copy / "station" / "utils.py").write_text("", encoding="utf-8")

    assert verdicts(copy)[DOWN] == "BROKEN"


def test_the_domain_and_the_datastore_import_only_the_standard_library() -> None:
    allowed = sys.stdlib_module_names | {"station"}
    foreign = {
        path: extra
        for path, module in sources("domain", "datastore")
        if (extra := set(imported_roots(module)) - allowed)
    }

    assert foreign == {}


def test_no_module_imports_asyncio_even_out_of_the_linters_sight() -> None:
    assert [path for path, module in sources() if "asyncio" in imported_roots(module)] == []


def test_init_files_are_empty() -> None:
    assert [str(path) for path in STATION.rglob("__init__.py") if path.stat().st_size] == []


def test_every_folder_of_modules_is_a_package() -> None:
    folders = {path.parent for path in STATION.rglob("*.py")}

    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


def test_nothing_prints_below_the_front_ends() -> None:
    printing = [
        f"{path}:{node.lineno}"
        for path, module in sources()
        if not path.startswith(("cli/", "gui/"))
        for node in ast.walk(module)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]

    assert printing == []


def test_no_module_is_found_by_its_own_path_or_imported_by_a_string() -> None:
    refused = {"import_module", "__import__", "entry_points", "__file__"}
    found = [
        f"{path}:{node.lineno} {name}"
        for path, module in sources()
        for node in ast.walk(module)
        if isinstance(node, ast.Name | ast.Attribute)
        and (name := node.id if isinstance(node, ast.Name) else node.attr) in refused
        and path != "config.py"
    ]

    assert found == []


@pytest.mark.parametrize(
    "command",
    [
        "import station.cli.main",
        "from station.__main__ import main; main(['--version'])",
        "from station.__main__ import main; main(['--help'])",
    ],
)
def test_the_command_line_starts_without_loading_qt(command: str) -> None:
    script = f"""
import sys
try:
    {command}
except SystemExit as end:
    assert not end.code, end.code
qt = sorted(name for name in sys.modules if name.startswith(("PySide6", "shiboken6")))
assert not qt, qt
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert (ended.returncode, ended.stderr) == (0, "")

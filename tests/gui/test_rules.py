"""What no file of the operator screen may do, read from its source."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

GUI = Path(__file__).resolve().parents[2] / "station" / "gui"
FILES = sorted(GUI.rglob("*.py"))

MODAL = {"QDialog", "QMessageBox", "QInputDialog", "QFileDialog", "QErrorMessage"}
NESTED_LOOPS = {"processEvents", "QEventLoop", "QThread"}
FACTS = {"SlotPhase", "Verdict", "OrderState", "LineSnapshot", "SlotSnapshot"}


def names(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names)


def used_in(path: Path) -> set[str]:
    return set(names(ast.parse(path.read_text(encoding="utf-8"))))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(GUI)))
def test_no_modal_dialog_and_no_nested_loop(path: Path) -> None:
    used = used_in(path)
    runs_a_loop = "exec" in used and path.name not in {"app.py", "dock_window.py"}

    assert used & (MODAL | NESTED_LOOPS) == set()
    assert not runs_a_loop


@pytest.mark.parametrize("path", sorted((GUI / "views").glob("*.py")), ids=lambda path: path.name)
def test_a_view_knows_no_fact_of_the_line(path: Path) -> None:
    assert used_in(path) & FACTS == set()


@pytest.mark.parametrize(
    "name",
    ["present", "drawer", "marks", "prompt", "tiles", "catalogue", "texts", "tokens", "signs",
     "floor_plan", "wedge_buffer", "line_port", "dock_panel", "dock_port"],
)  # fmt: skip
def test_what_is_decided_is_decided_without_qt(name: str) -> None:
    source = (GUI / f"{name}.py").read_text(encoding="utf-8")

    assert "PySide6" not in source

"""How answers look: plain where nobody looks, drawn on a terminal, marked where they are a demo."""

import io
import json
import sys

import pytest

from station.cli import answer
from station.cli.answer import DEMO_LINE, Answer, Grid, Trouble, show, show_trouble

GRID = Grid(("LOT", "FREE"), (("T-26-4", "12"), ("T-1", "1,482")))


def test_a_grid_is_aligned_and_has_no_trailing_blanks(capsys: pytest.CaptureFixture[str]) -> None:
    show(Answer({}, [GRID]), as_json=False, demo=False)

    assert capsys.readouterr().out == "LOT     FREE\nT-26-4  12\nT-1     1,482\n"


def test_a_grid_on_a_terminal_shows_the_same_cells_whatever_they_look_like(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(answer, "on_terminal", lambda: True)

    show(Answer({}, [Grid(("A", "B"), (("[bold]x[/bold]", "[red]"),))]), as_json=False, demo=False)

    assert "[bold]x[/bold]" in screen.getvalue()
    assert "[red]" in screen.getvalue()


def test_every_answer_of_a_demo_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    show(Answer({"a": 1}, ["text"]), as_json=False, demo=True)
    assert capsys.readouterr().out == f"{DEMO_LINE}\ntext\n"

    show(Answer({"a": 1}, ["text"]), as_json=True, demo=True)
    assert json.loads(capsys.readouterr().out) == {"a": 1, "demo": True}

    show_trouble(Trouble("E-X-01", "cause", "remedy", 2), as_json=False, demo=True)
    assert capsys.readouterr().err == "DEMO E-X-01: cause\nwhat to do: remedy\n"


def test_only_the_first_notes_are_read_at_once_but_all_are_in_the_data(
    capsys: pytest.CaptureFixture[str],
) -> None:
    notes = tuple(f"note {number}" for number in range(25))

    show_trouble(Trouble("E-X-01", "cause", "remedy", 2, notes), as_json=True, demo=False)

    out, err = capsys.readouterr()
    assert json.loads(out)["error"]["notes"] == list(notes)
    assert err.count("  note ") == answer.NOTES_SHOWN

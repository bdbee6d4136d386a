"""What a command answers, and how an answer or a trouble is shown: to people, or as JSON."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import click

DEMO_LINE: Final = "DEMO: throw-away keys; nothing here counts for a real dock."

NOTES_SHOWN: Final = 10
"""More complaints about one document than this are not read at once; JSON has them all."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows under headings."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """data: one JSON object whose keys are stable. shown: the same for people."""

    data: Mapping[str, Any]
    shown: Sequence[str | Grid] = ()
    status: int = 0


@dataclass(frozen=True, slots=True)
class Trouble:
    """A refusal: stable code, one line of cause, one of remedy, exit status.

    notes: what else is wrong in the same document, one line each.
    """

    code: str
    cause: str
    remedy: str
    status: int
    notes: tuple[str, ...] = ()


def show(answer: Answer, *, as_json: bool, demo: bool) -> None:
    """Write an answer to standard output. demo: say that it counts nowhere."""
    if as_json:
        write_json({**answer.data, "demo": demo})
        return
    if demo:
        click.secho(DEMO_LINE, fg="yellow")
    for part in answer.shown:
        if isinstance(part, Grid):
            _show_grid(part)
        else:
            click.echo(part)


def show_trouble(trouble: Trouble, *, as_json: bool, demo: bool) -> None:
    """One line of cause, one of remedy, on standard error; as JSON on standard output."""
    if as_json:
        error = {
            "code": trouble.code,
            "cause": trouble.cause,
            "remedy": trouble.remedy,
            "notes": list(trouble.notes),
        }
        write_json({"error": error, "demo": demo})
    mark = "DEMO " if demo else ""
    click.echo(f"{mark}{click.style(trouble.code, fg='red', bold=True)}: {trouble.cause}", err=True)
    for note in trouble.notes[:NOTES_SHOWN]:
        click.echo(f"  {note}", err=True)
    click.echo(f"what to do: {trouble.remedy}", err=True)


def write_json(data: Mapping[str, Any]) -> None:
    """One JSON object on one line of standard output, at once."""
    click.echo(json.dumps(data, ensure_ascii=False))


def on_terminal() -> bool:
    """Whether a person looks at standard output."""
    return sys.stdout.isatty()


def _show_grid(grid: Grid) -> None:
    if on_terminal():
        _draw(grid)
        return
    lines = (grid.heads, *grid.rows)
    widths = [max(len(line[column]) for line in lines) for column in range(len(grid.heads))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def _draw(grid: Grid) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*grid.heads, box=SIMPLE_HEAD, pad_edge=False)
    for row in grid.rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)

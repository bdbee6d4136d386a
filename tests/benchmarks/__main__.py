"""`python -m tests.benchmarks [GROUP]`: measures, prints a table, writes build/bench.json.

A group is a module of this package with `def measure() -> list[Measure]`. The exit status says
whether everything was measured, never whether the goals were met: a busy machine is no defect.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks.measure import Measure

GROUPS = ("run", "rehearsal", "rest", "datastore", "wire")
RESULTS = Path("build/bench.json")
MET = {True: "met", False: "missed", None: ""}

Row = tuple[str, Measure]


def written_groups() -> list[str]:
    """The groups whose module exists."""
    return [name for name in GROUPS if Path(__file__).with_name(f"{name}.py").exists()]


def measured(groups: Iterable[str]) -> list[Row]:
    return [
        (group, measure)
        for group in groups
        for measure in import_module(f"tests.benchmarks.{group}").measure()
    ]


def as_json(rows: Iterable[Row]) -> str:
    records = [
        {
            "group": group,
            "name": measure.name,
            "value": measure.value,
            "unit": measure.unit,
            "goal": None if measure.goal is None else str(measure.goal),
            "met": measure.met,
            "peers": dict(measure.peers),
        }
        for group, measure in rows
    ]
    return json.dumps(records, indent=2, allow_nan=False) + "\n"


def as_table(rows: Iterable[Row]) -> Table:
    table = Table("Group", "Figure", title="Benchmarks")
    table.add_column("Value", justify="right")
    for heading in ("Unit", "Goal", "", "Peers"):
        table.add_column(heading)
    for group, measure in rows:
        peers = ", ".join(f"{name} {value:,.4g}" for name, value in measure.peers.items())
        goal = "" if measure.goal is None else str(measure.goal)
        table.add_row(
            group,
            measure.name,
            f"{measure.value:,.4g}",
            measure.unit,
            goal,
            MET[measure.met],
            peers,
        )
    return table


def main(arguments: Sequence[str]) -> int:
    known = written_groups()
    unknown = [name for name in arguments if name not in known]
    if unknown:
        choice = ", ".join(known) or "none yet"
        print(f"bench: no group {unknown[0]!r}; there is: {choice}", file=sys.stderr)
        return 2
    rows = measured(arguments or known)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(as_json(rows), encoding="utf-8")
    Console().print(as_table(rows))
    print(f"{len(rows)} figures in {RESULTS}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""``station unit``: what the ledger knows of one dock."""

import click

from station.cli.answer import Answer
from station.cli.main import Session, pass_session
from station.cli.verb import SERIAL, Noun
from station.cli.wording import check_lines, rehearsal_lines, run_line, unit_data
from station.domain.identity import Serial


@click.group(cls=Noun)
def unit() -> None:
    """Units: one dock each, with all of its runs."""


@unit.command("show", example="station unit show DK7F-00317")
@click.argument("serial", type=SERIAL)
@pass_session
def show(session: Session, *, serial: Serial) -> Answer:
    """Show a unit, its runs and its records.

    Records are named by fingerprints; their values are shown nowhere.
    """
    found = session.station.unit(serial)
    dock = found.dock_id.hex().upper() or "nothing unique was sent yet"
    last = found.runs[-1] if found.runs else None
    return Answer(
        unit_data(found),
        [
            f"{found.serial}  {found.product}  {found.disposition}  {found.ncr}".rstrip(),
            f"  dock id {dock}",
            *(run_line(run) for run in found.runs),
            *(
                f"  {kind} {record}  {state}  fp {mark.hex()[:16]}"
                for record, kind, state, mark in found.records
            ),
            *(["checks of the last run"] if last and last.checks else []),
            *(check_lines(last.checks) if last else []),
            *(["splash of its first boot"] if last and last.rehearsal else []),
            *(rehearsal_lines(last.rehearsal) if last else []),
        ],
    )

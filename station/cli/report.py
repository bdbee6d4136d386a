"""``station report``: documents for people and machines outside."""

from pathlib import Path

import click

from station.cli.answer import Answer
from station.cli.main import Session, pass_session
from station.cli.verb import PATH, SERIAL, Noun
from station.domain.identity import Serial


@click.group(cls=Noun)
def report() -> None:
    """Reports with the signed evidence beside them."""


@report.command("unit", example="station report unit DK7F-00317 --out reports/")
@click.argument("serial", type=SERIAL)
@click.option("--out", type=PATH, required=True, metavar="DIR", help="Folder; made if missing.")
@pass_session
def unit(session: Session, *, serial: Serial, out: Path) -> Answer:
    """Write the report of a unit.

    The signed statement of each of its runs is written beside it.
    """
    written = session.station.report_unit(serial, out)
    return Answer(
        {"serial": serial.text, "files": [str(path) for path in written]},
        [f"wrote {path}" for path in written],
    )

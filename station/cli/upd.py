"""``station upd``: lots of unique-per-dock (UPD) records."""

from pathlib import Path

import click

from station.cli.answer import Answer, Grid
from station.cli.main import Session, pass_session
from station.cli.passphrase import Passphrase, asks_passphrase
from station.cli.verb import PATH, Noun


@click.group(cls=Noun)
def upd() -> None:
    """Lots of records for one dock each: tokens, keys, names."""


@upd.command(
    "import",
    example="station upd import tokens.csv --lot T-26-4 --kind enrolment-token --product DK-7F",
)
@click.argument("file", type=PATH)
@click.option("--lot", default="", metavar="LOT", help="Id of the lot; a JSON file states it.")
@click.option("--kind", default="", metavar="KIND", help="What the records are; as above.")
@click.option("--product", default="", metavar="P", help="Product they are for; as above.")
@asks_passphrase
@pass_session
def take(
    session: Session, *, file: Path, lot: str, kind: str, product: str, ask: Passphrase
) -> Answer:
    """Take a lot into the ledger, encrypted.

    FILE is CSV or JSON. It is taken whole or not at all; the same lot again changes nothing.
    """
    taken, new = session.station.import_lot(file, lot=lot, kind=kind, product=product, ask=ask)
    return Answer(
        {"lot": taken, "new_records": new},
        [
            f"lot {taken}: {new:,} new records. Destroy {file} now."
            if new
            else f"lot {taken} was here already; nothing changed"
        ],
    )


@upd.command("stock", example="station upd stock --lot T-26-4")
@click.option("--lot", metavar="LOT", help="Only this lot.")
@pass_session
def stock(session: Session, *, lot: str | None) -> Answer:
    """Count records per state: FREE, RESERVED, SENT, ACTIVE, BURNED."""
    counts = session.station.stock(lot)
    return Answer(
        {"lot": lot, "upd": dict(counts)},
        [
            Grid(
                ("LOT", *(state.value for state in counts)),
                ((lot or "(all)", *(f"{count:,}" for count in counts.values())),),
            )
        ],
    )

"""``station worker``: the line without a screen, for a program that drives it."""

from pathlib import Path

import click

from station.cli.bench import asks_slots
from station.cli.main import Session, pass_session
from station.cli.passphrase import Passphrase, asks_passphrase
from station.cli.stopping import stoppable
from station.cli.verb import ORDER_NAME, Verb


@click.command(
    "worker",
    cls=Verb,
    example="station worker --slots bench.yaml --order WO-1 --passphrase-file secret",
)
@asks_slots
@click.option(
    "--order", type=ORDER_NAME, metavar="O", help="Work order to begin with; or send one."
)
@asks_passphrase
@pass_session
def worker(
    session: Session,
    *,
    ports: tuple[str, ...],
    slot_map: Path | None,
    order: str | None,
    ask: Passphrase,
) -> int:
    """Serve the slots of this station for another program.

    Takes commands on standard input and tells what happens on standard output, one JSON object a
    line (docs/spec/worker.md), with and without --json. Ends in order with its input, Ctrl-C or
    SIGTERM: runs that are under way end as ABORTED.
    """
    with stoppable() as cancel:
        session.serve_worker(
            session.places_of(ports, slot_map), order=order or "", ask=ask, cancel=cancel
        )
    return 0

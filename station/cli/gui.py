"""``station gui``: the operator screen."""

from collections.abc import Callable
from pathlib import Path

import click

from station.cli.bench import asks_slots
from station.cli.main import Session, pass_session
from station.cli.passphrase import Passphrase, asks_passphrase
from station.cli.verb import ORDER_NAME, Verb


@click.command("gui", cls=Verb, example="station gui --order WO-1")
@asks_slots
@click.option(
    "--order", type=ORDER_NAME, metavar="O", help="Work order to begin with; or scan its card."
)
@asks_passphrase
@pass_session
def gui(
    session: Session,
    *,
    ports: tuple[str, ...],
    slot_map: Path | None,
    order: str | None,
    ask: Passphrase,
) -> int:
    """Open the operator screen of this station.

    The keys are opened first; then docks may come and go at the slots. More than 32 slots are
    served by a process of their own.
    """
    noticed: list[Callable[[], None]] = []

    def changed() -> None:
        for notice in noticed:
            notice()

    with session.front_line(ports, slot_map, order=order or "", ask=ask, changed=changed) as line:

        def make_line(notice: Callable[[], None]) -> object:
            noticed.append(notice)
            return line

        return session.open_window(make_line, demo=session.demo)

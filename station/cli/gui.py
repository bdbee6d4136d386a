"""``station gui``: the operator screen."""

from collections.abc import Callable

import click

from station.cli.main import Session, pass_session
from station.cli.passphrase import Passphrase, asks_passphrase
from station.cli.verb import ORDER_NAME, Verb


@click.command("gui", cls=Verb, example="station gui --port /dev/ttyACM0 --order WO-1")
@click.option(
    "--port",
    "ports",
    multiple=True,
    required=True,
    metavar="P",
    help="Serial port of a slot, slot 1 first; give it once per slot.",
)
@click.option(
    "--order", type=ORDER_NAME, metavar="O", help="Work order to begin with; or scan its card."
)
@asks_passphrase
@pass_session
def gui(session: Session, *, ports: tuple[str, ...], order: str | None, ask: Passphrase) -> int:
    """Open the operator screen of this station.

    The keys are opened first; then docks may come and go at the ports named.
    """
    noticed: list[Callable[[], None]] = []

    def changed() -> None:
        for notice in noticed:
            notice()

    with session.station.open_line(ports, order=order or "", ask=ask, changed=changed) as line:

        def make_line(notice: Callable[[], None]) -> object:
            noticed.append(notice)
            return line

        return session.open_window(make_line, demo=session.demo)

"""``station dock``: a virtual dock, and what any dock holds."""

from pathlib import Path

import click

from station.cli.answer import Answer
from station.cli.main import Session, pass_session
from station.cli.progress import bytes_progress
from station.cli.stopping import stoppable
from station.cli.verb import DOCK_ID, PATH, SERIAL, Noun, port_option
from station.domain.identity import DockId, Serial


@click.group(cls=Noun)
def dock() -> None:
    """Docks without a work order: a virtual one, and reading any."""


@dock.command(
    "run",
    example="station dock run --flash dock.flash --trust keys/product-root.pem"
    " --profile dl7450-virtual --label DK7F-00317"
    f" --dock-id {'5A' * 32}",
)
@click.option(
    "--flash", type=PATH, required=True, metavar="F", help="Its flash; kept between its lives."
)
@click.option(
    "--trust", type=PATH, required=True, metavar="F", help="PEM of the product roots it believes."
)
@click.option(
    "--profile", required=True, metavar="P", help="Dock model: a built-in name or a YAML file."
)
@click.option(
    "--product", default="", metavar="NAME", help="Product it was made as; the profile's first."
)
@click.option(
    "--dock-id", type=DOCK_ID, required=True, metavar="HEX", help="Its identity: 64 hex digits."
)
@click.option("--label", type=SERIAL, required=True, metavar="SERIAL", help="Serial on its label.")
@click.option(
    "--port",
    type=PATH,
    metavar="LINK",
    help="Path under which its serial port is found; beside the flash if not given.",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="F",
    help="unplug@40%, bitflip, slow, wrong-hw, other-dock, already-locked, mute, garbage, cut@N.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of what its faults do.")
@click.option(
    "--line-rate",
    type=click.IntRange(min=1),
    metavar="B",
    help="Bytes per second its line carries, each way; without it, as fast as it goes.",
)
@click.option("--owned", is_flag=True, hidden=True, help="End when standard input ends.")
@pass_session
def run(
    session: Session,
    *,
    flash: Path,
    trust: Path,
    profile: str,
    product: str,
    dock_id: DockId,
    label: Serial,
    port: Path | None,
    faults: tuple[str, ...],
    seed: int,
    line_rate: int | None,
    owned: bool,
) -> int:
    """Be a virtual dock until told to end (Ctrl-C).

    Prints one JSON line with its port once it answers, with and without --json.
    """
    return session.run_dock(
        session.dock_wish(
            flash=flash,
            trust=trust,
            profile=profile,
            product=product,
            dock_id=dock_id,
            label=label,
            port=port,
            faults=faults,
            seed=seed,
            line_rate=line_rate,
            owned=owned,
        )
    )


@dock.command("readback", example="station dock readback --port /dev/ttyACM0 --out dock.img")
@port_option
@click.option("--out", type=PATH, required=True, metavar="FILE", help="Image to write; a new file.")
@pass_session
def readback(session: Session, *, port: str, out: Path) -> Answer:
    """Read the image a dock runs into a file.

    It may hold the dock's secrets: keep it safe.
    """
    with stoppable() as cancel, bytes_progress("Read back", quiet=session.as_json) as done:
        size_bytes = session.read_dock(port, out, done=done, cancel=cancel)
    return Answer(
        {"port": port, "file": str(out), "size": size_bytes},
        [f"read {size_bytes:,} bytes into {out}", "It may hold the dock's secrets: keep it safe."],
    )

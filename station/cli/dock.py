"""``station dock``: a virtual dock, and what any dock holds."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import click

from station.cli.answer import Answer, Grid
from station.cli.fault_forms import VerbWithFaults
from station.cli.main import Session, pass_session
from station.cli.progress import bytes_progress
from station.cli.push import push
from station.cli.stopping import stoppable
from station.cli.verb import (
    ADDRESS,
    DOCK_ID,
    GROUPS,
    PATH,
    SERIAL,
    Noun,
    port_option,
    profile_option,
)
from station.cli.wording import printable
from station.domain.identity import DockId, Serial
from station.protocol.screen_text import ScreenText, ShownBox

LATENCY_MS_MAX: Final = 60_000


@click.group(cls=Noun)
def dock() -> None:
    """Docks without a work order: a virtual one, and reading any."""


@dock.command(
    "run", cls=VerbWithFaults, example="station dock run --flash dock.flash --label DK7F-00317"
)
@click.option(
    "--flash", type=PATH, metavar="F", help="Its flash, kept between its lives; else in no file."
)
@click.option(
    "--trust",
    type=PATH,
    metavar="F",
    help="PEM of the product roots it believes; else those of this station, if it has any.",
)
@profile_option
@click.option(
    "--product", default="", metavar="NAME", help="Product it was made as; the profile's first."
)
@click.option(
    "--dock-id", type=DOCK_ID, metavar="HEX", help="Its identity: 64 hex digits; else a new one."
)
@click.option(
    "--label", type=SERIAL, metavar="SERIAL", help="Serial on its label; else one is made."
)
@click.option(
    "--port",
    type=PATH,
    metavar="LINK",
    help="Path under which its serial port is found; beside the flash if not given.",
)
@click.option(
    "--docks",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    metavar="N",
    help="How many new docks at once, kept in no file.",
)
@click.option(
    "--rest",
    type=ADDRESS,
    metavar="HOST:PORT",
    help="Serve the development REST API there, over HTTPS; port 0 is any that is free.",
)
@click.option("--plain-http", is_flag=True, help="Serve it without TLS; with --rest.")
@click.option(
    "--credentials",
    type=PATH,
    metavar="FILE",
    help="JSON of those who may use it; without it, whoever says something; with --rest.",
)
@click.option(
    "--application/--no-application",
    default=None,
    help="Run the application it holds, or not; it is run.",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="F",
    help="A way to be bad, as told below; several make a script.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of what its faults do.")
@click.option(
    "--line-rate",
    type=click.IntRange(min=1),
    metavar="B",
    help="Bytes per second its line carries, each way; without it, as fast as it goes.",
)
@click.option(
    "--latency",
    "latency_ms",
    type=click.FloatRange(0, LATENCY_MS_MAX),
    default=0.0,
    metavar="MS",
    help="Milliseconds a byte is on its way, each way; none if not given.",
)
@click.option(
    "--nor",
    type=click.Choice(["none", "typical", "slow"]),
    default="none",
    show_default=True,
    help="How long its flash takes to erase and to program: as serial NOR does, or worn out.",
)
@click.option(
    "--groups",
    type=GROUPS,
    metavar="N,N",
    help="SMP groups it serves; 0,1,8,10 is a stock server. Without it, these and 64.",
)
@click.option("--no-rom-file", is_flag=True, help="Do not serve the image that runs as a file.")
@click.option(
    "--device-key",
    type=PATH,
    metavar="F",
    help="File of the key it is made with: D1 the shared one in base64, D2 its own (key device).",
)
@click.option("--window", is_flag=True, help="Show its screen, with a hand at cable and reset.")
@click.option("--owned", is_flag=True, hidden=True, help="End when standard input ends.")
@pass_session
def run(
    session: Session,
    *,
    flash: Path | None,
    trust: Path | None,
    profile: str,
    product: str,
    dock_id: DockId | None,
    label: Serial | None,
    port: Path | None,
    docks: int,
    rest: tuple[str, int] | None,
    plain_http: bool,
    credentials: Path | None,
    application: bool | None,
    faults: tuple[str, ...],
    seed: int,
    line_rate: int | None,
    latency_ms: float,
    nor: str,
    groups: tuple[int, ...] | None,
    no_rom_file: bool,
    device_key: Path | None,
    window: bool,
    owned: bool,
) -> int:
    """Be a virtual dock until told to end (Ctrl-C).

    Prints one JSON line with its port once it answers, with and without --json.
    """
    if docks > 1 and any((flash, dock_id, label, port)):
        raise click.UsageError("--docks are new ones: no --flash, --dock-id, --label or --port")
    if rest is None and (plain_http or credentials):
        raise click.UsageError("--plain-http and --credentials go with --rest")
    if window and (docks > 1 or application is False or owned):
        raise click.UsageError("--window is for one dock that runs its application")
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
            latency_s=latency_ms / 1_000,
            nor=nor,
            groups=groups,
            rom_file=not no_rom_file,
            device_key=device_key,
            owned=owned,
            application=application,
            docks=docks,
            rest=rest,
            plain_http=plain_http,
            credentials=credentials,
        ),
        window=window,
    )


@dock.command("readback", example="station dock readback --port /dev/ttyACM0 --out dock.img")
@port_option
@profile_option
@click.option("--out", type=PATH, required=True, metavar="FILE", help="Image to write; a new file.")
@pass_session
def readback(session: Session, *, port: str, profile: str, out: Path) -> Answer:
    """Read the image a dock runs into a file.

    It may hold the dock's secrets: keep it safe.
    """
    with stoppable() as cancel, bytes_progress("Read back", quiet=session.as_json) as done:
        size_bytes = session.read_dock(port, out, profile=profile, done=done, cancel=cancel)
    return Answer(
        {"port": port, "file": str(out), "size": size_bytes},
        [f"read {size_bytes:,} bytes into {out}", "It may hold the dock's secrets: keep it safe."],
    )


@dock.command("screen", example="station dock screen --port /dev/ttyACM0 --png screen.png")
@port_option
@profile_option
@click.option("--png", type=PATH, metavar="FILE", help="Draw it into this file, too; a new file.")
@pass_session
def screen(session: Session, *, port: str, profile: str, png: Path | None) -> Answer:
    """Tell what a development dock shows.

    Its text boxes, the state of its application, and the trace if it failed. What an application
    shows may be secret.
    """
    found = session.dock_screen(port, profile, png)
    return Answer(
        {
            "port": port,
            "state": found.state,
            "trace": found.trace,
            "background": _background(found.screen),
            "boxes": [_box(box) for box in found.screen.boxes],
            "png": None if png is None else str(png),
        },
        [
            f"application {found.state}",
            *(printable(line) for line in found.trace.splitlines()),
            *([] if found.screen.trace else _screen_lines(found.screen)),
            *([f"drawn into {png}"] if png else []),
        ],
    )


def _background(screen: ScreenText) -> Mapping[str, Any] | None:
    if (background := screen.background) is None:
        return None
    return {
        "type": background.picture,
        "size": background.size_bytes,
        "sha256": background.sha256.hex(),
    }


def _box(box: ShownBox) -> Mapping[str, Any]:
    x, y = box.place or (None, None)
    return {"x": x, "y": y, "alignment": box.alignment, "markup": box.markup, "plain": box.plain}


def _screen_lines(screen: ScreenText) -> Iterator[str | Grid]:
    if (background := screen.background) is not None:
        yield f"background {background.picture or 'of no type'}, {background.size_bytes:,} bytes"
    if screen.boxes:
        yield Grid(("X", "Y", "ALIGNMENT", "TEXT"), tuple(map(_row, screen.boxes)))


def _row(box: ShownBox) -> tuple[str, ...]:
    x, y = ("centre", "") if box.place is None else map(str, box.place)
    return x, y, box.alignment, printable(box.plain.replace("\n", " / "))


@dock.command("reset", example="station dock reset --port /dev/ttyACM0")
@port_option
@profile_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def reset(session: Session, *, port: str, profile: str, yes: bool) -> Answer:
    """Bring a dock back to its manufactured state.

    What was stored in the field is gone: runtime and ephemeral are emptied. ROM stays, and its
    application starts.
    """
    if not yes:
        click.confirm(
            f"Empty everything stored in the field on the dock at {port}?", abort=True, err=True
        )
    identity = session.reset_dock(port, profile)
    return Answer(
        {"port": port, "dock_id": str(identity.dock_id), "label": identity.label},
        [f"dock {identity.label} is in its manufactured state, and has restarted"],
    )


dock.add_command(push)

"""The command line's one door: runs a command, shows what it answers, and gives the exit status.

Commands parse at the door, call the station and answer; none of them decides anything. They are
loaded when they are named, and the station behind them when it is first asked for something: so
``--version`` and ``--help`` cost next to nothing.
"""

import io
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from station.cli.answer import Answer, Trouble, show, show_trouble
from station.domain.errors import EXIT_INTERRUPTED, EXIT_USAGE, Interrupted, StationError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from station.application.cancel import Cancel
    from station.application.ports import DockIdentity
    from station.application.snapshot import LineSnapshot
    from station.bootstrap.all_docks import Served
    from station.bootstrap.demo import Demo
    from station.bootstrap.docks import DockScreen, DockWish
    from station.bootstrap.first_boot import FirstBoot, Rehearsed
    from station.bootstrap.front_line import FrontLine
    from station.bootstrap.keys import Ask
    from station.bootstrap.naming import Stated
    from station.bootstrap.pushing import Pusher
    from station.bootstrap.station import NewOrder, Station
    from station.domain.development_service import Credentials, ServiceUrl
    from station.domain.identity import DockId
    from station.domain.slot_map import SlotPlace

    DemoStation = Demo

DISTRIBUTION: Final = "dock-provisioning-station"

USAGE: Final = "E-USAGE-01"
"""Code of a command line that fits no command."""

CHILDREN: Final = frozenset({"rehearsal-child", "splash-renderer"})
"""First arguments of processes a station starts (`bootstrap/children.py`); no person's commands."""

OpenWindow = Callable[..., int]
"""Opens the operator screen on what its arguments name; returns the exit status."""


def _no_window(*_arguments: object) -> int:
    raise click.UsageError("this program has no windows")


def run(
    arguments: Sequence[str],
    *,
    open_window: OpenWindow,
    open_dock_window: OpenWindow = _no_window,
) -> int:
    """Run one command line and return its exit status.

    Every StationError becomes one line of cause and one of remedy; with ``--json`` also an object
    on standard output. Anything else that goes wrong is a fault of the program and is raised.
    """
    if arguments and arguments[0] in CHILDREN:
        from station.bootstrap.children import be_child

        be_child(arguments[0], arguments[1:])
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # an old terminal is no reason to crash
    session = Session(open_window, open_dock_window, as_json="--json" in arguments)
    try:
        answer = root.main(list(arguments), "station", standalone_mode=False, obj=session)
    except StationError as error:
        notes = tuple(getattr(error, "__notes__", ()))
        return session.refuse(
            Trouble(error.code, error.cause, error.remedy, error.exit_status, notes)
        )
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return EXIT_USAGE
    except click.ClickException as error:
        asked = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else ""
        remedy = f"See: {asked or 'station'} --help"
        return session.refuse(Trouble(USAGE, error.format_message(), remedy, EXIT_USAGE))
    except (click.Abort, KeyboardInterrupt):
        stopped = Interrupted("stopped by a person", remedy="Give the command again.")
        return session.refuse(
            Trouble(stopped.code, stopped.cause, stopped.remedy, EXIT_INTERRUPTED)
        )
    if isinstance(answer, Answer):
        show(answer, as_json=session.as_json, demo=session.demo)
        return answer.status
    return answer if isinstance(answer, int) else 0


@dataclass
class Session:
    """What the commands of one command line share: the front doors to the rest of the program.

    as_json: whether answers are one JSON object. noted_demo: the command itself is a demo.
    """

    open_window: OpenWindow
    open_dock_window: OpenWindow = _no_window
    as_json: bool = False
    noted_demo: bool = field(default=False, init=False)

    @cached_property
    def station(self) -> "Station":
        """The station of this state folder."""
        from station.bootstrap.station import this_station

        return this_station()

    def turn_demo(self) -> None:
        """Serve the state folder as a demo from now on; its ceremony will mark it."""
        from station.bootstrap.station import this_station

        self.station = this_station(demo=True)

    @property
    def demo(self) -> bool:
        """Whether what is answered counts nowhere."""
        return self.noted_demo or ("station" in self.__dict__ and self.station.demo)

    def refuse(self, trouble: Trouble) -> int:
        """Show a trouble; its exit status."""
        show_trouble(trouble, as_json=self.as_json, demo=self.demo)
        return trouble.status

    @property
    def order_wish(self) -> "type[NewOrder]":
        """What is stated of a new work order."""
        from station.bootstrap.station import NewOrder

        return NewOrder

    @property
    def stated(self) -> "type[Stated]":
        """What is stated of an imported source."""
        from station.bootstrap.naming import Stated

        return Stated

    @property
    def dock_wish(self) -> "type[DockWish]":
        """What is stated of a virtual dock."""
        from station.bootstrap.docks import DockWish

        return DockWish

    def run_dock(self, wish: "DockWish", *, window: bool) -> int:
        """Be a virtual dock until told to end, or its window is closed; the exit status."""
        from station.bootstrap.docks import run_virtual_dock

        return run_virtual_dock(wish, self.open_dock_window if window else None)

    def read_dock(
        self, port: str, out: Path, *, profile: str, done: Callable[[int], None], cancel: "Cancel"
    ) -> int:
        """Read the image a dock runs into a file; its length in bytes."""
        from station.bootstrap.docks import read_dock

        return read_dock(port, out, profile=profile, done=done, cancel=cancel)

    def reset_dock(self, port: str, profile: str) -> "DockIdentity":
        """Bring a dock back to its manufactured state; who it is."""
        from station.bootstrap.docks import reset_dock

        return reset_dock(port, profile)

    def dock_screen(self, port: str, profile: str, png: Path | None) -> "DockScreen":
        """What a development dock shows; as a picture, too, where a file is named."""
        from station.bootstrap.docks import dock_screen

        return dock_screen(port, profile, png)

    def read_credentials(self, path: Path) -> "Credentials":
        """What a developer may use a development service with."""
        from station.bootstrap.pushing import credentials_in

        return credentials_in(path)

    def pusher(
        self,
        url: "ServiceUrl",
        dock_id: "DockId",
        *,
        credentials: Callable[[], "Credentials"],
        ca: Path | None,
        sent: Callable[[int, int], None],
    ) -> "Pusher":
        """Sends to one dock behind a development service."""
        from station.bootstrap.pushing import Pusher

        return Pusher(url, dock_id, credentials=credentials, ca=ca, sent=sent)

    @property
    def first_boot(self) -> "type[FirstBoot]":
        """What is stated of a first boot to be rehearsed."""
        from station.bootstrap.first_boot import FirstBoot

        return FirstBoot

    def rehearse(self, wanted: "FirstBoot", *, cancel: "Cancel") -> "Rehearsed":
        """Rehearse a first boot."""
        from station.bootstrap.first_boot import rehearse

        return rehearse(self.station, wanted, cancel=cancel)

    def places_of(self, ports: Sequence[str], slot_map: Path | None) -> "tuple[SlotPlace, ...]":
        """The slots of a bench: one per port, or those of a map; else the station's own."""
        return self.station.bench.places(ports, slot_map)

    def provision_all(
        self,
        places: "Sequence[SlotPlace]",
        *,
        expected: bool,
        order: str,
        ask: "Ask",
        watch: "Callable[[LineSnapshot], None]",
        cancel: "Cancel",
    ) -> "Served":
        """One run for each dock on a bench."""
        from station.bootstrap.all_docks import provision_all

        return provision_all(
            self.station,
            places,
            expected=expected,
            order=order,
            ask=ask,
            watch=watch,
            cancel=cancel,
        )

    def front_line(
        self,
        ports: Sequence[str],
        slot_map: Path | None,
        *,
        order: str,
        ask: "Ask",
        changed: Callable[[], None],
    ) -> "AbstractContextManager[FrontLine]":
        """The line behind a screen."""
        from station.bootstrap.front_line import open_front_line

        return open_front_line(
            self.station, ports=ports, slot_map=slot_map, order=order, ask=ask, changed=changed
        )

    def serve_worker(
        self, places: "Sequence[SlotPlace]", *, order: str, ask: "Ask", cancel: "Cancel"
    ) -> None:
        """Be the worker of another program until the end."""
        from station.bootstrap.worker import serve

        serve(self.station, places, order=order, ask=ask, cancel=cancel)

    def set_up_demo(
        self,
        *,
        docks: int,
        units: int,
        seed: int,
        fault: str,
        scans: bool,
        changed: Callable[[], None],
    ) -> "DemoStation":
        """A demo station in a folder of its own. scans: whether its hands hold the scanner."""
        from station.bootstrap.demo import Demo, DemoWish

        wish = DemoWish(docks=docks, units=units, seed=seed, fault=fault)
        return Demo(wish, changed=changed, scans=scans)


pass_session = click.make_pass_decorator(Session)


# -- the commands, loaded when named -------------------------------------------------------------


def _bundle() -> click.Command:
    from station.cli.bundle import bundle

    return bundle


def _template() -> click.Command:
    from station.cli.template import template

    return template


def _rehearse() -> click.Command:
    from station.cli.rehearse import rehearse

    return rehearse


def _key() -> click.Command:
    from station.cli.key import key

    return key


def _upd() -> click.Command:
    from station.cli.upd import upd

    return upd


def _order() -> click.Command:
    from station.cli.order import order

    return order


def _provision() -> click.Command:
    from station.cli.provision import provision

    return provision


def _worker() -> click.Command:
    from station.cli.worker import worker

    return worker


def _verify() -> click.Command:
    from station.cli.provision import verify

    return verify


def _unit() -> click.Command:
    from station.cli.unit import unit

    return unit


def _report() -> click.Command:
    from station.cli.report import report

    return report


def _dock() -> click.Command:
    from station.cli.dock import dock

    return dock


def _slot() -> click.Command:
    from station.cli.slot import slot

    return slot


def _demo() -> click.Command:
    from station.cli.demo import demo

    return demo


def _gui() -> click.Command:
    from station.cli.gui import gui

    return gui


def _doctor() -> click.Command:
    from station.cli.doctor import doctor

    return doctor


COMMANDS: Final[Mapping[str, Callable[[], click.Command]]] = {
    "demo": _demo,
    "gui": _gui,
    "doctor": _doctor,
    "key": _key,
    "bundle": _bundle,
    "template": _template,
    "rehearse": _rehearse,
    "upd": _upd,
    "order": _order,
    "slot": _slot,
    "provision": _provision,
    "verify": _verify,
    "worker": _worker,
    "unit": _unit,
    "report": _report,
    "dock": _dock,
}
"""In the order a newcomer meets them."""


class Root(click.Group):
    """Loads a command when it is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command called `cmd_name`."""
        load = COMMANDS.get(cmd_name)
        return load() if load else None


def _show_version(ctx: click.Context, _param: click.Parameter, value: Any) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(f"station {version(DISTRIBUTION)}")
        ctx.exit()


@click.group(
    cls=Root,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_show_version,
    help="Show the version and exit.",
)
def root() -> None:
    """Dock Provisioning Station: write, read back, verify and record docks.

    The state folder is STATION_HOME. Every command takes --json and then answers with one JSON
    object.

    \b
    Exit status: 0 ok · 2 usage or input · 10 a dock does not match · 11 link · 12 identity ·
    13 token stock · 14 signing or keys · 15 record not durable · 20 blocked by policy ·
    130 interrupted
    """

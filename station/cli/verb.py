"""The shape every command has: an example in its help, ``--json`` among its options.

Also the parameters that several commands take, each parsed into its value at once.
"""

import re
from pathlib import Path
from typing import Any, Final

import click

from station.domain.bundle import is_name
from station.domain.errors import BadScan
from station.domain.identity import DockId, Serial
from station.domain.scan import OrderScan
from station.domain.scan import parse as parse_scan


class Verb(click.Command):
    """A command. example: one command line that works as it stands."""

    def __init__(self, *arguments: Any, example: str, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.example = example
        self.params.append(
            click.Option(
                ["--json"],
                is_flag=True,
                expose_value=False,
                help="Answer with one JSON object.",
            )
        )

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The example, unwrapped: it is there to be copied."""
        with formatter.section("Example"):
            formatter.write(f"{' ' * formatter.current_indent}{self.example}\n")


class Noun(click.Group):
    """A group of verbs."""

    command_class = Verb

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Verbs in the order they are used in."""
        return list(self.commands)


PORT_MAX: Final = 65_535

_GROUPS: Final = re.compile(r"[0-9]{1,5}(,[0-9]{1,5})*")

_ADDRESS: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):([0-9]{1,5})")

PATH: Final = click.Path(path_type=Path)
"""Files and folders; whether they exist is for the station to say."""


class _SerialType(click.ParamType[Serial]):
    name = "serial"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Serial:
        """Raises BadScan."""
        return value if isinstance(value, Serial) else Serial.parse(str(value))


class _DockIdType(click.ParamType[DockId]):
    name = "hex"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> DockId:
        """Raises BadScan."""
        return value if isinstance(value, DockId) else DockId.parse(str(value))


class _OrderNameType(click.ParamType[str]):
    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """A name that an order card can carry."""
        try:
            scan = parse_scan(f"WO:{value}")
        except BadScan:
            scan = None
        if scan != OrderScan(str(value)):
            self.fail("a work order's name has 1 to 64 letters, digits, . _ - or spaces")
        return str(value)


class _ProductType(click.ParamType[str]):
    name = "product"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """A name that certificates and labels can carry."""
        if not is_name(str(value)):
            self.fail("a product has a name of 1 to 64 printable characters", param, ctx)
        return str(value)


class _PatternType(click.ParamType[str]):
    name = "regex"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """A regular expression."""
        try:
            re.compile(str(value))
        except (re.error, OverflowError, RecursionError) as error:
            self.fail(f"not a regular expression: {error}", param, ctx)
        return str(value)


class _AddressType(click.ParamType[tuple[str, int]]):
    name = "address"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """A host and a port; an address of IPv6 stands in brackets."""
        found = _ADDRESS.fullmatch(str(value))
        if found is None or int(found[3]) > PORT_MAX:
            self.fail("an address is HOST:PORT, such as 127.0.0.1:0", param, ctx)
        return found[1] or found[2], int(found[3])


class _GroupsType(click.ParamType[tuple[int, ...]]):
    name = "groups"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """Numbers of SMP groups; which of them there are, the dock says."""
        if _GROUPS.fullmatch(str(value)) is None:
            self.fail("groups are numbers with commas between, such as 0,1,8,10", param, ctx)
        return tuple(map(int, str(value).split(",")))


SERIAL: Final = _SerialType()
DOCK_ID: Final = _DockIdType()
ORDER_NAME: Final = _OrderNameType()
PRODUCT: Final = _ProductType()
PATTERN: Final = _PatternType()
ADDRESS: Final = _AddressType()
GROUPS: Final = _GroupsType()

profile_option = click.option(
    "--profile",
    default="dl7450-virtual",
    show_default=True,
    metavar="P",
    help="Dock model: a built-in name or a YAML file.",
)

port_option = click.option(
    "--port",
    required=True,
    metavar="P",
    help="Serial port of the dock, such as /dev/ttyACM0.",
)

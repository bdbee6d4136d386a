"""The process of a virtual dock: one flash file, one serial port, until it is told to end.

Prints one JSON line when the port is there; commands come on standard input (`life.py`).
"""

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final, TextIO

from station.dock.factory import FactoryInfo, FactorySector
from station.dock.faults import Fault, Slow
from station.dock.flash import Flash, Geometry, PowerCut, PowerLost, open_cells
from station.dock.layout import Layout
from station.dock.life import Cable, Life
from station.dock.serial_port import serial_port
from station.dock.server import DockServer
from station.domain.errors import OperatorError
from station.domain.identity import DockId, Serial
from station.domain.profile import Profile
from station.domain.trust import Authority

POWER_LOST_STATUS: Final = 3
"""Exit status of a process that a `PowerCut` ended."""

HARDWARE: Final = "A"
"""Revision a dock reports where its product names none."""


class NoSuchProduct(OperatorError):
    """The profile has no product of this name."""

    code = "E-DOCK-04"
    remedy = "Name one of the products of the profile."


@dataclass(frozen=True, slots=True)
class Settings:
    """A virtual dock to be.

    flash: the file that is its chip, made if missing. port: path of the symlink to its port.
    hardware: revision it reports; empty for the first one of its product. seed: of everything
    random its faults do. line_bytes_per_s, line_latency_s: of the cable, each way; None for as
    fast as it goes. ends_with_commands: end when the command channel does, as for a program that
    owns its docks.
    """

    flash: Path
    port: Path
    dock_id: DockId
    label: Serial
    profile: Profile
    product: str
    authority: Authority
    hardware: str = ""
    faults: tuple[Fault, ...] = ()
    seed: int = 1
    line_bytes_per_s: float | None = None
    line_latency_s: float = 0.0
    ends_with_commands: bool = False


def run(settings: Settings, *, commands: int | None = 0, out: TextIO | None = None) -> int:
    """Be a virtual dock; the exit status: 0 when told to end, 3 when its power was cut.

    commands: descriptor of the command channel; its end means nothing. out: where the one line
    goes, standard output if None. Raises OperatorError where it cannot start.
    """
    out = sys.stdout if out is None else out
    try:
        server = _powered(settings)
        with _ending() as ending, serial_port(settings.port) as port:
            port.plug()
            out.write(_announcement(settings))
            out.flush()
            Life(
                server,
                port,
                _cable(settings),
                commands=commands,
                ends_with_commands=settings.ends_with_commands,
                ending=ending,
            ).live()
    except PowerLost:
        return POWER_LOST_STATUS
    return 0


def _powered(settings: Settings) -> DockServer:
    """The dock after power-up, started."""
    profile = settings.profile
    layout = Layout.of(slots=profile.slots, slot_bytes=profile.slot_bytes)
    flash = Flash(
        open_cells(settings.flash, layout.size_bytes),
        Geometry(layout.size_bytes),
        cut=next((one for one in settings.faults if isinstance(one, PowerCut)), None),
    )
    factory, info = FactorySector(flash, layout.factory), _info(settings)
    factory.install(info)
    return DockServer(
        flash,
        layout,
        profile=profile,
        authority=settings.authority,
        factory=factory,
        info=info,
        faults=settings.faults,
        seed=settings.seed,
    )


def _info(settings: Settings) -> FactoryInfo:
    try:
        product = settings.profile.product(settings.product)
    except KeyError as error:
        raise NoSuchProduct(
            f"the profile {settings.profile.name} has no product {settings.product!r}"
        ) from error
    return FactoryInfo(
        dock_id=settings.dock_id,
        label=settings.label,
        model=settings.profile.model,
        hardware=settings.hardware or next(iter(product.hardware_revisions), HARDWARE),
        product=product.name,
    )


def _cable(settings: Settings) -> Cable:
    slow = next((one for one in settings.faults if isinstance(one, Slow)), None)
    rate = settings.line_bytes_per_s if slow is None else float(slow.bytes_per_s)
    return Cable(rate, settings.line_latency_s)


def _announcement(settings: Settings) -> str:
    return (
        json.dumps(
            {
                "port": str(settings.port),
                "dock_id": str(settings.dock_id),
                "label": settings.label.text,
                "profile": settings.profile.name,
            }
        )
        + "\n"
    )


@contextmanager
def _ending() -> Iterator[int]:
    """A descriptor that can be read once the process is asked to end."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    handled = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {number: signal.signal(number, _noticed) for number in handled}
    wakeup = signal.set_wakeup_fd(writer)
    try:
        yield reader
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reader)
        os.close(writer)


def _noticed(_number: int, _frame: FrameType | None) -> None:
    """The wake-up descriptor says the rest."""

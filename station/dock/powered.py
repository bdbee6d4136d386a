"""A virtual dock under power: in a thread of its own, and what any other thread may do with it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace
from mmap import mmap
from typing import TypeVar

from station.datastore.field_store import FieldPartition, Usage
from station.dock.device_key import demand_level
from station.dock.factory import FactorySector
from station.dock.faults import Fault, Slow, UnknownFault
from station.dock.flash import (
    SECTOR_BYTES,
    DeadSector,
    Flash,
    Geometry,
    PowerCut,
    PowerLost,
    SlowErase,
    StuckBit,
    StuckBits,
    StuckSector,
    flash_file,
)
from station.dock.host import ApplicationSupport
from station.dock.launcher import Shown
from station.dock.layout import Area, Layout
from station.dock.life import Cable, Life
from station.dock.noise import CableFault
from station.dock.nor_timing import TIMES, Nor, NorTime
from station.dock.serial_port import serial_port
from station.dock.server import DockServer
from station.dock.settings import Settings
from station.domain.entries import Entry
from station.domain.errors import OperatorError
from station.domain.identity import DockId
from station.domain.profile import Stage

T = TypeVar("T")


class PoweredDock:
    """One dock. Implements `development.DevelopmentDock`.

    Callable from any thread but the dock's own. settings: what it is. Whatever is asked of it
    waits for it, and raises DockOff once it has ended.
    """

    def __init__(self, settings: Settings, life: Life, living: Future[None]) -> None:
        self.settings = settings
        self._life = life
        self._living = living

    @property
    def dock_id(self) -> DockId:
        """See `DevelopmentDock`."""
        return self.settings.dock_id

    @property
    def stage(self) -> Stage:
        """See `DevelopmentDock`."""
        return self.settings.profile.stage

    @property
    def on(self) -> bool:
        """Whether it has not ended yet."""
        return not self._living.done()

    @property
    def power_lost(self) -> bool:
        """Whether it ended because its power was cut."""
        return self._living.done() and isinstance(self._living.exception(), PowerLost)

    def end(self) -> None:
        """Switch it off; harmless once it is."""
        self._life.end()
        wait((self._living,))

    def ask(self, work: Callable[[DockServer], T]) -> T:
        """What `work` gives, done by the dock's own thread between two turns of its loop; a
        restart that it wants is over then. Raises what it raises.
        """
        return self._life.ask(work)

    # -- development ---------------------------------------------------------------------------

    def replace_rom(self, entries: Sequence[Entry]) -> None:
        """See `DevelopmentDock`. The dock has restarted when this returns.

        Raises DocumentRefused, too, for entries that fit no volume, and FlashFailed.
        """
        self.ask(lambda dock: dock.replace_rom(entries))

    def run_code(self, code: bytes) -> None:
        """See `DevelopmentDock`."""
        self.ask(lambda dock: dock.run_code(code))

    def deliver(self, message: bytes) -> None:
        """See `DevelopmentDock`."""
        self.ask(lambda dock: dock.deliver(message))

    # -- hands at the dock ---------------------------------------------------------------------

    def shown(self) -> Shown | None:
        """What its application does and shows now; None where it runs no code."""
        return self.ask(lambda dock: dock.shown)

    def unplug(self) -> None:
        """The cable comes out."""
        self._life.unplug()

    def plug(self) -> None:
        """And goes in again: a new port under the same path."""
        self._life.plug()

    def factory_reset(self) -> None:
        """Back to the manufactured state; the dock has restarted when this returns.

        Raises FlashFailed.
        """
        self.ask(lambda dock: dock.factory_reset())

    # -- what an application has left ----------------------------------------------------------

    def put(self, where: FieldPartition, entry: Entry) -> None:
        """Write an entry into runtime or ephemeral, as our own write API does.

        Raises StoreFull, StoreWorn, and DocumentRefused for a key-value that is no text.
        """
        self.ask(lambda dock: dock.field.put(where, entry))

    def usage(self, where: FieldPartition) -> Usage:
        """What runtime or ephemeral holds."""
        return self.ask(lambda dock: dock.field.usage(where))


@contextmanager
def powered(
    settings: Settings,
    support: ApplicationSupport | None,
    *,
    ended: Callable[[], None] = lambda: None,
) -> Iterator[PoweredDock]:
    """A dock from power-up to the end of the block; its port is there when the block begins.

    support: None for a dock that runs no code. ended: told, from another thread, when it has
    ended. Raises OperatorError where it cannot start, and PowerLost where its power is cut before
    it has. What is wrong with the dock itself is raised at the end of the block.
    """
    layout = Layout.of_profile(settings.profile)
    with (
        flash_file(settings.flash, layout.size_bytes) as cells,
        serial_port(settings.port) as port,
    ):
        flash = _flash(cells, layout, settings.faults)
        factory = FactorySector(flash, layout.factory)
        factory.install(settings.info, settings.device_key)
        demand_level(settings.profile, factory.device_key)
        server = DockServer(
            flash,
            layout,
            profile=settings.profile,
            authority=settings.authority,
            factory=factory,
            info=settings.info,
            faults=settings.faults,
            seed=settings.seed,
            support=support,
            groups=settings.groups,
            rom_file=settings.rom_file,
            buffer_bytes=settings.buffer_bytes,
        )
        try:
            port.plug()
        except OperatorError:
            server.power_off()
            raise
        life = Life(server, port, _cable(settings))
        if (times := _times(settings, life.busy)) is not None:
            flash.took_time = times
        with ThreadPoolExecutor(1, f"dock-{settings.label}") as thread:
            living = thread.submit(life.live)
            living.add_done_callback(lambda _: ended())
            try:
                yield PoweredDock(settings, life, living)
            finally:
                life.end()
        if not isinstance(error := living.exception(), PowerLost | None):
            raise error


def _flash(cells: mmap, layout: Layout, faults: Iterable[Fault]) -> Flash:
    """The chip, as bad as it is to be. Raises UnknownFault."""
    slots = Area(layout.slots[0].offset_bytes, sum(area.size_bytes for area in layout.slots))
    first_sector = slots.offset_bytes // SECTOR_BYTES
    cut, stuck, bad = None, list[StuckBits](), list[DeadSector | StuckSector]()
    for fault in faults:
        match fault:
            case PowerCut():
                cut = cut or fault
            case StuckBit(byte, bit):
                _demand(byte, slots.size_bytes)
                stuck.append(StuckBits(slots.offset_bytes + byte, 1 << bit, 0))
            case DeadSector(sector) | StuckSector(sector):
                _demand(sector, slots.size_bytes // SECTOR_BYTES)
                bad.append(replace(fault, sector=first_sector + sector))
    return Flash(cells, Geometry(layout.size_bytes), cut=cut, stuck=stuck, bad=bad)


def _demand(place: int, places: int) -> None:
    if place >= places:
        raise UnknownFault(f"the image slots end before number {place:,}, with {places - 1:,}")


def _times(settings: Settings, wait: Callable[[float], object]) -> NorTime | None:
    """None for a flash that takes no time."""
    slow = next((one for one in settings.faults if isinstance(one, SlowErase)), None)
    if slow is None and settings.nor is Nor.NONE:
        return None
    return NorTime(TIMES[settings.nor], slow, wait)


def _cable(settings: Settings) -> Cable:
    slow = next((one for one in settings.faults if isinstance(one, Slow)), None)
    rate = settings.line_bytes_per_s if slow is None else float(slow.bytes_per_s)
    faults = tuple(one for one in settings.faults if isinstance(one, CableFault))
    return Cable(rate, settings.line_latency_s, faults, settings.seed)

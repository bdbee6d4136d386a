"""Composition root of the bench: which slots there are, and what is plugged into them.

The slot map of a station lies in its state folder, and serves wherever no port is named.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from station.adapters.bench_doctor import examine_bench
from station.adapters.files.atomic import make_folder
from station.adapters.files.profiles import profiles_in_use, usb_filters
from station.adapters.files.slot_map import read_slot_map, write_slot_map
from station.adapters.hotplug.port_names import PortNames
from station.adapters.hotplug.usb_ports import Changes, UsbPorts, usb_ports
from station.adapters.hotplug.watch import PortWatch
from station.adapters.machine import SystemChance, SystemClock
from station.adapters.serial_link.docks import SerialDocks
from station.adapters.serial_link.sounding import sound
from station.application.cancel import Cancel
from station.application.ports import DockIdentity
from station.application.slot_mapping import SlotWizard, Word
from station.domain.diagnosis import Diagnosis
from station.domain.errors import ForeignDevice, LinkError, NoDock, NoSlot
from station.domain.profile import Link
from station.domain.slot_map import SlotPlace, UsbTty, dock_at, slots_at, topology_of
from station.domain.sounding import Sounding


@dataclass(frozen=True, slots=True)
class SlotFound:
    """A slot and what is plugged in there. device: None where nothing is, or nothing that has a
    descriptor. there: whether a dock may be there. trouble: why what is there is not taken."""

    place: SlotPlace
    there: bool
    device: UsbTty | None = None
    trouble: LinkError | None = None


class Bench:
    """The places of one machine. profiles: folder of the station's own dock-model profiles.

    docks: what is plugged into them, to be talked to.
    """

    def __init__(self, slot_map: Path, profiles: Path, *, usb: UsbPorts | None = None) -> None:
        self._slot_map = slot_map
        self._profiles = profiles
        self._usb = usb or usb_ports()
        self._clock = SystemClock()
        self.resolve = PortNames(self._usb, lambda: usb_filters(profiles))
        self.docks = SerialDocks(clock=self._clock, chance=SystemChance(), resolve=self.resolve)

    # -- which slots there are -----------------------------------------------------------------

    def places(
        self, ports: Sequence[str] = (), slot_map: Path | None = None
    ) -> tuple[SlotPlace, ...]:
        """The slots: one per port, else those of the map named, else those of the station's own.

        Raises NoSlot where there is none, FileUnreadable, DocumentRefused.
        """
        if ports:
            try:
                return slots_at(ports)
            except ValueError as error:
                raise NoSlot(str(error)) from error
        if slot_map is None and not self._slot_map.exists():
            raise NoSlot(
                "no slots are mapped, and no port is named",
                remedy="Map them with station slot map, or name a port with --port.",
            )
        return read_slot_map(slot_map or self._slot_map)

    def mapped(self) -> tuple[SlotPlace, ...]:
        """The station's own slots; none before the first was mapped."""
        return self.places() if self._slot_map.exists() else ()

    def place(self, number: int) -> SlotPlace:
        """The station's own slot of this number. Raises NoSlot."""
        for place in self.places():
            if place.number == number:
                return place
        raise NoSlot(f"there is no slot {number}")

    def keep(self, place: SlotPlace) -> None:
        """Make this the place of its slot, from now on; other slots stay as they are."""
        others = [one for one in self.mapped() if one.number != place.number]
        make_folder(self._slot_map.parent, mode=0o700)
        write_slot_map(self._slot_map, [*others, place])

    def switch(self, number: int, *, enabled: bool) -> SlotPlace:
        """Let runs start in a slot, or not. Raises NoSlot."""
        place = replace(self.place(number), enabled=enabled)
        self.keep(place)
        return place

    # -- what is plugged in --------------------------------------------------------------------

    def watch(
        self,
        places: Sequence[SlotPlace],
        *,
        came: Callable[[int, str], None],
        left: Callable[[int], None],
    ) -> PortWatch:
        """Tells which of these slots have a dock."""
        return PortWatch(places, self._usb, came=came, left=left)

    def look(self) -> tuple[SlotFound, ...]:
        """The station's own slots and what is in them; nothing is opened. Raises NoSlot."""
        ttys = self._usb.listed()
        return tuple(self._found(place, ttys) for place in self.places())

    def _found(self, place: SlotPlace, ttys: Sequence[UsbTty]) -> SlotFound:
        if topology_of(place.port) is None:
            device = next((tty for tty in ttys if tty.device == place.port), None)
            try:
                self.resolve(place.port)
            except ForeignDevice as error:
                return SlotFound(place, False, device, error)
            return SlotFound(place, Path(place.port).exists(), device)
        device = next((tty for tty in ttys if tty.is_at(place.port)), None)
        try:
            dock_at(place.port, ttys, self.resolve.allowed)
        except NoDock:
            return SlotFound(place, False)
        except LinkError as error:
            return SlotFound(place, False, device, error)
        return SlotFound(place, True, device)

    def diagnose(self) -> tuple[Diagnosis, ...]:
        """What stands between this machine and its docks; changes nothing."""
        return examine_bench(docks=lambda: self.resolve.allowed, slots=self.mapped)

    def learn(
        self,
        numbers: Sequence[int],
        *,
        patience_s: float,
        tell: Callable[[Word], None],
        cancel: Cancel,
    ) -> tuple[SlotPlace, ...]:
        """Have the places of these slots shown, one after the other; each is kept at once.

        Raises what `SlotWizard.learn` raises; what was learned by then is kept.
        """
        wizard = SlotWizard(
            _Plugged(self._usb),
            allowed=self.resolve.allowed,
            answers=self.identify,
            clock=self._clock,
            tell=tell,
            cancel=cancel,
        )
        learned: list[SlotPlace] = []
        for number in numbers:
            taken = {one.number: one.port for one in self.mapped() if one.number != number}
            learned.append(wizard.learn(number, taken, patience_s=patience_s))
            self.keep(learned[-1])
        return tuple(learned)

    def identify(self, port: str) -> DockIdentity:
        """Who is there. Raises LinkError."""
        with self.docks.open(port, self._link(port)) as dock:
            return dock.identify()

    def sound(
        self, place: SlotPlace, *, echoes: int, done: Callable[[int], None], cancel: Cancel
    ) -> tuple[DockIdentity, Sounding]:
        """Test the cable of a slot with the dock that is in it. Raises LinkError, Interrupted."""
        with self.docks.talk(place.port, self._link(place.port)) as talk:
            identity = self.docks.behind(talk).identify()
            return identity, sound(talk, echoes=echoes, clock=self._clock, done=done, cancel=cancel)

    def _link(self, port: str) -> Link:
        """What the wire of the device at `port` carries; the usual where no profile names it."""
        for tty in self._usb.listed():
            if tty.is_at(port) or tty.device == port:
                for profile in profiles_in_use(self._profiles):
                    if tty.accepted_by([profile.usb]):
                        return profile.link
        return Link()


class _Plugged:
    """`slot_mapping.UsbPlaces`. Told of changes from the first wait on; one thread's."""

    def __init__(self, usb: UsbPorts) -> None:
        self._usb = usb
        self._changes: Changes = usb.changes()

    def listed(self) -> tuple[UsbTty, ...]:
        return self._usb.listed()

    def wait(self, timeout_s: float) -> None:
        self._changes.wait(timeout_s)

"""The dock behind the serial port: requests in, answers out, and who may ask for what.

Sans-I/O: whoever owns the port gives it the bytes and does what `wants` says. The faults a
station can see in answers are played here, the others where the cable or the flash is.
"""

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from random import Random
from typing import Any, Final, TypeVar

from station.datastore.field_store import FieldStore
from station.dock.boot_state import FlashFailed, NotNow
from station.dock.factory import FactoryInfo, FactorySector
from station.dock.faults import (
    AlreadyLocked,
    BitFlip,
    Fault,
    Garbage,
    Mute,
    OtherDock,
    Unplug,
    WrongHardware,
)
from station.dock.firmware import Firmware
from station.dock.flash import Flash
from station.dock.host import ApplicationSupport
from station.dock.launcher import Shown
from station.dock.layout import Layout
from station.dock.slot_writer import BadRange
from station.dock.slots import Refused, refusal
from station.domain.entries import Entry
from station.domain.errors import NotForProduction
from station.domain.identity import DockId
from station.domain.profile import Profile, Stage
from station.domain.trust import Authority
from station.protocol import datastore_group as wire
from station.protocol import os_group
from station.protocol.datastore_group import DatastoreCode
from station.protocol.server import BUFFER_BYTES, BUFFERS, ServerPort
from station.protocol.shape import Done, DoneByOthers, Request, Shape

FaultT = TypeVar("FaultT")

WRONG_MODEL: Final = "DL-0000"
WRONG_REVISION: Final = "X0"
"""What a dock with wrong hardware calls itself; no profile has it."""

GARBAGE_BYTES_MAX: Final = 512


@dataclass(frozen=True, slots=True)
class Restart:
    """The firmware wants a restart, once the answers are out."""


@dataclass(frozen=True, slots=True)
class PulledOut:
    """Somebody pulls the cable out now. back_after_s: None for until somebody plugs it in."""

    back_after_s: float | None


Want = Restart | PulledOut
"""What is to be done by whoever owns the port."""


class DockServer:
    """One dock, running, until `power_off`.

    support: None for a dock that runs no code. seed: decides which bit flips and what garbage is
    sent. chance: gives random octets for keys and salts. Raises PowerLost from every method.
    """

    def __init__(
        self,
        flash: Flash,
        layout: Layout,
        *,
        profile: Profile,
        authority: Authority,
        factory: FactorySector,
        info: FactoryInfo,
        faults: Iterable[Fault] = (),
        seed: int = 0,
        support: ApplicationSupport | None = None,
        chance: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._flash = flash
        self._profile = profile
        self._factory = factory
        self._info = info
        self._faults = tuple(faults)
        self._random = Random(seed)  # noqa: S311 (faults must be repeatable, not secret)
        self._port = ServerPort(
            (*os_group.REQUESTS, *wire.REQUESTS), buf_size=BUFFER_BYTES, buf_count=BUFFERS
        )
        self._firmware = Firmware(
            flash,
            layout,
            profile=profile,
            authority=authority,
            info=info,
            support=support,
            chance=chance,
        )
        self._unplugged_once = False
        self._restarts = 0
        self.wants: Want | None = None

    def receive(self, data: bytes) -> bytes:
        """What the line carries in; what it is to carry back."""
        if self._fault(Mute):
            return b""
        if self._fault(Garbage):
            return self._random.randbytes(self._random.randint(1, GARBAGE_BYTES_MAX))
        for call in self._port.receive(data):
            try:
                answer = self._answer(call.request)
            except (Refused, BadRange, FlashFailed, NotNow) as error:
                refused = refusal(error)
                self._port.refuse(call, refused.code, group=wire.GROUP, reason=refused.reason)
            else:
                self._port.answer(call, answer)
        self._pull_the_plug()
        return self._port.to_send()

    def client_left(self) -> None:
        """The connection has ended; the next client may speak another framing."""
        self._port.reset()

    def restart(self) -> None:
        """Start again, as after a reset; what only memory held is gone."""
        self.wants = None
        self._restarts += 1
        self._port.reset()
        self._firmware.restart()
        if self._fault(BitFlip) and self._firmware.slots.running.new:
            self._flip_a_bit()

    def power_off(self) -> None:
        """End what runs outside this object: the application."""
        self._firmware.power_off()

    def factory_reset(self) -> None:
        """Back to the manufactured state: ROM alone lasts. Raises FlashFailed."""
        self.wants = Restart()
        self._firmware.empty_field()

    # -- the application -----------------------------------------------------------------------

    def fileno(self) -> int:
        """Can be read when the application is to be attended to; -1 where there is none."""
        return self._firmware.launcher.fileno()

    def attend(self) -> None:
        """Hear what the application has to say."""
        self._firmware.launcher.attend()

    @property
    def shown(self) -> Shown | None:
        """What the application does and shows; None where this dock runs no code."""
        launcher = self._firmware.launcher
        return None if launcher.screen is None else launcher.shown

    @property
    def field(self) -> FieldStore:
        """Runtime and ephemeral, to be written by our own calls."""
        return self._firmware.store.field

    # -- development ---------------------------------------------------------------------------

    def replace_rom(self, entries: Sequence[Entry]) -> None:
        """See `DevelopmentDock`; the restart is wanted, not made.

        Raises NotForProduction, OverBudget and DocumentRefused with nothing changed, and
        FlashFailed.
        """
        self._demand_development()
        image = self._firmware.development_image(entries)
        self.wants = Restart()
        self._firmware.replace(image)

    def run_code(self, code: bytes) -> None:
        """See `DevelopmentDock`. Raises NotForProduction and StoreFull with nothing changed."""
        self._demand_development()
        self._firmware.run_code(code)

    def deliver(self, message: bytes) -> None:
        """See `DevelopmentDock`. Raises NotForProduction."""
        self._demand_development()
        self._firmware.launcher.deliver(message)

    def _demand_development(self) -> None:
        """A dock for production has none of this, and neither has one that was closed."""
        if self._profile.stage is Stage.PRODUCTION:
            raise NotForProduction(f"{self._info.label} was made for production")
        if self._locked:
            raise NotForProduction(f"{self._info.label} is locked")

    # -- answers -------------------------------------------------------------------------------

    def _answer(self, request: Request[Any]) -> Shape:
        firmware = self._firmware
        slots, store = firmware.slots, firmware.store
        match request:
            case wire.Write():
                return slots.write(request)
            case wire.Read():
                return slots.read(request)
            case wire.Identify():
                return self._identity()
            case wire.Challenge():
                return slots.challenge(request)
            case wire.SlotState():
                return slots.state()
            case wire.BlockDigests():
                return slots.digests(request)
            case wire.Begin():
                return self._begin(request)
            case wire.Copy():
                return slots.copy(request)
            case wire.Commit():
                return slots.commit(request)
            case wire.Confirm():
                return slots.confirm(request)
            case wire.Names():
                return store.names(request, message_max=BUFFER_BYTES)
            case wire.Entry():
                return store.entry(request)
            case wire.CodeInfo():
                return store.code_info()
            case wire.Application():
                return firmware.application()
            case wire.Screen():
                return firmware.screen(request)
            case wire.FactoryReset():
                self.factory_reset()
                return Done()
            case wire.Lock():
                slots.stop_writing()
                self._factory.lock()
                return Done()
            case wire.LockProbe():
                return wire.LockProbeAnswer(supported=True, locked=self._locked)
            case _:
                return self._operating_system(request)

    def _operating_system(self, request: Request[Any]) -> Shape:
        match request:
            case os_group.Echo(text):
                return os_group.EchoAnswer(text)
            case os_group.Reset():
                self.wants = Restart()
                return DoneByOthers()
            case os_group.Info():
                return os_group.InfoAnswer(f"{self._profile.model} virtual dock")
            case os_group.Bootloader():
                return os_group.BootloaderAnswer("virtual dock")
            case _:
                raise Refused(DatastoreCode.UNSUPPORTED)

    def _begin(self, request: wire.Begin) -> Done:
        if self._locked:
            raise Refused(DatastoreCode.LOCKED)
        return self._firmware.begin(request)

    # -- who it is -----------------------------------------------------------------------------

    def _identity(self) -> wire.Identity:
        identity = wire.Identity(
            dock_id=self._dock_id.octets,
            label=self._info.label.text,
            model=self._info.model,
            hardware_revision=self._info.hardware,
            profile=self._profile.name,
            product=self._info.product,
            security_counter=self._firmware.slots.counter,
            assurance=wire.Assurance(self._profile.assurance.value),
            slot_size=self._profile.slot_bytes,
            locked=self._locked,
        )
        if self._fault(WrongHardware):
            return replace(identity, model=WRONG_MODEL, hardware_revision=WRONG_REVISION)
        return identity

    @property
    def _dock_id(self) -> DockId:
        """Another one after a restart, if somebody swaps docks meanwhile."""
        if self._restarts > 0 and self._fault(OtherDock) is not None:
            return DockId(sha256(self._info.dock_id.octets).digest())
        return self._info.dock_id

    @property
    def _locked(self) -> bool:
        return self._factory.locked or self._fault(AlreadyLocked) is not None

    # -- what goes wrong -----------------------------------------------------------------------

    def _fault(self, kind: type[FaultT]) -> FaultT | None:
        return next((one for one in self._faults if isinstance(one, kind)), None)

    def _pull_the_plug(self) -> None:
        fault, written = self._fault(Unplug), self._firmware.slots.written
        if fault is None or written is None or self._unplugged_once or self.wants:
            return
        if written.done_bytes * 100 >= written.size_bytes * fault.percent:
            self._unplugged_once = True
            self.wants = PulledOut(fault.back_after_s)

    def _flip_a_bit(self) -> None:
        slots = self._firmware.slots
        active = slots.state().active
        if active is not None:
            offset = slots.active_area.offset_bytes + self._random.randrange(active.size)
            self._flash.disturb(offset, bit=self._random.randrange(8))

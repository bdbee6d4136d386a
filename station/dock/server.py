"""The firmware behind the serial port: requests in, answers out, and what the dock does by itself.

Sans-I/O: whoever owns the port gives it the bytes and does what `wants` says. The faults a
station can see in answers are played here, the others where the cable or the flash is.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import sha256
from random import Random
from typing import Any, Final, TypeVar

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
from station.dock.flash import Flash
from station.dock.layout import Layout
from station.dock.runtime import Runtime, inspection
from station.dock.slot_writer import BadRange
from station.dock.slots import Refused, Slots, refusal
from station.domain.identity import DockId
from station.domain.profile import Profile
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
    """One dock, running. `seed` decides which bit flips and what garbage is sent.

    Raises PowerLost from every method.
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
        self._runtime = Runtime(profile)
        self._slots = Slots(flash, layout, inspection(authority, info.dock_id, info.product))
        self._runtime.mount(self._slots.running)
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
        self._slots.restart()
        self._runtime.mount(self._slots.running)
        if self._fault(BitFlip) and self._slots.on_trial:
            self._flip_a_bit()

    def factory_reset(self) -> None:
        """Back to the manufactured state: only ROM lasts in this dock, so starting again is all."""
        self.wants = Restart()

    def _answer(self, request: Request[Any]) -> Shape:
        slots, runtime = self._slots, self._runtime
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
                return runtime.names(request, message_max=BUFFER_BYTES)
            case wire.Entry():
                return runtime.entry(request)
            case wire.CodeInfo():
                return runtime.code_info()
            case wire.Application():
                return runtime.application()
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
        done = self._slots.begin(request)
        self._runtime.mount(self._slots.running)  # a trial was given up with it
        return done

    # -- who it is -----------------------------------------------------------------------------

    def _identity(self) -> wire.Identity:
        identity = wire.Identity(
            dock_id=self._dock_id.octets,
            label=self._info.label.text,
            model=self._info.model,
            hardware_revision=self._info.hardware,
            profile=self._profile.name,
            product=self._info.product,
            security_counter=self._slots.counter,
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
        fault, written = self._fault(Unplug), self._slots.written
        if fault is None or written is None or self._unplugged_once or self.wants:
            return
        if written.done_bytes * 100 >= written.size_bytes * fault.percent:
            self._unplugged_once = True
            self.wants = PulledOut(fault.back_after_s)

    def _flip_a_bit(self) -> None:
        active = self._slots.state().active
        if active is not None:
            offset = self._slots.active_area.offset_bytes + self._random.randrange(active.size)
            self._flash.disturb(offset, bit=self._random.randrange(8))

"""The dock behind the serial port: requests in, answers out, and who may ask for what.

Sans-I/O: whoever owns the port gives it the bytes and does what `wants` says. The faults a
station can see in answers are played here, the others where the cable or the flash is.
"""

import secrets
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from math import inf
from random import Random
from typing import Any, Final, TypeVar

from station.datastore.field_store import FieldStore
from station.dock.boot_state import FlashFailed, NotNow
from station.dock.device_key import OwnKey
from station.dock.factory import FactoryInfo, FactorySector
from station.dock.faults import (
    AlreadyLocked,
    BitFlip,
    Fault,
    OtherDock,
    Unplug,
    WrongHardware,
)
from station.dock.firmware import Firmware
from station.dock.flash import Flash
from station.dock.host import ApplicationSupport
from station.dock.launcher import Shown
from station.dock.layout import Layout
from station.dock.mischief import Turn, mischief_of
from station.dock.slot_writer import BadRange
from station.dock.slots import Refused, plain, refusal
from station.dock.stock_files import Content, StockFiles
from station.dock.stock_groups import ALL_GROUPS, StockGroups, requests_of
from station.dock.stock_images import StockImages
from station.dock.stock_refusal import StockRefused
from station.dock.stock_system import PLATFORM, Facts, info
from station.domain.entries import Entry
from station.domain.errors import NotForProduction
from station.domain.identity import DockId
from station.domain.profile import Compression, Profile, Stage
from station.domain.trust import Authority
from station.protocol import datastore_group as wire
from station.protocol import enumeration_group, filesystem_group, image_group, os_group
from station.protocol.client import MESSAGE_BYTES_MAX
from station.protocol.datastore_group import DatastoreCode
from station.protocol.framing import Framing
from station.protocol.server import BUFFER_BYTES, BUFFERS, ServerPort
from station.protocol.shape import Done, DoneByOthers, Request, Shape
from station.protocol.smp import ReturnCode

FaultT = TypeVar("FaultT")

WRONG_MODEL: Final = "DL-0000"
WRONG_REVISION: Final = "X0"
"""What a dock with wrong hardware calls itself; no profile has it."""

SWAP_S: Final = 0.1
"""How long it takes to swap docks."""


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

    support: None for a dock that runs no code. groups: SMP groups that are served. rom_file:
    whether one of its files is the image that runs. seed: decides which bit flips and what garbage
    is sent. buffer_bytes: of each of its buffers. chance: gives random octets for keys and salts.
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
        support: ApplicationSupport | None = None,
        groups: Collection[int] = ALL_GROUPS,
        rom_file: bool = True,
        buffer_bytes: int = BUFFER_BYTES,
        chance: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._flash = flash
        self._profile = profile
        self._factory = factory
        self._info = info
        self._key = factory.device_key
        self._faults = tuple(faults)
        self._random = Random(seed)  # noqa: S311 (faults must be repeatable, not secret)
        self._buffer_bytes = buffer_bytes
        self._port = ServerPort(requests_of(groups), buf_size=buffer_bytes, buf_count=BUFFERS)
        self._firmware = Firmware(
            flash,
            layout,
            profile=profile,
            authority=authority,
            info=info,
            support=support,
            chance=chance,
            own_key=self._own_key,
        )
        self._mischief = mischief_of(self._faults, self._random)
        self._images = StockImages(self._firmware, layout, locked=lambda: self._locked)
        self._files = StockFiles(
            self._stored_files(rom=rom_file), message_max=min(MESSAGE_BYTES_MAX, buffer_bytes)
        )
        self._groups = StockGroups(groups)
        self._unplugged_once = False
        self._restarts = 0
        self._swapped = False
        self.wants: Want | None = None

    def receive(self, data: bytes, now_s: float = 0.0) -> bytes:
        """What the line carries in; what it is to carry back. now_s: as of `unasked`."""
        mischief = self._mischief
        if mischief is not None and mischief.deaf:
            return self.answered(now_s)
        for call in self._port.receive(data):
            if mischief is not None and self._goes_wrong(call.request):
                break
            try:
                answer = self._answer(call.request)
            except StockRefused as no:
                self._port.refuse(call, no.code, group=no.group, reason=no.reason)
            except (Refused, BadRange, FlashFailed, NotNow) as error:
                refused = refusal(error)
                self._port.refuse(call, refused.code, group=wire.GROUP, reason=refused.reason)
            else:
                self._port.answer(call, answer)
            if mischief is not None:
                framing = self._port.framing or Framing.COBS
                mischief.answered(call.request, self._port.to_send(), framing, now_s)
        self._pull_the_plug()
        return self.answered(now_s)

    def answered(self, now_s: float = 0.0) -> bytes:
        """The answers given since the last time: while `receive` is at work, those to requests
        before the one that is being carried out.
        """
        sent = self._port.to_send()
        if self._mischief is not None:
            sent = self._mischief.to_send(sent, self._port.framing, now_s)
        return sent

    @property
    def unasked_at_s(self) -> float:
        """When `unasked` has something; infinity where nothing goes wrong."""
        return inf if self._mischief is None else self._mischief.due_at_s

    def unasked(self, now_s: float) -> bytes:
        """What the line is to carry although nobody asks for it now. now_s: monotonic seconds."""
        return b"" if self._mischief is None else self._mischief.due(now_s)

    def client_left(self) -> None:
        """The connection has ended; the next client may speak another framing."""
        self._port.reset()

    def restart(self) -> None:
        """Start again, as after a reset; what only memory held is gone."""
        self.wants = None
        self._restarts += 1
        self._port.reset()
        if self._mischief is not None:
            self._mischief.restarted()
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
                return slots.write(plain(request, self._methods))
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
                return store.names(request, message_max=self._buffer_bytes)
            case wire.Entry():
                return store.entry(request)
            case wire.EntryProof():
                return store.entry_proof(request)
            case wire.Prove():
                return self._prove(request)
            case wire.CodeInfo():
                return store.code_info()
            case wire.Application():
                return firmware.application()
            case wire.Screen():
                return firmware.screen(request)
            case wire.FactoryReset(dock_id):
                self._demand_meant(dock_id)
                self.factory_reset()
                return Done()
            case wire.Lock():
                slots.stop_writing()
                self._factory.lock()
                return Done()
            case wire.LockProbe():
                return wire.LockProbeAnswer(supported=True, locked=self._locked)
            case _:
                return self._stock(request)

    def _stock(self, request: Request[Any]) -> Shape:
        """The groups that others specify."""
        match request.GROUP:
            case image_group.GROUP:
                return self._images.answer(request)
            case filesystem_group.GROUP:
                return self._files.answer(request)
            case enumeration_group.GROUP:
                return self._groups.answer(request)
            case _:
                return self._operating_system(request)

    def _operating_system(self, request: Request[Any]) -> Shape:
        match request:
            case os_group.Echo(text):
                return os_group.EchoAnswer(text)
            case os_group.Reset():
                self.wants = Restart()
                return DoneByOthers()
            case os_group.Info(parts):
                return os_group.InfoAnswer(info(parts, self._facts()))
            case os_group.Bootloader(None):
                return os_group.BootloaderAnswer(PLATFORM)
            case os_group.Bootloader():
                raise StockRefused(os_group.SystemCode.QUERY_YIELDS_NO_ANSWER)
            case _:
                raise StockRefused(ReturnCode.NOT_SUPPORTED)

    def _begin(self, request: wire.Begin) -> Done:
        self._demand_meant(request.dock_id)
        if self._locked:
            raise Refused(DatastoreCode.LOCKED)
        return self._firmware.begin(request)

    # -- who it is -----------------------------------------------------------------------------

    def _demand_meant(self, dock_id: bytes | None) -> None:
        """A request sent again may find another dock where it was meant for the one before."""
        if dock_id is not None and dock_id != self._dock_id.octets:
            raise Refused(DatastoreCode.OTHER_DOCK)

    def _prove(self, request: wire.Prove) -> wire.ProveAnswer:
        if self._key is None:
            raise Refused(DatastoreCode.UNSUPPORTED, "this dock has no key")
        return self._key.prove(request, self._dock_id)

    @property
    def _own_key(self) -> OwnKey | None:
        """What unique data is sealed to, on a dock that has such a key."""
        return self._key if isinstance(self._key, OwnKey) else None

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
            compression=self._methods,
        )
        if self._fault(WrongHardware):
            return replace(identity, model=WRONG_MODEL, hardware_revision=WRONG_REVISION)
        return identity

    def _facts(self) -> Facts:
        identity = self._identity()
        return Facts(
            model=identity.model,
            label=identity.label,
            release=self._images.release,
            profile=identity.profile,
            product=identity.product,
            hardware=identity.hardware_revision,
        )

    def _stored_files(self, *, rom: bool) -> dict[str, Content]:
        link = self._profile.link
        files: dict[str, Content] = {link.identity_path: lambda: self._identity().to_document()}
        if rom and link.rom_path:
            files[link.rom_path] = self._firmware.slots.running_image
        return files

    @property
    def _methods(self) -> tuple[str, ...]:
        """What this model can inflate."""
        method = self._profile.link.compression
        return () if method is Compression.NONE else (method.value,)

    @property
    def _dock_id(self) -> DockId:
        """Another one, if somebody has swapped docks: after a restart, or when he was to."""
        if self._swapped or (self._restarts > 0 and OtherDock() in self._faults):
            return DockId(sha256(self._info.dock_id.octets).digest())
        return self._info.dock_id

    @property
    def _locked(self) -> bool:
        return self._factory.locked or self._fault(AlreadyLocked) is not None

    # -- what goes wrong -----------------------------------------------------------------------

    def _fault(self, kind: type[FaultT]) -> FaultT | None:
        return next((one for one in self._faults if isinstance(one, kind)), None)

    def _goes_wrong(self, request: Request[Any]) -> bool:
        """Whether this request is not carried out, nor what came with it."""
        turn = Turn.AS_EVER if self._mischief is None else self._mischief.turn(request)
        if turn is Turn.OTHER_DOCK:
            self.restart()
            self._swapped = True
            self.wants = PulledOut(SWAP_S)
        return turn is not Turn.AS_EVER

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

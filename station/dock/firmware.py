"""What runs on the dock between a start and the next: image, datastore and application, joined.

Whatever changes what an application finds ends it first, and starts the one that is found then.
Development calls are carried out for whoever may ask; who may, the server decides.
"""

from collections.abc import Callable, Sequence

from station.datastore.field_store import FieldPartition
from station.datastore.volume import SALT_BYTES
from station.dock.boot_state import FlashFailed
from station.dock.development_image import Sealing, pack, seal
from station.dock.development_key import DevelopmentKey
from station.dock.device_key import OwnKey
from station.dock.factory import FactoryInfo
from station.dock.field_partitions import open_ephemeral, open_runtime
from station.dock.flash import Flash
from station.dock.host import ApplicationSupport
from station.dock.inspection import inspection
from station.dock.launcher import Launcher, has_code
from station.dock.layout import Layout
from station.dock.screen import Screen
from station.dock.slots import Refused, Slots, cut
from station.dock.store import DockStore
from station.domain.entries import APPLICATION_NAME, Entry, Kind
from station.domain.errors import ScreenNotDrawn, StoreWorn
from station.domain.profile import Profile, Stage
from station.domain.trust import Authority
from station.protocol import datastore_group as wire
from station.protocol.datastore_group import DatastoreCode
from station.protocol.shape import Done


class Firmware:
    """Made started; `restart` starts again, and `power_off` ends what it started.

    support: None for a dock that runs no code. chance: gives that many random octets. own_key:
    what its unique data is sealed to. Every method may raise PowerLost.
    """

    def __init__(
        self,
        flash: Flash,
        layout: Layout,
        *,
        profile: Profile,
        authority: Authority,
        info: FactoryInfo,
        support: ApplicationSupport | None,
        chance: Callable[[int], bytes],
        own_key: OwnKey | None = None,
    ) -> None:
        self._profile = profile
        self._chance = chance
        self._info = info
        self._key = DevelopmentKey(flash, layout.development)
        self.slots = Slots(
            flash,
            layout,
            inspection(
                authority,
                info.dock_id,
                info.product,
                development_key=self._seals_with,
                unseal=None if own_key is None else own_key.unseal,
            ),
        )
        self.store = DockStore(
            self.slots.running,
            runtime=lambda: open_runtime(flash, layout.runtime, profile),
            ephemeral=lambda: open_ephemeral(profile),
            unknown_image=profile.unknown_image,
            secretive=own_key is not None,
        )
        self.launcher = Launcher(support, dock_id=info.dock_id, unknown_image=profile.unknown_image)
        self.launcher.launch(self.store.datastore)

    # -- from start to start -------------------------------------------------------------------

    def restart(self) -> None:
        """As after a reset: what only memory held is gone."""
        self.power_off()
        self.slots.restart()
        self.store.start(self.slots.running)
        self.launcher.launch(self.store.datastore)

    def power_off(self) -> None:
        """End the application; nothing else of the dock outlives its memory."""
        self.launcher.stop()

    def begin(self, request: wire.Begin) -> Done:
        """See `Slots.begin`. An image that stops running takes its application with it."""
        before = self.slots.running
        done = self.slots.begin(request)
        if self.slots.running is not before:
            self.launcher.stop()
            self.store.mount(self.slots.running)
            self.launcher.launch(self.store.datastore)
        return done

    def empty_field(self) -> None:
        """Empty runtime and ephemeral, each whole or not at all; a restart is due then, come what
        may. Raises FlashFailed.
        """
        self.power_off()
        try:
            self.store.field.factory_reset()
        except StoreWorn as error:
            raise FlashFailed(error.cause) from error

    # -- development ---------------------------------------------------------------------------

    def development_image(self, entries: Sequence[Entry]) -> bytes:
        """An image of these that only this dock takes. Raises OverBudget, DocumentRefused and
        FlashFailed.
        """
        volumes = pack(
            entries, salt=self._chance(SALT_BYTES), budget_bytes=self._profile.rom_budget_bytes
        )
        sealing = Sealing(self._key.made(self._chance), self._info.dock_id, self._info.product)
        return seal(volumes, sealing, counter=self.slots.counter)

    def replace(self, image: bytes) -> None:
        """Let a development image run from the next start on; that is due then, come what may.

        Raises FlashFailed.
        """
        self.power_off()
        self.slots.replace(image)

    def run_code(self, code: bytes) -> None:
        """Run this in place of what runs, until the next start. Raises StoreFull."""
        self.store.field.put(FieldPartition.EPHEMERAL, Entry(Kind.CODE, APPLICATION_NAME, code))
        self.launcher.launch(self.store.datastore)

    def _seals_with(self) -> bytes | None:
        """A dock made for production takes no image of its own making, whatever its flash holds."""
        return self._key.octets if self._profile.stage is Stage.DEVELOPMENT else None

    # -- the application -----------------------------------------------------------------------

    def application(self) -> wire.ApplicationAnswer:
        """What the application does, and on a development dock what it shows.

        Raises Refused where there is code and this dock runs none.
        """
        if not has_code(self.store.datastore):
            if self.store.mounted:
                return wire.ApplicationAnswer(wire.Running.ABSENT)
            reason = cut(self.store.reason, wire.TRACE_BYTES_MAX)
            return wire.ApplicationAnswer(wire.Running.FAILED, reason)
        screen, shown = self._screen(), self.launcher.shown
        if self._profile.stage is Stage.PRODUCTION:
            return wire.ApplicationAnswer(shown.state)
        trace = cut(shown.trace, wire.TRACE_BYTES_MAX)
        return wire.ApplicationAnswer(shown.state, trace, screen.digest(shown.splash))

    def screen(self, request: wire.Screen) -> wire.ScreenAnswer:
        """A page of what the dock shows. Raises Refused."""
        if self._profile.stage is Stage.PRODUCTION:
            raise Refused(DatastoreCode.UNSUPPORTED, "made for production")
        try:
            return self._screen().page(request, self.launcher.shown.splash)
        except ScreenNotDrawn as error:
            raise Refused(DatastoreCode.UNKNOWN, error.cause) from error

    def _screen(self) -> Screen:
        if self.launcher.screen is None:
            raise Refused(DatastoreCode.UNSUPPORTED, "this virtual dock runs no application")
        return self.launcher.screen

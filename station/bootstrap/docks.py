"""Composition root of docks on their own: being a virtual one, and reading any."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from resource import RLIMIT_FSIZE, getrlimit, setrlimit
from secrets import token_bytes
from tempfile import TemporaryDirectory
from typing import Final

from station.adapters.files.atomic import write_file
from station.adapters.files.credentials import read_credentials
from station.adapters.files.profiles import built_in_profile, read_profile
from station.adapters.files.reading import read_text
from station.adapters.keys.authority import PinnedAuthority, roots_from_pem
from station.adapters.keys.device_making import read_device_key, shared_key
from station.adapters.serial_link.docks import SerialDocks
from station.application.cancel import Cancel
from station.application.ports import DockIdentity
from station.application.readback import Readback
from station.bootstrap.dock_face import DockFace
from station.bootstrap.keys import ROOTS_BYTES_MAX
from station.bootstrap.rehearsal import application_host, drawing
from station.bootstrap.slots import Bench
from station.config import load
from station.dock import main as dock_main
from station.dock.device_key import DeviceKey, OwnKey, SharedKey, WrongDeviceKey
from station.dock.faults import parse_fault
from station.dock.host import ApplicationSupport
from station.dock.labels import NoLabel, label_for
from station.dock.nor_timing import Nor
from station.dock.rest_front import RestSettings, rest_front
from station.dock.settings import Settings
from station.dock.stock_groups import ALL_GROUPS
from station.domain.errors import NotBootable
from station.domain.identity import DockId, Serial
from station.domain.profile import Assurance, Profile
from station.domain.secret import Secret
from station.protocol.screen_text import ScreenText
from station.rehearsal.markup import plain

DEFAULT_PROFILE: Final = "dl7450-virtual"
"""The dock model a virtual dock is of where nobody names another."""

DEVICE_KEY_BYTES_MAX: Final = 8_192
"""Longest file of a dock's key."""

TRIES_PER_DOCK: Final = 100
"""How often a label may be made that another dock of the process has already."""


def profile_named(name: str) -> Profile:
    """A dock-model profile by file or by built-in name."""
    return read_profile(Path(name)) if name.endswith((".yaml", ".yml")) else built_in_profile(name)


@dataclass(frozen=True, slots=True)
class DockWish:
    """Virtual docks to be; what is left out is chosen so that they work for development.

    flash: file that keeps the dock's content between lives, made if missing; None for one that is
    gone with the process. trust: PEM of the product roots it believes; None for the station's own,
    where it has any. profile: file or built-in name. dock_id, label: None for new ones. product:
    empty for the profile's first. port: path of the link under which its serial port is found, made
    beside the flash file if None. line_rate: bytes per second of its line, each way; None for as
    fast as it goes. latency_s: of its line, each way. nor: profile of its flash. groups: SMP groups
    that are served; None for all. rom_file: whether the image that runs is served as a file, too.
    device_key: file of the key a new dock is made with. owned: by the program at the other end of
    standard input, and gone with it. application: whether it runs applications; None: unless it is
    owned. docks: how many; several have new ids and labels, and nothing of them is kept. rest: host
    and port (0: any free) of the development service in front of them; None for none. plain_http:
    without TLS. credentials: file of those who may use it; None for whoever says something.
    """

    flash: Path | None = None
    trust: Path | None = None
    profile: str = DEFAULT_PROFILE
    dock_id: DockId | None = None
    label: Serial | None = None
    product: str = ""
    port: Path | None = None
    faults: Sequence[str] = ()
    seed: int = 1
    line_rate: int | None = None
    latency_s: float = 0.0
    nor: str = Nor.NONE.value
    groups: Sequence[int] | None = None
    rom_file: bool = True
    device_key: Path | None = None
    owned: bool = False
    application: bool | None = None
    docks: int = 1
    rest: tuple[str, int] | None = None
    plain_http: bool = False
    credentials: Path | None = None

    @property
    def runs_applications(self) -> bool:
        """An application is a process of its own. A person who starts a dock wants to see it; a
        program that owns docks, a demo or a test, has many, looks at their wire, and would pay a
        tenth of a second for every start.
        """
        return not self.owned if self.application is None else self.application


def run_virtual_dock(wish: DockWish, show: Callable[[DockFace], object] | None = None) -> int:
    """Be virtual docks until told to end; the process's exit status.

    show: waits for the end in front of a window of the first dock, which runs applications.

    Prints one JSON line once they answer: `port`, `dock_id`, `label` and `profile`, or `docks`,
    a list of such objects; with a development service also what `rest_front` announces.
    """
    hard = getrlimit(RLIMIT_FSIZE)[1]
    setrlimit(RLIMIT_FSIZE, (hard, hard))  # a full disk is the station's trouble, not the chip's
    with ExitStack() as stack:
        settings = tuple(_settings(wish, lambda: _kept_nowhere(stack)))
        support = stack.enter_context(application_support()) if wish.runs_applications else None
        return dock_main.run(
            settings,
            support,
            ends_with_commands=wish.owned,
            beside=_rest(wish, settings[0].flash),
            window=_window(show, support),
        )


def _window(
    show: Callable[[DockFace], object] | None, support: ApplicationSupport | None
) -> dock_main.Window | None:
    if show is None or support is None:
        return None
    return lambda docks, told: show(DockFace(docks[0], support.draw, told))


def _rest(wish: DockWish, flash: Path) -> dock_main.Beside | None:
    """The development service; its certificate lies beside the flash of the first dock."""
    if wish.rest is None:
        return None
    host, port = wish.rest
    settings = RestSettings(
        host,
        port,
        certificate=None if wish.plain_http else flash.with_suffix(".rest.pem"),
        access=None if wish.credentials is None else read_credentials(wish.credentials),
    )
    return partial(rest_front, settings)


def _kept_nowhere(stack: ExitStack) -> Path:
    """A folder that is gone with the process."""
    return Path(stack.enter_context(TemporaryDirectory(prefix="station-dock-")))


def _settings(wish: DockWish, new_folder: Callable[[], Path]) -> Iterator[Settings]:
    """new_folder: makes one for docks that are kept nowhere."""
    profile = profile_named(wish.profile)
    product = wish.product or profile.products[0].name
    authority = PinnedAuthority(_roots(wish.trust), allow_demo=True)
    faults = tuple(map(parse_fault, wish.faults))
    folder = new_folder() if wish.flash is None else wish.flash.parent
    for dock_id, label in _identities(wish, profile, product):
        flash = wish.flash or folder / f"{label}.flash"
        yield Settings(
            flash=flash,
            port=wish.port or flash.with_suffix(".tty"),
            dock_id=dock_id,
            label=label,
            profile=profile,
            product=product,
            authority=authority,
            faults=faults,
            seed=wish.seed,
            line_bytes_per_s=wish.line_rate,
            line_latency_s=wish.latency_s,
            nor=Nor(wish.nor),
            groups=ALL_GROUPS if wish.groups is None else tuple(wish.groups),
            rom_file=wish.rom_file,
            device_key=_device_key(wish.device_key, profile),
        )


def _device_key(path: Path | None, profile: Profile) -> DeviceKey | None:
    """The file of the key a dock is made with, as its assurance level has it.

    Raises FileUnreadable, KeyRefused, and WrongDeviceKey for a dock that takes none.
    """
    if path is None:
        return None
    text = read_text(path, limit_bytes=DEVICE_KEY_BYTES_MAX)
    match profile.assurance:
        case Assurance.D0:
            raise WrongDeviceKey(f"a dock of {profile.name} has assurance D0, and no key")
        case Assurance.D1:
            with shared_key(Secret.from_text(text.strip())).reveal() as octets:
                return SharedKey(bytes(octets))
        case Assurance.D2:
            return OwnKey(*read_device_key(text))


def _identities(wish: DockWish, profile: Profile, product: str) -> Iterator[tuple[DockId, Serial]]:
    """As many as there are to be docks, each label once. Raises NoLabel."""
    labels: set[Serial] = set()
    for _ in range(TRIES_PER_DOCK * wish.docks):
        dock_id = wish.dock_id or DockId(token_bytes(32))
        label = wish.label or _label(profile, product, dock_id)
        if label not in labels:
            labels.add(label)
            yield dock_id, label
        if len(labels) == wish.docks:
            return
    raise NoLabel(f"the labels of {product} are too few for {wish.docks} docks")


def _label(profile: Profile, product: str, dock_id: DockId) -> Serial:
    """A product the profile lacks is refused by the dock itself, whatever its label."""
    for one in profile.products:
        if one.name == product:
            return label_for(dock_id, one.serial_pattern)
    return Serial(str(dock_id))


def _roots(trust: Path | None) -> tuple[bytes, ...]:
    """A dock without a root takes no image over the wire: none has a certificate it believes."""
    if trust is None:
        own = load().roots
        if not own.exists():
            return ()
        trust = own
    return roots_from_pem(read_text(trust, limit_bytes=ROOTS_BYTES_MAX))


@contextmanager
def application_support() -> Iterator[ApplicationSupport]:
    draw = drawing()
    try:
        yield ApplicationSupport(application_host(), draw, plain)
    finally:
        draw.close()


@dataclass(frozen=True, slots=True)
class DockScreen:
    """What a dock shows. state, trace: of its application."""

    state: str
    trace: str
    screen: ScreenText


def reset_dock(port: str, profile: str) -> DockIdentity:
    """Bring a dock back to its manufactured state; who it is.

    profile: whose link is spoken, by file or built-in name. Raises NoWayToProve for a stock dock,
    whose field nobody can empty.
    """
    with _docks().open_own(port, profile_named(profile).link) as dock:
        identity = dock.identify()
        dock.factory_reset()
    return identity


def dock_screen(port: str, profile: str, png: Path | None) -> DockScreen:
    """What a development dock shows. png: where a picture of it is put, too; a new file.

    Raises DockRefused by a dock that does not tell.
    """
    with _docks().open_own(port, profile_named(profile).link) as dock:
        dock.identify()
        application = dock.application()
        screen = dock.screen_text()
        if png is not None:
            write_file(png, [dock.screen_png()])
    return DockScreen(application.state.value, screen.trace or application.trace, screen)


def _docks() -> SerialDocks:
    config = load()
    return Bench(config.slot_map, config.profiles).docks


def read_dock(
    port: str, out: Path, *, profile: str, done: Callable[[int], None], cancel: Cancel
) -> int:
    """Read the image a dock runs into `out`; its length in bytes. No key is needed.

    Raises NotBootable where it runs none.
    """
    with _docks().open(port, profile_named(profile).link) as dock:
        dock.identify()
        size_bytes = dock.slot_state().size_bytes
        if not size_bytes:
            raise NotBootable(f"NOT BOOTABLE: the dock on {port} runs no image")
        readback = Readback(size_bytes)
        readback.take(dock.read_back(0, size_bytes, done=done, cancel=cancel))
    write_file(out, readback.image.parts)
    return size_bytes

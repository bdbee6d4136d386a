"""Composition root of docks on their own: being a virtual one, and reading any."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from resource import RLIMIT_FSIZE, getrlimit, setrlimit

from station.adapters.files.atomic import write_file
from station.adapters.files.profiles import built_in_profile, read_profile
from station.adapters.files.reading import read_text
from station.adapters.keys.authority import PinnedAuthority, roots_from_pem
from station.adapters.machine import SystemChance, SystemClock
from station.adapters.serial_link import SerialDocks
from station.application.cancel import Cancel
from station.application.readback import Readback
from station.bootstrap.keys import ROOTS_BYTES_MAX
from station.dock import main as dock_main
from station.dock.faults import parse_fault
from station.domain.identity import DockId, Serial
from station.domain.profile import Profile


def profile_named(name: str) -> Profile:
    """A dock-model profile by file or by built-in name."""
    return read_profile(Path(name)) if name.endswith((".yaml", ".yml")) else built_in_profile(name)


@dataclass(frozen=True, slots=True)
class DockWish:
    """A virtual dock to be. flash: file that keeps its content between lives; made if missing.

    trust: PEM of the product roots it believes. profile: file or built-in name. product: empty for
    the profile's first. port: path of the link under which its serial port is found, made beside
    the flash file if None.
    line_rate: bytes per second of its line, each way; None for as fast as it goes. owned: by the
    program at the other end of standard input, and gone with it.
    """

    flash: Path
    trust: Path
    profile: str
    dock_id: DockId
    label: Serial
    product: str = ""
    port: Path | None = None
    faults: Sequence[str] = ()
    seed: int = 1
    line_rate: int | None = None
    owned: bool = False


def run_virtual_dock(wish: DockWish) -> int:
    """Be a virtual dock until told to end; the process's exit status.

    Prints one JSON line with `port`, `dock_id`, `label` and `profile` once it answers.
    """
    hard = getrlimit(RLIMIT_FSIZE)[1]
    setrlimit(RLIMIT_FSIZE, (hard, hard))  # a full disk is the station's trouble, not the chip's
    roots = roots_from_pem(read_text(wish.trust, limit_bytes=ROOTS_BYTES_MAX))
    profile = profile_named(wish.profile)
    return dock_main.run(
        dock_main.Settings(
            flash=wish.flash,
            port=wish.port or wish.flash.with_suffix(".tty"),
            dock_id=wish.dock_id,
            label=wish.label,
            profile=profile,
            product=wish.product or profile.products[0].name,
            authority=PinnedAuthority(roots, allow_demo=True),
            faults=tuple(map(parse_fault, wish.faults)),
            seed=wish.seed,
            line_bytes_per_s=wish.line_rate,
            ends_with_commands=wish.owned,
        )
    )


def read_dock(port: str, out: Path, *, done: Callable[[int], None], cancel: Cancel) -> int:
    """Read the image a dock runs into `out`; its length in bytes. No key is needed."""
    with SerialDocks(clock=SystemClock(), chance=SystemChance()).open(port) as dock:
        dock.identify()
        size_bytes = dock.slot_state().size_bytes
        readback = Readback(size_bytes)
        readback.take(dock.read_back(0, size_bytes, done=done, cancel=cancel))
    write_file(out, [readback.image])
    return size_bytes

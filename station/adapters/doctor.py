"""Examines program, machine and state folder; changes nothing and needs no passphrase.

Each check looks at one thing and says what to do about it. What other adapters know of keys and
ledger comes in as probes: callables that raise StationError where something is wrong.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from ctypes.util import find_library
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from station.domain.diagnosis import Diagnosis, Health
from station.domain.errors import StationError

PYTHON_MIN: Final = (3, 11)

QT: Final = "PySide6-Essentials"
QT_FROM: Final = (6, 11, 3)
QT_BELOW: Final = (6, 12)
"""6.12.0 drops references to None on Python before 3.12 and aborts within seconds (measured)."""

EXPIRES_SOON: Final = timedelta(days=30)

MADE_AT: Final = datetime(2026, 11, 1, tzinfo=UTC)
"""No clock that is right is behind this program."""

PLAUSIBLE_FOR: Final = timedelta(days=20 * 365)

WINDOW_LIBRARIES: Final = {
    "EGL": "libegl1",
    "GL": "libgl1",
    "dbus-1": "libdbus-1-3",
    "fontconfig": "libfontconfig1",
    "xkbcommon": "libxkbcommon0",
    "xkbcommon-x11": "libxkbcommon-x11-0",
    "xcb-cursor": "libxcb-cursor0",
    "xcb-icccm": "libxcb-icccm4",
    "xcb-image": "libxcb-image0",
    "xcb-keysyms": "libxcb-keysyms1",
    "xcb-randr": "libxcb-randr0",
    "xcb-render-util": "libxcb-render-util0",
    "xcb-shape": "libxcb-shape0",
    "xcb-xkb": "libxcb-xkb1",
}
"""What Qt loads when it opens a window on X11, and the Debian package that brings it."""


@dataclass(frozen=True, slots=True)
class KeyFact:
    """A key file in words. expires_at: None for a secret without a certificate."""

    purpose: str
    holder: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Probes:
    """Questions to the other adapters. Each raises StationError where something is wrong.

    sqlite: version of the SQLite that keeps the ledger. root: where product roots are pinned,
    None where none is. keys: every key file. ledger: opens the ledger and closes it again; what
    it holds, in words. confinement: runs an application that does nothing; how it was confined.
    """

    sqlite: Callable[[], str]
    root: Callable[[], str | None]
    keys: Callable[[], Sequence[KeyFact]]
    ledger: Callable[[], str]
    confinement: Callable[[], str]


def examine(
    home: Path,
    probes: Probes,
    *,
    now_at: datetime,
    free_bytes_min: int,
) -> tuple[Diagnosis, ...]:
    """Every check, those of the program first. free_bytes_min: below it no run may be opened."""
    return (
        python(sys.version_info[:3]),
        qt(),
        _probed("SQLite", probes.sqlite),
        window_libraries(),
        confinement(probes.confinement),
        clock(now_at),
        state_folder(home),
        disk_space(home, free_bytes_min),
        product_root(probes.root),
        *keys(probes.keys, now_at),
        _probed("ledger", probes.ledger),
    )


# -- the program -------------------------------------------------------------------------------


def python(found: tuple[int, ...]) -> Diagnosis:
    """New enough."""
    if found >= PYTHON_MIN:
        return Diagnosis("Python", Health.OK, _dotted(found))
    return Diagnosis(
        "Python", Health.BAD, _dotted(found), f"Install Python {_dotted(PYTHON_MIN)} or newer."
    )


def qt() -> Diagnosis:
    """Installed, and a version that was proved to work; nothing of it is loaded."""
    try:
        found = version(QT)
    except PackageNotFoundError:
        return Diagnosis(
            "PySide6", Health.WARN, "not installed: no operator screen", f"Install {QT}."
        )
    numbers = tuple(int(part) for part in found.split(".") if part.isdigit())
    if QT_FROM <= numbers < QT_BELOW:
        return Diagnosis("PySide6", Health.OK, found)
    return Diagnosis(
        "PySide6",
        Health.WARN,
        f"{found} was never proved with this program",
        f"Install {QT} from {_dotted(QT_FROM)} and below {_dotted(QT_BELOW)}.",
    )


def window_libraries(find: Callable[[str], str | None] = find_library) -> Diagnosis:
    """Every library a window needs."""
    missing = [package for name, package in WINDOW_LIBRARIES.items() if find(name) is None]
    if not missing:
        return Diagnosis("window libraries", Health.OK, "all found")
    return Diagnosis(
        "window libraries",
        Health.WARN,
        f"{len(missing)} missing: the operator screen may not open",
        f"sudo apt-get install {' '.join(missing)}",
    )


def confinement(probe: Callable[[], str]) -> Diagnosis:
    """A process can be kept from everything an application must not reach."""
    try:
        return Diagnosis("confinement", Health.OK, probe())
    except StationError as error:
        return Diagnosis(
            "confinement",
            Health.WARN,
            f"{error.cause}: no first boot can be rehearsed",
            "sudo apt-get install libseccomp2, and use a kernel that has seccomp filters.",
        )


# -- the machine -------------------------------------------------------------------------------


def clock(now_at: datetime) -> Diagnosis:
    """Plausible; certificates are judged by it."""
    shown = f"{now_at:%Y-%m-%d %H:%M} UTC"
    if MADE_AT <= now_at <= MADE_AT + PLAUSIBLE_FOR:
        return Diagnosis("clock", Health.OK, shown)
    return Diagnosis(
        "clock", Health.BAD, f"{shown} cannot be right", "Set the clock, and let NTP keep it."
    )


def state_folder(home: Path) -> Diagnosis:
    """Writable, or can be made."""
    existing = _existing(home)
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        return Diagnosis(
            "state folder",
            Health.BAD,
            f"{existing} may not be written",
            "Give this user the folder, or name another one in STATION_HOME.",
        )
    made = "" if existing == home else " (made when first needed)"
    return Diagnosis("state folder", Health.OK, f"{home}{made}")


def disk_space(home: Path, free_bytes_min: int) -> Diagnosis:
    """Room for runs and their records."""
    free = shutil.disk_usage(_existing(home)).free
    shown = f"{free / 1e9:,.1f} GB free"
    if free < free_bytes_min:
        return Diagnosis("disk space", Health.BAD, f"{shown}: no run may begin", "Free some space.")
    if free < 10 * free_bytes_min:
        return Diagnosis("disk space", Health.WARN, shown, "Free some space soon.")
    return Diagnosis("disk space", Health.OK, shown)


# -- the state folder --------------------------------------------------------------------------


def product_root(probe: Callable[[], str | None]) -> Diagnosis:
    """Pinned, and readable."""
    try:
        found = probe()
    except StationError as error:
        return _refused("product root", error)
    if found is None:
        return Diagnosis(
            "product root", Health.WARN, "none is pinned: nothing counts as signed", _HOLD
        )
    return Diagnosis("product root", Health.OK, found)


def keys(probe: Callable[[], Sequence[KeyFact]], now_at: datetime) -> Iterator[Diagnosis]:
    """Those a run needs are there; none is damaged, expired or about to expire."""
    try:
        found = probe()
    except StationError as error:
        yield _refused("keys", error)
        return
    for purpose, without in (
        ("station", "no dock can be provisioned"),
        ("lot", "no lot can be imported"),
        ("release", "no bundle can be built here"),
    ):
        if not any(one.purpose == purpose for one in found):
            yield Diagnosis(f"{purpose} key", Health.WARN, f"none: {without}", _HOLD)
    for one in found:
        check = f"{one.purpose} key"
        if one.expires_at is None:
            yield Diagnosis(check, Health.OK, one.holder)
            continue
        shown = f"{one.holder}, valid until {one.expires_at:%Y-%m-%d}"
        if one.expires_at <= now_at:
            yield Diagnosis(check, Health.BAD, f"{shown}: expired", _RENEW)
        elif one.expires_at <= now_at + EXPIRES_SOON:
            yield Diagnosis(check, Health.WARN, shown, _RENEW)
        else:
            yield Diagnosis(check, Health.OK, shown)


_HOLD: Final = "station key ceremony"
_RENEW: Final = "Certify a new key with the product root."


def _probed(check: str, probe: Callable[[], str]) -> Diagnosis:
    try:
        return Diagnosis(check, Health.OK, probe())
    except StationError as error:
        return _refused(check, error)


def _refused(check: str, error: StationError) -> Diagnosis:
    return Diagnosis(check, Health.BAD, f"{error.code} {error.cause}", error.remedy)


def _existing(path: Path) -> Path:
    """The path, or the nearest part of it that exists."""
    return next(one for one in (path, *path.parents) if one.exists())


def _dotted(numbers: tuple[int, ...]) -> str:
    return ".".join(str(number) for number in numbers)

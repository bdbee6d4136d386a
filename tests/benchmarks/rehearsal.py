"""A rehearsed first boot with its picture: how long it takes, and where the time goes.

The samples' own bundles, unsigned; the child that runs the application and the process that draws
are those of the real program, the second one loading while the first one works. Beside them, in
the same run: an interpreter that does nothing, and Qt drawing nothing.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

from station.adapters.files.bundle_source import read_bundle_source
from station.application.cancel import Cancel
from station.application.mounting import mounted
from station.bootstrap.rehearsal import drawing, rehearser
from station.datastore.partitions import Datastore
from station.domain.identity import DockId
from station.domain.profile import UnknownImage
from station.domain.rehearsal import Rehearsal
from station.domain.scenario import DEFAULT
from tests.benchmarks.measure import AtMost, Measure

BUNDLES: Final = Path(__file__).resolve().parents[2] / "firmware_bundles"
GOALS: Final = {"welcome": AtMost(1.0), "signage": AtMost(2.0)}
"""Seconds. The second shows three more pictures, two of them JPEG."""

RUNS: Final = 9

_BARE_QT: Final = (
    "from PySide6.QtGui import QGuiApplication, QImage;"
    " application = QGuiApplication(['x', '-platform', 'offscreen']);"
    " QImage(1920, 1080, QImage.Format.Format_RGB32).fill(0)"
)


def measure() -> list[Measure]:
    """Medians of several runs."""
    nothing_s = _median(partial(_ended, "-I", "-c", "pass"))
    qt_s = _median(partial(_ended, "-I", "-c", _BARE_QT))
    figures = []
    for name, goal in GOALS.items():
        datastore = _mounted(name)
        seen = _rehearsed(datastore)
        peers = {"python -I -c pass": nothing_s, "Qt offscreen, nothing drawn": qt_s}
        seconds = DEFAULT.run_ms / 1000
        figures += [
            Measure(
                f"{name}, {seconds:g} s of the bench, with its picture",
                _median(partial(_with_picture, datastore)),
                "s",
                goal,
                peers,
            ),
            Measure(
                f"{name}, the child alone",
                _median(partial(_rehearsed, datastore)),
                "s",
                peers={"python -I -c pass": nothing_s},
            ),
            Measure(
                f"{name}, the drawing alone",
                _median(partial(_drawn, seen)),
                "s",
                peers={"Qt offscreen, nothing drawn": qt_s},
            ),
        ]
    return figures


def _median(work: Callable[[], object]) -> float:
    def took_s() -> float:
        began_s = perf_counter()
        work()
        return perf_counter() - began_s

    work()  # files are in the cache from now on
    return median(took_s() for _ in range(RUNS))


def _mounted(name: str) -> Datastore:
    return mounted(read_bundle_source(BUNDLES / name, unstated_product="none").bundle.entries)


def _rehearsed(datastore: Datastore) -> Rehearsal:
    seen = rehearser()(
        datastore,
        DEFAULT,
        dock_id=DockId(bytes(32)),
        unknown_image=UnknownImage.RAISE,
        cancel=Cancel(),
    )
    assert not seen.error, seen.error
    return seen


def _with_picture(datastore: Datastore) -> None:
    with closing(drawing()) as draw:
        draw.start()
        draw(_rehearsed(datastore).splash)


def _drawn(seen: Rehearsal) -> None:
    with closing(drawing()) as draw:
        draw(seen.splash)


def _ended(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, env={"PATH": os.defpath})

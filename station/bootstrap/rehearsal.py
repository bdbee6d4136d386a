"""Composition root of the confined process: who rehearses, and who lets applications live."""

import os
import sys
from importlib.resources import files
from pathlib import Path
from typing import Final

from station.application.cancel import Cancel
from station.application.mounting import mounted
from station.application.ports import Draw, Rehearse
from station.application.turns import Turns
from station.bootstrap.children import APPLICATION, RENDERER
from station.datastore.partitions import Datastore
from station.domain.entries import APPLICATION_NAME, Entry, Kind
from station.domain.identity import DockId
from station.domain.profile import UnknownImage
from station.domain.rehearsal import Rehearsal
from station.domain.scenario import Scenario
from station.domain.splash import Splash
from station.rehearsal.confinement import LIBRARY
from station.rehearsal.drawing import Drawing
from station.rehearsal.host import Host
from station.rehearsal.rehearser import Rehearser

_BECOME_A_CHILD: Final = (
    "import sys; sys.path.insert(0, sys.argv[1]);"
    " from station.rehearsal.child import main; main(sys.argv[2:])"
)

_BECOME_A_RENDERER: Final = (
    "import sys; sys.path.insert(0, sys.argv[1]);"
    " from station.rehearsal.renderer import main; main()"
)


def child_command() -> tuple[str, ...]:
    """The program that becomes a child (`rehearsal.host.start`).

    An interpreter without site: no installed package and no file of a user has a say in what it
    loads; it finds the standard library and this package.
    """
    if getattr(sys, "frozen", False):
        return (sys.executable, APPLICATION)
    package = Path(str(files("station")))
    return (sys.executable, "-P", "-s", "-S", "-c", _BECOME_A_CHILD, str(package.parent))


def renderer_command() -> tuple[str, ...]:
    """The program that draws one splash (`rehearsal.drawing`): an interpreter that finds Qt."""
    if getattr(sys, "frozen", False):
        return (sys.executable, RENDERER)
    package = Path(str(files("station")))
    return (sys.executable, "-P", "-s", "-c", _BECOME_A_RENDERER, str(package.parent))


def rehearser() -> Rehearser:
    """Rehearses first boots. Implements `application.ports.Rehearse`."""
    return Rehearser(child_command())


def application_host() -> Host:
    """Lets applications live. Implements `station.dock.host.ApplicationHost`."""
    return Host(child_command())


def drawing() -> Drawing:
    """Draws splash screens. Implements both ports called `Draw`; to be closed."""
    return Drawing(renderer_command())


def children_at_once() -> Turns:
    """How many rehearsals, and how many pictures, are made at the same time: one a core."""
    return Turns(len(os.sched_getaffinity(0)))


def drawing_in_turn(draw: Drawing, turns: Turns) -> Draw:
    """The same screen, but for so many at a time: each picture is a process with Qt in it."""

    def draw_in_turn(splash: Splash) -> bytes:
        with turns.taken():
            return draw(splash)

    return draw_in_turn


def rehearser_before(draw: Drawing, turns: Turns) -> Rehearse:
    """Rehearses first boots, in turn, while the process that is going to draw them loads Qt."""
    rehearse = rehearser()

    def rehearse_and_load(
        datastore: Datastore,
        scenario: Scenario,
        *,
        dock_id: DockId,
        unknown_image: UnknownImage,
        cancel: Cancel,
    ) -> Rehearsal:
        with turns.taken(cancel):
            draw.start()
            return rehearse(
                datastore, scenario, dock_id=dock_id, unknown_image=unknown_image, cancel=cancel
            )

    return rehearse_and_load


def confinement_words() -> str:
    """How this machine confines an application, once it has confined one that does nothing.

    Raises RehearsalImpossible.
    """
    rehearser()(
        mounted((Entry(Kind.CODE, APPLICATION_NAME, b"pass"),)),
        Scenario("doctor", run_ms=0),
        dock_id=DockId(bytes(32)),
        unknown_image=UnknownImage.RAISE,
        cancel=Cancel(),
    )
    return f"an application is confined by seccomp ({LIBRARY})"

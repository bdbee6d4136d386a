"""Clauses of the dock SDK reference that need more than one moment of a dock's life."""

from dataclasses import replace

from tests.conformance.case import Case, Outcome, Reports, Shows
from tests.conformance.contents import AS_MADE, EMPTY, FACTORY, UPGRADED, WHO
from tests.conformance.virtual_dock import VirtualDock


def asked(application: str, outcome: Outcome, clause: str = "2.8") -> Case:
    return Case(clause, "in the course of a test", application, outcome, AS_MADE)


def which(dock: VirtualDock) -> str:
    """The name the running application reports."""
    found = dock.came_of(asked("", Reports(None)))
    assert isinstance(found, Reports), found
    return str(found.value[0])


def test_new_code_stops_the_old_application(dock: VirtualDock) -> None:
    """2.8: a timer of the old one would go on drawing."""
    old = asked(
        "from splashscreen import Splashscreen\nfrom wakeup import Timer\n"
        "def tick():\n    Splashscreen().add_text_box('old', {'x': 0, 'y': 0})\n"
        "tick()\nticking = Timer(tick, 5, 5)\n",
        Shows((("old", 0, 0),)),
    )
    new = asked(
        "from wakeup import Timer\nlater = Timer(lambda: report('new'), 100)\n", Reports("new")
    )

    assert dock.outcome(old) == old.outcome
    assert dock.outcome(new) == new.outcome
    assert dock.boxes() == [('"new"', None, None)]


def test_code_pushed_for_development_is_gone_after_a_restart(dock: VirtualDock) -> None:
    """1.4."""
    dock.provide(AS_MADE)
    dock.push(asked(WHO.format("pushed"), Reports(None)).source)
    assert which(dock) == "pushed"

    dock.restart()

    assert which(dock) == "version 1"


def test_a_factory_reset_goes_back_to_the_version_in_rom(dock: VirtualDock) -> None:
    """1.1 and 1.2: runtime and ephemeral are emptied, ROM is left."""
    dock.provide(UPGRADED)
    dock.restart()
    assert which(dock) == "version 2"

    dock.factory_reset()

    assert which(dock) == "version 1"


def test_a_rom_write_replaces_everything(dock: VirtualDock) -> None:
    """1.4: what is left out is gone."""
    names = (
        "from datastore import ImageStore, KvStore\n"
        "report([len(KvStore().list()), len(ImageStore().list())])\n"
    )
    texts = sum(one.picture is None for one in FACTORY.common) - 1  # the application is no text

    full = replace(asked(names, Reports([texts, 3]), "1.4"), content=FACTORY)
    bare = replace(asked(names, Reports([0, 0]), "1.4"), content=EMPTY)

    assert dock.outcome(full) == full.outcome
    assert dock.outcome(bare) == bare.outcome

"""Starts confined applications: for a virtual dock, which lets them live, and for rehearsals.

The child is a fresh interpreter that inherits one descriptor, the link to its parent, and nothing
else: no environment, no folder, no stream.
Source: docs/SPEC.md, "What is confined".
"""

import socket
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from station.datastore.partitions import Datastore
from station.domain.entries import APPLICATION_NAME, Kind
from station.domain.errors import RehearsalImpossible
from station.domain.identity import DockId
from station.domain.profile import UnknownImage
from station.domain.scenario import DEFAULT, Scenario
from station.rehearsal.application import Application, Shown
from station.rehearsal.briefing import Briefing

MEMORY_BYTES: Final = 512 * 1024 * 1024
"""Address space of a child, its interpreter included; no dock's application has as much."""

ENVIRONMENT: Final = {"PYTHONHASHSEED": "0"}
"""All of the child's; with it, sets are in the same order every time."""


class Host:
    """Lets applications live in real time. Implements `station.dock.host.ApplicationHost`.

    command: see `start`. scenario: the bench around the dock.
    """

    def __init__(self, command: Sequence[str], scenario: Scenario = DEFAULT) -> None:
        self._command = tuple(command)
        self._scenario = scenario

    def start(
        self, datastore: Datastore, *, dock_id: DockId, unknown_image: UnknownImage
    ) -> Application:
        """See `ApplicationHost`."""
        briefing = Briefing(
            scenario=replace(self._scenario, dock_id=dock_id),
            unknown_image=unknown_image,
            live=True,
            memory_bytes=MEMORY_BYTES,
            processor_s=None,
            code=application_code(datastore),
        )
        return start(self._command, datastore, briefing)


def start(
    command: Sequence[str],
    datastore: Datastore,
    briefing: Briefing,
    *,
    shown: Shown = lambda _background, _tag: None,
) -> Application:
    """Start a child and tell it what to run; waits for nothing.

    command: the program that becomes the child, up to its last argument, the number of the link's
    descriptor. Raises RehearsalImpossible where there is no process to be had.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            process = subprocess.Popen(
                [*command, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=ENVIRONMENT,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,  # Ctrl-C is for the parent
            )
        except OSError as error:
            ours.close()
            raise RehearsalImpossible(f"no process for the application: {error}") from error
    ours.setblocking(False)
    application = Application(process, ours, datastore, shown=shown)
    application.brief(briefing)
    return application


def application_code(datastore: Datastore) -> bytes:
    """The code a dock would run. Raises ValueError where there is none."""
    entry = datastore.get(Kind.CODE, APPLICATION_NAME)
    if entry is None:
        raise ValueError("the datastore holds no application")
    return bytes(entry.data)

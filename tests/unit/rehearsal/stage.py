"""A datastore with an application, and children: the real one, and liars made for a test."""

import os
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import Final

from station.application.mounting import mounted
from station.datastore.partitions import Datastore
from station.domain.entries import APPLICATION_NAME, Entry, Kind
from station.domain.identity import DockId
from station.domain.profile import UnknownImage
from station.domain.scenario import DEFAULT
from station.rehearsal.application import Application
from station.rehearsal.briefing import Briefing
from station.rehearsal.host import application_code, start

ROOT: Final = Path(__file__).resolve().parents[3]
DOCK: Final = DockId(bytes(range(32)))
PATIENCE_MS: Final = 60_000
"""Longer than anything takes; a test that waits so long has failed."""

LIAR: Final = """
import json, os, socket, struct, sys, time
link = socket.socket(fileno=int(sys.argv[1]))
def say(*head, body=b""):
    octets = json.dumps(head).encode()
    link.sendall(struct.pack(">II", len(octets), len(body)) + octets + body)
def told():
    head, body = struct.unpack(">II", link.recv(8, socket.MSG_WAITALL))
    return json.loads(link.recv(head, socket.MSG_WAITALL)), link.recv(body, socket.MSG_WAITALL)
told()
"""
"""How a liar begins: it has been told what to run."""


def datastore(code: str | bytes = "pass", *entries: Entry) -> Datastore:
    """ROM with this application and these entries."""
    octets = code if isinstance(code, bytes) else dedent(code).encode()
    return mounted((Entry(Kind.CODE, APPLICATION_NAME, octets), *entries))


def liar(script: str) -> tuple[str, ...]:
    """A child that does what it likes."""
    return (sys.executable, "-I", "-S", "-c", LIAR + dedent(script))


def begun(
    command: tuple[str, ...],
    held: Datastore | None = None,
    *,
    live: bool = False,
    code: bytes | None = None,
) -> Application:
    """An application by this child, its own or other code; without limit of time."""
    held = held or datastore()
    code = application_code(held) if code is None else code
    briefing = Briefing(
        replace(DEFAULT, dock_id=DOCK), UnknownImage.RAISE, live, 1 << 29, None, code
    )
    return start(command, held, briefing)


def attend_until(application: Application, done: Callable[[], bool]) -> None:
    """Attend to it, as a dock's loop does, until `done`, or until it has ended."""
    waiting = select.poll()
    waiting.register(application, select.POLLIN)
    while not done() and application.fileno() >= 0:
        assert waiting.poll(PATIENCE_MS), "nothing happens"
        application.attend()


def ended(application: Application) -> Application:
    """The same, once it has ended by itself."""
    attend_until(application, lambda: False)
    return application


@contextmanager
def nothing_left_behind() -> Iterator[None]:
    """No process and no descriptor more than before."""
    before = child_processes(), descriptors()
    yield
    assert (child_processes(), descriptors()) == before


def child_processes(of: int | None = None) -> list[str]:
    """Of this process, or of another, dead or alive."""
    of = of or os.getpid()
    return Path(f"/proc/{of}/task/{of}/children").read_text().split()


def descriptors() -> int:
    """How many this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())

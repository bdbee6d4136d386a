"""A dock's modules on a machine of this process, and applications run on it."""

from collections.abc import Iterable
from dataclasses import replace
from textwrap import dedent
from typing import Any

from station.domain.entries import Entry, Kind
from station.domain.scenario import Scenario
from station.rehearsal import dialect
from station.rehearsal.sdk.modules import dock_modules
from tests.fakes.machine import EMPTY, FakeMachine

ONLINE_MS = 3_000


def scene(**changes: Any) -> Scenario:
    """The empty bench, changed."""
    return replace(EMPTY, **changes)


def module(name: str, machine: FakeMachine | None = None) -> Any:
    """One module of a dock."""
    return dock_modules(machine or FakeMachine())[name]


def run(
    code: str,
    scenario: Scenario = EMPTY,
    entries: Iterable[Entry] = (),
    *,
    until_ms: float = 0,
    machine: FakeMachine | None = None,
) -> FakeMachine:
    """Run an application, and then what it asked for up to this moment; its machine."""
    machine = machine or FakeMachine(scenario, entries)
    dialect.run(dedent(code).encode(), machine)
    machine.run(until_ms)
    return machine


def value(key: str, text: str) -> Entry:
    """A key-value."""
    return Entry(Kind.KV, key, text.encode())

"""As many docks in one process as `dock run --docks` takes, whatever numbers descriptors have."""

import os
import resource
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from station.adapters.machine import SystemChance, SystemClock
from station.adapters.serial_link.docks import SerialDocks
from station.application.ports import Dock, DockIdentity
from station.dock.main import docks
from station.dock.powered import PoweredDock
from station.dock.settings import Settings
from station.domain.identity import DockId, Serial
from station.domain.profile import Link
from tests.end_to_end.virtual_docks import until
from tests.unit.dock.images import AUTHORITY, PRODUCT, make_profile

DOCKS = 64
SELECT_MAX = 1_024


def settings(folder: Path, number: int) -> Settings:
    return Settings(
        flash=folder / f"dock-{number}.flash",
        port=folder / f"dock-{number}.tty",
        dock_id=DockId(bytes([number]) * 32),
        label=Serial(f"DK7F-{number:05d}"),
        profile=make_profile(rom_bytes=4_096),
        product=PRODUCT,
        authority=AUTHORITY,
    )


@contextmanager
def low_descriptors_taken() -> Iterator[None]:
    """Whatever is opened now has a number that `select` does not take."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (4 * SELECT_MAX, hard))
    taken = [os.open(os.devnull, os.O_RDONLY)]
    try:
        while taken[-1] < SELECT_MAX:
            taken.append(os.dup(taken[0]))
        yield
    finally:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def conversation(dock: PoweredDock) -> Iterator[Dock]:
    until(dock.settings.port.exists)
    with SerialDocks(clock=SystemClock(), chance=SystemChance()).open(
        str(dock.settings.port), Link()
    ) as opened:
        yield opened


def answered(all_docks: tuple[PoweredDock, ...]) -> list[DockIdentity]:
    """What each says of itself, asked while all the others are open, too."""
    with ExitStack() as stack:
        opened = [stack.enter_context(conversation(dock)) for dock in all_docks]
        return [each.identify() for each in opened]


@pytest.mark.parametrize("crowded", [False, True])
def test_every_dock_of_a_full_process_answers_restarts_and_answers(
    tmp_path: Path, crowded: bool
) -> None:
    with ExitStack() as stack:
        if crowded:
            stack.enter_context(low_descriptors_taken())
        all_docks = stack.enter_context(
            docks([settings(tmp_path, number) for number in range(1, DOCKS + 1)], None)
        )
        expected = [dock.settings.dock_id for dock in all_docks]

        assert [each.dock_id for each in answered(all_docks)] == expected
        for dock in all_docks:
            dock.factory_reset()
        assert [each.dock_id for each in answered(all_docks)] == expected

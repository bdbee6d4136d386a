"""The options that say which slots a command serves."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TypeVar

import click

from station.cli.verb import PATH

R = TypeVar("R")


def asks_slots(command: Callable[..., R]) -> Callable[..., R]:
    """Adds ``--port`` (as often as there are slots) and ``--slots``; passes them on as `ports` and
    `slot_map`."""

    @click.option(
        "--port",
        "ports",
        multiple=True,
        metavar="P",
        help="Serial port of a slot, slot 1 first, once per slot; or the slots that were mapped.",
    )
    @click.option("--slots", "slot_map", type=PATH, metavar="MAP", help="Another slot map (YAML).")
    @wraps(command)
    def asking(
        *arguments: object, ports: tuple[str, ...], slot_map: Path | None, **rest: object
    ) -> R:
        if ports and slot_map is not None:
            raise click.UsageError("--port and --slots exclude each other")
        return command(*arguments, ports=ports, slot_map=slot_map, **rest)

    return asking

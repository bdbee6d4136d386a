"""Secrets come from a file, a descriptor or a prompt without echo; never from the command line."""

import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Final, Protocol, TypeVar

import click

from station.cli.verb import PATH
from station.domain.errors import FileUnreadable, KeyRefused
from station.domain.secret import Secret

SECRET_BYTES_MAX: Final = 65_536
"""Longest secret taken from a file or descriptor."""

R = TypeVar("R")


class NamedKey(Protocol):
    """What a prompt says of a key."""

    @property
    def purpose(self) -> str:
        """What it is for."""

    @property
    def holder(self) -> str:
        """Who it was made for."""


class Passphrase:
    """The passphrase of this command: read once, and used for every key it opens."""

    def __init__(self, *, file: Path | None = None, descriptor: int | None = None) -> None:
        self._file = file
        self._descriptor = descriptor
        self._kept: Secret | None = None

    def __call__(self, key: NamedKey) -> Secret:
        """The passphrase that opens `key`. Raises FileUnreadable, KeyRefused."""
        return self._once(f"Passphrase of the {key.purpose} key {key.holder}", twice=False)

    def new(self) -> Secret:
        """The passphrase a new key is to have; a person types it twice."""
        return self._once("New passphrase (12 characters or more)", twice=True)

    def _once(self, prompt: str, *, twice: bool) -> Secret:
        if self._kept is None:
            self._kept = self._read(prompt, twice=twice)
        return self._kept

    def _read(self, prompt: str, *, twice: bool) -> Secret:
        if self._file is not None:
            return read_secret(self._file)
        if self._descriptor is not None:
            return _read_descriptor(self._descriptor, f"descriptor {self._descriptor}")
        if not sys.stdin.isatty():
            raise KeyRefused(
                "a passphrase is needed, and there is no terminal to ask on",
                remedy="Give it with --passphrase-file or --passphrase-fd.",
            )
        typed: str = click.prompt(prompt, hide_input=True, confirmation_prompt=twice, err=True)
        return Secret.from_text(typed)


def asks_passphrase(command: Callable[..., R]) -> Callable[..., R]:
    """Adds the options that say where the passphrase comes from; passes it on as `ask`."""

    @click.option(
        "--passphrase-file", type=PATH, metavar="F", help="Read the passphrase from this file."
    )
    @click.option(
        "--passphrase-fd",
        type=click.IntRange(min=0),
        metavar="N",
        help="Read the passphrase from this open file descriptor.",
    )
    @wraps(command)
    def asking(
        *arguments: object,
        passphrase_file: Path | None,
        passphrase_fd: int | None,
        **options: object,
    ) -> R:
        if passphrase_file is not None and passphrase_fd is not None:
            raise click.UsageError("--passphrase-file and --passphrase-fd exclude each other")
        ask = Passphrase(file=passphrase_file, descriptor=passphrase_fd)
        return command(*arguments, ask=ask, **options)

    return asking


def read_secret(path: Path) -> Secret:
    """The content of a file, without the line end it may close with. Raises FileUnreadable."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except (OSError, ValueError) as error:
        raise _unreadable(str(path), error) from error
    return _read_descriptor(descriptor, str(path))


def _read_descriptor(descriptor: int, name: str) -> Secret:
    """Everything up to its end; the descriptor is closed."""
    buffer = bytearray()
    try:
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            while len(buffer) <= SECRET_BYTES_MAX and (more := file.read(SECRET_BYTES_MAX)):
                buffer += more
    except OSError as error:
        raise _unreadable(name, error) from error
    if buffer[-1:] == b"\n":
        del buffer[-1:]
    if buffer[-1:] == b"\r":
        del buffer[-1:]
    if not 0 < len(buffer) <= SECRET_BYTES_MAX:
        buffer[:] = bytes(len(buffer))
        raise FileUnreadable(
            f"{name}: holds no secret, or more than {SECRET_BYTES_MAX:,} bytes",
            remedy="Put the secret alone into it.",
        )
    return Secret.taking(buffer)


def _unreadable(name: str, error: OSError | ValueError) -> FileUnreadable:
    reason = error.strerror if isinstance(error, OSError) else "not a path"
    return FileUnreadable(f"{name}: {(reason or 'cannot be read').lower()}")

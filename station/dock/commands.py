"""The command channel of a process that is one virtual dock or several: one JSON object per line.

    {"command": "unplug"}          the cable comes out
    {"command": "plug"}            and goes in again: a new port under the same path
    {"command": "factory-reset"}   back to the manufactured state, then a restart
    {"command": "quit"}            the end of the process

With "dock", the label of one dock, only that one is meant; without it, every dock is.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from station.dock.powered import PoweredDock
from station.domain.errors import StationError

LINE_BYTES_MAX: Final = 4_096


class Word(Enum):
    """What may be said on the command channel."""

    UNPLUG = "unplug"
    PLUG = "plug"
    FACTORY_RESET = "factory-reset"
    QUIT = "quit"


@dataclass(frozen=True, slots=True)
class Command:
    """label: of the dock that is meant; None for every dock."""

    word: Word
    label: str | None = None

    @classmethod
    def parse(cls, line: bytes) -> "Command":
        """From a line. Raises ValueError for anything else than is listed above."""
        try:
            said = json.loads(line)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error
        match said:
            case {"command": str(word), **rest} if rest.keys() <= {"dock"}:
                label = rest.get("dock")
                if label is None or isinstance(label, str):
                    return cls(Word(word), label)
        raise ValueError("not a command")


_DO: Final[dict[Word, Callable[[PoweredDock], None]]] = {
    Word.UNPLUG: PoweredDock.unplug,
    Word.PLUG: PoweredDock.plug,
    Word.FACTORY_RESET: PoweredDock.factory_reset,
    Word.QUIT: PoweredDock.end,
}


class CommandChannel:
    """descriptor: where the lines come from. complain: told of every line that was no command, or
    could not be carried out.
    """

    def __init__(self, descriptor: int, complain: Callable[[str], object]) -> None:
        self._descriptor = descriptor
        self._complain = complain
        self._text = b""

    def fileno(self) -> int:
        """The descriptor to wait on."""
        return self._descriptor

    def obey(self, docks: Sequence[PoweredDock]) -> bool:
        """Read once, and do what is said; whether more may come."""
        said = os.read(self._descriptor, LINE_BYTES_MAX)
        *lines, rest = (self._text + said).split(b"\n")
        self._text = rest[:LINE_BYTES_MAX]
        for command in self._commands(lines):
            for dock in docks:
                if command.label in {None, dock.settings.label.text}:
                    self._do(command.word, dock)
        return bool(said)

    def _do(self, word: Word, dock: PoweredDock) -> None:
        try:
            _DO[word](dock)
        except StationError as error:
            self._complain(f"{word.value}: {dock.settings.label}: {error.cause}\n")

    def _commands(self, lines: Sequence[bytes]) -> Iterator[Command]:
        for line in lines:
            try:
                yield Command.parse(line)
            except ValueError:
                self._complain(f"no command: {line[:80]!r}\n")
